/* SPDX-License-Identifier: MIT */
/*
 * The event model: what a trace-events file declares, whether it was parsed
 * (src/schema/parse.h) or read from a ring (src/schema/blob-read.h).
 */
#ifndef TRACKWAY_SCHEMA_EVENT_H
#define TRACKWAY_SCHEMA_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <trackway/blob.h>

#define TW_FIELDS_MAX 10 /* of an event, as in QEMU */

/* Longest texts, bytes without the NUL: what the parser takes, a blob holds. */
#define TW_NAME_MAX 255u /* names of events, fields and groups; types */
#define TW_FORMAT_MAX 65535u
#define TW_PATH_MAX 4095u
#define TW_VALUES_MAX 8191u /* a set of named values, as text */

struct tw_field {
	const char *name;
	const char *type; /* C type as normalised: "const char *", "uint64_t" */
	uint8_t kind;	  /* enum tw_field_kind */
	uint8_t size; /* bytes; 0: a string, bytes, or (parsed) up to the target
		       */
	/* Of bytes, parsed: how many, or 0 and which argument says how many. */
	uint8_t length_field;
	uint16_t length;
	/* Names of an integer's values, for tw_label_next(); NULL: none. */
	const char *values;
};

struct tw_event_desc {
	const char *name;
	const char *format;	/* PRI macros resolved; NULL: none given */
	const char *format_raw; /* as written, for generated C; NULL from a
				   blob or without a format */
	const char *file;
	uint32_t line;
	uint8_t loglevel; /* CTF's: 14 = debug, the default */
	bool disabled;	  /* "disable" */
	uint32_t field_count;
	const struct tw_field *fields;
	/* What all fields take, bytes, if no event differs; else 0: strings, no
	 * fields, sizes up to the target, or never filled in. */
	uint32_t fixed_size;
};

struct tw_arena;

/* The events of one group. Owns all that its members point to. */
struct tw_schema {
	const char *group; /* may be NULL for a parsed file */
	uint32_t event_count;
	struct tw_event_desc *events;
	/* Parsed: every file that was read, once each, the first one first. */
	const char *const *files;
	uint32_t file_count;
	struct tw_arena *arena;
};

/* One name of tw_field.values, a C identifier; not NUL-terminated. */
struct tw_label {
	const char *name;
	size_t size;
	int64_t value;
};

/*
 * A schema with room for event_count events (zero-filled; its event_count is
 * left at 0), or NULL without memory.
 */
struct tw_schema *tw_schema_create(uint32_t event_count);

/* Free a schema and all that it holds. NULL is fine. */
void tw_schema_destroy(struct tw_schema *schema);

/* The event of this name, or NULL. */
const struct tw_event_desc *tw_schema_find(const struct tw_schema *schema,
					   const char *name);

/*
 * What sizeof() says of a field in a program whose words (long, size_t,
 * pointers) have word_size bytes; 0: a string, or bytes.
 */
uint8_t tw_field_size(const struct tw_field *field, uint8_t word_size);

/* What event->fixed_size is to be. */
uint32_t tw_event_fixed_size(const struct tw_event_desc *event);

/*
 * The names of values ("state IDLE=0 BUSY=1"), one after the other: *at is the
 * whole text at first. False: there are no more, or what follows is malformed,
 * as it may be in a blob.
 */
bool tw_label_next(const char **at, struct tw_label *label);

/* The name of this value, *size bytes; NULL: it has none. */
const char *tw_label_find(const char *values, int64_t value, size_t *size);

/* A log level's name in trace-events files ("err", "debug"), or NULL. */
const char *tw_loglevel_name(uint32_t loglevel);

/* The level of this name of size bytes, or -1. */
int tw_loglevel_find(const char *name, size_t size);

/* Whether size bytes are a field's name: a C identifier, not too long. */
bool tw_name_is_identifier(const char *name, size_t size);

/* Whether they are an event's or a group's: the same, but may begin with a
 * digit, since it is only ever used with a prefix. */
bool tw_name_is_word(const char *name, size_t size);

#endif
