/* SPDX-License-Identifier: MIT */
/*
 * Inside of src/attach: the ring that a channel's events are written into, in
 * memory of this process. One thread's, writer and reader both.
 */
#ifndef TRACKWAY_ATTACH_CHANNEL_RING_H
#define TRACKWAY_ATTACH_CHANNEL_RING_H

#include "../ring/ring-write.h"
#include "attach.h"

struct tw_channel_ring {
	void *memory;
	size_t size;
	struct tw_ring ring;
	struct tw_writer writer;
	uint64_t page_ns; /* when its page was opened, CLOCK_MONOTONIC */
	uint8_t **states; /* by id; NULL: no such event */
	/* The events by id, for guests whose long has 8 bytes and for those
	 * where it has 4. The ring's own are the former. */
	const struct tw_event_desc **wide;
	const struct tw_event_desc **narrow;
	uint8_t word_size; /* the guest's, as its events tell; 0: not yet */
	struct tw_schema **schemas;
	size_t schema_count;
	uint32_t event_count;
};

/*
 * Make it, for the events of these files in their order. on: events are on.
 * Errors as in attach.h; spec is what their text begins with.
 */
int tw_channel_ring_create(struct tw_channel_ring *ring, const char *spec,
			   const char *const *files, size_t count, bool on,
			   struct tw_attach_error *error);
void tw_channel_ring_destroy(struct tw_channel_ring *ring);

/* What ring-read.h wants; the ring must stay where it is. */
void tw_channel_ring_memory(struct tw_channel_ring *ring,
			    struct tw_memory *memory);

/*
 * Write an event. fields: as a frame has them, little endian, of a guest whose
 * words have word_size bytes, 4 or 8; 0: not known but by what fits. now:
 * CLOCK_MONOTONIC. 0, also if the event is off; -EAGAIN: there is no room, try
 * again when a page has been given back; -ENOENT: no such event; -EBADMSG: its
 * fields have another size; -ENOTUNIQ: they fit both words, with other values.
 */
int tw_channel_ring_put(struct tw_channel_ring *ring, uint64_t id,
			const uint8_t *fields, size_t size, uint8_t word_size,
			uint64_t now);

/* Count events that never came, or made no sense. */
void tw_channel_ring_discard(struct tw_channel_ring *ring, uint64_t count);

/* Close the page, for readers that wait for that, if it has been open for a
 * second, or in any case. */
void tw_channel_ring_settle(struct tw_channel_ring *ring, uint64_t now,
			    bool in_any_case);

#endif
