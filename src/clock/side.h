/* SPDX-License-Identifier: MIT */
/*
 * The lower or the upper constraints of an epoch, as many as are kept.
 */
#ifndef TRACKWAY_CLOCK_SIDE_H
#define TRACKWAY_CLOCK_SIDE_H

#include "rates.h"

struct tw_clock_side {
	int side; /* TW_SIDE_LOWER or TW_SIDE_UPPER */
	/* Sorted by g, all different; none says what its neighbours say. */
	struct tw_clock_point *points;
	uint32_t count;
	uint32_t room;
	uint32_t room_max; /* 16 or more */
	/* What the last thinning out cost, in ns a point. */
	int64_t loss;
	/* Of all points that there ever were, that which is most likely to
	 * narrow the range together with one of the other side further on. */
	struct tw_clock_point champion;
	bool has_champion;
};

/* Make room for one more, so that adding can't fail. 0 or -ENOMEM. */
int tw_side_reserve(struct tw_clock_side *side,
		    const struct tw_clock_rates *rates);
/* Whether the points that are there say as much already. */
bool tw_side_implies(const struct tw_clock_side *side,
		     const struct tw_clock_rates *rates,
		     const struct tw_clock_point *point);
/* Add one that is not implied; room for it has been reserved. */
void tw_side_add(struct tw_clock_side *side, const struct tw_clock_rates *rates,
		 const struct tw_clock_point *point);

/* Narrow the range by a constraint of the other side; false: they contradict
 * each other. */
bool tw_side_narrow(const struct tw_clock_side *side,
		    const struct tw_clock_rates *rates,
		    struct tw_clock_range *range,
		    const struct tw_clock_point *other);
/* After the rates have changed. */
void tw_side_choose(struct tw_clock_side *side,
		    const struct tw_clock_rates *rates);

/* How many points are at g or before it. */
uint32_t tw_side_find(const struct tw_clock_side *side, int64_t g);

#endif
