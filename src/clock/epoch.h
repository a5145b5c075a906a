/* SPDX-License-Identifier: MIT */
/*
 * One epoch: a stretch of a counter's life without a jump.
 */
#ifndef TRACKWAY_CLOCK_EPOCH_H
#define TRACKWAY_CLOCK_EPOCH_H

#include "side.h"

/* One that came, as it came. */
struct tw_clock_constraint {
	uint64_t g;
	uint64_t t[2]; /* by side */
	bool has[2];
	uint64_t order; /* counts those that came */
	uint64_t given; /* the number of the stretch that has it; 0: none */
};

/* What an epoch says at one place, on both sides. */
struct tw_clock_knot {
	int64_t g;
	int64_t v[2];
};

struct tw_clock_table {
	struct tw_clock_knot *knots;
	uint32_t count;
	uint32_t room;
	bool is_valid;
	uint32_t made; /* counts how often it was made */
	uint32_t at;   /* where the last query was */
};

/* When it ended, as of two tables. */
struct tw_clock_end {
	uint64_t lo, hi;
	uint32_t made, next_made;
};

struct tw_clock_stretch {
	uint64_t number; /* 1 or more; each has its own */
	struct tw_clock_rates rates;
	struct tw_clock_rates first_rates; /* before any constraint */
	struct tw_clock_side sides[2];
	/* What g and v are counted from. */
	uint64_t g_base;
	uint64_t t_base;
	uint64_t order_base;
	uint64_t step;
	bool any;
	uint64_t constraints;
	/* The counter values that are of it, from base on; last_g ends with
	 * the epoch. */
	int64_t first_g;
	int64_t last_g;
	struct tw_clock_table table;
	struct tw_clock_end end;
};

#define TW_CLOCK_TIME_MAX ((uint64_t)1 << 62)
#define TW_CLOCK_TICKS_MAX ((int64_t)1 << 61)

struct tw_clock_stretch *tw_stretch_create(const struct tw_clock_rates *rates,
					   uint64_t step, uint32_t points);
void tw_stretch_destroy(struct tw_clock_stretch *stretch);

/*
 * Whether a constraint agrees with all that is there: the sides on which it
 * does not, a bit each; 0: it fits. Then *range is what it leaves.
 */
uint32_t tw_stretch_check(const struct tw_clock_stretch *stretch,
			  const struct tw_clock_constraint *constraint,
			  struct tw_clock_range *range);
/* Add one that fits, with the range from there. 0 or -ENOMEM. */
int tw_stretch_add(struct tw_clock_stretch *stretch,
		   const struct tw_clock_constraint *constraint,
		   const struct tw_clock_range *range);
/* Forget the rate: what is there says no more than that time goes on. */
void tw_stretch_make_virtual(struct tw_clock_stretch *stretch);

/* g as a distance; false: too far. */
static inline bool tw_stretch_place(const struct tw_clock_stretch *stretch,
				    uint64_t g, int64_t *place)
{
	*place = (int64_t)(g - stretch->g_base);
	return *place<TW_CLOCK_TICKS_MAX && * place> - TW_CLOCK_TICKS_MAX;
}

/* Make the table for queries, if it is not there. 0 or -ENOMEM. */
int tw_table_make(struct tw_clock_stretch *stretch);
/* What the table says at g, on one side; TW_CLOCK_NOTHING. */
int64_t tw_table_at(struct tw_clock_stretch *stretch, int side, int64_t g);

#endif
