/* SPDX-License-Identifier: MIT */
/*
 * Clients that follow and behave badly: that read slowly or never, that ask for
 * much else meanwhile, or that have enough in the middle of a flood. What they
 * are told is whole lines, each event once or counted as lost, and takes no
 * more memory than one look at the rings.
 */
#include "scene.h"

#include "../../../src/monitor/client.h"

#include <jansson.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KEPT_MAX (1u << 20) /* bytes */

static struct scene scene;
static struct fixture *live;
static struct tw_monitor_client *client;

/* What was answered, line by line. */
struct told {
	uint64_t events;
	uint64_t lost;
	uint64_t returns;
	uint64_t last; /* event's n */
};
static struct told told;
static bool is_asking;

/* Another one, while it is not its turn. */
static struct tw_monitor_client *other_client;
static struct told other_told;

static char line[1 << 18];
static size_t line_size;

/* ---- Lines ---- */

static void take_event(const json_t *data)
{
	const json_t *lost = json_object_get(data, "lost");
	const char *message = json_string_value(
		json_object_get(data, "message"));
	unsigned long long number;

	if (lost) {
		told.lost += (uint64_t)json_integer_value(lost);
		return;
	}
	assert_non_null(message);
	assert_int_equal(sscanf(message, "lane=0 n=%llu", &number), 1);
	/* In order, and none twice. */
	assert_true(!told.last || number > told.last);
	told.last = number;
	told.events++;
}

/* What was asked for, where that counts as well. */
static void take_answer(const json_t *records)
{
	for (size_t i = 0; is_asking && i < json_array_size(records); i++)
		take_event(json_array_get(records, i));
}

static void take_line(void)
{
	json_t *json = json_loadb(line, line_size, 0, NULL);

	assert_non_null(json);
	if (json_object_get(json, "event")) {
		assert_string_equal(
			json_string_value(json_object_get(json, "event")),
			"X_TRACKWAY_TRACE");
		take_event(json_object_get(json, "data"));
	} else if (!json_object_get(json, "QMP")) {
		assert_non_null(json_object_get(json, "return"));
		told.returns++;
		take_answer(json_object_get(json, "return"));
	}
	json_decref(json);
}

static void take(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (line_size < sizeof(line))
			line[line_size++] = bytes[i];
		if (bytes[i] != '\n')
			continue;
		assert_true(line_size < sizeof(line));
		take_line();
		line_size = 0;
	}
}

/* Up to so many bytes. Returns how many there were. */
static size_t pull(size_t most)
{
	char buffer[1000];
	size_t all = 0;
	size_t size;

	while (all < most &&
	       (size = tw_monitor_pull(client, buffer, sizeof(buffer)))) {
		take(buffer, size);
		all += size;
	}
	return all;
}

static void say(const char *text)
{
	assert_int_equal(tw_monitor_feed(client, text, strlen(text)),
			 strlen(text));
}

#define FOLLOW(arguments)                                       \
	"{\"execute\": \"x-trackway-follow\", \"arguments\": {" \
	"\"enable\": " arguments "}}\n"

static void begin_client(void)
{
	memset(&told, 0, sizeof(told));
	line_size = 0;
	assert_int_equal(tw_monitor_client_create(scene.monitor,
						  TW_MONITOR_JSON, &client),
			 0);
	say("{\"execute\": \"qmp_capabilities\"}\n");
	say(FOLLOW("true"));
	pull(SIZE_MAX);
	assert_int_equal(told.returns, 2);
}

static int setup(void **state)
{
	scene_create(&scene, "live");
	live = scene_fixture(&scene, "live");
	begin_client();
	return 0;
}

/* It is the other one's turn, which is no client yet at first. */
static void take_turns(void)
{
	struct tw_monitor_client *client_before = client;
	const struct told told_before = told;

	client = other_client;
	told = other_told;
	other_client = client_before;
	other_told = told_before;
}

static int teardown(void **state)
{
	tw_monitor_client_destroy(client);
	tw_monitor_client_destroy(other_client);
	other_client = NULL;
	is_asking = false;
	assert_int_equal(scene.monitor->pages, 0);
	scene_destroy(&scene);
	return 0;
}

static void emit(uint64_t count)
{
	while (count--)
		assert_true(fixture_emit(live, 0));
}

/* All that is to be told, as an event loop does it. */
static void hear_all(void)
{
	do {
		tw_monitor_client_poll(client);
	} while (pull(SIZE_MAX) || !tw_monitor_client_timeout(client));
}

static size_t heap(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* ---- Tests ---- */

static void test_all_is_told_or_lost(void **state)
{
	for (int i = 0; i < 50; i++) {
		emit(7);
		hear_all();
	}
	assert_int_equal(told.events, 350);
	assert_int_equal(told.lost, 0);
	/* More than the ring takes. */
	emit(5000);
	hear_all();
	assert_true(told.events > 350 && told.lost > 0);
	assert_int_equal(told.events + told.lost, 5350);
	assert_int_equal(told.last, 5349);
}

static void test_never_reads(void **state)
{
	const size_t before = heap();

	for (int i = 0; i < 1000; i++) {
		emit(100);
		tw_monitor_client_poll(client);
		assert_true(heap() < before + live->size + KEPT_MAX);
	}
	/* It doesn't want to be asked while it has something to say. */
	assert_int_equal(tw_monitor_client_timeout(client), -1);
	hear_all();
	assert_int_equal(told.events + told.lost, 100000);
	assert_true(told.lost > 90000);
	assert_int_equal(told.last, 99999);
}

static void test_reads_slowly(void **state)
{
	for (int i = 0; i < 3000; i++) {
		emit(3);
		tw_monitor_client_poll(client);
		pull(1);
	}
	hear_all();
	assert_int_equal(told.events + told.lost, 9000);
	assert_int_equal(told.last, 8999);
}

/* What is told at a time is bounded, and the rest follows at once. */
static void test_in_portions(void **state)
{
	size_t size;

	emit(300);
	tw_monitor_client_poll(client);
	size = pull(SIZE_MAX);
	assert_true(size >= 32768 && size < 40000);
	assert_true(told.events < 300);
	assert_int_equal(tw_monitor_client_timeout(client), 0);
	assert_true(scene.monitor->pages > 0);
	hear_all();
	assert_int_equal(told.events, 300);
	assert_int_equal(scene.monitor->pages, 0);
}

/* It reads on and on, but less than comes: no more than a look's pages pile
 * up. */
static void test_falls_behind(void **state)
{
	const size_t before = heap();

	for (int i = 0; i < 300; i++) {
		emit(400);
		tw_monitor_client_poll(client);
		pull(SIZE_MAX);
		assert_true(heap() < before + 2 * live->size + KEPT_MAX);
	}
	hear_all();
	assert_int_equal(told.events + told.lost, 120000);
	assert_true(told.events > 10000);
	assert_int_equal(told.last, 119999);
}

static void test_unfollow_in_a_flood(void **state)
{
	uint64_t before;

	emit(300);
	tw_monitor_client_poll(client);
	pull(SIZE_MAX);
	before = told.events;
	say(FOLLOW("false"));
	emit(10);
	tw_monitor_client_poll(client);
	pull(SIZE_MAX);
	assert_int_equal(told.returns, 3);
	assert_int_equal(told.events, before);
	assert_int_equal(tw_monitor_client_timeout(client), -1);
	assert_int_equal(scene.monitor->pages, 0);
	/* Anew, from here on. */
	say(FOLLOW("true, \"name\": \"number\""));
	emit(1);
	hear_all();
	assert_int_equal(told.events, before + 1);
	assert_int_equal(told.last, 310);
}

/* An answer that is longer than what is made of it at a time. */
static void test_long_answer(void **state)
{
	emit(400);
	hear_all();
	say("{\"execute\": \"x-trackway-read-trace\"}");
	emit(1);
	tw_monitor_client_poll(client);
	assert_int_equal(tw_monitor_client_timeout(client), -1);
	/* It is pulled in pieces, with a poll after each. */
	while (pull(1)) {
		tw_monitor_client_poll(client);
		if (told.returns == 2)
			assert_int_equal(told.events, 400);
	}
	hear_all();
	assert_int_equal(told.returns, 3);
	assert_int_equal(told.events, 401);
}

/* How an answer was asked for is no matter of the events that come behind it:
 * take_event() wants their messages. */
static void test_asks_for_hex_meanwhile(void **state)
{
	emit(3);
	hear_all();
	say("{\"execute\": \"x-trackway-read-trace\", \"arguments\": "
	    "{\"hex\": true}}");
	pull(SIZE_MAX);
	emit(4);
	hear_all();
	assert_int_equal(told.events, 7);
}

/* Others have read out as much as may be read. */
static void test_no_pages(void **state)
{
	emit(5);
	scene.monitor->pages = TW_MONITOR_PAGES_MAX;
	tw_monitor_client_poll(client);
	assert_int_equal(pull(SIZE_MAX), 0);
	assert_true(tw_monitor_client_timeout(client) >= 0);
	scene.monitor->pages = 0;
	hear_all();
	assert_int_equal(told.events, 5);
}

/* Rings so large that pages of only so many clients have room. */
static void let_have_room(uint64_t count)
{
	scene.targets[0].attach->target.size = TW_MONITOR_PAGES_MAX / count;
}

#define LONG_AGO 0
#define NEVER (UINT64_MAX / 2)

/* Whoever never reads keeps nobody from hearing all, and loses what it has been
 * read for. */
static void test_deaf_makes_room(void **state)
{
	let_have_room(1);
	emit(300);
	tw_monitor_client_poll(client);
	client->follow.reader.held_ns = NEVER;
	take_turns();
	begin_client();
	emit(7);
	tw_monitor_client_poll(client);
	assert_int_equal(pull(SIZE_MAX), 0);
	other_client->follow.reader.held_ns = LONG_AGO;
	for (int i = 0; i < 100; i++) {
		hear_all();
		emit(3);
		tw_monitor_client_poll(other_client);
	}
	hear_all();
	assert_int_equal(told.events, 307);
	assert_int_equal(told.lost, 0);
	assert_int_equal(scene.monitor->pages, 0);
	/* It reads after all, and nothing of that was overwritten. */
	take_turns();
	assert_int_equal(tw_monitor_client_timeout(client), -1);
	hear_all();
	assert_true(told.lost > 50 && told.lost < 300);
	assert_int_equal(told.events + told.lost, 607);
	assert_int_equal(told.last, 606);
	emit(2);
	hear_all();
	assert_int_equal(told.events + told.lost, 609);
}

/* Nothing is given up in vain: some have the rest, and not for long. */
static void test_not_enough_room(void **state)
{
	const uint64_t rest = TW_MONITOR_PAGES_MAX / 2;

	let_have_room(2);
	emit(300);
	tw_monitor_client_poll(client);
	client->follow.reader.held_ns = LONG_AGO;
	scene.monitor->pages += rest;
	let_have_room(1);
	take_turns();
	begin_client();
	emit(1);
	tw_monitor_client_poll(client);
	assert_int_equal(pull(SIZE_MAX), 0);
	scene.monitor->pages -= rest;
	take_turns();
	hear_all();
	assert_int_equal(told.events, 301);
	take_turns();
	hear_all();
	assert_int_equal(told.events, 1);
	assert_int_equal(told.lost + other_told.lost, 0);
}

/* An answer of which the rest is never asked for. */
static void test_answer_makes_room(void **state)
{
	let_have_room(1);
	is_asking = true;
	say(FOLLOW("false"));
	emit(30);
	say("{\"execute\": \"x-trackway-read-trace\", \"arguments\": "
	    "{\"max\": 5}}");
	pull(SIZE_MAX);
	assert_int_equal(told.events, 5);
	client->reader.held_ns = LONG_AGO;
	take_turns();
	begin_client();
	emit(4);
	hear_all();
	assert_int_equal(told.events, 4);
	take_turns();
	assert_int_equal(told.lost, 0);
	say("{\"execute\": \"x-trackway-read-trace\"}");
	pull(SIZE_MAX);
	assert_int_equal(told.lost, 25);
	assert_int_equal(told.events, 9);
	assert_int_equal(told.last, 33);
}

/* Another ring in the place of the first. */
static void renew(struct fixture *next, uint32_t page_size)
{
	struct tw_attach *attach;

	fixture_create(next, page_size, 16, TW_RING_OVERWRITE);
	next->ring.control->pid = (uint32_t)getpid();
	attach = fixture_attach(next, NULL);
	tw_monitor_replace(scene.monitor, 0, attach);
	tw_attach_close(scene.targets[0].attach);
	scene.targets[0].attach = attach;
}

/* A guest's ring goes, and there is another one. */
static void test_renewed(void **state)
{
	struct fixture next;

	emit(3);
	fixture_close(live);
	hear_all();
	assert_int_equal(told.events, 3);
	renew(&next, 4096);
	fixture_emit(&next, 0);
	fixture_emit(&next, 0);
	told.last = 0;
	hear_all();
	assert_int_equal(told.events, 5);
	fixture_emit(&next, 0);
	hear_all();
	assert_int_equal(told.events, 6);
	assert_int_equal(told.lost, 0);
	fixture_destroy(&next);
}

/* What is passed over takes its time, too, and is not all done at once. */
static void test_much_unwanted(void **state)
{
	struct fixture next;

	renew(&next, 65536);
	say(FOLLOW("true, \"name\": \"nothing\""));
	pull(SIZE_MAX);
	for (int i = 0; i < 10000; i++)
		fixture_emit(&next, 0);
	tw_monitor_client_poll(client);
	assert_int_equal(pull(SIZE_MAX), 0);
	assert_int_equal(tw_monitor_client_timeout(client), 0);
	assert_true(scene.monitor->pages > 0);
	hear_all();
	assert_int_equal(scene.monitor->pages, 0);
	assert_int_equal(told.events + told.lost, 0);
	fixture_destroy(&next);
}

static void test_leaves_in_the_middle(void **state)
{
	emit(300);
	tw_monitor_client_poll(client);
	assert_true(scene.monitor->pages > 0);
	/* The rest is the teardown's. */
}

/* No more input, and so no more events: nobody could end them. */
static void test_end_of_input(void **state)
{
	tw_monitor_feed_end(client);
	emit(5);
	tw_monitor_client_poll(client);
	assert_int_equal(pull(SIZE_MAX), 0);
	assert_int_equal(tw_monitor_client_timeout(client), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_is_told_or_lost),
		TEST(test_never_reads),
		TEST(test_reads_slowly),
		TEST(test_in_portions),
		TEST(test_falls_behind),
		TEST(test_unfollow_in_a_flood),
		TEST(test_long_answer),
		TEST(test_asks_for_hex_meanwhile),
		TEST(test_no_pages),
		TEST(test_deaf_makes_room),
		TEST(test_not_enough_room),
		TEST(test_answer_makes_room),
		TEST(test_renewed),
		TEST(test_much_unwanted),
		TEST(test_leaves_in_the_middle),
		TEST(test_end_of_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
