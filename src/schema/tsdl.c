/* SPDX-License-Identifier: MIT */
/*
 * CTF 1.8's language for what an event is, as babeltrace2 reads it without a
 * warning: no attribute but the specified ones, all types aligned to a byte
 * since fields are packed, and field names kept apart from the language's own
 * words.
 */
#include "tsdl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void tw_tsdl_add(struct tw_text *text, const char *format, ...)
{
	char line[512];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (size < 0 || (size_t)size >= sizeof(line))
		text->failed = true;
	else
		tw_text_add(text, line, (size_t)size);
}

/* What could end the string or start an escape goes. */
void tw_tsdl_add_quoted(struct tw_text *text, const char *string)
{
	char safe;

	for (; *string; string++) {
		safe = *string;
		if (safe < ' ' || safe > '~' || safe == '"' || safe == '\\')
			safe = '_';
		tw_text_add(text, &safe, 1);
	}
}

static bool is_reserved(const char *name)
{
	static const char *const words[] = {
		"_Bool",      "_Complex", "_Imaginary", "align",
		"byte_order", "callsite", "char",	"clock",
		"const",      "double",	  "enum",	"env",
		"event",      "exp_dig",  "float",	"floating_point",
		"int",	      "integer",  "long",	"mant_dig",
		"short",      "signed",	  "size",	"stream",
		"string",     "struct",	  "trace",	"tw_f32",
		"tw_f64",     "tw_p32",	  "tw_p64",	"tw_s16",
		"tw_s32",     "tw_s64",	  "tw_s8",	"tw_string",
		"tw_u16",     "tw_u32",	  "tw_u64",	"tw_u8",
		"tw_time",    "tw_word",  "typealias",	"typedef",
		"unsigned",   "variant",  "void",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], name) == 0)
			return true;
	return false;
}

/*
 * Readers strip one leading underscore: so it is what tells a field's name from
 * a reserved word, and a name that has one of its own gets another.
 */
static void add_field_name(struct tw_text *text, const char *name)
{
	if (name[0] == '_' || is_reserved(name))
		tw_text_add(text, "_", 1);
	tw_text_add_string(text, name);
}

void tw_tsdl_add_types(struct tw_text *text)
{
	static const struct {
		const char *name;
		const char *rest;
	} kinds[] = {
		{"u", "signed = false;"},
		{"s", "signed = true;"},
		{"p", "signed = false; base = 16;"},
	};
	size_t i;
	int bits;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (bits = 8; bits <= 64; bits *= 2)
			tw_tsdl_add(text,
				    "typealias integer { size = %d; align = 8; "
				    "%s } "
				    ":= tw_%s%d;\n",
				    bits, kinds[i].rest, kinds[i].name, bits);
	tw_tsdl_add(text,
		    "typealias floating_point { exp_dig = 8; mant_dig = 24; "
		    "align = 8; } := tw_f32;\n"
		    "typealias floating_point { exp_dig = 11; mant_dig = 53; "
		    "align = 8; } := tw_f64;\n"
		    "typealias string { encoding = UTF8; } := tw_string;\n\n");
}

/* "enum : tw_s32 { IDLE = 0, BUSY = 1, } ", or nothing if there are none. */
static bool add_enum(struct tw_text *text, const struct tw_field *field)
{
	const char *at = field->values;
	struct tw_label label;
	const char *before = "{";

	while (at && tw_label_next(&at, &label)) {
		if (*before == '{')
			tw_tsdl_add(text, "\t\tenum : tw_%c%u ",
				    field->kind == TW_FIELD_SINT ? 's' : 'u',
				    field->size * 8u);
		tw_tsdl_add(text, "%s \"%.*s\" = %lld", before, (int)label.size,
			    label.name, (long long)label.value);
		before = ",";
	}
	if (*before == '{')
		return false;
	tw_tsdl_add(text, " } ");
	return true;
}

static bool is_field(const struct tw_event_desc *event, const char *name)
{
	for (uint32_t i = 0; i < event->field_count; i++)
		if (strcmp(event->fields[i].name, name) == 0)
			return true;
	return false;
}

/*
 * A sequence, and before it the field that says how long it is: _NAME_length,
 * which readers show without its first underscore; so no other field may be
 * called that.
 */
static void add_bytes(struct tw_text *text, const struct tw_event_desc *event,
		      const struct tw_field *field)
{
	char length[TW_NAME_MAX + TW_FIELDS_MAX + 16];
	size_t size = (size_t)snprintf(length, sizeof(length) - TW_FIELDS_MAX,
				       "_%s_length", field->name);

	while (is_field(event, length + 1) && size + 1 < sizeof(length)) {
		length[size++] = '_';
		length[size] = 0;
	}
	tw_tsdl_add(text, "\t\ttw_u16 %s;\n\t\ttw_p8 ", length);
	add_field_name(text, field->name);
	tw_tsdl_add(text, "[%s];\n", length);
}

static void add_field(struct tw_text *text, const struct tw_event_desc *event,
		      const struct tw_field *field)
{
	const unsigned int bits = field->size * 8u;

	switch (field->kind) {
	case TW_FIELD_BYTES:
		add_bytes(text, event, field);
		return;
	case TW_FIELD_STRING:
		tw_tsdl_add(text, "\t\ttw_string ");
		break;
	case TW_FIELD_SINT:
		if (!add_enum(text, field))
			tw_tsdl_add(text, "\t\ttw_s%u ", bits);
		break;
	case TW_FIELD_POINTER:
		tw_tsdl_add(text, "\t\ttw_p%u ", bits);
		break;
	case TW_FIELD_FLOAT:
		tw_tsdl_add(text, "\t\ttw_f%u ", bits);
		break;
	default:
		if (!add_enum(text, field))
			tw_tsdl_add(text, "\t\ttw_u%u ", bits);
		break;
	}
	add_field_name(text, field->name);
	tw_tsdl_add(text, ";\n");
}

void tw_tsdl_add_event(struct tw_text *text, uint32_t id,
		       const struct tw_event_desc *event)
{
	uint32_t i;

	tw_tsdl_add(text, "event {\n\tname = \"");
	tw_tsdl_add_quoted(text, event->name);
	tw_tsdl_add(text,
		    "\";\n"
		    "\tid = %u;\n"
		    "\tstream_id = 0;\n",
		    id);
	if (event->loglevel <= 14)
		tw_tsdl_add(text, "\tloglevel = %u;\n", event->loglevel);
	tw_tsdl_add(text, "\tfields := struct {\n");
	for (i = 0; i < event->field_count; i++)
		add_field(text, event, &event->fields[i]);
	tw_tsdl_add(text, "\t} align(8);\n};\n\n");
}
