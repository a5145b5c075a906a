/* SPDX-License-Identifier: MIT */
/*
 * Instrumented modules come and go: their events keep their ids and states,
 * can be read when the module is gone, and the ring does not grow.
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

struct seen {
	uint64_t first;
	uint64_t second;
	uint64_t nothing;
};

static void on_event(void *context, const struct audit_event *event)
{
	struct seen *seen = context;

	if (!strcmp(event->name, "first_call"))
		assert_int_equal(event->values[0].u, seen->first++);
	else if (!strcmp(event->name, "second_call"))
		assert_int_equal(event->values[0].u, seen->second++);
	else if (!strcmp(event->name, "nothing"))
		seen->nothing++;
	else
		fail_msg("event %s", event->name);
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

static void start(struct traced *traced, void **state, const char *verb)
{
	char directory[PATH_MAX];

	strcpy(directory, traced_program("x"));
	*strrchr(directory, '/') = 0;
	TRACED_START(traced, *state,
		     .arguments = {"program-module", verb, directory},
		     .environment = {"TRACKWAY_EVENTS=*_call,nothing"});
}

static const char *ring_of(void **state, const struct traced *traced)
{
	return traced_dir_ring(*state, traced->pid);
}

static uint32_t group_count(struct audit *audit)
{
	uint32_t count;

	assert_int_equal(tw_ring_group_count(&audit->reader, &count), 0);
	return count;
}

static uint32_t group_state(struct audit *audit, const char *event)
{
	return audit_group(audit, event).state;
}

static void a_thousand_times(void **state)
{
	struct seen seen = {0};
	struct traced traced;
	struct audit audit;
	uint64_t maps;
	int id;

	start(&traced, state, "again");
	maps = traced_number(&traced, "maps");
	traced_expect(&traced, "half");
	audit_open(&audit, ring_of(state, &traced), on_event, &seen);
	id = audit_event_id(&audit, "first_call");
	assert_int_equal(group_count(&audit), 2);
	assert_int_equal(group_state(&audit, "first_call"), TW_GROUP_UNLOADED);
	assert_int_equal(audit_event_state(&audit, "first_call"), 1);
	assert_int_equal(audit_event_state(&audit, "first_quiet"), 0);
	/* Switched while its module is gone. */
	audit_set_event_state(&audit, "first_quiet", true);
	traced_go(&traced);
	/* But for what libc and sanitizers do meanwhile. */
	assert_true(traced_number(&traced, "maps") <= maps + 100);
	traced_expect(&traced, "end");
	audit_finish(&audit);
	assert_int_equal(group_count(&audit), 2);
	assert_int_equal(audit_event_id(&audit, "first_call"), id);
	assert_int_equal(audit_event_state(&audit, "first_quiet"), 1);
	assert_int_equal(audit_group(&audit, "first_call").modules, 0);
	assert_int_equal(seen.first, 1000);
	assert_int_equal(audit.written, 1000);
	assert_int_equal(traced_end(&traced), 0);
	audit_close(&audit);
}

static void two_modules_crosswise(void **state)
{
	struct seen seen = {0};
	struct traced traced;
	struct audit audit;
	int first, second;

	start(&traced, state, "two");
	traced_expect(&traced, "both");
	audit_open(&audit, ring_of(state, &traced), on_event, &seen);
	first = audit_event_id(&audit, "first_call");
	second = audit_event_id(&audit, "second_call");
	assert_true(first >= 0 && second >= 0 && first != second);
	assert_int_equal(group_state(&audit, "first_call"), TW_GROUP_LIVE);
	assert_int_equal(group_state(&audit, "second_call"), TW_GROUP_LIVE);
	traced_go(&traced);
	traced_expect(&traced, "second");
	assert_int_equal(group_state(&audit, "first_call"), TW_GROUP_UNLOADED);
	assert_int_equal(group_state(&audit, "second_call"), TW_GROUP_LIVE);
	traced_go(&traced);
	traced_expect(&traced, "none");
	assert_int_equal(group_state(&audit, "second_call"), TW_GROUP_UNLOADED);
	traced_go(&traced);
	traced_expect(&traced, "both again");
	audit_finish(&audit);
	assert_int_equal(group_state(&audit, "first_call"), TW_GROUP_LIVE);
	assert_int_equal(group_state(&audit, "second_call"), TW_GROUP_LIVE);
	assert_int_equal(audit_event_id(&audit, "first_call"), first);
	assert_int_equal(audit_event_id(&audit, "second_call"), second);
	assert_int_equal(group_count(&audit), 3);
	assert_int_equal(seen.first, 2);
	assert_int_equal(seen.second, 3);
	assert_int_equal(traced_end(&traced), 0);
	audit_close(&audit);
}

static void two_modules_of_the_same_events(void **state)
{
	struct seen seen = {0};
	struct traced traced;
	struct audit audit;

	start(&traced, state, "copies");
	traced_expect(&traced, "both");
	audit_open(&audit, ring_of(state, &traced), on_event, &seen);
	assert_int_equal(group_count(&audit), 2);
	assert_int_equal(audit_group(&audit, "first_call").modules, 2);
	traced_go(&traced);
	traced_expect(&traced, "copy");
	assert_int_equal(group_state(&audit, "first_call"), TW_GROUP_LIVE);
	/* Off for the one that is left. */
	traced_go(&traced);
	traced_expect(&traced, "none");
	assert_int_equal(group_state(&audit, "first_call"), TW_GROUP_UNLOADED);
	audit_finish(&audit);
	assert_int_equal(seen.first, 3);
	assert_int_equal(traced_end(&traced), 0);
	audit_close(&audit);
}

static void a_group_that_was_refused_harms_no_other(void **state)
{
	struct seen seen = {0};
	struct traced traced;
	struct audit audit;

	start(&traced, state, "broken");
	assert_int_equal(traced_number(&traced, "state"), 0);
	assert_int_equal(traced_number(&traced, "result"), 0);
	traced_expect(&traced, "end");
	audit_all(&audit, ring_of(state, &traced), on_event, &seen);
	assert_int_equal(group_count(&audit), 1);
	assert_int_equal(group_state(&audit, "nothing"), TW_GROUP_LIVE);
	assert_int_equal(seen.nothing, 2);
	assert_int_equal(traced_end(&traced), 0);
	audit_close(&audit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_thousand_times),
		TEST(two_modules_crosswise),
		TEST(two_modules_of_the_same_events),
		TEST(a_group_that_was_refused_harms_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
