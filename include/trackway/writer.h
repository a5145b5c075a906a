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
#define TW_INLINE inline __attribute__((always_inline))
#define TW_COLD __attribute__((cold, noinline))
#define TW_COMPILER_BARRIER() __asm__ __volatile__("" ::: "memory")

/* GCC and clang say it each in its own way. */
#if defined(__SANITIZE_THREAD__)
#define TW_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TW_THREAD_SANITIZER 1
#endif
#endif
#ifndef TW_THREAD_SANITIZER
#define TW_THREAD_SANITIZER 0
#endif

/* The longest string kept in an event, without its NUL, bytes. */
#define TW_STRING_MAX 1023u

/*
 * Ticks after its beginning at which a page is turned: an event has only the
 * low 48 bits of its time, so no two in a page may be further apart than those
 * can tell.
 */
#define TW_PAGE_TICKS ((uint64_t)1 << 47)

/*
 * A lane's writer, in the producer's private memory: exactly a cache line where
 * pointers have 64 bits.
 *
 * lock is against what interrupts the lane's writer, on the same CPU: whoever
 * writes an event has read it and left 0, and all of the rest is read after
 * that and written before the lock is put back. Its two values make it a mask
 * of end: a writer that interrupts another one finds no room, by the same
 * comparison that tells when a page is full, and goes to another level.
 *
 * limit is the one word that another thread may store, and only 0: it sends the
 * lane's next event the slow way.
 */
struct tw_writer {
	unsigned char *pos;   /* where the next event goes */
	uintptr_t end;	      /* of the page's room, or TW_WRITER_SLOW */
	struct tw_page *page; /* open, or NULL */
	uintptr_t lock;	      /* TW_WRITER_FREE, or 0: busy */
	uint64_t limit;	      /* ticks: events from then on go the slow way */
	uint64_t events;      /* written before the open page */
	uint64_t discarded;
	uint32_t lane;	/* index in the lane table */
	uint32_t flags; /* the runtime's */
};

#define TW_WRITER_FREE ((uintptr_t)-1)

/* No room, yet not 0: masked by the lock it tells a free writer from a busy. */
#define TW_WRITER_SLOW ((uintptr_t)1)

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
