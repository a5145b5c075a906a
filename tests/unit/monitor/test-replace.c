/* SPDX-License-Identifier: MIT */
/*
 * A target whose ring another one takes the place of, as a guest's after a
 * reset: what clients see of both, and what "trace off" means to the new one.
 */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct scene scene;
static struct fixture *ring;

static int setup(void **state)
{
	scene_create(&scene, "live");
	ring = scene_fixture(&scene, "live");
	return 0;
}

static int teardown(void **state)
{
	scene_destroy(&scene);
	return 0;
}

static struct tw_monitor_client *new_client(void)
{
	struct tw_monitor_client *client;

	assert_int_equal(tw_monitor_client_create(scene.monitor,
						  TW_MONITOR_TEXT, &client),
			 0);
	return client;
}

/* What is answered to a line, until the next call. */
static const char *ask(struct tw_monitor_client *client, const char *line)
{
	static char answer[4096];
	size_t size = strlen(line);

	assert_int_equal(tw_monitor_feed(client, line, size), size);
	size = tw_monitor_pull(client, answer, sizeof(answer) - 1);
	assert_false(tw_monitor_has_output(client));
	answer[size] = '\0';
	return answer;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* The guest begins anew, with this event on alone, and the monitor is told. */
static void reset(uint32_t on)
{
	struct tw_attach *before = scene.targets[0].attach;
	struct tw_attach *attach;

	fixture_reset(ring);
	ring->ring.control->clock_kind = TW_CLOCK_OTHER;
	ring->ring.control->pid = (uint32_t)getpid();
	attach = fixture_attach(ring, NULL);
	for (uint32_t id = 0; id < FIXTURE_EVENTS; id++)
		assert_int_equal(
			tw_attach_set_event_state(attach, id, id == on), 0);
	tw_monitor_replace(scene.monitor, 0, attach);
	tw_attach_close(before);
	scene.targets[0].attach = attach;
}

static int state_of(uint32_t id)
{
	return tw_attach_event_state(scene.targets[0].attach, id);
}

/* Each client sees all of the new ring, whatever it has seen of the old. */
static void test_events(void **state)
{
	struct tw_monitor_client *one = new_client();
	struct tw_monitor_client *two = new_client();

	fixture_emit(ring, 0);
	fixture_emit(ring, 0);
	assert_int_equal(count_lines(ask(one, "info trace\n")), 2);
	reset(EVENT_NUMBER);
	fixture_emit(ring, 0);
	fixture_emit(ring, 0);
	fixture_emit(ring, 0);
	assert_int_equal(count_lines(ask(one, "info trace\n")), 3);
	assert_int_equal(count_lines(ask(two, "info trace\n")), 3);
	assert_string_equal(ask(one, "info trace\n"), "");
	tw_monitor_client_destroy(one);
	tw_monitor_client_destroy(two);
}

static void test_states(void **state)
{
	struct tw_monitor_client *client = new_client();

	assert_string_equal(ask(client, "tracepoint number on\n"), "");
	reset(EVENT_WORDS);
	assert_string_equal(ask(client, "info trace-events number\n"),
			    "number : state 0\n");
	assert_string_equal(ask(client, "tracepoint number on\n"), "");
	assert_int_equal(state_of(EVENT_NUMBER), 1);
	tw_monitor_client_destroy(client);
}

/* What was held of the old ring is forgotten, what the new one has on is held.
 */
static void test_off(void **state)
{
	struct tw_monitor_client *client = new_client();

	ask(client, "tracepoint number on\ntrace off\n");
	reset(EVENT_WORDS);
	assert_int_equal(state_of(EVENT_WORDS), 0);
	assert_string_equal(ask(client, "info trace-events\n"),
			    "number : state 0\n"
			    "words : state 1\n"
			    "nothing : state 0\n");
	ask(client, "trace on\n");
	assert_int_equal(state_of(EVENT_WORDS), 1);
	assert_int_equal(state_of(EVENT_NUMBER), 0);
	tw_monitor_client_destroy(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
