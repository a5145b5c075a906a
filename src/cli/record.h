/* SPDX-License-Identifier: MIT */
/* What `trackway record` is asked to do: its arguments, for those who do it. */
#ifndef TRACKWAY_CLI_RECORD_H
#define TRACKWAY_CLI_RECORD_H

#include "cli.h"

struct tw_record_request {
	const char *directory;
	struct tw_words patterns;
	struct tw_words targets;
	char **command; /* NULL: none */
	bool history;
	uint64_t seconds; /* 0: no limit */
	uint64_t ring_size;
	const char *mode;
	const char *schema;
	struct tw_words events; /* files */
	bool follow;
};

/* Do it, until it is over. Returns enum tw_exit, or a command's status. */
int tw_record_run(const struct tw_record_request *request);

#endif
