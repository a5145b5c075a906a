/* SPDX-License-Identifier: MIT */
/* SPARC V8, a SPARCstation 5: its slavio timers and serial port. */
#include "../machine.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define SERIAL_CONTROL (*(volatile uint8_t *)0x71100004u)
#define SERIAL_DATA (*(volatile uint8_t *)0x71100006u)
#define CPU_TIMER_COUNT REG(0x71d00004u) /* the lower half */
#define SYSTEM_TIMER_LIMIT REG(0x71d10000u)
#define TIMER_MODE REG(0x71d10010u)
#define INTERRUPT_ENABLE REG(0x71e10008u)

#define TIMER_HZ 2000000u
#define TIMER_SHIFT 9 /* the registers' lowest bits are not used */
#define COUNTER_MASK 0x7fffffu

#define MODE_USER 1u /* the first CPU's timer counts, and does nothing else */
#define INTERRUPT_ALL (1u << 31)
#define INTERRUPT_TIMER (1u << 19)

uint64_t machine_clock(void);
void machine_interrupt(void);

/*
 * 64 bits of time. The counter's lower half goes round in four seconds, which
 * is too short for the runtime if all events are off meanwhile; the timer's
 * interrupt comes in any case.
 */
static volatile uint32_t clock_updates;
static volatile uint64_t clock_base; /* the time at the last update */

void machine_put(char byte)
{
	SERIAL_CONTROL = 5;    /* its register 5: */
	SERIAL_CONTROL = 0x68; /* send, 8 bits */
	SERIAL_DATA = (uint8_t)byte;
}

/*
 * Up, in half microseconds. A timer with a limit would not do: at its end
 * QEMU's stands still until QEMU comes to it, and then has a round of two ticks
 * less than its bits can tell apart.
 */
static uint32_t counter(void)
{
	return CPU_TIMER_COUNT >> TIMER_SHIFT & COUNTER_MASK;
}

static uint64_t clock_at(uint64_t base)
{
	return base + ((counter() - (uint32_t)base) & COUNTER_MASK);
}

uint64_t machine_clock(void)
{
	uint32_t updates;
	uint64_t base;

	/* An interrupt may change it half-way. */
	do {
		updates = clock_updates;
		base = clock_base;
	} while (updates != clock_updates);
	return clock_at(base);
}

uint64_t machine_clock_hz(void)
{
	TIMER_MODE = MODE_USER;
	return TIMER_HZ;
}

void machine_interrupt(void)
{
	(void)SYSTEM_TIMER_LIMIT; /* acknowledges */
	clock_base = clock_at(clock_base);
	clock_updates++;
	firmware_tick(0);
}

void machine_timer_start(unsigned int cpu)
{
	uint32_t psr;

	SYSTEM_TIMER_LIMIT = (TIMER_HZ / TICKS_PER_SECOND + 1) << TIMER_SHIFT;
	INTERRUPT_ENABLE = INTERRUPT_ALL | INTERRUPT_TIMER;
	/* Level 10 and up. */
	__asm__ volatile("rd %%psr, %0" : "=r"(psr));
	psr = (psr & ~0xf00u) | 0x900u;
	__asm__ volatile("wr %0, %%psr; nop; nop; nop" : : "r"(psr));
}

void machine_start_others(void)
{
}

void machine_idle(void)
{
}
