/* SPDX-License-Identifier: MIT */
/*
 * The traced program in the Linux guest: two threads that emit, on a ring in
 * memory that the host shares. It listens to nothing; what the host tells it,
 * it tells through the switch of an event.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <trackway/trackway.h>

#include "trace-linux.h"

static void nap(void)
{
	const struct timespec millisecond = {0, 1000000};

	nanosleep(&millisecond, NULL);
}

static void *emit_beside(void *argument)
{
	uint64_t number;

	for (number = 0; !trace_linux_quit_enabled(); number++) {
		trace_linux_thread(number, (uint32_t)number * 2654435761u);
		nap();
	}
	return argument;
}

int main(void)
{
	const char *error = tw_runtime_error();
	pthread_t thread;
	uint64_t number;
	char text[32];

	printf("traced: %s\n", error ? error : tw_runtime_path());
	fflush(stdout);
	if (error || pthread_create(&thread, NULL, emit_beside, NULL))
		return 1;
	for (number = 0; !trace_linux_quit_enabled(); number++) {
		snprintf(text, sizeof(text), "%s %u",
			 number % 2 ? "odd" : "even", (unsigned)number);
		trace_linux_tick(number, text);
		nap();
	}
	return pthread_join(thread, NULL);
}
