/* SPDX-License-Identifier: MIT */
/* What print and stat read: targets of all kinds as one trace. */
#ifndef TRACKWAY_CLI_OPEN_TRACE_H
#define TRACKWAY_CLI_OPEN_TRACE_H

#include "../trace/read.h"
#include "channels.h"
#include "cli.h"
#include "guests.h"

struct tw_open_options {
	bool now;     /* of running programs only what comes from now on */
	bool release; /* give pages back to rings that wait for that */
	bool wait;    /* a guest whose ring is still to come is no error */
	const char *schema; /* for guests' rings that have none; or NULL */
	const struct tw_words *events; /* for channels and QEMU's files */
	bool follow; /* a channel's file, or a log, may grow */
};

/* What is open. */
struct tw_opened {
	struct tw_trace *trace;
	struct tw_guests *guests;     /* NULL: no target is a guest's memory */
	uint32_t gone_count;	      /* guests' rings that have gone so far */
	struct tw_channels *channels; /* NULL: no target is one */
};

/*
 * Open every target: a trace directory, or whatever attach.h knows. Returns
 * enum tw_exit; on TW_EXIT_OK it is the caller's, for tw_close_trace(). An
 * error has been said.
 */
int tw_open_trace(const struct tw_words *targets,
		  const struct tw_open_options *options,
		  struct tw_opened *opened);
void tw_close_trace(struct tw_opened *opened);

/* Add the rings that have come in guests' memories, if it is time to look. */
int tw_open_more(struct tw_opened *opened,
		 const struct tw_open_options *options);

/*
 * Watch guests for a moment whose clocks' rates are not known, so that there
 * are times to speak of. Returns enum tw_exit.
 */
int tw_settle_clocks(struct tw_opened *opened);

/* Whether rings may still come. */
bool tw_may_open_more(const struct tw_opened *opened);

/*
 * Say which patterns (as of tw_names_match()) name no event of the trace.
 * Returns enum tw_exit.
 */
int tw_check_patterns(const struct tw_trace *trace,
		      const struct tw_words *patterns);

/* Say on stderr what could not be read, from warning number *said on. */
void tw_say_warnings(const struct tw_trace *trace, size_t *said);

#endif
