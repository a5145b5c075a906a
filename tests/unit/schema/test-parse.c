/* SPDX-License-Identifier: MIT */
/* The parser's model of an event, its limits, and what it does past them. */

#include "../../../src/schema/format.h"
#include "../../../src/schema/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trackway/ring.h>

static struct tw_parse_errors errors;

static struct tw_schema *parse_with(const struct tw_parse_options *options,
				    const char *text, size_t size)
{
	struct tw_schema *schema;
	int result = tw_parse_events_with(options, "dir/file", text, size,
					  &schema, &errors);

	if (result == 0) {
		assert_non_null(schema);
		assert_int_equal(errors.count, 0);
	} else {
		assert_null(schema);
		assert_true(errors.count > 0);
	}
	return schema;
}

static struct tw_schema *parse_n(const char *text, size_t size)
{
	return parse_with(NULL, text, size);
}

static struct tw_schema *parse(const char *text)
{
	return parse_n(text, strlen(text));
}

static void check_error(uint32_t index, enum tw_parse_code code, uint32_t line,
			uint32_t column)
{
	assert_true(index < errors.count);
	assert_int_equal(errors.list[index].code, code);
	assert_int_equal(errors.list[index].line, line);
	assert_int_equal(errors.list[index].column, column);
	assert_true(errors.list[index].message[0] != 0);
}

struct type_case {
	const char *written;
	const char *type;
	enum tw_field_kind kind;
	int size;
};

static const struct type_case type_cases[] = {
	{"int ", "int", TW_FIELD_SINT, 0},
	{"int\t ", "int", TW_FIELD_SINT, 0},
	{"unsigned ", "unsigned", TW_FIELD_UINT, 0},
	{"signed ", "signed", TW_FIELD_SINT, 0},
	{"unsigned int ", "unsigned int", TW_FIELD_UINT, 0},
	{"int  unsigned ", "int unsigned", TW_FIELD_UINT, 0},
	{"const int ", "const int", TW_FIELD_SINT, 0},
	{"int const ", "int const", TW_FIELD_SINT, 0},
	{"short ", "short", TW_FIELD_SINT, 0},
	{"unsigned short int ", "unsigned short int", TW_FIELD_UINT, 0},
	{"long ", "long", TW_FIELD_SINT, 0},
	{"unsigned long ", "unsigned long", TW_FIELD_UINT, 0},
	{"long long ", "long long", TW_FIELD_SINT, 0},
	{"long unsigned long int ", "long unsigned long int", TW_FIELD_UINT, 0},
	{"char ", "char", TW_FIELD_SINT, 1},
	{"signed char ", "signed char", TW_FIELD_SINT, 1},
	{"unsigned char ", "unsigned char", TW_FIELD_UINT, 1},
	{"bool ", "bool", TW_FIELD_BOOL, 1},
	{"int8_t ", "int8_t", TW_FIELD_SINT, 1},
	{"uint8_t ", "uint8_t", TW_FIELD_UINT, 1},
	{"int16_t ", "int16_t", TW_FIELD_SINT, 2},
	{"uint16_t ", "uint16_t", TW_FIELD_UINT, 2},
	{"int32_t ", "int32_t", TW_FIELD_SINT, 4},
	{"uint32_t ", "uint32_t", TW_FIELD_UINT, 4},
	{"int64_t ", "int64_t", TW_FIELD_SINT, 8},
	{"uint64_t ", "uint64_t", TW_FIELD_UINT, 8},
	{"size_t ", "size_t", TW_FIELD_UINT, 0},
	{"ssize_t ", "ssize_t", TW_FIELD_SINT, 0},
	{"uintptr_t ", "uintptr_t", TW_FIELD_UINT, 0},
	{"ptrdiff_t ", "ptrdiff_t", TW_FIELD_SINT, 0},
	{"float ", "float", TW_FIELD_FLOAT, 4},
	{"double ", "double", TW_FIELD_FLOAT, 8},
	{"const double ", "const double", TW_FIELD_FLOAT, 8},
	{"void *", "void *", TW_FIELD_POINTER, 0},
	{"void*", "void *", TW_FIELD_POINTER, 0},
	{"void * ", "void *", TW_FIELD_POINTER, 0},
	{"const void *", "const void *", TW_FIELD_POINTER, 0},
	{"void **", "void **", TW_FIELD_POINTER, 0},
	{"void * * ", "void **", TW_FIELD_POINTER, 0},
	{"uint8_t *", "uint8_t *", TW_FIELD_POINTER, 0},
	{"unsigned int *", "unsigned int *", TW_FIELD_POINTER, 0},
	{"char *", "char *", TW_FIELD_STRING, 0},
	{"char*", "char *", TW_FIELD_STRING, 0},
	{"const char *", "const char *", TW_FIELD_STRING, 0},
	{"const char*", "const char *", TW_FIELD_STRING, 0},
	{"const  char\t* ", "const char *", TW_FIELD_STRING, 0},
	{"char const *", "char const *", TW_FIELD_POINTER, 0},
	{"char **", "char **", TW_FIELD_POINTER, 0},
	{"const char **", "const char **", TW_FIELD_POINTER, 0},
	{"char *const *", "char * const *", TW_FIELD_POINTER, 0},
	{"unsigned char *", "unsigned char *", TW_FIELD_POINTER, 0},
	{"float *", "float *", TW_FIELD_POINTER, 0},
};

static void test_types(void **state)
{
	for (size_t i = 0; i < sizeof(type_cases) / sizeof(*type_cases); i++) {
		const struct type_case *c = &type_cases[i];
		struct tw_schema *schema;
		const struct tw_field *field;
		char line[128];

		snprintf(line, sizeof(line), "e(%sx)\n", c->written);
		schema = parse(line);
		assert_non_null(schema);
		assert_int_equal(schema->events[0].field_count, 1);
		field = &schema->events[0].fields[0];
		assert_string_equal(field->name, "x");
		assert_string_equal(field->type, c->type);
		assert_int_equal(field->kind, c->kind);
		assert_int_equal(field->size, c->size);
		tw_schema_destroy(schema);
	}
}

/* As the compilers of 32 and of 64 bits have them. */
static void test_sizes(void **state)
{
	static const struct {
		const char *type;
		uint8_t narrow, wide;
	} cases[] = {
		{"char ", 1, 1},      {"bool ", 1, 1},
		{"short ", 2, 2},     {"unsigned short int ", 2, 2},
		{"int ", 4, 4},	      {"unsigned ", 4, 4},
		{"float ", 4, 4},     {"double ", 8, 8},
		{"int8_t ", 1, 1},    {"uint64_t ", 8, 8},
		{"long ", 4, 8},      {"const unsigned long int ", 4, 8},
		{"long long ", 8, 8}, {"long unsigned int long ", 8, 8},
		{"size_t ", 4, 8},    {"ssize_t ", 4, 8},
		{"uintptr_t ", 4, 8}, {"ptrdiff_t ", 4, 8},
		{"void *", 4, 8},     {"const short *", 4, 8},
		{"long *", 4, 8},     {"unsigned long long *", 4, 8},
		{"char **", 4, 8},    {"const char *", 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tw_schema *schema;
		const struct tw_field *field;
		char line[128];

		snprintf(line, sizeof(line), "e(%sx)\n", cases[i].type);
		schema = parse(line);
		assert_non_null(schema);
		field = schema->events[0].fields;
		if (tw_field_size(field, 4) != cases[i].narrow ||
		    tw_field_size(field, 8) != cases[i].wide)
			fail_msg("%s", cases[i].type);
		tw_schema_destroy(schema);
	}
}

/* In one file, each of them three times, so that any may be remembered as any
 * other. */
static void test_types_again(void **state)
{
	const uint32_t count = sizeof(type_cases) / sizeof(*type_cases);
	char text[8192];
	char *at = text;
	struct tw_schema *schema;

	for (uint32_t i = 0; i < 3 * count; i++)
		at += sprintf(at, "e%u(%sname)\n", i,
			      type_cases[i % count].written);
	assert_true(at < text + sizeof(text));
	schema = parse(text);
	assert_int_equal(schema->event_count, 3 * count);
	for (uint32_t i = 0; i < 3 * count; i++) {
		const struct tw_field *field = schema->events[i].fields;
		const struct type_case *expected = &type_cases[i % count];

		assert_string_equal(field->name, "name");
		assert_string_equal(field->type, expected->type);
		assert_int_equal(field->kind, expected->kind);
		assert_int_equal(field->size, expected->size);
	}
	tw_schema_destroy(schema);
}

static void test_types_refused(void **state)
{
	static const char *const types[] = {
		"struct foo ",
		"enum foo ",
		"foo_t ",
		"foo_t *",
		"void ",
		"const ",
		"const *",
		"*",
		"int int ",
		"signed unsigned ",
		"short long ",
		"long long long ",
		"long char ",
		"short char ",
		"unsigned bool ",
		"unsigned size_t ",
		"long double ",
		"int float ",
		"int8_t int ",
		"bool bool ",
		"intptr_t ",
		"volatile int ",
		"unsigned * int *",
		"int * long *",
		"Int ",
		"uint128_t ",
		"int- ",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		char line[128];

		snprintf(line, sizeof(line), "e(int a, %sx)\n", types[i]);
		assert_null(parse(line));
		assert_int_equal(errors.count, 1);
		check_error(0, TW_PARSE_TYPE, 1, 10);
	}
}

static void test_model(void **state)
{
	static const struct tw_parse_options options = {
		.size = sizeof(options), .dialect = TW_DIALECT_7_2};
	static const char text[] =
		"# first\n"
		"one(int32_t a, uint8_t b)  \"a=%d\" \" b=%\" PRIu8  \n"
		"two(const char *s, bool b)\n"
		"disable vcpu three(void) \"x\"\n"
		"four(uint64_t a, size_t b) \"\"\n";
	struct tw_schema *schema = parse_with(&options, text, strlen(text));
	const struct tw_event_desc *e;

	assert_non_null(schema);
	assert_int_equal(schema->event_count, 4);
	e = tw_schema_find(schema, "one");
	assert_ptr_equal(e, &schema->events[0]);
	assert_string_equal(e->file, "dir/file");
	assert_int_equal(e->line, 2);
	assert_int_equal(e->loglevel, 14);
	assert_false(e->disabled);
	assert_string_equal(e->format, "a=%d b=%hhu");
	assert_string_equal(e->format_raw, "\"a=%d\" \" b=%\" PRIu8");
	assert_int_equal(e->fixed_size, 5);
	e = tw_schema_find(schema, "two");
	assert_null(e->format);
	assert_null(e->format_raw);
	assert_int_equal(e->fixed_size, 0);
	e = tw_schema_find(schema, "three");
	assert_true(e->disabled);
	assert_int_equal(e->field_count, 1);
	assert_string_equal(e->fields[0].name, "__cpu");
	assert_string_equal(e->fields[0].type, "void *");
	assert_string_equal(e->format, "cpu=%p x");
	assert_string_equal(e->format_raw, "\"cpu=%p \" \"x\"");
	e = tw_schema_find(schema, "four");
	assert_int_equal(e->fixed_size, 0);
	assert_string_equal(e->format, "");
	assert_string_equal(e->format_raw, "\"\"");
	assert_null(tw_schema_find(schema, "five"));
	assert_null(tw_schema_find(schema, "on"));
	tw_schema_destroy(schema);
	tw_schema_destroy(NULL);
}

/* What the compiler makes of a macro, as far as 64-bit Linux goes. */
static void test_macros(void **state)
{
	static const char widths[][6] = {"8", "16", "32", "64", "PTR", "MAX"};
	static const char modifiers[][3] = {"hh", "h", "", "ll", "ll", "ll"};

	for (const char *letter = "dioxXu"; *letter; letter++) {
		for (size_t i = 0; i < 6; i++) {
			struct tw_schema *schema;
			char line[128];
			char wanted[32];

			snprintf(line, sizeof(line), "e(int x) \"%%\"PRI%c%s\n",
				 *letter, widths[i]);
			snprintf(wanted, sizeof(wanted), "%%%s%c", modifiers[i],
				 *letter);
			schema = parse(line);
			assert_non_null(schema);
			assert_string_equal(schema->events[0].format, wanted);
			tw_schema_destroy(schema);
		}
	}
}

static void test_many_errors(void **state)
{
	struct tw_text text = {0};

	for (uint32_t i = 0; i < TW_PARSE_ERRORS_MAX + 10; i++)
		tw_text_add_string(&text, i % 2 ? "ok(\n" : "bad\n");
	assert_null(parse_n(text.data, text.size));
	assert_int_equal(errors.count, TW_PARSE_ERRORS_MAX + 10);
	check_error(0, TW_PARSE_SYNTAX, 1, 1);
	check_error(1, TW_PARSE_SYNTAX, 2, 3);
	check_error(TW_PARSE_ERRORS_MAX - 1, TW_PARSE_SYNTAX,
		    TW_PARSE_ERRORS_MAX, 3);
	free(text.data);
}

static void test_codes(void **state)
{
	static const struct {
		const char *text;
		enum tw_parse_code code;
		uint32_t column;
	} cases[] = {
		{"x\n", TW_PARSE_SYNTAX, 1},
		{"x e(void)\n", TW_PARSE_PROPERTY, 1},
		{"e()\n", TW_PARSE_EMPTY_ARGUMENT, 3},
		{"e(foo x)\n", TW_PARSE_TYPE, 3},
		{"e(int)\n", TW_PARSE_ARGUMENT_NAME, 3},
		{"e(int a,int b,int c,int d,int e,int f,int g,int h,int i,"
		 "int j,int k)\n",
		 TW_PARSE_ARGUMENT_COUNT, 3},
		{"e(void) \"%m\"\n", TW_PARSE_FORMAT, 10},
		{"e(void)\n  e(void)\n", TW_PARSE_DUPLICATE, 3},
		{"e(void)", TW_PARSE_NO_NEWLINE, 8},
		{"loglevel=x e(void)\n", TW_PARSE_LOGLEVEL, 10},
		{"prefix x\n", TW_PARSE_DIRECTIVE, 8},
		{"include \"x\"\n", TW_PARSE_INCLUDE, 10},
		{"e(uint8_t x[n])\n", TW_PARSE_LENGTH, 13},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_null(parse(cases[i].text));
		assert_int_equal(errors.count, 1);
		check_error(0, cases[i].code,
			    cases[i].code == TW_PARSE_DUPLICATE ? 2 : 1,
			    cases[i].column);
	}
	assert_null(parse_n("a(void)\nb\0(void)\n", 17));
	assert_int_equal(errors.count, 1);
	check_error(0, TW_PARSE_NUL, 2, 2);
}

/* A message is a line of printable text whatever it quotes. */
static void test_messages_are_bounded(void **state)
{
	struct tw_text text = {0};

	for (int i = 0; i < 1000; i++)
		tw_text_add_string(&text, i % 3 ? "\x1b[" : "\xff\t\x7f");
	tw_text_add_string(&text, " e(");
	for (int i = 0; i < 1000; i++)
		tw_text_add_string(&text, "\x1b\x7f");
	tw_text_add_string(&text, " x) \"\n");
	assert_null(parse_n(text.data, text.size));
	assert_int_equal(errors.count, 3);
	for (uint32_t i = 0; i < errors.count; i++) {
		const char *c = errors.list[i].message;

		for (; *c; c++)
			assert_true(*c >= ' ' && *c <= '~');
		assert_true(c - errors.list[i].message < 320);
	}
	assert_non_null(strstr(errors.list[1].message, "as 'void *'"));
	free(text.data);
}

static struct tw_schema *parse_line_of(size_t size)
{
	char *text = malloc(size + 1);
	struct tw_schema *schema;

	assert_non_null(text);
	memset(text, 'x', size);
	memcpy(text, "e(void) \"", 9);
	memcpy(text + size - 1, "\"\n", 2);
	schema = parse_n(text, size + 1);
	free(text);
	return schema;
}

static void test_long_line(void **state)
{
	struct tw_schema *schema = parse_line_of(TW_PARSE_LINE_MAX);

	assert_non_null(schema);
	assert_int_equal(strlen(schema->events[0].format),
			 TW_PARSE_LINE_MAX - strlen("e(void) \"\""));
	tw_schema_destroy(schema);
	assert_null(parse_line_of(TW_PARSE_LINE_MAX + 1));
	check_error(0, TW_PARSE_LIMIT, 1, 1);
}

static void test_long_names(void **state)
{
	char name[TW_NAME_MAX + 2];
	char line[TW_NAME_MAX + 32];
	struct tw_schema *schema;

	memset(name, 'n', sizeof(name) - 1);
	name[TW_NAME_MAX + 1] = 0;
	snprintf(line, sizeof(line), "%s(void)\n", name);
	assert_null(parse(line));
	check_error(0, TW_PARSE_LIMIT, 1, 1);
	snprintf(line, sizeof(line), "e(int %s)\n", name);
	assert_null(parse(line));
	check_error(0, TW_PARSE_ARGUMENT_NAME, 1, 7);

	name[TW_NAME_MAX] = 0;
	snprintf(line, sizeof(line), "%s(void)\n", name);
	schema = parse(line);
	assert_non_null(schema);
	tw_schema_destroy(schema);
	snprintf(line, sizeof(line), "e(int %s)\n", name);
	schema = parse(line);
	assert_non_null(schema);
	tw_schema_destroy(schema);
}

static void add_events(struct tw_text *text, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		tw_text_add_string(text, "event_");
		tw_text_add_u64(text, i);
		tw_text_add_string(text, "(void)\n");
	}
}

static void test_event_count(void **state)
{
	struct tw_text text = {0};
	struct tw_schema *schema;

	add_events(&text, 0, TW_EVENTS_MAX);
	schema = parse_n(text.data, text.size);
	assert_non_null(schema);
	assert_int_equal(schema->event_count, TW_EVENTS_MAX);
	assert_string_equal(schema->events[65534].name, "event_65534");
	tw_schema_destroy(schema);

	tw_text_add_string(&text, "event_77(void)\n");
	assert_null(parse_n(text.data, text.size));
	check_error(0, TW_PARSE_LIMIT, TW_EVENTS_MAX + 1, 1);
	free(text.data);
}

static void test_many_names(void **state)
{
	struct tw_text text = {0};

	add_events(&text, 0, 5000);
	add_events(&text, 4990, 2);
	assert_null(parse_n(text.data, text.size));
	assert_int_equal(errors.count, 2);
	check_error(0, TW_PARSE_DUPLICATE, 5001, 1);
	check_error(1, TW_PARSE_DUPLICATE, 5002, 1);
	assert_string_equal(errors.list[1].message,
			    "Event 'event_4991' is already on line 4992");
	free(text.data);
}

static void test_large_file(void **state)
{
	size_t size = (size_t)TW_PARSE_FILE_MAX + 1;
	struct tw_schema *schema;
	char *text = calloc(1, size);

	assert_non_null(text);
	for (size_t i = 0; i < size; i++)
		text[i] = i % 1024 ? '#' : '\n';
	text[size - 2] = '\n';
	text[size - 1] = '\n';
	assert_null(parse_n(text, size));
	assert_int_equal(errors.count, 1);
	check_error(0, TW_PARSE_LIMIT, 1, 1);
	schema = parse_n(text, size - 1);
	assert_non_null(schema);
	assert_int_equal(schema->event_count, 0);
	tw_schema_destroy(schema);
	free(text);
}

/* Files in memory: what an include line names, and what is in it. */
struct memory_file {
	const char *path;
	const char *text; /* NULL: can't be read */
};

static uint32_t read_count;

static int read_memory(void *data, const char *path, char **text, size_t *size)
{
	const struct memory_file *file = data;

	read_count++;
	for (; file->path; file++) {
		if (strcmp(file->path, path) != 0)
			continue;
		if (!file->text)
			return -EACCES;
		*text = strdup(file->text);
		*size = strlen(file->text);
		return *text ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static struct tw_schema *parse_files(const struct memory_file *files,
				     const char *text)
{
	struct tw_parse_options options = {.size = sizeof(options),
					   .read = read_memory,
					   .data = (void *)(uintptr_t)files};

	read_count = 0;
	return parse_with(&options, text, strlen(text));
}

static void test_files_are_listed(void **state)
{
	static const struct memory_file files[] = {
		{"dir/a", "in_a(void)\ninclude \"sub/b\"\n"},
		{"dir/sub/b", "include \"../c\"\n"},
		{"dir/sub/../c", "in_c(void)\ninclude \"/d\" prefix \"x\"\n"},
		{"/d", "in_d(void)\n"},
		{NULL, NULL},
	};
	static const char *const wanted[] = {"dir/file", "dir/a", "dir/sub/b",
					     "dir/sub/../c", "/d"};
	struct tw_schema *schema = parse_files(
		files, "include \"a\"\ninclude \"/d\"\nlast(void)\n");

	assert_non_null(schema);
	assert_int_equal(schema->file_count, 5);
	for (int i = 0; i < 5; i++)
		assert_string_equal(schema->files[i], wanted[i]);
	assert_int_equal(schema->event_count, 5);
	assert_string_equal(schema->events[2].name, "xin_d");
	assert_string_equal(schema->events[2].file, "/d");
	assert_int_equal(schema->events[2].line, 1);
	assert_string_equal(schema->events[4].file, "dir/file");
	assert_int_equal(schema->events[4].line, 3);
	tw_schema_destroy(schema);
	tw_parse_errors_clear(&errors);
}

static void test_files_that_fail(void **state)
{
	static const struct memory_file files[] = {
		{"dir/a", "a(void)\nb(int)\n  include \"none\"\n"},
		{"dir/secret", NULL},
		{NULL, NULL},
	};

	assert_null(parse_files(files, "include \"a\"\n"
				       "include \"secret\"\na(void)\n"));
	assert_int_equal(errors.count, 4);
	check_error(0, TW_PARSE_ARGUMENT_NAME, 2, 3);
	assert_string_equal(errors.list[0].file, "dir/a");
	check_error(1, TW_PARSE_INCLUDE, 3, 12);
	assert_string_equal(errors.list[1].file, "dir/a");
	assert_string_equal(
		errors.list[1].message,
		"cannot read 'dir/none': No such file or directory");
	check_error(2, TW_PARSE_INCLUDE, 2, 10);
	assert_string_equal(errors.list[2].file, "dir/file");
	assert_string_equal(errors.list[2].message,
			    "cannot read 'dir/secret': Permission denied");
	check_error(3, TW_PARSE_DUPLICATE, 3, 1);
	assert_string_equal(errors.list[3].message,
			    "Event 'a' is already at dir/a:1");
	tw_parse_errors_clear(&errors);
}

/* Any path: the one that its number, in the path, follows. */
static int read_next(void *data, const char *path, char **text, size_t *size)
{
	unsigned long number = strtoul(strrchr(path, '/') + 1, NULL, 10);
	unsigned long last = *(unsigned long *)data;
	char line[64];

	read_count++;
	*size = (size_t)snprintf(line, sizeof(line),
				 number < last ? "include \"%lu\"\n"
					       : "e%lu(void)\n",
				 number + 1);
	*text = strdup(line);
	return 0;
}

static void test_depth(void **state)
{
	unsigned long last = TW_PARSE_DEPTH_MAX - 1;
	struct tw_parse_options options = {
		.size = sizeof(options), .read = read_next, .data = &last};
	struct tw_schema *schema = parse_with(&options, "include \"1\"\n", 12);

	assert_non_null(schema);
	assert_int_equal(schema->event_count, 1);
	assert_int_equal(schema->file_count, TW_PARSE_DEPTH_MAX);
	tw_schema_destroy(schema);
	tw_parse_errors_clear(&errors);
	last++;
	assert_null(parse_with(&options, "include \"1\"\n", 12));
	assert_int_equal(errors.count, 1);
	check_error(0, TW_PARSE_INCLUDE, 1, 10);
	assert_string_equal(errors.list[0].file, "dir/15");
	assert_string_equal(errors.list[0].message,
			    "includes are nested deeper than 16 files");
	tw_parse_errors_clear(&errors);
}

/* Each file includes two of the next depth: 2^15 of them, were it allowed. */
static int read_two(void *data, const char *path, char **text, size_t *size)
{
	char line[64];
	unsigned long number = strtoul(strrchr(path, '/') + 1, NULL, 10);

	read_count++;
	if (data)
		*size = (size_t)snprintf(line, sizeof(line), "#\n");
	else
		*size = (size_t)snprintf(line, sizeof(line),
					 "include \"%lu\"\ninclude \"./%lu\"\n",
					 number + 1, number + 1);
	*text = strdup(line);
	return 0;
}

static void test_many_includes(void **state)
{
	struct tw_parse_options options = {.size = sizeof(options),
					   .read = read_two};
	uint32_t limit_errors = 0;

	read_count = 0;
	assert_null(parse_with(&options, "include \"1\"\n", 12));
	assert_int_equal(read_count, TW_PARSE_INCLUDES_MAX);
	for (uint32_t i = 0; i < errors.count && i < TW_PARSE_ERRORS_MAX; i++)
		limit_errors += errors.list[i].code == TW_PARSE_LIMIT;
	assert_true(errors.count > limit_errors);
	tw_parse_errors_clear(&errors);
}

/* Included text counts: what two files of 40 MB are too large for. */
static int read_large(void *data, const char *path, char **text, size_t *size)
{
	*size = 40u << 20;
	*text = malloc(*size);
	if (*text)
		memset(*text, '\n', *size);
	return *text ? 0 : -ENOMEM;
}

static void test_large_includes(void **state)
{
	struct tw_parse_options options = {.size = sizeof(options),
					   .read = read_large};

	assert_null(parse_with(&options, "include \"1\"\ninclude \"2\"\n", 24));
	assert_int_equal(errors.count, 1);
	check_error(0, TW_PARSE_LIMIT, 1, 1);
	assert_string_equal(errors.list[0].file, "dir/2");
	tw_parse_errors_clear(&errors);
}

static int read_without_memory(void *data, const char *path, char **text,
			       size_t *size)
{
	return -ENOMEM;
}

static void test_no_memory(void **state)
{
	struct tw_parse_options options = {.size = sizeof(options),
					   .read = read_without_memory};
	struct tw_schema *schema;

	assert_int_equal(tw_parse_events_with(&options, "f",
					      "a(void)\ninclude \"1\"\nb\n", 22,
					      &schema, &errors),
			 -ENOMEM);
	assert_null(schema);
	assert_int_equal(errors.count, 1);
	assert_int_equal(errors.list[0].code, TW_PARSE_MEMORY);
	tw_parse_errors_clear(&errors);
}

/* A caller of another version: its struct is shorter, or longer. */
static void test_options_size(void **state)
{
	struct {
		struct tw_parse_options options;
		char more[64];
	} later = {.options = {.dialect = TW_DIALECT_7_2,
			       .read = read_without_memory}};
	struct tw_schema *schema;

	memset(later.more, 0xff, sizeof(later.more));
	later.options.size = sizeof(later);
	schema = parse_with(&later.options, "vcpu a(void)\n", 13);
	assert_non_null(schema);
	tw_schema_destroy(schema);
	later.options.size = offsetof(struct tw_parse_options, read);
	assert_null(parse_with(&later.options, "vcpu a(void)\ninclude \"x\"\n",
			       25));
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.list[0].message,
			    "files can't be included here");
	later.options.size = offsetof(struct tw_parse_options, dialect);
	assert_null(parse_with(&later.options, "vcpu a(void)\n", 13));
	check_error(0, TW_PARSE_PROPERTY, 1, 1);
}

static void test_long_prefix(void **state)
{
	char line[TW_NAME_MAX + 64];
	char prefix[TW_NAME_MAX + 2];

	memset(prefix, 'p', sizeof(prefix) - 1);
	prefix[TW_NAME_MAX + 1] = 0;
	snprintf(line, sizeof(line), "prefix \"%s\"\n", prefix);
	assert_null(parse(line));
	check_error(0, TW_PARSE_LIMIT, 1, 9);
	prefix[TW_NAME_MAX - 1] = 0;
	snprintf(line, sizeof(line), "prefix \"%s\"\na(void)\n", prefix);
	tw_schema_destroy(parse(line));
	snprintf(line, sizeof(line), "prefix \"%s\"\nab(void)\n", prefix);
	assert_null(parse(line));
	check_error(0, TW_PARSE_LIMIT, 2, 1);
}

static void test_large_enum(void **state)
{
	struct tw_text text = {0};
	struct tw_schema *schema;

	tw_text_add_string(&text, "enum e {\n");
	for (uint32_t i = 0; i < 700; i++) {
		tw_text_add_string(&text, "LABEL_");
		tw_text_add_u64(&text, i);
		tw_text_add_string(&text, ",\n");
	}
	tw_text_add_string(&text, "}\na(enum e x)\n");
	schema = parse_n(text.data, text.size);
	/* 8 KiB hold about 580 of these. */
	assert_null(schema);
	assert_true(errors.count > 0);
	assert_int_equal(errors.list[0].code, TW_PARSE_LIMIT);
	free(text.data);
}

static void test_many_enums(void **state)
{
	struct tw_text text = {0};

	for (uint32_t i = 0; i <= TW_PARSE_ENUMS_MAX; i++) {
		tw_text_add_string(&text, "enum e");
		tw_text_add_u64(&text, i);
		tw_text_add_string(&text, " { A }\n");
	}
	assert_null(parse_n(text.data, text.size));
	assert_int_equal(errors.count, 1);
	check_error(0, TW_PARSE_LIMIT, TW_PARSE_ENUMS_MAX + 1, 6);
	free(text.data);
}

static void test_labels(void **state)
{
	static const char *const malformed[] = {
		"",	  "s",	    "s ",
		"s A",	  "s A=",   "s A=-",
		"s A=x",  "s 1=1",  "s A=9223372036854775808",
		"s A=1,", "s  A=1", "s =1",
	};
	const char *at = "s A=0 B=-9223372036854775807 C=7 D";
	const char *values = at;
	struct tw_label label;
	size_t size = 0;

	assert_true(tw_label_next(&at, &label));
	assert_memory_equal(label.name, "A", label.size);
	assert_int_equal(label.value, 0);
	assert_true(tw_label_next(&at, &label));
	assert_true(label.value == -INT64_MAX);
	assert_true(tw_label_next(&at, &label));
	assert_int_equal(label.value, 7);
	assert_false(tw_label_next(&at, &label));
	assert_memory_equal(tw_label_find(values, 7, &size), "C", 1);
	assert_int_equal(size, 1);
	assert_null(tw_label_find(values, 8, &size));
	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
		at = malformed[i];
		assert_false(tw_label_next(&at, &label));
	}
}

static void test_loglevels(void **state)
{
	for (uint32_t i = 0; i < 15; i++) {
		const char *name = tw_loglevel_name(i);

		assert_non_null(name);
		assert_int_equal(tw_loglevel_find(name, strlen(name)), i);
	}
	assert_null(tw_loglevel_name(15));
	assert_int_equal(tw_loglevel_find("debug_", 6), -1);
	assert_int_equal(tw_loglevel_find("", 0), -1);
}

/* The text with what it includes being itself again, under other names. */
struct including {
	const char *text;
	size_t size;
	uint32_t count;
};

static int read_itself(void *data, const char *path, char **text, size_t *size)
{
	struct including *including = data;

	if (including->count++ == 2)
		return -ENOENT;
	*text = malloc(including->size + 1);
	if (!*text)
		return -ENOMEM;
	memcpy(*text, including->text, including->size);
	*size = including->size;
	return 0;
}

static void parse_including(const char *text, size_t size)
{
	struct including including = {.text = text, .size = size};
	struct tw_parse_options options = {.size = sizeof(options),
					   .read = read_itself,
					   .data = &including};

	tw_schema_destroy(parse_with(&options, text, size));
}

/* Every prefix of a file, and every byte of it replaced: no crash, and always
 * either a schema or an error with a place inside the file. */
static void check_damaged(const char *whole)
{
	static const char bytes[] = "\0\n\r\t \"\\%*(),#Pxa0\x7f\xff{}[]=:-e";
	size_t whole_size = strlen(whole);
	char *text = malloc(whole_size);

	assert_non_null(text);
	for (size_t size = 0; size < whole_size; size++) {
		parse_including(whole, size);
		tw_parse_errors_clear(&errors);
	}
	for (size_t i = 0; i < whole_size; i++) {
		for (size_t j = 0; j < sizeof(bytes) - 1; j++) {
			memcpy(text, whole, whole_size);
			text[i] = bytes[j];
			parse_including(text, whole_size);
			for (uint32_t k = 0; k < errors.count; k++) {
				assert_in_range(errors.list[k].line, 1, 12);
				assert_in_range(errors.list[k].column, 1, 130);
			}
			tw_parse_errors_clear(&errors);
		}
	}
	free(text);
}

static void test_damaged(void **state)
{
	check_damaged("disable vcpu a(const char *s, int x) \"%s \\x41%\" "
		      "PRIx64\n"
		      "# c\nb(void)\r\nc(uint8_t *p) \"a\\\"\\101%%\" "
		      "\"%p\"\n");
	check_damaged("prefix \"p_\"\ninclude \"same\" prefix \"q_\"\n"
		      "enum e : int8_t {\n A, B = -0x7f,\n# c\nC};\n"
		      "loglevel=err a(enum e x, uint8_t y[x], char z[12])\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_types_again),
		cmocka_unit_test(test_types_refused),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_macros),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_messages_are_bounded),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_event_count),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_large_file),
		cmocka_unit_test(test_files_are_listed),
		cmocka_unit_test(test_files_that_fail),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_includes),
		cmocka_unit_test(test_large_includes),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_options_size),
		cmocka_unit_test(test_long_prefix),
		cmocka_unit_test(test_large_enum),
		cmocka_unit_test(test_many_enums),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_loglevels),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
