/* SPDX-License-Identifier: MIT */
/*
 * A clock's epochs, one after the other, and the one that may be beginning.
 */
#ifndef TRACKWAY_CLOCK_EPOCHS_H
#define TRACKWAY_CLOCK_EPOCHS_H

#include "clock.h"
#include "epoch.h"

#include <stddef.h>

/* The latest constraints, of which an epoch that begins may yet show that they
 * were not of the one before. */
#define TW_CLOCK_HISTORY 64

/* If so many of the latest constraints broke something, is it virtual? */
#define TW_CLOCK_DENSE 16

/* What a new epoch supposes of the rate; it supposes less if it fails. */
enum tw_clock_trust {
	TW_TRUST_SAME = 0,    /* that of the epoch before, nearly */
	TW_TRUST_NOMINAL = 1, /* what the options say */
	TW_TRUST_NOTHING = 2,
};

struct tw_clock {
	struct tw_clock_options options; /* with the defaults filled in */
	struct tw_clock_stretch **epochs;
	uint32_t first; /* the number of epochs[0] */
	uint32_t count;
	/* The last epoch without what is in the history; NULL: it is all sure,
	 * or there was no memory. */
	struct tw_clock_stretch *sure;
	/* What does not fit the last epoch, and whether that has lasted. */
	struct tw_clock_stretch *trial;
	uint64_t numbers; /* stretches made */
	bool is_broken;	  /* the next constraint begins an epoch */
	uint32_t misfits;
	enum tw_clock_trust trust;
	/* Fills with each break, and leaks. */
	uint32_t breaks;
	uint64_t leaked_ns;
	uint64_t broke[TW_CLOCK_DENSE]; /* the orders of the latest */
	uint64_t broke_count;
	struct tw_clock_constraint history[TW_CLOCK_HISTORY];
	uint64_t order;
	bool is_virtual;
	/* It breaks, but not since it is virtual: asked once in a row. */
	bool is_unruly;
	bool hz_refuted;
	uint64_t rejected;
	uint64_t refused;
	uint64_t confirmed_ns; /* tw_clock_confirmed() */
};

/* The present epoch; NULL before the first constraint. */
static inline struct tw_clock_stretch *tw_clock_present(
	const struct tw_clock *clock)
{
	return clock->count ? clock->epochs[clock->count - 1] : NULL;
}

#endif
