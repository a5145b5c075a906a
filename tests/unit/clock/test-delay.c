/* SPDX-License-Identifier: MIT */
/*
 * Delays of all kinds, on one side or both: a delay makes bounds wide at most.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GHZ 1000000000u
#define MS 1000000u

static const struct tw_clock_options plain = {0};
static const struct tw_clock_options known = {.hz = 3 * (uint64_t)GHZ};

/* All of it on one way: the truth is at one edge, and inside. */
static void test_one_way(void **state)
{
	struct sim_widths widths;
	struct sim sim;
	int way, i;

	for (way = 0; way < 2; way++) {
		sim_begin(&sim, &plain, 40, 3 * (uint64_t)GHZ);
		for (i = 0; i < 3000; i++) {
			sim_exchange(&sim, way ? 0 : 10000, way ? 10000 : 0);
			sim_advance(&sim, MS);
		}
		widths = sim_check(&sim, 0, SIM_BOTH);
		sim_assert_width("one way", widths.most, 10003 + 200);
		assert_true(widths.median > 9900);
		sim_end(&sim);
	}
}

/* No delay at all: what is left is a ns of the host's clock, a tick of the
 * counter, and both rounded. */
static void test_no_delay(void **state)
{
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &plain, 50, 3 * (uint64_t)GHZ);
	for (i = 0; i < 3000; i++) {
		sim_exchange(&sim, 0, 0);
		sim_advance(&sim, 500 + sim_random(&sim, 1000));
		sim_emit(&sim);
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("no delay", widths.most, 3);
	sim_end(&sim);
}

/* The two bounds of different exchanges do better than any one of them. */
static void test_both_ways_in_turn(void **state)
{
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &plain, 41, 3 * (uint64_t)GHZ);
	for (i = 0; i < 3000; i++) {
		sim_exchange(&sim, i % 2 ? 100 : 50000, i % 2 ? 50000 : 100);
		sim_advance(&sim, MS);
	}
	widths = sim_check(&sim, 2, SIM_BOTH);
	sim_assert_width("in turn, median", widths.median, 204 + 60);
	sim_end(&sim);
}

static void test_bursts(void **state)
{
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &plain, 42, 3 * (uint64_t)GHZ);
	for (i = 0; i < 10000; i++) {
		/* 90 ms of 100 the machine is busy. */
		const uint64_t busy = i % 100 < 90 ? MS : 0;

		sim_exchange(&sim, 100 + sim_random(&sim, busy),
			     100 + sim_random(&sim, busy));
		sim_advance(&sim, MS);
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	/* 100 to 300 ms between those that were not held up, and 10 ppm. */
	sim_assert_width("bursts, median", widths.median, 3000);
	sim_assert_width("bursts", widths.most, 10000);
	sim_end(&sim);
}

static void test_outliers(void **state)
{
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &plain, 43, 3 * (uint64_t)GHZ);
	for (i = 0; i < 5000; i++) {
		const uint64_t luck = sim_random(&sim, 4);

		sim_exchange(&sim, luck == 1 ? 2 * GHZ : 100,
			     luck == 2 ? 500 * MS : 100);
		sim_advance(&sim, MS);
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("outliers, median", widths.median, 60000);
	sim_end(&sim);
}

/* What is known from one side only: the other stays open, and that one is
 * close. */
static void test_beacons_only(void **state)
{
	struct tw_clock_bounds bounds;
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &known, 44, 3 * (uint64_t)GHZ);
	for (i = 0; i < 3000; i++) {
		sim_beacon(&sim, 1000 + sim_random(&sim, 100000));
		sim_emit(&sim);
		sim_advance(&sim, 2 * MS);
	}
	assert_int_equal(
		tw_clock_bounds(sim.clock, 0, sim.events[500].g, &bounds), 0);
	assert_int_equal(bounds.hi, UINT64_MAX);
	assert_int_equal(bounds.centre, bounds.lo);
	widths = sim_check(&sim, 0, SIM_LOWER);
	/* Every 2 ms 100 us at most, and 0.1 % of the way to a better one. */
	sim_assert_width("beacons only, median", widths.median, 40000);
	sim_assert_width("beacons only", widths.most, 102000);
	sim_end(&sim);
}

static void test_sightings_only(void **state)
{
	struct tw_clock_bounds bounds;
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &known, 45, 3 * (uint64_t)GHZ);
	for (i = 0; i < 3000; i++) {
		sim_sighting(&sim, 1000 + sim_random(&sim, 100000));
		sim_emit(&sim);
		sim_advance(&sim, 2 * MS);
	}
	assert_int_equal(
		tw_clock_bounds(sim.clock, 0, sim.events[500].g, &bounds), 0);
	assert_int_equal(bounds.lo, 0);
	assert_int_equal(bounds.centre, bounds.hi);
	widths = sim_check(&sim, 0, SIM_UPPER);
	sim_assert_width("sightings only, median", widths.median, 40000);
	sim_assert_width("sightings only", widths.most, 102000);
	sim_end(&sim);
}

/* Nothing known of the rate, one side: still what monotony gives. */
static void test_sightings_of_no_rate(void **state)
{
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &plain, 46, 3 * (uint64_t)GHZ);
	for (i = 0; i < 3000; i++) {
		sim_emit(&sim);
		sim_advance(&sim, MS);
		sim_sighting(&sim, 1000 + sim_random(&sim, 100000));
	}
	/* The last tick of all may last a second, for all that is known. */
	sim.count--;
	widths = sim_check(&sim, 0, SIM_UPPER);
	sim_assert_width("sightings, no rate", widths.most, MS + 102000);
	sim_end(&sim);
}

/* The bounds that need no answer. */
static void test_beacons_and_sightings(void **state)
{
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &plain, 47, 3 * (uint64_t)GHZ);
	for (i = 0; i < 1000; i++) {
		/* Every 10 ms a page turns up to 1 ms after the beacon, and is
		 * read up to 1 ms later. */
		sim_advance(&sim, 8 * MS);
		sim_beacon(&sim, sim_random(&sim, MS));
		sim_emit(&sim);
		sim_advance(&sim, 10000);
		sim_sighting(&sim, sim_random(&sim, MS));
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("no answer, median", widths.median, 50000);
	sim_end(&sim);
}

static void test_mixed(void **state)
{
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &known, 48, 3 * (uint64_t)GHZ);
	for (i = 0; i < 20000; i++) {
		switch (sim_random(&sim, 4)) {
		case 0:
			sim_beacon(&sim, sim_delay(&sim, 500));
			break;
		case 1:
			sim_sighting(&sim, sim_delay(&sim, 500));
			break;
		case 2:
			sim_exchange(&sim, sim_delay(&sim, 150),
				     sim_delay(&sim, 150));
			break;
		default:
			sim_emit(&sim);
		}
		sim_advance(&sim, sim_random(&sim, 400000));
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("mixed, median", widths.median, 500);
	sim_assert_width("mixed", widths.most, 1500);
	sim_end(&sim);
}

/* Pages of several lanes come late, and not in the order of their times. */
static void test_any_order(void **state)
{
	struct {
		uint64_t g, t1, t2;
	} late[64], one;
	struct sim_widths widths;
	struct tw_clock_counts counts;
	struct sim sim;
	size_t i, k;

	sim_begin(&sim, &plain, 49, 3 * (uint64_t)GHZ);
	for (i = 0; i < 20000; i++) {
		one.t1 = sim_now(&sim);
		sim_advance(&sim, 100 + sim_random(&sim, 1000));
		sim_emit(&sim);
		one.g = sim_read(&sim);
		sim_advance(&sim, 100 + sim_random(&sim, 1000));
		one.t2 = sim_now(&sim);
		k = sim_random(&sim, 64);
		if (i >= 64)
			assert_int_equal(tw_clock_exchange(sim.clock, late[k].g,
							   late[k].t1,
							   late[k].t2),
					 0);
		else
			k = i;
		late[k] = one;
		sim_advance(&sim, 50000);
	}
	tw_clock_counts(sim.clock, &counts);
	assert_int_equal(counts.epochs, 1);
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("any order, median", widths.median, 400);
	sim_end(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_no_delay),
		cmocka_unit_test(test_both_ways_in_turn),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_outliers),
		cmocka_unit_test(test_beacons_only),
		cmocka_unit_test(test_sightings_only),
		cmocka_unit_test(test_sightings_of_no_rate),
		cmocka_unit_test(test_beacons_and_sightings),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
