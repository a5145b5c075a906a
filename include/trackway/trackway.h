/* SPDX-License-Identifier: MIT */
/*
 * The runtime of a traced program, for the program itself. Nothing here need
 * be called: events register themselves and are switched from outside.
 *
 * An event's handle is its id in the ring, 0 to 65534, good until the process
 * ends or tw_runtime_stop() is called, its module's unloading included. All
 * functions may be called from any thread; only tw_event_state() and
 * tw_event_set_state() from a signal handler. Errors are negative errno values.
 */
#ifndef TRACKWAY_TRACKWAY_H
#define TRACKWAY_TRACKWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TW_API __attribute__((visibility("default")))

/* How tw_runtime_start() makes the ring; zero-filled members mean defaults. */
struct tw_runtime_options {
	size_t size;	    /* sizeof(struct tw_runtime_options) */
	const char *events; /* as TRACKWAY_EVENTS: "esp_*,-esp_irq" */
	const char *mode;   /* "overwrite" (default), "discard", "block" */
	uint64_t
		ring_size; /* bytes of pages; default 16 MiB, at least 64 KiB */
	const char *name;  /* the producer's; default the program's */
	const char *directory;
	/* As TRACKWAY_RING: memory to lay the ring in, instead of a file. A
	 * process can do that once in its life. */
	const char *ring;
};

/*
 * Start with these options instead of the environment's. Takes effect once,
 * before the first group has registered (TRACKWAY=manual holds that back) or
 * after tw_runtime_stop(). -EALREADY: a ring is there. -EINVAL: an option;
 * tw_runtime_error() says which. Otherwise the errno of what failed.
 */
TW_API int tw_runtime_start(const struct tw_runtime_options *options);

/*
 * Switch every event off, close the ring and remove its file. Readers that
 * have it open keep it. The ring's memory stays mapped, since other threads
 * may be in the middle of an event.
 */
TW_API void tw_runtime_stop(void);

/* Why there is no ring, in one line; NULL if there is one. Never freed. */
TW_API const char *tw_runtime_error(void);

/* The ring file's path; NULL without a ring. Never freed. */
TW_API const char *tw_runtime_path(void);

/* The event of this exact name, or -ENOENT. */
TW_API int tw_event_find(const char *name);

/*
 * The next event after id (-1: the first) whose name matches the glob ("*" and
 * "?"; NULL: every event), or -ENOENT after the last.
 */
TW_API int tw_event_next(int id, const char *glob);

/* The event's name, or NULL if there is no such event. Never freed. */
TW_API const char *tw_event_name(int id);

/* 1 on, 0 off, -ENOENT no such event, -ENODEV compiled out or unloaded. */
TW_API int tw_event_state(int id);
TW_API int tw_event_set_state(int id, bool on);

/*
 * Apply a list as of TRACKWAY_EVENTS: globs parted by commas or blanks, in
 * order, "-" before one switches off. Groups that register later get it too,
 * and so does a ring that is started later; tw_runtime_stop() forgets it.
 * Returns how many events' states it set; -ENOMEM, or -E2BIG, and sets none, if
 * the list and those before it, but for patterns that it repeats, pass 256 KiB.
 */
TW_API int tw_event_apply(const char *patterns);

/*
 * The same bytes that a reader finds: base of the ring in this process, and
 * its size through *size. NULL without a ring. Never freed.
 */
TW_API const void *tw_runtime_ring(size_t *size);

#ifdef __cplusplus
}
#endif

#endif
