/* SPDX-License-Identifier: MIT */
/*
 * A program that has a monitor in it, linked as such programs are: with the
 * shared library, and with libtrackway for events of its own. Run with
 * TRACKWAY=manual, so that there is no ring before a test starts one.
 */
#include <trackway/monitor.h>
#include <trackway/trackway.h>

#include "../attach/guest.h"
#include "../trace/fixture.h"
#include "trace.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/trackway-open-XXXXXX";
static struct tw_monitor *monitor;
static struct tw_monitor_client *client;
static char why[512];
static char answer[4096];

static void start_runtime(void)
{
	const struct tw_runtime_options options = {
		.size = sizeof(options),
		.name = "embedder",
		.directory = directory,
	};

	assert_int_equal(tw_runtime_start(&options), 0);
}

static int stop_all(void **state)
{
	tw_monitor_client_destroy(client);
	client = NULL;
	tw_monitor_destroy(monitor);
	monitor = NULL;
	tw_runtime_stop();
	return 0;
}

static void open_own(enum tw_monitor_form form)
{
	why[0] = '\0';
	if (tw_monitor_open(NULL, 0, &monitor, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(tw_monitor_client_create(monitor, form, &client), 0);
}

static void pull(void)
{
	size_t size = 0;
	size_t got;

	while ((got = tw_monitor_pull(client, answer + size,
				      sizeof(answer) - 1 - size)))
		size += got;
	answer[size] = '\0';
}

static void say(const char *line)
{
	assert_int_equal(tw_monitor_feed(client, line, strlen(line)),
			 strlen(line));
	pull();
}

/* ---- This process ---- */

static void test_no_ring(void **state)
{
	assert_int_equal(tw_monitor_open(NULL, 0, &monitor, why, sizeof(why)),
			 -ENOENT);
	assert_string_equal(why, "this process has no ring: not started: "
				 "TRACKWAY=manual");
}

static void test_own(void **state)
{
	start_runtime();
	open_own(TW_MONITOR_TEXT);
	say("info trace-events\n");
	assert_string_equal(answer, "hello : state 0\n");
	trace_hello(1);
	say("trace-event hello on\n");
	assert_string_equal(answer, "");
	assert_true(trace_hello_enabled());
	trace_hello(42);
	say("info trace\n");
	assert_non_null(strstr(answer, ":hello number 42\n"));
	assert_null(strstr(answer, "number 1\n"));
	assert_int_equal(tw_monitor_client_timeout(client), -1);
}

static void test_own_followed(void **state)
{
	start_runtime();
	open_own(TW_MONITOR_JSON);
	tw_event_apply("hello");
	trace_hello(1);
	say("{\"execute\": \"qmp_capabilities\"}");
	say("{\"execute\": \"x-trackway-follow\", \"arguments\": "
	    "{\"enable\": true}}");
	trace_hello(2);
	assert_true(tw_monitor_client_timeout(client) >= 0);
	tw_monitor_client_poll(client);
	assert_true(tw_monitor_has_output(client));
	pull();
	assert_non_null(strstr(answer, "\"event\": \"X_TRACKWAY_TRACE\""));
	assert_non_null(strstr(answer, "\"target\": \"embedder\""));
	assert_non_null(strstr(answer, "\"message\": \"number 2\""));
	assert_null(strstr(answer, "number 1"));
	/* The ring ends with what the program says last. */
	trace_hello(3);
	tw_runtime_stop();
	tw_monitor_client_poll(client);
	pull();
	assert_non_null(strstr(answer, "\"message\": \"number 3\""));
	assert_int_equal(tw_monitor_client_timeout(client), -1);
}

static void test_own_off_stays_off(void **state)
{
	start_runtime();
	open_own(TW_MONITOR_TEXT);
	tw_event_apply("hello");
	say("trace off\n");
	assert_false(trace_hello_enabled());
	say("trace on\n");
	assert_true(trace_hello_enabled());
	say("trace off\n");
	tw_monitor_client_destroy(client);
	tw_monitor_destroy(monitor);
	client = NULL;
	monitor = NULL;
	assert_false(trace_hello_enabled());
	/* Another one knows nothing of that. */
	open_own(TW_MONITOR_TEXT);
	say("info trace-events\ntrace on\n");
	assert_string_equal(answer, "hello : state 0\n");
	assert_false(trace_hello_enabled());
}

/* ---- Others ---- */

static void expect_failure(const char *target, int code, const char *says)
{
	why[0] = '\0';
	assert_int_equal(
		tw_monitor_open(&target, 1, &monitor, why, sizeof(why)), code);
	assert_non_null(strstr(why, says));
	assert_null(strchr(why, '\n'));
	assert_null(monitor);
}

static void test_failures(void **state)
{
	static const char *const targets[] = {"no-such-program"};
	char cut[8];

	expect_failure("no-such-program", -ENOENT, "no-such-program");
	expect_failure("ring:/dev/null", -EINVAL, "/dev/null");
	expect_failure("", -EINVAL, "empty");
	expect_failure("channel:/dev/null", -EINVAL, "channel:/dev/null: ");
	expect_failure("ram:/no/such/file", -ENOENT, "/no/such/file");
	expect_failure("vm:0", -ESRCH, "vm:0");
	memset(cut, 'x', sizeof(cut));
	assert_true(tw_monitor_open(targets, 1, &monitor, cut, sizeof(cut)) <
		    0);
	assert_int_equal(strlen(cut), sizeof(cut) - 1);
	assert_true(tw_monitor_open(targets, 1, &monitor, NULL, 0) < 0);
}

/* By its pid, and by its file; of a name that two have. */
static void test_several(void **state)
{
	char pid[32], path[PATH_MAX + 8], expected[256];
	const char *targets[] = {pid, path, "no-such-program"};
	const long own = (long)getpid();

	start_runtime();
	snprintf(pid, sizeof(pid), "pid:%ld", own);
	snprintf(path, sizeof(path), "ring:%s", tw_runtime_path());
	assert_true(tw_monitor_open(targets, 3, &monitor, why, sizeof(why)) <
		    0);
	assert_int_equal(
		tw_monitor_open(targets, 2, &monitor, why, sizeof(why)), 0);
	assert_int_equal(
		tw_monitor_client_create(monitor, TW_MONITOR_TEXT, &client), 0);
	say("info trace-events\n");
	snprintf(expected, sizeof(expected),
		 "embedder.%ld:hello : state 0\n"
		 "embedder.%ld.2:hello : state 0\n",
		 own, own);
	assert_string_equal(answer, expected);
	say("trace-event *.2:hello on\n");
	assert_true(trace_hello_enabled());
}

/* It has its own ring once it has emitted. */
static int be_child(void)
{
	bool is_right;

	trace_hello(7);
	if (tw_monitor_open(NULL, 0, &monitor, why, sizeof(why)) ||
	    tw_monitor_client_create(monitor, TW_MONITOR_TEXT, &client) ||
	    tw_monitor_feed(client, "info trace\n", 11) != 11)
		return 1;
	pull();
	is_right = strstr(answer, "number 7\n") &&
		   !strstr(answer, "number 1\n");
	stop_all(NULL);
	return is_right ? 0 : 2;
}

static void test_child(void **state)
{
	int status;
	pid_t pid;

	start_runtime();
	tw_event_apply("hello");
	trace_hello(1);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(be_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define MEMORY_SIZE (1u << 20)

/* Returns where the state of its demo_stop is, which is on at first if so
 * wanted. */
static size_t put_boot(struct guest *guest, size_t at, const char *name,
		       uint8_t uuid, bool is_on)
{
	struct made_ring ring;
	size_t stop;

	made_ring_init(&ring, false, name, 1, 0);
	memset(ring.bytes + offsetof(struct tw_ring_control, uuid), uuid, 16);
	memset(ring.bytes + ring.states_offset + 8, uuid, 16);
	stop = ring.states_offset + TW_STATES_HEADER + 1;
	ring.bytes[stop] = is_on;
	guest_put(guest, at, &ring);
	made_ring_free(&ring);
	return at + stop;
}

static void put_ring(struct guest *guest, size_t at, const char *name)
{
	put_boot(guest, at, name, (uint8_t)*name, false);
}

/* All rings that are in a guest's memory. */
static void test_guest(void **state)
{
	struct test_dir dir;
	struct guest guest;
	const char *target = guest.spec;

	assert_int_equal(test_dir_create(&dir), 0);
	for (int kind = GUEST_RAM; kind <= GUEST_IMAGE; kind++) {
		guest_start(&guest, kind, &dir, MEMORY_SIZE);
		expect_failure(target, -ENOENT, target);
		put_ring(&guest, 0x10000, "firmware");
		put_ring(&guest, 0x80000, "kernel");
		if (tw_monitor_open(&target, 1, &monitor, why, sizeof(why)))
			fail_msg("%s", why);
		assert_int_equal(tw_monitor_client_create(
					 monitor, TW_MONITOR_TEXT, &client),
				 0);
		say("trace-event kernel:demo_stop on\n"
		    "info trace-events *:demo_stop\n");
		assert_string_equal(
			answer,
			kind == GUEST_RAM
				? "firmware:demo_stop : state 0\n"
				  "kernel:demo_stop : state 1\n"
				: "cannot switch \"kernel:demo_stop\": kernel "
				  "(1) has ended\n"
				  "firmware:demo_stop : state 0\n"
				  "kernel:demo_stop : state 0\n");
		stop_all(NULL);
		guest_stop(&guest);
	}
	assert_int_equal(test_dir_remove(&dir), 0);
}

#define TRIES 6000 /* of 10 ms */

static void nap(void)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	nanosleep(&pause, NULL);
}

/* What comes to be the answer to a line. */
static void expect_in_time(const char *line, const char *expected)
{
	for (int i = 0; i < TRIES; i++) {
		say(line);
		if (!strcmp(answer, expected))
			return;
		nap();
	}
	assert_string_equal(answer, expected);
}

#define FIRMWARE_AT 0x10000
#define KERNEL_AT 0x80000
#define LATER_AT 0xc0000

static void open_two(struct guest *guest)
{
	const char *target = guest->spec;

	put_ring(guest, FIRMWARE_AT, "firmware");
	put_ring(guest, KERNEL_AT, "kernel");
	if (tw_monitor_open(&target, 1, &monitor, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(
		tw_monitor_client_create(monitor, TW_MONITOR_TEXT, &client), 0);
	say("trace-event *:demo_stop on\n");
	assert_string_equal(answer, "");
}

/* A ring goes and comes again, at its place or at another. */
static void reset_and_find(struct guest *guest)
{
	size_t stop;

	open_two(guest);
	memset(guest->bytes + FIRMWARE_AT, 0, sizeof(struct tw_ring_control));
	say("trace-event firmware:demo_stop off\n");
	assert_string_equal(answer, "cannot switch \"firmware:demo_stop\": "
				    "firmware (1) has ended\n");
	for (uint8_t boot = 1; boot <= 3; boot++) {
		const size_t at = boot == 2 ? LATER_AT : FIRMWARE_AT;

		/* Where it was, but nobody's successor. */
		if (at != FIRMWARE_AT)
			put_ring(guest, FIRMWARE_AT, "another");
		stop = put_boot(guest, at, "firmware", boot, false);
		expect_in_time("trace-event firmware:demo_stop on\n", "");
		assert_int_equal(guest->bytes[stop], 1);
		say("info trace-events *:demo_stop\n");
		assert_string_equal(answer, "firmware:demo_stop : state 1\n"
					    "kernel:demo_stop : state 1\n");
		memset(guest->bytes + at, 0, sizeof(struct tw_ring_control));
	}
}

/* Without a command: what "trace off" holds is off in a new ring, too. */
static void reset_and_look(struct guest *guest)
{
	size_t stop;

	open_two(guest);
	say("trace off\n");
	stop = put_boot(guest, FIRMWARE_AT, "firmware", 1, true);
	for (int i = 0; i < TRIES && guest->bytes[stop]; i++) {
		tw_monitor_look(monitor);
		nap();
	}
	assert_int_equal(guest->bytes[stop], 0);
	say("trace on\ninfo trace-events firmware:demo_stop\n");
	assert_string_equal(answer, "firmware:demo_stop : state 1\n");
}

static void reset_guests(void (*test)(struct guest *guest))
{
	static const enum guest_kind kinds[] = {GUEST_RAM, GUEST_VM};
	struct test_dir dir;
	struct guest guest;

	assert_int_equal(test_dir_create(&dir), 0);
	for (size_t i = 0; i < 2; i++) {
		guest_start(&guest, kinds[i], &dir, MEMORY_SIZE);
		test(&guest);
		stop_all(NULL);
		guest_stop(&guest);
	}
	assert_int_equal(test_dir_remove(&dir), 0);
}

static void test_guest_reset(void **state)
{
	reset_guests(reset_and_find);
}

static void test_guest_look(void **state)
{
	reset_guests(reset_and_look);
}

/* ---- A guest that goes on writing ---- */

static void poll_for(const char *text)
{
	answer[0] = '\0';
	for (int i = 0; i < TRIES && !strstr(answer, text); i++) {
		nap();
		tw_monitor_client_poll(client);
		pull();
	}
	assert_non_null(strstr(answer, text));
}

static void follow(void)
{
	assert_int_equal(
		tw_monitor_client_create(monitor, TW_MONITOR_JSON, &client), 0);
	say("{\"execute\": \"qmp_capabilities\"}"
	    "{\"execute\": \"x-trackway-follow\", \"arguments\": "
	    "{\"enable\": true}}");
}

static void open_written(const struct fixture *written)
{
	char spec[PATH_MAX];
	const char *target = spec;

	snprintf(spec, sizeof(spec), "ram:%s", written->path);
	if (tw_monitor_open(&target, 1, &monitor, why, sizeof(why)))
		fail_msg("%s", why);
	follow();
}

static bool has_part(const struct fixture *written, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/trace/%s/metadata", written->directory,
		 name);
	return !access(path, R_OK);
}

/* Who follows hears of each boot, and a recording has a part for each, though
 * nobody says a word. */
static void test_guest_reset_followed(void **state)
{
	struct fixture written;
	char path[PATH_MAX];

	fixture_create(&written, 4096, 8, TW_RING_OVERWRITE);
	written.ring.control->pid = 0;
	open_written(&written);
	snprintf(path, sizeof(path), "%s/trace/", written.directory);
	if (tw_monitor_record(monitor, path, why, sizeof(why)))
		fail_msg("%s", why);
	fixture_emit(&written, 0);
	poll_for("lane=0 n=0 ");
	for (uint64_t n = 1; n < 3; n++) {
		fixture_reset(&written);
		/* Its producer is a firmware again. */
		written.ring.control->pid = 0;
		fixture_emit(&written, (uint32_t)n);
		poll_for(n == 1 ? "lane=1 n=0 " : "lane=2 n=0 ");
	}
	stop_all(NULL);
	assert_true(has_part(&written, "fixture-epoch1"));
	assert_true(has_part(&written, "fixture-epoch3"));
	fixture_destroy(&written);
}

static void boot_again(struct fixture *written, uint32_t lane)
{
	fixture_reset(written);
	written->ring.control->pid = 0;
	fixture_emit(written, lane);
}

/* A client that looks late, when the ring that the monitor has found is gone
 * and a third is at its place: that is told once, and not as the second. */
static void test_guest_reset_twice(void **state)
{
	struct tw_monitor_client *late;
	struct fixture written;
	uint32_t told = 0;

	fixture_create(&written, 4096, 8, TW_RING_OVERWRITE);
	written.ring.control->pid = 0;
	open_written(&written);
	late = client;
	follow();
	fixture_emit(&written, 0);
	poll_for("lane=0 n=0 ");
	boot_again(&written, 1);
	poll_for("lane=1 n=0 ");
	tw_monitor_client_destroy(client);
	client = late;
	boot_again(&written, 2);
	for (int i = 0, after = 0; i < TRIES && after < 50; i++) {
		/* At once: the monitor does not search again so soon. */
		tw_monitor_client_poll(client);
		pull();
		told += strstr(answer, "lane=2 n=0 ") != NULL;
		after += told > 0;
		nap();
	}
	assert_int_equal(told, 1);
	stop_all(NULL);
	fixture_destroy(&written);
}

#define TEST(name) cmocka_unit_test_teardown(name, stop_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_ring),
		TEST(test_own),
		TEST(test_own_followed),
		TEST(test_own_off_stays_off),
		TEST(test_failures),
		TEST(test_several),
		TEST(test_child),
		TEST(test_guest),
		TEST(test_guest_reset),
		TEST(test_guest_look),
		TEST(test_guest_reset_followed),
		TEST(test_guest_reset_twice),
	};
	int failed;

	/* Others' rings are none of ours, be it of a pid that was once used. */
	if (!mkdtemp(directory) || setenv("TRACKWAY_DIR", directory, 1)) {
		perror(directory);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (rmdir(directory)) {
		perror(directory);
		failed = 1;
	}
	return failed;
}
