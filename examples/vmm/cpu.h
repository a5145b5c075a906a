/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU: KVM's, or Unicorn's where there is no /dev/kvm. Both begin in
 * 64-bit mode at a given address, and hand what happens at I/O ports to the
 * same device model.
 */
#ifndef VMM_CPU_H
#define VMM_CPU_H

#include "memory.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a CPU begins, and what it has in registers then. */
struct cpu_start {
	uint64_t entry;
	uint64_t stack;	   /* its end */
	uint64_t argument; /* the firmware's first, as C passes it */
};

/* Why a CPU has stopped; trace-events has the same numbers by name. */
enum cpu_exit {
	CPU_ASKED,	 /* a device said so */
	CPU_HALTED,	 /* with nothing that could wake it */
	CPU_SHUTDOWN,	 /* a fault in a fault */
	CPU_BAD_ADDRESS, /* no memory there */
	CPU_INTERRUPTED, /* by a signal */
	CPU_OTHER,
};

/* What is behind the ports; sizes are 1, 2 or 4 bytes. */
struct cpu_ports {
	void *context;
	/* Whether the CPU goes on. */
	bool (*out)(void *context, uint16_t port, uint32_t size,
		    uint32_t value);
	uint32_t (*in)(void *context, uint16_t port, uint32_t size);
};

struct cpu;

/* A kind of CPU. Functions that give an int: 0, or a negative errno. */
struct cpu_kind {
	const char *name;
	/* memory and ports must live as long as the CPU. */
	int (*open)(struct cpu **cpu, const struct memory *memory,
		    const struct cpu_ports *ports);
	int (*reset)(struct cpu *cpu, const struct cpu_start *start);
	int (*run)(struct cpu *cpu, enum cpu_exit *why);
	void (*close)(struct cpu *cpu);
};

extern const struct cpu_kind cpu_kvm;
extern const struct cpu_kind cpu_unicorn;

#endif
