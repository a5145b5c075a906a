/* SPDX-License-Identifier: MIT */
/*
 * From a producer's ticks to nanoseconds since the epoch: one rate and one
 * fixed point, found from moments at which several clocks were read together.
 */
#ifndef TRACKWAY_TRACE_TIMEBASE_H
#define TRACKWAY_TRACE_TIMEBASE_H

#include "../ring/ring-read.h"

#include <stdbool.h>

/* CLOCK_REALTIME = base_ns + (ticks - base_ticks) / hz. */
struct tw_timebase {
	uint64_t hz; /* 1 or more */
	uint64_t base_ticks;
	uint64_t base_ns;
	uint64_t mult; /* ns a tick, times 2^shift */
	uint32_t shift;
	uint64_t error_ns; /* how far off it is at most; 0: not said */
	/* CLOCK_MONOTONIC at base_ns, which is what is left of it once somebody
	 * has set the other clock; 0: not known. */
	uint64_t base_mono_ns;
};

/*
 * The moments known of one clock of one host, from however many producers;
 * zero-filled but for kind is empty. Only the first and the last are kept,
 * since the longest baseline gives the best rate.
 */
struct tw_moments {
	uint32_t kind; /* enum tw_ring_clock */
	bool any;
	struct tw_ring_sync first;
	struct tw_ring_sync last;
};

/* Add a moment; one that is all zero is none. */
void tw_moments_add(struct tw_moments *moments,
		    const struct tw_ring_sync *moment);

/*
 * Whether a moment can be of the same clock in the same boot as ours, which is
 * of now: none of its clocks is ahead, and the host booted at the same time by
 * both (to a second: the wall clock is disciplined).
 */
bool tw_moment_is_ours(const struct tw_ring_sync *moment,
		       const struct tw_ring_sync *ours);

/* The clocks of this host, by enum tw_ring_clock; zero-filled is empty. */
struct tw_host_clocks {
	struct tw_moments kinds[TW_CLOCK_OTHER + 1];
	uint64_t real_ns; /* tw_real_offset(), as it was the first time */
	uint64_t wait_ns; /* CLOCK_MONOTONIC: no guest is waited for before,
			     see guest-clock.h */
};

/*
 * Gather the moments that a ring knows, and one of now. Where the ring's clock
 * is one of this host in this boot they go to host, and what is returned points
 * into host: so that all producers of a host have one time. Otherwise they go
 * to own, which is returned. Fit a timebase when all moments are gathered.
 */
struct tw_moments *tw_moments_of_ring(struct tw_host_clocks *host,
				      struct tw_moments *own,
				      struct tw_ring_reader *ring);

/* CLOCK_MONOTONIC, now. */
uint64_t tw_monotonic_ns(void);

/*
 * Read the three clocks together, here and now. -ENOTSUP where this machine has
 * no clock of that kind (enum tw_ring_clock).
 */
int tw_moment_take(uint32_t kind, struct tw_ring_sync *moment);

/* CLOCK_REALTIME less CLOCK_MONOTONIC, to some ns: now; and as it was when it
 * was asked for first, so that a step of the one makes no gap. */
uint64_t tw_real_offset(void);
uint64_t tw_host_real_offset(struct tw_host_clocks *host);

/*
 * The rate of this host's clock of that kind, to 1 in 10,000 or better, which
 * may take some ms. 0: it has none.
 */
uint64_t tw_host_clock_rate(struct tw_host_clocks *host, uint32_t kind);

/* The rate that moments show, ticks a second; 0 if they are too close. */
uint64_t tw_moments_rate(const struct tw_moments *moments);

/* A timebase of a known rate and one known point; hz 0 counts as 1 GHz. */
void tw_timebase_set(struct tw_timebase *timebase, uint64_t hz,
		     uint64_t base_ticks, uint64_t base_ns);

/*
 * The best timebase that the moments give. hz: what the producer says, or 0;
 * it counts where the moments are too close together to tell. Nanosecond clocks
 * have 1 GHz exactly.
 */
void tw_timebase_fit(struct tw_timebase *timebase,
		     const struct tw_moments *moments, uint64_t hz);

/*
 * The same as CTF says it: seconds and ticks from the epoch to ticks 0. ticks
 * is less than hz.
 */
void tw_timebase_origin(const struct tw_timebase *timebase, int64_t *seconds,
			uint64_t *ticks);

/* Ticks as nanoseconds since the epoch. Never decreases as ticks grow. */
static inline uint64_t tw_timebase_ns(const struct tw_timebase *timebase,
				      uint64_t ticks)
{
	/* 63 bits and a sign times less than 63 bits: no overflow. */
	const __int128 ns = (__int128)(int64_t)(ticks - timebase->base_ticks) *
				    (int64_t)timebase->mult >>
			    timebase->shift;

	return timebase->base_ns + (uint64_t)ns;
}

#endif
