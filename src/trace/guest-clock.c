/* SPDX-License-Identifier: MIT */
/*
 * What pages say. The time of its newest event was before it was read. The
 * beacon that a page has was written before any of its events; but for the
 * first one of a hosted producer, whose library reads the counter and then the
 * beacon. And each was before what was answered to the next.
 *
 * Called by read-ring.c, read-directory.c, ctf.c and `trackway record`.
 */
#include "guest-clock.h"

#include "../attach/sync.h"
#include "../schema/decode.h"
#include "spans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000u
#define ANSWER_LIMIT_NS 50000u	/* for an answer of a guest that is at it */
#define ASK_TIMES 16		/* some are delayed */
#define MISSES_MAX 16		/* in a row: it is not at it any more */
#define LONG_LIMIT_NS 15000000u /* more than a beat of most guests' timers */
#define LONG_WAITS 4
#define LONG_SHARE 3	       /* times as long for all else */
#define LONG_GAP_NS 500000000u /* between two such waits */
#define WATCH_NS 30000000u     /* for a rate that is good for minutes before */
#define LINE_ERROR_MAX NS_PER_S
#define SPANS_MAX 4096 /* runs of packets that a recording keeps */
#define EPOCHS_MAX 64  /* that a clock knows, as in struct tw_clock_options */

/* Of a lane. */
struct lane {
	bool is_used;
	bool is_due;	 /* the beacon waits for an event that is later */
	uint32_t ticket; /* of its latest page */
	uint64_t before; /* a beacon that is earlier than all of that page */
	uint64_t beacon; /* and the page's own */
	uint64_t read;	 /* when its latest part had been read */
	/*
	 * What comes now was not before the second. A part of a page that was
	 * its lane's last had all that there was when its reading began, which
	 * was after the part before it had been read: the first. The part after
	 * that has come since, and so its last event was there as a whole since
	 * then, before the counter was read for the next. Of several pages that
	 * are read at once, full ones, all were there before the first.
	 */
	uint64_t since[2];
};

struct tw_guest_clock {
	struct tw_clock *clock;
	struct tw_guest_clock_options options;
	struct tw_attach *attach; /* NULL: detached */
	struct lane *lanes;
	uint32_t lane_count;
	bool is_firmware;
	bool is_mute;	    /* can't be asked */
	bool takes_beacons; /* those in its pages are of this boot of the host
			     */
	bool is_near;	    /* near is known */
	uint64_t near;	    /* some latest value of the counter */
	uint64_t waited;    /* CLOCK_MONOTONIC of the latest long wait */
	uint32_t long_waits;
	uint32_t misses;	/* in a row */
	uint64_t asked;		/* the beacon of the last look, or 0 */
	uint64_t answered;	/* CLOCK_MONOTONIC of the first, or 0 */
	uint64_t latest;	/* and of the latest answer */
	uint64_t end_ns;	/* no event is later */
	uint64_t confirmed_ns;	/* as the recording had it; 0: it is live */
	struct tw_spans *spans; /* NULL: not kept */
};

/* ---- Life ---- */

static struct tw_guest_clock *create(
	const struct tw_clock_options *clock_options,
	const struct tw_guest_clock_options *options)
{
	struct tw_guest_clock *clock = calloc(1, sizeof(*clock));

	if (!clock)
		return NULL;
	clock->options = *options;
	if (!tw_clock_create(clock_options, &clock->clock))
		return clock;
	free(clock);
	return NULL;
}

struct tw_guest_clock *tw_guest_clock_create(
	struct tw_attach *attach, const struct tw_guest_clock_options *options)
{
	const struct tw_clock_options clock_options = {
		.hz = options->hz,
		.points = options->points,
		.epochs = EPOCHS_MAX,
	};
	struct tw_guest_clock *clock = create(&clock_options, options);

	if (!clock)
		return NULL;
	clock->attach = attach;
	clock->is_firmware = !attach->ring.control.pid;
	clock->takes_beacons = tw_attach_is_alive(attach);
	clock->lane_count = attach->ring.control.lane_count;
	clock->lanes = calloc(clock->lane_count, sizeof(*clock->lanes));
	if (options->keeps_spans)
		clock->spans = tw_spans_create(clock->lane_count, SPANS_MAX);
	if (clock->lanes && (clock->spans || !options->keeps_spans))
		return clock;
	tw_guest_clock_destroy(clock);
	return NULL;
}

void tw_guest_clock_destroy(struct tw_guest_clock *clock)
{
	if (!clock)
		return;
	tw_clock_destroy(clock->clock);
	tw_spans_destroy(clock->spans);
	free(clock->lanes);
	free(clock);
}

void tw_guest_clock_detach(struct tw_guest_clock *clock)
{
	if (clock)
		clock->attach = NULL;
}

/* ---- What is asked ---- */

static void add_answer(struct tw_guest_clock *clock, uint64_t counter,
		       uint64_t t1, uint64_t t2)
{
	const uint64_t g = tw_attach_extend(counter, clock->near);

	tw_clock_exchange(clock->clock, g, t1, t2);
	clock->near = g;
	clock->misses = 0;
	if (!clock->answered)
		clock->answered = t1;
	clock->latest = t2;
}

/* An answer to the beacon of the last look. */
static bool look_for_answer(struct tw_guest_clock *clock)
{
	const uint64_t at = offsetof(struct tw_ring_control, reply);
	struct tw_ring_reader *ring = &clock->attach->ring;
	uint64_t first, reply;

	/* Twice, since it may come in halves: once the low one is seen, which
	 * has the beacon's bits, the other one is there. */
	if (!clock->asked ||
	    tw_ring_read_bytes(ring, at, &first, sizeof(first)) ||
	    tw_ring_read_bytes(ring, at, &reply, sizeof(reply)))
		return false;
	first = tw_ring_u64(ring, first);
	reply = tw_ring_u64(ring, reply);
	if ((first & 0xffff) != (clock->asked & 0xffff) ||
	    (reply & 0xffff) != (clock->asked & 0xffff))
		return false;
	add_answer(clock, reply >> 16, clock->asked, tw_monotonic_ns());
	return true;
}

/* An exchange, and more of them while there is time: the first answer may have
 * been long in coming. */
static int ask_and_wait(struct tw_guest_clock *clock, uint64_t limit_ns)
{
	const uint64_t until = tw_monotonic_ns() + limit_ns;
	struct tw_attach_exchange exchange;
	uint64_t now;
	int error = 0;
	int i;

	for (i = 0; !error && i < ASK_TIMES; i++) {
		now = tw_monotonic_ns();
		if (now >= until)
			break;
		error = tw_attach_exchange(clock->attach, until - now, NULL,
					   &exchange);
		if (!error)
			add_answer(clock, exchange.counter, exchange.t1,
				   exchange.t2);
	}
	if (i <= 1 && error == -EAGAIN)
		clock->misses++;
	return error == -EAGAIN ? 0 : error;
}

static bool is_watched(const struct tw_guest_clock *clock)
{
	return clock->answered && clock->latest - clock->answered < WATCH_NS &&
	       clock->long_waits < LONG_WAITS;
}

/*
 * How long to wait for an answer. A guest that answers at each beat of its
 * timer is waited for long at first, and now and then.
 */
static uint64_t find_limit(struct tw_guest_clock *clock, bool has_answered)
{
	const uint64_t now = tw_monotonic_ns();

	if (now >= *clock->options.wait_ns &&
	    (!clock->long_waits || is_watched(clock) ||
	     (clock->answered && now - clock->waited > LONG_GAP_NS))) {
		clock->long_waits++;
		clock->waited = now;
		return LONG_LIMIT_NS;
	}
	if (has_answered || (clock->answered && clock->misses < MISSES_MAX))
		return ANSWER_LIMIT_NS;
	return 0;
}

void tw_guest_clock_ask(struct tw_guest_clock *clock)
{
	bool has_answered;
	uint64_t limit;
	int error = 0;

	/* An answer has the low bits of the counter: without an event, nobody
	 * knows the others. */
	if (!clock || !clock->attach || clock->is_mute || !clock->is_near)
		return;
	has_answered = look_for_answer(clock);
	clock->asked = 0;
	limit = find_limit(clock, has_answered);
	if (limit)
		error = ask_and_wait(clock, limit);
	if (limit == LONG_LIMIT_NS)
		*clock->options.wait_ns = tw_monotonic_ns() +
					  LONG_SHARE * (tw_monotonic_ns() -
							clock->waited);
	/* That which the guest may answer by the next look. */
	if (!error)
		error = tw_attach_beacon(clock->attach, &clock->asked);
	clock->is_mute = error != 0;
}

bool tw_guest_clock_wants_more(const struct tw_guest_clock *clock)
{
	return clock && clock->attach && !clock->is_mute && is_watched(clock);
}

/* ---- What is read ---- */

/* A page that is new: the one before has all its events behind it. */
static void begin_page(struct tw_guest_clock *clock, struct lane *lane,
		       const struct tw_page_view *view, uint64_t now)
{
	if (lane->is_due)
		tw_clock_lower(clock->clock, view->time_begin, lane->beacon);
	lane->is_used = true;
	lane->ticket = view->ticket;
	lane->before = lane->beacon;
	/* What is of the future is a lie, or of another boot. */
	lane->is_due = clock->takes_beacons && view->beacon > lane->beacon &&
		       view->beacon <= now;
	if (!lane->is_due)
		return;
	lane->beacon = view->beacon;
	if (!clock->is_firmware)
		return;
	lane->before = lane->beacon;
	lane->is_due = false;
	tw_clock_lower(clock->clock, view->time_begin, lane->beacon);
}

/* Events, as far as they say something. Returns the time of the last one that
 * was there as a whole, or 0. */
static uint64_t walk(struct tw_guest_clock *clock, struct lane *lane,
		     const struct tw_drain_page *part)
{
	const struct tw_decoder decoder = {
		.lookup = clock->attach->lookup,
		.id_count = clock->attach->lookup_count,
		.swap = clock->attach->ring.swap,
	};
	const bool is_full = part->view->state == TW_PAGE_FULL;
	bool is_first = part->from == TW_PAGE_HEADER;
	struct tw_page_walk events;
	struct tw_decoded event;
	uint64_t last = is_full ? part->view->time_end : 0;

	tw_page_walk_start(&events, part->page, part->view->size,
			   part->time_from);
	events.offset = part->from;
	while ((!is_full || lane->is_due) &&
	       tw_page_walk_next(&events, &decoder, &event) == 1 &&
	       event.event) {
		if (lane->is_due && !is_first)
			tw_clock_lower(clock->clock, event.time, lane->beacon);
		lane->is_due &= is_first;
		is_first = false;
		if (!is_full)
			last = event.time;
	}
	return last;
}

/* The epochs of the clock, those that it has forgotten as one. */
static size_t list_epochs(struct tw_guest_clock *clock,
			  struct tw_spans_epoch *list)
{
	struct tw_clock_epoch info;
	uint32_t first, epochs, i;
	size_t count = 0;

	tw_clock_epochs(clock->clock, &first, &epochs);
	for (i = 0; i < epochs && i < EPOCHS_MAX; i++) {
		if (tw_clock_epoch(clock->clock, first + i, &info))
			return 0;
		if (first && !i)
			list[count++] = (struct tw_spans_epoch){
				.end_ns = info.begin_hi};
		list[count++] = (struct tw_spans_epoch){info.begin_lo,
							info.end_hi};
	}
	return count;
}

static void keep_span(struct tw_guest_clock *clock,
		      const struct tw_drain_page *part,
		      const struct tw_trace_span *span)
{
	const struct tw_spans_packet packet = {
		.lane = part->view->lane,
		.before = part->events_before,
		.events = part->events,
		.span = *span,
	};
	struct tw_spans_epoch epochs[EPOCHS_MAX + 1];

	if (part->events && tw_spans_add(clock->spans, &packet))
		tw_spans_thin(clock->spans, epochs, list_epochs(clock, epochs));
}

void tw_guest_clock_page(struct tw_guest_clock *clock,
			 const struct tw_drain_page *part,
			 struct tw_trace_span *span)
{
	const struct tw_page_view *view = part->view;
	const uint64_t now = tw_monotonic_ns();
	struct lane *lane;
	uint64_t last;

	*span = (struct tw_trace_span){.to_ns = now};
	if (!clock || !clock->attach || view->lane >= clock->lane_count)
		return;
	clock->end_ns = now;
	lane = &clock->lanes[view->lane];
	if (!lane->is_used || lane->ticket != view->ticket)
		begin_page(clock, lane, view, now);
	span->from_ns = part->from > TW_PAGE_HEADER ? lane->beacon
						    : lane->before;
	if (span->from_ns < lane->since[1])
		span->from_ns = lane->since[1];
	lane->since[1] = lane->since[0];
	if (view->state == TW_PAGE_OPEN)
		lane->since[0] = lane->read;
	lane->read = now;
	if (clock->spans)
		keep_span(clock, part, span);
	last = walk(clock, lane, part);
	if (!last)
		return;
	tw_clock_upper(clock->clock, last, now);
	clock->near = last;
	clock->is_near = true;
}

/* ---- What is known ---- */

/* A time of CLOCK_MONOTONIC as one of CLOCK_REALTIME. */
static uint64_t real(const struct tw_guest_clock *clock, uint64_t mono_ns)
{
	return mono_ns + clock->options.real_ns;
}

/* A value whose bits that an event has are those of ticks, near to what an
 * epoch had. */
static uint64_t come_near(uint64_t ticks, uint64_t last)
{
	const uint64_t round = (uint64_t)1 << TW_EVENT_TIME_BITS;

	if (ticks < last)
		return ticks;
	return ticks - (ticks - last + round / 2) / round * round;
}

/*
 * tw_clock_when(). A recording's ticks are some rounds ahead where the counter
 * had gone back (ctf.c): if they are no epoch's, they are those of the next
 * epoch whose they are in an earlier round.
 */
static int find_when(struct tw_guest_clock *clock, uint64_t ticks,
		     uint64_t from, uint64_t to, struct tw_clock_bounds *bounds)
{
	struct tw_clock_bounds other;
	struct tw_clock_epoch info;
	uint32_t first, count, i;
	uint64_t near;
	int error = tw_clock_when(clock->clock, ticks, from, to, bounds);

	if (error || clock->lanes || !(bounds->flags & TW_BOUNDS_CLAMPED))
		return error;
	tw_clock_epochs(clock->clock, &first, &count);
	for (i = 0; i < count; i++) {
		if (tw_clock_epoch(clock->clock, first + i, &info))
			break;
		near = come_near(ticks, info.last);
		if (near == ticks ||
		    tw_clock_when(clock->clock, near, from, to, &other) ||
		    other.flags & TW_BOUNDS_CLAMPED)
			continue;
		*bounds = other;
		break;
	}
	return 0;
}

/*
 * The machine may have been stopped, or its counter set, since it was last
 * known to go on: what that made of an event is not known yet. When it was read
 * is.
 */
static void doubt(const struct tw_guest_clock *clock,
		  const struct tw_trace_span *span,
		  struct tw_clock_bounds *bounds)
{
	const uint64_t confirmed = clock->confirmed_ns
					   ? clock->confirmed_ns
					   : tw_clock_confirmed(clock->clock);

	if (span->to_ns <= confirmed || bounds->flags & TW_BOUNDS_VIRTUAL)
		return;
	bounds->lo = span->from_ns;
	bounds->hi = span->to_ns;
	if (bounds->flags & TW_BOUNDS_CLAMPED)
		bounds->flags |= TW_BOUNDS_UNSURE;
}

void tw_guest_clock_place(struct tw_guest_clock *clock, uint64_t ticks,
			  const struct tw_trace_span *span,
			  struct tw_trace_time *time)
{
	uint64_t to = span->to_ns ? span->to_ns : UINT64_MAX;
	struct tw_clock_bounds bounds;
	uint64_t lo, hi;

	if (!clock->attach && clock->end_ns && clock->end_ns < to)
		to = clock->end_ns;
	if (find_when(clock, ticks, span->from_ns, to, &bounds))
		return;
	doubt(clock, span, &bounds);
	lo = bounds.lo ? real(clock, bounds.lo) : 0;
	hi = bounds.hi < UINT64_MAX ? real(clock, bounds.hi) : UINT64_MAX;
	if (lo && hi < UINT64_MAX)
		time->time_ns = real(clock, bounds.centre);
	if (time->time_ns < lo)
		time->time_ns = lo;
	if (time->time_ns > hi)
		time->time_ns = hi;
	time->minus_ns = lo ? time->time_ns - lo : TW_BOUND_UNKNOWN;
	time->plus_ns = hi < UINT64_MAX ? hi - time->time_ns : TW_BOUND_UNKNOWN;
	if (bounds.flags & TW_BOUNDS_CLAMPED)
		time->marks |= TW_RECORD_CLAMPED;
	if (bounds.flags & TW_BOUNDS_UNSURE)
		time->marks |= TW_RECORD_UNSURE;
}

/* The epoch that most is known of. */
static bool find_epoch(struct tw_guest_clock *clock, uint32_t *best)
{
	struct tw_clock_epoch info;
	uint64_t most = 0;
	uint32_t first, count, i;

	tw_clock_epochs(clock->clock, &first, &count);
	for (i = first; i - first < count; i++) {
		if (tw_clock_epoch(clock->clock, i, &info) ||
		    info.constraints < most)
			continue;
		most = info.constraints;
		*best = i;
	}
	return most > 0;
}

bool tw_guest_clock_line(struct tw_guest_clock *clock,
			 struct tw_timebase *timebase)
{
	struct tw_clock_affine line;
	uint32_t epoch;

	if (!clock || !find_epoch(clock, &epoch) ||
	    tw_clock_affine(clock->clock, epoch, &line) ||
	    line.error_ns > LINE_ERROR_MAX)
		return false;
	tw_timebase_set(timebase, line.hz, line.base_ticks,
			real(clock, line.base_ns));
	timebase->error_ns = line.error_ns;
	return true;
}

/* ---- What is kept ---- */

static int add_pair(struct tw_dotfile_clock *kept,
		    const struct tw_dotfile_pair *pair)
{
	const size_t count = kept->pair_count;
	struct tw_dotfile_pair *list = kept->pairs;

	/* Grows when count is a power of two. */
	if ((count & (count - 1)) == 0) {
		list = reallocarray(list, count ? 2 * count : 1, sizeof(*list));
		if (!list)
			return -ENOMEM;
		kept->pairs = list;
	}
	list[kept->pair_count++] = *pair;
	return 0;
}

/*
 * What is known of an epoch's first or last counter value. It follows from the
 * rest, but says how far the epoch goes.
 */
static int keep_end(struct tw_guest_clock *clock, uint32_t epoch,
		    uint64_t ticks, struct tw_dotfile_clock *kept)
{
	struct tw_dotfile_pair pair = {.ticks = ticks};
	struct tw_clock_bounds bounds;

	if (tw_clock_bounds(clock->clock, epoch, ticks, &bounds))
		return 0;
	if (bounds.lo) {
		pair.kind |= TW_PAIR_LOWER;
		pair.from_ns = bounds.lo;
	}
	if (bounds.hi < UINT64_MAX) {
		pair.kind |= TW_PAIR_UPPER;
		pair.to_ns = bounds.hi;
	}
	return pair.kind ? add_pair(kept, &pair) : 0;
}

static int keep_epoch(struct tw_guest_clock *clock, uint32_t epoch,
		      struct tw_dotfile_clock *kept)
{
	struct tw_dotfile_pair pair = {.kind = TW_PAIR_BREAK};
	struct tw_clock_cursor cursor = {0};
	struct tw_clock_epoch info;
	struct tw_clock_kept point;
	int error = kept->pair_count ? add_pair(kept, &pair) : 0;

	if (!error)
		error = tw_clock_epoch(clock->clock, epoch, &info);
	if (!error)
		error = keep_end(clock, epoch, info.first, kept);
	while (!error &&
	       tw_clock_next_kept(clock->clock, epoch, &cursor, &point) == 1) {
		pair = (struct tw_dotfile_pair){
			.kind = point.is_upper ? TW_PAIR_UPPER : TW_PAIR_LOWER,
			.ticks = point.g,
			.from_ns = point.is_upper ? 0 : point.t,
			.to_ns = point.is_upper ? point.t : 0,
		};
		error = add_pair(kept, &pair);
	}
	return error ? error : keep_end(clock, epoch, info.last, kept);
}

static int keep_spans(const struct tw_guest_clock *clock,
		      struct tw_dotfile_clock *kept)
{
	const struct tw_dotfile_span *list;
	size_t count;

	if (!clock->spans)
		return 0;
	list = tw_spans_list(clock->spans, &count);
	kept->spans = calloc(count ? count : 1, sizeof(*list));
	if (!kept->spans)
		return -ENOMEM;
	memcpy(kept->spans, list, count * sizeof(*list));
	kept->span_count = count;
	return 0;
}

int tw_guest_clock_keep(struct tw_guest_clock *clock,
			struct tw_dotfile_clock *kept)
{
	struct tw_clock_counts counts;
	uint32_t first, count, i;
	int error = 0;

	*kept = (struct tw_dotfile_clock){0};
	if (!clock)
		return 0;
	tw_clock_counts(clock->clock, &counts);
	kept->is_known = true;
	kept->hz = counts.hz_refuted ? 0 : clock->options.hz;
	kept->flags = counts.is_virtual ? TW_CLOCK_VIRTUAL : 0;
	kept->first_real_ns = clock->options.real_ns;
	kept->last_real_ns = tw_real_offset();
	kept->end_ns = clock->end_ns;
	kept->confirmed_ns = tw_clock_confirmed(clock->clock);
	tw_clock_epochs(clock->clock, &first, &count);
	for (i = first; !error && i - first < count; i++)
		error = keep_epoch(clock, i, kept);
	if (!error)
		error = keep_spans(clock, kept);
	if (!error)
		return 0;
	free(kept->pairs);
	*kept = (struct tw_dotfile_clock){0};
	return error;
}

static void take_back(struct tw_clock *clock,
		      const struct tw_dotfile_pair *pair)
{
	switch (pair->kind) {
	case TW_PAIR_LOWER:
		tw_clock_lower(clock, pair->ticks, pair->from_ns);
		break;
	case TW_PAIR_UPPER:
		tw_clock_upper(clock, pair->ticks, pair->to_ns);
		break;
	case TW_PAIR_EXCHANGE:
		tw_clock_exchange(clock, pair->ticks, pair->from_ns,
				  pair->to_ns);
		break;
	case TW_PAIR_BREAK:
		tw_clock_break(clock);
		break;
	default:
		break;
	}
}

struct tw_guest_clock *tw_guest_clock_open(const struct tw_dotfile_clock *kept)
{
	const struct tw_guest_clock_options options = {
		.hz = kept->hz,
		.real_ns = kept->first_real_ns,
	};
	const struct tw_clock_options clock_options = {
		.hz = kept->hz,
		.tolerance_ppb = kept->tolerance_ppb,
		.drift_ppb = kept->drift_ppb,
		.step = kept->step,
		.flags = kept->flags & TW_CLOCK_VIRTUAL,
	};
	struct tw_guest_clock *clock;
	size_t i;

	if (!kept->is_known)
		return NULL;
	clock = create(&clock_options, &options);
	if (!clock)
		return NULL;
	clock->end_ns = kept->end_ns;
	clock->confirmed_ns = kept->confirmed_ns;
	for (i = 0; i < kept->pair_count; i++)
		take_back(clock->clock, &kept->pairs[i]);
	return clock;
}
