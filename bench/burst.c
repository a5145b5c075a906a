/* SPDX-License-Identifier: MIT */
/*
 * burst EVENTS BURST: emit so many three-int events, a burst at a time with
 * nothing in between but a look at the clock. Ends with one line: the events
 * and the seconds that emitting them took.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "trace-bench.h"

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void emit_burst(uint64_t from, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		trace_bench_int3((int)(from + i), 2, 3);
}

int main(int argc, char **argv)
{
	uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t burst = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	double seconds = 0;

	if (!events || !burst) {
		fputs("usage: burst EVENTS BURST\n", stderr);
		return 2;
	}
	if (!trace_bench_int3_enabled()) {
		fputs("burst: bench_int3 is off\n", stderr);
		return 1;
	}
	for (uint64_t done = 0; done < events; done += burst) {
		uint64_t count = events - done < burst ? events - done : burst;
		double begin = seconds_now();

		emit_burst(done, count);
		seconds += seconds_now() - begin;
	}
	printf("%" PRIu64 " %.6f\n", events, seconds);
	return fflush(stdout) == 0 ? 0 : 1;
}
