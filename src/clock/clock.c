/* SPDX-License-Identifier: MIT */
/*
 * Which constraint is of which epoch.
 *
 * One that doesn't fit the present epoch begins a trial. Those that follow are
 * held against both. If one fits the epoch and contradicts the trial, the trial
 * was a lie or a mistake, and is dropped. If three don't fit the epoch and fit
 * the trial, the trial is the new epoch. If one fits neither, it begins another
 * trial, which supposes less.
 *
 * Some constraints fit nearly always: when a counter has jumped ahead, beacons
 * say that it was there later than they could know, and only a sighting shows
 * that something is wrong. So of the latest constraints none is sure to be of
 * the epoch that it fits. A second stretch follows the present epoch without
 * them; it takes the epoch's place when that ends, with those of them that
 * can't be of the new one. The others are lost.
 *
 * Called by `trackway record`, read-ring.c and read-directory.c.
 */
#include "epochs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HZ_MAX 1000000000000u
#define TOLERANCE_MAX 500000000u
#define DRIFT_MAX 100000000u
#define POINTS_MIN 16
#define POINTS_MAX (1u << 24)

#define CONFIRM 3
/* Rates hardly change with a jump. */
#define SAME_PPB 1000000u
/* So many breaks at once are no accident; one a second is forgotten. */
#define BREAKS_MAX 32
#define LEAK_NS 1000000000u

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

int tw_clock_create(const struct tw_clock_options *options,
		    struct tw_clock **clock)
{
	struct tw_clock_options set = *options;
	struct tw_clock *made;

	if (set.hz > HZ_MAX)
		set.hz = 0;
	set.tolerance_ppb = or_else(set.tolerance_ppb, 1000000);
	set.drift_ppb = or_else(set.drift_ppb, 10000);
	set.points = or_else(set.points, 4096);
	set.epochs = or_else(set.epochs, 64);
	if (!set.step)
		set.step = 1;
	if (set.tolerance_ppb > TOLERANCE_MAX || set.drift_ppb > DRIFT_MAX ||
	    set.step >> 32 > 1 || set.points < POINTS_MIN ||
	    set.points > POINTS_MAX || set.epochs < 2 ||
	    set.epochs > POINTS_MAX)
		return -EINVAL;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->options = set;
	made->is_virtual = set.flags & TW_CLOCK_VIRTUAL;
	made->epochs = calloc(set.epochs, sizeof(struct tw_clock_stretch *));
	if (!made->epochs) {
		free(made);
		return -ENOMEM;
	}
	*clock = made;
	return 0;
}

void tw_clock_destroy(struct tw_clock *clock)
{
	uint32_t i;

	if (!clock)
		return;
	for (i = 0; i < clock->count; i++)
		tw_stretch_destroy(clock->epochs[i]);
	tw_stretch_destroy(clock->trial);
	tw_stretch_destroy(clock->sure);
	free(clock->epochs);
	free(clock);
}

static struct tw_clock_stretch *make_stretch(struct tw_clock *clock,
					     enum tw_clock_trust trust)
{
	struct tw_clock_stretch *stretch;
	const struct tw_clock_options *options = &clock->options;
	const struct tw_clock_stretch *present = tw_clock_present(clock);
	struct tw_clock_rates rates;

	if (trust == TW_TRUST_SAME && present && !clock->is_virtual) {
		rates = present->rates;
		tw_rates_widen(&rates, SAME_PPB);
	} else if (trust != TW_TRUST_NOTHING && options->hz) {
		tw_rates_nominal(&rates, options->drift_ppb, options->hz,
				 options->tolerance_ppb);
	} else {
		tw_rates_any(&rates, options->drift_ppb);
	}
	rates.is_virtual = clock->is_virtual;
	stretch = tw_stretch_create(&rates, options->step, options->points);
	if (stretch)
		stretch->number = ++clock->numbers;
	return stretch;
}

static bool fits(const struct tw_clock_stretch *stretch,
		 const struct tw_clock_constraint *constraint,
		 struct tw_clock_range *range)
{
	return tw_stretch_check(stretch, constraint, range) == 0;
}

/* Add what fits; 1 if it did, 0 if not. */
static int add_fitting(struct tw_clock_stretch *stretch,
		       const struct tw_clock_constraint *constraint)
{
	struct tw_clock_range range;
	int error;

	if (!fits(stretch, constraint, &range))
		return 0;
	error = tw_stretch_add(stretch, constraint, &range);
	return error ? error : 1;
}

/* In the history, say where one that has just come has gone. */
static void note(struct tw_clock *clock, const struct tw_clock_stretch *stretch,
		 const struct tw_clock_constraint *constraint)
{
	clock->history[constraint->order % TW_CLOCK_HISTORY].given =
		stretch->number;
}

static int give(struct tw_clock *clock, struct tw_clock_stretch *stretch,
		const struct tw_clock_constraint *constraint)
{
	const int added = add_fitting(stretch, constraint);

	if (added == 1)
		note(clock, stretch, constraint);
	return added;
}

/* Nothing is in doubt, or from now on all is. */
static void renew_sure(struct tw_clock *clock)
{
	struct tw_clock_stretch *present = tw_clock_present(clock);

	tw_stretch_destroy(clock->sure);
	clock->sure = tw_stretch_create(&present->first_rates,
					clock->options.step,
					clock->options.points);
	if (clock->sure)
		clock->sure->number = present->number;
}

/* The oldest in the history goes: no jump has been seen since. */
static int settle_oldest(struct tw_clock *clock)
{
	const struct tw_clock_constraint *oldest =
		&clock->history[clock->order % TW_CLOCK_HISTORY];

	if (clock->order < TW_CLOCK_HISTORY || !clock->sure ||
	    oldest->given != clock->sure->number)
		return 0;
	return add_fitting(clock->sure, oldest);
}

static void append_epoch(struct tw_clock *clock,
			 struct tw_clock_stretch *stretch)
{
	if (clock->count == clock->options.epochs) {
		tw_stretch_destroy(clock->epochs[0]);
		clock->count--;
		clock->first++;
		memmove(clock->epochs, clock->epochs + 1,
			clock->count * sizeof(struct tw_clock_stretch *));
	}
	clock->epochs[clock->count++] = stretch;
}

/* ---- How often something breaks ---- */

static uint64_t moment_of(const struct tw_clock_constraint *constraint)
{
	return constraint->t[constraint->has[TW_SIDE_UPPER]];
}

static void leak(struct tw_clock *clock, uint64_t now)
{
	uint64_t seconds;

	if (now <= clock->leaked_ns)
		return;
	seconds = (now - clock->leaked_ns) / LEAK_NS;
	clock->breaks -= seconds < clock->breaks ? (uint32_t)seconds
						 : clock->breaks;
	clock->leaked_ns += seconds * LEAK_NS;
	if (!clock->breaks)
		clock->is_unruly = false;
}

/* Oldest first; NULL where there are no more. */
static const struct tw_clock_constraint *history_at(
	const struct tw_clock *clock, uint32_t i)
{
	const uint64_t kept = clock->order < TW_CLOCK_HISTORY
				      ? clock->order
				      : TW_CLOCK_HISTORY;

	if (i >= kept)
		return NULL;
	return &clock->history[(clock->order - kept + i) % TW_CLOCK_HISTORY];
}

/* An epoch of all recent constraints, of which is asked only that the counter
 * never goes back; NULL if it does. */
static struct tw_clock_stretch *try_virtual(struct tw_clock *clock)
{
	const struct tw_clock_constraint *constraint;
	struct tw_clock_stretch *stretch;
	bool whole = false;
	uint32_t i;

	clock->is_virtual = true;
	stretch = make_stretch(clock, TW_TRUST_NOTHING);
	clock->is_virtual = false;
	for (i = 0; stretch && (constraint = history_at(clock, i)); i++) {
		/* A clock that was never seen from both sides at once may just
		 * as well be one that lies. */
		whole |= constraint->has[0] && constraint->has[1];
		if (add_fitting(stretch, constraint) != 1) {
			whole = false;
			break;
		}
	}
	if (whole)
		return stretch;
	tw_stretch_destroy(stretch);
	return NULL;
}

static void drop_trial(struct tw_clock *clock)
{
	tw_stretch_destroy(clock->trial);
	clock->trial = NULL;
	clock->misfits = 0;
}

/* It was so from the start. What the new epoch has as well goes. */
static void make_virtual(struct tw_clock *clock,
			 struct tw_clock_stretch *stretch)
{
	struct tw_clock_stretch *present;
	uint32_t i;
	int64_t g;

	while (clock->count > 0 &&
	       tw_clock_present(clock)->order_base >= stretch->order_base)
		tw_stretch_destroy(clock->epochs[--clock->count]);
	for (i = 0; i < clock->count; i++)
		tw_stretch_make_virtual(clock->epochs[i]);
	present = tw_clock_present(clock);
	if (present && tw_stretch_place(present, stretch->g_base, &g) &&
	    g < present->last_g)
		present->last_g = g;
	clock->is_virtual = true;
	drop_trial(clock);
	append_epoch(clock, stretch);
	for (i = 0; i < TW_CLOCK_HISTORY; i++)
		clock->history[i].given = stretch->number;
	renew_sure(clock);
}

/* Whether the latest breaks came as densely as only icount's do. */
static bool is_dense(const struct tw_clock *clock)
{
	if (clock->broke_count < TW_CLOCK_DENSE)
		return false;
	/* The oldest of them is the next to go. */
	return clock->order -
		       clock->broke[clock->broke_count % TW_CLOCK_DENSE] <=
	       TW_CLOCK_HISTORY;
}

/* Something broke: whether there is still room for that. */
static bool may_break(struct tw_clock *clock)
{
	struct tw_clock_stretch *stretch;

	clock->broke[clock->broke_count++ % TW_CLOCK_DENSE] = clock->order;
	if (is_dense(clock) && !clock->is_virtual && !clock->is_unruly) {
		stretch = try_virtual(clock);
		if (stretch) {
			make_virtual(clock, stretch);
			return true;
		}
		clock->is_unruly = true;
	}
	if (clock->breaks >= BREAKS_MAX)
		return false;
	clock->breaks++;
	return true;
}

/* A lower bound that fits, and fits nothing else. A counter that has stopped,
 * or went back, is behind what it would have shown: that an upper bound does
 * not tell, since it may have been long in coming. */
static void confirm(struct tw_clock *clock,
		    const struct tw_clock_constraint *constraint)
{
	if (constraint->has[TW_SIDE_LOWER] &&
	    constraint->t[TW_SIDE_LOWER] > clock->confirmed_ns)
		clock->confirmed_ns = constraint->t[TW_SIDE_LOWER];
}

/* ---- Trials ---- */

static int begin_trial(struct tw_clock *clock,
		       const struct tw_clock_constraint *constraint)
{
	int error;

	clock->trial = make_stretch(clock, clock->trust);
	if (!clock->trial)
		return -ENOMEM;
	clock->misfits = 1;
	error = give(clock, clock->trial, constraint);
	if (error < 0)
		drop_trial(clock);
	return error < 0 ? error : TW_CLOCK_MISFIT;
}

/*
 * The present epoch ends with the trial's first constraint. Of its own latest
 * ones those stay that can't be of the new epoch.
 */
static void end_present(struct tw_clock *clock)
{
	const struct tw_clock_constraint *constraint;
	struct tw_clock_stretch *sure = clock->sure;
	struct tw_clock_range range;
	uint32_t i;

	if (!sure)
		return;
	for (i = 0; (constraint = history_at(clock, i)); i++)
		if (constraint->given == sure->number &&
		    !fits(clock->trial, constraint, &range))
			add_fitting(sure, constraint);
	if (!sure->any)
		return;
	tw_stretch_destroy(tw_clock_present(clock));
	clock->epochs[clock->count - 1] = sure;
	clock->sure = NULL;
}

static int promote(struct tw_clock *clock)
{
	if (!may_break(clock)) {
		clock->refused += clock->misfits;
		drop_trial(clock);
		return TW_CLOCK_REFUSED;
	}
	/* It was found to be virtual. */
	if (!clock->trial)
		return TW_CLOCK_NEW_EPOCH;
	end_present(clock);
	if (clock->trust == TW_TRUST_NOTHING && clock->options.hz)
		clock->hz_refuted = true;
	clock->trust = TW_TRUST_SAME;
	append_epoch(clock, clock->trial);
	clock->trial = NULL;
	clock->misfits = 0;
	renew_sure(clock);
	return TW_CLOCK_NEW_EPOCH;
}

/* It fits neither the epoch nor the trial. */
static int try_again(struct tw_clock *clock,
		     const struct tw_clock_constraint *constraint)
{
	const bool was_virtual = clock->is_virtual;

	clock->rejected += clock->misfits;
	drop_trial(clock);
	if (clock->trust < TW_TRUST_NOTHING)
		clock->trust++;
	if (!may_break(clock)) {
		clock->refused++;
		return TW_CLOCK_REFUSED;
	}
	/* Found to be virtual, it has all that came. */
	if (clock->is_virtual && !was_virtual)
		return TW_CLOCK_NEW_EPOCH;
	return begin_trial(clock, constraint);
}

static int add_misfit(struct tw_clock *clock,
		      const struct tw_clock_constraint *constraint)
{
	int error;

	if (!clock->trial)
		return begin_trial(clock, constraint);
	error = give(clock, clock->trial, constraint);
	if (error < 0)
		return error;
	if (!error)
		return try_again(clock, constraint);
	if (++clock->misfits < CONFIRM)
		return TW_CLOCK_MISFIT;
	error = promote(clock);
	if (error == TW_CLOCK_NEW_EPOCH)
		confirm(clock, constraint);
	return error;
}

/*
 * It fits the epoch. If it fits the trial as well, it is of one of the two: if
 * of the trial, it may be wrong for the epoch by as much as that is wide, and
 * is better left out of it.
 */
static int add_fit(struct tw_clock *clock,
		   const struct tw_clock_constraint *constraint,
		   const struct tw_clock_range *range)
{
	int error;

	if (clock->trial) {
		error = give(clock, clock->trial, constraint);
		if (error)
			return error < 0 ? error : TW_CLOCK_FITS;
		clock->rejected += clock->misfits;
		clock->trust = TW_TRUST_SAME;
		drop_trial(clock);
	}
	error = tw_stretch_add(tw_clock_present(clock), constraint, range);
	if (error)
		return error;
	note(clock, tw_clock_present(clock), constraint);
	confirm(clock, constraint);
	return TW_CLOCK_FITS;
}

static int add_first(struct tw_clock *clock,
		     const struct tw_clock_constraint *constraint)
{
	struct tw_clock_stretch *stretch = make_stretch(
		clock, clock->count ? TW_TRUST_SAME : TW_TRUST_NOMINAL);
	int error;

	if (!stretch)
		return -ENOMEM;
	error = give(clock, stretch, constraint);
	if (error < 0) {
		tw_stretch_destroy(stretch);
		return error;
	}
	append_epoch(clock, stretch);
	renew_sure(clock);
	clock->is_broken = false;
	confirm(clock, constraint);
	return TW_CLOCK_FITS;
}

void tw_clock_break(struct tw_clock *clock)
{
	clock->rejected += clock->misfits;
	drop_trial(clock);
	clock->is_broken = clock->count > 0;
}

int tw_clock_next_kept(const struct tw_clock *clock, uint32_t epoch,
		       struct tw_clock_cursor *cursor,
		       struct tw_clock_kept *kept)
{
	const struct tw_clock_side *lower, *upper;
	const struct tw_clock_stretch *stretch;
	const struct tw_clock_point *point;

	if (epoch < clock->first || epoch - clock->first >= clock->count)
		return -ENOENT;
	stretch = clock->epochs[epoch - clock->first];
	lower = &stretch->sides[TW_SIDE_LOWER];
	upper = &stretch->sides[TW_SIDE_UPPER];
	kept->is_upper = cursor->lower == lower->count ||
			 (cursor->upper < upper->count &&
			  upper->points[cursor->upper].g <=
				  lower->points[cursor->lower].g);
	if (!kept->is_upper) {
		point = &lower->points[cursor->lower++];
		kept->g = stretch->g_base + (uint64_t)point->g - stretch->step;
		kept->t = stretch->t_base + (uint64_t)point->v;
		return 1;
	}
	if (cursor->upper == upper->count)
		return 0;
	point = &upper->points[cursor->upper++];
	kept->g = stretch->g_base + (uint64_t)point->g;
	kept->t = stretch->t_base - (uint64_t)point->v - 1;
	return 1;
}

static int add(struct tw_clock *clock, struct tw_clock_constraint *constraint)
{
	struct tw_clock_range range;

	if (settle_oldest(clock) < 0)
		return -ENOMEM;
	constraint->order = clock->order;
	clock->history[clock->order++ % TW_CLOCK_HISTORY] = *constraint;
	leak(clock, moment_of(constraint));
	if (!clock->count || clock->is_broken)
		return add_first(clock, constraint);
	if (!fits(tw_clock_present(clock), constraint, &range))
		return add_misfit(clock, constraint);
	return add_fit(clock, constraint, &range);
}

int tw_clock_lower(struct tw_clock *clock, uint64_t g, uint64_t t)
{
	struct tw_clock_constraint constraint = {
		.g = g,
		.t = {t, 0},
		.has = {true, false},
	};

	if (t >= TW_CLOCK_TIME_MAX)
		return -ERANGE;
	return add(clock, &constraint);
}

int tw_clock_upper(struct tw_clock *clock, uint64_t g, uint64_t t)
{
	struct tw_clock_constraint constraint = {
		.g = g,
		.t = {0, t},
		.has = {false, true},
	};

	if (t >= TW_CLOCK_TIME_MAX)
		return -ERANGE;
	return add(clock, &constraint);
}

int tw_clock_exchange(struct tw_clock *clock, uint64_t g, uint64_t t1,
		      uint64_t t2)
{
	struct tw_clock_constraint constraint = {
		.g = g,
		.t = {t1, t2},
		.has = {true, true},
	};

	if (t1 >= TW_CLOCK_TIME_MAX || t2 >= TW_CLOCK_TIME_MAX)
		return -ERANGE;
	if (t1 > t2)
		return -EINVAL;
	return add(clock, &constraint);
}

uint64_t tw_clock_confirmed(const struct tw_clock *clock)
{
	return clock->confirmed_ns;
}

void tw_clock_counts(const struct tw_clock *clock,
		     struct tw_clock_counts *counts)
{
	*counts = (struct tw_clock_counts){
		.constraints = clock->order,
		.rejected = clock->rejected,
		.refused = clock->refused,
		.epochs = clock->first + clock->count,
		.is_virtual = clock->is_virtual,
		.hz_refuted = clock->hz_refuted,
	};
}
