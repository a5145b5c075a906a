/* SPDX-License-Identifier: MIT */
/*
 * The guest's events, from what it writes to the fw_cfg device or, in frames,
 * to the console: they become the VMM's own, whatever its backends.
 */
#ifndef VMM_GUEST_EVENTS_H
#define VMM_GUEST_EVENTS_H

#include "memory.h"

#include <stdint.h>
#include <stdio.h>

struct tw_fw_cfg_channel;
struct tw_frame_decoder;

struct guest_events {
	struct tw_fw_cfg_channel *channel;
	struct tw_frame_decoder *decoder;
	uint64_t refused_frames; /* whole, of events that we don't know */
};

/* memory: where the guest's strings are. 0, or a negative errno. */
int guest_events_open(struct guest_events *events, const struct memory *memory);
void guest_events_close(struct guest_events *events);

/* A byte of the console; what is no frame is printed. */
void guest_events_console(struct guest_events *events, uint8_t byte);

/* The machine is reset. */
void guest_events_reset(struct guest_events *events);

/* Nothing more will come; say on out what came, and what made no sense. */
void guest_events_end(struct guest_events *events, FILE *out);

#endif
