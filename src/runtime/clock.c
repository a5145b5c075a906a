/* SPDX-License-Identifier: MIT */
/*
 * Which clock stamps the events, and how it stands to the others. The counter
 * of the processor where the kernel itself relies on it, else CLOCK_MONOTONIC,
 * with which every event takes the slow path.
 */
#include "runtime.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* Ticks between renewals of sync_last: about a millisecond at 2 to 4 GHz. */
#define REFRESH_TICKS (1u << 22)

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static bool kernel_trusts_counter(void)
{
	static const char path[] = "/sys/devices/system/clocksource/"
				   "clocksource0/current_clocksource";
	char name[32] = "";
	ssize_t size;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	size = read(fd, name, sizeof(name) - 1);
	close(fd);
	if (size <= 0)
		return false;
	return !strncmp(name, "tsc", 3) || !strncmp(name, "kvm-clock", 9) ||
	       !strncmp(name, "hyperv", 6) || !strncmp(name, "xen", 3);
}

static uint32_t counter_kind(void)
{
	unsigned a, b, c, d;

	/* Bit 8: the counter runs at one rate in every power state. */
	if (__get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8) &&
	    kernel_trusts_counter())
		return TW_CLOCK_TSC;
	return TW_CLOCK_MONOTONIC;
}
#elif defined(__aarch64__)
static uint32_t counter_kind(void)
{
	return TW_CLOCK_CNTVCT;
}
#else
static uint32_t counter_kind(void)
{
	return TW_CLOCK_MONOTONIC;
}
#endif

/* Who reads a ring in a place of its own looks at it from another system, and
 * has the same counter, but for an offset, more likely than the same clock. */
static uint32_t kind_for_place(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return TW_CLOCK_TSC;
#else
	return counter_kind();
#endif
}

void tw_clock_choose(void)
{
	const struct tw_settings *settings = &tw_runtime.settings;

	tw_store_relaxed(&tw_runtime.clock_kind,
			 settings->clock_monotonic ? TW_CLOCK_MONOTONIC
			 : settings->place[0]	   ? kind_for_place()
						   : counter_kind());
}

uint64_t tw_clock_now(void)
{
	if (TW_LIKELY(tw_load_relaxed(&tw_runtime.clock_kind) !=
		      TW_CLOCK_MONOTONIC))
		return tw_clock_fast();
	return read_ns(CLOCK_MONOTONIC);
}

void tw_clock_moment(struct tw_ring_sync *moment)
{
	uint64_t best = 0;
	uint64_t before, mono, after;
	int i;

	/* The first reading is often slow; the tightest pair is the truest. */
	for (i = 0; i < 3; i++) {
		before = tw_clock_now();
		mono = read_ns(CLOCK_MONOTONIC);
		after = tw_clock_now();
		if (i == 0 || after - before < best) {
			best = after - before;
			moment->clock = before + best / 2;
			moment->mono_ns = mono;
		}
	}
	mono = read_ns(CLOCK_MONOTONIC);
	moment->real_ns = read_ns(CLOCK_REALTIME) - (mono - moment->mono_ns);
}

void tw_clock_refresh(struct tw_ring_control *control, uint64_t now, bool force)
{
	struct tw_ring_sync moment;
	uint32_t seq;

	if (!force &&
	    now - tw_load_relaxed(&tw_runtime.last_sync) < REFRESH_TICKS)
		return;
	tw_store_relaxed(&tw_runtime.last_sync, now);
	tw_clock_moment(&moment);
	seq = tw_load_relaxed(&control->sync_seq);
	/* Another thread, or what this one interrupted, is at it: it is new. */
	if (seq % 2 || !tw_cas_acq_rel_u32(&control->sync_seq, seq, seq + 1))
		return;
	/* (K) with the reader in tw_ring_syncs(): odd before, even after. */
	tw_fence_release();
	tw_store_relaxed(&control->sync_last.clock, moment.clock);
	tw_store_relaxed(&control->sync_last.mono_ns, moment.mono_ns);
	tw_store_relaxed(&control->sync_last.real_ns, moment.real_ns);
	tw_store_release(&control->sync_seq, seq + 2);
}
