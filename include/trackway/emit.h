/* SPDX-License-Identifier: MIT */
/*
 * What tracetool's output calls in a hosted program. Not for hand-written
 * code, yet part of the ABI: a module built today runs with a later library. An
 * event's own few instructions are in trackway/slot.h.
 */
#ifndef TRACKWAY_EMIT_H
#define TRACKWAY_EMIT_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <trackway/blob.h>
#include <trackway/put.h>
#include <trackway/slot.h>
#include <trackway/state.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The events of one trace-events file in one module, registered once. */
struct tw_group {
	uint32_t size; /* of this struct */
	uint32_t event_count;
	struct tw_states *states; /* TW_STATES_SIZE(event_count), aligned */
	size_t states_size;
	const void *blob;
	size_t blob_size;
	/* Below: the runtime's. */
	uint64_t id_base;
	uint32_t entry;
	struct tw_group *next;
};

/*
 * Make a group's events known, or say that their module is about to be
 * unloaded. Called by constructors and destructors; never fails aloud: with no
 * ring to be had the events stay off.
 */
TW_PUBLIC void tw_group_register(struct tw_group *group);
TW_PUBLIC void tw_group_unregister(struct tw_group *group);

/*
 * After TW_DECLARE_STATES(): define a group of count events, known to the
 * runtime while its module is loaded. schema: an object that holds its blob.
 * (No macro is called here with the group's name, which may be that of another
 * macro, as linux is.)
 */
#define TW_DEFINE_GROUP(group, count, schema)                                \
	struct tw_states_##group tw_states_##group;                          \
	extern TW_HIDDEN struct tw_group tw_group_##group;                   \
	__attribute__((constructor)) static void _tw_register_##group(void)  \
	{                                                                    \
		tw_group_register(&tw_group_##group);                        \
	}                                                                    \
	__attribute__((destructor)) static void _tw_unregister_##group(void) \
	{                                                                    \
		tw_group_unregister(&tw_group_##group);                      \
	}                                                                    \
	struct tw_group tw_group_##group = {                                 \
		.size = sizeof(struct tw_group),                             \
		.event_count = (count),                                      \
		.states = (struct tw_states *)(void *)&tw_states_##group,    \
		.states_size = sizeof(tw_states_##group),                    \
		.blob = &(schema),                                           \
		.blob_size = sizeof(schema),                                 \
	}

/* The same; what differs is where a guest has the states (guest-log.h). */
#define TW_DEFINE_LOG_GROUP TW_DEFINE_GROUP
#define TW_DEFINE_CHANNEL_LOG_GROUP TW_DEFINE_GROUP

/* The lane of the thread's main flow. Never NULL: a thread that has none yet
 * points to one that all such threads share, which never has room. */
extern TW_PUBLIC __thread struct tw_lane *tw_lane_current
	__attribute__((tls_model("initial-exec")));

#if defined(__x86_64__) || defined(__i386__)
#define TW_HAVE_FAST_CLOCK 1
static inline uint64_t tw_clock_fast(void)
{
	return __builtin_ia32_rdtsc();
}
#elif defined(__aarch64__)
#define TW_HAVE_FAST_CLOCK 1
static inline uint64_t tw_clock_fast(void)
{
	uint64_t ticks;

	__asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
}
#else
#define TW_HAVE_FAST_CLOCK 0
static inline uint64_t tw_clock_fast(void)
{
	return 0;
}
#endif

/*
 * The whole of opening a slot, for when tw_slot_open() could not: a first
 * event, a full page, a busy lane, a clock that went back or that is not the
 * fast one, a fork. Returns false if the event is discarded (and counted).
 */
TW_PUBLIC bool tw_slot_open_slow(struct tw_slot *slot, size_t size);

/*
 * Begin an event of size bytes, its first word included: at least 8, at most
 * TW_EVENT_HEADER + 10 * (TW_STRING_MAX + 2). False: tw_slot_open_slow() must
 * be called next, best in a function of its own, so that this one calls nothing
 * and keeps its registers.
 */
static inline bool tw_slot_open(struct tw_slot *slot, size_t size)
{
	struct tw_lane *lane = tw_lane_current;

	return tw_slot_begin(slot, lane, tw_clock_fast(), size);
}

/* Finish the event: the size is that of tw_slot_open(). */
static inline void tw_slot_commit(const struct tw_slot *slot, uint64_t id,
				  size_t size)
{
	tw_slot_end(slot, id, size);
}

/* Where the event's fields go. */
static inline unsigned char *tw_slot_fields(const struct tw_slot *slot)
{
	return slot->at + TW_EVENT_HEADER;
}

/*
 * The log backend's line: "NAME message\n" to stderr, with "TID@SEC.USEC:"
 * before it where TRACKWAY_LOG=timestamp. One write() a line.
 */
TW_PUBLIC void tw_log(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * The ftrace backend's line: at most 512 bytes, in one write() to the kernel's
 * trace_marker, or to the file that TRACKWAY_FTRACE_MARKER names. Where it may
 * not be written to, nothing happens.
 */
TW_PUBLIC void tw_ftrace(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif

#endif
