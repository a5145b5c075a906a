/* SPDX-License-Identifier: MIT */
/*
 * Merging lanes by time. Each lane is a cursor that stands on one record, and a
 * leaf of a tree of losers (merge.h), by producer and lane. Once a cursor has
 * won twice in a row it is asked how long that will go on, and until then the
 * tree is left alone: events of a lane often come in bursts.
 *
 * Of live rings, only what is older than the hold-back is given out, since
 * younger events of others may not have been read yet. See tw_trace_hold().
 *
 * Called by `trackway print` and `trackway stat`.
 */
#include "read.h"

#include "merge.h"
#include "source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WARNINGS_MAX 64
#define PREFETCH_DISTANCE 256 /* bytes: several events */
#define LATE_LEAST_NS 10000   /* less may be a clock that is fitted anew */
#define FIRST_FIT_NS 10000000u
#define LONGEST_FIT_NS 60000000000u

struct tw_trace {
	struct tw_source **sources;
	uint32_t source_count;
	struct tw_host_clocks clocks;
	uint64_t fit_ns;  /* CLOCK_MONOTONIC: when the clocks were fitted */
	uint64_t fit_gap; /* ns until they are again */
	struct tw_merge merge;
	/* The cursors by leaf, and the times they stand at. */
	struct tw_cursor **leaves;
	uint64_t *times;
	uint32_t leaf_count;
	uint32_t cursor_count; /* leaf_count, once they are all leaves */
	uint32_t stream_count;
	uint64_t limit; /* ns: the running cursor is first until then */
	/* The winner, if its record was given out. */
	struct tw_cursor *running;
	bool is_filled;	     /* every cursor that has a record is in */
	uint64_t hold_ns;    /* 0: nothing is held back */
	uint64_t release_ns; /* what is later is held back */
	uint64_t last_ns;    /* of the records given out, the latest */
	struct tw_trace_late late;
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

static struct tw_trace_time when(const struct tw_source *source, uint64_t ticks,
				 const struct tw_trace_span *span)
{
	const struct tw_trace_producer *producer = &source->producer;
	struct tw_trace_time time = {
		.time_ns = tw_timebase_ns(&producer->timebase, ticks),
		.plus_ns = producer->plus_ns,
		.minus_ns = producer->minus_ns,
	};

	if (source->place)
		source->place(source->place_context, ticks, span, &time);
	return time;
}

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
	const int got = cursor->source->kind->packet(cursor, packet);

	if (got)
		count_packet(cursor, packet);
	return got;
}

static void set_time(struct tw_record *record, const struct tw_trace_time *time)
{
	record->time_ns = time->time_ns;
	record->plus_ns = time->plus_ns;
	record->minus_ns = time->minus_ns;
	record->marks = time->marks;
}

/*
 * What is known of a clock changes while it is read, but a lane stays in order:
 * where that makes a time too late, its bounds are as they were.
 */
static void keep_order(struct tw_trace_time *time, uint64_t last_ns)
{
	const uint64_t by = last_ns - time->time_ns;

	if (time->time_ns >= last_ns)
		return;
	time->time_ns = last_ns;
	if (time->minus_ns < TW_BOUND_UNKNOWN)
		time->minus_ns += by;
	if (time->plus_ns < TW_BOUND_UNKNOWN)
		time->plus_ns -= time->plus_ns < by ? time->plus_ns : by;
}

/* The record that says what is missing; its time is that of what follows. */
static void set_lost(struct tw_cursor *cursor, uint64_t lost,
		     uint64_t discarded)
{
	cursor->record.kind = TW_RECORD_LOST;
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
	set_lost(cursor, cursor->tail_lost, cursor->tail_discarded);
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
	struct tw_trace_time begin;

	tw_page_walk_start(&cursor->walk, packet->page, packet->size,
			   packet->time_from);
	cursor->walk.offset = packet->from;
	cursor->record.tid = packet->tid;
	cursor->record.level = packet->level;
	cursor->span = packet->span;
	if (!packet->lost && !packet->discarded)
		return 0;
	begin = when(source, packet->time_from, &packet->span);
	keep_order(&begin, cursor->record.time_ns);
	set_time(&cursor->record, &begin);
	set_lost(cursor, packet->lost, packet->discarded);
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
	/* With many lanes no processor foresees where each goes on. */
	__builtin_prefetch(at + PREFETCH_DISTANCE);
	return true;
}

/* Out of line, so that it costs nothing where a timebase does. */
static __attribute__((noinline)) void place_event(struct tw_cursor *cursor)
{
	struct tw_trace_time time = when(
		cursor->source, cursor->record.event.time, &cursor->span);

	cursor->after_ns = cursor->record.time_ns;
	keep_order(&time, cursor->record.time_ns);
	set_time(&cursor->record, &time);
}

static inline void set_event(struct tw_cursor *cursor,
			     const struct tw_trace_producer *producer)
{
	struct tw_record *record = &cursor->record;

	record->kind = TW_RECORD_EVENT;
	if (cursor->source->place)
		place_event(cursor);
	else
		record->time_ns = tw_timebase_ns(&producer->timebase,
						 record->event.time);
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
			set_event(cursor, producer);
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

/* ---- The tree ---- */

/* What a cursor stands at; a time that stands for none is a little earlier. */
static inline uint64_t time_of(const struct tw_cursor *cursor)
{
	return cursor->record.time_ns - (cursor->record.time_ns == UINT64_MAX);
}

/* All cursors in the order of producers and lanes: that of equal times. */
static int list_leaves(struct tw_trace *trace)
{
	struct tw_cursor **leaves;
	const struct tw_source *source;
	uint64_t *times;
	uint32_t i, lane;

	if (trace->leaf_count == trace->cursor_count)
		return 0;
	leaves = reallocarray(trace->leaves, trace->cursor_count,
			      sizeof(struct tw_cursor *));
	if (!leaves)
		return -ENOMEM;
	trace->leaves = leaves;
	times = reallocarray(trace->times, trace->cursor_count, sizeof(*times));
	if (!times)
		return -ENOMEM;
	trace->times = times;
	trace->leaf_count = 0;
	for (i = 0; i < trace->source_count; i++) {
		source = trace->sources[i];
		for (lane = 0; lane < source->lane_count; lane++)
			if (source->cursors[lane])
				leaves[trace->leaf_count++] =
					source->cursors[lane];
	}
	return 0;
}

/* What has come since may say better when an event was that is held back. */
static void place_again(struct tw_cursor *cursor)
{
	if (cursor->record.kind != TW_RECORD_EVENT || !cursor->source->place)
		return;
	cursor->record.time_ns = cursor->after_ns;
	place_event(cursor);
}

/* Give every cursor a record that may have one. */
static int fill(struct tw_trace *trace)
{
	struct tw_cursor *cursor;
	uint32_t i;
	int error = list_leaves(trace);

	if (error)
		return error;
	for (i = 0; i < trace->leaf_count; i++) {
		cursor = trace->leaves[i];
		if (!cursor->has_record)
			cursor->has_record = advance(cursor);
		else
			place_again(cursor);
		trace->times[i] = cursor->has_record ? time_of(cursor)
						     : TW_MERGE_NONE;
	}
	error = tw_merge_build(&trace->merge, trace->times, trace->leaf_count);
	trace->is_filled = !error;
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
			.time_ns = trace->last_ns,
			.discarded = source->no_lane,
		};
		*record = &trace->no_lane;
		return 1;
	}
	return 0;
}

/* Mark a record that comes after one of a later time. */
static void check_late(struct tw_trace *trace, struct tw_record *record)
{
	const uint64_t by = trace->last_ns - record->time_ns;

	record->marks &= ~(uint32_t)TW_RECORD_LATE;
	if (record->time_ns >= trace->last_ns) {
		/* One of a clock that is ahead makes no others late. */
		if (record->time_ns <= trace->release_ns)
			trace->last_ns = record->time_ns;
		return;
	}
	if (!trace->hold_ns || by <= LATE_LEAST_NS)
		return;
	record->marks |= TW_RECORD_LATE;
	trace->late.records++;
	if (by > trace->late.most_ns)
		trace->late.most_ns = by;
}

/*
 * Later than the hold-back, and not here for that long either, as what a clock
 * that is ahead has said.
 */
static bool is_held(const struct tw_trace *trace, struct tw_cursor *cursor)
{
	if (cursor->record.time_ns <= trace->release_ns)
		return false;
	if (!cursor->held_ns)
		cursor->held_ns = trace->release_ns;
	return trace->release_ns - cursor->held_ns < trace->hold_ns;
}

/* Give out the winner's record. */
static int give(struct tw_trace *trace, const struct tw_record **record)
{
	const struct tw_merge_node winner = tw_merge_winner(&trace->merge);
	struct tw_cursor *cursor;

	trace->limit = 0;
	if (winner.time == TW_MERGE_NONE) {
		if (trace->running)
			trace->last_ns = trace->running->record.time_ns;
		trace->running = NULL;
		return next_no_lane(trace, record);
	}
	cursor = trace->leaves[winner.leaf];
	if (trace->hold_ns && is_held(trace, cursor)) {
		trace->running = NULL;
		return 0;
	}
	if (trace->running && cursor == trace->running)
		trace->limit = tw_merge_runner_up(&trace->merge);
	if (trace->hold_ns) {
		check_late(trace, &cursor->record);
		cursor->held_ns = 0;
		trace->limit = 0;
	} else {
		trace->last_ns = cursor->record.time_ns;
	}
	trace->running = cursor;
	*record = &cursor->record;
	return 1;
}

int tw_trace_next(struct tw_trace *trace, const struct tw_record **record)
{
	struct tw_cursor *running = trace->running;
	uint64_t time = TW_MERGE_NONE;
	int error;

	if (running) {
		running->has_record = advance_fast(running) || advance(running);
		if (running->has_record)
			time = time_of(running);
		if (time < trace->limit) {
			*record = &running->record;
			return 1;
		}
		tw_merge_replace(&trace->merge, time);
	} else if (!trace->is_filled) {
		error = fill(trace);
		if (error)
			return error;
	}
	return give(trace, record);
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

struct tw_source *tw_source_create(struct tw_trace *trace,
				   const struct tw_source_kind *kind)
{
	struct tw_source *source = calloc(1, sizeof(*source));

	if (source) {
		source->trace = trace;
		source->kind = kind;
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
	if (source->kind->destroy)
		source->kind->destroy(source);
	if (source->dirfd >= 0)
		close(source->dirfd);
	tw_guest_clock_destroy(source->clock);
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
	cursor->record.plus_ns = source->producer.plus_ns;
	cursor->record.minus_ns = source->producer.minus_ns;
	cursor->totals.lane = lane;
	source->cursors[lane] = cursor;
	source->trace->cursor_count++;
	return cursor;
}

static void place_by_clock(void *clock, uint64_t ticks,
			   const struct tw_trace_span *span,
			   struct tw_trace_time *time)
{
	tw_guest_clock_place(clock, ticks, span, time);
}

void tw_source_set_clock(struct tw_source *source, struct tw_guest_clock *clock)
{
	source->clock = clock;
	source->place = clock ? place_by_clock : NULL;
	source->place_context = clock;
	if (source->producer.epoch)
		tw_source_set_bounds(source, TW_BOUND_UNKNOWN,
				     TW_BOUND_UNKNOWN);
}

void tw_source_set_bounds(struct tw_source *source, uint64_t plus_ns,
			  uint64_t minus_ns)
{
	uint32_t lane;

	source->producer.plus_ns = plus_ns;
	source->producer.minus_ns = minus_ns;
	for (lane = 0; lane < source->lane_count; lane++) {
		if (!source->cursors[lane])
			continue;
		source->cursors[lane]->record.plus_ns = plus_ns;
		source->cursors[lane]->record.minus_ns = minus_ns;
	}
}

void tw_trace_add_stream(struct tw_trace *trace)
{
	trace->stream_count++;
}

uint32_t tw_trace_stream_count(const struct tw_trace *trace)
{
	return trace->stream_count;
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

void tw_trace_use_clocks(struct tw_trace *trace,
			 const struct tw_host_clocks *clocks)
{
	trace->clocks = *clocks;
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
	tw_merge_free(&trace->merge);
	free(trace->leaves);
	free(trace->times);
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

void tw_trace_hold(struct tw_trace *trace, uint64_t hold_ns)
{
	trace->hold_ns = hold_ns;
}

void tw_trace_late(const struct tw_trace *trace, struct tw_trace_late *late)
{
	*late = trace->late;
}

/* Up to when all is read, once the rings have been looked at. */
static uint64_t find_release(const struct tw_trace *trace)
{
	struct tw_ring_sync now;

	if (!trace->hold_ns || tw_moment_take(TW_CLOCK_MONOTONIC, &now))
		return UINT64_MAX;
	return now.real_ns - trace->hold_ns;
}

int tw_trace_poll(struct tw_trace *trace, bool finish,
		  struct tw_attach_error *error)
{
	struct tw_source *source;
	uint32_t i;
	int more = 0;
	int got;

	refit_clocks(trace);
	trace->release_ns = find_release(trace);
	if (trace->running)
		trace->running->has_record = advance(trace->running);
	trace->running = NULL;
	trace->is_filled = false;
	for (i = 0; i < trace->source_count; i++) {
		source = trace->sources[i];
		if (source->producer.ended || !source->kind->poll)
			continue;
		got = source->kind->poll(source, finish, error);
		if (got < 0)
			return got;
		more += got;
	}
	if (!more)
		trace->release_ns = UINT64_MAX;
	return more;
}

bool tw_trace_wants_time(const struct tw_trace *trace)
{
	const struct tw_source *source;
	uint32_t i;

	for (i = 0; i < trace->source_count; i++) {
		source = trace->sources[i];
		if (source->producer.is_ring && source->producer.running &&
		    !source->producer.ended &&
		    (!tw_ring_rate(source) ||
		     tw_guest_clock_wants_more(source->clock)))
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

const struct tw_drain *tw_trace_drain(const struct tw_trace *trace,
				      uint32_t producer)
{
	const struct tw_source *source = trace->sources[producer];

	return source->producer.ended ? NULL : source->drain;
}

void tw_trace_leave(struct tw_trace *trace, uint32_t producer)
{
	trace->sources[producer]->producer.ended = true;
}

void tw_trace_when(const struct tw_trace *trace, uint32_t producer,
		   uint64_t ticks, struct tw_trace_time *time)
{
	static const struct tw_trace_span any;

	*time = when(trace->sources[producer], ticks, &any);
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
