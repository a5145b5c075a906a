/* SPDX-License-Identifier: MIT */
/*
 * What a machine is taken to have where its TW_GUEST_CONFIG doesn't say
 * (trackway/guest.h): one CPU, and a clock, if it is one that is known.
 */
#ifndef TRACKWAY_GUEST_MACHINE_H
#define TRACKWAY_GUEST_MACHINE_H

#include <trackway/types.h>

#ifndef TW_GUEST_CPUS
#define TW_GUEST_CPUS 1
#endif
#ifndef TW_GUEST_LEVELS
#define TW_GUEST_LEVELS 2
#endif
#ifndef TW_GUEST_CPU
#define TW_GUEST_CPU() 0u
#endif

/* TW_GUEST_CLOCK_KIND: what the ring calls the clock, unless it is told. */
#ifdef TW_GUEST_CLOCK
#define TW_GUEST_CLOCK_KIND TW_CLOCK_OTHER
#elif defined(__x86_64__) || defined(__i386__)
#define TW_GUEST_CLOCK_KIND TW_CLOCK_TSC
#define TW_GUEST_CLOCK() __builtin_ia32_rdtsc()
#elif defined(__aarch64__)
#define TW_GUEST_CLOCK_KIND TW_CLOCK_CNTVCT
#define TW_GUEST_CLOCK() tw_guest_counter()
#define TW_COUNTER "mrs %0, cntvct_el0"
#elif defined(__riscv)
#define TW_GUEST_CLOCK_KIND TW_CLOCK_OTHER
#define TW_GUEST_CLOCK() tw_guest_counter()
#define TW_COUNTER "rdtime %0"
#define TW_COUNTER_HIGH "rdtimeh %0"
#elif defined(__powerpc__)
#define TW_GUEST_CLOCK_KIND TW_CLOCK_OTHER
#define TW_GUEST_CLOCK() tw_guest_counter()
#define TW_COUNTER "mftb %0"
#define TW_COUNTER_HIGH "mftbu %0"
#endif

#ifdef TW_COUNTER
static inline uint64_t tw_guest_counter(void)
{
#if __SIZEOF_POINTER__ == 8
	uint64_t ticks;

	__asm__ __volatile__(TW_COUNTER : "=r"(ticks));
	return ticks;
#else
	uint32_t high, low, again;

	do {
		__asm__ __volatile__(TW_COUNTER_HIGH : "=r"(high));
		__asm__ __volatile__(TW_COUNTER : "=r"(low));
		__asm__ __volatile__(TW_COUNTER_HIGH : "=r"(again));
	} while (high != again);
	return (uint64_t)high << 32 | low;
#endif
}
#endif

/*
 * Whether events' own code has what is common in it. Not on small machines,
 * where that is more code than there is room for; nor is it where something is
 * to be done in an event that a faster one would not be worth.
 */
#if __SIZEOF_POINTER__ < 8 || !defined(TW_GUEST_CLOCK) ||          \
	defined(TW_NO_ATOMICS) || defined(TW_GUEST_WHOLE_GUARD) || \
	defined(TW_GUEST_CLEAN)
#ifndef TW_GUEST_INLINE
#define TW_GUEST_INLINE 0
#elif TW_GUEST_INLINE
#error "TW_GUEST_INLINE is for 64 bits, and goes with no guard and no cleaning"
#endif
#elif !defined(TW_GUEST_INLINE)
#define TW_GUEST_INLINE 1
#endif

#endif
