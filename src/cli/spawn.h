/* SPDX-License-Identifier: MIT */
/*
 * A command that is recorded from its first instruction on: started with a
 * directory of its own for its rings, and those of its children.
 */
#ifndef TRACKWAY_CLI_SPAWN_H
#define TRACKWAY_CLI_SPAWN_H

#include "cli.h"

#include <sys/types.h>

struct tw_spawn_options {
	const struct tw_words *patterns; /* none: every event is on */
	uint64_t ring_size;		 /* bytes; 0: the environment's */
	const char *mode;		 /* NULL: the environment's */
};

struct tw_spawn {
	pid_t pid; /* 0 once it has ended */
	int wait_status;
	int watch_fd; /* readable when a ring appears; or -1 */
	char directory[4096];
};

/*
 * Make the directory and start argv (ends with NULL). Returns enum tw_exit, or
 * 126 or 127 as a shell does where the command can't be run; the error has been
 * said, and nothing is left behind.
 */
int tw_spawn_start(struct tw_spawn *spawn, char **argv,
		   const struct tw_spawn_options *options);

/* Whether it still runs; afterwards wait_status is good. */
bool tw_spawn_is_running(struct tw_spawn *spawn);

/* Send it a signal, if it runs. */
void tw_spawn_signal(const struct tw_spawn *spawn, int number);

/* Sleep until a ring may have appeared, at most timeout_ms. */
void tw_spawn_wait(struct tw_spawn *spawn, int timeout_ms);

/*
 * Call fn with the path of every ring file in the directory, until it returns
 * other than 0, which is returned.
 */
int tw_spawn_each_ring(const struct tw_spawn *spawn,
		       int (*fn)(void *context, const char *path),
		       void *context);

/* Its exit status as a shell has it: 128 + N after signal N. */
int tw_spawn_status(const struct tw_spawn *spawn);

/* Remove the directory and what is left in it. */
void tw_spawn_remove(struct tw_spawn *spawn);

#endif
