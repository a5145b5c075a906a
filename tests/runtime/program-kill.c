/* SPDX-License-Identifier: MIT */
/*
 * program-kill FILE: four threads emit until the end of the world, each
 * counting in FILE, mapped, the events whose calls have returned.
 */
#include "step.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "trace-runtime.h"

#define THREADS 4

static uint64_t *counts;

static void *emit(void *argument)
{
	const uint32_t thread = (uint32_t)(uintptr_t)argument;
	uint64_t i;

	for (i = 0; i < UINT64_MAX; i++) {
		trace_count(thread, i, check_of(thread, i));
		/* Release: not before the event itself. */
		__atomic_store_n(&counts[thread], i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	uintptr_t i;
	int fd = open(argc > 1 ? argv[1] : "", O_RDWR);

	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		return 2;
	dprintf(STDOUT_FILENO, "started\n");
	for (i = 1; i < THREADS; i++)
		if (pthread_create(&thread, NULL, emit, (void *)i))
			return 1;
	emit(NULL);
	return 0;
}
