/* SPDX-License-Identifier: MIT */
/*
 * Draining a ring: every event once, lanes in order, and loss to the event,
 * while the writer goes on between the passes and overwrites what it likes.
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
#include <pthread.h>
#include <stdlib.h>

/* What came out of a drain, and what must hold of it at every page. */
struct sink {
	struct tw_attach *attach;
	uint64_t events[FIXTURE_LANES];
	uint64_t next[FIXTURE_LANES]; /* the lowest n that may come */
	uint64_t lost[FIXTURE_LANES];
	uint64_t discarded[FIXTURE_LANES];
	uint64_t pages;
	uint64_t last_ticket;
	int fail_at; /* page, from 1 */
};

static int take(void *context, const struct tw_drain_page *part)
{
	struct sink *sink = context;
	const uint32_t lane = part->view->lane;
	const struct tw_decoder decoder = {sink->attach->lookup,
					   sink->attach->lookup_count,
					   sink->attach->ring.swap};
	struct tw_page_walk walk;
	struct tw_decoded event;
	struct tw_value value;
	uint64_t events = 0;
	size_t offset;

	if (sink->fail_at && --sink->fail_at == 0)
		return -ENOSPC;
	sink->pages++;
	tw_page_walk_start(&walk, part->page, part->view->size,
			   part->time_from);
	walk.offset = part->from;
	assert_int_equal(part->events_before, sink->next[lane] + part->lost);
	while (tw_page_walk_next(&walk, &decoder, &event) == 1) {
		offset = 0;
		tw_fields_value(event.event, 0, event.fields, &offset,
				decoder.swap, &value);
		assert_int_equal(value.u, lane);
		tw_fields_value(event.event, 1, event.fields, &offset,
				decoder.swap, &value);
		assert_int_equal(value.u, part->events_before + events);
		events++;
	}
	assert_int_equal(walk.offset, walk.size);
	assert_int_equal(events, part->events);
	sink->events[lane] += events;
	sink->lost[lane] += part->lost;
	sink->discarded[lane] += part->discarded;
	sink->next[lane] = part->events_before + events;
	return 0;
}

struct rig {
	struct fixture f;
	struct tw_attach *attach;
	struct tw_drain *drain;
	struct sink sink;
};

static void open_drain(struct rig *rig, const struct tw_drain_options *options)
{
	rig->attach = fixture_attach(&rig->f, NULL);
	rig->sink.attach = rig->attach;
	assert_int_equal(tw_drain_create(rig->attach, options, &rig->drain), 0);
}

static void rig_create(struct rig *rig, uint32_t pages, enum tw_ring_mode mode,
		       const struct tw_drain_options *options)
{
	*rig = (struct rig){0};
	fixture_create(&rig->f, 512, pages, mode);
	open_drain(rig, options);
}

static void rig_destroy(struct rig *rig)
{
	tw_drain_destroy(rig->drain);
	tw_attach_close(rig->attach);
	fixture_destroy(&rig->f);
}

static void pass(struct rig *rig)
{
	assert_true(tw_drain_pass(rig->drain, 0, take, &rig->sink) >= 0);
}

static void emit(struct rig *rig, uint32_t lane, int count)
{
	while (count-- > 0)
		fixture_emit(&rig->f, lane);
}

/* delivered + lost = written, discards counted, in every lane and in sum. */
static void finish_and_check(struct rig *rig)
{
	uint64_t written = 0, discarded = 0, delivered = 0;
	const struct tw_drain_lane *lane;
	struct tw_drain_totals totals;

	assert_true(tw_drain_finish(rig->drain, take, &rig->sink) >= 0);
	for (uint32_t i = 0; i < FIXTURE_LANES; i++) {
		lane = tw_drain_lane(rig->drain, i);
		assert_int_equal(lane->delivered, rig->sink.events[i]);
		assert_int_equal(lane->lost,
				 rig->sink.lost[i] + lane->lost_tail);
		assert_int_equal(lane->base + lane->delivered + lane->lost,
				 rig->f.written[i]);
		assert_int_equal(lane->discarded, rig->f.discarded[i]);
		assert_int_equal(lane->discarded,
				 rig->sink.discarded[i] + lane->discarded_tail);
		written += rig->f.written[i] - lane->base;
		discarded += rig->f.discarded[i];
		delivered += rig->sink.events[i];
	}
	tw_drain_totals(rig->drain, &totals);
	assert_int_equal(totals.delivered, delivered);
	assert_int_equal(totals.delivered + totals.lost, written + discarded);
	assert_int_equal(totals.broken, 0);
}

static const struct tw_drain_options plain = {.start = TW_DRAIN_ALL};
static const struct tw_drain_options with_open = {.open = true};
static const struct tw_drain_options from_now = {.start = TW_DRAIN_NOW,
						 .release = true};
static const struct tw_drain_options releasing = {.release = true};

/* 512 - 88 - 32 bytes hold 14 events of 28. */
#define PER_PAGE 14

static void test_each_event_comes_once(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, 64, TW_RING_OVERWRITE, &plain);
	for (int i = 0; i < 20; i++) {
		emit(&rig, 0, 3 + i % 5);
		emit(&rig, 1, 1);
		emit(&rig, 2, 7);
		pass(&rig);
	}
	finish_and_check(&rig);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig.sink.events[i], rig.f.written[i]);
		assert_int_equal(tw_drain_lane(rig.drain, (uint32_t)i)->tid,
				 100 + i);
	}
	rig_destroy(&rig);
}

static void test_open_pages_wait_or_not(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, 8, TW_RING_OVERWRITE, &plain);
	emit(&rig, 0, PER_PAGE + 5);
	pass(&rig);
	assert_int_equal(rig.sink.events[0], PER_PAGE);
	pass(&rig);
	assert_int_equal(rig.sink.pages, 1);
	finish_and_check(&rig);
	assert_int_equal(rig.sink.events[0], PER_PAGE + 5);
	rig_destroy(&rig);

	rig_create(&rig, 8, TW_RING_OVERWRITE, &with_open);
	for (int i = 1; i <= 3 * PER_PAGE; i++) {
		emit(&rig, 0, 1);
		pass(&rig);
		assert_int_equal(rig.sink.events[0], i);
		pass(&rig);
	}
	/* One delivery for each event, none for passes in between. */
	assert_int_equal(rig.sink.pages, 3 * PER_PAGE);
	finish_and_check(&rig);
	rig_destroy(&rig);
}

static void test_overwritten_is_counted_where_it_was(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, 4, TW_RING_OVERWRITE, &plain);
	emit(&rig, 0, 2 * PER_PAGE + 1);
	pass(&rig);
	assert_int_equal(rig.sink.lost[0], 0);
	/* The open page and the three after it are overwritten. */
	emit(&rig, 0, 7 * PER_PAGE);
	pass(&rig);
	assert_true(rig.sink.lost[0] > 0);
	assert_int_equal(rig.sink.lost[0] % PER_PAGE, 0);
	finish_and_check(&rig);
	rig_destroy(&rig);
}

static void test_loss_before_the_first_page(void **state)
{
	struct rig rig = {0};

	(void)state;
	fixture_create(&rig.f, 512, 4, TW_RING_OVERWRITE);
	emit(&rig, 3, 10 * PER_PAGE);
	open_drain(&rig, &plain);
	pass(&rig);
	assert_int_equal(rig.sink.lost[3], 6 * PER_PAGE);
	finish_and_check(&rig);
	rig_destroy(&rig);
}

/* A lane that falls quiet, all its pages overwritten by another. */
static void test_quiet_lanes_loss(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, 4, TW_RING_OVERWRITE, &plain);
	emit(&rig, 1, 2 * PER_PAGE);
	tw_writer_close(&rig.f.ring, &rig.f.writers[1]);
	emit(&rig, 0, 20 * PER_PAGE);
	pass(&rig);
	assert_int_equal(rig.sink.events[1], 0);
	finish_and_check(&rig);
	assert_int_equal(tw_drain_lane(rig.drain, 1)->lost_tail, 2 * PER_PAGE);
	rig_destroy(&rig);
}

/* Part of a page was delivered while it was open; the rest is overwritten. */
static void test_rest_of_a_page_is_lost(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, 4, TW_RING_OVERWRITE, &with_open);
	emit(&rig, 0, 5);
	pass(&rig);
	emit(&rig, 0, 40 * PER_PAGE);
	pass(&rig);
	finish_and_check(&rig);
	assert_int_equal(rig.sink.events[0] + rig.sink.lost[0],
			 5 + 40 * PER_PAGE);
	rig_destroy(&rig);
}

static void test_from_now(void **state)
{
	struct rig rig = {0};

	(void)state;
	fixture_create(&rig.f, 512, 8, TW_RING_OVERWRITE);
	emit(&rig, 0, 3 * PER_PAGE + 4);
	emit(&rig, 1, 2);
	tw_writer_close(&rig.f.ring, &rig.f.writers[1]);
	emit(&rig, 2, 100 * PER_PAGE);
	tw_writer_close(&rig.f.ring, &rig.f.writers[2]);
	open_drain(&rig, &from_now);
	for (uint32_t i = 0; i < 3; i++) {
		rig.sink.next[i] = rig.f.written[i];
		assert_int_equal(tw_drain_lane(rig.drain, i)->base,
				 rig.f.written[i]);
	}
	pass(&rig);
	assert_int_equal(rig.sink.pages, 0);
	/* Lane 0's page was open then: its later events come, from within. */
	emit(&rig, 0, 2);
	emit(&rig, 1, 1);
	emit(&rig, 2, 1);
	emit(&rig, 3, 1);
	finish_and_check(&rig);
	assert_int_equal(rig.sink.events[0], 2);
	assert_int_equal(rig.sink.events[1], 1);
	assert_int_equal(rig.sink.events[2], 1);
	assert_int_equal(rig.sink.events[3], 1);
	rig_destroy(&rig);
}

/* A ring full of what nobody will read must be given back, or none comes. */
static void test_from_now_in_a_full_ring(void **state)
{
	struct rig rig = {0};
	uint64_t before;

	(void)state;
	fixture_create(&rig.f, 512, 4, TW_RING_DISCARD);
	emit(&rig, 0, 10 * PER_PAGE);
	assert_true(rig.f.discarded[0] > 0);
	before = rig.f.discarded[0];
	open_drain(&rig, &from_now);
	rig.sink.next[0] = rig.f.written[0];
	emit(&rig, 0, PER_PAGE);
	assert_int_equal(rig.f.discarded[0], before);
	rig.f.discarded[0] = 0; /* what was before is not counted */
	finish_and_check(&rig);
	assert_int_equal(rig.sink.events[0], PER_PAGE);
	rig_destroy(&rig);
}

static void test_discard_mode(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, 4, TW_RING_DISCARD, &releasing);
	for (int i = 0; i < 10; i++) {
		emit(&rig, 0, 3 * PER_PAGE);
		emit(&rig, 1, PER_PAGE);
		pass(&rig);
	}
	emit(&rig, 0, 10 * PER_PAGE);
	assert_true(rig.f.discarded[0] > 0);
	tw_writer_discard(&rig.f.ring, NULL);
	rig.f.discarded[7]++; /* in sum; of no lane */
	assert_true(tw_drain_finish(rig.drain, take, &rig.sink) >= 0);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(tw_drain_lane(rig.drain, i)->delivered,
				 rig.f.written[i]);
		assert_int_equal(tw_drain_lane(rig.drain, i)->discarded,
				 rig.f.discarded[i]);
	}
	struct tw_drain_totals totals;

	tw_drain_totals(rig.drain, &totals);
	assert_int_equal(totals.no_lane, 1);
	assert_int_equal(totals.lost,
			 rig.f.discarded[0] + rig.f.discarded[1] + 1);
	rig_destroy(&rig);
}

/* Without leave to, nothing is given back. */
static void test_looking_gives_nothing_back(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, 4, TW_RING_DISCARD, &with_open);
	emit(&rig, 0, 4 * PER_PAGE);
	pass(&rig);
	assert_false(fixture_emit(&rig.f, 0));
	finish_and_check(&rig);
	rig_destroy(&rig);
}

static void test_failed_delivery_is_repeated(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, 16, TW_RING_OVERWRITE, &plain);
	emit(&rig, 0, 6 * PER_PAGE + 1);
	rig.sink.fail_at = 3;
	assert_int_equal(tw_drain_pass(rig.drain, 0, take, &rig.sink), -ENOSPC);
	assert_int_equal(rig.sink.pages, 2);
	pass(&rig);
	finish_and_check(&rig);
	assert_int_equal(rig.sink.events[0], rig.f.written[0]);
	rig_destroy(&rig);
}

static void test_budget(void **state)
{
	struct rig rig;
	int passes = 0;

	(void)state;
	rig_create(&rig, 16, TW_RING_OVERWRITE, &plain);
	emit(&rig, 0, 10 * PER_PAGE + 1);
	while (tw_drain_pass(rig.drain, 600, take, &rig.sink) > 0)
		passes++;
	assert_int_equal(rig.sink.pages, 10);
	assert_int_equal(passes, 5);
	finish_and_check(&rig);
	rig_destroy(&rig);
}

/* A lane's page is never passed by a later one of the same lane. */
static void test_any_interleaving(void **state)
{
	static const uint32_t page_counts[] = {2, 3, 7, 16, 61};
	struct rig rig;
	unsigned seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(page_counts) / sizeof(*page_counts);
	     i++) {
		rig_create(&rig, page_counts[i], TW_RING_OVERWRITE,
			   i % 2 ? &with_open : &plain);
		/* At a wrap of head, too: nothing depends on its value. */
		if (i >= 3)
			rig.f.ring.control->head = UINT32_MAX - 100;
		if (i >= 3) {
			tw_drain_destroy(rig.drain);
			tw_attach_close(rig.attach);
			open_drain(&rig, i % 2 ? &with_open : &plain);
		}
		for (int n = 0; n < 20000; n++) {
			const uint32_t lane = (uint32_t)rand_r(&seed) %
					      (page_counts[i] > 6
						       ? 6
						       : page_counts[i] - 1);

			if (rand_r(&seed) % 200 == 0)
				pass(&rig);
			else if (rand_r(&seed) % 300 == 0)
				tw_writer_close(&rig.f.ring,
						&rig.f.writers[lane]);
			else
				fixture_emit(&rig.f, lane);
		}
		finish_and_check(&rig);
		rig_destroy(&rig);
	}
}

static void *write_many(void *argument)
{
	struct fixture *f = argument;

	for (int i = 0; i < 300000; i++)
		fixture_emit(f, 0);
	return NULL;
}

static void test_while_it_is_written(void **state)
{
	struct rig rig;
	pthread_t thread;
	bool over = false;

	(void)state;
	for (int mode = 0; mode < 2; mode++) {
		rig_create(&rig, 8, mode ? TW_RING_DISCARD : TW_RING_OVERWRITE,
			   &(struct tw_drain_options){.open = mode,
						      .release = true});
		pthread_create(&thread, NULL, write_many, &rig.f);
		do {
			over = pthread_tryjoin_np(thread, NULL) == 0;
			pass(&rig);
		} while (!over);
		finish_and_check(&rig);
		rig_destroy(&rig);
	}
}

/*
 * A writer that stands still between taking a ticket and taking its page: the
 * page must not be thought done with, though an older ticket's events are in it
 * and have been delivered.
 */
static void test_ticket_before_page(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, 256, TW_RING_OVERWRITE, &plain);
	for (int i = 0; i < 300; i++) {
		emit(&rig, 0, PER_PAGE);
		pass(&rig);
	}
	tw_writer_close(&rig.f.ring, &rig.f.writers[0]);
	rig.f.ring.control->head++;
	pass(&rig);
	rig.f.ring.control->head--;
	emit(&rig, 0, 2 * PER_PAGE + 1);
	pass(&rig);
	assert_int_equal(rig.sink.events[0], 302 * PER_PAGE);
	finish_and_check(&rig);
	rig_destroy(&rig);
}

/* Pages of nonsense are passed over and counted; the others come. */
static void test_broken_pages(void **state)
{
	struct rig rig;
	struct tw_page *page;
	struct tw_drain_totals totals;

	(void)state;
	rig_create(&rig, 8, TW_RING_OVERWRITE, &plain);
	emit(&rig, 0, 4 * PER_PAGE + 1);
	page = (void *)rig.f.ring.pages;
	page->lane = 77;
	page = (void *)(rig.f.ring.pages + 512);
	page->content_size = 0xffffffff;
	assert_true(tw_drain_finish(rig.drain, take, &rig.sink) >= 0);
	assert_int_equal(rig.sink.events[0], 2 * PER_PAGE + 1);
	assert_int_equal(rig.sink.lost[0], 2 * PER_PAGE);
	tw_drain_totals(rig.drain, &totals);
	assert_int_equal(totals.broken, 2);
	rig_destroy(&rig);
}

/* A lane that goes back: its events were counted as lost, and don't come. */
static void test_late_page(void **state)
{
	struct rig rig;
	struct tw_page *page;

	(void)state;
	rig_create(&rig, 8, TW_RING_OVERWRITE, &plain);
	emit(&rig, 0, 3 * PER_PAGE + 1);
	page = (void *)(rig.f.ring.pages + 2 * 512);
	page->packet_seq_num = 0;
	assert_true(tw_drain_finish(rig.drain, take, &rig.sink) >= 0);
	assert_int_equal(rig.sink.events[0], 2 * PER_PAGE + 1);
	assert_int_equal(rig.sink.lost[0], PER_PAGE);
	rig_destroy(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_event_comes_once),
		cmocka_unit_test(test_open_pages_wait_or_not),
		cmocka_unit_test(test_overwritten_is_counted_where_it_was),
		cmocka_unit_test(test_loss_before_the_first_page),
		cmocka_unit_test(test_quiet_lanes_loss),
		cmocka_unit_test(test_rest_of_a_page_is_lost),
		cmocka_unit_test(test_from_now),
		cmocka_unit_test(test_from_now_in_a_full_ring),
		cmocka_unit_test(test_discard_mode),
		cmocka_unit_test(test_looking_gives_nothing_back),
		cmocka_unit_test(test_failed_delivery_is_repeated),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_any_interleaving),
		cmocka_unit_test(test_while_it_is_written),
		cmocka_unit_test(test_ticket_before_page),
		cmocka_unit_test(test_broken_pages),
		cmocka_unit_test(test_late_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
