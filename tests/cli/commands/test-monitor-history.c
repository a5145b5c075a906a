/* SPDX-License-Identifier: MIT */
/* The history that a monitor keeps from run to run: src/cli/monitor-history.c.
 */
#include "../../../src/cli/monitor-history.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/trackway-history-XXXXXX";
static char path[128];

/* What was told at an opening. */
struct lines {
	size_t count;
	char first[64];
	char last[64];
};

static void keep(void *context, const char *line)
{
	struct lines *lines = context;
	char *to = lines->count ? lines->last : lines->first;

	snprintf(to, sizeof(lines->first), "%s", line);
	lines->count++;
}

static struct tw_monitor_history *open_history(struct lines *lines)
{
	*lines = (struct lines){0};
	return tw_monitor_history_open(keep, lines);
}

/* Lines of this text and a number. */
static void write_lines(const char *text, size_t count)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%s%zu\n", text, i);
	assert_int_equal(fclose(file), 0);
}

static off_t file_size(void)
{
	struct stat stat;

	assert_int_equal(lstat(path, &stat), 0);
	return stat.st_size;
}

static int enter(void **state)
{
	strcpy(home + strlen(home) - 6, "XXXXXX");
	if (!mkdtemp(home))
		return -1;
	setenv("HOME", home, 1);
	unsetenv("XDG_STATE_HOME");
	snprintf(path, sizeof(path), "%s/.local/state/trackway/monitor-history",
		 home);
	return 0;
}

static int leave(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", home);
	return system(command);
}

static void test_kept(void **state)
{
	struct lines lines;
	struct tw_monitor_history *history = open_history(&lines);
	struct stat stat;

	assert_non_null(history);
	assert_int_equal(lines.count, 0);
	tw_monitor_history_add(history, "info trace\n");
	tw_monitor_history_add(history, "help\n");
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_mode, S_IFREG | 0600);
	tw_monitor_history_close(history);

	history = open_history(&lines);
	tw_monitor_history_close(history);
	assert_int_equal(lines.count, 2);
	assert_string_equal(lines.first, "info trace\n");
	assert_string_equal(lines.last, "help\n");
}

/* Monitors that run at the same time do not overwrite each other's. */
static void test_two(void **state)
{
	struct lines lines;
	struct tw_monitor_history *one = open_history(&lines);
	struct tw_monitor_history *two = open_history(&lines);

	tw_monitor_history_add(one, "a\n");
	tw_monitor_history_add(two, "b\n");
	tw_monitor_history_add(one, "c\n");
	tw_monitor_history_close(one);
	tw_monitor_history_close(two);
	two = open_history(&lines);
	tw_monitor_history_close(two);
	assert_int_equal(lines.count, 3);
	assert_string_equal(lines.last, "c\n");
}

static void test_state_home(void **state)
{
	char other[64];
	struct tw_monitor_history *history;
	struct lines lines;

	snprintf(other, sizeof(other), "%s/other", home);
	setenv("XDG_STATE_HOME", other, 1);
	snprintf(path, sizeof(path), "%s/trackway/monitor-history", other);
	history = open_history(&lines);
	assert_non_null(history);
	tw_monitor_history_add(history, "x\n");
	tw_monitor_history_close(history);
	assert_int_equal(file_size(), 2);
	/* One that is no absolute path counts as none. */
	setenv("XDG_STATE_HOME", "other", 1);
	history = open_history(&lines);
	tw_monitor_history_close(history);
	assert_non_null(history);
	assert_int_equal(lines.count, 0);
}

/* It holds the last lines only, in the file as well. */
static void test_many_lines(void **state)
{
	struct tw_monitor_history *history = NULL;
	struct lines lines;
	char last[64];

	tw_monitor_history_close(open_history(&lines));
	write_lines("line ", TW_MONITOR_HISTORY_LINES + 7);
	history = open_history(&lines);
	assert_int_equal(lines.count, TW_MONITOR_HISTORY_LINES);
	assert_string_equal(lines.first, "line 7\n");
	snprintf(last, sizeof(last), "line %u\n", TW_MONITOR_HISTORY_LINES + 6);
	assert_string_equal(lines.last, last);
	tw_monitor_history_add(history, "next\n");
	tw_monitor_history_close(history);

	history = open_history(&lines);
	tw_monitor_history_close(history);
	assert_int_equal(lines.count, TW_MONITOR_HISTORY_LINES);
	assert_string_equal(lines.first, "line 8\n");
	assert_string_equal(lines.last, "next\n");
}

static void test_many_bytes(void **state)
{
	struct lines lines;
	char text[1024];

	tw_monitor_history_close(open_history(&lines));
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 6] = '\0';
	write_lines(text, 1000);
	assert_in_range(file_size(), 8 * TW_MONITOR_HISTORY_BYTES, SIZE_MAX);
	tw_monitor_history_close(open_history(&lines));
	assert_in_range(lines.count, 60, 64);
	assert_in_range(file_size(), TW_MONITOR_HISTORY_BYTES - 1100,
			TW_MONITOR_HISTORY_BYTES);
}

/* Whatever else stands in it, nothing of it gets onto a terminal. */
static void test_foreign(void **state)
{
	struct lines lines;

	tw_monitor_history_close(open_history(&lines));
	write_lines("\n\n\033[2J\nhelp\na\tb\n\177", 1);
	tw_monitor_history_close(open_history(&lines));
	assert_int_equal(lines.count, 1);
	assert_string_equal(lines.first, "help\n");
}

static void test_refused(void **state)
{
	struct tw_monitor_history *history;
	struct lines lines;

	/* A line that is too long, half a line, or none. */
	history = open_history(&lines);
	tw_monitor_history_add(history, "half");
	tw_monitor_history_add(history, "\n");
	tw_monitor_history_add(history, "two\nlines\n");
	tw_monitor_history_close(history);
	assert_int_equal(file_size(), 0);

	/* What is no file: it is not waited for, nor followed. */
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(open_history(&lines));
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_null(open_history(&lines));
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(open_history(&lines));

	/* Nowhere to put it. */
	setenv("HOME", "/dev/null", 1);
	assert_null(open_history(&lines));
	unsetenv("HOME");
	assert_null(open_history(&lines));
	tw_monitor_history_add(NULL, "x\n");
	tw_monitor_history_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, enter, leave),
		cmocka_unit_test_setup_teardown(test_two, enter, leave),
		cmocka_unit_test_setup_teardown(test_state_home, enter, leave),
		cmocka_unit_test_setup_teardown(test_many_lines, enter, leave),
		cmocka_unit_test_setup_teardown(test_many_bytes, enter, leave),
		cmocka_unit_test_setup_teardown(test_foreign, enter, leave),
		cmocka_unit_test_setup_teardown(test_refused, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
