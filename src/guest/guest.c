/* SPDX-License-Identifier: MIT */
/*
 * The guest runtime (trackway/guest.h): a ring in memory that the caller gives,
 * and a lane of it for each CPU and each level of nesting there.
 *
 * An event takes the first of its CPU's lanes that is not busy: that of the
 * main flow, unless it interrupts an event that is being written, which then
 * has that lane until the interrupt is over. So a lane has one writer at a
 * time, and nothing is masked for it. Pages come from the pool that all lanes
 * share, as in a hosted ring (src/ring/ring-write.c).
 *
 * One file, with what it takes from src/ring as static functions, so that what
 * a guest doesn't call costs no ROM. Loops that compilers know as a call of
 * memcpy() and the like say TW_KEEP_LOOP().
 */
#include "target.h"

#include <trackway/guest.h>

#include "../ring/ring-write.c" /* NOLINT(bugprone-suspicious-include) */
#include "hooks.h"

#define LANES ((size_t)(TW_GUEST_CPUS) * (TW_GUEST_LEVELS))

/* What is before the groups, the part that changes after the start. */
#define HEAD_SIZE (TW_RING_CONTROL_MIN + LANES * sizeof(struct tw_ring_lane))

#define ATTACHED 1u /* tw_writer.flags: its lane's entry is filled in */
#define HEAP_ALIGN 8u
#define PAGES_AT_LEAST 8u /* where a page's size is not given */
#define PAGE_SHIFT_MIN 8
#define PAGE_SHIFT_MAX 14 /* the same */
#define COARSE_SHIFT 20
#define CLOCK_MASK_MIN (((uint64_t)1 << (COARSE_SHIFT + 2)) - 1)

#if TW_GUEST_INLINE
#define LANES_OF(state) tw_guest_lanes
struct tw_lane tw_guest_lanes[LANES];
#else
#define LANES_OF(state) ((state).lanes)
struct tw_lane {
	struct tw_writer writer;
#if TW_GUEST_CPUS > 1
} __attribute__((aligned(64)));
#else
};
#endif
#endif

static struct {
	struct tw_ring ring;
	struct tw_group *const *groups;
	uint32_t group_count;
	bool running;
	uint32_t text_max;   /* bytes of a string that are kept */
	uint32_t coarse;     /* widened time >> COARSE_SHIFT */
	uint64_t clock_mask; /* ~0: the clock never wraps */
	uint32_t answered;   /* the last beacon's low 16 bits that was */
	uint32_t answering;  /* some CPU is at it */
#ifdef TW_GUEST_WHOLE_GUARD
	uintptr_t saved[TW_GUEST_CPUS]; /* by the event under way */
#endif
#if !TW_GUEST_INLINE
	struct tw_lane lanes[LANES];
#endif
} guest;

/* The CPU's lanes, one for each level. */
static TW_INLINE struct tw_lane *lanes_of(uint32_t cpu)
{
	return &LANES_OF(guest)[(size_t)cpu * TW_GUEST_LEVELS];
}

static void copy(void *to, const void *from, size_t size)
{
	const uint8_t *source = (const uint8_t *)from;
	uint8_t *target = (uint8_t *)to;

	while (size--) {
		*target++ = *source++;
		TW_KEEP_LOOP();
	}
}

/*
 * Strings and bytes.
 */

size_t tw_string_length(const char *text)
{
	size_t length = 0;

	while (text && length < guest.text_max && text[length]) {
		length++;
		TW_KEEP_LOOP();
	}
	return length;
}

size_t tw_bytes_length(const void *bytes, int64_t length)
{
	if (!bytes || length <= 0)
		return 0;
	return length < (int64_t)guest.text_max ? (size_t)length
						: guest.text_max;
}

unsigned char *tw_put_string(unsigned char *at, const char *text, size_t length)
{
	copy(at, text, length);
	at[length] = 0;
	return at + length + 1;
}

unsigned char *tw_put_bytes(unsigned char *at, const void *bytes, size_t length)
{
	uint16_t count = (uint16_t)length;

	at = TW_PUT(at, count);
	copy(at, bytes, length);
	return at + length;
}

/*
 * Events.
 */

/*
 * The time by a counter that wraps: the one that is next to the last time that
 * any lane had. That is kept coarse, as a word that all may store at any
 * moment; one that is late by less than a quarter of a round does no harm.
 */
static uint64_t widen(uint64_t count)
{
	const uint64_t mask = guest.clock_mask;
	uint64_t base = (uint64_t)tw_load_relaxed(&guest.coarse)
			<< COARSE_SHIFT;
	uint64_t ahead = (count - base) & mask;

	if (ahead > mask - (mask >> 2))
		return base + ahead - mask - 1;
	tw_store_relaxed(&guest.coarse,
			 (uint32_t)((base + ahead) >> COARSE_SHIFT));
	return base + ahead;
}

static uint64_t clock_now(void)
{
	uint64_t count = TW_GUEST_CLOCK();

	return guest.clock_mask == ~(uint64_t)0 ? count : widen(count);
}

/*
 * Answers to a host: the clock, read between a beacon and what the host sees
 * next.
 */

/* By who has taken guest.answering: halves of two answers would make none. */
static void answer(uint64_t beacon, uint64_t now)
{
	struct tw_ring_control *control = guest.ring.control;
	const uint32_t nonce = (uint16_t)beacon;

	if (nonce == guest.answered)
		return;
	tw_store_relaxed(&guest.answered, nonce);
#if TW_HAVE_ATOMIC_U64
	tw_store_relaxed(&control->reply, now << 16 | nonce);
#else
	/* Release (Q): who sees the low half, which has the nonce, sees the
	 * high one. */
	tw_half_word *half = (tw_half_word *)&control->reply;

	tw_store_relaxed(&half[!TW_LOW_HALF], (uint32_t)(now >> 16));
	TW_TESTPOINT_HALVES();
	tw_store_release(&half[TW_LOW_HALF], (uint32_t)now << 16 | nonce);
#endif
	TW_GUEST_CLEAN(&control->reply, sizeof(control->reply));
}

/*
 * The time, and a beacon that was written before it; a host that waits for an
 * answer to that has it. With the guard. What interrupts an answer, and other
 * CPUs meanwhile, give none: the beacon is read by who answers it, and so no
 * answer to an old one comes after that to a new one.
 */
static uint64_t time_after_beacon(uint64_t *beacon)
{
	uint64_t now;
	bool is_asked;

	*beacon = tw_ring_beacon(&guest.ring);
	/* Acquire in the exchange (R), with the release below: what was
	 * answered last is seen, and what was stored for it is there. */
	is_asked = (uint16_t)*beacon != tw_load_relaxed(&guest.answered) &&
		   tw_cas_acq_rel_u32(&guest.answering, 0, 1);
	if (is_asked)
		*beacon = tw_ring_beacon(&guest.ring);
	now = clock_now();
	if (is_asked) {
		answer(*beacon, now);
		tw_store_release(&guest.answering, 0); /* (R) */
	}
	return now;
}

bool tw_guest_sync(void)
{
	const tw_half_word *half;
	uint64_t beacon;
	uintptr_t saved;

	if (!guest.running)
		return false;
	half = (const tw_half_word *)&guest.ring.control->beacon;
	if ((uint16_t)tw_load_relaxed(&half[TW_LOW_HALF]) ==
	    tw_load_relaxed(&guest.answered))
		return false;
	saved = TW_GUEST_GUARD_ENTER();
	(void)time_after_beacon(&beacon);
	TW_GUEST_GUARD_LEAVE(saved);
	return true;
}

#if !TW_GUEST_INLINE

/* Take a lane: what interrupts from here on goes elsewhere. 0: it was busy. */
static TW_INLINE uintptr_t tw_lane_take(struct tw_lane *lane)
{
	uintptr_t lock = tw_load_relaxed(&lane->writer.lock);

	tw_store_relaxed(&lane->writer.lock, 0);
	/* (C), as in trackway/slot.h. */
	TW_COMPILER_BARRIER();
	return lock;
}

static TW_INLINE void tw_lane_put(struct tw_lane *lane, uintptr_t lock)
{
	TW_COMPILER_BARRIER(); /* (C) */
	tw_store_relaxed(&lane->writer.lock, lock);
}

#endif

/* The first lane of the CPU that is not busy, taken; NULL: all are. */
static struct tw_lane *take_level(uint32_t cpu, uint32_t *level)
{
	struct tw_lane *lane = lanes_of(cpu);

	for (*level = 0; *level < TW_GUEST_LEVELS; ++*level, lane++)
		if (tw_lane_take(lane))
			return lane;
	return NULL;
}

/* The first event of a lane. */
static void attach(struct tw_writer *writer, uint32_t cpu, uint32_t level)
{
	struct tw_ring_lane *entry = &guest.ring.lanes[writer->lane];

	entry->tid = cpu;
	entry->level = level;
	copy(entry->name, level ? "irq" : "cpu", 3);
	tw_store_release(&entry->state, TW_LANE_USED);
	writer->flags = ATTACHED;
}

static bool has_room(const struct tw_writer *writer, size_t size, uint64_t now)
{
	struct tw_page *page = writer->page;

	return page &&
	       writer->pos + size <= tw_ring_page_end(&guest.ring, page) &&
	       /* A page has one direction. */
	       now >= page->timestamp_end &&
	       now - page->timestamp_begin < TW_PAGE_TICKS;
}

/* The event's time is read once more, so that it is later than what the page
 * has for a beacon. */
static bool turn_page(struct tw_writer *writer, uint64_t *now)
{
	uint64_t beacon;

	*now = time_after_beacon(&beacon);
	if (tw_writer_turn_after(&guest.ring, writer, beacon, *now) !=
	    TW_TURN_DONE)
		return false;
	/* Every event is to come the slow way, by widen(). */
	if (guest.clock_mask != ~(uint64_t)0)
		writer->end = TW_WRITER_SLOW;
	TW_GUEST_CLEAN(guest.ring.control, HEAD_SIZE);
	TW_GUEST_CLEAN(writer->page, guest.ring.page_size);
	return true;
}

/* Room for the event in a lane that is taken, and its time. */
static bool reserve(struct tw_writer *writer, size_t size, uint64_t *time)
{
	uint64_t now = clock_now();
	uint64_t last;

	/* Before the turn: an event that fits nowhere should use up no page. */
	if (size > guest.ring.page_size - TW_PAGE_HEADER - TW_PAGE_TRAILER)
		return false;
	if (!has_room(writer, size, now) && !turn_page(writer, &now))
		return false;
	/* The page may begin later than now: none begins at 0. */
	last = writer->page->timestamp_end;
	*time = now < last ? last : now;
	return true;
}

/* The lane, taken, in which the event has room, and its time. NULL: there is
 * none, which is counted. */
static struct tw_lane *open_level(uint32_t cpu, size_t size, uint64_t *time)
{
	struct tw_lane *lane;
	uint32_t level;

	lane = take_level(cpu, &level);
	if (!lane) {
		tw_writer_discard(&guest.ring, NULL);
		return NULL;
	}
	if (!(lane->writer.flags & ATTACHED))
		attach(&lane->writer, cpu, level);
	if (reserve(&lane->writer, size, time))
		return lane;
	tw_writer_discard(&guest.ring, &lane->writer);
	tw_lane_put(lane, TW_WRITER_FREE);
	return NULL;
}

#if TW_GUEST_INLINE

/* A first event, a full page, a busy lane, a clock that went back, a CPU that
 * nobody spoke of. */
bool tw_slot_open_slow(struct tw_slot *slot, size_t size)
{
	const uint32_t cpu = TW_GUEST_CPU();
	uintptr_t saved;

#if TW_GUEST_CPUS > 1
	if (cpu >= TW_GUEST_CPUS) {
		tw_writer_discard(&guest.ring, NULL);
		return false;
	}
#endif
	saved = TW_GUEST_GUARD_ENTER();
	slot->lane = open_level(cpu, size, &slot->time);
	TW_GUEST_GUARD_LEAVE(saved);
	if (!slot->lane)
		return false;
	slot->page = slot->lane->writer.page;
	slot->at = slot->lane->writer.pos;
	return true;
}

#else

/* The time goes where the event begins; its id comes with the commit. */
static TW_INLINE unsigned char *stamp(struct tw_page *page, unsigned char *at,
				      uint64_t time)
{
	uint64_t word = TW_EVENT_WORD(time, 0);

	TW_PUT(at, word);
	tw_fence_release(); /* (T), as in tw_slot_end() */
	tw_store_relaxed_u64(&page->timestamp_end, time);
	return at;
}

/* As tw_slot_open_slow() in trackway/guest.h. */
static TW_COLD unsigned char *begin_slow(uint32_t cpu, size_t size)
{
	uintptr_t saved = TW_GUEST_GUARD_ENTER();
	uint64_t time;
	struct tw_lane *lane = open_level(cpu, size, &time);

	TW_GUEST_GUARD_LEAVE(saved);
	return lane ? stamp(lane->writer.page, lane->writer.pos, time) : NULL;
}

/* The common case: the main flow's lane, free and with room. */
static TW_INLINE unsigned char *begin_fast(struct tw_lane *lane, size_t size)
{
	struct tw_writer *writer = &lane->writer;
	uintptr_t lock = tw_lane_take(lane);
	unsigned char *at = writer->pos;
	struct tw_page *page = writer->page;
	uint64_t now;

	if (TW_LIKELY((uintptr_t)at + size <= (writer->end & lock))) {
		now = TW_GUEST_CLOCK();
		if (TW_LIKELY(now >= page->timestamp_end &&
			      now < writer->limit))
			return stamp(page, at, now);
	}
	tw_lane_put(lane, lock);
	return NULL;
}

static TW_INLINE unsigned char *begin(uint32_t cpu, size_t size)
{
	unsigned char *at;

#if TW_GUEST_CPUS > 1
	if (TW_UNLIKELY(cpu >= TW_GUEST_CPUS)) {
		tw_writer_discard(&guest.ring, NULL);
		return NULL;
	}
#endif
	at = begin_fast(lanes_of(cpu), size);
	return TW_LIKELY(at != NULL) ? at : begin_slow(cpu, size);
}

unsigned char *tw_guest_event_begin(size_t size)
{
#ifdef TW_GUEST_WHOLE_GUARD
	uintptr_t saved = TW_GUEST_GUARD_ENTER();
	unsigned char *at = begin(TW_GUEST_CPU(), size);

	if (at)
		guest.saved[TW_GUEST_CPU()] = saved;
	else
		TW_GUEST_GUARD_LEAVE(saved);
	return at;
#else
	return begin(TW_GUEST_CPU(), size);
#endif
}

/* Release (A), with the reader's acquire of the commit word in load_header()
 * (B): who sees the new size sees the event. */
static void commit(struct tw_page *page, uint32_t bits)
{
#if TW_HAVE_ATOMIC_U64
	typedef uint64_t __attribute__((may_alias)) commit_word;
	commit_word *word = (commit_word *)(void *)&page->content_size;

	tw_store_release(word, *word + TW_COMMIT_STEP(bits));
#else
	tw_store_relaxed(&page->events, page->events + 1);
	tw_store_release(&page->content_size, page->content_size + bits);
#endif
}

/* The lane of this CPU in which the event at this place is being written. None
 * has it if the ring was made anew in its midst. */
static TW_INLINE struct tw_lane *lane_of(const unsigned char *at)
{
	struct tw_lane *lane = lanes_of(TW_GUEST_CPU());
	uint32_t level;

	for (level = 0; level < TW_GUEST_LEVELS; level++, lane++)
		if (TW_LIKELY(lane->writer.pos == at))
			return lane;
	return NULL;
}

static TW_INLINE void end(struct tw_lane *lane, unsigned char *at, uint16_t id,
			  size_t size)
{
	struct tw_page *page = lane->writer.page;

	/* The word's first bytes, in either byte order. */
	TW_PUT(at, id);
	TW_GUEST_CLEAN(at, size);
	commit(page, (uint32_t)size * 8);
	TW_GUEST_CLEAN(page, TW_PAGE_HEADER);
	lane->writer.pos = at + size;
	tw_lane_put(lane, TW_WRITER_FREE);
}

void tw_guest_event_end(unsigned char *at, uint32_t id, size_t size)
{
	struct tw_lane *lane = lane_of(at);

	if (TW_LIKELY(lane != NULL))
		end(lane, at, (uint16_t)id, size);
#ifdef TW_GUEST_WHOLE_GUARD
	TW_GUEST_GUARD_LEAVE(guest.saved[TW_GUEST_CPU()]);
#endif
}

#endif

/*
 * The start.
 */

static size_t aligned(size_t size)
{
	return (size + HEAP_ALIGN - 1) & ~(size_t)(HEAP_ALIGN - 1);
}

static size_t states_size(const struct tw_group *group)
{
	return aligned(TW_STATES_HEADER + group->event_count);
}

static size_t schema_size(const struct tw_guest_options *options,
			  const struct tw_group *group)
{
	if (options->flags & TW_GUEST_NO_SCHEMA || !group->blob)
		return 0;
	return aligned(group->blob_size);
}

static bool is_possible(const struct tw_guest_options *options)
{
	const uint64_t mask = options->clock_mask;

	return options->memory &&
	       (uintptr_t)options->memory % TW_RING_ALIGN == 0 &&
	       options->mode <= TW_RING_DISCARD &&
	       options->group_count <= TW_RING_GROUPS_MAX &&
	       options->page_size <= TW_PAGE_SIZE_MAX &&
	       (!mask || ((mask & (mask + 1)) == 0 && mask >= CLOCK_MASK_MIN));
}

/* Where the pages begin; 0: there are too many events. No sum of what passes
 * here comes near 64 bits. */
static uint64_t measure_heap(const struct tw_guest_options *options,
			     uint64_t at)
{
	uint32_t events = 0;
	uint32_t i;

	for (i = 0; i < options->group_count; i++) {
		const struct tw_group *group = options->groups[i];

		if (group->event_count > TW_EVENTS_MAX - events)
			return 0;
		events += group->event_count;
		at += states_size(group);
		at += schema_size(options, group);
	}
	return at;
}

/* A page's size by the room that there is for all of them. */
static unsigned page_shift(size_t room, uint32_t wanted)
{
	unsigned shift = PAGE_SHIFT_MIN;

	if (wanted)
		while ((uint32_t)1 << shift < wanted)
			shift++;
	else
		while (shift < PAGE_SHIFT_MAX &&
		       room >> (shift + 1) >= PAGES_AT_LEAST &&
		       room >> (shift + 1) >= 2 * LANES)
			shift++;
	return shift;
}

/* The layout of a ring that fills the memory; -1 if there is none. */
static int plan(const struct tw_guest_options *options,
		struct tw_ring_layout *layout)
{
	uint64_t pages;
	unsigned shift;

	if (!is_possible(options))
		return -1;
	layout->control_size = TW_RING_CONTROL_MIN;
	layout->lanes_offset = TW_RING_CONTROL_MIN;
	layout->lane_count = LANES;
	layout->groups_offset = HEAD_SIZE;
	layout->group_capacity = options->group_count;
	layout->heap_offset = HEAD_SIZE + options->group_count *
						  sizeof(struct tw_ring_group);
	pages = measure_heap(options, layout->heap_offset);
	if (!pages || pages > options->size)
		return -1;
	shift = page_shift(options->size - (size_t)pages, options->page_size);
	layout->page_size = (uint32_t)1 << shift;
	layout->page_count = (uint32_t)((options->size - (size_t)pages) >>
					shift);
	layout->pages_offset = pages;
	layout->size = pages + ((size_t)layout->page_count << shift);
	if (options->page_size && options->page_size != layout->page_size)
		return -1;
	/* A page for each lane to have open at once. */
	return layout->page_count >= 2 && layout->page_count >= LANES ? 0 : -1;
}

static uint32_t mix(uint32_t hash, uint32_t with)
{
	hash += with;
	hash += hash << 10;
	hash ^= hash >> 6;
	hash += hash << 3;
	hash ^= hash >> 11;
	return hash + (hash << 15);
}

/*
 * A uuid that no boot before had and no other guest has, as far as the clock
 * tells them apart: fresh, not secret. uuid: the last boot's, or zeros.
 */
static void freshen(uint8_t *uuid, uint32_t generation, const void *memory)
{
	uint32_t hash = mix(generation, (uint32_t)(uintptr_t)memory);
	uint64_t now;
	uint32_t i;

	for (i = 0; i < 16; i++) {
		now = TW_GUEST_CLOCK();
		hash = mix(mix(hash, uuid[i]), (uint32_t)now);
		hash = mix(hash, (uint32_t)(now >> 32));
		uuid[i] = (uint8_t)(hash >> 24);
	}
}

static bool is_magic(const uint8_t *bytes)
{
	static const uint8_t inverted[TW_RING_MAGIC_SIZE] =
		TW_RING_MAGIC_INVERTED;
	uint32_t i;

	for (i = 0; i < TW_RING_MAGIC_SIZE; i++)
		if ((bytes[i] ^ inverted[i]) != 0xff)
			return false;
	return true;
}

/*
 * The last boot's ring, if there is one, is a ring no more. Of all that it says
 * only the generation and the uuid are used. The generation of the next: 1 is
 * the first, 0 would mean that nobody counts.
 */
static uint32_t take_over(void *memory, uint8_t *uuid)
{
	const struct tw_ring_control *stale = memory;
	uint32_t generation = 0;

	clear(uuid, 16);
	if (is_magic(stale->magic)) {
		copy(uuid, stale->uuid, 16);
		generation = stale->generation + 1;
	}
	guest.ring.control = memory;
	tw_ring_unpublish(&guest.ring);
	tw_fence_release();
	/* Before a cache gives away any of the new ring. */
	TW_GUEST_CLEAN(memory, TW_RING_CONTROL_MIN);
	return generation ? generation : 1;
}

static void fill_control(const struct tw_guest_options *options)
{
	struct tw_ring_control *control = guest.ring.control;
	const char *name = options->name;
	uint32_t i;

	if (sizeof(void *) == 4)
		control->flags = TW_RING_32BIT;
	control->mode = options->mode;
	control->clock_hz = options->clock_hz;
	control->clock_kind = options->clock_kind ? options->clock_kind
						  : TW_GUEST_CLOCK_KIND;
	if (options->clock_mask)
		control->clock_mask = options->clock_mask;
	for (i = 0; name && name[i] && i < TW_RING_NAME_SIZE - 1; i++) {
		control->name[i] = (uint8_t)name[i];
		TW_KEEP_LOOP();
	}
}

static void add_states(const struct tw_group *group, struct tw_states *states,
		       uint8_t state)
{
	uint32_t i;

	states->magic = TW_STATES_MAGIC;
	states->count = group->event_count;
	copy(states->uuid, guest.ring.control->uuid, 16);
	states->id_base = group->id_base;
	states->reserved = 0;
	for (i = 0; i < group->event_count; i++) {
		states->state[i] = state;
		TW_KEEP_LOOP();
	}
}

static void add_groups(const struct tw_guest_options *options,
		       const struct tw_ring_layout *layout)
{
	uint8_t on = options->flags & TW_GUEST_EVENTS_ON ? 1 : 0;
	size_t at = (size_t)layout->heap_offset;
	uint32_t id = 0;
	uint32_t i;

	for (i = 0; i < options->group_count; i++) {
		struct tw_ring_group *entry = &guest.ring.groups[i];
		struct tw_group *group = options->groups[i];

		group->id_base = id;
		id += group->event_count;
		entry->id_base = group->id_base;
		entry->event_count = group->event_count;
		entry->modules = 1;
		entry->states_offset = at;
		add_states(group, (void *)(guest.ring.base + at), on);
		at += states_size(group);
		if (schema_size(options, group)) {
			entry->schema_offset = at;
			entry->schema_size = group->blob_size;
			copy(guest.ring.base + at, group->blob,
			     group->blob_size);
		}
		at += schema_size(options, group);
		entry->state = TW_GROUP_LIVE;
	}
	guest.ring.control->group_count = options->group_count;
}

static void reset_lanes(void)
{
	uint32_t i;

	clear(lanes_of(0), LANES * sizeof(struct tw_lane));
	for (i = 0; i < LANES; i++) {
		struct tw_writer *writer = &lanes_of(0)[i].writer;

		writer->lane = i;
		writer->end = TW_WRITER_SLOW;
		writer->lock = TW_WRITER_FREE;
	}
}

/* From here on the host's switches count. */
static void connect_groups(void)
{
	uint32_t i;

	for (i = 0; i < guest.group_count; i++) {
		const struct tw_ring_group *entry = &guest.ring.groups[i];
		uint8_t *states = guest.ring.base + entry->states_offset;

		guest.groups[i]->state = states + TW_STATES_HEADER;
	}
}

int tw_guest_start(const struct tw_guest_options *options)
{
	struct tw_ring_layout layout;
	uint32_t generation;
	uint8_t uuid[16];
	uint32_t room;

	tw_guest_stop();
	if (plan(options, &layout))
		return -1;
	generation = take_over(options->memory, uuid);
	freshen(uuid, generation, options->memory);
	tw_ring_init(&guest.ring, options->memory, &layout);
	copy(guest.ring.control->uuid, uuid, 16);
	guest.ring.control->generation = generation;
	fill_control(options);
	guest.ring.mode = options->mode;
	guest.clock_mask = guest.ring.control->clock_mask;
	guest.answered = 0;
	guest.answering = 0;
	guest.coarse = (uint32_t)((TW_GUEST_CLOCK() & guest.clock_mask) >>
				  COARSE_SHIFT);
	room = layout.page_size - TW_PAGE_HEADER - TW_PAGE_TRAILER;
	guest.text_max = room / 4 < TW_STRING_MAX ? room / 4 : TW_STRING_MAX;
	guest.groups = options->groups;
	guest.group_count = options->group_count;
	reset_lanes();
	add_groups(options, &layout);
	tw_ring_publish(&guest.ring);
	TW_GUEST_CLEAN(options->memory, options->size);
	guest.running = true;
	connect_groups();
	return 0;
}

/* The pages of this CPU only: another one may be in the middle of an event, and
 * what is in its open pages is read and counted as well. */
static void close_pages(uint32_t cpu)
{
	struct tw_lane *lane = lanes_of(cpu);
	uint32_t level;

	for (level = 0; level < TW_GUEST_LEVELS; level++, lane++) {
		if (tw_lane_take(lane)) {
			tw_writer_close(&guest.ring, &lane->writer);
			tw_lane_put(lane, TW_WRITER_FREE);
		}
	}
}

void tw_guest_stop(void)
{
	const uint32_t cpu = TW_GUEST_CPU();
	uint32_t i;

	if (!guest.running)
		return;
	guest.running = false;
	for (i = 0; i < guest.group_count; i++)
		guest.groups[i]->state = guest.groups[i]->off;
	if (cpu < TW_GUEST_CPUS)
		close_pages(cpu);
	guest.ring.control->flags |= TW_RING_CLOSED;
	TW_GUEST_CLEAN(guest.ring.base, (size_t)guest.ring.control->size);
}
