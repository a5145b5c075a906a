/* SPDX-License-Identifier: MIT */
/*
 * Inside of reading: events of CTF traces, as libbabeltrace2 has them, in our
 * form. Structures become fields of their own ("a_b"), integers, floats and
 * strings are what they are, enumerations integers with names where those are
 * identifiers of single values; everything else becomes text. What is behind
 * an event's first nine fields, if there are more than ten, is one text too.
 */
#ifndef TRACKWAY_TRACE_CTF_FIELDS_H
#define TRACKWAY_TRACE_CTF_FIELDS_H

#include "read-foreign.h"

#include <babeltrace2/babeltrace.h>

struct tw_ctf_class;

/*
 * Declare the event's class. NULL: no memory, or (with *error -E2BIG) too many
 * classes.
 */
struct tw_ctf_class *tw_ctf_class_create(struct tw_foreign *foreign,
					 const bt_event *event, int *error);
void tw_ctf_class_destroy(struct tw_ctf_class *class);

/* Give an event of this class. *cut: one of its texts was too long. 0 or an
 * error. */
int tw_ctf_class_put(struct tw_foreign *foreign, struct tw_ctf_class *class,
		     const bt_event *event, uint64_t time_ns, bool *cut);

#endif
