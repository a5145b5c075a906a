/* SPDX-License-Identifier: MIT */
/* What the guest runtime is told about these machines: TW_GUEST_CONFIG. */
#ifndef FIRMWARE_CONFIG_H
#define FIRMWARE_CONFIG_H

#include <stdint.h>

#define TW_GUEST_CPUS MACHINE_CPUS
#define TW_GUEST_LEVELS 2

#if MACHINE_CPUS == 1
static inline unsigned int firmware_this_cpu(void)
{
	return 0;
}
#elif defined(__x86_64__)
static inline unsigned int firmware_this_cpu(void)
{
	unsigned int cpu;

	__asm__("movl %%gs:0, %0" : "=r"(cpu));
	return cpu;
}
#elif defined(__aarch64__)
static inline unsigned int firmware_this_cpu(void)
{
	uint64_t cpu;

	__asm__("mrs %0, tpidr_el1" : "=r"(cpu));
	return (unsigned int)cpu;
}
#elif defined(__riscv)
static inline unsigned int firmware_this_cpu(void)
{
	unsigned long hart;

	__asm__("csrr %0, mhartid" : "=r"(hart));
	return (unsigned int)hart;
}
#elif defined(__powerpc__)
static inline unsigned int firmware_this_cpu(void)
{
	unsigned int cpu;

	__asm__("mfspr %0, 272" : "=r"(cpu));
	return cpu;
}
#endif
#define TW_GUEST_CPU() firmware_this_cpu()

/* Those that have no counter that the runtime would know of, and a firmware
 * that has one of its own. */
#if defined(__arm__) || defined(__sparc__) || defined(FIRMWARE_CLOCK)
uint64_t machine_clock(void);
#define TW_GUEST_CLOCK() machine_clock()
#endif

/* Its counter has 25 bits, which the runtime makes 64 of. */
#ifdef __arm__
#define MACHINE_CLOCK_MASK 0x1ffffffu
#else
#define MACHINE_CLOCK_MASK 0 /* all 64 bits are there */
#endif

#endif
