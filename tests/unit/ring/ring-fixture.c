/* SPDX-License-Identifier: MIT */
/* Rings for tests: see ring-fixture.h. */
#include "ring-fixture.h"

#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const struct tw_ring_layout fixture_small = {
	.control_size = sizeof(struct tw_ring_control),
	.lane_count = 4,
	.group_capacity = 2,
	.page_size = 512,
	.page_count = 4,
	.heap_size = 1280,
	.align = 8,
};

const struct tw_ring_layout fixture_tiny = {
	.control_size = TW_RING_CONTROL_MIN,
	.lane_count = 1,
	.group_capacity = 1,
	.page_size = TW_PAGE_SIZE_MIN,
	.page_count = 2,
	.heap_size = 64,
	.align = 8,
};

static void die(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

uint8_t *fixture_map(struct fixture *f, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t inner = (size + page - 1) / page * page;

	f->mapping_size = inner + 2 * page;
	f->mapping = mmap(NULL, f->mapping_size, PROT_NONE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f->mapping == MAP_FAILED ||
	    mprotect(f->mapping + page, inner, PROT_READ | PROT_WRITE))
		die("no memory for a ring");
	f->size = size;
	f->memory = f->mapping + page + inner - size;
	return f->memory;
}

void fixture_unmap(struct fixture *f)
{
	munmap(f->mapping, f->mapping_size);
}

void fixture_create(struct fixture *f, const struct tw_ring_layout *layout,
		    enum tw_ring_mode mode)
{
	uint8_t i;

	memset(f, 0, sizeof(*f));
	f->layout = *layout;
	if (tw_ring_layout(&f->layout))
		die("no ring of this layout");
	fixture_map(f, (f->layout.size + TW_RING_ALIGN - 1) &
			       ~(uint64_t)(TW_RING_ALIGN - 1));
	tw_ring_init(&f->ring, f->memory, &f->layout);
	f->ring.control->mode = mode;
	f->ring.control->clock_kind = TW_CLOCK_OTHER;
	f->ring.control->clock_hz = 1000000000;
	for (i = 0; i < 16; i++)
		f->ring.control->uuid[i] = (uint8_t)(0xa0 + i);
	tw_ring_handle(&f->ring, f->memory);
	tw_ring_publish(&f->ring);
}

void fixture_destroy(struct fixture *f)
{
	fixture_unmap(f);
}

void fixture_add_group(struct fixture *f, uint32_t index, uint32_t events)
{
	const uint64_t room = f->layout.heap_size / f->layout.group_capacity &
			      ~(uint64_t)7;
	struct tw_ring_group *group = &f->ring.groups[index];
	struct tw_states *states;

	if (room < TW_STATES_HEADER + events + 16)
		die("no room for a group");
	group->states_offset = f->layout.heap_offset + index * room;
	group->schema_offset = group->states_offset + room - 16;
	group->schema_size = 16;
	group->event_count = events;
	group->id_base = index ? group[-1].id_base + group[-1].event_count : 0;
	group->modules = 1;
	states = (void *)(f->memory + group->states_offset);
	states->magic = TW_STATES_MAGIC;
	states->count = events;
	states->id_base = group->id_base;
	memcpy(states->uuid, f->ring.control->uuid, 16);
	group->state = TW_GROUP_LIVE;
	if (f->ring.control->group_count <= index)
		f->ring.control->group_count = index + 1;
}

static void check_range(const struct fixture *f, uint64_t offset, size_t size)
{
	if (offset > f->size || size > f->size - offset)
		die("a reader asked for bytes outside of the memory");
}

/* By bytes and without the tools' knowledge: others may be writing. */
__attribute__((no_sanitize("thread"))) static int read_memory(void *context,
							      uint64_t offset,
							      void *to,
							      size_t size)
{
	struct fixture *f = context;
	const volatile uint8_t *from = f->memory + offset;
	uint8_t *byte = to;

	check_range(f, offset, size);
	f->reads++;
	while (size--)
		*byte++ = *from++;
	return 0;
}

static int write_memory(void *context, uint64_t offset, const void *from,
			size_t size)
{
	struct fixture *f = context;
	const uint8_t *byte = from;

	check_range(f, offset, size);
	f->writes++;
	f->written_at = offset;
	while (size--)
		__atomic_store_n(&f->memory[offset++], *byte++,
				 __ATOMIC_RELAXED);
	return 0;
}

void fixture_memory_of(struct fixture *f, enum fixture_access access,
		       struct tw_memory *memory, size_t size)
{
	memset(memory, 0, sizeof(*memory));
	memory->base = access == FIXTURE_MAPPED ? f->memory : NULL;
	memory->size = size;
	memory->context = f;
	memory->read = read_memory;
	memory->write = write_memory;
}

void fixture_memory(struct fixture *f, enum fixture_access access,
		    struct tw_memory *memory)
{
	fixture_memory_of(f, access, memory, f->size);
}

void fixture_open(struct fixture *f, enum fixture_access access,
		  struct tw_ring_reader *reader)
{
	struct tw_memory memory;

	fixture_memory(f, access, &memory);
	if (tw_ring_open(reader, &memory))
		die(reader->why);
}

static void swap16(void *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	value = __builtin_bswap16(value);
	memcpy(at, &value, sizeof(value));
}

static void swap32(void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	value = __builtin_bswap32(value);
	memcpy(at, &value, sizeof(value));
}

static void swap64(void *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	value = __builtin_bswap64(value);
	memcpy(at, &value, sizeof(value));
}

static void swap_control(struct tw_ring_control *c)
{
	void *words[] = {&c->byte_order,     &c->control_size, &c->flags,
			 &c->generation,     &c->pid,	       &c->page_size,
			 &c->page_count,     &c->lane_count,   &c->lane_size,
			 &c->group_capacity, &c->group_size,   &c->group_count,
			 &c->mode,	     &c->block_ms,     &c->clock_kind,
			 &c->head,	     &c->waiters};
	void *longs[] = {&c->size,	   &c->pid_start,     &c->pages_offset,
			 &c->lanes_offset, &c->groups_offset, &c->clock_hz,
			 &c->clock_mask,   &c->beacon,	      &c->reply,
			 &c->discarded};
	size_t i;

	swap16(&c->abi_major);
	swap16(&c->abi_minor);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		swap32(words[i]);
	for (i = 0; i < sizeof(longs) / sizeof(longs[0]); i++)
		swap64(longs[i]);
}

static void swap_hosted_part(struct tw_ring_control *c)
{
	uint32_t i;

	for (i = 0; i < 3; i++) {
		swap64((uint8_t *)&c->sync_first + i * 8);
		swap64((uint8_t *)&c->sync_last + i * 8);
	}
	swap32(&c->sync_seq);
	for (i = 0; i < TW_RING_HEIRS; i++)
		swap32(&c->heirs[i]);
}

static void swap_tables(struct fixture *f)
{
	uint32_t i;

	for (i = 0; i < f->layout.group_capacity; i++) {
		struct tw_ring_group *group = &f->ring.groups[i];
		struct tw_states *states = (void *)(f->memory +
						    group->states_offset);

		if (group->states_offset) {
			swap32(&states->magic);
			swap32(&states->count);
			swap32(&states->id_base);
		}
		swap32(&group->state);
		swap32(&group->id_base);
		swap32(&group->event_count);
		swap32(&group->modules);
		swap64(&group->states_offset);
		swap64(&group->schema_offset);
		swap64(&group->schema_size);
	}
	for (i = 0; i < f->layout.lane_count; i++) {
		struct tw_ring_lane *lane = &f->ring.lanes[i];

		swap32(&lane->state);
		swap32(&lane->tid);
		swap32(&lane->level);
		swap32(&lane->page);
		swap64(&lane->events);
		swap64(&lane->discarded);
		swap64(&lane->seq);
		swap64(&lane->last_time);
	}
}

static void swap_page(struct tw_page *page)
{
	if (page->magic != TW_PAGE_MAGIC)
		return; /* never used */
	load_swap_events(page);
	swap32(&page->magic);
	swap32(&page->stream_id);
	swap64(&page->timestamp_begin);
	swap64(&page->timestamp_end);
	swap32(&page->content_size);
	swap32(&page->events);
	swap32(&page->packet_size);
	swap32(&page->lane);
	swap64(&page->packet_seq_num);
	swap64(&page->events_discarded);
	swap64(&page->events_before);
	swap32(&page->tid);
	swap32(&page->level);
}

void fixture_swap(struct fixture *f)
{
	uint32_t i;

	for (i = 0; i < f->layout.page_count; i++) {
		struct tw_page_trailer *trailer = tw_ring_trailer(&f->ring, i);

		swap_page((void *)(f->ring.pages +
				   (size_t)i * f->layout.page_size));
		swap32(&trailer->state);
		swap64(&trailer->beacon);
	}
	swap_tables(f);
	if (f->layout.control_size >= sizeof(struct tw_ring_control))
		swap_hosted_part(f->ring.control);
	swap_control(f->ring.control);
}
