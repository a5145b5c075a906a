/* SPDX-License-Identifier: MIT */
/*
 * What a machine is taken to have where its TW_GUEST_CONFIG doesn't say, as in
 * trackway/guest-machine.h, but here only what events' own code does without: a
 * guard against interrupts where one is needed. A part of guest.c.
 */
#ifndef TRACKWAY_GUEST_HOOKS_H
#define TRACKWAY_GUEST_HOOKS_H

#include <trackway/guest.h>

#include "../ring/atomic.h"

#ifndef TW_GUEST_CLEAN
#define TW_GUEST_CLEAN(memory, size) ((void)0)
#endif

#if defined(TW_NO_ATOMICS) && TW_GUEST_CPUS > 1
#error "without compare-and-swap there can be one CPU only"
#endif

#if !defined(TW_GUEST_CLOCK) && !defined(TW_GUEST_NO_CLOCK)
#error "this machine has no clock that is known: define TW_GUEST_CLOCK()"
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
