/* SPDX-License-Identifier: MIT */
/*
 * Making a ring, taking lanes, turning pages: all of the write side that is
 * not done for every event.
 *
 * A writer that needs a page advances head, which hands out tickets; ticket t
 * stands for page t % page_count. Pages that are still open in other lanes are
 * stepped over, so a quiet lane keeps its page for as long as it likes, and
 * what is taken is the oldest of the rest.
 *
 * Called by the hosted runtime (src/runtime) and the guest runtime.
 */
#include "ring-write.h"

#include "atomic.h"

#ifdef TW_TESTPOINTS
void (*tw_testpoint_hook)(enum tw_testpoint at);
void (*tw_testpoint_halves)(void);
#endif

/* Free, with the ticket that no page is given back with but page 0's first. */
#define PAGE_NEVER_USED 0u

#ifndef TW_GUEST

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/* No sum of what passes here comes near 64 bits. */
static int is_sane(const struct tw_ring_layout *layout)
{
	return layout->control_size >= TW_RING_CONTROL_MIN &&
	       layout->lane_count && layout->lane_count <= TW_RING_LANES_MAX &&
	       layout->group_capacity <= TW_RING_GROUPS_MAX &&
	       layout->page_size >= TW_PAGE_SIZE_MIN &&
	       layout->page_size <= TW_PAGE_SIZE_MAX &&
	       layout->page_size % 8 == 0 && layout->page_count >= 2 &&
	       layout->heap_size >> 60 == 0 && layout->align >= 8 &&
	       layout->align >> 32 == 0 &&
	       (layout->align & (layout->align - 1)) == 0;
}

int tw_ring_layout(struct tw_ring_layout *layout)
{
	uint64_t at = align_up(layout->control_size, TW_RING_ALIGN);

	if (!is_sane(layout))
		return -1;
	layout->lanes_offset = at;
	at += (uint64_t)layout->lane_count * sizeof(struct tw_ring_lane);
	layout->groups_offset = at;
	at += (uint64_t)layout->group_capacity * sizeof(struct tw_ring_group);
	layout->heap_offset = align_up(at, layout->align);
	layout->pages_offset = align_up(layout->heap_offset + layout->heap_size,
					layout->align);
	layout->size = layout->pages_offset +
		       (uint64_t)layout->page_count * layout->page_size;
	return 0;
}

#endif

static void clear(void *memory, uint64_t size)
{
	uint8_t *byte = memory;

	while (size--) {
		*byte++ = 0;
		TW_KEEP_LOOP();
	}
}

void tw_ring_handle(struct tw_ring *ring, void *memory)
{
	struct tw_ring_control *control = memory;

	ring->base = memory;
	ring->control = control;
	ring->lanes = (void *)(ring->base + control->lanes_offset);
	ring->groups = (void *)(ring->base + control->groups_offset);
	ring->pages = ring->base + control->pages_offset;
	ring->page_size = control->page_size;
	ring->page_count = control->page_count;
	ring->lane_count = control->lane_count;
	ring->mode = control->mode;
	ring->prepare_page = NULL;
}

void tw_ring_init(struct tw_ring *ring, void *memory,
		  const struct tw_ring_layout *layout)
{
	struct tw_ring_control *control = memory;
	uint32_t i;

	clear(control, layout->heap_offset);
	control->byte_order = TW_RING_BYTE_ORDER;
	control->abi_major = TW_RING_ABI_MAJOR;
	control->abi_minor = TW_RING_ABI_MINOR;
	control->control_size = layout->control_size;
	control->size = layout->size;
	control->page_size = layout->page_size;
	control->page_count = layout->page_count;
	control->pages_offset = layout->pages_offset;
	control->lanes_offset = layout->lanes_offset;
	control->lane_count = layout->lane_count;
	control->lane_size = sizeof(struct tw_ring_lane);
	control->groups_offset = layout->groups_offset;
	control->group_capacity = layout->group_capacity;
	control->group_size = sizeof(struct tw_ring_group);
	control->clock_mask = ~(uint64_t)0;
	tw_ring_handle(ring, memory);
	for (i = 0; i < ring->page_count; i++)
		tw_ring_trailer(ring, i)->state = TW_PAGE_FREE;
}

void tw_ring_publish(struct tw_ring *ring)
{
	static const uint8_t inverted[TW_RING_MAGIC_SIZE] =
		TW_RING_MAGIC_INVERTED;
	volatile uint8_t *magic = ring->control->magic;
	uint32_t i;

	/* (G) with the reader's acquire fence in tw_ring_open(): who sees the
	 * magic sees the ring behind it. */
	tw_fence_release();
	/* Volatile: so that no compiler makes the inverted constant the magic
	 * itself, in the program's image. */
	for (i = TW_RING_MAGIC_SIZE; i-- > 0;)
		magic[i] = (uint8_t)~inverted[i];
}

void tw_ring_unpublish(struct tw_ring *ring)
{
	volatile uint8_t *magic = ring->control->magic;
	uint32_t i;

	for (i = 0; i < TW_RING_MAGIC_SIZE; i++)
		magic[i] = 0;
}

struct tw_page_trailer *tw_ring_trailer(const struct tw_ring *ring,
					uint32_t index)
{
	uint8_t *end = ring->pages + ((size_t)index + 1) * ring->page_size;

	return (void *)(end - TW_PAGE_TRAILER);
}

unsigned char *tw_ring_page_end(const struct tw_ring *ring,
				struct tw_page *page)
{
	return (unsigned char *)page + ring->page_size - TW_PAGE_TRAILER;
}

static int take_lane(struct tw_ring *ring, uint32_t state)
{
	uint32_t i;

	for (i = 0; i < ring->lane_count; i++) {
		/* Acquire in the exchange (H), with the release in
		 * tw_writer_detach(): the counts left there are seen. */
		if (tw_load_relaxed(&ring->lanes[i].state) == state &&
		    tw_cas_acq_rel_u32(&ring->lanes[i].state, state,
				       TW_LANE_USED))
			return (int)i;
	}
	return -1;
}

int tw_writer_attach(struct tw_ring *ring, struct tw_writer *writer,
		     uint32_t tid, uint32_t level)
{
	struct tw_ring_lane *entry;
	int lane = take_lane(ring, TW_LANE_IDLE);

	if (lane < 0)
		lane = take_lane(ring, TW_LANE_FREE);
	if (lane < 0)
		return -1;
	TW_TESTPOINT(TW_AT_ATTACH_USED);
	entry = &ring->lanes[lane];
	tw_store_relaxed(&entry->tid, tid);
	tw_store_relaxed(&entry->level, level);
	writer->page = NULL;
	writer->pos = NULL;
	writer->end = TW_WRITER_SLOW;
	writer->lane = (uint32_t)lane;
	writer->events = entry->events;
	writer->discarded = entry->discarded;
	return 0;
}

void tw_writer_detach(struct tw_ring *ring, struct tw_writer *writer)
{
	tw_writer_close(ring, writer);
	/* (H) */
	tw_store_release(&ring->lanes[writer->lane].state, TW_LANE_IDLE);
	TW_TESTPOINT(TW_AT_DETACH_IDLE);
}

void tw_writer_close(struct tw_ring *ring, struct tw_writer *writer)
{
	struct tw_ring_lane *entry = &ring->lanes[writer->lane];
	struct tw_page *page = writer->page;
	struct tw_page_trailer *trailer;

	if (!page)
		return;
	writer->page = NULL;
	writer->pos = NULL;
	writer->end = TW_WRITER_SLOW;
	writer->events += page->events;
	tw_store_relaxed_u64(&entry->last_time, page->timestamp_end);
	tw_store_relaxed_u64(&entry->events, writer->events);
	TW_TESTPOINT(TW_AT_CLOSE_COUNTED);
	trailer = (void *)tw_ring_page_end(ring, page);
	/* Release (I), with the acquire of the state word in
	 * tw_ring_page_copy(): a full page is seen with all its events. */
	tw_store_release(&trailer->state, (tw_load_relaxed(&trailer->state) &
					   ~TW_PAGE_STATE_MASK) |
						  TW_PAGE_FULL);
	tw_store_relaxed(&entry->page, 0);
	TW_TESTPOINT(TW_AT_CLOSE_FULL);
}

/* value % divisor. A guest's machine may not know how to divide. */
static uint32_t remainder_of(uint32_t value, uint32_t divisor)
{
#ifdef TW_GUEST
	uint32_t part = divisor;

	while (part <= value >> 1)
		part <<= 1;
	for (; part >= divisor; part >>= 1)
		if (value >= part)
			value -= part;
	return value;
#else
	return value % divisor;
#endif
}

/* Take a page that no lane has open, or say why there is none. */
static enum tw_turn claim(struct tw_ring *ring, uint32_t *index,
			  uint32_t *ticket)
{
	struct tw_ring_control *control = ring->control;
	struct tw_page_trailer *trailer;
	uint32_t skipped = 0;
	uint32_t head, state;

	while (skipped < ring->page_count) {
		head = tw_load_acquire(&control->head);
		*index = remainder_of(head, ring->page_count);
		trailer = tw_ring_trailer(ring, *index);
		state = tw_load_relaxed(&trailer->state);
		if ((state & TW_PAGE_STATE_MASK) == TW_PAGE_FULL &&
		    ring->mode != TW_RING_OVERWRITE) {
			if (tw_load_relaxed(&control->head) != head)
				continue;
			return TW_TURN_UNREAD;
		}
		/* Sequentially consistent (F): see tw_ring_take_waiters(). */
		if (!tw_cas_seq_cst_u32(&control->head, head, head + 1))
			continue;
		TW_TESTPOINT(TW_AT_TURN_TICKET);
		*ticket = head << TW_PAGE_TICKET_SHIFT;
		/* Acquire in the exchange, with the release of who had the page
		 * last: (I) its writer, (M) a reader that gave it back. */
		if ((state & TW_PAGE_STATE_MASK) == TW_PAGE_OPEN ||
		    (state & TW_PAGE_STATE_MASK) == TW_PAGE_CLAIMED ||
		    !tw_cas_acq_rel_u32(&trailer->state, state,
					*ticket | TW_PAGE_CLAIMED)) {
			skipped++;
			continue;
		}
		/* Asked by the state, not by the ticket: a page may be passed
		 * over in the first lap, or have had no memory then. */
		if (state == PAGE_NEVER_USED && ring->prepare_page &&
		    !ring->prepare_page(ring, *index)) {
			tw_store_relaxed(&trailer->state, PAGE_NEVER_USED);
			skipped++;
			continue;
		}
		/* (D) with the reader's fence and second look at the state
		 * word in tw_ring_page_copy(): a reader that has copied any of
		 * the stores below sees the page claimed. */
		tw_fence_release();
		TW_TESTPOINT(TW_AT_TURN_CLAIMED);
		return TW_TURN_DONE;
	}
	return TW_TURN_OPEN;
}

/* What a guest's counter has done is for its host to make out, which can't if
 * that is smoothed over. */
#ifdef TW_GUEST
#define MAY_GO_BACK 1
#else
#define MAY_GO_BACK 0
#endif

static void write_header(struct tw_ring *ring, struct tw_writer *writer,
			 struct tw_page *page, uint64_t now)
{
	const struct tw_ring_lane *entry = &ring->lanes[writer->lane];
	uint32_t i;

	if (!MAY_GO_BACK && now < tw_load_relaxed_u64(&entry->last_time))
		now = tw_load_relaxed_u64(&entry->last_time);
	if (now == 0)
		now = 1; /* an end of 0 is fatal to babeltrace2 */
	page->magic = TW_PAGE_MAGIC;
	for (i = 0; i < sizeof(page->uuid); i++) {
		page->uuid[i] = ring->control->uuid[i];
		TW_KEEP_LOOP();
	}
	page->stream_id = TW_PAGE_STREAM_ID;
	page->timestamp_begin = now;
	page->timestamp_end = now;
	/* Atomic: a reader that still has the page's last life in mind may be
	 * loading them, to throw them away. */
	tw_store_relaxed(&page->content_size, TW_PAGE_HEADER * 8);
	tw_store_relaxed(&page->events, 0);
	page->packet_size = ring->page_size * 8;
	page->lane = writer->lane;
	page->packet_seq_num = entry->seq;
	page->events_discarded = writer->discarded;
	page->events_before = writer->events;
	page->tid = tw_load_relaxed(&entry->tid);
	page->level = tw_load_relaxed(&entry->level);
}

/* When the page has to be turned, in ticks. */
static uint64_t end_of_time(const struct tw_page *page)
{
	const uint64_t begin = page->timestamp_begin;

	return begin + TW_PAGE_TICKS < begin ? ~(uint64_t)0
					     : begin + TW_PAGE_TICKS;
}

uint64_t tw_ring_beacon(const struct tw_ring *ring)
{
	const uint64_t *beacon = &ring->control->beacon;
	uint64_t value;

#if TW_HAVE_ATOMIC_U64
	value = tw_load_relaxed(beacon);
#else
	const tw_half_word *half = (const tw_half_word *)beacon;

	/* The high half first. A host that writes in between makes it the old
	 * high and the new low one: if they differ by a carry, that is too
	 * early, and so no less true. The other way round it would be later
	 * than anything that was written. */
	value = (uint64_t)tw_load_relaxed(&half[!TW_LOW_HALF]) << 32;
	TW_TESTPOINT_HALVES();
	tw_fence_acquire();
	value |= tw_load_relaxed(&half[TW_LOW_HALF]);
#endif
	tw_fence_clock();
	return value;
}

#ifndef TW_GUEST

enum tw_turn tw_writer_turn(struct tw_ring *ring, struct tw_writer *writer,
			    uint64_t now)
{
	return tw_writer_turn_after(ring, writer, tw_ring_beacon(ring), now);
}

#endif

enum tw_turn tw_writer_turn_after(struct tw_ring *ring,
				  struct tw_writer *writer, uint64_t beacon,
				  uint64_t now)
{
	struct tw_ring_lane *entry = &ring->lanes[writer->lane];
	struct tw_page_trailer *trailer;
	struct tw_page *page;
	uint32_t index, ticket;
	enum tw_turn turn;

	tw_writer_close(ring, writer);
	turn = claim(ring, &index, &ticket);
	if (turn != TW_TURN_DONE)
		return turn;
	page = (void *)(ring->pages + (size_t)index * ring->page_size);
	trailer = tw_ring_trailer(ring, index);
	write_header(ring, writer, page, now);
	trailer->beacon = beacon;
	TW_TESTPOINT(TW_AT_TURN_HEADER);
	tw_store_relaxed_u64(&entry->seq, page->packet_seq_num + 1);
	tw_store_relaxed(&entry->page, index + 1);
	TW_TESTPOINT(TW_AT_TURN_ENTRY);
	writer->page = page;
	writer->pos = page->payload;
	writer->end = (uintptr_t)tw_ring_page_end(ring, page);
	tw_store_relaxed_u64(&writer->limit, end_of_time(page));
	/* Release (J), with the same acquire as (I): the header is seen. */
	tw_store_release(&trailer->state, ticket | TW_PAGE_OPEN);
	TW_TESTPOINT(TW_AT_TURN_OPEN);
	return TW_TURN_DONE;
}

int tw_ring_take_waiters(struct tw_ring *ring)
{
	uint32_t seen;

	/*
	 * (F): the writer advances head, then looks for waiters; a reader says
	 * that it waits, then has the kernel compare head before it sleeps.
	 * Both sides need their store before their load, hence a full fence;
	 * with less, both could miss each other and the reader sleep on.
	 *
	 * A reader that has seen head as it is now waits for the next turn:
	 * its word stays, or it would sleep through that one.
	 */
	tw_fence_seq_cst();
	seen = tw_load_relaxed(&ring->control->waiters);
	if (TW_LIKELY(!seen))
		return 0;
	if (seen != tw_load_relaxed(&ring->control->head))
		tw_cas_acq_rel_u32(&ring->control->waiters, seen, 0);
	return 1;
}

void tw_writer_discard(struct tw_ring *ring, struct tw_writer *writer)
{
	if (!writer) {
		tw_increment_relaxed_u64(&ring->control->discarded);
		return;
	}
	writer->discarded++;
	tw_store_relaxed_u64(&ring->lanes[writer->lane].discarded,
			     writer->discarded);
	if (writer->page)
		tw_store_relaxed_u64(&writer->page->events_discarded,
				     writer->discarded);
}
