/* SPDX-License-Identifier: MIT */
/*
 * The rings in guests' memories: those that are there, those that come, and
 * which of them stands for one that went, as after a reset. What cannot be used
 * is said on stderr, once.
 */
#ifndef TRACKWAY_CLI_GUESTS_H
#define TRACKWAY_CLI_GUESTS_H

#include "../attach/attach.h"
#include "cli.h"

struct tw_guests;

/* A ring that was not there before. */
struct tw_guest_ring {
	struct tw_attach *attach; /* the callback's from then on */
	const char *target;	  /* as on the command line */
	uint64_t place;		  /* in its memory, bytes */
	/* Which of the rings that came one after another under this name, from
	 * 1: the guest's own count of its boots, as far as that grows. */
	uint32_t epoch;
	bool is_reset; /* it has taken the place of one that was shown before */
	bool is_late;  /* it was not there at the first look */
};
typedef int (*tw_guest_fn)(void *context, const struct tw_guest_ring *ring);

/* Whether a target names a guest's memory: "vm:", "ram:" or "image:". */
bool tw_is_guest(const char *target);

/*
 * What --schema says counts for guests' rings alone: an error if there are none
 * (guests is NULL) and it says something. Returns enum tw_exit.
 */
int tw_guests_check_schema(const struct tw_guests *guests, const char *schema);

/*
 * schema: a trace-events file for rings that have none of their own, or NULL.
 * is_stopped: asked during a long search whether to give it up. NULL: an error,
 * which has been said.
 */
struct tw_guests *tw_guests_create(const char *schema,
				   bool (*is_stopped)(void));
void tw_guests_destroy(struct tw_guests *guests);

/* Rings of targets added from now on are to be written to, but an image's. */
void tw_guests_set_writable(struct tw_guests *guests);

/* Watch this target's memory too. Returns enum tw_exit. */
int tw_guests_add(struct tw_guests *guests, const char *target);

/*
 * Give every new ring to fn, if it is time for a look: the first time it is.
 * Returns enum tw_exit: of fn, if that is not 0; a failure to look is one at
 * the first look only, as is a ring that can't be used for want of a schema
 * where there is none that can.
 */
int tw_guests_look(struct tw_guests *guests, tw_guest_fn fn, void *context);

/* A ring went: what comes in its place is looked for at once. */
void tw_guests_hurry(struct tw_guests *guests);

/* Whether more rings may come: some guest lives. */
bool tw_guests_may_come(struct tw_guests *guests);

/* Rings given out so far. */
uint32_t tw_guests_count(const struct tw_guests *guests);

/* A target in which no ring has been found so far, or NULL. */
const char *tw_guests_without(const struct tw_guests *guests);

/* Say for each such target that it has none. Returns enum tw_exit. */
int tw_guests_expect_rings(const struct tw_guests *guests);

#endif
