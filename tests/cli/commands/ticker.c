/* SPDX-License-Identifier: MIT */
/*
 * A traced program for the tests of the commands: says "ready", then ticks
 * until SIGTERM, which ends it cleanly. Forgotten, it ends by SIGALRM.
 */
#include "trace.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t is_over;

static void on_term(int number)
{
	(void)number;
	is_over = 1;
}

static void tick(int n)
{
	trace_tick_start(n, "ticker");
	trace_tick_end((uint64_t)n * 1000);
	if (n % 10 == 0)
		trace_tick_quiet();
	trace_tick_never(NULL);
}

int main(void)
{
	int n = 0;

	signal(SIGTERM, on_term);
	alarm(1200);
	puts("ready");
	fflush(stdout);
	while (!is_over) {
		tick(n++);
		usleep(5000);
	}
	return 0;
}
