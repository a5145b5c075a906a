/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a trace-events file. What comes after a byte 0xff is the text of
 * every file that it includes.
 */
#include "target.h"

#include "../src/schema/parse.h"
#include "schema-walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool fuzz_accepted;

static void check_errors(const struct tw_parse_errors *errors)
{
	uint32_t i;

	for (i = 0; i < errors->count && i < TW_PARSE_ERRORS_MAX; i++) {
		const struct tw_parse_error *error = &errors->list[i];
		size_t size = strnlen(error->message, sizeof(error->message));

		FUZZ_CHECK(error->code != TW_PARSE_OK);
		FUZZ_CHECK(error->line > 0 && error->column > 0);
		FUZZ_CHECK(size > 0 && size < sizeof(error->message));
	}
}

struct rest {
	const uint8_t *at;
	size_t size;
};

static int read_rest(void *data, const char *path, char **text, size_t *size)
{
	const struct rest *rest = data;

	FUZZ_CHECK(strlen(path) <= TW_PATH_MAX);
	*text = malloc(rest->size + 1);
	if (!*text)
		return -ENOMEM;
	memcpy(*text, rest->at, rest->size);
	*size = rest->size;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nothing;
	static struct tw_parse_errors errors;
	const uint8_t *mark = size ? memchr(data, 0xff, size) : NULL;
	struct rest rest = {&nothing, 0};
	struct tw_parse_options options = {
		.size = sizeof(options),
		.dialect = size % 2 ? TW_DIALECT_7_2 : TW_DIALECT_NEWEST,
		.read = read_rest,
		.data = &rest,
	};
	struct tw_schema *schema = NULL;
	int result;

	if (mark) {
		rest = (struct rest){mark + 1,
				     (size_t)(data + size - mark - 1)};
		size = (size_t)(mark - data);
	}
	result = tw_parse_events_with(&options, "trace-events",
				      (const char *)data, size, &schema,
				      &errors);
	check_errors(&errors);
	FUZZ_CHECK((result == 0) == (schema != NULL));
	FUZZ_CHECK((result == 0) == (errors.count == 0));
	tw_parse_errors_clear(&errors);
	if (result)
		return 0;
	fuzz_walk_schema(schema);
	fuzz_accepted = true;
	tw_schema_destroy(schema);
	return 0;
}
