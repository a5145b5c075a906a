/* SPDX-License-Identifier: MIT */
/*
 * A thread that records a monitor's targets, and exists only while it does: its
 * own ("trackway", a small stack, no signals but those of its own faults).
 *
 * All functions are called by the monitor's one thread. The recorder opens each
 * target anew, so that the two have nothing in common but a mutex and two
 * conditions; who calls waits until the thread has come to rest, a few
 * milliseconds and as long as a write to the disk takes, and does what is to be
 * done in its place.
 *
 * A program that records itself may emit events anywhere, also while it waits
 * for a page of a ring that is full (mode "block"): the thread takes no lock
 * that a caller may hold then, and emits nothing itself. Only the lock of
 * malloc() is everybody's: events from within an allocator may have to wait for
 * as long as the ring's mode says.
 *
 * A child that was forked while one exists has no such thread. It must not call
 * anything here, nor free it: the thread may have been in the middle of it.
 */
#ifndef TRACKWAY_MONITOR_RECORDER_H
#define TRACKWAY_MONITOR_RECORDER_H

#include "../attach/attach.h"

struct tw_recorder;

struct tw_recorder_ring {
	const char *path; /* target.path; copied */
	/* In a guest's memory: which of the rings that came one after another
	 * it is, from 1. */
	uint32_t epoch;
	/* Which it is: another one may be at its place by now. */
	uint8_t uuid[16];
	uint32_t generation;
};

/*
 * Begin, with one ring or more. to: what ends in "/", or is a directory,
 * becomes a trace directory, anything else a file of QEMU's simpletrace format.
 * append: go on behind what is there; if not, a directory must be empty, and
 * what a file held is gone. Events are recorded that are on, from the moment of
 * this call, and none is switched.
 *
 * 0; or an error with one line, and nothing was begun. *recorder is freed by
 * tw_recorder_stop().
 */
int tw_recorder_start(const struct tw_recorder_ring *rings, size_t count,
		      const char *to, bool append,
		      struct tw_recorder **recorder,
		      struct tw_attach_error *error);

/*
 * Record this ring too, with all that it holds: one that has come in the place
 * of another. If it is gone again by now, it is left out; where it can't be
 * recorded for another reason, that is told when the recording ends.
 */
void tw_recorder_add(struct tw_recorder *recorder,
		     const struct tw_recorder_ring *ring);

/*
 * All that was written before this call is in the file when it returns. An
 * error is that of this or of an earlier write.
 */
int tw_recorder_flush(struct tw_recorder *recorder,
		      struct tw_attach_error *error);

/*
 * Go on in another file or directory: where the one ends, the other begins, and
 * each event is in one of them. -EALREADY: it is the one that is being written.
 * Any other error: it could not be made, and all goes on as it was. What went
 * wrong in the one that has ended is in *ended; its text is empty if nothing.
 */
int tw_recorder_switch(struct tw_recorder *recorder, const char *to,
		       struct tw_attach_error *ended,
		       struct tw_attach_error *error);

/*
 * What has gone wrong so far, without waiting: 0, or an error, after which
 * nothing more is recorded.
 */
int tw_recorder_check(struct tw_recorder *recorder,
		      struct tw_attach_error *error);

/*
 * End and free it: all that was written before this call is in the file. 0, or
 * the first error that there was.
 */
int tw_recorder_stop(struct tw_recorder *recorder,
		     struct tw_attach_error *error);

/* Whether "to" is a directory's name: what ends in "/", or is a directory. */
bool tw_recorder_is_directory(const char *to);

#endif
