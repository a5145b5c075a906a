/* SPDX-License-Identifier: MIT */
/*
 * Files of QEMU's simple backend, read: both byte orders, what no file
 * declares, what is cut off or damaged, and which time of day it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/timebase.h"
#include "foreign.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define S 1000000000ull
#define DROPPED (UINT64_MAX - 1)

/* A file as it is put together. */
struct file {
	bool swap;
	size_t size;
	uint8_t bytes[4096];
};

static void put(struct file *file, const void *bytes, size_t size)
{
	assert_true(size <= sizeof(file->bytes) - file->size);
	memcpy(file->bytes + file->size, bytes, size);
	file->size += size;
}

static void put64(struct file *file, uint64_t value)
{
	if (file->swap)
		value = __builtin_bswap64(value);
	put(file, &value, 8);
}

static void put32(struct file *file, uint32_t value)
{
	if (file->swap)
		value = __builtin_bswap32(value);
	put(file, &value, 4);
}

static void begin(struct file *file, uint64_t version, bool swap)
{
	file->swap = swap;
	file->size = 0;
	put64(file, UINT64_MAX);
	put64(file, 0xf2b177cb0aa429b4);
	put64(file, version);
}

static void put_name(struct file *file, uint64_t id, const char *name)
{
	put64(file, 0);
	put64(file, id);
	put32(file, (uint32_t)strlen(name));
	put(file, name, strlen(name));
}

/* Its arguments are to follow: so many bytes. */
static void put_event(struct file *file, uint64_t id, uint64_t ns,
		      uint32_t size)
{
	put64(file, 1);
	put64(file, id);
	put64(file, ns);
	put32(file, 24 + size);
	put32(file, 77);
}

static void put_one(struct file *file, uint64_t id, uint64_t ns, int64_t a,
		    uint64_t b)
{
	put_event(file, id, ns, 16);
	put64(file, (uint64_t)a);
	put64(file, b);
}

static void put_text(struct file *file, const char *text)
{
	put32(file, (uint32_t)strlen(text));
	put(file, text, strlen(text));
}

/* Make the file say that it was last written then. */
static void set_changed(const struct foreign *f, uint64_t real_ns)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = (time_t)(real_ns / S),
		 .tv_nsec = (long)(real_ns % S)},
	};

	assert_int_equal(utimensat(AT_FDCWD, f->path, times, 0), 0);
}

/* Read it as one that has been written long ago: its last event has the time
 * REAL, whatever this host's clocks say. */
#define REAL (1000000000 * S)

static void read_old(struct foreign *f, const struct file *file)
{
	foreign_write(f, file->bytes, file->size);
	set_changed(f, REAL);
	foreign_open(f, "simpletrace:", false);
	foreign_read(f, true);
}

/* ---- Content ---- */

static void test_content(void **state)
{
	struct foreign *f = *state;
	struct file file;

	for (int swap = 0; swap < 2; swap++) {
		begin(&file, 4, swap);
		put_name(&file, 3, "one");
		put_one(&file, 3, 5, -5, UINT64_MAX);
		put_name(&file, 0, "two");
		put_event(&file, 0, 8, 4 + 2 + 8);
		put_text(&file, "it");
		put64(&file, 255);
		/* A thread that was slow. */
		put_one(&file, 3, 7, 1, 2);
		put_event(&file, DROPPED, 9, 8);
		put64(&file, 12);
		put_name(&file, 1, "data");
		put_event(&file, 1, 10, 4 + 3 + 16);
		put32(&file, 3);
		put(&file, "\1\0\377", 3);
		put64(&file, 0x3fc00000);
		put64(&file, 0xc002000000000000);
		read_old(f, &file);
		assert_string_equal(
			f->text,
			"999999999999999995 77 one a -5 b 0xffffffffffffffff\n"
			"999999999999999997 77 one a 1 b 0x2\n"
			"999999999999999998 77 two 'it' -> ff\n"
			"1000000000000000000 77 lost 12\n"
			"1000000000000000000 77 data 01 00 ff 1.5 -2.25\n");
		assert_true(f->complete);
	}
}

/* A name that comes again is the one that counts from there on. */
static void test_names_may_change(void **state)
{
	struct foreign *f = *state;
	struct file file;

	begin(&file, 4, false);
	put_name(&file, 0, "one");
	put_one(&file, 0, 1, 1, 1);
	put_name(&file, 0, "none");
	put_event(&file, 0, 2, 0);
	put_name(&file, 0, "one");
	put_one(&file, 0, 3, 2, 2);
	read_old(f, &file);
	assert_string_equal(f->text, "999999999999999998 77 one a 1 b 0x1\n"
				     "999999999999999999 77 none \n"
				     "1000000000000000000 77 one a 2 b 0x2\n");
}

static void test_undeclared(void **state)
{
	struct foreign *f = *state;
	struct file file;

	begin(&file, 4, false);
	put_name(&file, 1, "strange");
	put_event(&file, 1, 1, 3);
	put(&file, "\1\2\375", 3);
	/* No name at all, twice; and again with one. */
	put_event(&file, 9, 2, 0);
	put_event(&file, 9, 3, 1);
	put(&file, "\7", 1);
	put_name(&file, 9, "none");
	put_event(&file, 9, 4, 0);
	read_old(f, &file);
	assert_string_equal(f->text, "999999999999999997 77 strange 01 02 fd\n"
				     "999999999999999998 77 unknown_9 \n"
				     "999999999999999999 77 unknown_9 07\n"
				     "1000000000000000000 77 none \n");
	assert_true(foreign_warned(
		f, "3 events that no trace-events file declares are shown as "
		   "bytes, the first at byte 51"));
	assert_true(f->complete);
}

/* Each is whole, but not as it is declared. */
static void test_misfits(void **state)
{
	struct foreign *f = *state;
	struct file file;

	begin(&file, 4, false);
	put_name(&file, 0, "two");
	put_event(&file, 0, 1, 3); /* no length */
	put(&file, "\1\2\3", 3);
	put_event(&file, 0, 2, 5); /* a length that ends outside */
	put(&file, "\2\0\0\0x", 5);
	put_event(&file, 0, 3, 5); /* no number */
	put(&file, "\1\0\0\0x", 5);
	put_event(&file, 0, 4, 14); /* a byte more */
	put(&file, "\1\0\0\0x\1\0\0\0\0\0\0\0!", 14);
	put_event(&file, 0, 5, 13);
	put(&file, "\1\0\0\0x\1\0\0\0\0\0\0\0", 13);
	read_old(f, &file);
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		assert_string_equal(
			f->text,
			"999999999999999996 77 two 01 02 03\n"
			"999999999999999997 77 two 02 00 00 00 78\n"
			"999999999999999998 77 two 01 00 00 00 78\n"
			"999999999999999999 77 two 01 00 00 00 78 01 00 00 00 "
			"00 00 00 00 21\n"
			"1000000000000000000 77 two 'x' -> 01\n");
	assert_true(foreign_warned(f, "4 events with other arguments"));
	assert_true(foreign_warned(f, "the first at byte 47: two;"));
}

/* ---- Damage ---- */

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* Wherever it is cut, what is before that is there, and is told so. */
static void test_cut_anywhere(void **state)
{
	struct foreign *f = *state;
	struct file file;
	size_t ends[8], count = 0, whole;
	char at[64];

	begin(&file, 4, false);
	ends[count++] = file.size;
	put_name(&file, 0, "one");
	ends[count++] = file.size;
	for (uint64_t i = 0; i < 3; i++) {
		put_one(&file, 0, i, 1, i);
		ends[count++] = file.size;
	}
	for (size_t size = 24; size <= file.size; size++) {
		foreign_read_all(f, "simpletrace:", file.bytes, size);
		for (whole = 0; whole < count && ends[whole] <= size;)
			whole++;
		assert_int_equal(count_lines(f->text),
				 whole > 2 ? whole - 2 : 0);
		assert_int_equal(f->complete, ends[whole - 1] == size);
		snprintf(at, sizeof(at),
			 "ends early: a record that is not whole at byte %zu",
			 ends[whole - 1]);
		assert_int_equal(foreign_warned(f, at),
				 ends[whole - 1] != size);
	}
}

static void damage(struct foreign *f, struct file *file, const char *why)
{
	char at[96];

	put(file, "and what comes behind it", 24);
	foreign_read_all(f, "simpletrace:", file->bytes, file->size);
	assert_int_equal(count_lines(f->text), 1);
	assert_false(f->complete);
	snprintf(at, sizeof(at), "ends early: %s at byte 91", why);
	assert_true(foreign_warned(f, at));
	file->size = 91;
}

static void test_damaged(void **state)
{
	struct foreign *f = *state;
	char name[256];
	struct file file;

	begin(&file, 4, false);
	put_name(&file, 0, "strangelyna");
	put_event(&file, 0, 1, 4);
	put(&file, "1234", 4);
	assert_int_equal(file.size, 91);
	put64(&file, 2);
	damage(f, &file, "no record");
	put64(&file, 0);
	put64(&file, 0);
	put32(&file, 0);
	damage(f, &file, "a name of impossible length");
	memset(name, 'n', sizeof(name));
	put64(&file, 0);
	put64(&file, 0);
	put32(&file, sizeof(name));
	put(&file, name, sizeof(name));
	damage(f, &file, "a name of impossible length");
	put_name(&file, 0, "\33[31mred");
	damage(f, &file, "a name of impossible characters");
	put_event(&file, 0, 1, (uint32_t)-1);
	damage(f, &file, "an event of impossible length");
	put_event(&file, 0, 1, 65536);
	damage(f, &file, "an event of impossible length");
	put_event(&file, 0, 1, (uint32_t)-25);
	damage(f, &file, "an event of impossible length");
	put_event(&file, 0, UINT64_MAX / 2, 0);
	damage(f, &file, "an event of an impossible time");
	put_event(&file, 0, 1, 100);
	damage(f, &file, "a record that is not whole");
}

static void refuse(const struct foreign *f, const char *why)
{
	const char *const events[] = {f->events};
	const struct tw_foreign_options options = {events, 1, false, false};
	struct tw_attach_error error = {""};
	struct tw_trace *trace;
	char target[128];

	snprintf(target, sizeof(target), "simpletrace:%s", f->path);
	assert_int_equal(tw_trace_create(&trace), 0);
	assert_true(tw_trace_add_foreign(trace, target, &options, &error) < 0);
	assert_non_null(strstr(error.text, why));
	assert_non_null(strstr(error.text, f->path));
	assert_null(strchr(error.text, '\n'));
	tw_trace_destroy(trace);
}

static void test_refused(void **state)
{
	struct foreign *f = *state;
	struct file file;

	refuse(f, "No such file");
	begin(&file, 3, false);
	foreign_write(f, file.bytes, file.size);
	refuse(f, "version 3 of simpletrace; 4 is read");
	begin(&file, 4, true);
	foreign_write(f, file.bytes, file.size - 1);
	refuse(f, "no simpletrace file");
	foreign_write(f, "", 0);
	refuse(f, "no simpletrace file");
	file.bytes[0] = 0;
	foreign_write(f, file.bytes, file.size);
	refuse(f, "no simpletrace file");
}

/* ---- Times ---- */

static void write_one(struct foreign *f, uint64_t ns, uint64_t changed)
{
	struct file file;

	begin(&file, 4, false);
	put_name(&file, 0, "none");
	put_event(&file, 0, ns, 0);
	/* Of which nobody knows when. */
	put_event(&file, DROPPED, 0, 8);
	put64(&file, 1);
	foreign_write(f, file.bytes, file.size);
	if (changed)
		set_changed(f, changed);
	foreign_open(f, "simpletrace:", false);
	foreign_read(f, true);
}

static uint64_t time_read(const struct foreign *f)
{
	return strtoull(f->text, NULL, 10);
}

/* As the host's clocks stand: nothing contradicts that. The event is to come,
 * and the file is of later still, so that no delay of this test matters. */
static void test_time_of_this_boot(void **state)
{
	struct foreign *f = *state;
	const uint64_t offset = tw_real_offset();
	struct tw_ring_sync now;

	assert_int_equal(tw_moment_take(TW_CLOCK_MONOTONIC, &now), 0);
	write_one(f, now.mono_ns + 500 * S, now.real_ns + 1000 * S);
	assert_true(time_read(f) - now.mono_ns - 500 * S - offset + S < 2 * S);
	assert_int_equal(f->plus_ns, 0);
	assert_int_equal(f->minus_ns, 0);
	assert_int_equal(tw_trace_warning_count(f->trace), 0);
}

/* The file was last written before its last event: another boot, or a clock
 * that was set forward. */
static void test_time_of_no_boot(void **state)
{
	struct foreign *f = *state;
	struct tw_ring_sync now;

	assert_int_equal(tw_moment_take(TW_CLOCK_MONOTONIC, &now), 0);
	write_one(f, now.mono_ns, now.real_ns - 3600 * S);
	assert_int_equal(time_read(f), now.real_ns - 3600 * S);
	assert_true(f->plus_ns == TW_BOUND_UNKNOWN);
	assert_true(f->minus_ns == TW_BOUND_UNKNOWN);
	assert_true(foreign_warned(f, "its clock was set since"));
	/* Older than its times are long. */
	write_one(f, 100 * S, 50 * S);
	assert_int_equal(time_read(f), 100 * S);
	assert_true(f->plus_ns == TW_BOUND_UNKNOWN);
}

static bool says_when_made(const struct foreign *f)
{
	struct statx status;

	return !statx(AT_FDCWD, f->path, 0, STATX_BTIME, &status) &&
	       status.stx_mask & STATX_BTIME;
}

/* It was made after its first event: a copy, or a clock that was set back. */
static void test_time_of_a_copy(void **state)
{
	struct foreign *f = *state;
	struct tw_ring_sync now;

	assert_int_equal(tw_moment_take(TW_CLOCK_MONOTONIC, &now), 0);
	if (now.mono_ns < 60 * S) {
		print_message("skipped: booted just now\n");
		skip();
	}
	write_one(f, 1, 0);
	assert_true(time_read(f) - tw_real_offset() + S < 2 * S);
	if (!says_when_made(f)) {
		print_message("skipped: files have no time of birth here\n");
		skip();
	}
	assert_true(f->plus_ns == TW_BOUND_UNKNOWN);
	assert_true(f->minus_ns == TW_BOUND_UNKNOWN);
	assert_true(foreign_warned(f, "clock was set back"));
}

#define WITH_FILE(test) \
	cmocka_unit_test_setup_teardown(test, foreign_setup, foreign_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(test_content),
		WITH_FILE(test_names_may_change),
		WITH_FILE(test_undeclared),
		WITH_FILE(test_misfits),
		WITH_FILE(test_cut_anywhere),
		WITH_FILE(test_damaged),
		WITH_FILE(test_refused),
		WITH_FILE(test_time_of_this_boot),
		WITH_FILE(test_time_of_no_boot),
		WITH_FILE(test_time_of_a_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
