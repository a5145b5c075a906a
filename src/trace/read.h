/* SPDX-License-Identifier: MIT */
/*
 * Reading events back in the order of time, out of any number of producers:
 * live rings, rings of dead processes, trace directories.
 *
 * A trace is filled with tw_trace_add_...(), its rings are looked into by
 * tw_trace_poll(), and tw_trace_next() gives record after record: events, and
 * where events were lost. Or tw_trace_packets() gives the packets as they lie,
 * for those who only count. One thread's. Errors: a negative errno, and one
 * line in struct tw_attach_error.
 */
#ifndef TRACKWAY_TRACE_READ_H
#define TRACKWAY_TRACE_READ_H

#include "../schema/decode.h"
#include "drain.h"
#include "timebase.h"

struct tw_trace_producer {
	uint32_t index; /* in the trace, from 0 */
	const char *name;
	uint32_t pid;
	const char *path; /* of the ring file or the directory */
	bool is_ring;
	bool running;  /* a ring whose program was alive when it was added */
	bool ended;    /* no more will come */
	bool complete; /* a directory whose recording ended as it should */
	/* Of a ring in a guest's memory: which of those that came one after
	 * another under its name, from 1; 0: it is in no guest's memory. */
	uint32_t epoch;
	uint32_t generation;
	bool gone; /* the ring went before it was read to its end: a reset */
	struct tw_timebase timebase;
	/* How far off its times may be, if that is the same for all. */
	uint64_t plus_ns;
	uint64_t minus_ns;
	struct tw_decoder decoder; /* its events by id, and byte order */
};

/* How far off a time may be: nobody knows. */
#define TW_BOUND_UNKNOWN UINT64_MAX

enum tw_record_marks {
	TW_RECORD_LATE = 1, /* of an earlier time than one given out before it,
			       see tw_trace_hold() */
	TW_RECORD_CLAMPED = 2, /* its producer said a time that can't be */
	TW_RECORD_UNSURE = 4,  /* of more than one epoch of its clock */
};

/*
 * When something was: not before time_ns - minus_ns nor after time_ns +
 * plus_ns. Both are 0 for what is on this host's clock.
 */
struct tw_trace_time {
	uint64_t time_ns; /* since the epoch */
	uint64_t plus_ns;
	uint64_t minus_ns;
	uint32_t marks; /* enum tw_record_marks */
};

enum tw_record_kind {
	TW_RECORD_EVENT,
	TW_RECORD_LOST, /* events of this lane are missing here */
};

#define TW_NO_LANE UINT32_MAX

struct tw_record {
	enum tw_record_kind kind;
	const struct tw_trace_producer *producer;
	uint32_t lane; /* TW_NO_LANE: lost for want of one */
	uint32_t tid;
	uint32_t level;
	uint32_t marks;	  /* enum tw_record_marks */
	uint64_t time_ns; /* since the epoch: what records are sorted by */
	uint64_t plus_ns; /* as in struct tw_trace_time */
	uint64_t minus_ns;
	struct tw_decoded event;
	uint64_t lost;	    /* of TW_RECORD_LOST: overwritten unread, */
	uint64_t discarded; /* and never written */
};

struct tw_trace;

int tw_trace_create(struct tw_trace **trace);
void tw_trace_destroy(struct tw_trace *trace);

/*
 * Begin with what another trace's owner knows of this host's clocks, which is
 * copied: so that to add a guest's ring takes no time to learn it. With wait_ns
 * UINT64_MAX no guest is waited for either.
 */
void tw_trace_use_clocks(struct tw_trace *trace,
			 const struct tw_host_clocks *clocks);

/* Whether path is a directory that holds a trace, of one producer or more. */
bool tw_trace_is_directory(const char *path);

/* Add a trace directory, or that of one of its producers. */
int tw_trace_add_directory(struct tw_trace *trace, const char *path,
			   struct tw_attach_error *error);

/*
 * Add a ring, which is the trace's from now on, at an error as well. Also while
 * the trace is being read: its events are among the next.
 */
int tw_trace_add_ring(struct tw_trace *trace, struct tw_attach *attach,
		      const struct tw_drain_options *options,
		      struct tw_attach_error *error);

/* The same for a ring in a guest's memory: its epoch is 1 or more. */
int tw_trace_add_guest(struct tw_trace *trace, struct tw_attach *attach,
		       const struct tw_drain_options *options, uint32_t epoch,
		       struct tw_attach_error *error);

/*
 * Take what has come in the rings: call it when tw_trace_next() has returned 0.
 * A ring whose producer has ended is taken to its end; so is every ring with
 * finish set, but for those that have an end to wait for (attach.has_end).
 * Returns the number of rings that may bring more, or an error.
 */
int tw_trace_poll(struct tw_trace *trace, bool finish,
		  struct tw_attach_error *error);

/*
 * Whether the rate of some live guest's clock is still to be seen: polls some
 * time apart may show it, if events come. Until then its times are made up.
 */
bool tw_trace_wants_time(const struct tw_trace *trace);

/*
 * Of live rings, give out only what was hold_ns before the last poll, or
 * earlier: by then, what was to come before it in time has been read, as far as
 * no producer took longer than that between reading the clock and having the
 * event written. What comes later all the same, or in a ring that was found
 * late, is given out at once, marked TW_RECORD_LATE and counted. What a clock
 * that is ahead says is held back no longer than anything else. Nothing is held
 * back once no ring may bring more. 0: as it comes, which is how a trace
 * begins.
 */
void tw_trace_hold(struct tw_trace *trace, uint64_t hold_ns);

struct tw_trace_late {
	uint64_t records;
	uint64_t most_ns; /* the latest was so much behind */
};
void tw_trace_late(const struct tw_trace *trace, struct tw_trace_late *late);

/*
 * The next record in time: 1 and *record, good until the next call; 0: no more
 * for now, or for good once nothing may bring more; -ENOMEM. What can't be read
 * is passed over, with a warning.
 *
 * Records of one time come by producer (its index), then by lane (its number),
 * then as they stand in the lane; so the same trace always reads the same. A
 * record of loss has the time of what follows it in its lane, or of what was
 * before it at a lane's end; loss of no lane comes last.
 */
int tw_trace_next(struct tw_trace *trace, const struct tw_record **record);

/* When something was at the earliest and at the latest, by when other things
 * happened: CLOCK_MONOTONIC, ns; 0: not known. */
struct tw_trace_span {
	uint64_t from_ns;
	uint64_t to_ns;
};

/* A packet, or what of it is new. */
struct tw_trace_packet {
	const struct tw_trace_producer *producer;
	uint32_t lane;
	uint32_t tid;
	uint32_t level;
	const uint8_t *page; /* header and content; good during the callback */
	uint32_t from;	     /* where its events begin, bytes */
	uint32_t size;	     /* where they end, bytes */
	uint32_t events;     /* as its header says */
	uint64_t time_from;  /* ticks: none of the events is earlier */
	uint64_t time_end;   /* ticks */
	uint64_t lost;
	uint64_t discarded;
	struct tw_trace_span span; /* its events were within it */
};
typedef int (*tw_trace_packet_fn)(void *context,
				  const struct tw_trace_packet *packet);

/*
 * All packets that tw_trace_next() would go through, lane by lane: instead of
 * it. Ends early with what the callback returns, if that is not 0.
 */
int tw_trace_packets(struct tw_trace *trace, tw_trace_packet_fn fn,
		     void *context);

/*
 * Count a packet's events without decoding them: counts[id] and bytes[id]
 * (header and fields) grow; both have room for TW_EVENTS_MAX. Returns how many
 * there are, or -EBADMSG with all before the unreadable one counted.
 */
int64_t tw_trace_count(const struct tw_trace_packet *packet, uint64_t *counts,
		       uint64_t *bytes);

/* Producers 0 to count - 1; the pointers stay good. */
uint32_t tw_trace_producer_count(const struct tw_trace *trace);
const struct tw_trace_producer *tw_trace_producer(const struct tw_trace *trace,
						  uint32_t index);

/*
 * Where a producer's ring has been read to, by the last poll: for another who
 * goes on from there (tw_drain_options.after). NULL: it is no ring, or no more
 * comes. Good until the next poll.
 */
const struct tw_drain *tw_trace_drain(const struct tw_trace *trace,
				      uint32_t producer);

/* The other has begun: no more is read of this ring. */
void tw_trace_leave(struct tw_trace *trace, uint32_t producer);

/* When a producer's clock showed ticks. */
void tw_trace_when(const struct tw_trace *trace, uint32_t producer,
		   uint64_t ticks, struct tw_trace_time *time);

/* What has been read of a lane so far. */
struct tw_trace_lane {
	uint32_t lane;
	uint32_t tid;
	uint32_t level;
	char name[17]; /* NUL-terminated */
	uint64_t events;
	uint64_t lost;
	uint64_t discarded;
};

/* 1, 0 if nothing is known of that lane. Lanes are 0 to count - 1. */
uint32_t tw_trace_lane_count(const struct tw_trace *trace, uint32_t producer);
int tw_trace_lane(struct tw_trace *trace, uint32_t producer, uint32_t index,
		  struct tw_trace_lane *lane);

/* Events of a producer that found no lane; known once it has ended. */
uint64_t tw_trace_no_lane(const struct tw_trace *trace, uint32_t producer);

/* Lines about what could not be read, so far; no newline in them. */
size_t tw_trace_warning_count(const struct tw_trace *trace);
const char *tw_trace_warning(const struct tw_trace *trace, size_t index);

#endif
