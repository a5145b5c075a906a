/* SPDX-License-Identifier: MIT */
/* PowerPC, QEMU's ppce500: the decrementer, the spin table, a serial port. */
#include "../machine.h"
#include "../config.h"

#define UART_DATA (*(volatile uint8_t *)0xe0004500u)

/* An entry of the spin table, as ePAPR has it. */
struct spin {
	volatile uint32_t address_high;
	volatile uint32_t address; /* bit 0: wait */
	volatile uint32_t r3_high;
	volatile uint32_t r3;
	volatile uint32_t reserved[4];
};
#define SPIN_TABLE ((struct spin *)0xef000000u)

#define TIME_BASE_HZ 400000000u

#define SPR_DECAR "54"
#define SPR_SPRG0 "272"
#define SPR_TSR "336"
#define SPR_TCR "340"
#define SPR_HID0 "1008"
#define TSR_DECREMENTER 0x08000000u
#define TCR_DECREMENTER 0x04400000u /* interrupts, reloads itself */
#define HID0_DOZE 0x00800000u
#define MSR_WAIT 0x00040000u

#define SET_SPR(spr, value) \
	__asm__ volatile("mtspr " spr ", %0" : : "r"(value) : "memory")

extern char start_cpu[];

void machine_decrementer(void);

void machine_put(char byte)
{
	UART_DATA = (uint8_t)byte;
}

uint64_t machine_clock_hz(void)
{
	return TIME_BASE_HZ;
}

void machine_decrementer(void)
{
	SET_SPR(SPR_TSR, TSR_DECREMENTER);
	firmware_tick(firmware_this_cpu());
}

void machine_timer_start(unsigned int cpu)
{
	SET_SPR(SPR_HID0, HID0_DOZE);
	/* It reloads itself at its end, if that comes after TCR is set. */
	SET_SPR(SPR_DECAR, TIME_BASE_HZ / TICKS_PER_SECOND);
	SET_SPR(SPR_TCR, TCR_DECREMENTER);
	__asm__ volatile("mtdec %0" : : "r"(TIME_BASE_HZ / TICKS_PER_SECOND));
	__asm__ volatile("wrteei 1" : : : "memory");
}

void machine_start_others(void)
{
	for (unsigned int cpu = 1; cpu < MACHINE_CPUS; cpu++) {
		struct spin *spin = &SPIN_TABLE[cpu];

		spin->r3_high = 0;
		spin->r3 = cpu;
		spin->address_high = 0;
		spin->address = (uint32_t)start_cpu;
	}
}

void machine_idle(void)
{
	uint32_t msr;

	__asm__ volatile("mfmsr %0" : "=r"(msr));
	__asm__ volatile("sync; mtmsr %0; isync" : : "r"(msr | MSR_WAIT));
}
