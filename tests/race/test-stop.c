/* SPDX-License-Identifier: MIT */
/*
 * One writer stops at a testpoint and stays there. The others go round the ring
 * several times, a reader reads all along; then the one goes on. Nobody may
 * read what nobody wrote, nobody may be held up, and in the end each event is
 * accounted for.
 */
#include "victim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define OTHERS 2

struct world {
	struct fixture f;
	struct load *load;
	struct tw_ring_reader reader;
	struct seen seen;
	struct victim *victim;
	struct tw_writer others[OTHERS];
	uint32_t tickets[4];
	const char *where; /* for messages */
};

/* Fills its page and takes the next one, time and again. */
static void work_steadily(struct victim *victim)
{
	uint32_t i;

	if (!victim->attached &&
	    tw_writer_attach(victim->ring, &victim->writer, 1, 0))
		return;
	victim->attached = true;
	for (i = 0; i < 5; i++)
		load_emit(victim->load, victim->ring, &victim->writer);
}

/* As threads that come and go do. */
static void work_briefly(struct victim *victim)
{
	if (tw_writer_attach(victim->ring, &victim->writer, 1, 0))
		return;
	load_emit(victim->load, victim->ring, &victim->writer);
	load_emit(victim->load, victim->ring, &victim->writer);
	tw_writer_detach(victim->ring, &victim->writer);
}

static void world_create(struct world *w, enum tw_ring_mode mode,
			 void (*work)(struct victim *victim))
{
	uint32_t i;

	memset(w, 0, sizeof(*w));
	fixture_create(&w->f, &fixture_small, mode);
	w->load = load_create();
	fixture_open(&w->f, FIXTURE_MAPPED, &w->reader);
	seen_create(&w->seen, &w->reader);
	w->seen.release = mode != TW_RING_OVERWRITE;
	for (i = 0; i < OTHERS; i++)
		assert_int_equal(
			tw_writer_attach(&w->f.ring, &w->others[i], 10 + i, 0),
			0);
	w->victim = victim_create(&w->f.ring, w->load, work);
}

static void world_destroy(struct world *w)
{
	victim_destroy(w->victim);
	seen_destroy(&w->seen);
	load_destroy(w->load);
	fixture_destroy(&w->f);
}

static void check(const struct world *w, const char *why)
{
	if (why)
		fail_msg("%s: %s", w->where, why);
}

/* Tickets only grow; only who stands in between may have a page claimed. */
static void check_states(struct world *w, bool may_claim)
{
	uint32_t i, word, claimed = 0, open = 0;

	for (i = 0; i < w->f.ring.page_count; i++) {
		assert_int_equal(tw_ring_page_state(&w->reader, i, &word), 0);
		if (word >> TW_PAGE_TICKET_SHIFT < w->tickets[i])
			check(w, "a page's ticket went back");
		w->tickets[i] = word >> TW_PAGE_TICKET_SHIFT;
		word &= TW_PAGE_STATE_MASK;
		claimed += word == TW_PAGE_CLAIMED ? 1 : 0;
		open += word == TW_PAGE_OPEN ? 1 : 0;
	}
	if (claimed > (may_claim ? 1 : 0))
		check(w, "a page is claimed by nobody");
	if (open > OTHERS + 1)
		check(w, "more pages are open than there are writers");
}

/* The others, four laps and more of events, and the reader in between. */
static void others_go_round(struct world *w, bool may_claim)
{
	uint64_t before, turns;
	uint32_t i;

	before = w->f.ring.control->head;
	for (i = 0; i < 300; i++) {
		load_emit(w->load, &w->f.ring, &w->others[i % 5 % OTHERS]);
		if (i % 4)
			continue;
		check(w, seen_read(&w->seen, &w->reader));
		check_states(w, may_claim);
	}
	turns = w->f.ring.control->head - before;
	if (turns < 4 * w->f.ring.page_count)
		check(w, "the others did not get on");
}

/* Without a reader there is soon no page to be had. */
static void read_on(void *context)
{
	struct world *w = context;

	check(w, seen_read(&w->seen, &w->reader));
}

static bool is_between_claim_and_open(enum tw_testpoint point)
{
	return point == TW_AT_TURN_CLAIMED || point == TW_AT_TURN_HEADER ||
	       point == TW_AT_TURN_ENTRY;
}

static void stop_at(enum tw_testpoint point, uint32_t passes,
		    enum tw_ring_mode mode, void (*work)(struct victim *victim))
{
	const bool may_claim = is_between_claim_and_open(point);
	struct world w;
	uint32_t i;

	world_create(&w, mode, work);
	w.where = victim_point_name(point);
	others_go_round(&w, false);
	for (i = 0; i < 3; i++) {
		if (!victim_run_until(w.victim, point, passes, read_on, &w))
			check(&w, "the victim never gets there");
		others_go_round(&w, may_claim);
		victim_go_on(w.victim);
		others_go_round(&w, false);
	}
	check(&w, seen_finish(&w.seen, &w.reader, w.load));
	/* Three writers, four pages: there is always one to be had. */
	for (i = 0; i < w.f.layout.lane_count; i++)
		if (mode == TW_RING_OVERWRITE && w.load->discarded[i])
			check(&w, "events were discarded");
	/* Unread pages are kept, so everything was read. */
	if (mode != TW_RING_OVERWRITE && seen_lost(&w.seen, w.load))
		check(&w, "events were lost in a mode that keeps them");
	world_destroy(&w);
}

static void stop_everywhere(enum tw_ring_mode mode)
{
	enum tw_testpoint point;
	uint32_t passes;

	for (point = 0; point < TW_AT_COUNT; point++)
		for (passes = 0; passes < 4; passes++) {
			if (point != TW_AT_ATTACH_USED &&
			    point != TW_AT_DETACH_IDLE)
				stop_at(point, passes, mode, work_steadily);
			stop_at(point, passes, mode, work_briefly);
		}
}

static void a_writer_that_stops_in_overwrite_mode(void **state)
{
	stop_everywhere(TW_RING_OVERWRITE);
}

static void a_writer_that_stops_in_discard_mode(void **state)
{
	stop_everywhere(TW_RING_DISCARD);
}

static void a_writer_that_stops_in_block_mode(void **state)
{
	stop_everywhere(TW_RING_BLOCK);
}

/*
 * With a ticket, but not yet the page: others go round and have that page. The
 * late writer has to see it and take another.
 */
static void a_ticket_that_came_to_nothing(void **state)
{
	struct tw_ring_lane lane;
	struct world w;

	world_create(&w, TW_RING_OVERWRITE, work_steadily);
	w.where = "TW_AT_TURN_TICKET";
	assert_true(
		victim_run_until(w.victim, TW_AT_TURN_TICKET, 0, NULL, NULL));
	others_go_round(&w, false);
	victim_go_on(w.victim);
	assert_int_equal(
		tw_ring_read_lane(&w.reader, w.victim->writer.lane, &lane), 0);
	assert_in_range(lane.page, 1, 4);
	check_states(&w, false);
	check(&w, seen_finish(&w.seen, &w.reader, w.load));
	world_destroy(&w);
}

/* Readers wait for nobody: what a stopped writer has committed is there. */
static void a_stopped_writers_events_are_read(void **state)
{
	enum tw_testpoint point;
	struct world w;

	for (point = 0; point < TW_AT_COUNT; point++) {
		world_create(&w, TW_RING_OVERWRITE, work_briefly);
		w.where = victim_point_name(point);
		assert_true(victim_run_until(w.victim, point, 1, NULL, NULL));
		check(&w, seen_finish(&w.seen, &w.reader, w.load));
		if (seen_lost(&w.seen, w.load))
			check(&w, "an event can't be read");
		victim_go_on(w.victim);
		world_destroy(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_writer_that_stops_in_overwrite_mode),
		cmocka_unit_test(a_writer_that_stops_in_discard_mode),
		cmocka_unit_test(a_writer_that_stops_in_block_mode),
		cmocka_unit_test(a_ticket_that_came_to_nothing),
		cmocka_unit_test(a_stopped_writers_events_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
