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

#include "parser.h"

#include "arena.h"
#include "literal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <trackway/ring.h>
#include <trackway/writer.h>

/* An event while its line is read. */
struct draft {
	struct tw_event_desc event;
	struct tw_field fields[TW_FIELDS_MAX];
	/* Of arguments of bytes: what stands between the brackets. */
	struct tw_span lengths[TW_FIELDS_MAX];
	uint32_t field_count; /* may exceed what fields holds */
	bool vcpu;
	bool has_bytes;
	bool has_loglevel;
};

void tw_parser_error(struct tw_parser *p, enum tw_parse_code code,
		     const char *at, const char *format, ...)
{
	uint32_t index = p->errors->count++;
	struct tw_parse_error *error;
	va_list args;

	if (index >= TW_PARSE_ERRORS_MAX)
		return;
	error = &p->errors->list[index];
	error->code = code;
	error->file = p->file->error_path;
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

void tw_parse_errors_clear(struct tw_parse_errors *errors)
{
	tw_arena_destroy(errors->arena);
	errors->arena = NULL;
	errors->count = 0;
}

char *tw_parser_copy(struct tw_parser *p, const char *text, size_t size)
{
	char *to = tw_arena_copy(&p->schema->arena, text, size);

	if (!to)
		p->no_memory = true;
	return to;
}

void *tw_parser_alloc(struct tw_parser *p, size_t size)
{
	void *to = tw_arena_alloc(&p->schema->arena, size);

	if (!to)
		p->no_memory = true;
	return to;
}

/* Names */

static uint32_t hash(struct tw_span s)
{
	uint32_t value = 2166136261u;

	while (s.at < s.end)
		value = (value ^ (uint8_t)*s.at++) * 16777619u;
	return value ^ value >> 15;
}

/* The slot of this name: empty, or of the event that has the name. */
static uint32_t *names_slot(const struct tw_parser *p, struct tw_span name)
{
	uint32_t slot = hash(name);

	for (;; slot++) {
		uint32_t *index = &p->names.slots[slot & p->names.mask];

		if (*index == 0 ||
		    tw_span_is(name, p->schema->events[*index - 1].name))
			return index;
	}
}

/* The event that has this name already, or NULL; then the next event does. */
static const struct tw_event_desc *names_add(struct tw_parser *p,
					     struct tw_span name)
{
	uint32_t *index = names_slot(p, name);

	if (*index)
		return &p->schema->events[*index - 1];
	*index = p->schema->event_count + 1;
	return NULL;
}

/* Make the table fit for event_count events, those that there are kept. */
static bool names_reserve(struct tw_parser *p, uint32_t event_count)
{
	uint32_t size = 64;

	while (size < event_count * 2)
		size *= 2;
	if (p->names.slots && size <= p->names.mask + 1)
		return true;
	free(p->names.slots);
	p->names.mask = size - 1;
	p->names.slots = calloc(size, sizeof(*p->names.slots));
	for (uint32_t i = 0; p->names.slots && i < p->schema->event_count;
	     i++) {
		const char *name = p->schema->events[i].name;
		uint32_t *index = names_slot(
			p, (struct tw_span){name, name + strlen(name)});

		if (*index == 0)
			*index = i + 1;
	}
	return p->names.slots;
}

/*
 * Room for one event a line of the files read so far and of one more, those
 * lines included that are still to come behind an include.
 */
static void reserve_events(struct tw_parser *p, uint32_t lines)
{
	uint64_t wanted = p->line_count += lines;
	struct tw_event_desc *events;

	/* Far from exact for many small files, so that few of them copy. */
	if (p->event_room && wanted > p->event_room)
		wanted *= 2;
	if (wanted > TW_EVENTS_MAX)
		wanted = TW_EVENTS_MAX;
	if (wanted > p->event_room) {
		events = realloc(p->schema->events, wanted * sizeof(*events));
		if (events) {
			p->schema->events = events;
			p->event_room = (uint32_t)wanted;
		}
	}
	if (wanted > p->event_room || !names_reserve(p, (uint32_t)wanted))
		p->no_memory = true;
}

/* Arguments */

/* C's, by their first letters. */
static bool is_keyword(struct tw_span name)
{
	static const char *const keywords['w' - 'a' + 1][7] = {
		{"asm", "auto"},
		{"break"},
		{"case", "char", "const", "continue"},
		{"default", "do", "double"},
		{"else", "enum", "extern"},
		{"float", "for"},
		{"goto"},
		['i' - 'a'] = {"if", "inline", "int"},
		['l' - 'a'] = {"long"},
		['r' - 'a'] = {"register", "restrict", "return"},
		['s' - 'a'] = {"short", "signed", "sizeof", "static", "struct",
			       "switch"},
		['t' - 'a'] = {"typedef", "typeof"},
		['u' - 'a'] = {"union", "unsigned"},
		['v' - 'a'] = {"void", "volatile"},
		['w' - 'a'] = {"while"},
	};

	if (*name.at < 'a' || *name.at > 'w')
		return false;
	for (const char *const *at = keywords[*name.at - 'a']; *at; at++) {
		if (tw_span_is(name, *at))
			return true;
	}
	return false;
}

static void check_argument_name(struct tw_parser *p, const struct draft *draft,
				struct tw_span name, struct tw_span argument)
{
	if (name.at == name.end) {
		tw_parser_error(p, TW_PARSE_ARGUMENT_NAME, argument.at,
				"Argument '%.*s' has no name",
				tw_span_width(argument), argument.at);
		return;
	}
	if (!tw_name_is_identifier(name.at, tw_span_size(name)) ||
	    is_keyword(name)) {
		tw_parser_error(p, TW_PARSE_ARGUMENT_NAME, name.at,
				"Argument name '%.*s' is not a C identifier",
				tw_span_width(name), name.at);
		return;
	}
	for (uint32_t i = 0; i < draft->field_count && i < TW_FIELDS_MAX; i++) {
		if (draft->fields[i].name &&
		    tw_span_is(name, draft->fields[i].name))
			tw_parser_error(p, TW_PARSE_ARGUMENT_NAME, name.at,
					"Argument name '%.*s' is used twice",
					tw_span_width(name), name.at);
	}
}

static void add_field(struct draft *draft, const struct tw_field *field)
{
	if (draft->field_count < TW_FIELDS_MAX)
		draft->fields[draft->field_count] = *field;
	draft->field_count++;
}

/* The type ends with the last star, or before the last word. */
static void split_argument(struct tw_span argument, struct tw_span *type,
			   struct tw_span *name)
{
	const char *at = argument.end;

	while (at > argument.at && at[-1] != '*')
		at--;
	if (at == argument.at) {
		at = argument.end;
		while (at > argument.at && !tw_is_blank(at[-1]))
			at--;
	}
	if (at == argument.at)
		at = argument.end;
	*type = tw_span_trim((struct tw_span){argument.at, at});
	*name = tw_span_trim((struct tw_span){at, argument.end});
}

/* Cut "[...]" off the argument, which ends with "]". False: there is no "[". */
static bool take_length(struct tw_span *argument, struct tw_span *length)
{
	const char *open;

	open = memchr(argument->at, '[', tw_span_size(*argument));
	if (!open)
		return false;
	*length = tw_span_trim((struct tw_span){open + 1, argument->end - 1});
	argument->end = open;
	*argument = tw_span_trim(*argument);
	return true;
}

/*
 * "const uint8_t data[size]" and the like. False: it is something else, for
 * which C's brackets mean nothing here.
 */
static bool parse_bytes(struct tw_parser *p, struct draft *draft,
			struct tw_span argument)
{
	struct tw_span whole = argument;
	struct tw_field field = {0};
	struct tw_span length;
	struct tw_span type;
	struct tw_span name;

	if (!take_length(&argument, &length))
		return false;
	split_argument(argument, &type, &name);
	if (!tw_parser_type(p, type, &field) ||
	    !tw_parser_bytes_type(p, &field))
		return false;
	check_argument_name(p, draft, name, whole);
	field.name = tw_parser_copy(p, name.at, tw_span_size(name));
	draft->has_bytes = true;
	if (draft->field_count < TW_FIELDS_MAX)
		draft->lengths[draft->field_count] = length;
	add_field(draft, &field);
	return true;
}

static void parse_argument(struct tw_parser *p, struct draft *draft,
			   struct tw_span argument)
{
	struct tw_field field = {0};
	struct tw_span type;
	struct tw_span name;

	if (argument.at == argument.end) {
		tw_parser_error(p, TW_PARSE_EMPTY_ARGUMENT, argument.at,
				"Empty argument (did you forget to use "
				"'void'?)");
		return;
	}
	if (tw_span_is(argument, "void"))
		return;
	if (argument.end[-1] == ']' && parse_bytes(p, draft, argument))
		return;
	split_argument(argument, &type, &name);
	if (!tw_parser_type(p, type, &field))
		tw_parser_error(
			p, TW_PARSE_TYPE, argument.at,
			"Argument type '%.*s' is not allowed. Only standard "
			"C types and fixed size integer types should be used."
			" struct, union, and other complex pointer types "
			"should be declared as 'void *'",
			tw_span_width(type), type.at);
	else
		check_argument_name(p, draft, name, argument);
	field.name = tw_parser_copy(p, name.at, tw_span_size(name));
	add_field(draft, &field);
}

/* Of bytes: a number that says how many. False: it is none, or too large. */
static bool read_count(struct tw_span text, uint16_t *count)
{
	unsigned int value = 0;

	for (; text.at < text.end && value <= TW_STRING_MAX; text.at++) {
		if (*text.at < '0' || *text.at > '9')
			return false;
		value = value * 10 + (unsigned int)(*text.at - '0');
	}
	*count = (uint16_t)value;
	return value > 0 && value <= TW_STRING_MAX;
}

/* Find the argument that says how many bytes another one has. */
static bool find_length(const struct draft *draft, struct tw_span text,
			uint8_t *index)
{
	for (uint32_t i = 0; i < draft->field_count; i++) {
		const struct tw_field *field = &draft->fields[i];

		if (field->name && tw_span_is(text, field->name)) {
			*index = (uint8_t)i;
			return field->kind == TW_FIELD_UINT ||
			       field->kind == TW_FIELD_SINT;
		}
	}
	return false;
}

static void resolve_lengths(struct tw_parser *p, struct draft *draft)
{
	for (uint32_t i = 0;
	     i < draft->field_count && draft->field_count <= TW_FIELDS_MAX;
	     i++) {
		struct tw_field *field = &draft->fields[i];
		struct tw_span text = draft->lengths[i];

		if (field->kind != TW_FIELD_BYTES ||
		    find_length(draft, text, &field->length_field) ||
		    read_count(text, &field->length))
			continue;
		tw_parser_error(p, TW_PARSE_LENGTH, text.at,
				"Length '%.*s' is neither an integer argument "
				"nor a number from 1 to %u",
				tw_span_width(text), text.at, TW_STRING_MAX);
	}
}

static void parse_arguments(struct tw_parser *p, struct draft *draft,
			    struct tw_span text)
{
	struct tw_span argument = text;

	if (draft->vcpu)
		add_field(draft, &(struct tw_field){.name = "__cpu",
						    .type = "void *",
						    .kind = TW_FIELD_POINTER});
	for (;;) {
		const char *comma = memchr(argument.at, ',',
					   (size_t)(text.end - argument.at));

		argument.end = comma ? comma : text.end;
		parse_argument(p, draft, tw_span_trim(argument));
		if (!comma)
			break;
		argument.at = comma + 1;
	}
	if (draft->has_bytes)
		resolve_lengths(p, draft);
	if (draft->field_count > TW_FIELDS_MAX)
		tw_parser_error(
			p, TW_PARSE_ARGUMENT_COUNT, text.at,
			"Event '%s' has more than maximum permitted argument "
			"count",
			draft->event.name);
}

/* Lines */

#define VCPU_FORMAT "cpu=%p "

static void parse_format(struct tw_parser *p, struct draft *draft,
			 struct tw_span text)
{
	size_t prefix = draft->vcpu ? strlen(VCPU_FORMAT) : 0;
	size_t raw_prefix = draft->vcpu ? prefix + 3 : 0;
	struct tw_literal_error error;
	char *to = p->scratch;
	long size;

	memcpy(to, VCPU_FORMAT, prefix);
	size = tw_literal_resolve(text.at, tw_span_size(text),
				  p->options.dialect == TW_DIALECT_7_2,
				  to + prefix, &error);
	if (size < 0) {
		tw_parser_error(p, TW_PARSE_FORMAT, text.at + error.at, "%s",
				error.message);
		return;
	}
	if ((size_t)size + prefix > TW_FORMAT_MAX) {
		tw_parser_error(p, TW_PARSE_LIMIT, text.at,
				"format is too long");
		return;
	}
	draft->event.format = tw_parser_copy(p, to, (size_t)size + prefix);
	memcpy(to, "\"" VCPU_FORMAT "\" ", raw_prefix);
	memcpy(to + raw_prefix, text.at, tw_span_size(text));
	draft->event.format_raw = tw_parser_copy(
		p, to, raw_prefix + tw_span_size(text));
}

/* "loglevel=NAME". False: word is something else. */
static bool parse_loglevel(struct tw_parser *p, struct draft *draft,
			   struct tw_span word)
{
	static const char key[] = "loglevel=";
	struct tw_span name = {word.at + sizeof(key) - 1, word.end};
	int level;

	if (tw_span_size(word) < sizeof(key) - 1 ||
	    memcmp(word.at, key, sizeof(key) - 1) != 0)
		return false;
	level = tw_loglevel_find(name.at, tw_span_size(name));
	if (level < 0)
		tw_parser_error(p, TW_PARSE_LOGLEVEL, name.at,
				"Unknown log level '%.*s'", tw_span_width(name),
				name.at);
	else if (draft->has_loglevel)
		tw_parser_error(p, TW_PARSE_LOGLEVEL, word.at,
				"Log level given twice");
	else
		draft->event.loglevel = (uint8_t)level;
	draft->has_loglevel = true;
	return true;
}

/* Apply properties, and say which of them nobody knows. */
static void parse_properties(struct tw_parser *p, struct draft *draft,
			     struct tw_span text)
{
	struct tw_span rest = text;
	struct tw_span word;
	const char *first = NULL;
	size_t size = 0;

	while (tw_span_next_word(&rest, &word)) {
		if (tw_span_is(word, "disable")) {
			draft->event.disabled = true;
		} else if (p->options.dialect == TW_DIALECT_7_2 &&
			   tw_span_is(word, "vcpu")) {
			draft->vcpu = true;
		} else if (!parse_loglevel(p, draft, word)) {
			if (first) {
				memcpy(p->scratch + size, ", ", 2);
				size += 2;
			}
			first = first ? first : word.at;
			memcpy(p->scratch + size, word.at, tw_span_size(word));
			size += tw_span_size(word);
		}
	}
	if (first)
		tw_parser_error(p, TW_PARSE_PROPERTY, first,
				"Unknown properties: %.*s",
				size < 250 ? (int)size : 250, p->scratch);
}

static void add_event(struct tw_parser *p, struct draft *draft)
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

/* The file's prefix and the name; no text: too long, or no memory. */
static struct tw_span full_name(struct tw_parser *p, struct tw_span name)
{
	size_t prefix = strlen(p->file->prefix);
	size_t size = prefix + tw_span_size(name);
	char *full;

	if (size > TW_NAME_MAX) {
		tw_parser_error(p, TW_PARSE_LIMIT, name.at,
				"event name is longer than %u characters",
				TW_NAME_MAX);
		return (struct tw_span){NULL, NULL};
	}
	memcpy(p->scratch, p->file->prefix, prefix);
	memcpy(p->scratch + prefix, name.at, tw_span_size(name));
	full = tw_parser_copy(p, p->scratch, size);
	return (struct tw_span){full, full ? full + size : NULL};
}

static void complain_duplicate(struct tw_parser *p, struct tw_span name,
			       const struct tw_event_desc *other)
{
	if (other->file != p->file->path &&
	    strcmp(other->file, p->file->path) != 0)
		tw_parser_error(p, TW_PARSE_DUPLICATE, name.at,
				"Event '%.100s' is already at %.150s:%u",
				other->name, other->file, other->line);
	else if (other->line == p->line_number)
		tw_parser_error(p, TW_PARSE_DUPLICATE, name.at,
				"Event '%s' comes twice, as its file does",
				other->name);
	else
		tw_parser_error(p, TW_PARSE_DUPLICATE, name.at,
				"Event '%s' is already on line %u", other->name,
				other->line);
}

static bool parse_name(struct tw_parser *p, struct draft *draft,
		       struct tw_span name)
{
	const struct tw_event_desc *other;
	struct tw_span full;

	if (!tw_name_is_word(name.at, tw_span_size(name)) &&
	    tw_span_size(name) <= TW_NAME_MAX) {
		tw_parser_error(p, TW_PARSE_SYNTAX, name.at,
				"'%.*s' can't be an event's name",
				tw_span_width(name), name.at);
		return false;
	}
	if (p->schema->event_count == TW_EVENTS_MAX) {
		tw_parser_error(p, TW_PARSE_LIMIT, name.at,
				"more than %u events", TW_EVENTS_MAX);
		return false;
	}
	full = full_name(p, name);
	draft->event.name = full.at;
	if (!full.at)
		return false;
	other = names_add(p, full);
	if (other)
		complain_duplicate(p, name, other);
	return true;
}

/* name and properties, the arguments, and what follows them. */
static void parse_event(struct tw_parser *p, struct tw_span head,
			struct tw_span args, struct tw_span tail)
{
	struct draft draft = {
		.event = {.file = p->file->path,
			  .line = p->line_number,
			  .loglevel = 14},
	};
	struct tw_span name = {head.end, head.end};

	while (name.at > head.at && !tw_is_blank(name.at[-1]))
		name.at--;
	if (!parse_name(p, &draft, name))
		return;
	parse_properties(p, &draft, (struct tw_span){head.at, name.at});
	parse_arguments(p, &draft, args);
	if (tail.at < tail.end && *tail.at == '"')
		parse_format(p, &draft, tail);
	else if (tail.at < tail.end)
		tw_parser_error(
			p, TW_PARSE_SYNTAX, tail.at,
			"expected a format in double quotes, or nothing, "
			"after ')'");
	add_event(p, &draft);
}

static void parse_line(struct tw_parser *p)
{
	struct tw_span line = tw_span_trim(p->line);
	const char *nul = memchr(p->line.at, 0, tw_span_size(p->line));
	const char *open;
	const char *close;

	if (nul) {
		tw_parser_error(p, TW_PARSE_NUL, nul, "NUL byte in the text");
		return;
	}
	if (line.at == line.end || *line.at == '#')
		return;
	if (tw_parser_maybe_directive(p, line) && tw_parser_directive(p, line))
		return;
	open = memchr(line.at, '(', tw_span_size(line));
	if (!open) {
		tw_parser_error(
			p, TW_PARSE_SYNTAX, line.at,
			"not an event: expected name(type argument, ...) "
			"\"format\"");
		return;
	}
	close = memchr(open, ')', (size_t)(line.end - open));
	if (!close) {
		tw_parser_error(p, TW_PARSE_SYNTAX, open, "'(' has no ')'");
		return;
	}
	parse_event(p, (struct tw_span){line.at, open},
		    (struct tw_span){open + 1, close},
		    tw_span_trim((struct tw_span){close + 1, line.end}));
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

static void parse_lines(struct tw_parser *p, const char *text, size_t size)
{
	const char *end = text + size;

	p->line_number = 0;
	p->line.at = text;
	while (p->line.at < end && !p->no_memory) {
		const char *newline = memchr(p->line.at, '\n',
					     (size_t)(end - p->line.at));

		p->line_number++;
		p->line.end = newline ? newline : end;
		if (tw_span_size(p->line) > TW_PARSE_LINE_MAX)
			tw_parser_error(p, TW_PARSE_LIMIT, p->line.at,
					"line is longer than %u bytes",
					TW_PARSE_LINE_MAX);
		else
			parse_line(p);
		if (!newline)
			tw_parser_error(p, TW_PARSE_NO_NEWLINE, end,
					"does not end with a new line");
		p->line.at = newline ? newline + 1 : end;
	}
	if (!p->no_memory)
		tw_parser_directives_end(p);
}

/* Remember that the current file was read. */
static void add_file(struct tw_parser *p)
{
	const char **files = p->files;

	for (uint32_t i = 0; i < p->file_count; i++) {
		if (strcmp(files[i], p->file->path) == 0)
			return;
	}
	files = realloc(files, (p->file_count + 1) * sizeof(*files));
	if (!files) {
		p->no_memory = true;
		return;
	}
	p->files = files;
	files[p->file_count++] = p->file->path;
}

void tw_parser_text(struct tw_parser *p, const char *text, size_t size)
{
	if (size == 0)
		text = "";
	p->total_size += size;
	if (p->total_size > TW_PARSE_FILE_MAX) {
		p->line_number = 1;
		p->line.at = text;
		tw_parser_error(p, TW_PARSE_LIMIT, text,
				p->file->includer
					? "files are larger than %u bytes, all "
					  "together"
					: "file is larger than %u bytes",
				TW_PARSE_FILE_MAX);
		return;
	}
	add_file(p);
	if (!p->no_memory)
		reserve_events(p, count_lines(text, size));
	if (!p->no_memory)
		parse_lines(p, text, size);
}

/* The caller's struct may be older, and shorter, or newer. */
static void parser_set_options(struct tw_parser *p,
			       const struct tw_parse_options *options)
{
	size_t size = sizeof(p->options);

	if (!options)
		return;
	if (options->size < size)
		size = options->size;
	memcpy(&p->options, options, size);
}

static void parser_run(struct tw_parser *p, const char *text, size_t size)
{
	p->schema = tw_schema_create(0);
	p->scratch = malloc((size_t)2 * TW_PARSE_LINE_MAX);
	p->no_memory = !p->schema || !p->scratch;
	if (!p->no_memory)
		p->file->path = tw_parser_copy(p, p->file->error_path,
					       strlen(p->file->error_path));
	if (!p->no_memory)
		tw_parser_text(p, text, size);
}

/* Hand the list of files over to the schema. */
static void parser_finish(struct tw_parser *p)
{
	size_t size = p->file_count * sizeof(*p->files);
	const char **files = tw_parser_alloc(p, size);

	if (!files)
		return;
	if (size)
		memcpy(files, p->files, size);
	p->schema->files = files;
	p->schema->file_count = p->file_count;
}

int tw_parse_events_with(const struct tw_parse_options *options,
			 const char *file, const char *text, size_t size,
			 struct tw_schema **schema,
			 struct tw_parse_errors *errors)
{
	struct tw_parser_file first = {
		.error_path = file, .base = "", .prefix = "", .depth = 1};
	struct tw_parser p = {.file = &first, .errors = errors};
	int result = 0;

	errors->count = 0;
	errors->arena = NULL;
	*schema = NULL;
	parser_set_options(&p, options);
	parser_run(&p, text, size);
	if (!p.no_memory)
		parser_finish(&p);
	if (p.no_memory) {
		p.file = &first;
		tw_parser_error(&p, TW_PARSE_MEMORY, p.line.at,
				"out of memory");
		result = -ENOMEM;
	} else if (errors->count) {
		result = -EINVAL;
	}
	if (result)
		tw_schema_destroy(p.schema);
	else
		*schema = p.schema;
	free(p.names.slots);
	free(p.files);
	free(p.scratch);
	return result;
}

int tw_parse_events(const char *file, const char *text, size_t size,
		    struct tw_schema **schema, struct tw_parse_errors *errors)
{
	return tw_parse_events_with(NULL, file, text, size, schema, errors);
}
