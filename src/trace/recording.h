/* SPDX-License-Identifier: MIT */
/*
 * A recording in the making: rings that are drained in turns by one thread,
 * each into its own subdirectory of a trace directory (ctf.h). Who records
 * calls tw_recording_drain() again and again, and sleeps in between as he
 * likes.
 *
 * All calls for one recording are made by one thread. Functions that return int
 * return 0 or a negative errno; what people should be told about it, and what
 * goes wrong with one ring while the others are recorded on, is said by a
 * callback, and not returned.
 */
#ifndef TRACKWAY_TRACE_RECORDING_H
#define TRACKWAY_TRACE_RECORDING_H

#include "../attach/attach.h"
#include "ctf.h"

struct tw_recording;

enum tw_recording_line {
	TW_RECORDING_NOTICE, /* nothing went wrong in the recording itself */
	TW_RECORDING_ERROR,
};

/* All pointers are good as long as the recording, but for directory, which is
 * copied. */
struct tw_recording_options {
	const char *directory;
	/* The directory may hold producers already: theirs are left as they
	 * are, and others come beside them. If not, it must be empty. */
	bool append;
	/* Whether this event is to be switched on (TW_RECORD_SWITCH alone).
	 * NULL: all are. */
	bool (*wants)(void *context, const char *event);
	/* One line, without newline, of any bytes; target: what it is about,
	 * or NULL. NULL: nobody listens. */
	void (*say)(void *context, enum tw_recording_line kind,
		    const char *target, const char *line);
	void *context;
};

/* Begin: the directory is made, unless it is there. */
int tw_recording_create(const struct tw_recording_options *options,
			struct tw_recording **recording);

enum tw_recording_flags {
	TW_RECORD_HISTORY = 1, /* also what the ring holds already */
	TW_RECORD_SWITCH = 2,  /* switch events on, and back in the end */
	TW_RECORD_REMOVE = 4,  /* remove the ring's file when it is recorded */
};

/*
 * Record this ring too: it is the recording's from now on, at an error as
 * well. flags: enum tw_recording_flags; 0: what is on, from now on.
 */
int tw_recording_add(struct tw_recording *recording, struct tw_attach *attach,
		     unsigned int flags);

/*
 * The same for a ring in a guest's memory, which may go at any moment: what
 * was last known of it counts then. One that goes now is not added, which is
 * no error. guest NULL: it is in none.
 */
int tw_recording_add_guest(struct tw_recording *recording,
			   struct tw_attach *attach, unsigned int flags,
			   const struct tw_ctf_guest *guest);

/*
 * The same for a ring whose earlier events another recording has: on from where
 * that one's drain stands, see tw_recording_cut().
 */
int tw_recording_add_after(struct tw_recording *recording,
			   struct tw_attach *attach,
			   const struct tw_ctf_guest *guest,
			   const struct tw_drain *after);

/* The subdirectory of the ring that was added last; there must be one. */
const char *tw_recording_last_path(const struct tw_recording *recording);

/*
 * One turn for each ring, of some megabytes; those whose producers have ended
 * are completed. *bytes: how much was written. An error: nothing more can be
 * written, and the recording can only be ended; that of a ring which can't be
 * read any more is none, here.
 */
int tw_recording_drain(struct tw_recording *recording, uint64_t *bytes);

/*
 * All events that were written before this call into the files, those of pages
 * that are not full among them, and what a reader needs to know beside them: as
 * if the recording ended here. As tw_recording_drain().
 */
int tw_recording_flush(struct tw_recording *recording);

/*
 * For another recording to go on with this ring (target.path): takes all that
 * is there, and says where it stands then. NULL: it isn't recorded, or no more.
 * Good until the next call for this recording. tw_recording_leave() is to
 * follow once the other has begun; if it could not, nothing has changed, and
 * this one records on.
 */
const struct tw_drain *tw_recording_cut(struct tw_recording *recording,
					const char *path);

/* It is another's from where it was cut: what was recorded of it is complete
 * without another look at it. */
void tw_recording_leave(struct tw_recording *recording, const char *path);

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
 * single live ring. False, at once: it can't.
 */
bool tw_recording_wait(struct tw_recording *recording, int timeout_ms);

/*
 * Put events' states back, take the last events and complete all files: to be
 * called once. Returns the first error that there was in the whole recording,
 * not in this call alone; one ring that could not be read to its end is one.
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

/* What was recorded of one producer; index: 0 to totals.producers - 1. path is
 * good as long as the recording. */
struct tw_recording_part {
	const char *path; /* of its subdirectory */
	uint64_t events;
	uint64_t lost;
};
void tw_recording_part(const struct tw_recording *recording, uint32_t index,
		       struct tw_recording_part *part);

/* NULL is none. One that was not ended is left as after a kill. */
void tw_recording_destroy(struct tw_recording *recording);

#endif
