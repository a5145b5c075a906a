/* SPDX-License-Identifier: MIT */
/*
 * CTF 1.8 metadata as babeltrace2 reads it without a warning: the text begins
 * with the version's comment, no attribute but the specified ones, all types
 * aligned to a byte since fields are packed, and field names kept apart from
 * the language's own words.
 *
 * Called by ctf.c.
 */
#include "ctf-metadata.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add(struct tw_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For what is short: at most 511 bytes. */
static void add(struct tw_text *text, const char *format, ...)
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

/* The inside of a quoted string: what could end it or start an escape goes. */
static void add_quoted(struct tw_text *text, const char *string)
{
	char safe;

	for (; *string; string++) {
		safe = *string;
		if (safe < ' ' || safe > '~' || safe == '"' || safe == '\\')
			safe = '_';
		tw_text_add(text, &safe, 1);
	}
}

static void add_uuid(struct tw_text *text, const uint8_t *uuid)
{
	int i;

	for (i = 0; i < 16; i++)
		add(text, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
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

static void add_types(struct tw_text *text)
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
			add(text,
			    "typealias integer { size = %d; align = 8; %s } "
			    ":= tw_%s%d;\n",
			    bits, kinds[i].rest, kinds[i].name, bits);
	add(text, "typealias floating_point { exp_dig = 8; mant_dig = 24; "
		  "align = 8; } := tw_f32;\n"
		  "typealias floating_point { exp_dig = 11; mant_dig = 53; "
		  "align = 8; } := tw_f64;\n"
		  "typealias string { encoding = UTF8; } := tw_string;\n\n");
}

static void add_trace(struct tw_text *text,
		      const struct tw_ctf_description *description)
{
	add(text, "trace {\n"
		  "\tmajor = 1;\n"
		  "\tminor = 8;\n"
		  "\tuuid = \"");
	add_uuid(text, description->uuid);
	add(text,
	    "\";\n"
	    "\tbyte_order = %s;\n"
	    "\tpacket.header := struct {\n"
	    "\t\ttw_u32 magic;\n"
	    "\t\ttw_u8 uuid[16];\n"
	    "\t\ttw_u32 stream_id;\n"
	    "\t};\n"
	    "};\n\n",
	    description->big_endian ? "be" : "le");
}

static void add_env(struct tw_text *text,
		    const struct tw_ctf_description *description)
{
	add(text, "env {\n"
		  "\ttracer_name = \"trackway\";\n"
		  "\ttracer_major = 0;\n"
		  "\ttracer_minor = 1;\n"
		  "\tprocname = \"");
	add_quoted(text, description->name);
	add(text, "\";\n\tvpid = %u;\n};\n\n", description->pid);
}

static const char *clock_text(uint32_t kind)
{
	switch (kind) {
	case TW_CLOCK_MONOTONIC:
		return "CLOCK_MONOTONIC";
	case TW_CLOCK_TSC:
		return "x86 time stamp counter";
	case TW_CLOCK_CNTVCT:
		return "ARM virtual counter";
	default:
		return "the producer's own";
	}
}

static void add_clock(struct tw_text *text,
		      const struct tw_ctf_description *description)
{
	int64_t seconds;
	uint64_t ticks;

	tw_timebase_origin(description->timebase, &seconds, &ticks);
	add(text,
	    "clock {\n"
	    "\tname = tw_clock;\n"
	    "\tdescription = \"%s\";\n"
	    "\tfreq = %llu;\n"
	    "\toffset_s = %lld;\n"
	    "\toffset = %llu;\n"
	    "\tabsolute = true;\n"
	    "};\n\n"
	    "typealias integer { size = 64; align = 8; signed = false; "
	    "map = clock.tw_clock.value; } := tw_time;\n"
	    "typealias integer { size = 48; align = 8; signed = false; "
	    "map = clock.tw_clock.value; } := tw_word;\n\n",
	    clock_text(description->clock_kind),
	    (unsigned long long)description->timebase->hz, (long long)seconds,
	    (unsigned long long)ticks);
}

static void add_stream(struct tw_text *text)
{
	add(text, "stream {\n"
		  "\tid = 0;\n"
		  "\tevent.header := struct {\n"
		  "\t\ttw_u16 id;\n"
		  "\t\ttw_word timestamp;\n"
		  "\t} align(8);\n"
		  "\tpacket.context := struct {\n"
		  "\t\ttw_time timestamp_begin;\n"
		  "\t\ttw_time timestamp_end;\n"
		  "\t\ttw_u32 content_size;\n"
		  "\t\ttw_u32 events;\n"
		  "\t\ttw_u32 packet_size;\n"
		  "\t\ttw_u32 lane;\n"
		  "\t\ttw_u64 packet_seq_num;\n"
		  "\t\ttw_u64 events_discarded;\n"
		  "\t\ttw_u64 events_before;\n"
		  "\t\ttw_u32 tid;\n"
		  "\t\ttw_u32 level;\n"
		  "\t};\n"
		  "};\n\n");
}

static void add_field(struct tw_text *text, const struct tw_field *field)
{
	const unsigned int bits = field->size * 8u;

	switch (field->kind) {
	case TW_FIELD_STRING:
		add(text, "\t\ttw_string ");
		break;
	case TW_FIELD_SINT:
		add(text, "\t\ttw_s%u ", bits);
		break;
	case TW_FIELD_POINTER:
		add(text, "\t\ttw_p%u ", bits);
		break;
	case TW_FIELD_FLOAT:
		add(text, "\t\ttw_f%u ", bits);
		break;
	default:
		add(text, "\t\ttw_u%u ", bits);
		break;
	}
	add_field_name(text, field->name);
	add(text, ";\n");
}

static void add_event(struct tw_text *text, uint32_t id,
		      const struct tw_event_desc *event)
{
	uint32_t i;

	add(text, "event {\n\tname = \"");
	add_quoted(text, event->name);
	add(text,
	    "\";\n"
	    "\tid = %u;\n"
	    "\tstream_id = 0;\n",
	    id);
	if (event->loglevel <= 14)
		add(text, "\tloglevel = %u;\n", event->loglevel);
	add(text, "\tfields := struct {\n");
	for (i = 0; i < event->field_count; i++)
		add_field(text, &event->fields[i]);
	add(text, "\t} align(8);\n};\n\n");
}

void tw_ctf_metadata_begin(struct tw_text *text,
			   const struct tw_ctf_description *description)
{
	add(text, "/* CTF 1.8 */\n\n");
	add_types(text);
	add_trace(text, description);
	add_env(text, description);
	add_clock(text, description);
	add_stream(text);
}

void tw_ctf_metadata_events(struct tw_text *text, uint32_t id_base,
			    const struct tw_schema *schema)
{
	uint32_t i;

	for (i = 0; i < schema->event_count; i++)
		add_event(text, id_base + i, &schema->events[i]);
}
