/* SPDX-License-Identifier: MIT */
/*
 * The targets of a recording: running programs, guests' rings and channels.
 * All are opened before the first is recorded. What is wrong is said on stderr;
 * functions that return int return enum tw_exit.
 */
#ifndef TRACKWAY_CLI_RECORD_TARGETS_H
#define TRACKWAY_CLI_RECORD_TARGETS_H

#include "../attach/attach.h"
#include "../trace/recording.h"
#include "channels.h"
#include "guests.h"
#include "record.h"

struct tw_record_opened;

/* Zero-filled is none. */
struct tw_record_targets {
	struct tw_record_opened *opened; /* that are not recorded yet */
	size_t opened_count;
	struct tw_guests *guests;     /* NULL: no target is a guest's memory */
	uint32_t gone_count;	      /* of guests' rings */
	struct tw_channels *channels; /* NULL: no target is one */
};

/* Open all of them, or none can be recorded. is_stopped: asked during a long
 * search whether to give it up. */
int tw_record_targets_open(struct tw_record_targets *targets,
			   const struct tw_record_request *request,
			   bool (*is_stopped)(void));

/* Record what is open. */
int tw_record_targets_add(struct tw_record_targets *targets,
			  const struct tw_record_request *request,
			  struct tw_recording *recording);

/* Let go of what was opened and not added, after an error. */
void tw_record_targets_close(struct tw_record_targets *targets);

/* Record the rings that have come in guests' memories. */
int tw_record_targets_look(struct tw_record_targets *targets,
			   struct tw_recording *recording);

void tw_record_targets_destroy(struct tw_record_targets *targets);

/* Of what tw_recording_...() returns; what went wrong has been said. */
static inline int tw_record_exit(int error)
{
	return error ? TW_EXIT_FAILED : TW_EXIT_OK;
}

#endif
