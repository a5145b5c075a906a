/* SPDX-License-Identifier: MIT */
/*
 * Inside of src/attach: what a source of memory (source-vm.c, source-ram.c,
 * source-image.c) gives to ram.c and ram-scan.c, and these to attach.c. A place
 * is where a byte is in the memory; what places mean is the source's business.
 */
#ifndef TRACKWAY_ATTACH_RAM_SOURCE_H
#define TRACKWAY_ATTACH_RAM_SOURCE_H

#include "kvm-tsc.h"
#include "ram.h"

/* Memory in one piece: a ring lies in one or in none. */
struct tw_ram_range {
	uint64_t start;
	uint64_t end;
	bool writable;
	/* Of the file behind it; inode 0: none. */
	dev_t device;
	ino_t inode;
	uint64_t offset;
};

struct tw_ram_memory;

/* Ints are 0 or a negative errno unless they say otherwise. */
struct tw_ram_ops {
	/* Bring the ranges up to date. They are sorted and don't overlap. */
	int (*refresh)(struct tw_ram_memory *memory);
	/*
	 * The first run of memory that is there between *from and *to, in one
	 * range, into them. False: there is none.
	 */
	bool (*present)(struct tw_ram_memory *memory, uint64_t *from,
			uint64_t *to);
	/* Exactly size bytes, all of them inside one range. */
	int (*read)(struct tw_ram_memory *memory, uint64_t place, void *to,
		    size_t size);
	int (*write)(struct tw_ram_memory *memory, uint64_t place,
		     const void *from, size_t size);
	/* As tw_memory.exchange. */
	int (*exchange)(struct tw_ram_memory *memory, uint64_t place,
			uint32_t expected, uint32_t desired);
	bool (*is_alive)(struct tw_ram_memory *memory);
	/* As tw_ram_is_in_use(). NULL: it is while it is alive. */
	int (*is_in_use)(struct tw_ram_memory *memory);
	void (*close)(struct tw_ram_memory *memory);
};

struct tw_ram_memory {
	const struct tw_ram_ops *ops; /* NULL: not open */
	void *source;		      /* the source's own */
	struct tw_ram_range *ranges;  /* freed by ram.c */
	size_t range_count;
	/* Where the places are in our own memory: at base + place. Or NULL. */
	uint8_t *base;
	bool writable;
	/* The VMM itself: a ring of this process is none of its guest's. */
	pid_t pid;
	uint64_t pid_start;
};

/*
 * Each opens what follows the prefix in spec (rest); on failure all is closed
 * again. error's text begins with spec.
 */
int tw_ram_open_vm(struct tw_ram_memory *memory, const char *spec,
		   const char *rest, struct tw_attach_error *error);
int tw_ram_open_file(struct tw_ram_memory *memory, const char *spec,
		     const char *rest, struct tw_attach_error *error);
int tw_ram_open_image(struct tw_ram_memory *memory, const char *spec,
		      const char *rest, struct tw_attach_error *error);

/* present() of a file whose holes are to be skipped. */
bool tw_ram_present_in_file(int fd, uint64_t *from, uint64_t *to);

/* ---- ram.c ---- */

/* Which rings a spec asks for. */
enum tw_ram_choice {
	TW_RAM_ANY,
	TW_RAM_NAME,
	TW_RAM_PLACE,
};

/* Where a search goes on. */
struct tw_ram_search {
	bool is_whole; /* the first one has come to its end */
	uint64_t at;   /* a place */
	/* Of this call. */
	uint64_t looked;   /* bytes */
	uint64_t reported; /* of progress, bytes */
	uint64_t checked;  /* candidates looked at closely */
	/* Since the memory was opened. */
	uint64_t refused;    /* candidates that are not remembered */
	size_t refused_kept; /* those that are */
	uint64_t refused_to; /* and the last of their places */
	bool is_full;	     /* a ring was found that isn't remembered */
	bool gave_up;	     /* too many candidates */
	size_t left_out;     /* rings that would cost too much together */
	uint8_t *buffer;
};

struct tw_ram {
	unsigned int references;
	char *spec; /* without the "/RING" */
	enum tw_ram_choice choice;
	char *chosen_name;
	uint64_t chosen_place;
	struct tw_ram_memory memory;
	struct tw_ram_ring *rings; /* room for TW_RAM_RINGS_MAX */
	size_t ring_count;
	uint64_t serial;
	uint64_t schemas_size; /* of what is attached, bytes */
	struct tw_ram_search search;
	tw_ram_progress progress;
	void *progress_context;
	char notice[256];
};

/* The range that place is in, or NULL. */
const struct tw_ram_range *tw_ram_range_at(const struct tw_ram_memory *memory,
					   uint64_t place);

/* ---- ram-budget.c ---- */

uint64_t tw_ram_cost_of(const struct tw_ring_control *control);

/* Say of each usable ring whether it is let in; how many are not. */
size_t tw_ram_share_out(struct tw_ram *ram);

/* Usable, but for what others take. */
bool tw_ram_is_left_out(const struct tw_ram_ring *ring);

/* ---- A ring's part of the memory, for src/ring ---- */

struct tw_ram_window {
	struct tw_ram_memory *memory;
	uint64_t place;
};

/*
 * The memory from place on to the end of its range. -EFAULT: there is none.
 * window must stay where it is.
 */
int tw_ram_window_open(struct tw_ram_window *window,
		       struct tw_ram_memory *memory, uint64_t place,
		       struct tw_memory *ring);

/* Whether the ring at this place is (still) this one. */
bool tw_ram_has_ring(struct tw_ram_memory *memory, uint64_t place,
		     const uint8_t *uuid, uint32_t generation);

/* ---- attach.c ---- */

/* The last TW_ATTACH_BEACONS that were written (sync.h); 0: none. */
struct tw_beacons {
	uint64_t list[256];
	uint32_t next;
};
struct tw_beacons *tw_attach_beacons(const struct tw_attach *attach);

/* The memory that its ring lies in; NULL: in none. */
struct tw_ram_memory *tw_attach_memory(const struct tw_attach *attach);

/* What KVM says of the guest's counter: sync-kvm.c's. */
struct tw_kvm_link {
	enum tw_kvm_link_state {
		TW_KVM_UNTRIED,
		TW_KVM_NONE,	 /* it is not to be had, or isn't the ring's */
		TW_KVM_UNPROVEN, /* no answer has borne it out yet */
		TW_KVM_PROVEN,
	} state;
	struct tw_kvm_tsc *kvm;
	struct tw_kvm_scale scale; /* that was proven, or is to be */
	unsigned int refuted;	   /* times in a row */
};
struct tw_kvm_link *tw_attach_kvm_link(const struct tw_attach *attach);

/* Holds a reference to ram. */
int tw_attach_open_ram(struct tw_ram *ram, const struct tw_ram_ring *ring,
		       bool writable, struct tw_attach **attach,
		       struct tw_attach_error *error);

#endif
