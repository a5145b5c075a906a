/* SPDX-License-Identifier: MIT */
/*
 * The first bytes, a length first, as a schema blob; the rest as the fields of
 * each of its events, which are walked and formatted.
 */
#include "../src/schema/blob-read.h"
#include "../src/schema/decode.h"
#include "../src/schema/format.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void format_event(const struct tw_event_desc *event,
			 const uint8_t *fields, size_t room, bool swap)
{
	int64_t size = tw_fields_size(event, fields, room);
	struct tw_format *format;
	struct tw_text text = {0};

	if (size < 0)
		return;
	if ((uint64_t)size > room)
		abort();
	if (tw_format_compile(event, &format) < 0)
		return;
	tw_format_run(format, fields, (size_t)size, swap, &text);
	tw_format_destroy(format);
	free(text.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tw_schema *schema = NULL;
	const char *why = NULL;
	uint16_t blob_size;
	bool swap;

	if (size < 3)
		return 0;
	swap = data[0] & 1;
	memcpy(&blob_size, data + 1, 2);
	data += 3;
	size -= 3;
	if (blob_size > size)
		blob_size = (uint16_t)size;
	if (tw_blob_read(data, blob_size, swap, &schema, &why) < 0)
		return 0;
	for (uint32_t i = 0; i < schema->event_count; i++)
		format_event(&schema->events[i], data + blob_size,
			     size - blob_size, swap);
	tw_schema_destroy(schema);
	return 0;
}
