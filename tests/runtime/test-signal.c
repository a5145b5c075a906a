/* SPDX-License-Identifier: MIT */
/*
 * Handlers that emit while the main flow does: no event is torn, each lane
 * keeps its order, and the counts are exact.
 */
/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ring-audit.h"
#include "step.h"
#include "traced.h"

#include <string.h>
#include <trackway/state.h>
#include <unistd.h>

#define EVENTS 10000000
#define SIGNALS 3
#define LEVELS 4

/* What has been read. A number may be on any of its thread's lanes, so each is
 * ticked off; on one lane they only grow. */
struct seen {
	uint64_t room; /* of the tables, numbers */
	uint8_t *main;
	uint8_t *handled[SIGNALS];
	uint64_t main_count;
	uint64_t handled_count[SIGNALS];
	uint64_t at_level[LEVELS];
	uint64_t main_next[AUDIT_LANES];
	uint64_t handled_next[AUDIT_LANES][SIGNALS];
};

static void tick(uint8_t *table, uint64_t number)
{
	assert_false(table[number / 8] & 1u << number % 8);
	table[number / 8] |= (uint8_t)(1u << number % 8);
}

static void on_event(void *context, const struct audit_event *event)
{
	struct seen *seen = context;
	const uint64_t source = event->values[0].u;
	const uint64_t number = event->values[1].u;
	uint64_t *next;

	assert_true(event->level < LEVELS);
	assert_true(event->values[2].u == check_of(source, number));
	assert_true(number < seen->room);
	seen->at_level[event->level]++;
	if (!strcmp(event->name, "count")) {
		assert_int_equal(event->level, 0);
		tick(seen->main, number);
		seen->main_count++;
		next = &seen->main_next[event->lane];
	} else {
		assert_string_equal(event->name, "handled");
		assert_true(source < SIGNALS);
		tick(seen->handled[source], number);
		seen->handled_count[source]++;
		next = &seen->handled_next[event->lane][source];
	}
	assert_true(number >= *next);
	*next = number + 1;
}

static struct seen *create_seen(uint64_t room)
{
	struct seen *seen = test_calloc(1, sizeof(*seen));
	unsigned i;

	seen->room = room;
	seen->main = test_calloc(room / 8 + 1, 1);
	for (i = 0; i < SIGNALS; i++)
		seen->handled[i] = test_calloc(room / 8 + 1, 1);
	return seen;
}

static void destroy_seen(struct seen *seen)
{
	unsigned i;

	test_free(seen->main);
	for (i = 0; i < SIGNALS; i++)
		test_free(seen->handled[i]);
	test_free(seen);
}

static int create(void **state)
{
	static struct traced_dir dir;

	traced_dir_create(&dir);
	*state = &dir;
	return 0;
}

static int destroy(void **state)
{
	traced_dir_remove(*state);
	return 0;
}

/* Read all that the program emits while it does, up to its next line. */
static void read_along(struct traced *traced, struct audit *audit)
{
	traced_go(traced);
	while (!traced_has_line(traced))
		if (!audit_drain(audit, true))
			usleep(200);
}

static void start(struct traced *traced, void **state, const char *verb,
		  uint64_t count, const char *burst)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, count);
	TRACED_START(traced, *state,
		     .arguments = {"program-signal", verb, number, burst},
		     .environment = {"TRACKWAY_EVENTS=*",
				     "TRACKWAY_RING_SIZE=4M",
				     "TRACKWAY_MODE=block:3600000"});
	traced_expect(traced, "ready");
}

static void storm(void **state, uint64_t events, const char *burst)
{
	struct seen *seen = create_seen(events + 100000);
	struct traced traced;
	struct audit audit;
	uint64_t sum;
	unsigned i;

	start(&traced, state, "storm", events, burst);
	audit_open(&audit, traced_dir_ring(*state, traced.pid), on_event, seen);
	read_along(&traced, &audit);
	sum = traced_number(&traced, "main");
	audit_finish(&audit);
	assert_int_equal(seen->main_count, sum);
	for (i = 0; i < SIGNALS; i++) {
		uint64_t handled = traced_number(&traced, "handled");

		assert_int_equal(seen->handled_count[i], handled);
		assert_true(handled > 0);
		sum += handled;
	}
	assert_true(sum >= events);
	assert_int_equal(audit.written, sum);
	assert_int_equal(audit.found, sum);
	assert_int_equal(audit.discarded, 0);
	assert_int_equal(traced_number(&traced, "errno"), 0);
	print_message("events at level 0 to 3: %" PRIu64 " %" PRIu64 " %" PRIu64
		      " %" PRIu64 "\n",
		      seen->at_level[0], seen->at_level[1], seen->at_level[2],
		      seen->at_level[3]);
#ifndef TEST_SANITIZED
	/* Or no handler ever ran in the middle of an event. (The thread
	 * sanitizer holds handlers back until the next call of libc.) */
	assert_true(seen->at_level[1] > 0);
#endif
	assert_int_equal(traced_end(&traced), 0);
	audit_close(&audit);
	destroy_seen(seen);
}

static void handlers_in_the_middle_of_events(void **state)
{
	storm(state, scaled(EVENTS), "3");
}

/* So many events that every call of a handler turns the page. */
static void handlers_that_turn_the_page(void **state)
{
	storm(state, scaled(EVENTS), "1500");
}

/* Of each level, how many were found; of each lane, what comes next. */
struct nested {
	uint64_t count[LEVELS];
	uint64_t handled[LEVELS];
	uint64_t next_count[AUDIT_LANES];
	uint64_t next_handled[AUDIT_LANES];
};

static void on_nested(void *context, const struct audit_event *event)
{
	struct nested *nested = context;
	const uint64_t level = event->values[0].u;

	const uint64_t number = event->values[1].u;
	bool is_count = !strcmp(event->name, "count");
	uint64_t *next = is_count ? &nested->next_count[event->lane]
				  : &nested->next_handled[event->lane];

	assert_true(level < LEVELS);
	assert_true(event->values[2].u == check_of(level, number));
	assert_int_equal(event->level, level);
	/* The second thread's lanes begin where the first one's end. */
	assert_true(number == *next || *next == 0);
	*next = number + 1;
	is_count ? nested->count[level]++ : nested->handled[level]++;
}

/* It holds handlers back, and makes thousands of instructions of one. */
static void skip_with_thread_sanitizer(void)
{
	if (TW_THREAD_SANITIZER) {
		print_message("not with the thread sanitizer\n");
		skip();
	}
}

static void events_within_events_up_to_four(void **state)
{
	const uint64_t rounds = 2000;
	static struct nested nested;
	struct traced traced;
	struct audit audit;
	unsigned i;

	skip_with_thread_sanitizer();
	start(&traced, state, "nested", rounds, "3");
	audit_open(&audit, traced_dir_ring(*state, traced.pid), on_nested,
		   &nested);
	read_along(&traced, &audit);
	assert_int_equal(traced_number(&traced, "rounds"), 2 * rounds);
	audit_finish(&audit);
	for (i = 0; i < LEVELS; i++) {
		assert_int_equal(nested.count[i], 2 * rounds);
		assert_int_equal(nested.handled[i], 2 * rounds);
	}
	/* The fifth of each round: its two events, and no handler in it. */
	assert_int_equal(audit.discarded, 2 * 2 * rounds);
	assert_int_equal(audit.written, audit.found);
	assert_int_equal(audit.found, LEVELS * 2 * 2 * rounds);
	/* The main thread's and the other one's. */
	assert_int_equal(audit.lanes, 2 * LEVELS);
	assert_int_equal(traced_end(&traced), 0);
	audit_close(&audit);
}

static void threads_that_begin_and_end_under_fire(void **state)
{
	const uint64_t threads = scaled(2000);
	struct seen *seen = create_seen(10 * threads + 10000000);
	struct traced traced;
	struct audit audit;
	uint64_t sum;

	start(&traced, state, "threads", threads, "3");
	audit_open(&audit, traced_dir_ring(*state, traced.pid), on_event, seen);
	read_along(&traced, &audit);
	sum = traced_number(&traced, "main");
	assert_int_equal(sum, 10 * threads);
	audit_finish(&audit);
	assert_int_equal(seen->main_count, sum);
	sum += traced_number(&traced, "handled");
	assert_int_equal(audit.written, sum);
	assert_int_equal(audit.found, sum);
	assert_int_equal(audit.discarded, 0);
	print_message("%u lanes\n", audit.lanes);
	/* A handler's event after a thread's last destructor leaves a block
	 * behind, until eight more than needed are in use. */
	assert_true(audit.lanes <= (2 + 8) * LEVELS);
	assert_int_equal(traced_end(&traced), 0);
	audit_close(&audit);
	destroy_seen(seen);
}

/* Each instruction of what emitting does is followed by a handler's burst; with
 * a sanitizer, which makes many of one, each so-many-th. */
static void step_through(void **state, const char *verb, const char *burst,
			 const char *first, unsigned stride)
{
	/* Two lanes have enough of four pages, and come round the sooner. */
	const bool has_threads = !strcmp(verb, "first") ||
				 !strcmp(verb, "leave") ||
				 !strcmp(verb, "turn");
	const char *size = has_threads ? "TRACKWAY_RING_SIZE=512K"
				       : "TRACKWAY_RING_SIZE=64K";
	char stride_text[16];
	struct seen *seen;
	struct traced traced;
	struct audit audit;
	const char *line;
	uint64_t sum;

	skip_with_thread_sanitizer();
	seen = create_seen(4000000);
#ifdef TEST_SANITIZED
	stride *= 61;
#endif
	snprintf(stride_text, sizeof(stride_text), "%u", stride);
	TRACED_START(
		&traced, *state,
		.arguments = {"program-step", verb, burst, first, stride_text},
		.environment = {"TRACKWAY_EVENTS=*", size,
				"TRACKWAY_MODE=block:3600000"});
	line = traced_line(&traced);
	if (line && !strcmp(line, "no trap flag here")) {
		traced_end(&traced);
		destroy_seen(seen);
		skip();
	}
	assert_string_equal(line, "ready");
	audit_open(&audit, traced_dir_ring(*state, traced.pid), on_event, seen);
	read_along(&traced, &audit);
	sum = traced_number(&traced, "main");
	assert_true(sum > 0);
	audit_finish(&audit);
	assert_int_equal(seen->main_count, sum);
	sum += traced_number(&traced, "handled");
	assert_true(sum > seen->main_count);
	assert_int_equal(audit.written, sum);
	assert_int_equal(audit.found, sum);
	assert_int_equal(audit.discarded, 0);
	print_message("%s: %" PRIu64 " instructions, %u lanes\n", verb,
		      traced_number(&traced, "instructions"), audit.lanes);
	assert_int_equal(traced_end(&traced), 0);
	audit_close(&audit);
	destroy_seen(seen);
}

static void after_each_instruction_of_an_event(void **state)
{
	step_through(state, "hot", "1", "1", 1);
	step_through(state, "hot", "turn", "1", 1);
	step_through(state, "hot", "full", "1", 1);
	/* If it still believes in the end of the page that it had, the page
	 * that it has ends before that, or after it. */
	step_through(state, "lower", "turn", "1", 1);
	step_through(state, "lower", "full", "1", 1);
	step_through(state, "higher", "turn", "1", 1);
	step_through(state, "higher", "full", "1", 1);
	/* Several pages at each instruction. */
	step_through(state, "hot", "2500", "1", 1);
}

static void a_fork_after_each_instruction_of_an_event(void **state)
{
	step_through(state, "fork", "1", "1", 1);
}

static void after_each_instruction_of_a_page_turn(void **state)
{
	step_through(state, "turn", "1", "1", 2);
	step_through(state, "turn", "700", "2", 2);
}

static void after_each_instruction_of_a_first_event(void **state)
{
	step_through(state, "first", "1", "1", 3);
	step_through(state, "first", "700", "2", 3);
}

static void after_each_instruction_of_a_threads_end(void **state)
{
	step_through(state, "leave", "1", "1", 2);
	step_through(state, "leave", "700", "2", 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(handlers_in_the_middle_of_events),
		TEST(handlers_that_turn_the_page),
		TEST(events_within_events_up_to_four),
		TEST(threads_that_begin_and_end_under_fire),
		TEST(after_each_instruction_of_an_event),
		TEST(a_fork_after_each_instruction_of_an_event),
		TEST(after_each_instruction_of_a_page_turn),
		TEST(after_each_instruction_of_a_first_event),
		TEST(after_each_instruction_of_a_threads_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
