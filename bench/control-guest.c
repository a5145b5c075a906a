/* SPDX-License-Identifier: MIT */
/*
 * A firmware whose event is switched: see control.h. It is compiled by
 * control.py, on top of tests/guest/firmware/x86_64.
 */
#include "machine.h"
#include "trace.h"

#include "control.h"

void firmware_tick(unsigned int index)
{
	(void)index;
}

/* A host that asks for its clock gets to know it the better. */
static void look_again(void)
{
	tw_guest_sync();
}

void firmware_cpu(unsigned int index)
{
	(void)index;
	for (;;)
		machine_idle();
}

void firmware_main(void)
{
	static struct tw_group *const groups[] = {&tw_group_firmware};
	static struct tw_guest_options options = {
		.memory = ring_start,
		.name = FIRMWARE_NAME,
		.groups = groups,
		.group_count = 1,
	};

	options.size = (uintptr_t)ring_end - (uintptr_t)ring_start;
	options.clock_hz = machine_clock_hz();
	machine_put(tw_guest_start(&options) == 0 ? 'S' : 'E');
	for (uint32_t round = 0;; round++)
		control_round(round, look_again);
}
