/* SPDX-License-Identifier: MIT */
/*
 * A program that has a monitor in it, linked as such programs are: with the
 * shared library, and with libtrackway for events of its own. Run with
 * TRACKWAY=manual, so that there is no ring before a test starts one.
 */
#include <trackway/monitor.h>
#include <trackway/trackway.h>

#include "../attach/guest.h"
#include "trace.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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

static void put_ring(struct guest *guest, size_t at, const char *name)
{
	struct made_ring ring;

	made_ring_init(&ring, false, name, 1, 0);
	memset(ring.bytes + offsetof(struct tw_ring_control, uuid), *name, 16);
	memset(ring.bytes + ring.states_offset + 8, *name, 16);
	guest_put(guest, at, &ring);
	made_ring_free(&ring);
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

#define TEST(name) cmocka_unit_test_teardown(name, stop_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_ring),	 TEST(test_own),
		TEST(test_own_followed), TEST(test_own_off_stays_off),
		TEST(test_failures),	 TEST(test_several),
		TEST(test_child),	 TEST(test_guest),
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
