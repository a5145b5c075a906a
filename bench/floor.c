/* SPDX-License-Identifier: MIT */
#include "floor.h"

#include <stddef.h>
#include <stdint.h>
#include <trackway/emit.h>

#define FLOOR_BYTES (16u << 20) /* the default ring's pages */

void floor_event(int a, int b, int c)
{
	static unsigned char buffer[FLOOR_BYTES] __attribute__((aligned(64)));
	static size_t at;
	/* Volatile, or compilers make two wide stores of the four. */
	volatile uint64_t *to = (void *)(buffer + at);

	at = (at + 32) % FLOOR_BYTES;
	to[0] = tw_clock_fast();
	to[1] = (uint64_t)a;
	to[2] = (uint64_t)b;
	to[3] = (uint64_t)c;
}
