/* SPDX-License-Identifier: MIT */
#include "timer.h"

#include "ports.h"

#define VECTOR 32
#define CODE 0x08 /* start.S's segment */
#define TIMER_HZ 1193182

static struct gate {
	uint16_t offset_low;
	uint16_t segment;
	uint16_t type;
	uint16_t offset_high;
} gates[VECTOR + 1];

static void load_gates(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed))
	pointer = {sizeof(gates) - 1, (uint32_t)(uintptr_t)gates};

	gates[VECTOR] = (struct gate){
		.offset_low = (uint16_t)(uintptr_t)timer_tick,
		.segment = CODE,
		.type = 0x8e00, /* an interrupt gate, present */
		.offset_high = (uint16_t)((uintptr_t)timer_tick >> 16),
	};
	__asm__ volatile("lidt %0" : : "m"(pointer), "m"(gates));
}

void timer_start(void)
{
	const uint16_t round = TIMER_HZ / TICKS_PER_SECOND;

	load_gates();
	/* The first controller's interrupts from VECTOR on, the timer's alone
	 * let through. */
	out8(0x20, 0x11);
	out8(0x21, VECTOR);
	out8(0x21, 4);
	out8(0x21, 1);
	out8(0x21, 0xfe);
	/* A rate generator; its round in two bytes. */
	out8(0x43, 0x34);
	out8(0x40, (uint8_t)round);
	out8(0x40, round >> 8);
}

void timer_wait(void)
{
	/* None comes between the two: sti takes effect after the next. */
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}
