/* SPDX-License-Identifier: MIT */
/*
 * What the constraints of an epoch say, computed once at many places, the
 * knots, so that a query has only to go on from the knots on its two sides.
 *
 * At a knot, with the mean rate given, each point before it and each after it
 * says something, and the most of that holds. The mean is not given: so the
 * least of it over all means in the range holds. That is where the best point
 * on the left and the best on the right say the same, if it is in the range.
 * Which points these are depends on the mean, and the mean on the points, so
 * they are found in turns, mostly two. The best points for any mean lie on the
 * upper hull of the points to the left, and of those to the right: each point
 * has a link to the one before it on the hull of all up to itself.
 *
 * Whatever pair is found, what it says holds. So nothing depends on the search
 * but how narrow the bounds are.
 *
 * Called by clock.c and query.c.
 */
#include "epoch.h"

#include <errno.h>
#include <stdlib.h>

#define NONE UINT32_MAX
#define WALK_MAX 256
#define TURNS_MAX 8
/* Knots beyond one at each point: as many again, and these. */
#define EXTRA_MIN 1024
/* ns that a query may lose between two knots, if there is room for them. */
#define LOSS_MIN 2

/* A side's points and, for each, the next one on the hulls. */
struct hulls {
	const struct tw_clock_side *side;
	const struct tw_clock_rates *rates;
	uint32_t *to_left;
	uint32_t *to_right;
};

/* Whether b is on or below the line from a to c. */
static bool is_below(const struct tw_clock_point *a,
		     const struct tw_clock_point *b,
		     const struct tw_clock_point *c)
{
	return (__int128)(b->v - a->v) * (c->g - a->g) <=
	       (__int128)(c->v - a->v) * (b->g - a->g);
}

static void link_left(struct hulls *hulls)
{
	const struct tw_clock_point *points = hulls->side->points;
	uint32_t *link = hulls->to_left;
	uint32_t i, k;

	for (i = 0; i < hulls->side->count; i++) {
		k = i ? i - 1 : NONE;
		while (k != NONE && link[k] != NONE &&
		       is_below(&points[link[k]], &points[k], &points[i]))
			k = link[k];
		link[i] = k;
	}
}

static void link_right(struct hulls *hulls)
{
	const struct tw_clock_point *points = hulls->side->points;
	const uint32_t count = hulls->side->count;
	uint32_t *link = hulls->to_right;
	uint32_t i, k;

	for (i = count; i-- > 0;) {
		k = i + 1 < count ? i + 1 : NONE;
		while (k != NONE && link[k] != NONE &&
		       is_below(&points[i], &points[k], &points[link[k]]))
			k = link[k];
		link[i] = k;
	}
}

/* The point from `from` on along the links that says most at a distance. */
static uint32_t best_of(const struct hulls *hulls, const uint32_t *link,
			uint32_t from, int64_t slope)
{
	const struct tw_clock_point *points = hulls->side->points;
	uint32_t best = from, next, steps;

	for (steps = 0; steps < WALK_MAX; steps++) {
		next = link[best];
		if (next == NONE ||
		    points[next].v - points[best].v <=
			    tw_rates_times(hulls->rates, slope,
					   points[next].g - points[best].g))
			break;
		best = next;
	}
	return best;
}

static int64_t max_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What the points up to left and those after it say together. */
static int64_t say_both(const struct hulls *hulls, int64_t g, uint32_t left,
			int64_t *mean)
{
	const struct tw_clock_side *side = hulls->side;
	const struct tw_clock_slopes *slopes = &hulls->rates->sides[side->side];
	uint32_t was_i = NONE, was_j = NONE, i, j, turn;
	int64_t most = TW_CLOCK_NOTHING;

	for (turn = 0; turn < TURNS_MAX; turn++) {
		i = best_of(hulls, hulls->to_left, left,
			    tw_scale_down(*mean, slopes->after_scale,
					  TW_CLOCK_PPB));
		j = best_of(
			hulls, hulls->to_right, left + 1,
			tw_scale_up(*mean, slopes->before_scale, TW_CLOCK_PPB));
		if (i == was_i && j == was_j)
			break;
		was_i = i;
		was_j = j;
		most = max_of(most,
			      tw_rates_between(hulls->rates, side->side,
					       &side->points[i],
					       &side->points[j], g, mean));
	}
	return most;
}

/* What is said at g; *left: how many points are at g or before it. */
static int64_t say(const struct hulls *hulls, int64_t g, uint32_t left,
		   int64_t *mean)
{
	const struct tw_clock_side *side = hulls->side;
	const struct tw_clock_slopes *slopes = &hulls->rates->sides[side->side];
	const struct tw_clock_point *points = side->points;
	int64_t most = TW_CLOCK_NOTHING;
	uint32_t best;

	/* A virtual clock's points speak to one side only. */
	if (left && points[left - 1].g == g)
		most = points[left - 1].v;
	if (left) {
		best = left - 1;
		if (!hulls->rates->is_virtual)
			best = best_of(hulls, hulls->to_left, best,
				       slopes->after);
		most = max_of(most, tw_rates_after(hulls->rates, side->side,
						   points[best].v,
						   g - points[best].g));
	}
	if (left < side->count) {
		best = left;
		if (!hulls->rates->is_virtual)
			best = best_of(hulls, hulls->to_right, best,
				       slopes->before);
		most = max_of(most, tw_rates_before(hulls->rates, side->side,
						    points[best].v,
						    points[best].g - g));
	}
	if (left && left < side->count && !hulls->rates->is_virtual)
		most = max_of(most, say_both(hulls, g, left - 1, mean));
	return most;
}

/* Have each knot say what its neighbours say about it: then no query can find
 * that going from one knot to the next a bound falls. */
static void settle(struct tw_clock_stretch *stretch, int side)
{
	struct tw_clock_knot *knots = stretch->table.knots;
	uint32_t i;

	for (i = 1; i < stretch->table.count; i++)
		knots[i].v[side] = max_of(
			knots[i].v[side],
			tw_rates_after(&stretch->rates, side,
				       knots[i - 1].v[side],
				       knots[i].g - knots[i - 1].g));
	for (i = stretch->table.count - 1; i-- > 0;)
		knots[i].v[side] = max_of(
			knots[i].v[side],
			tw_rates_before(&stretch->rates, side,
					knots[i + 1].v[side],
					knots[i + 1].g - knots[i].g));
}

static int fill(struct tw_clock_stretch *stretch, int side)
{
	struct tw_clock_table *table = &stretch->table;
	const struct tw_clock_side *from = &stretch->sides[side];
	const struct tw_clock_slopes *slopes = &stretch->rates.sides[side];
	struct hulls hulls = {.side = from, .rates = &stretch->rates};
	int64_t mean = slopes->mean_lo / 2 + slopes->mean_hi / 2;
	uint32_t left = 0, i;

	hulls.to_left = calloc((size_t)from->count * 2 + 1, sizeof(uint32_t));
	if (!hulls.to_left)
		return -ENOMEM;
	hulls.to_right = hulls.to_left + from->count;
	link_left(&hulls);
	link_right(&hulls);
	for (i = 0; i < table->count; i++) {
		while (left < from->count &&
		       from->points[left].g <= table->knots[i].g)
			left++;
		table->knots[i].v[side] = say(&hulls, table->knots[i].g, left,
					      &mean);
	}
	settle(stretch, side);
	free(hulls.to_left);
	return 0;
}

/* How many knots go between two, so that no more than loss ns is lost. */
static uint64_t count_between(const struct tw_clock_rates *rates, int64_t ticks,
			      __int128 loss)
{
	const struct tw_clock_slopes *slopes = &rates->sides[TW_SIDE_LOWER];
	/* At the middle a quarter of it is lost. */
	const __int128 most = tw_rates_times(
		rates, slopes->before - slopes->after, ticks);
	const __int128 count = most / 4 / loss;

	if (rates->is_virtual || ticks <= 0)
		return 0;
	if (count >= ticks)
		return (uint64_t)ticks - 1;
	return count > UINT32_MAX ? UINT32_MAX : (uint64_t)count;
}

static uint64_t count_all(const struct tw_clock_stretch *stretch, __int128 loss)
{
	const struct tw_clock_knot *knots = stretch->table.knots;
	uint64_t count = stretch->table.count;
	uint32_t i;

	for (i = 1; i < stretch->table.count; i++)
		count += count_between(&stretch->rates,
				       knots[i].g - knots[i - 1].g, loss);
	return count;
}

/* Put knots into the widest gaps, from the end so that they find room. */
static void spread(struct tw_clock_stretch *stretch, __int128 loss,
		   uint32_t total)
{
	struct tw_clock_knot *knots = stretch->table.knots;
	uint32_t from = stretch->table.count - 1, to = total - 1;
	uint64_t between, k;
	int64_t begin, end;

	knots[to] = knots[from];
	while (from) {
		begin = knots[from - 1].g;
		end = knots[to].g;
		between = count_between(&stretch->rates, end - begin, loss);
		for (k = between; k; k--)
			knots[--to].g = begin +
					(int64_t)((__int128)(end - begin) *
						  (int64_t)k /
						  (int64_t)(between + 1));
		knots[--to] = knots[--from];
	}
	stretch->table.count = total;
}

/* One knot at each point, in order. */
static void place(struct tw_clock_stretch *stretch)
{
	const struct tw_clock_side *a = &stretch->sides[0];
	const struct tw_clock_side *b = &stretch->sides[1];
	struct tw_clock_table *table = &stretch->table;
	uint32_t i = 0, j = 0;
	int64_t g;

	table->count = 0;
	while (i < a->count || j < b->count) {
		if (j == b->count ||
		    (i < a->count && a->points[i].g <= b->points[j].g))
			g = a->points[i++].g;
		else
			g = b->points[j++].g;
		if (!table->count || table->knots[table->count - 1].g != g)
			table->knots[table->count++].g = g;
	}
}

int tw_table_make(struct tw_clock_stretch *stretch)
{
	struct tw_clock_table *table = &stretch->table;
	const uint32_t points = stretch->sides[0].count +
				stretch->sides[1].count;
	const uint32_t room = points * 2 + EXTRA_MIN;
	struct tw_clock_knot *knots;
	__int128 loss = LOSS_MIN;
	int error;

	if (table->is_valid)
		return 0;
	if (room > table->room) {
		knots = realloc(table->knots, room * sizeof(*knots));
		if (!knots)
			return -ENOMEM;
		table->knots = knots;
		table->room = room;
	}
	table->at = 0;
	place(stretch);
	while (count_all(stretch, loss) > room)
		loss *= 2;
	spread(stretch, loss, (uint32_t)count_all(stretch, loss));
	error = fill(stretch, TW_SIDE_LOWER);
	if (!error)
		error = fill(stretch, TW_SIDE_UPPER);
	table->is_valid = !error;
	table->made++;
	return error;
}

/* The last knot at g or before it; there is one. */
static uint32_t find(struct tw_clock_table *table, int64_t g)
{
	const struct tw_clock_knot *knots = table->knots;
	uint32_t lo = table->at, hi = table->count;

	/* Queries mostly come in order. */
	if (knots[lo].g > g)
		lo = 0;
	else if (lo + 1 == hi || knots[lo + 1].g > g)
		return lo;
	else if (lo + 2 == hi || knots[lo + 2].g > g)
		return table->at = lo + 1;
	while (hi - lo > 1) {
		const uint32_t mid = lo + (hi - lo) / 2;

		if (knots[mid].g <= g)
			lo = mid;
		else
			hi = mid;
	}
	return table->at = lo;
}

int64_t tw_table_at(struct tw_clock_stretch *stretch, int side, int64_t g)
{
	struct tw_clock_table *table = &stretch->table;
	const struct tw_clock_knot *knot = table->knots;
	int64_t most;

	if (!table->count)
		return TW_CLOCK_NOTHING;
	if (g < knot->g)
		return tw_rates_before(&stretch->rates, side, knot->v[side],
				       knot->g - g);
	knot += find(table, g);
	most = tw_rates_after(&stretch->rates, side, knot->v[side],
			      g - knot->g);
	if (knot + 1 == table->knots + table->count)
		return most;
	knot++;
	return max_of(most, tw_rates_before(&stretch->rates, side,
					    knot->v[side], knot->g - g));
}
