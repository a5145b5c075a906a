/* SPDX-License-Identifier: MIT */
/*
 * State bytes, as traced code sees them: all that tracetool's headers need, and
 * little else, since every file of a program may include them.
 */
#ifndef TRACKWAY_STATE_H
#define TRACKWAY_STATE_H

#include <stdbool.h>
#include <trackway/writer.h>

#define TW_PUBLIC __attribute__((visibility("default")))
#define TW_HIDDEN __attribute__((visibility("hidden")))

/*
 * State bytes fill memory pages of their own, which the runtime replaces by
 * the ring file's. The largest page size that a Linux of this architecture has.
 */
#if defined(__x86_64__) || defined(__i386__)
#define TW_STATES_ALIGN 4096u
#else
#define TW_STATES_ALIGN 65536u
#endif

/* The room that a group of n events takes, bytes. */
#define TW_STATES_SIZE(n)                                                   \
	((TW_STATES_HEADER + (n) + TW_STATES_ALIGN - 1) / TW_STATES_ALIGN * \
	 TW_STATES_ALIGN)

/*
 * Declare a group's state bytes, n of them (at least 1). The struct's
 * alignment rounds its size up to TW_STATES_SIZE(n).
 */
#define TW_DECLARE_STATES(group, n)                     \
	extern TW_HIDDEN struct tw_states_##group {     \
		uint32_t header[TW_STATES_HEADER / 4u]; \
		uint8_t state[n];                       \
	} __attribute__((aligned(TW_STATES_ALIGN))) tw_states_##group

/*
 * Whether an event is on. The empty asm says that the byte may have changed, so
 * every call reads it anew; yet the load itself is a plain one, which compilers
 * fold into the compare, as they don't with a volatile or an atomic load. One
 * byte can't tear, and nothing is ordered by it.
 */
static inline bool tw_state_read(uint8_t *state)
{
#if TW_THREAD_SANITIZER
	return __atomic_load_n(state, __ATOMIC_RELAXED) != 0;
#else
	__asm__ __volatile__("" : "+m"(*state));
	return *state != 0;
#endif
}
#define TW_STATE(group, index) tw_state_read(&tw_states_##group.state[index])

#endif
