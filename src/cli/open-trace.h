/* SPDX-License-Identifier: MIT */
/* What print and stat read: targets of all kinds as one trace. */
#ifndef TRACKWAY_CLI_OPEN_TRACE_H
#define TRACKWAY_CLI_OPEN_TRACE_H

#include "../trace/read.h"
#include "cli.h"

struct tw_open_options {
	bool now;     /* of running programs only what comes from now on */
	bool release; /* give pages back to rings that wait for that */
};

/*
 * Open every target: a trace directory, or whatever attach.h knows. Returns
 * enum tw_exit; on TW_EXIT_OK the trace is the caller's. An error has been
 * said.
 */
int tw_open_trace(const struct tw_words *targets,
		  const struct tw_open_options *options,
		  struct tw_trace **trace);

/*
 * Say which patterns (as of tw_names_match()) name no event of the trace.
 * Returns enum tw_exit.
 */
int tw_check_patterns(const struct tw_trace *trace,
		      const struct tw_words *patterns);

/* Say on stderr what could not be read, from warning number *said on. */
void tw_say_warnings(const struct tw_trace *trace, size_t *said);

#endif
