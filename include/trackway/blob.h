/* SPDX-License-Identifier: MIT */
/*
 * The schema blob: a group's events as a block of bytes without pointers,
 * filled in by the compiler (sizes by sizeof) from tracetool's output, copied
 * into the ring, and read back by readers that trust nothing in it.
 *
 *	header | events | fields | strings
 *
 * All in the producer's byte order. Offsets are bytes from the blob's start; a
 * string is a byte offset from strings_offset, NUL-terminated within it. The
 * rule for extending is the ring's: step by the strides that the header states.
 */
#ifndef TRACKWAY_BLOB_H
#define TRACKWAY_BLOB_H

#include <trackway/types.h>

#define TW_BLOB_MAGIC 0x42535754u
#define TW_BLOB_MAJOR 1
#define TW_BLOB_MINOR 1 /* 1: fields have flags and values */

struct tw_blob_header {
	uint32_t magic;
	uint16_t major;
	uint16_t minor;
	uint32_t size; /* of the whole blob */
	uint32_t event_count;
	uint32_t event_stride;
	uint32_t events_offset;
	uint32_t field_count;
	uint32_t field_stride;
	uint32_t fields_offset;
	uint32_t strings_offset;
	uint32_t strings_size;
	uint32_t group; /* string: the group's name */
};

enum tw_blob_event_flags {
	TW_EVENT_NO_FORMAT = 1, /* the trace-events line has none */
	TW_EVENT_DISABLED = 2,	/* compiled out by "disable": never emitted */
};

struct tw_blob_event {
	uint32_t name;	 /* string */
	uint32_t format; /* string: printf's, PRI macros already resolved */
	uint32_t file;	 /* string: the trace-events file */
	uint32_t line;
	uint32_t first_field;
	uint16_t field_count;
	uint8_t loglevel; /* CTF's, 0 to 14 */
	uint8_t flags;	  /* enum tw_blob_event_flags */
};

/* How a field's bytes are to be read. Packed: no padding before any field. */
enum tw_field_kind {
	TW_FIELD_UINT = 1,
	TW_FIELD_SINT = 2,
	TW_FIELD_POINTER = 3, /* an unsigned address */
	TW_FIELD_BOOL = 4,    /* 1 byte, 0 or 1 */
	TW_FIELD_STRING = 5,  /* bytes up to and with a NUL; size 0 */
	TW_FIELD_FLOAT = 6,   /* IEEE, 4 or 8 bytes */
	TW_FIELD_BYTES = 7,   /* a count of 2 bytes, then so many; size 0 */
};

enum tw_blob_field_flags {
	TW_FIELD_HAS_VALUES = 1, /* an integer whose values have names */
};

struct tw_blob_field {
	uint32_t name;	/* string */
	uint32_t type;	/* string: the C type as written */
	uint8_t kind;	/* enum tw_field_kind */
	uint8_t size;	/* bytes: 1, 2, 4 or 8; 0 for a string and for bytes */
	uint16_t flags; /* enum tw_blob_field_flags; 0 before minor version 1 */
	/* Since minor version 1. string: "state IDLE=0 BUSY=1", the name of the
	 * set first; counts with TW_FIELD_HAS_VALUES only. */
	uint32_t values;
};

TW_STATIC_ASSERT(sizeof(struct tw_blob_header) == 48, "blob header");
TW_STATIC_ASSERT(sizeof(struct tw_blob_event) == 24, "blob event");
TW_STATIC_ASSERT(sizeof(struct tw_blob_field) == 16, "blob field");

/* For generated code: the kind of an integer type, by its signedness. */
#define TW_KIND_OF(type) ((type)-1 < (type)1 ? TW_FIELD_SINT : TW_FIELD_UINT)

#endif
