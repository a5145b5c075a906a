/* SPDX-License-Identifier: MIT */
/*
 * Other tracers' files for the tests of their readers: made, read, and told as
 * text. Aborts where that can't be.
 */
#ifndef TESTS_TRACE_FOREIGN_H
#define TESTS_TRACE_FOREIGN_H

#include "../../../src/trace/foreign.h"

/*
 * What the files tell of:
 *	one(int a, uint64_t b) "a %d b 0x%" PRIx64
 *	two(const char *name, uint8_t x) "'%s' -> %02x"
 *	none(void) ""
 *	half(int a, int b) "a %d"
 *	lines(int a, int b) "first %d\nsecond %d"
 *	data(const uint8_t bytes[4], float f, double g) "%s %g %g"
 */
struct foreign {
	char directory[64];
	char path[96];	 /* of the file */
	char events[96]; /* of the trace-events file */
	struct tw_trace *trace;
	/* What was read so far, a line each: "TIME TID EVENT MESSAGE", or
	 * "TIME TID lost COUNT". */
	char *text;
	size_t text_size;
	uint64_t plus_ns; /* of the last one */
	uint64_t minus_ns;
	bool complete; /* as its producer is */
};

void foreign_create(struct foreign *f);
void foreign_destroy(struct foreign *f);
/* The same as a test's setup and teardown: its state is a struct foreign. */
int foreign_setup(void **state);
int foreign_teardown(void **state);

/* Give the file this content; or add to it. */
void foreign_write(const struct foreign *f, const void *data, size_t size);
void foreign_append(const struct foreign *f, const char *text);

/* Begin to read the file; prefix: "qemu-log:" and the like. */
void foreign_open(struct foreign *f, const char *prefix, bool follow);
/* As much as there is now; finish: to its end. f->text is what is new. */
void foreign_read(struct foreign *f, bool finish);
void foreign_close(struct foreign *f);

/* All three, of a file whose content is to be this. */
void foreign_read_all(struct foreign *f, const char *prefix, const void *data,
		      size_t size);

/* Whether a warning has this in it. */
bool foreign_warned(const struct foreign *f, const char *part);

#endif
