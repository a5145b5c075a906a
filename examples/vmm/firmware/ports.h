/* SPDX-License-Identifier: MIT */
/* The machine that the VMM makes, as a firmware sees it. */
#ifndef FIRMWARE_PORTS_H
#define FIRMWARE_PORTS_H

#include <stdint.h>

enum {
	PORT_CONSOLE = 0xe9, /* a byte of text; frames pass, too */
	PORT_EXIT = 0xf4,    /* the VMM ends, with this as its status */
	PORT_MARK = 0xf5,    /* --times says when: a number of one byte */
	PORT_FW_CFG_SELECTOR = 0x510,
	PORT_FW_CFG_DATA = 0x511,
	PORT_RESET = 0xcf9,
	RESET_NOW = 6,
};

/* The image is loaded anew at a reset; the rest of the memory is as it was. */
extern unsigned char ring_start[], ring_end[];

/* Called with the VMM's last argument; returns the VMM's exit status. */
int firmware_main(uint64_t argument);

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline void say(const char *text)
{
	while (*text)
		out8(PORT_CONSOLE, (uint8_t)*text++);
}

#endif
