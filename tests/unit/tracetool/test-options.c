/* SPDX-License-Identifier: MIT */
/* The command line, as QEMU's users write it. */

#include "../../../src/tracetool/options.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct tw_tool_options options;
static char message[128];

/* Parse the words up to NULL. */
static int parse(const char *first, ...)
{
	const char *argv[16] = {"tracetool"};
	int argc = 1;
	va_list args;

	free(options.files);
	message[0] = 0;
	va_start(args, first);
	for (const char *word = first; word; word = va_arg(args, const char *))
		argv[argc++] = word;
	va_end(args);
	return tw_tool_options_parse(&options, argc, (char *const *)argv,
				     message, sizeof(message));
}

#define PARSE(...) parse(__VA_ARGS__, NULL)

static int teardown(void **state)
{
	free(options.files);
	options.files = NULL;
	return 0;
}

static void test_all(void **state)
{
	assert_int_equal(PARSE("--format=h", "--backends=ring,log", "--group=g",
			       "in", "out"),
			 0);
	assert_string_equal(options.format, "h");
	assert_string_equal(options.backends, "ring,log");
	assert_string_equal(options.group, "g");
	assert_int_equal(options.file_count, 2);
	assert_string_equal(options.files[0], "in");
	assert_string_equal(options.files[1], "out");
	assert_false(options.help || options.version || options.list_backends ||
		     options.check_backends);
}

static void test_abbreviations(void **state)
{
	assert_int_equal(PARSE("--backend=log", "--f", "c", "--check",
			       "--list-b", "--he", "--v"),
			 0);
	assert_string_equal(options.backends, "log");
	assert_string_equal(options.format, "c");
	assert_true(options.check_backends);
	assert_true(options.list_backends);
	assert_true(options.help);
	assert_true(options.version);
}

static void test_guest_runtime(void **state)
{
	assert_int_equal(PARSE("--emit-guest-runtime", "folder"), 0);
	assert_string_equal(options.guest_runtime, "folder");
	assert_int_equal(options.file_count, 0);
	assert_int_equal(PARSE("--emit-guest-runtime"), -EINVAL);
	assert_string_equal(message,
			    "option --emit-guest-runtime requires argument");
	assert_int_equal(PARSE("--help"), 0);
	assert_null(options.guest_runtime);
}

static void test_anywhere_and_last_wins(void **state)
{
	assert_int_equal(
		PARSE("in", "--format", "h", "-", "--format=c", "--", "--help"),
		0);
	assert_string_equal(options.format, "c");
	assert_int_equal(options.file_count, 3);
	assert_string_equal(options.files[1], "-");
	assert_string_equal(options.files[2], "--help");
	assert_false(options.help);
}

static void test_empty_value(void **state)
{
	assert_int_equal(PARSE("--backends="), 0);
	assert_string_equal(options.backends, "");
}

static void test_errors(void **state)
{
	assert_int_equal(PARSE("--nonsense=1"), -EINVAL);
	assert_string_equal(message, "option --nonsense not recognized");
	assert_int_equal(PARSE("-x"), -EINVAL);
	assert_string_equal(message, "option -x not recognized");
	assert_int_equal(PARSE("--format"), -EINVAL);
	assert_string_equal(message, "option --format requires argument");
	assert_int_equal(PARSE("--help=yes"), -EINVAL);
	assert_string_equal(message, "option --help must not have an argument");
	assert_int_equal(PARSE("--=x"), -EINVAL);
	assert_string_equal(message, "option -- not a unique prefix");
}

static void test_names(void **state)
{
	assert_int_equal(PARSE("--binary=b", "--target-type", "t",
			       "--target-name=n", "--probe-prefix=p",
			       "--depfile=d"),
			 0);
	assert_string_equal(options.binary, "b");
	assert_string_equal(options.target_type, "t");
	assert_string_equal(options.target_name, "n");
	assert_string_equal(options.probe_prefix, "p");
	assert_string_equal(options.depfile, "d");
	assert_false(tw_tool_options_are_old(&options));
	assert_int_equal(PARSE("--target"), -EINVAL);
	assert_string_equal(message, "option --target not a unique prefix");
}

static void test_old(void **state)
{
	assert_int_equal(PARSE("--simple", "-h"), 0);
	assert_true(tw_tool_options_are_old(&options));
	assert_string_equal(options.format, "h");
	assert_string_equal(options.backends, "simple");
	assert_int_equal(options.file_count, 1);
	assert_string_equal(options.files[0], "-");
	assert_int_equal(PARSE("-g", "--target-arch", "sparc", "--dtrace"), 0);
	assert_string_equal(options.format, "guest");
	assert_string_equal(options.target_name, "sparc");
}

static void test_h_alone_is_help(void **state)
{
	assert_int_equal(PARSE("-h"), 0);
	assert_true(options.help);
	assert_int_equal(PARSE("-h", "file"), -EINVAL);
	assert_int_equal(PARSE("-c"), -EINVAL);
}

static void test_long_word_fits_message(void **state)
{
	char word[2000];

	memset(word, '-', sizeof(word) - 1);
	word[sizeof(word) - 1] = 0;
	assert_int_equal(PARSE(word), -EINVAL);
	assert_non_null(strstr(message, "not recognized"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_all),
		TEST(test_abbreviations),
		TEST(test_guest_runtime),
		TEST(test_anywhere_and_last_wins),
		TEST(test_empty_value),
		TEST(test_errors),
		TEST(test_names),
		TEST(test_old),
		TEST(test_h_alone_is_help),
		TEST(test_long_word_fits_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
