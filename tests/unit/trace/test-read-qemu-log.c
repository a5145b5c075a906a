/* SPDX-License-Identifier: MIT */
/*
 * QEMU's log, read: both forms of lines, lines that are neither, and a log that
 * grows, with lines that come in pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect(struct foreign *f, const char *log, const char *told)
{
	foreign_read_all(f, "qemu-log:", log, strlen(log));
	assert_string_equal(f->text, told);
}

/* ---- Lines ---- */

static void test_both_forms(void **state)
{
	struct foreign *f = *state;

	expect(f,
	       "7@1700000000.000001:one a -5 b 0xffffffffffffffff\n"
	       "8@1700000000.000002:two 'it's' -> 0a\n"
	       "7@1700000000.000003:none \n"
	       "2023-11-14T22:13:20.000004Z one a 3 b 0x4\n"
	       "2023-11-14T22:13:20.000005Z none \n",
	       "1700000000000001000 7 one a -5 b 0xffffffffffffffff\n"
	       "1700000000000002000 8 two 'it's' -> 0a\n"
	       "1700000000000003000 7 none \n"
	       "1700000000000004000 0 one a 3 b 0x4\n"
	       "1700000000000005000 0 none \n");
	assert_int_equal(tw_trace_warning_count(f->trace), 0);
	assert_int_equal(f->plus_ns, 999);
	assert_int_equal(f->minus_ns, 0);
}

/* The last moment of a year and the first, of a month that has a 29th. */
static void test_ends_of_years(void **state)
{
	struct foreign *f = *state;

	expect(f,
	       "1970-01-01T00:00:00.000001Z none \n"
	       "2000-02-29T12:00:00.000000Z none \n"
	       "2024-12-31T23:59:59.999999Z none \n"
	       "2025-01-01T00:00:00.000000Z none \n"
	       "1@1767225599.999999:none \n"
	       "2026-01-01T00:00:00.000000Z none \n"
	       "2100-02-28T23:59:59.000000Z none \n",
	       "1000 0 none \n"
	       "951825600000000000 0 none \n"
	       "1735689599999999000 0 none \n"
	       "1735689600000000000 0 none \n"
	       "1767225599999999000 1 none \n"
	       "1767225600000000000 0 none \n"
	       "4107542399000000000 0 none \n");
}

/* Nearly a stamp is none: the line is text, and at the time of the one before.
 * None of these may become an event of some other time or thread. */
static void test_no_stamps(void **state)
{
	static const char *const lines[] = {
		"99999999999@2.000000:none ", /* no thread's number */
		"4294967296@2.000000:none ",
		"-1@2.000000:none ",
		"x7@2.000000:none ",
		"@2.000000:none ",
		"7@.000000:none ",
		"7@99999999999.000000:none ",
		"7@9999999999.000000:none ", /* not in 64 bits of ns */
		"7@2.00000:none ",
		"7@2.0000000:none ",
		"7@2.000000 none ",
		"7@2.000000",
		"2025-13-01T00:00:00.000000Z none ",
		"2025-02-29T00:00:00.000000Z none ",
		"2025-04-31T00:00:00.000000Z none ",
		"2025-00-10T00:00:00.000000Z none ",
		"2025-01-00T00:00:00.000000Z none ",
		"2025-01-01T24:00:00.000000Z none ",
		"2025-01-01T00:60:00.000000Z none ",
		"1969-12-31T23:59:59.000000Z none ",
		"2025-01-01T00:00:00.000Z none ",
		"2025-01-01 00:00:00.000000Z none ",
		"2025-01-01T00:00:00.000000 none ",
		"2025-01-01T00:00:00.000000Z",
	};
	struct foreign *f = *state;
	char log[256], told[256];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(log, sizeof(log), "5@7.000000:none \n%s\n", lines[i]);
		snprintf(told, sizeof(told),
			 "7000000000 5 none \n7000000000 0 qemu_log %s\n",
			 lines[i]);
		expect(f, log, told);
	}
	/* As large as they may be. */
	expect(f, "4294967295@9223372035.999999:none \n",
	       "9223372035999999000 4294967295 none \n");
}

/* Whatever it is, it is there, with what it was. */
static void test_other_lines(void **state)
{
	struct foreign *f = *state;

	expect(f,
	       "1@5.000000:one a 1 b 2\n" /* doesn't fit: no 0x */
	       "1@5.000001:one a 1\n"
	       "1@5.000002:one\n"
	       "1@5.000003:strange thing 5\n"
	       "1970-01-01T00:00:05.000004Z strange thing 6\n"
	       "one a 7 b 0x8\n"
	       "one of them\n"
	       "\n"
	       "1@5.000005:\n"
	       "1@5.000006: none \n"
	       "1@5.000007:half a 9\n"
	       "1@5.000008:one a 1 b 0x2\r\n",
	       "5000000000 1 one a 1 b 2\n"
	       "5000001000 1 one a 1\n"
	       "5000002000 1 one \n"
	       "5000003000 1 strange thing 5\n"
	       "5000004000 0 qemu_log strange thing 6\n"
	       "5000004000 0 one a 7 b 0x8\n"
	       "5000004000 0 qemu_log one of them\n"
	       "5000004000 0 qemu_log \n"
	       "5000005000 1 qemu_log \n"
	       "5000006000 1 qemu_log  none \n"
	       "5000007000 1 half a 9\n"
	       "5000008000 1 one a 1 b 0x2\n");
	assert_true(foreign_warned(f, ":1: one: this does not fit"));
	assert_true(foreign_warned(f, "3 such lines in all: the trace-events"));
	assert_true(foreign_warned(f, ":4: strange: no trace-events file"));
	assert_true(foreign_warned(f, ":6: one: an event without a time"));
}

static void test_bytes_that_are_no_text(void **state)
{
	static const char log[] = "1@5.000000:two '\0\377' -> 01\n"
				  "\0\0\n"
				  "1@5.000001:none \n";
	struct foreign *f = *state;

	foreign_read_all(f, "qemu-log:", log, sizeof(log) - 1);
	assert_non_null(strstr(f->text, "5000001000 1 none \n"));
	assert_null(memchr(f->text, 0, f->text_size));
	assert_null(memchr(f->text, 0xff, f->text_size));
}

/* An event whose format has a newline, with both its lines and without. */
static void test_events_of_two_lines(void **state)
{
	struct foreign *f = *state;

	expect(f,
	       "1@5.000000:lines first 1\nsecond 2\n"
	       "1@5.000001:lines first 3\n1@5.000002:none \n"
	       "1@5.000003:lines first 4\n",
	       "5000000000 1 lines first 1\\nsecond 2\n"
	       "5000001000 1 lines first 3\n"
	       "5000002000 1 none \n"
	       "5000003000 1 lines first 4\n");
	assert_true(foreign_warned(f, ":3: lines: this does not fit"));
}

static void test_threads_out_of_order(void **state)
{
	struct foreign *f = *state;

	expect(f,
	       "1@5.000002:none \n"
	       "2@5.000001:none \n"
	       "3@5.000002:none \n",
	       "5000001000 2 none \n"
	       "5000002000 1 none \n"
	       "5000002000 3 none \n");
}

static void test_no_whole_line(void **state)
{
	static char log[200000];
	struct foreign *f = *state;
	size_t total = 0;

	expect(f, "1@5.000000:none \n1@5.000001:none ",
	       "5000000000 1 none \n"
	       "5000001000 1 qemu_log none \n");
	assert_true(foreign_warned(f, "no whole line"));
	memset(log, 'x', sizeof(log));
	foreign_read_all(f, "qemu-log:", log, sizeof(log));
	for (const char *at = f->text; *at; at++)
		total += *at == 'x';
	assert_int_equal(total, sizeof(log));
	foreign_read_all(f, "qemu-log:", "", 0);
	assert_int_equal(f->text_size, 0);
	assert_int_equal(tw_trace_warning_count(f->trace), 0);
}

/* ---- Following ---- */

/* So much more of it has come, and so much of that is whole. */
static void grow(struct foreign *f, const char *more, const char *told)
{
	foreign_append(f, more);
	foreign_read(f, false);
	assert_string_equal(f->text, told);
}

static void test_line_in_pieces(void **state)
{
	struct foreign *f = *state;

	foreign_write(f, "1@5.000000:none \n1@5.00", 23);
	foreign_open(f, "qemu-log:", true);
	grow(f, "", "5000000000 1 none \n");
	grow(f, "0001:o", "");
	grow(f, "ne a 2", "");
	grow(f, "2 b 0x3", "");
	grow(f, "4\n1@5.000002:none", "5000001000 1 one a 22 b 0x34\n");
	grow(f, " \n", "5000002000 1 none \n");
	/* Between its two lines, and within the second. */
	grow(f, "1@5.000003:lines first 1\n", "");
	grow(f, "sec", "");
	grow(f, "ond 2\n", "5000003000 1 lines first 1\\nsecond 2\n");
	foreign_append(f, "1@5.000004:one a");
	foreign_read(f, true);
	assert_string_equal(f->text, "5000004000 1 qemu_log one a\n");
	assert_true(foreign_warned(f, "no whole line"));
}

/* Cut after every byte, it is the same in the end. */
static void test_cut_anywhere(void **state)
{
	static const char log[] = "1@5.000000:one a 1 b 0x2\n"
				  "2@5.000001:lines first 3\nsecond 4\n"
				  "2@5.000002:none \n";
	static const char told[] = "5000000000 1 one a 1 b 0x2\n"
				   "5000001000 2 lines first 3\\nsecond 4\n"
				   "5000002000 2 none \n";
	struct foreign *f = *state;
	char all[256];

	for (size_t size = 0; size < sizeof(log); size++) {
		foreign_write(f, log, size);
		foreign_open(f, "qemu-log:", true);
		foreign_read(f, false);
		strcpy(all, f->text);
		foreign_append(f, log + size);
		foreign_read(f, false);
		strcat(all, f->text);
		assert_string_equal(all, told);
		assert_int_equal(tw_trace_warning_count(f->trace), 0);
	}
}

static void test_truncated_and_replaced(void **state)
{
	struct foreign *f = *state;
	char old[128];

	foreign_write(f, "1@5.000000:none \n1@5.0", 22);
	foreign_open(f, "qemu-log:", true);
	grow(f, "", "5000000000 1 none \n");
	/* Shorter than what was read: from its start, without the piece. */
	foreign_write(f, "1@6.000000:none \n", 17);
	grow(f, "", "6000000000 1 none \n");
	assert_true(foreign_warned(f, "was truncated"));
	/* Another file has its name: the old one is read to its end. */
	snprintf(old, sizeof(old), "%s.1", f->path);
	foreign_append(f, "1@7.000000:none \n");
	assert_int_equal(rename(f->path, old), 0);
	foreign_write(f, "1@8.000000:none \n", 17);
	grow(f, "", "7000000000 1 none \n8000000000 1 none \n");
	grow(f, "1@9.000000:none \n", "9000000000 1 none \n");
	/* For a while there is none. */
	assert_int_equal(unlink(f->path), 0);
	foreign_read(f, false);
	assert_int_equal(f->text_size, 0);
	grow(f, "1@10.000000:none \n", "10000000000 1 none \n");
}

#define WITH_FILE(test) \
	cmocka_unit_test_setup_teardown(test, foreign_setup, foreign_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(test_both_forms),
		WITH_FILE(test_ends_of_years),
		WITH_FILE(test_no_stamps),
		WITH_FILE(test_other_lines),
		WITH_FILE(test_bytes_that_are_no_text),
		WITH_FILE(test_events_of_two_lines),
		WITH_FILE(test_threads_out_of_order),
		WITH_FILE(test_no_whole_line),
		WITH_FILE(test_line_in_pieces),
		WITH_FILE(test_cut_anywhere),
		WITH_FILE(test_truncated_and_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
