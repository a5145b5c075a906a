/* SPDX-License-Identifier: MIT */
/*
 * The channel by a stream of bytes: frames with a checksum and a sequence
 * number (docs/channel.md), so that they may share a line with a console's
 * text. A frame's size goes ahead of it, and there is no room to build it in:
 * so its strings are measured first.
 */
#include "target.h"

#include "channel.h"
#include "hooks.h"

#define FRAME_MARK 0xf7u
#define FRAME_HEADER 8u
#define FRAME_TRAILER 4u
#define FRAME_PAYLOAD_MAX 1008u
#define FRAME_EVENT 1u
#define FRAME_START 2u
#define FRAME_SWITCH 3u

#define START_VERSION 1u
#define START_HAS_CLOCK 1u
#define START_SIZE 21u	    /* without the name */
#define START_NAME_MAX 31u  /* without its NUL */
#define SWITCH_SIZE 3u	    /* an id and a state */
#define SWITCH_ALL 0xffffu  /* the id that is every event's */
#define POLL_BYTES_MAX 256u /* of one call */

#ifdef TW_GUEST_NO_CLOCK
#define STREAM_FLAGS 0
#define STREAM_TIME() ((uint64_t)0)
#else
#define STREAM_FLAGS START_HAS_CLOCK
#define STREAM_TIME() ((uint64_t)TW_GUEST_CLOCK())
#endif

/*
 * Frames to the host.
 */

struct frame {
	struct tw_transport_stream *stream;
	uint32_t crc;
	bool stuck;
};

/* CRC-32 (IEEE 802.3, reflected), by halves of a byte: a table of 256 words is
 * more than a small guest has to spare. */
static uint32_t frame_crc(uint32_t crc, uint8_t byte)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	crc ^= byte;
	crc = crc >> 4 ^ table[crc & 15];
	return crc >> 4 ^ table[crc & 15];
}

static void frame_put(struct frame *frame, uint8_t byte)
{
	frame->crc = frame_crc(frame->crc, byte);
	if (!frame->stuck && frame->stream->put(byte) < 0)
		frame->stuck = true;
}

static void frame_put_number(struct frame *frame, uint64_t value, uint32_t size)
{
	while (size--) {
		frame_put(frame, (uint8_t)value);
		value >>= 8;
	}
}

static void frame_begin(struct frame *frame, struct tw_transport *transport,
			uint32_t size, uint8_t type, uint32_t sequence)
{
	frame->stream = (void *)transport;
	frame->crc = ~(uint32_t)0; /* of which the mark is no part */
	frame->stuck = frame->stream->put(FRAME_MARK) < 0;
	frame_put_number(frame, size, 2);
	frame_put(frame, type);
	frame_put_number(frame, sequence, 4);
}

/* Whether all of it has gone. */
static bool frame_end(struct frame *frame)
{
	frame_put_number(frame, ~frame->crc, 4);
	return !frame->stuck;
}

static bool stream_start(struct tw_transport *transport,
			 const struct tw_channel_options *options)
{
	struct tw_transport_stream *stream = (void *)transport;
	const char *name = options->name ? options->name : "";
	struct frame frame;
	uint32_t length = 0;
	uint32_t i;

	stream->received = 0;
	while (length < START_NAME_MAX && name[length]) {
		length++;
		TW_KEEP_LOOP();
	}
	frame_begin(&frame, transport, START_SIZE + length + 1, FRAME_START, 0);
	frame_put(&frame, START_VERSION);
	frame_put(&frame, STREAM_FLAGS);
	frame_put_number(&frame, tw_channel_event_count(), 2);
	frame_put_number(&frame, options->clock_hz, 8);
	frame_put_number(&frame, STREAM_TIME(), 8);
	frame_put(&frame, sizeof(void *));
	for (i = 0; i < length; i++)
		frame_put(&frame, (uint8_t)name[i]);
	frame_put(&frame, 0);
	return frame_end(&frame);
}

/*
 * An event's fields, as its layout says.
 */

/* One field: what is at the layout's place. Returns the next one's. */
struct field {
	uint32_t size;	    /* of a value; 0: it is a string or bytes */
	bool is_string;	    /* else, bytes */
	uint32_t available; /* bytes, at most, as the layout says */
};

static uint64_t argument_of(const struct tw_channel_message *message,
			    uint32_t index)
{
	return index < message->count ? message->arguments[index] : 0;
}

/* A count that the event itself has; it is signed, as far as we know. */
static uint32_t count_of(uint64_t count)
{
	if (count >> 63)
		return 0;
	return count < FRAME_PAYLOAD_MAX ? (uint32_t)count : FRAME_PAYLOAD_MAX;
}

static const uint8_t *field_next(struct field *field, const uint8_t *at,
				 const struct tw_channel_message *message)
{
	const uint8_t code = *at++;

	field->size = 0;
	field->is_string = code == TW_CHANNEL_STRING;
	field->available = FRAME_PAYLOAD_MAX;
	if (code < TW_CHANNEL_STRING) {
		field->size = code;
	} else if (code == TW_CHANNEL_BYTES) {
		field->available = at[0] | (uint32_t)at[1] << 8;
		at += 2;
	} else if (!field->is_string) {
		field->available = count_of(argument_of(
			message, code - (uint32_t)TW_CHANNEL_BYTES_BY));
	}
	return at;
}

/* How many bytes of it to send: as many as it has, up to room. */
static uint32_t field_length(const struct field *field, uint64_t address,
			     uint32_t room)
{
	const char *text = (const char *)(uintptr_t)address;
	uint32_t length = 0;

	if (!text)
		return 0;
	if (room > field->available)
		room = field->available;
	if (!field->is_string)
		return room;
	while (length < room && text[length]) {
		length++;
		TW_KEEP_LOOP();
	}
	return length;
}

/* What the fields take if strings and bytes are all empty. */
static uint32_t fields_least(const uint8_t *at,
			     const struct tw_channel_message *message)
{
	struct field field;
	uint32_t size = 0;

	while (*at) {
		at = field_next(&field, at, message);
		size += field.size ? field.size : field.is_string ? 1 : 2;
	}
	return size;
}

/* The lengths of strings and bytes, cut so that the sum is at most room. The
 * sum. */
static uint32_t fields_measure(const uint8_t *at,
			       const struct tw_channel_message *message,
			       uint32_t room, uint16_t *lengths)
{
	struct field field;
	uint32_t sum = 0;
	uint32_t i;

	for (i = 0; *at && i < TW_CHANNEL_ARGUMENTS_MAX; i++) {
		at = field_next(&field, at, message);
		if (field.size)
			continue;
		lengths[i] = (uint16_t)field_length(
			&field, argument_of(message, i), room - sum);
		sum += lengths[i];
	}
	return sum;
}

/* A string may have become shorter since it was measured, but a NUL in it would
 * shift all fields behind it. */
static void frame_put_text(struct frame *frame, const struct field *field,
			   uint64_t address, uint16_t length)
{
	const uint8_t *bytes = (const uint8_t *)(uintptr_t)address;
	uint32_t i;

	if (!field->is_string)
		frame_put_number(frame, length, 2);
	for (i = 0; bytes && i < length; i++) {
		uint8_t byte = bytes[i];

		frame_put(frame, !byte && field->is_string ? '?' : byte);
	}
	if (field->is_string)
		frame_put(frame, 0);
}

static void frame_put_fields(struct frame *frame, const uint8_t *at,
			     const struct tw_channel_message *message,
			     const uint16_t *lengths)
{
	struct field field;
	uint32_t i;

	for (i = 0; *at && i < TW_CHANNEL_ARGUMENTS_MAX; i++) {
		const uint64_t argument = argument_of(message, i);

		at = field_next(&field, at, message);
		if (field.size)
			frame_put_number(frame, argument, field.size);
		else
			frame_put_text(frame, &field, argument, lengths[i]);
	}
}

static bool stream_send(struct tw_transport *transport,
			const struct tw_channel_message *message)
{
	const uint8_t *layout = tw_channel_layout(message->id);
	uint16_t lengths[TW_CHANNEL_ARGUMENTS_MAX];
	struct frame frame;
	uint32_t size;

	if (!layout)
		return false;
	size = 8 + fields_least(layout, message);
	size += fields_measure(layout, message, FRAME_PAYLOAD_MAX - size,
			       lengths);
	frame_begin(&frame, transport, size, FRAME_EVENT, message->sequence);
	frame_put_number(&frame, STREAM_TIME() << 16 | message->id, 8);
	frame_put_fields(&frame, layout, message, lengths);
	return frame_end(&frame);
}

/*
 * Frames from the host: what has come is kept from its first mark on. What
 * turns out to be no frame is given up by that mark alone, since the real one
 * may begin in the middle of it.
 */

static bool switch_is_whole(const uint8_t *bytes, uint32_t size)
{
	uint32_t crc = ~(uint32_t)0;
	uint32_t at;

	for (at = 1; at < size - FRAME_TRAILER; at++)
		crc = frame_crc(crc, bytes[at]);
	crc = ~crc;
	for (; at < size; at++) {
		if (bytes[at] != (uint8_t)crc)
			return false;
		crc >>= 8;
	}
	return true;
}

static void switch_apply(const uint8_t *at, uint32_t size)
{
	for (; size >= SWITCH_SIZE; size -= SWITCH_SIZE, at += SWITCH_SIZE) {
		const uint32_t id = at[0] | (uint32_t)at[1] << 8;

		if (id == SWITCH_ALL)
			tw_channel_switch_all(at[2] != 0);
		else
			tw_channel_switch(id, at[2] != 0);
	}
}

/* How many bytes are done with; 0: more have to come. */
static uint32_t stream_parse(const uint8_t *bytes, uint32_t count)
{
	uint32_t size, payload;

	if (bytes[0] != FRAME_MARK)
		return 1;
	if (count < 4)
		return 0;
	payload = bytes[1] | (uint32_t)bytes[2] << 8;
	/* A terminal may echo what we have sent ourselves, which is none. */
	if (payload > TW_STREAM_SWITCHES || bytes[3] != FRAME_SWITCH)
		return 1;
	size = FRAME_HEADER + payload + FRAME_TRAILER;
	if (count < size)
		return 0;
	if (!switch_is_whole(bytes, size))
		return 1;
	switch_apply(bytes + FRAME_HEADER, payload);
	return size;
}

static void stream_receive(struct tw_transport_stream *stream, uint8_t byte)
{
	uint32_t done, i;

	stream->room[stream->received++] = byte;
	while (stream->received) {
		done = stream_parse(stream->room, stream->received);
		if (!done)
			return;
		stream->received -= done;
		for (i = 0; i < stream->received; i++) {
			stream->room[i] = stream->room[i + done];
			TW_KEEP_LOOP();
		}
	}
}

static void stream_poll(struct tw_transport *transport)
{
	struct tw_transport_stream *stream = (void *)transport;
	uint32_t i;
	int byte;

	for (i = 0; stream->get && i < POLL_BYTES_MAX; i++) {
		byte = stream->get();
		if (byte < 0)
			return;
		stream_receive(stream, (uint8_t)byte);
	}
}

const struct tw_transport_kind tw_transport_stream_kind = {
	stream_start,
	stream_send,
	stream_poll,
};
