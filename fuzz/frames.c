/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a guest's stream of frames, the first byte of which says in what
 * pieces they come: what is found may not depend on it, nothing may be left
 * over, and the work is bounded.
 */
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <trackway/channel.h>

bool fuzz_accepted;

struct result {
	struct tw_channel_counts counts;
	uint64_t text;
	uint32_t crc; /* of all that was found, in its order */
};

static void add(struct result *result, const void *bytes, size_t size)
{
	result->crc = tw_frame_crc(result->crc, bytes, size);
}

/* Every kind of field, one after the other, until one isn't there. */
static void walk_fields(struct result *result,
			const struct tw_channel_event *event)
{
	static const size_t sizes[] = {1, 2, 4, 8};
	struct tw_channel_walk walk = {event->fields, event->fields_size,
				       false};

	for (unsigned int i = 0; !walk.failed && walk.left; i++) {
		size_t before = walk.left;
		const uint8_t *bytes;
		const char *text;
		uint64_t number;
		size_t count;

		switch (i % 3) {
		case 0:
			text = tw_channel_string(&walk);
			add(result, text, strlen(text));
			break;
		case 1:
			bytes = tw_channel_bytes(&walk, &count);
			add(result, bytes, count);
			break;
		default:
			number = tw_channel_signed(&walk, sizes[i / 3 % 4]);
			add(result, &number, sizeof(number));
			break;
		}
		FUZZ_CHECK(walk.failed || walk.left < before);
	}
}

static void take(struct result *result, struct tw_frame_decoder *decoder)
{
	const struct tw_channel_event *event;
	const char *text;
	size_t size;
	int found;

	while ((found = tw_frame_decoder_next(decoder, &event))) {
		if (found == TW_FRAME_TEXT) {
			text = tw_frame_decoder_text(decoder, &size);
			FUZZ_CHECK(size > 0);
			result->text += size;
			add(result, text, size);
		} else if (found == TW_FRAME_START) {
			const struct tw_channel_start *start =
				tw_frame_decoder_start(decoder);

			add(result, start->name, strlen(start->name));
			add(result, &start->time, sizeof(start->time));
		} else {
			FUZZ_CHECK(found == TW_FRAME_EVENT);
			add(result, &event->id, sizeof(event->id));
			add(result, &event->time, sizeof(event->time));
			add(result, event->fields, event->fields_size);
			walk_fields(result, event);
		}
	}
}

/* What is_idle finds may depend on where the pieces end. */
static struct result decode(const uint8_t *data, size_t size, size_t piece,
			    bool is_idle)
{
	struct tw_frame_decoder *decoder;
	struct result result = {0};
	const size_t fed = size;

	if (tw_frame_decoder_create(&decoder, TW_FRAME_WANT_TEXT))
		return result;
	while (size) {
		size_t part = size < piece ? size : piece;
		size_t taken = tw_frame_decoder_feed(decoder, data, part);

		FUZZ_CHECK(taken > 0 && taken <= part);
		take(&result, decoder);
		if (is_idle) {
			tw_frame_decoder_idle(decoder);
			take(&result, decoder);
		}
		data += taken;
		size -= taken;
	}
	tw_frame_decoder_end(decoder);
	take(&result, decoder);
	tw_frame_decoder_counts(decoder, &result.counts, sizeof(result.counts));
	tw_frame_decoder_destroy(decoder);
	FUZZ_CHECK(result.counts.skipped_bytes == result.text);
	FUZZ_CHECK(is_idle ||
		   result.counts.checked_bytes <= TW_FRAME_WORK * fed);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result whole, pieces;

	if (size < 1)
		return 0;
	whole = decode(data + 1, size - 1, SIZE_MAX, false);
	pieces = decode(data + 1, size - 1, 1 + data[0], false);
	decode(data + 1, size - 1, 1 + data[0], true);
	FUZZ_CHECK(memcmp(&whole.counts, &pieces.counts,
			  sizeof(whole.counts)) == 0);
	/* Pieces of text may be cut differently, yet add up to the same. */
	FUZZ_CHECK(whole.crc == pieces.crc);
	fuzz_accepted = whole.counts.events && !whole.counts.skipped_bytes &&
			!whole.counts.malformed && !whole.counts.lost;
	return 0;
}
