/* SPDX-License-Identifier: MIT */
/*
 * Instrumented code that is not a C program's own: C++, and a static library.
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

static void on_event(void *context, const struct audit_event *event)
{
	uint64_t *next = context;

	if (!strcmp(event->name, "count")) {
		assert_int_equal(event->values[0].u, 7);
		assert_int_equal(event->values[1].u, *next);
		assert_true(event->values[2].u == check_of(7, *next));
	} else if (!strcmp(event->name, "text")) {
		assert_int_equal(*next, 100);
		assert_string_equal(event->values[1].string.text, "from C++");
	} else {
		assert_string_equal(event->name, "second_call");
		assert_int_equal(event->values[0].u, *next);
	}
	++*next;
}

/* So many events, in order, and then a clean end. */
static void run(void **state, const char *program, uint64_t events)
{
	struct traced traced;
	struct audit audit;
	uint64_t next = 0;

	TRACED_START(&traced, *state, .arguments = {program},
		     .environment = {"TRACKWAY_EVENTS=*"});
	traced_expect(&traced, "end");
	audit_all(&audit, traced_dir_ring(*state, traced.pid), on_event, &next);
	assert_int_equal(next, events);
	assert_int_equal(audit.written, events);
	audit_close(&audit);
	assert_int_equal(traced_end(&traced), 0);
	assert_int_equal(traced_dir_count(*state), 0);
}

static void in_cxx(void **state)
{
	if (access(traced_program("program-cxx"), X_OK)) {
		print_message("built without a C++ compiler\n");
		skip();
	}
	run(state, "program-cxx", 101);
}

static void in_a_static_library(void **state)
{
	run(state, "program-static", 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_cxx),
		TEST(in_a_static_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
