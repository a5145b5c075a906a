/* SPDX-License-Identifier: MIT */
/*
 * QEMU's own trace-events files, merged, as Debian's qemu-system-common
 * installs them, or wherever QEMU_TRACE_EVENTS says that they are. Skipped
 * where there are none.
 */

#include "../../../src/schema/format.h"
#include "../../../src/schema/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *path = "/usr/share/qemu/trace-events-all";
static struct tw_text text;

/* Lines that hold an event: neither blank nor a comment. */
static uint32_t count_event_lines(void)
{
	const char *at = text.data;
	const char *end = at + text.size - 1;
	uint32_t count = 0;

	while (at < end) {
		at += strspn(at, " \t\r");
		count += *at != '#' && *at != '\n';
		at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
	}
	return count;
}

static void test_every_event(void **state)
{
	static struct tw_parse_errors errors;
	struct tw_schema *schema;
	int result = tw_parse_events(path, text.data, text.size - 1, &schema,
				     &errors);

	for (uint32_t i = 0; i < errors.count && i < 10; i++)
		print_message("%u:%u: %s\n", errors.list[i].line,
			      errors.list[i].column, errors.list[i].message);
	assert_int_equal(result, 0);
	assert_int_equal(schema->event_count, count_event_lines());
	assert_true(schema->event_count > 4000);
	for (uint32_t i = 0; i < schema->event_count; i++) {
		struct tw_format *format;

		assert_int_equal(tw_format_compile(&schema->events[i], &format),
				 0);
		tw_format_destroy(format);
	}
	tw_schema_destroy(schema);
}

static void read_file(FILE *file)
{
	char buffer[4096];
	size_t size;

	while ((size = fread(buffer, 1, sizeof(buffer), file)) > 0)
		tw_text_add(&text, buffer, size);
	tw_text_add(&text, "", 1);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_event),
	};
	FILE *file;
	int result;

	if (getenv("QEMU_TRACE_EVENTS"))
		path = getenv("QEMU_TRACE_EVENTS");
	file = fopen(path, "r");
	if (!file) {
		printf("skipped: no %s (Debian: qemu-system-common)\n", path);
		return 77;
	}
	read_file(file);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	free(text.data);
	return result;
}
