/* SPDX-License-Identifier: MIT */
/*
 * Written + lost = emitted, to the event, in each mode, with rings far too
 * small, with a reader and without.
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

#define THREADS 4

/* The numbers that came, a thread at a time. */
struct numbers {
	uint64_t first[THREADS];
	uint64_t next[THREADS];
	uint64_t count[THREADS];
};

static void on_count(void *context, const struct audit_event *event)
{
	struct numbers *numbers = context;
	uint64_t thread = event->values[0].u;
	uint64_t number = event->values[1].u;

	assert_string_equal(event->name, "count");
	assert_true(thread < THREADS);
	assert_true(event->values[2].u == check_of(thread, number));
	if (!numbers->count[thread])
		numbers->first[thread] = number;
	else
		assert_true(number >= numbers->next[thread]);
	numbers->next[thread] = number + 1;
	numbers->count[thread]++;
}

/* Of this thread, all from first up to end and no other. */
static void assert_run(const struct numbers *numbers, unsigned thread,
		       uint64_t first, uint64_t end)
{
	assert_int_equal(numbers->first[thread], first);
	assert_int_equal(numbers->next[thread], end);
	assert_int_equal(numbers->count[thread], end - first);
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

/* A traced program that emits so many events a thread at each step. */
static void start(struct traced *traced, void **state, uint64_t events,
		  const char *threads, const char *size, const char *mode)
{
	char count[24], ring_size[48], ring_mode[48];

	snprintf(count, sizeof(count), "%" PRIu64, events);
	snprintf(ring_size, sizeof(ring_size), "TRACKWAY_RING_SIZE=%s", size);
	snprintf(ring_mode, sizeof(ring_mode), "TRACKWAY_MODE=%s", mode);
	TRACED_START(
		traced, *state, .arguments = {"program-emit", count, threads},
		.environment = {"TRACKWAY_EVENTS=*", ring_size, ring_mode});
	traced_expect(traced, "ready");
}

static const char *ring_of(void **state, const struct traced *traced)
{
	return traced_dir_ring(*state, traced->pid);
}

/* One step: how many events it says have returned. */
static uint64_t emit(struct traced *traced, uint64_t *naps)
{
	uint64_t returned, slept;

	traced_go(traced);
	returned = traced_number(traced, "returned");
	slept = traced_number(traced, "naps");
	if (naps)
		*naps = slept;
	return returned;
}

static void finish(struct traced *traced, struct audit *audit)
{
	audit_finish(audit);
	assert_int_equal(traced_end(traced), 0);
}

static void overwriting_keeps_the_newest(void **state)
{
	struct numbers numbers = {0};
	struct traced traced;
	struct audit audit;

	start(&traced, state, 100000, "1", "64K", "overwrite");
	audit_open(&audit, ring_of(state, &traced), on_count, &numbers);
	assert_int_equal(emit(&traced, NULL), 100000);
	finish(&traced, &audit);
	assert_int_equal(audit.written, 100000);
	assert_int_equal(audit.discarded, 0);
	/* Three pages of four, at the least, are full. */
	assert_true(audit.found > 3 * (16384 - 200) / 28);
	assert_run(&numbers, 0, 100000 - audit.found, 100000);
	audit_close(&audit);
}

static void threads_overwrite_one_another(void **state)
{
	struct numbers numbers = {0};
	struct traced traced;
	struct audit audit;
	unsigned i;

	start(&traced, state, 100000, "4", "128K", "overwrite");
	audit_open(&audit, ring_of(state, &traced), on_count, &numbers);
	assert_int_equal(emit(&traced, NULL), 400000);
	finish(&traced, &audit);
	assert_int_equal(audit.written + audit.discarded, 400000);
	assert_true(audit.found > 0 && audit.found < 400000);
	for (i = 0; i < THREADS; i++)
		if (numbers.count[i])
			assert_run(&numbers, i,
				   numbers.next[i] - numbers.count[i],
				   numbers.next[i]);
	audit_close(&audit);
}

/* Copies pages that are overwritten under its hands. */
static void overwriting_is_exact_under_a_reader(void **state)
{
	const uint64_t events = scaled(5000000);
	struct numbers numbers = {0};
	struct traced traced;
	struct audit audit;

	start(&traced, state, events, "1", "64K", "overwrite");
	audit_open(&audit, ring_of(state, &traced), on_count, &numbers);
	traced_go(&traced);
	while (!traced_has_line(&traced))
		audit_drain(&audit, false);
	assert_int_equal(traced_number(&traced, "returned"), events);
	finish(&traced, &audit);
	assert_int_equal(audit.written, events);
	assert_int_equal(audit.discarded, 0);
	assert_int_equal(numbers.count[0], audit.found);
	assert_int_equal(numbers.next[0], events);
	audit_close(&audit);
}

static void discarding_keeps_the_oldest(void **state)
{
	struct numbers numbers = {0};
	struct traced traced;
	struct audit audit;
	uint64_t naps;

	start(&traced, state, 100000, "1", "64K", "discard");
	audit_open(&audit, ring_of(state, &traced), on_count, &numbers);
	assert_int_equal(emit(&traced, &naps), 100000);
	assert_int_equal(naps, 0);
	finish(&traced, &audit);
	assert_true(audit.found > 4 * (16384 - 200) / 28);
	assert_int_equal(audit.written, audit.found);
	assert_int_equal(audit.written + audit.discarded, 100000);
	assert_run(&numbers, 0, 0, audit.found);
	audit_close(&audit);
}

static void discarding_ends_once_pages_are_back(void **state)
{
	struct numbers numbers = {0};
	struct traced traced;
	struct audit audit;
	uint64_t first;

	start(&traced, state, 5000, "1", "64K", "discard");
	audit_open(&audit, ring_of(state, &traced), on_count, &numbers);
	emit(&traced, NULL);
	audit_drain(&audit, true);
	first = numbers.count[0];
	assert_run(&numbers, 0, 0, first);
	assert_int_equal(emit(&traced, NULL), 10000);
	finish(&traced, &audit);
	assert_int_equal(audit.written, audit.found);
	assert_int_equal(audit.written + audit.discarded, 10000);
	/* As many again, from the second half's first on. */
	assert_int_equal(audit.found, 2 * first);
	assert_int_equal(numbers.next[0], 5000 + first);
	audit_close(&audit);
}

static void blocking_loses_nothing_with_a_reader(void **state)
{
	const uint64_t events = scaled(500000);
	struct numbers numbers = {0};
	struct traced traced;
	struct audit audit;
	unsigned i;

	start(&traced, state, events, "4", "256K", "block:3600000");
	audit_open(&audit, ring_of(state, &traced), on_count, &numbers);
	traced_go(&traced);
	while (!traced_has_line(&traced))
		audit_drain(&audit, true);
	assert_int_equal(traced_number(&traced, "returned"), THREADS * events);
	assert_true(traced_number(&traced, "naps") > 0);
	finish(&traced, &audit);
	assert_int_equal(audit.found, THREADS * events);
	assert_int_equal(audit.written, THREADS * events);
	assert_int_equal(audit.discarded, 0);
	for (i = 0; i < THREADS; i++)
		assert_run(&numbers, i, 0, events);
	audit_close(&audit);
}

static void blocking_gives_up_once_without_a_reader(void **state)
{
	struct numbers numbers = {0};
	struct traced traced;
	struct audit audit;
	uint64_t naps, more;

	start(&traced, state, 10000, "1", "64K", "block:5");
	audit_open(&audit, ring_of(state, &traced), on_count, &numbers);
	assert_int_equal(emit(&traced, &naps), 10000);
	assert_true(naps > 0);
	/* It has waited in vain and does not wait again... */
	assert_int_equal(emit(&traced, &more), 20000);
	assert_int_equal(more, naps);
	/* ...until it has had a page. */
	audit_drain(&audit, true);
	assert_int_equal(emit(&traced, &more), 30000);
	assert_true(more > naps);
	finish(&traced, &audit);
	assert_int_equal(audit.written, audit.found);
	assert_int_equal(audit.written + audit.discarded, 30000);
	assert_true(numbers.next[0] > 20000 && numbers.next[0] < 30000);
	audit_close(&audit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(overwriting_keeps_the_newest),
		TEST(threads_overwrite_one_another),
		TEST(overwriting_is_exact_under_a_reader),
		TEST(discarding_keeps_the_oldest),
		TEST(discarding_ends_once_pages_are_back),
		TEST(blocking_loses_nothing_with_a_reader),
		TEST(blocking_gives_up_once_without_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
