/* SPDX-License-Identifier: MIT */
/*
 * Events of other tracers as packets. They are collected, sorted by time, and
 * all but the latest given out; those wait for what may still come before them,
 * until the reader has no more.
 *
 * Called by read.c and by the readers.
 */
#include "read-foreign.h"

#include "../attach/ram.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COLLECT_EVENTS 4096
#define COLLECT_BYTES (1u << 20)
#define WAIT_EVENTS 1024 /* how far out of order events may be */
#define PACKET_BYTES (64u << 10)
#define NS_PER_S 1000000000u

static const struct tw_foreign_kind *const kinds[] = {
	&tw_foreign_qemu_log,
	&tw_foreign_simpletrace,
	&tw_foreign_ctf,
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* ---- Declarations ---- */

static uint64_t hash_of(const char *name, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (uint8_t)name[i]) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

static uint32_t *find_slot(const struct tw_foreign *foreign, const char *name,
			   size_t size)
{
	const size_t mask = foreign->by_name_room - 1;
	size_t at = hash_of(name, size) & mask;
	const char *other;

	for (;; at = (at + 1) & mask) {
		if (!foreign->by_name[at])
			break;
		other = foreign->source->lookup[foreign->by_name[at] - 1]->name;
		if (strncmp(other, name, size) == 0 && !other[size])
			break;
	}
	return &foreign->by_name[at];
}

int64_t tw_foreign_find(const struct tw_foreign *foreign, const char *name,
			size_t size)
{
	return foreign->by_name ? (int64_t)*find_slot(foreign, name, size) - 1
				: -1;
}

static int hash_names(struct tw_foreign *foreign)
{
	uint32_t *slot;
	const char *name;

	foreign->by_name_room = 1024;
	while (foreign->by_name_room < (size_t)foreign->declared * 2)
		foreign->by_name_room *= 2;
	foreign->by_name = calloc(foreign->by_name_room, sizeof(uint32_t));
	foreign->text_ids = calloc((size_t)foreign->declared + 1,
				   sizeof(uint32_t));
	if (!foreign->by_name || !foreign->text_ids)
		return -ENOMEM;
	for (uint32_t id = 0; id < foreign->declared; id++) {
		name = foreign->source->lookup[id]->name;
		slot = find_slot(foreign, name, strlen(name));
		if (!*slot)
			*slot = id + 1;
	}
	return 0;
}

/* One trace-events file. */
static int add_file(struct tw_foreign *foreign, const char *file,
		    struct tw_attach_error *error)
{
	struct tw_source *source = foreign->source;
	struct tw_schema *parsed, *schema;
	struct tw_schema **list;
	int err = tw_attach_load_schema(file, &parsed, error);

	if (err)
		return err;
	schema = tw_attach_resolve_schema(parsed, sizeof(void *));
	tw_schema_destroy(parsed);
	list = reallocarray(source->schemas, source->schema_count + 1,
			    sizeof(struct tw_schema *));
	if (list)
		source->schemas = list;
	if (!list || !schema) {
		tw_schema_destroy(schema);
		return tw_trace_fail(error, -ENOMEM, "%s: out of memory", file);
	}
	list[source->schema_count++] = schema;
	/* Half of the ids are for events as text. */
	if (schema->event_count > TW_EVENTS_MAX / 2 - foreign->declared)
		return tw_trace_fail(error, -E2BIG,
				     "%s: more than %u events in all", file,
				     TW_EVENTS_MAX / 2);
	for (uint32_t i = 0; i < schema->event_count; i++)
		source->lookup[foreign->declared++] = &schema->events[i];
	foreign->event_count = foreign->declared;
	return 0;
}

static int add_files(struct tw_foreign *foreign, const char *own,
		     struct tw_attach_error *error)
{
	const struct tw_foreign_options *options = foreign->options;
	int err = 0;

	if (own)
		err = add_file(foreign, own, error);
	for (size_t i = 0; !own && !err && i < options->events_count; i++)
		err = add_file(foreign, options->events[i], error);
	if (!own && !options->events_count) {
		if (access(TW_FOREIGN_EVENTS, R_OK))
			return tw_trace_fail(
				error, -ENOENT,
				"%s: which events are these? Say --events "
				"FILE, the trace-events file of that QEMU "
				"(there is no " TW_FOREIGN_EVENTS ")",
				foreign->source->path);
		err = add_file(foreign, TW_FOREIGN_EVENTS, error);
	}
	if (!err && hash_names(foreign))
		err = tw_trace_fail(error, -ENOMEM, "%s: out of memory",
				    foreign->source->path);
	return err;
}

int64_t tw_foreign_declare(struct tw_foreign *foreign,
			   const struct tw_event_desc *desc)
{
	struct tw_event_desc *copy;

	if (foreign->event_count == TW_EVENTS_MAX)
		return -E2BIG;
	copy = tw_arena_alloc(&foreign->arena, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *desc;
	copy->fixed_size = tw_event_fixed_size(copy);
	foreign->source->lookup[foreign->event_count] = copy;
	return foreign->event_count++;
}

int64_t tw_foreign_declare_text(struct tw_foreign *foreign, const char *name,
				size_t size)
{
	static const struct tw_field text = {
		.name = "text",
		.type = "const char *",
		.kind = TW_FIELD_STRING,
	};
	const struct tw_event_desc desc = {
		.name = tw_arena_copy(&foreign->arena, name, size),
		.format = "%s",
		.loglevel = 14,
		.field_count = 1,
		.fields = &text,
	};

	return desc.name ? tw_foreign_declare(foreign, &desc) : -ENOMEM;
}

int64_t tw_foreign_text_twin(struct tw_foreign *foreign, uint32_t id)
{
	const char *name = foreign->source->lookup[id]->name;
	int64_t twin = (int64_t)foreign->text_ids[id] - 1;

	if (twin >= 0)
		return twin;
	twin = tw_foreign_declare_text(foreign, name, strlen(name));
	if (twin >= 0)
		foreign->text_ids[id] = (uint32_t)twin + 1;
	return twin;
}

/* ---- Collecting ---- */

int tw_foreign_put(struct tw_foreign *foreign, uint64_t time_ns, uint32_t tid,
		   int64_t id, const void *fields, size_t size)
{
	struct tw_foreign_event *event = &foreign->events[foreign->count];

	if (id < 0)
		return (int)id;
	/* Room for more than a reader gives at once. */
	if (foreign->count >= COLLECT_EVENTS * (size_t)2)
		return -ENOMEM;
	*event = (struct tw_foreign_event){
		.time_ns = time_ns,
		.lost = foreign->lost,
		.discarded = foreign->discarded,
		.order = foreign->order++,
		.at = foreign->bytes.size,
		.size = (uint32_t)size,
		.tid = tid,
		.id = (uint32_t)id,
	};
	tw_text_add(&foreign->bytes, fields, size);
	if (foreign->bytes.failed)
		return -ENOMEM;
	foreign->lost = foreign->discarded = 0;
	foreign->count++;
	return 0;
}

int tw_foreign_put_text(struct tw_foreign *foreign, uint64_t time_ns,
			uint32_t tid, int64_t id, const char *text, size_t size)
{
	struct tw_text field = {0};
	const char *nul;
	int error;

	if (size > TW_FOREIGN_SIZE_MAX / 2 - 1)
		size = TW_FOREIGN_SIZE_MAX / 2 - 1;
	while ((nul = memchr(text, '\0', size)) != NULL) {
		tw_text_add(&field, text, (size_t)(nul - text));
		tw_text_add_string(&field, "\\0");
		size -= (size_t)(nul - text) + 1;
		text = nul + 1;
	}
	tw_text_add(&field, text, size);
	tw_text_add(&field, "", 1);
	error = field.failed ? -ENOMEM
			     : tw_foreign_put(foreign, time_ns, tid, id,
					      field.data, field.size);
	free(field.data);
	return error;
}

void tw_foreign_lose(struct tw_foreign *foreign, uint64_t lost,
		     uint64_t discarded)
{
	foreign->lost += lost;
	foreign->discarded += discarded;
}

/* Drop what was given out, and move the rest to the front. */
static int compact(struct tw_foreign *foreign)
{
	struct tw_text bytes = {0};
	struct tw_foreign_event *event;
	const size_t rest = foreign->count - foreign->next;

	memmove(foreign->events, foreign->events + foreign->next,
		rest * sizeof(*foreign->events));
	for (size_t i = 0; i < rest; i++) {
		event = &foreign->events[i];
		tw_text_add(&bytes, foreign->bytes.data + event->at,
			    event->size);
		event->at = bytes.size - event->size;
	}
	if (bytes.failed) {
		free(bytes.data);
		return -ENOMEM;
	}
	free(foreign->bytes.data);
	foreign->bytes = bytes;
	foreign->count = rest;
	foreign->next = foreign->ready = 0;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct tw_foreign_event *one = a;
	const struct tw_foreign_event *other = b;

	if (one->time_ns != other->time_ns)
		return one->time_ns < other->time_ns ? -1 : 1;
	return one->order < other->order ? -1 : one->order > other->order;
}

static void sort(struct tw_foreign *foreign)
{
	size_t i;

	for (i = 1; i < foreign->count; i++)
		if (by_time(&foreign->events[i - 1], &foreign->events[i]) > 0)
			break;
	if (i < foreign->count)
		qsort(foreign->events, foreign->count, sizeof(*foreign->events),
		      by_time);
}

static void end(struct tw_foreign *foreign, struct tw_cursor *cursor)
{
	foreign->ended = true;
	cursor->has_tail = true;
	cursor->tail_lost = foreign->lost;
	cursor->tail_discarded = foreign->discarded;
	foreign->lost = foreign->discarded = 0;
}

static void collect(struct tw_foreign *foreign, struct tw_cursor *cursor)
{
	int got = TW_FOREIGN_MORE;

	if (foreign->ended || compact(foreign))
		return;
	while (got == TW_FOREIGN_MORE && foreign->count < COLLECT_EVENTS &&
	       foreign->bytes.size < COLLECT_BYTES)
		got = foreign->kind->read(foreign);
	if (got < 0)
		tw_trace_warn(foreign->source->trace,
			      "%s: the rest is not read: %s",
			      foreign->source->path,
			      got == -E2BIG ? "more kinds of events than "
					      "there are numbers for"
					    : strerror(-got));
	if (got < 0 || got == TW_FOREIGN_END ||
	    (got == TW_FOREIGN_IDLE && foreign->finish))
		end(foreign, cursor);
	sort(foreign);
	foreign->ready = foreign->count;
	if (got == TW_FOREIGN_MORE && foreign->count > WAIT_EVENTS)
		foreign->ready -= WAIT_EVENTS;
}

/* ---- Packets ---- */

static uint64_t make_word(const struct tw_foreign_event *event)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return event->time_ns << 16 | event->id;
#else
	return (uint64_t)event->id << TW_EVENT_TIME_BITS |
	       (event->time_ns & (((uint64_t)1 << TW_EVENT_TIME_BITS) - 1));
#endif
}

static void add_event(struct tw_foreign *foreign,
		      const struct tw_foreign_event *event)
{
	const uint64_t word = make_word(event);

	tw_text_add(&foreign->packet, (const char *)&word, sizeof(word));
	tw_text_add(&foreign->packet, foreign->bytes.data + event->at,
		    event->size);
}

/* Whether an event may stand behind another in the same packet. */
static bool may_follow(const struct tw_foreign_event *before,
		       const struct tw_foreign_event *event)
{
	return event->tid == before->tid && !event->lost && !event->discarded &&
	       event->time_ns - before->time_ns <
		       (uint64_t)1 << (TW_EVENT_TIME_BITS - 1);
}

static void make_packet(struct tw_foreign *foreign,
			struct tw_trace_packet *packet)
{
	static const char header[TW_PAGE_HEADER];
	const struct tw_foreign_event *first = &foreign->events[foreign->next];
	const struct tw_foreign_event *event = first;
	const struct tw_foreign_event *last =
		&foreign->events[foreign->ready - 1];

	foreign->packet.size = 0;
	tw_text_add(&foreign->packet, header, sizeof(header));
	add_event(foreign, event);
	while (event < last && may_follow(event, event + 1) &&
	       foreign->packet.size < PACKET_BYTES)
		add_event(foreign, ++event);
	foreign->next += (size_t)(event - first) + 1;
	*packet = (struct tw_trace_packet){
		.producer = &foreign->source->producer,
		.tid = first->tid,
		.page = (const uint8_t *)foreign->packet.data,
		.from = TW_PAGE_HEADER,
		.size = (uint32_t)foreign->packet.size,
		.events = (uint32_t)(event - first) + 1,
		.time_from = first->time_ns,
		.time_end = event->time_ns,
		.lost = first->lost,
		.discarded = first->discarded,
	};
}

static int next_packet(struct tw_cursor *cursor, struct tw_trace_packet *packet)
{
	struct tw_foreign *foreign = cursor->source->foreign;

	if (foreign->next == foreign->ready)
		collect(foreign, cursor);
	if (foreign->next == foreign->ready)
		return 0;
	make_packet(foreign, packet);
	return !foreign->packet.failed;
}

static int poll_foreign(struct tw_source *source, bool finish,
			struct tw_attach_error *error)
{
	struct tw_foreign *foreign = source->foreign;

	foreign->finish |= finish;
	source->producer.ended = !foreign->follow || foreign->finish ||
				 foreign->ended;
	return !source->producer.ended;
}

/* ---- Opening ---- */

static void destroy(struct tw_source *source)
{
	struct tw_foreign *foreign = source->foreign;

	if (!foreign)
		return;
	if (foreign->reader)
		foreign->kind->close(foreign->reader);
	tw_arena_destroy(foreign->arena);
	free(foreign->by_name);
	free(foreign->text_ids);
	free(foreign->events);
	free(foreign->bytes.data);
	free(foreign->packet.data);
	free(foreign);
}

static const struct tw_source_kind foreign_kind = {next_packet, poll_foreign,
						   destroy};

/* Times are ns since the epoch already. */
static void set_clock(struct tw_trace_producer *producer)
{
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = (uint64_t)now.tv_sec * NS_PER_S;
	tw_timebase_set(&producer->timebase, NS_PER_S, ns, ns);
}

static int open_one(struct tw_source *source, size_t prefix_size,
		    const char *events, struct tw_attach_error *error)
{
	struct tw_foreign *foreign = source->foreign;
	int err = 0;

	foreign->source = source;
	foreign->path = source->path + prefix_size;
	foreign->follow = foreign->options->follow;
	foreign->events = reallocarray(NULL, COLLECT_EVENTS * (size_t)2,
				       sizeof(*foreign->events));
	source->lookup = calloc(TW_EVENTS_MAX, sizeof(*source->lookup));
	if (!foreign->events || !source->lookup)
		return tw_trace_fail(error, -ENOMEM, "%s: out of memory",
				     source->path);
	set_clock(&source->producer);
	source->producer.complete = true;
	source->producer.decoder = (struct tw_decoder){
		.lookup = source->lookup,
		.id_count = TW_EVENTS_MAX,
	};
	if (foreign->kind->wants_events)
		err = add_files(foreign, events, error);
	if (!err)
		err = foreign->kind->open(foreign, error);
	foreign->options = NULL;
	if (!err && !tw_source_cursor(source, 0))
		err = -ENOMEM;
	if (!err)
		err = tw_source_add(source);
	return err;
}

int tw_foreign_add(struct tw_trace *trace, const struct tw_foreign_kind *kind,
		   const char *prefix, const char *path, const char *events,
		   const struct tw_foreign_options *options,
		   struct tw_attach_error *error)
{
	struct tw_source *source = tw_source_create(trace, &foreign_kind);
	int err = -ENOMEM;

	tw_trace_fail(error, err, "%s%s: out of memory", prefix, path);
	if (!source)
		return err;
	source->foreign = calloc(1, sizeof(*source->foreign));
	if (source->foreign &&
	    asprintf(&source->path, "%s%s", prefix, path) < 0)
		source->path = NULL;
	if (source->foreign && source->path) {
		source->foreign->kind = kind;
		source->foreign->options = options;
		err = open_one(source, strlen(prefix), events, error);
	}
	if (err)
		tw_source_destroy(source);
	return err;
}

static const struct tw_foreign_kind *find_kind(const char *target)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strncmp(target, kinds[i]->prefix,
			    strlen(kinds[i]->prefix)) == 0)
			return kinds[i];
	return NULL;
}

bool tw_foreign_is_spec(const char *target)
{
	return find_kind(target);
}

bool tw_foreign_wants_events(const char *target)
{
	const struct tw_foreign_kind *kind = find_kind(target);

	return kind && kind->wants_events;
}

/* "FILE,events=OTHER": the place of the comma, or of the end. */
static size_t find_own_events(const char *path, const char **own)
{
	static const char word[] = ",events=";
	const char *at = path;
	const char *found = NULL;

	while ((at = strstr(at, word)) != NULL)
		found = at++;
	*own = found ? found + strlen(word) : NULL;
	return found ? (size_t)(found - path) : strlen(path);
}

int tw_trace_add_foreign(struct tw_trace *trace, const char *target,
			 const struct tw_foreign_options *options,
			 struct tw_attach_error *error)
{
	const struct tw_foreign_kind *kind = find_kind(target);
	const char *rest = target + strlen(kind->prefix);
	const char *own = NULL;
	char *path;
	int err;

	if (kind == &tw_foreign_ctf)
		return tw_ctf_add_all(trace, rest, true, error);
	path = strndup(rest, find_own_events(rest, &own));
	if (!path)
		return tw_trace_fail(error, -ENOMEM, "%s: out of memory",
				     target);
	err = tw_foreign_add(trace, kind, kind->prefix, path, own, options,
			     error);
	free(path);
	return err;
}
