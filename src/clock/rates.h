/* SPDX-License-Identifier: MIT */
/*
 * What is known of a clock's rate, and the arithmetic that goes with it: all of
 * it in integers, and rounded so that bounds get wider.
 */
#ifndef TRACKWAY_CLOCK_RATES_H
#define TRACKWAY_CLOCK_RATES_H

#include <stdbool.h>
#include <stdint.h>

/* Counter and time, less those of the epoch's first constraint: both are less
 * than 2^62 either way. Of an upper constraint v is the negative of the time,
 * so that for both sides more is tighter. */
struct tw_clock_point {
	int64_t g;
	int64_t v;
};

enum {
	TW_SIDE_LOWER = 0,
	TW_SIDE_UPPER = 1
};

/* Nothing is known: less than any v. */
#define TW_CLOCK_NOTHING INT64_MIN

/* ns a tick, times 2^shift: the mean rate of an epoch is between lo and hi. */
struct tw_clock_range {
	int64_t lo; /* 1 or more */
	int64_t hi; /* less than 2^61 */
};

/* How v may change along the counter, on one side. */
struct tw_clock_slopes {
	/* The mean rate, as v changes. */
	int64_t mean_lo;
	int64_t mean_hi;
	/* The rate is the mean times this in 10^9ths: after a point, and before
	 * it, at its worst. */
	int64_t after_scale;
	int64_t before_scale;
	/* The worst of all: v at x after a point is at least its own plus
	 * after * x, at x before it its own less before * x. */
	int64_t after;
	int64_t before;
};

struct tw_clock_rates {
	bool is_virtual; /* nothing but that it never goes back */
	uint32_t drift_ppb;
	uint32_t shift;
	struct tw_clock_range range;
	struct tw_clock_slopes sides[2];
	/* The next pair of constraints narrows the range if it is steeper than
	 * steep or flatter than flat. */
	int64_t steep;
	int64_t flat;
};

#define TW_CLOCK_PPB 1000000000

/* a * b / c, c positive, down and up. The result has to have 64 bits. */
int64_t tw_scale_down(int64_t a, int64_t b, int64_t c);
int64_t tw_scale_up(int64_t a, int64_t b, int64_t c);

/* All rates that make sense, from 1 Hz to 10^12; or those around hz. */
void tw_rates_any(struct tw_clock_rates *rates, uint32_t drift_ppb);
void tw_rates_nominal(struct tw_clock_rates *rates, uint32_t drift_ppb,
		      uint64_t hz, uint32_t tolerance_ppb);
/* Those of another epoch, and tolerance_ppb more. */
void tw_rates_widen(struct tw_clock_rates *rates, uint32_t tolerance_ppb);
void tw_rates_set(struct tw_clock_rates *rates,
		  const struct tw_clock_range *range);

/*
 * Narrow the range by a lower and an upper constraint (v as time, not
 * negated). False: they contradict it, and the range is of no more use.
 */
bool tw_rates_narrow(const struct tw_clock_rates *rates,
		     struct tw_clock_range *range,
		     const struct tw_clock_point *lower,
		     const struct tw_clock_point *upper);

/* floor(slope * x / 2^shift) */
static inline __int128 tw_rates_times(const struct tw_clock_rates *rates,
				      int64_t slope, int64_t x)
{
	return (__int128)slope * x >> rates->shift;
}

static inline int64_t tw_rates_saturate(__int128 v)
{
	if (v > INT64_MAX / 2)
		return INT64_MAX / 2;
	return v < -(INT64_MAX / 2) ? TW_CLOCK_NOTHING : (int64_t)v;
}

/* What v at one place says about the value x ticks later, and earlier. */
static inline int64_t tw_rates_after(const struct tw_clock_rates *rates,
				     int side, int64_t v, int64_t x)
{
	if (v == TW_CLOCK_NOTHING)
		return v;
	if (rates->is_virtual)
		return side == TW_SIDE_LOWER ? v : TW_CLOCK_NOTHING;
	return tw_rates_saturate(
		v + tw_rates_times(rates, rates->sides[side].after, x));
}

static inline int64_t tw_rates_before(const struct tw_clock_rates *rates,
				      int side, int64_t v, int64_t x)
{
	if (v == TW_CLOCK_NOTHING)
		return v;
	if (rates->is_virtual)
		return side == TW_SIDE_UPPER ? v : TW_CLOCK_NOTHING;
	return tw_rates_saturate(
		v + tw_rates_times(rates, -rates->sides[side].before, x));
}

/*
 * What two points say about v at g between them, if the mean rate is the same
 * for both. mean: that for which they say the same, for a further search.
 */
int64_t tw_rates_between(const struct tw_clock_rates *rates, int side,
			 const struct tw_clock_point *left,
			 const struct tw_clock_point *right, int64_t g,
			 int64_t *mean);

#endif
