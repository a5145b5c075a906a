/* SPDX-License-Identifier: MIT */
/* The event model: what parser and blob reader have in common. */

#include "event.h"

#include "arena.h"

#include <stdlib.h>
#include <string.h>

struct tw_schema *tw_schema_create(uint32_t event_count)
{
	struct tw_schema *schema = calloc(1, sizeof(*schema));

	if (!schema)
		return NULL;
	schema->events = calloc(event_count ? event_count : 1,
				sizeof(*schema->events));
	if (!schema->events) {
		free(schema);
		return NULL;
	}
	return schema;
}

void tw_schema_destroy(struct tw_schema *schema)
{
	if (!schema)
		return;
	tw_arena_destroy(schema->arena);
	free(schema->events);
	free(schema);
}

const struct tw_event_desc *tw_schema_find(const struct tw_schema *schema,
					   const char *name)
{
	for (uint32_t i = 0; i < schema->event_count; i++) {
		if (strcmp(schema->events[i].name, name) == 0)
			return &schema->events[i];
	}
	return NULL;
}

uint32_t tw_event_fixed_size(const struct tw_event_desc *event)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < event->field_count; i++) {
		if (event->fields[i].size == 0)
			return 0;
		total += event->fields[i].size;
	}
	return total;
}

static bool is_word_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

bool tw_name_is_word(const char *name, size_t size)
{
	if (size == 0 || size > TW_NAME_MAX)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!is_word_char((unsigned char)name[i]))
			return false;
	}
	return true;
}

bool tw_name_is_identifier(const char *name, size_t size)
{
	return tw_name_is_word(name, size) && !(*name >= '0' && *name <= '9');
}
