/* SPDX-License-Identifier: MIT */
/*
 * The recorder's thread: see recorder.h. It gives its destination one turn
 * after the other. What the monitor wants to do itself, a flush or a new
 * destination, it does while the thread rests: so what is recorded into is
 * always one thread's, and no order of theirs has to be thought about.
 *
 * Called by trace-file.c.
 */
#include "recorder.h"

#include "../attach/ram.h"
#include "../trace/timebase.h"
#include "destination.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define STACK_SIZE (256u << 10)
#define NS_PER_MS 1000000u

#define BUSY_BYTES                                                \
	(1u << 20) /* after a turn of this much there is no pause \
		    */
#define PAUSE_BUSY_MS 1
#define PAUSE_IDLE_MS 5
#define IDLE_NS 100000000u /* after this long, sleep on a ring if that goes */
/* As long as that, who wants something has to wait. */
#define WAIT_IDLE_MS 10

enum wish {
	WISH_RECORD,
	WISH_REST,
	WISH_END,
};

struct ring {
	char *path; /* the same as id.path, but ours */
	struct tw_recorder_ring id;
};

struct tw_recorder {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wished;
	pthread_cond_t rested;
	/* Under the mutex. */
	enum wish wish;
	bool is_resting;
	int code; /* why nothing more is recorded, or 0 */
	struct tw_attach_error error;
	/* The thread's, but for when it rests. */
	struct tw_destination *destination;
	uint64_t busy_ns; /* when there was last something to do */
	/* The monitor's. */
	struct ring *rings;
	size_t count;
	dev_t device; /* of what is recorded into */
	ino_t inode;
};

int tw_destination_fail(struct tw_destination *destination, int code,
			const char *target, const char *line)
{
	if (destination->code)
		return code;
	destination->code = code;
	snprintf(destination->error.text, sizeof(destination->error.text),
		 "%s%s%s", target ? target : "", target ? ": " : "", line);
	return code;
}

static int fail(struct tw_attach_error *error, int code, const char *line)
{
	snprintf(error->text, sizeof(error->text), "%s", line);
	return code;
}

/* ---- The thread ---- */

static void wait_for_wish(struct tw_recorder *recorder, int ms)
{
	const uint64_t end = tw_monotonic_ns() + (uint64_t)ms * NS_PER_MS;
	const struct timespec time = {
		.tv_sec = (time_t)(end / 1000000000u),
		.tv_nsec = (long)(end % 1000000000u),
	};

	pthread_cond_timedwait(&recorder->wished, &recorder->mutex, &time);
}

static bool sleep_on_ring(struct tw_recorder *recorder)
{
	struct tw_destination *destination = recorder->destination;
	bool has_slept;

	pthread_mutex_unlock(&recorder->mutex);
	has_slept = destination->kind->wait(destination, WAIT_IDLE_MS);
	pthread_mutex_lock(&recorder->mutex);
	return has_slept;
}

/* Until there may be something to do. bytes: of the last turn. */
static void pause_between(struct tw_recorder *recorder, uint64_t bytes)
{
	const struct tw_destination *destination = recorder->destination;
	const uint64_t now = tw_monotonic_ns();
	int ms = PAUSE_BUSY_MS;

	if (recorder->wish != WISH_RECORD || bytes >= BUSY_BYTES)
		return;
	/* Nothing more will come: till somebody says what to do. */
	if (recorder->code || !destination->kind->is_live(destination)) {
		pthread_cond_wait(&recorder->wished, &recorder->mutex);
		return;
	}
	if (bytes)
		recorder->busy_ns = now;
	else if (now - recorder->busy_ns > IDLE_NS)
		ms = PAUSE_IDLE_MS;
	if ((ms == PAUSE_BUSY_MS || !sleep_on_ring(recorder)) &&
	    recorder->wish == WISH_RECORD)
		wait_for_wish(recorder, ms);
}

/* Under the mutex, but for the turn itself. */
static void turn(struct tw_recorder *recorder)
{
	struct tw_destination *destination = recorder->destination;
	uint64_t bytes = 0;
	int code = recorder->code;

	if (!code) {
		pthread_mutex_unlock(&recorder->mutex);
		code = destination->kind->turn(destination, &bytes);
		pthread_mutex_lock(&recorder->mutex);
		recorder->code = code;
		recorder->error = destination->error;
	}
	pause_between(recorder, bytes);
}

static void rest(struct tw_recorder *recorder)
{
	recorder->is_resting = true;
	pthread_cond_signal(&recorder->rested);
	while (recorder->wish == WISH_REST)
		pthread_cond_wait(&recorder->wished, &recorder->mutex);
	recorder->is_resting = false;
}

static void *record(void *context)
{
	struct tw_recorder *recorder = context;

	pthread_mutex_lock(&recorder->mutex);
	while (recorder->wish != WISH_END) {
		if (recorder->wish == WISH_REST)
			rest(recorder);
		else
			turn(recorder);
	}
	pthread_mutex_unlock(&recorder->mutex);
	return NULL;
}

/*
 * With a stack of size bytes; 0: of the usual size. A program's handlers don't
 * run on a thread that it doesn't know of. Faults are this thread's own: to
 * read a ring's file that was truncated is one, and has a handler.
 */
static int start_thread(struct tw_recorder *recorder, size_t size)
{
	static const int faults[] = {SIGBUS,  SIGFPE, SIGILL,
				     SIGSEGV, SIGSYS, SIGTRAP};
	pthread_attr_t attributes;
	sigset_t blocked, before;
	int error = pthread_attr_init(&attributes);

	if (error)
		return -error;
	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&blocked, faults[i]);
	if (size)
		error = pthread_attr_setstacksize(&attributes, size);
	if (!error)
		error = pthread_sigmask(SIG_SETMASK, &blocked, &before);
	if (!error) {
		error = pthread_create(&recorder->thread, &attributes, record,
				       recorder);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_attr_destroy(&attributes);
	return -error;
}

static int start(struct tw_recorder *recorder, struct tw_attach_error *error)
{
	int code = start_thread(recorder, STACK_SIZE);

	/* A program whose thread-local variables take more than that. */
	if (code == -EINVAL)
		code = start_thread(recorder, 0);
	if (code) {
		snprintf(error->text, sizeof(error->text),
			 "cannot start the recorder's thread: %s",
			 strerror(-code));
		return code;
	}
	pthread_setname_np(recorder->thread, "trackway");
	return 0;
}

/* ---- Talking to it ---- */

static void wish_for(struct tw_recorder *recorder, enum wish wish)
{
	pthread_mutex_lock(&recorder->mutex);
	recorder->wish = wish;
	pthread_cond_signal(&recorder->wished);
	while (wish == WISH_REST && !recorder->is_resting)
		pthread_cond_wait(&recorder->rested, &recorder->mutex);
	pthread_mutex_unlock(&recorder->mutex);
}

int tw_recorder_check(struct tw_recorder *recorder,
		      struct tw_attach_error *error)
{
	int code;

	pthread_mutex_lock(&recorder->mutex);
	code = recorder->code;
	*error = recorder->error;
	pthread_mutex_unlock(&recorder->mutex);
	return code;
}

int tw_recorder_flush(struct tw_recorder *recorder,
		      struct tw_attach_error *error)
{
	struct tw_destination *destination;
	int code;

	wish_for(recorder, WISH_REST);
	destination = recorder->destination;
	code = recorder->code;
	if (!code)
		code = destination->kind->flush(destination);
	recorder->code = code;
	recorder->error = destination->error;
	*error = destination->error;
	wish_for(recorder, WISH_RECORD);
	return code;
}

/* ---- Rings and destinations ---- */

bool tw_recorder_is_directory(const char *to)
{
	const size_t size = strlen(to);
	struct stat status;

	return (size && to[size - 1] == '/') ||
	       (!stat(to, &status) && S_ISDIR(status.st_mode));
}

static int open_directory(const char *to, bool append,
			  struct tw_destination **destination,
			  struct tw_attach_error *error)
{
	size_t size = strlen(to);
	char *name;
	int code;

	while (size > 1 && to[size - 1] == '/')
		size--;
	name = strndup(to, size);
	if (!name)
		return fail(error, -ENOMEM, "out of memory");
	code = tw_destination_open_ctf(name, append, destination, error);
	free(name);
	return code;
}

/* A reader of the other end would decide how long everybody waits. */
static int refuse_pipe(const char *to, struct tw_attach_error *error)
{
	struct stat status;

	if (stat(to, &status) ||
	    (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode)))
		return 0;
	snprintf(error->text, sizeof(error->text),
		 "%s: neither a file nor a directory", to);
	return -EINVAL;
}

static int open_destination(const char *to, bool append,
			    struct tw_destination **destination,
			    struct tw_attach_error *error)
{
	int code;

	if (tw_recorder_is_directory(to))
		return open_directory(to, append, destination, error);
	code = refuse_pipe(to, error);
	if (code)
		return code;
	return tw_destination_open_simpletrace(to, append, destination, error);
}

static bool is_that(const struct tw_attach *attach,
		    const struct tw_recorder_ring *ring)
{
	const struct tw_ring_control *control = &attach->ring.control;

	return control->generation == ring->generation &&
	       !memcmp(control->uuid, ring->uuid, sizeof(ring->uuid));
}

/* Writable if that can be had: pages are to be given back. */
static int open_ring(const struct tw_recorder_ring *ring,
		     struct tw_attach **attach, struct tw_attach_error *error)
{
	int code = tw_attach_open(ring->path, true, attach, error);

	if (code)
		code = tw_attach_open(ring->path, false, attach, error);
	if (code || is_that(*attach, ring))
		return code;
	tw_attach_close(*attach);
	snprintf(error->text, sizeof(error->text), "%s: another ring is there",
		 ring->path);
	return -ESTALE;
}

static bool has_ended(int code)
{
	return code == -ENOENT || code == -ESRCH || code == -ESTALE;
}

static void close_rings(struct tw_attach **attaches, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tw_attach_close(attaches[i]);
	free(attaches);
}

/*
 * NULL where a program has ended in the meantime. are_needed: that is an error
 * where it is so of all.
 */
static int open_rings(const struct tw_recorder *recorder, bool are_needed,
		      struct tw_attach ***result, struct tw_attach_error *error)
{
	struct tw_attach **attaches = calloc(recorder->count,
					     sizeof(struct tw_attach *));
	size_t opened = 0;
	int code = 0;

	if (!attaches)
		return fail(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < recorder->count; i++) {
		code = open_ring(&recorder->rings[i].id, &attaches[i], error);
		if (code)
			attaches[i] = NULL;
		if (code && !has_ended(code))
			goto out;
		opened += !code;
	}
	if (opened || !are_needed) {
		*result = attaches;
		return 0;
	}
out:
	close_rings(attaches, recorder->count);
	return code;
}

static void end(struct tw_destination *destination,
		struct tw_attach_error *error)
{
	destination->kind->end(destination);
	*error = destination->error;
	destination->kind->destroy(destination);
}

static void keep_identity(struct tw_recorder *recorder, const char *to)
{
	struct stat status = {0};

	if (!stat(to, &status)) {
		recorder->device = status.st_dev;
		recorder->inode = status.st_ino;
	}
}

static bool is_written(const struct tw_recorder *recorder, const char *to)
{
	struct stat status;

	return !stat(to, &status) && status.st_dev == recorder->device &&
	       status.st_ino == recorder->inode;
}

/*
 * Have another destination go on with a ring: 1. One whose program has ended
 * stays where it was, to its end: 0. So does one that the other can't take: an
 * error. Where the first could write no more, the other begins by itself.
 */
static int hand_over(struct tw_destination *from, struct tw_destination *to,
		     const struct ring *ring, struct tw_attach *attach,
		     struct tw_attach_error *error)
{
	struct tw_ring_start start = {
		.after_ns = tw_monotonic_ns(),
		.epoch = ring->id.epoch,
	};
	int code;

	start.after = from->kind->cut(from, ring->path);
	if (!start.after && !tw_attach_is_alive(attach)) {
		tw_attach_close(attach);
		return 0;
	}
	code = to->kind->add(to, attach, &start, error);
	if (code)
		return code;
	from->kind->leave(from, ring->path);
	return 1;
}

/*
 * The first error; *moved: how many were handed over before it or behind it.
 * While there are none, all is as it was, and no other one is tried.
 */
static int hand_all_over(struct tw_recorder *recorder,
			 struct tw_destination *next,
			 struct tw_attach **attaches, size_t *moved,
			 struct tw_attach_error *error)
{
	struct tw_attach_error later;
	int code = 0;

	*moved = 0;
	for (size_t i = 0; i < recorder->count && (!code || *moved); i++) {
		struct tw_attach *attach = attaches[i];
		int got = 0;

		attaches[i] = NULL;
		if (attach)
			got = hand_over(recorder->destination, next,
					&recorder->rings[i], attach,
					code ? &later : error);
		if (got < 0 && !code)
			code = got;
		*moved += got > 0;
	}
	return code;
}

int tw_recorder_switch(struct tw_recorder *recorder, const char *to,
		       struct tw_attach_error *ended,
		       struct tw_attach_error *error)
{
	struct tw_destination *next, *left;
	struct tw_attach **attaches;
	size_t moved;
	int code;

	if (is_written(recorder, to))
		return -EALREADY;
	code = open_rings(recorder, false, &attaches, error);
	if (code)
		return code;
	code = open_destination(to, false, &next, error);
	if (code) {
		close_rings(attaches, recorder->count);
		return code;
	}
	wish_for(recorder, WISH_REST);
	code = hand_all_over(recorder, next, attaches, &moved, error);
	left = code && !moved ? next : recorder->destination;
	if (left != next) {
		keep_identity(recorder, to);
		recorder->destination = next;
		recorder->code = 0;
	}
	wish_for(recorder, WISH_RECORD);
	close_rings(attaches, recorder->count);
	end(left, ended);
	if (left == next)
		return code;
	if (code && !ended->text[0])
		*ended = *error;
	return 0;
}

/* ---- Life ---- */

static void destroy(struct tw_recorder *recorder)
{
	for (size_t i = 0; i < recorder->count; i++)
		free(recorder->rings[i].path);
	free(recorder->rings);
	pthread_cond_destroy(&recorder->wished);
	pthread_cond_destroy(&recorder->rested);
	pthread_mutex_destroy(&recorder->mutex);
	free(recorder);
}

/* Know it from now on, or know it as another one than before. */
static int keep_ring(struct tw_recorder *recorder,
		     const struct tw_recorder_ring *ring)
{
	struct ring *rings;
	char *path;

	for (size_t i = 0; i < recorder->count; i++)
		if (!strcmp(recorder->rings[i].path, ring->path)) {
			recorder->rings[i].id = *ring;
			recorder->rings[i].id.path = recorder->rings[i].path;
			return 0;
		}
	path = strdup(ring->path);
	rings = reallocarray(recorder->rings, recorder->count + 1,
			     sizeof(*rings));
	if (rings)
		recorder->rings = rings;
	if (!rings || !path) {
		free(path);
		return -ENOMEM;
	}
	rings[recorder->count] = (struct ring){path, *ring};
	rings[recorder->count++].id.path = path;
	return 0;
}

static struct tw_recorder *create(const struct tw_recorder_ring *rings,
				  size_t count)
{
	struct tw_recorder *recorder = calloc(1, sizeof(*recorder));
	pthread_condattr_t attributes;

	if (!recorder)
		return NULL;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&recorder->mutex, NULL);
	pthread_cond_init(&recorder->wished, &attributes);
	pthread_cond_init(&recorder->rested, NULL);
	pthread_condattr_destroy(&attributes);
	recorder->busy_ns = tw_monotonic_ns();
	for (size_t i = 0; i < count; i++)
		if (keep_ring(recorder, &rings[i])) {
			destroy(recorder);
			return NULL;
		}
	return recorder;
}

/* All of them, which are the destination's from then on. */
static int add_rings(struct tw_recorder *recorder, struct tw_attach **attaches,
		     struct tw_attach_error *error)
{
	struct tw_destination *destination = recorder->destination;
	int code = 0;

	for (size_t i = 0; !code && i < recorder->count; i++) {
		const struct tw_ring_start start = {
			.epoch = recorder->rings[i].id.epoch,
		};

		if (!attaches[i])
			continue;
		code = destination->kind->add(destination, attaches[i], &start,
					      error);
		attaches[i] = NULL;
	}
	return code;
}

/* A ring that it takes the place of is completed before. */
static int add_later(struct tw_recorder *recorder,
		     const struct tw_recorder_ring *ring,
		     struct tw_attach_error *error)
{
	const struct tw_ring_start start = {
		.has_history = true,
		.epoch = ring->epoch,
	};
	struct tw_destination *destination = recorder->destination;
	struct tw_attach *attach;
	int code = open_ring(ring, &attach, error);

	if (code)
		return code;
	destination->kind->flush(destination);
	code = destination->kind->add(destination, attach, &start, error);
	return code ? code : keep_ring(recorder, ring);
}

void tw_recorder_add(struct tw_recorder *recorder,
		     const struct tw_recorder_ring *ring)
{
	struct tw_attach_error error = {"out of memory"};
	int code;

	wish_for(recorder, WISH_REST);
	code = add_later(recorder, ring, &error);
	/* Gone again: nothing of it is left to record. */
	if (code && !has_ended(code))
		tw_destination_fail(recorder->destination, code, NULL,
				    error.text);
	wish_for(recorder, WISH_RECORD);
}

static int begin(struct tw_recorder *recorder, const char *to, bool append,
		 struct tw_attach_error *error)
{
	struct tw_attach_error ignored;
	struct tw_attach **attaches;
	int code = open_rings(recorder, true, &attaches, error);

	if (code)
		return code;
	code = open_destination(to, append, &recorder->destination, error);
	if (!code) {
		keep_identity(recorder, to);
		code = add_rings(recorder, attaches, error);
		if (!code)
			code = start(recorder, error);
		if (code)
			end(recorder->destination, &ignored);
	}
	close_rings(attaches, code ? recorder->count : 0);
	return code;
}

int tw_recorder_start(const struct tw_recorder_ring *rings, size_t count,
		      const char *to, bool append, struct tw_recorder **result,
		      struct tw_attach_error *error)
{
	struct tw_recorder *recorder = create(rings, count);
	int code;

	if (!recorder)
		return fail(error, -ENOMEM, "out of memory");
	code = begin(recorder, to, append, error);
	if (code)
		destroy(recorder);
	else
		*result = recorder;
	return code;
}

int tw_recorder_stop(struct tw_recorder *recorder,
		     struct tw_attach_error *error)
{
	int code;

	wish_for(recorder, WISH_END);
	pthread_join(recorder->thread, NULL);
	recorder->destination->kind->end(recorder->destination);
	code = recorder->destination->code;
	*error = recorder->destination->error;
	recorder->destination->kind->destroy(recorder->destination);
	destroy(recorder);
	return code;
}
