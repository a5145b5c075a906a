/* SPDX-License-Identifier: MIT */
/* Reading all of another tracer's file, and checking all that is read. */
#ifndef TRACKWAY_FUZZ_FOREIGN_WALK_H
#define TRACKWAY_FUZZ_FOREIGN_WALK_H

#include "../src/trace/foreign.h"

/* A file in memory, with a path. */
struct fuzz_file {
	int fd;
	char path[32];
};

/* What was read. The sum is of all events, in whatever order. */
struct fuzz_told {
	uint64_t events;
	uint64_t lost;
	uint64_t sum;
};

struct fuzz_file fuzz_file_create(const uint8_t *data, size_t size);
void fuzz_file_append(const struct fuzz_file *file, const uint8_t *data,
		      size_t size);
void fuzz_file_destroy(const struct fuzz_file *file);

/* A trace of this one file; NULL: it is none. Its events are of all kinds. */
struct tw_trace *fuzz_foreign_open(const char *prefix,
				   const struct fuzz_file *file, bool follow);

/* Every record there is for now; finish: to the end. fn, if there is one, is
 * given each. */
typedef void (*fuzz_record_fn)(void *context, const struct tw_record *record);
void fuzz_foreign_tell(struct tw_trace *trace, bool finish,
		       struct fuzz_told *told, fuzz_record_fn fn,
		       void *context);

#endif
