/* SPDX-License-Identifier: MIT */
/*
 * The dotfile of a producer's trace: what our own reader needs beside the
 * packets, in a few chunks (docs/trace-directory.md). CTF readers ignore it.
 */
#ifndef TRACKWAY_TRACE_DOTFILE_H
#define TRACKWAY_TRACE_DOTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <trackway/ring.h>

#define TW_DOTFILE_NAME ".trackway"
#define TW_DOTFILE_MAJOR 1
#define TW_DOTFILE_MINOR 3

struct tw_dotfile_group {
	uint32_t id_base;
	uint32_t event_count;
	const void *blob; /* as in the ring */
	uint64_t blob_size;
};

enum tw_dotfile_source {
	TW_SYNC_FIRST = 0,    /* the producer's, when it made the ring */
	TW_SYNC_LAST = 1,     /* the producer's latest */
	TW_SYNC_RECORDER = 2, /* the recorder's own */
	TW_SYNC_SIGHTING = 3, /* its clock was there, or later, by then */
};

struct tw_dotfile_sync {
	uint32_t source; /* enum tw_dotfile_source */
	struct tw_ring_sync moment;
};

struct tw_dotfile_lane {
	uint32_t lane;
	uint32_t tid;
	uint32_t level;
	char name[17];	   /* NUL-terminated */
	uint64_t base;	   /* events written before the recording began */
	uint64_t recorded; /* these and below: as of the file's writing */
	uint64_t lost;
	uint64_t lost_tail; /* those of lost that came after the last packet */
	uint64_t discarded;
	uint64_t discarded_tail;
};

/* Where a ring was that lay in a guest's memory. */
struct tw_dotfile_guest {
	uint32_t epoch; /* 1 or more; 0: it was in no guest's memory */
	uint32_t generation;
	uint64_t place; /* in the memory, bytes */
	/* 1: the ring had gone before its end was read, by a reset or with its
	 * VM, so that what was last known of it counts. */
	uint32_t gone;
};

enum tw_dotfile_pair_kind {
	TW_PAIR_LOWER = 1, /* the clock showed ticks at from_ns or later */
	TW_PAIR_UPPER = 2, /* at to_ns or earlier */
	TW_PAIR_EXCHANGE = 3,
	TW_PAIR_BREAK = 4, /* what follows is of another epoch of the clock */
};

struct tw_dotfile_pair {
	uint32_t kind; /* enum tw_dotfile_pair_kind */
	uint64_t ticks;
	uint64_t from_ns; /* CLOCK_MONOTONIC; 0 where it has no meaning */
	uint64_t to_ns;
};

/* Some packets of a lane, one after another, and when their events were. */
struct tw_dotfile_span {
	uint32_t lane;
	uint64_t begin;	  /* events of the lane before the first of them */
	uint64_t end;	  /* and up to the last, that with its own */
	uint64_t from_ns; /* CLOCK_MONOTONIC; 0: not known */
	uint64_t to_ns;	  /* they had been read by then */
};

/* What is known of a guest's clock. */
struct tw_dotfile_clock {
	bool is_known;
	/* For src/clock: struct tw_clock_options. */
	uint64_t hz;
	uint32_t tolerance_ppb;
	uint32_t drift_ppb;
	uint64_t step;
	uint32_t flags;
	/* CLOCK_REALTIME less CLOCK_MONOTONIC, first and last. */
	uint64_t first_real_ns;
	uint64_t last_real_ns;
	uint64_t end_ns; /* CLOCK_MONOTONIC: all was read by then */
	/* tw_clock_confirmed(); UINT64_MAX: not known. */
	uint64_t confirmed_ns;
	struct tw_dotfile_pair *pairs;
	size_t pair_count;
	struct tw_dotfile_span *spans; /* of a lane in order */
	size_t span_count;
};

struct tw_dotfile {
	/* The control block: as it was, and (when read) decoded. */
	const void *raw_control;
	uint64_t raw_control_size;
	struct tw_ring_control control;
	bool swap;
	/* The clock as fitted by the recorder. */
	uint64_t hz;
	uint64_t base_ticks;
	uint64_t base_ns;
	/* 1 once the recording ended as it should. */
	uint32_t complete;
	uint64_t no_lane; /* events that found no lane */
	uint64_t broken;  /* pages that made no sense */
	struct tw_dotfile_group *groups;
	size_t group_count;
	struct tw_dotfile_sync *syncs;
	size_t sync_count;
	struct tw_dotfile_lane *lanes;
	size_t lane_count;
	struct tw_dotfile_guest guest;
	struct tw_dotfile_clock clock;
	void *data; /* what the pointers above point into, when read */
};

/* Write it into the directory dirfd, whole or not at all. 0 or an error. */
int tw_dotfile_write(int dirfd, const struct tw_dotfile *dotfile);

/*
 * Read it. -ENOENT: there is none; -EPROTONOSUPPORT: a newer major version;
 * -EBADMSG: broken; *why says how, a static string. On success everything is
 * freed with tw_dotfile_free().
 */
int tw_dotfile_read(int dirfd, struct tw_dotfile *dotfile, const char **why);

/* The same from memory, of which a copy is kept. */
int tw_dotfile_parse(const void *data, size_t size, struct tw_dotfile *dotfile,
		     const char **why);
void tw_dotfile_free(struct tw_dotfile *dotfile);

#endif
