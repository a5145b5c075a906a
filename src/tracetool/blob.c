/* SPDX-License-Identifier: MIT */
/*
 * The schema blob as C source: all offsets are numbers, computed here; what
 * depends on the target (sizes, a char's sign, the byte order) is left to its
 * compiler.
 */

#include "blob.h"

#include "c-text.h"
#include "strings.h"

#include <string.h>

struct blob {
	struct tw_output *out;
	const struct tw_job *job;
	struct tw_strings strings;
	uint32_t field_count;
};

/* The text's offset among the strings. */
static uint32_t place(struct blob *blob, const char *text)
{
	uint32_t number = tw_strings_add(&blob->strings, text);

	return blob->strings.failed ? 0 : blob->strings.list[number].offset;
}

static void collect(struct blob *blob)
{
	const struct tw_job *job = blob->job;

	place(blob, job->group);
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_event_desc *event = job->events[i].desc;

		place(blob, event->name);
		place(blob, event->format ? event->format : "");
		place(blob, event->file);
		blob->field_count += event->field_count;
		for (uint32_t j = 0; j < event->field_count; j++) {
			place(blob, event->fields[j].name);
			place(blob, event->fields[j].type);
		}
	}
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

static void put_events(struct blob *blob)
{
	const struct tw_job *job = blob->job;
	uint32_t first_field = 0;

	if (job->event_count == 0)
		return;
	tw_output_add(blob->out, "\t{\n");
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_event_desc *event = job->events[i].desc;
		const char *format = event->format;

		tw_output_add(blob->out, "\t\t{%u, %u, %u, %u, %u, %u, %u, ",
			      place(blob, event->name),
			      place(blob, format ? format : ""),
			      place(blob, event->file), event->line,
			      first_field, event->field_count, event->loglevel);
		tw_output_add(blob->out, "%s}, /* %s */\n", flag_names(event),
			      event->name);
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
	};

	/* The one integer whose sign is the target's choice. */
	if (strcmp(field->type, "char") == 0 ||
	    strcmp(field->type, "const char") == 0)
		return "TW_KIND_OF(char)";
	return names[field->kind];
}

static void put_field(struct blob *blob, const struct tw_field *field)
{
	tw_output_add(blob->out, "\t\t{%u, %u, %s, ", place(blob, field->name),
		      place(blob, field->type), kind_name(field));
	if (field->kind == TW_FIELD_STRING)
		tw_output_add(blob->out, "0, 0}, /* %s */\n", field->name);
	else
		tw_output_add(blob->out, "sizeof(%s), 0}, /* %s */\n",
			      field->type, field->name);
}

static void put_fields(struct blob *blob)
{
	const struct tw_job *job = blob->job;

	if (blob->field_count == 0)
		return;
	tw_output_add(blob->out, "\t{\n");
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_event_desc *event = job->events[i].desc;

		for (uint32_t j = 0; j < event->field_count; j++)
			put_field(blob, &event->fields[j]);
	}
	tw_output_add(blob->out, "\t},\n");
}

/* Each with its NUL, but for the last, which has the literal's own. */
static void put_strings(struct blob *blob)
{
	for (uint32_t i = 0; i < blob->strings.count; i++) {
		tw_output_add(blob->out, "\t\"");
		tw_c_put_quoted(blob->out, blob->strings.list[i].text);
		tw_output_add(blob->out, "%s\"%s\n",
			      i + 1 < blob->strings.count ? "\\0" : "",
			      i + 1 < blob->strings.count ? "" : ",");
	}
}

void tw_blob_put(struct tw_output *out, const struct tw_job *job)
{
	struct blob blob = {.out = out, .job = job};

	collect(&blob);
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
	if (blob.strings.failed)
		out->text.failed = true;
	tw_strings_clear(&blob.strings);
}
