/* SPDX-License-Identifier: MIT */
/*
 * Types of arguments: C's own, by their words counted, and declared enums.
 */

#include "parser.h"

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

static const struct type_word *find_type_word(struct tw_span word)
{
	for (size_t i = 0; i < sizeof(type_words) / sizeof(*type_words); i++) {
		const struct type_word *known = &type_words[i];

		if (*known->word == *word.at && tw_span_is(word, known->word))
			return known;
	}
	return NULL;
}

static bool count_word(struct type_counts *counts, struct tw_span word)
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
static struct tw_span normalise_type(struct tw_parser *p, struct tw_span text)
{
	struct tw_span normal = {p->scratch, p->scratch};
	bool gap = false;

	for (const char *at = text.at; at < text.end; at++) {
		bool in_row = normal.end > normal.at && normal.end[-1] == '*' &&
			      *at == '*';

		if (tw_is_blank(*at)) {
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

/* "enum NAME" of a set that was declared: its integer, and the names. */
static bool find_enum_type(struct tw_parser *p, struct tw_span normal,
			   struct tw_field *field)
{
	const struct tw_parser_enum *set;
	struct tw_span name = normal;
	struct tw_span word;

	if (!tw_span_next_word(&name, &word) || !tw_span_is(word, "enum"))
		return false;
	set = tw_parser_find_enum(p, tw_span_trim(name));
	if (set)
		*field = set->field;
	return set;
}

static bool resolve_type(struct tw_parser *p, struct tw_span text,
			 struct tw_field *field)
{
	struct tw_span normal = normalise_type(p, text);
	struct tw_span rest = normal;
	struct type_counts counts = {0};
	struct tw_span word;

	if (tw_span_size(normal) > TW_NAME_MAX)
		return false;
	if (p->enums && find_enum_type(p, normal, field))
		return true;
	while (tw_span_next_word(&rest, &word)) {
		if (*word.at == '*')
			counts.is_pointer = true;
		else if (!count_word(&counts, word))
			return false;
	}
	if (!is_type(&counts))
		return false;
	set_kind(field, &counts,
		 tw_span_is(normal, "const char *") ||
			 tw_span_is(normal, "char *"));
	field->type = tw_parser_copy(p, normal.at, tw_span_size(normal));
	return true;
}

/* Where a type of this text is kept, if it is. */
static struct tw_field *known_type(struct tw_parser *p, struct tw_span text)
{
	size_t size = tw_span_size(text);
	size_t slot = size;

	if (size > 0)
		slot += (uint8_t)text.at[0] * 3u + (uint8_t)text.at[size / 2];
	return &p->types[slot % TW_PARSER_TYPES];
}

/*
 * False: not allowed. Files have few types, in normal form, which are kept for
 * the next time: not those of sets of values, which "enum" begins, too.
 */
bool tw_parser_type(struct tw_parser *p, struct tw_span text,
		    struct tw_field *field)
{
	struct tw_field *known = known_type(p, text);

	if (known->type && tw_span_is(text, known->type)) {
		*field = *known;
		return true;
	}
	if (!resolve_type(p, text, field))
		return false;
	if (!field->values)
		*known = *field;
	return true;
}

bool tw_parser_bytes_type(struct tw_parser *p, struct tw_field *field)
{
	size_t size;
	char *type;

	if (field->size != 1 || field->kind == TW_FIELD_BOOL || field->values ||
	    !field->type)
		return false;
	size = strlen(field->type);
	if (size + 2 > TW_NAME_MAX)
		return false;
	type = tw_parser_alloc(p, size + 3);
	if (!type)
		return false;
	memcpy(type, field->type, size);
	memcpy(type + size, " *", 3);
	field->type = type;
	field->kind = TW_FIELD_BYTES;
	field->size = 0;
	return true;
}
