/* SPDX-License-Identifier: MIT */
/*
 * A recording in the making: rings that are drained in turns by one thread,
 * each into its own subdirectory. Says its errors on stderr.
 */
#ifndef TRACKWAY_CLI_RECORDING_H
#define TRACKWAY_CLI_RECORDING_H

#include "../attach/attach.h"
#include "../trace/ctf.h"
#include "cli.h"

struct tw_recording;

/*
 * Begin in directory, which is made. patterns: as of tw_names_match(), good as
 * long as the recording. Returns enum tw_exit.
 */
int tw_recording_create(const char *directory, const struct tw_words *patterns,
			struct tw_recording **recording);

enum tw_recording_flags {
	TW_RECORD_HISTORY = 1, /* also what the ring holds already */
	TW_RECORD_SWITCH = 2,  /* switch events on, and back in the end */
	TW_RECORD_REMOVE = 4,  /* remove the ring's file when it is recorded */
};

/*
 * Record this ring too: it is the recording's from now on, at an error as well.
 * Returns enum tw_exit.
 */
int tw_recording_add(struct tw_recording *recording, struct tw_attach *attach,
		     unsigned int flags);

/*
 * The same for a ring in a guest's memory, which may go at any moment: what
 * was last known of it counts then. One that goes now is not added.
 */
int tw_recording_add_guest(struct tw_recording *recording,
			   struct tw_attach *attach, unsigned int flags,
			   const struct tw_ctf_guest *guest);

/* The subdirectory of the ring that was added last. */
const char *tw_recording_last_path(const struct tw_recording *recording);

/*
 * One turn for each ring; those whose producers have ended are completed.
 * *bytes: how much was written. Returns enum tw_exit; after a failure to write
 * the recording can only be ended.
 */
int tw_recording_drain(struct tw_recording *recording, uint64_t *bytes);

/* Rings whose producers have not ended. */
uint32_t tw_recording_live_count(const struct tw_recording *recording);

/* Those of them that were added with TW_RECORD_REMOVE. */
uint32_t tw_recording_command_count(const struct tw_recording *recording);

/* Rings in guests' memories that have ended or gone. */
uint32_t tw_recording_gone_count(const struct tw_recording *recording);

/* Whether this ring file is being recorded. */
bool tw_recording_has(const struct tw_recording *recording, const char *path);

/*
 * Sleep until there may be something to do, if that can be told: only with a
 * single live ring. False: it can't.
 */
bool tw_recording_wait(struct tw_recording *recording, int timeout_ms);

/*
 * Put events' states back, take the last events and complete all files.
 * Returns enum tw_exit: the recording's, not this call's alone.
 */
int tw_recording_end(struct tw_recording *recording);

struct tw_recording_totals {
	uint64_t events;
	uint64_t lost;
	uint64_t bytes;
	uint32_t producers;
};
void tw_recording_totals(const struct tw_recording *recording,
			 struct tw_recording_totals *totals);

/* What was recorded of one producer; index: 0 to totals.producers - 1. */
struct tw_recording_part {
	const char *path; /* of its subdirectory */
	uint64_t events;
	uint64_t lost;
};
void tw_recording_part(const struct tw_recording *recording, uint32_t index,
		       struct tw_recording_part *part);

void tw_recording_destroy(struct tw_recording *recording);

#endif
