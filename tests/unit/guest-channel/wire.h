/* SPDX-License-Identifier: MIT */
/*
 * The other end of the channel: what the guest has written, byte by byte, and
 * what it is to read; a machine whose CPU, clock and interrupts are the test's.
 */
#ifndef TRACKWAY_TESTS_GUEST_CHANNEL_WIRE_H
#define TRACKWAY_TESTS_GUEST_CHANNEL_WIRE_H

#include "trace-more.h"
#include "trace-wire.h"

#include <stddef.h>

#define WIRE_MAX 8192

/* In wire.written: a select of the key, else a byte. */
#define WIRE_SELECT(key) (0x10000u | (key))

struct wire {
	uint32_t cpu;
	uint64_t clock;
	bool masked;		 /* interrupts are off */
	void (*interrupt)(void); /* called at each byte, when they are on */
	uint32_t written[WIRE_MAX];
	size_t count;
	size_t accepts; /* bytes that put takes before it is stuck */
	size_t refused; /* calls of put after that */
	const uint8_t *answer;
	size_t answer_size; /* what can still be read */
};
extern struct wire wire;

/* All as it is when a test begins: no answer, nothing stuck. */
void wire_reset(void);

/* Start the channel with the groups wire and more, or end the test; forget what
 * was written. */
void wire_start(struct tw_transport *transport, uint32_t flags);

/* Functions of transports. */
void wire_select(uint16_t key);
void wire_write(uint8_t byte);
uint8_t wire_read(void);
int wire_put(uint8_t byte);
int wire_get(void);

/* From now on the guest reads this. */
void wire_answer(const void *bytes, size_t size);

/* End the test unless exactly these bytes were written; forget them. */
void wire_expect(const void *bytes, size_t size);

/* A frame in room for size + 12 bytes; returns that size. */
size_t frame_make(uint8_t *frame, uint8_t type, uint32_t sequence,
		  const void *payload, size_t size);

/* wire_expect() of an event's frame. */
void frame_expect(uint32_t sequence, uint16_t id, const void *fields,
		  size_t size);

#endif
