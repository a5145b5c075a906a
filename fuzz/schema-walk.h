/* SPDX-License-Identifier: MIT */
/* What every target does with a schema that it has got hold of. */
#ifndef TRACKWAY_FUZZ_SCHEMA_WALK_H
#define TRACKWAY_FUZZ_SCHEMA_WALK_H

#include "../src/schema/decode.h"
#include "../src/schema/format.h"

/* Look at each byte that a schema hands out; compile its formats. */
void fuzz_walk_schema(const struct tw_schema *schema);

/* Read each field of an event, and print it by its format. */
void fuzz_walk_event(const struct tw_event_desc *event, const uint8_t *fields,
		     size_t size, bool swap);

/* Walk a page's content with these events. Returns how many it had, or the
 * error that ended it. */
int64_t fuzz_walk_page(const struct tw_schema *schema, const void *page,
		       size_t size, uint64_t time_begin, bool swap);

#endif
