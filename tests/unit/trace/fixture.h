/* SPDX-License-Identifier: MIT */
/*
 * A producer for the tests of src/trace: a ring file in a directory of its own,
 * written by src/ring's writer with a clock that the test moves.
 *
 * Events, from id 0 on, and what fixture_emit() puts into them:
 *	number(uint32_t lane, uint64_t n, void *p)  lane, n, n + 1
 *	words(const char *text, int event, int _x)  "text N", -n, n
 *	nothing(void)
 */
#ifndef TESTS_TRACE_FIXTURE_H
#define TESTS_TRACE_FIXTURE_H

#include "../../../src/attach/attach.h"
#include "../../../src/ring/ring-write.h"

#include <limits.h>

#define FIXTURE_LANES 8
#define FIXTURE_EVENTS 3
#define FIXTURE_CLOCK 5000000000ull	    /* where the clock begins, ns */
#define FIXTURE_REAL 1700000000000000000ull /* CLOCK_REALTIME then */

enum fixture_event {
	EVENT_NUMBER,
	EVENT_WORDS,
	EVENT_NOTHING
};

struct fixture {
	char directory[64];
	char path[128]; /* of the ring file */
	uint8_t *memory;
	size_t size;
	uint64_t heap_used;
	struct tw_ring ring;
	struct tw_ring_layout layout;
	struct tw_writer writers[FIXTURE_LANES];
	uint64_t clock;
	uint64_t written[FIXTURE_LANES];
	uint64_t discarded[FIXTURE_LANES];
};

/* Make one, with its events as its only group. Aborts where it can't. */
void fixture_create(struct fixture *f, uint32_t page_size, uint32_t page_count,
		    enum tw_ring_mode mode);
void fixture_destroy(struct fixture *f);

/* Another group of the same events; returns its id base. */
uint32_t fixture_add_group(struct fixture *f, bool readable);

/*
 * Write event kind (plus id_base) of number n in a lane, a tick after the last
 * one. False: discarded, and counted.
 */
bool fixture_emit_as(struct fixture *f, uint32_t lane, uint32_t id_base,
		     enum fixture_event kind, uint64_t n);
/* The lane's next EVENT_NUMBER: n is how many were written before. */
bool fixture_emit(struct fixture *f, uint32_t lane);

/*
 * What a guest does that is reset and starts anew: another ring in the same
 * memory, of the next generation, with none of the old one's events.
 */
void fixture_reset(struct fixture *f);

/* Say that the producer has ended cleanly. */
void fixture_close(struct fixture *f);

/* The same ring in the other byte order, as a file beside it. */
const char *fixture_write_swapped(struct fixture *f, char *path, size_t size);

/* Open the ring file at path (NULL: the ring's) or end the test. */
struct tw_attach *fixture_attach(struct fixture *f, const char *path);

/* A path in the fixture's directory. */
const char *fixture_path(const struct fixture *f, char *path, size_t size,
			 const char *name);

/* Remove a directory and all in it. */
void remove_tree(const char *path);

#endif
