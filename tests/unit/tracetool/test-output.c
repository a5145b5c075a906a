/* SPDX-License-Identifier: MIT */
/* Generated text and the ways of files: all of it, or the old one. */

#include "../../../src/tracetool/output.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX];
static char path[PATH_MAX + 32];
static struct tw_output out;

static int setup(void **state)
{
	const char *temporary = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/tracetool-output-XXXXXX",
		 temporary ? temporary : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/out.h", folder);
	out = (struct tw_output){0};
	return 0;
}

/* How many files there are; remove: and remove them. */
static int count_files(bool remove)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (remove)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	return count;
}

static int teardown(void **state)
{
	count_files(true);
	free(out.text.data);
	return rmdir(folder);
}

static void check_file(const char *expected)
{
	char text[64] = {0};
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, file),
			 strlen(expected));
	fclose(file);
	assert_string_equal(text, expected);
	assert_int_equal(count_files(false), 1);
}

static void test_add(void **state)
{
	tw_output_add(&out, "a%s%u%s\n", "b", 4294967295u, "");
	tw_text_add(&out.text, "", 1);
	assert_string_equal(out.text.data, "ab4294967295\n");
	assert_false(out.text.failed);
}

static void test_pieces(void **state)
{
	char expected[2048] = "";
	size_t begin, end;

	tw_output_text(&out, "(");
	begin = out.text.size;
	tw_output_text(&out, "abc");
	tw_output_number(&out, 0);
	tw_output_number(&out, 4294967295u);
	tw_output_bytes(&out, "defg", 3);
	end = out.text.size;
	strcat(expected, "(abc04294967295def");
	/* Until the text has had to be moved, too. */
	for (uint32_t i = 0; i < 40; i++) {
		tw_output_again(&out, begin, end);
		strcat(expected, "abc04294967295def");
	}
	tw_output_again(&out, end, end);
	assert_int_equal(out.text.size, strlen(expected));
	assert_memory_equal(out.text.data, expected, out.text.size);
	assert_false(out.text.failed);
}

static void test_unknown_conversion_fails(void **state)
{
	tw_output_add(&out, "%d", 1);
	assert_true(out.text.failed);
	assert_int_equal(tw_output_save(&out, path), -ENOMEM);
	assert_int_equal(count_files(false), 0);
}

static void test_lines(void **state)
{
	assert_int_equal(tw_output_line(&out), 1);
	tw_output_add(&out, "one");
	assert_int_equal(tw_output_line(&out), 1);
	tw_output_add(&out, "\n\n");
	assert_int_equal(tw_output_line(&out), 3);
	tw_output_add(&out, "x\ny");
	assert_int_equal(tw_output_line(&out), 4);
	assert_int_equal(tw_output_line(&out), 4);
}

static void test_save_new_with_umask(void **state)
{
	struct stat status;
	mode_t mask = umask(027);

	tw_output_add(&out, "new\n");
	assert_int_equal(tw_output_save(&out, path), 0);
	umask(mask);
	check_file("new\n");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
}

static void test_save_changed_and_unchanged(void **state)
{
	const struct timespec old[2] = {{1000, 0}, {1000, 0}};
	struct stat status;

	tw_output_add(&out, "text\n");
	assert_int_equal(tw_output_save(&out, path), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	assert_int_equal(tw_output_save(&out, path), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mtime, 1000);

	/* Longer by a byte, then shorter, then of the same size. */
	tw_output_add(&out, "+");
	assert_int_equal(tw_output_save(&out, path), 0);
	check_file("text\n+");
	out.text.size = 2;
	assert_int_equal(tw_output_save(&out, path), 0);
	check_file("te");
	out.text.data[1] = 'E';
	assert_int_equal(tw_output_save(&out, path), 0);
	check_file("tE");
	assert_int_equal(stat(path, &status), 0);
	assert_int_not_equal(status.st_mtime, 1000);
}

static void test_save_empty(void **state)
{
	assert_int_equal(tw_output_save(&out, path), 0);
	check_file("");
}

static void test_save_through_link(void **state)
{
	char link[PATH_MAX + 32];
	struct stat status;

	tw_output_add(&out, "one\n");
	assert_int_equal(tw_output_save(&out, path), 0);
	snprintf(link, sizeof(link), "%s/link.h", folder);
	assert_int_equal(symlink("out.h", link), 0);
	tw_output_add(&out, "two\n");
	assert_int_equal(tw_output_save(&out, link), 0);
	assert_int_equal(lstat(link, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(unlink(link), 0);
	check_file("one\ntwo\n");
}

static void test_save_where_it_cannot_be(void **state)
{
	char missing[PATH_MAX + 32];

	tw_output_add(&out, "text\n");
	assert_int_equal(tw_output_save(&out, folder), -EISDIR);
	snprintf(missing, sizeof(missing), "%s/no/out.h", folder);
	assert_int_equal(tw_output_save(&out, missing), -ENOENT);
	assert_int_equal(count_files(false), 0);
}

/* The disk is full when the new file is there already: it has to go again. */
static void test_failed_write_leaves_the_old_file(void **state)
{
	struct rlimit limit, none;
	int error;

	tw_output_add(&out, "old\n");
	assert_int_equal(tw_output_save(&out, path), 0);
	tw_output_add(&out, "new\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	error = tw_output_save(&out, path);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(error, -EFBIG);
	check_file("old\n");
}

static void test_full_device_stays(void **state)
{
	struct stat status;
	FILE *full;

	if (access("/dev/full", W_OK) != 0)
		skip();
	tw_output_add(&out, "text\n");
	assert_int_equal(tw_output_save(&out, "/dev/full"), -ENOSPC);
	assert_int_equal(stat("/dev/full", &status), 0);
	assert_true(S_ISCHR(status.st_mode));

	full = fopen("/dev/full", "w");
	assert_non_null(full);
	assert_int_equal(tw_output_print(&out, full), -ENOSPC);
	fclose(full);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_add),
		TEST(test_pieces),
		TEST(test_unknown_conversion_fails),
		TEST(test_lines),
		TEST(test_save_new_with_umask),
		TEST(test_save_changed_and_unchanged),
		TEST(test_save_empty),
		TEST(test_save_through_link),
		TEST(test_save_where_it_cannot_be),
		TEST(test_failed_write_leaves_the_old_file),
		TEST(test_full_device_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
