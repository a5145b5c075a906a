/* SPDX-License-Identifier: MIT */
/*
 * program-emit EVENTS [THREADS]: "ready"; then as many events a thread,
 * "returned" with how many by now and "naps" with how often the runtime slept;
 * again after each step until the test has had enough.
 */
#include "step.h"

#include <pthread.h>
#include <time.h>

#include "trace-runtime.h"

#define THREADS_MAX 64

static uint64_t naps;
static uint64_t events;
static uint64_t done;

/* Over libc's: the runtime's calls come here. */
__attribute__((visibility("default"))) int nanosleep(
	const struct timespec *wish, struct timespec *left)
{
	__atomic_fetch_add(&naps, 1, __ATOMIC_RELAXED);
	return -clock_nanosleep(CLOCK_MONOTONIC, 0, wish, left);
}

static void *emit(void *argument)
{
	uint32_t thread = (uint32_t)(uintptr_t)argument;
	uint64_t i;

	for (i = done; i < done + events; i++)
		trace_count(thread, i, check_of(thread, i));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS_MAX];
	uint64_t threads, i;

	events = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	threads = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	if (threads > THREADS_MAX)
		return 2;
	step("ready");
	do {
		for (i = 1; i < threads; i++)
			if (pthread_create(&thread[i], NULL, emit,
					   (void *)(uintptr_t)i))
				return 1;
		emit(NULL);
		for (i = 1; i < threads; i++)
			pthread_join(thread[i], NULL);
		done += events;
		say("returned", done * threads);
		say("naps", naps);
	} while (pause_here());
	return 0;
}
