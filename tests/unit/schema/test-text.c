/* SPDX-License-Identifier: MIT */
/* Text that grows, digits, and what is escaped before it meets a terminal. */

#include "../../../src/schema/format.h"
#include "../../../src/schema/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void check_escaped(const char *bytes, size_t size, const char *wanted)
{
	struct tw_text text = {0};

	tw_text_add_escaped(&text, bytes, size);
	tw_text_add(&text, "", 1);
	assert_false(text.failed);
	assert_string_equal(text.data, wanted);
	free(text.data);
}

#define CHECK(bytes, wanted) check_escaped(bytes, sizeof(bytes) - 1, wanted)

static void test_plain(void **state)
{
	CHECK("", "");
	CHECK("a", "a");
	CHECK("hello, world ~ !\"'%$", "hello, world ~ !\"'%$");
	CHECK("naïve ✓ Ω 漢字 🙂", "naïve ✓ Ω 漢字 🙂");
	CHECK("e\xcc\x81", "e\xcc\x81"); /* a combining accent */
}

static void test_controls(void **state)
{
	CHECK("a\nb\tc\rd", "a\\nb\\tc\\rd");
	CHECK("\\n", "\\\\n");
	CHECK("\0\x01\x1b[0m\x7f", "\\x00\\x01\\x1b[0m\\x7f");
}

static void test_hidden_characters(void **state)
{
	CHECK("\xc2\x9b"
	      "31m",
	      "\\xc2\\x9b31m"); /* C1: CSI */
	CHECK("\xc2\x85", "\\xc2\\x85");
	CHECK("\xc2\xa0", "\xc2\xa0");
	CHECK("\xe2\x80\xae"
	      "txt",
	      "\\xe2\\x80\\xaetxt");		  /* right to left */
	CHECK("\xe2\x80\xa8", "\\xe2\\x80\\xa8"); /* a line's end */
	CHECK("\xe2\x81\xa6", "\\xe2\\x81\\xa6");
	CHECK("\xef\xbb\xbf", "\\xef\\xbb\\xbf");
	CHECK("\xf3\xa0\x80\x81", "\\xf3\\xa0\\x80\\x81"); /* a tag */
}

static void test_broken_utf8(void **state)
{
	CHECK("\x80", "\\x80");
	CHECK("\xff\xfe", "\\xff\\xfe");
	CHECK("\xc3", "\\xc3"); /* cut short */
	CHECK("\xe2\x9c", "\\xe2\\x9c");
	CHECK("\xf0\x9f\x99", "\\xf0\\x9f\\x99");
	CHECK("\xc3(", "\\xc3(");
	CHECK("\xe2\x28\xa1", "\\xe2(\\xa1");
	CHECK("\xc0\xaf", "\\xc0\\xaf"); /* overlong */
	CHECK("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	CHECK("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf");
	CHECK("\xed\xa0\x80", "\\xed\\xa0\\x80");	   /* surrogate */
	CHECK("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* past the last */
	CHECK("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
	CHECK("\xef\xbf\xbf", "\\xef\\xbf\\xbf"); /* no character */
}

/* Every byte at every place of a word, since words are looked at whole. */
static void test_every_byte_at_every_place(void **state)
{
	for (int byte = 0; byte < 256; byte++) {
		struct tw_text alone = {0};
		char one = (char)byte;

		tw_text_add_escaped(&alone, &one, 1);
		for (size_t place = 0; place < 24; place++) {
			struct tw_text wanted = {0};
			char bytes[24];

			memset(bytes, 'x', sizeof(bytes));
			tw_text_add(&wanted, bytes, place);
			tw_text_add(&wanted, alone.data, alone.size);
			tw_text_add(&wanted, bytes, sizeof(bytes) - place - 1);
			tw_text_add(&wanted, "", 1);
			bytes[place] = one;
			check_escaped(bytes, sizeof(bytes), wanted.data);
			free(wanted.data);
		}
		free(alone.data);
	}
}

static void check_number(uint64_t value)
{
	struct tw_text text = {0};
	char wanted[32];
	char got[32];

	tw_text_add_u64(&text, value);
	tw_text_add(&text, "", 1);
	snprintf(wanted, sizeof(wanted), "%" PRIu64, value);
	assert_string_equal(text.data, wanted);
	free(text.data);
	*tw_put_hex(got, value, 0) = 0;
	snprintf(wanted, sizeof(wanted), "%" PRIx64, value);
	assert_string_equal(got, wanted);
	*tw_put_hex(got, value, 1) = 0;
	snprintf(wanted, sizeof(wanted), "%" PRIX64, value);
	assert_string_equal(got, wanted);
}

static void test_numbers(void **state)
{
	uint64_t power = 1;

	for (uint64_t i = 0; i < 1000; i++)
		check_number(i);
	for (int i = 0; i < 64; i++) {
		check_number((uint64_t)1 << i);
		check_number(((uint64_t)1 << i) - 1);
		check_number(((uint64_t)1 << i) + 1);
	}
	for (int i = 0; i < 20; i++, power *= 10) {
		check_number(power);
		check_number(power - 1);
		check_number(power + 1);
		check_number(power * 7 + 3);
	}
	check_number(UINT64_MAX);
}

static void test_growing(void **state)
{
	struct tw_text text = {0};
	char *room;

	for (int i = 0; i < 10000; i++)
		tw_text_add_string(&text, "0123456789");
	assert_int_equal(text.size, 100000);
	for (size_t i = 0; i < text.size; i++)
		assert_int_equal(text.data[i], '0' + (int)(i % 10));
	room = tw_text_reserve(&text, 1u << 20);
	assert_ptr_equal(room, text.data + 100000);
	assert_true(text.room >= 100000 + (1u << 20));
	assert_int_equal(text.size, 100000);
	assert_false(text.failed);
	tw_text_add(&text, NULL, 0);
	assert_false(text.failed);

	assert_null(tw_text_reserve(&text, SIZE_MAX / 2));
	assert_true(text.failed);
	assert_int_equal(text.size, 100000);
	free(text.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_hidden_characters),
		cmocka_unit_test(test_broken_utf8),
		cmocka_unit_test(test_every_byte_at_every_place),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_growing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
