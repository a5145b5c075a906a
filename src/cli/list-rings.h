/* SPDX-License-Identifier: MIT */
/* The rings in guests' memories, for trackway list. */
#ifndef TRACKWAY_CLI_LIST_RINGS_H
#define TRACKWAY_CLI_LIST_RINGS_H

#include "cli.h"

/*
 * Print a table of the rings in each of these memories (../attach/ram.h), and
 * of what looks like one and can't be used, with the reason. Returns enum
 * tw_exit: a memory that can't be looked at is said and leaves the others.
 * is_second: another table stands before, so that a blank line parts them.
 */
int tw_list_rings(const struct tw_words *memories, bool is_second);

/* The same as objects of an array that has been begun. */
int tw_list_rings_json(const struct tw_words *memories, struct tw_json *json);

/* "16M": the largest unit that divides the size, or a decimal of a larger. */
void tw_list_format_size(char *text, size_t room, uint64_t size);

#endif
