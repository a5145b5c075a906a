/* SPDX-License-Identifier: MIT */
/*
 * program-thread one-by-one THREADS EVENTS: short-lived threads, one after
 * another.
 * program-thread at-once THREADS EVENTS: all alive until the last has emitted.
 * program-thread in-turns THREADS EVENTS: as one-by-one, by four threads at
 * once, so that ends and beginnings meet.
 *
 * Says how many events were emitted in all.
 */
#include "step.h"

#include <pthread.h>
#include <string.h>

#include "trace-runtime.h"

#define STARTERS 4

static uint64_t threads, events;
static pthread_barrier_t all_have_emitted;

static void *short_life(void *argument)
{
	const uint32_t thread = (uint32_t)(uintptr_t)argument;
	uint64_t i;

	for (i = 0; i < events; i++)
		trace_count(thread, i, check_of(thread, i));
	return NULL;
}

static void *short_lives(void *argument)
{
	const uintptr_t starter = (uintptr_t)argument;
	pthread_t thread;
	uintptr_t i;

	for (i = starter; i < threads; i += STARTERS) {
		if (pthread_create(&thread, NULL, short_life, (void *)i))
			exit(1);
		pthread_join(thread, NULL);
	}
	return NULL;
}

static void one_by_one(void)
{
	pthread_t thread;
	uintptr_t i;

	for (i = 0; i < threads; i++) {
		if (pthread_create(&thread, NULL, short_life, (void *)i))
			exit(1);
		pthread_join(thread, NULL);
	}
}

static void in_turns(void)
{
	pthread_t starter[STARTERS];
	uintptr_t i;

	for (i = 0; i < STARTERS; i++)
		if (pthread_create(&starter[i], NULL, short_lives, (void *)i))
			exit(1);
	for (i = 0; i < STARTERS; i++)
		pthread_join(starter[i], NULL);
}

static void *long_life(void *argument)
{
	short_life(argument);
	pthread_barrier_wait(&all_have_emitted);
	return NULL;
}

static void at_once(void)
{
	pthread_t *thread = calloc(threads, sizeof(*thread));
	pthread_attr_t small;
	uintptr_t i;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 256 << 10);
	pthread_barrier_init(&all_have_emitted, NULL, (unsigned)threads);
	for (i = 0; i < threads; i++)
		if (pthread_create(&thread[i], &small, long_life, (void *)i))
			exit(1);
	for (i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	free(thread);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	threads = strtoull(argv[2], NULL, 10);
	events = strtoull(argv[3], NULL, 10);
	step("ready");
	if (!strcmp(argv[1], "one-by-one"))
		one_by_one();
	else if (!strcmp(argv[1], "in-turns"))
		in_turns();
	else
		at_once();
	say("returned", threads * events);
	pause_here();
	return 0;
}
