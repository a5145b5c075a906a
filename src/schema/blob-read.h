/* SPDX-License-Identifier: MIT */
/* Reading a schema blob (trackway/blob.h) that nobody vouches for. */
#ifndef TRACKWAY_SCHEMA_BLOB_READ_H
#define TRACKWAY_SCHEMA_BLOB_READ_H

#include "event.h"

/*
 * Read size bytes as a blob. swap: it is of the other byte order. Every offset,
 * count, kind and size is checked, names must be C identifiers, strings end
 * within the blob and have a bounded length; all is copied, so blob may go.
 * Returns 0 and a schema to be destroyed by the caller, -EBADMSG with *why set
 * to a static string, or -ENOMEM.
 */
int tw_blob_read(const void *blob, size_t size, bool swap,
		 struct tw_schema **schema, const char **why);

#endif
