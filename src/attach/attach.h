/* SPDX-License-Identifier: MIT */
/*
 * Finding rings and getting at their memory, whatever holds it. One source per
 * file: source-process.c, source-file.c; and for memory that may hold several
 * (ram.h) source-vm.c, source-ram.c, source-image.c.
 *
 * Nothing here prints. On failure a function returns a negative errno and
 * fills in struct tw_attach_error with one line that names the target.
 */
#ifndef TRACKWAY_ATTACH_ATTACH_H
#define TRACKWAY_ATTACH_ATTACH_H

#include "../ring/ring-read.h"
#include "../schema/event.h"

#include <sys/types.h>

struct tw_attach_error {
	char text[512]; /* no newline */
};

enum tw_target_state {
	TW_TARGET_RUNNING, /* its process is alive */
	TW_TARGET_CLOSED,  /* ended cleanly; its file was kept */
	TW_TARGET_ORPHAN,  /* ended without saying so: a crash or a kill */
};

/* A ring that a producer of this user has on this host. */
struct tw_target {
	char *path; /* of the ring file; or a memory and a place in it */
	char *name; /* the producer's */
	pid_t pid;  /* of the process to talk of: the producer or its heir */
	enum tw_target_state state;
	uint64_t started_ns;  /* CLOCK_REALTIME when the ring was made */
	uint64_t size;	      /* of the ring's pages, bytes */
	uint32_t event_count; /* that can be switched */
	uint32_t enabled_count;
};

/*
 * Every ring of this user: files in the runtime directories. Sorted by name,
 * then pid. Files that are no ring are skipped; of a ring that is too new to be
 * read error->text tells, and is empty otherwise. 0, or an error; *list is
 * freed with tw_targets_destroy().
 */
int tw_targets_list(struct tw_target **list, size_t *count,
		    struct tw_attach_error *error);
void tw_targets_destroy(struct tw_target *list, size_t count);

/* A ring and its events, opened. One thread's. */
struct tw_attach {
	struct tw_ring_reader ring;
	struct tw_target target;
	bool writable;
	/* What comes has an end of its own, up to which it is to be read, and
	 * its pages must be given back for more to come: a channel's. */
	bool has_end;
	/* The groups so far, by their entry in the ring's group table. */
	uint32_t group_count;
	struct tw_ring_group *groups;
	struct tw_schema **schemas; /* NULL where a schema can't be read */
	/* id to event, for struct tw_decoder; grows with tw_attach_refresh(),
	 * and pointers in it stay good until tw_attach_close(). */
	const struct tw_event_desc **lookup;
	uint32_t lookup_count;
	void *source;
};

/*
 * Open what spec names: a PID ("1234" or "pid:1234"), a producer's NAME (its
 * only ring, or the only running one), the path of a ring file ("ring:PATH", or
 * anything with a "/" in it), or a memory with one ring in it or a ring of it
 * (vm:, ram:, image:, see ram.h). Not a channel (channel.h). Errors, a line
 * each: no such target; several (they are listed); not this user's; a newer
 * ABI; truncated; no ring. writable: fail if the ring can't be written to.
 */
int tw_attach_open(const char *spec, bool writable, struct tw_attach **attach,
		   struct tw_attach_error *error);
void tw_attach_close(struct tw_attach *attach);

/*
 * Look for groups that came since the last look. Returns 1 if there are any, 0
 * if not, or an error.
 */
int tw_attach_refresh(struct tw_attach *attach, struct tw_attach_error *error);

/*
 * Whether the producer is still alive. Cheap; may be called in a loop. Keeps
 * target.state and, when a forked child takes over, target.pid up to date.
 */
bool tw_attach_is_alive(struct tw_attach *attach);

/*
 * Sleep until the ring's head is no longer head, the producer ends, or
 * timeout_ms is over (-1: no limit); a signal ends it as well. 0 or -EINTR.
 */
int tw_attach_wait(struct tw_attach *attach, uint32_t head, int timeout_ms);

/*
 * Walk events: the state (0, 1, or -ENODEV: unavailable) of an id, and setting
 * it. -ENOENT: no such id.
 */
int tw_attach_event_state(struct tw_attach *attach, uint32_t id);
int tw_attach_set_event_state(struct tw_attach *attach, uint32_t id, bool on);

/*
 * A copy of a parsed schema whose fields all have sizes, for a target whose
 * pointers and longs have word_size bytes. NULL: no memory.
 */
struct tw_schema *tw_attach_resolve_schema(const struct tw_schema *schema,
					   uint8_t word_size);

#endif
