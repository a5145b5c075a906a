/* SPDX-License-Identifier: MIT */
/*
 * A ring that goes while it is drained: its guest is reset and makes another in
 * the same memory, or the memory is cleared, or can't be read any more. At
 * every single read, and in its middle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/schema/decode.h"
#include "../../../src/trace/drain.h"
#include "fixture.h"

#include <errno.h>
#include <string.h>

#define PAGES 8
#define OF_OTHER (UINT64_C(1) << 32) /* in the numbers of the second ring */

enum what {
	RESET,	    /* another ring, with events in it */
	WIPE,	    /* zeros, from the first byte on */
	WIPE_PAGES, /* zeros, but the control block is left */
	UNREADABLE,
	WHATS,
};

/* A ring behind callbacks, and what happens to it at which read. */
struct rig {
	struct fixture f;
	struct tw_attach *attach;
	struct tw_drain *drain;
	enum what what;
	int at_read; /* counts down; negative: nothing happens */
	bool happened;
	uint64_t next[FIXTURE_LANES];
	uint64_t events;
};

static void emit_other(struct fixture *f)
{
	for (uint64_t n = 0; n < 40; n++)
		fixture_emit_as(f, (uint32_t)n % 2, 0, EVENT_NUMBER,
				OF_OTHER + n);
}

static void happen(struct rig *rig)
{
	struct fixture *f = &rig->f;
	const size_t pages = f->layout.pages_offset;

	rig->happened = true;
	if (rig->what == RESET) {
		fixture_reset(f);
		emit_other(f);
	}
	if (rig->what == WIPE)
		memset(f->memory, 0, f->size);
	if (rig->what == WIPE_PAGES)
		memset(f->memory + pages, 0, f->size - pages);
}

static int read_ring(void *context, uint64_t offset, void *to, size_t size)
{
	struct rig *rig = context;
	const size_t first = rig->at_read ? size : size / 2;

	if (rig->happened && rig->what == UNREADABLE)
		return -ESRCH;
	memcpy(to, rig->f.memory + offset, first);
	if (rig->at_read-- == 0)
		happen(rig);
	memcpy((uint8_t *)to + first, rig->f.memory + offset + first,
	       size - first);
	return 0;
}

static void rig_create(struct rig *rig, enum what what)
{
	const struct tw_drain_options options = {.open = true};

	*rig = (struct rig){.what = what, .at_read = -1};
	fixture_create(&rig->f, 512, PAGES, TW_RING_OVERWRITE);
	rig->attach = fixture_attach(&rig->f, NULL);
	rig->attach->ring.memory.base = NULL;
	rig->attach->ring.memory.context = rig;
	rig->attach->ring.memory.read = read_ring;
	assert_int_equal(tw_drain_create(rig->attach, &options, &rig->drain),
			 0);
}

static void rig_destroy(struct rig *rig)
{
	tw_drain_destroy(rig->drain);
	tw_attach_close(rig->attach);
	fixture_destroy(&rig->f);
}

/* Every event is of the first ring, and they come in order. */
static int take(void *context, const struct tw_drain_page *part)
{
	struct rig *rig = context;
	const struct tw_decoder decoder = {rig->attach->lookup,
					   rig->attach->lookup_count, false};
	const uint32_t lane = part->view->lane;
	struct tw_page_walk walk;
	struct tw_decoded event;
	struct tw_value value;
	uint32_t events = 0;
	size_t offset;
	int got;

	tw_page_walk_start(&walk, part->page, part->view->size,
			   part->time_from);
	walk.offset = part->from;
	assert_int_equal(part->events_before, rig->next[lane] + part->lost);
	while ((got = tw_page_walk_next(&walk, &decoder, &event)) == 1) {
		offset = 0;
		tw_fields_value(event.event, 0, event.fields, &offset, false,
				&value);
		assert_int_equal(value.u, lane);
		tw_fields_value(event.event, 1, event.fields, &offset, false,
				&value);
		assert_int_equal(value.u, part->events_before + events++);
	}
	assert_int_equal(got, 0);
	assert_int_equal(events, part->events);
	rig->next[lane] = part->events_before + events;
	rig->events += events;
	return 0;
}

static uint64_t emit(struct rig *rig, int count)
{
	for (int i = 0; i < count; i++)
		fixture_emit(&rig->f, i % 3 == 0);
	return rig->f.written[0] + rig->f.written[1];
}

/* Whatever happens at read number at_read. False: there was no such read. */
static bool happens_at(enum what what, int at_read)
{
	struct tw_drain_totals totals;
	uint64_t written, before;
	struct rig rig;
	bool happened;

	rig_create(&rig, what);
	emit(&rig, 20);
	assert_true(tw_drain_pass(rig.drain, 0, take, &rig) > 0);
	before = rig.events;
	assert_int_equal(before, 20);
	written = emit(&rig, 50);
	rig.at_read = at_read;
	assert_true(tw_drain_pass(rig.drain, 0, take, &rig) >= 0);
	happened = rig.happened;
	rig.at_read = -1;
	if (happened && what != WIPE_PAGES) {
		/* If it was the very last read, the next pass sees it. */
		assert_int_equal(tw_drain_pass(rig.drain, 0, take, &rig), 0);
		assert_true(tw_drain_is_gone(rig.drain));
	}
	assert_true(tw_drain_finish(rig.drain, take, &rig) >= 0);
	tw_drain_totals(rig.drain, &totals);
	assert_int_equal(totals.delivered, rig.events);
	assert_true(totals.delivered + totals.lost <= written);
	if (what != WIPE_PAGES)
		assert_int_equal(totals.broken, 0);
	if (!happened) {
		assert_int_equal(totals.delivered, written);
		assert_false(tw_drain_is_gone(rig.drain));
	}
	rig_destroy(&rig);
	return happened;
}

static void test_at_every_read(void **state)
{
	(void)state;
	for (enum what what = 0; what < WHATS; what++) {
		int at_read = 0;

		while (happens_at(what, at_read))
			at_read++;
		/* Pages, and several reads for each. */
		assert_true(at_read > 3 * PAGES);
	}
}

/* With the lane table remembered, all that was in it is accounted for. */
static void test_counts_are_remembered(void **state)
{
	(void)state;
	for (enum what what = 0; what < WHATS; what++) {
		struct tw_drain_totals totals;
		uint64_t closed = 0;
		struct rig rig;

		if (what == WIPE_PAGES)
			continue;
		rig_create(&rig, what);
		emit(&rig, 20);
		assert_true(tw_drain_pass(rig.drain, 0, take, &rig) > 0);
		emit(&rig, 500);
		for (int i = 0; i < FIXTURE_LANES; i++)
			closed += rig.f.ring.lanes[i].events;
		tw_writer_discard(&rig.f.ring, &rig.f.writers[0]);
		tw_writer_discard(&rig.f.ring, NULL);
		tw_drain_remember(rig.drain);
		happen(&rig);
		/* What it says now is no longer of our ring. */
		tw_drain_remember(rig.drain);
		assert_true(tw_drain_finish(rig.drain, take, &rig) >= 0);
		assert_true(tw_drain_is_gone(rig.drain));
		tw_drain_totals(rig.drain, &totals);
		assert_int_equal(rig.events, 20);
		assert_int_equal(totals.delivered, 20);
		assert_int_equal(totals.lost, closed - 20 + 2);
		assert_int_equal(totals.tail, closed - 20 + 1);
		assert_int_equal(totals.no_lane, 1);
		rig_destroy(&rig);
	}
}

/* A page that was left by an earlier ring is not this one's. */
static void test_page_of_another_epoch(void **state)
{
	struct tw_drain_totals totals;
	struct rig rig;

	(void)state;
	rig_create(&rig, RESET);
	emit(&rig, 3 * 14 * 2);
	memset(rig.f.ring.pages + 512 + offsetof(struct tw_page, uuid), 7, 16);
	assert_true(tw_drain_pass(rig.drain, 0, take, &rig) > 0);
	assert_true(tw_drain_finish(rig.drain, take, &rig) >= 0);
	tw_drain_totals(rig.drain, &totals);
	assert_int_equal(totals.broken, 1);
	assert_false(tw_drain_is_gone(rig.drain));
	assert_int_equal(totals.delivered, rig.events);
	assert_true(totals.delivered < 84);
	assert_int_equal(totals.delivered + totals.lost, 84);
	rig_destroy(&rig);
}

/* The second ring is a ring like any other. */
static void test_second_epoch_is_whole(void **state)
{
	struct rig rig;
	struct tw_attach *attach;

	(void)state;
	rig_create(&rig, RESET);
	emit(&rig, 70);
	fixture_reset(&rig.f);
	assert_int_equal(emit(&rig, 60), 60);
	assert_int_equal(tw_drain_pass(rig.drain, 0, take, &rig), 0);
	tw_drain_destroy(rig.drain);
	attach = fixture_attach(&rig.f, NULL);
	assert_int_equal(attach->ring.control.generation, 2);
	tw_attach_close(rig.attach);
	rig.attach = attach;
	assert_int_equal(tw_drain_create(attach, &(struct tw_drain_options){0},
					 &rig.drain),
			 0);
	assert_true(tw_drain_finish(rig.drain, take, &rig) > 0);
	assert_int_equal(rig.events, 60);
	rig_destroy(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_every_read),
		cmocka_unit_test(test_counts_are_remembered),
		cmocka_unit_test(test_page_of_another_epoch),
		cmocka_unit_test(test_second_epoch_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
