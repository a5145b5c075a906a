/* SPDX-License-Identifier: MIT */
/*
 * Rings that lie. Every word of every header is set to every awkward value, one
 * at a time, then many at once, then while a reader reads; each time all of the
 * read side is gone through. What the answers are is open, but nothing outside
 * of the memory is touched (there are guards around it, and the callbacks
 * check), nothing is written but state bytes behind a valid header, and what is
 * handed out keeps to the limits that it states.
 */
#include "load.h"
#include "ring-fixture.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
	struct fixture f;
	struct load *load;
	uint8_t *sound; /* the ring before anybody touched it */
	uint64_t *page; /* a buffer, of the size that the ring asks for */
	bool changing;	/* while it is read */
};

static void world_create(struct world *w, const struct tw_ring_layout *layout)
{
	struct tw_writer writers[2];
	uint32_t i, lanes = layout->lane_count < 2 ? 1 : 2;

	memset(w, 0, sizeof(*w));
	memset(writers, 0, sizeof(writers));
	fixture_create(&w->f, layout, TW_RING_DISCARD);
	for (i = 0; i < layout->group_capacity; i++)
		fixture_add_group(&w->f, i, 8);
	w->load = load_create();
	for (i = 0; i < lanes; i++)
		if (tw_writer_attach(&w->f.ring, &writers[i], i + 1, 0))
			abort();
	/* Full pages, an open one. */
	for (i = 0; i < 12; i++)
		load_emit(w->load, &w->f.ring, &writers[i % 3 % lanes]);
	w->sound = malloc(w->f.size);
	if (!w->sound)
		abort();
	memcpy(w->sound, w->f.memory, w->f.size);
}

static void world_destroy(struct world *w)
{
	free(w->sound);
	load_destroy(w->load);
	fixture_destroy(&w->f);
}

static void heal(struct world *w)
{
	memcpy(w->f.memory, w->sound, w->f.size);
}

/* ---- Going through the read side ---- */

static void try_words(struct tw_ring_reader *reader)
{
	static const uint64_t places[] = {
		0, 1, 4095, 4096, 1u << 31, UINT64_MAX - 7, UINT64_MAX};
	struct tw_ring_sync first, last;
	uint8_t bytes[64];
	uint64_t u64;
	uint32_t u32;
	size_t i;

	tw_ring_head(reader, &u32);
	tw_ring_flags(reader, &u32);
	tw_ring_discarded(reader, &u64);
	for (i = 0; i <= TW_RING_HEIRS; i++)
		tw_ring_heir(reader, (uint32_t)i, &u32);
	tw_ring_heir(reader, UINT32_MAX, &u32);
	tw_ring_syncs(reader, &first, &last);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!tw_ring_read_bytes(reader, places[i], bytes,
					sizeof(bytes)) &&
		    places[i] + sizeof(bytes) > reader->control.size)
			fail_msg("bytes from outside of the ring");
}

static void try_lanes(struct tw_ring_reader *reader)
{
	const uint32_t count = reader->control.lane_count;
	struct tw_ring_lane lane;
	uint32_t i;

	for (i = 0; i < count && i < 16; i++)
		assert_int_equal(tw_ring_read_lane(reader, i, &lane), 0);
	assert_int_equal(tw_ring_read_lane(reader, count - 1, &lane), 0);
	assert_int_equal(tw_ring_read_lane(reader, count, &lane), -EBADMSG);
	assert_int_equal(tw_ring_read_lane(reader, UINT32_MAX, &lane),
			 -EBADMSG);
}

/* A write must have gone to a state byte of this very ring. */
static void check_write(struct world *w, const struct tw_ring_reader *reader,
			const struct tw_ring_group *group, uint32_t event)
{
	const uint64_t at = group->states_offset;
	struct tw_states states;

	if (w->f.written_at != at + TW_STATES_HEADER + event)
		fail_msg("something else than the state byte was written");
	if (w->changing)
		return;
	memcpy(&states, w->f.memory + at, TW_STATES_HEADER);
	if (tw_ring_u32(reader, states.magic) != TW_STATES_MAGIC ||
	    memcmp(states.uuid, reader->control.uuid, 16) != 0)
		fail_msg("written behind no valid header");
}

static void try_states(struct world *w, struct tw_ring_reader *reader,
		       const struct tw_ring_group *group)
{
	const uint32_t events[] = {
		0,	   1, 7, 8, group->event_count - 1, group->event_count,
		UINT32_MAX};
	uint8_t saved[40];
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		tw_ring_event_state(reader, group, events[i]);
		w->f.writes = 0;
		if (tw_ring_read_bytes(reader, group->states_offset, saved,
				       sizeof(saved)))
			continue;
		if (!tw_ring_set_event_state(reader, group, events[i], 1))
			check_write(w, reader, group, events[i]);
		else
			assert_int_equal(w->f.writes, 0);
	}
}

static void try_groups(struct world *w, struct tw_ring_reader *reader)
{
	const uint32_t capacity = reader->control.group_capacity;
	struct tw_ring_group group;
	uint32_t i, count;

	if (!tw_ring_group_count(reader, &count))
		assert_true(count <= capacity);
	for (i = 0; i < capacity && i < 8; i++)
		if (!tw_ring_read_group(reader, i, &group))
			try_states(w, reader, &group);
	assert_true(tw_ring_read_group(reader, capacity, &group) < 0);
	assert_true(tw_ring_read_group(reader, UINT32_MAX, &group) < 0);
}

static void try_page(struct world *w, struct tw_ring_reader *reader,
		     uint32_t index)
{
	const struct tw_ring_control *c = &reader->control;
	struct tw_page_view view;
	uint32_t word;

	tw_ring_page_state(reader, index, &word);
	if (tw_ring_page_copy(reader, index, w->page, &view))
		return;
	assert_in_range(view.size, TW_PAGE_HEADER,
			c->page_size - TW_PAGE_TRAILER);
	assert_true(view.lane < c->lane_count);
	assert_true(view.time_begin <= view.time_end);
	assert_true(view.state == TW_PAGE_OPEN || view.state == TW_PAGE_FULL);
	if (!w->changing && view.events < 10000 &&
	    view.events_before < LOAD_EVENTS_MAX)
		load_check_page(reader, w->page, &view);
	tw_ring_page_release(reader, &view);
}

static void try_pages(struct world *w, struct tw_ring_reader *reader)
{
	const uint32_t count = reader->control.page_count;
	uint32_t i, word;

	w->page = malloc(reader->control.page_size);
	if (!w->page)
		return; /* as large as the ring says, which is not that large */
	for (i = 0; i < count && i < 16; i++)
		try_page(w, reader, i);
	try_page(w, reader, count - 1);
	assert_int_equal(tw_ring_page_state(reader, count, &word), -EBADMSG);
	free(w->page);
}

/* Returns whether the ring could be opened. */
static bool try_all(struct world *w, enum fixture_access access, size_t size)
{
	struct tw_ring_reader reader;
	struct tw_memory memory;

	fixture_memory_of(&w->f, access, &memory, size);
	if (tw_ring_open(&reader, &memory)) {
		assert_non_null(reader.why);
		return false;
	}
	assert_true(reader.control.size <= size);
	try_words(&reader);
	try_lanes(&reader);
	try_groups(w, &reader);
	try_pages(w, &reader);
	return true;
}

/* ---- One word at a time ---- */

static const uint64_t values[] = {
	0,
	1,
	2,
	3,
	4,
	7,
	8,
	TW_PAGE_SIZE_MIN,
	TW_PAGE_SIZE_MAX,
	TW_PAGE_SIZE_MAX + 8,
	4096 - 1,
	4096,
	4096 + 1,
	4096 - 512,
	4096 - TW_PAGE_TRAILER,
	0xffff,
	0x10000,
	0x7fffffff,
	0x80000000,
	0xfffffff8,
	0xffffffff,
	0x100000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xfffffffffffff000,
	0xfffffffffffffff8,
	0xffffffffffffffff,
};
#define VALUES (sizeof(values) / sizeof(values[0]))

static uint64_t swapped(uint64_t value, size_t size)
{
	return __builtin_bswap64(value) >> (64 - size * 8);
}

/* Set one number and try; the ring is whole again afterwards. */
static bool try_value(struct world *w, size_t offset, size_t size,
		      uint64_t value)
{
	enum fixture_access access;
	bool opened = false;

	for (access = 0; access < FIXTURE_ACCESSES; access++) {
		memcpy(w->f.memory + offset, &value, size);
		opened |= try_all(w, access, w->f.size);
		heal(w);
	}
	return opened;
}

static void try_word(struct world *w, size_t offset, bool swap,
		     uint32_t *opened)
{
	size_t size, i;
	uint64_t value, old;

	for (size = 4; size <= 8; size += 4) {
		if (offset % size)
			continue;
		for (i = 0; i < VALUES; i++) {
			value = swap ? swapped(values[i], size) : values[i];
			*opened += try_value(w, offset, size, value);
		}
		/* And the neighbours of what was there. */
		old = 0;
		memcpy(&old, w->sound + offset, size);
		old = swap ? swapped(old, size) : old;
		for (i = 0; i < 4; i++) {
			value = i < 2 ? old - 1 + 2 * i : old ^ 4 << 4 * i;
			value = swap ? swapped(value, size) : value;
			*opened += try_value(w, offset, size, value);
		}
	}
}

/* The places where numbers lie: all but heap and payload. */
static bool is_header(const struct world *w, size_t offset)
{
	const struct tw_ring_layout *l = &w->f.layout;
	size_t i;

	if (offset < l->heap_offset)
		return true;
	if (offset >= l->pages_offset) {
		offset = (offset - l->pages_offset) % l->page_size;
		return offset < TW_PAGE_HEADER + 16 ||
		       offset >= l->page_size - TW_PAGE_TRAILER;
	}
	for (i = 0; i < l->group_capacity; i++) {
		size_t at = l->heap_offset +
			    i * (l->heap_size / l->group_capacity & ~7u);

		if (offset >= at && offset < at + TW_STATES_HEADER)
			return true;
	}
	return false;
}

static void every_word_lies(const struct tw_ring_layout *layout, bool swap)
{
	uint32_t opened = 0, words = 0;
	struct world w;
	size_t at;

	world_create(&w, layout);
	if (swap) {
		fixture_swap(&w.f);
		memcpy(w.sound, w.f.memory, w.f.size);
	}
	assert_true(try_all(&w, FIXTURE_MAPPED, w.f.size));
	heal(&w);
	for (at = 0; at < w.f.layout.size; at += 4)
		if (is_header(&w, at)) {
			try_word(&w, at, swap, &opened);
			words++;
		}
	/* Most lies are no reason not to open the ring. */
	assert_true(opened > words * VALUES / 2);
	world_destroy(&w);
}

static void every_word_of_a_ring_lies(void **state)
{
	every_word_lies(&fixture_small, false);
}

static void every_word_of_a_swapped_ring_lies(void **state)
{
	every_word_lies(&fixture_small, true);
}

static void every_word_of_the_least_ring_lies(void **state)
{
	every_word_lies(&fixture_tiny, false);
}

/* Geometry: what is refused is refused at once. */
static void impossible_geometry_is_refused(void **state)
{
	static const struct {
		size_t offset, size;
		uint64_t value;
	} lies[] = {
#define LIE(member, value)                         \
	{offsetof(struct tw_ring_control, member), \
	 sizeof(((struct tw_ring_control *)0)->member), value}
		LIE(size, 4097),
		LIE(size, 0),
		LIE(size, UINT64_MAX),
		LIE(page_size, 0),
		LIE(page_size, 248),
		LIE(page_size, 516),
		LIE(page_size, TW_PAGE_SIZE_MAX + 8),
		LIE(page_size, UINT32_MAX),
		LIE(page_count, 0),
		LIE(page_count, 1),
		LIE(page_count, 5),
		LIE(page_count, UINT32_MAX),
		LIE(pages_offset, 2049),
		LIE(pages_offset, 2056),
		LIE(pages_offset, 4096),
		LIE(pages_offset, UINT64_MAX - 7),
		LIE(lanes_offset, 4096 - 248),
		LIE(lanes_offset, 385),
		LIE(lanes_offset, UINT64_MAX - 63),
		LIE(lane_count, 0),
		LIE(lane_count, 59),
		LIE(lane_count, UINT32_MAX),
		LIE(lane_size, 0),
		LIE(lane_size, 56),
		LIE(lane_size, 68),
		LIE(lane_size, TW_RING_ENTRY_MAX + 8),
		LIE(groups_offset, 4096 - 120),
		LIE(groups_offset, UINT64_MAX - 63),
		LIE(group_capacity, 56),
		LIE(group_capacity, UINT32_MAX),
		LIE(group_size, 0),
		LIE(group_size, 60),
		LIE(group_size, TW_RING_ENTRY_MAX + 8),
		LIE(mode, 3),
		LIE(control_size, 0),
		LIE(control_size, TW_RING_CONTROL_MIN - 1),
#undef LIE
	};
	struct tw_ring_reader reader;
	struct tw_memory memory;
	struct world w;
	size_t i;

	world_create(&w, &fixture_small);
	fixture_memory(&w.f, FIXTURE_MAPPED, &memory);
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		memcpy(w.f.memory + lies[i].offset, &lies[i].value,
		       lies[i].size);
		if (tw_ring_open(&reader, &memory) != -EBADMSG)
			fail_msg("%zu at %zu", (size_t)lies[i].value,
				 lies[i].offset);
		heal(&w);
		assert_int_equal(tw_ring_open(&reader, &memory), 0);
	}
	world_destroy(&w);
}

static int read_control_only(void *context, uint64_t offset, void *to,
			     size_t size)
{
	const uint8_t *control = context;
	uint8_t *byte = to;

	for (; size; size--, offset++)
		*byte++ = offset < 384 ? control[offset] : 0;
	return 0;
}

/* In memory large enough for anything there are limits all the same. */
static void endless_tables_are_refused(void **state)
{
	struct tw_ring_control control;
	struct tw_memory memory = {.size = (uint64_t)1 << 50,
				   .context = &control,
				   .read = read_control_only};
	struct tw_ring_reader reader;
	struct world w;

	world_create(&w, &fixture_small);
	memcpy(&control, w.f.memory, sizeof(control));
	control.size = memory.size;
	control.lane_count = TW_RING_LANES_MAX;
	control.group_capacity = TW_RING_GROUPS_MAX;
	control.lane_size = control.group_size = TW_RING_ENTRY_MAX;
	assert_int_equal(tw_ring_open(&reader, &memory), 0);
	control.lane_count++;
	assert_int_equal(tw_ring_open(&reader, &memory), -EBADMSG);
	control.lane_count--;
	control.group_capacity++;
	assert_int_equal(tw_ring_open(&reader, &memory), -EBADMSG);
	control.group_capacity--;
	control.lane_size += 8;
	assert_int_equal(tw_ring_open(&reader, &memory), -EBADMSG);
	control.lane_size -= 8;
	control.group_size += 8;
	assert_int_equal(tw_ring_open(&reader, &memory), -EBADMSG);
	world_destroy(&w);
}

/* A group that claims what isn't there. */
static void impossible_groups_are_refused(void **state)
{
	static const struct {
		size_t offset, size;
		uint64_t value;
	} lies[] = {
#define LIE(member, value)                       \
	{offsetof(struct tw_ring_group, member), \
	 sizeof(((struct tw_ring_group *)0)->member), value}
		LIE(event_count, TW_EVENTS_MAX + 1),
		LIE(event_count, UINT32_MAX),
		LIE(event_count, 4096),
		LIE(id_base, TW_EVENTS_MAX - 7),
		LIE(id_base, UINT32_MAX),
		LIE(states_offset, 4096 - TW_STATES_HEADER - 7),
		LIE(states_offset, UINT64_MAX),
		LIE(states_offset, UINT64_MAX - TW_STATES_HEADER),
		LIE(schema_offset, 4096 - 15),
		LIE(schema_offset, UINT64_MAX),
		LIE(schema_size, 4096),
		LIE(schema_size, UINT64_MAX),
#undef LIE
	};
	struct tw_ring_reader reader;
	struct tw_ring_group group;
	struct tw_memory memory;
	struct world w;
	size_t i;

	world_create(&w, &fixture_small);
	fixture_memory(&w.f, FIXTURE_MAPPED, &memory);
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		memcpy((uint8_t *)w.f.ring.groups + lies[i].offset,
		       &lies[i].value, lies[i].size);
		assert_int_equal(tw_ring_open(&reader, &memory), 0);
		if (tw_ring_read_group(&reader, 0, &group) != -EBADMSG)
			fail_msg("%zu at %zu", (size_t)lies[i].value,
				 lies[i].offset);
		heal(&w);
		assert_int_equal(tw_ring_read_group(&reader, 0, &group), 0);
	}
	world_destroy(&w);
}

/* ---- Many at once ---- */

static uint32_t chance(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)*seed * below >> 32);
}

static void many_words_lie(void **state)
{
	uint32_t seed = 7, round, i, count, opened = 0;
	struct world w;
	uint64_t value;
	size_t at, size;

	world_create(&w, &fixture_small);
	for (round = 0; round < 20000; round++) {
		count = 2 + chance(&seed, 6);
		for (i = 0; i < count; i++) {
			size = chance(&seed, 2) ? 4 : 8;
			/* The control block's chances are the best. */
			at = chance(&seed, chance(&seed, 2) ? 4096 : 200);
			at = at / size * size;
			/* With the magic spoilt nothing else would be seen. */
			if (at < 24)
				at += 24;
			value = values[chance(&seed, VALUES)];
			if (chance(&seed, 4) == 0)
				value = chance(&seed, 4096);
			memcpy(w.f.memory + at, &value, size);
		}
		opened += try_all(&w, round % FIXTURE_ACCESSES, w.f.size);
		heal(&w);
	}
	assert_in_range(opened, 1000, 19000);
	world_destroy(&w);
}

/* ---- While it is read ---- */

struct spoiler {
	struct world *w;
	uint32_t stop;
};

static void *spoil(void *context)
{
	struct spoiler *spoiler = context;
	struct fixture *f = &spoiler->w->f;
	uint32_t seed = 99, at, step;

	for (step = 0; !__atomic_load_n(&spoiler->stop, __ATOMIC_RELAXED);
	     step++) {
		/* Rarely, or the ring would never be opened at all; the tables
		 * at its start as often as all the rest. */
		at = chance(&seed, step % 512 ? 4096 : 768);
		if (step % 256 == 0)
			__atomic_store_n(&f->memory[at],
					 (uint8_t)chance(&seed, 256),
					 __ATOMIC_RELAXED);
		/* Whole again, or soon nothing would be left to spoil. */
		at = step % 4096;
		__atomic_store_n(&f->memory[at], spoiler->w->sound[at],
				 __ATOMIC_RELAXED);
	}
	return NULL;
}

static void rings_that_change_while_they_are_read(void **state)
{
	struct spoiler spoiler;
	pthread_t thread;
	struct world w;
	uint32_t i, opened = 0;

	world_create(&w, &fixture_small);
	w.changing = true;
	spoiler = (struct spoiler){.w = &w};
	assert_int_equal(pthread_create(&thread, NULL, spoil, &spoiler), 0);
	/* Each of the two may be kept from running for long: until a ring has
	 * been opened and another has not. */
	for (i = 0; i < 20000 || ((!opened || opened == i) && i < 20000000);
	     i++)
		opened += try_all(&w, i % FIXTURE_ACCESSES, w.f.size);
	__atomic_store_n(&spoiler.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_in_range(opened, 1, i - 1);
	world_destroy(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_of_a_ring_lies),
		cmocka_unit_test(every_word_of_a_swapped_ring_lies),
		cmocka_unit_test(every_word_of_the_least_ring_lies),
		cmocka_unit_test(impossible_geometry_is_refused),
		cmocka_unit_test(endless_tables_are_refused),
		cmocka_unit_test(impossible_groups_are_refused),
		cmocka_unit_test(many_words_lie),
		cmocka_unit_test(rings_that_change_while_they_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
