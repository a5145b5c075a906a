/* SPDX-License-Identifier: MIT */
/* How far off a time may be, as text and as JSON. */
#ifndef TRACKWAY_CLI_BOUNDS_H
#define TRACKWAY_CLI_BOUNDS_H

#include "../trace/read.h"
#include "cli.h"

#define TW_BOUND_WIDTH 7 /* characters: "+1.24us" */

struct tw_bound_text {
	char text[24];
};

/*
 * A bound of so many ns (or TW_BOUND_UNKNOWN) in three digits, rounded up, so
 * that it still holds. sign: '+' or '-'.
 */
struct tw_bound_text tw_bound_of(char sign, uint64_t ns);

/* Members "plus_ns" and "minus_ns"; null if not known. */
void tw_bounds_json(struct tw_json *json, uint64_t plus_ns, uint64_t minus_ns);

#endif
