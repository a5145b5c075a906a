/* SPDX-License-Identifier: MIT */
/*
 * Inside of reading: what read.c (merging) shares with the two places that
 * packets come from, read-ring.c and read-directory.c.
 */
#ifndef TRACKWAY_TRACE_SOURCE_H
#define TRACKWAY_TRACE_SOURCE_H

#include "dotfile.h"
#include "guest-clock.h"
#include "read.h"
#include "sighting.h"

/* A page that was taken out of a ring, waiting for its turn. */
struct tw_queued {
	struct tw_queued *next;
	struct tw_trace_packet packet; /* page points to data */
	uint8_t data[];
};

/* A stream file, read in pieces. */
struct tw_stream {
	char name[32]; /* in the producer's directory; "" : none */
	uint64_t at;   /* offset in the file of the next packet */
	uint8_t *data; /* a piece of the file, from offset start */
	size_t room;
	uint64_t start;
	size_t size;
	bool ended;
};

/* One lane of one producer, and where its reading stands. */
struct tw_cursor {
	struct tw_record record; /* the current one */
	struct tw_page_walk walk;
	struct tw_trace_span span; /* of the packet that is walked */
	struct tw_source *source;
	bool has_record; /* one that is still to be given out, or was last */
	bool has_tail; /* the loss after the last packet is still to be said */
	uint64_t held_ns;  /* how far the hold-back was when it came to hold the
			      record; 0: it doesn't */
	uint64_t after_ns; /* the time of the record before, to stay behind */
	/* Rings */
	struct tw_queued *queue;
	struct tw_queued **queue_end;
	struct tw_queued *current;
	/* Directories */
	struct tw_stream stream;
	uint64_t known; /* events written so far, by the packets' headers */
	uint64_t discarded;
	uint64_t tail_lost;
	uint64_t tail_discarded;
	struct tw_trace_lane totals;
};

/*
 * When a clock showed ticks, where a timebase doesn't say it well enough. span:
 * of the event's packet. Within a lane, later events must not get earlier
 * times.
 */
typedef void (*tw_place_fn)(void *context, uint64_t ticks,
			    const struct tw_trace_span *span,
			    struct tw_trace_time *time);

struct tw_source;

/* Where a producer's packets come from. */
struct tw_source_kind {
	/* Packets of a lane, in order: 1 and the packet, which stays good
	 * until the next call for this lane; 0: none now. */
	int (*packet)(struct tw_cursor *cursor, struct tw_trace_packet *packet);
	/* One pass; 1 if more may come, 0 if it is at its end, or an error.
	 * NULL: all is there. */
	int (*poll)(struct tw_source *source, bool finish,
		    struct tw_attach_error *error);
	/* What it has in tw_source.foreign; NULL: nothing. */
	void (*destroy)(struct tw_source *source);
};

/* One producer. */
struct tw_source {
	struct tw_trace_producer producer;
	struct tw_trace *trace;
	const struct tw_source_kind *kind;
	tw_place_fn place; /* NULL: the timebase says it */
	void *place_context;
	struct tw_cursor **cursors; /* by lane; NULL: nothing seen of it */
	uint32_t lane_count;
	uint64_t no_lane;
	bool has_no_lane; /* that is still to be said */
	char *name;
	char *path;
	/* Rings */
	struct tw_attach *attach;
	struct tw_drain *drain;
	struct tw_moments own;
	struct tw_moments *moments;
	struct tw_sightings sightings;
	/* Of a ring in a guest's memory, also when it is recorded; or NULL */
	struct tw_guest_clock *clock;
	uint64_t host_hz;	/* of the host's clock of the same kind, or 0 */
	uint64_t remembered_ns; /* CLOCK_MONOTONIC: tw_drain_remember() */
	bool polled;		/* what comes now was not there before */
	/* Directories */
	int dirfd;
	struct tw_dotfile dotfile;
	struct tw_schema **schemas;
	size_t schema_count;
	const struct tw_event_desc **lookup;
	/* Other tracers' events, read-foreign.h; lookup and schemas too */
	struct tw_foreign *foreign;
};

/* read.c */
struct tw_source *tw_source_create(struct tw_trace *trace,
				   const struct tw_source_kind *kind);
void tw_source_destroy(struct tw_source *source);
/* Make it the trace's next producer. */
int tw_source_add(struct tw_source *source);
/* The lane's cursor, made if it is the first time. NULL: no memory. */
struct tw_cursor *tw_source_cursor(struct tw_source *source, uint32_t lane);
/* From now on this clock says its times; the source's. */
void tw_source_set_clock(struct tw_source *source,
			 struct tw_guest_clock *clock);
/* How far off its times may be, from now on. */
void tw_source_set_bounds(struct tw_source *source, uint64_t plus_ns,
			  uint64_t minus_ns);
struct tw_host_clocks *tw_trace_host_clocks(struct tw_trace *trace);
/* Stream files in all producers, each with a buffer. */
void tw_trace_add_stream(struct tw_trace *trace);
uint32_t tw_trace_stream_count(const struct tw_trace *trace);
void tw_trace_warn(struct tw_trace *trace, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int tw_trace_fail(struct tw_attach_error *error, int code, const char *format,
		  ...) __attribute__((format(printf, 3, 4)));

/* read-ring.c */
void tw_ring_fit(struct tw_source *source);
/* Its rate, if that is not a guess; 0: nothing is known of it. */
uint64_t tw_ring_rate(const struct tw_source *source);
/* The name of a lane that is not finished. */
void tw_ring_lane_name(struct tw_source *source, uint32_t lane, char *name,
		       uint32_t *tid);

/* read-directory.c: add a trace directory of ours, or one of its producers.
 * The number of producers in it, or an error. */
int tw_directory_add(struct tw_trace *trace, const char *path,
		     struct tw_attach_error *error);
/* Whether it is one. */
bool tw_directory_is_own(const char *path);

#endif
