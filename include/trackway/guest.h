/* SPDX-License-Identifier: MIT */
/*
 * The runtime of a traced firmware, kernel or any other program without a C
 * library: a ring in memory that a host sees, or that a dump will have. The
 * host finds the ring there, reads it and switches its events, and the guest
 * never stops for that.
 *
 * tracetool --emit-guest-runtime DIR writes all of this as one header and one
 * source file, to be copied into the firmware and compiled with -DTW_GUEST, as
 * are tracetool's own output and all files that include that. docs/guests.md
 * leads through it.
 *
 * Nothing is needed but a compiler (GCC or Clang): no memcpy(), no 64-bit
 * atomics or division, no constructors, no interrupts masked, unless the
 * machine lacks compare-and-swap. What the machine has is told by macros in the
 * header that TW_GUEST_CONFIG names, as in -DTW_GUEST_CONFIG='"my-config.h"'.
 * Where one is needed that has no default, compiling stops and says so.
 *
 *	TW_TYPES_HEADER	  as in trackway/types.h
 *	TW_GUEST_CPUS	  number of CPUs that emit events; 1
 *	TW_GUEST_LEVELS	  how deep events may interrupt each other on a CPU, the
 *			  main flow included; 2. Beyond, they are counted as
 *			  discarded
 *	TW_GUEST_CPU()	  this CPU's index, below TW_GUEST_CPUS; 0
 *	TW_GUEST_CLOCK()  the time as uint64_t. It must not stand still for
 *			  long, nor go back between CPUs. The default is the
 *			  counter of x86, AArch64, RISC-V and PowerPC
 *	TW_GUEST_CLOCK_FENCE()
 *			  loads before it are over when the clock is read behind
 *			  it, for tw_guest_sync(). The default is what the
 *			  counters named above need
 *	TW_GUEST_GUARD_ENTER(), TW_GUEST_GUARD_LEAVE(saved)
 *			  take this CPU's interrupts off and give what they
 *			  were as uintptr_t; put them back. Around the turn of
 *			  a page. None is needed where the machine has
 *			  compare-and-swap; SPARC's and Cortex-M's are known
 *	TW_GUEST_WHOLE_GUARD
 *			  if defined, the guard is around each event from its
 *			  beginning to its end: for a kernel that lets one task
 *			  go on in the middle of another's event
 *	TW_GUEST_CLEAN(memory, size)
 *			  after each store that a host is to see: for caches
 *			  that the host does not share
 *	TW_GUEST_NO_BLOBS if defined, schemas are not in the image: the reader
 *			  is given the trace-events file
 *	TW_GUEST_INLINE	  1: an event's code does all that is common itself, as
 *			  a hosted program's, and is faster; 0: it calls the
 *			  runtime twice, and is smaller. 1 where pointers have
 *			  64 bits, unless a macro above rules it out
 */
#ifndef TRACKWAY_GUEST_H
#define TRACKWAY_GUEST_H

#ifndef TW_GUEST
#error "a guest is compiled with -DTW_GUEST, all of its files alike"
#endif

#include <trackway/blob.h>
#include <trackway/guest-machine.h>
#include <trackway/put.h>
#if TW_GUEST_INLINE
#include <trackway/slot.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The events of one trace-events file, as tracetool's output defines them. */
struct tw_group {
	/* State bytes: in the ring, or where all of them are 0. */
	const volatile uint8_t *volatile state;
	const uint8_t *off;
	const void *blob; /* or NULL */
	uint32_t blob_size;
	uint32_t event_count;
	uint32_t id_base;
};

enum tw_guest_flags {
	TW_GUEST_NO_SCHEMA = 1, /* leave schemas out of the ring */
	TW_GUEST_EVENTS_ON = 2, /* begin with every event on */
};

struct tw_guest_options {
	void *memory;	  /* aligned to TW_RING_ALIGN; the ring fills it */
	size_t size;	  /* bytes, 1 KiB or more */
	const char *name; /* the producer's, up to 31 bytes; NULL: none */
	struct tw_group *const *groups; /* kept until the stop */
	uint32_t group_count;
	uint32_t page_size;  /* a power of two from 256; 0: chosen by size */
	uint32_t mode;	     /* TW_RING_OVERWRITE or TW_RING_DISCARD */
	uint32_t clock_kind; /* enum tw_ring_clock; 0: the default clock's own,
				or TW_CLOCK_OTHER */
	uint64_t clock_hz;   /* ticks a second; 0: not known */
	/* The bits that the counter has, at least 22, if it is one that wraps;
	 * some event must come within half of its round. 0: all 64. */
	uint64_t clock_mask;
	uint32_t flags; /* enum tw_guest_flags */
};

/*
 * Make the ring, and let its events be switched. A ring of the last boot at the
 * same place gives it the next generation. To be called on one CPU, with no
 * event under way on any; after that memory, and the program's own data, have
 * come to where they will stay. A ring that is running is stopped first. 0, or
 * -1, and events are off: the memory is too small or misaligned, or the options
 * make no sense; none of it has been touched.
 */
int tw_guest_start(const struct tw_guest_options *options);

/*
 * Switch every event off for good and mark the ring as closed; readers go on
 * reading it. Events that other CPUs, or what this interrupts, are in the
 * middle of are still written: the memory is free only when they have ended.
 */
void tw_guest_stop(void);

/*
 * Tell a host that asks what the clock shows, so that the host can tell what
 * its events' times are on its own clock: the more often, the more exactly. To
 * be called where the guest has nothing better to do, in an idle loop or a
 * timer's interrupt, on any CPU; two loads and a comparison while nobody asks.
 * A guest that never calls it answers when a page is full. True: a host has
 * asked, and most likely will again within some us: so an idle loop may call it
 * some thousand times more before it sleeps.
 */
bool tw_guest_sync(void);

/*
 * What tracetool's output calls, as in trackway/emit.h.
 */
#define TW_HIDDEN

/* Nothing: a group's state bytes are found by way of its struct tw_group. */
#define TW_DECLARE_STATES(group, count) struct tw_group
#define TW_STATE(group, index) (tw_group_##group.state[index] != 0)

/* By the names that are made of the group's, which might be a macro's: linux.
 */
#define TW_GUEST_GROUP(name, off, count, schema, size)   \
	static const uint8_t off[(count) ? (count) : 1]; \
	extern struct tw_group name;                     \
	struct tw_group name = {off, off, schema, size, (count), 0}

#ifdef TW_GUEST_NO_BLOBS
/* The function is only there so that no compiler calls the schema unused. */
#define TW_DEFINE_GROUP(group, count, schema)                                 \
	__attribute__((unused)) static inline const void *tw_blob_of_##group( \
		void)                                                         \
	{                                                                     \
		return &(schema);                                             \
	}                                                                     \
	TW_GUEST_GROUP(tw_group_##group, tw_off_##group, count, NULL, 0)
#else
#define TW_DEFINE_GROUP(group, count, schema)                              \
	TW_GUEST_GROUP(tw_group_##group, tw_off_##group, count, &(schema), \
		       sizeof(schema))
#endif

#if TW_GUEST_INLINE

/* A CPU's lanes, one for each level, come after those of the CPU before it. */
extern struct tw_lane tw_guest_lanes[];

/*
 * The whole of opening a slot, for when tw_slot_open() could not. False: the
 * event is discarded, and counted.
 */
bool tw_slot_open_slow(struct tw_slot *slot, size_t size);

/* False: tw_slot_open_slow() must be called next. */
static TW_INLINE bool tw_slot_open(struct tw_slot *slot, size_t size)
{
	const uint32_t cpu = TW_GUEST_CPU();
	struct tw_lane *lane;

#if TW_GUEST_CPUS > 1
	if (TW_UNLIKELY(cpu >= TW_GUEST_CPUS))
		return false;
#endif
	lane = &tw_guest_lanes[(size_t)cpu * TW_GUEST_LEVELS];
	return tw_slot_begin(slot, lane, TW_GUEST_CLOCK(), size);
}

/* The size is that of tw_slot_open(). */
static TW_INLINE void tw_slot_commit(const struct tw_slot *slot, uint32_t id,
				     size_t size)
{
	/* Not if the ring was made anew in the event's midst; atomic, or
	 * compilers would take it for what it was at the beginning. */
	if (TW_LIKELY(__atomic_load_n(&slot->lane->writer.pos,
				      __ATOMIC_RELAXED) == slot->at))
		tw_slot_end(slot, id, size);
}

#else

struct tw_lane;

/* An event being written. */
struct tw_slot {
	unsigned char *at; /* where the event begins */
};

/*
 * Take a lane, find room for size bytes, and put the time there. NULL: the
 * event is discarded, and counted. at is what begin returned, size the same.
 */
unsigned char *tw_guest_event_begin(size_t size);
void tw_guest_event_end(unsigned char *at, uint32_t id, size_t size);

static inline bool tw_slot_open(struct tw_slot *slot, size_t size)
{
	slot->at = tw_guest_event_begin(size);
	return slot->at != NULL;
}

static inline void tw_slot_commit(const struct tw_slot *slot, uint32_t id,
				  size_t size)
{
	tw_guest_event_end(slot->at, id, size);
}

/* There is no second try; compilers drop what tracetool has written for it. */
static inline bool tw_slot_open_slow(struct tw_slot *slot, size_t size)
{
	(void)size;
	slot->at = NULL;
	return false;
}

#endif

/* Where the event's fields go. */
static inline unsigned char *tw_slot_fields(const struct tw_slot *slot)
{
	return slot->at + TW_EVENT_HEADER;
}

#ifdef __cplusplus
}
#endif

#endif
