/* SPDX-License-Identifier: MIT */
/* Ticks to nanoseconds: exactness, monotony, and which moments are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/timebase.h"

static uint64_t exact_ns(const struct tw_timebase *timebase, uint64_t ticks)
{
	const __int128 delta = (int64_t)(ticks - timebase->base_ticks);
	__int128 ns = delta * 1000000000 / (__int128)timebase->hz;

	if (ns * (__int128)timebase->hz > delta * 1000000000)
		ns--;
	return timebase->base_ns + (uint64_t)ns;
}

/* Rounding mult down costs at most one part in 2^61. */
static void test_conversion_is_exact(void **state)
{
	static const uint64_t rates[] = {1,	     1000,	 32768,
					 62500000,   1000000000, 2499999999,
					 2500000001, 3200000000, 10000000000};
	struct tw_timebase timebase;
	uint64_t base = (uint64_t)1 << 52, ticks;
	int64_t error;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		tw_timebase_set(&timebase, rates[i], base, 1700000000000000000);
		for (int n = -2000; n < 2000; n++) {
			/* Up to an hour to either side. */
			ticks = base +
				(uint64_t)((int64_t)rates[i] * n * 18 / 10) +
				(uint64_t)n;
			error = (int64_t)(tw_timebase_ns(&timebase, ticks) -
					  exact_ns(&timebase, ticks));
			assert_in_range(error + 1, 0, 2);
		}
	}
}

static void test_time_never_decreases(void **state)
{
	struct tw_timebase timebase;
	uint64_t last, now;

	(void)state;
	tw_timebase_set(&timebase, 2893214567, 12345678901234, 1700000000);
	last = tw_timebase_ns(&timebase, 12345678901234 - 5000);
	for (uint64_t i = 12345678901234 - 5000; i < 12345678901234 + 5000;
	     i++) {
		now = tw_timebase_ns(&timebase, i);
		assert_true(now >= last && now - last <= 1);
		last = now;
	}
}

/* A CTF reader adds ticks to the origin, then divides: it must agree. */
static void test_origin_agrees(void **state)
{
	static const struct {
		uint64_t hz, base_ticks, base_ns;
	} cases[] = {
		{1000000000, 5000, 1700000000000000123},
		{2500000000, 9000000000000, 1700000000123456789},
		{3200000123, 77, 1700000000999999999},
		{1000000, 1000, 5}, /* an origin before the epoch */
		{2400000000, (uint64_t)1 << 60, 3},
	};
	struct tw_timebase timebase;
	__int128 total, ns;
	uint64_t ticks;
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tw_timebase_set(&timebase, cases[i].hz, cases[i].base_ticks,
				cases[i].base_ns);
		tw_timebase_origin(&timebase, &seconds, &ticks);
		assert_true(ticks < cases[i].hz);
		total = (__int128)seconds * (__int128)cases[i].hz +
			(__int128)ticks + (__int128)cases[i].base_ticks;
		ns = total * 1000000000 / (__int128)cases[i].hz -
		     (__int128)cases[i].base_ns;
		/* A tick is at most a microsecond in these cases. */
		assert_true(ns <= 1000 && ns >= -1000);
		if (cases[i].hz >= 1000000000)
			assert_true(ns <= 1 && ns >= -1);
	}
}

static void test_longest_baseline_wins(void **state)
{
	struct tw_moments moments = {.kind = TW_CLOCK_TSC};
	struct tw_timebase timebase;

	(void)state;
	tw_moments_add(&moments, &(struct tw_ring_sync){2000, 1000, 5000});
	/* 1 ms apart and 10 percent off, then a second apart and right. */
	tw_moments_add(&moments,
		       &(struct tw_ring_sync){2202000, 1001000, 1005000});
	tw_timebase_fit(&timebase, &moments, 0);
	assert_int_equal(timebase.hz, 2200000000);
	tw_moments_add(&moments, &(struct tw_ring_sync){2000002000, 1000001000,
							1000005000});
	tw_moments_add(&moments, &(struct tw_ring_sync){0, 0, 0});
	tw_timebase_fit(&timebase, &moments, 0);
	assert_int_equal(timebase.hz, 2000000000);
	assert_int_equal(tw_timebase_ns(&timebase, 2000), 5000);
	assert_int_equal(tw_timebase_ns(&timebase, 2000002000), 1000005000);
}

static void test_short_baseline_believes_the_producer(void **state)
{
	struct tw_moments moments = {.kind = TW_CLOCK_TSC};
	struct tw_timebase timebase;

	(void)state;
	tw_moments_add(&moments, &(struct tw_ring_sync){2000, 1000, 5000});
	tw_moments_add(&moments, &(struct tw_ring_sync){2400, 1100, 5100});
	tw_timebase_fit(&timebase, &moments, 3000000000);
	assert_int_equal(timebase.hz, 3000000000);
	tw_timebase_fit(&timebase, &moments, 0);
	assert_int_equal(timebase.hz, 4000000000);
}

static void test_nanosecond_clock_is_1_ghz(void **state)
{
	struct tw_moments moments = {.kind = TW_CLOCK_MONOTONIC};
	struct tw_timebase timebase;

	(void)state;
	tw_moments_add(&moments, &(struct tw_ring_sync){1000, 1000, 5000});
	tw_moments_add(&moments,
		       &(struct tw_ring_sync){3000000000, 2900000000, 7});
	tw_timebase_fit(&timebase, &moments, 12345);
	assert_int_equal(timebase.hz, 1000000000);
	assert_int_equal(timebase.base_ns, 7);
	assert_int_equal(timebase.base_mono_ns, 2900000000);
	tw_timebase_set(&timebase, 1, 2, 3);
	assert_int_equal(timebase.base_mono_ns, 0);
}

/* No moment, rates of nonsense: something is fitted, nothing divides by 0. */
static void test_nonsense_is_survived(void **state)
{
	static const struct tw_ring_sync odd[] = {
		{1, UINT64_MAX, UINT64_MAX},
		{UINT64_MAX, 1, 1},
		{0, 1, UINT64_MAX},
		{UINT64_MAX, UINT64_MAX, 0},
	};
	struct tw_moments moments = {.kind = TW_CLOCK_TSC};
	struct tw_timebase timebase;
	uint64_t ticks;
	int64_t seconds;

	(void)state;
	tw_timebase_fit(&timebase, &moments, 0);
	assert_int_equal(tw_timebase_ns(&timebase, 7), 7);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		tw_moments_add(&moments, &odd[i]);
		tw_timebase_fit(&timebase, &moments, i % 2 ? UINT64_MAX : 0);
		assert_true(timebase.hz > 0);
		tw_timebase_ns(&timebase, 0);
		tw_timebase_ns(&timebase, UINT64_MAX);
		tw_timebase_origin(&timebase, &seconds, &ticks);
		assert_true(ticks < timebase.hz);
	}
}

static void test_other_boots_are_known(void **state)
{
	struct tw_ring_sync ours, theirs;

	(void)state;
	assert_int_equal(tw_moment_take(TW_CLOCK_MONOTONIC, &theirs), 0);
	assert_int_equal(tw_moment_take(TW_CLOCK_MONOTONIC, &ours), 0);
	assert_true(tw_moment_is_ours(&theirs, &ours));
	/* Ahead of us; of a boot two seconds earlier. */
	assert_false(tw_moment_is_ours(&ours, &theirs));
	theirs.real_ns -= 2000000000;
	assert_false(tw_moment_is_ours(&theirs, &ours));
	assert_true(tw_moment_take(TW_CLOCK_OTHER, &ours) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversion_is_exact),
		cmocka_unit_test(test_time_never_decreases),
		cmocka_unit_test(test_origin_agrees),
		cmocka_unit_test(test_longest_baseline_wins),
		cmocka_unit_test(test_short_baseline_believes_the_producer),
		cmocka_unit_test(test_nanosecond_clock_is_1_ghz),
		cmocka_unit_test(test_nonsense_is_survived),
		cmocka_unit_test(test_other_boots_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
