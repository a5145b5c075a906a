/* SPDX-License-Identifier: MIT */
/*
 * Taking pages out of a live ring, each event once and each lane in order,
 * while its producer goes on writing; and counting what got away.
 *
 * A drain works in passes. A pass reads head, then delivers, oldest ticket
 * first, the pages whose tickets are below head. A lane takes its next ticket
 * only after its page is full, so every earlier page of a lane is readable when
 * a later one has a ticket below head: order within a lane needs no more than
 * that. Only pages that may have changed are looked at.
 *
 * Loss is counted from the numbers that each page carries, never guessed:
 * for every lane, delivered + lost = written since the start.
 *
 * A guest's memory may become another ring's, or nothing, between any two
 * reads. So after a page is copied it is looked whether its ring is still
 * there, by the control block's magic and uuid and by the page's own uuid: a
 * copy that may be of two rings is not delivered. Of a ring that is gone, what
 * was last known of its lanes counts: tw_drain_remember().
 *
 * One thread's. Errors are negative errno values.
 */
#ifndef TRACKWAY_TRACE_DRAIN_H
#define TRACKWAY_TRACE_DRAIN_H

#include "../attach/attach.h"

enum tw_drain_start {
	TW_DRAIN_ALL, /* all since the ring was made: what it no longer holds is
			 lost */
	TW_DRAIN_NOW, /* only events written from now on */
};

struct tw_drain;

struct tw_drain_options {
	enum tw_drain_start start;
	/* Instead of start: go on where this drain of the same ring stands,
	 * which is to make no more passes; so no event is missed between the
	 * two, and none taken twice. NULL: none. */
	const struct tw_drain *after;
	bool open;    /* every pass delivers open pages, as far as they are */
	bool release; /* give full pages back once they are delivered, where
			 the ring's mode asks for it and it can be written to */
};

/* A page, or what of it was not delivered before. Good during the callback. */
struct tw_drain_page {
	const struct tw_page_view *view;
	uint8_t *page;	 /* the copy, in the producer's byte order; may be
			    changed */
	uint32_t from;	 /* bytes: events before this are not to be had */
	uint32_t events; /* from there on */
	uint64_t events_before; /* in the lane, before from */
	uint64_t time_from;	/* ticks: none of the events is earlier */
	uint64_t lost;		/* in this lane just before: overwritten */
	uint64_t discarded;	/* in this lane just before: never written */
};

/* Returns 0, or a negative errno: then the page counts as not delivered. */
typedef int (*tw_drain_fn)(void *context, const struct tw_drain_page *page);

struct tw_drain_lane {
	bool used; /* the rest is zero if not */
	uint32_t tid;
	uint32_t level;
	char name[17];	    /* NUL-terminated */
	uint64_t base;	    /* events written before the start */
	uint64_t delivered; /* events */
	uint64_t lost;	    /* overwritten before they were delivered */
	uint64_t lost_tail; /* those of lost that came after the last page */
	uint64_t discarded; /* never written: since the start */
	uint64_t discarded_tail;
	/* The drain's own. */
	uint64_t discarded_base;
	uint64_t known; /* events written so far, delivered or lost */
	uint64_t seq;	/* the lowest that its next page may have */
};

/*
 * Begin. attach must outlive the drain. TW_DRAIN_NOW: "now" is during this
 * call. *drain is freed with tw_drain_destroy(). 0 or an error; -ESTALE: it is
 * another ring than that of options.after.
 */
int tw_drain_create(struct tw_attach *attach,
		    const struct tw_drain_options *options,
		    struct tw_drain **drain);
void tw_drain_destroy(struct tw_drain *drain);

/*
 * Deliver what has come since the last pass, but stop once budget bytes of
 * pages are delivered (0: no limit). Returns the bytes delivered, or an error,
 * the callback's included.
 */
int64_t tw_drain_pass(struct tw_drain *drain, uint64_t budget, tw_drain_fn fn,
		      void *context);

/*
 * The last pass, open pages included, and the last of the counting: to be
 * called once, when the producer has ended or its events are to be left alone.
 * As tw_drain_pass().
 */
int64_t tw_drain_finish(struct tw_drain *drain, tw_drain_fn fn, void *context);

/*
 * Instead of tw_drain_finish(), where another drain goes on from here
 * (options.after): the last pass, open pages included, but what this one has
 * not come across is for the other to count. As tw_drain_pass(). Nothing is
 * final yet: passes may follow, or tw_drain_finish().
 */
int64_t tw_drain_cut(struct tw_drain *drain, tw_drain_fn fn, void *context);

/*
 * Whether the ring was found gone: its memory holds another one, or none, or
 * can't be read any more. Then passes deliver nothing, and are no errors.
 */
bool tw_drain_is_gone(const struct tw_drain *drain);

/* The same, after a look at the memory. */
bool tw_drain_look(struct tw_drain *drain);

/*
 * Keep what the lane table says now, for tw_drain_finish() in case that the
 * ring is gone by then: to be called now and then for a ring that may go. Its
 * cost is two reads of the table, of which no more than 1 MiB is looked at.
 */
void tw_drain_remember(struct tw_drain *drain);

/* From now on, whether passes deliver open pages: options.open. */
void tw_drain_set_open(struct tw_drain *drain, bool open);

/* The ring's group count, as it was after the last page was copied. */
uint32_t tw_drain_group_count(const struct tw_drain *drain);

/* The ring's head as the last pass found it: for tw_attach_wait(). */
uint32_t tw_drain_head(const struct tw_drain *drain);

/* Lanes 0 to count - 1. Valid until the drain is destroyed. */
uint32_t tw_drain_lane_count(const struct tw_drain *drain);
const struct tw_drain_lane *tw_drain_lane(const struct tw_drain *drain,
					  uint32_t index);

/*
 * Sums over all lanes. lost includes discarded events, and those that found no
 * lane at all.
 */
struct tw_drain_totals {
	uint64_t delivered;
	uint64_t lost;
	uint64_t no_lane; /* those of lost that belong to no lane */
	uint64_t tail;	  /* those of lost behind each lane's last page */
	uint64_t broken;  /* pages that made no sense */
};
void tw_drain_totals(const struct tw_drain *drain,
		     struct tw_drain_totals *totals);

#endif
