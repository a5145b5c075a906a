/* SPDX-License-Identifier: MIT */
/*
 * Counters that jump: a new epoch, its boundary, and bounds for the events of
 * each.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GHZ 1000000000u
#define MS 1000000u

static void exchange_for(struct sim *sim, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		sim_exchange(sim, sim_delay(sim, 100), sim_delay(sim, 100));
		sim_advance(sim, MS / 2);
		sim_emit(sim);
		sim_advance(sim, MS / 2);
	}
}

static void assert_epochs(const struct sim *sim, uint32_t expected)
{
	struct tw_clock_counts counts;

	tw_clock_counts(sim->clock, &counts);
	assert_int_equal(counts.epochs, expected);
	assert_false(counts.is_virtual);
	assert_int_equal(counts.refused, 0);
}

static void jump_there_and_back(int64_t ticks)
{
	const struct tw_clock_options options = {0};
	struct tw_clock_epoch before, after;
	struct sim_widths widths;
	uint64_t last, first, moment;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 20, 3 * (uint64_t)GHZ);
	exchange_for(&sim, 500);
	for (i = 0; i < 4; i++) {
		last = sim_read(&sim);
		moment = sim_now(&sim);
		sim_jump(&sim, i % 2 ? -ticks : ticks);
		sim.epoch++;
		first = sim_read(&sim);
		sim_exchange(&sim, 100, 100);
		assert_int_equal(sim.last, TW_CLOCK_MISFIT);
		sim_exchange(&sim, 100, 100);
		sim_exchange(&sim, 100, 100);
		assert_int_equal(sim.last, TW_CLOCK_NEW_EPOCH);
		exchange_for(&sim, 500);
		assert_epochs(&sim, (uint32_t)i + 2);

		/* The jump was between these. */
		assert_int_equal(
			tw_clock_epoch(sim.clock, (uint32_t)i, &before), 0);
		assert_int_equal(
			tw_clock_epoch(sim.clock, (uint32_t)i + 1, &after), 0);
		assert_true(last - before.last < 3 * (MS + MS));
		assert_true(after.first - first < 3 * 500);
		assert_true(before.end_lo <= moment);
		assert_true(before.end_hi >= moment);
		assert_true(before.end_hi - before.end_lo < 3 * MS);
		assert_true(after.begin_lo <= moment);
		assert_true(after.begin_hi >= moment);
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("after jumps", widths.most, 1000);
	sim_end(&sim);
}

static void test_far(void **state)
{
	jump_there_and_back(3 * (int64_t)GHZ * 100);
}

/* 10 us. */
static void test_near(void **state)
{
	jump_there_and_back(30000);
}

static void test_whole_range(void **state)
{
	jump_there_and_back(INT64_MAX - 5);
}

/* The rate changes as well: restored on another machine. */
static void test_other_rate(void **state)
{
	const struct tw_clock_options options = {0};
	struct tw_clock_counts counts;
	struct sim_widths widths;
	struct sim sim;
	uint32_t last;

	sim_begin(&sim, &options, 21, 3 * (uint64_t)GHZ);
	exchange_for(&sim, 500);
	sim_jump(&sim, -12345678901);
	sim.hz = 2400000000;
	sim.count = 0;
	exchange_for(&sim, 20);
	tw_clock_counts(sim.clock, &counts);
	assert_in_range(counts.epochs, 2, 3);
	last = sim.epoch = counts.epochs - 1;
	sim.count = 0;
	exchange_for(&sim, 500);
	tw_clock_counts(sim.clock, &counts);
	assert_int_equal(counts.epochs, last + 1);
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("at another rate", widths.most, 1000);
	sim_end(&sim);
}

/* Pages turn, and are read some ms later. */
static void pages_for(struct sim *sim, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		sim_beacon(sim, 20000 + sim_random(sim, 5 * MS));
		sim_advance(sim, sim_random(sim, MS));
		sim_sighting(sim, 10000 + sim_random(sim, 5 * MS));
	}
}

/* A jump ahead is seen by sightings, one back by beacons: in between lie
 * constraints of the other kind, which fit anywhere. */
static void test_beacons_and_sightings(void **state)
{
	const struct tw_clock_options options = {.hz = 2 * (uint64_t)GHZ};
	struct tw_clock_epoch before, after;
	struct sim_widths widths;
	struct sim sim;
	uint64_t moment;
	uint32_t i;

	sim_begin(&sim, &options, 22, 2 * (uint64_t)GHZ);
	pages_for(&sim, 300);
	for (i = 0; i < 6; i++) {
		moment = sim_now(&sim);
		sim_jump(&sim, i % 2 ? -20 * (int64_t)GHZ : 30 * (int64_t)GHZ);
		sim.epoch++;
		if (i > 3) {
			sim_beacon(&sim, 10000);
			sim_beacon(&sim, 10000);
			sim_beacon(&sim, 10000);
		}
		pages_for(&sim, 300);
		assert_epochs(&sim, i + 2);
		assert_int_equal(tw_clock_epoch(sim.clock, i, &before), 0);
		assert_int_equal(tw_clock_epoch(sim.clock, i + 1, &after), 0);
		assert_true(before.end_lo <= moment);
		assert_true(before.end_hi >= moment);
		assert_true(before.end_hi - before.end_lo < 50 * MS);
		assert_true(after.begin_lo <= moment);
		assert_true(after.begin_hi >= moment);
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("beacons, sightings, jumps", widths.most, MS / 2);
	sim_end(&sim);
}

/* By as much as the delays are: what fits the old epoch and the new one is of
 * no harm to either. */
static void test_as_small_as_delays(void **state)
{
	const struct tw_clock_options options = {.hz = 2 * (uint64_t)GHZ};
	struct tw_clock_counts counts;
	struct tw_clock_bounds bounds;
	struct sim sim;
	int64_t jump;
	uint64_t seed;
	size_t i, sure = 0, all = 0;

	for (seed = 0; seed < 100; seed++) {
		sim_begin(&sim, &options, 100 + seed, 2 * (uint64_t)GHZ);
		pages_for(&sim, 300);
		/* From 1 to 8 ms. */
		jump = (int64_t)(2 * MS + sim_random(&sim, 14 * MS));
		sim_jump(&sim, seed % 2 ? jump : -jump);
		sim.epoch++;
		pages_for(&sim, 300);
		tw_clock_counts(sim.clock, &counts);
		assert_int_equal(counts.epochs, 2);
		for (i = 0; i < sim.count; i++) {
			const struct sim_event *event = &sim.events[i];

			assert_int_equal(tw_clock_when(sim.clock, event->g,
						       event->t - 6 * MS,
						       event->t + 6 * MS,
						       &bounds),
					 0);
			assert_true(event->t >= bounds.lo);
			assert_true(event->t <= bounds.hi);
			sure += !(bounds.flags & TW_BOUNDS_UNSURE);
			all++;
		}
		sim_end(&sim);
	}
	assert_true(sure > all * 95 / 100);
}

/* Of an event is known when it was there, not of which epoch it is. */
static void test_when(void **state)
{
	const struct tw_clock_options options = {0};
	struct tw_clock_bounds bounds;
	const struct sim_event *event;
	struct sim sim;
	size_t i, sure = 0, several = 0;

	sim_begin(&sim, &options, 23, 3 * (uint64_t)GHZ);
	for (i = 0; i < 4; i++) {
		exchange_for(&sim, 200);
		sim_jump(&sim, i % 2 ? 3 * (int64_t)GHZ : -3 * (int64_t)GHZ);
		sim.epoch++;
	}
	for (i = 0; i < sim.count; i++) {
		event = &sim.events[i];
		assert_int_equal(tw_clock_when(sim.clock, event->g,
					       event->t - 20 * MS,
					       event->t + 20 * MS, &bounds),
				 0);
		assert_true(event->t >= bounds.lo && event->t <= bounds.hi);
		assert_false(bounds.flags & TW_BOUNDS_CLAMPED);
		if (bounds.flags & TW_BOUNDS_UNSURE)
			continue;
		sure++;
		assert_int_equal(bounds.epoch, event->epoch);
		assert_true(bounds.hi - bounds.lo < 1000);
		/* Without that knowledge it could be of two. */
		assert_int_equal(tw_clock_when(sim.clock, event->g, 0,
					       UINT64_MAX, &bounds),
				 0);
		assert_true(event->t >= bounds.lo && event->t <= bounds.hi);
		assert_true(bounds.hi - bounds.lo < 1000 ||
			    bounds.flags & TW_BOUNDS_UNSURE);
		several += (bounds.flags & TW_BOUNDS_UNSURE) != 0;
	}
	assert_true(sure > sim.count * 95 / 100);
	assert_true(several > 0);
	assert_int_equal(tw_clock_when(sim.clock, 0, 5, 4, &bounds), -22);
	sim_end(&sim);
}

/* Between two constraints of different epochs an event may be of either. */
static void test_between(void **state)
{
	const struct tw_clock_options options = {.hz = 3 * (uint64_t)GHZ};
	struct tw_clock_bounds bounds;
	struct sim sim;
	uint64_t moment, from;

	sim_begin(&sim, &options, 24, 3 * (uint64_t)GHZ);
	exchange_for(&sim, 200);
	from = sim_now(&sim);
	sim_advance(&sim, 100 * MS);
	sim_jump(&sim, 3 * 50 * (int64_t)MS);
	sim.epoch++;
	moment = sim_now(&sim);
	sim_emit(&sim);
	sim_advance(&sim, 10 * MS);
	exchange_for(&sim, 200);
	assert_epochs(&sim, 2);
	/* 50 ms ahead, it may have been there in the first epoch, too. */
	assert_int_equal(tw_clock_when(sim.clock, sim.events[400].g, from,
				       sim_now(&sim), &bounds),
			 0);
	assert_int_equal(sim.events[400].t, moment);
	assert_true(moment >= bounds.lo && moment <= bounds.hi);
	/* The first epoch had ended by then, unless the second is wrong. */
	assert_true(bounds.hi - bounds.lo < 60 * MS);
	sim_end(&sim);
}

/* More than are kept: the oldest are no longer known, and said not to be. */
static void test_forgotten(void **state)
{
	const struct tw_clock_options options = {.epochs = 4};
	struct tw_clock_bounds bounds;
	uint32_t first, count;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 25, 3 * (uint64_t)GHZ);
	for (i = 0; i < 10; i++) {
		exchange_for(&sim, 2000);
		sim_jump(&sim, 30 * (int64_t)GHZ);
		sim.epoch++;
	}
	assert_epochs(&sim, 10);
	tw_clock_epochs(sim.clock, &first, &count);
	assert_int_equal(first, 6);
	assert_int_equal(count, 4);
	assert_int_equal(tw_clock_bounds(sim.clock, 5, 0, &bounds), -2);
	assert_int_equal(tw_clock_when(sim.clock, sim.events[10].g,
				       sim.events[10].t - 5,
				       sim.events[10].t + 5, &bounds),
			 0);
	assert_true(bounds.flags & TW_BOUNDS_UNSURE);
	assert_int_equal(bounds.lo, sim.events[10].t - 5);
	assert_int_equal(bounds.hi, sim.events[10].t + 5);
	for (i = 0; i < 4000; i++)
		sim.events[i] = sim.events[sim.count - 1 - (size_t)i];
	sim.count = 4000;
	sim_check(&sim, 0, SIM_BOTH);
	sim_end(&sim);
}

/* What is known of a break needs no proof; and what is kept makes the same
 * clock again. */
static void test_kept(void **state)
{
	const struct tw_clock_options options = {0};
	struct tw_clock_cursor cursor;
	struct tw_clock_kept kept;
	struct tw_clock *again, *was;
	struct sim_widths widths[2];
	struct tw_clock_counts counts;
	struct sim sim;
	uint32_t i;

	sim_begin(&sim, &options, 26, 3 * (uint64_t)GHZ);
	tw_clock_break(sim.clock);
	for (i = 0; i < 5; i++) {
		exchange_for(&sim, 10000);
		/* Back and ahead, also by so little that none can tell. */
		sim_jump(&sim, i % 2 ? -10 : (int64_t)i * 1000000000);
		tw_clock_break(sim.clock);
		sim.epoch++;
	}
	assert_epochs(&sim, 5);
	widths[0] = sim_check(&sim, 0, SIM_BOTH);
	assert_int_equal(tw_clock_create(&options, &again), 0);
	for (i = 0; i < 5; i++) {
		cursor = (struct tw_clock_cursor){0};
		tw_clock_break(again);
		while (tw_clock_next_kept(sim.clock, i, &cursor, &kept) == 1)
			assert_int_equal(
				kept.is_upper
					? tw_clock_upper(again, kept.g, kept.t)
					: tw_clock_lower(again, kept.g, kept.t),
				0);
	}
	assert_int_equal(tw_clock_next_kept(sim.clock, 5, &cursor, &kept), -2);
	tw_clock_counts(again, &counts);
	assert_int_equal(counts.epochs, 5);
	assert_true(counts.constraints < 5 * 2 * 4096 + 1);
	was = sim.clock;
	sim.clock = again;
	widths[1] = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("again", widths[1].median, widths[0].median + 20);
	tw_clock_destroy(was);
	sim_end(&sim);
}

/* Until when it went on: not from what may be of the next epoch. */
static void test_confirmed(void **state)
{
	const struct tw_clock_options options = {.hz = GHZ};
	const uint64_t stopped = GHZ;
	struct tw_clock *clock;
	uint64_t t;

	assert_int_equal(tw_clock_create(&options, &clock), 0);
	assert_int_equal(tw_clock_confirmed(clock), 0);
	for (t = MS; t < 100 * MS; t += MS)
		assert_int_equal(tw_clock_exchange(clock, t, t, t + 100), 0);
	assert_int_equal(tw_clock_confirmed(clock), t - MS);
	/* Late, as after a stop: nobody can tell. */
	assert_int_equal(tw_clock_upper(clock, t, t + stopped), 0);
	assert_int_equal(tw_clock_confirmed(clock), t - MS);
	assert_int_equal(
		tw_clock_exchange(clock, t, t + stopped, t + stopped + 100),
		TW_CLOCK_MISFIT);
	assert_int_equal(tw_clock_lower(clock, t + MS, t + stopped + MS),
			 TW_CLOCK_MISFIT);
	assert_int_equal(tw_clock_confirmed(clock), t - MS);
	assert_int_equal(tw_clock_exchange(clock, t + 2 * MS,
					   t + stopped + 2 * MS,
					   t + stopped + 2 * MS + 100),
			 TW_CLOCK_NEW_EPOCH);
	assert_int_equal(tw_clock_confirmed(clock), t + stopped + 2 * MS);
	tw_clock_destroy(clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_whole_range),
		cmocka_unit_test(test_other_rate),
		cmocka_unit_test(test_beacons_and_sightings),
		cmocka_unit_test(test_as_small_as_delays),
		cmocka_unit_test(test_when),
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_confirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
