/* SPDX-License-Identifier: MIT */
/*
 * Recording into a file of QEMU's simpletrace format: see destination.h. Its
 * readers don't sort, so events are written in the order of time, but for those
 * that come very late.
 *
 * Nor has it room for bounds. Of a guest's first events it is known by when
 * they were, but not yet since when; until then, when they were is what the
 * guest's own clock says, which may be hours wrong. So nothing is written while
 * such an event is the next, for some looks, one of which mostly finds an
 * answer or a beacon. And of whatever is recorded from now on it is known that
 * it was not before.
 */
#include "destination.h"

#include "../attach/ram.h"
#include "../trace/read.h"
#include "../trace/write-simpletrace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_NS 10000000u /* how late an event may come */
#define RECORD_BYTES 40u  /* of a record, about */

/* How long a guest's bounds are waited for, once for each ring: both, so that
 * it is neither over before its guest could answer nor goes on for long, and
 * unless so much waits to be written meanwhile. */
#define WAIT_NS 500000000u
#define WAIT_LOOKS 25u
#define WAIT_EVENTS_MAX (UINT64_C(1) << 20)

struct ring {
	struct tw_attach *attach; /* the trace's */
	/* CLOCK_REALTIME: all that is recorded of it was written since; 0: not
	 * known. */
	uint64_t since_ns;
	/* CLOCK_MONOTONIC: its bounds are not waited for any longer; 0: that
	 * has not begun. */
	uint64_t until_ns;
	uint32_t looks;	    /* during that */
	uint64_t delivered; /* its events; once it has ended, as last seen */
};

struct simpletrace {
	struct tw_destination destination;
	struct tw_trace *trace; /* lives until the writer is closed */
	struct tw_simpletrace *writer;
	char *path;
	struct ring *rings; /* by the trace's producers */
	uint32_t count;
	int live_count;
	int broken; /* why nothing more can be written, or 0 */
	/* The event that is waited for, and its fields: the trace's first. */
	bool is_waiting; /* it may still get a bound */
	bool has_kept;
	struct tw_record kept;
	uint8_t *kept_fields;
	uint64_t delivered; /* events of all rings, when waiting began */
};

static struct simpletrace *simpletrace_of(struct tw_destination *destination)
{
	return (struct simpletrace *)(void *)destination;
}

static int add(struct tw_destination *destination, struct tw_attach *attach,
	       const struct tw_ring_start *start, struct tw_attach_error *error)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);
	const struct tw_drain_options options = {
		.start = start->has_history ? TW_DRAIN_ALL : TW_DRAIN_NOW,
		.after = start->after,
		.open = true,
		.release = true,
	};
	struct ring ring = {.attach = attach};
	struct ring *list;
	int code;

	list = reallocarray(simpletrace->rings, simpletrace->count + 1,
			    sizeof(*list));
	if (!list) {
		tw_attach_close(attach);
		*error = (struct tw_attach_error){"out of memory"};
		return -ENOMEM;
	}
	simpletrace->rings = list;
	if (start->after)
		ring.since_ns = start->after_ns;
	else if (!start->has_history)
		ring.since_ns = tw_monotonic_ns();
	if (ring.since_ns)
		ring.since_ns += tw_real_offset();
	code = tw_trace_add_guest(
		simpletrace->trace, attach, &options,
		tw_ram_is_spec(attach->target.path) ? start->epoch : 0, error);
	if (code)
		return code;
	list[simpletrace->count++] = ring;
	simpletrace->live_count++;
	return 0;
}

static int break_off(struct simpletrace *simpletrace, int code,
		     const char *target, const char *line)
{
	simpletrace->broken = code;
	return tw_destination_fail(&simpletrace->destination, code, target,
				   line);
}

/* ---- Waiting for bounds ---- */

/* Never less than before: what a ring had brought still counts once it ends. */
static uint64_t count_delivered(struct simpletrace *simpletrace)
{
	struct tw_drain_totals totals;
	const struct tw_drain *drain;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < simpletrace->count; i++) {
		drain = tw_trace_drain(simpletrace->trace, i);
		if (drain) {
			tw_drain_totals(drain, &totals);
			simpletrace->rings[i].delivered = totals.delivered;
		}
		sum += simpletrace->rings[i].delivered;
	}
	return sum;
}

static bool lacks_bound(const struct tw_record *record)
{
	return record->kind == TW_RECORD_EVENT && record->producer->epoch &&
	       record->minus_ns == TW_BOUND_UNKNOWN;
}

/* Whether another look may say since when a record is. */
static bool is_worth_waiting(const struct simpletrace *simpletrace,
			     const struct tw_record *record)
{
	const struct ring *ring = &simpletrace->rings[record->producer->index];

	if (!lacks_bound(record) || record->producer->ended)
		return false;
	return !ring->until_ns || ring->looks < WAIT_LOOKS ||
	       tw_monotonic_ns() < ring->until_ns;
}

/* Begin to wait: the record is gone with the next look, so it is copied. */
static int keep(struct simpletrace *simpletrace, const struct tw_record *record)
{
	struct ring *ring = &simpletrace->rings[record->producer->index];
	const size_t size = record->event.fields_size;
	uint8_t *fields = realloc(simpletrace->kept_fields, size ? size : 1);

	if (!fields)
		return -ENOMEM;
	if (size)
		memcpy(fields, record->event.fields, size);
	simpletrace->kept_fields = fields;
	simpletrace->kept = *record;
	simpletrace->kept.event.fields = fields;
	simpletrace->has_kept = true;
	simpletrace->is_waiting = true;
	simpletrace->delivered = count_delivered(simpletrace);
	if (!ring->until_ns)
		ring->until_ns = tw_monotonic_ns() + WAIT_NS;
	return 0;
}

/* What is known by now of when it was: not later than was known before. */
static void place_kept(struct simpletrace *simpletrace)
{
	struct tw_record *kept = &simpletrace->kept;
	const uint64_t latest = kept->plus_ns == TW_BOUND_UNKNOWN
					? UINT64_MAX
					: kept->time_ns + kept->plus_ns;
	struct tw_trace_time time;

	tw_trace_when(simpletrace->trace, kept->producer->index,
		      kept->event.time, &time);
	if (time.minus_ns == TW_BOUND_UNKNOWN)
		return;
	kept->time_ns = time.time_ns < latest ? time.time_ns : latest;
	kept->minus_ns = time.minus_ns;
}

/* For good: else the ring's next event would be waited for, as long again. */
static void stop_waiting(struct ring *ring)
{
	ring->looks = WAIT_LOOKS;
	ring->until_ns = tw_monotonic_ns();
}

/* After a look. */
static void wait_on(struct simpletrace *simpletrace)
{
	const struct tw_record *kept = &simpletrace->kept;
	struct ring *ring;

	if (!simpletrace->is_waiting)
		return;
	ring = &simpletrace->rings[kept->producer->index];
	ring->looks++;
	place_kept(simpletrace);
	if (count_delivered(simpletrace) - simpletrace->delivered >=
	    WAIT_EVENTS_MAX)
		stop_waiting(ring);
	simpletrace->is_waiting = is_worth_waiting(simpletrace, kept);
}

/* ---- Writing ---- */

static int write_record(struct simpletrace *simpletrace,
			const struct tw_record *record)
{
	const uint64_t since =
		simpletrace->rings[record->producer->index].since_ns;
	struct tw_record later;

	if (!record->producer->epoch || record->time_ns >= since)
		return tw_simpletrace_write(simpletrace->writer, record);
	later = *record;
	later.time_ns = since;
	return tw_simpletrace_write(simpletrace->writer, &later);
}

static int write_kept(struct simpletrace *simpletrace)
{
	if (!simpletrace->has_kept)
		return 0;
	simpletrace->has_kept = false;
	return write_record(simpletrace, &simpletrace->kept);
}

/* What was kept is before its lane's others, and by its time before those of
 * other lanes. */
static bool is_after_kept(const struct simpletrace *simpletrace,
			  const struct tw_record *record)
{
	const struct tw_record *kept = &simpletrace->kept;

	return record->time_ns >= kept->time_ns ||
	       (record->producer == kept->producer &&
		record->lane == kept->lane);
}

/* 1: there may be more; 0: the rest has to wait; or an error. */
static int take_record(struct simpletrace *simpletrace, bool may_wait,
		       const struct tw_record *record)
{
	const bool is_to_wait = may_wait &&
				is_worth_waiting(simpletrace, record);
	int code = 0;

	if (is_to_wait || is_after_kept(simpletrace, record))
		code = write_kept(simpletrace);
	if (!code && is_to_wait)
		code = keep(simpletrace, record);
	else if (!code)
		code = write_record(simpletrace, record);
	return code ? code : !is_to_wait;
}

static int write_records(struct simpletrace *simpletrace, bool may_wait,
			 uint64_t *count)
{
	const struct tw_record *record;
	int code = 1;

	while (code > 0 &&
	       (code = tw_trace_next(simpletrace->trace, &record)) > 0) {
		++*count;
		code = take_record(simpletrace, may_wait, record);
	}
	if (!code && !simpletrace->is_waiting)
		code = write_kept(simpletrace);
	if (!code)
		code = tw_simpletrace_flush(simpletrace->writer);
	return code ? break_off(simpletrace, code, simpletrace->path,
				strerror(-code))
		    : 0;
}

/* hold_ns 0: all that there is, whatever is known of it. */
static int take(struct simpletrace *simpletrace, uint64_t hold_ns, bool finish,
		uint64_t *count)
{
	const bool may_wait = hold_ns != 0;
	struct tw_attach_error error;
	int live;

	if (simpletrace->broken)
		return simpletrace->broken;
	tw_trace_hold(simpletrace->trace, hold_ns);
	live = tw_trace_poll(simpletrace->trace, finish, &error);
	if (live < 0)
		return break_off(simpletrace, live, NULL, error.text);
	simpletrace->live_count = live;
	wait_on(simpletrace);
	if (simpletrace->is_waiting && may_wait) {
		/* So that the next look is soon. */
		++*count;
		return 0;
	}
	simpletrace->is_waiting = false;
	return write_records(simpletrace, may_wait, count);
}

static int turn(struct tw_destination *destination, uint64_t *bytes)
{
	uint64_t count = 0;
	const int code = take(simpletrace_of(destination), HOLD_NS, false,
			      &count);

	*bytes = count * RECORD_BYTES;
	return code;
}

static int flush(struct tw_destination *destination)
{
	uint64_t count = 0;

	return take(simpletrace_of(destination), 0, false, &count);
}

static void end(struct tw_destination *destination)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);
	uint64_t count = 0;
	int code;

	take(simpletrace, 0, true, &count);
	code = tw_simpletrace_close(simpletrace->writer);
	simpletrace->writer = NULL;
	if (code)
		break_off(simpletrace, code, simpletrace->path,
			  strerror(-code));
}

/* ---- Rings ---- */

/* The producer of this path of which more may come; its count if there is none.
 */
static uint32_t find(const struct simpletrace *simpletrace, const char *path)
{
	uint32_t i;

	for (i = 0; i < simpletrace->count; i++)
		if (tw_trace_drain(simpletrace->trace, i) &&
		    strcmp(simpletrace->rings[i].attach->target.path, path) ==
			    0)
			break;
	return i;
}

static const struct tw_drain *cut(struct tw_destination *destination,
				  const char *path)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);
	uint32_t producer;

	if (flush(destination))
		return NULL;
	producer = find(simpletrace, path);
	return producer < simpletrace->count
		       ? tw_trace_drain(simpletrace->trace, producer)
		       : NULL;
}

static void leave(struct tw_destination *destination, const char *path)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);
	const uint32_t producer = find(simpletrace, path);

	if (producer < simpletrace->count)
		tw_trace_leave(simpletrace->trace, producer);
}

static bool is_live(const struct tw_destination *destination)
{
	const struct simpletrace *simpletrace =
		(const struct simpletrace *)(const void *)destination;

	return simpletrace->live_count > 0;
}

static bool sleep_on_ring(struct tw_destination *destination, int timeout_ms)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);
	const struct tw_drain *drain = NULL;
	uint32_t i;

	if (simpletrace->live_count != 1)
		return false;
	for (i = 0; !drain && i < simpletrace->count; i++)
		drain = tw_trace_drain(simpletrace->trace, i);
	if (drain)
		tw_attach_wait(simpletrace->rings[i - 1].attach,
			       tw_drain_head(drain), timeout_ms);
	return drain;
}

/* ---- Life ---- */

static void destroy(struct tw_destination *destination)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);

	/* NULL but where it never began. */
	tw_simpletrace_close(simpletrace->writer);
	tw_trace_destroy(simpletrace->trace);
	free(simpletrace->rings);
	free(simpletrace->kept_fields);
	free(simpletrace->path);
	free(simpletrace);
}

static const struct tw_destination_kind kind = {
	.add = add,
	.turn = turn,
	.flush = flush,
	.cut = cut,
	.leave = leave,
	.is_live = is_live,
	.wait = sleep_on_ring,
	.end = end,
	.destroy = destroy,
};

int tw_destination_open_simpletrace(const char *to, bool append,
				    struct tw_destination **destination,
				    struct tw_attach_error *error)
{
	struct simpletrace *simpletrace = calloc(1, sizeof(*simpletrace));
	int code = -ENOMEM;

	*error = (struct tw_attach_error){"out of memory"};
	if (!simpletrace)
		return code;
	simpletrace->destination.kind = &kind;
	simpletrace->path = strdup(to);
	if (simpletrace->path && !tw_trace_create(&simpletrace->trace))
		code = tw_simpletrace_create(to, append, &simpletrace->writer,
					     error);
	if (code)
		destroy(&simpletrace->destination);
	else
		*destination = &simpletrace->destination;
	return code;
}
