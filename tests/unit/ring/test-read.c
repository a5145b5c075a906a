/* SPDX-License-Identifier: MIT */
/*
 * What readers make of a sound ring: mapped or through callbacks, of this
 * machine's byte order or of the other, larger and smaller than they know it.
 */
#include "load.h"
#include "ring-fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* One way of reading: test functions run once for each. */
struct way {
	enum fixture_access access;
	bool swap;
};
static const struct way ways[] = {
	{FIXTURE_MAPPED, false},
	{FIXTURE_CALLBACKS, false},
	{FIXTURE_MAPPED, true},
	{FIXTURE_CALLBACKS, true},
};

struct world {
	struct fixture f;
	struct load *load;
	struct tw_ring *ring;
	struct tw_ring_reader reader;
	struct tw_writer writer;
	uint64_t page[512 / 8];
	struct tw_page_view view;
};

static void world_create(struct world *w, enum tw_ring_mode mode)
{
	memset(w, 0, sizeof(*w));
	fixture_create(&w->f, &fixture_small, mode);
	fixture_add_group(&w->f, 0, 5);
	fixture_add_group(&w->f, 1, 3);
	w->ring = &w->f.ring;
	w->load = load_create();
	assert_int_equal(tw_writer_attach(w->ring, &w->writer, 42, 2), 0);
}

static void world_destroy(struct world *w)
{
	load_destroy(w->load);
	fixture_destroy(&w->f);
}

/* The ring is written: now it is read this way. */
static void world_open(struct world *w, struct way way)
{
	if (way.swap)
		fixture_swap(&w->f);
	fixture_open(&w->f, way.access, &w->reader);
	assert_int_equal(w->reader.swap, way.swap);
	assert_null(w->reader.why);
	w->f.reads = 0;
}

static int copy_page(struct world *w, uint32_t index)
{
	memset(w->page, 0xee, sizeof(w->page));
	return tw_ring_page_copy(&w->reader, index, w->page, &w->view);
}

/* ---- The control block ---- */

static void control_block_is_read(struct way way)
{
	struct tw_ring_control *c;
	struct world w;
	uint64_t discarded;
	uint32_t word;

	world_create(&w, TW_RING_BLOCK);
	c = w.ring->control;
	c->flags = TW_RING_CLOSED;
	c->generation = 3;
	c->pid = 1234;
	c->pid_start = 0x1122334455667788u;
	c->block_ms = 250;
	c->clock_kind = TW_CLOCK_TSC;
	c->clock_hz = 2500000000u;
	c->clock_mask = 0xffffffffffffu;
	c->beacon = 0x99;
	c->head = 17;
	c->discarded = 0x100000002u;
	memcpy(c->name, "demo", 5);
	world_open(&w, way);
	c = &w.reader.control;
	assert_int_equal(c->byte_order, TW_RING_BYTE_ORDER);
	assert_int_equal(c->abi_major, TW_RING_ABI_MAJOR);
	assert_int_equal(c->size, 4096);
	assert_int_equal(c->generation, 3);
	assert_int_equal(c->pid, 1234);
	assert_int_equal(c->pid_start, 0x1122334455667788u);
	assert_int_equal(c->page_size, 512);
	assert_int_equal(c->page_count, 4);
	assert_int_equal(c->mode, TW_RING_BLOCK);
	assert_int_equal(c->block_ms, 250);
	assert_int_equal(c->clock_kind, TW_CLOCK_TSC);
	assert_int_equal(c->clock_hz, 2500000000u);
	assert_int_equal(c->clock_mask, 0xffffffffffffu);
	assert_int_equal(c->beacon, 0x99);
	assert_string_equal((char *)c->name, "demo");
	assert_int_equal(c->uuid[0], 0xa0);
	assert_int_equal(c->uuid[15], 0xaf);
	assert_int_equal(tw_ring_head(&w.reader, &word), 0);
	assert_int_equal(word, 17);
	assert_int_equal(tw_ring_flags(&w.reader, &word), 0);
	assert_int_equal(word, TW_RING_CLOSED);
	assert_int_equal(tw_ring_group_count(&w.reader, &word), 0);
	assert_int_equal(word, 2);
	assert_int_equal(tw_ring_discarded(&w.reader, &discarded), 0);
	assert_int_equal(discarded, 0x100000002u);
	/* Mapped memory is not asked for through the callback. */
	assert_int_equal(w.f.reads != 0, way.access == FIXTURE_CALLBACKS);
	world_destroy(&w);
}

static void heirs_and_syncs_are_read(struct way way)
{
	struct tw_ring_sync first, last;
	struct tw_ring_control *c;
	struct world w;
	uint32_t pid;

	world_create(&w, TW_RING_OVERWRITE);
	c = w.ring->control;
	c->heirs[0] = 100;
	c->heirs[TW_RING_HEIRS - 1] = 111;
	memset(c->reserved2, 0xff, sizeof(c->reserved2)); /* no heirs */
	c->sync_first = (struct tw_ring_sync){1, 2, 3};
	c->sync_last = (struct tw_ring_sync){4, 5, 6};
	c->sync_seq = 8;
	world_open(&w, way);
	assert_int_equal(tw_ring_heir(&w.reader, 0, &pid), 0);
	assert_int_equal(pid, 100);
	assert_int_equal(tw_ring_heir(&w.reader, 1, &pid), 0);
	assert_int_equal(pid, 0);
	assert_int_equal(tw_ring_heir(&w.reader, TW_RING_HEIRS - 1, &pid), 0);
	assert_int_equal(pid, 111);
	assert_int_equal(tw_ring_heir(&w.reader, TW_RING_HEIRS, &pid), 0);
	assert_int_equal(pid, 0);
	assert_int_equal(tw_ring_syncs(&w.reader, &first, &last), 0);
	assert_int_equal(first.clock, 1);
	assert_int_equal(first.mono_ns, 2);
	assert_int_equal(first.real_ns, 3);
	assert_int_equal(last.clock, 4);
	assert_int_equal(last.mono_ns, 5);
	assert_int_equal(last.real_ns, 6);
	world_destroy(&w);
}

static void a_sync_that_is_being_written_is_not_taken(struct way way)
{
	struct tw_ring_sync first, last;
	struct world w;

	world_create(&w, TW_RING_OVERWRITE);
	w.ring->control->sync_first.clock = 7;
	w.ring->control->sync_last.clock = 9;
	w.ring->control->sync_seq = 5;
	world_open(&w, way);
	assert_int_equal(tw_ring_syncs(&w.reader, &first, &last), -EAGAIN);
	assert_int_equal(first.clock, 7);
	assert_int_equal(last.clock, 7);
	world_destroy(&w);
}

/* ---- Tables ---- */

static void tables_are_read(struct way way)
{
	struct tw_ring_group group;
	struct tw_ring_lane lane;
	struct world w;
	uint64_t written;

	world_create(&w, TW_RING_OVERWRITE);
	load_fill_pages(w.load, w.ring, &w.writer, 2);
	tw_writer_discard(w.ring, &w.writer);
	tw_writer_close(w.ring, &w.writer);
	written = w.load->written[0];
	memcpy(w.ring->lanes[0].name, "worker", 6);
	w.ring->groups[1].state = TW_GROUP_UNLOADED;
	world_open(&w, way);
	assert_int_equal(tw_ring_read_lane(&w.reader, 0, &lane), 0);
	assert_int_equal(lane.state, TW_LANE_USED);
	assert_int_equal(lane.tid, 42);
	assert_int_equal(lane.level, 2);
	assert_int_equal(lane.page, 0);
	assert_int_equal(lane.events, written);
	assert_int_equal(lane.discarded, 1);
	assert_int_equal(lane.seq, 2);
	assert_int_equal(lane.last_time, w.load->clock);
	assert_string_equal((char *)lane.name, "worker");
	assert_int_equal(tw_ring_read_lane(&w.reader, 1, &lane), 0);
	assert_int_equal(lane.state, TW_LANE_FREE);
	assert_int_equal(tw_ring_read_lane(&w.reader, 4, &lane), -EBADMSG);

	assert_int_equal(tw_ring_read_group(&w.reader, 1, &group), 0);
	assert_int_equal(group.state, TW_GROUP_UNLOADED);
	assert_int_equal(group.id_base, 5);
	assert_int_equal(group.event_count, 3);
	assert_int_equal(group.modules, 1);
	assert_int_equal(group.states_offset, w.f.layout.heap_offset + 640);
	assert_int_equal(group.schema_offset,
			 w.f.layout.heap_offset + 2 * 640 - 16);
	assert_int_equal(group.schema_size, 16);
	assert_int_equal(tw_ring_read_group(&w.reader, 2, &group), -EBADMSG);
	world_destroy(&w);
}

/* Of a newer minor version: longer structs, whose new parts are passed over. */
static void larger_structs_are_stepped_over(struct way way)
{
	struct tw_ring_layout layout = fixture_small;
	struct tw_ring_control *c;
	struct tw_ring_lane lane;
	struct tw_ring_group group;
	struct fixture f;
	struct tw_ring_reader reader;
	uint32_t pid;

	layout.control_size = 448;
	fixture_create(&f, &layout, TW_RING_OVERWRITE);
	c = f.ring.control;
	assert_int_equal(c->control_size, 448);
	c->heirs[0] = 5;
	c->abi_minor = 9;
	c->lane_size = 128;
	c->lane_count = 2;
	f.ring.lanes[2].tid = 77;
	c->groups_offset -= 64;
	c->group_size = 128;
	c->group_capacity = 1;
	if (way.swap) {
		/* The lane beyond the known part stays as it is, unseen. */
		f.layout.lane_count = 3;
		f.layout.group_capacity = 0;
		fixture_swap(&f);
	}
	fixture_open(&f, way.access, &reader);
	assert_int_equal(reader.control.abi_minor, 9);
	assert_int_equal(tw_ring_read_lane(&reader, 1, &lane), 0);
	assert_int_equal(lane.tid, 77);
	assert_int_equal(tw_ring_read_group(&reader, 0, &group), 0);
	assert_int_equal(tw_ring_heir(&reader, 0, &pid), 0);
	assert_int_equal(pid, 5);
	fixture_destroy(&f);
}

static void a_guests_ring_has_no_hosted_part(struct way way)
{
	struct tw_ring_sync first, last;
	struct tw_ring_reader reader;
	struct tw_writer writer;
	struct load *load = load_create();
	struct seen seen;
	struct fixture f;
	uint32_t pid;

	fixture_create(&f, &fixture_tiny, TW_RING_OVERWRITE);
	assert_int_equal(tw_writer_attach(&f.ring, &writer, 0, 0), 0);
	load_fill_pages(load, &f.ring, &writer, 2);
	if (way.swap)
		fixture_swap(&f);
	fixture_open(&f, way.access, &reader);
	assert_int_equal(tw_ring_syncs(&reader, &first, &last), 0);
	assert_int_equal(first.clock, 0);
	assert_int_equal(last.real_ns, 0);
	/* What lies there is a lane's. */
	assert_int_equal(tw_ring_heir(&reader, 0, &pid), 0);
	assert_int_equal(pid, 0);
	seen_create(&seen, &reader);
	assert_null(seen_finish(&seen, &reader, load));
	assert_int_equal(seen_lost(&seen, load), 0);
	seen_destroy(&seen);
	load_destroy(load);
	fixture_destroy(&f);
}

/* ---- Pages ---- */

static void full_pages_are_copied(struct way way)
{
	struct tw_page *page, before;
	struct world w;

	world_create(&w, TW_RING_OVERWRITE);
	w.ring->control->beacon = 0xbeac0001;
	load_fill_pages(w.load, w.ring, &w.writer, 1);
	tw_writer_discard(w.ring, &w.writer);
	load_fill_pages(w.load, w.ring, &w.writer, 4);
	tw_writer_close(w.ring, &w.writer);
	page = (void *)w.ring->pages; /* ticket 4, and the lane's page 4 */
	assert_int_equal(page->packet_seq_num, 4);
	before = *page;
	world_open(&w, way);
	assert_int_equal(copy_page(&w, 0), 0);
	assert_int_equal(w.view.events, before.events);
	assert_int_equal(w.view.size * 8, before.content_size);
	assert_int_equal(w.view.events_before, before.events_before);
	assert_int_equal(w.view.time_begin, before.timestamp_begin);
	assert_int_equal(w.view.time_end, before.timestamp_end);
	assert_int_equal(w.view.index, 0);
	assert_int_equal(w.view.ticket, 4);
	assert_int_equal(w.view.state, TW_PAGE_FULL);
	assert_int_equal(w.view.lane, 0);
	assert_int_equal(w.view.tid, 42);
	assert_int_equal(w.view.level, 2);
	assert_int_equal(w.view.seq, 4);
	assert_int_equal(w.view.discarded, 1);
	assert_int_equal(w.view.beacon, 0xbeac0001);
	assert_null(load_check_page(&w.reader, w.page, &w.view));
	/* The bytes are the producer's; mapped, no more than the content. */
	assert_memory_equal(w.page, w.ring->pages, w.view.size);
	if (way.access == FIXTURE_MAPPED)
		assert_int_equal(((uint8_t *)w.page)[w.view.size], 0xee);
	world_destroy(&w);
}

static void open_pages_are_copied_up_to_the_commit(struct way way)
{
	struct world w;
	uint32_t i;

	world_create(&w, TW_RING_OVERWRITE);
	for (i = 0; i < 3; i++)
		load_emit(w.load, w.ring, &w.writer);
	/* An event that is being written. */
	memset(w.writer.pos, 0x55, 40);
	world_open(&w, way);
	assert_int_equal(copy_page(&w, 0), 0);
	assert_int_equal(w.view.state, TW_PAGE_OPEN);
	assert_int_equal(w.view.events, 3);
	assert_null(load_check_page(&w.reader, w.page, &w.view));
	assert_int_equal(((uint8_t *)w.page)[w.view.size], 0xee);
	world_destroy(&w);
}

static void an_empty_page_is_one_too(struct way way)
{
	struct world w;

	world_create(&w, TW_RING_OVERWRITE);
	assert_int_equal(tw_writer_turn(w.ring, &w.writer, 3), TW_TURN_DONE);
	world_open(&w, way);
	assert_int_equal(copy_page(&w, 0), 0);
	assert_int_equal(w.view.events, 0);
	assert_int_equal(w.view.size, TW_PAGE_HEADER);
	world_destroy(&w);
}

static void pages_with_nothing_to_read_are_not_copied(struct way way)
{
	uint32_t word;
	struct world w;

	world_create(&w, TW_RING_OVERWRITE);
	load_fill_pages(w.load, w.ring, &w.writer, 2);
	tw_ring_trailer(w.ring, 0)->state = 9 << 2 | TW_PAGE_CLAIMED;
	tw_ring_trailer(w.ring, 1)->state = 8 << 2 | TW_PAGE_FREE;
	world_open(&w, way);
	assert_int_equal(copy_page(&w, 0), -EAGAIN);
	assert_int_equal(copy_page(&w, 1), -EAGAIN);
	assert_int_equal(copy_page(&w, 2), -EAGAIN);
	assert_int_equal(copy_page(&w, 4), -EBADMSG);
	assert_int_equal(tw_ring_page_state(&w.reader, 0, &word), 0);
	assert_int_equal(word, 9 << 2 | TW_PAGE_CLAIMED);
	assert_int_equal(tw_ring_page_state(&w.reader, 4, &word), -EBADMSG);
	world_destroy(&w);
}

/* A page that goes on growing is one whose header is ahead of the copy. */
static int grow(void *context, uint64_t offset, void *to, size_t size)
{
	struct world *w = context;

	memcpy(to, w->f.memory + offset, size);
	load_emit(w->load, w->ring, &w->writer);
	return 0;
}

static void a_growing_page_states_what_was_copied(void **state)
{
	struct tw_page *page;
	struct tw_memory memory;
	struct world w;
	uint32_t i;

	world_create(&w, TW_RING_OVERWRITE);
	page = (void *)w.page;
	load_emit(w.load, w.ring, &w.writer);
	fixture_memory(&w.f, FIXTURE_CALLBACKS, &memory);
	memory.context = &w;
	fixture_open(&w.f, FIXTURE_MAPPED, &w.reader);
	w.reader.memory = memory;
	w.reader.memory.read = grow;
	for (i = 0; i < 2; i++) {
		assert_int_equal(copy_page(&w, 0), 0);
		assert_true(w.view.events < w.load->written[0]);
		assert_int_equal(page->events, w.view.events);
		assert_int_equal(page->content_size, w.view.size * 8);
		assert_null(load_check_page(&w.reader, w.page, &w.view));
	}
	world_destroy(&w);
}

/* A number in the first page, of the ring's byte order. */
static void put32(struct world *w, size_t offset, uint64_t value)
{
	const uint32_t word = tw_ring_u32(&w->reader, (uint32_t)value);

	memcpy(w->f.memory + w->f.layout.pages_offset + offset, &word,
	       sizeof(word));
}

static void put64(struct world *w, size_t offset, uint64_t value)
{
	const uint64_t word = tw_ring_u64(&w->reader, value);

	memcpy(w->f.memory + w->f.layout.pages_offset + offset, &word,
	       sizeof(word));
}

static void broken_pages_are_refused(struct way way)
{
	static const struct {
		const char *why;
		uint32_t offset, size;
		uint64_t value;
	} breaks[] = {
		{"magic", offsetof(struct tw_page, magic), 4, 0},
		{"lane", offsetof(struct tw_page, lane), 4, 4},
		{"before it begins", offsetof(struct tw_page, timestamp_end), 8,
		 0},
		{"before it begins", offsetof(struct tw_page, timestamp_begin),
		 8, UINT64_MAX},
#define CONTENT(value) \
	{"content", offsetof(struct tw_page, content_size), 4, value}
		CONTENT(0),
		CONTENT(TW_PAGE_HEADER * 8 + 1),
		CONTENT(TW_PAGE_HEADER * 8 - 8),
		CONTENT((512 - 24) * 8),
		CONTENT(UINT32_MAX - 7),
#undef CONTENT
	};
	struct world w;
	size_t i;

	for (i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		world_create(&w, TW_RING_OVERWRITE);
		load_fill_pages(w.load, w.ring, &w.writer, 1);
		world_open(&w, way);
		if (breaks[i].size == 4)
			put32(&w, breaks[i].offset, breaks[i].value);
		else
			put64(&w, breaks[i].offset, breaks[i].value);
		assert_int_equal(copy_page(&w, 0), -EBADMSG);
		assert_non_null(strstr(w.reader.why, breaks[i].why));
		world_destroy(&w);
	}
}

/* An end of 0 is fatal to readers of CTF, wherever the page begins. */
static void pages_without_an_end_are_refused(struct way way)
{
	struct world w;

	world_create(&w, TW_RING_OVERWRITE);
	load_fill_pages(w.load, w.ring, &w.writer, 1);
	world_open(&w, way);
	put64(&w, offsetof(struct tw_page, timestamp_begin), 0);
	assert_int_equal(copy_page(&w, 0), 0);
	put64(&w, offsetof(struct tw_page, timestamp_end), 0);
	assert_int_equal(copy_page(&w, 0), -EBADMSG);
	world_destroy(&w);
}

static void pages_are_given_back(struct way way)
{
	struct world w;
	uint32_t word;

	world_create(&w, TW_RING_DISCARD);
	load_fill_pages(w.load, w.ring, &w.writer, 2);
	world_open(&w, way);
	assert_int_equal(copy_page(&w, 1), 0);
	assert_int_equal(w.view.state, TW_PAGE_OPEN);
	if (way.access == FIXTURE_CALLBACKS) {
		/* There is no exchange through a callback. */
		assert_int_equal(tw_ring_page_release(&w.reader, &w.view),
				 -EROFS);
		world_destroy(&w);
		return;
	}
	/* Open: not to be taken away under its writer. */
	assert_int_equal(tw_ring_page_release(&w.reader, &w.view), -EAGAIN);
	assert_int_equal(copy_page(&w, 0), 0);
	w.view.ticket++;
	assert_int_equal(tw_ring_page_release(&w.reader, &w.view), -EAGAIN);
	w.view.ticket--;
	w.view.index = 4;
	assert_int_equal(tw_ring_page_release(&w.reader, &w.view), -EBADMSG);
	w.view.index = 0;
	assert_int_equal(tw_ring_page_release(&w.reader, &w.view), 0);
	assert_int_equal(tw_ring_page_state(&w.reader, 0, &word), 0);
	assert_int_equal(word, w.view.ticket << 2 | TW_PAGE_FREE);
	assert_int_equal(tw_ring_page_release(&w.reader, &w.view), -EAGAIN);
	w.reader.memory.write = NULL;
	assert_int_equal(tw_ring_page_release(&w.reader, &w.view), -EROFS);
	world_destroy(&w);
}

/* ---- State bytes ---- */

static void states_are_read_and_set(struct way way)
{
	struct tw_ring_group group;
	struct world w;
	uint8_t *states;
	uint64_t at;

	world_create(&w, TW_RING_OVERWRITE);
	at = w.ring->groups[1].states_offset + TW_STATES_HEADER;
	states = w.f.memory + at;
	states[1] = 1;
	world_open(&w, way);
	assert_int_equal(tw_ring_read_group(&w.reader, 1, &group), 0);
	assert_int_equal(tw_ring_event_state(&w.reader, &group, 0), 0);
	assert_int_equal(tw_ring_event_state(&w.reader, &group, 1), 1);
	assert_int_equal(tw_ring_event_state(&w.reader, &group, 3), -ENOENT);
	assert_int_equal(tw_ring_set_event_state(&w.reader, &group, 2, 77), 0);
	assert_int_equal(w.f.writes, 1);
	assert_int_equal(w.f.written_at, at + 2);
	assert_int_equal(states[2], 1);
	assert_int_equal(tw_ring_set_event_state(&w.reader, &group, 1, 0), 0);
	assert_int_equal(states[1], 0);
	assert_int_equal(tw_ring_set_event_state(&w.reader, &group, 3, 1),
			 -ENOENT);
	assert_int_equal(w.f.writes, 2);
	w.reader.memory.write = NULL;
	assert_int_equal(tw_ring_set_event_state(&w.reader, &group, 0, 1),
			 -EROFS);
	world_destroy(&w);
}

/* Nothing is written but behind a header that is this ring's. */
static void states_without_a_valid_header_are_not_set(struct way way)
{
	struct tw_ring_group group;
	struct tw_states *states;
	struct world w;
	uint32_t i;

	for (i = 0; i < 5; i++) {
		world_create(&w, TW_RING_OVERWRITE);
		states = (void *)(w.f.memory + w.ring->groups[0].states_offset);
		switch (i) {
		case 0:
			states->magic ^= 1;
			break;
		case 1:
			states->uuid[15] ^= 1;
			break;
		case 2:
			states->count--;
			break;
		case 3: /* a page instead */
			w.ring->groups[0].states_offset =
				w.f.layout.pages_offset;
			break;
		case 4:
			break;
		}
		world_open(&w, (struct way){way.access, false});
		assert_int_equal(tw_ring_read_group(&w.reader, 0, &group), 0);
		if (i == 4) /* made up by the caller */
			group.states_offset = UINT64_MAX - 8;
		assert_int_equal(
			tw_ring_set_event_state(&w.reader, &group, 1, 1),
			-EBADMSG);
		assert_int_equal(tw_ring_event_state(&w.reader, &group, 1),
				 -EBADMSG);
		assert_int_equal(w.f.writes, 0);
		world_destroy(&w);
	}
}

/* A group that the caller has made up, over a header that goes along with it:
 * what lies behind the ring is not written to all the same. */
static void states_outside_of_the_ring_are_not_set(struct way way)
{
	struct tw_ring_group group;
	struct tw_states *states;
	struct world w;

	world_create(&w, TW_RING_OVERWRITE);
	states = (void *)(w.f.memory + w.ring->groups[0].states_offset);
	states->count = 65535;
	world_open(&w, way);
	assert_int_equal(tw_ring_read_group(&w.reader, 0, &group), 0);
	group.event_count = 65535;
	assert_int_equal(tw_ring_set_event_state(&w.reader, &group, 1, 1), 0);
	w.f.writes = 0;
	assert_int_equal(tw_ring_set_event_state(&w.reader, &group, 65000, 1),
			 -EBADMSG);
	assert_int_equal(w.f.writes, 0);
	world_destroy(&w);
}

/* ---- What can't be read ---- */

static int fail_read(void *context, uint64_t offset, void *to, size_t size)
{
	int *left = context;

	memset(to, 0, size);
	return (*left)-- > 0 ? 0 : -EIO;
}

static void read_errors_are_passed_on(void **state)
{
	struct tw_memory memory = {.size = 4096, .read = fail_read};
	struct tw_ring_reader reader;
	struct tw_page_view view;
	struct world w;
	uint64_t discarded;
	uint32_t word;
	int left = 0;

	memory.context = &left;
	assert_int_equal(tw_ring_open(&reader, &memory), -EIO);
	assert_non_null(reader.why);
	world_create(&w, TW_RING_OVERWRITE);
	load_fill_pages(w.load, w.ring, &w.writer, 1);
	fixture_open(&w.f, FIXTURE_CALLBACKS, &w.reader);
	w.reader.memory.read = fail_read;
	w.reader.memory.context = &left;
	assert_int_equal(tw_ring_head(&w.reader, &word), -EIO);
	assert_int_equal(tw_ring_discarded(&w.reader, &discarded), -EIO);
	assert_int_equal(tw_ring_page_copy(&w.reader, 0, w.page, &view), -EIO);
	world_destroy(&w);
}

/* Cut off anywhere: said so, and nothing behind the end is touched. */
static void truncated_rings_are_refused(struct way way)
{
	struct fixture cut = {0};
	struct tw_ring_reader reader;
	struct tw_memory memory;
	struct world w;
	size_t size;

	world_create(&w, TW_RING_OVERWRITE);
	load_fill_pages(w.load, w.ring, &w.writer, 4);
	if (way.swap)
		fixture_swap(&w.f);
	for (size = 0; size < w.f.size; size += 8) {
		fixture_map(&cut, size);
		memcpy(cut.memory, w.f.memory, size);
		fixture_memory(&cut, way.access, &memory);
		assert_int_equal(tw_ring_open(&reader, &memory), -EBADMSG);
		assert_non_null(
			strstr(reader.why, size < 384 ? "r" : "truncated"));
		fixture_unmap(&cut);
	}
	world_destroy(&w);
}

/* Memory beyond the ring's end is none of the reader's business. */
static void what_follows_the_ring_is_not_read(struct way way)
{
	struct tw_ring_reader reader;
	struct tw_memory memory;
	struct world w;
	uint8_t byte;

	world_create(&w, TW_RING_OVERWRITE);
	w.ring->control->size -= 512;
	w.ring->control->page_count--;
	if (way.swap) {
		w.f.layout.page_count--;
		fixture_swap(&w.f);
	}
	fixture_memory(&w.f, way.access, &memory);
	assert_int_equal(tw_ring_open(&reader, &memory), 0);
	assert_int_equal(tw_ring_read_bytes(&reader, 4096 - 513, &byte, 1), 0);
	assert_int_equal(tw_ring_read_bytes(&reader, 4096 - 512, &byte, 1),
			 -EBADMSG);
	assert_int_equal(tw_ring_read_bytes(&reader, UINT64_MAX, &byte, 1),
			 -EBADMSG);
	assert_int_equal(tw_ring_read_bytes(&reader, 8, &byte, SIZE_MAX),
			 -EBADMSG);
	world_destroy(&w);
}

static void other_versions_are_told(struct way way)
{
	struct tw_ring_reader reader;
	struct tw_memory memory;
	struct world w;

	world_create(&w, TW_RING_OVERWRITE);
	w.ring->control->abi_major = TW_RING_ABI_MAJOR + 1;
	if (way.swap)
		fixture_swap(&w.f);
	fixture_memory(&w.f, way.access, &memory);
	assert_int_equal(tw_ring_open(&reader, &memory), -EPROTONOSUPPORT);
	assert_non_null(strstr(reader.why, "newer"));
	w.ring->control->byte_order = 0x02010403;
	assert_int_equal(tw_ring_open(&reader, &memory), -EBADMSG);
	world_destroy(&w);
}

/* Words could not be loaded at once. */
static void unaligned_mappings_are_refused(void **state)
{
	struct tw_ring_reader reader;
	struct tw_memory memory;
	struct world w;

	world_create(&w, TW_RING_OVERWRITE);
	fixture_memory(&w.f, FIXTURE_MAPPED, &memory);
	memory.base = (const uint8_t *)memory.base + 4;
	memory.size -= 4;
	assert_int_equal(tw_ring_open(&reader, &memory), -EBADMSG);
	assert_non_null(strstr(reader.why, "aligned"));
	world_destroy(&w);
}

/* ---- Round trips ---- */

static void all_that_was_written_is_read(struct way way)
{
	struct tw_writer writers[3];
	struct seen seen;
	const char *why;
	struct world w;
	uint32_t i;

	world_create(&w, TW_RING_OVERWRITE);
	memset(writers, 0, sizeof(writers));
	for (i = 0; i < 3; i++)
		assert_int_equal(tw_writer_attach(w.ring, &writers[i], i, 0),
				 0);
	for (i = 0; i < 500; i++)
		load_emit(w.load, w.ring, &writers[i * i % 3]);
	tw_writer_discard(w.ring, NULL);
	w.load->no_lane++;
	world_open(&w, way);
	seen_create(&seen, &w.reader);
	why = seen_finish(&seen, &w.reader, w.load);
	if (why)
		fail_msg("%s", why);
	assert_int_equal(seen.pages, 4);
	assert_in_range(seen_lost(&seen, w.load), 1, 499);
	seen_destroy(&seen);
	world_destroy(&w);
}

/* Each is a test of its own for cmocka, which runs every way. */
#define EVERY_WAY(function)                                          \
	static void function##_every_way(void **state)               \
	{                                                            \
		size_t i;                                            \
                                                                     \
		for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) \
			function(ways[i]);                           \
	}
EVERY_WAY(control_block_is_read)
EVERY_WAY(heirs_and_syncs_are_read)
EVERY_WAY(a_sync_that_is_being_written_is_not_taken)
EVERY_WAY(tables_are_read)
EVERY_WAY(larger_structs_are_stepped_over)
EVERY_WAY(a_guests_ring_has_no_hosted_part)
EVERY_WAY(full_pages_are_copied)
EVERY_WAY(open_pages_are_copied_up_to_the_commit)
EVERY_WAY(an_empty_page_is_one_too)
EVERY_WAY(pages_with_nothing_to_read_are_not_copied)
EVERY_WAY(broken_pages_are_refused)
EVERY_WAY(pages_without_an_end_are_refused)
EVERY_WAY(pages_are_given_back)
EVERY_WAY(states_are_read_and_set)
EVERY_WAY(states_without_a_valid_header_are_not_set)
EVERY_WAY(states_outside_of_the_ring_are_not_set)
EVERY_WAY(truncated_rings_are_refused)
EVERY_WAY(what_follows_the_ring_is_not_read)
EVERY_WAY(other_versions_are_told)
EVERY_WAY(all_that_was_written_is_read)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_block_is_read_every_way),
		cmocka_unit_test(heirs_and_syncs_are_read_every_way),
		cmocka_unit_test(
			a_sync_that_is_being_written_is_not_taken_every_way),
		cmocka_unit_test(tables_are_read_every_way),
		cmocka_unit_test(larger_structs_are_stepped_over_every_way),
		cmocka_unit_test(a_guests_ring_has_no_hosted_part_every_way),
		cmocka_unit_test(full_pages_are_copied_every_way),
		cmocka_unit_test(
			open_pages_are_copied_up_to_the_commit_every_way),
		cmocka_unit_test(an_empty_page_is_one_too_every_way),
		cmocka_unit_test(
			pages_with_nothing_to_read_are_not_copied_every_way),
		cmocka_unit_test(a_growing_page_states_what_was_copied),
		cmocka_unit_test(broken_pages_are_refused_every_way),
		cmocka_unit_test(pages_without_an_end_are_refused_every_way),
		cmocka_unit_test(pages_are_given_back_every_way),
		cmocka_unit_test(states_are_read_and_set_every_way),
		cmocka_unit_test(
			states_without_a_valid_header_are_not_set_every_way),
		cmocka_unit_test(
			states_outside_of_the_ring_are_not_set_every_way),
		cmocka_unit_test(read_errors_are_passed_on),
		cmocka_unit_test(truncated_rings_are_refused_every_way),
		cmocka_unit_test(what_follows_the_ring_is_not_read_every_way),
		cmocka_unit_test(other_versions_are_told_every_way),
		cmocka_unit_test(unaligned_mappings_are_refused),
		cmocka_unit_test(all_that_was_written_is_read_every_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
