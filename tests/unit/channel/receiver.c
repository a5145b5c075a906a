/* SPDX-License-Identifier: MIT */
/* See receiver.h. */

#include "receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

void receiver_init(struct receiver *receiver)
{
	*receiver = (struct receiver){.text = calloc(1, 1)};
	assert_non_null(receiver->text);
	assert_int_equal(
		tw_frame_decoder_create(&receiver->decoder, TW_FRAME_WANT_TEXT),
		0);
}

void receiver_free(struct receiver *receiver)
{
	tw_frame_decoder_destroy(receiver->decoder);
	free(receiver->events);
	free(receiver->text);
}

struct tw_channel_counts receiver_counts(const struct receiver *receiver)
{
	struct tw_channel_counts counts;

	tw_frame_decoder_counts(receiver->decoder, &counts, sizeof(counts));
	return counts;
}

static void keep_event(struct receiver *receiver,
		       const struct tw_channel_event *event)
{
	struct received *kept;

	assert_non_null(event);
	assert_non_null(event->fields);
	assert_true(event->fields_size <= TW_FRAME_PAYLOAD_MAX - 8);
	assert_int_equal(event->argument_count, 0);
	if (receiver->see) {
		receiver->see(receiver->context, event);
		return;
	}
	if (receiver->event_count == receiver->event_room) {
		receiver->event_room = receiver->event_room * 2 + 16;
		receiver->events = realloc(receiver->events,
					   receiver->event_room *
						   sizeof(*receiver->events));
		assert_non_null(receiver->events);
	}
	kept = &receiver->events[receiver->event_count++];
	kept->event = *event;
	memcpy(kept->fields, event->fields, event->fields_size);
	kept->event.fields = NULL;
}

static void keep_text(struct receiver *receiver)
{
	size_t size;
	const char *text = tw_frame_decoder_text(receiver->decoder, &size);

	assert_true(size > 0);
	if (receiver->text_room < receiver->text_size + size + 1) {
		receiver->text_room = (receiver->text_size + size + 1) * 2;
		receiver->text = realloc(receiver->text, receiver->text_room);
		assert_non_null(receiver->text);
	}
	memcpy(receiver->text + receiver->text_size, text, size);
	receiver->text_size += size;
	receiver->text[receiver->text_size] = 0;
}

static void take_all(struct receiver *receiver)
{
	const struct tw_channel_event *event;
	struct tw_channel_counts counts;
	int found;

	while ((found = tw_frame_decoder_next(receiver->decoder, &event))) {
		if (found == TW_FRAME_EVENT)
			keep_event(receiver, event);
		else if (found == TW_FRAME_START)
			receiver->starts++;
		else if (found == TW_FRAME_TEXT)
			keep_text(receiver);
		else
			fail_msg("found %d", found);
		assert_int_equal(found == TW_FRAME_EVENT, !!event);
		receiver->searches += receiver->is_idle;
	}
	counts = receiver_counts(receiver);
	assert_int_equal(counts.skipped_bytes, receiver->text_size);
	assert_true(counts.checked_bytes <=
		    TW_FRAME_WORK * (receiver->fed +
				     TW_FRAME_MAX * receiver->searches));
	assert_true(counts.skipped_bytes <= receiver->fed);
	assert_true(counts.bad_frames <= counts.skipped_bytes);
}

void receiver_feed(struct receiver *receiver, const void *bytes, size_t size,
		   size_t piece)
{
	const uint8_t *at = bytes;

	while (size) {
		size_t part = size < piece ? size : piece;
		uint8_t *copy = malloc(part);
		size_t taken;

		assert_non_null(copy);
		memcpy(copy, at, part);
		taken = tw_frame_decoder_feed(receiver->decoder, copy, part);
		free(copy);
		/* There is always room for a frame. */
		assert_true(taken == part ||
			    (taken > TW_FRAME_MAX && taken < part));
		receiver->fed += taken;
		take_all(receiver);
		at += taken;
		size -= taken;
	}
}

void receiver_end(struct receiver *receiver)
{
	tw_frame_decoder_end(receiver->decoder);
	take_all(receiver);
}

void receiver_idle(struct receiver *receiver)
{
	receiver->is_idle = true;
	receiver->searches++;
	tw_frame_decoder_idle(receiver->decoder);
	take_all(receiver);
	receiver->is_idle = false;
}

void receiver_assert_all(const struct receiver *receiver)
{
	struct tw_channel_counts counts = receiver_counts(receiver);
	uint64_t framed = 0;

	for (size_t i = 0; i < receiver->event_count; i++)
		framed += TW_FRAME_HEADER + 8 +
			  receiver->events[i].event.fields_size +
			  TW_FRAME_TRAILER;
	assert_int_equal(counts.events, receiver->event_count);
	assert_int_equal(framed + receiver->framed + counts.skipped_bytes,
			 receiver->fed);
}
