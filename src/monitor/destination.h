/* SPDX-License-Identifier: MIT */
/*
 * What a recorder writes to: a trace directory (destination-ctf.c) or a file of
 * QEMU's simpletrace format (destination-simpletrace.c). Each reads the rings
 * in its own way, but all by drains, so that one goes on where another ends.
 *
 * One thread's at a time. Functions that return int return 0 or a negative
 * errno. An error is of what is written to, and lasting; its line is in error.
 */
#ifndef TRACKWAY_MONITOR_DESTINATION_H
#define TRACKWAY_MONITOR_DESTINATION_H

#include "../attach/attach.h"
#include "../trace/drain.h"

struct tw_destination;

/* Where to begin with a ring: */
struct tw_ring_start {
	/* on from where another destination's drain stands, if not NULL; */
	const struct tw_drain *after;
	uint64_t after_ns; /* CLOCK_MONOTONIC, before that one's last pass */
	bool has_history;  /* else, with all that it holds; or from now on */
	/* In a guest's memory: which of the rings that came one after another
	 * it is, from 1. */
	uint32_t epoch;
};

struct tw_destination_kind {
	/*
	 * Record this ring too. attach is the destination's from now on, at an
	 * error as well, which is not lasting.
	 */
	int (*add)(struct tw_destination *destination, struct tw_attach *attach,
		   const struct tw_ring_start *start,
		   struct tw_attach_error *error);
	/* Take what has come; *bytes: about how much. */
	int (*turn)(struct tw_destination *destination, uint64_t *bytes);
	/* All that was written before this call is in the file. */
	int (*flush)(struct tw_destination *destination);
	/*
	 * For another to go on with this ring (target.path): take what is
	 * there, and say where it stands, until the next call. NULL: there is
	 * no more to come of it.
	 */
	const struct tw_drain *(*cut)(struct tw_destination *destination,
				      const char *path);
	/* It is another's from there. If this is not called, it stays ours. */
	void (*leave)(struct tw_destination *destination, const char *path);
	/* Whether more may come of any ring. */
	bool (*is_live)(const struct tw_destination *destination);
	/* Sleep until there is something to take, or for timeout_ms. False, at
	 * once: nobody can tell. */
	bool (*wait)(struct tw_destination *destination, int timeout_ms);
	/* The rest of all rings; then what was written is complete. */
	void (*end)(struct tw_destination *destination);
	void (*destroy)(struct tw_destination *destination);
};

/* Begins each kind's own struct. */
struct tw_destination {
	const struct tw_destination_kind *kind;
	/* The first thing that went wrong, or 0; perhaps with one ring alone.
	 */
	int code;
	struct tw_attach_error error;
};

/* Keep what went wrong, if it is the first. Returns code. */
int tw_destination_fail(struct tw_destination *destination, int code,
			const char *target, const char *line);

int tw_destination_open_ctf(const char *to, bool append,
			    struct tw_destination **destination,
			    struct tw_attach_error *error);
int tw_destination_open_simpletrace(const char *to, bool append,
				    struct tw_destination **destination,
				    struct tw_attach_error *error);

#endif
