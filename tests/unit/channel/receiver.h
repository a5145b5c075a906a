/* SPDX-License-Identifier: MIT */
/*
 * The reading end of a test's stream: feeds a decoder, writes down what it
 * finds, and checks with every call what must always hold: all bytes fed are
 * accounted for, and the work is bounded.
 */
#ifndef TRACKWAY_TESTS_RECEIVER_H
#define TRACKWAY_TESTS_RECEIVER_H

#include <trackway/channel.h>

struct received {
	struct tw_channel_event event;
	uint8_t fields[TW_FRAME_PAYLOAD_MAX]; /* a copy */
};

struct receiver {
	struct tw_frame_decoder *decoder;
	struct received *events;
	size_t event_count, event_room;
	size_t starts;
	char *text; /* all of it; NUL-terminated */
	size_t text_size, text_room;
	uint64_t fed;
	uint64_t framed; /* bytes of the frames that were found */
	bool is_idle;
	uint64_t searches; /* that receiver_idle() may have cost */
	/* Instead of events being written down. */
	void (*see)(void *context, const struct tw_channel_event *event);
	void *context;
};

void receiver_init(struct receiver *receiver);
void receiver_free(struct receiver *receiver);

/* Feed bytes, in pieces of at most piece bytes, each of them memory of its own
 * that ends where it ends. */
void receiver_feed(struct receiver *receiver, const void *bytes, size_t size,
		   size_t piece);
void receiver_end(struct receiver *receiver);
void receiver_idle(struct receiver *receiver);

/* Nothing is pending: all that was fed was a frame found, or skipped. */
void receiver_assert_all(const struct receiver *receiver);

struct tw_channel_counts receiver_counts(const struct receiver *receiver);

#endif
