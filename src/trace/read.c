/* SPDX-License-Identifier: MIT */
/*
 * Merging lanes by time. Each lane is a cursor that stands on one record; a
 * heap holds the cursors, the earliest on top. While the top's next record is
 * no later than the runner-up's, the heap is left alone, which is the usual
 * case: events of a lane come in bursts.
 *
 * Called by `trackway print` and `trackway stat`.
 */
#include "read.h"

#include "source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WARNINGS_MAX 64
#define FIRST_FIT_NS 10000000u
#define LONGEST_FIT_NS 60000000000u

struct tw_trace {
	struct tw_source **sources;
	uint32_t source_count;
	struct tw_host_clocks clocks;
	uint64_t fit_ns;  /* CLOCK_MONOTONIC: when the clocks were fitted */
	uint64_t fit_gap; /* ns until they are again */
	struct tw_cursor **heap;
	size_t heap_count;
	size_t heap_room;
	uint64_t limit; /* ns: the runner-up's time */
	/* The heap's top, if its record was given out. */
	struct tw_cursor *running;
	bool is_filled;		  /* every cursor that has a record is in */
	struct tw_record no_lane; /* given out for a producer's rest */
	char *warnings[WARNINGS_MAX];
	size_t warning_count;
};

/* ---- Words ---- */

int tw_trace_fail(struct tw_attach_error *error, int code, const char *format,
		  ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}

void tw_trace_warn(struct tw_trace *trace, const char *format, ...)
{
	va_list args;
	char *text = NULL;

	if (trace->warning_count == WARNINGS_MAX)
		return;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		trace->warnings[trace->warning_count++] = text;
}

size_t tw_trace_warning_count(const struct tw_trace *trace)
{
	return trace->warning_count;
}

const char *tw_trace_warning(const struct tw_trace *trace, size_t index)
{
	return trace->warnings[index];
}

/* ---- Cursors ---- */

static void count_packet(struct tw_cursor *cursor,
			 const struct tw_trace_packet *packet)
{
	cursor->totals.tid = packet->tid;
	cursor->totals.level = packet->level;
	cursor->totals.events += packet->events;
	cursor->totals.lost += packet->lost;
	cursor->totals.discarded += packet->discarded;
}

static int next_packet(struct tw_cursor *cursor, struct tw_trace_packet *packet)
{
	int got = cursor->source->producer.is_ring
			  ? tw_ring_packet(cursor, packet)
			  : tw_directory_packet(cursor, packet);

	if (got)
		count_packet(cursor, packet);
	return got;
}

/* The record that says what is missing; its time is that of what follows. */
static void set_lost(struct tw_cursor *cursor, uint64_t time_ns, uint64_t lost,
		     uint64_t discarded)
{
	cursor->record.kind = TW_RECORD_LOST;
	cursor->record.time_ns = time_ns;
	cursor->record.lost = lost;
	cursor->record.discarded = discarded;
}

static int next_tail(struct tw_cursor *cursor)
{
	if (!cursor->has_tail)
		return 0;
	cursor->has_tail = false;
	cursor->totals.lost += cursor->tail_lost;
	cursor->totals.discarded += cursor->tail_discarded;
	set_lost(cursor, cursor->record.time_ns, cursor->tail_lost,
		 cursor->tail_discarded);
	return cursor->tail_lost || cursor->tail_discarded;
}

static void warn_packet(const struct tw_cursor *cursor)
{
	const struct tw_source *source = cursor->source;

	tw_trace_warn(source->trace,
		      "%s: lane %u: the rest of a packet is passed over: %s",
		      source->path, cursor->record.lane, cursor->walk.why);
}

/* Begin a packet. 1 if something is missing before it. */
static int enter(struct tw_cursor *cursor, const struct tw_trace_packet *packet)
{
	const struct tw_source *source = cursor->source;

	tw_page_walk_start(&cursor->walk, packet->page, packet->size,
			   packet->time_from);
	cursor->walk.offset = packet->from;
	cursor->record.tid = packet->tid;
	cursor->record.level = packet->level;
	if (!packet->lost && !packet->discarded)
		return 0;
	set_lost(cursor,
		 tw_timebase_ns(&source->producer.timebase, packet->time_from),
		 packet->lost, packet->discarded);
	return 1;
}

/* A walk that is at its end. */
static const struct tw_page_walk nothing = {.page = (const uint8_t *)""};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORD_ID(word) ((uint32_t)((word)&0xffff))
#define WORD_TIME(word) ((word) >> 16)
#else
#define WORD_ID(word) ((uint32_t)((word) >> 48))
#define WORD_TIME(word) (word)
#endif
#define TIME_MASK (((uint64_t)1 << TW_EVENT_TIME_BITS) - 1)

/*
 * tw_page_walk_next() for what nearly every event is: whole, of this machine's
 * byte order and of a size that is known beforehand. False: let that one have a
 * look.
 */
static inline bool walk_fast(struct tw_page_walk *walk,
			     const struct tw_decoder *decoder,
			     struct tw_decoded *out)
{
	const uint8_t *at = walk->page + walk->offset;
	const size_t room = walk->size - walk->offset;
	const struct tw_event_desc *event;
	uint64_t word, time;

	if (decoder->swap || room < TW_EVENT_HEADER)
		return false;
	memcpy(&word, at, sizeof(word));
	out->id = WORD_ID(word);
	if (out->id >= decoder->id_count)
		return false;
	event = decoder->lookup[out->id];
	time = walk->time + ((WORD_TIME(word) - walk->time) & TIME_MASK);
	if (!event || !event->fixed_size ||
	    event->fixed_size > room - TW_EVENT_HEADER || time < walk->time)
		return false;
	out->event = event;
	out->time = time;
	out->fields = at + TW_EVENT_HEADER;
	out->fields_size = event->fixed_size;
	walk->time = time;
	walk->offset += TW_EVENT_HEADER + event->fixed_size;
	return true;
}

static inline void set_event(struct tw_cursor *cursor,
			     const struct tw_trace_producer *producer)
{
	cursor->record.kind = TW_RECORD_EVENT;
	cursor->record.time_ns = tw_timebase_ns(&producer->timebase,
						cursor->record.event.time);
}

/* Move on to the next event, if that is easy. */
static inline bool advance_fast(struct tw_cursor *cursor)
{
	const struct tw_trace_producer *producer = &cursor->source->producer;

	if (!walk_fast(&cursor->walk, &producer->decoder,
		       &cursor->record.event))
		return false;
	set_event(cursor, producer);
	return true;
}

/* Move on to the next record. 1 if there is one, 0 if not now. */
static int advance(struct tw_cursor *cursor)
{
	const struct tw_trace_producer *producer = &cursor->source->producer;
	struct tw_trace_packet packet;
	int got;

	for (;;) {
		got = tw_page_walk_next(&cursor->walk, &producer->decoder,
					&cursor->record.event);
		if (got > 0) {
			cursor->record.kind = TW_RECORD_EVENT;
			cursor->record.time_ns = tw_timebase_ns(
				&producer->timebase, cursor->record.event.time);
			return 1;
		}
		if (got < 0) {
			warn_packet(cursor);
			cursor->walk.offset = cursor->walk.size;
		}
		if (!next_packet(cursor, &packet)) {
			cursor->walk = nothing;
			return next_tail(cursor);
		}
		if (enter(cursor, &packet))
			return 1;
	}
}

/* ---- The heap ---- */

/* Ties go by producer and lane, so that the same trace reads the same. */
static bool is_before(const struct tw_cursor *a, const struct tw_cursor *b)
{
	if (a->record.time_ns != b->record.time_ns)
		return a->record.time_ns < b->record.time_ns;
	if (a->source != b->source)
		return a->source->producer.index < b->source->producer.index;
	return a->record.lane < b->record.lane;
}

static void sift_down(struct tw_trace *trace, size_t at)
{
	struct tw_cursor **heap = trace->heap;
	struct tw_cursor *moving = heap[at];
	size_t child;

	while ((child = 2 * at + 1) < trace->heap_count) {
		if (child + 1 < trace->heap_count &&
		    is_before(heap[child + 1], heap[child]))
			child++;
		if (!is_before(heap[child], moving))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moving;
}

static void sift_up(struct tw_trace *trace, size_t at)
{
	struct tw_cursor **heap = trace->heap;
	struct tw_cursor *moving = heap[at];

	while (at && is_before(moving, heap[(at - 1) / 2])) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = moving;
}

static void find_limit(struct tw_trace *trace)
{
	uint64_t limit = UINT64_MAX;
	size_t i;

	for (i = 1; i < 3 && i < trace->heap_count; i++)
		if (trace->heap[i]->record.time_ns < limit)
			limit = trace->heap[i]->record.time_ns;
	trace->limit = limit;
}

static int push(struct tw_trace *trace, struct tw_cursor *cursor)
{
	const size_t room = trace->heap_room ? trace->heap_room * 2 : 16;
	struct tw_cursor **heap;

	if (trace->heap_count == trace->heap_room) {
		heap = reallocarray(trace->heap, room,
				    sizeof(struct tw_cursor *));
		if (!heap)
			return -ENOMEM;
		trace->heap = heap;
		trace->heap_room = room;
	}
	trace->heap[trace->heap_count++] = cursor;
	cursor->in_heap = true;
	sift_up(trace, trace->heap_count - 1);
	return 0;
}

static void pop(struct tw_trace *trace)
{
	trace->heap[0]->in_heap = false;
	trace->heap[0] = trace->heap[--trace->heap_count];
	if (trace->heap_count)
		sift_down(trace, 0);
}

static int fill_from(struct tw_trace *trace, struct tw_source *source)
{
	struct tw_cursor *cursor;
	uint32_t lane;
	int error = 0;

	for (lane = 0; !error && lane < source->lane_count; lane++) {
		cursor = source->cursors[lane];
		if (cursor && !cursor->in_heap && advance(cursor))
			error = push(trace, cursor);
	}
	return error;
}

static int fill(struct tw_trace *trace)
{
	uint32_t i;
	int error = 0;

	for (i = 0; !error && i < trace->source_count; i++)
		error = fill_from(trace, trace->sources[i]);
	trace->is_filled = true;
	find_limit(trace);
	return error;
}

/* What no lane knows of comes last. */
static int next_no_lane(struct tw_trace *trace, const struct tw_record **record)
{
	struct tw_source *source;
	uint32_t i;

	for (i = 0; i < trace->source_count; i++) {
		source = trace->sources[i];
		if (!source->has_no_lane)
			continue;
		source->has_no_lane = false;
		if (!source->no_lane)
			continue;
		trace->no_lane = (struct tw_record){
			.kind = TW_RECORD_LOST,
			.producer = &source->producer,
			.lane = TW_NO_LANE,
			.time_ns = trace->no_lane.time_ns,
			.discarded = source->no_lane,
		};
		*record = &trace->no_lane;
		return 1;
	}
	return 0;
}

/* Bring the heap in order after the record of its top was given out. */
static void settle(struct tw_trace *trace, bool has_record)
{
	if (has_record) {
		sift_down(trace, 0);
	} else {
		trace->no_lane.time_ns = trace->heap[0]->record.time_ns;
		pop(trace);
	}
	find_limit(trace);
}

static int next_of_heap(struct tw_trace *trace, const struct tw_record **record)
{
	trace->running = NULL;
	if (!trace->heap_count)
		return next_no_lane(trace, record);
	trace->running = trace->heap[0];
	*record = &trace->running->record;
	return 1;
}

int tw_trace_next(struct tw_trace *trace, const struct tw_record **record)
{
	struct tw_cursor *running = trace->running;
	int error;

	if (running) {
		const bool has_record = advance_fast(running) ||
					advance(running);

		if (has_record && running->record.time_ns < trace->limit) {
			*record = &running->record;
			return 1;
		}
		settle(trace, has_record);
	} else if (!trace->is_filled) {
		error = fill(trace);
		if (error)
			return error;
	}
	return next_of_heap(trace, record);
}

/* ---- Packets, without the events ---- */

static int each_packet(struct tw_cursor *cursor, tw_trace_packet_fn fn,
		       void *context)
{
	struct tw_trace_packet packet;
	int result = 0;

	while (!result && next_packet(cursor, &packet))
		result = fn(context, &packet);
	if (!result)
		next_tail(cursor);
	return result;
}

int tw_trace_packets(struct tw_trace *trace, tw_trace_packet_fn fn,
		     void *context)
{
	const struct tw_source *source;
	uint32_t i, lane;
	int result = 0;

	for (i = 0; i < trace->source_count; i++) {
		source = trace->sources[i];
		for (lane = 0; !result && lane < source->lane_count; lane++)
			if (source->cursors[lane])
				result = each_packet(source->cursors[lane], fn,
						     context);
	}
	return result;
}

int64_t tw_trace_count(const struct tw_trace_packet *packet, uint64_t *counts,
		       uint64_t *bytes)
{
	const struct tw_decoder *decoder = &packet->producer->decoder;
	const bool big_endian = decoder->swap !=
				(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	const struct tw_event_desc *event;
	uint32_t at = packet->from;
	int64_t total = 0;
	int64_t size;
	uint32_t id;

	while (packet->size - at >= TW_EVENT_HEADER) {
		/* The id's two bytes come first in either byte order. */
		id = big_endian ? (uint32_t)packet->page[at] << 8 |
					  packet->page[at + 1]
				: (uint32_t)packet->page[at + 1] << 8 |
					  packet->page[at];
		event = id < decoder->id_count ? decoder->lookup[id] : NULL;
		if (!event)
			return -EBADMSG;
		at += TW_EVENT_HEADER;
		size = event->fixed_size;
		if (!size)
			size = tw_fields_size(event, packet->page + at,
					      packet->size - at, decoder->swap);
		if (size < 0 || size > packet->size - at)
			return -EBADMSG;
		at += (uint32_t)size;
		counts[id]++;
		bytes[id] += TW_EVENT_HEADER + (uint64_t)size;
		total++;
	}
	return at == packet->size ? total : -EBADMSG;
}

/* ---- Sources ---- */

struct tw_source *tw_source_create(struct tw_trace *trace)
{
	struct tw_source *source = calloc(1, sizeof(*source));

	if (source) {
		source->trace = trace;
		source->dirfd = -1;
	}
	return source;
}

static void destroy_cursor(struct tw_cursor *cursor)
{
	struct tw_queued *queued;

	if (!cursor)
		return;
	while ((queued = cursor->queue)) {
		cursor->queue = queued->next;
		free(queued);
	}
	free(cursor->current);
	free(cursor->stream.data);
	free(cursor);
}

void tw_source_destroy(struct tw_source *source)
{
	uint32_t i;

	if (!source)
		return;
	for (i = 0; i < source->lane_count; i++)
		destroy_cursor(source->cursors[i]);
	free(source->cursors);
	for (i = 0; i < source->schema_count; i++)
		tw_schema_destroy(source->schemas[i]);
	free(source->schemas);
	free(source->lookup);
	tw_dotfile_free(&source->dotfile);
	if (source->dirfd >= 0)
		close(source->dirfd);
	tw_drain_destroy(source->drain);
	tw_attach_close(source->attach);
	free(source->name);
	free(source->path);
	free(source);
}

int tw_source_add(struct tw_source *source)
{
	struct tw_trace *trace = source->trace;
	struct tw_source **list;

	list = reallocarray(trace->sources, trace->source_count + 1,
			    sizeof(struct tw_source *));
	if (!list)
		return -ENOMEM;
	trace->sources = list;
	source->producer.index = trace->source_count;
	source->producer.name = source->name;
	source->producer.path = source->path;
	list[trace->source_count++] = source;
	return 0;
}

static int grow_cursors(struct tw_source *source, uint32_t lane)
{
	struct tw_cursor **list;
	uint32_t count = source->lane_count ? source->lane_count : 16;

	while (count <= lane)
		count *= 2;
	list = reallocarray(source->cursors, count, sizeof(struct tw_cursor *));
	if (!list)
		return -ENOMEM;
	memset(list + source->lane_count, 0,
	       (count - source->lane_count) * sizeof(struct tw_cursor *));
	source->cursors = list;
	source->lane_count = count;
	return 0;
}

struct tw_cursor *tw_source_cursor(struct tw_source *source, uint32_t lane)
{
	struct tw_cursor *cursor;

	if (lane >= source->lane_count && grow_cursors(source, lane))
		return NULL;
	if (source->cursors[lane])
		return source->cursors[lane];
	cursor = calloc(1, sizeof(*cursor));
	if (!cursor)
		return NULL;
	cursor->source = source;
	cursor->walk = nothing;
	cursor->queue_end = &cursor->queue;
	cursor->record.producer = &source->producer;
	cursor->record.lane = lane;
	cursor->totals.lane = lane;
	source->cursors[lane] = cursor;
	return cursor;
}

struct tw_host_clocks *tw_trace_host_clocks(struct tw_trace *trace)
{
	return &trace->clocks;
}

/* ---- Traces ---- */

int tw_trace_create(struct tw_trace **trace)
{
	*trace = calloc(1, sizeof(**trace));
	return *trace ? 0 : -ENOMEM;
}

void tw_trace_destroy(struct tw_trace *trace)
{
	size_t i;

	if (!trace)
		return;
	for (i = 0; i < trace->source_count; i++)
		tw_source_destroy(trace->sources[i]);
	for (i = 0; i < trace->warning_count; i++)
		free(trace->warnings[i]);
	free(trace->sources);
	free(trace->heap);
	free(trace);
}

static void fit_clocks(struct tw_trace *trace)
{
	struct tw_source *source;
	struct tw_ring_sync now;
	uint32_t i;

	for (i = 0; i <= TW_CLOCK_OTHER; i++)
		if (trace->clocks.kinds[i].any && !tw_moment_take(i, &now))
			tw_moments_add(&trace->clocks.kinds[i], &now);
	for (i = 0; i < trace->source_count; i++) {
		source = trace->sources[i];
		if (source->producer.is_ring && !source->producer.ended)
			tw_ring_fit(source);
	}
}

/*
 * The longer a clock has been watched, the better its rate is known: that of a
 * producer which started a moment ago would be seconds off after a day.
 */
static void refit_clocks(struct tw_trace *trace)
{
	struct tw_ring_sync now;

	if (tw_moment_take(TW_CLOCK_MONOTONIC, &now) ||
	    now.mono_ns - trace->fit_ns < trace->fit_gap)
		return;
	fit_clocks(trace);
	trace->fit_ns = now.mono_ns;
	trace->fit_gap = trace->fit_gap ? trace->fit_gap * 2 : FIRST_FIT_NS;
	if (trace->fit_gap > LONGEST_FIT_NS)
		trace->fit_gap = LONGEST_FIT_NS;
}

int tw_trace_poll(struct tw_trace *trace, bool finish,
		  struct tw_attach_error *error)
{
	struct tw_source *source;
	uint32_t i;
	int more = 0;
	int got;

	refit_clocks(trace);
	if (trace->running)
		settle(trace, advance(trace->running));
	trace->running = NULL;
	trace->is_filled = false;
	for (i = 0; i < trace->source_count; i++) {
		source = trace->sources[i];
		if (!source->producer.is_ring || source->producer.ended)
			continue;
		got = tw_ring_poll(source, finish, error);
		if (got < 0)
			return got;
		more += got;
	}
	return more;
}

bool tw_trace_wants_time(const struct tw_trace *trace)
{
	const struct tw_source *source;
	uint32_t i;

	for (i = 0; i < trace->source_count; i++) {
		source = trace->sources[i];
		if (source->producer.is_ring && source->producer.running &&
		    !source->producer.ended && !tw_ring_rate(source))
			return true;
	}
	return false;
}

uint32_t tw_trace_producer_count(const struct tw_trace *trace)
{
	return trace->source_count;
}

const struct tw_trace_producer *tw_trace_producer(const struct tw_trace *trace,
						  uint32_t index)
{
	return &trace->sources[index]->producer;
}

uint32_t tw_trace_lane_count(const struct tw_trace *trace, uint32_t producer)
{
	return trace->sources[producer]->lane_count;
}

int tw_trace_lane(struct tw_trace *trace, uint32_t producer, uint32_t index,
		  struct tw_trace_lane *lane)
{
	struct tw_source *source = trace->sources[producer];
	const struct tw_cursor *cursor;

	if (index >= source->lane_count || !source->cursors[index])
		return 0;
	cursor = source->cursors[index];
	*lane = cursor->totals;
	if (source->producer.is_ring)
		tw_ring_lane_name(source, index, lane->name, &lane->tid);
	return 1;
}

uint64_t tw_trace_no_lane(const struct tw_trace *trace, uint32_t producer)
{
	return trace->sources[producer]->no_lane;
}
