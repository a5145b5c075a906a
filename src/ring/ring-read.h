/* SPDX-License-Identifier: MIT */
/*
 * The read side of a ring that lies in any memory: the ring is copied piece by
 * piece, every copy checked, nothing in it believed. Freestanding; no call
 * here blocks, allocates or takes a lock. A reader is one thread's; any number
 * of readers may read one ring.
 *
 * Errors: -EBADMSG the memory holds no ring or a broken one; -EPROTONOSUPPORT
 * a newer major version; -EAGAIN the page changed while it was read;
 * or whatever the memory's read returned. tw_ring_reader.why says it in words.
 */
#ifndef TRACKWAY_RING_READ_H
#define TRACKWAY_RING_READ_H

#include <trackway/ring.h>

/*
 * Where a ring lies. read() and write() move exactly size bytes at offset (from
 * the control block) or return a negative errno; they are given only ranges
 * inside [0, size). read() need not move words at once, but must not answer
 * out of a cache. base is the memory itself where it is mapped, aligned to 8
 * bytes, else NULL (then read() is used). write may be NULL: read only.
 * exchange() is for memory without base: it stores the 4 bytes desired at
 * offset if they are expected, else returns -EAGAIN; no other reader's exchange
 * may come in between, whereas a writer's is kept off by
 * tw_ring_page_release(). It may be NULL: pages can't be given back.
 */
struct tw_memory {
	const void *base;
	uint64_t size;
	void *context;
	int (*read)(void *context, uint64_t offset, void *to, size_t size);
	int (*write)(void *context, uint64_t offset, const void *from,
		     size_t size);
	int (*exchange)(void *context, uint64_t offset, uint32_t expected,
			uint32_t desired);
};

struct tw_ring_reader {
	struct tw_memory memory;
	/* The control block as first read, in this machine's byte order;
	 * geometry is pinned here and never read again. */
	struct tw_ring_control control;
	int swap;	 /* the producer has the other byte order */
	const char *why; /* of the last error, a static string; or NULL */
};

/* A page as copied, header fields in this machine's byte order. */
struct tw_page_view {
	uint32_t index; /* of the page in the ring */
	uint32_t ticket;
	uint32_t state; /* TW_PAGE_OPEN or TW_PAGE_FULL when it was copied */
	uint32_t lane;
	uint32_t tid;
	uint32_t level;
	uint32_t events; /* as the header says; decode to be sure */
	uint32_t size;	 /* content, bytes: >= TW_PAGE_HEADER */
	uint64_t seq;
	uint64_t discarded;
	uint64_t events_before;
	uint64_t time_begin;
	uint64_t time_end;
	uint64_t beacon;
};

/* 1 if these TW_RING_MAGIC_SIZE bytes are a ring's first. */
int tw_ring_is_magic(const void *bytes);

/*
 * Read and check the control block at offset 0 of the memory. 0 or an error;
 * afterwards every place in the geometry lies inside the memory.
 */
int tw_ring_open(struct tw_ring_reader *reader, const struct tw_memory *memory);

/* Numbers in the producer's byte order as this machine's. */
uint16_t tw_ring_u16(const struct tw_ring_reader *reader, uint16_t value);
uint32_t tw_ring_u32(const struct tw_ring_reader *reader, uint32_t value);
uint64_t tw_ring_u64(const struct tw_ring_reader *reader, uint64_t value);

/* The live words of the control block. */
int tw_ring_head(struct tw_ring_reader *reader, uint32_t *head);
int tw_ring_flags(struct tw_ring_reader *reader, uint32_t *flags);
int tw_ring_group_count(struct tw_ring_reader *reader, uint32_t *count);
int tw_ring_discarded(struct tw_ring_reader *reader, uint64_t *discarded);
int tw_ring_heir(struct tw_ring_reader *reader, uint32_t index, uint32_t *pid);
/* A consistent sync_first and sync_last; -EAGAIN if sync_last kept changing. */
int tw_ring_syncs(struct tw_ring_reader *reader, struct tw_ring_sync *first,
		  struct tw_ring_sync *last);

/* Entry index of a table, in this machine's byte order. */
int tw_ring_read_lane(struct tw_ring_reader *reader, uint32_t index,
		      struct tw_ring_lane *lane);
/* Its offsets are inside the memory; -EBADMSG if they are not. */
int tw_ring_read_group(struct tw_ring_reader *reader, uint32_t index,
		       struct tw_ring_group *group);

/* Plain bytes of the ring, e.g. of a schema. -EBADMSG: not inside. */
int tw_ring_read_bytes(struct tw_ring_reader *reader, uint64_t offset, void *to,
		       size_t size);

/*
 * The state bytes of a group: its block's header is checked (magic, uuid,
 * count) before each. event is an index in the group. state returns 0 or 1.
 */
int tw_ring_event_state(struct tw_ring_reader *reader,
			const struct tw_ring_group *group, uint32_t event);
int tw_ring_set_event_state(struct tw_ring_reader *reader,
			    const struct tw_ring_group *group, uint32_t event,
			    int on);

/* Where page index begins. */
uint64_t tw_ring_page_offset(const struct tw_ring_reader *reader,
			     uint32_t index);

/* The state word of page index: ticket and enum tw_page_state. */
int tw_ring_page_state(struct tw_ring_reader *reader, uint32_t index,
		       uint32_t *word);

/*
 * Copy page index up to its commit word into to (control.page_size bytes,
 * aligned to 8, or numbers that change meanwhile may tear; what is behind the
 * content may be anything) and describe it. Not for free or claimed pages
 * (-EAGAIN), nor for one that was taken by a writer meanwhile or is of another
 * ring, its producer's next (-EAGAIN): its content is gone. The bytes copied
 * are left in the producer's byte order. The end, in the header and the view,
 * is no earlier than the last event copied, and no later than any that follows
 * it in the page.
 */
int tw_ring_page_copy(struct tw_ring_reader *reader, uint32_t index, void *to,
		      struct tw_page_view *view);

/*
 * Give back a full page that has been read, so that a writer in TW_RING_DISCARD
 * or TW_RING_BLOCK may take it. -EAGAIN if its ticket is no longer this one.
 * -EROFS without write access, and where the memory has neither base nor
 * exchange() or the mode is TW_RING_OVERWRITE and there is no base: nothing but
 * a real compare-and-swap keeps a page from a writer that takes full ones.
 */
int tw_ring_page_release(struct tw_ring_reader *reader,
			 const struct tw_page_view *view);

#endif
