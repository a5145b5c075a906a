/* SPDX-License-Identifier: MIT */
/*
 * The clock of a ring in a guest's memory, by what a reader of that ring gets
 * to know: events that were there to be read, beacons that came back in pages,
 * answers. It is struct tw_clock (src/clock/clock.h), fed from pages, and
 * speaks CLOCK_REALTIME. One thread's. Nothing of it fails: what there is no
 * memory for is not known.
 */
#ifndef TRACKWAY_TRACE_GUEST_CLOCK_H
#define TRACKWAY_TRACE_GUEST_CLOCK_H

#include "../clock/clock.h"
#include "dotfile.h"
#include "drain.h"
#include "read.h"
#include "timebase.h"

struct tw_guest_clock;

struct tw_guest_clock_options {
	uint64_t hz;	  /* as the guest says, or one likely; 0: not known */
	uint64_t real_ns; /* CLOCK_REALTIME less CLOCK_MONOTONIC */
	uint32_t points;  /* as in struct tw_clock_options */
	/* When it may next be waited for long, CLOCK_MONOTONIC: shared by all
	 * that are looked at in turns, so that many guests don't take up all
	 * the time. */
	uint64_t *wait_ns;
	bool keeps_spans; /* for tw_guest_clock_keep() */
};

/* attach must outlive tw_guest_clock_detach(). NULL: no memory. */
struct tw_guest_clock *tw_guest_clock_create(
	struct tw_attach *attach, const struct tw_guest_clock_options *options);

/* What a recording has kept, for reading alone. NULL: nothing, or no memory. */
struct tw_guest_clock *tw_guest_clock_open(const struct tw_dotfile_clock *kept);

/* NULL is none. */
void tw_guest_clock_destroy(struct tw_guest_clock *clock);

/* The ring is gone, or will not be looked at any more. */
void tw_guest_clock_detach(struct tw_guest_clock *clock);

/* Ask the guest what it shows: at each look at its ring. Takes some
 * microseconds, and now and then, if it has answered before, 15 ms at most. */
void tw_guest_clock_ask(struct tw_guest_clock *clock);

/*
 * What a page says that has just been copied. *span: when its events were, as
 * far as that is known otherwise.
 */
void tw_guest_clock_page(struct tw_guest_clock *clock,
			 const struct tw_drain_page *part,
			 struct tw_trace_span *span);

/* Whether looking on for a moment will make its times much better. */
bool tw_guest_clock_wants_more(const struct tw_guest_clock *clock);

/*
 * When it showed ticks: a tw_place_fn's. time->time_ns: what is likely, which
 * counts where only one side is known.
 */
void tw_guest_clock_place(struct tw_guest_clock *clock, uint64_t ticks,
			  const struct tw_trace_span *span,
			  struct tw_trace_time *time);

/*
 * The best straight line of the epoch that has the most constraints, with how
 * far off that is. False: there is none.
 */
bool tw_guest_clock_line(struct tw_guest_clock *clock,
			 struct tw_timebase *timebase);

/* What a recording is to keep; its pairs and spans are the caller's, to free().
 * May take some ms. 0 or -ENOMEM. */
int tw_guest_clock_keep(struct tw_guest_clock *clock,
			struct tw_dotfile_clock *kept);

#endif
