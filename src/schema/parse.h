/* SPDX-License-Identifier: MIT */
/*
 * The trace-events language, with QEMU's grammar and QEMU's words for errors.
 * Never prints, keeps no global state.
 */
#ifndef TRACKWAY_SCHEMA_PARSE_H
#define TRACKWAY_SCHEMA_PARSE_H

#include "event.h"

enum tw_parse_code {
	TW_PARSE_OK = 0,
	TW_PARSE_SYNTAX,   /* the line is no event */
	TW_PARSE_PROPERTY, /* unknown property */
	TW_PARSE_EMPTY_ARGUMENT,
	TW_PARSE_TYPE, /* type not allowed */
	TW_PARSE_ARGUMENT_COUNT,
	TW_PARSE_ARGUMENT_NAME, /* no C identifier, or twice */
	TW_PARSE_FORMAT,	/* forbidden or broken format */
	TW_PARSE_DUPLICATE,	/* event name used before */
	TW_PARSE_NO_NEWLINE,	/* "does not end with a new line", which QEMU
				   puts after the file's name alone */
	TW_PARSE_NUL,		/* a NUL byte in the text */
	TW_PARSE_LIMIT,		/* a line or a file too long, too many events */
	TW_PARSE_MEMORY,
};

struct tw_parse_error {
	enum tw_parse_code code;
	uint32_t line;	   /* from 1 */
	uint32_t column;   /* from 1, bytes */
	char message[320]; /* no newline, no file or line in it */
};

#define TW_PARSE_ERRORS_MAX 64

/* All errors of a file, in its order. count may exceed what is kept. */
struct tw_parse_errors {
	uint32_t count;
	struct tw_parse_error list[TW_PARSE_ERRORS_MAX];
};

/* Limits, all of them TW_PARSE_LIMIT when passed. */
#define TW_PARSE_LINE_MAX (64u << 10) /* bytes, its newline not counted */
#define TW_PARSE_FILE_MAX (64u << 20)

/*
 * Parse size bytes of text, a whole trace-events file that messages and events
 * will call file. Returns 0 and a schema to be destroyed by the caller, or
 * -EINVAL with at least one error, or -ENOMEM (also an error). errors may not
 * be NULL; text need not be NUL-terminated.
 */
int tw_parse_events(const char *file, const char *text, size_t size,
		    struct tw_schema **schema, struct tw_parse_errors *errors);

#endif
