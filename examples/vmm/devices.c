/* SPDX-License-Identifier: MIT */
/* The devices: a console, fw_cfg with the channel, a stopwatch, two buttons. */
#include "devices.h"
#include "firmware/ports.h"
#include "trace.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <trackway/channel.h>

static volatile sig_atomic_t interrupted;

void devices_interrupt(void)
{
	interrupted = 1;
}

bool devices_interrupted(void)
{
	return interrupted;
}

static void put_mark(struct devices *devices, uint8_t number)
{
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (uint64_t)(now.tv_sec - devices->mark.tv_sec) * 1000000000u +
	     (uint64_t)now.tv_nsec - (uint64_t)devices->mark.tv_nsec;
	trace_vmm_mark(number, ns);
	if (devices->times)
		printf("mark %u after %" PRIu64 " ns\n", number, ns);
	/* Not the time that it took to say so. */
	clock_gettime(CLOCK_MONOTONIC, &devices->mark);
}

static void select_item(struct devices *devices, uint32_t size, uint32_t value)
{
	bool is_channel;

	if (size != 2)
		return;
	is_channel = tw_fw_cfg_channel_select(devices->events->channel,
					      (uint16_t)value);
	trace_vmm_fw_cfg_select((uint16_t)value, is_channel);
}

static void write_item(struct devices *devices, uint32_t value)
{
	const uint8_t byte = (uint8_t)value;

	/* There are no other items that could be written. */
	tw_fw_cfg_channel_write(devices->events->channel, &byte, 1);
}

static bool out(void *context, uint16_t port, uint32_t size, uint32_t value)
{
	struct devices *devices = context;

	trace_vmm_io_out(port, size, value);
	switch (port) {
	case PORT_FW_CFG_DATA:
		write_item(devices, value);
		break;
	case PORT_FW_CFG_SELECTOR:
		select_item(devices, size, value);
		break;
	case PORT_CONSOLE:
		guest_events_console(devices->events, (uint8_t)value);
		break;
	case PORT_MARK:
		put_mark(devices, (uint8_t)value);
		break;
	case PORT_EXIT:
		devices->request = DEVICES_END;
		devices->status = (uint8_t)value;
		break;
	case PORT_RESET:
		if (value == RESET_NOW)
			devices->request = DEVICES_RESET;
		break;
	}
	return devices->request == DEVICES_NONE && !interrupted;
}

static uint32_t in(void *context, uint16_t port, uint32_t size)
{
	struct devices *devices = context;
	uint32_t value = UINT32_MAX >> (32 - 8 * size); /* nobody's port */

	if (port == PORT_FW_CFG_DATA)
		value = tw_fw_cfg_channel_read(devices->events->channel);
	else if (port == PORT_CONSOLE)
		value = PORT_CONSOLE; /* thus a guest knows that there is one */
	trace_vmm_io_in(port, size, value);
	return value;
}

void devices_init(struct devices *devices, struct guest_events *events,
		  bool times)
{
	*devices = (struct devices){
		.ports = {.context = devices, .out = out, .in = in},
		.events = events,
		.times = times,
	};
	clock_gettime(CLOCK_MONOTONIC, &devices->mark);
}

void devices_reset(struct devices *devices)
{
	devices->request = DEVICES_NONE;
	guest_events_reset(devices->events);
}
