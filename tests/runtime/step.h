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

/* How many of many to do: all, or fewer in a build with a sanitizer. */
static inline uint64_t scaled(uint64_t count)
{
#ifdef TEST_SANITIZED
	return count / 20 ? count / 20 : 1;
#else
	return count;
#endif
}

/* One write() and no more, for a test that counts system calls. */
static inline void say_line(const char *line, size_t size)
{
	if (write(STDOUT_FILENO, line, size) != (ssize_t)size)
		_exit(1); /* the test is gone */
}

static inline void say(const char *word, uint64_t number)
{
	char line[128];

	say_line(line, (size_t)snprintf(line, sizeof(line), "%s %" PRIu64 "\n",
					word, number));
}

/* False: the test waits for the program's end. */
static inline bool pause_here(void)
{
	char byte;

	return read(STDIN_FILENO, &byte, 1) == 1;
}

static inline bool step(const char *line)
{
	char text[128];

	say_line(text, (size_t)snprintf(text, sizeof(text), "%s\n", line));
	return pause_here();
}

/* What an event's last field must be, so that no torn one passes. */
static inline uint64_t check_of(uint64_t thread, uint64_t number)
{
	return (number + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ thread;
}

#endif
