/* SPDX-License-Identifier: MIT */
/*
 * Threads' lanes, and all of an event that is not the hot path.
 *
 * A thread owns a block: a lane for its main flow and one for each level of
 * nesting. An event takes the first that is not busy (struct tw_writer); the
 * hot path tries the main flow's, and all the others are taken here. A thread
 * without a block points to a lane that all such threads share and that never
 * has room; its first event ends up here.
 *
 * Blocks are zeroed in a forked child by the kernel (MADV_WIPEONFORK), which
 * makes every lane look busy and brings the child's first event here too,
 * however the child was made.
 *
 * Everything here but tw_lanes_create() runs in signal handlers as well.
 */
#include "runtime.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LEVELS 4
#define ATTACHED 1u  /* tw_writer.flags: has a lane of the ring */
#define TIMED_OUT 2u /* has waited in vain; don't until a page is had */

struct block {
	struct tw_lane level[LEVELS];
	uint32_t owner; /* tid; 0: nobody's, or wiped by a fork */
	uint32_t epoch; /* of the ring that the lanes are in */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct tw_lane) == 64, "lane");

static struct tw_lane nobody = {{.end = TW_WRITER_SLOW}};
static struct block *blocks; /* TW_LANES of them: block i has lane i */
static pthread_key_t key;
static bool has_key;

static __thread struct block *own __attribute__((tls_model("initial-exec")));
__thread struct tw_lane *tw_lane_current = &nobody;

static void leave(void *block);

int tw_lanes_create(void)
{
	const size_t size = TW_LANES * sizeof(struct block);

	if (!blocks) {
		void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				    -1, 0);

		if (memory == MAP_FAILED)
			return -1;
		/* Best effort: without it only a bare clone() goes unseen. */
		(void)!madvise(memory, size, MADV_WIPEONFORK);
		blocks = memory;
	}
	if (!has_key)
		has_key = !pthread_key_create(&key, leave);
	return has_key ? 0 : -1;
}

void tw_lanes_forget_own(void)
{
	tw_lane_current = &nobody;
	TW_COMPILER_BARRIER();
	own = NULL;
}

void tw_lanes_void(void)
{
	uint32_t i, level;

	/*
	 * Other threads may be in the middle of an event; they finish it in the
	 * old ring's memory, which stays. Their next one comes to the slow path
	 * and finds the epoch gone.
	 */
	for (i = 0; i < TW_LANES; i++)
		for (level = 0; level < LEVELS && blocks[i].owner; level++)
			tw_store_relaxed(&blocks[i].level[level].writer.end,
					 TW_WRITER_SLOW);
}

/* Give a writer a lane of the ring, in the name of a thread. */
static bool attach(struct tw_writer *writer, uint32_t tid, unsigned level)
{
	if (tw_writer_attach(&tw_runtime.ring, writer, tid, level))
		return false;
	writer->flags = ATTACHED;
	prctl(PR_GET_NAME, tw_runtime.ring.lanes[writer->lane].name);
	return true;
}

/*
 * A thread ends: its lanes wait for the next one. The main flow's goes last,
 * by a copy of its writer, since with it the block is another thread's.
 */
static void release(struct block *block)
{
	const bool current = block->owner && block->epoch == tw_runtime.epoch;
	struct tw_writer writer = block->level[0].writer;
	unsigned i;

	for (i = 1; i < LEVELS && current; i++)
		if (block->level[i].writer.flags & ATTACHED)
			tw_writer_detach(&tw_runtime.ring,
					 &block->level[i].writer);
	memset(block, 0, sizeof(*block));
	if (current)
		tw_writer_detach(&tw_runtime.ring, &writer);
}

static void leave(void *block)
{
	tw_lanes_forget_own();
	release(block);
}

/* A block for this thread, or NULL: no lane is free. */
static struct block *take_block(void)
{
	const uint32_t tid = (uint32_t)syscall(SYS_gettid);
	struct block *block, *expected = NULL;
	struct tw_writer writer;
	unsigned i;

	memset(&writer, 0, sizeof(writer));
	writer.end = TW_WRITER_SLOW;
	if (!attach(&writer, tid, 0))
		return NULL;
	block = &blocks[writer.lane];
	memset(block, 0, sizeof(*block));
	block->level[0].writer = writer;
	for (i = 1; i < LEVELS; i++)
		block->level[i].writer.end = TW_WRITER_SLOW;
	block->epoch = tw_runtime.epoch;
	block->owner = tid;
	/* One instruction, so that a handler that got here first wins whole. */
	if (!__atomic_compare_exchange_n(&own, &expected, block, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		release(block);
		return expected;
	}
	tw_lane_current = &block->level[0];
	pthread_setspecific(key, block);
	return block;
}

/* Whether there is a ring to write to; in a child, it may be made now. */
static bool has_ring(void)
{
	uint32_t state = tw_load_acquire(&tw_runtime.state);

	if (state == TW_RUNTIME_READY && getpid() != tw_runtime.pid) {
		tw_fork_enter_child();
		state = TW_RUNTIME_FORKED;
	}
	if (state == TW_RUNTIME_FORKED) {
		tw_fork_move();
		state = tw_load_acquire(&tw_runtime.state);
	}
	return state == TW_RUNTIME_READY;
}

/* The thread's block, made at its first event in this ring. */
static struct block *find_block(void)
{
	if (own && own->owner && own->epoch == tw_runtime.epoch)
		return own;
	if (!has_ring())
		return NULL;
	if (own && own->owner && own->epoch == tw_runtime.epoch)
		return own;
	own = NULL;
	return take_block();
}

static bool has_room(const struct tw_writer *writer, size_t size, uint64_t now)
{
	const struct tw_page *page = writer->page;

	return page &&
	       writer->pos + size <=
		       tw_ring_page_end(&tw_runtime.ring, writer->page) &&
	       (now < page->timestamp_end ||
		(now - page->timestamp_end) >> TW_TIME_GAP_BITS == 0);
}

/* TW_RING_BLOCK: until a reader has given a page back, or the time is over. */
static enum tw_turn wait_for_page(struct tw_writer *writer)
{
	const struct timespec nap = {0, 100000};
	uint32_t tries = tw_runtime.ring.control->block_ms * 10;
	enum tw_turn turn = TW_TURN_UNREAD;

	if (writer->flags & TIMED_OUT)
		return turn;
	while (turn == TW_TURN_UNREAD && tries--) {
		tw_runtime_wake();
		nanosleep(&nap, NULL);
		turn = tw_writer_turn(&tw_runtime.ring, writer, tw_clock_now());
	}
	if (turn == TW_TURN_UNREAD)
		writer->flags |= TIMED_OUT;
	return turn;
}

static bool turn_page(struct tw_writer *writer, uint64_t now)
{
	enum tw_turn turn = tw_writer_turn(&tw_runtime.ring, writer, now);

	if (turn == TW_TURN_UNREAD && tw_runtime.ring.mode == TW_RING_BLOCK)
		turn = wait_for_page(writer);
	/* Else head has not moved: nothing that a sleeper waits for. */
	if (turn != TW_TURN_UNREAD)
		tw_runtime_wake();
	if (turn != TW_TURN_DONE)
		return false;
	writer->flags &= ~TIMED_OUT;
	tw_clock_refresh(now, false);
	return true;
}

/* What end is to be once the lane is put back. */
static unsigned char *end_of(const struct tw_writer *writer)
{
	/* Another clock: every event has to come here, where that is read. */
	if (!writer->page || tw_runtime.clock_kind == TW_CLOCK_MONOTONIC)
		return TW_WRITER_SLOW;
	return tw_ring_page_end(&tw_runtime.ring, writer->page);
}

/* Room for the event in a lane that is taken, and its time. */
static bool reserve(struct tw_slot *slot, struct tw_lane *lane, size_t size)
{
	struct tw_writer *writer = &lane->writer;
	uint64_t now = tw_clock_now();

	if (!has_room(writer, size, now) &&
	    (!turn_page(writer, now) || !has_room(writer, size, now)))
		return false;
	slot->lane = lane;
	slot->page = writer->page;
	slot->at = writer->pos;
	slot->end = end_of(writer);
	slot->time = now < slot->page->timestamp_end ? slot->page->timestamp_end
						     : now;
	return true;
}

/* The first level of the thread that is not busy, taken; NULL: all are. */
static struct tw_lane *take_level(struct block *block, unsigned *level)
{
	for (*level = 0; *level < LEVELS; ++*level)
		if (tw_lane_take(&block->level[*level]))
			return &block->level[*level];
	return NULL;
}

static bool open_level(struct tw_slot *slot, struct block *block, size_t size)
{
	struct tw_writer *writer;
	struct tw_lane *lane;
	unsigned level;

	lane = take_level(block, &level);
	if (!lane) {
		tw_writer_discard(&tw_runtime.ring, NULL);
		return false;
	}
	writer = &lane->writer;
	if (!(writer->flags & ATTACHED) && !attach(writer, block->owner, level))
		tw_writer_discard(&tw_runtime.ring, NULL);
	else if (reserve(slot, lane, size))
		return true;
	else
		tw_writer_discard(&tw_runtime.ring, writer);
	tw_lane_put(lane, end_of(writer));
	return false;
}

bool tw_slot_open_slow(struct tw_slot *slot, struct tw_lane *lane, size_t size)
{
	int saved_errno = errno;
	struct block *block = find_block();
	bool opened = false;

	if (block)
		opened = open_level(slot, block, size);
	else if (tw_load_acquire(&tw_runtime.state) == TW_RUNTIME_READY)
		tw_writer_discard(&tw_runtime.ring, NULL);
	errno = saved_errno;
	return opened;
}
