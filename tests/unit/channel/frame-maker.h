/* SPDX-License-Identifier: MIT */
/*
 * Frames as a guest sends them, put together by their description alone, with
 * nothing of the library's: it is what the library is tested with.
 */
#ifndef TRACKWAY_TESTS_FRAME_MAKER_H
#define TRACKWAY_TESTS_FRAME_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAKER_MAX 1020

struct frame_maker_start {
	uint8_t version;
	uint8_t flags;
	uint16_t event_count;
	uint64_t clock_hz;
	uint64_t time;
	uint8_t word_size;
	const char *name;
};

/* All return how many bytes they have put at to. payload may be 65535 bytes, if
 * there is room. */
size_t frame_maker_frame(uint8_t *to, uint8_t type, uint32_t sequence,
			 const void *payload, size_t size);
size_t frame_maker_event(uint8_t *to, uint32_t sequence, uint64_t time,
			 uint16_t id, const void *fields, size_t size);
size_t frame_maker_start(uint8_t *to, uint32_t sequence,
			 const struct frame_maker_start *start);

/* The next number of a sequence that is the same in every run. */
uint32_t frame_maker_random(uint64_t *state);

#endif
