/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the content of a page, of events with all kinds of fields; the
 * first byte says which byte order is meant.
 */
#include "target.h"

#include "schema-walk.h"

#include <stdlib.h>
#include <string.h>
#include <trackway/ring.h>

bool fuzz_accepted;

#define FIELD(field_name, field_type, field_kind, field_size)               \
	{                                                                   \
		.name = field_name, .type = field_type, .kind = field_kind, \
		.size = field_size                                          \
	}

static const struct tw_field fields[] = {
	FIELD("u8", "uint8_t", TW_FIELD_UINT, 1),
	FIELD("s16", "int16_t", TW_FIELD_SINT, 2),
	FIELD("u32", "uint32_t", TW_FIELD_UINT, 4),
	FIELD("s64", "int64_t", TW_FIELD_SINT, 8),
	FIELD("pointer", "void *", TW_FIELD_POINTER, 8),
	FIELD("flag", "bool", TW_FIELD_BOOL, 1),
	FIELD("text", "const char *", TW_FIELD_STRING, 0),
	FIELD("bytes", "uint8_t *", TW_FIELD_BYTES, 0),
	FIELD("f32", "float", TW_FIELD_FLOAT, 4),
	FIELD("f64", "double", TW_FIELD_FLOAT, 8),
};

/* Ids 0 to 4. */
static struct tw_event_desc events[] = {
	{.name = "nothing", .format = "nothing"},
	{.name = "numbers",
	 .format = "%u %hd %x %lld",
	 .field_count = 4,
	 .fields = fields},
	{.name = "texts",
	 .format = "%p %d \"%s\" %s",
	 .field_count = 4,
	 .fields = fields + 4},
	{.name = "floats", .field_count = 2, .fields = fields + 8},
	{.name = "all",
	 .format = "%c %*d %s",
	 .field_count = 10,
	 .fields = fields},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct tw_schema schema = {
		.group = "fuzz",
		.event_count = sizeof(events) / sizeof(events[0]),
		.events = events,
	};
	uint8_t *page;
	uint32_t i;

	if (size < 1)
		return 0;
	for (i = 0; i < schema.event_count; i++)
		events[i].fixed_size = tw_event_fixed_size(&events[i]);
	/* The header is the ring's business (see ring.c): zeros. */
	page = calloc(1, TW_PAGE_HEADER + size - 1);
	if (!page)
		return 0;
	memcpy(page + TW_PAGE_HEADER, data + 1, size - 1);
	fuzz_accepted = fuzz_walk_page(&schema, page, TW_PAGE_HEADER + size - 1,
				       1000, data[0] & 1) >= 0;
	/* A page that ends in its header has no events. */
	for (i = 0; i <= TW_PAGE_HEADER; i += 8)
		FUZZ_CHECK(!fuzz_walk_page(&schema, page, i, 0, data[0] & 1));
	free(page);
	return 0;
}
