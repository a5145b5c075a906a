/* SPDX-License-Identifier: MIT */
/*
 * The loop of a program, or of a firmware, that looks for its event to be
 * switched on, and tells by it when that was: for bench/control.py.
 */
#ifndef TRACKWAY_BENCH_CONTROL_H
#define TRACKWAY_BENCH_CONTROL_H

static void control_round(uint32_t round, void (*pause)(void))
{
	while (!trace_control_on_enabled())
		pause();
	trace_control_on(round);
	while (trace_control_on_enabled())
		pause();
	trace_control_off(round);
}

#endif
