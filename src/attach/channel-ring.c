/* SPDX-License-Identifier: MIT */
/*
 * A channel's ring: made like a traced program's, with one lane, in the mode in
 * which an unread page is never taken. Called by source-channel.c.
 *
 * A guest's words (pointers, long, size_t) have 4 or 8 bytes, and which of them
 * is told by the guest's start, which may not have been seen, and come again.
 * So the ring has them all with 8, and narrow ones are widened on the way.
 */
#include "channel-ring.h"

#include "../ring/atomic.h"
#include "../schema/blob-write.h"
#include "../schema/decode.h"
#include "ram.h"
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <trackway/emit.h>

#define PAGE_SIZE (64u << 10)
#define PAGE_COUNT 64u
#define HEAP_ALIGN 4096u
#define SETTLE_NS 1000000000u
#define NS_PER_S 1000000000u

/* What comes is little endian, whatever the guest is. */
static const bool swap = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

/* ---- Making ---- */

static void map_events(struct tw_channel_ring *ring, uint32_t base,
		       const struct tw_schema *wide,
		       const struct tw_schema *narrow)
{
	for (uint32_t i = 0; i < wide->event_count; i++) {
		ring->wide[base + i] = &wide->events[i];
		ring->narrow[base + i] = &narrow->events[i];
	}
}

/* Both forms of a file's events; they are the ring's, failed or not. */
static int keep_schemas(struct tw_channel_ring *ring, const char *file,
			struct tw_schema *parsed, struct tw_attach_error *error)
{
	struct tw_schema **schemas = &ring->schemas[ring->schema_count];

	schemas[0] = tw_attach_resolve_schema(parsed, 8);
	schemas[1] = tw_attach_resolve_schema(parsed, 4);
	ring->schema_count += 2;
	if (!schemas[0] || !schemas[1]) {
		tw_attach_fail(error, -ENOMEM, "%s: out of memory", file);
		return -ENOMEM;
	}
	if (parsed->event_count > TW_EVENTS_MAX - ring->event_count) {
		tw_attach_fail(error, -E2BIG, "%s: more than %u events in all",
			       file, TW_EVENTS_MAX);
		return -E2BIG;
	}
	map_events(ring, ring->event_count, schemas[0], schemas[1]);
	ring->event_count += schemas[0]->event_count;
	return 0;
}

/* One file: its events follow those that there are. */
static int add_file(struct tw_channel_ring *ring, const char *file,
		    struct tw_attach_error *error)
{
	struct tw_schema *parsed;
	int err = tw_attach_load_schema(file, &parsed, error);

	if (err)
		return err;
	err = keep_schemas(ring, file, parsed, error);
	tw_schema_destroy(parsed);
	return err;
}

static size_t align_up(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/* What goes into the heap for one file. */
struct part {
	const struct tw_schema *schema;
	void *blob;
	size_t blob_size;
};

static size_t states_size(const struct part *part)
{
	return align_up(TW_STATES_HEADER + part->schema->event_count);
}

static int make_parts(const struct tw_channel_ring *ring, struct part *parts,
		      size_t count, uint64_t *size)
{
	*size = 0;
	for (size_t i = 0; i < count; i++) {
		parts[i].schema = ring->schemas[i * 2];
		if (tw_blob_write(parts[i].schema, false, &parts[i].blob,
				  &parts[i].blob_size))
			return -ENOMEM;
		*size += states_size(&parts[i]) + align_up(parts[i].blob_size);
	}
	return 0;
}

static void write_group(struct tw_channel_ring *ring, const struct part *part,
			uint32_t index, uint32_t base, uint64_t at, bool on)
{
	struct tw_ring_group *group = &ring->ring.groups[index];
	struct tw_states *states = (void *)(ring->ring.base + at);
	const uint32_t count = part->schema->event_count;

	*states = (struct tw_states){
		.magic = TW_STATES_MAGIC,
		.count = count,
		.id_base = base,
	};
	memcpy(states->uuid, ring->ring.control->uuid, sizeof(states->uuid));
	memset(states->state, on, count);
	for (uint32_t i = 0; i < count; i++)
		ring->states[base + i] = &states->state[i];
	*group = (struct tw_ring_group){
		.state = TW_GROUP_LIVE,
		.id_base = base,
		.event_count = count,
		.modules = 1,
		.states_offset = at,
		.schema_offset = at + states_size(part),
		.schema_size = part->blob_size,
	};
	memcpy(ring->ring.base + group->schema_offset, part->blob,
	       part->blob_size);
}

static void write_groups(struct tw_channel_ring *ring, const struct part *parts,
			 size_t count, uint64_t at, bool on)
{
	uint32_t base = 0;

	for (size_t i = 0; i < count; i++) {
		write_group(ring, &parts[i], (uint32_t)i, base, at, on);
		at += states_size(&parts[i]) + align_up(parts[i].blob_size);
		base += parts[i].schema->event_count;
	}
	ring->ring.control->group_count = (uint32_t)count;
}

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The path's last part, as far as there is room for it. */
static void name_ring(struct tw_ring_control *control, const char *spec)
{
	const char *slash = strrchr(spec, '/');
	const char *name = slash ? slash + 1 : strchr(spec, ':') + 1;

	memcpy(control->name, name, strnlen(name, TW_RING_NAME_SIZE - 1));
}

static void describe(struct tw_channel_ring *ring, const char *spec)
{
	struct tw_ring_control *control = ring->ring.control;
	const uint64_t mono_ns = read_ns(CLOCK_MONOTONIC);

	/* Only to be told from other recordings: any will do. */
	if (getrandom(control->uuid, sizeof(control->uuid), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(control->uuid))
		memcpy(control->uuid, &mono_ns, sizeof(mono_ns));
	control->mode = ring->ring.mode = TW_RING_DISCARD;
	control->clock_kind = TW_CLOCK_MONOTONIC;
	control->clock_hz = NS_PER_S;
	control->sync_first = (struct tw_ring_sync){
		.clock = mono_ns,
		.mono_ns = mono_ns,
		.real_ns = read_ns(CLOCK_REALTIME),
	};
	control->sync_last = control->sync_first;
	name_ring(control, spec);
}

static int make_ring(struct tw_channel_ring *ring, const char *spec,
		     const struct part *parts, size_t count, uint64_t heap,
		     bool on)
{
	struct tw_ring_layout layout = {
		.control_size = sizeof(struct tw_ring_control),
		.lane_count = 1,
		.group_capacity = (uint32_t)count,
		.page_size = PAGE_SIZE,
		.page_count = PAGE_COUNT,
		.heap_size = heap,
		.align = HEAP_ALIGN,
	};

	if (tw_ring_layout(&layout))
		return -E2BIG;
	ring->memory = aligned_alloc(HEAP_ALIGN, layout.size);
	if (!ring->memory)
		return -ENOMEM;
	ring->size = layout.size;
	tw_ring_init(&ring->ring, ring->memory, &layout);
	describe(ring, spec);
	write_groups(ring, parts, count, layout.heap_offset, on);
	tw_ring_publish(&ring->ring);
	return tw_writer_attach(&ring->ring, &ring->writer, 0, 0);
}

static int allocate(struct tw_channel_ring *ring, size_t files)
{
	ring->wide = calloc(TW_EVENTS_MAX, sizeof(*ring->wide));
	ring->narrow = calloc(TW_EVENTS_MAX, sizeof(*ring->narrow));
	ring->states = calloc(TW_EVENTS_MAX, sizeof(*ring->states));
	ring->schemas = calloc(files * 2, sizeof(*ring->schemas));
	return ring->wide && ring->narrow && ring->states && ring->schemas
		       ? 0
		       : -ENOMEM;
}

int tw_channel_ring_create(struct tw_channel_ring *ring, const char *spec,
			   const char *const *files, size_t count, bool on,
			   struct tw_attach_error *error)
{
	struct part *parts = calloc(count, sizeof(*parts));
	uint64_t heap;
	int err;

	*ring = (struct tw_channel_ring){0};
	err = parts ? allocate(ring, count) : -ENOMEM;
	if (err)
		tw_attach_fail(error, err, "%s: out of memory", spec);
	for (size_t i = 0; !err && i < count; i++)
		err = add_file(ring, files[i], error);
	if (err)
		goto out;
	err = make_parts(ring, parts, count, &heap);
	if (!err)
		err = make_ring(ring, spec, parts, count, heap, on);
	if (err)
		tw_attach_fail(error, err, "%s: %s", spec, strerror(-err));
out:
	for (size_t i = 0; parts && i < count; i++)
		free(parts[i].blob);
	free(parts);
	if (err)
		tw_channel_ring_destroy(ring);
	return err;
}

void tw_channel_ring_destroy(struct tw_channel_ring *ring)
{
	for (size_t i = 0; i < ring->schema_count; i++)
		tw_schema_destroy(ring->schemas[i]);
	free(ring->schemas);
	free(ring->wide);
	free(ring->narrow);
	free(ring->states);
	free(ring->memory);
	*ring = (struct tw_channel_ring){0};
}

/* ---- Its memory ---- */

static int read_memory(void *context, uint64_t offset, void *to, size_t size)
{
	const struct tw_channel_ring *ring = context;

	memcpy(to, ring->ring.base + offset, size);
	return 0;
}

static int write_memory(void *context, uint64_t offset, const void *from,
			size_t size)
{
	const struct tw_channel_ring *ring = context;

	memcpy(ring->ring.base + offset, from, size);
	return 0;
}

void tw_channel_ring_memory(struct tw_channel_ring *ring,
			    struct tw_memory *memory)
{
	*memory = (struct tw_memory){
		.base = ring->memory,
		.size = ring->size,
		.context = ring,
		.read = read_memory,
		.write = write_memory,
	};
}

/* ---- Events ---- */

/* How much the fields grow. */
static size_t growth(const struct tw_event_desc *from,
		     const struct tw_event_desc *to)
{
	size_t more = 0;

	for (uint32_t i = 0; i < from->field_count; i++)
		more += to->fields[i].size - from->fields[i].size;
	return more;
}

static bool fits(const struct tw_event_desc *event, const uint8_t *fields,
		 size_t size)
{
	return tw_fields_size(event, fields, size, swap) == (int64_t)size;
}

/*
 * The event as the guest has it. Where its word is not known, an event that
 * only one of the two can have sent tells it for those that follow; one that
 * both can have sent, with other values, is told of neither.
 */
static int match(struct tw_channel_ring *ring, uint64_t id,
		 const uint8_t *fields, size_t size, uint8_t word_size,
		 const struct tw_event_desc **event)
{
	const struct tw_event_desc *wide = ring->wide[id];
	const struct tw_event_desc *narrow = ring->narrow[id];
	const uint8_t word = word_size ? word_size : ring->word_size;
	const bool is_wide = word != 4 && fits(wide, fields, size);
	const bool is_narrow = word != 8 && fits(narrow, fields, size);

	if (!is_wide && !is_narrow)
		return -EBADMSG;
	if (is_wide && is_narrow && growth(narrow, wide))
		return -ENOTUNIQ;
	if (is_wide != is_narrow)
		ring->word_size = is_wide ? 8 : 4;
	*event = is_wide ? wide : narrow;
	return 0;
}

/* An integer's lowest bytes, in this machine's order. */
static uint8_t *put_number(uint8_t *to, uint64_t value, size_t size)
{
	const uint8_t *bytes = (const uint8_t *)&value;

	memcpy(to, swap ? bytes + sizeof(value) - size : bytes, size);
	return to + size;
}

static uint8_t *put_text(uint8_t *to, const struct tw_value *value)
{
	const size_t size = value->string.size;

	if (value->field->kind == TW_FIELD_BYTES)
		to = put_number(to, size, 2);
	memcpy(to, value->string.text, size);
	to += size;
	if (value->field->kind == TW_FIELD_STRING)
		*to++ = 0;
	return to;
}

static uint8_t *put_float(uint8_t *to, const struct tw_value *value,
			  const uint8_t *from)
{
	const size_t size = value->field->size;

	/* The bits as they are: a signalling NaN doesn't pass as a number. */
	for (size_t i = 0; i < size; i++)
		to[swap ? size - 1 - i : i] = from[i];
	return to + size;
}

static void convert(const struct tw_event_desc *from,
		    const struct tw_event_desc *to, const uint8_t *fields,
		    uint8_t *out)
{
	struct tw_value value;
	size_t offset = 0;
	size_t before;

	for (uint32_t i = 0; i < from->field_count; i++) {
		before = offset;
		tw_fields_value(from, i, fields, &offset, swap, &value);
		if (value.field->kind == TW_FIELD_STRING ||
		    value.field->kind == TW_FIELD_BYTES)
			out = put_text(out, &value);
		else if (value.field->kind == TW_FIELD_FLOAT)
			out = put_float(out, &value, fields + before);
		else
			out = put_number(out, value.u, to->fields[i].size);
	}
}

/* Room for size bytes in the page, which may be the next one. */
static int make_room(struct tw_channel_ring *ring, size_t size, uint64_t now)
{
	struct tw_writer *writer = &ring->writer;

	if (writer->page && size <= writer->end - (uintptr_t)writer->pos &&
	    now >= writer->page->timestamp_end && now < writer->limit)
		return 0;
	if (tw_writer_turn(&ring->ring, writer, now) != TW_TURN_DONE)
		return -EAGAIN;
	ring->page_ns = now;
	return 0;
}

static void commit(struct tw_writer *writer, uint64_t id, size_t size,
		   uint64_t now)
{
	const uint64_t word = TW_EVENT_WORD(now, id);

	memcpy(writer->pos, &word, sizeof(word));
	writer->page->timestamp_end = now;
	tw_commit(writer->page, TW_COMMIT_STEP((uint32_t)(size * 8)));
	writer->pos += size;
}

int tw_channel_ring_put(struct tw_channel_ring *ring, uint64_t id,
			const uint8_t *fields, size_t size, uint8_t word_size,
			uint64_t now)
{
	const struct tw_event_desc *from;
	size_t room;
	int err;

	if (id >= ring->event_count)
		return -ENOENT;
	err = match(ring, id, fields, size, word_size, &from);
	if (err)
		return err;
	if (!tw_load_relaxed(ring->states[id]))
		return 0;
	room = TW_EVENT_HEADER + size + growth(from, ring->wide[id]);
	if (make_room(ring, room, now))
		return -EAGAIN;
	convert(from, ring->wide[id], fields,
		ring->writer.pos + TW_EVENT_HEADER);
	commit(&ring->writer, id, room, now);
	return 0;
}

void tw_channel_ring_discard(struct tw_channel_ring *ring, uint64_t count)
{
	if (!count)
		return;
	ring->writer.discarded += count - 1;
	tw_writer_discard(&ring->ring, &ring->writer);
}

void tw_channel_ring_settle(struct tw_channel_ring *ring, uint64_t now,
			    bool in_any_case)
{
	const struct tw_page *page = ring->writer.page;

	if (page && page->events &&
	    (in_any_case || now - ring->page_ns >= SETTLE_NS))
		tw_writer_close(&ring->ring, &ring->writer);
}
