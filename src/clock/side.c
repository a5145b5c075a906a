/* SPDX-License-Identifier: MIT */
/*
 * Constraints of one side. Of most of them nothing is left to say after their
 * neighbours: one that was delayed by a us more than the one before it, and the
 * clock can't have drifted by that since. Those are dropped at no cost. When
 * the room is used up, those go that cost least, which are those that lie close
 * to the line between their neighbours.
 *
 * Called by epoch.c; table.c reads the points.
 */
#include "side.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 16

uint32_t tw_side_find(const struct tw_clock_side *side, int64_t g)
{
	uint32_t lo = 0, hi = side->count;

	/* Nearly always it is the newest. */
	if (hi && side->points[hi - 1].g <= g)
		return hi;
	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;

		if (side->points[mid].g <= g)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is_implied_by(const struct tw_clock_side *side,
			  const struct tw_clock_rates *rates,
			  const struct tw_clock_point *point,
			  const struct tw_clock_point *by)
{
	if (by->g <= point->g)
		return point->v <= tw_rates_after(rates, side->side, by->v,
						  point->g - by->g);
	return point->v <=
	       tw_rates_before(rates, side->side, by->v, by->g - point->g);
}

bool tw_side_implies(const struct tw_clock_side *side,
		     const struct tw_clock_rates *rates,
		     const struct tw_clock_point *point)
{
	const uint32_t at = tw_side_find(side, point->g);

	/* If any point implies it, so does the neighbour on that side: it is
	 * not implied by that point itself, so it says more. */
	return (at &&
		is_implied_by(side, rates, point, &side->points[at - 1])) ||
	       (at < side->count &&
		is_implied_by(side, rates, point, &side->points[at]));
}

static int64_t champion_slope(const struct tw_clock_side *side,
			      const struct tw_clock_rates *rates)
{
	return side->side == TW_SIDE_LOWER ? rates->flat : -rates->steep;
}

static void challenge(struct tw_clock_side *side,
		      const struct tw_clock_rates *rates,
		      const struct tw_clock_point *point)
{
	const int64_t slope = champion_slope(side, rates);
	const struct tw_clock_point *champion = &side->champion;

	/* Where both say the same, the later one: the products differ by
	 * 2^125 at most. */
	if (!side->has_champion ||
	    point->v - champion->v >=
		    tw_rates_times(rates, slope, point->g - champion->g))
		side->champion = *point;
	side->has_champion = true;
}

void tw_side_choose(struct tw_clock_side *side,
		    const struct tw_clock_rates *rates)
{
	uint32_t i;

	for (i = 0; i < side->count; i++)
		challenge(side, rates, &side->points[i]);
}

void tw_side_add(struct tw_clock_side *side, const struct tw_clock_rates *rates,
		 const struct tw_clock_point *point)
{
	uint32_t from = tw_side_find(side, point->g), to = from;

	while (from &&
	       is_implied_by(side, rates, &side->points[from - 1], point))
		from--;
	while (to < side->count &&
	       is_implied_by(side, rates, &side->points[to], point))
		to++;
	memmove(&side->points[from + 1], &side->points[to],
		(side->count - to) * sizeof(*point));
	side->points[from] = *point;
	side->count -= to - from;
	side->count++;
	challenge(side, rates, point);
}

/* By how much the bound widens at a point without it. */
static __int128 loss_of(const struct tw_clock_side *side,
			const struct tw_clock_rates *rates,
			const struct tw_clock_point *left,
			const struct tw_clock_point *point,
			const struct tw_clock_point *right)
{
	int64_t mean;

	return (__int128)point->v - tw_rates_between(rates, side->side, left,
						     right, point->g, &mean);
}

/* Drop points that cost no more than the limit, never two in a row. */
static void thin_once(struct tw_clock_side *side,
		      const struct tw_clock_rates *rates)
{
	struct tw_clock_point *points = side->points;
	uint32_t kept = 1, i;

	for (i = 1; i + 1 < side->count; i++) {
		if (loss_of(side, rates, &points[kept - 1], &points[i],
			    &points[i + 1]) <= side->loss)
			i++;
		points[kept++] = points[i];
	}
	if (i < side->count)
		points[kept++] = points[i];
	side->count = kept;
}

static void thin_out(struct tw_clock_side *side,
		     const struct tw_clock_rates *rates)
{
	side->loss -= side->loss / 4;
	for (;;) {
		thin_once(side, rates);
		if (side->count <= side->room_max / 4 * 3)
			return;
		if (side->loss < INT64_MAX / 4)
			side->loss += side->loss / 4 + 1;
	}
}

int tw_side_reserve(struct tw_clock_side *side,
		    const struct tw_clock_rates *rates)
{
	struct tw_clock_point *points;
	uint32_t room;

	if (side->count < side->room)
		return 0;
	if (side->room == side->room_max) {
		thin_out(side, rates);
		return 0;
	}
	room = side->room ? side->room * 2 : ROOM_FIRST;
	if (room > side->room_max)
		room = side->room_max;
	points = realloc(side->points, room * sizeof(*points));
	if (!points)
		return -ENOMEM;
	side->points = points;
	side->room = room;
	return 0;
}

static bool narrow_by(const struct tw_clock_side *side,
		      const struct tw_clock_rates *rates,
		      struct tw_clock_range *range,
		      const struct tw_clock_point *own,
		      const struct tw_clock_point *other)
{
	const bool is_lower = side->side == TW_SIDE_LOWER;
	struct tw_clock_point upper = is_lower ? *other : *own;

	upper.v = -upper.v;
	return tw_rates_narrow(rates, range, is_lower ? own : other, &upper);
}

/* Whether the champion says that no point before this one narrows. */
static bool is_beyond_doubt(const struct tw_clock_side *side,
			    const struct tw_clock_rates *rates,
			    const struct tw_clock_point *other)
{
	const struct tw_clock_range before = rates->range;
	struct tw_clock_range range = before;

	return side->has_champion && side->champion.g < other->g &&
	       narrow_by(side, rates, &range, &side->champion, other) &&
	       range.lo == before.lo && range.hi == before.hi;
}

/* Times grow along the points, so that one of them says it for all. */
static bool narrow_virtual(const struct tw_clock_side *side,
			   const struct tw_clock_rates *rates,
			   struct tw_clock_range *range,
			   const struct tw_clock_point *other)
{
	uint32_t at;

	if (side->side == TW_SIDE_LOWER) {
		at = tw_side_find(side, other->g);
		return !at || narrow_by(side, rates, range,
					&side->points[at - 1], other);
	}
	at = tw_side_find(side, other->g - 1);
	return at == side->count ||
	       narrow_by(side, rates, range, &side->points[at], other);
}

bool tw_side_narrow(const struct tw_clock_side *side,
		    const struct tw_clock_rates *rates,
		    struct tw_clock_range *range,
		    const struct tw_clock_point *other)
{
	uint32_t i = 0;

	if (rates->is_virtual)
		return narrow_virtual(side, rates, range, other);
	if (is_beyond_doubt(side, rates, other)) {
		i = tw_side_find(side, other->g);
		/* The one at the same place, if there is one, counts too. */
		if (i)
			i--;
	}
	for (; i < side->count; i++)
		if (!narrow_by(side, rates, range, &side->points[i], other))
			return false;
	return true;
}
