/* SPDX-License-Identifier: MIT */
/*
 * The straight line through an epoch that errs least where it errs most.
 *
 * Of a line with a given slope the best is the one in the middle between the
 * highest of the upper bounds and the lowest of the lower ones, both seen along
 * that slope. How far these are apart is a convex function of the slope, so a
 * search by thirds finds the least. The slope is one of whole ticks a second,
 * since that is what CTF can say.
 *
 * Called by the writers of traces, and `trackway sync`.
 */
#include "epochs.h"

#include <errno.h>

struct line {
	uint64_t hz;
	/* Of all bounds, less what the slope says there: the lowest lower one
	 * and the highest upper one. */
	__int128 lo;
	__int128 hi;
};

static __int128 ticks_to_ns(int64_t ticks, uint64_t hz)
{
	const __int128 ns = (__int128)ticks * TW_CLOCK_PPB;

	return ns / (__int128)hz - (ns % (__int128)hz < 0);
}

static void look_at(struct tw_clock_stretch *stretch, int64_t g,
		    struct line *line)
{
	const __int128 ns = ticks_to_ns(g, line->hz);
	int64_t lo = tw_table_at(stretch, TW_SIDE_LOWER, g);
	int64_t hi = tw_table_at(stretch, TW_SIDE_UPPER,
				 g + (int64_t)stretch->step);

	/* Where one side is not known the line follows the other. */
	if (hi == TW_CLOCK_NOTHING)
		hi = -lo;
	if (lo == TW_CLOCK_NOTHING)
		lo = -hi;
	if (lo - ns < line->lo)
		line->lo = lo - ns;
	if (-hi - ns > line->hi)
		line->hi = -hi - ns;
}

static struct line fit(struct tw_clock_stretch *stretch, uint64_t hz)
{
	const __int128 far = (__int128)1 << 100;
	struct line line = {hz, far, -far};
	uint32_t i;

	look_at(stretch, stretch->first_g, &line);
	for (i = 0; i < stretch->table.count; i++)
		if (stretch->table.knots[i].g > stretch->first_g &&
		    stretch->table.knots[i].g < stretch->last_g)
			look_at(stretch, stretch->table.knots[i].g, &line);
	look_at(stretch, stretch->last_g, &line);
	return line;
}

static __int128 width_of(const struct line *line)
{
	return line->hi - line->lo;
}

static uint64_t rate_of(const struct tw_clock_rates *rates, int64_t slope)
{
	return (uint64_t)(((__int128)TW_CLOCK_PPB << rates->shift) / slope);
}

static struct line search(struct tw_clock_stretch *stretch)
{
	uint64_t lo = rate_of(&stretch->rates, stretch->rates.range.hi);
	uint64_t hi = rate_of(&stretch->rates, stretch->rates.range.lo) + 1;
	struct line best, other;

	if (!lo)
		lo = 1;
	while (hi - lo > 2) {
		const uint64_t third = (hi - lo) / 3;

		best = fit(stretch, lo + third);
		other = fit(stretch, hi - third);
		if (width_of(&best) <= width_of(&other))
			hi -= third;
		else
			lo += third;
	}
	best = fit(stretch, lo);
	for (; lo <= hi; lo++) {
		other = fit(stretch, lo);
		if (width_of(&other) < width_of(&best))
			best = other;
	}
	return best;
}

/* How much farther the truth may be from the line between two knots than at
 * them: a tent as high as its sides are steep. */
static __int128 tent_of(const struct tw_clock_stretch *stretch, uint64_t hz)
{
	const struct tw_clock_table *table = &stretch->table;
	const struct tw_clock_slopes *slopes =
		&stretch->rates.sides[TW_SIDE_LOWER];
	const int64_t slope = (int64_t)(((__int128)TW_CLOCK_PPB
					 << stretch->rates.shift) /
					(__int128)hz);
	int64_t widest = 0, excess = 0;
	uint32_t i;

	for (i = 1; i < table->count; i++)
		if (table->knots[i].g - table->knots[i - 1].g > widest)
			widest = table->knots[i].g - table->knots[i - 1].g;
	if (slope > slopes->before)
		excess = slope - slopes->before;
	if (slope < slopes->after)
		excess = slopes->after - slope;
	return tw_rates_times(&stretch->rates,
			      (slopes->before - slopes->after) / 4 + excess + 1,
			      widest) +
	       1;
}

int tw_clock_affine(struct tw_clock *clock, uint32_t epoch,
		    struct tw_clock_affine *affine)
{
	struct tw_clock_stretch *stretch;
	__int128 error_ns, base;
	struct line line;
	int error;

	if (epoch < clock->first || epoch - clock->first >= clock->count)
		return -ENOENT;
	stretch = clock->epochs[epoch - clock->first];
	if (stretch->rates.is_virtual ||
	    stretch->rates.range.hi / 2 > stretch->rates.range.lo)
		return -ENOTSUP;
	error = tw_table_make(stretch);
	if (error)
		return error;
	line = search(stretch);
	/* Rounded, so that each of the two is one more at most. */
	base = line.lo + width_of(&line) / 2;
	error_ns = width_of(&line) / 2 + 2 + tent_of(stretch, line.hz);
	base += (__int128)stretch->t_base;
	*affine = (struct tw_clock_affine){
		.hz = line.hz,
		.base_ticks = stretch->g_base,
		.base_ns = base < 0 ? 0 : (uint64_t)base,
		.error_ns = UINT64_MAX,
	};
	if (base >= 0 && error_ns < INT64_MAX && stretch->sides[0].count &&
	    stretch->sides[1].count)
		affine->error_ns = (uint64_t)error_ns;
	return 0;
}
