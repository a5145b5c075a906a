/* SPDX-License-Identifier: MIT */
/* What every target does with a schema: see schema-walk.h. */
#include "schema-walk.h"

#include "target.h"

#include <stdlib.h>
#include <string.h>

#define FORMATS_MAX 64	 /* compiled of one schema */
#define FORMATTED_MAX 64 /* events printed of one page */

/* Reading them is the test: a bad pointer or a missing NUL is a crash. */
static size_t touch(const char *text)
{
	return text ? strlen(text) : 0;
}

static void walk_desc(const struct tw_event_desc *event)
{
	size_t total = touch(event->name) + touch(event->format) +
		       touch(event->format_raw) + touch(event->file);
	uint32_t i;

	FUZZ_CHECK(event->name && event->field_count <= TW_FIELDS_MAX);
	FUZZ_CHECK(event->loglevel <= 14);
	for (i = 0; i < event->field_count; i++) {
		total += touch(event->fields[i].name) +
			 touch(event->fields[i].type) +
			 touch(event->fields[i].values);
		FUZZ_CHECK(event->fields[i].kind >= TW_FIELD_UINT &&
			   event->fields[i].kind <= TW_FIELD_BYTES);
		FUZZ_CHECK(event->fields[i].size <= 8);
	}
	FUZZ_CHECK(total < SIZE_MAX / 2);
}

void fuzz_walk_schema(const struct tw_schema *schema)
{
	struct tw_format *format;
	uint32_t i;

	touch(schema->group);
	FUZZ_CHECK(schema->event_count <= 65535);
	for (i = 0; i < schema->event_count; i++) {
		walk_desc(&schema->events[i]);
		if (i < FORMATS_MAX &&
		    !tw_format_compile(&schema->events[i], &format))
			tw_format_destroy(format);
	}
}

/* What reaches a terminal is printable, whatever the event holds. */
static void check_text(const struct tw_text *text)
{
	size_t i;

	for (i = 0; i < text->size; i++) {
		unsigned char byte = (unsigned char)text->data[i];
		unsigned char next = i + 1 < text->size
					     ? (unsigned char)text->data[i + 1]
					     : 0;

		FUZZ_CHECK(byte >= ' ' && byte != 0x7f);
		/* U+0080 to U+009F, the other control characters. */
		FUZZ_CHECK(byte != 0xc2 || next < 0x80 || next > 0x9f);
	}
}

static void print_event(const struct tw_event_desc *event,
			const uint8_t *fields, size_t size, bool swap)
{
	struct tw_text text = {0};
	struct tw_format *format;

	if (tw_format_compile(event, &format))
		return;
	tw_format_run(format, fields, size, swap, &text);
	if (!text.failed)
		check_text(&text);
	free(text.data);
	tw_format_destroy(format);
}

void fuzz_walk_event(const struct tw_event_desc *event, const uint8_t *fields,
		     size_t size, bool swap)
{
	struct tw_value value;
	size_t offset = 0;
	uint32_t i;

	for (i = 0; i < event->field_count; i++) {
		tw_fields_value(event, i, fields, &offset, swap, &value);
		FUZZ_CHECK(offset <= size);
		FUZZ_CHECK(value.field == &event->fields[i]);
		if (value.field->kind == TW_FIELD_STRING)
			FUZZ_CHECK(!memchr(value.string.text, 0,
					   value.string.size));
	}
	FUZZ_CHECK(offset == size);
	print_event(event, fields, size, swap);
}

int64_t fuzz_walk_page(const struct tw_schema *schema, const void *page,
		       size_t size, uint64_t time_begin, bool swap)
{
	const struct tw_event_desc **lookup;
	struct tw_decoder decoder = {.id_count = schema->event_count,
				     .swap = swap};
	struct tw_page_walk walk;
	struct tw_decoded event;
	int64_t count = 0;
	uint64_t time = time_begin;
	int result;
	uint32_t i;

	lookup = calloc(schema->event_count + 1, sizeof(*lookup));
	if (!lookup)
		return 0;
	for (i = 0; i < schema->event_count; i++)
		lookup[i] = &schema->events[i];
	decoder.lookup = lookup;
	tw_page_walk_start(&walk, page, size, time_begin);
	while ((result = tw_page_walk_next(&walk, &decoder, &event)) > 0) {
		FUZZ_CHECK(event.time >= time);
		FUZZ_CHECK(event.fields + event.fields_size <=
			   (const uint8_t *)page + size);
		time = event.time;
		if (count++ < FORMATTED_MAX)
			fuzz_walk_event(event.event, event.fields,
					event.fields_size, swap);
	}
	FUZZ_CHECK(!result || walk.why);
	free(lookup);
	return result ? result : count;
}
