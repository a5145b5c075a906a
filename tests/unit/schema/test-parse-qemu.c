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

static struct tw_parse_errors errors;

static int parse(enum tw_parse_dialect dialect, struct tw_schema **schema)
{
	struct tw_parse_options options = {.size = sizeof(options),
					   .dialect = dialect};

	return tw_parse_events_with(&options, path, text.data, text.size - 1,
				    schema, &errors);
}

static void test_every_event(void **state)
{
	struct tw_schema *schema;
	int result = parse(TW_DIALECT_7_2, &schema);

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

/* Lines that are no comments and have this text, or begin with it. */
static uint32_t count_lines_with(const char *needle, bool begin)
{
	const char *at = text.data;
	uint32_t count = 0;

	while (*at) {
		const char *end = strchr(at, '\n');
		const char *found = strstr(at, needle);

		if (*at != '#' && found && found < end &&
		    (!begin || found == at))
			count++;
		at = end + 1;
	}
	return count;
}

/*
 * What QEMU took out of the language since: as many errors as there are lines
 * with "vcpu" before the name and with a newline within the format, no others.
 */
static void test_newest_dialect(void **state)
{
	uint32_t vcpus = count_lines_with("vcpu ", true);
	uint32_t newlines = count_lines_with("\\n", false);
	struct tw_schema *schema;
	uint32_t seen[2] = {0};

	assert_int_equal(parse(TW_DIALECT_NEWEST, &schema),
			 vcpus + newlines ? -22 : 0);
	assert_int_equal(errors.count, vcpus + newlines);
	for (uint32_t i = 0; i < errors.count; i++) {
		const char *message = errors.list[i].message;

		seen[0] += !strcmp(message, "Unknown properties: vcpu");
		seen[1] += !strcmp(message, "Event format must not use new "
					    "line character");
	}
	assert_int_equal(seen[0], vcpus);
	assert_int_equal(seen[1], newlines);
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
		cmocka_unit_test(test_newest_dialect),
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
