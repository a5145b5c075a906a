/* SPDX-License-Identifier: MIT */
/*
 * Events that prove themselves, and the books that are kept of them.
 *
 * Each event holds its lane, its number among those written in the lane, and a
 * checksum over both and a filler of varying length. Since a page says how many
 * events came before it, one copied page can be judged alone: its events must
 * be numbered from there on, without a gap. The books are the writers' own and
 * share nothing with the ring, so what the ring counts can be held against
 * them.
 */
#ifndef TRACKWAY_TESTS_LOAD_H
#define TRACKWAY_TESTS_LOAD_H

#include "../../../src/ring/ring-read.h"
#include "../../../src/ring/ring-write.h"

#include <stdbool.h>

#define LOAD_LANES 8
#define LOAD_EVENTS_MAX 400000u /* a lane */

/* What writers have done, in memory that a parent of theirs may share. A
 * lane's counts are its writer's alone. */
struct load {
	uint64_t clock;
	uint64_t written[LOAD_LANES];
	uint64_t discarded[LOAD_LANES];
	uint64_t no_lane;
};

struct load *load_create(void);
void load_destroy(struct load *load);

/* Write the lane's next event, turning the page where it is full. On failure
 * the event is discarded and counted. */
enum tw_turn load_emit(struct load *load, struct tw_ring *ring,
		       struct tw_writer *writer);

/* Write until the writer has turned its page so many times. */
void load_fill_pages(struct load *load, struct tw_ring *ring,
		     struct tw_writer *writer, uint32_t pages);

/* Bytes that an event of this number takes, its first word included. */
size_t load_event_size(uint64_t number);

/* Why a copied page is not what writers wrote, or NULL. */
const char *load_check_page(const struct tw_ring_reader *reader,
			    const void *bytes, const struct tw_page_view *view);

/* Events of a sound page of this machine's byte order into the other. */
void load_swap_events(struct tw_page *page);

/* How far a page had come. */
struct seen_part {
	uint32_t ticket;
	uint32_t size;
	uint64_t time_end;
};

/* What one reader has seen. */
struct seen {
	uint64_t events[LOAD_LANES];	/* distinct ones */
	uint64_t known[LOAD_LANES];	/* written, says the ring */
	uint64_t discarded[LOAD_LANES]; /* says the ring */
	uint64_t again;			/* pages that were taken meanwhile */
	uint64_t pages;			/* copies */
	bool release;			/* give full pages back */
	uint8_t *bits[LOAD_LANES];
	void *page;		 /* a buffer */
	struct seen_part *parts; /* of each page, as last copied */
	uint32_t lanes;
};

void seen_create(struct seen *seen, const struct tw_ring_reader *reader);
void seen_destroy(struct seen *seen);

/* Copy every page that can be had, check it and take note. NULL, or what is
 * wrong. */
const char *seen_read(struct seen *seen, struct tw_ring_reader *reader);

/* The same for one page. */
const char *seen_read_page(struct seen *seen, struct tw_ring_reader *reader,
			   uint32_t index);

/* Take note of what another has seen. */
void seen_merge(struct seen *seen, const struct seen *other);

/* Copy every page, and then take note of the lane table. */
const char *seen_read_all(struct seen *seen, struct tw_ring_reader *reader);

/*
 * Read the ring a last time and hold what it says against the books: every
 * event written or discarded must be counted, none twice.
 */
const char *seen_finish(struct seen *seen, struct tw_ring_reader *reader,
			const struct load *load);

/* How many of the events written nobody has seen. */
uint64_t seen_lost(const struct seen *seen, const struct load *load);

#endif
