/* SPDX-License-Identifier: MIT */
/*
 * Rates and fixed points of clocks. The rate comes from the two moments that
 * are farthest apart; the fixed point is the later one, so that all producers
 * that share their moments share one time, to the nanosecond.
 *
 * Called by read.c, ctf.c and `trackway record`.
 */
#include "timebase.h"

#include <errno.h>
#include <time.h>

#define NS_PER_S 1000000000u

/* Two readings of clocks are about 100 ns uncertain: closer moments than this
 * know the rate worse than a producer that says it. */
#define BASELINE_MIN_NS 1000000u

/* For a rate that is known to 1 in 10,000. */
#define WATCH_NS 5000000u

#define MOMENT_TRIES 8

static uint64_t read_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t tw_monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

static int read_ticks(uint32_t kind, uint64_t *ticks)
{
	switch (kind) {
	case TW_CLOCK_MONOTONIC:
		*ticks = read_ns(CLOCK_MONOTONIC);
		return 0;
#if defined(__x86_64__) || defined(__i386__)
	case TW_CLOCK_TSC:
		*ticks = __builtin_ia32_rdtsc();
		return 0;
#endif
#if defined(__aarch64__)
	case TW_CLOCK_CNTVCT:
		__asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(*ticks));
		return 0;
#endif
	default:
		return -ENOTSUP;
	}
}

int tw_moment_take(uint32_t kind, struct tw_ring_sync *moment)
{
	uint64_t before, after, mono, real, best = UINT64_MAX;
	int try, error;

	/* The try that took the fewest ticks was not interrupted. */
	for (try = 0; try < MOMENT_TRIES; try++) {
		error = read_ticks(kind, &before);
		mono = read_ns(CLOCK_MONOTONIC);
		real = read_ns(CLOCK_REALTIME);
		if (error || read_ticks(kind, &after))
			return -ENOTSUP;
		if (after - before >= best)
			continue;
		best = after - before;
		moment->clock = kind == TW_CLOCK_MONOTONIC
					? mono
					: before + (after - before) / 2;
		moment->mono_ns = mono;
		moment->real_ns = real;
	}
	return 0;
}

uint64_t tw_real_offset(void)
{
	uint64_t before, real, after, offset = 0, best = UINT64_MAX;
	int try;

	for (try = 0; try < MOMENT_TRIES; try++) {
		before = read_ns(CLOCK_MONOTONIC);
		real = read_ns(CLOCK_REALTIME);
		after = read_ns(CLOCK_MONOTONIC);
		if (after - before >= best)
			continue;
		best = after - before;
		offset = real - before - best / 2;
	}
	return offset;
}

uint64_t tw_host_real_offset(struct tw_host_clocks *host)
{
	if (!host->real_ns)
		host->real_ns = tw_real_offset();
	return host->real_ns;
}

void tw_moments_add(struct tw_moments *moments,
		    const struct tw_ring_sync *moment)
{
	if (!moment->mono_ns && !moment->real_ns)
		return;
	if (!moments->any || moment->clock < moments->first.clock)
		moments->first = *moment;
	if (!moments->any || moment->clock >= moments->last.clock)
		moments->last = *moment;
	moments->any = true;
}

bool tw_moment_is_ours(const struct tw_ring_sync *moment,
		       const struct tw_ring_sync *ours)
{
	const int64_t drift = (int64_t)((ours->real_ns - ours->mono_ns) -
					(moment->real_ns - moment->mono_ns));

	return moment->clock <= ours->clock &&
	       moment->mono_ns <= ours->mono_ns && drift < NS_PER_S &&
	       drift > -(int64_t)NS_PER_S;
}

struct tw_moments *tw_moments_of_ring(struct tw_host_clocks *host,
				      struct tw_moments *own,
				      struct tw_ring_reader *ring)
{
	const uint32_t kind = ring->control.clock_kind;
	struct tw_ring_sync first, last, ours;
	struct tw_moments *to = own;

	*own = (struct tw_moments){.kind = kind};
	/* On -EAGAIN both are the first. */
	if (tw_ring_syncs(ring, &first, &last) &&
	    tw_ring_syncs(ring, &first, &last) != -EAGAIN)
		return own;
	if (kind < TW_CLOCK_OTHER && !tw_moment_take(kind, &ours) &&
	    tw_moment_is_ours(&first, &ours) &&
	    tw_moment_is_ours(&last, &ours)) {
		to = &host->kinds[kind];
		to->kind = kind;
		tw_moments_add(to, &ours);
	}
	tw_moments_add(to, &first);
	tw_moments_add(to, &last);
	return to;
}

void tw_timebase_set(struct tw_timebase *timebase, uint64_t hz,
		     uint64_t base_ticks, uint64_t base_ns)
{
	unsigned __int128 mult;

	timebase->hz = hz ? hz : NS_PER_S;
	timebase->base_ticks = base_ticks;
	timebase->base_ns = base_ns;
	timebase->error_ns = 0;
	timebase->base_mono_ns = 0;
	/* As many bits as leave mult below 2^62: 2.5 GHz has a shift of 63,
	 * 1 Hz one of 32. */
	for (timebase->shift = 64;; timebase->shift--) {
		mult = ((unsigned __int128)NS_PER_S << timebase->shift) /
		       timebase->hz;
		if (mult >> 62 == 0)
			break;
	}
	timebase->mult = (uint64_t)mult;
}

uint64_t tw_moments_rate(const struct tw_moments *moments)
{
	const uint64_t ticks = moments->last.clock - moments->first.clock;
	const uint64_t ns = moments->last.mono_ns - moments->first.mono_ns;
	unsigned __int128 rate;

	if (!moments->any || moments->last.mono_ns < moments->first.mono_ns ||
	    ns < BASELINE_MIN_NS)
		return 0;
	rate = ((unsigned __int128)ticks * NS_PER_S + ns / 2) / ns;
	return rate >> 63 ? 0 : (uint64_t)rate;
}

uint64_t tw_host_clock_rate(struct tw_host_clocks *host, uint32_t kind)
{
	const struct timespec pause = {.tv_nsec = WATCH_NS};
	struct tw_ring_sync now;
	struct tw_moments *moments;

	if (kind >= TW_CLOCK_OTHER || tw_moment_take(kind, &now))
		return 0;
	moments = &host->kinds[kind];
	moments->kind = kind;
	tw_moments_add(moments, &now);
	if (now.mono_ns - moments->first.mono_ns < WATCH_NS) {
		nanosleep(&pause, NULL);
		tw_moment_take(kind, &now);
		tw_moments_add(moments, &now);
	}
	return tw_moments_rate(moments);
}

void tw_timebase_fit(struct tw_timebase *timebase,
		     const struct tw_moments *moments, uint64_t hz)
{
	const uint64_t ticks = moments->last.clock - moments->first.clock;
	const uint64_t ns = moments->last.mono_ns - moments->first.mono_ns;
	unsigned __int128 measured;

	if (moments->kind == TW_CLOCK_MONOTONIC) {
		hz = NS_PER_S;
	} else if (moments->any && moments->last.mono_ns &&
		   moments->last.mono_ns > moments->first.mono_ns &&
		   (ns >= BASELINE_MIN_NS || !hz)) {
		measured = ((unsigned __int128)ticks * NS_PER_S + ns / 2) / ns;
		if (measured && measured >> 63 == 0)
			hz = (uint64_t)measured;
	}
	if (moments->any)
		tw_timebase_set(timebase, hz, moments->last.clock,
				moments->last.real_ns);
	else
		tw_timebase_set(timebase, hz, 0, 0);
	timebase->base_mono_ns = moments->any ? moments->last.mono_ns : 0;
}

void tw_timebase_origin(const struct tw_timebase *timebase, int64_t *seconds,
			uint64_t *ticks)
{
	/* base_ns in ticks, exact to a tick, less what the clock shows there.
	 */
	const __int128 hz = (__int128)timebase->hz;
	const __int128 epoch = (__int128)timebase->base_ns * hz / NS_PER_S -
			       (__int128)timebase->base_ticks;
	__int128 whole = epoch / hz;

	if (whole * hz > epoch)
		whole--;
	*seconds = (int64_t)whole;
	*ticks = (uint64_t)(epoch - whole * hz);
}
