/* SPDX-License-Identifier: MIT */
/*
 * Counters of few bits, made whole; and a guest's TSC from the host's.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GHZ 1000000000u
#define MS 1000000u

/* An exchange of which only the low bits of the counter come across. */
static int exchange_low(struct sim *sim, uint32_t bits, uint64_t before,
			uint64_t after, uint64_t first)
{
	const uint64_t mask = ((uint64_t)1 << bits) - 1;
	const uint64_t t1 = sim_now(sim);
	uint64_t g, whole;
	int error;

	sim_advance(sim, before);
	g = sim_read(sim);
	sim_advance(sim, after);
	error = tw_clock_extend(sim->clock, g & mask, bits, t1, sim_now(sim),
				&whole);
	if (error)
		return error;
	/* The first was taken as it is. */
	assert_int_equal(whole - (first & mask), g - first);
	return tw_clock_exchange(sim->clock, whole, t1, sim_now(sim));
}

static void count_rounds(uint32_t bits, uint64_t hz, uint64_t step_ns,
			 int64_t ppb)
{
	const struct tw_clock_options options = {.hz = hz};
	const uint64_t mask = ((uint64_t)1 << bits) - 1;
	struct sim_widths widths;
	uint64_t first, rounds;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 30, hz);
	sim.ppb = ppb;
	first = sim_read(&sim);
	for (i = 0; i < 3000; i++) {
		assert_int_equal(exchange_low(&sim, bits, 1000, 1000, first),
				 0);
		sim_advance(&sim, step_ns / 2 + sim_random(&sim, step_ns));
		sim_emit(&sim);
		sim.events[sim.count - 1].g += (first & mask) - first;
	}
	rounds = (sim_read(&sim) - first) >> bits;
	print_message("%u bits: %u rounds\n", bits, (unsigned int)rounds);
	assert_true(rounds > 100);
	widths = sim_check(&sim, 0, SIM_BOTH);
	/* A tick, the exchange, the drift of 10 ppm in half a step. */
	sim_assert_width("in rounds", widths.most,
			 GHZ / hz + 2000 + step_ns * 20 / 1000000 * 4 + 1000);
	sim_end(&sim);
}

/* SLAVIO: 2 MHz, goes round in 2.097 s (its limit is read as 22 bits). */
static void test_slavio(void **state)
{
	count_rounds(22, 2000000, 300 * MS, 50000);
	count_rounds(21, 2000000, 100 * MS, -50000);
}

static void test_32_bits(void **state)
{
	count_rounds(32, 3 * (uint64_t)GHZ, 100 * MS, 200000);
	count_rounds(32, 48000000, 4 * (uint64_t)GHZ, 0);
}

/* After a silence in which it may have gone round, nothing is guessed. */
static void test_silence(void **state)
{
	const struct tw_clock_options options = {.hz = 2000000};
	struct sim sim;
	uint64_t first, g;
	int i;

	sim_begin(&sim, &options, 31, 2000000);
	first = sim_read(&sim);
	for (i = 0; i < 3; i++) {
		assert_int_equal(exchange_low(&sim, 22, 1000, 1000, first), 0);
		sim_advance(&sim, 10 * MS);
	}
	/* Many rounds are fine, as long as the rate is known well enough. */
	sim_advance(&sim, 60 * (uint64_t)GHZ);
	assert_int_equal(exchange_low(&sim, 22, 1000, 1000, first), 0);
	/* Known when to a second only: more than half a round. */
	assert_int_equal(tw_clock_extend(sim.clock, 5, 22, sim_now(&sim),
					 sim_now(&sim) + 3 * (uint64_t)GHZ, &g),
			 -11);
	sim_end(&sim);

	/* Rate known to 0.1 % only, one exchange: 2 s in 1,000 s. */
	sim_begin(&sim, &options, 32, 2000000);
	first = sim_read(&sim);
	assert_int_equal(exchange_low(&sim, 22, 1000, 1000, first), 0);
	sim_advance(&sim, 2000 * (uint64_t)GHZ);
	assert_int_equal(exchange_low(&sim, 22, 1000, 1000, first), -11);
	sim_end(&sim);
}

static void test_bad_arguments(void **state)
{
	const struct tw_clock_options options = {0};
	struct sim sim;
	uint64_t g;

	sim_begin(&sim, &options, 33, GHZ);
	/* No rate is said. */
	assert_int_equal(tw_clock_extend(sim.clock, 5, 32, 0, 1, &g), -22);
	sim_end(&sim);
}

/* The range of what it may show contains what it shows. */
static void test_ticks(void **state)
{
	const struct tw_clock_options options = {0};
	uint64_t lo, hi, g;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 34, 3 * (uint64_t)GHZ);
	assert_int_equal(tw_clock_ticks(sim.clock, 1, &lo, &hi), -11);
	for (i = 0; i < 1000; i++) {
		sim_exchange(&sim, 100, 100);
		sim_advance(&sim, sim_random(&sim, MS));
		if (i < 10)
			continue;
		g = sim_read(&sim);
		assert_int_equal(
			tw_clock_ticks(sim.clock, sim_now(&sim), &lo, &hi), 0);
		assert_true(g - lo <= hi - lo);
		if (i > 100)
			assert_true(hi - lo < 3 * 500);
	}
	/* Far ahead as well, if less well. */
	sim_advance(&sim, 3600 * (uint64_t)GHZ);
	g = sim_read(&sim);
	assert_int_equal(tw_clock_ticks(sim.clock, sim_now(&sim), &lo, &hi), 0);
	assert_true(g - lo <= hi - lo);
	sim_end(&sim);
}

/* Ticks of 500 ns: half of the width is theirs, and the truth is inside. */
static void test_coarse(void **state)
{
	const struct tw_clock_options options = {.hz = 2000000};
	struct sim_widths widths;
	struct sim sim;
	int i;

	sim_begin(&sim, &options, 35, 2000000);
	for (i = 0; i < 3000; i++) {
		sim_exchange(&sim, 20, 20);
		sim_advance(&sim, 300 + sim_random(&sim, 3000));
		sim_emit(&sim);
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("coarse ticks", widths.most, 500 + 80);
	sim_end(&sim);
}

static void test_steps(void **state)
{
	/* Counts ns, 100 at a time. */
	const struct tw_clock_options options = {.hz = GHZ, .step = 100};
	struct sim_widths widths;
	struct sim sim;
	uint64_t t1, g;
	int i;

	sim_begin(&sim, &options, 36, GHZ);
	for (i = 0; i < 3000; i++) {
		t1 = sim_now(&sim);
		sim_advance(&sim, 20);
		g = sim_read(&sim) / 100 * 100;
		sim_emit(&sim);
		sim.events[sim.count - 1].g = g;
		sim_advance(&sim, 20);
		assert_int_equal(
			tw_clock_exchange(sim.clock, g, t1, sim_now(&sim)), 0);
		sim_advance(&sim, 1000 + sim_random(&sim, 300));
	}
	widths = sim_check(&sim, 0, SIM_BOTH);
	sim_assert_width("steps", widths.most, 100 + 60);
	sim_end(&sim);
}

static void test_kvm(void **state)
{
	assert_int_equal(tw_clock_kvm_tsc(1000, 0, 48, 5), 1005);
	assert_int_equal(tw_clock_kvm_tsc(1000, 0, 48, (uint64_t)-1001),
			 UINT64_MAX);
	assert_int_equal(
		tw_clock_kvm_tsc((uint64_t)1 << 62, (uint64_t)3 << 47, 48, 1),
		((uint64_t)3 << 61) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slavio),
		cmocka_unit_test(test_32_bits),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_coarse),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_kvm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
