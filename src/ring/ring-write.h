/* SPDX-License-Identifier: MIT */
/*
 * The write side of a ring but for the hot path (trackway/writer.h): making a
 * ring, taking lanes, turning pages. Freestanding; nothing here blocks, locks,
 * allocates or makes a system call, and all but tw_ring_layout(),
 * tw_ring_init() and tw_ring_publish() may run in signal handlers and on any
 * number of threads, each on its own struct tw_writer.
 */
#ifndef TRACKWAY_RING_WRITE_H
#define TRACKWAY_RING_WRITE_H

#include <trackway/writer.h>

/* A guest's runtime is one file: what it doesn't call is not in it. */
#ifdef TW_GUEST
#define TW_RING_API static __attribute__((unused))
#else
#define TW_RING_API
#endif

/* The shape of a ring: what the caller wants, and where that puts things. */
struct tw_ring_layout {
	/* in */
	uint32_t control_size; /* bytes, TW_RING_CONTROL_MIN or more */
	uint32_t lane_count;
	uint32_t group_capacity;
	uint32_t page_size;  /* bytes, TW_PAGE_SIZE_MIN or more */
	uint32_t page_count; /* 2 or more */
	uint64_t heap_size;  /* for state blocks and schemas, bytes */
	uint64_t align; /* of heap and pages: a power of two, 8 bytes or more */
	/* out */
	uint64_t lanes_offset;
	uint64_t groups_offset;
	uint64_t heap_offset;
	uint64_t pages_offset;
	uint64_t size; /* of the whole ring, bytes */
};

/* A ring as its producer holds it. */
struct tw_ring {
	uint8_t *base;
	struct tw_ring_control *control;
	struct tw_ring_lane *lanes;
	struct tw_ring_group *groups;
	uint8_t *pages;
	uint32_t page_size;
	uint32_t page_count;
	uint32_t lane_count;
	uint32_t mode; /* enum tw_ring_mode */
	/* Make the memory of a page that was never used sure to be there; 0 if
	 * it can't be had. NULL where memory simply is. */
	int (*prepare_page)(const struct tw_ring *ring, uint32_t index);
};

/* Compute the places. 0, or -1 if the wishes make no ring. Not for guests,
 * whose ring is as large as their memory. */
#ifndef TW_GUEST
int tw_ring_layout(struct tw_ring_layout *layout);
#endif

/*
 * Make a ring of this layout in memory that is aligned to TW_RING_ALIGN and
 * layout->size bytes long. Clears the control block, the tables and the page
 * states, not the heap nor the pages. The caller then fills in the control
 * block's uuid, mode, clock and the rest, and publishes.
 */
TW_RING_API void tw_ring_init(struct tw_ring *ring, void *memory,
			      const struct tw_ring_layout *layout);

/* A handle on a ring that tw_ring_init() has made, e.g. mapped elsewhere. */
TW_RING_API void tw_ring_handle(struct tw_ring *ring, void *memory);

/* Write the magic: from now on readers find the ring. */
TW_RING_API void tw_ring_publish(struct tw_ring *ring);

/* Take the magic away, before the memory becomes something else. */
TW_RING_API void tw_ring_unpublish(struct tw_ring *ring);

/*
 * Give a writer a lane of the lane table: one that an earlier writer left, else
 * a fresh one. Its counts go on where they stood. 0, or -1 if all are in use.
 */
TW_RING_API int tw_writer_attach(struct tw_ring *ring, struct tw_writer *writer,
				 uint32_t tid, uint32_t level);

/* Close the writer's page, if any, and leave the lane to the next writer. */
TW_RING_API void tw_writer_detach(struct tw_ring *ring,
				  struct tw_writer *writer);

/* Close the writer's open page, if any: readers may have it whole. */
TW_RING_API void tw_writer_close(struct tw_ring *ring,
				 struct tw_writer *writer);

enum tw_turn {
	TW_TURN_DONE, /* a page is open, empty */
	TW_TURN_OPEN, /* every page is open in another lane, or has no memory */
	TW_TURN_UNREAD, /* the oldest page is unread, and mode protects it */
};

/*
 * Close the writer's page and open the next one. now: ticks; the page begins
 * there, or at the lane's last event if that was later. beacon: what
 * tw_ring_beacon() gave before the counter was read for now. On failure the
 * writer has no page. The caller holds the writer's lock.
 */
TW_RING_API enum tw_turn tw_writer_turn_after(struct tw_ring *ring,
					      struct tw_writer *writer,
					      uint64_t beacon, uint64_t now);

/* The same where no host writes beacons while the ring is being written. */
#ifndef TW_GUEST
enum tw_turn tw_writer_turn(struct tw_ring *ring, struct tw_writer *writer,
			    uint64_t now);
#endif

/*
 * What a host has written last into the control block's beacon, 0: nothing. A
 * counter that is read from here on shows a later moment than that. Where 8
 * bytes can't be loaded at once, it may be 2^32 ns too early.
 */
TW_RING_API uint64_t tw_ring_beacon(const struct tw_ring *ring);

/* Whether a reader may sleep on head, to be asked after each turn: wake all. */
TW_RING_API int tw_ring_take_waiters(struct tw_ring *ring);

/* Count an event that was not written; writer may be NULL (no lane). */
TW_RING_API void tw_writer_discard(struct tw_ring *ring,
				   struct tw_writer *writer);

/* Where a page's room for events ends. */
TW_RING_API unsigned char *tw_ring_page_end(const struct tw_ring *ring,
					    struct tw_page *page);

/* The trailer of a page. */
TW_RING_API struct tw_page_trailer *tw_ring_trailer(const struct tw_ring *ring,
						    uint32_t index);

/*
 * Testpoints: a place after each side effect that another thread, a reader or
 * a crash may observe. In a build with TW_TESTPOINTS each calls the hook.
 */
enum tw_testpoint {
	TW_AT_CLOSE_COUNTED, /* lane entry has the page's events */
	TW_AT_CLOSE_FULL,    /* the page is full */
	TW_AT_TURN_TICKET,   /* head is advanced */
	TW_AT_TURN_CLAIMED,  /* the page is claimed */
	TW_AT_TURN_HEADER,   /* the page's header is written */
	TW_AT_TURN_ENTRY,    /* the lane entry names the page */
	TW_AT_TURN_OPEN,     /* the page is open */
	TW_AT_ATTACH_USED,   /* the lane is taken */
	TW_AT_DETACH_IDLE,   /* the lane is given back */
	TW_AT_COUNT,
};

#ifdef TW_TESTPOINTS
extern void (*tw_testpoint_hook)(enum tw_testpoint at);
#define TW_TESTPOINT(at)                       \
	do {                                   \
		if (tw_testpoint_hook)         \
			tw_testpoint_hook(at); \
	} while (0)
/* Between two halves of 8 bytes, where they can't be moved at once. */
extern void (*tw_testpoint_halves)(void);
#define TW_TESTPOINT_HALVES()                  \
	do {                                   \
		if (tw_testpoint_halves)       \
			tw_testpoint_halves(); \
	} while (0)
#else
#define TW_TESTPOINT(at) ((void)0)
#define TW_TESTPOINT_HALVES() ((void)0)
#endif

#endif
