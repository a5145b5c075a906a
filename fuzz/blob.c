/* SPDX-License-Identifier: MIT */
/* Any bytes as a schema blob; the first says which byte order is meant. */
#include "target.h"

#include "../src/schema/blob-read.h"
#include "schema-walk.h"

#include <stdlib.h>
#include <string.h>

bool fuzz_accepted;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tw_schema *schema = NULL;
	const char *why = NULL;
	uint8_t *blob;
	int result;

	if (size < 1)
		return 0;
	/* A schema copies what it keeps: its blob may go before it. */
	blob = malloc(size);
	if (!blob)
		return 0;
	memcpy(blob, data + 1, size - 1);
	result = tw_blob_read(blob, size - 1, data[0] & 1, &schema, &why);
	free(blob);
	FUZZ_CHECK((result == 0) == (schema != NULL));
	FUZZ_CHECK(result == 0 || why);
	if (result)
		return 0;
	fuzz_walk_schema(schema);
	fuzz_accepted = true;
	tw_schema_destroy(schema);
	return 0;
}
