/* SPDX-License-Identifier: MIT */
/*
 * Writing a schema blob: for a recording, which keeps the schema of each group
 * of events as a blob, whether the ring had one or a file was given for it.
 *
 * Called by src/trace/ctf.c.
 */
#include "blob-write.h"

#include "format.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A blob in the making: its tables and its strings. */
struct blob {
	bool swap;
	struct tw_text tables;
	struct tw_text strings;
};

static uint16_t u16(const struct blob *b, uint32_t value)
{
	return b->swap ? __builtin_bswap16((uint16_t)value) : (uint16_t)value;
}

static uint32_t u32(const struct blob *b, size_t value)
{
	return b->swap ? __builtin_bswap32((uint32_t)value) : (uint32_t)value;
}

static uint32_t add_string(struct blob *b, const char *string)
{
	const uint32_t at = u32(b, b->strings.size);

	tw_text_add(&b->strings, string ? string : "",
		    string ? strlen(string) + 1 : 1);
	return at;
}

static void add_event(struct blob *b, const struct tw_event_desc *event,
		      uint32_t first_field)
{
	const struct tw_blob_event raw = {
		.name = add_string(b, event->name),
		.format = add_string(b, event->format),
		.file = add_string(b, event->file),
		.line = u32(b, event->line),
		.first_field = u32(b, first_field),
		.field_count = u16(b, event->field_count),
		.loglevel = event->loglevel,
		.flags = (uint8_t)((event->format ? 0 : TW_EVENT_NO_FORMAT) |
				   (event->disabled ? TW_EVENT_DISABLED : 0)),
	};

	tw_text_add(&b->tables, (const char *)&raw, sizeof(raw));
}

static void add_field(struct blob *b, const struct tw_field *field)
{
	struct tw_blob_field raw = {
		.name = add_string(b, field->name),
		.type = add_string(b, field->type),
		.kind = field->kind,
		.size = field->size,
		.flags = u16(b, field->values ? TW_FIELD_HAS_VALUES : 0),
	};

	if (field->values)
		raw.values = add_string(b, field->values);
	tw_text_add(&b->tables, (const char *)&raw, sizeof(raw));
}

static uint32_t count_fields(const struct tw_schema *schema)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < schema->event_count; i++)
		count += schema->events[i].field_count;
	return count;
}

static void add_tables(struct blob *b, const struct tw_schema *schema)
{
	const struct tw_event_desc *event;
	uint32_t first_field = 0;

	for (uint32_t i = 0; i < schema->event_count; i++) {
		add_event(b, &schema->events[i], first_field);
		first_field += schema->events[i].field_count;
	}
	for (uint32_t i = 0; i < schema->event_count; i++) {
		event = &schema->events[i];
		for (uint32_t k = 0; k < event->field_count; k++)
			add_field(b, &event->fields[k]);
	}
}

static void fill_header(struct blob *b, const struct tw_schema *schema,
			uint32_t group, struct tw_blob_header *header)
{
	const size_t events = sizeof(*header);
	const size_t fields = events + (size_t)schema->event_count *
					       sizeof(struct tw_blob_event);
	const size_t strings = events + b->tables.size;

	*header = (struct tw_blob_header){
		.magic = u32(b, TW_BLOB_MAGIC),
		.major = u16(b, TW_BLOB_MAJOR),
		.minor = u16(b, TW_BLOB_MINOR),
		.size = u32(b, strings + b->strings.size),
		.event_count = u32(b, schema->event_count),
		.event_stride = u32(b, sizeof(struct tw_blob_event)),
		.events_offset = u32(b, events),
		.field_count = u32(b, count_fields(schema)),
		.field_stride = u32(b, sizeof(struct tw_blob_field)),
		.fields_offset = u32(b, fields),
		.strings_offset = u32(b, strings),
		.strings_size = u32(b, b->strings.size),
		.group = group,
	};
}

int tw_blob_write(const struct tw_schema *schema, bool swap, void **blob,
		  size_t *size)
{
	struct blob b = {.swap = swap};
	struct tw_blob_header header;
	struct tw_text out = {0};
	uint32_t group;

	group = add_string(&b, schema->group);
	add_tables(&b, schema);
	fill_header(&b, schema, group, &header);
	tw_text_add(&out, (const char *)&header, sizeof(header));
	if (b.tables.size)
		tw_text_add(&out, b.tables.data, b.tables.size);
	tw_text_add(&out, b.strings.data, b.strings.size);
	out.failed |= b.tables.failed || b.strings.failed;
	free(b.tables.data);
	free(b.strings.data);
	if (out.failed) {
		free(out.data);
		return -ENOMEM;
	}
	*blob = out.data;
	*size = out.size;
	return 0;
}
