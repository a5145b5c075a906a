/* SPDX-License-Identifier: MIT */
/*
 * Names that tell the producers of a trace apart: the program's, with its pid
 * where another has the same name, and with its epoch after a reset. In a
 * column, long names are cut, what tells them apart is not.
 */
#ifndef TRACKWAY_CLI_PRODUCER_NAMES_H
#define TRACKWAY_CLI_PRODUCER_NAMES_H

#include "../trace/read.h"
#include "cli.h"

#define TW_PRODUCER_WIDTH_MAX 16 /* characters */

/* Whether another epoch of the same guest came before it. */
bool tw_is_after_reset(const struct tw_trace *trace, uint32_t producer);

/* How many characters the column needs. */
unsigned int tw_producer_width(const struct tw_trace *trace);

/* Add a producer's name, escaped and filled up to width characters. */
void tw_producer_add_name(const struct tw_trace *trace, uint32_t producer,
			  unsigned int width, struct tw_text *text);

#endif
