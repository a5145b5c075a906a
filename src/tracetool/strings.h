/* SPDX-License-Identifier: MIT */
/* A set of strings, numbered in the order in which they came. */
#ifndef TRACKWAY_TRACETOOL_STRINGS_H
#define TRACKWAY_TRACETOOL_STRINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tw_string {
	const char *text; /* the caller's, not copied */
	uint32_t offset;  /* where it begins if all are laid end to end */
	uint32_t size;	  /* with its NUL */
};

/* Zero-filled is empty. */
struct tw_strings {
	struct tw_string *list;
	uint32_t count;
	uint32_t total;	 /* bytes, all laid end to end */
	uint64_t *slots; /* number + 1, and the hash above it; 0: empty */
	uint32_t slot_count;
	bool failed; /* out of memory, or more than 4 GiB */
};

/*
 * The number of this text, which is count as it was before if it is new. After
 * a failure (strings->failed) the number means nothing.
 */
uint32_t tw_strings_add(struct tw_strings *strings, const char *text);

/* The number of this text, or -1. */
int64_t tw_strings_find(const struct tw_strings *strings, const char *text);

void tw_strings_clear(struct tw_strings *strings);

#endif
