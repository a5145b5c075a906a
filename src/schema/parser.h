/* SPDX-License-Identifier: MIT */
/* What the parser's files share: parse.c, parse-type.c, parse-directive.c. */
#ifndef TRACKWAY_SCHEMA_PARSER_H
#define TRACKWAY_SCHEMA_PARSER_H

#include "parse.h"

#include <string.h>

/* A piece of the text. */
struct tw_span {
	const char *at;
	const char *end;
};

/* Event names seen, by hash; a slot is an event's index + 1, or 0. */
struct tw_parser_names {
	uint32_t *slots;
	uint32_t mask;
};

/* A declared set of named values, and the integer that it is kept as. */
struct tw_parser_enum {
	struct tw_parser_enum *next;
	struct tw_field field; /* without a name */
	const char *name;
	const char *file;
	uint32_t line;
};

/* One that is being read, line by line, up to its "}". */
struct tw_parser_values {
	struct tw_parser_enum *set; /* NULL: none */
	int64_t lowest;		    /* what the set's integer holds */
	int64_t highest;
	int64_t next;	/* value of a name that has none of its own */
	bool has_next;	/* there is one in range */
	bool expecting; /* a name may come: no comma is missing */
	bool failed;	/* something in it was complained of */
	size_t size;
	char text[TW_VALUES_MAX + 1];
};

/* A file being read, and the ones that include it. */
struct tw_parser_file {
	struct tw_parser_file *includer; /* or NULL */
	const char *path;		 /* the schema's */
	const char *error_path;		 /* lives as long as the errors */
	const char *base;		 /* prefix that its includer gives it */
	const char *prefix;		 /* of the events to come, base too */
	uint32_t depth;			 /* 1: the first file */
};

#define TW_PARSER_TYPES 64

struct tw_parser {
	struct tw_parse_options options;
	struct tw_parser_file *file;
	struct tw_schema *schema;
	uint64_t line_count; /* of all files so far: no fewer than events */
	uint32_t event_room; /* of schema->events */
	struct tw_parser_names names;
	struct tw_parse_errors *errors;
	struct tw_span line;
	uint32_t line_number;
	char *scratch; /* 2 * TW_PARSE_LINE_MAX bytes */
	bool no_memory;

	/* Types that were there before, by their texts; type is NULL: none. */
	struct tw_field types[TW_PARSER_TYPES];

	const char **files; /* schema->files to be; the schema's strings */
	uint32_t file_count;
	uint32_t include_count;
	uint64_t total_size; /* bytes, of all files */
	struct tw_parser_enum *enums;
	uint32_t enum_count;
	struct tw_parser_values *values; /* NULL until the first enum */
};

static inline bool tw_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static inline size_t tw_span_size(struct tw_span s)
{
	return (size_t)(s.end - s.at);
}

/* For "%.*s" in a message. */
static inline int tw_span_width(struct tw_span s)
{
	return tw_span_size(s) < 100 ? (int)tw_span_size(s) : 100;
}

static inline bool tw_span_is(struct tw_span s, const char *word)
{
	size_t size = strlen(word);

	return tw_span_size(s) == size && memcmp(s.at, word, size) == 0;
}

static inline struct tw_span tw_span_trim(struct tw_span s)
{
	while (s.at < s.end && tw_is_blank(*s.at))
		s.at++;
	while (s.at < s.end && tw_is_blank(s.end[-1]))
		s.end--;
	return s;
}

/* Cut the first word off *rest: blanks part words. False: none is left. */
static inline bool tw_span_next_word(struct tw_span *rest, struct tw_span *word)
{
	while (rest->at < rest->end && tw_is_blank(*rest->at))
		rest->at++;
	word->at = rest->at;
	while (rest->at < rest->end && !tw_is_blank(*rest->at))
		rest->at++;
	word->end = rest->at;
	return word->at < word->end;
}

/* An error at this place of the current line. */
void tw_parser_error(struct tw_parser *p, enum tw_parse_code code,
		     const char *at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A copy that lives as long as the schema; NULL (and p->no_memory is set). */
char *tw_parser_copy(struct tw_parser *p, const char *text, size_t size);
void *tw_parser_alloc(struct tw_parser *p, size_t size);

/* Read a file's text, with p->file set to it. */
void tw_parser_text(struct tw_parser *p, const char *text, size_t size);

/* Kind, size, type and values of the type in text. False: not allowed. */
bool tw_parser_type(struct tw_parser *p, struct tw_span text,
		    struct tw_field *field);

/* Make the type of a field that is one byte that of a pointer to such. */
bool tw_parser_bytes_type(struct tw_parser *p, struct tw_field *field);

/* Whether this line is a directive, or inside of one; then it has been read. */
bool tw_parser_directive(struct tw_parser *p, struct tw_span line);

/* False without a look at all of the line if it surely isn't. line: not empty.
 */
static inline bool tw_parser_maybe_directive(const struct tw_parser *p,
					     struct tw_span line)
{
	return *line.at == 'e' || *line.at == 'i' || *line.at == 'p' ||
	       (p->values && p->values->set);
}

/* At a file's end: complain of what is still open. */
void tw_parser_directives_end(struct tw_parser *p);

/* The declared set of this name, or NULL. */
const struct tw_parser_enum *tw_parser_find_enum(const struct tw_parser *p,
						 struct tw_span name);

#endif
