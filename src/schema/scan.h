/* SPDX-License-Identifier: MIT */
/*
 * What format.h does, undone: from a message that printf has written with an
 * event's format back to the event's packed fields.
 *
 * Several values can make the same message ("%s%s"). Those that are found are
 * some that do: format.h makes of them the very message that they came from,
 * which is checked for every one. A message of which that can't be said doesn't
 * fit.
 */
#ifndef TRACKWAY_SCHEMA_SCAN_H
#define TRACKWAY_SCHEMA_SCAN_H

#include "format.h"

struct tw_scan;

/*
 * Compile an event whose fields all have their sizes. *scan is freed with
 * tw_scan_destroy(). 0; -ENOTSUP: messages don't hold all of its fields (some
 * are not in the format, or there is none); -ENOMEM. event must outlive it.
 */
int tw_scan_compile(const struct tw_event_desc *event, struct tw_scan **scan);
void tw_scan_destroy(struct tw_scan *scan);

/* How many newlines there are in the format: a message is as many lines. */
uint32_t tw_scan_newlines(const struct tw_scan *scan);

/*
 * Append the packed fields, of this machine's byte order, that the message of
 * size bytes was made of. A width or a precision that was given as an argument
 * ("%*d") is taken as the length of what it made. 1; 0: the message doesn't
 * fit, or it would take too long to say; -ENOMEM.
 */
int tw_scan_run(struct tw_scan *scan, const char *message, size_t size,
		struct tw_text *fields);

#endif
