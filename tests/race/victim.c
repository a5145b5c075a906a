/* SPDX-License-Identifier: MIT */
/* A writer that can be stopped: see victim.h. */
#include "victim.h"

#include <stdlib.h>

#define WORKS_MAX 1000

static __thread struct victim *self;

const char *victim_point_name(enum tw_testpoint point)
{
	static const char *const names[] = {
		[TW_AT_CLOSE_COUNTED] = "TW_AT_CLOSE_COUNTED",
		[TW_AT_CLOSE_FULL] = "TW_AT_CLOSE_FULL",
		[TW_AT_TURN_TICKET] = "TW_AT_TURN_TICKET",
		[TW_AT_TURN_CLAIMED] = "TW_AT_TURN_CLAIMED",
		[TW_AT_TURN_HEADER] = "TW_AT_TURN_HEADER",
		[TW_AT_TURN_ENTRY] = "TW_AT_TURN_ENTRY",
		[TW_AT_TURN_OPEN] = "TW_AT_TURN_OPEN",
		[TW_AT_ATTACH_USED] = "TW_AT_ATTACH_USED",
		[TW_AT_DETACH_IDLE] = "TW_AT_DETACH_IDLE",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == TW_AT_COUNT,
		       "a testpoint has no name here");
	return names[point];
}

/* The victim hands over and waits until it may run. */
static void stand(struct victim *victim, bool at_point)
{
	pthread_mutex_lock(&victim->mutex);
	victim->at_point = at_point;
	victim->state = VICTIM_STANDS;
	pthread_cond_broadcast(&victim->cond);
	while (victim->state == VICTIM_STANDS)
		pthread_cond_wait(&victim->cond, &victim->mutex);
	pthread_mutex_unlock(&victim->mutex);
}

static void on_testpoint(enum tw_testpoint at)
{
	if (!self || self->point != at)
		return;
	if (self->passes)
		self->passes--;
	else
		stand(self, true);
}

static void *live(void *context)
{
	struct victim *victim = context;

	self = victim;
	for (;;) {
		stand(victim, false);
		if (victim->state == VICTIM_ENDS)
			return NULL;
		victim->work(victim);
	}
}

static void wait_until_it_stands(struct victim *victim)
{
	pthread_mutex_lock(&victim->mutex);
	while (victim->state == VICTIM_RUNS)
		pthread_cond_wait(&victim->cond, &victim->mutex);
	pthread_mutex_unlock(&victim->mutex);
}

/* The test hands over and waits until the victim stands. */
static void run(struct victim *victim)
{
	pthread_mutex_lock(&victim->mutex);
	victim->state = VICTIM_RUNS;
	pthread_cond_broadcast(&victim->cond);
	pthread_mutex_unlock(&victim->mutex);
	wait_until_it_stands(victim);
}

struct victim *victim_create(struct tw_ring *ring, struct load *load,
			     void (*work)(struct victim *victim))
{
	struct victim *victim = calloc(1, sizeof(*victim));

	if (!victim)
		abort();
	victim->ring = ring;
	victim->load = load;
	victim->work = work;
	victim->point = TW_AT_COUNT;
	victim->state = VICTIM_RUNS;
	pthread_mutex_init(&victim->mutex, NULL);
	pthread_cond_init(&victim->cond, NULL);
	tw_testpoint_hook = on_testpoint;
	if (pthread_create(&victim->thread, NULL, live, victim))
		abort();
	/* Not run(): a thread that stands already would begin its work. */
	wait_until_it_stands(victim);
	return victim;
}

void victim_destroy(struct victim *victim)
{
	pthread_mutex_lock(&victim->mutex);
	victim->state = VICTIM_ENDS;
	pthread_cond_broadcast(&victim->cond);
	pthread_mutex_unlock(&victim->mutex);
	pthread_join(victim->thread, NULL);
	tw_testpoint_hook = NULL;
	pthread_cond_destroy(&victim->cond);
	pthread_mutex_destroy(&victim->mutex);
	free(victim);
}

bool victim_run_until(struct victim *victim, enum tw_testpoint point,
		      uint32_t passes, void (*between)(void *context),
		      void *context)
{
	uint32_t works;

	victim->point = point;
	victim->passes = passes;
	for (works = 0; works < WORKS_MAX; works++) {
		run(victim);
		if (victim->at_point)
			return true;
		if (between)
			between(context);
	}
	return false;
}

void victim_go_on(struct victim *victim)
{
	victim->point = TW_AT_COUNT;
	run(victim);
}
