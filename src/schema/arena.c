/* SPDX-License-Identifier: MIT */
/* The memory of a schema, as a list of blocks that are filled from the front
 * (tables, aligned) and from the back (texts, which need no alignment). */

#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (64u << 10)
#define ALIGNMENT sizeof(max_align_t)

struct tw_arena {
	struct tw_arena *next;
	size_t front;
	size_t back;
	max_align_t bytes[];
};

/*
 * A block with room for size bytes at its head; the block in use stays the
 * first unless the new one has more room left.
 */
static struct tw_arena *arena_grow(struct tw_arena **arena, size_t size)
{
	size_t room = size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE;
	struct tw_arena *block;

	if (size > SIZE_MAX / 2)
		return NULL;
	block = calloc(1, sizeof(*block) + room);
	if (!block)
		return NULL;
	block->back = room;
	if (*arena && room == size) {
		block->next = (*arena)->next;
		(*arena)->next = block;
	} else {
		block->next = *arena;
		*arena = block;
	}
	return block;
}

static struct tw_arena *arena_block(struct tw_arena **arena, size_t size)
{
	if (*arena && (*arena)->back - (*arena)->front >= size)
		return *arena;
	return arena_grow(arena, size);
}

void *tw_arena_alloc(struct tw_arena **arena, size_t size)
{
	struct tw_arena *block;
	size_t at;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	block = arena_block(arena, size);
	if (!block)
		return NULL;
	at = block->front;
	block->front += size;
	return (char *)block->bytes + at;
}

char *tw_arena_copy(struct tw_arena **arena, const char *text, size_t size)
{
	struct tw_arena *block;
	char *copy;

	if (size > SIZE_MAX / 2)
		return NULL;
	block = arena_block(arena, size + 1);
	if (!block)
		return NULL;
	block->back -= size + 1;
	copy = (char *)block->bytes + block->back;
	memcpy(copy, text, size);
	copy[size] = 0;
	return copy;
}

void tw_arena_destroy(struct tw_arena *arena)
{
	while (arena) {
		struct tw_arena *next = arena->next;

		free(arena);
		arena = next;
	}
}
