/* SPDX-License-Identifier: MIT */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

/*
 * The least that a recorded event could be: a call with its arguments, which
 * reads the clock and stores 32 bytes at the next place of a buffer as large as
 * the ring. No room checked, no lane, nothing that a reader could rely on. In a
 * file of its own, as events are: else compilers would see which registers it
 * leaves alone, and save its caller some work.
 */
void floor_event(int a, int b, int c);

#endif
