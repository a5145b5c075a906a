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
	TW_PARSE_DIRECTIVE, /* a malformed include, prefix or enum line */
	TW_PARSE_INCLUDE,   /* a file that can't be had, a cycle, too deep */
	TW_PARSE_LOGLEVEL,  /* unknown, or given twice */
	TW_PARSE_LENGTH,    /* of an argument of bytes */
};

/* Which trace-events language, where QEMU's versions differ. */
enum tw_parse_dialect {
	TW_DIALECT_NEWEST = 0,
	/* QEMU 7.2: "vcpu" is known; a newline may stand within a format. */
	TW_DIALECT_7_2,
};

struct tw_parse_error {
	enum tw_parse_code code;
	const char *file;  /* the caller's string, or the errors' */
	uint32_t line;	   /* from 1 */
	uint32_t column;   /* from 1, bytes */
	char message[320]; /* no newline, no file or line in it */
};

#define TW_PARSE_ERRORS_MAX 64

/*
 * All errors of a file and of what it includes, in the order of their lines.
 * count may exceed what is kept. Set anew by each call, whatever was in it.
 */
struct tw_parse_errors {
	uint32_t count;
	struct tw_arena *arena; /* names of included files, else NULL */
	struct tw_parse_error list[TW_PARSE_ERRORS_MAX];
};

/* Free what errors hold after a call that could read included files. */
void tw_parse_errors_clear(struct tw_parse_errors *errors);

/* Limits, all of them TW_PARSE_LIMIT when passed, but for the depth. */
#define TW_PARSE_LINE_MAX (64u << 10) /* bytes, its newline not counted */
#define TW_PARSE_FILE_MAX                                                 \
	(64u << 20)		   /* also of all included files together \
				    */
#define TW_PARSE_DEPTH_MAX 16	   /* files within each other, all told */
#define TW_PARSE_INCLUDES_MAX 1024 /* of one call */
#define TW_PARSE_ENUMS_MAX 1024

struct tw_parse_options {
	size_t size; /* of this struct, as the caller knows it */
	enum tw_parse_dialect dialect;
	/*
	 * Read an included file whole: 0, and *text (to be freed by the parser
	 * with free()) and *size are set; or a negative errno. path: as in the
	 * include line, behind the including file's folder unless absolute.
	 * NULL: files can't be included.
	 */
	int (*read)(void *data, const char *path, char **text, size_t *size);
	void *data; /* for read */
};

/*
 * Parse size bytes of text, a whole trace-events file that messages and events
 * will call file. Returns 0 and a schema to be destroyed by the caller, or
 * -EINVAL with at least one error, or -ENOMEM (also an error). errors may not
 * be NULL; text need not be NUL-terminated. options: NULL is all zeroes.
 */
int tw_parse_events_with(const struct tw_parse_options *options,
			 const char *file, const char *text, size_t size,
			 struct tw_schema **schema,
			 struct tw_parse_errors *errors);

/* The same without options. */
int tw_parse_events(const char *file, const char *text, size_t size,
		    struct tw_schema **schema, struct tw_parse_errors *errors);

#endif
