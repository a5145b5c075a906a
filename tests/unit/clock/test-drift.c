/* SPDX-License-Identifier: MIT */
/*
 * Counters that are fast, slow, and change: the truth is inside, and the bounds
 * are as narrow as delays and drift allow.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GHZ 1000000000u

/* As measured on x86 under TCG: one way 128 ns at the least, one exchange after
 * the other, 15 ms in all. */
static void test_ping_pong(void **state)
{
	const struct tw_clock_options options = {0};
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 1, 2100000000);
	for (i = 0; i < 20000; i++) {
		sim_exchange(&sim, 80 + sim_random(&sim, 300),
			     80 + sim_random(&sim, 300));
		sim_advance(&sim, 50);
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("ping-pong, median", widths.median, 170);
	sim_assert_width("ping-pong", widths.most, 200);
	sim_end(&sim);
}

static struct sim_widths poll_for(struct sim *sim, int seconds)
{
	int i;

	for (i = 0; i < seconds * 1000; i++) {
		sim_exchange(sim, sim_delay(sim, 100), sim_delay(sim, 100));
		sim_advance(sim, 500000);
		sim_emit(sim);
		sim_advance(sim, 500000);
	}
	return sim_check(sim, 0, SIM_BOTH);
}

static void test_steady(void **state)
{
	static const int64_t ppbs[] = {0, 1000, -50000, 200000, -200000};
	const struct tw_clock_options options = {0};
	struct sim_widths widths;
	struct sim sim;
	size_t i;

	for (i = 0; i < sizeof(ppbs) / sizeof(ppbs[0]); i++) {
		sim_begin(&sim, &options, 2 + i, 3 * (uint64_t)GHZ);
		sim.ppb = ppbs[i];
		widths = poll_for(&sim, 5);
		sim_assert_width("constant rate, median", widths.median, 350);
		sim_assert_width("constant rate", widths.most, 1000);
		sim_end(&sim);
	}
}

/* 20 s in 4,096 points: those that are kept are 5 ms apart, some 15 ms, and
 * between two of them 20 ppm make 0.1 us, and 0.3. */
static void test_small_drift(void **state)
{
	const struct tw_clock_options options = {.drift_ppb = 20000};
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 10, 3 * (uint64_t)GHZ);
	for (i = 0; i < 20000; i++) {
		sim.ppb = 5000 + (int64_t)sim_random(&sim, 20000) - 10000;
		sim_exchange(&sim, 100, 100);
		sim_advance(&sim, 1000000);
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("drift of 20 ppm, median", widths.median, 204 + 150);
	sim_assert_width("drift of 20 ppm", widths.most, 204 + 300);
	sim_end(&sim);
}

static void test_wandering_drift(void **state)
{
	const struct tw_clock_options options = {
		.hz = 2 * (uint64_t)GHZ,
		.drift_ppb = 400000,
	};
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 11, 2 * (uint64_t)GHZ);
	for (i = 0; i < 30000; i++) {
		/* Anywhere within 200 ppm of what it says, slowly. */
		sim.ppb += (int64_t)sim_random(&sim, 4001) - 2000;
		if (sim.ppb > 200000)
			sim.ppb = 200000;
		if (sim.ppb < -200000)
			sim.ppb = -200000;
		sim_exchange(&sim, 100 + sim_random(&sim, 50),
			     100 + sim_random(&sim, 50));
		sim_emit(&sim);
		sim_advance(&sim, 20000);
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	/* 0.6 s in 4,096 points: 8 points an exchange and more. */
	sim_assert_width("wandering drift, median", widths.median, 400);
	sim_assert_width("wandering drift", widths.most, 1000);
	sim_end(&sim);
}

static void test_step_in_rate(void **state)
{
	const struct tw_clock_options options = {.drift_ppb = 210000};
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 12, 62500000);
	for (i = 0; i < 10000; i++) {
		sim.ppb = i / 1000 % 2 ? 200000 : -200000;
		sim_exchange(&sim, 200, 200);
		sim_advance(&sim, 100000);
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("steps of 400 ppm", widths.most, 420 + 500);
	sim_end(&sim);
}

/* Of the future: the drift, and what is not known of the rate. */
static void test_extrapolation(void **state)
{
	const struct tw_clock_options options = {.drift_ppb = 1000};
	struct sim_widths widths;
	struct sim sim;
	size_t from;

	sim_begin(&sim, &options, 13, 3 * (uint64_t)GHZ);
	poll_for(&sim, 10);
	from = sim.count;
	sim_advance(&sim, GHZ);
	sim_emit(&sim);
	widths = sim_check(&sim, from, SIM_BOTH);
	/* Of the rate 250 ns in 10 s are unknown, and twice 1 ppm. */
	sim_assert_width("a second ahead", widths.most, 300 + 50 + 4000);
	sim_end(&sim);
}

/* A rate that is known makes up for a short time. */
static void test_nominal_rate(void **state)
{
	struct tw_clock_options options = {.drift_ppb = 100};
	uint64_t widths[2];
	struct sim sim;
	size_t from;
	int i, k;

	for (i = 0; i < 2; i++) {
		if (i) {
			options.hz = 3 * (uint64_t)GHZ;
			options.tolerance_ppb = 1000;
		}
		sim_begin(&sim, &options, 14, 3 * (uint64_t)GHZ);
		for (k = 0; k < 100; k++)
			sim_exchange(&sim, 100, 100);
		from = sim.count;
		sim_advance(&sim, 100000000);
		sim_emit(&sim);
		widths[i] = sim_check(&sim, from, SIM_BOTH).most;
		sim_end(&sim);
	}
	/* 100 ms: twice 1.1 ppm of it. */
	sim_assert_width("rate known", widths[1], 204 + 220);
	assert_true(widths[0] > 10000);
}

static void test_false_rate(void **state)
{
	/* It says 3 GHz, and has 2.5. */
	const struct tw_clock_options options = {.hz = 3 * (uint64_t)GHZ};
	struct tw_clock_counts counts;
	struct sim_widths widths;
	struct sim sim;
	uint32_t first, count;
	size_t from;
	int i;

	sim_begin(&sim, &options, 15, 2500000000);
	for (i = 0; i < 200; i++) {
		sim_exchange(&sim, 100, 100);
		sim_advance(&sim, 1000000);
	}
	tw_clock_counts(sim.clock, &counts);
	assert_true(counts.hz_refuted);
	assert_false(counts.is_virtual);
	assert_true(counts.epochs <= 4);
	tw_clock_epochs(sim.clock, &first, &count);
	sim.epoch = first + count - 1;
	from = sim.count;
	for (i = 0; i < 200; i++) {
		sim_exchange(&sim, 100, 100);
		sim_advance(&sim, 1000000);
	}
	widths = sim_check(&sim, from, SIM_BOTH);
	sim_assert_width("a rate that is false", widths.most, 400);
	sim_end(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ping_pong),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_small_drift),
		cmocka_unit_test(test_wandering_drift),
		cmocka_unit_test(test_step_in_rate),
		cmocka_unit_test(test_extrapolation),
		cmocka_unit_test(test_nominal_rate),
		cmocka_unit_test(test_false_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
