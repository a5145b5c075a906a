/* SPDX-License-Identifier: MIT */
/* Sleep between two pieces of work: a PC's old timer and interrupt controller.
 */
#ifndef DISK_GUEST_TIMER_H
#define DISK_GUEST_TIMER_H

#define TICKS_PER_SECOND 250

void timer_start(void);

/* Until the next tick. */
void timer_wait(void);

/* The interrupt's handler, in start.S. */
void timer_tick(void);

#endif
