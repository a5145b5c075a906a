/* SPDX-License-Identifier: MIT */
/*
 * Traced programs as the tests run them: each with a ring directory of its own
 * and no other TRACKWAY_ variable than those given, step by step. A program
 * says a line and waits for the test to let it go on (step.h). What can't be
 * done fails the test that called.
 */
#ifndef TEST_TRACED_H
#define TEST_TRACED_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* In memory where there is such a place, as rings are in life. */
struct traced_dir {
	char path[64];
};

void traced_dir_create(struct traced_dir *dir);
/* A directory in it, as one of its own; it need not be there. */
struct traced_dir traced_dir_in(const struct traced_dir *dir, const char *name);
/* And all that is in it. */
void traced_dir_remove(const struct traced_dir *dir);
/* Ring files in it. */
unsigned traced_dir_count(const struct traced_dir *dir);
/* The path of the one ring file of this process, in a static buffer. */
const char *traced_dir_ring(const struct traced_dir *dir, pid_t pid);
/* The path of the only ring file there, whosever it is. */
const char *traced_dir_only_ring(const struct traced_dir *dir);
bool traced_dir_has_ring(const struct traced_dir *dir, pid_t pid);

struct traced_command {
	const char *arguments[12];   /* the program: of the tests, or a path */
	const char *name;	     /* what it is told that it is called */
	const char *environment[12]; /* NAME=VALUE */
	/* Called between fork and exec; false: give up. May be NULL. */
	bool (*prepare)(void *context);
	void *context;
};

struct traced {
	pid_t pid;
	int to;
	FILE *from;
	char line[PATH_MAX + 64];
};

/* dir: for TRACKWAY_DIR, unless NULL. */
void traced_start(struct traced *traced, const struct traced_dir *dir,
		  const struct traced_command *command);
#define TRACED_START(traced, dir, ...) \
	traced_start(traced, dir, &(struct traced_command){__VA_ARGS__})

/* The next line that it says, without the newline; NULL at the end. */
const char *traced_line(struct traced *traced);
/* Whether it has said something, or ended. */
bool traced_has_line(struct traced *traced);
/* It says this next. */
void traced_expect(struct traced *traced, const char *line);
/* It says "WORD NUMBER" next. */
uint64_t traced_number(struct traced *traced, const char *word);
/* Let it go on. */
void traced_go(struct traced *traced);
/* Wait until it has ended, letting it go on as often as it likes: its exit
 * status, or minus the signal that ended it. */
int traced_end(struct traced *traced);
/* End it at once, and wait. */
void traced_kill(struct traced *traced);

/* The path of a program of the tests, in a static buffer. */
const char *traced_program(const char *name);

#endif
