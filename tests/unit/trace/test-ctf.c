/* SPDX-License-Identifier: MIT */
/*
 * Trace directories, judged by babeltrace2: what it prints, and that it has
 * nothing to say on stderr. Without babeltrace2 those tests are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/read.h"
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct tw_drain_options all = {.start = TW_DRAIN_ALL};
static const struct tw_drain_options from_now = {.start = TW_DRAIN_NOW};

static bool has_babeltrace(void)
{
	return system("babeltrace2 --version >/dev/null 2>&1") == 0;
}

/* ---- What babeltrace2 says ---- */

struct said {
	unsigned lines;
	unsigned complaints; /* lines on stderr, or a failure */
	unsigned backwards;  /* lines earlier than the one before */
	char first[512];
	char last[512];
};

static void listen(const char *directory, struct said *said)
{
	char command[512], line[4096];
	uint64_t time = 0, now;
	unsigned seconds, ns;
	FILE *pipe;

	*said = (struct said){0};
	snprintf(command, sizeof(command),
		 "babeltrace2 --clock-seconds '%s' 2>'%s.err'; "
		 "echo complaints $(wc -l <'%s.err') $?; rm '%s.err'",
		 directory, directory, directory, directory);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		if (sscanf(line, "complaints %u", &said->complaints) == 1)
			continue;
		assert_int_equal(sscanf(line, "[%u.%9u]", &seconds, &ns), 2);
		now = seconds * UINT64_C(1000000000) + ns;
		said->backwards += now < time;
		time = now;
		if (!said->lines++)
			snprintf(said->first, sizeof(said->first), "%.500s",
				 line);
		snprintf(said->last, sizeof(said->last), "%.500s", line);
	}
	assert_int_equal(pclose(pipe), 0);
}

static void assert_reads(const struct recorder *r, uint64_t events)
{
	struct said said;

	listen(r->directory, &said);
	assert_int_equal(said.complaints, 0);
	assert_int_equal(said.backwards, 0);
	assert_int_equal(said.lines, events);
}

static uint64_t file_size(const struct recorder *r, const char *name)
{
	char path[256];
	struct stat status;

	if (stat(recorder_path(r, path, sizeof(path), name), &status))
		return 0;
	return (uint64_t)status.st_size;
}

static uint64_t write_mixed(struct fixture *f, int rounds)
{
	uint64_t before = f->written[0] + f->written[1] + f->written[2];

	for (int i = 0; i < rounds; i++) {
		fixture_emit_as(f, 0, 0, EVENT_WORDS, (uint64_t)i);
		fixture_emit_as(f, 1, 0, EVENT_NUMBER, (uint64_t)i);
		fixture_emit_as(f, 0, 0, EVENT_NOTHING, 0);
		if (i % 3 == 0)
			fixture_emit_as(f, 2, 0, EVENT_NUMBER, 5);
	}
	return f->written[0] + f->written[1] + f->written[2] - before;
}

/* ---- Tests ---- */

static void test_plain(void **state)
{
	struct fixture f;
	struct recorder r;
	struct said said;
	uint64_t events = 0;

	(void)state;
	fixture_create(&f, 512, 64, TW_RING_OVERWRITE);
	recorder_create(&r, &f, NULL, "trace", &all);
	for (int i = 0; i < 30; i++) {
		events += write_mixed(&f, 7);
		assert_true(recorder_pass(&r) >= 0);
	}
	fixture_close(&f);
	recorder_finish(&r);
	assert_reads(&r, events);
	listen(r.directory, &said);
	assert_non_null(strstr(said.first, "[1700000000.000000001]"));
	assert_non_null(strstr(said.first, "words"));
	assert_non_null(strstr(said.first, "text = \"text 0\""));
	assert_non_null(strstr(said.first, "lane = 0"));
	assert_non_null(strstr(said.first, "tid = 100"));
	fixture_destroy(&f);
}

/* Words of the language, and names that begin with "_", come out as they are.
 */
static void test_names_and_values(void **state)
{
	struct fixture f;
	struct recorder r;
	struct said said;

	(void)state;
	fixture_create(&f, 512, 8, TW_RING_OVERWRITE);
	fixture_emit_as(&f, 4, 0, EVENT_WORDS, 77);
	fixture_emit_as(&f, 4, 0, EVENT_NUMBER, 65535);
	recorder_create(&r, &f, NULL, "trace", &all);
	recorder_finish(&r);
	listen(r.directory, &said);
	assert_int_equal(said.complaints, 0);
	assert_non_null(strstr(said.first,
			       "{ text = \"text 77\", event = -77, _x = 77 }"));
	assert_non_null(
		strstr(said.last, "{ lane = 4, n = 65535, p = 0x10000 }"));
	fixture_destroy(&f);
}

static void test_other_byte_order(void **state)
{
	struct fixture f;
	struct recorder r, other;
	struct said said, said_other;
	char path[128];
	uint64_t events;

	(void)state;
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		skip();
	fixture_create(&f, 512, 64, TW_RING_OVERWRITE);
	events = write_mixed(&f, 60);
	fixture_write_swapped(&f, path, sizeof(path));
	recorder_create(&r, &f, NULL, "trace", &all);
	recorder_finish(&r);
	recorder_create(&other, &f, path, "other", &all);
	assert_true(other.attach->ring.swap);
	recorder_finish(&other);
	assert_reads(&other, events);
	listen(r.directory, &said);
	listen(other.directory, &said_other);
	assert_string_equal(said.first, said_other.first);
	assert_string_equal(said.last, said_other.last);
	fixture_destroy(&f);
}

/* The page that was open at the start holds only what came later. */
static void test_from_now(void **state)
{
	struct fixture f;
	struct recorder r;
	struct said said;

	(void)state;
	fixture_create(&f, 512, 8, TW_RING_OVERWRITE);
	write_mixed(&f, 40);
	tw_writer_discard(&f.ring, &f.writers[0]);
	recorder_create(&r, &f, NULL, "trace", &from_now);
	fixture_emit_as(&f, 0, 0, EVENT_WORDS, 1000);
	fixture_emit_as(&f, 1, 0, EVENT_WORDS, 1001);
	recorder_pass(&r);
	for (int i = 0; i < 50; i++)
		fixture_emit_as(&f, 0, 0, EVENT_WORDS, 1002);
	recorder_finish(&r);
	/* Discards before the start would be a complaint. */
	assert_reads(&r, 52);
	listen(r.directory, &said);
	assert_non_null(strstr(said.first, "[1700000000.000000"));
	assert_non_null(strstr(said.first, "text 1000"));
	fixture_destroy(&f);
}

/* Packets of a loss are announced, and what is there is read. */
static void test_loss_is_seen(void **state)
{
	struct fixture f;
	struct recorder r;
	struct said said;
	struct tw_ctf_totals totals;

	(void)state;
	fixture_create(&f, 512, 4, TW_RING_OVERWRITE);
	recorder_create(&r, &f, NULL, "trace", &all);
	for (int i = 0; i < 20; i++)
		fixture_emit(&f, 0);
	recorder_pass(&r);
	for (int i = 0; i < 500; i++)
		fixture_emit(&f, 0);
	assert_true(tw_drain_finish(r.drain, tw_ctf_write, r.ctf) >= 0);
	tw_ctf_totals(r.ctf, &totals);
	assert_true(totals.lost > 0);
	assert_int_equal(totals.events + totals.lost, f.written[0]);
	assert_int_equal(tw_ctf_detach(r.ctf), 0);
	assert_int_equal(tw_ctf_describe(r.ctf, &r.timebase, true), 0);
	listen(r.directory, &said);
	assert_int_equal(said.lines, totals.events);
	assert_int_equal(said.complaints, 1);
	recorder_kill(&r);
	fixture_destroy(&f);
}

/* Killed at any time, what is there can be read. */
static void test_killed(void **state)
{
	struct fixture f;
	struct recorder r;
	uint64_t events;

	(void)state;
	fixture_create(&f, 512, 64, TW_RING_OVERWRITE);
	recorder_create(&r, &f, NULL, "empty", &all);
	recorder_kill(&r);
	assert_reads(&r, 0);
	recorder_create(&r, &f, NULL, "trace", &all);
	for (int i = 0; i < 100; i++)
		fixture_emit(&f, 5);
	recorder_pass(&r);
	events = 100 / 14 * 14;
	recorder_kill(&r);
	assert_reads(&r, events);
	fixture_destroy(&f);
}

/* Events of a group that came after the last look are declared in time. */
static void test_late_group(void **state)
{
	struct fixture f;
	struct recorder r;
	uint32_t id_base;

	(void)state;
	fixture_create(&f, 512, 64, TW_RING_OVERWRITE);
	recorder_create(&r, &f, NULL, "trace", &all);
	id_base = fixture_add_group(&f, true);
	for (int i = 0; i < 30; i++)
		fixture_emit_as(&f, 0, id_base, EVENT_NUMBER, 3);
	assert_true(tw_drain_pass(r.drain, 0, tw_ctf_write, r.ctf) > 0);
	recorder_kill(&r);
	assert_reads(&r, 28);
	fixture_destroy(&f);
}

/* Events that no schema declares: left out, and counted as lost. */
static void test_unreadable_group(void **state)
{
	struct fixture f;
	struct recorder r;
	struct tw_ctf_totals totals;
	uint32_t id_base;

	(void)state;
	fixture_create(&f, 512, 64, TW_RING_OVERWRITE);
	id_base = fixture_add_group(&f, false);
	for (int i = 0; i < 20; i++)
		fixture_emit(&f, 0);
	fixture_emit_as(&f, 0, id_base, EVENT_NUMBER, 3);
	fixture_emit(&f, 0);
	fixture_emit(&f, 1);
	recorder_create(&r, &f, NULL, "trace", &all);
	assert_true(tw_drain_finish(r.drain, tw_ctf_write, r.ctf) >= 0);
	tw_ctf_totals(r.ctf, &totals);
	assert_int_equal(totals.events, 21);
	assert_int_equal(totals.lost, 2);
	recorder_kill(&r);
	assert_reads(&r, 21);
	fixture_destroy(&f);
}

/* The disk is full within a packet: the file ends with the one before. */
static void test_disk_full(void **state)
{
	struct rlimit before, limit;
	struct fixture f;
	struct recorder r;
	struct said said;

	(void)state;
	fixture_create(&f, 512, 64, TW_RING_OVERWRITE);
	recorder_create(&r, &f, NULL, "trace", &all);
	for (int i = 0; i < 20 * 14; i++)
		fixture_emit(&f, 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	/* A packet of 14 events takes 480 bytes: the ninth is cut. */
	limit.rlim_cur = 480 * 8 + 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(recorder_pass(&r), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(tw_ctf_why(r.ctf), "lane-0: cannot write: "));
	assert_int_equal(file_size(&r, "lane-0"), 480 * 8);
	if (has_babeltrace()) {
		listen(r.directory, &said);
		assert_int_equal(said.lines, 8 * 14);
		assert_int_equal(said.complaints, 0);
	}
	/* There is room again: it goes on where it was. */
	assert_true(recorder_pass(&r) > 0);
	recorder_finish(&r);
	assert_int_equal(file_size(&r, "lane-0"), 480 * 20);
	fixture_destroy(&f);
}

static void test_directories(void **state)
{
	const struct tw_ctf_guest guest = {.epoch = 7, .place = 4096};
	struct fixture f;
	struct recorder r;
	struct tw_ctf *second;
	struct tw_attach_error error;
	char path[256];
	struct stat status;

	(void)state;
	fixture_create(&f, 512, 8, TW_RING_OVERWRITE);
	strcpy((char *)f.ring.control->name, "../.a b/c");
	fixture_path(&f, path, sizeof(path), "empty");
	assert_int_equal(mkdir(path, 0755), 0);
	recorder_create(&r, &f, NULL, "empty", &all);
	/* No name leads out of the directory, or hides in it. */
	assert_string_equal(tw_ctf_path(r.ctf) + strlen(r.directory),
			    "/_._.a_b_c-4194304");
	assert_int_equal(tw_ctf_create(r.directory, r.attach, r.drain,
				       &r.timebase, NULL, &second, &error),
			 0);
	assert_string_equal(tw_ctf_path(second) + strlen(r.directory),
			    "/_._.a_b_c-4194304.2");
	tw_ctf_destroy(second);
	/* An epoch of a firmware, which has no pid, and the same of another. */
	r.attach->ring.control.pid = 0;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tw_ctf_create(r.directory, r.attach, r.drain,
					       &r.timebase, &guest, &second,
					       &error),
				 0);
		assert_string_equal(tw_ctf_path(second) + strlen(r.directory),
				    i ? "/_._.a_b_c-epoch7.2"
				      : "/_._.a_b_c-epoch7");
		tw_ctf_destroy(second);
	}
	assert_int_equal(stat(tw_ctf_path(r.ctf), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(tw_trace_directory_create(r.directory, &error),
			 -ENOTEMPTY);
	assert_non_null(strstr(error.text, "not empty"));
	fixture_path(&f, path, sizeof(path), "a/b");
	assert_int_equal(tw_trace_directory_create(path, &error), -ENOENT);
	fixture_path(&f, path, sizeof(path), "fixture.1.ring");
	assert_int_equal(tw_trace_directory_create(path, &error), -ENOTDIR);
	recorder_kill(&r);
	fixture_destroy(&f);
}

/* What a broken ring says of itself reaches no header. */
static void test_broken_headers(void **state)
{
	struct fixture f;
	struct recorder r;
	struct tw_page *page;
	struct tw_trace *trace;
	struct tw_attach_error error;
	const struct tw_record *record;
	int events = 0;

	(void)state;
	fixture_create(&f, 512, 16, TW_RING_OVERWRITE);
	for (int i = 0; i < 5 * 14 + 1; i++)
		fixture_emit(&f, 0);
	for (int i = 0; i < 5; i++) {
		page = (void *)(f.ring.pages + i * 512);
		page->packet_size = i ? 0 : 7;
		page->stream_id = 3;
		/* Ends before the next one begins no more. */
		page->timestamp_end = page->timestamp_begin + 13;
	}
	recorder_create(&r, &f, NULL, "trace", &all);
	recorder_finish(&r);
	assert_reads(&r, 71);
	/* Our own reader minds the uuid, too. */
	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(tw_trace_add_directory(trace, r.directory, &error), 0);
	while (tw_trace_next(trace, &record) == 1)
		events++;
	assert_int_equal(events, 71);
	tw_trace_destroy(trace);
	fixture_destroy(&f);
}

/* More lanes than files may be open at a time. */
static void test_few_files(void **state)
{
	struct rlimit before, limit;
	struct fixture f;
	struct recorder r;
	int fd;

	(void)state;
	fixture_create(&f, 512, 64, TW_RING_OVERWRITE);
	recorder_create(&r, &f, NULL, "trace", &all);
	fd = open("/dev/null", O_RDONLY);
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)fd + 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < 40; i++)
		for (uint32_t lane = 0; lane < FIXTURE_LANES; lane++)
			fixture_emit(&f, lane);
	assert_true(recorder_pass(&r) > 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	recorder_finish(&r);
	if (has_babeltrace())
		assert_reads(&r, 40 * FIXTURE_LANES);
	assert_true(file_size(&r, "lane-0") > 480);
	fixture_destroy(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_few_files),
	};
	const struct CMUnitTest with_babeltrace[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_names_and_values),
		cmocka_unit_test(test_other_byte_order),
		cmocka_unit_test(test_from_now),
		cmocka_unit_test(test_loss_is_seen),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_late_group),
		cmocka_unit_test(test_unreadable_group),
		cmocka_unit_test(test_broken_headers),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (failed)
		return failed;
	if (!has_babeltrace()) {
		puts("babeltrace2 is not installed: its half is skipped");
		return 77;
	}
	return cmocka_run_group_tests(with_babeltrace, NULL, NULL);
}
