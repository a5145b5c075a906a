/* SPDX-License-Identifier: MIT */
/*
 * Clients that behave badly, and how much is kept for them: half lines, lines
 * of 100 MB, NULs, garbage, no wish to read. After each of them the monitor
 * still answers. And what a transcript is too short for: events that were lost.
 */
#include "scene.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BIG (100u << 20)
#define KEPT_MAX (1u << 20) /* bytes: far less than what is sent */

static struct scene scene;
static struct tw_monitor_client *client;
static char answer[1 << 20];
static size_t answer_size;

static int setup(void **state)
{
	scene_create(&scene, "live");
	return 0;
}

static int teardown(void **state)
{
	scene_destroy(&scene);
	return 0;
}

static void open_client(enum tw_monitor_form form)
{
	assert_int_equal(tw_monitor_client_create(scene.monitor, form, &client),
			 0);
	answer_size = 0;
}

/* Keep the beginning of the answers, and count all. */
static size_t pull_all(void)
{
	static char buffer[65536];
	size_t all = 0;
	size_t size;

	while ((size = tw_monitor_pull(client, buffer, sizeof(buffer)))) {
		const size_t room = sizeof(answer) - 1 - answer_size;
		const size_t kept = size < room ? size : room;

		memcpy(answer + answer_size, buffer, kept);
		answer_size += kept;
		all += size;
	}
	answer[answer_size] = '\0';
	return all;
}

static void say(const char *bytes, size_t size)
{
	while (size) {
		const size_t taken = tw_monitor_feed(client, bytes, size);

		bytes += taken;
		size -= taken;
		if (!taken)
			assert_true(pull_all() > 0);
	}
	pull_all();
}

static void expect(const char *line, const char *expected)
{
	answer_size = 0;
	say(line, strlen(line));
	assert_string_equal(answer, expected);
}

/* It is as good as new. */
static void expect_text_works(void)
{
	expect("info trace-events number\n", "number : state 0\n");
	tw_monitor_client_destroy(client);
}

#define QUERY                                                      \
	"{\"execute\": \"trace-event-get-state\", \"arguments\": " \
	"{\"name\": \"number\"}}\n"
#define STATE                                              \
	"{\"return\": [{\"name\": \"number\", \"state\": " \
	"\"disabled\"}]}\r\n"

static void open_json(void)
{
	open_client(TW_MONITOR_JSON);
	expect("{\"execute\": \"qmp_capabilities\"}\n",
	       strcat(strcpy((char[256]){0},
			     "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": "
			     "0, "
			     "\"minor\": 1, \"major\": 0}, \"package\": "
			     "\"trackway 0.1.0\"}, \"capabilities\": []}}\r\n"),
		      "{\"return\": {}}\r\n"));
}

static void expect_json_works(void)
{
	expect(QUERY, STATE);
	tw_monitor_client_destroy(client);
}

static size_t heap(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* size bytes in chunks; memory does not grow with them. */
static void say_much(const char *chunk, size_t chunk_size, size_t size)
{
	const size_t before = heap();

	for (size_t sent = 0; sent < size; sent += chunk_size) {
		say(chunk, chunk_size);
		assert_true(heap() < before + KEPT_MAX);
	}
}

/* ---- Text ---- */

static void test_long_line(void **state)
{
	static char chunk[1 << 16];

	memset(chunk, 'x', sizeof(chunk));
	open_client(TW_MONITOR_TEXT);
	say_much(chunk, sizeof(chunk), BIG);
	assert_int_equal(answer_size, 0);
	expect("\n", "line too long\n");
	/* The longest there may be is a line, and one more is not. */
	say(chunk, TW_MONITOR_INPUT_MAX - 1);
	say("y\n", 2);
	assert_non_null(strstr(answer, "unknown command: 'xxx"));
	assert_non_null(strstr(answer, "xxxy'\n"));
	answer_size = 0;
	say(chunk, TW_MONITOR_INPUT_MAX);
	expect("y\n", "line too long\n");
	expect_text_works();
}

static void test_control_bytes(void **state)
{
	static const char nul[] = "info\0 trace-\x1b[Aevents\r\x07 number\n";

	open_client(TW_MONITOR_TEXT);
	say(nul, sizeof(nul) - 1);
	assert_string_equal(answer, "unknown command: 'info trace-[Aevents'\n");
	answer_size = 0;
	say("\0in\0fo\0 trace-events number\r\n\0\n", 32);
	assert_string_equal(answer, "number : state 0\n");
	/* What goes to somebody's terminal does nothing to it. */
	expect("\xff\x9b[2J\n", "unknown command: '\\xff\\x9b[2J'\n");
	expect_text_works();
}

static void test_half_line(void **state)
{
	open_client(TW_MONITOR_TEXT);
	say("info trace-events nu", 20);
	assert_int_equal(answer_size, 0);
	say("mber", 4);
	assert_int_equal(answer_size, 0);
	tw_monitor_feed_end(client);
	pull_all();
	assert_string_equal(answer, "number : state 0\n");
	assert_true(tw_monitor_is_over(client));
	assert_int_equal(tw_monitor_feed(client, "help\n", 5), 0);
	tw_monitor_client_destroy(client);
}

static uint32_t seed = 1;

static char random_byte(void)
{
	seed = seed * 1664525 + 1013904223;
	return (char)(seed >> 24);
}

static void test_garbage(void **state)
{
	static char chunk[1 << 16];

	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = random_byte();
	open_client(TW_MONITOR_TEXT);
	say_much(chunk, sizeof(chunk), 1 << 20);
	say("\n", 1);
	expect_text_works();
}

/* It takes no more than it can answer. */
static void test_never_reads(void **state)
{
	static const char line[] = "help\n";
	const size_t before = heap();
	size_t taken = 1;
	size_t all = 0;

	open_client(TW_MONITOR_TEXT);
	for (int i = 0; taken && i < 1000000; i++) {
		taken = tw_monitor_feed(client, line, sizeof(line) - 1);
		all += taken;
	}
	assert_int_equal(taken, 0);
	assert_true(all > sizeof(line));
	assert_true(heap() < before + KEPT_MAX);
	assert_true(tw_monitor_has_output(client));
	pull_all();
	expect_text_works();
}

/* ---- JSON ---- */

static void test_long_value(void **state)
{
	static const char limit[] =
		"{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON "
		"token size limit exceeded\"}}\r\n";
	static char chunk[1 << 16];

	memset(chunk, 'x', sizeof(chunk));
	open_json();
	answer_size = 0;
	say("{\"execute\": \"", 13);
	say_much(chunk, sizeof(chunk), BIG);
	assert_int_equal(answer_size, 0);
	say("\"}", 2);
	assert_string_equal(answer, limit);
	answer_size = 0;
	say_much(chunk, sizeof(chunk), BIG);
	expect("\n", limit);
	expect_json_works();
}

static void test_deep_value(void **state)
{
	static char chunk[1 << 16];

	memset(chunk, '[', sizeof(chunk));
	open_json();
	answer_size = 0;
	say_much(chunk, sizeof(chunk), BIG);
	assert_string_equal(
		answer, "{\"error\": {\"class\": \"GenericError\", \"desc\": "
			"\"JSON nesting depth limit exceeded\"}}\r\n");
	expect("\n", "");
	assert_int_equal(answer_size, 0);
	expect_json_works();
}

/* Many small values take a hundred times the memory of their bytes, and a
 * client that doesn't read the answer would have it held. */
static void test_many_values(void **state)
{
	static char request[60000];
	size_t size = (size_t)sprintf(request, "{\"id\": [{}");

	open_json();
	while (size < 50000)
		size += (size_t)sprintf(request + size, ",{}");
	strcpy(request + size, "], \"execute\": \"query-commands\"}");
	assert_int_equal(tw_monitor_feed(client, request, strlen(request)),
			 strlen(request));
	answer_size = 0;
	pull_all();
	assert_string_equal(
		answer, "{\"error\": {\"class\": \"GenericError\", \"desc\": "
			"\"JSON token count limit exceeded\"}}\r\n");
	expect("\n", "");
	expect_json_works();
}

static void test_json_garbage(void **state)
{
	static char chunk[1 << 16];

	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = random_byte();
	open_json();
	say_much(chunk, sizeof(chunk), 1 << 20);
	/* As a client does that doesn't know where the other side stands. */
	say("\xff", 1);
	expect_json_works();
}

static void test_json_flush(void **state)
{
	static const char stray[] =
		"{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON "
		"parse error, stray '\\uFFFD'\"}}\r\n";

	open_json();
	expect("{\"execute\": [[\"half\xff", stray);
	expect(QUERY, STATE);
	expect("\xff", stray);
	expect_json_works();
}

static void test_json_nul(void **state)
{
	open_json();
	answer_size = 0;
	say("\0{\"execute\": \"x\0y\"}\n", 20);
	assert_non_null(strstr(answer, "JSON parse error"));
	assert_null(strstr(answer, "return"));
	expect("{\"execute\": \"x\\u0000y\"}\n",
	       "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON "
	       "parse error, \\\\u0000 in a string\"}}\r\n");
	expect_json_works();
}

/* ---- Loss ---- */

static unsigned long count_lines(const char *with)
{
	unsigned long count = 0;
	const char *at = answer;

	while ((at = strstr(at, with))) {
		at++;
		count++;
	}
	return count;
}

static void test_loss(void **state)
{
	struct fixture *f = scene_fixture(&scene, "live");
	unsigned long shown, lost = 0;
	const char *at;

	/* What was overwritten before the first look is not told. */
	for (int i = 0; i < 2000; i++)
		fixture_emit(f, 0);
	open_client(TW_MONITOR_TEXT);
	say("info trace\n", 11);
	shown = count_lines(":number lane=0 n=");
	assert_true(shown > 100 && shown < 2000);
	assert_non_null(strstr(answer, " n=1999 "));
	assert_null(strstr(answer, "lost"));
	/* From then on every event is shown or counted. */
	for (int i = 0; i < 3000; i++)
		fixture_emit(f, 0);
	answer_size = 0;
	say("info trace\n", 11);
	shown = count_lines(":number lane=0 n=");
	at = strstr(answer, ": ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, ": %lu events lost\n", &lost), 1);
	assert_int_equal(shown + lost, 3000);
	tw_monitor_client_destroy(client);
}

/* A long answer waits for who is to pull it, and no copy of it is made. */
static void test_slow_reader(void **state)
{
	struct fixture *f = scene_fixture(&scene, "live");
	size_t before;
	size_t all = 0;
	char buffer[1000];
	size_t size;

	for (int i = 0; i < 2000; i++)
		fixture_emit(f, 0);
	open_client(TW_MONITOR_TEXT);
	before = heap();
	assert_int_equal(tw_monitor_feed(client, "info trace -x\nhelp\n", 19),
			 14);
	assert_true(heap() < before + f->size + KEPT_MAX);
	assert_int_equal(tw_monitor_feed(client, "help\n", 5), 0);
	while ((size = tw_monitor_pull(client, buffer, sizeof(buffer))))
		all += size;
	assert_true(all > 40000);
	expect_text_works();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_long_line, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_control_bytes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_half_line, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_reads, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_long_value, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_deep_value, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_many_values, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_json_garbage, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_json_flush, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_json_nul, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
