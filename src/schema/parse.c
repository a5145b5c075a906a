/* SPDX-License-Identifier: MIT */
/*
 * trace-events files, a line at a time:
 *
 *	[property...] name(type argument, ...) ["format" ...]
 *
 * A line with an error is still read to its end and its event kept (if only
 * for its name), so that one run shows all that is wrong; the schema is given
 * up at the end.
 */

#include "parse.h"

#include "arena.h"
#include "literal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trackway/ring.h>

/* A piece of the text. */
struct span {
	const char *at;
	const char *end;
};

/* Event names seen, by hash; a slot is an event's index + 1, or 0. */
struct names {
	uint32_t *slots;
	uint32_t mask;
};

struct parser {
	const char *file;
	struct tw_schema *schema;
	struct names names;
	struct tw_parse_errors *errors;
	struct span line;
	uint32_t line_number;
	char *scratch; /* TW_PARSE_LINE_MAX bytes */
	bool no_memory;
};

/* An event while its line is read. */
struct draft {
	struct tw_event_desc event;
	struct tw_field fields[TW_FIELDS_MAX];
	uint32_t field_count; /* may exceed what fields holds */
	bool vcpu;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static size_t span_size(struct span s)
{
	return (size_t)(s.end - s.at);
}

static int span_width(struct span s)
{
	return span_size(s) < 100 ? (int)span_size(s) : 100;
}

static bool span_is(struct span s, const char *word)
{
	size_t size = strlen(word);

	return span_size(s) == size && memcmp(s.at, word, size) == 0;
}

static struct span span_trim(struct span s)
{
	while (s.at < s.end && is_blank(*s.at))
		s.at++;
	while (s.at < s.end && is_blank(s.end[-1]))
		s.end--;
	return s;
}

/* Cut the first word off *rest: blanks part words. False: none is left. */
static bool span_next_word(struct span *rest, struct span *word)
{
	while (rest->at < rest->end && is_blank(*rest->at))
		rest->at++;
	word->at = rest->at;
	while (rest->at < rest->end && !is_blank(*rest->at))
		rest->at++;
	word->end = rest->at;
	return word->at < word->end;
}

__attribute__((format(printf, 4, 5))) static void add_error(
	struct parser *p, enum tw_parse_code code, const char *at,
	const char *format, ...)
{
	uint32_t index = p->errors->count++;
	struct tw_parse_error *error;
	va_list args;

	if (index >= TW_PARSE_ERRORS_MAX)
		return;
	error = &p->errors->list[index];
	error->code = code;
	error->line = p->line_number;
	error->column = (uint32_t)(at - p->line.at) + 1;
	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	/* It quotes the file, and goes to a terminal. */
	for (char *c = error->message; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

static char *copy(struct parser *p, const char *text, size_t size)
{
	char *to = tw_arena_copy(&p->schema->arena, text, size);

	if (!to)
		p->no_memory = true;
	return to;
}

static uint32_t hash(struct span s)
{
	uint32_t value = 2166136261u;

	while (s.at < s.end)
		value = (value ^ (uint8_t)*s.at++) * 16777619u;
	return value ^ value >> 15;
}

static bool names_create(struct names *names, uint32_t event_count)
{
	uint32_t size = 64;

	while (size < event_count * 2)
		size *= 2;
	names->mask = size - 1;
	names->slots = calloc(size, sizeof(*names->slots));
	return names->slots != NULL;
}

/* The event that has this name already, or NULL; then the next event does. */
static const struct tw_event_desc *names_add(struct parser *p, struct span name)
{
	uint32_t slot = hash(name);

	for (;; slot++) {
		uint32_t *index = &p->names.slots[slot & p->names.mask];
		const struct tw_event_desc *event;

		if (*index == 0) {
			*index = p->schema->event_count + 1;
			return NULL;
		}
		event = &p->schema->events[*index - 1];
		if (span_is(name, event->name))
			return event;
	}
}

/* Types */

/* What a word adds to a type. */
enum part {
	PART_ALONE, /* all of it */
	PART_INT,
	PART_CHAR,
	PART_SHORT,
	PART_LONG,
	PART_SIGN,
	PART_CONST,
	PART_COUNT,
};

struct type_word {
	const char *word;
	enum part part;
	uint8_t kind; /* of a word that stands alone; else UINT: unsigned */
	uint8_t size;
};

static const struct type_word type_words[] = {
	{"int", PART_INT, 0, 0},
	{"uint64_t", PART_ALONE, TW_FIELD_UINT, 8},
	{"uint32_t", PART_ALONE, TW_FIELD_UINT, 4},
	{"uint16_t", PART_ALONE, TW_FIELD_UINT, 2},
	{"uint8_t", PART_ALONE, TW_FIELD_UINT, 1},
	{"int64_t", PART_ALONE, TW_FIELD_SINT, 8},
	{"int32_t", PART_ALONE, TW_FIELD_SINT, 4},
	{"int16_t", PART_ALONE, TW_FIELD_SINT, 2},
	{"int8_t", PART_ALONE, TW_FIELD_SINT, 1},
	{"size_t", PART_ALONE, TW_FIELD_UINT, 0},
	{"ssize_t", PART_ALONE, TW_FIELD_SINT, 0},
	{"uintptr_t", PART_ALONE, TW_FIELD_UINT, 0},
	{"ptrdiff_t", PART_ALONE, TW_FIELD_SINT, 0},
	{"bool", PART_ALONE, TW_FIELD_BOOL, 1},
	{"float", PART_ALONE, TW_FIELD_FLOAT, 4},
	{"double", PART_ALONE, TW_FIELD_FLOAT, 8},
	{"void", PART_ALONE, 0, 0},
	{"const", PART_CONST, 0, 0},
	{"unsigned", PART_SIGN, TW_FIELD_UINT, 0},
	{"signed", PART_SIGN, 0, 0},
	{"char", PART_CHAR, 0, 0},
	{"short", PART_SHORT, 0, 0},
	{"long", PART_LONG, 0, 0},
};

/* The words of a type, counted. */
struct type_counts {
	uint8_t of[PART_COUNT];
	bool is_unsigned;
	bool is_pointer;
	const struct type_word *alone;
};

static const struct type_word *find_type_word(struct span word)
{
	for (size_t i = 0; i < sizeof(type_words) / sizeof(*type_words); i++) {
		const struct type_word *known = &type_words[i];

		if (*known->word == *word.at && span_is(word, known->word))
			return known;
	}
	return NULL;
}

static bool count_word(struct type_counts *counts, struct span word)
{
	const struct type_word *known = find_type_word(word);

	if (!known)
		return false;
	/* Three of a kind are too many for any type. */
	if (counts->of[known->part] < 3)
		counts->of[known->part]++;
	if (known->part == PART_ALONE)
		counts->alone = known;
	else if (known->kind == TW_FIELD_UINT)
		counts->is_unsigned = true;
	return !counts->is_pointer || known->part == PART_CONST;
}

/* Whether C knows a type of these words. */
static bool is_type(const struct type_counts *c)
{
	const uint8_t *of = c->of;
	int basic = of[PART_INT] + of[PART_CHAR] + of[PART_SHORT] +
		    of[PART_LONG] + of[PART_SIGN];

	if (c->alone)
		return of[PART_ALONE] == 1 && basic == 0 &&
		       (c->alone->kind || c->is_pointer);
	if (of[PART_CHAR])
		return of[PART_CHAR] == 1 && of[PART_SIGN] <= 1 &&
		       basic == of[PART_CHAR] + of[PART_SIGN];
	return basic && of[PART_SIGN] <= 1 && of[PART_INT] <= 1 &&
	       of[PART_LONG] <= 2 && of[PART_SHORT] <= 1 &&
	       !(of[PART_SHORT] && of[PART_LONG]);
}

static void set_kind(struct tw_field *field, const struct type_counts *c,
		     bool is_string)
{
	field->size = 0;
	if (c->is_pointer) {
		field->kind = is_string ? TW_FIELD_STRING : TW_FIELD_POINTER;
	} else if (c->alone) {
		field->kind = c->alone->kind;
		field->size = c->alone->size;
	} else {
		field->kind = c->is_unsigned ? TW_FIELD_UINT : TW_FIELD_SINT;
		field->size = c->of[PART_CHAR] ? 1 : 0;
	}
}

/*
 * The normal form of a type's text, in p->scratch: one blank between words and
 * before the first star of a row.
 */
static struct span normalise_type(struct parser *p, struct span text)
{
	struct span normal = {p->scratch, p->scratch};
	bool gap = false;

	for (const char *at = text.at; at < text.end; at++) {
		bool in_row = normal.end > normal.at && normal.end[-1] == '*' &&
			      *at == '*';

		if (is_blank(*at)) {
			gap = true;
			continue;
		}
		gap |= *at == '*' || (at > text.at && at[-1] == '*');
		if (gap && !in_row && normal.end > normal.at)
			p->scratch[normal.end++ - normal.at] = ' ';
		p->scratch[normal.end++ - normal.at] = *at;
		gap = false;
	}
	return normal;
}

/* False: not allowed. */
static bool parse_type(struct parser *p, struct span text,
		       struct tw_field *field)
{
	struct span normal = normalise_type(p, text);
	struct span rest = normal;
	struct type_counts counts = {0};
	struct span word;

	if (span_size(normal) > TW_NAME_MAX)
		return false;
	while (span_next_word(&rest, &word)) {
		if (*word.at == '*')
			counts.is_pointer = true;
		else if (!count_word(&counts, word))
			return false;
	}
	if (!is_type(&counts))
		return false;
	set_kind(field, &counts,
		 span_is(normal, "const char *") || span_is(normal, "char *"));
	field->type = copy(p, normal.at, span_size(normal));
	return true;
}

/* Arguments */

static bool is_keyword(struct span name)
{
	static const char *const keywords[] = {
		"asm",	    "auto",	"break",    "case",   "char",
		"const",    "continue", "default",  "do",     "double",
		"else",	    "enum",	"extern",   "float",  "for",
		"goto",	    "if",	"inline",   "int",    "long",
		"register", "restrict", "return",   "short",  "signed",
		"sizeof",   "static",	"struct",   "switch", "typedef",
		"typeof",   "union",	"unsigned", "void",   "volatile",
		"while",
	};

	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
		if (*name.at == *keywords[i] && span_is(name, keywords[i]))
			return true;
	}
	return false;
}

static void check_argument_name(struct parser *p, const struct draft *draft,
				struct span name, struct span argument)
{
	if (name.at == name.end) {
		add_error(p, TW_PARSE_ARGUMENT_NAME, argument.at,
			  "Argument '%.*s' has no name", span_width(argument),
			  argument.at);
		return;
	}
	if (!tw_name_is_identifier(name.at, span_size(name)) ||
	    is_keyword(name)) {
		add_error(p, TW_PARSE_ARGUMENT_NAME, name.at,
			  "Argument name '%.*s' is not a C identifier",
			  span_width(name), name.at);
		return;
	}
	for (uint32_t i = 0; i < draft->field_count && i < TW_FIELDS_MAX; i++) {
		if (draft->fields[i].name &&
		    span_is(name, draft->fields[i].name))
			add_error(p, TW_PARSE_ARGUMENT_NAME, name.at,
				  "Argument name '%.*s' is used twice",
				  span_width(name), name.at);
	}
}

static void add_field(struct draft *draft, const struct tw_field *field)
{
	if (draft->field_count < TW_FIELDS_MAX)
		draft->fields[draft->field_count] = *field;
	draft->field_count++;
}

/* The type ends with the last star, or before the last word. */
static void split_argument(struct span argument, struct span *type,
			   struct span *name)
{
	const char *at = argument.end;

	while (at > argument.at && at[-1] != '*')
		at--;
	if (at == argument.at) {
		at = argument.end;
		while (at > argument.at && !is_blank(at[-1]))
			at--;
	}
	if (at == argument.at)
		at = argument.end;
	*type = span_trim((struct span){argument.at, at});
	*name = span_trim((struct span){at, argument.end});
}

static void parse_argument(struct parser *p, struct draft *draft,
			   struct span argument)
{
	struct tw_field field = {0};
	struct span type;
	struct span name;

	if (argument.at == argument.end) {
		add_error(p, TW_PARSE_EMPTY_ARGUMENT, argument.at,
			  "Empty argument (did you forget to use 'void'?)");
		return;
	}
	if (span_is(argument, "void"))
		return;
	split_argument(argument, &type, &name);
	if (!parse_type(p, type, &field))
		add_error(p, TW_PARSE_TYPE, argument.at,
			  "Argument type '%.*s' is not allowed. Only standard "
			  "C types and fixed size integer types should be used."
			  " struct, union, and other complex pointer types "
			  "should be declared as 'void *'",
			  span_width(type), type.at);
	else
		check_argument_name(p, draft, name, argument);
	field.name = copy(p, name.at, span_size(name));
	add_field(draft, &field);
}

static void parse_arguments(struct parser *p, struct draft *draft,
			    struct span text)
{
	struct span argument = text;

	if (draft->vcpu)
		add_field(draft, &(struct tw_field){"__cpu", "void *",
						    TW_FIELD_POINTER, 0});
	for (;;) {
		const char *comma = memchr(argument.at, ',',
					   (size_t)(text.end - argument.at));

		argument.end = comma ? comma : text.end;
		parse_argument(p, draft, span_trim(argument));
		if (!comma)
			break;
		argument.at = comma + 1;
	}
	if (draft->field_count > TW_FIELDS_MAX)
		add_error(p, TW_PARSE_ARGUMENT_COUNT, text.at,
			  "Event '%s' has more than maximum permitted argument "
			  "count",
			  draft->event.name);
}

/* Lines */

#define VCPU_FORMAT "cpu=%p "

static void parse_format(struct parser *p, struct draft *draft,
			 struct span text)
{
	size_t prefix = draft->vcpu ? strlen(VCPU_FORMAT) : 0;
	size_t raw_prefix = draft->vcpu ? prefix + 3 : 0;
	struct tw_literal_error error;
	char *to = p->scratch;
	long size;

	memcpy(to, VCPU_FORMAT, prefix);
	size = tw_literal_resolve(text.at, span_size(text), to + prefix,
				  &error);
	if (size < 0) {
		add_error(p, TW_PARSE_FORMAT, text.at + error.at, "%s",
			  error.message);
		return;
	}
	if ((size_t)size + prefix > TW_FORMAT_MAX) {
		add_error(p, TW_PARSE_LIMIT, text.at, "format is too long");
		return;
	}
	draft->event.format = copy(p, to, (size_t)size + prefix);
	memcpy(to, "\"" VCPU_FORMAT "\" ", raw_prefix);
	memcpy(to + raw_prefix, text.at, span_size(text));
	draft->event.format_raw = copy(p, to, raw_prefix + span_size(text));
}

/* Apply properties, and say which of them nobody knows. */
static void parse_properties(struct parser *p, struct draft *draft,
			     struct span text)
{
	struct span rest = text;
	struct span word;
	const char *first = NULL;
	size_t size = 0;

	while (span_next_word(&rest, &word)) {
		if (span_is(word, "disable")) {
			draft->event.disabled = true;
		} else if (span_is(word, "vcpu")) {
			draft->vcpu = true;
		} else {
			if (first) {
				memcpy(p->scratch + size, ", ", 2);
				size += 2;
			}
			first = first ? first : word.at;
			memcpy(p->scratch + size, word.at, span_size(word));
			size += span_size(word);
		}
	}
	if (first)
		add_error(p, TW_PARSE_PROPERTY, first,
			  "Unknown properties: %.*s",
			  size < 250 ? (int)size : 250, p->scratch);
}

static void add_event(struct parser *p, struct draft *draft)
{
	uint32_t count = draft->field_count;
	struct tw_event_desc *event = &draft->event;
	struct tw_field *fields = NULL;

	if (count > TW_FIELDS_MAX)
		count = TW_FIELDS_MAX;
	if (count) {
		fields = tw_arena_alloc(&p->schema->arena,
					count * sizeof(*fields));
		if (fields)
			memcpy(fields, draft->fields, count * sizeof(*fields));
		else
			p->no_memory = true;
	}
	event->fields = fields;
	event->field_count = fields ? count : 0;
	event->fixed_size = tw_event_fixed_size(event);
	p->schema->events[p->schema->event_count++] = *event;
}

static bool parse_name(struct parser *p, struct draft *draft, struct span name)
{
	const struct tw_event_desc *other;

	if (!tw_name_is_word(name.at, span_size(name))) {
		if (span_size(name) > TW_NAME_MAX)
			add_error(p, TW_PARSE_LIMIT, name.at,
				  "event name is longer than %u characters",
				  TW_NAME_MAX);
		else
			add_error(p, TW_PARSE_SYNTAX, name.at,
				  "'%.*s' can't be an event's name",
				  span_width(name), name.at);
		return false;
	}
	if (p->schema->event_count == TW_EVENTS_MAX) {
		add_error(p, TW_PARSE_LIMIT, name.at, "more than %u events",
			  TW_EVENTS_MAX);
		return false;
	}
	draft->event.name = copy(p, name.at, span_size(name));
	if (!draft->event.name)
		return false;
	other = names_add(p, name);
	if (other)
		add_error(p, TW_PARSE_DUPLICATE, name.at,
			  "Event '%s' is already on line %u", other->name,
			  other->line);
	return true;
}

/* name and properties, the arguments, and what follows them. */
static void parse_event(struct parser *p, struct span head, struct span args,
			struct span tail)
{
	struct draft draft = {
		.event = {.file = p->file,
			  .line = p->line_number,
			  .loglevel = 14},
	};
	struct span name = {head.end, head.end};

	while (name.at > head.at && !is_blank(name.at[-1]))
		name.at--;
	if (!parse_name(p, &draft, name))
		return;
	parse_properties(p, &draft, (struct span){head.at, name.at});
	parse_arguments(p, &draft, args);
	if (tail.at < tail.end && *tail.at == '"')
		parse_format(p, &draft, tail);
	else if (tail.at < tail.end)
		add_error(p, TW_PARSE_SYNTAX, tail.at,
			  "expected a format in double quotes, or nothing, "
			  "after ')'");
	add_event(p, &draft);
}

static void parse_line(struct parser *p)
{
	struct span line = span_trim(p->line);
	const char *nul = memchr(p->line.at, 0, span_size(p->line));
	const char *open;
	const char *close;

	if (nul) {
		add_error(p, TW_PARSE_NUL, nul, "NUL byte in the text");
		return;
	}
	if (line.at == line.end || *line.at == '#')
		return;
	open = memchr(line.at, '(', span_size(line));
	if (!open) {
		add_error(p, TW_PARSE_SYNTAX, line.at,
			  "not an event: expected name(type argument, ...) "
			  "\"format\"");
		return;
	}
	close = memchr(open, ')', (size_t)(line.end - open));
	if (!close) {
		add_error(p, TW_PARSE_SYNTAX, open, "'(' has no ')'");
		return;
	}
	parse_event(p, (struct span){line.at, open},
		    (struct span){open + 1, close},
		    span_trim((struct span){close + 1, line.end}));
}

static void parse_text(struct parser *p, const char *text, size_t size)
{
	const char *end = text + size;

	p->line.at = text;
	while (p->line.at < end && !p->no_memory) {
		const char *newline = memchr(p->line.at, '\n',
					     (size_t)(end - p->line.at));

		p->line_number++;
		p->line.end = newline ? newline : end;
		if (span_size(p->line) > TW_PARSE_LINE_MAX)
			add_error(p, TW_PARSE_LIMIT, p->line.at,
				  "line is longer than %u bytes",
				  TW_PARSE_LINE_MAX);
		else
			parse_line(p);
		if (!newline)
			add_error(p, TW_PARSE_NO_NEWLINE, end,
				  "does not end with a new line");
		p->line.at = newline ? newline + 1 : end;
	}
}

static uint32_t count_lines(const char *text, size_t size)
{
	const char *end = text + size;
	uint32_t lines = 0;

	while (text < end && lines < TW_EVENTS_MAX) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		lines++;
		text = newline ? newline + 1 : end;
	}
	return lines;
}

static void parser_prepare(struct parser *p, uint32_t lines)
{
	p->schema = tw_schema_create(lines);
	p->scratch = malloc((size_t)2 * TW_PARSE_LINE_MAX);
	p->no_memory = !p->schema || !p->scratch ||
		       !names_create(&p->names, lines);
	if (!p->no_memory)
		p->file = copy(p, p->file, strlen(p->file));
}

int tw_parse_events(const char *file, const char *text, size_t size,
		    struct tw_schema **schema, struct tw_parse_errors *errors)
{
	struct parser p = {.file = file, .errors = errors};
	int result = 0;

	errors->count = 0;
	*schema = NULL;
	if (size == 0)
		text = "";
	if (size > TW_PARSE_FILE_MAX) {
		p.line_number = 1;
		p.line.at = text;
		add_error(&p, TW_PARSE_LIMIT, text,
			  "file is larger than %u bytes", TW_PARSE_FILE_MAX);
		return -EINVAL;
	}
	parser_prepare(&p, count_lines(text, size));
	if (!p.no_memory)
		parse_text(&p, text, size);
	if (p.no_memory) {
		add_error(&p, TW_PARSE_MEMORY, p.line.at, "out of memory");
		result = -ENOMEM;
	} else if (errors->count) {
		result = -EINVAL;
	}
	if (result)
		tw_schema_destroy(p.schema);
	else
		*schema = p.schema;
	free(p.names.slots);
	free(p.scratch);
	return result;
}
