/* SPDX-License-Identifier: MIT */
/*
 * The schema blob as C source: all offsets are numbers, computed here; what
 * depends on the target (sizes, a char's sign, the byte order) is left to its
 * compiler.
 */

#include "blob.h"

#include "c-text.h"
#include "strings.h"

#include <stdlib.h>
#include <string.h>

/* Where an event's or a field's texts are among the strings. */
struct event_places {
	uint32_t name;
	uint32_t format;
	uint32_t file;
};

struct field_places {
	uint32_t name;
	uint32_t type;
	uint32_t values;
};

#define RECENT_COUNT 256u

struct blob {
	struct tw_output *out;
	const struct tw_job *job;
	struct tw_strings strings;
	uint32_t field_count;
	struct event_places *events;
	struct field_places *fields;
	/* Texts that were looked up, by their addresses: types and files are
	 * the same ones again and again. */
	struct {
		const char *text;
		uint32_t place;
	} recent[RECENT_COUNT];
};

/* The text's offset among the strings. */
static uint32_t place(struct blob *blob, const char *text)
{
	size_t slot = ((uintptr_t)text ^ (uintptr_t)text >> 8) % RECENT_COUNT;
	uint32_t number;

	if (blob->recent[slot].text == text)
		return blob->recent[slot].place;
	number = tw_strings_add(&blob->strings, text);
	if (blob->strings.failed)
		return 0;
	blob->recent[slot].text = text;
	blob->recent[slot].place = blob->strings.list[number].offset;
	return blob->recent[slot].place;
}

static void collect_field(struct blob *blob, const struct tw_field *field,
			  struct field_places *places)
{
	places->name = place(blob, field->name);
	places->type = place(blob, field->type);
	if (field->values)
		places->values = place(blob, field->values);
}

/* Every text is looked up once, which is no small part of the work. */
static bool collect(struct blob *blob)
{
	const struct tw_job *job = blob->job;
	uint32_t field = 0;

	for (uint32_t i = 0; i < job->event_count; i++)
		blob->field_count += job->events[i].desc->field_count;
	blob->events = calloc((size_t)job->event_count + 1,
			      sizeof(*blob->events));
	blob->fields = calloc((size_t)blob->field_count + 1,
			      sizeof(*blob->fields));
	if (!blob->events || !blob->fields)
		return false;
	place(blob, job->group);
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_event_desc *event = job->events[i].desc;
		struct event_places *places = &blob->events[i];

		places->name = place(blob, event->name);
		places->format = place(blob,
				       event->format ? event->format : "");
		places->file = place(blob, event->file);
		for (uint32_t j = 0; j < event->field_count; j++)
			collect_field(blob, &event->fields[j],
				      &blob->fields[field++]);
	}
	return !blob->strings.failed;
}

/* An array without elements is no C. */
static void put_member(struct blob *blob, const char *declaration,
		       uint32_t count)
{
	if (count)
		tw_output_add(blob->out, "\t%s[%u];\n", declaration, count);
}

static void put_header(struct blob *blob)
{
	uint32_t event_count = blob->job->event_count;
	uint32_t events_offset = sizeof(struct tw_blob_header);
	uint32_t fields_offset = events_offset +
				 event_count *
					 (uint32_t)sizeof(struct tw_blob_event);
	uint32_t strings_offset = fields_offset +
				  blob->field_count *
					  (uint32_t)sizeof(
						  struct tw_blob_field);

	tw_output_add(blob->out,
		      "\t{TW_BLOB_MAGIC, TW_BLOB_MAJOR, TW_BLOB_MINOR, "
		      "sizeof(tw_blob_%s),\n"
		      "\t %u, sizeof(struct tw_blob_event), %u,\n"
		      "\t %u, sizeof(struct tw_blob_field), %u,\n"
		      "\t %u, %u, %u},\n",
		      blob->job->group, event_count, events_offset,
		      blob->field_count, fields_offset, strings_offset,
		      blob->strings.total, place(blob, blob->job->group));
}

static const char *flag_names(const struct tw_event_desc *event)
{
	if (event->disabled)
		return event->format ? "TW_EVENT_DISABLED"
				     : "TW_EVENT_NO_FORMAT | TW_EVENT_DISABLED";
	return event->format ? "0" : "TW_EVENT_NO_FORMAT";
}

static void put_number(struct blob *blob, uint32_t number)
{
	tw_output_number(blob->out, number);
	tw_output_text(blob->out, ", ");
}

/* The end of a row. */
static void put_comment(struct blob *blob, const char *name)
{
	tw_output_text(blob->out, "}, /* ");
	tw_output_text(blob->out, name);
	tw_output_text(blob->out, " */\n");
}

static void put_events(struct blob *blob)
{
	const struct tw_job *job = blob->job;
	uint32_t first_field = 0;

	if (job->event_count == 0)
		return;
	tw_output_add(blob->out, "\t{\n");
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_event_desc *event = job->events[i].desc;
		const struct event_places *places = &blob->events[i];

		tw_output_text(blob->out, "\t\t{");
		put_number(blob, places->name);
		put_number(blob, places->format);
		put_number(blob, places->file);
		put_number(blob, event->line);
		put_number(blob, first_field);
		put_number(blob, event->field_count);
		put_number(blob, event->loglevel);
		tw_output_text(blob->out, flag_names(event));
		put_comment(blob, event->name);
		first_field += event->field_count;
	}
	tw_output_add(blob->out, "\t},\n");
}

static const char *kind_name(const struct tw_field *field)
{
	static const char *const names[] = {
		[TW_FIELD_UINT] = "TW_FIELD_UINT",
		[TW_FIELD_SINT] = "TW_FIELD_SINT",
		[TW_FIELD_POINTER] = "TW_FIELD_POINTER",
		[TW_FIELD_BOOL] = "TW_FIELD_BOOL",
		[TW_FIELD_STRING] = "TW_FIELD_STRING",
		[TW_FIELD_FLOAT] = "TW_FIELD_FLOAT",
		[TW_FIELD_BYTES] = "TW_FIELD_BYTES",
	};

	/* The one integer whose sign is the target's choice. */
	if (strcmp(field->type, "char") == 0 ||
	    strcmp(field->type, "const char") == 0)
		return "TW_KIND_OF(char)";
	return names[field->kind];
}

static void put_field(struct blob *blob, const struct tw_field *field,
		      const struct field_places *places)
{
	tw_output_text(blob->out, "\t\t{");
	put_number(blob, places->name);
	put_number(blob, places->type);
	tw_output_text(blob->out, kind_name(field));
	if (field->kind == TW_FIELD_STRING || field->kind == TW_FIELD_BYTES) {
		tw_output_text(blob->out, ", 0, ");
	} else {
		tw_output_text(blob->out, ", sizeof(");
		tw_output_text(blob->out, field->type);
		tw_output_text(blob->out, "), ");
	}
	if (field->values) {
		tw_output_text(blob->out, "TW_FIELD_HAS_VALUES, ");
		tw_output_number(blob->out, places->values);
	} else {
		tw_output_text(blob->out, "0, 0");
	}
	put_comment(blob, field->name);
}

static void put_fields(struct blob *blob)
{
	const struct tw_job *job = blob->job;
	const struct field_places *places = blob->fields;

	if (blob->field_count == 0)
		return;
	tw_output_add(blob->out, "\t{\n");
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_event_desc *event = job->events[i].desc;

		for (uint32_t j = 0; j < event->field_count; j++)
			put_field(blob, &event->fields[j], places++);
	}
	tw_output_add(blob->out, "\t},\n");
}

/* Each with its NUL, but for the last, which has the literal's own. */
static void put_strings(struct blob *blob)
{
	for (uint32_t i = 0; i < blob->strings.count; i++) {
		tw_output_text(blob->out, "\t\"");
		tw_c_put_quoted(blob->out, blob->strings.list[i].text);
		if (i + 1 < blob->strings.count)
			tw_output_text(blob->out, "\\0\"\n");
		else
			tw_output_text(blob->out, "\",\n");
	}
}

void tw_blob_put(struct tw_output *out, const struct tw_job *job)
{
	struct blob blob = {.out = out, .job = job};

	if (!collect(&blob)) {
		out->text.failed = true;
		goto clear;
	}
	tw_output_add(out, "static const struct {\n");
	tw_output_add(out, "\tstruct tw_blob_header header;\n");
	put_member(&blob, "struct tw_blob_event events", job->event_count);
	put_member(&blob, "struct tw_blob_field fields", blob.field_count);
	put_member(&blob, "char strings", blob.strings.total);
	tw_output_add(out, "} tw_blob_%s = {\n", job->group);
	put_header(&blob);
	put_events(&blob);
	put_fields(&blob);
	put_strings(&blob);
	tw_output_add(out, "};\n\n");
clear:
	free(blob.events);
	free(blob.fields);
	tw_strings_clear(&blob.strings);
}
