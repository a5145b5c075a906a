/* SPDX-License-Identifier: MIT */
/*
 * A ring file read to the last event, every invariant checked on the way: the
 * tests' own reader, on src/ring and src/schema alone. What it finds wrong
 * fails the test that called.
 */
#ifndef TEST_RING_AUDIT_H
#define TEST_RING_AUDIT_H

#include "../../src/ring/ring-read.h"
#include "../../src/schema/decode.h"

#include <stdbool.h>

#define AUDIT_LANES 1024
#define AUDIT_GROUPS 64

/* One event, good for as long as the call that gets it. */
struct audit_event {
	const char *name;
	uint32_t id;
	uint32_t lane;
	uint32_t tid;
	uint32_t level;
	uint64_t time;
	const struct tw_value *values;
};

typedef void (*audit_fn)(void *context, const struct audit_event *event);

/* What is known of a lane so far. */
struct audit_lane {
	uint64_t read;	  /* events given to the caller */
	uint64_t written; /* as of the newest page read */
	uint64_t discarded;
	uint64_t next_seq;
	uint64_t time;
	uint64_t gaps; /* events between pages that were not read */
};

struct audit {
	struct tw_ring_reader reader;
	void *base; /* where it is mapped, or NULL */
	size_t size;
	int file;		 /* where it is not */
	uint8_t *page;		 /* a copy, page_size bytes */
	struct audit_lane *lane; /* AUDIT_LANES of them */
	uint32_t *ticket;	 /* of each page as last read, plus 1 */
	struct tw_schema *schema[AUDIT_GROUPS];
	uint32_t group_count;
	const struct tw_event_desc **lookup; /* TW_EVENTS_MAX of them */
	audit_fn on_event;
	void *context;

	/* Once audit_finish() has been called: */
	uint64_t found;	    /* events read */
	uint64_t written;   /* by all lanes, read or not */
	uint64_t discarded; /* by lanes, and for want of one */
	uint32_t lanes;	    /* ever used */
	uint32_t readable;  /* pages that were full or open */
	uint32_t claimed;   /* pages left between two lives */
};

/* Map the ring file. */
void audit_open(struct audit *audit, const char *path, audit_fn on_event,
		void *context);

/* The same by system calls, for a file whose holes must stay holes. */
void audit_open_unmapped(struct audit *audit, const char *path,
			 audit_fn on_event, void *context);

/* Read each full page that was not read before, oldest first; release: give
 * it back. Returns how many pages. The producer may be running. */
uint32_t audit_drain(struct audit *audit, bool release);

/* Read what is left, open pages included, and add up. Only for a producer that
 * is dead, or that writes nothing meanwhile. */
void audit_finish(struct audit *audit);

void audit_close(struct audit *audit);

/* audit_open(), audit_finish(). */
void audit_all(struct audit *audit, const char *path, audit_fn on_event,
	       void *context);

/* An event's state or id by its name; negative if there is none. */
int audit_event_id(struct audit *audit, const char *name);
int audit_event_state(struct audit *audit, const char *name);
void audit_set_event_state(struct audit *audit, const char *name, bool on);

/* The group entry that has the event. */
struct tw_ring_group audit_group(struct audit *audit, const char *name);

#endif
