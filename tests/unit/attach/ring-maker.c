/* SPDX-License-Identifier: MIT */
/* Ring files made by hand: see ring-maker.h. */
#include "ring-maker.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <trackway/blob.h>
#include <unistd.h>

enum {
	LANES_AT = 384,
	LANES = 4,
	GROUPS_AT = LANES_AT + LANES * 64,
	GROUPS = 4,
	STATES_AT = 1024,
	SCHEMA_AT = 1152,
	PAGES_AT = 4096,
	PAGE_SIZE = 512,
	PAGES = 4,
	SIZE = PAGES_AT + PAGES * PAGE_SIZE,
};

static void put(struct made_ring *ring, size_t offset, uint64_t value,
		size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t shift = 8 * (ring->big_endian ? size - 1 - i : i);

		ring->bytes[offset + i] = (uint8_t)(value >> shift);
	}
}

void made_ring_put16(struct made_ring *ring, size_t offset, uint16_t value)
{
	put(ring, offset, value, 2);
}

void made_ring_put32(struct made_ring *ring, size_t offset, uint32_t value)
{
	put(ring, offset, value, 4);
}

void made_ring_put64(struct made_ring *ring, size_t offset, uint64_t value)
{
	put(ring, offset, value, 8);
}

/* ---- The schema ---- */

static const char strings[] = "demo\0"		    /* 0 */
			      "demo/trace-events\0" /* 5 */
			      "demo_start\0"	    /* 23 */
			      "value=%d text=%s\0"  /* 34 */
			      "demo_stop\0"	    /* 51 */
			      "stop\0"		    /* 61 */
			      "demo_never\0"	    /* 66 */
			      "x=%lx\0"		    /* 77 */
			      "value\0"		    /* 83 */
			      "int\0"		    /* 89 */
			      "text\0"		    /* 93 */
			      "const char *\0"	    /* 98 */
			      "x\0"		    /* 111 */
			      "uint64_t";	    /* 113 */

struct made_event {
	uint32_t name, format, line, first_field;
	uint16_t fields;
	uint8_t flags;
};

static const struct made_event events[MAKER_EVENTS] = {
	{23, 34, 3, 0, 2, 0},
	{51, 61, 4, 2, 0, 0},
	{66, 77, 6, 2, 1, TW_EVENT_DISABLED},
};

struct made_field {
	uint32_t name, type;
	uint8_t kind, size;
};

static const struct made_field fields[] = {
	{83, 89, TW_FIELD_SINT, 4},
	{93, 98, TW_FIELD_STRING, 0},
	{111, 113, TW_FIELD_UINT, 8},
};

enum {
	FIELDS = sizeof(fields) / sizeof(fields[0]),
	EVENTS_AT = sizeof(struct tw_blob_header),
	FIELDS_AT = EVENTS_AT + MAKER_EVENTS * sizeof(struct tw_blob_event),
	STRINGS_AT = FIELDS_AT + FIELDS * sizeof(struct tw_blob_field),
	BLOB_SIZE = STRINGS_AT + sizeof(strings),
};

static void make_schema(struct made_ring *ring)
{
	size_t at = ring->schema_offset;

#define HEADER(member) (at + offsetof(struct tw_blob_header, member))
	made_ring_put32(ring, HEADER(magic), TW_BLOB_MAGIC);
	made_ring_put16(ring, HEADER(major), TW_BLOB_MAJOR);
	made_ring_put16(ring, HEADER(minor), TW_BLOB_MINOR);
	made_ring_put32(ring, HEADER(size), BLOB_SIZE);
	made_ring_put32(ring, HEADER(event_count), MAKER_EVENTS);
	made_ring_put32(ring, HEADER(event_stride),
			sizeof(struct tw_blob_event));
	made_ring_put32(ring, HEADER(events_offset), EVENTS_AT);
	made_ring_put32(ring, HEADER(field_count), FIELDS);
	made_ring_put32(ring, HEADER(field_stride),
			sizeof(struct tw_blob_field));
	made_ring_put32(ring, HEADER(fields_offset), FIELDS_AT);
	made_ring_put32(ring, HEADER(strings_offset), STRINGS_AT);
	made_ring_put32(ring, HEADER(strings_size), sizeof(strings));
#undef HEADER
	for (size_t i = 0; i < MAKER_EVENTS; i++) {
		size_t event = at + EVENTS_AT +
			       i * sizeof(struct tw_blob_event);

		made_ring_put32(ring, event, events[i].name);
		made_ring_put32(ring, event + 4, events[i].format);
		made_ring_put32(ring, event + 8, 5);
		made_ring_put32(ring, event + 12, events[i].line);
		made_ring_put32(ring, event + 16, events[i].first_field);
		made_ring_put16(ring, event + 20, events[i].fields);
		ring->bytes[event + 22] = 14;
		ring->bytes[event + 23] = events[i].flags;
	}
	for (size_t i = 0; i < FIELDS; i++) {
		size_t field = at + FIELDS_AT +
			       i * sizeof(struct tw_blob_field);

		made_ring_put32(ring, field, fields[i].name);
		made_ring_put32(ring, field + 4, fields[i].type);
		ring->bytes[field + 8] = fields[i].kind;
		ring->bytes[field + 9] = fields[i].size;
	}
	memcpy(ring->bytes + at + STRINGS_AT, strings, sizeof(strings));
}

/* ---- The ring ---- */

static void make_control(struct made_ring *ring, const char *name, pid_t pid,
			 uint64_t pid_start)
{
	static const uint8_t inverted[TW_RING_MAGIC_SIZE] =
		TW_RING_MAGIC_INVERTED;

	for (size_t i = 0; i < TW_RING_MAGIC_SIZE; i++)
		ring->bytes[i] = (uint8_t)~inverted[i];
	MADE_RING_SET(ring, byte_order, TW_RING_BYTE_ORDER);
	MADE_RING_SET(ring, abi_major, TW_RING_ABI_MAJOR);
	MADE_RING_SET(ring, abi_minor, TW_RING_ABI_MINOR);
	MADE_RING_SET(ring, control_size, sizeof(struct tw_ring_control));
	MADE_RING_SET(ring, size, SIZE);
	memset(ring->bytes + offsetof(struct tw_ring_control, uuid), 0x5a, 16);
	MADE_RING_SET(ring, generation, 1);
	MADE_RING_SET(ring, pid, (uint32_t)pid);
	MADE_RING_SET(ring, pid_start, pid_start);
	MADE_RING_SET(ring, page_size, PAGE_SIZE);
	MADE_RING_SET(ring, page_count, PAGES);
	MADE_RING_SET(ring, pages_offset, PAGES_AT);
	MADE_RING_SET(ring, lanes_offset, LANES_AT);
	MADE_RING_SET(ring, lane_count, LANES);
	MADE_RING_SET(ring, lane_size, sizeof(struct tw_ring_lane));
	MADE_RING_SET(ring, groups_offset, GROUPS_AT);
	MADE_RING_SET(ring, group_capacity, GROUPS);
	MADE_RING_SET(ring, group_size, sizeof(struct tw_ring_group));
	MADE_RING_SET(ring, group_count, 1);
	MADE_RING_SET(ring, clock_kind, TW_CLOCK_MONOTONIC);
	MADE_RING_SET(ring, clock_hz, 1000000000);
	MADE_RING_SET(ring, clock_mask, ~(uint64_t)0);
	MADE_RING_SET(ring, sync_first.clock, 1000);
	MADE_RING_SET(ring, sync_first.mono_ns, 1000);
	MADE_RING_SET(ring, sync_first.real_ns, MAKER_STARTED_NS);
	strncpy((char *)ring->bytes + offsetof(struct tw_ring_control, name),
		name, TW_RING_NAME_SIZE);
}

static void make_group(struct made_ring *ring)
{
	size_t group = ring->groups_offset;
	size_t states = ring->states_offset;

	made_ring_put32(ring, group, TW_GROUP_LIVE);
	made_ring_put32(ring, group + 4, MAKER_ID_BASE);
	made_ring_put32(ring, group + 8, MAKER_EVENTS);
	made_ring_put64(ring, group + 16, ring->states_offset);
	made_ring_put64(ring, group + 24, ring->schema_offset);
	made_ring_put64(ring, group + 32, ring->schema_size);
	made_ring_put32(ring, states, TW_STATES_MAGIC);
	made_ring_put32(ring, states + 4, MAKER_EVENTS);
	memset(ring->bytes + states + 8, 0x5a, 16);
	made_ring_put32(ring, states + 24, MAKER_ID_BASE);
}

void made_ring_init(struct made_ring *ring, bool big_endian, const char *name,
		    pid_t pid, uint64_t pid_start)
{
	*ring = (struct made_ring){
		.big_endian = big_endian,
		.bytes = calloc(1, SIZE),
		.size = SIZE,
		.groups_offset = GROUPS_AT,
		.states_offset = STATES_AT,
		.schema_offset = SCHEMA_AT,
		.schema_size = BLOB_SIZE,
		.pages_offset = PAGES_AT,
	};
	if (!ring->bytes)
		abort();
	make_control(ring, name, pid, pid_start);
	make_group(ring);
	make_schema(ring);
}

void made_ring_free(struct made_ring *ring)
{
	free(ring->bytes);
	ring->bytes = NULL;
}

bool made_ring_write(const struct made_ring *ring, size_t size,
		     const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, ring->bytes, size) == (ssize_t)size;
	return !close(fd) && ok;
}
