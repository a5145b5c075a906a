/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a ring, through all of the read side and what lies behind it:
 * the control block, tables, state bytes, schemas, pages, their events. The
 * first byte says whether the ring is mapped or read through a callback.
 */
#include "target.h"

#include "../src/ring/ring-read.h"
#include "../src/schema/blob-read.h"
#include "schema-walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 32 /* looked at of each table */

bool fuzz_accepted;

struct memory {
	uint8_t *bytes;
	size_t size;
	bool written;
};

static int read_memory(void *context, uint64_t offset, void *to, size_t size)
{
	const struct memory *memory = context;

	FUZZ_CHECK(offset <= memory->size && size <= memory->size - offset);
	memcpy(to, memory->bytes + offset, size);
	return 0;
}

static int write_memory(void *context, uint64_t offset, const void *from,
			size_t size)
{
	struct memory *memory = context;

	FUZZ_CHECK(offset <= memory->size && size <= memory->size - offset);
	memcpy(memory->bytes + offset, from, size);
	memory->written = true;
	return 0;
}

static void try_words(struct tw_ring_reader *reader)
{
	struct tw_ring_sync first, last;
	uint64_t u64;
	uint32_t u32, i;

	tw_ring_head(reader, &u32);
	tw_ring_flags(reader, &u32);
	tw_ring_discarded(reader, &u64);
	for (i = 0; i <= TW_RING_HEIRS; i++)
		tw_ring_heir(reader, i, &u32);
	tw_ring_syncs(reader, &first, &last);
}

static void try_lanes(struct tw_ring_reader *reader)
{
	struct tw_ring_lane lane;
	uint32_t i;

	for (i = 0; i < reader->control.lane_count && i < ENTRIES_MAX; i++)
		FUZZ_CHECK(!tw_ring_read_lane(reader, i, &lane));
	FUZZ_CHECK(
		tw_ring_read_lane(reader, reader->control.lane_count, &lane));
}

static void try_states(struct tw_ring_reader *reader,
		       const struct tw_ring_group *group)
{
	struct memory *memory = reader->memory.context;
	uint32_t i;
	int state;

	for (i = 0; i <= group->event_count && i < ENTRIES_MAX; i++) {
		state = tw_ring_event_state(reader, group, i);
		memory->written = false;
		FUZZ_CHECK(!tw_ring_set_event_state(reader, group, i, 1) ==
			   (state >= 0));
		FUZZ_CHECK(memory->written == (state >= 0));
		FUZZ_CHECK(i < group->event_count || state == -ENOENT);
	}
}

/* The schema of a group, or NULL. */
static struct tw_schema *read_schema(struct tw_ring_reader *reader,
				     const struct tw_ring_group *group)
{
	struct tw_schema *schema = NULL;
	const char *why;
	uint8_t *blob;

	blob = malloc(group->schema_size + 1);
	if (!blob)
		return NULL;
	FUZZ_CHECK(!tw_ring_read_bytes(reader, group->schema_offset, blob,
				       group->schema_size));
	tw_blob_read(blob, group->schema_size, reader->swap, &schema, &why);
	free(blob);
	return schema;
}

/* Returns the first group's schema, to be destroyed. */
static struct tw_schema *try_groups(struct tw_ring_reader *reader)
{
	struct tw_schema *schema = NULL;
	struct tw_ring_group group;
	uint32_t i, count;

	if (tw_ring_group_count(reader, &count))
		return NULL;
	for (i = 0; i < count && i < ENTRIES_MAX; i++) {
		if (tw_ring_read_group(reader, i, &group))
			continue;
		try_states(reader, &group);
		if (schema)
			continue;
		schema = read_schema(reader, &group);
		if (schema)
			fuzz_walk_schema(schema);
	}
	return schema;
}

static bool try_page(struct tw_ring_reader *reader, uint32_t index, void *page,
		     const struct tw_schema *schema)
{
	struct tw_page_view view;
	int64_t events = 0;

	if (tw_ring_page_copy(reader, index, page, &view))
		return false;
	FUZZ_CHECK(view.size >= TW_PAGE_HEADER &&
		   view.size <= reader->control.page_size - TW_PAGE_TRAILER);
	FUZZ_CHECK(view.lane < reader->control.lane_count);
	if (schema)
		events = fuzz_walk_page(schema, page, view.size,
					view.time_begin, reader->swap);
	tw_ring_page_release(reader, &view);
	return events > 0 && events == view.events;
}

static void try_pages(struct tw_ring_reader *reader,
		      const struct tw_schema *schema)
{
	void *page = malloc(reader->control.page_size);
	uint32_t i;

	if (!page)
		return;
	for (i = 0; i < reader->control.page_count && i < ENTRIES_MAX; i++)
		fuzz_accepted |= try_page(reader, i, page, schema);
	free(page);
}

static void try_ring(struct memory *memory, bool mapped)
{
	const struct tw_memory access = {
		.base = mapped ? memory->bytes : NULL,
		.size = memory->size,
		.context = memory,
		.read = read_memory,
		.write = write_memory,
	};
	struct tw_ring_reader reader;
	struct tw_schema *schema;

	if (tw_ring_open(&reader, &access)) {
		FUZZ_CHECK(reader.why);
		return;
	}
	FUZZ_CHECK(reader.control.size <= memory->size);
	try_words(&reader);
	try_lanes(&reader);
	schema = try_groups(&reader);
	try_pages(&reader, schema);
	tw_schema_destroy(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory memory = {.size = size ? size - 1 : 0};

	if (size < 1)
		return 0;
	memory.bytes = malloc(memory.size + !memory.size);
	if (!memory.bytes)
		return 0;
	memcpy(memory.bytes, data + 1, memory.size);
	try_ring(&memory, data[0] & 1);
	free(memory.bytes);
	return 0;
}
