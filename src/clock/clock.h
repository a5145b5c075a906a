/* SPDX-License-Identifier: MIT */
/*
 * A producer's counter against the host's CLOCK_MONOTONIC: for each value of
 * the counter, when it was, with bounds that hold.
 *
 * What is known are constraints. A beacon, written by the host at t and found
 * beside the counter's g, says that g was at t or later. A sighting, g found by
 * the host at t, says that it was at t or earlier. An exchange says both. Of
 * the clock it is assumed that its rate stays within drift_ppb of one rate, as
 * long as nothing is done to it. All else follows: see docs/clock.md.
 *
 * Time is in ns of CLOCK_MONOTONIC, below 2^62; counters in ticks, modulo 2^64
 * (a counter of fewer bits goes through tw_clock_extend() first). A time bound
 * is about what the host's clock showed: lo <= shown <= hi.
 *
 * When a constraint contradicts those before it, the counter has been set, or
 * the guest was stopped, restored or lies. Once three in a row say so, and none
 * speaks against it, a new epoch begins. A counter for which that happens again
 * and again, but which never goes back, counts something else than time
 * (icount): it is virtual, no rate is fitted, and its bounds are those of the
 * constraints before and after an event.
 *
 * No I/O, no system calls, no thread; a clock is used by one thread at a time.
 * Memory is bounded by the options; what no longer has room makes bounds wider,
 * never false. Everything may come from a hostile guest: it can make its own
 * times wrong or its bounds wide, and nothing else.
 */
#ifndef TRACKWAY_CLOCK_CLOCK_H
#define TRACKWAY_CLOCK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct tw_clock;

enum tw_clock_flags {
	TW_CLOCK_VIRTUAL = 1, /* it counts something else than time: icount */
};

/* Zero stands for the default everywhere. */
struct tw_clock_options {
	/* Ticks a second, as the producer or KVM says; 0, or more than 10^12:
	 * not known. A false one is found out, and then not used. */
	uint64_t hz;
	/* By how much hz may err; 10^6 (0.1 %). At most 5 * 10^8. */
	uint32_t tolerance_ppb;
	/* By how much the rate may differ from its mean within an epoch; 10^4.
	 * Must cover how the host's clock is slewed. At most 10^8. */
	uint32_t drift_ppb;
	/* The counter advances by so many ticks at once; 1. At most 2^32. */
	uint64_t step;
	/* Constraints kept for each epoch and side; 4096. At least 16. They
	 * have 16 bytes; a table for queries has up to 144 for each. */
	uint32_t points;
	/* Epochs kept, the latest; 64. At least 2. */
	uint32_t epochs;
	uint32_t flags; /* enum tw_clock_flags */
};

/* -EINVAL: an option is out of its range; -ENOMEM. */
int tw_clock_create(const struct tw_clock_options *options,
		    struct tw_clock **clock);
/* NULL is none. */
void tw_clock_destroy(struct tw_clock *clock);

/* What became of a constraint. */
enum tw_clock_fit {
	TW_CLOCK_FITS = 0,
	TW_CLOCK_MISFIT = 1,	/* kept apart until others bear it out */
	TW_CLOCK_NEW_EPOCH = 2, /* the third: a new epoch has begun */
	TW_CLOCK_REFUSED = 3,	/* epochs would begin too often */
};

/*
 * Add a constraint. Within an epoch they may come in any order, though that of
 * their times is the fast one. What is of an earlier epoch, and comes when the
 * next has begun, is mostly rejected; if it happens to fit, that epoch's bounds
 * are wrong by less than they are wide. Return enum
 * tw_clock_fit, -ERANGE: a time is 2^62 or more, -EINVAL: t1 is after t2,
 * -ENOMEM: not added.
 */
int tw_clock_lower(struct tw_clock *clock, uint64_t g, uint64_t t);
int tw_clock_upper(struct tw_clock *clock, uint64_t g, uint64_t t);
int tw_clock_exchange(struct tw_clock *clock, uint64_t g, uint64_t t1,
		      uint64_t t2);

/*
 * The clock has been stopped, set, or restored, as the caller knows from
 * elsewhere: the next constraint begins an epoch.
 */
void tw_clock_break(struct tw_clock *clock);

/* A constraint that is kept. */
struct tw_clock_kept {
	uint64_t g;
	uint64_t t;
	bool is_upper;
};

/* Zero-filled begins. */
struct tw_clock_cursor {
	uint32_t lower;
	uint32_t upper;
};

/*
 * The constraints kept of an epoch, one a call, as g grows. Given to another
 * clock, with tw_clock_break() between epochs, they make the same epochs, with
 * bounds that hold and are hardly wider. 1: there was one; 0: no more; -ENOENT:
 * no such epoch.
 */
int tw_clock_next_kept(const struct tw_clock *clock, uint32_t epoch,
		       struct tw_clock_cursor *cursor,
		       struct tw_clock_kept *kept);

enum tw_clock_bounds_flags {
	/* Of several epochs, or of none that is known: not to be told apart. */
	TW_BOUNDS_UNSURE = 1,
	/* The counter's value contradicts when the event was there: it lies, or
	 * stood still. The bounds are those that were given. */
	TW_BOUNDS_CLAMPED = 2,
	TW_BOUNDS_VIRTUAL = 4,
};

struct tw_clock_bounds {
	uint64_t lo;	 /* 0: not known */
	uint64_t hi;	 /* UINT64_MAX: not known */
	uint64_t centre; /* that which is known, where one is not */
	uint32_t epoch;	 /* the first it may be of */
	uint32_t flags;	 /* enum tw_clock_bounds_flags */
};

/*
 * When the counter showed g in this epoch, if it did. Between two constraints
 * that are added, lo, hi and centre never decrease as g grows (g as a distance
 * from the epoch's first, so modulo 2^64). The first call after a constraint
 * that said something new takes up to some ms, the others some 20 ns.
 * -ENOENT: no such epoch, or no longer; -ERANGE: 2^61 ticks off; -ENOMEM.
 */
int tw_clock_bounds(struct tw_clock *clock, uint32_t epoch, uint64_t g,
		    struct tw_clock_bounds *bounds);

/*
 * The same for an event of which is known when it was at the earliest and at
 * the latest (0 and UINT64_MAX: not known; the beacon of its page, and when it
 * was read), over all epochs. Always gives bounds that lie within from and to,
 * with flags that say what they are worth. -EINVAL: from is after to; -ENOMEM.
 */
int tw_clock_when(struct tw_clock *clock, uint64_t g, uint64_t from,
		  uint64_t to, struct tw_clock_bounds *bounds);

struct tw_clock_epoch {
	/* The first and last counter values that are known to be of it. An
	 * event between one epoch's last and the next one's first may be of
	 * either. */
	uint64_t first;
	uint64_t last;
	/* The epoch began and ended within these moments; 0 and UINT64_MAX
	 * where not known. */
	uint64_t begin_lo, begin_hi;
	uint64_t end_lo, end_hi;
	uint64_t constraints; /* that fitted */
	/* The rate, ticks a second; 0: virtual. */
	double hz;
	double hz_error; /* at most, either way; drift not included */
	bool is_virtual;
};

/* Epochs count from 0; those before *first are no longer known. The last, which
 * is the present one, is *first + *count - 1; *count 0: no constraint yet. When
 * a counter is found to be virtual, the latest ones become one. */
void tw_clock_epochs(const struct tw_clock *clock, uint32_t *first,
		     uint32_t *count);
/* -ENOENT, -ENOMEM. */
int tw_clock_epoch(struct tw_clock *clock, uint32_t epoch,
		   struct tw_clock_epoch *info);

/* An affine clock, as CTF and tw_timebase_set() have it: base_ns +
 * (g - base_ticks) * 10^9 / hz, rounded down. */
struct tw_clock_affine {
	uint64_t hz;
	uint64_t base_ticks;
	uint64_t base_ns;
	/* By how much it errs at most, from the epoch's first to its last
	 * counter value; UINT64_MAX: not known. */
	uint64_t error_ns;
};

/*
 * The one with the least largest error. -ENOENT: no such epoch; -ENOTSUP: a
 * virtual clock, or nothing is known of its rate; -ENOMEM.
 */
int tw_clock_affine(struct tw_clock *clock, uint32_t epoch,
		    struct tw_clock_affine *affine);

struct tw_clock_counts {
	uint64_t constraints; /* that came */
	uint64_t rejected;    /* contradicted, and were found to be alone */
	uint64_t refused;     /* contradicted too often */
	uint32_t epochs;      /* in all */
	bool is_virtual;
	bool hz_refuted; /* the rate is not what options.hz says */
};
void tw_clock_counts(const struct tw_clock *clock,
		     struct tw_clock_counts *counts);

/*
 * Until which moment it is known that the counter went on as it did: that at
 * which the latest lower bound was that fitted, 0: none. Of an event that may
 * have been later, no epoch that is known need be the one.
 */
uint64_t tw_clock_confirmed(const struct tw_clock *clock);

/*
 * What the counter may show at a moment, in the present epoch: from *lo to *hi,
 * modulo 2^64. -EAGAIN: nothing is known yet.
 */
int tw_clock_ticks(const struct tw_clock *clock, uint64_t t, uint64_t *lo,
		   uint64_t *hi);

/*
 * A counter of fewer bits (1 to 64) that showed raw at a moment from `from` to
 * `to`, made whole: the value next to what tw_clock_ticks() expects. The first
 * is taken as it is. Needs options.hz. -EAGAIN: the clock may have gone round
 * once more or once less; -EINVAL.
 */
int tw_clock_extend(const struct tw_clock *clock, uint64_t raw, uint32_t bits,
		    uint64_t from, uint64_t to, uint64_t *g);

/*
 * A KVM guest's TSC where the host's shows tsc, from debugfs: ratio with
 * fraction_bits bits after the point (0: not scaled), and offset. Exact: an
 * exchange made on the host alone counts as one with the guest.
 */
uint64_t tw_clock_kvm_tsc(uint64_t tsc, uint64_t ratio, uint32_t fraction_bits,
			  uint64_t offset);

#endif
