/* SPDX-License-Identifier: MIT */
/* Tables, durations, error lines, lines into a pipe. */
#include "../../../src/cli/cli.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char *printed;
static size_t printed_size;
static FILE *kept_out, *kept_err;

static void catch_output(void)
{
	kept_out = stdout;
	kept_err = stderr;
	stdout = open_memstream(&printed, &printed_size);
	stderr = stdout;
}

static void expect_printed(const char *text)
{
	fclose(stdout);
	stdout = kept_out;
	stderr = kept_err;
	assert_string_equal(printed, text);
	free(printed);
}

static void tables(void **state)
{
	static const struct tw_column columns[] = {
		{"NAME", false},
		{"COUNT", true},
		{"WHAT", false},
	};
	struct tw_table *table = tw_table_create(columns, 3);

	tw_table_add(table, TW_STYLE_PLAIN, "a");
	tw_table_add(table, TW_STYLE_PLAIN, "%d", 5);
	tw_table_add(table, TW_STYLE_PLAIN, "first");
	tw_table_add(table, TW_STYLE_GREEN, "longer");
	tw_table_add(table, TW_STYLE_PLAIN, "%d", 1234567);
	tw_table_add(table, TW_STYLE_PLAIN, "%s", "");
	/* An umlaut is one column, an escape is spelt out. */
	tw_table_add(table, TW_STYLE_PLAIN, "%s", "\xc3\xa4");
	tw_table_add(table, TW_STYLE_PLAIN, "%s", "\x1b");
	tw_table_add(table, TW_STYLE_PLAIN, "x");
	catch_output();
	assert_true(tw_table_print(table));
	expect_printed("NAME      COUNT  WHAT\n"
		       "a             5  first\n"
		       "longer  1234567  \n"
		       "\xc3\xa4          \\x1b  x\n");
	tw_table_destroy(table);
}

static void an_empty_table(void **state)
{
	static const struct tw_column columns[] = {{"A", false}, {"B", true}};
	struct tw_table *table = tw_table_create(columns, 2);

	catch_output();
	assert_true(tw_table_print(table));
	expect_printed("A  B\n");
	tw_table_destroy(table);
	tw_table_destroy(NULL);
}

static void expect_duration(uint64_t ns, const char *text)
{
	assert_string_equal(tw_duration_of(ns).text, text);
}

static void durations(void **state)
{
	expect_duration(0, "0 ns");
	expect_duration(9999, "9999 ns");
	expect_duration(10000, "10 us");
	expect_duration(9999999, "9999 us");
	expect_duration(10000000, "10 ms");
	expect_duration(999999999, "999 ms");
	expect_duration(1000000000, "1 s");
	expect_duration(119999999999, "119 s");
	expect_duration(120000000000, "2 min");
	expect_duration(7199ull * 1000000000, "119 min");
	expect_duration(7200ull * 1000000000, "2 h");
	expect_duration(172799ull * 1000000000, "47 h");
	expect_duration(172800ull * 1000000000, "2 d");
	expect_duration(UINT64_MAX, "213503 d");
}

static void errors_are_one_line(void **state)
{
	catch_output();
	assert_int_equal(tw_error("a\nb", "what %s", "x\ty\x1b[0m"),
			 TW_EXIT_FAILED);
	assert_int_equal(tw_error(NULL, "%d%%", 5), TW_EXIT_FAILED);
	tw_notice("by the %s", "way");
	expect_printed("trackway: a\\nb: what x\\ty\\x1b[0m\n"
		       "trackway: 5%\n"
		       "trackway: by the way\n");
}

#define LONG_LINE 200000 /* more than a pipe holds */

static void print_long_line(void)
{
	struct tw_text text = {0};
	char *line = tw_text_reserve(&text, LONG_LINE);

	if (!line)
		_exit(3);
	memset(line, 'x', LONG_LINE);
	line[LONG_LINE - 1] = '\n';
	text.size = LONG_LINE;
	tw_text_add_string(&text, "end\n");
	tw_interrupt_catch();
	_exit(!tw_output_text(&text));
}

/* Somebody who may read is waited for while a line is half out. */
static void a_line_is_finished(void **state)
{
	static char got[LONG_LINE + 16];
	const struct timespec pause = {.tv_nsec = 1000000};
	const struct timespec patience = {.tv_sec = 3};
	struct pollfd out;
	size_t size = 0;
	ssize_t more;
	int ends[2];
	int status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		print_long_line();
	}
	out = (struct pollfd){.fd = ends[1], .events = POLLOUT};
	while (poll(&out, 1, 0) == 1)
		nanosleep(&pause, NULL);
	close(ends[1]);
	kill(pid, SIGINT);
	/* Longer than others are waited for. */
	nanosleep(&patience, NULL);
	while ((more = read(ends[0], got + size, sizeof(got) - size)) > 0)
		size += (size_t)more;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(size >= LONG_LINE);
	assert_ptr_equal(memchr(got, '\n', size), got + LONG_LINE - 1);
	assert_int_equal(got[size - 1], '\n');
	assert_int_equal(size == LONG_LINE + 4, WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
		cmocka_unit_test(an_empty_table),
		cmocka_unit_test(durations),
		cmocka_unit_test(errors_are_one_line),
		cmocka_unit_test(a_line_is_finished),
	};

	return cmocka_run_group_tests_name("cli-output", tests, NULL, NULL);
}
