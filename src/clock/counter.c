/* SPDX-License-Identifier: MIT */
/*
 * What a counter shows at a moment, as far as it is known, and with that a
 * counter of few bits made whole.
 *
 * Called by those who have counters of few bits, before they add a constraint.
 */
#include "epochs.h"

#include <errno.h>

/* How far the clock gets in so many ns, at a slope: rounded down. */
static int64_t ns_to_ticks(const struct tw_clock_rates *rates, int64_t ns,
			   int64_t slope)
{
	/* ns << shift may have more than 127 bits. */
	__int128 whole = ns;
	uint32_t left = rates->shift;
	__int128 ticks;

	while (left && whole < (__int128)1 << 125 &&
	       whole > -((__int128)1 << 125)) {
		whole *= 2;
		left--;
	}
	ticks = whole / slope - (whole % slope < 0);
	while (left-- && ticks < TW_CLOCK_TICKS_MAX &&
	       ticks > -TW_CLOCK_TICKS_MAX)
		ticks *= 2;
	if (ticks > TW_CLOCK_TICKS_MAX)
		return TW_CLOCK_TICKS_MAX;
	return ticks < -TW_CLOCK_TICKS_MAX ? -TW_CLOCK_TICKS_MAX
					   : (int64_t)ticks;
}

/* The counter was at point->g at point->v or later, so it can't be beyond this
 * at t. */
static int64_t most_at(const struct tw_clock_rates *rates,
		       const struct tw_clock_point *point, int64_t t)
{
	const struct tw_clock_slopes *slopes = &rates->sides[TW_SIDE_LOWER];
	const int64_t ns = t - point->v;

	return point->g +
	       ns_to_ticks(rates, ns, ns > 0 ? slopes->after : slopes->before) +
	       1;
}

/* It was there at -point->v or earlier. */
static int64_t least_at(const struct tw_clock_rates *rates,
			const struct tw_clock_point *point, int64_t t)
{
	const struct tw_clock_slopes *slopes = &rates->sides[TW_SIDE_LOWER];
	const int64_t ns = t + point->v;

	return point->g +
	       ns_to_ticks(rates, ns, ns > 0 ? slopes->before : slopes->after);
}

int tw_clock_ticks(const struct tw_clock *clock, uint64_t t, uint64_t *lo,
		   uint64_t *hi)
{
	const struct tw_clock_stretch *stretch = tw_clock_present(clock);
	const struct tw_clock_side *lower, *upper;
	int64_t at, least, most;

	if (!stretch || stretch->rates.is_virtual || t >= TW_CLOCK_TIME_MAX)
		return -EAGAIN;
	lower = &stretch->sides[TW_SIDE_LOWER];
	upper = &stretch->sides[TW_SIDE_UPPER];
	if (!lower->count || !upper->count)
		return -EAGAIN;
	at = (int64_t)t - (int64_t)stretch->t_base;
	/* The latest is as good as any, but for the champion. */
	most = most_at(&stretch->rates, &lower->points[lower->count - 1], at);
	least = least_at(&stretch->rates, &upper->points[upper->count - 1], at);
	*lo = stretch->g_base + (uint64_t)(least - (int64_t)stretch->step);
	*hi = stretch->g_base + (uint64_t)most;
	return 0;
}

int tw_clock_extend(const struct tw_clock *clock, uint64_t raw, uint32_t bits,
		    uint64_t from, uint64_t to, uint64_t *g)
{
	uint64_t lo, hi, unused, middle, off;
	int error;

	if (!bits || bits > 64 || from > to || !clock->options.hz)
		return -EINVAL;
	*g = raw;
	if (bits == 64)
		return 0;
	raw &= ((uint64_t)1 << bits) - 1;
	*g = raw;
	if (!clock->count)
		return 0;
	error = tw_clock_ticks(clock, from, &lo, &unused);
	if (!error)
		error = tw_clock_ticks(clock, to, &unused, &hi);
	if (error)
		return error;
	/* Both are far less than 2^63 apart. */
	if (hi - lo >= (uint64_t)1 << bits)
		return -EAGAIN;
	middle = lo + (hi - lo) / 2;
	off = (raw - middle) << (64 - bits);
	*g = middle + (uint64_t)((int64_t)off >> (64 - bits));
	return 0;
}

uint64_t tw_clock_kvm_tsc(uint64_t tsc, uint64_t ratio, uint32_t fraction_bits,
			  uint64_t offset)
{
	if (ratio && fraction_bits < 128)
		tsc = (uint64_t)((unsigned __int128)tsc * ratio >>
				 fraction_bits);
	return tsc + offset;
}
