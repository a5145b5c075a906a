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
	struct lanes *lanes; /* that it is one of */
	uint32_t owner;	     /* tid; 0: nobody's, or wiped by a fork */
} __attribute__((aligned(64)));

/*
 * The lanes of one ring. A ring that is stopped leaves its own where they are,
 * since threads may be in the middle of an event; one that comes to the slow
 * way finds that its lanes are no longer those of the runtime.
 */
struct lanes {
	struct block block[TW_LANES]; /* block i has lane i */
	struct tw_ring ring;
	bool fast_clock;
	uint32_t guard; /* 1, so that a fork's wiping shows */
};

_Static_assert(sizeof(struct tw_lane) == 64, "lane");

static struct tw_lane nobody = {{.end = TW_WRITER_SLOW}};
static struct lanes *lanes; /* of the ring that is, or was last */
static pthread_key_t key;
static bool has_key;
static uint32_t live_blocks;
static uint32_t reclaim_at = 8;

static __thread struct block *own __attribute__((tls_model("initial-exec")));
__thread struct tw_lane *tw_lane_current = &nobody;

static void leave(void *block);

static void describe_ring(struct lanes *to)
{
	to->ring = tw_runtime.ring;
	to->fast_clock = tw_runtime.clock_kind != TW_CLOCK_MONOTONIC;
	to->guard = 1;
}

int tw_lanes_create(void)
{
	struct lanes *made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				  -1, 0);

	if (made == MAP_FAILED)
		return -1;
	/* Best effort: without it only a bare clone() goes unseen. */
	(void)!madvise(made, sizeof(*made), MADV_WIPEONFORK);
	describe_ring(made);
	if (!has_key)
		has_key = !pthread_key_create(&key, leave);
	if (!has_key) {
		munmap(made, sizeof(*made));
		return -1;
	}
	tw_store_relaxed(&live_blocks, 0);
	tw_store_release(&lanes, made);
	return 0;
}

void tw_lanes_enter_child(void)
{
	tw_lanes_forget_own();
	tw_store_relaxed(&live_blocks, 0);
	describe_ring(lanes);
}

void tw_lanes_forget_own(void)
{
	tw_lane_current = &nobody;
	TW_COMPILER_BARRIER();
	own = NULL;
}

void tw_lanes_void(void)
{
	struct block *block;
	uint32_t i, level;

	/* (S) with the one in turn_page(). */
	tw_fence_seq_cst();
	/*
	 * Other threads may be in the middle of an event; they finish it in the
	 * old ring's memory, which stays. Their next one comes to the slow path
	 * and finds these lanes void.
	 */
	for (i = 0; i < TW_LANES; i++) {
		block = &lanes->block[i];
		if (!tw_load_acquire(&block->owner))
			continue;
		for (level = 0; level < LEVELS; level++)
			tw_store_relaxed_u64(&block->level[level].writer.limit,
					     0);
	}
}

/*
 * A handler that forks in the middle of an event. In the child the event ends
 * too, into the page and the lane that it has open; in the child's own ring
 * these are nobody's, and so take no harm.
 */
static struct {
	uint32_t lane;
	uint32_t pages[LEVELS];
	uint32_t page_count;
} interrupted;

bool tw_lanes_note_interrupted(void)
{
	const struct tw_ring *ring = &tw_runtime.ring;
	const struct tw_writer *writer;
	unsigned i;

	interrupted.page_count = 0;
	for (i = 0; own && own->lanes == lanes && i < LEVELS; i++) {
		writer = &own->level[i].writer;
		if (!writer->page || tw_load_relaxed(&writer->lock))
			continue;
		interrupted.lane = (uint32_t)(own - lanes->block);
		interrupted.pages[interrupted.page_count++] =
			(uint32_t)((uint64_t)((uint8_t *)writer->page -
					      ring->pages) /
				   ring->page_size);
	}
	return interrupted.page_count != 0;
}

void tw_lanes_keep_interrupted(struct tw_ring *ring)
{
	uint32_t i;

	for (i = 0; i < interrupted.page_count; i++) {
		ring->lanes[interrupted.lane].state = TW_LANE_USED;
		tw_ring_trailer(ring, interrupted.pages[i])->state =
			TW_PAGE_CLAIMED;
	}
	interrupted.page_count = 0;
}

/* Give a writer a lane of the ring, in the name of a thread. */
static bool attach(struct tw_ring *ring, struct tw_writer *writer, uint32_t tid,
		   unsigned level)
{
	if (tw_writer_attach(ring, writer, tid, level))
		return false;
	writer->flags = ATTACHED;
	prctl(PR_GET_NAME, ring->lanes[writer->lane].name);
	return true;
}

/*
 * A block from one thread to the next, while a third may be voiding it: the
 * three are ordered by the lane's state, but for the store of a word that is
 * 0 either way.
 */
__attribute__((no_sanitize("thread"))) static void copy_block(
	struct block *to, const struct block *from)
{
	typedef volatile uint64_t __attribute__((may_alias)) word;
	const word *from_word = (const word *)from;
	word *to_word = (word *)to;
	size_t i;

	for (i = 0; i < sizeof(*to) / sizeof(*to_word); i++)
		to_word[i] = from_word[i];
}

/*
 * A block's lanes wait for the next thread. The main flow's goes last, and all
 * by a copy of the writers, since with it the block is another thread's.
 */
static void release(struct block *block)
{
	static const struct block nothing;
	struct block copy;
	int i;

	copy_block(&copy, block);
	copy_block(block, &nothing);
	/* A ring that is stopped needs none of it. */
	if (copy.lanes != tw_load_acquire(&lanes))
		return;
	tw_sub_relaxed(&live_blocks, 1);
	for (i = LEVELS - 1; i >= 0; i--)
		if (copy.level[i].writer.flags & ATTACHED)
			tw_writer_detach(&copy.lanes->ring,
					 &copy.level[i].writer);
}

/* A thread ends. In a forked child the block may be another's by now. */
static void leave(void *block)
{
	const uint32_t *owner = &((struct block *)block)->owner;

	tw_lanes_forget_own();
	if (tw_load_relaxed(owner) == (uint32_t)syscall(SYS_gettid))
		release(block);
}

/*
 * Threads that had an event after their last destructor, in a signal handler,
 * have left a block behind. Looked for only when the blocks in use have doubled
 * since the last look, so that it costs a thread nothing to speak of.
 */
static void reclaim(struct lanes *of)
{
	uint32_t i, tid;

	if (tw_load_relaxed(&live_blocks) < tw_load_relaxed(&reclaim_at))
		return;
	for (i = 0; i < TW_LANES; i++) {
		tid = tw_load_relaxed(&of->block[i].owner);
		if (tid &&
		    syscall(SYS_tgkill, (int)tw_runtime.pid, (int)tid, 0) &&
		    errno == ESRCH &&
		    tw_cas_acq_rel_u32(&of->block[i].owner, tid, 0))
			release(&of->block[i]);
	}
	tw_store_relaxed(&reclaim_at, 2 * tw_load_relaxed(&live_blocks) + 8);
}

/* A block for this thread, or NULL: no lane is free. */
static struct block *take_block(void)
{
	const uint32_t tid = (uint32_t)syscall(SYS_gettid);
	struct lanes *of = tw_load_acquire(&lanes);
	struct block *block, *expected = NULL;
	struct block made = {.lanes = of};
	unsigned i;

	reclaim(of);
	for (i = 0; i < LEVELS; i++)
		made.level[i].writer = (struct tw_writer){
			.end = TW_WRITER_SLOW, .lock = TW_WRITER_FREE};
	if (!attach(&of->ring, &made.level[0].writer, tid, 0))
		return NULL;
	block = &of->block[made.level[0].writer.lane];
	copy_block(block, &made);
	tw_add_relaxed(&live_blocks, 1);
	tw_store_release(&block->owner, tid);
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

	/* Not by the pid: a child of vfork() has its own, and our memory. */
	if (state == TW_RUNTIME_READY && !lanes->guard) {
		tw_fork_enter_child();
		state = TW_RUNTIME_FORKED;
	}
	if (state == TW_RUNTIME_FORKED) {
		tw_fork_move();
		state = tw_load_acquire(&tw_runtime.state);
	}
	return state == TW_RUNTIME_READY;
}

static bool is_good(const struct block *block)
{
	return block && block->owner && block->lanes == tw_load_acquire(&lanes);
}

/* The thread's block, made at its first event in this ring. */
static struct block *find_block(void)
{
	if (is_good(own))
		return own;
	if (!has_ring())
		return NULL;
	if (is_good(own))
		return own;
	own = NULL;
	return take_block();
}

static bool has_room(const struct tw_ring *ring, const struct tw_writer *writer,
		     size_t size, uint64_t now)
{
	const struct tw_page *page = writer->page;

	return page &&
	       writer->pos + size <= tw_ring_page_end(ring, writer->page) &&
	       (now < page->timestamp_end ||
		now - page->timestamp_begin < TW_PAGE_TICKS);
}

/* The clock is read once more, behind the beacon: a host may write one where
 * this program's system is a guest of it. */
static enum tw_turn turn_now(struct tw_ring *ring, struct tw_writer *writer,
			     uint64_t *now)
{
	const uint64_t beacon = tw_ring_beacon(ring);

	*now = tw_clock_now();
	return tw_writer_turn_after(ring, writer, beacon, *now);
}

/* TW_RING_BLOCK: until a reader has given a page back, or the time is over. */
static enum tw_turn wait_for_page(struct tw_ring *ring,
				  struct tw_writer *writer, uint64_t *now)
{
	const struct timespec nap = {0, 100000};
	uint32_t tries = ring->control->block_ms * 10;
	enum tw_turn turn = TW_TURN_UNREAD;

	if (writer->flags & TIMED_OUT)
		return turn;
	while (turn == TW_TURN_UNREAD && tries--) {
		tw_runtime_wake(ring);
		nanosleep(&nap, NULL);
		turn = turn_now(ring, writer, now);
	}
	if (turn == TW_TURN_UNREAD)
		writer->flags |= TIMED_OUT;
	return turn;
}

/* Whether events of these lanes are those of a ring that is not stopped. */
static bool is_running(const struct lanes *of)
{
	return tw_load_acquire(&tw_runtime.state) == TW_RUNTIME_READY &&
	       tw_load_acquire(&lanes) == of;
}

static bool turn_page(struct lanes *of, struct tw_writer *writer, uint64_t *now)
{
	struct tw_ring *ring = &of->ring;
	enum tw_turn turn = turn_now(ring, writer, now);

	if (turn == TW_TURN_UNREAD && ring->mode == TW_RING_BLOCK)
		turn = wait_for_page(ring, writer, now);
	/* Else head has not moved: nothing that a sleeper waits for. */
	if (turn != TW_TURN_UNREAD)
		tw_runtime_wake(ring);
	if (turn != TW_TURN_DONE)
		return false;
	/* Another clock: every event has to come here, where that is read. */
	if (!of->fast_clock)
		writer->end = TW_WRITER_SLOW;
	writer->flags &= ~TIMED_OUT;
	/* (S) The turn has stored a limit, which may have undone that of
	 * tw_lanes_void(): this side has stored the limit and looks at the
	 * state, the other has stored the state and then the limit, so that
	 * a ring that is stopped leaves 0 there. */
	tw_fence_seq_cst();
	if (!is_running(of))
		tw_store_relaxed_u64(&writer->limit, 0);
	tw_clock_refresh(ring->control, *now, false);
	return true;
}

/* Room for the event in a lane that is taken, and its time. */
static bool reserve(struct tw_slot *slot, struct lanes *of,
		    struct tw_lane *lane, size_t size)
{
	struct tw_writer *writer = &lane->writer;
	uint64_t now = tw_clock_now();

	if (!has_room(&of->ring, writer, size, now) &&
	    (!turn_page(of, writer, &now) ||
	     !has_room(&of->ring, writer, size, now)))
		return false;
	slot->lane = lane;
	slot->page = writer->page;
	slot->at = writer->pos;
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
	struct lanes *of = block->lanes;
	struct tw_writer *writer;
	struct tw_lane *lane;
	unsigned level;

	lane = take_level(block, &level);
	if (!lane) {
		tw_writer_discard(&of->ring, NULL);
		return false;
	}
	writer = &lane->writer;
	if (!(writer->flags & ATTACHED) &&
	    !attach(&of->ring, writer, block->owner, level))
		tw_writer_discard(&of->ring, NULL);
	else if (reserve(slot, of, lane, size))
		return true;
	else
		tw_writer_discard(&of->ring, writer);
	tw_lane_put(lane, TW_WRITER_FREE);
	return false;
}

bool tw_slot_open_slow(struct tw_slot *slot, size_t size)
{
	int saved_errno = errno;
	struct block *block = find_block();
	bool opened = false;

	if (block)
		opened = open_level(slot, block, size);
	else
		tw_runtime_count_missed();
	errno = saved_errno;
	return opened;
}
