/* SPDX-License-Identifier: MIT */
/*
 * What a trace-events file can hold besides events:
 *
 *	include "FILE" [prefix "TEXT"]
 *	prefix "TEXT"
 *	enum NAME [: TYPE] { NAME [= NUMBER], ... }	over any number of lines
 *
 * A directive is known by its first word, which no event can have there: what
 * QEMU's language has before an event's name is "disable" or "vcpu".
 */

#include "parser.h"

#include "arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <trackway/ring.h>

/* Take word off the front of *rest if it stands there. */
static bool take(struct tw_span *rest, const char *word)
{
	size_t size = strlen(word);

	*rest = tw_span_trim(*rest);
	if (tw_span_size(*rest) < size || memcmp(rest->at, word, size) != 0)
		return false;
	rest->at += size;
	return true;
}

static bool is_name_char(char c)
{
	return tw_name_is_word(&c, 1);
}

/* The same for a word that isn't the beginning of a longer one. */
static bool take_word(struct tw_span *rest, const char *word)
{
	struct tw_span after = *rest;

	if (!take(&after, word) ||
	    (after.at < after.end && is_name_char(*after.at)))
		return false;
	*rest = after;
	return true;
}

/* Letters, digits and underscores at the front; may be none. */
static struct tw_span take_name(struct tw_span *rest)
{
	struct tw_span name;

	*rest = tw_span_trim(*rest);
	name = (struct tw_span){rest->at, rest->at};
	while (name.end < rest->end && is_name_char(*name.end))
		name.end++;
	rest->at = name.end;
	return name;
}

/* What stands between two double quotes at the front. */
static bool take_quoted(struct tw_span *rest, struct tw_span *text)
{
	struct tw_span at = *rest;
	const char *end;

	if (!take(&at, "\""))
		return false;
	end = memchr(at.at, '"', tw_span_size(at));
	if (!end)
		return false;
	*text = (struct tw_span){at.at, end};
	rest->at = end + 1;
	return true;
}

static bool is_empty(struct tw_span rest)
{
	rest = tw_span_trim(rest);
	return rest.at == rest.end;
}

/* prefix */

/* base and text, one behind the other; NULL: an error, reported. */
static const char *make_prefix(struct tw_parser *p, const char *base,
			       struct tw_span text)
{
	size_t base_size = strlen(base);
	size_t size = tw_span_size(text);
	char *prefix;

	if (size && size <= TW_NAME_MAX && !tw_name_is_word(text.at, size)) {
		tw_parser_error(p, TW_PARSE_DIRECTIVE, text.at,
				"prefix '%.*s' is not made of letters, digits "
				"and underscores",
				tw_span_width(text), text.at);
		return NULL;
	}
	if (base_size + size > TW_NAME_MAX) {
		tw_parser_error(p, TW_PARSE_LIMIT, text.at,
				"prefix is longer than %u characters",
				TW_NAME_MAX);
		return NULL;
	}
	prefix = tw_parser_alloc(p, base_size + size + 1);
	if (!prefix)
		return NULL;
	memcpy(prefix, base, base_size);
	memcpy(prefix + base_size, text.at, size);
	return prefix;
}

static void read_prefix(struct tw_parser *p, struct tw_span line)
{
	struct tw_span rest = line;
	struct tw_span text;
	const char *prefix;

	if (!take_quoted(&rest, &text) || !is_empty(rest)) {
		tw_parser_error(p, TW_PARSE_DIRECTIVE, line.at,
				"expected prefix \"TEXT\"");
		return;
	}
	prefix = make_prefix(p, p->file->base, text);
	if (prefix)
		p->file->prefix = prefix;
}

/* include */

/* The included file's path: relative to the file that names it. */
static char *make_path(struct tw_parser *p, struct tw_span name)
{
	const char *slash = strrchr(p->file->path, '/');
	size_t folder = slash ? (size_t)(slash - p->file->path) + 1 : 0;
	size_t size;
	char *path;

	if (*name.at == '/')
		folder = 0;
	while (tw_span_size(name) > 2 && memcmp(name.at, "./", 2) == 0)
		name.at += 2;
	size = folder + tw_span_size(name);
	if (size > TW_PATH_MAX) {
		tw_parser_error(p, TW_PARSE_LIMIT, name.at,
				"path is longer than %u bytes", TW_PATH_MAX);
		return NULL;
	}
	path = tw_parser_alloc(p, size + 1);
	if (path) {
		memcpy(path, p->file->path, folder);
		memcpy(path + folder, name.at, tw_span_size(name));
	}
	return path;
}

/* Whether the file may be read at this place; if not, that is reported. */
static bool may_include(struct tw_parser *p, const char *at, const char *path)
{
	const struct tw_parser_file *file = p->file;

	if (!p->options.read) {
		tw_parser_error(p, TW_PARSE_INCLUDE, at,
				"files can't be included here");
		return false;
	}
	for (; file; file = file->includer) {
		if (strcmp(file->path, path) == 0) {
			tw_parser_error(p, TW_PARSE_INCLUDE, at,
					"'%.200s' includes itself%s", path,
					file == p->file ? ""
							: ", through others");
			return false;
		}
	}
	if (p->file->depth == TW_PARSE_DEPTH_MAX) {
		tw_parser_error(p, TW_PARSE_INCLUDE, at,
				"includes are nested deeper than %d files",
				TW_PARSE_DEPTH_MAX);
		return false;
	}
	if (p->include_count == TW_PARSE_INCLUDES_MAX) {
		tw_parser_error(p, TW_PARSE_LIMIT, at,
				"more than %d files are included",
				TW_PARSE_INCLUDES_MAX);
		return false;
	}
	p->include_count++;
	return true;
}

/* Parse an included file's text, and come back to where p was. */
static void read_included(struct tw_parser *p, const char *path,
			  const char *base, const char *text, size_t size)
{
	struct tw_span line = p->line;
	uint32_t line_number = p->line_number;
	struct tw_parser_file file = {
		.includer = p->file,
		.path = path,
		.error_path = tw_arena_copy(&p->errors->arena, path,
					    strlen(path)),
		.base = base,
		.prefix = base,
		.depth = p->file->depth + 1,
	};

	if (!file.error_path) {
		p->no_memory = true;
		return;
	}
	p->file = &file;
	tw_parser_text(p, text, size);
	p->file = file.includer;
	p->line = line;
	p->line_number = line_number;
}

static void include_file(struct tw_parser *p, struct tw_span name,
			 const char *base)
{
	char *path = make_path(p, name);
	char *text = NULL;
	size_t size = 0;
	int error;

	if (!path || !may_include(p, name.at, path))
		return;
	error = p->options.read(p->options.data, path, &text, &size);
	if (error == -ENOMEM)
		p->no_memory = true;
	else if (error != 0)
		tw_parser_error(p, TW_PARSE_INCLUDE, name.at,
				"cannot read '%.200s': %s", path,
				strerror(-error));
	else
		read_included(p, path, base, text, size);
	free(text);
}

static void read_include(struct tw_parser *p, struct tw_span line)
{
	const char *base = p->file->base;
	struct tw_span rest = line;
	struct tw_span name;
	struct tw_span prefix;
	bool has_prefix;

	if (!take_quoted(&rest, &name) || name.at == name.end)
		goto malformed;
	has_prefix = take_word(&rest, "prefix");
	if (has_prefix && !take_quoted(&rest, &prefix))
		goto malformed;
	if (!is_empty(rest))
		goto malformed;
	if (has_prefix)
		base = make_prefix(p, base, prefix);
	if (base)
		include_file(p, name, base);
	return;
malformed:
	tw_parser_error(p, TW_PARSE_DIRECTIVE, line.at,
			"expected include \"FILE\" or include \"FILE\" prefix "
			"\"TEXT\"");
}

/* enum */

const struct tw_parser_enum *tw_parser_find_enum(const struct tw_parser *p,
						 struct tw_span name)
{
	const struct tw_parser_enum *set = p->enums;

	while (set && !tw_span_is(name, set->name))
		set = set->next;
	return set;
}

/* The least that a type is sure to hold: of int 32 bits, of long 64. */
static unsigned int count_bits(const struct tw_field *field)
{
	if (field->size)
		return field->size * 8u;
	if (strstr(field->type, "short"))
		return 16;
	if (strstr(field->type, "long") || strstr(field->type, "_t"))
		return 64;
	return 32;
}

static void set_range(struct tw_parser_values *v, const struct tw_field *field)
{
	unsigned int bits = count_bits(field);

	if (field->kind == TW_FIELD_SINT)
		bits--;
	v->highest = bits >= 63 ? INT64_MAX : ((int64_t)1 << bits) - 1;
	/* Not the very least of 64 bits: C has no literal for it. */
	v->lowest = 0;
	if (field->kind == TW_FIELD_SINT)
		v->lowest = bits >= 63 ? -INT64_MAX : -v->highest - 1;
}

/* A decimal or hexadecimal number at the front. */
static bool take_number(struct tw_span *rest, int64_t *value)
{
	bool negative = take(rest, "-");
	struct tw_span digits = take_name(rest);
	bool hex = tw_span_size(digits) > 2 && digits.at[0] == '0' &&
		   (digits.at[1] | 0x20) == 'x';
	uint64_t base = hex ? 16 : 10;
	uint64_t magnitude = 0;

	if (hex)
		digits.at += 2;
	if (digits.at == digits.end ||
	    (!hex && *digits.at == '0' && tw_span_size(digits) > 1))
		return false;
	for (; digits.at < digits.end; digits.at++) {
		char c = *digits.at;
		uint64_t digit = c <= '9' ? (uint64_t)(c - '0')
					  : (uint64_t)((c | 0x20) - 'a') + 10;

		if (c == '_' || digit >= base ||
		    magnitude > (INT64_MAX - digit) / base)
			return false;
		magnitude = magnitude * base + digit;
	}
	*value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return true;
}

/* Whether a name or a value is in the set already; that is reported. */
static bool is_used(struct tw_parser *p, struct tw_span name, int64_t value)
{
	const char *at = p->values->text;
	struct tw_label label;

	while (tw_label_next(&at, &label)) {
		if (label.size == tw_span_size(name) &&
		    memcmp(label.name, name.at, label.size) == 0)
			tw_parser_error(p, TW_PARSE_DIRECTIVE, name.at,
					"'%.*s' is in the enum twice",
					tw_span_width(name), name.at);
		else if (label.value == value)
			tw_parser_error(p, TW_PARSE_DIRECTIVE, name.at,
					"'%.*s' has the value of '%.*s'",
					tw_span_width(name), name.at,
					(int)label.size, label.name);
		else
			continue;
		return true;
	}
	return false;
}

static void add_value(struct tw_parser *p, struct tw_span name, int64_t value)
{
	struct tw_parser_values *v = p->values;
	char number[24];
	size_t number_size = (size_t)snprintf(number, sizeof(number), "=%lld",
					      (long long)value);
	size_t size = tw_span_size(name);

	v->has_next = value < v->highest;
	v->next = v->has_next ? value + 1 : value;
	if (is_used(p, name, value))
		return;
	if (v->size + 1 + size + number_size > TW_VALUES_MAX) {
		tw_parser_error(p, TW_PARSE_LIMIT, name.at,
				"the enum is longer than %u characters",
				TW_VALUES_MAX);
		return;
	}
	v->text[v->size++] = ' ';
	memcpy(v->text + v->size, name.at, size);
	memcpy(v->text + v->size + size, number, number_size + 1);
	v->size += size + number_size;
}

/* NAME or NAME = NUMBER. False: neither, and reported. */
static bool read_value(struct tw_parser *p, struct tw_span *rest)
{
	struct tw_parser_values *v = p->values;
	struct tw_span name = take_name(rest);
	int64_t value = v->next;
	bool fits = v->has_next;

	if (!tw_name_is_identifier(name.at, tw_span_size(name))) {
		tw_parser_error(p, TW_PARSE_DIRECTIVE, name.at,
				"expected NAME or NAME = NUMBER in the enum");
		return false;
	}
	if (take(rest, "=")) {
		const char *at = tw_span_trim(*rest).at;

		if (!take_number(rest, &value)) {
			tw_parser_error(p, TW_PARSE_DIRECTIVE, at,
					"expected a decimal or hexadecimal "
					"number of at most 63 bits");
			return false;
		}
		fits = value >= v->lowest && value <= v->highest;
	}
	if (!fits) {
		tw_parser_error(p, TW_PARSE_DIRECTIVE, name.at,
				"the value of '%.*s' does not fit '%s'",
				tw_span_width(name), name.at,
				v->set->field.type);
		v->failed = true;
		return true;
	}
	add_value(p, name, value);
	return true;
}

static void enum_close(struct tw_parser *p)
{
	struct tw_parser_values *v = p->values;
	const struct tw_parser_enum *other;
	struct tw_parser_enum *set = v->set;
	struct tw_span name = {set->name, set->name + strlen(set->name)};

	if (v->size == strlen(set->name) && !v->failed)
		tw_parser_error(p, TW_PARSE_DIRECTIVE, p->line.at,
				"enum '%.100s' has no values", set->name);
	v->set = NULL;
	set->field.values = tw_parser_copy(p, v->text, v->size);
	other = tw_parser_find_enum(p, name);
	if (!set->field.values)
		return;
	if (!other) {
		set->next = p->enums;
		p->enums = set;
		p->enum_count++;
	} else if (strcmp(other->field.values, set->field.values) != 0 ||
		   strcmp(other->field.type, set->field.type) != 0) {
		/* The same one twice is a file that is included twice. */
		tw_parser_error(p, TW_PARSE_DUPLICATE, p->line.at,
				"enum '%.100s' is another one at %.150s:%u",
				set->name, other->file, other->line);
	}
}

/* What a line holds of the values, up to the "}". */
static void read_values(struct tw_parser *p, struct tw_span rest)
{
	struct tw_parser_values *v = p->values;

	while (!is_empty(rest)) {
		rest = tw_span_trim(rest);
		if (take(&rest, "}")) {
			take(&rest, ";");
			if (!is_empty(rest))
				tw_parser_error(p, TW_PARSE_DIRECTIVE,
						tw_span_trim(rest).at,
						"the line does not end after "
						"the enum");
			enum_close(p);
			return;
		}
		if (!v->expecting) {
			tw_parser_error(p, TW_PARSE_DIRECTIVE, rest.at,
					"expected ',' or '}' in the enum");
			v->expecting = true;
			v->failed = true;
			return;
		}
		if (!read_value(p, &rest)) {
			v->failed = true;
			return;
		}
		v->expecting = take(&rest, ",");
	}
}

static bool enum_open(struct tw_parser *p, struct tw_span name,
		      const struct tw_field *field)
{
	struct tw_parser_values *v = p->values;
	struct tw_parser_enum *set;

	if (!v)
		v = p->values = tw_parser_alloc(p, sizeof(*v));
	set = tw_parser_alloc(p, sizeof(*set));
	if (!v || !set)
		return false;
	set->field = *field;
	set->name = tw_parser_copy(p, name.at, tw_span_size(name));
	set->file = p->file->path;
	set->line = p->line_number;
	if (!set->name)
		return false;
	*v = (struct tw_parser_values){
		.set = set, .has_next = true, .expecting = true};
	v->size = tw_span_size(name);
	memcpy(v->text, name.at, v->size);
	set_range(v, field);
	return true;
}

static void read_enum(struct tw_parser *p, struct tw_span line)
{
	struct tw_field field = {.kind = TW_FIELD_SINT, .type = "int"};
	struct tw_span rest = line;
	struct tw_span name = take_name(&rest);
	const char *brace = memchr(rest.at, '{', tw_span_size(rest));

	if (!tw_name_is_identifier(name.at, tw_span_size(name)) || !brace) {
		tw_parser_error(p, TW_PARSE_DIRECTIVE, line.at,
				"expected enum NAME { or enum NAME : TYPE {");
		return;
	}
	if (take(&rest, ":")) {
		struct tw_span type = tw_span_trim(
			(struct tw_span){rest.at, brace});

		if (!tw_parser_type(p, type, &field) || field.values ||
		    (field.kind != TW_FIELD_SINT &&
		     field.kind != TW_FIELD_UINT)) {
			tw_parser_error(p, TW_PARSE_TYPE, type.at,
					"an enum's type is an integer's, not "
					"'%.*s'",
					tw_span_width(type), type.at);
			field = (struct tw_field){.kind = TW_FIELD_SINT,
						  .type = "int"};
		}
		rest.at = brace;
	}
	if (!take(&rest, "{")) {
		tw_parser_error(p, TW_PARSE_DIRECTIVE, rest.at,
				"expected enum NAME { or enum NAME : TYPE {");
		return;
	}
	if (p->enum_count == TW_PARSE_ENUMS_MAX) {
		tw_parser_error(p, TW_PARSE_LIMIT, name.at,
				"more than %d enums", TW_PARSE_ENUMS_MAX);
		return;
	}
	if (enum_open(p, name, &field))
		read_values(p, rest);
}

static void complain_open(struct tw_parser *p, const char *at)
{
	struct tw_parser_enum *set = p->values->set;

	tw_parser_error(p, TW_PARSE_DIRECTIVE, at,
			"enum '%.100s', begun on line %u, has no '}'",
			set->name, set->line);
	p->values->failed = true;
	enum_close(p);
}

void tw_parser_directives_end(struct tw_parser *p)
{
	if (p->values && p->values->set)
		complain_open(p, p->line.at);
}

bool tw_parser_directive(struct tw_parser *p, struct tw_span line)
{
	struct tw_span rest = line;

	if (p->values && p->values->set) {
		if (!memchr(line.at, '(', tw_span_size(line))) {
			read_values(p, line);
			return true;
		}
		/* An event: its line is worth reading as such. */
		complain_open(p, line.at);
	}
	/* "include(" is an event of that name. */
	if (!(take_word(&rest, "include") || take_word(&rest, "prefix") ||
	      take_word(&rest, "enum")) ||
	    (rest.at < rest.end && *rest.at == '('))
		return false;
	rest = tw_span_trim(rest);
	if (*line.at == 'i')
		read_include(p, rest);
	else if (*line.at == 'p')
		read_prefix(p, rest);
	else
		read_enum(p, rest);
	return true;
}
