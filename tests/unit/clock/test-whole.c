/* SPDX-License-Identifier: MIT */
/*
 * What holds for an epoch as a whole: bounds that never fall, a straight line
 * with its error, and memory that doesn't grow.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define GHZ 1000000000u
#define MS 1000000u

static void mix(struct sim *sim, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		switch (sim_random(sim, 3)) {
		case 0:
			sim_beacon(sim, sim_delay(sim, 300));
			break;
		case 1:
			sim_sighting(sim, sim_delay(sim, 300));
			break;
		default:
			sim_exchange(sim, sim_delay(sim, 150),
				     sim_delay(sim, 150));
		}
		sim->ppb = (int64_t)sim_random(sim, 15000) - 7500;
		sim_advance(sim, sim_random(sim, MS));
	}
}

static void walk(struct sim *sim, uint64_t from, uint64_t step, int count)
{
	struct tw_clock_bounds last = {0}, bounds;
	int i;

	for (i = 0; i < count; i++) {
		assert_int_equal(tw_clock_bounds(sim->clock, 0, from, &bounds),
				 0);
		assert_true(bounds.lo >= last.lo);
		assert_true(bounds.hi >= last.hi);
		assert_true(bounds.centre >= last.centre);
		assert_true(bounds.lo <= bounds.hi);
		last = bounds;
		from += sim_random(sim, step) + 1;
	}
}

static void test_never_falls(void **state)
{
	static const struct tw_clock_options all[] = {
		{0},
		{.hz = 3 * (uint64_t)GHZ, .points = 64},
		{.flags = TW_CLOCK_VIRTUAL},
		{.drift_ppb = 50000000, .points = 16},
	};
	struct sim sim;
	uint64_t first;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		sim_begin(&sim, &all[i], 80 + i, 3 * (uint64_t)GHZ);
		first = sim_read(&sim);
		mix(&sim, 3000);
		/* From before the first to after the last constraint. */
		walk(&sim, first - 3 * (uint64_t)GHZ, 2 * 3 * 50000, 100000);
		walk(&sim, first - 100, 3, 10000);
		walk(&sim, sim_read(&sim) - 10000, 2, 10000);
		sim_end(&sim);
	}
}

/* Queries in any order say the same. */
static void test_same_in_any_order(void **state)
{
	const struct tw_clock_options options = {0};
	struct tw_clock_bounds *all = malloc(10000 * sizeof(*all)), again;
	struct sim sim;
	uint64_t first;
	size_t i, k;

	assert_non_null(all);
	sim_begin(&sim, &options, 85, 3 * (uint64_t)GHZ);
	first = sim_read(&sim);
	mix(&sim, 1000);
	for (i = 0; i < 10000; i++)
		assert_int_equal(tw_clock_bounds(sim.clock, 0,
						 first + i * 150000, &all[i]),
				 0);
	for (i = 0; i < 10000; i++) {
		k = sim_random(&sim, 10000);
		assert_int_equal(tw_clock_bounds(sim.clock, 0,
						 first + k * 150000, &again),
				 0);
		assert_int_equal(again.lo, all[k].lo);
		assert_int_equal(again.hi, all[k].hi);
	}
	free(all);
	sim_end(&sim);
}

static void check_affine(uint64_t hz, int64_t ppb, uint64_t most)
{
	const struct tw_clock_options options = {0};
	struct tw_clock_affine affine;
	struct sim sim;
	__int128 ns;
	size_t i;
	int k;

	sim_begin(&sim, &options, 86, hz);
	sim.ppb = ppb;
	for (k = 0; k < 5000; k++) {
		sim_exchange(&sim, sim_delay(&sim, 100), sim_delay(&sim, 100));
		sim_advance(&sim, MS);
	}
	assert_int_equal(tw_clock_affine(sim.clock, 0, &affine), 0);
	for (i = 0; i < sim.count; i++) {
		ns = (__int128)(int64_t)(sim.events[i].g - affine.base_ticks) *
		     GHZ;
		ns = ns / (__int128)affine.hz - (ns % (__int128)affine.hz < 0);
		ns += affine.base_ns;
		ns -= sim.events[i].t;
		if (ns < 0)
			ns = -ns;
		assert_true(ns <= affine.error_ns);
	}
	sim_assert_width("affine", affine.error_ns, most);
	sim_end(&sim);
}

static void test_affine(void **state)
{
	check_affine(3 * (uint64_t)GHZ, 0, 250);
	check_affine(2100000000, -150000, 250);
	check_affine(62500000, 30000, 250);
	/* In 5 s half a Hz of 2 MHz makes 1.2 us. */
	check_affine(2000000, 300, 1800);
}

/* A rate that wanders: the line is as good as a line can be. */
static void test_affine_of_bent(void **state)
{
	const struct tw_clock_options options = {.drift_ppb = 20000};
	struct tw_clock_affine affine;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 87, 3 * (uint64_t)GHZ);
	for (i = 0; i < 2000; i++) {
		sim.ppb = i < 1000 ? -10000 : 10000;
		sim_exchange(&sim, 100, 100);
		sim_advance(&sim, MS);
	}
	assert_int_equal(tw_clock_affine(sim.clock, 0, &affine), 0);
	/* 1 s each at 10 ppm either way: 10 us in the middle, halved. */
	sim_assert_width("affine, bent", affine.error_ns, 5000 + 300);
	assert_true(affine.error_ns >= 5000);
	sim_end(&sim);
}

static void test_no_affine(void **state)
{
	const struct tw_clock_options plain = {0}, known = {.hz = GHZ};
	struct tw_clock_affine affine;
	struct sim sim;

	sim_begin(&sim, &plain, 88, GHZ);
	assert_int_equal(tw_clock_affine(sim.clock, 0, &affine), -2);
	sim_exchange(&sim, 100, 100);
	assert_int_equal(tw_clock_affine(sim.clock, 0, &affine), -95);
	sim_end(&sim);
	/* One side: a line, of which no error is known. */
	sim_begin(&sim, &known, 89, GHZ);
	sim_sighting(&sim, 100);
	assert_int_equal(tw_clock_affine(sim.clock, 0, &affine), 0);
	assert_int_equal(affine.error_ns, UINT64_MAX);
	assert_true(affine.hz > GHZ - 2 * MS && affine.hz < GHZ + 2 * MS);
	sim_end(&sim);
}

/* A million constraints through 256 points, and an hour. */
static void test_long(void **state)
{
	const struct tw_clock_options options = {.points = 256};
	struct tw_clock_counts counts;
	struct tw_clock_epoch info;
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 90, 3 * (uint64_t)GHZ);
	for (i = 0; i < 1000000; i++) {
		sim.count = (size_t)i / 10;
		sim_exchange(&sim, sim_delay(&sim, 100), sim_delay(&sim, 100));
		sim_advance(&sim, 3600 * 1000);
	}
	tw_clock_counts(sim.clock, &counts);
	assert_int_equal(counts.constraints, 1000000);
	assert_int_equal(counts.epochs, 1);
	assert_int_equal(tw_clock_epoch(sim.clock, 0, &info), 0);
	assert_true(info.hz - info.hz_error <= 3e9 &&
		    info.hz + info.hz_error >= 3e9);
	widths = sim_check(&sim, 0, SIM_BOTH);
	/* 19 s from point to point, and 10 ppm. */
	sim_assert_width("an hour, median", widths.median, 19 * 10000);
	sim_assert_width("an hour", widths.most, 19 * 4 * 10000);
	sim_end(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_falls),
		cmocka_unit_test(test_same_in_any_order),
		cmocka_unit_test(test_affine),
		cmocka_unit_test(test_affine_of_bent),
		cmocka_unit_test(test_no_affine),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
