/* SPDX-License-Identifier: MIT */
/* x86-64, a PC: local APIC timer, start-up IPIs, the first serial port. */
#include "../machine.h"
#include "../config.h"

#define TRAMPOLINE 0x8000
#define COM1 0x3f8

#define APIC(offset) (*(volatile uint32_t *)(0xfee00000ul + (offset)))
#define APIC_EOI APIC(0xb0)
#define APIC_SPURIOUS APIC(0xf0)
#define APIC_COMMAND APIC(0x300)
#define APIC_TIMER APIC(0x320)
#define APIC_TIMER_COUNT APIC(0x380)
#define APIC_TIMER_DIVIDE APIC(0x3e0)
#define APIC_HZ 1000000000u /* QEMU's, under TCG and KVM */

#define TIMER_VECTOR 32

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t stack;
	uint8_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

struct interrupt_frame;

extern const unsigned char trampoline[], trampoline_end[];

void machine_start_cpu(unsigned int cpu);

static struct gate gates[TIMER_VECTOR + 1];

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

void machine_put(char byte)
{
	out8(COM1, (uint8_t)byte);
}

uint64_t machine_clock_hz(void)
{
	return 0;
}

__attribute__((interrupt)) static void on_fault(struct interrupt_frame *frame)
{
	machine_put('!');
	for (;;)
		__asm__ volatile("cli; hlt");
}

__attribute__((interrupt)) static void on_timer(struct interrupt_frame *frame)
{
	firmware_tick(firmware_this_cpu());
	APIC_EOI = 0;
}

static void set_gate(unsigned int vector,
		     void (*handler)(struct interrupt_frame *))
{
	uintptr_t address = (uintptr_t)handler;
	struct gate *gate = &gates[vector];

	gate->offset_low = (uint16_t)address;
	gate->offset_middle = (uint16_t)(address >> 16);
	gate->offset_high = (uint32_t)(address >> 32);
	gate->selector = 0x18;
	gate->type = 0x8e; /* an interrupt gate, present */
}

static void load_gates(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed))
	pointer = {sizeof(gates) - 1, (uintptr_t)gates};

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

void machine_start_cpu(unsigned int cpu)
{
	if (cpu == 0) {
		/* No interrupts from the old controllers. */
		out8(0x21, 0xff);
		out8(0xa1, 0xff);
		for (unsigned int i = 0; i < TIMER_VECTOR; i++)
			set_gate(i, on_fault);
		set_gate(TIMER_VECTOR, on_timer);
	}
	load_gates();
	APIC_SPURIOUS = 0x1ff; /* on */
	if (cpu == 0)
		firmware_main();
	else
		firmware_cpu(cpu);
}

void machine_timer_start(unsigned int cpu)
{
	APIC_TIMER_DIVIDE = 0xb;	      /* by 1 */
	APIC_TIMER = TIMER_VECTOR | 1u << 17; /* periodic */
	APIC_TIMER_COUNT = APIC_HZ / TICKS_PER_SECOND;
	__asm__ volatile("sti");
}

static void wait_ms(unsigned int ms)
{
	/* The port takes about a microsecond on a real PC. */
	for (unsigned int i = 0; i < ms * 1000; i++)
		out8(0x80, 0);
}

void machine_start_others(void)
{
	volatile unsigned char *to = (volatile unsigned char *)TRAMPOLINE;
	uintptr_t size = (uintptr_t)trampoline_end - (uintptr_t)trampoline;

	if (MACHINE_CPUS == 1)
		return;
	for (uintptr_t i = 0; i < size; i++)
		to[i] = trampoline[i];
	APIC_COMMAND = 0xc4500; /* INIT, to all but this one */
	wait_ms(10);
	APIC_COMMAND = 0xc4600 | TRAMPOLINE >> 12;
}

void machine_idle(void)
{
	__asm__ volatile("hlt");
}
