/* SPDX-License-Identifier: MIT */
/*
 * Sightings are points, ticks against moments, and the clock's true line runs
 * below them all. Of all lines below them, the one that is nearest on average
 * goes through the edge of their lower hull that lies below their middle: its
 * slope is taken for the rate where the producer doesn't say it. With the rate
 * known, the line is moved up until it touches a corner.
 *
 * Called by read-ring.c and `trackway record`.
 */
#include "sighting.h"

/* Looks at a ring are some ms apart: what lies closer together than this says
 * little about the rate. */
#define SPAN_MIN_NS 50000000u
#define SEEN_MIN 4

/* Whether b lies on or above the line from a to c; their ticks grow. */
static bool is_above(const struct tw_sighting *a, const struct tw_sighting *b,
		     const struct tw_sighting *c)
{
	return (unsigned __int128)(b->mono_ns - a->mono_ns) *
		       (c->ticks - a->ticks) >=
	       (unsigned __int128)(c->mono_ns - a->mono_ns) *
		       (b->ticks - a->ticks);
}

/* Every second corner but the last: the line may then cut off a few ns. */
static void thin_out(struct tw_sightings *sightings)
{
	size_t i;

	for (i = 1; i < TW_SIGHTINGS_MAX / 2; i++)
		sightings->hull[i] = sightings->hull[2 * i];
	sightings->hull[i] = sightings->hull[TW_SIGHTINGS_MAX - 1];
	sightings->count = (uint32_t)i + 1;
}

static void add_corner(struct tw_sightings *sightings,
		       const struct tw_sighting *sighting)
{
	struct tw_sighting *hull = sightings->hull;
	uint32_t count = sightings->count;

	while (count > 1 &&
	       is_above(&hull[count - 2], &hull[count - 1], sighting))
		count--;
	hull[count] = *sighting;
	sightings->count = count + 1;
	if (sightings->count == TW_SIGHTINGS_MAX)
		thin_out(sightings);
}

void tw_sightings_add(struct tw_sightings *sightings, uint64_t ticks, bool came,
		      const struct tw_ring_sync *moment)
{
	const struct tw_sighting sighting = {ticks, moment->mono_ns};
	const struct tw_sighting *last = NULL;

	if (sightings->count)
		last = &sightings->hull[sightings->count - 1];
	sightings->real_ns = moment->real_ns - moment->mono_ns;
	if (!came) {
		if (!sightings->has_found || ticks > sightings->found.ticks)
			sightings->found = sighting;
		sightings->has_found = true;
		return;
	}
	/* An event that is no later than one that was seen before says
	 * nothing. */
	if (last && (ticks <= last->ticks || sighting.mono_ns < last->mono_ns))
		return;
	if (!sightings->seen++)
		sightings->first_ticks = ticks;
	sightings->mean += ((double)(ticks - sightings->first_ticks) -
			    sightings->mean) /
			   (double)sightings->seen;
	add_corner(sightings, &sighting);
}

uint64_t tw_sightings_rate(const struct tw_sightings *sightings)
{
	const struct tw_sighting *from = &sightings->hull[0];
	const struct tw_sighting *to;
	unsigned __int128 rate;
	uint64_t ns;
	uint32_t i;

	if (sightings->seen < SEEN_MIN || sightings->count < 2)
		return 0;
	to = &sightings->hull[sightings->count - 1];
	if (to->mono_ns - from->mono_ns < SPAN_MIN_NS)
		return 0;
	for (i = 1; i + 1 < sightings->count; i++)
		if ((double)(sightings->hull[i].ticks -
			     sightings->first_ticks) >= sightings->mean)
			break;
	from = &sightings->hull[i - 1];
	to = &sightings->hull[i];
	ns = to->mono_ns - from->mono_ns;
	if (!ns)
		return 0;
	rate = ((unsigned __int128)(to->ticks - from->ticks) * 1000000000u +
		ns / 2) /
	       ns;
	return rate >> 63 ? 0 : (uint64_t)rate;
}

uint64_t tw_sightings_choose_rate(const struct tw_sightings *sightings,
				  uint64_t like, uint64_t earlier)
{
	const uint64_t sighted = tw_sightings_rate(sightings);

	if (!sighted)
		return like ? like : earlier;
	/* Sightings of a short while may err by some percent. */
	if (like && sighted > like - like / 16 && sighted < like + like / 16)
		return like;
	return sighted;
}

/* How much later the line with this rate is at b than b was seen, less the same
 * at a: the smaller of the two touches the line. */
static bool is_lower(const struct tw_sighting *a, const struct tw_sighting *b,
		     uint64_t hz)
{
	const __int128 ticks = (__int128)b->ticks - (__int128)a->ticks;
	const __int128 ns = (__int128)b->mono_ns - (__int128)a->mono_ns;

	/* Both differences have 65 bits at most, hz 63. */
	return ns * (__int128)hz / 1000000000 < ticks;
}

void tw_sightings_fit(struct tw_timebase *timebase,
		      const struct tw_sightings *sightings, uint64_t hz)
{
	const struct tw_sighting *touch = NULL;
	struct tw_ring_sync now = {0};
	uint32_t i;

	if (!hz || hz >> 62)
		hz = 1000000000;
	if (sightings->has_found)
		touch = &sightings->found;
	for (i = 0; i < sightings->count; i++)
		if (!touch || is_lower(touch, &sightings->hull[i], hz))
			touch = &sightings->hull[i];
	if (touch) {
		tw_timebase_set(timebase, hz, touch->ticks,
				touch->mono_ns + sightings->real_ns);
		return;
	}
	tw_moment_take(TW_CLOCK_MONOTONIC, &now);
	tw_timebase_set(timebase, hz, 0, now.real_ns);
}
