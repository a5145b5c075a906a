/* SPDX-License-Identifier: MIT */
/* AArch64, QEMU's virt: virtual timer, GICv2, PSCI, PL011. */
#include "../machine.h"
#include "../config.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define UART_DATA REG(0x09000000ul)
#define GICD_CTLR REG(0x08000000ul)
#define GICD_ISENABLER0 REG(0x08000100ul)
#define GICC_CTLR REG(0x08010000ul)
#define GICC_PMR REG(0x08010004ul)
#define GICC_IAR REG(0x0801000cul)
#define GICC_EOIR REG(0x08010010ul)

#define TIMER_INTERRUPT 27
#define PSCI_CPU_ON 0xc4000003ul

extern char start_cpu[];

void machine_interrupt(void);

static inline uint64_t timer_hz(void)
{
	uint64_t hz;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

void machine_put(char byte)
{
	UART_DATA = (uint8_t)byte;
}

uint64_t machine_clock_hz(void)
{
	return timer_hz();
}

static void set_timer(void)
{
	__asm__ volatile("msr cntv_tval_el0, %0"
			 :
			 : "r"(timer_hz() / TICKS_PER_SECOND));
}

void machine_interrupt(void)
{
	uint32_t number = GICC_IAR;

	if (number == TIMER_INTERRUPT) {
		set_timer();
		firmware_tick(firmware_this_cpu());
	}
	GICC_EOIR = number;
}

void machine_timer_start(unsigned int cpu)
{
	GICD_CTLR = 1;
	GICD_ISENABLER0 = 1u << TIMER_INTERRUPT;
	GICC_PMR = 0xff;
	GICC_CTLR = 1;
	set_timer();
	__asm__ volatile("msr cntv_ctl_el0, %0" : : "r"(1ul));
	__asm__ volatile("msr daifclr, #2");
}

void machine_start_others(void)
{
	for (unsigned long cpu = 1; cpu < MACHINE_CPUS; cpu++) {
		register unsigned long x0 __asm__("x0") = PSCI_CPU_ON;
		register unsigned long x1 __asm__("x1") = cpu;
		register unsigned long x2 __asm__(
			"x2") = (unsigned long)start_cpu;
		register unsigned long x3 __asm__("x3") = cpu;

		__asm__ volatile("hvc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
				 :
				 : "memory");
	}
}

void machine_idle(void)
{
	__asm__ volatile("wfi");
}
