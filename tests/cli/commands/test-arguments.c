/* SPDX-License-Identifier: MIT */
/* The walk over a command's arguments. */
#include "../../../src/cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct tw_option options[] = {
	{'a', "all", NULL, "all"},
	{'n', "number", "N", "a number"},
	{TW_OPTION_ID(1), "numerical", NULL, "looks like another"},
	{'e', "event", "GLOB", "an event"},
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {{NULL, NULL}};

static const struct tw_command command = {
	.name = "test",
	.usage = "",
	.summary = "a command",
	.options = options,
	.examples = examples,
};

#define WORDS_MAX 8

/* What stdout and stderr got. */
static char printed[4096];

struct walk {
	struct tw_args args;
	char *words[WORDS_MAX + 1];
};

static void start(struct walk *walk, const char *words)
{
	static char copy[256];
	char *save = NULL, *word;
	int count = 0;

	*walk = (struct walk){0};
	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok_r(copy, " ", &save); word && count < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save))
		walk->words[count++] = word;
	walk->args = (struct tw_args){
		.command = &command,
		.count = count,
		.list = walk->words,
	};
}

/* The next argument, with what it prints kept. */
static int next(struct walk *walk)
{
	FILE *keep_out = stdout, *keep_err = stderr;
	FILE *memory = fmemopen(printed, sizeof(printed), "w");
	int id;

	memset(printed, 0, sizeof(printed));
	stdout = memory;
	stderr = memory;
	id = tw_args_next(&walk->args);
	stdout = keep_out;
	stderr = keep_err;
	fclose(memory);
	return id;
}

static void expect(struct walk *walk, int id, const char *value)
{
	assert_int_equal(next(walk), id);
	if (value)
		assert_string_equal(walk->args.value, value);
	else if (id != TW_ARG_END)
		assert_null(walk->args.value);
}

static void expect_usage(const char *words, const char *what)
{
	struct walk walk;
	int id;

	start(&walk, words);
	do
		id = next(&walk);
	while (id != TW_ARG_END && id != TW_ARG_STOP);
	assert_int_equal(id, TW_ARG_STOP);
	assert_int_equal(walk.args.status, TW_EXIT_USAGE);
	assert_non_null(strstr(printed, "trackway test: "));
	if (!strstr(printed, what))
		fail_msg("'%s' is not in '%s'", what, printed);
}

static void options_and_operands(void **state)
{
	struct walk walk;

	start(&walk, "one -a --all two -n5 -n 6 --number=7");
	expect(&walk, TW_ARG_OPERAND, "one");
	expect(&walk, 'a', NULL);
	expect(&walk, 'a', NULL);
	expect(&walk, TW_ARG_OPERAND, "two");
	expect(&walk, 'n', "5");
	expect(&walk, 'n', "6");
	expect(&walk, 'n', "7");
	expect(&walk, TW_ARG_END, NULL);
	expect(&walk, TW_ARG_END, NULL);
	assert_null(walk.args.rest);

	start(&walk, "--number 8 -aan9 -ae -x --event= -");
	expect(&walk, 'n', "8");
	expect(&walk, 'a', NULL);
	expect(&walk, 'a', NULL);
	expect(&walk, 'n', "9");
	expect(&walk, 'a', NULL);
	expect(&walk, 'e', "-x");
	expect(&walk, 'e', "");
	expect(&walk, TW_ARG_OPERAND, "-");
	expect(&walk, TW_ARG_END, NULL);
}

static void prefixes(void **state)
{
	struct walk walk;

	start(&walk, "--al --numb=1 --numeri --ev x");
	expect(&walk, 'a', NULL);
	expect_usage("--num 1", "--num may mean several");
	expect_usage("--numb", "--number needs a N");
	start(&walk, "--numbe=1 --numerical --eve x");
	expect(&walk, 'n', "1");
	expect(&walk, TW_OPTION_ID(1), NULL);
	expect(&walk, 'e', "x");
	expect(&walk, TW_ARG_END, NULL);
}

static void what_follows_two_dashes(void **state)
{
	struct walk walk;

	start(&walk, "one -a -- -a --help x");
	expect(&walk, TW_ARG_OPERAND, "one");
	expect(&walk, 'a', NULL);
	expect(&walk, TW_ARG_END, NULL);
	expect(&walk, TW_ARG_END, NULL);
	assert_non_null(walk.args.rest);
	assert_int_equal(walk.args.rest_count, 3);
	assert_string_equal(walk.args.rest[0], "-a");
	assert_string_equal(walk.args.rest[2], "x");
	assert_null(walk.args.rest[3]);

	start(&walk, "--");
	expect(&walk, TW_ARG_END, NULL);
	assert_non_null(walk.args.rest);
	assert_int_equal(walk.args.rest_count, 0);

	/* As a value it is a value. */
	start(&walk, "-e -- -a");
	expect(&walk, 'e', "--");
	expect(&walk, 'a', NULL);
}

static void help(void **state)
{
	static const char *const ways[] = {"-h", "--help", "--he", "-ah",
					   "x --help --wrong"};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct walk walk;
		int id;

		start(&walk, ways[i]);
		do
			id = next(&walk);
		while (id != TW_ARG_STOP && id != TW_ARG_END);
		assert_int_equal(id, TW_ARG_STOP);
		assert_int_equal(walk.args.status, TW_EXIT_OK);
		assert_non_null(strstr(printed, "Usage: trackway test"));
		assert_non_null(strstr(printed, "-e, --event GLOB"));
	}
}

static void mistakes(void **state)
{
	expect_usage("-z", "unknown option -z");
	expect_usage("-az", "unknown option -z");
	expect_usage("--nubmer", "--nubmer, did you mean --number?");
	expect_usage("--xyz", "unknown option --xyz (see: trackway test");
	expect_usage("--all=1", "--all takes no value");
	expect_usage("-n", "--number needs a N");
	expect_usage("--event", "--event needs a GLOB");
	expect_usage("--=5", "--");
	expect_usage("-\x1b", "unknown option -\\x1b");
}

static bool number(const char *word, uint64_t min, uint64_t max,
		   uint64_t *value)
{
	struct walk walk;
	char words[64];
	FILE *keep = stderr;
	bool ok;

	snprintf(words, sizeof(words), "-n %s", word);
	start(&walk, words);
	expect(&walk, 'n', word);
	stderr = fopen("/dev/null", "w");
	ok = tw_args_number(&walk.args, "number", min, max, value);
	fclose(stderr);
	stderr = keep;
	assert_true(ok || walk.args.status == TW_EXIT_USAGE);
	return ok;
}

static void numbers(void **state)
{
	static const char *const wrong[] = {
		"x",   "-1",  "1x",
		"1KK", "0x5", "1.5",
		"K",   "+1",  "18446744073709551616"};
	uint64_t value;

	assert_true(number("0", 0, 10, &value));
	assert_true(value == 0);
	assert_true(number("4K", 0, 4096, &value));
	assert_true(value == 4096);
	assert_true(number("2m", 0, UINT64_MAX, &value));
	assert_true(value == 2 << 20);
	assert_true(number("16G", 0, UINT64_MAX, &value));
	assert_true(value == 16ull << 30);
	assert_true(number("18446744073709551615", 0, UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
	assert_false(number("5K", 0, 4096, &value));
	assert_false(number("4", 5, 10, &value));
	assert_false(number("11", 5, 10, &value));
	assert_false(number("17179869184G", 0, UINT64_MAX, &value));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(number(wrong[i], 0, UINT64_MAX, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(what_follows_two_dashes),
		cmocka_unit_test(help),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests_name("cli-arguments", tests, NULL, NULL);
}
