/* SPDX-License-Identifier: MIT */
/*
 * What an event costs a guest: the firmware that bench/guest.py boots, on top
 * of tests/guest/firmware/x86_64. It writes one line a round and variant,
 * "NAME NANOSECONDS OPERATIONS", to the serial port, and "end".
 */
#include "machine.h"
#include "trace.h"

#define ROUNDS 301
#define RING_BYTES (8u << 20)
#define DEBUGCON 0xe9

/* The local APIC's timer counts nanoseconds of the host's clock down, once. */
#define APIC(offset) (*(volatile uint32_t *)(0xfee00000ul + (offset)))
#define APIC_TIMER APIC(0x320)
#define APIC_TIMER_COUNT APIC(0x380)
#define APIC_TIMER_NOW APIC(0x390)
#define APIC_TIMER_DIVIDE APIC(0x3e0)

/* A buffer as large as the ring, behind it. */
static size_t place;

static inline __attribute__((always_inline)) void *next_place(void)
{
	void *to = ring_start + RING_BYTES + place;

	place = (place + 32) % RING_BYTES;
	return to;
}

static inline __attribute__((always_inline)) void store(void *at, uint64_t a,
							uint64_t b, uint64_t c,
							uint64_t d)
{
	/* Volatile, or compilers make something else of the four. */
	volatile uint64_t *to = at;

	to[0] = a;
	to[1] = b;
	to[2] = c;
	to[3] = d;
}

/* Nothing that an event does but to store. */
__attribute__((noinline)) static void plain_store(int a, int b, int c)
{
	store(next_place(), 1, (uint64_t)a, (uint64_t)b, (uint64_t)c);
}

/* What an event can't do without: it says when it was. */
__attribute__((noinline)) static void timed_store(int a, int b, int c)
{
	store(next_place(), __builtin_ia32_rdtsc(), (uint64_t)a, (uint64_t)b,
	      (uint64_t)c);
}

__attribute__((noinline)) static void nothing(int a, int b, int c)
{
	(void)a, (void)b, (void)c;
	__asm__ volatile("");
}

__attribute__((noinline)) static void clock_only(int a, int b, int c)
{
	(void)a, (void)b, (void)c;
	__builtin_ia32_rdtsc();
}

static void put(uint64_t value, unsigned int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		__asm__ volatile("outb %0, %1"
				 :
				 : "a"((uint8_t)value),
				   "Nd"((uint16_t)DEBUGCON));
}

/* The same bytes as the event's, one exit each. */
__attribute__((noinline)) static void debugcon_event(int a, int b, int c)
{
	put(__builtin_ia32_rdtsc(), 8);
	put((uint32_t)a, 4);
	put((uint32_t)b, 4);
	put((uint32_t)c, 4);
}

__attribute__((noinline)) static void ring_event(int a, int b, int c)
{
	trace_bench_int3(a, b, c);
}

__attribute__((noinline)) static void off_event(int a, int b, int c)
{
	trace_bench_off(a, b, c);
}

static const struct variant {
	const char *name;
	void (*run)(int a, int b, int c);
	uint32_t operations;
} variants[] = {
	{"event", ring_event, 3000},	   {"off", off_event, 3000},
	{"store", plain_store, 3000},	   {"timed_store", timed_store, 3000},
	{"clock", clock_only, 3000},	   {"loop", nothing, 3000},
	{"debugcon", debugcon_event, 150},
};
#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

static void say(const char *text)
{
	while (*text)
		machine_put(*text++);
}

static void say_number(uint32_t value)
{
	char digits[12];
	char *at = &digits[11];

	*at = '\0';
	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	say(" ");
	say(at);
}

static void measure(const struct variant *variant)
{
	uint32_t began, ended;

	APIC_TIMER_COUNT = 0xffffffff;
	began = APIC_TIMER_NOW;
	for (uint32_t i = 0; i < variant->operations; i++)
		variant->run((int)i, 2, 3);
	ended = APIC_TIMER_NOW;
	say(variant->name);
	say_number(began - ended);
	say_number(variant->operations);
	say("\n");
}

void firmware_tick(unsigned int cpu)
{
	(void)cpu;
}

void firmware_cpu(unsigned int cpu)
{
	(void)cpu;
	for (;;)
		machine_idle();
}

void firmware_main(void)
{
	static struct tw_group *const groups[] = {&tw_group_firmware};
	static struct tw_guest_options options = {
		.memory = ring_start,
		.size = RING_BYTES,
		.name = FIRMWARE_NAME,
		.groups = groups,
		.group_count = 1,
	};

	if (tw_guest_start(&options))
		say("no ring\n");
	APIC_TIMER_DIVIDE = 0xb; /* by 1 */
	APIC_TIMER = 1u << 16;	 /* once, no interrupt */
	/* The host switches bench_int3 on. */
	say("ready\n");
	while (!trace_bench_int3_enabled())
		__asm__ volatile("pause");
	/* In other orders each time: the host's scheduler finds a beat in a
	 * fixed one, and always the same variant has to wait. */
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < VARIANTS; i++)
			measure(&variants[round % 2 ? (round + i) % VARIANTS
						    : (round + VARIANTS - i) %
							      VARIANTS]);
	say("end\n");
	firmware_cpu(0);
}
