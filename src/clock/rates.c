/* SPDX-License-Identifier: MIT */
/*
 * The range of rates that constraints leave. Two of them are enough to narrow
 * it: where the host's time passed from an upper constraint to a later lower
 * one, the clock can't have been faster than this in ns a tick, and so on.
 *
 * Rates are integers of about 60 bits: of ns a tick, times 2^shift. The shift
 * grows as the range gets narrower, so that a rate is known to 2^-60 of itself.
 *
 * Called by side.c, epoch.c and table.c.
 */
#include "rates.h"

#define HI_MIN ((int64_t)1 << 60)
#define SHIFT_MAX 96

/* ns a tick of 10^12 Hz, times 2^30, and of 1 Hz. */
#define ANY_SHIFT 30
#define ANY_LO ((int64_t)1 << 20)
#define ANY_HI (((int64_t)TW_CLOCK_PPB + 1) << ANY_SHIFT)

static __int128 divide_down(__int128 a, __int128 b)
{
	const __int128 quotient = a / b;

	return quotient - (a % b < 0);
}

int64_t tw_scale_down(int64_t a, int64_t b, int64_t c)
{
	return (int64_t)divide_down((__int128)a * b, c);
}

int64_t tw_scale_up(int64_t a, int64_t b, int64_t c)
{
	return (int64_t)-divide_down(-(__int128)a * b, c);
}

static void set_side(struct tw_clock_slopes *side, int64_t mean_lo,
		     int64_t mean_hi, int64_t after_scale, int64_t before_scale)
{
	side->mean_lo = mean_lo;
	side->mean_hi = mean_hi;
	side->after_scale = after_scale;
	side->before_scale = before_scale;
	side->after = tw_scale_down(mean_lo, after_scale, TW_CLOCK_PPB);
	side->before = tw_scale_up(mean_hi, before_scale, TW_CLOCK_PPB);
}

void tw_rates_set(struct tw_clock_rates *rates,
		  const struct tw_clock_range *range)
{
	const int64_t slow = TW_CLOCK_PPB - (int64_t)rates->drift_ppb;
	const int64_t fast = TW_CLOCK_PPB + (int64_t)rates->drift_ppb;
	int64_t lo = range->lo, hi = range->hi;

	while (hi < HI_MIN && rates->shift < SHIFT_MAX) {
		lo *= 2;
		hi *= 2;
		rates->shift++;
	}
	rates->range = (struct tw_clock_range){lo, hi};
	set_side(&rates->sides[TW_SIDE_LOWER], lo, hi, slow, fast);
	set_side(&rates->sides[TW_SIDE_UPPER], -hi, -lo, fast, slow);
	rates->steep = tw_scale_down(lo, fast, TW_CLOCK_PPB);
	rates->flat = tw_scale_up(hi, slow, TW_CLOCK_PPB);
}

void tw_rates_any(struct tw_clock_rates *rates, uint32_t drift_ppb)
{
	const struct tw_clock_range range = {ANY_LO, ANY_HI};

	*rates = (struct tw_clock_rates){
		.drift_ppb = drift_ppb,
		.shift = ANY_SHIFT,
	};
	tw_rates_set(rates, &range);
}

void tw_rates_nominal(struct tw_clock_rates *rates, uint32_t drift_ppb,
		      uint64_t hz, uint32_t tolerance_ppb)
{
	struct tw_clock_range range;
	__int128 ns = (__int128)TW_CLOCK_PPB << ANY_SHIFT;
	uint32_t shift = ANY_SHIFT;

	/* 10^9 << 88 has 118 bits. */
	while (ns / (__int128)hz < HI_MIN / 2 && shift < 88) {
		ns *= 2;
		shift++;
	}
	*rates = (struct tw_clock_rates){
		.drift_ppb = drift_ppb,
		.shift = shift,
	};
	range.lo = (int64_t)(ns / (__int128)hz);
	range.hi = range.lo + 1;
	range.lo = tw_scale_down(
		range.lo, TW_CLOCK_PPB - (int64_t)tolerance_ppb, TW_CLOCK_PPB);
	range.hi = tw_scale_up(range.hi, TW_CLOCK_PPB + (int64_t)tolerance_ppb,
			       TW_CLOCK_PPB);
	tw_rates_set(rates, &range);
}

void tw_rates_widen(struct tw_clock_rates *rates, uint32_t tolerance_ppb)
{
	struct tw_clock_range range = rates->range;

	/* Room for what is added. */
	range.lo /= 2;
	range.hi = range.hi / 2 + 1;
	rates->shift--;
	range.lo = tw_scale_down(
		range.lo, TW_CLOCK_PPB - (int64_t)tolerance_ppb, TW_CLOCK_PPB);
	range.hi = tw_scale_up(range.hi, TW_CLOCK_PPB + (int64_t)tolerance_ppb,
			       TW_CLOCK_PPB);
	if (range.lo < 1)
		range.lo = 1;
	tw_rates_set(rates, &range);
}

/* The clock took at least ns for so many ticks: not less a tick. */
static bool raise_lo(const struct tw_clock_rates *rates,
		     struct tw_clock_range *range, int64_t ns, int64_t ticks)
{
	const int64_t fast = TW_CLOCK_PPB + (int64_t)rates->drift_ppb;
	__int128 least;

	if (ns <= 0 || ns <= tw_rates_times(rates, rates->steep, ticks))
		return true;
	/* So that ns << shift has 126 bits at most. */
	if (ns > tw_rates_times(rates, rates->sides[0].before, ticks) + 1)
		return false;
	least = divide_down((__int128)ns << rates->shift, ticks);
	least = divide_down(least * TW_CLOCK_PPB, fast);
	if (least > range->hi)
		return false;
	if (least > range->lo)
		range->lo = (int64_t)least;
	return true;
}

/* It took at most ns: not more a tick. */
static bool lower_hi(const struct tw_clock_rates *rates,
		     struct tw_clock_range *range, int64_t ns, int64_t ticks)
{
	const int64_t slow = TW_CLOCK_PPB - (int64_t)rates->drift_ppb;
	__int128 most;

	if (ns <= 0)
		return false;
	if (ns > tw_rates_times(rates, rates->flat, ticks))
		return true;
	most = -divide_down(-((__int128)ns << rates->shift), ticks);
	most = -divide_down(-most * TW_CLOCK_PPB, slow);
	if (most < range->hi)
		range->hi = (int64_t)most;
	return range->lo <= range->hi;
}

bool tw_rates_narrow(const struct tw_clock_rates *rates,
		     struct tw_clock_range *range,
		     const struct tw_clock_point *lower,
		     const struct tw_clock_point *upper)
{
	const int64_t ns = upper->v - lower->v;
	const int64_t ticks = upper->g - lower->g;

	if (!ticks)
		return ns >= 0;
	if (rates->is_virtual)
		return ticks < 0 || ns >= 0;
	return ticks > 0 ? lower_hi(rates, range, ns, ticks)
			 : raise_lo(rates, range, -ns, -ticks);
}

int64_t tw_rates_between(const struct tw_clock_rates *rates, int side,
			 const struct tw_clock_point *left,
			 const struct tw_clock_point *right, int64_t g,
			 int64_t *mean)
{
	const struct tw_clock_slopes *slopes = &rates->sides[side];
	const int64_t x = g - left->g, y = right->g - g;
	__int128 after, before, ticks, rise, slope;

	if (rates->is_virtual) {
		after = tw_rates_after(rates, side, left->v, x);
		before = tw_rates_before(rates, side, right->v, y);
		return (int64_t)(after > before ? after : before);
	}
	/* With a larger mean the left point says more and the right one less,
	 * so that for any mean the lesser of the two is what both say at
	 * least. The best one makes them equal, but for rounding. */
	ticks = divide_down((__int128)slopes->after_scale * x +
				    (__int128)slopes->before_scale * y,
			    TW_CLOCK_PPB);
	rise = (__int128)right->v - left->v;
	slope = slopes->mean_lo;
	if (ticks > 0 &&
	    rise > tw_rates_times(rates, slopes->mean_hi, (int64_t)ticks))
		slope = slopes->mean_hi;
	else if (ticks > 0 &&
		 rise > tw_rates_times(rates, slopes->mean_lo, (int64_t)ticks))
		slope = divide_down(rise * ((__int128)1 << rates->shift),
				    ticks);
	*mean = (int64_t)slope;
	after = left->v +
		tw_rates_times(
			rates,
			tw_scale_down(*mean, slopes->after_scale, TW_CLOCK_PPB),
			x);
	before = right->v +
		 tw_rates_times(rates,
				-tw_scale_up(*mean, slopes->before_scale,
					     TW_CLOCK_PPB),
				y);
	if (*mean == slopes->mean_lo && after > before)
		return tw_rates_saturate(after);
	if (*mean == slopes->mean_hi && before > after)
		return tw_rates_saturate(before);
	return tw_rates_saturate(after < before ? after : before);
}
