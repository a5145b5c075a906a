/* SPDX-License-Identifier: MIT */
/*
 * When was it? Bounds from the tables of epochs, and one straight line for
 * readers that want no more.
 *
 * Called by the readers of traces and rings, and `trackway sync`.
 */
#include "epochs.h"

#include <errno.h>

static struct tw_clock_stretch *epoch_of(const struct tw_clock *clock,
					 uint32_t epoch)
{
	if (epoch < clock->first || epoch - clock->first >= clock->count)
		return NULL;
	return clock->epochs[epoch - clock->first];
}

static uint64_t clamp_time(__int128 t)
{
	if (t < 0)
		return 0;
	return t > INT64_MAX ? UINT64_MAX : (uint64_t)t;
}

/* What the host's clock showed at the earliest, and at the latest. */
static uint64_t lo_at(struct tw_clock_stretch *stretch, int64_t g)
{
	const int64_t v = tw_table_at(stretch, TW_SIDE_LOWER, g);

	if (v == TW_CLOCK_NOTHING)
		return 0;
	return clamp_time((__int128)stretch->t_base + v);
}

static uint64_t hi_at(struct tw_clock_stretch *stretch, int64_t g)
{
	const int64_t v = tw_table_at(stretch, TW_SIDE_UPPER,
				      g + (int64_t)stretch->step);

	if (v == TW_CLOCK_NOTHING)
		return UINT64_MAX;
	return clamp_time((__int128)stretch->t_base - v - 1);
}

static uint64_t min_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t centre_of(uint64_t lo, uint64_t hi)
{
	if (hi == UINT64_MAX)
		return lo;
	return lo ? lo + (hi - lo) / 2 : hi;
}

/*
 * The middle, which never falls along an epoch. Where a virtual clock has no
 * bound yet, or no longer, its first or its last one counts as far as that can
 * be, so that the middle goes on from there.
 */
static uint64_t middle_of(const struct tw_clock_stretch *stretch, uint64_t lo,
			  uint64_t hi)
{
	const struct tw_clock_side *lower = &stretch->sides[TW_SIDE_LOWER];
	const struct tw_clock_side *upper = &stretch->sides[TW_SIDE_UPPER];
	const __int128 base = stretch->t_base;

	if (!lower->count)
		return hi;
	if (!upper->count)
		return lo;
	if (stretch->rates.is_virtual && !lo)
		lo = min_of(hi, clamp_time(base + lower->points[0].v));
	if (stretch->rates.is_virtual && hi == UINT64_MAX)
		hi = max_of(lo,
			    clamp_time(base -
				       upper->points[upper->count - 1].v - 1));
	return lo + (hi - lo) / 2;
}

static void get_bounds(struct tw_clock_stretch *stretch, int64_t g,
		       struct tw_clock_bounds *bounds)
{
	bounds->lo = lo_at(stretch, g);
	bounds->hi = hi_at(stretch, g);
	bounds->centre = middle_of(stretch, bounds->lo, bounds->hi);
	bounds->flags = stretch->rates.is_virtual ? TW_BOUNDS_VIRTUAL : 0;
}

int tw_clock_bounds(struct tw_clock *clock, uint32_t epoch, uint64_t g,
		    struct tw_clock_bounds *bounds)
{
	struct tw_clock_stretch *stretch = epoch_of(clock, epoch);
	int64_t place;
	int error;

	if (!stretch)
		return -ENOENT;
	if (!tw_stretch_place(stretch, g, &place))
		return -ERANGE;
	error = tw_table_make(stretch);
	if (error)
		return error;
	get_bounds(stretch, place, bounds);
	bounds->epoch = epoch;
	return 0;
}

/* When epochs[i] ended, if it did: not before its own last event, and not after
 * the first of the next. All tables are there. */
static const struct tw_clock_end *end_of(const struct tw_clock *clock,
					 uint32_t i)
{
	struct tw_clock_stretch *stretch = clock->epochs[i];
	struct tw_clock_stretch *next = NULL;
	struct tw_clock_end *end = &stretch->end;
	uint32_t next_made = 0;

	if (i + 1 < clock->count) {
		next = clock->epochs[i + 1];
		next_made = next->table.made;
	}
	if (end->made == stretch->table.made && end->next_made == next_made)
		return end;
	end->made = stretch->table.made;
	end->next_made = next_made;
	end->lo = next ? lo_at(stretch, stretch->last_g) : UINT64_MAX;
	/* Its base is the first that did not fit. */
	end->hi = next ? hi_at(next, 0) : UINT64_MAX;
	return end;
}

static int make_tables(struct tw_clock *clock)
{
	uint32_t i;
	int error = 0;

	for (i = 0; i < clock->count && !error; i++)
		error = tw_table_make(clock->epochs[i]);
	return error;
}

/* What epochs[i] says of an event that was between from and to; false: it can't
 * be of that epoch. */
static bool bounds_within(const struct tw_clock *clock, uint32_t i, uint64_t g,
			  uint64_t from, uint64_t to,
			  struct tw_clock_bounds *bounds)
{
	int64_t place;

	if (!tw_stretch_place(clock->epochs[i], g, &place))
		return false;
	get_bounds(clock->epochs[i], place, bounds);
	if (i)
		bounds->lo = max_of(bounds->lo, end_of(clock, i - 1)->lo);
	bounds->hi = min_of(bounds->hi, end_of(clock, i)->hi);
	bounds->lo = max_of(bounds->lo, from);
	bounds->hi = min_of(bounds->hi, to);
	bounds->centre = min_of(max_of(bounds->centre, bounds->lo), bounds->hi);
	return bounds->lo <= bounds->hi;
}

/* Both may be. */
static void unite(struct tw_clock_bounds *bounds,
		  const struct tw_clock_bounds *other)
{
	bounds->lo = min_of(bounds->lo, other->lo);
	bounds->hi = max_of(bounds->hi, other->hi);
	bounds->centre = centre_of(bounds->lo, bounds->hi);
	bounds->flags |= other->flags | TW_BOUNDS_UNSURE;
}

/* The epochs that are no longer known could be meant, too. */
static void unite_forgotten(const struct tw_clock *clock, uint64_t from,
			    uint64_t to, bool found,
			    struct tw_clock_bounds *bounds)
{
	struct tw_clock_bounds other = {.lo = from, .flags = TW_BOUNDS_UNSURE};

	other.hi = min_of(to, hi_at(clock->epochs[0], 0));
	if (other.lo > other.hi)
		return;
	if (found)
		unite(bounds, &other);
	else
		*bounds = other;
	bounds->centre = centre_of(bounds->lo, bounds->hi);
}

int tw_clock_when(struct tw_clock *clock, uint64_t g, uint64_t from,
		  uint64_t to, struct tw_clock_bounds *bounds)
{
	struct tw_clock_bounds other;
	bool found = false;
	uint32_t i;
	int error;

	if (from > to)
		return -EINVAL;
	error = make_tables(clock);
	if (error)
		return error;
	*bounds = (struct tw_clock_bounds){
		.lo = from,
		.hi = to,
		.centre = centre_of(from, to),
		.flags = clock->count ? TW_BOUNDS_CLAMPED : TW_BOUNDS_UNSURE,
	};
	for (i = 0; i < clock->count; i++) {
		if (!bounds_within(clock, i, g, from, to, &other))
			continue;
		if (found) {
			unite(bounds, &other);
			continue;
		}
		*bounds = other;
		bounds->epoch = clock->first + i;
		found = true;
	}
	if (clock->first)
		unite_forgotten(clock, from, to, found, bounds);
	return 0;
}

void tw_clock_epochs(const struct tw_clock *clock, uint32_t *first,
		     uint32_t *count)
{
	*first = clock->first;
	*count = clock->count;
}

/* ns a tick, times 2^shift, as ticks a second. */
static double to_hz(const struct tw_clock_rates *rates, int64_t slope)
{
	return (double)((__int128)TW_CLOCK_PPB << rates->shift) / (double)slope;
}

int tw_clock_epoch(struct tw_clock *clock, uint32_t epoch,
		   struct tw_clock_epoch *info)
{
	struct tw_clock_stretch *stretch = epoch_of(clock, epoch);
	const struct tw_clock_end *end;
	uint32_t i = epoch - clock->first;
	double slow, fast;
	int error;

	if (!stretch)
		return -ENOENT;
	error = make_tables(clock);
	if (error)
		return error;
	end = end_of(clock, i);
	*info = (struct tw_clock_epoch){
		.first = stretch->g_base + (uint64_t)stretch->first_g,
		.last = stretch->g_base + (uint64_t)stretch->last_g,
		.begin_hi = hi_at(stretch, 0),
		.end_lo = end->lo,
		.end_hi = end->hi,
		.constraints = stretch->constraints,
		.is_virtual = stretch->rates.is_virtual,
	};
	if (i)
		info->begin_lo = end_of(clock, i - 1)->lo;
	if (info->is_virtual)
		return 0;
	slow = to_hz(&stretch->rates, stretch->rates.range.hi);
	fast = to_hz(&stretch->rates, stretch->rates.range.lo);
	info->hz = (slow + fast) / 2;
	info->hz_error = (fast - slow) / 2;
	return 0;
}
