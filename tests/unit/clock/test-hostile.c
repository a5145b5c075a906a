/* SPDX-License-Identifier: MIT */
/*
 * A guest that lies harms its own times, and nothing else; and counters that
 * count something else than time.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define GHZ 1000000000u
#define MS 1000000u

static const struct tw_clock_options plain = {0};

/* Whatever is said, answers come, and are in order. */
static void ask_everything(struct sim *sim)
{
	static const uint64_t places[] = {
		0, 1, UINT64_MAX, INT64_MAX, (uint64_t)1 << 63, 123456789012,
	};
	struct tw_clock_affine affine;
	struct tw_clock_epoch info;
	struct tw_clock_bounds bounds;
	uint32_t first, count, i;
	uint64_t lo, hi;
	size_t k;
	int error;

	tw_clock_epochs(sim->clock, &first, &count);
	tw_clock_ticks(sim->clock, sim_now(sim), &lo, &hi);
	for (k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
		for (i = first; i < first + count; i++) {
			error = tw_clock_bounds(sim->clock, i, places[k],
						&bounds);
			assert_true(error == 0 || error == -34);
			if (!error)
				assert_true(bounds.lo <= bounds.hi &&
					    bounds.centre >= bounds.lo &&
					    bounds.centre <= bounds.hi);
			assert_int_equal(tw_clock_epoch(sim->clock, i, &info),
					 0);
			error = tw_clock_affine(sim->clock, i, &affine);
			assert_true(error == 0 || error == -95);
		}
		assert_int_equal(tw_clock_when(sim->clock, places[k], 1000,
					       2000, &bounds),
				 0);
		assert_true(bounds.lo >= 1000 && bounds.hi <= 2000 &&
			    bounds.lo <= bounds.hi);
	}
}

static void test_extremes(void **state)
{
	static const uint64_t values[] = {
		0,
		1,
		UINT64_MAX,
		UINT64_MAX - 1,
		INT64_MAX,
		1ull << 63,
		(1ull << 61),
		(1ull << 62) - 1,
		1ull << 62,
		1000000000000,
		123456789012,
		(1ull << 61) + 1,
		1ull << 32,
	};
	const size_t all = sizeof(values) / sizeof(values[0]);
	struct tw_clock_counts counts;
	uint64_t g, t1, t2;
	struct sim sim;
	int i, round;

	for (round = 0; round < 20; round++) {
		sim_begin(&sim, &plain, 60 + (uint64_t)round, GHZ);
		for (i = 0; i < 500; i++) {
			g = values[sim_random(&sim, all)];
			t1 = values[sim_random(&sim, all)];
			t2 = values[sim_random(&sim, all)];
			if (sim_random(&sim, 2))
				g += sim_random(&sim, 1000);
			switch (sim_random(&sim, 3)) {
			case 0:
				tw_clock_lower(sim.clock, g, t1);
				break;
			case 1:
				tw_clock_upper(sim.clock, g, t1);
				break;
			default:
				tw_clock_exchange(sim.clock, g, t1, t2);
			}
			if (i % 50 == 0)
				ask_everything(&sim);
		}
		tw_clock_counts(sim.clock, &counts);
		assert_true(counts.epochs < 500);
		sim_end(&sim);
	}
}

static void test_refused_arguments(void **state)
{
	struct tw_clock_options options = {.points = 15};
	struct tw_clock *clock;
	struct sim sim;

	assert_int_equal(tw_clock_create(&options, &clock), -22);
	options = (struct tw_clock_options){.drift_ppb = 100000001};
	assert_int_equal(tw_clock_create(&options, &clock), -22);
	sim_begin(&sim, &plain, 61, GHZ);
	assert_int_equal(tw_clock_lower(sim.clock, 0, (uint64_t)1 << 62), -34);
	assert_int_equal(tw_clock_upper(sim.clock, 0, UINT64_MAX), -34);
	assert_int_equal(tw_clock_exchange(sim.clock, 0, 0, UINT64_MAX), -34);
	assert_int_equal(tw_clock_exchange(sim.clock, 0, 5, 4), -22);
	ask_everything(&sim);
	sim_end(&sim);
}

/* Single lies among true constraints are noticed, and change nothing. */
static void test_single_lies(void **state)
{
	struct tw_clock_counts counts;
	struct sim_widths widths;
	struct sim sim;
	uint64_t g;
	int i, lies = 0;

	sim_begin(&sim, &plain, 62, 3 * (uint64_t)GHZ);
	for (i = 0; i < 5000; i++) {
		sim_exchange(&sim, 100, 100);
		sim_advance(&sim, MS);
		if (i < 10 || i % 7)
			continue;
		g = sim_read(&sim);
		switch (sim_random(&sim, 4)) {
		case 0: /* it was far ahead */
			tw_clock_upper(sim.clock,
				       g + sim_random(&sim, 1u << 31),
				       sim_now(&sim));
			break;
		case 1: /* it was back there just now */
			tw_clock_lower(sim.clock,
				       g - sim_random(&sim, 1u << 31),
				       sim_now(&sim));
			break;
		case 2:
			tw_clock_upper(sim.clock, g + (1ull << 62),
				       sim_now(&sim));
			break;
		default:
			tw_clock_exchange(sim.clock, sim_random(&sim, 0),
					  sim_now(&sim), sim_now(&sim));
		}
		lies++;
	}
	tw_clock_counts(sim.clock, &counts);
	assert_int_equal(counts.epochs, 1);
	assert_int_equal(counts.rejected, lies);
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("among lies", widths.most, 204 + 100);
	sim_end(&sim);
}

/* A guest that sets its counter all the time gets so many epochs a second. */
static void test_many_epochs(void **state)
{
	struct tw_clock_counts counts;
	uint32_t first, count;
	struct sim sim;
	uint64_t began;
	int i;

	sim_begin(&sim, &plain, 70, 3 * (uint64_t)GHZ);
	began = sim_now(&sim);
	for (i = 0; i < 20000; i++) {
		if (i % 5 == 0)
			sim_jump(&sim, (int64_t)sim_random(&sim, 1ull << 40) -
					       (1ll << 39));
		sim_exchange(&sim, 100, 100);
		sim_advance(&sim, MS);
	}
	tw_clock_counts(sim.clock, &counts);
	tw_clock_epochs(sim.clock, &first, &count);
	assert_false(counts.is_virtual);
	assert_true(counts.refused > 10000);
	assert_true(counts.epochs <= 33 + (sim_now(&sim) - began) / GHZ);
	assert_true(count <= 64);
	ask_everything(&sim);

	/* When it has calmed down, so does its clock. */
	for (i = 0; i < 3000; i++) {
		sim_exchange(&sim, 100, 100);
		sim_advance(&sim, MS);
	}
	sim.count = 0;
	tw_clock_counts(sim.clock, &counts);
	sim.epoch = counts.epochs - 1;
	for (i = 0; i < 1000; i++) {
		sim_exchange(&sim, 100, 100);
		assert_int_equal(sim.last, TW_CLOCK_FITS);
		sim_advance(&sim, MS);
	}
	sim_check(&sim, 0, SIM_BOTH);
	sim_end(&sim);
}

/* The runtime never lets an event go back: after a jump back all have the same
 * time. What is known of an event holds whatever its counter says. */
static void test_standing_still(void **state)
{
	struct tw_clock_bounds bounds;
	struct tw_clock_counts counts;
	struct sim sim;
	uint64_t g;
	int i;

	sim_begin(&sim, &plain, 64, 3 * (uint64_t)GHZ);
	for (i = 0; i < 1000; i++) {
		sim_exchange(&sim, 100, 100);
		sim_advance(&sim, MS);
	}
	g = sim_read(&sim);
	for (i = 0; i < 1000; i++) {
		tw_clock_lower(sim.clock, g, sim_now(&sim));
		sim_advance(&sim, MS);
		tw_clock_upper(sim.clock, g, sim_now(&sim));
	}
	tw_clock_counts(sim.clock, &counts);
	assert_true(counts.epochs <= 40);
	assert_int_equal(tw_clock_when(sim.clock, g, sim_now(&sim) - MS,
				       sim_now(&sim), &bounds),
			 0);
	assert_true(bounds.lo >= sim_now(&sim) - MS);
	assert_true(bounds.hi <= sim_now(&sim));
	sim_check(&sim, 0, SIM_BOTH);
	sim_end(&sim);
}

/* Instructions, a GHz or so of them, and at times none. */
static void run_icount(struct sim *sim, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		sim->ppb = (int64_t)sim_random(sim, 1600000000) - 800000000;
		sim_advance(sim, 10000 + sim_random(sim, MS));
		sim_emit(sim);
		sim->ppb = (int64_t)sim_random(sim, 1600000000) - 800000000;
		sim_advance(sim, 10000 + sim_random(sim, MS));
		sim_exchange(sim, 100, 100);
	}
}

static struct sim_widths check_icount(struct sim *sim, size_t from)
{
	struct tw_clock_bounds bounds;
	struct sim_widths widths = {0};
	size_t i;

	for (i = from; i + 1 < sim->count; i++) {
		const struct sim_event *event = &sim->events[i];

		assert_int_equal(tw_clock_when(sim->clock, event->g, 0,
					       UINT64_MAX, &bounds),
				 0);
		assert_true(event->t >= bounds.lo && event->t <= bounds.hi);
		assert_true(bounds.flags & TW_BOUNDS_VIRTUAL);
		if (bounds.hi - bounds.lo > widths.most)
			widths.most = bounds.hi - bounds.lo;
	}
	return widths;
}

static void test_icount_told(void **state)
{
	const struct tw_clock_options options = {.flags = TW_CLOCK_VIRTUAL};
	struct tw_clock_affine affine;
	struct tw_clock_counts counts;
	struct sim_widths widths;
	struct sim sim;

	sim_begin(&sim, &options, 65, GHZ);
	run_icount(&sim, 1000);
	tw_clock_counts(sim.clock, &counts);
	assert_int_equal(counts.epochs, 1);
	assert_true(counts.is_virtual);
	assert_int_equal(counts.rejected + counts.refused, 0);
	widths = check_icount(&sim, 3);
	sim_assert_width("icount", widths.most, 4 * MS + 50000);
	assert_int_equal(tw_clock_affine(sim.clock, 0, &affine), -95);
	sim_end(&sim);
}

static void test_icount_recognised(void **state)
{
	struct tw_clock_counts counts;
	struct sim_widths widths;
	struct sim sim;
	size_t from;

	sim_begin(&sim, &plain, 66, GHZ);
	run_icount(&sim, 100);
	tw_clock_counts(sim.clock, &counts);
	assert_true(counts.is_virtual);
	from = sim.count;
	run_icount(&sim, 1000);
	tw_clock_counts(sim.clock, &counts);
	assert_true(counts.epochs <= 20);
	check_icount(&sim, 0);
	widths = check_icount(&sim, from);
	sim_assert_width("icount, once seen", widths.most, 4 * MS + 50000);
	sim_end(&sim);
}

/* Though for a while it looked like a clock. */
static void test_icount_seen_late(void **state)
{
	struct tw_clock_counts counts;
	struct tw_clock_epoch info;
	uint32_t first, count, i;
	struct sim sim;

	sim_begin(&sim, &plain, 68, GHZ);
	for (i = 0; i < 300; i++) {
		sim_exchange(&sim, 100, 100);
		sim_advance(&sim, MS);
	}
	run_icount(&sim, 200);
	tw_clock_counts(sim.clock, &counts);
	assert_true(counts.is_virtual);
	tw_clock_epochs(sim.clock, &first, &count);
	for (i = first; i < first + count; i++) {
		assert_int_equal(tw_clock_epoch(sim.clock, i, &info), 0);
		assert_true(info.is_virtual);
	}
	check_icount(&sim, 0);
	sim_end(&sim);
}

/* A snapshot of a virtual clock is restored. */
static void test_icount_jump(void **state)
{
	const struct tw_clock_options options = {.flags = TW_CLOCK_VIRTUAL};
	struct tw_clock_counts counts;
	struct sim sim;

	sim_begin(&sim, &options, 67, GHZ);
	run_icount(&sim, 100);
	sim_jump(&sim, -50 * (int64_t)MS);
	sim.epoch++;
	run_icount(&sim, 100);
	tw_clock_counts(sim.clock, &counts);
	assert_int_equal(counts.epochs, 2);
	sim_check(&sim, 0, SIM_BOTH);
	sim_end(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_refused_arguments),
		cmocka_unit_test(test_single_lies),
		cmocka_unit_test(test_many_epochs),
		cmocka_unit_test(test_standing_still),
		cmocka_unit_test(test_icount_told),
		cmocka_unit_test(test_icount_recognised),
		cmocka_unit_test(test_icount_seen_late),
		cmocka_unit_test(test_icount_jump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
