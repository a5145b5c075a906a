/* SPDX-License-Identifier: MIT */
/*
 * The constraints of one epoch: their points, and the range of rates that they
 * leave together. They contradict each other if that range is empty.
 *
 * Of a counter that shows g the true value is g or more, and less than a step
 * more. So an upper constraint stands at g and a lower one at g + step; and of
 * a clock that shows t the true time is less than t + 1, which is what an upper
 * constraint says.
 *
 * Called by clock.c.
 */
#include "epoch.h"

#include <errno.h>
#include <stdlib.h>

struct tw_clock_stretch *tw_stretch_create(const struct tw_clock_rates *rates,
					   uint64_t step, uint32_t points)
{
	struct tw_clock_stretch *stretch = calloc(1, sizeof(*stretch));
	int side;

	if (!stretch)
		return NULL;
	stretch->rates = *rates;
	stretch->first_rates = *rates;
	stretch->step = step;
	for (side = 0; side < 2; side++) {
		stretch->sides[side].side = side;
		stretch->sides[side].room_max = points;
	}
	return stretch;
}

void tw_stretch_destroy(struct tw_clock_stretch *stretch)
{
	if (!stretch)
		return;
	free(stretch->sides[0].points);
	free(stretch->sides[1].points);
	free(stretch->table.knots);
	free(stretch);
}

static bool to_point(const struct tw_clock_stretch *stretch,
		     const struct tw_clock_constraint *constraint, int side,
		     struct tw_clock_point *point)
{
	const int64_t t = (int64_t)constraint->t[side] -
			  (int64_t)stretch->t_base;

	point->v = side == TW_SIDE_LOWER ? t : -(t + 1);
	return tw_stretch_place(stretch,
				side == TW_SIDE_LOWER
					? constraint->g + stretch->step
					: constraint->g,
				&point->g);
}

uint32_t tw_stretch_check(const struct tw_clock_stretch *stretch,
			  const struct tw_clock_constraint *constraint,
			  struct tw_clock_range *range)
{
	struct tw_clock_point point;
	uint32_t misfit = 0;
	int side;

	*range = stretch->rates.range;
	if (!stretch->any)
		return 0;
	for (side = 0; side < 2; side++) {
		if (!constraint->has[side])
			continue;
		if (!to_point(stretch, constraint, side, &point)) {
			misfit |= 1u << side;
			continue;
		}
		if (tw_side_implies(&stretch->sides[side], &stretch->rates,
				    &point))
			continue;
		if (!tw_side_narrow(&stretch->sides[!side], &stretch->rates,
				    range, &point)) {
			misfit |= 1u << side;
			*range = stretch->rates.range;
		}
	}
	return misfit;
}

static void set_range(struct tw_clock_stretch *stretch,
		      const struct tw_clock_range *range)
{
	if (range->lo == stretch->rates.range.lo &&
	    range->hi == stretch->rates.range.hi)
		return;
	tw_rates_set(&stretch->rates, range);
	tw_side_choose(&stretch->sides[0], &stretch->rates);
	tw_side_choose(&stretch->sides[1], &stretch->rates);
	stretch->table.is_valid = false;
}

static void begin(struct tw_clock_stretch *stretch,
		  const struct tw_clock_constraint *constraint)
{
	stretch->any = true;
	stretch->g_base = constraint->g;
	stretch->order_base = constraint->order;
	stretch->t_base = constraint->has[0] ? constraint->t[0]
					     : constraint->t[1];
}

int tw_stretch_add(struct tw_clock_stretch *stretch,
		   const struct tw_clock_constraint *constraint,
		   const struct tw_clock_range *range)
{
	struct tw_clock_point point;
	int64_t g;
	int side;

	if (!stretch->any)
		begin(stretch, constraint);
	for (side = 0; side < 2; side++)
		if (tw_side_reserve(&stretch->sides[side], &stretch->rates))
			return -ENOMEM;
	set_range(stretch, range);
	for (side = 0; side < 2; side++) {
		if (!constraint->has[side])
			continue;
		to_point(stretch, constraint, side, &point);
		if (tw_side_implies(&stretch->sides[side], &stretch->rates,
				    &point))
			continue;
		tw_side_add(&stretch->sides[side], &stretch->rates, &point);
		stretch->table.is_valid = false;
	}
	tw_stretch_place(stretch, constraint->g, &g);
	if (g < stretch->first_g)
		stretch->first_g = g;
	if (g > stretch->last_g)
		stretch->last_g = g;
	stretch->constraints++;
	return 0;
}

void tw_stretch_make_virtual(struct tw_clock_stretch *stretch)
{
	stretch->rates.is_virtual = true;
	stretch->table.is_valid = false;
}
