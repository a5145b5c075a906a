/* SPDX-License-Identifier: MIT */
/*
 * What "trace-file" does: the recording of a monitor, its file, and how that
 * goes on and off. client.h has the monitor's part of it.
 */
#ifndef TRACKWAY_MONITOR_TRACE_FILE_H
#define TRACKWAY_MONITOR_TRACE_FILE_H

#include "../attach/attach.h"

struct tw_monitor;
struct tw_recorder;

/* All zero at first. */
struct tw_trace_file {
	char *path; /* NULL: the default's */
	/* It was recorded into: to record again is to go on behind that. */
	bool is_begun;
	struct tw_recorder *recorder; /* NULL: off */
	pid_t pid; /* whose all this is: a child that was forked has none */
	/* Why the last recording ended, if not by a command; or what was wrong
	 * with it. Empty: nothing. */
	struct tw_attach_error failure;
	char default_path[32];
};

struct tw_trace_file_status {
	const char *path;
	bool is_on;
	bool is_directory;   /* or will be one: CTF */
	const char *failure; /* NULL: none */
};

/* As of now; good until the next call of a function here. */
void tw_trace_file_status(struct tw_monitor *monitor,
			  struct tw_trace_file_status *status);

/* Whether it is one of those below. */
bool tw_trace_file_is_op(const char *op);

/*
 * Do what op says: "on", "off", "flush", or "set", which alone may have a path;
 * NULL is none. 0, or an error with one line: one that ended the recording
 * since the last command is told by the next one, which does nothing else then.
 */
int tw_trace_file_do(struct tw_monitor *monitor, const char *op,
		     const char *path, struct tw_attach_error *error);

/* Another ring has come in a target's place, as a guest's reset does it: if
 * there is a recording, it gets that as well. */
void tw_trace_file_replace(struct tw_monitor *monitor, size_t target);

/* The monitor is about to be destroyed. */
void tw_trace_file_end(struct tw_monitor *monitor);

#endif
