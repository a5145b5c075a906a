/* SPDX-License-Identifier: MIT */
/*
 * The search for rings. A ring begins at a multiple of TW_RING_ALIGN with its
 * magic, so one word of each such block is compared, and whatever bears the
 * magic is a candidate: it is opened as src/ring opens any ring, its tables
 * checked against the memory, and the header of its state bytes looked at,
 * which a copy of a control block without its ring hasn't got where it says.
 *
 * A guest may fill its memory with candidates. So what is cheap to see is seen
 * first: of many, what stands beside the magic is judged where it was found.
 * What is kept has a limit, and so has the number of those that are looked at
 * closely in one call; a later call goes on behind them.
 */
#include "ram-source.h"
#include "source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE (1u << 20)		/* read at a time, bytes */
#define LATER_SEARCH_MAX (256ull << 20) /* of a call but the first, bytes */
#define PROGRESS_STEP (64ull << 20)	/* bytes */
#define CANDIDATES_MAX 2000000u		/* looked at closely in a call */
#define LATER_CANDIDATES_MAX 50000u	/* the same, but of the first */
#define GROUPS_LOOKED_AT 16		/* of a candidate */
#define PAGES_MAX (1u << 20) /* of a ring: each costs a look, and memory */

/* What is read of a place to know a ring again. */
#define HEAD_SIZE (offsetof(struct tw_ring_control, generation) + 4)

/* ---- One place ---- */

static int read_head(struct tw_ram_memory *memory, uint64_t place,
		     struct tw_ring_control *head)
{
	const struct tw_ram_range *range = tw_ram_range_at(memory, place);

	if (!range || range->end - place < HEAD_SIZE)
		return -EFAULT;
	return memory->ops->read(memory, place, head, HEAD_SIZE);
}

bool tw_ram_has_ring(struct tw_ram_memory *memory, uint64_t place,
		     const uint8_t *uuid, uint32_t generation)
{
	struct tw_ring_control head;

	if (read_head(memory, place, &head) || !tw_ring_is_magic(head.magic))
		return false;
	if (head.byte_order != TW_RING_BYTE_ORDER)
		head.generation = __builtin_bswap32(head.generation);
	return head.generation == generation &&
	       !memcmp(head.uuid, uuid, sizeof(head.uuid));
}

/*
 * NULL, or why a ring that opens is none. A group that is counted is filled in,
 * and its state bytes are there as long as its module is.
 */
static const char *check_groups(struct tw_ram *ram,
				struct tw_ring_reader *reader)
{
	const char *why = NULL;
	struct tw_ring_group group;
	uint32_t count;

	if (tw_ring_group_count(reader, &count))
		return reader->why;
	for (uint32_t i = 0; i < count && i < GROUPS_LOOKED_AT; i++) {
		ram->search.checked++;
		why = "its groups are missing: a copy of a control block";
		if (tw_ring_read_group(reader, i, &group))
			why = reader->why;
		else if (group.state == TW_GROUP_UNLOADED ||
			 (group.state == TW_GROUP_LIVE && !group.event_count))
			return NULL;
		else if (group.state == TW_GROUP_LIVE &&
			 tw_ring_event_state(reader, &group, 0) >= 0)
			return NULL;
		else if (group.state == TW_GROUP_LIVE)
			why = reader->why;
	}
	return why;
}

static bool is_of_vmm(const struct tw_ram_memory *memory,
		      const struct tw_ring_control *control)
{
	return memory->pid && control->pid == (uint32_t)memory->pid &&
	       control->pid_start == memory->pid_start;
}

/* Look at a candidate closely; ring says what it is, or why it is none. */
static void examine(struct tw_ram *ram, uint64_t place,
		    struct tw_ram_ring *ring)
{
	struct tw_ring_reader reader = {.why = NULL};
	struct tw_ram_window window;
	struct tw_memory memory;

	*ring = (struct tw_ram_ring){.place = place};
	ram->search.checked++;
	if (tw_ram_window_open(&window, &ram->memory, place, &memory)) {
		ring->why = "its memory can't be read";
		return;
	}
	if (tw_ring_open(&reader, &memory)) {
		ring->why = reader.why;
		memcpy(ring->uuid, reader.control.uuid, sizeof(ring->uuid));
		ring->generation = reader.control.generation;
		if (reader.control.byte_order != TW_RING_BYTE_ORDER)
			ring->generation = __builtin_bswap32(ring->generation);
		return;
	}
	memcpy(ring->uuid, reader.control.uuid, sizeof(ring->uuid));
	memcpy(ring->name, reader.control.name, TW_RING_NAME_SIZE);
	ring->generation = reader.control.generation;
	ring->size = reader.control.size;
	ring->pid = reader.control.pid;
	ring->cost = tw_ram_cost_of(&reader.control);
	if (is_of_vmm(&ram->memory, &reader.control))
		ring->why = "it is the VMM's own, not its guest's";
	else if (reader.control.page_count > PAGES_MAX)
		ring->why = "it has more pages than can be kept track of";
	else
		ring->why = check_groups(ram, &reader);
}

/* ---- The list ---- */

static size_t count_refused(const struct tw_ram *ram)
{
	size_t count = 0;

	for (size_t i = 0; i < ram->ring_count; i++)
		count += ram->rings[i].why && !ram->rings[i].gone;
	return count;
}

/* An entry to be written to, or NULL: the list is full. */
static struct tw_ram_ring *new_entry(struct tw_ram *ram)
{
	if (ram->ring_count < TW_RAM_RINGS_MAX)
		return &ram->rings[ram->ring_count++];
	for (size_t i = 0; i < ram->ring_count; i++)
		if (ram->rings[i].gone)
			return &ram->rings[i];
	/* What there is no room for may make room. */
	tw_ram_share_out(ram);
	for (size_t i = 0; i < ram->ring_count; i++)
		if (tw_ram_is_left_out(&ram->rings[i]))
			return &ram->rings[i];
	return NULL;
}

static bool is_chosen(const struct tw_ram *ram, const struct tw_ram_ring *ring)
{
	if (ram->choice == TW_RAM_PLACE)
		return ring->place == ram->chosen_place;
	/* A ring keeps no more of a long name. */
	return ram->choice == TW_RAM_ANY ||
	       (ring->name[0] &&
		!strncmp(ring->name, ram->chosen_name, TW_RING_NAME_SIZE - 1));
}

/* Whether it is a's byte one that b has at other, by another mapping. */
static bool is_same_memory(const struct tw_ram_range *a, uint64_t one,
			   const struct tw_ram_range *b, uint64_t other)
{
	return a && b && a != b && a->inode && a->inode == b->inode &&
	       a->device == b->device &&
	       a->offset + (one - a->start) == b->offset + (other - b->start);
}

static bool is_known(const struct tw_ram *ram, uint64_t place)
{
	const struct tw_ram_memory *memory = &ram->memory;
	const struct tw_ram_range *range = tw_ram_range_at(memory, place);

	for (size_t i = 0; i < ram->ring_count; i++) {
		const struct tw_ram_ring *ring = &ram->rings[i];

		if (ring->gone)
			continue;
		if (ring->place == place ||
		    (range && range->inode &&
		     is_same_memory(tw_ram_range_at(memory, ring->place),
				    ring->place, range, place)))
			return true;
	}
	return false;
}

/* Returns 1 if the list has it now, else 0. */
static int remember(struct tw_ram *ram, const struct tw_ram_ring *ring)
{
	struct tw_ram_ring *entry;

	if (!is_chosen(ram, ring))
		return 0;
	if (ring->why && count_refused(ram) >= TW_RAM_REFUSED_MAX) {
		ram->search.refused++;
		return 0;
	}
	entry = new_entry(ram);
	if (!entry) {
		ram->search.is_full = true;
		return 0;
	}
	*entry = *ring;
	entry->serial = ++ram->serial;
	ram->search.refused_kept += ring->why != NULL;
	if (ring->why && ring->place > ram->search.refused_to)
		ram->search.refused_to = ring->place;
	return 1;
}

/* See what has become of the entries. Returns 1 if anything has. */
static int look_again(struct tw_ram *ram)
{
	const size_t count = ram->ring_count;
	int changed = 0;

	for (size_t i = 0; i < count; i++) {
		struct tw_ram_ring *ring = &ram->rings[i];
		struct tw_ring_control head;
		struct tw_ram_ring now;

		if (ring->gone)
			continue;
		if (tw_ram_has_ring(&ram->memory, ring->place, ring->uuid,
				    ring->generation) &&
		    (!ring->why || tw_ram_is_left_out(ring)))
			continue;
		/* What was no ring may have become one. */
		if (read_head(&ram->memory, ring->place, &head) ||
		    !tw_ring_is_magic(head.magic)) {
			ring->gone = true;
			changed = 1;
			continue;
		}
		examine(ram, ring->place, &now);
		if (ring->why && now.why)
			continue;
		ring->gone = true;
		remember(ram, &now);
		changed = 1;
	}
	return changed;
}

/* ---- Copies ---- */

static bool head_of(struct tw_ram *ram, const struct tw_ram_ring *ring,
		    uint32_t *head)
{
	struct tw_ring_reader reader;
	struct tw_ram_window window;
	struct tw_memory memory;

	return !tw_ram_window_open(&window, &ram->memory, ring->place,
				   &memory) &&
	       !tw_ring_open(&reader, &memory) && !tw_ring_head(&reader, head);
}

static bool is_same_ring(const struct tw_ram_ring *a,
			 const struct tw_ram_ring *b)
{
	return a->generation == b->generation &&
	       !memcmp(a->uuid, b->uuid, sizeof(a->uuid));
}

/* Of places with the same ring those are copies whose head stays behind. */
static void mark_copies(struct tw_ram *ram)
{
	bool has_head[TW_RAM_RINGS_MAX];
	uint32_t heads[TW_RAM_RINGS_MAX];

	for (size_t i = 0; i < ram->ring_count; i++)
		has_head[i] = !ram->rings[i].gone && !ram->rings[i].why &&
			      head_of(ram, &ram->rings[i], &heads[i]);
	for (size_t i = 0; i < ram->ring_count; i++)
		for (size_t j = 0; has_head[i] && j < ram->ring_count; j++)
			if (has_head[j] &&
			    is_same_ring(&ram->rings[i], &ram->rings[j]) &&
			    (int32_t)(heads[i] - heads[j]) < 0)
				ram->rings[i].copy = true;
}

/* ---- Searching ---- */

/* The magic as one word, which is in no constant: see ring.h. */
static uint64_t magic_word(void)
{
	static const volatile uint8_t inverted[TW_RING_MAGIC_SIZE] =
		TW_RING_MAGIC_INVERTED;
	uint8_t bytes[TW_RING_MAGIC_SIZE];
	uint64_t word;

	for (int i = 0; i < TW_RING_MAGIC_SIZE; i++)
		bytes[i] = (uint8_t)~inverted[i];
	memcpy(&word, bytes, sizeof(word));
	return word;
}

static bool is_one_of(uint32_t value, uint32_t wanted)
{
	return value == wanted || value == __builtin_bswap32(wanted);
}

/* Whether the word behind the magic looks right, too. */
static bool is_likely(uint64_t behind)
{
	uint32_t order;

	memcpy(&order, &behind, sizeof(order));
	return is_one_of(order, TW_RING_BYTE_ORDER);
}

/* A later call is short, and is followed by others. */
static bool may_check(const struct tw_ram_search *search)
{
	return search->checked <
	       (search->is_whole ? LATER_CANDIDATES_MAX : CANDIDATES_MAX);
}

/* behind: the word behind the magic. Returns 1 if the list has a new entry. */
static int try_candidate(struct tw_ram *ram, uint64_t place, uint64_t behind)
{
	struct tw_ram_ring ring;

	if (ram->search.refused_kept >= TW_RAM_REFUSED_MAX &&
	    !is_likely(behind)) {
		ram->search.refused += place > ram->search.refused_to ||
				       !is_known(ram, place);
		return 0;
	}
	if (is_known(ram, place))
		return 0;
	examine(ram, place, &ring);
	return remember(ram, &ring);
}

/* The guest may be writing here: every word is loaded once. */
static int search_words(struct tw_ram *ram, const void *bytes, uint64_t place,
			size_t size, size_t *done)
{
	const uint64_t magic = magic_word();
	const volatile uint64_t *word = bytes;
	const size_t step = TW_RING_ALIGN / sizeof(*word);
	int found = 0;
	size_t i;

	for (i = 0; i + step <= size / sizeof(*word); i += step) {
		if (word[i] != magic)
			continue;
		if (!may_check(&ram->search))
			break;
		found |= try_candidate(ram, place + i * sizeof(*word),
				       word[i + 1]);
	}
	*done = i + step <= size / sizeof(*word) ? i * sizeof(*word) : size;
	return found;
}

/* size is CHUNK_SIZE or less. Memory that has gone meanwhile holds no ring. */
static int search_chunk(struct tw_ram *ram, uint64_t place, size_t size,
			size_t *done)
{
	struct tw_ram_memory *memory = &ram->memory;

	*done = size;
	if (memory->base)
		return search_words(ram, memory->base + place, place, size,
				    done);
	if (memory->ops->read(memory, place, ram->search.buffer, size))
		return 0;
	return search_words(ram, ram->search.buffer, place, size, done);
}

static uint64_t round_up(uint64_t place)
{
	const uint64_t mask = TW_RING_ALIGN - 1;

	return (place + mask) & ~mask;
}

/* A run that is there, or as much of it as the call may still look at. */
static int search_run(struct tw_ram *ram, uint64_t from, uint64_t to,
		      uint64_t limit)
{
	struct tw_ram_search *search = &ram->search;
	int found = 0;

	from = round_up(from);
	while (from < to && search->looked < limit) {
		size_t size = to - from < CHUNK_SIZE ? (size_t)(to - from)
						     : CHUNK_SIZE;

		size_t done;

		found |= search_chunk(ram, from, size, &done);
		from += done;
		search->looked += done;
		/* Enough was looked at closely: the next call goes on here. */
		if (done < size) {
			search->gave_up |= !search->is_whole;
			search->looked = limit;
		}
	}
	search->at = from;
	return found;
}

/* Tell how far a first search is. False: stop. */
static bool report(struct tw_ram *ram, uint64_t done, uint64_t total)
{
	struct tw_ram_search *search = &ram->search;

	if (search->is_whole || !ram->progress ||
	    done - search->reported < PROGRESS_STEP)
		return true;
	search->reported = done;
	return ram->progress(ram->progress_context, done, total);
}

static uint64_t total_size(const struct tw_ram *ram)
{
	uint64_t total = 0;

	for (size_t i = 0; i < ram->memory.range_count; i++)
		total += ram->memory.ranges[i].end -
			 ram->memory.ranges[i].start;
	return total;
}

/* From search->at to the end of the range. Returns 1, 0, or -EINTR. */
static int search_range(struct tw_ram *ram, const struct tw_ram_range *range,
			uint64_t before, uint64_t limit)
{
	struct tw_ram_search *search = &ram->search;
	const uint64_t total = total_size(ram);
	int found = 0;

	if (search->at < range->start)
		search->at = range->start;
	while (search->at < range->end && search->looked < limit) {
		uint64_t from = search->at;
		/* A step at a time, so that long holes are reported, too. */
		uint64_t to = range->end - from < PROGRESS_STEP
				      ? range->end
				      : from + PROGRESS_STEP;
		const uint64_t step_end = to;

		while (search->looked < limit && from < step_end &&
		       ram->memory.ops->present(&ram->memory, &from, &to)) {
			found |= search_run(ram, from, to, limit);
			from = to;
			to = step_end;
		}
		if (search->looked < limit)
			search->at = step_end;
		if (!report(ram, before + (search->at - range->start), total))
			return -EINTR;
	}
	return found;
}

/* As much as limit allows, from where the last call stopped. */
static int search_ranges(struct tw_ram *ram, uint64_t limit)
{
	struct tw_ram_search *search = &ram->search;
	uint64_t before = 0;
	int found = 0, got;

	for (size_t i = 0; i < ram->memory.range_count; i++) {
		const struct tw_ram_range *range = &ram->memory.ranges[i];

		if (search->looked >= limit)
			return found;
		if (search->at < range->end) {
			got = search_range(ram, range, before, limit);
			if (got < 0)
				return got;
			found |= got;
		}
		before += range->end - range->start;
	}
	if (search->looked < limit)
		search->at = 0;
	return found;
}

static void make_notice(struct tw_ram *ram)
{
	const struct tw_ram_search *search = &ram->search;

	ram->notice[0] = '\0';
	if (search->gave_up)
		snprintf(ram->notice, sizeof(ram->notice),
			 "%s: more than %u places look like rings; the rest "
			 "was not looked at",
			 ram->spec, CANDIDATES_MAX);
	else if (search->left_out)
		snprintf(ram->notice, sizeof(ram->notice),
			 "%s: %zu rings are left out: with all of them there "
			 "would be more than the memory holds, or than can be "
			 "kept track of",
			 ram->spec, search->left_out);
	else if (search->is_full)
		snprintf(ram->notice, sizeof(ram->notice),
			 "%s: more than %d rings; the rest is left out",
			 ram->spec, TW_RAM_RINGS_MAX);
	else if (search->refused)
		snprintf(ram->notice, sizeof(ram->notice),
			 "%s: %" PRIu64 " more places have a ring's magic and "
			 "no usable ring",
			 ram->spec, search->refused);
}

static int begin(struct tw_ram *ram, struct tw_attach_error *error)
{
	struct tw_ram_search *search = &ram->search;
	int err;

	search->looked = 0;
	search->reported = 0;
	search->checked = 0;
	if (!search->buffer && !ram->memory.base) {
		search->buffer = malloc(CHUNK_SIZE);
		if (!search->buffer)
			return tw_attach_fail(error, -ENOMEM,
					      "%s: out of memory", ram->spec);
	}
	err = ram->memory.ops->refresh(&ram->memory);
	return err ? tw_attach_fail(error, err,
				    "%s: what it has mapped can't be read: %s",
				    ram->spec, strerror(-err))
		   : 0;
}

static int lose_all(struct tw_ram *ram)
{
	int changed = 0;

	for (size_t i = 0; i < ram->ring_count; i++) {
		changed |= !ram->rings[i].gone;
		ram->rings[i].gone = true;
	}
	return changed;
}

int tw_ram_scan(struct tw_ram *ram, struct tw_attach_error *error)
{
	struct tw_ram_search *search = &ram->search;
	int changed, found;
	int err = begin(ram, error);

	if (err)
		return err;
	/* An image was never alive, and is there all the same. */
	if (ram->memory.pid && !tw_ram_is_alive(ram))
		return lose_all(ram);
	if (!search->is_whole)
		search->at = 0;
	/* Counted anew in each round. */
	if (search->at == 0) {
		search->refused = 0;
		search->gave_up = false;
		search->is_full = false;
	}
	changed = look_again(ram);
	search->refused_kept = count_refused(ram);
	found = search_ranges(ram,
			      search->is_whole ? LATER_SEARCH_MAX : UINT64_MAX);
	if (found < 0)
		return tw_attach_fail(error, found, "%s: interrupted",
				      ram->spec);
	search->is_whole = true;
	search->left_out = tw_ram_share_out(ram);
	mark_copies(ram);
	make_notice(ram);
	return changed | found;
}
