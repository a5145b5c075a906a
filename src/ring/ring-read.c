/* SPDX-License-Identifier: MIT */
/*
 * Reading a ring that nobody vouches for. The control block is copied once and
 * checked against the size of the memory; from then on every place is computed
 * from that copy, so a producer that changes its geometry under us changes
 * nothing. What is read later (tables, states, pages) is checked each time.
 *
 * Called by src/attach (opening, states) and src/trace (pages).
 */
#include "ring-read.h"

#include "atomic.h"

#include <errno.h>

/* Eight bytes of anything, for a compiler that tells types apart. */
typedef uint64_t __attribute__((may_alias)) any_word;

static int fail(struct tw_ring_reader *reader, int error, const char *why)
{
	reader->why = why;
	return error;
}

static int is_inside(const struct tw_ring_reader *reader, uint64_t offset,
		     uint64_t size)
{
	return offset <= reader->memory.size &&
	       size <= reader->memory.size - offset;
}

/*
 * A copy while a writer may be storing to the source: what is torn is found
 * out afterwards by the state word, so the race is meant. Volatile words keep
 * it a loop of plain loads that no tool or compiler turns into memcpy().
 */
__attribute__((no_sanitize("thread"))) static void copy_racing(void *to,
							       const void *from,
							       size_t size)
{
	const volatile uint8_t *from_byte = from;
	uint8_t *to_byte = to;

	if (((uintptr_t)to_byte | (uintptr_t)from_byte) % 8 == 0) {
		const volatile any_word *from_word = from;
		any_word *to_word = to;

		for (; size >= 8; size -= 8)
			*to_word++ = *from_word++;
		from_byte = (const volatile uint8_t *)from_word;
		to_byte = (uint8_t *)to_word;
	}
	while (size--)
		*to_byte++ = *from_byte++;
}

/* Where offset lies, which is inside: base is not NULL. */
static const void *mapped(const struct tw_ring_reader *reader, uint64_t offset)
{
	return (const uint8_t *)reader->memory.base + (size_t)offset;
}

static int read_at(struct tw_ring_reader *reader, uint64_t offset, void *to,
		   size_t size)
{
	int error;

	if (!is_inside(reader, offset, size))
		return fail(reader, -EBADMSG,
			    "an offset lies outside the ring");
	if (reader->memory.base) {
		copy_racing(to, mapped(reader, offset), size);
		return 0;
	}
	error = reader->memory.read(reader->memory.context, offset, to, size);
	return error < 0 ? fail(reader, error, "its memory can't be read") : 0;
}

#define LIVE_MAX TW_PAGE_HEADER
#define LIVE_TRIES 16

/*
 * Numbers that a writer may be storing, none longer than 8 bytes, size bytes in
 * all. Mapped, each is loaded at once. A callback may move them byte by byte
 * and meet them half-way: so it is asked until two answers are the same. What
 * is half-way when it is first asked for is not half-way twice.
 */
static int read_live(struct tw_ring_reader *reader, uint64_t offset, void *to,
		     size_t size)
{
	uint8_t again[LIVE_MAX];
	const uint8_t *first = to;
	size_t same;
	int error, tries;

	error = read_at(reader, offset, to, size);
	if (error || (reader->memory.base && TW_HAVE_ATOMIC_U64))
		return error;
	for (tries = 0; tries < LIVE_TRIES; tries++) {
		error = read_at(reader, offset, tries % 2 ? to : again, size);
		if (error)
			return error;
		for (same = 0; same < size && again[same] == first[same];)
			same++;
		if (same == size)
			return 0;
	}
	return fail(reader, -EAGAIN, "it changes faster than it can be read");
}

/* A word that a writer may store at any time, loaded with acquire. */
static int load_u32(struct tw_ring_reader *reader, uint64_t offset,
		    uint32_t *value)
{
	int error;

	if (reader->memory.base && offset % 4 == 0 &&
	    is_inside(reader, offset, 4)) {
		*value = tw_load_acquire(
			(const uint32_t *)mapped(reader, offset));
	} else {
		error = read_live(reader, offset, value, 4);
		if (error)
			return error;
	}
	*value = tw_ring_u32(reader, *value);
	return 0;
}

uint16_t tw_ring_u16(const struct tw_ring_reader *reader, uint16_t value)
{
	return reader->swap ? __builtin_bswap16(value) : value;
}

uint32_t tw_ring_u32(const struct tw_ring_reader *reader, uint32_t value)
{
	return reader->swap ? __builtin_bswap32(value) : value;
}

uint64_t tw_ring_u64(const struct tw_ring_reader *reader, uint64_t value)
{
	return reader->swap ? __builtin_bswap64(value) : value;
}

int tw_ring_is_magic(const void *bytes)
{
	static const uint8_t inverted[TW_RING_MAGIC_SIZE] =
		TW_RING_MAGIC_INVERTED;
	const uint8_t *byte = bytes;
	uint32_t i;

	for (i = 0; i < TW_RING_MAGIC_SIZE; i++)
		if ((uint8_t)(byte[i] ^ inverted[i]) != 0xff)
			return 0;
	return 1;
}

static void swap_sync(const struct tw_ring_reader *reader,
		      struct tw_ring_sync *sync)
{
	sync->clock = tw_ring_u64(reader, sync->clock);
	sync->mono_ns = tw_ring_u64(reader, sync->mono_ns);
	sync->real_ns = tw_ring_u64(reader, sync->real_ns);
}

static void swap_control(struct tw_ring_reader *reader)
{
	struct tw_ring_control *c = &reader->control;
	uint32_t i;

	if (!reader->swap)
		return;
#define SWAP16(member) (c->member = __builtin_bswap16(c->member))
#define SWAP32(member) (c->member = __builtin_bswap32(c->member))
#define SWAP64(member) (c->member = __builtin_bswap64(c->member))
	SWAP32(byte_order);
	SWAP16(abi_major);
	SWAP16(abi_minor);
	SWAP32(control_size);
	SWAP32(flags);
	SWAP64(size);
	SWAP32(generation);
	SWAP32(pid);
	SWAP64(pid_start);
	SWAP32(page_size);
	SWAP32(page_count);
	SWAP64(pages_offset);
	SWAP64(lanes_offset);
	SWAP32(lane_count);
	SWAP32(lane_size);
	SWAP64(groups_offset);
	SWAP32(group_capacity);
	SWAP32(group_size);
	SWAP32(group_count);
	SWAP32(mode);
	SWAP32(block_ms);
	SWAP32(clock_kind);
	SWAP64(clock_hz);
	SWAP64(clock_mask);
	SWAP64(beacon);
	SWAP64(reply);
	SWAP32(head);
	SWAP32(waiters);
	SWAP64(discarded);
	SWAP32(sync_seq);
#undef SWAP16
#undef SWAP32
#undef SWAP64
	swap_sync(reader, &c->sync_first);
	swap_sync(reader, &c->sync_last);
	for (i = 0; i < TW_RING_HEIRS; i++)
		c->heirs[i] = __builtin_bswap32(c->heirs[i]);
}

static int is_table_inside(const struct tw_ring_reader *reader, uint64_t offset,
			   uint64_t count, uint64_t size)
{
	/* count and size are at most 32 bits wide: no overflow. */
	return offset % 8 == 0 && offset <= reader->control.size &&
	       count * size <= reader->control.size - offset;
}

static const char *geometry_error(const struct tw_ring_reader *reader)
{
	const struct tw_ring_control *c = &reader->control;

	if (c->size > reader->memory.size)
		return "truncated: the ring is longer than what holds it";
	if (c->page_size < TW_PAGE_SIZE_MIN || c->page_size % 8 ||
	    c->page_size > TW_PAGE_SIZE_MAX || c->page_count < 2)
		return "impossible page size or count";
	if (!is_table_inside(reader, c->pages_offset, c->page_count,
			     c->page_size))
		return "pages lie outside the ring";
	if (c->lane_size < sizeof(struct tw_ring_lane) || c->lane_size % 8 ||
	    c->lane_size > TW_RING_ENTRY_MAX || !c->lane_count ||
	    c->lane_count > TW_RING_LANES_MAX ||
	    !is_table_inside(reader, c->lanes_offset, c->lane_count,
			     c->lane_size))
		return "impossible lane table";
	if (c->group_size < sizeof(struct tw_ring_group) || c->group_size % 8 ||
	    c->group_size > TW_RING_ENTRY_MAX ||
	    c->group_capacity > TW_RING_GROUPS_MAX ||
	    !is_table_inside(reader, c->groups_offset, c->group_capacity,
			     c->group_size))
		return "impossible group table";
	if (c->mode > TW_RING_BLOCK)
		return "unknown mode";
	return NULL;
}

/* The whole struct where the ring has it, else zeros behind what it has. */
static int read_control(struct tw_ring_reader *reader)
{
	struct tw_ring_control *c = &reader->control;
	uint8_t *bytes = (uint8_t *)c;
	uint32_t size, i;
	int error;

	error = read_at(reader, 0, c, TW_RING_CONTROL_MIN);
	if (error)
		return error;
	if (!tw_ring_is_magic(c->magic))
		return fail(reader, -EBADMSG, "no ring: its magic is missing");
	/* (G) */
	tw_fence_acquire();
	error = read_at(reader, 0, c, TW_RING_CONTROL_MIN);
	if (error)
		return error;
	if (c->byte_order == __builtin_bswap32(TW_RING_BYTE_ORDER))
		reader->swap = 1;
	else if (c->byte_order != TW_RING_BYTE_ORDER)
		return fail(reader, -EBADMSG, "unknown byte order");
	if (tw_ring_u16(reader, c->abi_major) != TW_RING_ABI_MAJOR)
		return fail(reader, -EPROTONOSUPPORT,
			    "the ring's ABI is newer than this program");
	size = tw_ring_u32(reader, c->control_size);
	if (size < TW_RING_CONTROL_MIN)
		return fail(reader, -EBADMSG, "impossible control block size");
	if (size > sizeof(*c))
		size = sizeof(*c);
	for (i = TW_RING_CONTROL_MIN; i < sizeof(*c); i++)
		bytes[i] = 0;
	return read_at(reader, TW_RING_CONTROL_MIN, bytes + TW_RING_CONTROL_MIN,
		       size - TW_RING_CONTROL_MIN);
}

int tw_ring_open(struct tw_ring_reader *reader, const struct tw_memory *memory)
{
	const char *why;
	int error;

	reader->memory = *memory;
	reader->swap = 0;
	reader->why = NULL;
	if ((uintptr_t)memory->base % 8)
		return fail(reader, -EBADMSG, "the ring is not aligned");
	if (memory->size < TW_RING_CONTROL_MIN)
		return fail(reader, -EBADMSG,
			    "truncated: too short for a ring");
	error = read_control(reader);
	if (error)
		return error;
	swap_control(reader);
	why = geometry_error(reader);
	if (why)
		return fail(reader, -EBADMSG, why);
	/* From here on nothing behind the ring's end is read. */
	reader->memory.size = reader->control.size;
	return 0;
}

int tw_ring_head(struct tw_ring_reader *reader, uint32_t *head)
{
	return load_u32(reader, offsetof(struct tw_ring_control, head), head);
}

int tw_ring_flags(struct tw_ring_reader *reader, uint32_t *flags)
{
	return load_u32(reader, offsetof(struct tw_ring_control, flags), flags);
}

int tw_ring_group_count(struct tw_ring_reader *reader, uint32_t *count)
{
	/* Acquire (L): what is counted is whole. */
	int error = load_u32(
		reader, offsetof(struct tw_ring_control, group_count), count);

	if (!error && *count > reader->control.group_capacity)
		return fail(reader, -EBADMSG,
			    "more groups than its table holds");
	return error;
}

int tw_ring_discarded(struct tw_ring_reader *reader, uint64_t *discarded)
{
	int error = read_live(reader,
			      offsetof(struct tw_ring_control, discarded),
			      discarded, sizeof(*discarded));

	*discarded = error ? 0 : tw_ring_u64(reader, *discarded);
	return error;
}

static int has_hosted_part(const struct tw_ring_reader *reader)
{
	return reader->control.control_size >= sizeof(struct tw_ring_control);
}

int tw_ring_heir(struct tw_ring_reader *reader, uint32_t index, uint32_t *pid)
{
	*pid = 0;
	if (index >= TW_RING_HEIRS || !has_hosted_part(reader))
		return 0;
	return load_u32(reader,
			offsetof(struct tw_ring_control, heirs) +
				(uint64_t)4 * index,
			pid);
}

int tw_ring_syncs(struct tw_ring_reader *reader, struct tw_ring_sync *first,
		  struct tw_ring_sync *last)
{
	const uint64_t seq_at = offsetof(struct tw_ring_control, sync_seq);
	uint32_t before, after, tries;
	int error;

	*first = reader->control.sync_first;
	*last = *first;
	if (!has_hosted_part(reader))
		return 0;
	for (tries = 0; tries < 1000; tries++) {
		/* (K) with the runtime's stores around its update. */
		error = load_u32(reader, seq_at, &before);
		if (!error)
			error = read_at(
				reader,
				offsetof(struct tw_ring_control, sync_last),
				last, sizeof(*last));
		tw_fence_acquire();
		if (!error)
			error = load_u32(reader, seq_at, &after);
		if (error)
			return error;
		if (before == after && before % 2 == 0) {
			swap_sync(reader, last);
			return 0;
		}
	}
	*last = *first;
	return fail(reader, -EAGAIN, "its clock's sync moment keeps changing");
}

int tw_ring_read_lane(struct tw_ring_reader *reader, uint32_t index,
		      struct tw_ring_lane *lane)
{
	const struct tw_ring_control *c = &reader->control;
	int error;

	if (index >= c->lane_count)
		return fail(reader, -EBADMSG, "no such lane");
	error = read_live(reader,
			  c->lanes_offset + (uint64_t)index * c->lane_size,
			  lane, sizeof(*lane));
	if (error)
		return error;
	lane->state = tw_ring_u32(reader, lane->state);
	lane->tid = tw_ring_u32(reader, lane->tid);
	lane->level = tw_ring_u32(reader, lane->level);
	lane->page = tw_ring_u32(reader, lane->page);
	lane->events = tw_ring_u64(reader, lane->events);
	lane->discarded = tw_ring_u64(reader, lane->discarded);
	lane->seq = tw_ring_u64(reader, lane->seq);
	lane->last_time = tw_ring_u64(reader, lane->last_time);
	return 0;
}

int tw_ring_read_group(struct tw_ring_reader *reader, uint32_t index,
		       struct tw_ring_group *group)
{
	const struct tw_ring_control *c = &reader->control;
	int error;

	if (index >= c->group_capacity)
		return fail(reader, -EBADMSG, "no such group");
	error = read_at(reader,
			c->groups_offset + (uint64_t)index * c->group_size,
			group, sizeof(*group));
	if (error)
		return error;
	group->state = tw_ring_u32(reader, group->state);
	group->id_base = tw_ring_u32(reader, group->id_base);
	group->event_count = tw_ring_u32(reader, group->event_count);
	group->modules = tw_ring_u32(reader, group->modules);
	group->states_offset = tw_ring_u64(reader, group->states_offset);
	group->schema_offset = tw_ring_u64(reader, group->schema_offset);
	group->schema_size = tw_ring_u64(reader, group->schema_size);
	if (group->event_count > TW_EVENTS_MAX ||
	    group->id_base > TW_EVENTS_MAX - group->event_count)
		return fail(reader, -EBADMSG, "a group has impossible ids");
	if (!is_inside(reader, group->schema_offset, group->schema_size))
		return fail(reader, -EBADMSG,
			    "a group's schema lies outside the ring");
	if (!is_inside(reader, group->states_offset,
		       (uint64_t)TW_STATES_HEADER + group->event_count))
		return fail(reader, -EBADMSG,
			    "a group's state bytes lie outside the ring");
	return 0;
}

int tw_ring_read_bytes(struct tw_ring_reader *reader, uint64_t offset, void *to,
		       size_t size)
{
	return read_at(reader, offset, to, size);
}

static uint64_t state_offset(const struct tw_ring_group *group, uint32_t event)
{
	return group->states_offset + TW_STATES_HEADER + event;
}

static int check_states(struct tw_ring_reader *reader,
			const struct tw_ring_group *group, uint32_t event)
{
	struct tw_states states;
	uint32_t i;
	int error;

	if (event >= group->event_count)
		return fail(reader, -ENOENT, "no such event");
	error = read_at(reader, group->states_offset, &states,
			TW_STATES_HEADER);
	if (error)
		return error;
	if (!is_inside(reader, state_offset(group, event), 1) ||
	    tw_ring_u32(reader, states.magic) != TW_STATES_MAGIC ||
	    tw_ring_u32(reader, states.count) < group->event_count)
		return fail(reader, -EBADMSG,
			    "a group's state bytes have no valid header");
	for (i = 0; i < sizeof(states.uuid); i++)
		if (states.uuid[i] != reader->control.uuid[i])
			return fail(reader, -EBADMSG,
				    "a group's state bytes are another ring's");
	return 0;
}

int tw_ring_event_state(struct tw_ring_reader *reader,
			const struct tw_ring_group *group, uint32_t event)
{
	uint8_t state;
	int error = check_states(reader, group, event);

	if (!error)
		error = read_at(reader, state_offset(group, event), &state, 1);
	return error ? error : state != 0;
}

int tw_ring_set_event_state(struct tw_ring_reader *reader,
			    const struct tw_ring_group *group, uint32_t event,
			    int on)
{
	const uint8_t state = on ? 1 : 0;
	int error = check_states(reader, group, event);

	if (error)
		return error;
	if (!reader->memory.write)
		return fail(reader, -EROFS, "the ring can't be written to");
	error = reader->memory.write(reader->memory.context,
				     state_offset(group, event), &state, 1);
	return error < 0 ? fail(reader, error, "the ring can't be written to")
			 : 0;
}

uint64_t tw_ring_page_offset(const struct tw_ring_reader *reader,
			     uint32_t index)
{
	return reader->control.pages_offset +
	       (uint64_t)index * reader->control.page_size;
}

static uint64_t state_word_offset(const struct tw_ring_reader *reader,
				  uint32_t index)
{
	return tw_ring_page_offset(reader, index) + reader->control.page_size -
	       TW_PAGE_TRAILER;
}

int tw_ring_page_state(struct tw_ring_reader *reader, uint32_t index,
		       uint32_t *word)
{
	if (index >= reader->control.page_count)
		return fail(reader, -EBADMSG, "no such page");
	/* Acquire (I), (J). */
	return load_u32(reader, state_word_offset(reader, index), word);
}

static void fill_view(const struct tw_ring_reader *reader,
		      const struct tw_page *page, struct tw_page_view *view)
{
	view->lane = tw_ring_u32(reader, page->lane);
	view->tid = tw_ring_u32(reader, page->tid);
	view->level = tw_ring_u32(reader, page->level);
	view->seq = tw_ring_u64(reader, page->packet_seq_num);
	view->events = tw_ring_u32(reader, page->events);
	view->discarded = tw_ring_u64(reader, page->events_discarded);
	view->events_before = tw_ring_u64(reader, page->events_before);
	view->time_begin = tw_ring_u64(reader, page->timestamp_begin);
	view->time_end = tw_ring_u64(reader, page->timestamp_end);
	view->beacon = tw_ring_u64(reader, view->beacon);
}

/* A producer that starts again in the same memory begins a ring of its own. */
static int is_own_page(const struct tw_ring_reader *reader,
		       const struct tw_page *page)
{
	uint32_t i;

	for (i = 0; i < sizeof(page->uuid); i++)
		if (page->uuid[i] != reader->control.uuid[i])
			return 0;
	return 1;
}

static const char *page_error(const struct tw_ring_reader *reader,
			      const struct tw_page *page,
			      const struct tw_page_view *view)
{
	if (tw_ring_u32(reader, page->magic) != TW_PAGE_MAGIC)
		return "a page has no packet magic";
	if (view->lane >= reader->control.lane_count)
		return "a page names a lane that doesn't exist";
	if (view->time_end < view->time_begin || view->time_end == 0)
		return "a page ends before it begins";
	return NULL;
}

/*
 * A page's header, with the commit word loaded before the rest, and once: its
 * two halves belong together however fast the page grows.
 */
static int load_header(struct tw_ring_reader *reader, uint64_t at,
		       struct tw_page *header)
{
#if TW_HAVE_ATOMIC_U64
	union {
		uint64_t both;
		uint32_t half[2];
	} commit;
	int error;

	if (reader->memory.base) {
		/* (B), with the commit word's release in tw_commit(). */
		commit.both = tw_load_acquire((const any_word *)mapped(
			reader, at + offsetof(struct tw_page, content_size)));
		error = read_at(reader, at, header, TW_PAGE_HEADER);
		header->content_size = commit.half[0];
		header->events = commit.half[1];
		return error;
	}
#endif
	return read_live(reader, at, header, TW_PAGE_HEADER);
}

static int check_size(struct tw_ring_reader *reader,
		      const struct tw_page *header, uint32_t *size)
{
	const uint32_t bits = tw_ring_u32(reader, header->content_size);

	*size = bits / 8;
	if (bits % 8 || *size < TW_PAGE_HEADER ||
	    *size > reader->control.page_size - TW_PAGE_TRAILER)
		return fail(reader, -EBADMSG, "a page's content is impossible");
	return 0;
}

/* The time of the event whose first word lies at this offset of an open page.
 * What a page has lies less than a round of those bits behind its beginning. */
static int load_time(struct tw_ring_reader *reader, uint64_t offset,
		     uint64_t begin, uint64_t *time)
{
	const uint64_t mask = ((uint64_t)1 << TW_EVENT_TIME_BITS) - 1;
	const int big = (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) !=
			(reader->swap != 0);
	uint64_t word;
	int error = read_at(reader, offset, &word, sizeof(word));

	if (error)
		return error;
	word = tw_ring_u64(reader, word);
	if (!big)
		word >>= 64 - TW_EVENT_TIME_BITS;
	*time = begin + ((word - begin) & mask);
	return 0;
}

/*
 * Mapped, the header's end was loaded behind the commit word, and may by then
 * have been that of any later event. If the page has not grown until now, it is
 * that of the last event copied or of the one that is being written. Else it is
 * to be no later than the event that comes next: whoever goes on from here
 * begins with that.
 */
static int settle_end(struct tw_ring_reader *reader, uint64_t at,
		      struct tw_page *header, uint32_t size)
{
	const uint32_t room = reader->control.page_size - TW_PAGE_TRAILER;
	uint64_t next;
	uint32_t bits;
	int error;

	/* Acquire (T), with the release of timestamp_end in tw_slot_end(): the
	 * end is loaded before the size is, and is stored behind the last. */
	tw_fence_acquire();
	error = load_u32(reader, at + offsetof(struct tw_page, content_size),
			 &bits);
	if (error || bits / 8 <= size || room - size < TW_EVENT_HEADER)
		return error;
	error = load_time(reader, at + size,
			  tw_ring_u64(reader, header->timestamp_begin), &next);
	if (!error && next < tw_ring_u64(reader, header->timestamp_end))
		header->timestamp_end = tw_ring_u64(reader, next);
	return error;
}

/*
 * A full page of memory that is asked for piece by piece, in one: it changes no
 * more while it is that page, and a call costs more than the bytes.
 */
static int read_full_page(struct tw_ring_reader *reader, uint32_t index,
			  uint8_t *to, struct tw_page_view *view)
{
	const uint32_t size = reader->control.page_size;
	const struct tw_page_trailer *trailer = (const void *)(to + size -
							       TW_PAGE_TRAILER);
	int error;

	error = read_at(reader, tw_ring_page_offset(reader, index), to, size);
	if (!error)
		error = check_size(reader, (const void *)to, &view->size);
	if (!error)
		view->beacon = trailer->beacon;
	return error;
}

/* All of a page that belongs to the copy; whose it was is not yet known. */
static int read_page(struct tw_ring_reader *reader, uint32_t index, uint8_t *to,
		     struct tw_page_view *view)
{
	const uint64_t at = tw_ring_page_offset(reader, index);
	struct tw_page header;
	int error;

	if (!reader->memory.base && view->state == TW_PAGE_FULL)
		return read_full_page(reader, index, to, view);
	error = load_header(reader, at, &header);
	if (!error)
		error = check_size(reader, &header, &view->size);
	if (!error)
		error = read_at(reader, at + TW_PAGE_HEADER,
				to + TW_PAGE_HEADER,
				view->size - TW_PAGE_HEADER);
	if (!error && reader->memory.base)
		error = settle_end(reader, at, &header, view->size);
	if (!error)
		error = read_at(
			reader,
			state_word_offset(reader, index) +
				offsetof(struct tw_page_trailer, beacon),
			&view->beacon, sizeof(view->beacon));
	if (!error)
		*(struct tw_page *)(void *)to = header;
	return error;
}

int tw_ring_page_copy(struct tw_ring_reader *reader, uint32_t index, void *to,
		      struct tw_page_view *view)
{
	uint32_t before, after;
	const char *why;
	int error, look;

	error = tw_ring_page_state(reader, index, &before);
	if (error)
		return error;
	view->index = index;
	view->ticket = before >> TW_PAGE_TICKET_SHIFT;
	view->state = before & TW_PAGE_STATE_MASK;
	if (view->state != TW_PAGE_OPEN && view->state != TW_PAGE_FULL)
		return fail(reader, -EAGAIN, "the page is not readable now");
	error = read_page(reader, index, to, view);
	/* (D) */
	tw_fence_acquire();
	look = tw_ring_page_state(reader, index, &after);
	if (look)
		return look;
	if (after >> TW_PAGE_TICKET_SHIFT != view->ticket)
		return fail(reader, -EAGAIN, "the page was taken meanwhile");
	if (error)
		return error;
	fill_view(reader, to, view);
	if (!is_own_page(reader, to))
		return fail(reader, -EAGAIN, "the page is another ring's");
	why = page_error(reader, to, view);
	return why ? fail(reader, -EBADMSG, why) : 0;
}

/*
 * By a source that can only read and write. That compares and then stores, and
 * is sound all the same where nobody but a reader changes a full page's word:
 * not in the overwriting mode, whose writers take full pages. Of two readers
 * one must wait, or the slower could free what a writer has taken since: so
 * the source keeps them apart.
 */
static int release_unmapped(struct tw_ring_reader *reader, uint64_t offset,
			    uint32_t full, uint32_t empty)
{
	int error;

	if (!reader->memory.exchange ||
	    reader->control.mode == TW_RING_OVERWRITE)
		return fail(reader, -EROFS, "its pages can't be given back");
	error = reader->memory.exchange(reader->memory.context, offset, full,
					empty);
	if (error == -EAGAIN)
		return fail(reader, error, "the page was taken meanwhile");
	return error < 0 ? fail(reader, error, "the ring can't be written to")
			 : 0;
}

int tw_ring_page_release(struct tw_ring_reader *reader,
			 const struct tw_page_view *view)
{
	const uint32_t ticket = view->ticket << TW_PAGE_TICKET_SHIFT;
	const uint32_t full = tw_ring_u32(reader, ticket | TW_PAGE_FULL);
	const uint32_t empty = tw_ring_u32(reader, ticket | TW_PAGE_FREE);
	uint8_t *base = (uint8_t *)(uintptr_t)reader->memory.base;
	uint64_t offset;

	if (!reader->memory.write)
		return fail(reader, -EROFS, "the ring can't be written to");
	if (view->index >= reader->control.page_count)
		return fail(reader, -EBADMSG, "no such page");
	offset = state_word_offset(reader, view->index);
	if (!base)
		return release_unmapped(reader, offset, full, empty);
	/* Release in the exchange (M), with the acquire in that of claim(): our
	 * reads of the page are over before a writer has it. */
	if (!tw_cas_acq_rel_u32((void *)(base + (size_t)offset), full, empty))
		return fail(reader, -EAGAIN, "the page was taken meanwhile");
	return 0;
}
