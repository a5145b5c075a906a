/* SPDX-License-Identifier: MIT */
/* Events of several files as one group: names in C, clashes, group names. */

#include "../../../src/schema/parse.h"
#include "../../../src/tracetool/job.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tw_schema *schemas[2];
static struct tw_job job;
static char message[512];
static const struct tw_event_desc *culprit;

static int add(const char *first, const char *second)
{
	const char *const texts[] = {first, second};
	size_t count = second ? 2 : 1;
	struct tw_parse_errors errors;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(tw_parse_events(i ? "two" : "one", texts[i],
						 strlen(texts[i]), &schemas[i],
						 &errors),
				 0);
	return tw_job_add_events(&job, schemas, count, message, sizeof(message),
				 &culprit);
}

static int teardown(void **state)
{
	tw_job_clear(&job);
	for (size_t i = 0; i < 2; i++) {
		tw_schema_destroy(schemas[i]);
		schemas[i] = NULL;
	}
	culprit = NULL;
	return 0;
}

static void test_order_and_numbers(void **state)
{
	assert_int_equal(add("a(void)\nb(int x) \"%d\"\n", "c(void)\n"), 0);
	assert_int_equal(job.event_count, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(job.events[i].index, i);
	assert_string_equal(job.events[2].desc->name, "c");
	assert_string_equal(job.events[1].macro, "B");
	assert_string_equal(job.events[1].arguments[0], "x");
}

static void test_empty(void **state)
{
	assert_int_equal(add("# nothing\n", NULL), 0);
	assert_int_equal(job.event_count, 0);
}

/* C++'s keywords that C doesn't have, and what C puts behind a macro. */
static void test_every_keyword_is_renamed(void **state)
{
	static const char *const words[] = {
		"and",
		"and_eq",
		"bitand",
		"bitor",
		"bool",
		"catch",
		"class",
		"compl",
		"concept",
		"const_cast",
		"constexpr",
		"decltype",
		"delete",
		"dynamic_cast",
		"explicit",
		"export",
		"false",
		"friend",
		"mutable",
		"namespace",
		"new",
		"noexcept",
		"not",
		"not_eq",
		"nullptr",
		"operator",
		"or",
		"or_eq",
		"private",
		"protected",
		"public",
		"requires",
		"template",
		"this",
		"throw",
		"true",
		"try",
		"typeid",
		"typename",
		"using",
		"virtual",
		"wchar_t",
		"xor",
		"xor_eq",
		"errno",
		"stdin",
		"linux",
		"unix",
		"memcpy",
		"uint64_t",
		"size_t",
		"__cpu",
		"_tw_size",
		"tw_group_x",
		"reinterpret_cast",
		"static_assert",
		"static_cast",
		"thread_local",
		"co_yield",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char text[64];
		char expected[64];

		snprintf(text, sizeof(text), "e(void *%s)\n", words[i]);
		snprintf(expected, sizeof(expected), "arg_%s", words[i]);
		assert_int_equal(add(text, NULL), 0);
		assert_string_equal(job.events[0].arguments[0], expected);
		teardown(NULL);
	}
}

static void test_ordinary_names_stay(void **state)
{
	assert_int_equal(add("e(int self, int function, int limit, int New, "
			     "int errno_, int trace)\n",
			     NULL),
			 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_string_equal(job.events[0].arguments[i],
				    job.events[0].desc->fields[i].name);
}

static void test_renamed_differs_from_others(void **state)
{
	assert_int_equal(add("e(int new, int arg_new, int arg_new_)\n", NULL),
			 0);
	assert_string_equal(job.events[0].arguments[0], "arg_new__");
	assert_string_equal(job.events[0].arguments[1], "arg_new");
}

static void test_twice_in_two_files(void **state)
{
	assert_int_equal(add("a(void)\nb(void)\n", "x(void)\n\nb(int y)\n"),
			 -EINVAL);
	assert_string_equal(message, "Event 'b' is declared twice, first as "
				     "'b' at one:2");
	assert_string_equal(culprit->file, "two");
	assert_int_equal(culprit->line, 3);
}

static void test_case_only(void **state)
{
	assert_int_equal(add("a(void)\nb(void)\nA(void)\n", NULL), -EINVAL);
	assert_string_equal(message,
			    "Event 'A' differs only in case from 'a' at one:1");
	assert_int_equal(culprit->line, 3);
}

static void test_enabled_suffix(void **state)
{
	assert_int_equal(
		add("a_enabled(void)\nb(void)\n_enabled(void)\n", "a(void)\n"),
		0);
	assert_true(job.events[0].has_enabled);
	assert_true(job.events[1].has_enabled);
	assert_true(job.events[2].has_enabled);
	assert_false(job.events[3].has_enabled);
}

static void test_group_names(void **state)
{
	static const char *const table[][2] = {
		{"trace-events", "common"},
		{"./trace-events", "common"},
		{"../../trace-events", "common"},
		{"hw/net/trace-events", "hw_net"},
		{"../a-b/trace-events", "a_b"},
		{"/src/x/trace-events", "x"},
		{"/trace-events", "common"},
		{"net/esp.trace-events", "net_esp"},
		{"9p.events", "9p"},
		{"events", "events"},
		{"a//b/trace-events", "a__b"},
		{"-", "common"},
		{"\xc3\xa4/trace-events", "common"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char *name = tw_job_group_name(table[i][0]);

		assert_string_equal(name, table[i][1]);
		free(name);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order_and_numbers),
		TEST(test_empty),
		TEST(test_every_keyword_is_renamed),
		TEST(test_ordinary_names_stay),
		TEST(test_renamed_differs_from_others),
		TEST(test_twice_in_two_files),
		TEST(test_case_only),
		TEST(test_enabled_suffix),
		TEST(test_group_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
