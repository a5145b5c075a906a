/* SPDX-License-Identifier: MIT */
/*
 * A writer that can be stopped at a testpoint: a thread of its own, which the
 * test's main thread lets run until it gets there. While it stands, the test
 * may do with the ring what it likes; only one of the two ever runs.
 */
#ifndef TRACKWAY_TESTS_VICTIM_H
#define TRACKWAY_TESTS_VICTIM_H

#include "load.h"
#include "ring-fixture.h"

#include <pthread.h>

struct victim {
	struct tw_ring *ring;
	struct load *load;
	/* What it does, over and over; it may attach and detach. */
	void (*work)(struct victim *victim);
	struct tw_writer writer;
	bool attached;
	/* Where it stops. */
	enum tw_testpoint point;
	uint32_t passes; /* of the point before it stops there */

	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	enum {
		VICTIM_STANDS,
		VICTIM_RUNS,
		VICTIM_ENDS
	} state;
	bool at_point; /* else it stands between two works */
};

/* The name of a testpoint, for messages. */
const char *victim_point_name(enum tw_testpoint point);

/* Its memory is its own, since after a failed test it stands for ever. */
struct victim *victim_create(struct tw_ring *ring, struct load *load,
			     void (*work)(struct victim *victim));
void victim_destroy(struct victim *victim);

/*
 * Let it work until it stands at the point for the passes + 1st time. between
 * is called after each of its works, or NULL. False: it has worked too often
 * without getting there.
 */
bool victim_run_until(struct victim *victim, enum tw_testpoint point,
		      uint32_t passes, void (*between)(void *context),
		      void *context);

/* Let it go on from where it stands, and finish one work. */
void victim_go_on(struct victim *victim);

#endif
