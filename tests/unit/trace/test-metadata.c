/* SPDX-License-Identifier: MIT */
/* The metadata of an event: each kind of field, log levels, odd names. */

#include "../../../src/schema/parse.h"
#include "../../../src/trace/ctf-metadata.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The metadata of one event, whose integers without a size are ints. */
static char *describe(const char *line)
{
	static struct tw_parse_errors errors;
	struct tw_schema *schema;
	struct tw_text text = {0};

	assert_int_equal(
		tw_parse_events("f", line, strlen(line), &schema, &errors), 0);
	for (uint32_t i = 0; i < schema->events[0].field_count; i++) {
		struct tw_field *field =
			(void *)(uintptr_t)&schema->events[0].fields[i];

		if (field->kind == TW_FIELD_SINT && !field->size)
			field->size = 4;
	}
	tw_ctf_metadata_events(&text, 7, schema);
	tw_text_add(&text, "", 1);
	assert_false(text.failed);
	tw_schema_destroy(schema);
	return text.data;
}

static void check(const char *line, const char *level, const char *fields)
{
	char *got = describe(line);
	char wanted[1024];

	snprintf(wanted, sizeof(wanted),
		 "event {\n\tname = \"e\";\n\tid = 7;\n\tstream_id = 0;\n"
		 "\tloglevel = %s;\n\tfields := struct {\n%s\t} align(8);\n"
		 "};\n\n",
		 level, fields);
	assert_string_equal(got, wanted);
	free(got);
}

static void test_loglevel(void **state)
{
	check("e(void)\n", "14", "");
	check("loglevel=err e(void)\n", "3", "");
	check("loglevel=emerg e(void)\n", "0", "");
}

static void test_bytes(void **state)
{
	check("e(const uint8_t data[6], int event)\n", "14",
	      "\t\ttw_u16 _data_length;\n"
	      "\t\ttw_p8 data[_data_length];\n"
	      "\t\ttw_s32 _event;\n");
	check("e(char event[n], int n)\n", "14",
	      "\t\ttw_u16 _event_length;\n"
	      "\t\ttw_p8 _event[_event_length];\n"
	      "\t\ttw_s32 n;\n");
}

/* Readers strip an underscore: what is left must be the only one. */
static void test_length_is_taken(void **state)
{
	check("e(char a[2], int a_length, int a_length_)\n", "14",
	      "\t\ttw_u16 _a_length__;\n"
	      "\t\ttw_p8 a[_a_length__];\n"
	      "\t\ttw_s32 a_length;\n"
	      "\t\ttw_s32 a_length_;\n");
}

static void test_enum(void **state)
{
	check("enum s : int8_t { A, enum = -5, }\ne(enum s x)\n", "14",
	      "\t\tenum : tw_s8 { \"A\" = 0, \"enum\" = -5 } x;\n");
	check("enum s : uint64_t { A = 0xffffffffff }\n"
	      "e(enum s x, uint64_t y)\n",
	      "14",
	      "\t\tenum : tw_u64 { \"A\" = 1099511627775 } x;\n"
	      "\t\ttw_u64 y;\n");
}

/* As a blob may have them: malformed from some place on. */
static void test_hostile_values(void **state)
{
	static const struct {
		const char *values;
		const char *type;
	} cases[] = {
		{"", "tw_u8 x"},
		{"s A", "tw_u8 x"},
		{"s \"A=1", "tw_u8 x"},
		{"s A=1 } y;=2", "enum : tw_u8 { \"A\" = 1 } x"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tw_field field = {.name = "x",
					 .type = "uint8_t",
					 .kind = TW_FIELD_UINT,
					 .size = 1,
					 .values = cases[i].values};
		struct tw_event_desc event = {
			.name = "e", .field_count = 1, .fields = &field};
		struct tw_schema schema = {.event_count = 1, .events = &event};
		struct tw_text text = {0};
		char wanted[128];

		snprintf(wanted, sizeof(wanted), "struct {\n\t\t%s;\n\t} align",
			 cases[i].type);
		tw_ctf_metadata_events(&text, 0, &schema);
		tw_text_add(&text, "", 1);
		assert_non_null(strstr(text.data, wanted));
		free(text.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loglevel),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_length_is_taken),
		cmocka_unit_test(test_enum),
		cmocka_unit_test(test_hostile_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
