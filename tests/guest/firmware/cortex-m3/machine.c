/* SPDX-License-Identifier: MIT */
/* Cortex-M3, the MPS2 board with AN385: SysTick, a timer as clock, a UART. */
#include "../machine.h"
#include "../config.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define UART_DATA REG(0x40004000u)
#define UART_CTRL REG(0x40004008u)
#define TIMER_CTRL REG(0x40000000u)
#define TIMER_VALUE REG(0x40000004u)
#define TIMER_RELOAD REG(0x40000008u)
#define SYSTICK_CTRL REG(0xe000e010u)
#define SYSTICK_RELOAD REG(0xe000e014u)
#define SYSTICK_VALUE REG(0xe000e018u)

#define SYSTEM_HZ 25000000u

/*
 * The counter is made to go round every 1.3 seconds, so that it does so in the
 * midst of what a test records. While all events are off the runtime misses
 * rounds, which nobody can tell.
 */
#define COUNTER_MASK MACHINE_CLOCK_MASK

void machine_systick(void);

void machine_put(char byte)
{
	UART_CTRL = 1;
	UART_DATA = (uint8_t)byte;
}

/* It counts down. */
uint64_t machine_clock(void)
{
	return ~TIMER_VALUE & COUNTER_MASK;
}

uint64_t machine_clock_hz(void)
{
	TIMER_RELOAD = COUNTER_MASK;
	TIMER_VALUE = COUNTER_MASK;
	TIMER_CTRL = 1;
	return SYSTEM_HZ;
}

void machine_systick(void)
{
	firmware_tick(0);
}

void machine_timer_start(unsigned int cpu)
{
	SYSTICK_RELOAD = SYSTEM_HZ / TICKS_PER_SECOND - 1;
	SYSTICK_VALUE = 0;
	SYSTICK_CTRL = 7; /* on, with interrupts, the CPU's clock */
}

void machine_start_others(void)
{
}

void machine_idle(void)
{
	__asm__ volatile("wfi");
}
