/* SPDX-License-Identifier: MIT */
/* Event patterns: cases by hand, and many by chance against a slow matcher. */
#include "../../../src/ring/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *pattern;
	const char *text;
	int matches;
} cases[] = {
	{"", "", 1},
	{"", "a", 0},
	{"a", "", 0},
	{"*", "", 1},
	{"**", "", 1},
	{"?", "", 0},
	{"*", "anything", 1},
	{"?", "a", 1},
	{"?", "ab", 0},
	{"esp_*", "esp_irq", 1},
	{"esp_*", "esp_", 1},
	{"esp_*", "esp", 0},
	{"esp_*", "my_esp_irq", 0},
	{"*_irq", "esp_irq", 1},
	{"*_irq", "esp_irq_raise", 0},
	{"*irq*", "esp_irq_raise", 1},
	{"e?p_*", "esp_irq", 1},
	{"e?p_*", "ep_irq", 0},
	{"*ab", "aab", 1},
	{"*ab", "abab", 1},
	{"a*b*c", "abbc", 1},
	{"a*b*c", "acb", 0},
	{"*a?", "aaab", 1},
	{"*?a", "a", 0},
	/* No brackets, no escapes, upper case is another letter. */
	{"[ab]", "a", 0},
	{"[ab]", "[ab]", 1},
	{"\\*", "*", 0},
	{"\\*", "\\x", 1},
	{"ESP", "esp", 0},
	/* Bytes past ASCII are bytes. */
	{"\xc3?", "\xc3\xa9", 1},
	{"?", "\xc3\xa9", 0},
};

static void matches_as_stated(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (tw_glob_match(cases[i].pattern, cases[i].text) !=
		    cases[i].matches)
			fail_msg("\"%s\" and \"%s\"", cases[i].pattern,
				 cases[i].text);
}

static void pattern_ends_at_its_size(void **state)
{
	assert_int_equal(tw_glob_match_n("esp_*,scsi_*", 5, "esp_irq"), 1);
	assert_int_equal(tw_glob_match_n("esp_*,scsi_*", 5, "scsi_req"), 0);
	assert_int_equal(tw_glob_match_n("abc", 2, "ab"), 1);
	assert_int_equal(tw_glob_match_n("abc", 2, "abc"), 0);
	assert_int_equal(tw_glob_match_n("*", 0, ""), 1);
	assert_int_equal(tw_glob_match_n("*", 0, "a"), 0);
}

static void wildcards_are_told(void **state)
{
	assert_int_equal(tw_glob_has_wildcard(""), 0);
	assert_int_equal(tw_glob_has_wildcard("esp_irq"), 0);
	assert_int_equal(tw_glob_has_wildcard("esp_*"), 1);
	assert_int_equal(tw_glob_has_wildcard("?"), 1);
	assert_int_equal(tw_glob_has_wildcard("a[b]\\"), 0);
}

/* By the definition: every way of parting the text. */
static int slow_match(const char *pattern, const char *text)
{
	if (!*pattern)
		return !*text;
	if (*pattern == '*')
		return slow_match(pattern + 1, text) ||
		       (*text && slow_match(pattern, text + 1));
	return *text && (*pattern == '?' || *pattern == *text) &&
	       slow_match(pattern + 1, text + 1);
}

static uint32_t chance(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 16) % below;
}

static void random_text(uint32_t *seed, const char *letters, size_t max,
			char *to)
{
	size_t size = chance(seed, (uint32_t)max + 1);

	while (size--)
		*to++ = letters[chance(seed, (uint32_t)strlen(letters))];
	*to = 0;
}

static void agrees_with_slow_matcher(void **state)
{
	char pattern[10], text[13];
	uint32_t seed = 1, i, matched = 0;
	int expected;

	for (i = 0; i < 300000; i++) {
		random_text(&seed, i % 2 ? "ab*?" : "a*b", 9, pattern);
		random_text(&seed, "ab", 12, text);
		expected = slow_match(pattern, text);
		matched += (uint32_t)expected;
		if (tw_glob_match(pattern, text) != expected)
			fail_msg("\"%s\" and \"%s\": not %d", pattern, text,
				 !expected);
	}
	/* Else the strings were too unlike to show anything. */
	assert_in_range(matched, 30000, 270000);
}

/* A matcher that tries every way would never end here. */
static void long_texts_are_no_burden(void **state)
{
	char pattern[64], text[4096];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 0;
	memset(pattern, '*', sizeof(pattern));
	for (size_t i = 1; i < sizeof(pattern); i += 2)
		pattern[i] = 'a';
	pattern[sizeof(pattern) - 2] = 'b';
	pattern[sizeof(pattern) - 1] = 0;
	assert_int_equal(tw_glob_match(pattern, text), 0);
	text[sizeof(text) - 2] = 'b';
	assert_int_equal(tw_glob_match(pattern, text), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_as_stated),
		cmocka_unit_test(pattern_ends_at_its_size),
		cmocka_unit_test(wildcards_are_told),
		cmocka_unit_test(agrees_with_slow_matcher),
		cmocka_unit_test(long_texts_are_no_burden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
