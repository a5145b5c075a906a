/* SPDX-License-Identifier: MIT */
/*
 * The ring as it lies in memory: the contract between a producer and every
 * reader, whatever the two run on. Freestanding.
 *
 *	control block | lane table | group table | state blocks, schemas | pages
 *
 * All numbers are in the producer's byte order; places are byte offsets from
 * the control block's first byte, never pointers. A reader treats everything
 * here as hostile.
 *
 * Rule for extending: new members go to the end of a struct and into its
 * reserved bytes, with a new minor version; a reader steps by the sizes that
 * the control block states, never by its own sizeof. Anything else is a new
 * major version, which older readers refuse.
 */
#ifndef TRACKWAY_RING_H
#define TRACKWAY_RING_H

#include <trackway/types.h>

#define TW_RING_ABI_MAJOR 1
#define TW_RING_ABI_MINOR 0

/*
 * The ring's first 8 bytes, 0x89 'T' 'R' 'K' 'W' 'A' 'Y' '\n', written last.
 * Kept inverted in code, so that no image of a program holds it.
 */
#define TW_RING_MAGIC_SIZE 8
#define TW_RING_MAGIC_INVERTED                                 \
	{                                                      \
		0x76, 0xab, 0xad, 0xb4, 0xa8, 0xbe, 0xa6, 0xf5 \
	}

#define TW_RING_BYTE_ORDER 0x01020304u
#define TW_RING_ALIGN 64 /* of the control block in memory, bytes */

/* What a writer does when no page can be had. */
enum tw_ring_mode {
	TW_RING_OVERWRITE = 0, /* take the oldest full page */
	TW_RING_DISCARD = 1,   /* drop the new event, counted */
	TW_RING_BLOCK = 2,     /* wait for a reader, up to block_ms */
};

enum tw_ring_clock {
	TW_CLOCK_NONE = 0,
	TW_CLOCK_MONOTONIC = 1, /* the host's CLOCK_MONOTONIC, ns */
	TW_CLOCK_TSC = 2,	/* x86 time stamp counter */
	TW_CLOCK_CNTVCT = 3,	/* ARM virtual counter */
	TW_CLOCK_OTHER = 4,	/* a guest's own, clock_hz says how fast */
};

enum tw_ring_flags {
	TW_RING_CLOSED = 1, /* the producer ended cleanly */
	TW_RING_KEPT = 2,   /* its file was left on purpose: TRACKWAY_KEEP */
	/* Pointers and longs have 4 bytes there: for a reader that has the
	 * events' declarations and no schema. Said by guests only. */
	TW_RING_32BIT = 4,
};

/* One moment on three clocks. */
struct tw_ring_sync {
	uint64_t clock;	  /* the ring's clock, ticks */
	uint64_t mono_ns; /* CLOCK_MONOTONIC */
	uint64_t real_ns; /* CLOCK_REALTIME */
};

#define TW_RING_NAME_SIZE 32
#define TW_RING_HEIRS 12
#define TW_RING_HEIR_COMING 0xffffffffu /* a place for a child under way */

struct tw_ring_control {
	uint8_t magic[TW_RING_MAGIC_SIZE];
	uint32_t byte_order; /* TW_RING_BYTE_ORDER */
	uint16_t abi_major;
	uint16_t abi_minor;
	uint32_t control_size; /* of this struct, TW_RING_CONTROL_MIN or more */
	uint32_t flags;	       /* enum tw_ring_flags */
	uint64_t size;	       /* of the whole ring, bytes */
	uint8_t uuid[16];      /* fresh for every start of a producer */
	uint32_t generation;   /* counts the starts, where that can be known */
	uint32_t pid;	       /* 0 in a guest */
	uint64_t pid_start;    /* /proc/PID/stat field 22; 0 in a guest */

	uint32_t page_size;  /* bytes, a multiple of 8 */
	uint32_t page_count; /* at least 2 */
	uint64_t pages_offset;
	uint64_t lanes_offset;
	uint32_t lane_count;
	uint32_t lane_size; /* of one entry, bytes */
	uint64_t groups_offset;
	uint32_t group_capacity;
	uint32_t group_size;  /* of one entry, bytes */
	uint32_t group_count; /* stored with release, never decreases */
	uint32_t mode;	      /* enum tw_ring_mode */
	uint32_t block_ms;    /* longest wait in TW_RING_BLOCK */
	uint32_t clock_kind;  /* enum tw_ring_clock */
	uint64_t clock_hz;    /* 0: to be had from the sync moments */
	uint64_t clock_mask;  /* the bits of the counter that count */

	uint64_t beacon; /* written by a host, copied into the next page */
	uint64_t reply;	 /* written by the producer in answer */
	uint8_t name[TW_RING_NAME_SIZE]; /* the program's, NUL-padded */

	/* A cache line of its own, the only one that writers share. */
	uint32_t head;	    /* the next ticket; readers sleep on it (futex) */
	uint32_t waiters;   /* a sleeper's head, 1 for 0: wake it at a turn */
	uint64_t discarded; /* events dropped for want of a lane */

	/* Up to here in every ring; from here on in hosted ones. */
	uint8_t reserved0[48];
	struct tw_ring_sync sync_first; /* when the ring was made */
	struct tw_ring_sync sync_last;	/* at a recent page turn */
	uint32_t sync_seq;		/* odd while sync_last changes */
	uint32_t reserved1;
	uint32_t heirs[TW_RING_HEIRS]; /* forked children with no ring yet */
	uint8_t reserved2[24];
};

#define TW_RING_CONTROL_MIN 208u

/* Readers refuse more, and entries larger than this. */
#define TW_RING_LANES_MAX (1u << 20)
#define TW_RING_GROUPS_MAX 65536u
#define TW_RING_ENTRY_MAX 4096u /* bytes */

/* A lane's entry; entries never move and are never taken back from a ring. */
enum tw_ring_lane_state {
	TW_LANE_FREE = 0,
	TW_LANE_USED = 1,
	TW_LANE_IDLE = 2, /* its thread is gone, the next one may have it */
};

struct tw_ring_lane {
	uint32_t state; /* enum tw_ring_lane_state */
	uint32_t tid;	/* its present or last thread */
	uint32_t level; /* of nesting, 0 for the main flow */
	uint32_t page;	/* index + 1 of its open page, 0 for none */
	/* Written up to the last turn or close. A lane's whole count is the
	 * largest of this and its pages' events_before + events: whichever a
	 * crash kept from being stored, one of them has it. */
	uint64_t events;
	uint64_t discarded;
	uint64_t seq;	    /* pages taken */
	uint64_t last_time; /* of the last closed page, ticks */
	uint8_t name[16];   /* the thread's, NUL-padded */
};

enum tw_ring_group_state {
	TW_GROUP_EMPTY = 0,
	TW_GROUP_LIVE = 1,
	TW_GROUP_UNLOADED = 2, /* its module is gone; its events remain */
};

struct tw_ring_group {
	uint32_t state; /* enum tw_ring_group_state */
	uint32_t id_base;
	uint32_t event_count;
	uint32_t modules;	/* that hold it now */
	uint64_t states_offset; /* of a struct tw_states */
	uint64_t
		schema_offset; /* of a schema blob (trackway/blob.h), 0: none */
	uint64_t schema_size;
	uint8_t reserved1[24];
};

#define TW_EVENTS_MAX 65535u /* ids 0 to 65534 */

/* A group's state bytes, behind a header that is checked before any write. */
#define TW_STATES_MAGIC 0x54535754u
struct tw_states {
	uint32_t magic;
	uint32_t count;	  /* of state bytes */
	uint8_t uuid[16]; /* the ring's */
	uint32_t id_base;
	uint32_t reserved;
	uint8_t state[]; /* 0 off, 1 on; one byte an event */
};
#define TW_STATES_HEADER 32u

/*
 * A page: a CTF 1.8 packet from its first byte to content_size, then room,
 * then the trailer in the page's last bytes.
 *
 * content_size and events form one 8-byte commit word that the page's only
 * writer stores with release after each event. (Where 8 bytes can't be stored
 * at once, events is stored first and may be one ahead after a crash.)
 */
#define TW_PAGE_MAGIC 0xC1FC1FC1u
#define TW_PAGE_STREAM_ID 0u

struct tw_page {
	/* CTF packet header */
	uint32_t magic;
	uint8_t uuid[16];
	uint32_t stream_id;
	/* CTF packet context */
	uint64_t timestamp_begin; /* ticks */
	uint64_t timestamp_end;	  /* of the last event: also the lane's clamp */
	uint32_t content_size;	  /* bits from the page's start */
	uint32_t events;	  /* in this page */
	uint32_t packet_size;	  /* bits */
	uint32_t lane;
	uint64_t packet_seq_num;   /* counts the lane's pages, from 0 */
	uint64_t events_discarded; /* cumulative, as of now */
	uint64_t events_before;	   /* written in this lane before this page */
	uint32_t tid;
	uint32_t level;
	uint8_t payload[];
};
#define TW_PAGE_HEADER 88u
#define TW_PAGE_SIZE_MIN 256u
#define TW_PAGE_SIZE_MAX (64u << 20)

/* An event's first 8 bytes: time << 16 | id as one number, little endian;
 * id << 48 | time, big endian. Time is the clock's low 48 bits. */
#define TW_EVENT_HEADER 8u
#define TW_EVENT_TIME_BITS 48

/* A page's state word: ticket << 2 | state. */
enum tw_page_state {
	TW_PAGE_FREE = 0,    /* never used, or read and given back */
	TW_PAGE_CLAIMED = 1, /* its header is being written: don't read */
	TW_PAGE_OPEN = 2,    /* readable up to content_size, which grows */
	TW_PAGE_FULL = 3,    /* readable, will not change until reclaimed */
};
#define TW_PAGE_STATE_MASK 3u
#define TW_PAGE_TICKET_SHIFT 2

struct tw_page_trailer {
	uint32_t state; /* enum tw_page_state and ticket */
	uint32_t reserved0;
	uint64_t beacon; /* the control block's when the page was taken */
	uint64_t reserved1[2];
};
#define TW_PAGE_TRAILER 32u

#define TW_OFFSET_IS(type, member, at)                          \
	TW_STATIC_ASSERT(offsetof(struct type, member) == (at), \
			 #type "." #member)
TW_OFFSET_IS(tw_ring_control, byte_order, 8);
TW_OFFSET_IS(tw_ring_control, size, 24);
TW_OFFSET_IS(tw_ring_control, uuid, 32);
TW_OFFSET_IS(tw_ring_control, pid_start, 56);
TW_OFFSET_IS(tw_ring_control, pages_offset, 72);
TW_OFFSET_IS(tw_ring_control, lane_count, 88);
TW_OFFSET_IS(tw_ring_control, groups_offset, 96);
TW_OFFSET_IS(tw_ring_control, group_count, 112);
TW_OFFSET_IS(tw_ring_control, clock_hz, 128);
TW_OFFSET_IS(tw_ring_control, beacon, 144);
TW_OFFSET_IS(tw_ring_control, name, 160);
TW_OFFSET_IS(tw_ring_control, head, 192);
TW_OFFSET_IS(tw_ring_control, reserved0, TW_RING_CONTROL_MIN);
TW_OFFSET_IS(tw_ring_control, sync_first, 256);
TW_OFFSET_IS(tw_ring_control, sync_last, 280);
TW_OFFSET_IS(tw_ring_control, sync_seq, 304);
TW_OFFSET_IS(tw_ring_control, heirs, 312);
TW_STATIC_ASSERT(sizeof(struct tw_ring_control) == 384, "control block");
TW_OFFSET_IS(tw_ring_lane, events, 16);
TW_OFFSET_IS(tw_ring_lane, name, 48);
TW_STATIC_ASSERT(sizeof(struct tw_ring_lane) == 64, "lane entry");
TW_OFFSET_IS(tw_ring_group, states_offset, 16);
TW_OFFSET_IS(tw_ring_group, schema_size, 32);
TW_STATIC_ASSERT(sizeof(struct tw_ring_group) == 64, "group entry");
TW_OFFSET_IS(tw_states, state, TW_STATES_HEADER);
TW_OFFSET_IS(tw_page, timestamp_begin, 24);
TW_OFFSET_IS(tw_page, content_size, 40);
TW_OFFSET_IS(tw_page, packet_size, 48);
TW_OFFSET_IS(tw_page, packet_seq_num, 56);
TW_OFFSET_IS(tw_page, payload, TW_PAGE_HEADER);
TW_STATIC_ASSERT(sizeof(struct tw_page_trailer) == TW_PAGE_TRAILER, "trailer");

#endif
