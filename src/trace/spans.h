/* SPDX-License-Identifier: MIT */
/*
 * When the packets of a recording were at the earliest and at the latest: what
 * tells the epochs of a guest's clock apart. A counter that stood still for a
 * while shows the same values as it would have shown before or after; by when a
 * packet was read, it is known which of them it was.
 *
 * Packets that follow each other in a lane share an entry, a run, so that the
 * size of all is bounded. Two runs become one where that makes nothing less
 * clear, which is where both are of one epoch, and far from its ends; of these
 * first those that last shortest. One thread's.
 */
#ifndef TRACKWAY_TRACE_SPANS_H
#define TRACKWAY_TRACE_SPANS_H

#include "dotfile.h"
#include "read.h"

struct tw_spans;

/* max: how many runs it may have, 16 or more. NULL: no memory. */
struct tw_spans *tw_spans_create(uint32_t lane_count, size_t max);
/* NULL is none. */
void tw_spans_destroy(struct tw_spans *spans);

/* A packet; those of a lane come in order, and no earlier spans after later
 * ones. */
struct tw_spans_packet {
	uint32_t lane;	 /* below lane_count */
	uint64_t before; /* events of the lane before it */
	uint64_t events;
	struct tw_trace_span span;
};

/*
 * Add one. True: there is no more room; call tw_spans_thin(). Without room, the
 * lane's last run is made longer, if it has one.
 */
bool tw_spans_add(struct tw_spans *spans, const struct tw_spans_packet *packet);

/* A stretch of the clock, not shorter than this: CLOCK_MONOTONIC, ns. */
struct tw_spans_epoch {
	uint64_t begin_ns; /* or later */
	uint64_t end_ns;   /* or earlier */
};

/* Make room. epochs: all, in their order. */
void tw_spans_thin(struct tw_spans *spans, const struct tw_spans_epoch *epochs,
		   size_t epoch_count);

/* The runs: of a lane in order, of several lanes in any. Good until the next
 * call for spans. */
const struct tw_dotfile_span *tw_spans_list(const struct tw_spans *spans,
					    size_t *count);

/* Bring a list into the order that tw_spans_find() needs. */
void tw_spans_sort(struct tw_dotfile_span *list, size_t count);

/*
 * The span of the packet before which the lane had so many events. False, and
 * *span is of any time: there is none.
 */
bool tw_spans_find(const struct tw_dotfile_span *list, size_t count,
		   uint32_t lane, uint64_t before, struct tw_trace_span *span);

#endif
