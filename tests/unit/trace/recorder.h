/* SPDX-License-Identifier: MIT */
/* Recording a fixture's ring, as the tests of writing and reading need it. */
#ifndef TESTS_TRACE_RECORDER_H
#define TESTS_TRACE_RECORDER_H

#include "../../../src/trace/ctf.h"
#include "../../../src/trace/drain.h"
#include "fixture.h"

struct recorder {
	char directory[128]; /* the trace's; in the fixture's */
	struct tw_attach *attach;
	struct tw_drain *drain;
	struct tw_timebase timebase;
	struct tw_ctf *ctf;
};

/* Begin to record the ring at path (NULL: the fixture's). Aborts on errors. */
void recorder_create(struct recorder *r, struct fixture *f, const char *path,
		     const char *name, const struct tw_drain_options *options);
/* A pass. Returns tw_drain_pass()'s result. */
int64_t recorder_pass(struct recorder *r);
/* The last pass, final metadata, and all is closed. */
void recorder_finish(struct recorder *r);
/* Close without any of that, as a kill would. */
void recorder_kill(struct recorder *r);

/* A path in the producer's subdirectory. */
const char *recorder_path(const struct recorder *r, char *path, size_t size,
			  const char *name);

#endif
