/* SPDX-License-Identifier: MIT */
/* See frame-maker.h. The checksum is computed bit by bit. */

#include "frame-maker.h"

#include <string.h>

static size_t put(uint8_t *to, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> 8 * i);
	return size;
}

static uint32_t checksum(const uint8_t *bytes, size_t size)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < size * 8; i++) {
		uint32_t bit = (crc ^ (uint32_t)bytes[i / 8] >> i % 8) & 1;

		crc = crc >> 1 ^ (bit ? 0xedb88320 : 0);
	}
	return crc ^ 0xffffffff;
}

size_t frame_maker_frame(uint8_t *to, uint8_t type, uint32_t sequence,
			 const void *payload, size_t size)
{
	size_t at = 0;

	/* First, since it may lie in the same room. */
	if (size)
		memmove(to + 8, payload, size);
	at += put(to + at, 0xf7, 1);
	at += put(to + at, size, 2);
	at += put(to + at, type, 1);
	at += put(to + at, sequence, 4);
	at += size;
	at += put(to + at, checksum(to + 1, at - 1), 4);
	return at;
}

size_t frame_maker_event(uint8_t *to, uint32_t sequence, uint64_t time,
			 uint16_t id, const void *fields, size_t size)
{
	uint8_t payload[FRAME_MAKER_MAX];
	size_t at = put(payload, time << 16 | id, 8);

	if (size)
		memcpy(payload + at, fields, size);
	return frame_maker_frame(to, 1, sequence, payload, at + size);
}

size_t frame_maker_start(uint8_t *to, uint32_t sequence,
			 const struct frame_maker_start *start)
{
	uint8_t payload[FRAME_MAKER_MAX];
	size_t at = 0;

	at += put(payload + at, start->version, 1);
	at += put(payload + at, start->flags, 1);
	at += put(payload + at, start->event_count, 2);
	at += put(payload + at, start->clock_hz, 8);
	at += put(payload + at, start->time, 8);
	at += put(payload + at, start->word_size, 1);
	memcpy(payload + at, start->name, strlen(start->name) + 1);
	at += strlen(start->name) + 1;
	return frame_maker_frame(to, 2, sequence, payload, at);
}

uint32_t frame_maker_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}
