/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "../../../src/schema/blob-read.h"
#include "../../../src/schema/format.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct machine machine;

uint32_t machine_cpu(void)
{
	return machine.cpu;
}

uint64_t machine_clock(void)
{
	const uint64_t now = machine.clock + machine.step;

	/* Behind the look: what interrupts it has later times. */
	machine.clock = now;
	if (machine.host)
		machine.host();
	if (machine.interrupt && !machine.masked)
		machine.interrupt();
	return now;
}

uintptr_t machine_interrupts_off(void)
{
	uintptr_t saved = machine.masked;

	machine.masked = true;
	return saved;
}

void machine_interrupts_as_before(uintptr_t saved)
{
	assert_true(machine.masked);
	machine.masked = saved;
}

void machine_create(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t inner = (size + TW_RING_ALIGN + page - 1) / page * page;
	const size_t taken = (size + TW_RING_ALIGN - 1) / TW_RING_ALIGN *
			     TW_RING_ALIGN;

	memset(&machine, 0, sizeof(machine));
	machine.clock = 1000000;
	machine.step = 10;
	machine.mapping_size = inner + 2 * page;
	machine.mapping = mmap(NULL, machine.mapping_size, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(machine.mapping, MAP_FAILED);
	assert_int_equal(
		mprotect(machine.mapping + page, inner, PROT_READ | PROT_WRITE),
		0);
	memset(machine.mapping + page, 0xa5, inner);
	machine.memory = machine.mapping + page + inner - taken;
	machine.size = size;
}

void machine_destroy(void)
{
	tw_testpoint_hook = NULL;
	tw_testpoint_halves = NULL;
	machine.interrupt = NULL;
	machine.host = NULL;
	tw_guest_stop();
	assert_false(machine.masked);
	munmap(machine.mapping, machine.mapping_size);
}

void machine_start(uint32_t mode, uint32_t flags)
{
	static struct tw_group *const groups[] = {&tw_group_guest};
	const struct tw_guest_options options = {
		.memory = machine.memory,
		.size = machine.size,
		.name = "test",
		.groups = groups,
		.group_count = 1,
		.mode = mode,
		.flags = flags | TW_GUEST_EVENTS_ON,
	};

	assert_int_equal(tw_guest_start(&options), 0);
}

static int write_memory(void *context, uint64_t offset, const void *from,
			size_t size)
{
	memcpy(machine.memory + offset, from, size);
	return 0;
}

void machine_open(struct tw_ring_reader *reader)
{
	const struct tw_memory memory = {.base = machine.memory,
					 .size = machine.size,
					 .write = write_memory};

	if (tw_ring_open(reader, &memory))
		fail_msg("no ring: %s", reader->why);
}

/* The events by id, from the image's own schema: a ring may lack it. */
static const struct tw_decoder *decoder(void)
{
	static const struct tw_event_desc *lookup[16];
	static struct tw_decoder made;
	static struct tw_schema *schema;
	const char *why;
	uint32_t i;

	if (made.id_count)
		return &made;
	assert_int_equal(tw_blob_read(tw_group_guest.blob,
				      tw_group_guest.blob_size, false, &schema,
				      &why),
			 0);
	for (i = 0; i < schema->event_count; i++)
		lookup[i] = &schema->events[i];
	made.lookup = lookup;
	made.id_count = schema->event_count;
	return &made;
}

static void read_page(struct tw_ring_reader *reader, uint32_t index,
		      void *bytes, struct books *books, bool release,
		      visit_event *visit, void *context)
{
	struct tw_page_view view;
	struct tw_page_walk walk;
	struct tw_decoded event;
	uint64_t last = 0;
	uint32_t count = 0;
	int status = tw_ring_page_copy(reader, index, bytes, &view);

	if (status == -EAGAIN)
		return;
	assert_int_equal(status, 0);
	tw_page_walk_start(&walk, bytes, view.size, view.time_begin);
	while ((status = tw_page_walk_next(&walk, decoder(), &event)) == 1) {
		assert_non_null(event.event);
		assert_true(event.time >= view.time_begin);
		assert_true(event.time >= last);
		last = event.time;
		count++;
		if (visit)
			visit(&view, &event, context);
	}
	assert_int_equal(status, 0);
	assert_int_equal(count, view.events);
	assert_true(last <= view.time_end);
	assert_true(view.lane < LANES);
	books->read += count;
	books->pages++;
	if (books->lane[view.lane].events < view.events_before + count)
		books->lane[view.lane].events = view.events_before + count;
	if (release && view.state == TW_PAGE_FULL)
		assert_int_equal(tw_ring_page_release(reader, &view), 0);
}

void books_read(struct books *books, bool release, visit_event *visit,
		void *context)
{
	struct tw_ring_reader reader;
	void *bytes;
	uint32_t i;

	memset(books, 0, sizeof(*books));
	machine_open(&reader);
	assert_int_equal(reader.control.lane_count, LANES);
	for (i = 0; i < LANES; i++)
		assert_int_equal(tw_ring_read_lane(&reader, i, &books->lane[i]),
				 0);
	bytes = aligned_alloc(8, reader.control.page_size);
	for (i = 0; i < reader.control.page_count; i++)
		read_page(&reader, i, bytes, books, release, visit, context);
	free(bytes);
	assert_int_equal(tw_ring_discarded(&reader, &books->no_lane), 0);
	books->discarded = books->no_lane;
	for (i = 0; i < LANES; i++) {
		books->written += books->lane[i].events;
		books->discarded += books->lane[i].discarded;
	}
}

const char *event_text(const struct tw_decoded *event)
{
	static char text[4096];
	struct tw_format *format;
	struct tw_text made = {0};

	assert_int_equal(tw_format_compile(event->event, &format), 0);
	tw_format_run(format, event->fields, event->fields_size, false, &made);
	assert_true(made.size < sizeof(text));
	memcpy(text, made.data, made.size);
	text[made.size] = 0;
	free(made.data);
	tw_format_destroy(format);
	return text;
}
