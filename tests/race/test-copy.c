/* SPDX-License-Identifier: MIT */
/*
 * A reader is in the middle of copying a page, and the page's fate goes on: it
 * grows, is closed, taken by another writer and filled again, or its next
 * writer stops half-way. The copy is right, or it is said to be none.
 *
 * The reader gets at the ring through a callback that lets writers run before
 * the first, the second ... of its reads, and in the middle of a long one.
 */
#include "victim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOVES_MAX 20 /* more than any copy has */

struct world {
	struct fixture f;
	struct load *load;
	struct tw_ring_reader reader;
	struct tw_writer writer;
	struct victim *victim;
	uint64_t page[512 / 8];
	struct tw_page_view view;
	/* The interruption: before which of the reader's moves, and what. */
	uint32_t moves_left;
	bool interrupted;
	void (*interrupt)(struct world *w);
	enum tw_testpoint point;
};

static void move(struct world *w)
{
	if (w->interrupted || w->moves_left--)
		return;
	w->interrupted = true;
	w->interrupt(w);
}

/* Two moves for what is long enough to be torn. */
static int read_interrupted(void *context, uint64_t offset, void *to,
			    size_t size)
{
	struct world *w = context;
	const size_t half = size > 8 ? size / 16 * 8 : size;

	move(w);
	memcpy(to, w->f.memory + offset, half);
	if (half < size) {
		move(w);
		memcpy((uint8_t *)to + half, w->f.memory + offset + half,
		       size - half);
	}
	return 0;
}

static void work_steadily(struct victim *victim)
{
	if (!victim->attached &&
	    tw_writer_attach(victim->ring, &victim->writer, 1, 0))
		return;
	victim->attached = true;
	load_fill_pages(victim->load, victim->ring, &victim->writer, 1);
}

static void work_briefly(struct victim *victim)
{
	if (tw_writer_attach(victim->ring, &victim->writer, 1, 0))
		return;
	load_emit(victim->load, victim->ring, &victim->writer);
	tw_writer_detach(victim->ring, &victim->writer);
}

static void world_create(struct world *w)
{
	struct tw_memory memory;

	memset(w, 0, sizeof(*w));
	fixture_create(&w->f, &fixture_small, TW_RING_OVERWRITE);
	w->load = load_create();
	w->victim = victim_create(&w->f.ring, w->load, work_steadily);
	assert_int_equal(tw_writer_attach(&w->f.ring, &w->writer, 2, 0), 0);
	fixture_memory(&w->f, FIXTURE_CALLBACKS, &memory);
	assert_int_equal(tw_ring_open(&w->reader, &memory), 0);
	w->reader.memory.context = w;
	w->reader.memory.read = read_interrupted;
	w->interrupted = true;
	w->point = TW_AT_COUNT;
}

static void world_destroy(struct world *w)
{
	victim_destroy(w->victim);
	load_destroy(w->load);
	fixture_destroy(&w->f);
}

static uint32_t state_word(const struct world *w, uint32_t index)
{
	return tw_ring_trailer(&w->f.ring, index)->state;
}

static void complain(const struct world *w, uint32_t index, uint32_t moves,
		     const char *why)
{
	fail_msg("%s (page %u, before move %u, point %s)", why, index, moves,
		 w->point < TW_AT_COUNT ? victim_point_name(w->point) : "none");
}

/* Copy a page, interrupted before that move if there are so many, and judge
 * the result. Returns whether there is a copy. */
static bool copy_interrupted(struct world *w, uint32_t index, uint32_t moves,
			     void (*interrupt)(struct world *w))
{
	const uint32_t before = state_word(w, index);
	const char *why = NULL;
	uint32_t after;
	int error;

	w->interrupt = interrupt;
	w->moves_left = moves;
	w->interrupted = false;
	error = tw_ring_page_copy(&w->reader, index, w->page, &w->view);
	after = state_word(w, index);
	if (!error)
		why = load_check_page(&w->reader, w->page, &w->view);
	else if (error != -EAGAIN)
		why = w->reader.why;
	else if (before >> TW_PAGE_TICKET_SHIFT ==
			 after >> TW_PAGE_TICKET_SHIFT &&
		 (before & TW_PAGE_OPEN)) /* or full: that bit is set too */
		why = "refused, and nobody had taken the page";
	if (why)
		complain(w, index, moves, why);
	return !error;
}

/* ---- What writers do meanwhile ---- */

static void nothing(struct world *w)
{
}

static void one_event(struct world *w)
{
	load_emit(w->load, &w->f.ring, &w->writer);
}

static void a_discarded_event(struct world *w)
{
	tw_writer_discard(&w->f.ring, &w->writer);
}

static void a_page(struct world *w)
{
	load_fill_pages(w->load, &w->f.ring, &w->writer, 1);
}

static void a_close(struct world *w)
{
	tw_writer_close(&w->f.ring, &w->writer);
}

static void another_thread(struct world *w)
{
	tw_writer_detach(&w->f.ring, &w->writer);
	if (tw_writer_attach(&w->f.ring, &w->writer, 3, 0))
		abort();
	one_event(w);
}

static void a_lap_less_one(struct world *w)
{
	load_fill_pages(w->load, &w->f.ring, &w->writer, 3);
}

static void a_lap(struct world *w)
{
	load_fill_pages(w->load, &w->f.ring, &w->writer, 4);
}

/* The page is this lane's again, and as long as it was. */
static void many_laps(struct world *w)
{
	load_fill_pages(w->load, &w->f.ring, &w->writer, 7 * 4);
}

static void a_lap_and_a_bit(struct world *w)
{
	a_lap(w);
	tw_writer_close(&w->f.ring, &w->writer);
	one_event(w);
}

static const struct {
	void (*interrupt)(struct world *w);
	bool takes_pages; /* some copies must be refused */
} interrupts[] = {
	{nothing, false},	 {one_event, false}, {a_discarded_event, false},
	{a_page, true},		 {a_close, false},   {another_thread, true},
	{a_lap_less_one, true},	 {a_lap, true},	     {many_laps, true},
	{a_lap_and_a_bit, true},
};

static void writers_run_in_the_middle_of_a_copy(void **state)
{
	uint32_t index, moves, i, copied, refused;
	struct world w;

	for (i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++) {
		copied = refused = 0;
		for (index = 0; index < 4; index++) {
			moves = 0;
			do {
				world_create(&w);
				/* Three full pages, one open. */
				load_fill_pages(w.load, &w.f.ring, &w.writer,
						3);
				one_event(&w);
				if (copy_interrupted(&w, index, moves,
						     interrupts[i].interrupt))
					copied++;
				else
					refused++;
				world_destroy(&w);
			} while (w.interrupted && moves++ < MOVES_MAX);
			assert_in_range(moves, 4, MOVES_MAX);
		}
		assert_true(copied > 0);
		if ((refused > 0) != interrupts[i].takes_pages)
			fail_msg("interruption %u: %u copied, %u refused", i,
				 copied, refused);
	}
}

/* ---- A writer that stops half-way, meanwhile ---- */

static void the_victim_stops(struct world *w)
{
	if (!victim_run_until(w->victim, w->point, 0, NULL, NULL))
		fail_msg("%s: the victim never gets there",
			 victim_point_name(w->point));
}

static void stop_in_the_middle(enum tw_testpoint point, uint32_t index,
			       void (*work)(struct victim *victim))
{
	uint32_t moves = 0;
	struct world w;

	do {
		world_create(&w);
		w.point = point;
		w.victim->work = work;
		/* Once round, so that the next page taken is a full one. */
		a_lap(&w);
		tw_writer_close(&w.f.ring, &w.writer);
		copy_interrupted(&w, index, moves, the_victim_stops);
		/* And again, while it stands there. */
		if (w.interrupted)
			copy_interrupted(&w, index, MOVES_MAX, nothing);
		else
			moves = MOVES_MAX;
		victim_go_on(w.victim);
		world_destroy(&w);
	} while (moves++ < MOVES_MAX);
}

static void a_writer_stops_in_the_middle_of_a_copy(void **state)
{
	enum tw_testpoint point;
	uint32_t index;

	for (point = 0; point < TW_AT_COUNT; point++)
		for (index = 0; index < 4; index++) {
			stop_in_the_middle(point, index, work_briefly);
			if (point != TW_AT_ATTACH_USED &&
			    point != TW_AT_DETACH_IDLE)
				stop_in_the_middle(point, index, work_steadily);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writers_run_in_the_middle_of_a_copy),
		cmocka_unit_test(a_writer_stops_in_the_middle_of_a_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
