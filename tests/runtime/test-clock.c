/* SPDX-License-Identifier: MIT */
/*
 * Events' times: on either clock they lie between the test's own readings
 * around them, and on no lane do they go back.
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
#include <time.h>
#include <unistd.h>

struct times {
	uint64_t first;
	uint64_t last;
	uint64_t count;
	uint64_t of_lane[AUDIT_LANES];
};

static void on_event(void *context, const struct audit_event *event)
{
	struct times *times = context;

	if (!times->count++ || event->time < times->first)
		times->first = event->time;
	if (event->time > times->last)
		times->last = event->time;
	assert_true(event->time >= times->of_lane[event->lane]);
	times->of_lane[event->lane] = event->time;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t read_clock(uint32_t kind)
{
#if defined(__x86_64__) || defined(__i386__)
	if (kind == TW_CLOCK_TSC)
		return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	if (kind == TW_CLOCK_CNTVCT) {
		__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks));
		return ticks;
	}
#endif
	assert_int_equal(kind, TW_CLOCK_MONOTONIC);
	return now_ns();
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

static bool is_between(uint64_t low, uint64_t value, uint64_t high)
{
	return low <= value && value <= high;
}

/* Threads whose lanes go from one to the next, on the clock that is asked. */
static void times_are_true(void **state, const char *clock, uint32_t *kind)
{
	static struct times times;
	struct tw_ring_sync first, last;
	struct traced traced;
	struct audit audit;
	uint64_t ns[3], ticks[3];
	unsigned i;

	memset(&times, 0, sizeof(times));
	ns[0] = now_ns();
	TRACED_START(&traced, *state,
		     .arguments = {"program-emit", "20000", "4"},
		     .environment = {"TRACKWAY_EVENTS=*",
				     "TRACKWAY_RING_SIZE=16M", clock});
	traced_expect(&traced, "ready");
	audit_open(&audit, traced_dir_ring(*state, traced.pid), on_event,
		   &times);
	*kind = audit.reader.control.clock_kind;
	ns[1] = now_ns();
	ticks[1] = read_clock(*kind);
	for (i = 1; i <= 4; i++) {
		traced_go(&traced);
		assert_int_equal(traced_number(&traced, "returned"), i * 80000);
		traced_number(&traced, "naps");
	}
	ticks[2] = read_clock(*kind);
	ns[2] = now_ns();
	audit_finish(&audit);
	assert_int_equal(audit.found, 4 * 80000);
	/* Some of them have had a second thread, with the first one's times. */
	assert_true(audit.lanes <= 4);
	assert_int_equal(times.count, 4 * 80000);
	assert_true(is_between(ticks[1], times.first, times.last));
	assert_true(is_between(times.first, times.last, ticks[2]));
	assert_int_equal(tw_ring_syncs(&audit.reader, &first, &last), 0);
	assert_true(is_between(ns[0], first.mono_ns, ns[1]));
	assert_true(is_between(ns[1], last.mono_ns, ns[2]));
	assert_true(first.clock < ticks[1]);
	assert_true(is_between(ticks[1], last.clock, ticks[2]));
	assert_int_equal(traced_end(&traced), 0);
	audit_close(&audit);
}

static void on_the_clock_of_the_machine(void **state)
{
	uint32_t kind;

	times_are_true(state, NULL, &kind);
	print_message("clock kind %u\n", kind);
}

static void on_the_monotonic_clock(void **state)
{
	uint32_t kind;

	times_are_true(state, "TRACKWAY_CLOCK=monotonic", &kind);
	assert_int_equal(kind, TW_CLOCK_MONOTONIC);
}

static void the_monotonic_clock_states_its_rate(void **state)
{
	struct traced traced;
	struct audit audit;

	TRACED_START(&traced, *state, .arguments = {"program-emit", "1"},
		     .environment = {"TRACKWAY_CLOCK=monotonic"});
	traced_expect(&traced, "ready");
	audit_open(&audit, traced_dir_ring(*state, traced.pid), NULL, NULL);
	assert_int_equal(audit.reader.control.clock_hz, 1000000000);
	audit_close(&audit);
	assert_int_equal(traced_end(&traced), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(on_the_clock_of_the_machine),
		TEST(on_the_monotonic_clock),
		TEST(the_monotonic_clock_states_its_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
