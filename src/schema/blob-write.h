/* SPDX-License-Identifier: MIT */
/* From the event model to a schema blob: what src/schema/blob-read.h undoes. */
#ifndef TRACKWAY_SCHEMA_BLOB_WRITE_H
#define TRACKWAY_SCHEMA_BLOB_WRITE_H

#include "event.h"

/*
 * The blob of a schema whose fields all have their sizes, in the other byte
 * order with swap. 0 and *blob, of *size bytes, to be freed with free(); or
 * -ENOMEM.
 */
int tw_blob_write(const struct tw_schema *schema, bool swap, void **blob,
		  size_t *size);

#endif
