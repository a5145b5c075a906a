/* SPDX-License-Identifier: MIT */
/*
 * Other tracers' events as producers of a trace (docs/foreign.md): a target
 * that begins with "qemu-log:" (a log of QEMU's log backend), "simpletrace:"
 * (a file of its simple backend) or "ctf:" (a directory with CTF traces, such
 * as LTTng writes).
 */
#ifndef TRACKWAY_TRACE_FOREIGN_H
#define TRACKWAY_TRACE_FOREIGN_H

#include "read.h"

/* Where QEMU's packages put what its log and its files are read by. */
#define TW_FOREIGN_EVENTS "/usr/share/qemu/trace-events-all"

struct tw_foreign_options {
	/* trace-events files; a name that is in several is the first's. None:
	 * TW_FOREIGN_EVENTS. A target that ends in ",events=FILE" has its own
	 * instead. */
	const char *const *events;
	size_t events_count;
	bool follow; /* a log grows */
	bool now;    /* begin at its end */
};

/* Whether a target is one of these. */
bool tw_foreign_is_spec(const char *target);

/* Whether it is one that trace-events files are for. */
bool tw_foreign_wants_events(const char *target);

/* Add it. One with several traces in it becomes several producers. */
int tw_trace_add_foreign(struct tw_trace *trace, const char *target,
			 const struct tw_foreign_options *options,
			 struct tw_attach_error *error);

#endif
