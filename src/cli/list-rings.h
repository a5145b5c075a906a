/* SPDX-License-Identifier: MIT */
/* The rings in guests' memories, for trackway list. */
#ifndef TRACKWAY_CLI_LIST_RINGS_H
#define TRACKWAY_CLI_LIST_RINGS_H

#include "cli.h"

/*
 * Print the rings in each of these memories (../attach/ram.h), and what
 * looks like one and can't be used, with the reason. Returns enum tw_exit: a
 * memory that can't be looked at is said and leaves the others.
 */
int tw_list_rings(const struct tw_words *memories, bool as_json);

/* "16M": the largest unit that divides the size, or a decimal of a larger. */
void tw_list_format_size(char *text, size_t room, uint64_t size);

#endif
