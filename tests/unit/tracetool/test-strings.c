/* SPDX-License-Identifier: MIT */
/* The numbered set of strings. */

#include "../../../src/tracetool/strings.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>

static void test_numbers_and_offsets(void **state)
{
	struct tw_strings strings = {0};

	assert_int_equal(tw_strings_find(&strings, "one"), -1);
	assert_int_equal(tw_strings_add(&strings, "one"), 0);
	assert_int_equal(tw_strings_add(&strings, ""), 1);
	assert_int_equal(tw_strings_add(&strings, "three"), 2);
	assert_int_equal(tw_strings_add(&strings, "one"), 0);
	assert_int_equal(strings.count, 3);
	assert_int_equal(strings.list[1].offset, 4);
	assert_int_equal(strings.list[2].offset, 5);
	assert_int_equal(strings.total, 11);
	assert_int_equal(tw_strings_find(&strings, "three"), 2);
	assert_int_equal(tw_strings_find(&strings, "thre"), -1);
	assert_false(strings.failed);
	tw_strings_clear(&strings);
	assert_int_equal(strings.count, 0);
}

/* Far beyond the first table. */
static void test_many(void **state)
{
	enum {
		COUNT = 20000
	};
	static char texts[COUNT][8];
	struct tw_strings strings = {0};

	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%u", i);
		assert_int_equal(tw_strings_add(&strings, texts[i]), i);
	}
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(tw_strings_find(&strings, texts[i]), i);
	tw_strings_clear(&strings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_and_offsets),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
