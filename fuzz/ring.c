/* SPDX-License-Identifier: MIT */
/*
 * A sound ring with any of its bytes changed and its end cut off: everything
 * that a reader asks of a ring. Input: a cut, then places and their new bytes.
 */
#include "../src/ring/ring-read.h"
#include "../src/ring/ring-write.h"
#include "../src/schema/decode.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOOKS 64 /* pages, lanes, groups looked at */

static uint32_t at_most(uint32_t count)
{
	return count < LOOKS ? count : LOOKS;
}

static void read_pages(struct tw_ring_reader *reader)
{
	const struct tw_decoder decoder = {0};
	struct tw_page_view view;
	struct tw_page_walk walk;
	struct tw_decoded event;
	uint8_t *page = malloc(reader->control.page_size);
	uint32_t word;

	for (uint32_t i = 0; i < at_most(reader->control.page_count); i++) {
		tw_ring_page_state(reader, i, &word);
		if (!page || tw_ring_page_copy(reader, i, page, &view) < 0)
			continue;
		if (view.size > reader->control.page_size)
			abort();
		tw_page_walk_start(&walk, page, view.size, view.time_begin);
		while (tw_page_walk_next(&walk, &decoder, &event) > 0)
			;
		tw_ring_page_release(reader, &view);
	}
	free(page);
}

static void read_groups(struct tw_ring_reader *reader)
{
	struct tw_ring_group group;
	uint32_t count;

	if (tw_ring_group_count(reader, &count) < 0)
		return;
	for (uint32_t i = 0; i < at_most(count); i++) {
		if (tw_ring_read_group(reader, i, &group) < 0)
			continue;
		for (uint32_t e = 0; e < at_most(group.event_count); e++) {
			tw_ring_event_state(reader, &group, e);
			tw_ring_set_event_state(reader, &group, e, 1);
		}
	}
}

static void read_tables(struct tw_ring_reader *reader)
{
	struct tw_ring_sync first, last;
	struct tw_ring_lane lane;
	uint64_t discarded;
	uint32_t word;

	tw_ring_head(reader, &word);
	tw_ring_flags(reader, &word);
	tw_ring_discarded(reader, &discarded);
	tw_ring_syncs(reader, &first, &last);
	for (uint32_t i = 0; i < TW_RING_HEIRS; i++)
		tw_ring_heir(reader, i, &word);
	for (uint32_t i = 0; i < at_most(reader->control.lane_count); i++)
		tw_ring_read_lane(reader, i, &lane);
}

/* A sound ring: a group of three events, one lane that has filled pages. */
static void make_ring(void *memory, const struct tw_ring_layout *layout)
{
	struct tw_writer writer = {0};
	struct tw_states *states;
	struct tw_ring ring;
	uint64_t word;

	tw_ring_init(&ring, memory, layout);
	states = (void *)(ring.base + layout->heap_offset);
	*states = (struct tw_states){.magic = TW_STATES_MAGIC, .count = 3};
	ring.groups[0] = (struct tw_ring_group){
		.state = TW_GROUP_LIVE,
		.event_count = 3,
		.states_offset = layout->heap_offset,
	};
	ring.control->group_count = 1;
	tw_writer_attach(&ring, &writer, 1, 0);
	for (uint64_t now = 1; now < 100; now++) {
		if (now % 20 == 1)
			tw_writer_turn(&ring, &writer, now);
		word = TW_EVENT_WORD(now, now % 3);
		memcpy((uint8_t *)writer.page + writer.page->content_size / 8,
		       &word, sizeof(word));
		writer.page->content_size += sizeof(word) * 8;
		writer.page->events++;
		writer.page->timestamp_end = now;
	}
	tw_ring_publish(&ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tw_ring_layout layout = {
		.control_size = sizeof(struct tw_ring_control),
		.lane_count = 4,
		.group_capacity = 2,
		.page_size = 512,
		.page_count = 6,
		.heap_size = 256,
		.align = 64,
	};
	struct tw_memory memory = {0};
	struct tw_ring_reader reader;
	uint16_t cut, at;
	uint8_t *bytes;

	if (size < sizeof(cut) || tw_ring_layout(&layout) < 0)
		return 0;
	bytes = aligned_alloc(TW_RING_ALIGN, layout.size);
	if (!bytes)
		return 0;
	memset(bytes, 0, layout.size);
	make_ring(bytes, &layout);
	memcpy(&cut, data, sizeof(cut));
	for (size_t i = sizeof(cut); i + 3 <= size; i += 3) {
		memcpy(&at, data + i, sizeof(at));
		bytes[at % layout.size] = data[i + 2];
	}
	/* The cut leaves a multiple of 64, so that the bounds are exact. */
	memory.size = layout.size -
		      cut % layout.size / TW_RING_ALIGN * TW_RING_ALIGN;
	memory.base = memcpy(aligned_alloc(TW_RING_ALIGN, memory.size), bytes,
			     memory.size);
	free(bytes);
	if (tw_ring_open(&reader, &memory) == 0) {
		read_tables(&reader);
		read_groups(&reader);
		read_pages(&reader);
	}
	free((void *)memory.base);
	return 0;
}
