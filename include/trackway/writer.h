/* SPDX-License-Identifier: MIT */
/*
 * The write side's hot path: one lane putting events into the page it has
 * open. Freestanding; included by hosted and guest runtimes alike.
 *
 * A lane has one writer at a time, so nothing here is locked: the only
 * ordering promised is that a reader that sees the commit word sees the event.
 */
#ifndef TRACKWAY_WRITER_H
#define TRACKWAY_WRITER_H

#include <trackway/ring.h>

#define TW_LIKELY(x) __builtin_expect(!!(x), 1)
#define TW_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TW_COMPILER_BARRIER() __asm__ __volatile__("" ::: "memory")

/* The longest string kept in an event, without its NUL, bytes. */
#define TW_STRING_MAX 1023u

/*
 * A gap this long between two events of a page can't be told from its low 48
 * bits; the writer turns the page instead.
 */
#define TW_TIME_GAP_BITS 47

/*
 * A lane's writer, in the producer's private memory: exactly a cache line.
 *
 * end is the lane's lock as well, against what interrupts its thread: whoever
 * writes an event has read it and left NULL, so that an interrupting writer
 * finds no room here and goes to another level. All of the rest is read after
 * that and written before end is put back.
 */
struct tw_writer {
	unsigned char *pos;   /* where the next event goes */
	unsigned char *end;   /* of the page's room; NULL: busy */
	struct tw_page *page; /* open, or NULL */
	uint64_t events;      /* written before the open page */
	uint64_t discarded;
	uint64_t seq;	    /* of the next page */
	uint64_t last_time; /* of the last closed page */
	uint32_t lane;	    /* index in the lane table */
	uint32_t flags;	    /* the runtime's */
};

/* end of a writer that is not busy but whose way is the slow one. */
#define TW_WRITER_SLOW ((unsigned char *)1)

/* The commit word as one number: content_size and one more event. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TW_COMMIT_STEP(bits) ((uint64_t)1 << 32 | (bits))
#define TW_EVENT_WORD(time, id) (((uint64_t)(time) << 16) + (id))
#else
#define TW_COMMIT_STEP(bits) ((uint64_t)(bits) << 32 | 1)
#define TW_EVENT_WORD(time, id) \
	(((uint64_t)(id) << 48) + ((uint64_t)(time) << 16 >> 16))
#endif

#endif
