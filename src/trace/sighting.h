/* SPDX-License-Identifier: MIT */
/*
 * The time of a clock that only its producer can read, such as a guest's: from
 * sightings. Each says that the clock had come to so many ticks by some moment
 * on the host, since an event of that time was there to be read. The least
 * delayed ones lie close to the truth, and none lies before it.
 */
#ifndef TRACKWAY_TRACE_SIGHTING_H
#define TRACKWAY_TRACE_SIGHTING_H

#include "timebase.h"

struct tw_sighting {
	uint64_t ticks;
	uint64_t mono_ns; /* CLOCK_MONOTONIC, not before the event */
};

#define TW_SIGHTINGS_MAX 64

/* What is kept of one clock's sightings; zero-filled is none. */
struct tw_sightings {
	/* Of events that were there already: their newest, of any age. */
	struct tw_sighting found;
	bool has_found;
	/* Of events seen as they came: the corners of their lower hull, in
	 * which ticks and moments both grow. */
	struct tw_sighting hull[TW_SIGHTINGS_MAX];
	uint32_t count;
	/* The middle of all that came. */
	uint64_t seen;
	uint64_t first_ticks;
	double mean; /* ticks after first_ticks */
	/* CLOCK_REALTIME less CLOCK_MONOTONIC, at the latest. */
	uint64_t real_ns;
};

/*
 * Add one. came: the event was not there at the look before. moment: when it
 * was seen, on the host's clocks; its member clock is not looked at.
 */
void tw_sightings_add(struct tw_sightings *sightings, uint64_t ticks, bool came,
		      const struct tw_ring_sync *moment);

/*
 * The rate that the sightings show, ticks a second, or 0 if they are too few or
 * too close together to show one.
 */
uint64_t tw_sightings_rate(const struct tw_sightings *sightings);

/*
 * The best rate for a clock whose producer doesn't say it. like: that of the
 * host's clock of the same kind, which is taken unless the sightings contradict
 * it; earlier: what the same clock seemed to have before; 0 where there is
 * none. May return 0.
 */
uint64_t tw_sightings_choose_rate(const struct tw_sightings *sightings,
				  uint64_t like, uint64_t earlier);

/*
 * A timebase by which no event was seen before it happened, and at least one
 * just when it did. hz: the clock's rate; 0: a tick a nanosecond. Without any
 * sighting ticks count from now.
 */
void tw_sightings_fit(struct tw_timebase *timebase,
		      const struct tw_sightings *sightings, uint64_t hz);

#endif
