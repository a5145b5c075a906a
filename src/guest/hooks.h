/* SPDX-License-Identifier: MIT */
/*
 * What a machine is taken to have where its TW_GUEST_CONFIG doesn't say
 * (trackway/guest.h): a clock, and a guard against interrupts where one is
 * needed. A part of guest.c.
 */
#ifndef TRACKWAY_GUEST_HOOKS_H
#define TRACKWAY_GUEST_HOOKS_H

#include <trackway/guest.h>

#include "../ring/atomic.h"

#ifndef TW_GUEST_CPUS
#define TW_GUEST_CPUS 1
#endif
#ifndef TW_GUEST_LEVELS
#define TW_GUEST_LEVELS 2
#endif
#ifndef TW_GUEST_CPU
#define TW_GUEST_CPU() 0u
#endif
#ifndef TW_GUEST_CLEAN
#define TW_GUEST_CLEAN(memory, size) ((void)0)
#endif

#if defined(TW_NO_ATOMICS) && TW_GUEST_CPUS > 1
#error "without compare-and-swap there can be one CPU only"
#endif

/* DEFAULT_CLOCK_KIND: what the ring calls the clock, unless it is told. */
#ifdef TW_GUEST_CLOCK
#define DEFAULT_CLOCK_KIND TW_CLOCK_OTHER
#elif defined(__x86_64__) || defined(__i386__)
#define DEFAULT_CLOCK_KIND TW_CLOCK_TSC
#define TW_GUEST_CLOCK() __builtin_ia32_rdtsc()
#elif defined(__aarch64__)
#define DEFAULT_CLOCK_KIND TW_CLOCK_CNTVCT
#define TW_GUEST_CLOCK() read_counter()
#define COUNTER_INSTRUCTION "mrs %0, cntvct_el0"
#elif defined(__riscv)
#define DEFAULT_CLOCK_KIND TW_CLOCK_OTHER
#define TW_GUEST_CLOCK() read_counter()
#define COUNTER_INSTRUCTION "rdtime %0"
#define COUNTER_HIGH_INSTRUCTION "rdtimeh %0"
#elif defined(__powerpc__)
#define DEFAULT_CLOCK_KIND TW_CLOCK_OTHER
#define TW_GUEST_CLOCK() read_counter()
#define COUNTER_INSTRUCTION "mftb %0"
#define COUNTER_HIGH_INSTRUCTION "mftbu %0"
#else
#error "this machine has no clock that is known: define TW_GUEST_CLOCK()"
#endif

#ifdef COUNTER_INSTRUCTION
static inline uint64_t read_counter(void)
{
#if __SIZEOF_POINTER__ == 8
	uint64_t ticks;

	__asm__ __volatile__(COUNTER_INSTRUCTION : "=r"(ticks));
	return ticks;
#else
	uint32_t high, low, again;

	do {
		__asm__ __volatile__(COUNTER_HIGH_INSTRUCTION : "=r"(high));
		__asm__ __volatile__(COUNTER_INSTRUCTION : "=r"(low));
		__asm__ __volatile__(COUNTER_HIGH_INSTRUCTION : "=r"(again));
	} while (high != again);
	return (uint64_t)high << 32 | low;
#endif
}
#endif

#ifndef TW_GUEST_GUARD_ENTER
#if !defined(TW_NO_ATOMICS) && !defined(TW_GUEST_WHOLE_GUARD)
#define TW_GUEST_GUARD_ENTER() ((uintptr_t)0)
#define TW_GUEST_GUARD_LEAVE(saved) ((void)(saved))
#else
#define TW_GUEST_GUARD_ENTER() interrupts_off()
#define TW_GUEST_GUARD_LEAVE(saved) interrupts_as_before(saved)

#if defined(__sparc__) && !defined(__sparc_v9__)
/* The processor interrupt level, in its state register. */
#define PIL 0xf00u

static inline uintptr_t interrupts_off(void)
{
	uintptr_t psr;

	__asm__ __volatile__("rd %%psr, %0\n\t"
			     "or %0, %1, %%g1\n\t"
			     "wr %%g1, %%psr\n\t"
			     "nop; nop; nop"
			     : "=&r"(psr)
			     : "i"(PIL)
			     : "g1", "memory");
	return psr;
}

static inline void interrupts_as_before(uintptr_t psr)
{
	/* The rest of it, condition codes and window, is as it is now. */
	__asm__ __volatile__("rd %%psr, %%g1\n\t"
			     "andn %%g1, %1, %%g1\n\t"
			     "or %%g1, %0, %%g1\n\t"
			     "wr %%g1, %%psr\n\t"
			     "nop; nop; nop"
			     :
			     : "r"(psr & PIL), "i"(PIL)
			     : "g1", "memory");
}

#elif defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'

static inline uintptr_t interrupts_off(void)
{
	uintptr_t primask;

	__asm__ __volatile__("mrs %0, primask\n\t"
			     "cpsid i"
			     : "=r"(primask)
			     :
			     : "memory");
	return primask;
}

static inline void interrupts_as_before(uintptr_t primask)
{
	__asm__ __volatile__("msr primask, %0" : : "r"(primask) : "memory");
}

#else
#error "a guard is needed: define TW_GUEST_GUARD_ENTER() and _LEAVE()"
#endif
#endif
#endif

#endif
