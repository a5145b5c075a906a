/* SPDX-License-Identifier: MIT */
/*
 * Ring files made by hand, byte by byte in either byte order: what a producer
 * would leave, and whatever a test wants to be wrong with it.
 *
 * One group "demo" in demo/trace-events, ids from 10 on:
 *	demo_start(int value, const char *text)	"value=%d text=%s"
 *	demo_stop(void)				"stop"
 *	demo_never(uint64_t x)			compiled out
 */
#ifndef TESTS_RING_MAKER_H
#define TESTS_RING_MAKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <trackway/ring.h>

#define MAKER_ID_BASE 10
#define MAKER_EVENTS 3
#define MAKER_STARTED_NS 1700000000000000000ull

struct made_ring {
	bool big_endian;
	uint8_t *bytes;
	size_t size;
	size_t groups_offset;
	size_t states_offset;
	size_t schema_offset;
	size_t schema_size;
	size_t pages_offset;
};

/* A whole, valid ring of the given producer; made_ring_free() it. */
void made_ring_init(struct made_ring *ring, bool big_endian, const char *name,
		    pid_t pid, uint64_t pid_start);
void made_ring_free(struct made_ring *ring);

/* Store a number at an offset, in the ring's byte order. */
void made_ring_put16(struct made_ring *ring, size_t offset, uint16_t value);
void made_ring_put32(struct made_ring *ring, size_t offset, uint32_t value);
void made_ring_put64(struct made_ring *ring, size_t offset, uint64_t value);

/* A member of the control block, of its own size. */
#define MADE_RING_SET(ring, member, value)                                   \
	(sizeof(((struct tw_ring_control *)0)->member) == 8                  \
		 ? made_ring_put64(ring,                                     \
				   offsetof(struct tw_ring_control, member), \
				   value)                                    \
	 : sizeof(((struct tw_ring_control *)0)->member) == 4                \
		 ? made_ring_put32(ring,                                     \
				   offsetof(struct tw_ring_control, member), \
				   (uint32_t)(value))                        \
		 : made_ring_put16(ring,                                     \
				   offsetof(struct tw_ring_control, member), \
				   (uint16_t)(value)))

/* The first size bytes of the ring as a file. False, with errno, on error. */
bool made_ring_write(const struct made_ring *ring, size_t size,
		     const char *path);

#endif
