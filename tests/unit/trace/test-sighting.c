/* SPDX-License-Identifier: MIT */
/*
 * A clock that is known by sightings alone: its rate, and that no event is seen
 * before it happened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/sighting.h"

#include <stdlib.h>
#include <time.h>

#define MONO 7000000000000ull
#define REAL 1700000000000000000ull
#define MS 1000000ull

static void see(struct tw_sightings *s, uint64_t ticks, uint64_t mono_ns)
{
	const struct tw_ring_sync moment = {0, mono_ns, mono_ns + REAL - MONO};

	tw_sightings_add(s, ticks, true, &moment);
}

/* Events of a clock of hz that began at ticks when the host's was MONO, each
 * seen up to 10 ms late. */
static void watch(struct tw_sightings *s, uint64_t hz, uint64_t ticks,
		  int count, uint64_t gap_ns)
{
	unsigned seed = 1;

	for (int i = 1; i <= count; i++) {
		const uint64_t ns = (uint64_t)i * gap_ns;
		const uint64_t late = (uint64_t)rand_r(&seed) % (10 * MS);

		see(s,
		    ticks + (uint64_t)((unsigned __int128)ns * hz / 1000000000),
		    MONO + ns + late);
	}
}

static int64_t error_ns(const struct tw_timebase *timebase, uint64_t ticks,
			uint64_t mono_ns)
{
	return (int64_t)(tw_timebase_ns(timebase, ticks) -
			 (mono_ns + REAL - MONO));
}

static void test_known_rate(void **state)
{
	static const uint64_t rates[] = {32768, 10000000, 62500000, 1000000000,
					 3000000000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct tw_sightings s = {0};
		struct tw_timebase timebase;
		const uint64_t begin = UINT64_C(1) << (10 + 10 * i);
		int64_t error;

		watch(&s, rates[i], begin, 1000, 3 * MS);
		tw_sightings_fit(&timebase, &s, rates[i]);
		assert_int_equal(timebase.hz, rates[i]);
		error = error_ns(&timebase, begin, MONO);
		/* Not before it happened, but for a tick; hardly later. */
		assert_true(error > -40000);
		assert_true(error < (int64_t)(MS / 5));
	}
}

static void test_rate_is_found(void **state)
{
	static const uint64_t rates[] = {2000000, 10000000, 62500000,
					 2400000000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct tw_sightings s = {0};
		double off;

		watch(&s, rates[i], 12345678901234, 2000, 2 * MS);
		off = (double)tw_sightings_rate(&s) / (double)rates[i] - 1;
		/* 4 s, and moments good to a fraction of a millisecond. */
		assert_true(off > -2e-4 && off < 2e-4);
		assert_true(s.count <= TW_SIGHTINGS_MAX);
		/* The host's clock of that kind, but not of any rate. */
		assert_int_equal(tw_sightings_choose_rate(
					 &s, rates[i] + rates[i] / 50, 0),
				 rates[i] + rates[i] / 50);
		assert_int_equal(tw_sightings_choose_rate(&s, rates[i] * 2, 7),
				 tw_sightings_rate(&s));
	}
}

static void test_too_little_to_tell(void **state)
{
	struct tw_sightings s = {0};
	struct tw_timebase timebase;
	struct timespec now;

	(void)state;
	assert_int_equal(tw_sightings_rate(&s), 0);
	assert_int_equal(tw_sightings_choose_rate(&s, 0, 0), 0);
	assert_int_equal(tw_sightings_choose_rate(&s, 0, 5), 5);
	assert_int_equal(tw_sightings_choose_rate(&s, 6, 5), 6);
	tw_sightings_fit(&timebase, &s, 0);
	assert_int_equal(timebase.hz, 1000000000);
	clock_gettime(CLOCK_REALTIME, &now);
	assert_true(tw_timebase_ns(&timebase, 0) / 1000000000 <=
		    (uint64_t)now.tv_sec);
	assert_true(tw_timebase_ns(&timebase, 0) / 1000000000 + 60 >
		    (uint64_t)now.tv_sec);
	/* Close together. */
	watch(&s, 1000000, 5, 40, MS / 10);
	assert_int_equal(tw_sightings_rate(&s), 0);
}

/* What was there before was of any age: it counts for the place alone. */
static void test_what_was_found(void **state)
{
	const struct tw_ring_sync moment = {0, MONO, REAL};
	struct tw_sightings s = {0};
	struct tw_timebase timebase;

	(void)state;
	tw_sightings_add(&s, 500, false, &moment);
	tw_sightings_add(&s, 400, false, &moment);
	tw_sightings_fit(&timebase, &s, 1000);
	assert_int_equal(tw_timebase_ns(&timebase, 500), REAL);
	assert_int_equal(tw_timebase_ns(&timebase, 400), REAL - 100 * MS);
	/* An hour old when it was found, as is seen now. */
	watch(&s, 1000, 3600500, 1000, 3 * MS);
	assert_true(tw_sightings_rate(&s) > 990);
	assert_true(tw_sightings_rate(&s) < 1010);
	tw_sightings_fit(&timebase, &s, 1000);
	assert_true(error_ns(&timebase, 500, MONO) < -3599000000000);
}

/* Ticks that go back, or stand still, or leap: no rate is nonsense. */
static void test_odd_clocks(void **state)
{
	struct tw_sightings s = {0};
	struct tw_timebase timebase;
	unsigned seed = 2;

	(void)state;
	for (uint64_t i = 0; i < 5000; i++) {
		uint64_t ticks = (uint64_t)rand_r(&seed) << 33 ^
				 (uint64_t)rand_r(&seed);

		if (i % 7 == 0)
			ticks = UINT64_MAX - i;
		see(&s, ticks, MONO + i * MS);
		tw_sightings_fit(&timebase, &s, i % 2 ? 0 : UINT64_MAX);
		assert_true(timebase.hz >= 1);
		assert_true(s.count <= TW_SIGHTINGS_MAX);
	}
}

/* A hull of more corners than are kept. */
static void test_many_corners(void **state)
{
	struct tw_sightings s = {0};

	(void)state;
	/* Ever steeper: each is a corner. */
	for (uint64_t i = 1; i < 500; i++) {
		see(&s, i * 1000, MONO + i * i * 1000);
		assert_true(s.count < TW_SIGHTINGS_MAX);
		assert_int_equal(s.hull[s.count - 1].ticks, i * 1000);
		assert_int_equal(s.hull[0].ticks, 1000);
		for (uint32_t k = 1; k < s.count; k++)
			assert_true(s.hull[k].ticks > s.hull[k - 1].ticks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_rate),
		cmocka_unit_test(test_rate_is_found),
		cmocka_unit_test(test_too_little_to_tell),
		cmocka_unit_test(test_what_was_found),
		cmocka_unit_test(test_odd_clocks),
		cmocka_unit_test(test_many_corners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
