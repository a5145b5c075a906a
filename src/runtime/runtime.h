/* SPDX-License-Identifier: MIT */
/*
 * What the hosted runtime's files share. One runtime a process; its ring is
 * mapped at one address for the life of the process, forks included, so that
 * what points into it stays good.
 *
 *	runtime.c	start, stop, what goes wrong
 *	options.c	the environment, sizes, modes
 *	ring-file.c	the file: directory, creation, removal, leftovers
 *	ring-place.c	memory that is there already, in place of a file
 *	group.c		groups: state bytes, schemas, patterns
 *	event.c		the C API on events
 *	lane.c		threads' lanes: all of an event that is not the hot path
 *	trace-option.c	the option of a command line
 *	fork.c		a child's way to a ring of its own
 *	clock.c		which clock, and its moments
 *	log.c		the log backend
 *	ftrace.c	the ftrace backend
 */
#ifndef TRACKWAY_RUNTIME_RUNTIME_H
#define TRACKWAY_RUNTIME_RUNTIME_H

#include "../ring/atomic.h"
#include "../ring/ring-write.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/types.h>
#include <trackway/emit.h>
#include <trackway/trackway.h>

#define TW_PATTERNS_SIZE 4096u
#define TW_APPLIED_SIZE (256u << 10)
#define TW_ERROR_SIZE 256u
#define TW_LANES 1024u
#define TW_GROUPS 512u
#define TW_HEAP_SIZE (16u << 20)
#define TW_RING_SIZE_DEFAULT (16u << 20)
#define TW_RING_SIZE_MIN (64u << 10)
#define TW_RING_SIZE_LARGEST (1ull << 40)
#define TW_BLOCK_MS_DEFAULT 100u

enum tw_runtime_state {
	TW_RUNTIME_NEW,	    /* nothing asked of it yet */
	TW_RUNTIME_READY,   /* has a ring */
	TW_RUNTIME_FORKED,  /* in a child: still its parent's ring */
	TW_RUNTIME_MOVING,  /* in a child: on the way to its own */
	TW_RUNTIME_STOPPED, /* by tw_runtime_stop() */
	TW_RUNTIME_FAILED,  /* no ring: error says why */
};

/* How to make a ring; strings are kept, not pointed to. */
struct tw_settings {
	bool off;
	bool keep;   /* TRACKWAY_KEEP: leave the file at a clean exit */
	bool manual; /* wait for tw_runtime_start() */
	bool log_timestamp;
	bool clock_monotonic; /* TRACKWAY_CLOCK=monotonic */
	uint32_t mode;
	uint32_t block_ms;
	uint64_t ring_size;
	char name[TW_RING_NAME_SIZE];
	char directory[PATH_MAX];
	char place[PATH_MAX]; /* TRACKWAY_RING; empty: a file in directory */
	char patterns[TW_PATTERNS_SIZE];
};

struct tw_runtime {
	uint32_t state; /* enum tw_runtime_state */
	struct tw_ring ring;
	struct tw_ring_layout layout;
	struct tw_settings settings;
	char *applied; /* by tw_event_apply(): a list; NULL: nothing yet */
	pid_t pid;     /* the ring's owner */
	uint32_t generation;
	uint32_t clock_kind;
	uint64_t last_sync;	  /* ticks */
	uint64_t no_memory_until; /* ticks: pages can't be had */
	uint32_t missed; /* events while a child's ring was being made */
	uint64_t heap_used;
	uint64_t inode;		 /* of the ring file */
	struct tw_group *groups; /* registered and not unregistered */
	pthread_mutex_t mutex;	 /* groups, start, stop; held over fork */
	char path[PATH_MAX];
	char error[TW_ERROR_SIZE];
};

extern struct tw_runtime tw_runtime;

/* runtime.c: a ring if there can be one; the mutex is held. */
void tw_runtime_begin(void);
/* Keep in one line why there is no ring. Signal-safe. */
void tw_runtime_fail(const char *what, const char *detail, int error);
/* All of a fresh ring's control block that tw_ring_init() leaves. Signal-safe.
 */
void tw_runtime_fill_control(struct tw_ring_control *control);
/* An event that found no lane, or a child's ring not yet there: it is counted
 * in the ring as soon as there is one. Signal-safe. */
void tw_runtime_count_missed(void);
/* Once there is one. Signal-safe. */
void tw_runtime_settle_missed(void);
/* Wake the readers that sleep on a ring, if any. Signal-safe. */
void tw_runtime_wake(struct tw_ring *ring);
/* The size of pages where all of them have so much. */
uint32_t tw_runtime_page_size(uint64_t ring_size);

/* options.c */
void tw_settings_defaults(struct tw_settings *settings);
/* Read the environment; 0, or -EINVAL with the error kept. */
int tw_settings_read(struct tw_settings *settings);
int tw_settings_parse_mode(struct tw_settings *settings, const char *text);
/* "64K", "16M", "1G", plain bytes. 0 if it is no size. */
uint64_t tw_settings_parse_size(const char *text);
int tw_settings_copy(char *to, size_t size, const char *text);
void tw_settings_set_name(struct tw_settings *settings, const char *name);

/*
 * ring-file.c. Create the file of tw_runtime.pid and map it anywhere. Returns
 * the mapping, or NULL with errno and the error kept. Signal-safe.
 */
void *tw_ring_file_create(void);
/* Remove the file, unless it is not ours, a forked child lives on it, or it is
 * to be kept. */
void tw_ring_file_remove(void);
/* Remove what earlier processes of this name left, but for a few crashes. */
void tw_ring_file_tidy(void);
/* Memory that can't be had shows here, not as a SIGBUS later. 0: none. */
int tw_ring_file_populate(void *memory, size_t size);
/* The same for what tw_ring_init() writes, and claims look at. */
bool tw_ring_file_populate_tables(uint8_t *memory);
int tw_ring_file_prepare_page(const struct tw_ring *ring, uint32_t index);
/* Whether any process in heirs, but this one, has the file of this inode. */
bool tw_ring_file_has_heir(const uint32_t heirs[TW_RING_HEIRS], uint64_t inode);

/*
 * ring-place.c. Lay the ring over all of settings.place and map it. Returns the
 * mapping, or NULL with errno and the error kept.
 */
void *tw_ring_place_take(void);
/* A second mapping of a part of it, by its path, where mremap() can't: what a
 * device maps. MAP_FAILED if it can't be had. Signal-safe. */
void *tw_ring_place_map_again(uint64_t offset, size_t size);

/* group.c: all with the mutex held, but for tw_group_map(). */
void tw_group_add_all(void);
void tw_group_set_all_off(void);
/* Lay the ring's state bytes over the group's; signal-safe. */
bool tw_group_map(struct tw_group *group);
/* Lay private zeros over them instead: off for good. Signal-safe. */
void tw_group_unmap(struct tw_group *group);
/* Apply patterns to one entry, or to all (NULL). Returns states set. */
int tw_group_apply(const struct tw_ring_group *only, const char *patterns);

/* Every event of every registered group, ring or no ring, in their order. fn
 * may not call back. */
typedef void (*tw_group_event_fn)(void *context, const char *name,
				  bool compiled_out);
void tw_group_each_event(tw_group_event_fn fn, void *context);

/* What parts the patterns of a list. */
#define TW_PATTERN_BLANKS ", \t\n"

/* The next pattern of a list as of TRACKWAY_EVENTS; text is not terminated. */
struct tw_pattern {
	const char *text;
	size_t size;
	bool on;
};
bool tw_pattern_next(const char **patterns, struct tw_pattern *pattern);

/* group.c, event.c: the events behind an entry, in the ring's own memory. */
struct tw_states *tw_group_states(const struct tw_ring_group *entry);
const struct tw_blob_event *tw_group_event(const struct tw_ring_group *entry,
					   uint32_t index);
const char *tw_group_event_name(const struct tw_ring_group *entry,
				uint32_t index);

/* lane.c */
int tw_lanes_create(void);
/* This thread begins anew, with no lane. */
void tw_lanes_forget_own(void);
/* The same in a forked child, which has but this thread. */
void tw_lanes_enter_child(void);
/* Before a fork: whether it comes in the middle of an event of this thread. */
bool tw_lanes_note_interrupted(void);
/* Keep what such an event writes to from everybody in the child's ring. */
void tw_lanes_keep_interrupted(struct tw_ring *ring);
/* No thread's lane is good any more: the ring is closed. */
void tw_lanes_void(void);

/* fork.c */
int tw_fork_install(void);
/* This is a child that the handlers have not seen (a bare clone()), or that
 * they are just seeing. Signal-safe. */
void tw_fork_enter_child(void);
/* In a child, at its first event: make its own ring. Signal-safe. */
void tw_fork_move(void);
/* Wait for forked children that have not said their pid yet. */
void tw_fork_settle(void);
/* A child needs its parent's ring no more. Signal-safe. */
void tw_fork_leave(void);

/* clock.c */
void tw_clock_choose(void);
uint64_t tw_clock_now(void);
void tw_clock_moment(struct tw_ring_sync *moment);
/* Renew the control block's sync_last if it is old. now: ticks. */
void tw_clock_refresh(struct tw_ring_control *control, uint64_t now,
		      bool force);

#endif
