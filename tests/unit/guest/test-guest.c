/* SPDX-License-Identifier: MIT */
/*
 * The guest runtime, on a machine of the test's own (machine.h), as a reader
 * sees it. Built in several variants: with compare-and-swap, without it and
 * without 64-bit stores, and with a guard around whole events.
 */
#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int teardown(void **state)
{
	machine_destroy();
	return 0;
}

/*
 * Options that are refused, and what is taken.
 */

static int start_with(void *memory, size_t size, uint32_t flags)
{
	static struct tw_group *const groups[] = {&tw_group_guest};
	const struct tw_guest_options options = {
		.memory = memory,
		.size = size,
		.groups = groups,
		.group_count = 1,
		.flags = flags,
	};

	return tw_guest_start(&options);
}

static int start_so(uint32_t mode, uint32_t page_size, uint64_t clock_mask)
{
	static struct tw_group *const groups[] = {&tw_group_guest};
	const struct tw_guest_options options = {
		.memory = machine.memory,
		.size = machine.size,
		.groups = groups,
		.group_count = 1,
		.mode = mode,
		.page_size = page_size,
		.clock_mask = clock_mask,
	};

	return tw_guest_start(&options);
}

/* As a host does. */
static void switch_on(uint32_t event)
{
	struct tw_ring_reader reader;
	struct tw_ring_group group;

	machine_open(&reader);
	assert_int_equal(tw_ring_read_group(&reader, 0, &group), 0);
	assert_int_equal(tw_ring_set_event_state(&reader, &group, event, 1), 0);
}

/* As tracetool's output does it. */
static bool open_slot(struct tw_slot *slot, size_t size)
{
	return tw_slot_open(slot, size) || tw_slot_open_slow(slot, size);
}

static void assert_untouched(void)
{
	size_t i;

	for (i = 0; i < machine.size; i++)
		assert_int_equal(machine.memory[i], 0xa5);
	assert_false(trace_plain_enabled());
}

static void test_refuses(void **state)
{
	uint32_t at;

	machine_create(65536);
	for (at = 1; at < TW_RING_ALIGN; at++)
		assert_int_equal(start_with(machine.memory + at, 32768, 0), -1);
	assert_int_equal(start_with(NULL, 65536, 0), -1);
	assert_int_equal(start_so(TW_RING_BLOCK, 0, 0), -1);
	assert_int_equal(start_so(99, 0, 0), -1);
	assert_int_equal(start_so(TW_RING_OVERWRITE, 128, 0), -1);
	assert_int_equal(start_so(TW_RING_OVERWRITE, 257, 0), -1);
	assert_int_equal(start_so(TW_RING_OVERWRITE, 768, 0), -1);
	assert_int_equal(start_so(TW_RING_OVERWRITE, 65536, 0), -1);
	assert_int_equal(start_so(TW_RING_OVERWRITE, 0x80000000u, 0), -1);
	assert_int_equal(start_so(TW_RING_OVERWRITE, 0, 0xffff), -1);
	assert_int_equal(start_so(TW_RING_OVERWRITE, 0, 0xfff0ffff), -1);
	assert_untouched();
	assert_int_equal(start_so(TW_RING_OVERWRITE, 512, 0), 0);
}

/* Where a ring begins to be possible, it is, and stays so. */
static void smallest(uint32_t flags, size_t expected)
{
	struct tw_ring_reader reader;
	size_t size;
	bool started = false;

	for (size = 0; size <= 4096; size += 8) {
		machine_create(size);
		if (start_with(machine.memory, size, flags) == 0) {
			started = true;
			machine_open(&reader);
			assert_true(reader.control.size <= size);
			assert_true(reader.control.page_count >= LANES);
			assert_true(size - reader.control.size <
				    reader.control.page_size);
		} else {
			assert_untouched();
		}
		assert_int_equal(started, size >= expected);
		machine_destroy();
	}
	machine_create(64);
}

/* A page for each lane, and no byte more. */
#define SMALLEST                                                     \
	(TW_RING_CONTROL_MIN + LANES * sizeof(struct tw_ring_lane) + \
	 sizeof(struct tw_ring_group) + TW_STATES_HEADER + 8 +       \
	 LANES * TW_PAGE_SIZE_MIN)

static void test_smallest(void **state)
{
	smallest(TW_GUEST_NO_SCHEMA, SMALLEST);
	smallest(0, SMALLEST + (tw_group_guest.blob_size + 7) / 8 * 8);
	/* One CPU, one level of interrupts. */
	assert_true(LANES > 2 || SMALLEST <= 1024);
}

static void test_large_pages_for_large_rings(void **state)
{
	static const struct {
		size_t size;
		uint32_t page_size;
	} cases[] = {{4096, 256}, {65536, 4096}, {1 << 20, 16384}};
	struct tw_ring_reader reader;
	size_t i;

	for (i = 0; i < 3; i++) {
		machine_create(cases[i].size);
		assert_int_equal(start_with(machine.memory, cases[i].size,
					    TW_GUEST_NO_SCHEMA),
				 0);
		machine_open(&reader);
		assert_int_equal(reader.control.page_size, cases[i].page_size);
		if (i < 2)
			machine_destroy();
	}
}

static void test_control_block(void **state)
{
	static struct tw_group *const groups[] = {&tw_group_guest};
	const struct tw_guest_options options = {
		.memory = memset((machine_create(8192), machine.memory), 0, 64),
		.size = machine.size,
		.name = "a name that is longer than 31 bytes are",
		.groups = groups,
		.group_count = 1,
		.mode = TW_RING_DISCARD,
		.clock_hz = 25000000,
		.clock_kind = TW_CLOCK_CNTVCT,
		.clock_mask = 0xffffffff,
	};
	struct tw_ring_reader reader;
	struct tw_ring_group group;
	void *schema = malloc(tw_group_guest.blob_size);

	assert_int_equal(tw_guest_start(&options), 0);
	machine_open(&reader);
	assert_string_equal((char *)reader.control.name,
			    "a name that is longer than 31 b");
	assert_int_equal(reader.control.control_size, TW_RING_CONTROL_MIN);
	assert_int_equal(reader.control.pid, 0);
	assert_int_equal(reader.control.generation, 1);
	assert_int_equal(reader.control.flags, 0);
	assert_int_equal(reader.control.mode, TW_RING_DISCARD);
	assert_int_equal(reader.control.clock_hz, 25000000);
	assert_int_equal(reader.control.clock_kind, TW_CLOCK_CNTVCT);
	assert_int_equal(reader.control.clock_mask, 0xffffffff);
	assert_int_equal(reader.control.group_count, 1);
	assert_int_equal(tw_ring_read_group(&reader, 0, &group), 0);
	assert_int_equal(group.state, TW_GROUP_LIVE);
	assert_int_equal(group.event_count, 6);
	assert_int_equal(group.schema_size, tw_group_guest.blob_size);
	assert_int_equal(tw_ring_read_bytes(&reader, group.schema_offset,
					    schema, group.schema_size),
			 0);
	assert_memory_equal(schema, tw_group_guest.blob, group.schema_size);
	free(schema);
}

static void test_no_schema(void **state)
{
	struct tw_ring_reader reader;
	struct tw_ring_group group;
	struct books books;

	machine_create(4096);
	machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
	machine_open(&reader);
	assert_int_equal(tw_ring_read_group(&reader, 0, &group), 0);
	assert_int_equal(group.schema_offset, 0);
	assert_int_equal(group.schema_size, 0);
	trace_count(1, 2);
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.read, 1);
}

/*
 * Events.
 */

/* count's two numbers, of events that come one after the other. */
struct sequence {
	uint32_t next;
	uint32_t seen;
};

static void visit_sequence(const struct tw_page_view *page,
			   const struct tw_decoded *event, void *context)
{
	struct sequence *sequence = context;
	uint32_t fields[2];

	assert_int_equal(event->id, 0);
	assert_int_equal(event->fields_size, sizeof(fields));
	memcpy(fields, event->fields, sizeof(fields));
	assert_int_equal(fields[0], 7);
	/* Within a page without a gap, from where the page says. */
	if (fields[1] != sequence->next)
		assert_int_equal(fields[1], page->events_before);
	sequence->next = fields[1] + 1;
	sequence->seen++;
}

static void emit_counts(uint32_t from, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		trace_count(7, from + i);
}

static void overwrite_one(size_t size)
{
	struct sequence sequence = {UINT32_MAX, 0};
	struct books books;

	machine_create(size);
	machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
	emit_counts(0, 5000);
	books_read(&books, false, visit_sequence, &sequence);
	assert_int_equal(books.written, 5000);
	assert_int_equal(books.discarded, 0);
	assert_int_equal(books.read, sequence.seen);
	assert_true(books.read > 0 && books.read <= 5000);
	assert_true(size < 400000 || books.read == 5000);
	machine_destroy();
}

static void test_overwrites(void **state)
{
	size_t size;

	for (size = SMALLEST; size < 400000; size += size / 7)
		overwrite_one(size);
	overwrite_one(400000);
	machine_create(64);
}

static void discard_one(size_t size, bool release)
{
	struct sequence sequence = {UINT32_MAX, 0};
	struct books books = {0};
	uint32_t emitted;

	machine_create(size);
	machine_start(TW_RING_DISCARD, TW_GUEST_NO_SCHEMA);
	for (emitted = 0; emitted < 2000; emitted++) {
		trace_count(7, (uint32_t)books.written);
		books_read(&books, false, NULL, NULL);
		assert_int_equal(books.written + books.discarded, emitted + 1);
		if (release && books.discarded)
			books_read(&books, true, visit_sequence, &sequence);
	}
	books_read(&books, true, visit_sequence, &sequence);
	assert_true(books.discarded > 0);
	/* Nothing was overwritten, so the reader has seen it all. */
	if (release)
		assert_true(sequence.seen >= books.written);
	else
		assert_int_equal(sequence.seen, books.written);
	machine_destroy();
}

static void test_discards(void **state)
{
	discard_one(SMALLEST, false);
	discard_one(SMALLEST, true);
	discard_one(8192, false);
	discard_one(8192, true);
	machine_create(64);
}

struct texts {
	const char *expected;
	uint32_t seen;
};

static void visit_text(const struct tw_page_view *page,
		       const struct tw_decoded *event, void *context)
{
	struct texts *texts = context;

	assert_string_equal(event_text(event), texts->expected);
	texts->seen++;
}

/* The ring holds one event, and this is what it says. */
static void assert_event(const char *expected)
{
	struct texts texts = {expected, 0};
	struct books books;

	books_read(&books, false, visit_text, &texts);
	assert_int_equal(texts.seen, 1);
	assert_int_equal(books.written, 1);
	assert_int_equal(books.discarded, 0);
	machine_destroy();
	machine_create(16384);
	machine_start(TW_RING_OVERWRITE, 0);
}

static void test_values(void **state)
{
	machine_create(16384);
	machine_start(TW_RING_OVERWRITE, 0);
	trace_plain();
	assert_event("plain");
	trace_sizes(200, -2, 4000000000u, -5000000000, true, 0.5,
		    (void *)0x1234);
	assert_event("200 -2 4000000000 -5000000000 1 0.5 0x1234");
	trace_text("a string", 3);
	assert_event("a string 3");
	trace_text("", 3);
	assert_event(" 3");
	trace_text(NULL, 3);
	assert_event(" 3");
	trace_dump(NULL, (const uint8_t *)"\x01\xff", 2);
	assert_event(" 01 ff (2)");
	trace_dump("none", NULL, 2);
	assert_event("none  (2)");
	trace_dump("none", (const uint8_t *)"x", 0);
	assert_event("none  (0)");
	trace_dump("none", (const uint8_t *)"x", -1);
	assert_event("none  (-1)");
	assert_false(trace_never_enabled());
}

/* Strings and bytes are cut at a quarter of the page's room. */
static void cut_one(uint32_t page_size)
{
	const size_t room = page_size - TW_PAGE_HEADER - TW_PAGE_TRAILER;
	const size_t kept = room / 4 < TW_STRING_MAX ? room / 4 : TW_STRING_MAX;
	struct books books;
	char text[2048];
	char expected[2048];
	struct texts texts = {expected, 0};

	machine_create(131072);
	assert_int_equal(start_so(TW_RING_OVERWRITE, page_size, 0), 0);
	switch_on(3);
	switch_on(4);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	memcpy(expected, text, kept);
	memcpy(expected + kept, " 9", 3);
	trace_text(text, 9);
	books_read(&books, false, visit_text, &texts);
	assert_int_equal(texts.seen, 1);
	trace_dump(text, (const uint8_t *)text, sizeof(text));
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.written, 2);
	assert_int_equal(books.read, 2);
	machine_destroy();
}

static void test_cuts(void **state)
{
	uint32_t page_size;

	for (page_size = 256; page_size <= 8192; page_size *= 2)
		cut_one(page_size);
	machine_create(64);
}

/* An event that fits into no page is counted, and takes no page away. */
static void test_too_large(void **state)
{
	struct tw_slot slot;
	struct books before, after;
	uint32_t i;

	machine_create(4096);
	machine_start(TW_RING_OVERWRITE, 0);
	emit_counts(0, 3);
	books_read(&before, false, NULL, NULL);
	for (i = 0; i < 100; i++)
		assert_false(open_slot(&slot, 137 + i * 1000));
	books_read(&after, false, NULL, NULL);
	assert_int_equal(after.pages, before.pages);
	assert_int_equal(after.written, 3);
	assert_int_equal(after.discarded, 100);
	assert_true(open_slot(&slot, 136));
	memset(slot.at, 0, 136);
	tw_slot_commit(&slot, 1, 8);
}

/*
 * Interrupts.
 */

static struct {
	unsigned at; /* the testpoint */
	unsigned depth;
	unsigned most; /* levels of interrupts */
	unsigned points_guarded;
	uint64_t emitted;
	uint64_t nested;
} interrupts;

static void interrupt(void)
{
	unsigned i;

	if (interrupts.depth == interrupts.most)
		return;
	interrupts.depth++;
	for (i = 0; i < 2; i++) {
		trace_count(7, 1);
		trace_text("from an interrupt", 1);
	}
	interrupts.emitted += 4;
	interrupts.nested += 4;
	interrupts.depth--;
}

static void interrupt_at(unsigned at)
{
	if (machine.masked)
		interrupts.points_guarded++;
	else if (at == interrupts.at)
		interrupt();
}

static void prepare_interrupts(unsigned most)
{
	memset(&interrupts, 0, sizeof(interrupts));
	interrupts.most = most;
}

/* Events of the main flow, to be interrupted; how many were discarded. */
static uint64_t emit_and_balance(void)
{
	struct books books;
	unsigned i;

	for (i = 0; i < 300; i++) {
		trace_text("from the main flow", i);
		interrupts.emitted++;
	}
	tw_testpoint_hook = NULL;
	machine.interrupt = NULL;
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.written + books.discarded, interrupts.emitted);
	return books.discarded;
}

/* At every place where a turn has told the world something. */
static void testpoint_one(unsigned at, uint32_t mode, unsigned depth)
{
	/* The last two are of lanes that come and go: a guest's don't. */
	const bool passed = at < TESTPOINTS - 2 && !TURNS_GUARDED;
	uint64_t discarded;

	machine_create(8192);
	machine_start(mode, 0);
	prepare_interrupts(depth);
	interrupts.at = at;
	tw_testpoint_hook = interrupt_at;
	discarded = emit_and_balance();
	assert_int_equal(interrupts.points_guarded > 0, TURNS_GUARDED);
	if (mode == TW_RING_OVERWRITE) {
		assert_int_equal(interrupts.nested > 0, passed);
		assert_int_equal(discarded > 0,
				 passed && depth >= TW_GUEST_LEVELS);
	}
	machine_destroy();
}

static void test_interrupts_at_testpoints(void **state)
{
	unsigned at, depth;

	for (at = 0; at < TESTPOINTS; at++) {
		for (depth = 1; depth <= TW_GUEST_LEVELS; depth++) {
			testpoint_one(at, TW_RING_OVERWRITE, depth);
			testpoint_one(at, TW_RING_DISCARD, depth);
		}
	}
	machine_create(64);
}

/* At each look at the clock: in the middle of every event. */
static void clock_one(uint32_t mode, unsigned depth, uint64_t mask)
{
	/* With a counter that wraps all of an event is the slow way. */
	const bool guarded = mask ? TURNS_GUARDED : EVENTS_GUARDED;
	uint64_t discarded;

	machine_create(8192);
	assert_int_equal(start_so(mode, 0, mask), 0);
	switch_on(0);
	switch_on(3);
	prepare_interrupts(depth);
	machine.interrupt = interrupt;
	discarded = emit_and_balance();
	if (!mask)
		assert_int_equal(interrupts.nested > 0, !guarded);
	if (mode == TW_RING_OVERWRITE && !guarded)
		assert_int_equal(discarded > 0,
				 depth >= TW_GUEST_LEVELS && !TURNS_GUARDED);
	machine_destroy();
}

static void test_interrupts_at_the_clock(void **state)
{
	unsigned depth;

	for (depth = 1; depth <= TW_GUEST_LEVELS; depth++) {
		clock_one(TW_RING_OVERWRITE, depth, 0);
		clock_one(TW_RING_DISCARD, depth, 0);
		clock_one(TW_RING_OVERWRITE, depth, 0xffffff);
	}
	machine_create(64);
}

/* Between the opening of an event and its end. */
static void test_interrupts_between(void **state)
{
	struct tw_slot slot[TW_GUEST_LEVELS + 1];
	struct books books;
	uint32_t i;

	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, 0);
	if (EVENTS_GUARDED)
		return;
	for (i = 0; i < TW_GUEST_LEVELS; i++)
		assert_true(open_slot(&slot[i], 8));
	assert_false(open_slot(&slot[i], 8));
	trace_plain();
	/* Events under way are in no page yet, and each lane has its own. */
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.written, 0);
	assert_int_equal(books.pages, TW_GUEST_LEVELS);
	assert_int_equal(books.no_lane, 2);
	for (i = TW_GUEST_LEVELS; i-- > 0;)
		tw_slot_commit(&slot[i], 1, 8);
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.written, TW_GUEST_LEVELS);
	for (i = 0; i < LANES; i++)
		assert_int_equal(books.lane[i].state, i < TW_GUEST_LEVELS
							      ? TW_LANE_USED
							      : TW_LANE_FREE);
	for (i = 0; i < TW_GUEST_LEVELS; i++) {
		assert_int_equal(books.lane[i].level, i);
		assert_int_equal(books.lane[i].tid, 0);
		assert_string_equal((char *)books.lane[i].name,
				    i ? "irq" : "cpu");
	}
	/* All of them are free again. */
	trace_plain();
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.lane[0].events, 2);
}

static void test_whole_guard(void **state)
{
	struct tw_slot slot;

	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, 0);
	assert_true(open_slot(&slot, 8));
	assert_int_equal(machine.masked, EVENTS_GUARDED);
	tw_slot_commit(&slot, 1, 8);
	assert_false(machine.masked);
	assert_false(open_slot(&slot, 9999));
	assert_false(machine.masked);
	/* Nor are they on afterwards where they were off. */
	machine.masked = true;
	emit_counts(0, 100);
	assert_true(machine.masked);
	machine.masked = false;
}

static void test_cpus(void **state)
{
	struct books books;
	uint32_t cpu;

	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, 0);
	for (cpu = 0; cpu < TW_GUEST_CPUS; cpu++) {
		machine.cpu = cpu;
		emit_counts(0, cpu + 1);
	}
	books_read(&books, false, NULL, NULL);
	for (cpu = 0; cpu < TW_GUEST_CPUS; cpu++) {
		const struct tw_ring_lane *lane =
			&books.lane[cpu * TW_GUEST_LEVELS];

		assert_int_equal(lane->events, cpu + 1);
		assert_int_equal(lane->tid, cpu);
		assert_int_equal(lane->level, 0);
	}
#if TW_GUEST_CPUS > 1
	machine.cpu = TW_GUEST_CPUS;
	trace_plain();
	machine.cpu = UINT32_MAX;
	trace_plain();
	assert_false(machine.masked);
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.no_lane, 2);
#endif
}

/*
 * Time.
 */

/* Those of one CPU's main flow. */
struct times {
	uint32_t lane;
	uint64_t time[64];
	uint32_t count;
	uint64_t last;
};

static void visit_time(const struct tw_page_view *page,
		       const struct tw_decoded *event, void *context)
{
	struct times *times = context;

	if (page->lane != times->lane)
		return;
	if (times->count < 64)
		times->time[times->count] = event->time;
	times->count++;
	times->last = event->time;
}

static void at_time(uint64_t clock)
{
	machine.clock = clock;
	trace_plain();
}

static void read_times(struct times *times, uint32_t cpu)
{
	struct books books;

	memset(times, 0, sizeof(*times));
	times->lane = cpu * TW_GUEST_LEVELS;
	books_read(&books, false, visit_time, times);
	assert_int_equal(books.discarded, 0);
}

/* Each page goes on; the next one may begin before. */
static void test_clock_goes_back(void **state)
{
	static const uint64_t clocks[] = {5000, 6000, 5500, 0, 6001, 5999};
	static const uint64_t times[] = {5000, 6000, 5500, 1, 6001, 5999};
	struct times seen;
	struct books books;
	size_t i;

	machine_create(65536);
	machine.clock = 4000;
	machine.step = 0;
	machine_start(TW_RING_OVERWRITE, 0);
	for (i = 0; i < 6; i++)
		at_time(clocks[i]);
	read_times(&seen, 0);
	assert_int_equal(seen.count, 6);
	for (i = 0; i < 6; i++)
		assert_int_equal(seen.time[i], times[i]);
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.pages, 4);
	/* A clock that stands still takes no page. */
	for (i = 0; i < 50; i++)
		at_time(10);
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.pages, 5);
	read_times(&seen, 0);
	assert_int_equal(seen.time[55], 10);
}

static void test_long_gap(void **state)
{
	struct times seen;
	struct books books;

	machine_create(8192);
	machine.step = 0;
	machine_start(TW_RING_OVERWRITE, 0);
	at_time(1000000);
	at_time((uint64_t)1 << 60);
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.pages, 2);
	read_times(&seen, 0);
	assert_int_equal(seen.time[1], (uint64_t)1 << 60);
}

/* Where a time's upper half changes, within a page and at its turn. */
static void test_time_past_32_bits(void **state)
{
	uint64_t now = 0xffffff00;
	struct times seen;
	uint32_t i;

	machine_create(8192);
	machine.step = 0;
	machine.clock = now;
	machine_start(TW_RING_OVERWRITE, 0);
	for (i = 0; i < 100; i++) {
		now += 0x10000000;
		at_time(now);
		read_times(&seen, 0);
		assert_int_equal(seen.last, now);
	}
}

/* A counter of 22 bits, the fewest: times go on, whatever lane asks. */
static void test_clock_wraps(void **state)
{
	const uint64_t mask = 0x3fffff;
	uint64_t now = 5;
	struct times seen;
	uint32_t i;

	machine_create(65536);
	machine.step = 0;
	machine.clock = now;
	assert_int_equal(start_so(TW_RING_OVERWRITE, 0, mask), 0);
	switch_on(1);
	/* More than two rounds in small steps, then some in large ones. */
	for (i = 0; i < 200; i++) {
		machine.cpu = i == 130 ? TW_GUEST_CPUS - 1 : 0;
		now += i < 100 ? 90000 : i % 7 * 300000;
		at_time(now & mask);
		read_times(&seen, machine.cpu);
		assert_int_equal(seen.last, now);
	}
	/* A little behind another's time is not a round ahead. */
	now += 0x300000 - (now & 0xfffff);
	at_time(now & mask);
	machine.cpu = TW_GUEST_CPUS - 1;
	at_time((now - 100000) & mask);
	read_times(&seen, machine.cpu);
	assert_int_equal(seen.last, now - 100000);
}

/*
 * Boots, switches, ends.
 */

static void test_second_boot(void **state)
{
	struct tw_ring_reader first, second, third;
	struct books books;

	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, 0);
	machine_open(&first);
	emit_counts(0, 1000);
	/* As after a reset: nobody has stopped it. */
	machine_start(TW_RING_OVERWRITE, 0);
	machine_open(&second);
	assert_int_equal(second.control.generation, 2);
	assert_memory_not_equal(first.control.uuid, second.control.uuid, 16);
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.pages, 0);
	assert_int_equal(books.written + books.discarded, 0);
	/* Even with a clock that shows the same again. */
	machine.clock = 1000000;
	machine_start(TW_RING_OVERWRITE, 0);
	machine_open(&third);
	assert_int_equal(third.control.generation, 3);
	assert_memory_not_equal(first.control.uuid, third.control.uuid, 16);
	assert_memory_not_equal(second.control.uuid, third.control.uuid, 16);
}

/* All but the magic is rubbish: it leads nowhere. */
static void test_stale_rubbish(void **state)
{
	static const uint8_t magic[] = {0x89, 'T', 'R', 'K',
					'W',  'A', 'Y', '\n'};
	struct tw_ring_reader reader;
	struct books books;

	machine_create(8192);
	memset(machine.memory, 0xff, machine.size);
	memcpy(machine.memory, magic, 8);
	machine_start(TW_RING_OVERWRITE, 0);
	machine_open(&reader);
	assert_int_equal(reader.control.generation, 1);
	emit_counts(0, 1000);
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.written, 1000);
	/* One byte of it wrong is no magic. */
	machine.memory[3] ^= 1;
	((struct tw_ring_control *)machine.memory)->generation = 77;
	machine_start(TW_RING_OVERWRITE, 0);
	machine_open(&reader);
	assert_int_equal(reader.control.generation, 1);
}

/* The magic is gone before anything else changes, and comes last. */
static struct {
	uint8_t magic_seen;
	uint32_t looks;
} watch;

static void watch_magic(void)
{
	watch.looks++;
	watch.magic_seen |= machine.memory[0] == 0x89;
}

static void test_magic_last(void **state)
{
	machine_create(8192);
	memset(&watch, 0, sizeof(watch));
	machine_start(TW_RING_OVERWRITE, 0);
	assert_int_equal(machine.memory[0], 0x89);
	machine.interrupt = watch_magic;
	machine_start(TW_RING_OVERWRITE, 0);
	assert_true(watch.looks > 0);
	assert_int_equal(watch.magic_seen, 0);
	assert_int_equal(machine.memory[0], 0x89);
}

static void set_state(uint32_t event, int on)
{
	struct tw_ring_reader reader;
	struct tw_ring_group group;

	machine_open(&reader);
	assert_int_equal(tw_ring_read_group(&reader, 0, &group), 0);
	assert_int_equal(tw_ring_event_state(&reader, &group, event), !on);
	assert_int_equal(tw_ring_set_event_state(&reader, &group, event, on),
			 0);
	assert_int_equal(tw_ring_event_state(&reader, &group, event), on);
}

static void test_switches(void **state)
{
	struct books books;

	machine_create(8192);
	assert_false(trace_count_enabled());
	emit_counts(0, 3);
	assert_int_equal(start_with(machine.memory, machine.size, 0), 0);
	assert_false(trace_count_enabled());
	emit_counts(0, 3);
	set_state(0, 1);
	assert_true(trace_count_enabled());
	assert_false(trace_plain_enabled());
	emit_counts(0, 5);
	trace_plain();
	set_state(0, 0);
	assert_false(trace_count_enabled());
	emit_counts(0, 3);
	set_state(1, 1);
	trace_plain();
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.read, 6);
	assert_int_equal(books.written, 6);
	assert_int_equal(books.discarded, 0);
}

static void test_stop(void **state)
{
	struct tw_ring_reader reader;
	struct tw_slot slot;
	struct books books;
	uint32_t flags;

	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, 0);
	emit_counts(0, 4);
	machine_open(&reader);
	assert_int_equal(tw_ring_flags(&reader, &flags), 0);
	assert_int_equal(flags, 0);
	/* A stop in the middle of an event leaves that one alone. */
	assert_true(open_slot(&slot, 8));
	tw_guest_stop();
	tw_slot_commit(&slot, 1, 8);
	assert_false(trace_count_enabled());
	emit_counts(0, 4);
	assert_int_equal(tw_ring_flags(&reader, &flags), 0);
	assert_int_equal(flags, TW_RING_CLOSED);
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.read, 5);
	assert_int_equal(books.written, 5);
	tw_guest_stop();
	/* With none under way the lanes' entries have the counts. */
	machine_start(TW_RING_OVERWRITE, 0);
	emit_counts(0, 4);
	tw_guest_stop();
	machine_open(&reader);
	assert_int_equal(tw_ring_read_lane(&reader, 0, &books.lane[0]), 0);
	assert_int_equal(books.lane[0].events, 4);
	assert_int_equal(books.lane[0].page, 0);
}

/* A CPU that stops the ring closes its own pages, and only those. */
static void test_stop_on_a_cpu(void **state)
{
	struct books books;
	uint32_t cpu;

	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, 0);
	for (cpu = 0; cpu < TW_GUEST_CPUS; cpu++) {
		machine.cpu = cpu;
		emit_counts(0, 4);
	}
	tw_guest_stop();
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.written, 4 * TW_GUEST_CPUS);
	for (cpu = 0; cpu < TW_GUEST_CPUS; cpu++)
		assert_int_equal(books.lane[cpu * TW_GUEST_LEVELS].page == 0,
				 cpu == TW_GUEST_CPUS - 1);
}

/* Two groups: ids go on, states and schemas are each's own. */
static void test_two_groups(void **state)
{
	static const uint8_t off[3];
	static const char blob[] = "not looked at";
	struct tw_group other = {off, off, blob, sizeof(blob), 3, 0};
	struct tw_group *const groups[] = {&other, &tw_group_guest};
	struct tw_guest_options options = {
		.groups = groups,
		.group_count = 2,
		.flags = TW_GUEST_EVENTS_ON,
	};
	struct tw_ring_reader reader;
	struct tw_ring_group group[2];
	char copy[sizeof(blob)];

	machine_create(8192);
	options.memory = machine.memory;
	options.size = machine.size;
	assert_int_equal(tw_guest_start(&options), 0);
	machine_open(&reader);
	assert_int_equal(tw_ring_read_group(&reader, 0, &group[0]), 0);
	assert_int_equal(tw_ring_read_group(&reader, 1, &group[1]), 0);
	assert_int_equal(group[0].id_base, 0);
	assert_int_equal(group[1].id_base, 3);
	assert_int_equal(tw_group_guest.id_base, 3);
	assert_int_equal(tw_ring_read_bytes(&reader, group[0].schema_offset,
					    copy, sizeof(copy)),
			 0);
	assert_string_equal(copy, blob);
	assert_int_equal(tw_ring_set_event_state(&reader, &group[0], 2, 0), 0);
	assert_int_equal(other.state[1], 1);
	assert_int_equal(other.state[2], 0);
	assert_int_equal(tw_ring_event_state(&reader, &group[1], 0), 1);
	tw_guest_stop();
	assert_ptr_equal(other.state, off);
}

static void test_too_many_events(void **state)
{
	static const uint8_t off[TW_EVENTS_MAX];
	struct tw_group many = {off, off, NULL, 0, TW_EVENTS_MAX - 6, 0};
	struct tw_group *const groups[] = {&many, &tw_group_guest};
	struct tw_guest_options options = {.groups = groups, .group_count = 2};

	machine_create(1 << 18);
	options.memory = machine.memory;
	options.size = machine.size;
	assert_int_equal(tw_guest_start(&options), 0);
	assert_int_equal(tw_group_guest.id_base, TW_EVENTS_MAX - 6);
	tw_guest_stop();
	many.event_count++;
	assert_int_equal(tw_guest_start(&options), -1);
}

/* An event that was begun before a new start ends nowhere. */
static void test_restart_amid(void **state)
{
	struct tw_slot slot;
	struct books books;

	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, 0);
	assert_true(open_slot(&slot, 8));
	machine_start(TW_RING_OVERWRITE, 0);
	/* What has come to the same place is not taken for it. */
	if (!EVENTS_GUARDED)
		emit_counts(0, 3);
	tw_slot_commit(&slot, 1, 8);
	assert_false(machine.masked);
	emit_counts(3, EVENTS_GUARDED ? 6 : 3);
	books_read(&books, false, NULL, NULL);
	assert_int_equal(books.read, 6);
	assert_int_equal(books.written, 6);
}

/* A second start that fails leaves no event on. */
static void test_failed_restart(void **state)
{
	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, 0);
	assert_true(trace_plain_enabled());
	assert_int_equal(start_with(machine.memory + 1, 4096, 0), -1);
	assert_false(trace_plain_enabled());
}

/*
 * A host that asks for the clock. Its own clock is the machine's: so a beacon
 * is as large as a clock that is read at the same moment.
 */

#if defined(TW_HAVE_ATOMIC_U64) && !TW_HAVE_ATOMIC_U64
#define HALVES true
#else
#define HALVES false
#endif

static struct tw_ring_control *control(void)
{
	return (struct tw_ring_control *)(void *)machine.memory;
}

static struct {
	uint64_t beacons; /* written */
	uint64_t answers; /* that were seen */
	uint64_t nonce;	  /* of the reply before */
} host;

static void write_beacon(void)
{
	/* Later than any look at the clock so far. */
	control()->beacon = machine.clock + 1;
	host.beacons++;
}

/* Not before the beacon that it answers, which is the last one with its nonce,
 * nor after now. */
static void check_reply(void)
{
	const uint64_t reply = control()->reply;
	const uint64_t low = (reply ^ control()->beacon) & 0xffff;

	if (low || (reply & 0xffff) == host.nonce)
		return;
	assert_true(reply >> 16 >= control()->beacon);
	assert_true(reply >> 16 <= machine.clock);
	host.nonce = reply & 0xffff;
	host.answers++;
}

static void test_nobody_asks(void **state)
{
	uint64_t clock;

	machine_create(8192);
	tw_guest_sync();
	machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
	clock = machine.clock;
	tw_guest_sync();
	assert_int_equal(control()->reply, 0);
	emit_counts(0, 500);
	assert_int_equal(control()->reply, 0);
	clock = machine.clock;
	tw_guest_sync();
	assert_int_equal(machine.clock, clock);
	tw_guest_stop();
	write_beacon();
	tw_guest_sync();
	assert_int_equal(control()->reply, 0);
}

static void test_answers_once(void **state)
{
	const uint64_t beacons[] = {0x123456789abcdef0, 0x123456789abcdef1,
				    0xfffffffffffff, 0x1000000000000, 0x10001};
	uint64_t clock;
	size_t i;

	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
	for (i = 0; i < sizeof(beacons) / sizeof(beacons[0]); i++) {
		machine.clock += 0x123456789u;
		control()->beacon = beacons[i];
		tw_guest_sync();
		clock = machine.clock;
		assert_int_equal(control()->reply,
				 clock << 16 | (beacons[i] & 0xffff));
		tw_guest_sync();
		assert_int_equal(machine.clock, clock);
	}
	/* The same nonce is no other one. */
	control()->beacon += 0x10000;
	tw_guest_sync();
	assert_int_equal(machine.clock, clock);
	/* A ring that is made anew has answered nothing. */
	machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
	control()->beacon = 0x70001;
	tw_guest_sync();
	assert_int_equal(control()->reply, machine.clock << 16 | 1);
	assert_false(machine.masked);
}

static void test_turns_answer(void **state)
{
	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
	write_beacon();
	emit_counts(0, 1);
	check_reply();
	assert_int_equal(host.answers, 1);
}

static void visit_beacon(const struct tw_page_view *page,
			 const struct tw_decoded *event, void *context)
{
	uint64_t *seen = context;

	assert_true(page->beacon <= page->time_begin);
	*seen += page->beacon != 0;
}

/* Beacons at each look at the clock: none of a page is later than the page. */
static void test_beacons_before_pages(void **state)
{
	struct books books;
	uint64_t seen = 0;

	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
	machine.host = write_beacon;
	emit_counts(0, 5000);
	machine.host = NULL;
	books_read(&books, false, visit_beacon, &seen);
	assert_true(seen > 0);
}

/* A second host's beacon, or the next one, comes in the midst of an answer. */
static void test_beacon_amid_answer(void **state)
{
	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
	write_beacon();
	machine.host = write_beacon;
	tw_guest_sync();
	machine.host = NULL;
	/* The first was answered, not the second. */
	assert_int_not_equal(control()->reply, 0);
	check_reply();
	assert_int_equal(host.answers, 0);
	tw_guest_sync();
	check_reply();
	assert_int_equal(host.answers, 1);
}

static unsigned depth_of_sync;

static void beacon_and_sync(void)
{
	if (depth_of_sync++ == 0) {
		write_beacon();
		tw_guest_sync();
		assert_int_equal(control()->reply, 0);
	}
	depth_of_sync--;
}

/* What interrupts an answer gives none: it would be mixed with that. */
static void test_sync_amid_answer(void **state)
{
	uint64_t first, clock;

	machine_create(8192);
	machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
	write_beacon();
	first = control()->beacon;
	clock = machine.clock + machine.step;
	machine.interrupt = beacon_and_sync;
	tw_guest_sync();
	machine.interrupt = NULL;
	assert_int_equal(control()->reply, clock << 16 | (first & 0xffff));
	tw_guest_sync();
	check_reply();
	assert_int_equal(host.answers, 1);
}

static uint64_t torn[2]; /* beacons: at first, and from the hook on */
static unsigned loads_before_second;

static void write_second(void)
{
	if (--loads_before_second == 0)
		control()->beacon = torn[1];
}

static void expect_old_reply(void)
{
	if (control()->reply)
		assert_int_not_equal(control()->reply & 0xffff,
				     torn[0] & 0xffff);
	host.answers++;
}

/* A beacon that is met half-way is too early at worst; an answer has its nonce
 * last. */
static void test_halves(void **state)
{
	static const uint64_t pairs[][2] = {
		{0x1fffffff0, 0x200000010},
		{0x100000010, 0x100000020},
		{0xfffffffff0, 0x10000000010},
	};
	struct tw_page_trailer *trailer;
	uint32_t i;

	if (!HALVES)
		skip();
	for (i = 0; i < 3; i++) {
		machine_create(8192);
		machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
		memcpy(torn, pairs[i], sizeof(torn));
		control()->beacon = torn[0];
		/* A beacon is loaded, and once more by who answers it. */
		tw_testpoint_halves = write_second;
		loads_before_second = 2;
		emit_counts(0, 1);
		trailer = (void *)(machine.memory + control()->pages_offset +
				   control()->page_size - TW_PAGE_TRAILER);
		assert_true(trailer->beacon && trailer->beacon <= torn[1]);
		assert_int_equal((uint32_t)trailer->beacon, (uint32_t)torn[1]);
		machine_destroy();

		machine_create(8192);
		machine_start(TW_RING_OVERWRITE, TW_GUEST_NO_SCHEMA);
		control()->beacon = torn[0];
		tw_testpoint_halves = expect_old_reply;
		host.answers = 0;
		machine.clock = 0x123456789abcu;
		tw_guest_sync();
		assert_int_equal(control()->reply,
				 machine.clock << 16 | (torn[0] & 0xffff));
		/* Two loads and a store. */
		assert_int_equal(host.answers, 3);
		machine_destroy();
	}
	machine_create(64);
}

static int setup_host(void **state)
{
	memset(&host, 0, sizeof(host));
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(test_##name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(refuses),
		TEST(smallest),
		TEST(large_pages_for_large_rings),
		TEST(control_block),
		TEST(no_schema),
		TEST(overwrites),
		TEST(discards),
		TEST(values),
		TEST(cuts),
		TEST(too_large),
		TEST(interrupts_at_testpoints),
		TEST(interrupts_at_the_clock),
		TEST(interrupts_between),
		TEST(whole_guard),
		TEST(cpus),
		TEST(clock_goes_back),
		TEST(long_gap),
		TEST(time_past_32_bits),
		TEST(clock_wraps),
		TEST(second_boot),
		TEST(stale_rubbish),
		TEST(magic_last),
		TEST(switches),
		TEST(stop),
		TEST(stop_on_a_cpu),
		TEST(two_groups),
		TEST(too_many_events),
		TEST(restart_amid),
		TEST(failed_restart),
#define TEST_HOST(name) \
	cmocka_unit_test_setup_teardown(test_##name, setup_host, teardown)
		TEST_HOST(nobody_asks),
		TEST_HOST(answers_once),
		TEST_HOST(turns_answer),
		TEST_HOST(beacons_before_pages),
		TEST_HOST(beacon_amid_answer),
		TEST_HOST(sync_amid_answer),
		TEST_HOST(halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
