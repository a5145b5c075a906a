/* SPDX-License-Identifier: MIT */
/*
 * An event that something happens in the middle of, at a place of the test's
 * choice rather than a signal's: what tracetool makes of trace_count(), with a
 * call between the opening of its slot and the commit.
 */
#ifndef TEST_INTERRUPTED_H
#define TEST_INTERRUPTED_H

#include "step.h"

#include <trackway/emit.h>

#include "trace-runtime.h"

extern TW_HIDDEN struct tw_group tw_group_runtime;

#define COUNT_INDEX 0u /* of the event "count" in its group */

static inline void interrupted_count(uint32_t thread, uint64_t number,
				     void (*between)(void))
{
	const uint64_t check = check_of(thread, number);
	const size_t size = TW_EVENT_HEADER + sizeof(thread) + sizeof(number) +
			    sizeof(check);
	struct tw_slot slot;
	unsigned char *at;

	if (!tw_slot_open(&slot, size) && !tw_slot_open_slow(&slot, size))
		return;
	at = tw_slot_fields(&slot);
	at = TW_PUT(at, thread);
	between();
	at = TW_PUT(at, number);
	memcpy(at, &check, sizeof(check));
	tw_slot_commit(&slot, tw_group_runtime.id_base + COUNT_INDEX, size);
}

#endif
