/* SPDX-License-Identifier: MIT */
/*
 * Packets out of a ring: a drain's pages, copied into a queue for each lane
 * until the merge has come to them. Called by read.c.
 */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REMEMBER_NS 100000000u
#define CLOCK_POINTS 1024 /* what is asked for is mostly of just now */

/* A clock without any moment of its own is known by its sightings. */
static void sight(struct tw_source *source, const struct tw_page_view *view)
{
	struct tw_ring_sync now;

	if (!source->moments->any && view->events &&
	    !tw_moment_take(TW_CLOCK_MONOTONIC, &now))
		tw_sightings_add(&source->sightings, view->time_end,
				 source->polled, &now);
}

uint64_t tw_ring_rate(const struct tw_source *source)
{
	const uint64_t hz = source->attach->ring.control.clock_hz;

	if (hz || source->moments->any)
		return hz ? hz : 1;
	return tw_sightings_choose_rate(&source->sightings, source->host_hz, 0);
}

void tw_ring_fit(struct tw_source *source)
{
	struct tw_trace_producer *producer = &source->producer;

	if (source->moments->any)
		tw_timebase_fit(&producer->timebase, source->moments,
				source->attach->ring.control.clock_hz);
	else
		tw_sightings_fit(&producer->timebase, &source->sightings,
				 tw_ring_rate(source));
}

/* A guest's counter is likely to run at the rate of the host's own. */
static void measure_host(struct tw_source *source)
{
	const struct tw_ring_control *control = &source->attach->ring.control;

	if ((source->producer.epoch || !source->moments->any) &&
	    !control->clock_hz)
		source->host_hz = tw_host_clock_rate(
			tw_trace_host_clocks(source->trace),
			control->clock_kind);
}

static int open_clock(struct tw_source *source)
{
	const uint64_t hz = source->attach->ring.control.clock_hz;
	const struct tw_guest_clock_options options = {
		.hz = hz ? hz : source->host_hz,
		.real_ns = tw_host_real_offset(
			tw_trace_host_clocks(source->trace)),
		.points = CLOCK_POINTS,
		.wait_ns = &tw_trace_host_clocks(source->trace)->wait_ns,
	};

	if (!source->producer.epoch)
		return 0;
	tw_source_set_clock(source,
			    tw_guest_clock_create(source->attach, &options));
	return source->clock ? 0 : -ENOMEM;
}

static int enqueue(void *context, const struct tw_drain_page *part)
{
	struct tw_source *source = context;
	const struct tw_page_view *view = part->view;
	struct tw_cursor *cursor = tw_source_cursor(source, view->lane);
	struct tw_queued *queued;

	queued = cursor ? malloc(sizeof(*queued) + view->size) : NULL;
	if (!queued)
		return -ENOMEM;
	memcpy(queued->data, part->page, view->size);
	queued->next = NULL;
	queued->packet = (struct tw_trace_packet){
		.producer = &source->producer,
		.lane = view->lane,
		.tid = view->tid,
		.level = view->level,
		.page = queued->data,
		.from = part->from,
		.size = view->size,
		.events = part->events,
		.time_from = part->time_from,
		.time_end = view->time_end,
		.lost = part->lost,
		.discarded = part->discarded,
	};
	if (source->clock)
		tw_guest_clock_page(source->clock, part, &queued->packet.span);
	*cursor->queue_end = queued;
	cursor->queue_end = &queued->next;
	sight(source, view);
	return 0;
}

static int next_packet(struct tw_cursor *cursor, struct tw_trace_packet *packet)
{
	struct tw_queued *queued = cursor->queue;

	free(cursor->current);
	cursor->current = queued;
	if (!queued)
		return 0;
	cursor->queue = queued->next;
	if (!cursor->queue)
		cursor->queue_end = &cursor->queue;
	*packet = queued->packet;
	return 1;
}

void tw_ring_lane_name(struct tw_source *source, uint32_t lane, char *name,
		       uint32_t *tid)
{
	struct tw_ring_lane entry;

	if (tw_ring_read_lane(&source->attach->ring, lane, &entry))
		return;
	memcpy(name, entry.name, sizeof(entry.name));
	name[sizeof(entry.name)] = '\0';
	*tid = entry.tid;
}

/* What is missing behind the last packets. */
static int add_tails(struct tw_source *source)
{
	const uint32_t count = tw_drain_lane_count(source->drain);
	const struct tw_drain_lane *lane;
	struct tw_drain_totals totals;
	struct tw_cursor *cursor;
	uint32_t i;

	for (i = 0; i < count; i++) {
		lane = tw_drain_lane(source->drain, i);
		if (!lane->used)
			continue;
		cursor = tw_source_cursor(source, i);
		if (!cursor)
			return -ENOMEM;
		cursor->has_tail = true;
		cursor->tail_lost = lane->lost_tail;
		cursor->tail_discarded = lane->discarded_tail;
	}
	tw_drain_totals(source->drain, &totals);
	source->no_lane = totals.no_lane;
	source->has_no_lane = true;
	if (totals.broken)
		tw_trace_warn(source->trace,
			      "%s: %llu pages make no sense: passed over",
			      source->path, (unsigned long long)totals.broken);
	return 0;
}

/* In case that a guest takes its ring away. */
static void remember(struct tw_source *source)
{
	struct tw_ring_sync now;

	if (!source->producer.epoch ||
	    tw_moment_take(TW_CLOCK_MONOTONIC, &now) ||
	    now.mono_ns - source->remembered_ns < REMEMBER_NS)
		return;
	source->remembered_ns = now.mono_ns;
	tw_drain_remember(source->drain);
}

/* Groups that came: what the last pass brought may need them. */
static int refresh(struct tw_source *source, struct tw_attach_error *error)
{
	const int refreshed = tw_attach_refresh(source->attach, error);

	/* What a guest says of its groups is no reason to leave the others. */
	if (refreshed < 0 && (refreshed == -ENOMEM || !source->producer.epoch))
		return refreshed;
	source->producer.decoder.id_count = source->attach->lookup_count;
	return 0;
}

static bool is_sighted(const struct tw_source *source)
{
	return source->sightings.has_found || source->sightings.count;
}

static const char *why_not(const struct tw_source *source, int error)
{
	return source->attach->ring.why && error != -ENOMEM
		       ? source->attach->ring.why
		       : strerror(-error);
}

/* What a guest has done to one ring is no reason to leave the others. */
static int give_up(struct tw_source *source, int error)
{
	tw_trace_warn(source->trace, "%s: read no further: %s", source->path,
		      why_not(source, error));
	if (!source->moments->any)
		tw_ring_fit(source);
	source->polled = true;
	source->producer.ended = true;
	return 0;
}

static int poll_ring(struct tw_source *source, bool finish,
		     struct tw_attach_error *error)
{
	const bool was_sighted = is_sighted(source);
	struct tw_timebase line;
	int64_t got;
	int refreshed;

	if (source->attach->has_end)
		finish = false;
	/* Asked before the last pass: what was written before it is there. */
	finish |= !tw_attach_is_alive(source->attach) ||
		  tw_drain_is_gone(source->drain);
	if (finish)
		got = tw_drain_finish(source->drain, enqueue, source);
	else
		got = tw_drain_pass(source->drain, 0, enqueue, source);
	if (got >= 0 && finish)
		got = add_tails(source);
	if (got < 0 && got != -ENOMEM && source->producer.epoch)
		return give_up(source, (int)got);
	if (got < 0)
		return tw_trace_fail(error, (int)got, "%s: %s", source->path,
				     why_not(source, (int)got));
	/* The first events say where a clock stands that was only guessed. */
	if ((finish || !source->polled || was_sighted != is_sighted(source)) &&
	    !source->moments->any)
		tw_ring_fit(source);
	if (finish && !tw_ring_rate(source) &&
	    !tw_guest_clock_line(source->clock, &line))
		tw_trace_warn(source->trace,
			      "%s: nothing tells the rate of its clock: times "
			      "are as if it ticked once a nanosecond",
			      source->path);
	source->polled = true;
	source->producer.gone = tw_drain_is_gone(source->drain);
	if (!source->producer.gone)
		tw_guest_clock_ask(source->clock);
	refreshed = refresh(source, error);
	if (refreshed < 0)
		return refreshed;
	remember(source);
	source->producer.ended = finish;
	return !finish;
}

static const struct tw_source_kind ring_kind = {next_packet, poll_ring, NULL};

static int open_source(struct tw_source *source,
		       const struct tw_drain_options *options)
{
	struct tw_attach *attach = source->attach;
	struct tw_trace_producer *producer = &source->producer;
	struct tw_host_clocks *clocks = tw_trace_host_clocks(source->trace);
	int code;

	source->name = strdup(attach->target.name);
	source->path = strdup(attach->target.path);
	if (!source->name || !source->path)
		return -ENOMEM;
	producer->is_ring = true;
	producer->running = attach->target.state == TW_TARGET_RUNNING;
	producer->pid = attach->ring.control.pid;
	producer->decoder = (struct tw_decoder){
		.lookup = attach->lookup,
		.id_count = attach->lookup_count,
		.swap = attach->ring.swap,
	};
	source->moments = tw_moments_of_ring(clocks, &source->own,
					     &attach->ring);
	measure_host(source);
	tw_ring_fit(source);
	code = open_clock(source);
	return code ? code : tw_drain_create(attach, options, &source->drain);
}

int tw_trace_add_guest(struct tw_trace *trace, struct tw_attach *attach,
		       const struct tw_drain_options *options, uint32_t epoch,
		       struct tw_attach_error *error)
{
	struct tw_source *source = tw_source_create(trace, &ring_kind);
	int code = -ENOMEM;

	if (source) {
		source->attach = attach;
		source->producer.epoch = epoch;
		source->producer.generation = attach->ring.control.generation;
		code = open_source(source, options);
	}
	if (!code)
		code = tw_source_add(source);
	if (!code)
		return 0;
	tw_trace_fail(error, code, "%s: %s", attach->target.path,
		      strerror(-code));
	if (source)
		tw_source_destroy(source);
	else
		tw_attach_close(attach);
	return code;
}

int tw_trace_add_ring(struct tw_trace *trace, struct tw_attach *attach,
		      const struct tw_drain_options *options,
		      struct tw_attach_error *error)
{
	return tw_trace_add_guest(trace, attach, options, 0, error);
}
