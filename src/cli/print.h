/* SPDX-License-Identifier: MIT */
/* What `trackway print` is asked to do: its arguments, for those who do it. */
#ifndef TRACKWAY_CLI_PRINT_H
#define TRACKWAY_CLI_PRINT_H

#include "cli.h"

enum tw_print_time {
	TW_PRINT_LOCAL,
	TW_PRINT_UTC,
	TW_PRINT_RELATIVE, /* since the first event printed */
	TW_PRINT_DELTA,	   /* since the last event printed */
};

struct tw_print_request {
	struct tw_words targets;
	struct tw_words patterns;
	bool follow;
	bool history;
	bool json;
	bool bounds;
	uint64_t hold_ms;
	enum tw_print_time time;
	const char *schema;
	struct tw_words events; /* files */
	uint64_t limit;		/* events */
};

/* Do it, until it is over. Returns enum tw_exit. */
int tw_print_run(const struct tw_print_request *request);

#endif
