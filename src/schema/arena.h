/* SPDX-License-Identifier: MIT */
/*
 * The memory of a schema: many small texts and tables, freed all at once.
 */
#ifndef TRACKWAY_SCHEMA_ARENA_H
#define TRACKWAY_SCHEMA_ARENA_H

#include <stddef.h>

struct tw_arena;

/*
 * size bytes, zero-filled and aligned for any type, that live until the arena
 * is destroyed; or NULL. *arena is NULL for a new one.
 */
void *tw_arena_alloc(struct tw_arena **arena, size_t size);

/* A NUL-terminated copy of size bytes of text, or NULL. */
char *tw_arena_copy(struct tw_arena **arena, const char *text, size_t size);

/* NULL is fine. */
void tw_arena_destroy(struct tw_arena *arena);

#endif
