/* SPDX-License-Identifier: MIT */
/*
 * From a stream to frames. At a mark that a plausible header follows, the
 * decoder waits until the whole frame is there, and sums it; a frame that
 * proves to be none costs only its mark, and what follows is looked at again,
 * since the next frame may begin within it. The limits of sizes by type keep
 * marks that are worth summing at least four bytes apart, or five for two of
 * them, which bounds the work (TW_FRAME_WORK) whatever a guest sends.
 */

#include "channel.h"

#include <errno.h>
#include <stdlib.h>

#define BUFFER_SIZE 4096u
#define TIME_BITS 48
#define EVENT_WORD 8u
#define START_FIXED 21u /* what comes before the name */
#define START_MAX 255u	/* room for what a later version may append */
#define START_VERSION 1
#define SWITCHES_SIZE ((size_t)TW_FRAME_SWITCH_SIZE * TW_FRAME_SWITCHES_MAX)

struct tw_frame_decoder {
	struct tw_channel_counts counts;
	struct tw_channel_event event;
	struct tw_channel_start start;
	const char *text;
	size_t text_size;
	uint64_t time; /* the last that is known, all 64 bits of it */
	uint32_t next_sequence;
	bool has_sequence;
	bool has_start;
	bool want_text;
	bool ended;
	bool idle;
	size_t begin, end; /* in buffer: what is still to be looked at */
	size_t whole;	   /* in buffer: what is unfinished before it is none */
	uint8_t buffer[BUFFER_SIZE];
};

int tw_frame_decoder_create(struct tw_frame_decoder **decoder, uint32_t flags)
{
	struct tw_frame_decoder *made;

	if (flags & ~(uint32_t)TW_FRAME_WANT_TEXT)
		return -EINVAL;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->want_text = flags & TW_FRAME_WANT_TEXT;
	*decoder = made;
	return 0;
}

void tw_frame_decoder_destroy(struct tw_frame_decoder *decoder)
{
	free(decoder);
}

size_t tw_frame_decoder_feed(struct tw_frame_decoder *decoder,
			     const void *bytes, size_t size)
{
	size_t kept = decoder->end - decoder->begin;

	if (size > BUFFER_SIZE - decoder->end) {
		memmove(decoder->buffer, decoder->buffer + decoder->begin,
			kept);
		decoder->begin = 0;
		decoder->end = kept;
	}
	if (size > BUFFER_SIZE - decoder->end)
		size = BUFFER_SIZE - decoder->end;
	if (size)
		memcpy(decoder->buffer + decoder->end, bytes, size);
	decoder->end += size;
	decoder->ended = false;
	decoder->idle = false;
	decoder->whole = 0;
	return size;
}

void tw_frame_decoder_end(struct tw_frame_decoder *decoder)
{
	decoder->ended = true;
}

void tw_frame_decoder_idle(struct tw_frame_decoder *decoder)
{
	decoder->idle = true;
}

/* ---- What a frame says ---- */

/* Count what is missing before the frame of this number, from the guest. */
static void follow_sequence(struct tw_frame_decoder *decoder, uint32_t sequence)
{
	uint32_t gap = sequence - decoder->next_sequence;

	if (!decoder->has_sequence) {
		gap = 0;
	} else if (gap >> 31) {
		/* Back: it has started anew, and its start, which is no event,
		 * was lost. */
		decoder->counts.resets++;
		gap = sequence ? sequence - 1 : 0;
	}
	decoder->counts.lost += gap;
	decoder->has_sequence = true;
	decoder->next_sequence = sequence + 1;
}

/* The time nearest to the last one whose low bits these are. */
static uint64_t widen(uint64_t last, uint64_t low)
{
	const int shift = 64 - TIME_BITS;

	return last + (uint64_t)((int64_t)((low - last) << shift) >> shift);
}

static int read_event(struct tw_frame_decoder *decoder, uint32_t sequence,
		      const uint8_t *payload, size_t size)
{
	struct tw_channel_event *event = &decoder->event;
	const uint64_t word = tw_channel_load64(payload);

	follow_sequence(decoder, sequence);
	decoder->time = widen(decoder->time, word >> 16);
	*event = (struct tw_channel_event){
		.id = word & 0xffff,
		.time = decoder->time,
		.has_time = decoder->has_start && decoder->start.has_clock,
		.word_size = decoder->has_start ? decoder->start.word_size : 0,
		.sequence = sequence,
		.fields = payload + EVENT_WORD,
		.fields_size = size - EVENT_WORD,
	};
	decoder->counts.events++;
	return TW_FRAME_EVENT;
}

/* False: it is of a version that this library doesn't know, or no start. */
static bool parse_start(struct tw_channel_start *start, const uint8_t *payload,
			size_t size)
{
	const uint8_t *name = payload + START_FIXED;
	const uint8_t *nul = memchr(name, 0, size - START_FIXED);

	*start = (struct tw_channel_start){
		.version = payload[0],
		.has_clock = payload[1] & 1,
		.word_size = payload[20],
		.event_count = (uint16_t)(payload[2] | payload[3] << 8),
		.clock_hz = tw_channel_load64(payload + 4),
		.time = tw_channel_load64(payload + 12),
	};
	if (start->version != START_VERSION || !nul ||
	    (size_t)(nul - name) >= sizeof(start->name) ||
	    (start->word_size != 4 && start->word_size != 8))
		return false;
	memcpy(start->name, name, (size_t)(nul - name));
	return true;
}

static int read_start(struct tw_frame_decoder *decoder, uint32_t sequence,
		      const uint8_t *payload, size_t size)
{
	if (decoder->has_sequence)
		decoder->counts.resets++;
	decoder->has_sequence = true;
	decoder->next_sequence = sequence + 1;
	decoder->has_start = parse_start(&decoder->start, payload, size);
	if (!decoder->has_start) {
		decoder->counts.malformed++;
		return TW_FRAME_NOTHING;
	}
	decoder->time = decoder->start.time;
	return TW_FRAME_START;
}

/* A whole frame: what next() is to return, or NOTHING to go on. */
static int read_frame(struct tw_frame_decoder *decoder, const uint8_t *frame,
		      size_t payload)
{
	const uint32_t sequence = tw_channel_load32(frame + 4);

	switch (frame[3]) {
	case TW_FRAME_TYPE_EVENT:
		return read_event(decoder, sequence, frame + TW_FRAME_HEADER,
				  payload);
	case TW_FRAME_TYPE_START:
		return read_start(decoder, sequence, frame + TW_FRAME_HEADER,
				  payload);
	case TW_FRAME_TYPE_SWITCH:
		/* An echo of what the host sent: that has its own numbers. */
		break;
	default:
		follow_sequence(decoder, sequence);
		break;
	}
	decoder->counts.other_frames++;
	return TW_FRAME_NOTHING;
}

/* ---- Where frames are ---- */

static bool is_plausible(uint8_t type, size_t payload)
{
	switch (type) {
	case 0:
		return false;
	case TW_FRAME_TYPE_EVENT:
		return payload >= EVENT_WORD && payload <= TW_FRAME_PAYLOAD_MAX;
	case TW_FRAME_TYPE_START:
		return payload > START_FIXED && payload <= START_MAX;
	case TW_FRAME_TYPE_SWITCH:
		return payload && payload % TW_FRAME_SWITCH_SIZE == 0 &&
		       payload <= SWITCHES_SIZE;
	default:
		return type <= TW_FRAME_TYPE_MAX &&
		       payload <= TW_FRAME_PAYLOAD_MAX;
	}
}

enum look {
	LOOK_FRAME,
	LOOK_NONE,
	LOOK_BAD, /* none either, but it might have been */
	LOOK_WAIT,
};

/* What begins with the mark at frame, of which size bytes are there. */
static enum look look_at(struct tw_frame_decoder *decoder, const uint8_t *frame,
			 size_t size, size_t *payload)
{
	size_t summed;

	if (size < 4)
		return LOOK_WAIT;
	*payload = (size_t)frame[1] | (size_t)frame[2] << 8;
	if (!is_plausible(frame[3], *payload))
		return LOOK_NONE;
	summed = TW_FRAME_HEADER - 1 + *payload;
	if (size < 1 + summed + TW_FRAME_TRAILER)
		return LOOK_WAIT;
	decoder->counts.checked_bytes += summed;
	return tw_frame_crc(0, frame + 1, summed) ==
			       tw_channel_load32(frame + 1 + summed)
		       ? LOOK_FRAME
		       : LOOK_BAD;
}

/* Pass over size bytes that are no frame: NOTHING where nobody wants them. */
static int skip(struct tw_frame_decoder *decoder, size_t size)
{
	decoder->text = (const char *)decoder->buffer + decoder->begin;
	decoder->text_size = size;
	decoder->begin += size;
	decoder->counts.skipped_bytes += size;
	return decoder->want_text ? TW_FRAME_TEXT : TW_FRAME_NOTHING;
}

/* How many of size bytes, from the second on, come before a mark. */
static size_t text_size(const uint8_t *at, size_t size)
{
	const uint8_t *mark = memchr(at + 1, TW_FRAME_MARK, size - 1);

	return mark ? (size_t)(mark - at) : size;
}

/* Where in the buffer the next whole frame is; 0: there is none. */
static size_t find_whole(struct tw_frame_decoder *decoder)
{
	size_t at = decoder->begin;
	size_t payload;

	for (;;) {
		at += text_size(decoder->buffer + at, decoder->end - at);
		if (at == decoder->end)
			return 0;
		if (look_at(decoder, decoder->buffer + at, decoder->end - at,
			    &payload) == LOOK_FRAME)
			return at;
	}
}

/* Whether what is unfinished will stay so. */
static bool is_over(struct tw_frame_decoder *decoder)
{
	if (decoder->ended)
		return true;
	if (decoder->idle && decoder->whole <= decoder->begin)
		decoder->whole = find_whole(decoder);
	return decoder->begin < decoder->whole;
}

int tw_frame_decoder_next(struct tw_frame_decoder *decoder,
			  const struct tw_channel_event **event)
{
	int found = TW_FRAME_NOTHING;

	*event = NULL;
	decoder->text_size = 0;
	while (found == TW_FRAME_NOTHING && decoder->begin < decoder->end) {
		const uint8_t *at = decoder->buffer + decoder->begin;
		const size_t size = decoder->end - decoder->begin;
		enum look look = LOOK_NONE;
		size_t payload = 0;

		if (*at == TW_FRAME_MARK)
			look = look_at(decoder, at, size, &payload);
		if (look == LOOK_WAIT && is_over(decoder))
			look = size < 4 ? LOOK_NONE : LOOK_BAD;
		if (look == LOOK_WAIT) {
			decoder->idle = false;
			break;
		}
		if (look == LOOK_BAD)
			decoder->counts.bad_frames++;
		if (look != LOOK_FRAME) {
			found = skip(decoder, text_size(at, size));
			continue;
		}
		decoder->begin += TW_FRAME_HEADER + payload + TW_FRAME_TRAILER;
		found = read_frame(decoder, at, payload);
	}
	if (found == TW_FRAME_EVENT)
		*event = &decoder->event;
	return found;
}

const struct tw_channel_start *tw_frame_decoder_start(
	const struct tw_frame_decoder *decoder)
{
	return decoder->has_start ? &decoder->start : NULL;
}

const char *tw_frame_decoder_text(const struct tw_frame_decoder *decoder,
				  size_t *size)
{
	*size = decoder->text_size;
	return decoder->text;
}

void tw_frame_decoder_counts(const struct tw_frame_decoder *decoder,
			     struct tw_channel_counts *counts, size_t size)
{
	tw_channel_copy_counts(&decoder->counts, counts, size);
}
