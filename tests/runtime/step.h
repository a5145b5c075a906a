/* SPDX-License-Identifier: MIT */
/*
 * The traced programs' side of traced.h: say a line, and wait for the test to
 * read and answer it.
 */
#ifndef TEST_STEP_H
#define TEST_STEP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void say(const char *word, uint64_t number)
{
	dprintf(STDOUT_FILENO, "%s %" PRIu64 "\n", word, number);
}

/* False: the test waits for the program's end. */
static inline bool pause_here(void)
{
	char byte;

	return read(STDIN_FILENO, &byte, 1) == 1;
}

static inline bool step(const char *line)
{
	dprintf(STDOUT_FILENO, "%s\n", line);
	return pause_here();
}

/* What an event's last field must be, so that no torn one passes. */
static inline uint64_t check_of(uint64_t thread, uint64_t number)
{
	return (number + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ thread;
}

#endif
