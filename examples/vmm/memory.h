/* SPDX-License-Identifier: MIT */
/* The guest's memory, from its address 0 on. What is in it is the guest's. */
#ifndef VMM_MEMORY_H
#define VMM_MEMORY_H

#include <stdint.h>

#define MEMORY_IMAGE 0x100000u	/* where a firmware's image is loaded */
#define MEMORY_SIZE (64u << 20) /* with what trackway's ring may have of it */

struct memory {
	uint8_t *base;
	uint64_t size;
};

/* All of them: 0, or a negative errno. */
int memory_open(struct memory *memory);
int memory_load(struct memory *memory, const char *path);
void memory_close(struct memory *memory);

/*
 * A string of the guest's, up to its NUL or 255 bytes: a copy, which stays for
 * as many further calls as an event may have strings. Wherever the address
 * points, what is returned can be read.
 */
const char *memory_string(const struct memory *memory, uint64_t address);

#endif
