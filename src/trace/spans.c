/* SPDX-License-Identifier: MIT */
/*
 * Runs of packets, in the order in which their first packets came. Thinning
 * goes in rounds: of each two neighbours in a lane it is found what it costs to
 * make them one, and the cheapest are made so, none twice in a round. So all
 * runs of an old recording come to last about as long.
 *
 * Called by guest-clock.c (recording) and read-directory.c.
 */
#include "spans.h"

#include <stdlib.h>
#include <string.h>

/* A clock learns of its next epoch from some constraints that come after it;
 * what came meanwhile is not touched. */
#define RECENT_DIVISOR 8 /* of all runs */

/* The ends of epochs are known a little worse from what a trace keeps. */
#define MARGIN_NS 100000000u

/* Packets that were read together share a run from the outset: within so much
 * time, or more if that isn't enough to have some rest between thinnings. */
#define GRAIN_NS 1000000u
#define GRAIN_MAX_NS 100000000u
#define REST_NS 1000000000u

#define NO_RUN UINT32_MAX
#define NO_EPOCH SIZE_MAX
/* Of making two runs one that are not of one epoch: beyond all times. */
#define COST_UNCLEAR (UINT64_C(1) << 62)

struct cost {
	uint64_t cost;
	uint32_t run; /* the later one */
};

struct tw_spans {
	struct tw_dotfile_span *runs;
	uint32_t *earlier; /* by run: that before it in its lane */
	struct cost *costs;
	bool *is_touched; /* by run: in this round */
	uint32_t *last;	  /* by lane: its last run */
	uint32_t lane_count;
	uint32_t count;
	uint32_t max;
	uint64_t grain_ns;
	uint64_t thinned_ns;
};

struct tw_spans *tw_spans_create(uint32_t lane_count, size_t max)
{
	struct tw_spans *spans = calloc(1, sizeof(*spans));

	if (!spans)
		return NULL;
	spans->lane_count = lane_count;
	spans->max = (uint32_t)max;
	spans->grain_ns = GRAIN_NS;
	spans->runs = calloc(max, sizeof(*spans->runs));
	spans->earlier = calloc(max, sizeof(*spans->earlier));
	spans->costs = calloc(max, sizeof(*spans->costs));
	spans->is_touched = calloc(max, sizeof(*spans->is_touched));
	spans->last = calloc(lane_count ? lane_count : 1, sizeof(*spans->last));
	if (!spans->runs || !spans->earlier || !spans->costs ||
	    !spans->is_touched || !spans->last) {
		tw_spans_destroy(spans);
		return NULL;
	}
	for (uint32_t i = 0; i < lane_count; i++)
		spans->last[i] = NO_RUN;
	return spans;
}

void tw_spans_destroy(struct tw_spans *spans)
{
	if (!spans)
		return;
	free(spans->runs);
	free(spans->earlier);
	free(spans->costs);
	free(spans->is_touched);
	free(spans->last);
	free(spans);
}

/* ---- Adding ---- */

static uint64_t more_than(uint64_t value, uint64_t than)
{
	return value > than ? value - than : 0;
}

static void extend(struct tw_dotfile_span *run, uint64_t end, uint64_t to_ns)
{
	if (run->end < end)
		run->end = end;
	if (run->to_ns < to_ns)
		run->to_ns = to_ns;
}

bool tw_spans_add(struct tw_spans *spans, const struct tw_spans_packet *packet)
{
	const struct tw_trace_span *span = &packet->span;
	const uint64_t end = packet->before + packet->events;
	const uint32_t last = spans->last[packet->lane];
	struct tw_dotfile_span *run;

	if (last != NO_RUN) {
		run = &spans->runs[last];
		if (spans->count == spans->max || packet->before < run->end ||
		    more_than(span->to_ns, run->from_ns) <= spans->grain_ns) {
			extend(run, end, span->to_ns);
			return spans->count == spans->max;
		}
	} else if (spans->count == spans->max) {
		return true;
	}
	spans->last[packet->lane] = spans->count;
	spans->earlier[spans->count] = last;
	spans->runs[spans->count++] = (struct tw_dotfile_span){
		.lane = packet->lane,
		.begin = packet->before,
		.end = end,
		.from_ns = span->from_ns,
		.to_ns = span->to_ns,
	};
	return spans->count == spans->max;
}

/* ---- Thinning ---- */

/* The only epoch that a run can be of, or NO_EPOCH. */
static size_t epoch_of(const struct tw_dotfile_span *run,
		       const struct tw_spans_epoch *epochs, size_t count)
{
	const uint64_t from = more_than(run->from_ns, MARGIN_NS);
	const uint64_t to = run->to_ns + MARGIN_NS;
	size_t found = NO_EPOCH;

	for (size_t i = 0; i < count; i++) {
		if (epochs[i].begin_ns > to || epochs[i].end_ns < from)
			continue;
		if (found != NO_EPOCH)
			return NO_EPOCH;
		found = i;
	}
	return found;
}

static uint64_t cost_of(const struct tw_dotfile_span *earlier,
			const struct tw_dotfile_span *run,
			const struct tw_spans_epoch *epochs, size_t count)
{
	const size_t epoch = epoch_of(run, epochs, count);
	uint64_t cost = more_than(run->to_ns, earlier->from_ns);

	if (cost >= COST_UNCLEAR)
		cost = COST_UNCLEAR - 1;
	if (epoch == NO_EPOCH || epoch != epoch_of(earlier, epochs, count))
		cost += COST_UNCLEAR;
	return cost;
}

static int compare_costs(const void *a, const void *b)
{
	const struct cost *one = a;
	const struct cost *other = b;

	if (one->cost != other->cost)
		return one->cost < other->cost ? -1 : 1;
	return (one->run > other->run) - (one->run < other->run);
}

static uint32_t find_costs(struct tw_spans *spans,
			   const struct tw_spans_epoch *epochs, size_t count)
{
	const uint32_t old = spans->count - spans->count / RECENT_DIVISOR;
	const struct tw_dotfile_span *run = spans->runs;
	uint32_t found = 0;

	for (uint32_t i = 0; i < old; i++) {
		if (spans->earlier[i] == NO_RUN)
			continue;
		spans->costs[found++] = (struct cost){
			cost_of(&run[spans->earlier[i]], &run[i], epochs,
				count),
			i,
		};
	}
	qsort(spans->costs, found, sizeof(*spans->costs), compare_costs);
	return found;
}

/* A run of no lane is one that has gone into another. */
#define GONE UINT32_MAX

/* Drop the runs that have gone, and find each lane's last ones again. */
static void compact(struct tw_spans *spans)
{
	uint32_t count = 0;
	uint32_t lane;

	for (uint32_t i = 0; i < spans->lane_count; i++)
		spans->last[i] = NO_RUN;
	for (uint32_t i = 0; i < spans->count; i++) {
		lane = spans->runs[i].lane;
		if (lane == GONE)
			continue;
		spans->runs[count] = spans->runs[i];
		spans->earlier[count] = spans->last[lane];
		spans->last[lane] = count++;
	}
	spans->count = count;
}

/*
 * One round: until so few are left, and none that costs so much, nor twice the
 * least: what is cheap after this round goes first. Returns how many runs have
 * gone into others.
 */
static uint32_t thin_once(struct tw_spans *spans, uint32_t left, uint64_t limit,
			  const struct tw_spans_epoch *epochs,
			  size_t epoch_count)
{
	const uint32_t found = find_costs(spans, epochs, epoch_count);
	uint32_t gone = 0;
	uint32_t run, earlier;

	if (found && limit / 2 > spans->costs[0].cost)
		limit = 2 * spans->costs[0].cost + 1;
	memset(spans->is_touched, 0, spans->count * sizeof(bool));
	for (uint32_t i = 0; i < found && spans->count - gone > left; i++) {
		run = spans->costs[i].run;
		earlier = spans->earlier[run];
		if (spans->costs[i].cost >= limit)
			break;
		/* What has been part of another costs more by now. */
		if (spans->is_touched[run] || spans->is_touched[earlier])
			continue;
		extend(&spans->runs[earlier], spans->runs[run].end,
		       spans->runs[run].to_ns);
		spans->is_touched[run] = spans->is_touched[earlier] = true;
		spans->runs[run].lane = GONE;
		gone++;
	}
	compact(spans);
	return gone;
}

static void thin_to(struct tw_spans *spans, uint32_t left, uint64_t limit,
		    const struct tw_spans_epoch *epochs, size_t epoch_count)
{
	while (spans->count > left &&
	       thin_once(spans, left, limit, epochs, epoch_count))
		;
}

void tw_spans_thin(struct tw_spans *spans, const struct tw_spans_epoch *epochs,
		   size_t epoch_count)
{
	const uint64_t now = spans->count ? spans->runs[spans->count - 1].to_ns
					  : 0;

	if (more_than(now, spans->thinned_ns) < REST_NS &&
	    spans->grain_ns < GRAIN_MAX_NS)
		spans->grain_ns *= 2;
	spans->thinned_ns = now;
	thin_to(spans, spans->max / 2, COST_UNCLEAR, epochs, epoch_count);
	thin_to(spans, spans->max / 4 * 3, UINT64_MAX, epochs, epoch_count);
}

/* ---- Reading ---- */

const struct tw_dotfile_span *tw_spans_list(const struct tw_spans *spans,
					    size_t *count)
{
	*count = spans->count;
	return spans->runs;
}

static int compare_runs(const void *a, const void *b)
{
	const struct tw_dotfile_span *one = a;
	const struct tw_dotfile_span *other = b;

	if (one->lane != other->lane)
		return one->lane < other->lane ? -1 : 1;
	return (one->begin > other->begin) - (one->begin < other->begin);
}

void tw_spans_sort(struct tw_dotfile_span *list, size_t count)
{
	if (count)
		qsort(list, count, sizeof(*list), compare_runs);
}

bool tw_spans_find(const struct tw_dotfile_span *list, size_t count,
		   uint32_t lane, uint64_t before, struct tw_trace_span *span)
{
	const struct tw_dotfile_span wanted = {.lane = lane, .begin = before};
	size_t from = 0;
	size_t middle;

	*span = (struct tw_trace_span){0};
	/* Those before from are not behind what is wanted. */
	while (count > 0) {
		middle = count / 2;
		if (compare_runs(&list[from + middle], &wanted) > 0) {
			count = middle;
		} else {
			from += middle + 1;
			count -= middle + 1;
		}
	}
	if (!from || list[from - 1].lane != lane ||
	    list[from - 1].end <= before ||
	    list[from - 1].from_ns > list[from - 1].to_ns)
		return false;
	span->from_ns = list[from - 1].from_ns;
	span->to_ns = list[from - 1].to_ns;
	return true;
}
