/* SPDX-License-Identifier: MIT */
/*
 * Groups of one event, made by the macros of trackway/tracepoint.h. What
 * declares an event knows its fields, what defines it knows its format; both
 * are compiled in, and here they become one blob. Called by constructors.
 */
#include <trackway/tracepoint.h>

#include <string.h>

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* Readers take words, blanks and stars: not a "std::" and not a "$". */
static void tame(char *text)
{
	for (; *text; text++) {
		if (!is_word(*text) && *text != ' ' && *text != '*')
			*text = '_';
	}
}

/* Those that order names, then the others. */
static void copy_fields(struct tw_blob_field *to,
			const struct tw_blob_field *from, uint32_t count,
			const uint8_t *order)
{
	uint32_t done = 0;

	for (; *order; order++) {
		*to++ = from[*order - 1];
		done |= 1u << *order;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!(done & 1u << (i + 1)))
			*to++ = from[i];
	}
}

void tw_tracepoint_register(struct tw_group *group, void *blob,
			    const void *declared, size_t declared_size,
			    const uint8_t *order)
{
	struct tw_blob_header *header = blob;
	unsigned char *place = (unsigned char *)blob + header->fields_offset;
	char *strings = (char *)blob + header->strings_offset;
	struct tw_blob_field *fields = (struct tw_blob_field *)(void *)place;

	memcpy(place, declared, declared_size);
	copy_fields(fields, declared, header->field_count, order);
	for (uint32_t i = 0; i < header->field_count; i++) {
		tame(strings + fields[i].name);
		tame(strings + fields[i].type);
	}
	tw_group_register(group);
}
