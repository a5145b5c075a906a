/* SPDX-License-Identifier: MIT */
/* Any text as a trace-events file; what parses must format as well. */
#include "../src/schema/parse.h"
#include "../src/schema/format.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tw_parse_errors errors = {0};
	struct tw_schema *schema = NULL;
	struct tw_format *format;

	if (tw_parse_events("fuzz", (const char *)data, size, &schema,
			    &errors) < 0) {
		if (errors.count == 0)
			abort();
		return 0;
	}
	for (uint32_t i = 0; i < schema->event_count; i++)
		if (tw_format_compile(&schema->events[i], &format) == 0)
			tw_format_destroy(format);
	tw_schema_destroy(schema);
	return 0;
}
