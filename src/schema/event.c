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

static unsigned int count_word(const char *type, const char *word)
{
	size_t size = strlen(word);
	unsigned int count = 0;

	while (*type) {
		size_t length = strcspn(type, " ");

		count += length == size && !strncmp(type, word, size);
		type += length + (type[length] == ' ');
	}
	return count;
}

uint8_t tw_field_size(const struct tw_field *field, uint8_t word_size)
{
	const char *type = field->type;
	const unsigned int longs = count_word(type, "long");

	if (field->size || field->kind == TW_FIELD_STRING ||
	    field->kind == TW_FIELD_BYTES)
		return field->size;
	if (field->kind == TW_FIELD_POINTER)
		return word_size;
	if (longs)
		return longs > 1 ? 8 : word_size;
	/* What is left of those with a name of their own is a word. */
	if (strstr(type, "size_t") || strstr(type, "ptr"))
		return word_size;
	return count_word(type, "short") ? 2 : 4;
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

bool tw_name_is_word(const char *name, size_t size)
{
	static const bool word_chars[256] = {
		['0' ... '9'] = true,
		['A' ... 'Z'] = true,
		['_'] = true,
		['a' ... 'z'] = true,
	};

	if (size == 0 || size > TW_NAME_MAX)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!word_chars[(unsigned char)name[i]])
			return false;
	}
	return true;
}

bool tw_name_is_identifier(const char *name, size_t size)
{
	return tw_name_is_word(name, size) && !(*name >= '0' && *name <= '9');
}

/* A number's digits, perhaps signed; what is no number in range is refused. */
static bool read_value(const char **at, int64_t *value)
{
	bool negative = **at == '-';
	uint64_t magnitude = 0;
	const char *digit = *at + negative;

	*at = digit;
	for (; *digit >= '0' && *digit <= '9'; digit++) {
		magnitude = magnitude * 10 + (uint64_t)(*digit - '0');
		if (magnitude > INT64_MAX)
			return false;
	}
	*value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	if (digit == *at)
		return false;
	*at = digit;
	return true;
}

bool tw_label_next(const char **at, struct tw_label *label)
{
	const char *name = strchr(*at, ' ');
	const char *end = name ? strchr(name, '=') : NULL;

	if (!end)
		return false;
	label->name = name + 1;
	label->size = (size_t)(end - name) - 1;
	*at = end + 1;
	return tw_name_is_identifier(label->name, label->size) &&
	       read_value(at, &label->value) && (**at == ' ' || **at == 0);
}

const char *tw_label_find(const char *values, int64_t value, size_t *size)
{
	struct tw_label label;

	while (tw_label_next(&values, &label)) {
		if (label.value == value) {
			*size = label.size;
			return label.name;
		}
	}
	return NULL;
}

/* CTF's numbers, which are LTTng's and, up to 6, syslog's. */
static const char *const loglevels[] = {
	"emerg",	  "alert",	   "crit",	   "err",
	"warning",	  "notice",	   "info",	   "debug_system",
	"debug_program",  "debug_process", "debug_module", "debug_unit",
	"debug_function", "debug_line",	   "debug",
};

#define LOGLEVEL_COUNT (sizeof(loglevels) / sizeof(loglevels[0]))

const char *tw_loglevel_name(uint32_t loglevel)
{
	return loglevel < LOGLEVEL_COUNT ? loglevels[loglevel] : NULL;
}

int tw_loglevel_find(const char *name, size_t size)
{
	for (size_t i = 0; i < LOGLEVEL_COUNT; i++) {
		if (strlen(loglevels[i]) == size &&
		    memcmp(loglevels[i], name, size) == 0)
			return (int)i;
	}
	return -1;
}
