/* SPDX-License-Identifier: MIT */
/*
 * program-burst BURSTS EVENTS [stop]: so many bursts of so many events of three
 * ints, as fast as they go; with stop, a step after each. Says how many that
 * were.
 */
#include "step.h"

#include "trace-runtime.h"

int main(int argc, char **argv)
{
	uint64_t bursts, events, i, j;

	if (argc < 3)
		return 2;
	bursts = strtoull(argv[1], NULL, 10);
	events = strtoull(argv[2], NULL, 10);
	for (i = 0; i < bursts; i++) {
		for (j = 0; j < events; j++)
			trace_three((int)i, (int)j, 3);
		if (argc > 3) {
			say("returned", (i + 1) * events);
			pause_here();
		}
	}
	say("returned", bursts * events);
	return 0;
}
