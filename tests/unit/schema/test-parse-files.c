/* SPDX-License-Identifier: MIT */
/*
 * Files that are odd in one way each, with what is expected of them in
 * comments of their own:
 *
 *	pass/	#= [FILE:]LINE [disable] [loglevel=X] NAME(TYPE FIELD, ...)
 *FORMAT each event; the format escaped, "-" for none; a field's length in
 *brackets, its named values in braces
 *	fail/	#! [FILE:]LINE:COLUMN MESSAGE	each error
 *	both	#@ 7.2	the dialect, in the first line
 *
 * Files to be included are in included/ of the same folder.
 */

#include "../../../src/schema/format.h"
#include "../../../src/schema/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder = ".";

static int read_file(const char *path, struct tw_text *text)
{
	FILE *file = fopen(path, "r");
	char buffer[4096];
	size_t size;

	if (!file)
		return -errno;
	while ((size = fread(buffer, 1, sizeof(buffer), file)) > 0)
		tw_text_add(text, buffer, size);
	fclose(file);
	return 0;
}

/* data: the folder that paths begin in. */
static int read_included(void *data, const char *path, char **text,
			 size_t *size)
{
	struct tw_text read = {0};
	char whole[4096];
	int error;

	snprintf(whole, sizeof(whole), "%s/%s/%s", folder, (char *)data, path);
	error = read_file(whole, &read);
	*text = read.data;
	*size = read.size;
	return error;
}

static void add(struct tw_text *text, const char *format, ...)
{
	char buffer[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	tw_text_add_string(text, buffer);
}

/* The rest of each line that begins with mark, as one text. */
static void expect(const struct tw_text *file, const char *mark,
		   struct tw_text *wanted)
{
	const char *at = file->data;
	const char *end = at + file->size;

	while (at < end) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = next ? next : end;

		if (line_end > at && line_end[-1] == '\r')
			line_end--;
		if (line_end - at > 3 && memcmp(at, mark, 3) == 0) {
			tw_text_add(wanted, at + 3,
				    (size_t)(line_end - at) - 3);
			tw_text_add_string(wanted, "\n");
		}
		at = next ? next + 1 : end;
	}
}

static void show_file(struct tw_text *out, const char *file)
{
	if (strcmp(file, "f") != 0)
		add(out, "%s:", file);
}

static void show_field(struct tw_text *out, const struct tw_event_desc *event,
		       const struct tw_field *field)
{
	add(out, "%s %s", field->type, field->name);
	if (field->kind == TW_FIELD_BYTES && field->length)
		add(out, "[%u]", field->length);
	else if (field->kind == TW_FIELD_BYTES)
		add(out, "[%s]", event->fields[field->length_field].name);
	if (field->values)
		add(out, "{%s}", field->values);
}

static void show_event(struct tw_text *out, const struct tw_event_desc *event)
{
	show_file(out, event->file);
	add(out, "%u %s", event->line, event->disabled ? "disable " : "");
	if (event->loglevel != 14)
		add(out, "loglevel=%s ", tw_loglevel_name(event->loglevel));
	add(out, "%s(%s", event->name, event->field_count ? "" : "void");
	for (uint32_t i = 0; i < event->field_count; i++) {
		add(out, "%s", i ? ", " : "");
		show_field(out, event, &event->fields[i]);
	}
	add(out, ") ");
	if (event->format)
		tw_text_add_escaped(out, event->format, strlen(event->format));
	else
		add(out, "-");
	add(out, "\n");
}

static void show(struct tw_text *out, const struct tw_schema *schema,
		 const struct tw_parse_errors *errors)
{
	for (uint32_t i = 0; schema && i < schema->event_count; i++)
		show_event(out, &schema->events[i]);
	for (uint32_t i = 0; i < errors->count; i++) {
		show_file(out, errors->list[i].file);
		add(out, "%u:%u %s\n", errors->list[i].line,
		    errors->list[i].column, errors->list[i].message);
	}
	tw_text_add(out, "", 1);
}

static void check_file(const char *path, char *name, const char *mark,
		       int result)
{
	struct tw_parse_options options = {
		.size = sizeof(options), .read = read_included, .data = name};
	static struct tw_parse_errors errors;
	struct tw_text wanted = {0};
	struct tw_text file = {0};
	struct tw_text got = {0};
	struct tw_schema *schema;

	assert_int_equal(read_file(path, &file), 0);
	assert_non_null(tw_text_reserve(&file, 1));
	expect(&file, mark, &wanted);
	tw_text_add(&wanted, "", 1);
	print_message("%s\n", path);
	if (file.size > 6 && memcmp(file.data, "#@ 7.2", 6) == 0)
		options.dialect = TW_DIALECT_7_2;
	assert_int_equal(tw_parse_events_with(&options, "f", file.data,
					      file.size, &schema, &errors),
			 result);
	assert_true(!schema == (result != 0));
	show(&got, schema, &errors);
	assert_string_equal(got.data, wanted.data);
	tw_parse_errors_clear(&errors);
	tw_schema_destroy(schema);
	free(wanted.data);
	free(file.data);
	free(got.data);
}

static void check_folder(char *name, const char *mark, int result)
{
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/%s/*.events", folder, name);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc > 10);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_file(found.gl_pathv[i], name, mark, result);
	globfree(&found);
}

static void test_pass(void **state)
{
	char pass[] = "pass";

	check_folder(pass, "#= ", 0);
}

static void test_fail(void **state)
{
	char fail[] = "fail";

	check_folder(fail, "#! ", -EINVAL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_fail),
	};

	if (argc > 1)
		folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
