/* SPDX-License-Identifier: MIT */
/*
 * Any format over any fields: a byte for the byte order and how many fields,
 * one for each field's kind and size, the format and a NUL, and the packed
 * fields.
 */
#include "target.h"

#include "schema-walk.h"

#include <stdlib.h>
#include <string.h>

bool fuzz_accepted;

/* Every kind with every size that the schema allows. */
static const struct {
	uint8_t kind, size;
} kinds[] = {
	{TW_FIELD_UINT, 1},    {TW_FIELD_UINT, 2},    {TW_FIELD_UINT, 4},
	{TW_FIELD_UINT, 8},    {TW_FIELD_SINT, 1},    {TW_FIELD_SINT, 2},
	{TW_FIELD_SINT, 4},    {TW_FIELD_SINT, 8},    {TW_FIELD_POINTER, 2},
	{TW_FIELD_POINTER, 4}, {TW_FIELD_POINTER, 8}, {TW_FIELD_BOOL, 1},
	{TW_FIELD_STRING, 0},  {TW_FIELD_FLOAT, 4},   {TW_FIELD_FLOAT, 8},
	{TW_FIELD_BYTES, 0},
};

static void run(struct tw_event_desc *event, const uint8_t *fields, size_t room,
		bool swap)
{
	int64_t size;
	uint8_t *exact;

	event->fixed_size = tw_event_fixed_size(event);
	size = tw_fields_size(event, fields, room, swap);
	if (size < 0)
		return;
	FUZZ_CHECK((size_t)size <= room);
	exact = malloc((size_t)size + !size);
	if (!exact)
		return;
	memcpy(exact, fields, (size_t)size);
	fuzz_walk_event(event, exact, (size_t)size, swap);
	free(exact);
	fuzz_accepted = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tw_field fields[TW_FIELDS_MAX];
	struct tw_event_desc event = {
		.name = "event", .file = "trace-events", .fields = fields};
	const uint8_t *end = data + size, *nul;
	bool swap;
	uint32_t i;

	if (size < 1)
		return 0;
	swap = *data & 0x80;
	event.field_count = (*data++ & 0x7f) % (TW_FIELDS_MAX + 1);
	if ((size_t)(end - data) < event.field_count)
		return 0;
	for (i = 0; i < event.field_count; i++, data++) {
		const uint8_t kind = *data % (sizeof(kinds) / sizeof(kinds[0]));

		fields[i] = (struct tw_field){.name = "field",
					      .type = "type",
					      .kind = kinds[kind].kind,
					      .size = kinds[kind].size};
	}
	nul = data < end ? memchr(data, 0, (size_t)(end - data)) : NULL;
	if (!nul)
		return 0;
	/* No format at all is one, too. */
	event.format = nul == data ? NULL : (const char *)data;
	run(&event, nul + 1, (size_t)(end - nul - 1), swap);
	return 0;
}
