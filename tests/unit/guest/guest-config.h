/* SPDX-License-Identifier: MIT */
/*
 * The machine that the guest runtime is tested on: CPUs, a clock and interrupts
 * that are the test's own. Compiled in the variants that meson.build names.
 */
#ifndef GUEST_CONFIG_H
#define GUEST_CONFIG_H

#include <stdint.h>

uint32_t machine_cpu(void);
uint64_t machine_clock(void);
uintptr_t machine_interrupts_off(void);
void machine_interrupts_as_before(uintptr_t saved);

#define TW_GUEST_CPU() machine_cpu()
#define TW_GUEST_CLOCK() machine_clock()

#ifdef TW_NO_ATOMICS
#define TW_GUEST_CPUS 1
#define TW_GUEST_LEVELS 2
#else
#define TW_GUEST_CPUS 2
#define TW_GUEST_LEVELS 3
#endif

/* What interrupts can't come between. */
#ifdef TW_GUEST_WHOLE_GUARD
#define EVENTS_GUARDED true
#else
#define EVENTS_GUARDED false
#endif
#ifdef TW_NO_ATOMICS
#define TURNS_GUARDED true
#else
#define TURNS_GUARDED EVENTS_GUARDED
#endif

#if defined(TW_NO_ATOMICS) || defined(TW_GUEST_WHOLE_GUARD)
#define TW_GUEST_GUARD_ENTER() machine_interrupts_off()
#define TW_GUEST_GUARD_LEAVE(saved) machine_interrupts_as_before(saved)
#endif

#endif
