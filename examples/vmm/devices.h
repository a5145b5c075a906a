/* SPDX-License-Identifier: MIT */
/*
 * What is behind the machine's ports; firmware/ports.h has it as the guest sees
 * it. The same for every kind of CPU.
 */
#ifndef VMM_DEVICES_H
#define VMM_DEVICES_H

#include "cpu.h"
#include "guest-events.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum devices_request {
	DEVICES_NONE,
	DEVICES_RESET,
	DEVICES_END
};

struct devices {
	struct cpu_ports ports;
	struct guest_events *events;
	bool times; /* print them */
	struct timespec mark;
	/* What the guest has asked for when the CPU has stopped. */
	enum devices_request request;
	uint8_t status;
};

void devices_init(struct devices *devices, struct guest_events *events,
		  bool times);

/* The machine is reset. */
void devices_reset(struct devices *devices);

/* From a signal handler: stop the CPU at its next access. */
void devices_interrupt(void);
bool devices_interrupted(void);

#endif
