/* SPDX-License-Identifier: MIT */
/*
 * A firmware that does everything wrong that a guest can do at the ports of the
 * example VMM. Between the lies it sends events that have to arrive, numbered.
 * test-vmm.py knows what has to be counted.
 */
#include "ports.h"

#include <stddef.h>

#define CHANNEL 0x4000
#define MORE ((uint64_t)1 << 63)
#define MEMORY_END 0x4000000ul

/* Places in examples/vmm/firmware/trace-events. */
enum {
	START,
	REGISTER,
	DO_COMMAND,
	INQUIRY,
	TRANSFER,
	IDLE,
	EVENTS
};

/* Where no reset touches it: the number of boots. */
#define BOOTS (*(volatile uint32_t *)0x8000)

static uint32_t sent;

static void put(uint64_t word, unsigned int bytes)
{
	for (; bytes; bytes--, word >>= 8)
		out8(PORT_FW_CFG_DATA, (uint8_t)word);
}

static void send(uint64_t id, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t words[] = {id, a, b, c, 0, 0, 0};

	out16(PORT_FW_CFG_SELECTOR, CHANNEL);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		put(words[i], 8);
}

/* An event that is none of the lies. */
static void send_truth(void)
{
	send(DO_COMMAND, sent++, 0x12, 0);
}

static void unknown_ids(void)
{
	static const uint64_t ids[] = {
		EVENTS,	    999,      65535,	     65536,
		UINT32_MAX, MORE - 1, MORE | EVENTS, UINT64_MAX,
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		send(ids[i], 1, 2, 3);
	send_truth();
	/* One that is compiled out is as unknown. */
	send(REGISTER, 1, 2, 0);
	send_truth();
}

static void short_events(void)
{
	/* In the midst of a word: the message goes on where the word began. */
	out16(PORT_FW_CFG_SELECTOR, CHANNEL);
	put(DO_COMMAND, 8);
	put(sent++, 8);
	put(0xff, 3);
	out16(PORT_FW_CFG_SELECTOR, CHANNEL);
	put(0x12, 8);
	for (int i = 0; i < 4; i++)
		put(0, 8);
	/* In the midst of a message, which a reading ends. */
	out16(PORT_FW_CFG_SELECTOR, CHANNEL);
	put(DO_COMMAND, 8);
	put(1, 8);
	out16(PORT_FW_CFG_SELECTOR, CHANNEL);
	in8(PORT_FW_CFG_DATA);
	send_truth();
	/* Arguments 7 to 10, and another event after them. */
	send(TRANSFER | MORE, 7, 8, 9);
	send_truth();
}

/* What is behind the ends of what is there. */
static void wrong_places(void)
{
	out16(PORT_FW_CFG_SELECTOR, 0x1234);
	for (int i = 0; i < 100; i++)
		out8(PORT_FW_CFG_DATA, (uint8_t)in8(PORT_FW_CFG_DATA));
	/* A register of another size. */
	out8(PORT_FW_CFG_SELECTOR, 0);
	out32(PORT_FW_CFG_SELECTOR, 0x40004000);
	out16(PORT_FW_CFG_DATA, 0xffff);
	out8(0xffff, 0);
	in8(0xffff);
	out16(PORT_FW_CFG_SELECTOR, CHANNEL);
	for (int i = 0; i < 70000; i++)
		in8(PORT_FW_CFG_DATA);
	send_truth();
}

/* Addresses of strings. */
static void bad_addresses(void)
{
	static const uint64_t addresses[] = {
		0, MEMORY_END, MEMORY_END + 1, UINT64_MAX, MORE, 0xffffffff,
	};
	volatile unsigned char *last = (unsigned char *)(MEMORY_END - 3);

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		send(START, addresses[i], i, 0);
	/* With no NUL before the memory ends. */
	for (int i = 0; i < 3; i++)
		last[i] = 'x';
	send(START, MEMORY_END - 3, 6, 0);
	/* With none at all. */
	for (int i = 0; i < 0x10000; i++)
		ring_start[i] = 'y';
	send(START, (uintptr_t)ring_start, 7, 0);
	send_truth();
}

/* What looks like frames, on the console. */
static void bad_frames(void)
{
	static const uint8_t bytes[] = {
		0xf7, 0xff, 0xff, 1, 0,	   0, 0, 0, 0xf7, 8, 0, 1,
		0,    0,    0,	  0, 1,	   2, 3, 4, 5,	  6, 7, 8,
		0,    0,    0,	  0, 0xf7, 8, 0, 1, 0,	  0, 0, 0,
	};

	for (size_t i = 0; i < sizeof(bytes); i++)
		out8(PORT_CONSOLE, bytes[i]);
	say("\ntext\n");
}

int firmware_main(uint64_t argument)
{
	sent = BOOTS * 1000;
	if (BOOTS++ == 0) {
		unknown_ids();
		short_events();
		wrong_places();
		bad_addresses();
		bad_frames();
		/* In the midst of an event, and of a word. */
		out16(PORT_FW_CFG_SELECTOR, CHANNEL);
		put(DO_COMMAND, 8);
		put(1, 5);
		out8(PORT_RESET, RESET_NOW);
	}
	send_truth();
	if (argument == 1)
		*(volatile uint32_t *)0x20000000 = 1;
	if (argument == 2)
		__asm__ volatile("hlt");
	if (argument == 3)
		__asm__ volatile("ud2");
	return 5;
}
