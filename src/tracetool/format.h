/* SPDX-License-Identifier: MIT */
/*
 * What a format is: the kind of file to generate. A format-NAME.c holds one,
 * and the table in format.c lists it.
 */
#ifndef TRACKWAY_TRACETOOL_FORMAT_H
#define TRACKWAY_TRACETOOL_FORMAT_H

#include "job.h"
#include "output.h"

struct tw_tool_format {
	const char *name;
	const char *brief; /* one line, for --help */
	bool needs_backends;
	/* Of SystemTap: what its probes are called, and the program that has
	 * them. */
	bool needs_prefix;
	bool needs_binary;
	/* Write the whole file. Failures are kept in out. */
	void (*generate)(struct tw_output *out, const struct tw_job *job);
};

extern const struct tw_tool_format tw_format_c;
extern const struct tw_tool_format tw_format_ctf;
extern const struct tw_tool_format tw_format_d;
extern const struct tw_tool_format tw_format_events;
extern const struct tw_tool_format tw_format_guest;
extern const struct tw_tool_format tw_format_guest_h;
extern const struct tw_tool_format tw_format_h;
extern const struct tw_tool_format tw_format_log_stap;
extern const struct tw_tool_format tw_format_simpletrace_stap;
extern const struct tw_tool_format tw_format_stap;
extern const struct tw_tool_format tw_format_ust_events_c;
extern const struct tw_tool_format tw_format_ust_events_h;

/* Every format, by name, and NULL. */
extern const struct tw_tool_format *const tw_tool_formats[];

/* The format of this name, or NULL. */
const struct tw_tool_format *tw_tool_format_find(const char *name);

#endif
