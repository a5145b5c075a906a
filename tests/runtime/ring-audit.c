/* SPDX-License-Identifier: MIT */
/*
 * Reading a ring with nothing taken on trust: each page's count is compared
 * with a walk over its events, each lane's pages with one another. A page that
 * follows its lane's last one must begin exactly where that ended.
 */
/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ring-audit.h"

#include "../../src/schema/blob-read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_mapped(void *context, uint64_t offset, const void *from,
			size_t size)
{
	memcpy((uint8_t *)context + offset, from, size);
	return (int)size;
}

static void require(int error, struct audit *audit)
{
	if (error < 0)
		fail_msg("%s", audit->reader.why ? audit->reader.why
						 : strerror(-error));
}

/* Groups may come at any time, so an unknown id asks here. */
static void read_groups(struct audit *audit)
{
	struct tw_ring_group group;
	const char *why = NULL;
	uint32_t count, i;

	require(tw_ring_group_count(&audit->reader, &count), audit);
	assert_true(count <= AUDIT_GROUPS);
	for (; audit->group_count < count; audit->group_count++) {
		struct tw_schema **schema = &audit->schema[audit->group_count];
		void *blob;

		require(tw_ring_read_group(&audit->reader, audit->group_count,
					   &group),
			audit);
		blob = malloc(group.schema_size);
		assert_non_null(blob);
		require(tw_ring_read_bytes(&audit->reader, group.schema_offset,
					   blob, group.schema_size),
			audit);
		if (tw_blob_read(blob, group.schema_size, false, schema, &why))
			fail_msg("schema: %s", why);
		free(blob);
		assert_int_equal((*schema)->event_count, group.event_count);
		for (i = 0; i < group.event_count; i++)
			audit->lookup[group.id_base + i] =
				&(*schema)->events[i];
	}
}

static int read_file(void *context, uint64_t offset, void *to, size_t size)
{
	const struct audit *audit = context;

	return pread(audit->file, to, size, (off_t)offset) == (ssize_t)size
		       ? (int)size
		       : -EIO;
}

static void map_file(struct audit *audit, struct tw_memory *memory)
{
	audit->base = mmap(NULL, audit->size, PROT_READ | PROT_WRITE,
			   MAP_SHARED, audit->file, 0);
	assert_ptr_not_equal(audit->base, MAP_FAILED);
	memory->base = audit->base;
	memory->context = audit->base;
	memory->write = write_mapped;
}

static void open_ring(struct audit *audit, const char *path, bool mapped)
{
	struct tw_memory memory = {0};
	struct stat st;

	memset(audit, 0, sizeof(*audit));
	audit->file = open(path, O_RDWR | O_CLOEXEC);
	if (audit->file < 0 || fstat(audit->file, &st))
		fail_msg("%s: %s", path, strerror(errno));
	audit->size = (size_t)st.st_size;
	memory.size = audit->size;
	memory.context = audit;
	memory.read = read_file;
	if (mapped)
		map_file(audit, &memory);
	require(tw_ring_open(&audit->reader, &memory), audit);
	assert_true(audit->reader.control.lane_count <= AUDIT_LANES);
	audit->page = malloc(audit->reader.control.page_size);
	audit->lane = calloc(AUDIT_LANES, sizeof(*audit->lane));
	audit->ticket = calloc(audit->reader.control.page_count,
			       sizeof(*audit->ticket));
	audit->lookup = calloc(TW_EVENTS_MAX, sizeof(const void *));
	assert_true(audit->page && audit->lane && audit->ticket &&
		    audit->lookup);
	read_groups(audit);
}

void audit_open(struct audit *audit, const char *path, audit_fn on_event,
		void *context)
{
	open_ring(audit, path, true);
	audit->on_event = on_event;
	audit->context = context;
}

void audit_open_unmapped(struct audit *audit, const char *path,
			 audit_fn on_event, void *context)
{
	open_ring(audit, path, false);
	audit->on_event = on_event;
	audit->context = context;
}

void audit_close(struct audit *audit)
{
	uint32_t i;

	for (i = 0; i < audit->group_count; i++)
		tw_schema_destroy(audit->schema[i]);
	if (audit->base)
		munmap(audit->base, audit->size);
	close(audit->file);
	free(audit->page);
	free(audit->lane);
	free(audit->ticket);
	free((void *)audit->lookup);
}

static void give_event(struct audit *audit, const struct tw_page_view *view,
		       const struct tw_decoded *decoded)
{
	struct tw_value values[TW_FIELDS_MAX];
	struct audit_event event = {
		.name = decoded->event->name,
		.id = decoded->id,
		.lane = view->lane,
		.tid = view->tid,
		.level = view->level,
		.time = decoded->time,
		.values = values,
	};
	size_t offset = 0;
	uint32_t i;

	for (i = 0; i < decoded->event->field_count; i++)
		tw_fields_value(decoded->event, i, decoded->fields, &offset,
				false, &values[i]);
	if (audit->on_event)
		audit->on_event(audit->context, &event);
}

/* A page after its lane's last one: never before it, nor into it. */
static void check_succession(struct audit *audit,
			     const struct tw_page_view *view)
{
	struct audit_lane *lane = &audit->lane[view->lane];

	assert_true(view->seq >= lane->next_seq);
	assert_true(view->events_before >= lane->written);
	assert_true(view->discarded >= lane->discarded);
	assert_true(view->time_begin >= lane->time);
	if (view->seq == lane->next_seq)
		assert_true(view->events_before == lane->written);
	lane->gaps += view->events_before - lane->written;
}

static void take_page(struct audit *audit, const struct tw_page_view *view)
{
	struct audit_lane *lane = &audit->lane[view->lane];
	const struct tw_decoder decoder = {audit->lookup, TW_EVENTS_MAX, false};
	struct tw_page_walk walk;
	struct tw_decoded decoded;
	uint32_t events = 0;
	int result;

	check_succession(audit, view);
	read_groups(audit);
	tw_page_walk_start(&walk, audit->page, view->size, view->time_begin);
	while ((result = tw_page_walk_next(&walk, &decoder, &decoded)) > 0) {
		give_event(audit, view, &decoded);
		events++;
	}
	if (result)
		fail_msg("lane %u, page %u: %s", view->lane, view->index,
			 walk.why);
	assert_int_equal(events, view->events);
	/* The end is stored before the commit word: it may be ahead. */
	assert_true(walk.time <= view->time_end);
	lane->read += events;
	lane->written = view->events_before + events;
	lane->discarded = view->discarded;
	lane->next_seq = view->seq + 1;
	lane->time = walk.time;
	audit->ticket[view->index] = view->ticket + 1;
}

struct candidate {
	uint32_t index;
	uint32_t ticket;
};

static int by_ticket(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	return (left->ticket > right->ticket) - (left->ticket < right->ticket);
}

/*
 * The unread pages whose state is in states (a bit each), oldest first. Only
 * tickets that were out before the first look: a page that is still open when
 * it is looked at may be full a moment later, and its lane's next one as well,
 * which must not be read first.
 */
static struct candidate *unread_pages(struct audit *audit, unsigned states,
				      uint32_t *count)
{
	const uint32_t page_count = audit->reader.control.page_count;
	struct candidate *list = calloc(page_count, sizeof(*list));
	uint32_t head, word, i;

	assert_non_null(list);
	require(tw_ring_head(&audit->reader, &head), audit);
	*count = 0;
	for (i = 0; i < page_count; i++) {
		require(tw_ring_page_state(&audit->reader, i, &word), audit);
		if (!(1u << (word & TW_PAGE_STATE_MASK) & states) ||
		    word >> TW_PAGE_TICKET_SHIFT >= head ||
		    audit->ticket[i] == (word >> TW_PAGE_TICKET_SHIFT) + 1)
			continue;
		list[(*count)++] = (struct candidate){
			i, word >> TW_PAGE_TICKET_SHIFT};
	}
	qsort(list, *count, sizeof(*list), by_ticket);
	return list;
}

static void fail_page(struct audit *audit, const struct tw_page_view *view)
{
	struct tw_page page = {0};

	tw_ring_read_bytes(&audit->reader,
			   audit->reader.control.pages_offset +
				   (uint64_t)view->index *
					   audit->reader.control.page_size,
			   &page, sizeof(page));
	fail_msg("page %u, ticket %u, state %u: %s (lane %u, sequence %" PRIu64
		 ", %u bits, %u events)",
		 view->index, view->ticket, view->state, audit->reader.why,
		 page.lane, page.packet_seq_num, page.content_size,
		 page.events);
}

static uint32_t read_pages(struct audit *audit, unsigned states, bool running,
			   bool release)
{
	struct tw_page_view view;
	uint32_t count, i, read = 0;
	struct candidate *list = unread_pages(audit, states, &count);
	int error;

	for (i = 0; i < count; i++) {
		error = tw_ring_page_copy(&audit->reader, list[i].index,
					  audit->page, &view);
		/* A writer that overwrites may be faster. */
		if (error == -EAGAIN && running)
			continue;
		if (error)
			fail_page(audit, &view);
		if (view.ticket != list[i].ticket)
			continue;
		take_page(audit, &view);
		if (release)
			require(tw_ring_page_release(&audit->reader, &view),
				audit);
		read++;
	}
	free(list);
	return read;
}

uint32_t audit_drain(struct audit *audit, bool release)
{
	return read_pages(audit, 1u << TW_PAGE_FULL, true, release);
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void add_lane(struct audit *audit, uint32_t index)
{
	const struct audit_lane *lane = &audit->lane[index];
	struct tw_ring_lane entry;

	require(tw_ring_read_lane(&audit->reader, index, &entry), audit);
	if (entry.state == TW_LANE_FREE)
		return;
	audit->lanes++;
	audit->found += lane->read;
	audit->written += max(entry.events, lane->written);
	audit->discarded += max(entry.discarded, lane->discarded);
	/* Its newest page was read, so the entry can't know of more. */
	if (lane->next_seq == entry.seq)
		assert_true(entry.events <= lane->written);
}

static void count_states(struct audit *audit)
{
	uint32_t i, word;

	for (i = 0; i < audit->reader.control.page_count; i++) {
		require(tw_ring_page_state(&audit->reader, i, &word), audit);
		word &= TW_PAGE_STATE_MASK;
		audit->claimed += word == TW_PAGE_CLAIMED;
		audit->readable += word == TW_PAGE_FULL || word == TW_PAGE_OPEN;
	}
}

void audit_finish(struct audit *audit)
{
	uint64_t discarded;
	uint32_t i;

	read_pages(audit, 1u << TW_PAGE_FULL | 1u << TW_PAGE_OPEN, false,
		   false);
	for (i = 0; i < audit->reader.control.lane_count; i++)
		add_lane(audit, i);
	require(tw_ring_discarded(&audit->reader, &discarded), audit);
	audit->discarded += discarded;
	count_states(audit);
}

void audit_all(struct audit *audit, const char *path, audit_fn on_event,
	       void *context)
{
	audit_open(audit, path, on_event, context);
	audit_finish(audit);
}

static bool find_event(struct audit *audit, const char *name,
		       struct tw_ring_group *group, uint32_t *index)
{
	uint32_t i;

	read_groups(audit);
	for (i = 0; i < audit->group_count; i++) {
		const struct tw_schema *schema = audit->schema[i];
		const struct tw_event_desc *event = tw_schema_find(schema,
								   name);

		if (!event)
			continue;
		require(tw_ring_read_group(&audit->reader, i, group), audit);
		*index = (uint32_t)(event - schema->events);
		return true;
	}
	return false;
}

int audit_event_id(struct audit *audit, const char *name)
{
	struct tw_ring_group group;
	uint32_t index;

	if (!find_event(audit, name, &group, &index))
		return -ENOENT;
	return (int)(group.id_base + index);
}

int audit_event_state(struct audit *audit, const char *name)
{
	struct tw_ring_group group;
	uint32_t index;

	if (!find_event(audit, name, &group, &index))
		return -ENOENT;
	return tw_ring_event_state(&audit->reader, &group, index);
}

void audit_set_event_state(struct audit *audit, const char *name, bool on)
{
	struct tw_ring_group group;
	uint32_t index;

	if (!find_event(audit, name, &group, &index))
		fail_msg("no event %s", name);
	require(tw_ring_set_event_state(&audit->reader, &group, index, on),
		audit);
}

struct tw_ring_group audit_group(struct audit *audit, const char *name)
{
	struct tw_ring_group group;
	uint32_t index;

	if (!find_event(audit, name, &group, &index))
		fail_msg("no event %s", name);
	return group;
}
