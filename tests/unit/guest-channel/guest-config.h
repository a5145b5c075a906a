/* SPDX-License-Identifier: MIT */
/*
 * The machine that the guest's channel is tested on: its CPU, its clock, its
 * interrupts and its printk are the test's own.
 */
#ifndef GUEST_CONFIG_H
#define GUEST_CONFIG_H

#include <stdint.h>

uint32_t machine_cpu(void);
uint64_t machine_clock(void);
uintptr_t machine_interrupts_off(void);
void machine_interrupts_as_before(uintptr_t saved);
void machine_printk(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#define TW_GUEST_CPU() machine_cpu()
#ifndef TW_GUEST_NO_CLOCK
#define TW_GUEST_CLOCK() machine_clock()
#endif
#define TW_GUEST_PRINTK machine_printk

#ifdef TW_NO_ATOMICS
#define TW_GUEST_CPUS 1
#else
#define TW_GUEST_CPUS 2
#endif

/* Whether interrupts can come in the middle of a message. */
#if defined(TW_NO_ATOMICS) || defined(TW_GUEST_WHOLE_GUARD)
#define MESSAGES_GUARDED 1
#define TW_GUEST_GUARD_ENTER() machine_interrupts_off()
#define TW_GUEST_GUARD_LEAVE(saved) machine_interrupts_as_before(saved)
#else
#define MESSAGES_GUARDED 0
#endif

#endif
