/* SPDX-License-Identifier: MIT */
/* Patterns in their order, and guesses. */
#include "../../../src/cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool match(const char *name, size_t count, const char **patterns)
{
	return tw_names_match(&(struct tw_words){patterns, count}, name);
}

#define MATCH(name, ...)                                                    \
	match(name, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), \
	      (const char *[]){__VA_ARGS__})

static void patterns(void **state)
{
	assert_true(match("anything", 0, NULL));
	assert_true(MATCH("esp_irq", "esp_*"));
	assert_false(MATCH("esp_irq", "esp"));
	assert_true(MATCH("esp_irq", "vfs_*", "esp_*"));
	assert_false(MATCH("esp_irq", "esp_*", "-esp_irq"));
	assert_true(MATCH("esp_dma", "esp_*", "-esp_irq"));
	/* The last word counts. */
	assert_true(MATCH("esp_irq", "esp_*", "-esp_*", "*_irq"));
	assert_false(MATCH("esp_dma", "esp_*", "-esp_*", "*_irq"));
	/* A list of exceptions. */
	assert_true(MATCH("vfs_read", "-esp_*"));
	assert_false(MATCH("esp_irq", "-esp_*"));
}

#define LONG_NAME                                                       \
	"name_that_is_far_longer_than_anybody_would_ever_type_by_hand_" \
	"into_a_terminal"

static const char *guess(const char *word)
{
	static const char *const names[] = {
		"list",
		"events",
		"enable",
		"disable",
		"print",
		"vfs_read",
		"vfs_read_vectored",
		"x",
		"a_" LONG_NAME,
	};
	struct tw_guess best;

	tw_guess_start(&best, word);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tw_guess_offer(&best, names[i]);
	return best.best;
}

static void guesses(void **state)
{
	assert_string_equal(guess("lsit"), "list");
	assert_string_equal(guess("lst"), "list");
	assert_string_equal(guess("evnets"), "events");
	assert_string_equal(guess("enabled"), "enable");
	assert_string_equal(guess("dsiable"), "disable");
	assert_string_equal(guess("prin"), "print");
	assert_string_equal(guess("dis"), "disable");
	assert_string_equal(guess("vfs_raed"), "vfs_read");
	assert_string_equal(guess("vfs_read_v"), "vfs_read_vectored");
	assert_null(guess("wxyz"));
	assert_null(guess("zzzzzzzzz"));
	assert_null(guess("q_" LONG_NAME));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(guesses),
	};

	return cmocka_run_group_tests_name("cli-names", tests, NULL, NULL);
}
