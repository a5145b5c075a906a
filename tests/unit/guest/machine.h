/* SPDX-License-Identifier: MIT */
/*
 * A machine for the guest runtime: memory between guards, a clock that the test
 * turns, and an interrupt that comes when the test wants it. And the books: a
 * reader's view of the ring, held against what was emitted.
 */
#ifndef TRACKWAY_TESTS_GUEST_MACHINE_H
#define TRACKWAY_TESTS_GUEST_MACHINE_H

#include "../../../src/ring/ring-read.h"
#include "../../../src/schema/decode.h"

#include "trace-guest.h"

#define LANES (TW_GUEST_CPUS * TW_GUEST_LEVELS)

/* As in src/ring/ring-write.h, which is inside of the guest's one file. */
extern void (*tw_testpoint_hook)(unsigned at);
#define TESTPOINTS 9u
extern void (*tw_testpoint_halves)(void);

struct machine {
	uint32_t cpu;
	uint64_t clock; /* what it shows next */
	uint64_t step;	/* ticks that each look at it takes */
	bool masked;	/* interrupts are off */
	/* Called at each look at the clock, when interrupts are on. */
	void (*interrupt)(void);
	/* The same, whatever is masked: what a host does meanwhile. */
	void (*host)(void);
	uint8_t *memory;
	size_t size;
	uint8_t *mapping;
	size_t mapping_size;
};
extern struct machine machine;

/* Memory of size bytes, filled with 0xa5, that ends at a guard; aligned. */
void machine_create(size_t size);
void machine_destroy(void);

/* Start with the one group, all events on, or end the test. */
void machine_start(uint32_t mode, uint32_t flags);

/* A reader of the ring, or the test ends. */
void machine_open(struct tw_ring_reader *reader);

/* What the ring says and holds. */
struct books {
	uint64_t written;
	uint64_t discarded; /* no-lane ones included */
	uint64_t no_lane;
	uint64_t read; /* events decoded in this reading */
	uint64_t pages;
	struct tw_ring_lane lane[LANES];
};

/*
 * Read every page, and check what can be: each event is one that was declared,
 * in the order of time, as many as the page says. visit (or NULL) is called for
 * each. release: give full pages back.
 */
typedef void visit_event(const struct tw_page_view *page,
			 const struct tw_decoded *event, void *context);
void books_read(struct books *books, bool release, visit_event *visit,
		void *context);

/* An event's fields by its format, in a string that the next call replaces. */
const char *event_text(const struct tw_decoded *event);

#endif
