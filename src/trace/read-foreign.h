/* SPDX-License-Identifier: MIT */
/*
 * Inside of reading: what the readers of other tracers' events have in common.
 *
 * A reader gives its events one after the other, as typed fields packed like a
 * ring's, with times since the epoch. They become packets of one lane (a
 * thread's number is a packet's, and so may change from event to event), so
 * that all that is done with packets is done with them. Events that are a
 * little out of order, as some tracers write them, are put in order; no more
 * of a file is in memory than that takes.
 */
#ifndef TRACKWAY_TRACE_READ_FOREIGN_H
#define TRACKWAY_TRACE_READ_FOREIGN_H

#include "../schema/arena.h"
#include "../schema/format.h"
#include "foreign.h"
#include "source.h"

/* Of an event's fields, bytes: what is longer is cut by its reader. */
#define TW_FOREIGN_SIZE_MAX (256u << 10)

enum tw_foreign_more {
	TW_FOREIGN_MORE, /* ask again */
	TW_FOREIGN_IDLE, /* nothing now; some may come */
	TW_FOREIGN_END,
};

struct tw_foreign;

/* What a reader is. */
struct tw_foreign_kind {
	const char *prefix; /* of targets: "qemu-log:" */
	bool wants_events;  /* trace-events files */
	/* Set foreign->reader, and source->name and whatever is known of the
	 * producer. */
	int (*open)(struct tw_foreign *foreign, struct tw_attach_error *error);
	/* Give some events with tw_foreign_put(): enum tw_foreign_more, or
	 * -ENOMEM. With foreign->finish, what is incomplete is all there is. */
	int (*read)(struct tw_foreign *foreign);
	void (*close)(void *reader);
};

extern const struct tw_foreign_kind tw_foreign_qemu_log;
extern const struct tw_foreign_kind tw_foreign_simpletrace;
extern const struct tw_foreign_kind tw_foreign_ctf;

/* An event that waits for its turn. */
struct tw_foreign_event {
	uint64_t time_ns;
	uint64_t lost;	    /* before it */
	uint64_t discarded; /* likewise */
	uint64_t order;
	size_t at;     /* of its fields in bytes */
	uint32_t size; /* of them */
	uint32_t tid;
	uint32_t id;
};

struct tw_foreign {
	const struct tw_foreign_kind *kind;
	struct tw_source *source;
	const char *path; /* source->path, less the prefix */
	const struct tw_foreign_options *options;
	bool follow;
	bool finish; /* no more than is there is wanted */
	void *reader;
	/* Events: the files' first, from id 0 on. */
	struct tw_arena *arena;
	uint32_t declared; /* in the files */
	uint32_t event_count;
	uint32_t *by_name; /* ids + 1 of the declared ones, hashed */
	size_t by_name_room;
	uint32_t *text_ids; /* tw_foreign_text_twin(), + 1 */
	/* Waiting. */
	struct tw_foreign_event *events;
	size_t count;
	size_t ready; /* the first so many are in order */
	size_t next;
	struct tw_text bytes;
	uint64_t order;
	uint64_t lost;
	uint64_t discarded;
	bool ended;
	int error;
	struct tw_text packet;
};

/* The declared event of this name: its id, or -1. */
int64_t tw_foreign_find(const struct tw_foreign *foreign, const char *name,
			size_t size);

/* Make one more event. desc's texts and fields are kept as they are given: in
 * foreign->arena, for one. Its id, -E2BIG or -ENOMEM. */
int64_t tw_foreign_declare(struct tw_foreign *foreign,
			   const struct tw_event_desc *desc);

/* The same for one whose only field is a string, "text". name is copied. */
int64_t tw_foreign_declare_text(struct tw_foreign *foreign, const char *name,
				size_t size);

/* The same for an event that can't be read by its declaration: once made, it
 * is kept. */
int64_t tw_foreign_text_twin(struct tw_foreign *foreign, uint32_t id);

/* An event. Its fields are copied. 0 or -ENOMEM. */
int tw_foreign_put(struct tw_foreign *foreign, uint64_t time_ns, uint32_t tid,
		   int64_t id, const void *fields, size_t size);

/* The same for one with a text: NULs in it become "\0", its end is cut. */
int tw_foreign_put_text(struct tw_foreign *foreign, uint64_t time_ns,
			uint32_t tid, int64_t id, const char *text,
			size_t size);

/* Events are missing before the next one. */
void tw_foreign_lose(struct tw_foreign *foreign, uint64_t lost,
		     uint64_t discarded);

/* Add one producer: the trace's path behind a prefix, which is empty or the
 * kind's. events: its own trace-events file, or NULL. */
int tw_foreign_add(struct tw_trace *trace, const struct tw_foreign_kind *kind,
		   const char *prefix, const char *path, const char *events,
		   const struct tw_foreign_options *options,
		   struct tw_attach_error *error);

/* find-ctf.c: whether there is a CTF trace in the directory or below it, and
 * all of them added, each a producer. own: Trackway's recordings too. */
bool tw_ctf_is_in(const char *path);
int tw_ctf_add_all(struct tw_trace *trace, const char *path, bool own,
		   struct tw_attach_error *error);

#endif
