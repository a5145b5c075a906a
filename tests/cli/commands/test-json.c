/* SPDX-License-Identifier: MIT */
/* The JSON writer, read back by jansson, which takes nothing but UTF-8. */
#include "../../../src/cli/cli.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The bytes as a JSON string and back. */
static void check_string(const char *bytes, size_t size, const char *back)
{
	struct tw_json json = {0};
	json_error_t error;
	json_t *value;

	tw_json_string(&json, NULL, bytes, size);
	value = json_loadb(json.text.data, json.text.size,
			   JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (!value)
		fail_msg("%s: %.*s", error.text, (int)json.text.size,
			 json.text.data);
	if (back)
		assert_string_equal(json_string_value(value), back);
	/* Nothing in it moves a terminal's cursor. */
	for (size_t i = 0; i < json.text.size; i++)
		assert_true((unsigned char)json.text.data[i] >= ' ' &&
			    json.text.data[i] != 0x7f);
	json_decref(value);
	free(json.text.data);
}

#define EXPECT(text, back) check_string(text, sizeof(text) - 1, back)
#define BAD "\xef\xbf\xbd"

static void strings(void **state)
{
	EXPECT("", "");
	EXPECT("plain", "plain");
	EXPECT("a\"b\\c/d", "a\"b\\c/d");
	EXPECT("\b\t\n\f\r\x1b\x01\x7f", "\b\t\n\f\r\x1b\x01\x7f");
	EXPECT("\xc2\x80 \xc2\x9f \xc2\xa0", "\xc2\x80 \xc2\x9f \xc2\xa0");
	EXPECT("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
	       "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	EXPECT("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf");
	EXPECT("nul\0inside", NULL);
}

static void strings_that_are_no_utf8(void **state)
{
	EXPECT("\xff", BAD);
	EXPECT("\x80", BAD);
	EXPECT("a\xc3", "a" BAD);
	EXPECT("\xc3(", BAD "(");
	EXPECT("\xe2\x82", BAD BAD);
	EXPECT("\xf0\x9f\x98", BAD BAD BAD);
	EXPECT("\xc0\x80", BAD BAD);	     /* overlong NUL */
	EXPECT("\xe0\x80\x80", BAD BAD BAD); /* the same */
	EXPECT("\xed\xa0\x80", BAD BAD BAD); /* a surrogate */
	EXPECT("\xf4\x90\x80\x80", BAD BAD BAD BAD);
	EXPECT("\xf0\x80\x80\x80", BAD BAD BAD BAD);
	EXPECT("\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD);
}

/* Every pair of bytes, and each followed by a valid letter. */
static void all_pairs(void **state)
{
	for (unsigned int i = 0; i < 65536; i++) {
		char bytes[3] = {(char)(i >> 8), (char)i, 'x'};

		check_string(bytes, 3, NULL);
	}
}

static void structure(void **state)
{
	struct tw_json json = {0};

	tw_json_begin(&json, NULL, '{');
	tw_json_u64(&json, "most", UINT64_MAX);
	tw_json_s64(&json, "least", INT64_MIN);
	tw_json_bool(&json, "yes", true);
	tw_json_null(&json, "none");
	tw_json_text(&json, "null", NULL);
	tw_json_begin(&json, "list", '[');
	tw_json_begin(&json, NULL, '[');
	tw_json_end(&json, ']');
	tw_json_begin(&json, NULL, '{');
	tw_json_end(&json, '}');
	tw_json_u64(&json, NULL, 0);
	tw_json_end(&json, ']');
	tw_json_key(&json, "a\"key", 5);
	tw_json_bool(&json, NULL, false);
	tw_json_s64(&json, "after", -1);
	tw_json_end(&json, '}');
	tw_json_line(&json);
	tw_json_u64(&json, NULL, 7);
	tw_json_line(&json);
	tw_text_add(&json.text, "", 1);
	assert_string_equal(json.text.data,
			    "{\"most\":18446744073709551615,"
			    "\"least\":-9223372036854775808,"
			    "\"yes\":true,\"none\":null,\"null\":null,"
			    "\"list\":[[],{},0],\"a\\\"key\":false,"
			    "\"after\":-1}\n7\n");
	free(json.text.data);
}

static void expect_double(double value, const char *text)
{
	struct tw_json json = {0};

	tw_json_double(&json, NULL, value);
	tw_text_add(&json.text, "", 1);
	assert_string_equal(json.text.data, text);
	free(json.text.data);
}

static void doubles(void **state)
{
	expect_double(0, "0");
	expect_double(-1.5, "-1.5");
	expect_double(1e300, "1.0000000000000001e+300");
	expect_double(NAN, "null");
	expect_double(INFINITY, "null");
	expect_double(-INFINITY, "null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(strings_that_are_no_utf8),
		cmocka_unit_test(all_pairs),
		cmocka_unit_test(structure),
		cmocka_unit_test(doubles),
	};

	return cmocka_run_group_tests_name("cli-json", tests, NULL, NULL);
}
