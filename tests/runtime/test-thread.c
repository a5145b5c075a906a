/* SPDX-License-Identifier: MIT */
/*
 * Threads come and go: their lanes are used again, and every event is counted,
 * those for which there was no lane too.
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
#include <unistd.h>

#define THREADS_MAX 2048
#define RING_LANES 1024

/* What comes next of each thread. */
struct seen {
	uint64_t next[THREADS_MAX];
};

static void on_event(void *context, const struct audit_event *event)
{
	struct seen *seen = context;
	const uint64_t thread = event->values[0].u;

	assert_string_equal(event->name, "count");
	assert_true(thread < THREADS_MAX);
	assert_int_equal(event->values[1].u, seen->next[thread]++);
	assert_true(event->values[2].u == check_of(thread, event->values[1].u));
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

/* Run the program, reading along; the rings are for the caller to compare. */
static void run(void **state, const char *verb, uint64_t threads,
		uint64_t events, const char *size, struct audit *audit,
		struct seen *seen)
{
	char thread_text[24], event_text[24];
	struct traced traced;

	snprintf(thread_text, sizeof(thread_text), "%" PRIu64, threads);
	snprintf(event_text, sizeof(event_text), "%" PRIu64, events);
	memset(seen, 0, sizeof(*seen));
	TRACED_START(
		&traced, *state,
		.arguments = {"program-thread", verb, thread_text, event_text},
		.environment = {"TRACKWAY_EVENTS=*", size,
				"TRACKWAY_MODE=block:3600000"});
	traced_expect(&traced, "ready");
	audit_open(audit, traced_dir_ring(*state, traced.pid), on_event, seen);
	traced_go(&traced);
	while (!traced_has_line(&traced))
		if (!audit_drain(audit, true))
			usleep(200);
	assert_int_equal(traced_number(&traced, "returned"), threads * events);
	audit_finish(audit);
	assert_int_equal(traced_end(&traced), 0);
}

static void assert_all(const struct audit *audit, const struct seen *seen,
		       uint64_t threads, uint64_t events)
{
	uint64_t i;

	assert_int_equal(audit->written, threads * events);
	assert_int_equal(audit->found, threads * events);
	assert_int_equal(audit->discarded, 0);
	for (i = 0; i < threads; i++)
		assert_int_equal(seen->next[i], events);
}

static void one_after_another_they_share_a_lane(void **state)
{
	const uint64_t threads = 2000;
	static struct seen seen;
	struct audit audit;

	run(state, "one-by-one", threads, 50, "TRACKWAY_RING_SIZE=1M", &audit,
	    &seen);
	assert_all(&audit, &seen, threads, 50);
	assert_int_equal(audit.lanes, 1);
	audit_close(&audit);
}

static void four_at_a_time_they_share_four(void **state)
{
	const uint64_t threads = 2000;
	static struct seen seen;
	struct audit audit;

	run(state, "in-turns", threads, 50, "TRACKWAY_RING_SIZE=4M", &audit,
	    &seen);
	assert_all(&audit, &seen, threads, 50);
	assert_true(audit.lanes <= 4);
	audit_close(&audit);
}

static void many_at_once_have_one_each(void **state)
{
	static struct seen seen;
	struct audit audit;

	run(state, "at-once", 64, 2000, "TRACKWAY_RING_SIZE=8M", &audit, &seen);
	assert_all(&audit, &seen, 64, 2000);
	assert_int_equal(audit.lanes, 64);
	audit_close(&audit);
}

/* More threads than pages: who finds all of them open loses its events. */
static void with_too_few_pages_the_rest_is_counted(void **state)
{
	static struct seen seen;
	struct audit audit;

	run(state, "at-once", 64, 100, "TRACKWAY_RING_SIZE=256K", &audit,
	    &seen);
	assert_int_equal(audit.lanes, 64);
	assert_int_equal(audit.written, audit.found);
	assert_int_equal(audit.written + audit.discarded, 6400);
	assert_int_equal(audit.discarded, (64 - 16) * 100);
	audit_close(&audit);
}

static void with_too_few_lanes_too(void **state)
{
	const uint64_t threads = RING_LANES + 76;
	static struct seen seen;
	struct audit audit;

	run(state, "at-once", threads, 10, "TRACKWAY_RING_SIZE=80M", &audit,
	    &seen);
	assert_int_equal(audit.lanes, RING_LANES);
	assert_int_equal(audit.written, audit.found);
	assert_int_equal(audit.written, RING_LANES * 10);
	assert_int_equal(audit.discarded, 76 * 10);
	audit_close(&audit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_after_another_they_share_a_lane),
		TEST(four_at_a_time_they_share_four),
		TEST(many_at_once_have_one_each),
		TEST(with_too_few_pages_the_rest_is_counted),
		TEST(with_too_few_lanes_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
