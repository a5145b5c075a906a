/* SPDX-License-Identifier: MIT */
/*
 * An event from its first to its last instruction, where nothing is in the way:
 * what hosted programs and guests on 64-bit machines have in each
 * _tw_emit_NAME(). Whose lane it is, and which clock, is trackway/emit.h's and
 * trackway/guest.h's to say.
 *
 *	slot open	the clock is read; the lane is taken, so that what
 *			interrupts from here on writes elsewhere; room is
 *			checked, and that the time is none before the lane's
 *			last event's nor past what the page can hold
 *	fields		stored behind the event's first word
 *	slot commit	the commit word is stored with release; the lane is put
 *			back
 *
 * No lock prefix, no system call, no branch but for room and for time. All of
 * it may be called in a signal handler or an interrupt.
 */
#ifndef TRACKWAY_SLOT_H
#define TRACKWAY_SLOT_H

#include <trackway/put.h>
#include <trackway/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One nesting level of one thread, or of one CPU. */
struct tw_lane {
	struct tw_writer writer;
} __attribute__((aligned(64)));

/* An event being written. */
struct tw_slot {
	struct tw_lane *lane;
	struct tw_page *page;
	unsigned char *at; /* where the event begins */
	uint64_t time;
};

/* content_size and events at once, for a compiler that tells types apart. */
typedef uint64_t __attribute__((may_alias)) tw_commit_word;

static TW_INLINE void tw_commit(struct tw_page *page, uint64_t step)
{
	tw_commit_word *word = (tw_commit_word *)(void *)&page->content_size;

	/*
	 * Release (A), paired with the reader's acquire of the commit word in
	 * tw_ring_page_copy() (B): who sees the new size sees the event. The
	 * load is plain, since only this lane's writer ever stores the word.
	 */
	__atomic_store_n(word, *word + step, __ATOMIC_RELEASE);
}

/* Take a lane: what interrupts from here on goes elsewhere. 0: it was busy. */
static TW_INLINE uintptr_t tw_lane_take(struct tw_lane *lane)
{
	uintptr_t lock = __atomic_load_n(&lane->writer.lock, __ATOMIC_RELAXED);

	__atomic_store_n(&lane->writer.lock, 0, __ATOMIC_RELAXED);
	/* (C) with the one in tw_lane_put(). Against what runs on the same
	 * thread or CPU only, so the order of the instructions is enough: a
	 * handler that runs after the store finds the lane busy, one that ran
	 * before, if between load and store, has left it whole and as free as
	 * it was. */
	TW_COMPILER_BARRIER();
	return lock;
}

static TW_INLINE void tw_lane_put(struct tw_lane *lane, uintptr_t lock)
{
	TW_COMPILER_BARRIER(); /* (C) */
	__atomic_store_n(&lane->writer.lock, lock, __ATOMIC_RELAXED);
}

/*
 * The one word that other threads store, and 0 alone. The load is plain, since
 * compilers make an atomic one an instruction of its own: it is an aligned word
 * that is loaded anew for each event, and whether this one already sees the 0
 * or only the next makes no difference.
 */
#if TW_THREAD_SANITIZER
#define TW_WRITER_LIMIT(writer) \
	__atomic_load_n(&(writer)->limit, __ATOMIC_RELAXED)
#else
#define TW_WRITER_LIMIT(writer) ((writer)->limit)
#endif

/*
 * Begin an event of size bytes, its first word included, in a lane that may be
 * busy. now: read before, so that the loads here need not wait for the clock,
 * nor the clock for them. A handler that runs before the lane is taken may
 * write to it: then this time is before its last, and the slow way reads the
 * clock again.
 */
static TW_INLINE bool tw_slot_begin(struct tw_slot *slot, struct tw_lane *lane,
				    uint64_t now, size_t size)
{
	uintptr_t end;

	slot->time = now;
	slot->lane = lane;
	end = tw_lane_take(lane);
	end &= lane->writer.end;
	slot->at = lane->writer.pos;
	/* Busy, full, slow: no room in any of them. */
	if (TW_UNLIKELY((uintptr_t)slot->at + size > end)) {
		/* Not the lock, which would cost a register up to here. */
		tw_lane_put(lane, end ? TW_WRITER_FREE : 0);
		return false;
	}
	slot->page = lane->writer.page;
	/* (E) A handler that forks has the child's lanes wiped. The limit is
	 * loaded last of the lane, so that its 0 tells of any other. */
	TW_COMPILER_BARRIER();
	if (TW_UNLIKELY(now >= TW_WRITER_LIMIT(&lane->writer)))
		goto slow;
	if (TW_UNLIKELY(now < slot->page->timestamp_end))
		goto slow;
	return true;
slow:
	tw_lane_put(lane, TW_WRITER_FREE);
	return false;
}

/* Finish the event: the size is that with which it was begun. */
static TW_INLINE void tw_slot_end(const struct tw_slot *slot, uint64_t id,
				  size_t size)
{
	uint64_t word;

	/* Release (T), with the acquire in settle_end(): who sees this time
	 * sees the event before committed. */
	__atomic_store_n(&slot->page->timestamp_end, slot->time,
			 __ATOMIC_RELEASE);
	word = TW_EVENT_WORD(slot->time, id);
	(void)TW_PUT(slot->at, word);
	tw_commit(slot->page, TW_COMMIT_STEP((uint32_t)(size * 8)));
	slot->lane->writer.pos = slot->at + size;
	tw_lane_put(slot->lane, TW_WRITER_FREE);
}

#ifdef __cplusplus
}
#endif

#endif
