/* SPDX-License-Identifier: MIT */
/*
 * What main.c asks of a machine: ARCH/start.S and ARCH/machine.c have it.
 * ARCH/link.ld says where the ring lies: outside of what a boot clears, so that
 * the ring of the boot before is still there.
 */
#ifndef FIRMWARE_MACHINE_H
#define FIRMWARE_MACHINE_H

#include <stdint.h>

/* MACHINE_CPUS is set by the compiler's command line. */

#define TICKS_PER_SECOND 100u

extern char ring_start[];
extern char ring_end[];

/* Debug output: the test shows it if something fails. */
void machine_put(char byte);

/* The ring's clock and its rate in Hz, 0: not known. */
uint64_t machine_clock_hz(void);

/* Begin this CPU's timer interrupts, which call firmware_tick(). */
void machine_timer_start(unsigned int cpu);

/* Let CPU 1 and up run firmware_cpu(). */
void machine_start_others(void);

/* Wait for an interrupt. May return without one. */
void machine_idle(void);

/* main.c, called by start.S on the first CPU, on the others, and by the timer
 * interrupt. */
void firmware_main(void);
void firmware_cpu(unsigned int cpu);
void firmware_tick(unsigned int cpu);

#endif
