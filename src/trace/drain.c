/* SPDX-License-Identifier: MIT */
/*
 * The drain: see drain.h for what it promises.
 *
 * Which pages to look at. Ticket t stands for page t % page_count, so the
 * tickets between the last pass's head and this one's name the pages that are
 * new; they are marked as pending, and stay so until they are seen full and are
 * delivered. A ticket whose page was open in another lane is stepped over by
 * its writer; the page stays pending for a lap, which costs one load a pass. A
 * few pages more are looked at in each pass, round and round, so that nothing
 * depends on how a producer chooses its pages.
 *
 * Called by read.c (print, stat) and recording.c.
 */
#include "drain.h"

#include "../ring/atomic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TICKET_MASK (UINT32_MAX >> TW_PAGE_TICKET_SHIFT)
#define NO_TICKET UINT32_MAX
#define SWEEP 16	     /* pages looked at in a pass, needed or not */
#define SWEEP_CALLS 2	     /* the same, where each look is a system call */
#define TABLE_MAX (1u << 20) /* bytes of a lane table that are remembered */

/* What is known of one page of the ring. */
struct page_state {
	uint32_t wanted; /* the latest ticket that stands for it */
	uint32_t ticket; /* the one that the rest is about, or NO_TICKET */
	uint32_t bytes;	 /* of its content dealt with, header included */
	uint32_t events; /* in those bytes */
	uint64_t time;	 /* ticks: of the last of them, or later */
	bool done;	 /* full, and dealt with to its end */
};

/* A page to be delivered in this pass. */
struct found {
	uint32_t age; /* head - ticket */
	uint32_t index;
	uint32_t ticket;
	uint32_t state;
};

struct tw_drain {
	struct tw_attach *attach;
	struct tw_ring_reader *ring;
	struct tw_drain_options options;
	uint32_t page_count;
	uint32_t head; /* tickets below it have been marked */
	uint32_t sweep;
	struct page_state *pages;
	uint64_t *pending; /* a bit a page */
	struct found *found;
	size_t found_count;
	size_t found_room;
	struct tw_drain_lane *lanes;
	struct tw_ring_lane *table; /* as of tw_drain_remember(), or NULL */
	uint8_t *raw;		    /* what it is made of */
	uint32_t table_count;
	uint8_t *buffer;
	uint64_t no_lane_base;
	uint64_t no_lane;
	uint64_t broken;
	uint32_t group_count;
	bool gone;
};

/* ---- Whether the ring is still there ---- */

static bool is_ours(struct tw_drain *drain)
{
	struct tw_ring_reader *ring = drain->ring;
	struct tw_ring_control now;

	if (drain->gone)
		return false;
	drain->gone = tw_ring_read_bytes(ring, 0, &now, TW_RING_CONTROL_MIN) ||
		      !tw_ring_is_magic(now.magic) ||
		      memcmp(now.uuid, ring->control.uuid, sizeof(now.uuid)) !=
			      0;
	if (!drain->gone)
		drain->group_count = tw_ring_u32(ring, now.group_count);
	return !drain->gone;
}

/* What an error in the middle of reading is, if the ring is still there. */
static int error_or_gone(struct tw_drain *drain, int error)
{
	return error && is_ours(drain) ? error : 0;
}

static bool has_our_uuid(const struct tw_drain *drain, const void *page)
{
	return memcmp((const uint8_t *)page + offsetof(struct tw_page, uuid),
		      drain->ring->control.uuid,
		      sizeof(drain->ring->control.uuid)) == 0;
}

/*
 * A copied page is of this ring, and of this ring alone. A producer that starts
 * anew takes the magic away before it touches anything else, so a ring that is
 * there after the copy was there during it. The page's header is looked at
 * again as well, for memory that somebody else clears.
 */
static int check_copy(struct tw_drain *drain, const struct tw_page_view *view)
{
	uint8_t again[TW_PAGE_HEADER];

	tw_fence_acquire();
	if (tw_ring_read_bytes(drain->ring,
			       tw_ring_page_offset(drain->ring, view->index),
			       again, sizeof(again)) ||
	    !is_ours(drain))
		return -EAGAIN;
	return has_our_uuid(drain, drain->buffer) && has_our_uuid(drain, again)
		       ? 0
		       : -EBADMSG;
}

/* ---- Which pages to look at ---- */

static void mark(struct tw_drain *drain, uint32_t index)
{
	drain->pending[index / 64] |= (uint64_t)1 << index % 64;
}

static void unmark(struct tw_drain *drain, uint32_t index)
{
	drain->pending[index / 64] &= ~((uint64_t)1 << index % 64);
}

/* Mark the pages of the tickets handed out since the last pass. */
static void mark_new(struct tw_drain *drain, uint32_t head)
{
	uint32_t ticket = drain->head;
	uint32_t i = drain->ring->memory.base ? SWEEP : SWEEP_CALLS;

	if (head - ticket > drain->page_count)
		ticket = head - drain->page_count;
	for (; ticket != head; ticket++) {
		drain->pages[ticket % drain->page_count].wanted = ticket &
								  TICKET_MASK;
		mark(drain, ticket % drain->page_count);
	}
	drain->head = head;
	while (i--) {
		mark(drain, drain->sweep);
		drain->sweep = (drain->sweep + 1) % drain->page_count;
	}
}

static int add_found(struct tw_drain *drain, const struct found *found)
{
	size_t room = drain->found_room ? drain->found_room * 2 : 64;
	struct found *list;

	if (drain->found_count == drain->found_room) {
		list = realloc(drain->found, room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		drain->found = list;
		drain->found_room = room;
	}
	drain->found[drain->found_count++] = *found;
	return 0;
}

/* Tickets below head, by how far below; 0 for those that are not. */
static uint32_t ticket_age(uint32_t head, uint32_t ticket)
{
	const uint32_t age = (head - ticket) & TICKET_MASK;

	return age > TICKET_MASK / 2 ? 0 : age;
}

static bool is_settled(const struct page_state *page, uint32_t ticket)
{
	return page->done && page->ticket == ticket;
}

/* Look at one pending page: to be delivered, later, or done with. */
static int look_at(struct tw_drain *drain, uint32_t index, bool open)
{
	const struct page_state *page = &drain->pages[index];
	struct found found = {.index = index};
	uint32_t word;
	int error;

	error = tw_ring_page_state(drain->ring, index, &word);
	if (error)
		return error;
	found.ticket = word >> TW_PAGE_TICKET_SHIFT;
	found.state = word & TW_PAGE_STATE_MASK;
	if (is_settled(page, found.ticket) ||
	    (found.state == TW_PAGE_FREE && page->wanted == NO_TICKET)) {
		if (page->wanted == found.ticket || page->wanted == NO_TICKET)
			unmark(drain, index);
		return 0;
	}
	found.age = ticket_age(drain->head, found.ticket);
	if (!found.age || (found.state != TW_PAGE_FULL &&
			   !(found.state == TW_PAGE_OPEN && open)))
		return 0;
	return add_found(drain, &found);
}

static int by_age(const void *a, const void *b)
{
	const struct found *one = a;
	const struct found *other = b;

	return one->age < other->age ? 1 : one->age > other->age ? -1 : 0;
}

/* Find the pages of this pass, oldest ticket first. */
static int gather(struct tw_drain *drain, bool open)
{
	uint32_t words = (drain->page_count + 63) / 64;
	uint32_t head, word;
	uint64_t bits;
	int error;

	/* Acquire, with the writers' exchange of head (F): the pages that lanes
	 * left before they took a ticket below head are seen full. */
	error = tw_ring_head(drain->ring, &head);
	if (error)
		return error;
	mark_new(drain, head);
	drain->found_count = 0;
	for (word = 0; word < words; word++) {
		for (bits = drain->pending[word]; bits; bits &= bits - 1) {
			error = look_at(drain,
					word * 64 +
						(uint32_t)__builtin_ctzll(bits),
					open);
			if (error)
				return error;
		}
	}
	if (drain->found_count > 1)
		qsort(drain->found, drain->found_count, sizeof(*drain->found),
		      by_age);
	return 0;
}

/* Whether an open page has events that were not delivered yet. */
static bool has_grown(struct tw_drain *drain, const struct found *found)
{
	const struct page_state *page = &drain->pages[found->index];
	const uint64_t at = tw_ring_page_offset(drain->ring, found->index) +
			    offsetof(struct tw_page, content_size);
	uint32_t bits;

	if (tw_ring_read_bytes(drain->ring, at, &bits, sizeof(bits)))
		return true;
	if (page->ticket != found->ticket)
		return tw_ring_u32(drain->ring, bits) > TW_PAGE_HEADER * 8;
	return tw_ring_u32(drain->ring, bits) / 8 != page->bytes;
}

static void settle(struct tw_drain *drain, const struct tw_page_view *view)
{
	struct page_state *page = &drain->pages[view->index];

	page->ticket = view->ticket;
	page->bytes = view->size;
	page->events = view->events;
	page->time = view->time_end;
	page->done = view->state == TW_PAGE_FULL;
	if (page->done && page->wanted == page->ticket)
		unmark(drain, view->index);
}

static void settle_broken(struct tw_drain *drain, const struct found *found)
{
	struct page_state *page = &drain->pages[found->index];

	drain->broken++;
	page->ticket = found->ticket;
	page->done = true;
}

static uint64_t more_than(uint64_t value, uint64_t known)
{
	return value > known ? value - known : 0;
}

static uint64_t discarded_since(const struct tw_drain_lane *lane,
				uint64_t discarded)
{
	return more_than(more_than(discarded, lane->discarded_base),
			 lane->discarded);
}

/* The part of the page that is new, and what went missing before it. */
static void describe(const struct tw_drain *drain,
		     const struct tw_page_view *view,
		     struct tw_drain_page *part)
{
	const struct page_state *page = &drain->pages[view->index];
	const struct tw_drain_lane *lane = &drain->lanes[view->lane];
	const bool begun = page->ticket == view->ticket &&
			   page->bytes <= view->size &&
			   page->events <= view->events;
	const uint32_t before = begun ? page->events : 0;

	part->view = view;
	part->page = drain->buffer;
	part->from = begun ? page->bytes : TW_PAGE_HEADER;
	part->events = view->events - before;
	part->events_before = view->events_before + before;
	part->time_from = begun ? page->time : view->time_begin;
	part->lost = more_than(part->events_before, lane->known);
	part->discarded = discarded_since(lane, view->discarded);
}

static void count(struct tw_drain *drain, const struct tw_drain_page *part)
{
	struct tw_drain_lane *lane = &drain->lanes[part->view->lane];

	lane->used = true;
	lane->tid = part->view->tid;
	lane->level = part->view->level;
	lane->delivered += part->events;
	lane->lost += part->lost;
	lane->discarded += part->discarded;
	if (part->events_before + part->events > lane->known)
		lane->known = part->events_before + part->events;
	lane->seq = part->view->seq;
}

static void give_back(struct tw_drain *drain, const struct tw_page_view *view)
{
	/* A page that another reader gave back first is as good. */
	if (drain->options.release && view->state == TW_PAGE_FULL &&
	    drain->ring->control.mode != TW_RING_OVERWRITE)
		tw_ring_page_release(drain->ring, view);
}

/* A full page that says it is another ring's will say so for good. */
static bool is_foreign(struct tw_drain *drain, const struct found *found)
{
	struct tw_page page;
	uint32_t word;

	return found->state == TW_PAGE_FULL &&
	       !tw_ring_read_bytes(
		       drain->ring,
		       tw_ring_page_offset(drain->ring, found->index), &page,
		       TW_PAGE_HEADER) &&
	       !tw_ring_page_state(drain->ring, found->index, &word) &&
	       word == (found->ticket << TW_PAGE_TICKET_SHIFT | TW_PAGE_FULL) &&
	       !has_our_uuid(drain, &page);
}

/*
 * Copy a page that was found. -EAGAIN: it is not to be had, now or (a broken
 * one, which is counted) ever.
 */
static int copy_page(struct tw_drain *drain, const struct found *found,
		     struct tw_page_view *view)
{
	int error;

	error = tw_ring_page_copy(drain->ring, found->index, drain->buffer,
				  view);
	if (!error)
		error = check_copy(drain, view);
	if (error == -EAGAIN && is_foreign(drain, found))
		error = -EBADMSG;
	if (error && error != -EAGAIN && !is_ours(drain))
		return -EAGAIN;
	if (error == -EBADMSG) {
		settle_broken(drain, found);
		return -EAGAIN;
	}
	return error;
}

/* Deliver one page. Returns its bytes, 0 if it is not to be had now. */
static int64_t deliver(struct tw_drain *drain, const struct found *found,
		       tw_drain_fn fn, void *context)
{
	struct tw_page_view view;
	struct tw_drain_page part;
	int error;

	if (found->state == TW_PAGE_OPEN && !has_grown(drain, found))
		return 0;
	error = copy_page(drain, found, &view);
	if (error)
		return error == -EAGAIN ? 0 : error;
	/* Reclaimed since it was looked at: a later pass's business. */
	if (view.ticket != found->ticket)
		return 0;
	describe(drain, &view, &part);
	/* A lane that goes backwards is no lane of an honest producer; its
	 * events have been counted as lost already. */
	if (view.seq < drain->lanes[view.lane].seq) {
		settle_broken(drain, found);
		return 0;
	}
	/* Nothing new in it, and not even a number in the lane's sequence. */
	if (part.from == view.size && part.from > TW_PAGE_HEADER) {
		settle(drain, &view);
		give_back(drain, &view);
		return 0;
	}
	error = fn(context, &part);
	if (error)
		return error;
	count(drain, &part);
	settle(drain, &view);
	give_back(drain, &view);
	return view.size;
}

static int64_t pass(struct tw_drain *drain, uint64_t budget, bool open,
		    tw_drain_fn fn, void *context)
{
	uint64_t total = 0;
	int64_t bytes;
	size_t i;
	int error;

	if (!is_ours(drain))
		return 0;
	error = gather(drain, open);
	if (error)
		return error_or_gone(drain, error);
	for (i = 0; !drain->gone && i < drain->found_count; i++) {
		bytes = deliver(drain, &drain->found[i], fn, context);
		if (bytes < 0)
			return bytes;
		total += (uint64_t)bytes;
		if (budget && total >= budget)
			break;
	}
	return (int64_t)total;
}

int64_t tw_drain_pass(struct tw_drain *drain, uint64_t budget, tw_drain_fn fn,
		      void *context)
{
	return pass(drain, budget, drain->options.open, fn, context);
}

static void copy_name(struct tw_drain_lane *lane,
		      const struct tw_ring_lane *entry)
{
	memcpy(lane->name, entry->name, sizeof(entry->name));
	lane->name[sizeof(entry->name)] = 0;
}

/* What the lane table says was written and discarded, by lane. */
static int read_lanes(struct tw_drain *drain, struct tw_ring_lane *entries)
{
	uint32_t i;
	int error;

	for (i = 0; i < drain->ring->control.lane_count; i++) {
		error = tw_ring_read_lane(drain->ring, i, &entries[i]);
		if (error)
			return error;
	}
	return 0;
}

/* ---- What is known if the ring goes ---- */

static void take_entry(const struct tw_ring_reader *ring, const uint8_t *raw,
		       struct tw_ring_lane *entry)
{
	memcpy(entry, raw, sizeof(*entry));
	entry->state = tw_ring_u32(ring, entry->state);
	entry->tid = tw_ring_u32(ring, entry->tid);
	entry->level = tw_ring_u32(ring, entry->level);
	entry->events = tw_ring_u64(ring, entry->events);
	entry->discarded = tw_ring_u64(ring, entry->discarded);
}

static bool allocate_table(struct tw_drain *drain)
{
	const struct tw_ring_control *control = &drain->ring->control;

	if (drain->table)
		return true;
	drain->table_count = TABLE_MAX / control->lane_size;
	if (drain->table_count > control->lane_count)
		drain->table_count = control->lane_count;
	if (!drain->raw)
		drain->raw = malloc(2 * (size_t)drain->table_count *
				    control->lane_size);
	if (drain->raw)
		drain->table = calloc(drain->table_count,
				      sizeof(*drain->table));
	return drain->table;
}

void tw_drain_remember(struct tw_drain *drain)
{
	struct tw_ring_reader *ring = drain->ring;
	const uint32_t stride = ring->control.lane_size;
	const uint8_t *again;
	uint64_t no_lane;
	size_t size, i;

	if (!allocate_table(drain))
		return;
	size = (size_t)drain->table_count * stride;
	again = drain->raw + size;
	/* Twice, since an entry may be met half-way: see ring-read.c. */
	if (tw_ring_discarded(ring, &no_lane) ||
	    tw_ring_read_bytes(ring, ring->control.lanes_offset, drain->raw,
			       size) ||
	    tw_ring_read_bytes(ring, ring->control.lanes_offset,
			       drain->raw + size, size))
		return;
	tw_fence_acquire();
	if (!is_ours(drain))
		return;
	drain->no_lane = more_than(no_lane, drain->no_lane_base);
	for (i = 0; i < drain->table_count; i++)
		if (!memcmp(drain->raw + i * stride, again + i * stride,
			    sizeof(*drain->table)))
			take_entry(ring, again + i * stride, &drain->table[i]);
}

/* ---- The end ---- */

static void name_lane(struct tw_drain_lane *lane,
		      const struct tw_ring_lane *entry)
{
	if (entry->state == TW_LANE_FREE)
		return;
	lane->used = true;
	lane->tid = entry->tid;
	lane->level = entry->level;
	copy_name(lane, entry);
}

static void finish_lane(struct tw_drain_lane *lane,
			const struct tw_ring_lane *entry)
{
	name_lane(lane, entry);
	if (entry->state == TW_LANE_FREE)
		return;
	lane->lost_tail = more_than(entry->events, lane->known);
	lane->lost += lane->lost_tail;
	lane->known += lane->lost_tail;
	lane->discarded_tail = discarded_since(lane, entry->discarded);
	lane->discarded += lane->discarded_tail;
}

/* The lane table and the rest of the counts, as they are or were last. */
static int read_counts(struct tw_drain *drain, struct tw_ring_lane *entries)
{
	uint64_t no_lane;
	int error;

	error = read_lanes(drain, entries);
	if (!error)
		error = tw_ring_discarded(drain->ring, &no_lane);
	tw_fence_acquire();
	if (is_ours(drain)) {
		if (!error)
			drain->no_lane = more_than(no_lane,
						   drain->no_lane_base);
		return error;
	}
	memset(entries, 0, drain->ring->control.lane_count * sizeof(*entries));
	if (drain->table)
		memcpy(entries, drain->table,
		       drain->table_count * sizeof(*entries));
	return 0;
}

/* The last pass, and what the lane table says of each lane. */
static int64_t end(struct tw_drain *drain, tw_drain_fn fn, void *context,
		   void (*end_lane)(struct tw_drain_lane *lane,
				    const struct tw_ring_lane *entry))
{
	const uint32_t count = drain->ring->control.lane_count;
	struct tw_ring_lane *entries;
	int64_t result;
	uint32_t i;

	entries = calloc(count, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	/* The table first: what it counts was in pages that are full by now,
	 * so what of it the last pass does not bring has been overwritten. */
	result = read_counts(drain, entries);
	if (!result)
		result = pass(drain, 0, true, fn, context);
	if (result < 0)
		goto out;
	for (i = 0; i < count; i++)
		end_lane(&drain->lanes[i], &entries[i]);
out:
	free(entries);
	return result;
}

int64_t tw_drain_finish(struct tw_drain *drain, tw_drain_fn fn, void *context)
{
	return end(drain, fn, context, finish_lane);
}

int64_t tw_drain_cut(struct tw_drain *drain, tw_drain_fn fn, void *context)
{
	return end(drain, fn, context, name_lane);
}

bool tw_drain_is_gone(const struct tw_drain *drain)
{
	return drain->gone;
}

bool tw_drain_look(struct tw_drain *drain)
{
	return !is_ours(drain);
}

void tw_drain_set_open(struct tw_drain *drain, bool open)
{
	drain->options.open = open;
}

/* ---- Starting from now ---- */

static void skip_events(struct tw_drain *drain, const struct tw_page_view *view)
{
	struct tw_drain_lane *lane = &drain->lanes[view->lane];

	if (view->events_before + view->events > lane->known)
		lane->known = view->events_before + view->events;
	if (view->seq > lane->seq)
		lane->seq = view->seq;
	settle(drain, view);
}

/*
 * The numbers of a full page, without its content: a large ring holds a
 * second's worth of copying.
 */
static int peek(struct tw_drain *drain, const struct found *found,
		struct tw_page_view *view)
{
	struct tw_ring_reader *ring = drain->ring;
	struct tw_page page;
	uint32_t word;
	int error;

	error = tw_ring_read_bytes(
		ring, tw_ring_page_offset(drain->ring, found->index), &page,
		TW_PAGE_HEADER);
	tw_fence_acquire();
	if (!error)
		error = tw_ring_page_state(ring, found->index, &word);
	if (error)
		return error;
	if (word >> TW_PAGE_TICKET_SHIFT != found->ticket)
		return -EAGAIN;
	*view = (struct tw_page_view){
		.index = found->index,
		.ticket = found->ticket,
		.state = TW_PAGE_FULL,
		.lane = tw_ring_u32(ring, page.lane),
		.events = tw_ring_u32(ring, page.events),
		.size = tw_ring_u32(ring, page.content_size) / 8,
		.seq = tw_ring_u64(ring, page.packet_seq_num),
		.events_before = tw_ring_u64(ring, page.events_before),
	};
	return view->lane < ring->control.lane_count ? 0 : -EBADMSG;
}

/* What is in the ring was before our time. */
static int skip_page(struct tw_drain *drain, const struct found *found)
{
	struct tw_page_view view;
	int error;

	if (found->state == TW_PAGE_FULL)
		error = peek(drain, found, &view);
	else
		error = tw_ring_page_copy(drain->ring, found->index,
					  drain->buffer, &view);
	if (error == -EBADMSG && is_ours(drain))
		settle_broken(drain, found);
	if (error == -EAGAIN || error == -EBADMSG)
		return 0;
	if (!error && view.ticket == found->ticket) {
		skip_events(drain, &view);
		give_back(drain, &view);
	}
	return error;
}

static int skip_pages(struct tw_drain *drain)
{
	size_t i;
	int error;

	error = gather(drain, true);
	for (i = 0; !error && i < drain->found_count; i++)
		error = skip_page(drain, &drain->found[i]);
	return error;
}

static int start_lane(struct tw_drain *drain, uint32_t index)
{
	struct tw_drain_lane *lane = &drain->lanes[index];
	struct tw_ring_lane entry;
	int error;

	error = tw_ring_read_lane(drain->ring, index, &entry);
	if (error)
		return error;
	/* Of lanes whose pages have all gone, only the table knows. */
	if (entry.events > lane->known)
		lane->known = entry.events;
	lane->base = lane->known;
	lane->discarded_base = entry.discarded;
	return 0;
}

static int start_now(struct tw_drain *drain)
{
	uint32_t i;
	int error;

	error = tw_ring_discarded(drain->ring, &drain->no_lane_base);
	if (!error)
		error = skip_pages(drain);
	for (i = 0; !error && i < drain->ring->control.lane_count; i++)
		error = start_lane(drain, i);
	return error;
}

/* ---- Starting where another has ended ---- */

static bool is_same_ring(const struct tw_drain *a, const struct tw_drain *b)
{
	const struct tw_ring_control *one = &a->ring->control;
	const struct tw_ring_control *other = &b->ring->control;

	return memcmp(one->uuid, other->uuid, sizeof(one->uuid)) == 0 &&
	       a->page_count == b->page_count &&
	       one->lane_count == other->lane_count;
}

static int start_after(struct tw_drain *drain, const struct tw_drain *other)
{
	const uint32_t words = (drain->page_count + 63) / 64;
	const struct tw_drain_lane *lane;
	uint32_t i;

	if (other->gone || !is_same_ring(drain, other))
		return -ESTALE;
	memcpy(drain->pages, other->pages,
	       drain->page_count * sizeof(*drain->pages));
	memcpy(drain->pending, other->pending, words * sizeof(*drain->pending));
	drain->head = other->head;
	drain->sweep = other->sweep;
	drain->no_lane_base = other->no_lane_base + other->no_lane;
	for (i = 0; i < drain->ring->control.lane_count; i++) {
		lane = &other->lanes[i];
		drain->lanes[i].base = lane->known;
		drain->lanes[i].known = lane->known;
		drain->lanes[i].seq = lane->seq;
		drain->lanes[i].discarded_base = lane->discarded_base +
						 lane->discarded;
	}
	return 0;
}

/* ---- Life ---- */

static int allocate(struct tw_drain *drain)
{
	const struct tw_ring_control *control = &drain->ring->control;

	drain->pages = calloc(drain->page_count, sizeof(*drain->pages));
	drain->pending = calloc((drain->page_count + 63) / 64,
				sizeof(*drain->pending));
	drain->lanes = calloc(control->lane_count, sizeof(*drain->lanes));
	drain->buffer = malloc(control->page_size);
	return drain->pages && drain->pending && drain->lanes && drain->buffer
		       ? 0
		       : -ENOMEM;
}

static int start(struct tw_drain *drain)
{
	uint32_t i;
	int error;

	error = allocate(drain);
	if (error)
		return error;
	if (drain->options.after)
		return start_after(drain, drain->options.after);
	for (i = 0; i < drain->page_count; i++) {
		drain->pages[i].wanted = NO_TICKET;
		drain->pages[i].ticket = NO_TICKET;
		mark(drain, i);
	}
	error = tw_ring_head(drain->ring, &drain->head);
	if (error)
		return error;
	/* Tickets of the last lap: mark_new() does the rest. */
	drain->head -= drain->head < drain->page_count ? drain->head
						       : drain->page_count;
	return drain->options.start == TW_DRAIN_NOW ? start_now(drain) : 0;
}

int tw_drain_create(struct tw_attach *attach,
		    const struct tw_drain_options *options,
		    struct tw_drain **result)
{
	struct tw_drain *drain = calloc(1, sizeof(*drain));
	int error;

	if (!drain)
		return -ENOMEM;
	drain->attach = attach;
	drain->ring = &attach->ring;
	drain->options = *options;
	drain->page_count = attach->ring.control.page_count;
	error = start(drain);
	if (error) {
		tw_drain_destroy(drain);
		return error;
	}
	drain->options.after = NULL;
	*result = drain;
	return 0;
}

void tw_drain_destroy(struct tw_drain *drain)
{
	if (!drain)
		return;
	free(drain->pages);
	free(drain->pending);
	free(drain->found);
	free(drain->lanes);
	free(drain->table);
	free(drain->raw);
	free(drain->buffer);
	free(drain);
}

uint32_t tw_drain_group_count(const struct tw_drain *drain)
{
	return drain->group_count;
}

uint32_t tw_drain_head(const struct tw_drain *drain)
{
	return drain->head;
}

uint32_t tw_drain_lane_count(const struct tw_drain *drain)
{
	return drain->ring->control.lane_count;
}

const struct tw_drain_lane *tw_drain_lane(const struct tw_drain *drain,
					  uint32_t index)
{
	return &drain->lanes[index];
}

void tw_drain_totals(const struct tw_drain *drain,
		     struct tw_drain_totals *totals)
{
	const uint32_t lanes = drain->ring->control.lane_count;
	uint32_t i;

	*totals = (struct tw_drain_totals){.lost = drain->no_lane,
					   .no_lane = drain->no_lane,
					   .broken = drain->broken};
	for (i = 0; i < lanes; i++) {
		totals->delivered += drain->lanes[i].delivered;
		totals->lost += drain->lanes[i].lost;
		totals->lost += drain->lanes[i].discarded;
		totals->tail += drain->lanes[i].lost_tail;
		totals->tail += drain->lanes[i].discarded_tail;
	}
}
