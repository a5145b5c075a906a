/* SPDX-License-Identifier: MIT */
/* RISC-V 64, QEMU's virt in machine mode: CLINT, NS16550A. */
#include "../machine.h"
#include "../config.h"

#define UART_DATA (*(volatile uint8_t *)0x10000000ul)
#define MTIME (*(volatile uint64_t *)0x0200bff8ul)
#define MTIMECMP(hart) (*(volatile uint64_t *)(0x02004000ul + 8ul * (hart)))

#define TIME_HZ 10000000u
#define CAUSE_TIMER (1ul << 63 | 7)

extern volatile uint32_t others_go;

void machine_put(char byte)
{
	UART_DATA = (uint8_t)byte;
}

uint64_t machine_clock_hz(void)
{
	return TIME_HZ;
}

static void set_timer(unsigned long cpu)
{
	MTIMECMP(cpu) = MTIME + TIME_HZ / TICKS_PER_SECOND;
}

__attribute__((interrupt, aligned(4))) static void on_trap(void)
{
	unsigned long cause, cpu = firmware_this_cpu();

	__asm__ volatile("csrr %0, mcause" : "=r"(cause));
	if (cause != CAUSE_TIMER) {
		machine_put('!');
		for (;;)
			__asm__ volatile("wfi");
	}
	set_timer(cpu);
	firmware_tick((unsigned int)cpu);
}

void machine_timer_start(unsigned int cpu)
{
	__asm__ volatile("csrw mtvec, %0" : : "r"(on_trap));
	set_timer(cpu);
	__asm__ volatile("csrs mie, %0" : : "r"(1ul << 7));
	__asm__ volatile("csrs mstatus, %0" : : "r"(1ul << 3));
}

void machine_start_others(void)
{
	__asm__ volatile("fence" : : : "memory");
	others_go = 1;
}

void machine_idle(void)
{
	__asm__ volatile("wfi");
}
