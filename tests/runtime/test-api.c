/* SPDX-License-Identifier: MIT */
/*
 * The C API (trackway/trackway.h), in this process: starting by hand, finding
 * and switching events, stopping and starting again.
 */
/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interrupted.h"
#include "ring-audit.h"
#include "traced.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <trackway/trackway.h>

#include "trace-runtime.h"

static struct traced_dir dir;

static int start_with(const char *events)
{
	const struct tw_runtime_options options = {
		.size = sizeof(options),
		.events = events,
		.ring_size = 1 << 20,
		.directory = dir.path,
	};

	return tw_runtime_start(&options);
}

static int create(void **state)
{
	traced_dir_create(&dir);
	return 0;
}

static int create_and_start(void **state)
{
	traced_dir_create(&dir);
	return start_with(NULL);
}

static int destroy(void **state)
{
	tw_runtime_stop();
	traced_dir_remove(&dir);
	return 0;
}

/* The ring of this process, from outside. */
static void open_own(struct audit *audit, audit_fn on_event, void *context)
{
	assert_non_null(tw_runtime_path());
	audit_open(audit, tw_runtime_path(), on_event, context);
}

static void nothing_before_the_start(void **state)
{
	size_t size;

	assert_null(tw_runtime_path());
	assert_non_null(tw_runtime_error());
	assert_null(tw_runtime_ring(&size));
	assert_int_equal(tw_event_find("count"), -ENOENT);
	assert_int_equal(tw_event_next(-1, NULL), -ENOENT);
	assert_int_equal(tw_event_state(0), -ENOENT);
	assert_int_equal(tw_event_set_state(0, true), -ENOENT);
	assert_null(tw_event_name(0));
	assert_false(trace_count_enabled());
	trace_nothing();
}

static void options_are_taken(void **state)
{
	const struct tw_runtime_options options = {
		.size = sizeof(options),
		.events = "count,-count,text",
		.mode = "block:12",
		.ring_size = 128 << 10,
		.name = "by-hand",
		.directory = dir.path,
	};
	struct audit audit;
	size_t size = 0;

	assert_int_equal(tw_runtime_start(&options), 0);
	assert_null(tw_runtime_error());
	assert_non_null(strstr(tw_runtime_path(), "/by-hand."));
	open_own(&audit, NULL, NULL);
	assert_string_equal((char *)audit.reader.control.name, "by-hand");
	assert_int_equal(audit.reader.control.mode, TW_RING_BLOCK);
	assert_int_equal(audit.reader.control.block_ms, 12);
	assert_int_equal(audit.reader.control.page_count *
				 audit.reader.control.page_size,
			 128 << 10);
	assert_memory_equal(tw_runtime_ring(&size), audit.base, 16);
	assert_int_equal(size, audit.size);
	audit_close(&audit);
	assert_int_equal(tw_event_state(tw_event_find("text")), 1);
	assert_int_equal(tw_event_state(tw_event_find("count")), 0);
	assert_int_equal(tw_runtime_start(&options), -EALREADY);
	assert_null(tw_runtime_error());
}

/* As a program sees it that was built with fewer options. */
static void older_options_are_taken(void **state)
{
	struct tw_runtime_options options = {
		.size = offsetof(struct tw_runtime_options, name),
		.events = "text",
		.ring_size = 64 << 10,
		.name = (const char *)1,
		.directory = (const char *)1,
	};

	/* Where that goes is the environment's to say: not tried. */
	options.mode = "no such mode";
	assert_int_equal(tw_runtime_start(&options), -EINVAL);
	assert_non_null(strstr(tw_runtime_error(), "no such mode"));
}

static void bad_options_are_refused(void **state)
{
	struct tw_runtime_options options = {
		.size = sizeof(options),
		.ring_size = 1000,
		.directory = dir.path,
	};
	static char list[8192];

	assert_int_equal(tw_runtime_start(&options), -EINVAL);
	assert_non_null(strstr(tw_runtime_error(), "size"));
	options.ring_size = UINT64_MAX;
	assert_int_equal(tw_runtime_start(&options), -EINVAL);
	options.ring_size = 0;
	memset(list, 'x', sizeof(list) - 1);
	options.events = list;
	assert_int_equal(tw_runtime_start(&options), -EINVAL);
	options.events = NULL;
	options.directory = "/nowhere/at/all";
	assert_int_equal(tw_runtime_start(&options), -ENOENT);
	assert_non_null(strstr(tw_runtime_error(), "/nowhere/at/all"));
	assert_int_equal(traced_dir_count(&dir), 0);
	/* None of it has spoilt the next try. */
	options.directory = dir.path;
	assert_int_equal(tw_runtime_start(&options), 0);
	assert_int_equal(traced_dir_count(&dir), 1);
}

static void events_are_found(void **state)
{
	static const char *const names[] = {"count",   "handled", "text",
					    "nothing", "gone",	  "three"};
	int id = -1, count = 0;

	while ((id = tw_event_next(id, NULL)) >= 0) {
		assert_true((size_t)count < sizeof(names) / sizeof(names[0]));
		assert_string_equal(tw_event_name(id), names[count]);
		assert_int_equal(tw_event_find(names[count]), id);
		count++;
	}
	assert_int_equal(id, -ENOENT);
	assert_int_equal(count, sizeof(names) / sizeof(names[0]));
	assert_int_equal(tw_event_find("coun"), -ENOENT);
	assert_int_equal(tw_event_find("count*"), -ENOENT);
	assert_null(tw_event_name(-1));
	assert_null(tw_event_name(count));
	assert_null(tw_event_name(1 << 30));
}

static void globs_choose_events(void **state)
{
	const int handled = tw_event_find("handled");

	assert_int_equal(tw_event_next(-1, "h*"), handled);
	assert_int_equal(tw_event_next(handled, "h*"), -ENOENT);
	assert_int_equal(tw_event_next(-1, "???t"), tw_event_find("text"));
	assert_int_equal(tw_event_next(-1, "*n*"), tw_event_find("count"));
	assert_int_equal(tw_event_next(tw_event_find("count"), "*n*"), handled);
	assert_int_equal(tw_event_next(-1, ""), -ENOENT);
	assert_int_equal(tw_event_next(1 << 30, NULL), -ENOENT);
}

static void states_are_the_rings(void **state)
{
	const int count = tw_event_find("count");
	struct audit audit;

	open_own(&audit, NULL, NULL);
	assert_int_equal(tw_event_state(count), 0);
	assert_int_equal(tw_event_set_state(count, true), 0);
	assert_int_equal(tw_event_state(count), 1);
	assert_true(trace_count_enabled());
	assert_int_equal(audit_event_state(&audit, "count"), 1);
	audit_set_event_state(&audit, "count", false);
	assert_int_equal(tw_event_state(count), 0);
	assert_false(trace_count_enabled());
	assert_int_equal(tw_event_set_state(count, false), 0);
	assert_int_equal(tw_event_state(-1), -ENOENT);
	assert_int_equal(tw_event_set_state(65534, true), -ENOENT);
	/* Compiled out by "disable". */
	assert_int_equal(tw_event_state(tw_event_find("gone")), -ENODEV);
	assert_int_equal(tw_event_set_state(tw_event_find("gone"), true),
			 -ENODEV);
	audit_close(&audit);
}

static void lists_are_applied_in_order(void **state)
{
	assert_int_equal(tw_event_apply("*"), 5);
	assert_int_equal(tw_event_state(tw_event_find("text")), 1);
	assert_int_equal(tw_event_apply("-*, text\n-nothing\tno-such"), 7);
	assert_int_equal(tw_event_state(tw_event_find("count")), 0);
	assert_int_equal(tw_event_state(tw_event_find("text")), 1);
	assert_int_equal(tw_event_apply(""), 0);
	assert_int_equal(tw_event_apply(" ,, "), 0);
	assert_int_equal(tw_event_apply("-"), 0);
	assert_int_equal(tw_event_apply("gone"), 0);
	assert_int_equal(tw_event_apply("-text"), 1);
	assert_int_equal(tw_event_state(tw_event_find("text")), 0);
}

static void a_list_may_be_applied_for_ever(void **state)
{
	static char list[(256 << 10) + 1];
	int i;

	for (i = 0; i < 5000; i++)
		assert_int_equal(
			tw_event_apply(i % 2 ? "-count text" : "count,-text"),
			2);
	memset(list, 'x', sizeof(list) - 1);
	assert_int_equal(tw_event_apply(list), -E2BIG);
	assert_int_equal(tw_event_apply("count"), 1);
}

static void *load(const char *name)
{
	void *module = dlopen(traced_program(name), RTLD_NOW | RTLD_LOCAL);

	if (!module)
		fail_msg("%s", dlerror());
	return module;
}

static void late_groups_get_the_list(void **state)
{
	void *module;
	int id;

	assert_int_equal(tw_event_apply("first_*,-first_quiet"), 0);
	assert_int_equal(tw_event_find("first_call"), -ENOENT);
	module = load("module-first.so");
	id = tw_event_find("first_call");
	assert_true(id >= 0);
	assert_int_equal(tw_event_state(id), 1);
	assert_int_equal(tw_event_state(tw_event_find("first_text")), 1);
	assert_int_equal(tw_event_state(tw_event_find("first_quiet")), 0);
	assert_int_equal(tw_event_next(-1, "first_*"), id);
	dlclose(module);
	/* Its handles stay good, but there is nothing to switch. */
	assert_string_equal(tw_event_name(id), "first_call");
	assert_int_equal(tw_event_find("first_call"), id);
	assert_int_equal(tw_event_state(id), -ENODEV);
	assert_int_equal(tw_event_set_state(id, true), -ENODEV);
	module = load("module-first.so");
	assert_int_equal(tw_event_find("first_call"), id);
	assert_int_equal(tw_event_state(id), 1);
	dlclose(module);
}

struct counts {
	uint64_t count;
	uint64_t next;
};

static void on_event(void *context, const struct audit_event *event)
{
	struct counts *counts = context;

	assert_string_equal(event->name, "count");
	if (counts->count++)
		assert_true(event->values[1].u > counts->next - 1);
	counts->next = event->values[1].u + 1;
}

static void stopping_and_starting_again(void **state)
{
	struct counts first = {0}, second = {0};
	struct audit old, new;
	const int id = tw_event_find("count");
	uint64_t i;

	tw_event_apply("count");
	open_own(&old, on_event, &first);
	for (i = 0; i < 10; i++)
		trace_count(0, i, check_of(0, i));
	tw_runtime_stop();
	assert_null(tw_runtime_path());
	assert_non_null(strstr(tw_runtime_error(), "stop"));
	assert_int_equal(traced_dir_count(&dir), 0);
	assert_false(trace_count_enabled());
	assert_int_equal(tw_event_state(id), -ENOENT);
	trace_count(0, i, check_of(0, i));
	tw_runtime_stop();
	assert_int_equal(start_with("count"), 0);
	assert_null(tw_runtime_error());
	open_own(&new, on_event, &second);
	assert_memory_not_equal(old.reader.control.uuid,
				new.reader.control.uuid, 16);
	assert_int_equal(tw_event_find("count"), id);
	for (i = 100; i < 120; i++)
		trace_count(0, i, check_of(0, i));
	audit_finish(&old);
	audit_finish(&new);
	assert_int_equal(first.count, 10);
	assert_int_equal(first.next, 10);
	assert_int_equal(second.count, 20);
	assert_int_equal(second.next, 120);
	assert_int_equal(old.discarded + new.discarded, 0);
	audit_close(&old);
	audit_close(&new);
}

static void do_nothing(void)
{
}

/* As a thread's are that is past the question whether its event is on. */
static void events_that_turn_a_stopped_rings_page(void **state)
{
	struct counts first = {0}, second = {0};
	const struct tw_writer *writer;
	const struct tw_page *page;
	struct audit old, new;
	uint64_t i;

	tw_event_apply("count");
	open_own(&old, on_event, &first);
	trace_count(0, 0, check_of(0, 0));
	writer = &tw_lane_current->writer;
	page = writer->page;
	assert_non_null(page);
	tw_runtime_stop();
	for (i = 1; writer->page == page; i++)
		interrupted_count(0, i, do_nothing);
	assert_int_equal(start_with("count"), 0);
	open_own(&new, on_event, &second);
	trace_count(0, i, check_of(0, i));
	audit_finish(&old);
	audit_finish(&new);
	assert_int_equal(first.count, i);
	assert_int_equal(second.count, 1);
	audit_close(&old);
	audit_close(&new);
}

/* A reader that still has the old ring open switches nothing any more. */
static void an_old_ring_has_no_power(void **state)
{
	struct counts counts = {0};
	struct audit old;

	open_own(&old, on_event, &counts);
	tw_runtime_stop();
	audit_set_event_state(&old, "count", true);
	assert_false(trace_count_enabled());
	trace_count(0, 0, check_of(0, 0));
	assert_int_equal(start_with(NULL), 0);
	audit_set_event_state(&old, "count", true);
	assert_false(trace_count_enabled());
	audit_finish(&old);
	assert_int_equal(counts.count, 0);
	audit_close(&old);
}

/* Groups enter in the order of their coming, the second time too. */
static void a_second_start_gives_the_same_ids(void **state)
{
	void *module = load("module-first.so");
	const int count = tw_event_find("count");
	const int call = tw_event_find("first_call");

	assert_true(count >= 0 && call >= 0);
	tw_runtime_stop();
	assert_int_equal(start_with("*"), 0);
	assert_int_equal(tw_event_find("count"), count);
	assert_int_equal(tw_event_find("first_call"), call);
	dlclose(module);
}

static uint32_t threads_stop;

static void *emit_all_along(void *argument)
{
	uint64_t i;

	for (i = 0; !__atomic_load_n(&threads_stop, __ATOMIC_RELAXED); i++)
		trace_count(0, i, check_of(0, i));
	return NULL;
}

/* Short lives too, so that blocks of one ring end in the next. */
static void *emit_for_a_while(void *argument)
{
	uint64_t i;

	for (i = 0; i < 2000; i++)
		trace_count(0, i, check_of(0, i));
	return NULL;
}

static void restarts_under_load(void **state)
{
	pthread_t thread[3], brief;
	struct audit audit;
	int i;

	threads_stop = 0;
	for (i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, emit_all_along, NULL);
	for (i = 0; i < (int)scaled(300); i++) {
		tw_event_apply("count");
		pthread_create(&brief, NULL, emit_for_a_while, NULL);
		open_own(&audit, NULL, NULL);
		tw_runtime_stop();
		pthread_join(brief, NULL);
		audit_finish(&audit);
		/* What is in it reads whole; three threads and some brief. */
		assert_true(audit.found <= audit.written);
		assert_true(audit.lanes <= 8);
		audit_close(&audit);
		assert_int_equal(start_with("count"), 0);
	}
	__atomic_store_n(&threads_stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, create_and_start, destroy)
#define TEST_UNSTARTED(name) \
	cmocka_unit_test_setup_teardown(name, create, destroy)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST_UNSTARTED(nothing_before_the_start),
		TEST_UNSTARTED(options_are_taken),
		TEST_UNSTARTED(older_options_are_taken),
		TEST_UNSTARTED(bad_options_are_refused),
		TEST(events_are_found),
		TEST(globs_choose_events),
		TEST(states_are_the_rings),
		TEST(lists_are_applied_in_order),
		TEST(a_list_may_be_applied_for_ever),
		TEST(late_groups_get_the_list),
		TEST(stopping_and_starting_again),
		TEST(events_that_turn_a_stopped_rings_page),
		TEST(an_old_ring_has_no_power),
		TEST(a_second_start_gives_the_same_ids),
		TEST(restarts_under_load),
	};
	const char *held = getenv("TRACKWAY");

	/* Before the constructors of this process: in another. */
	if (!held || strcmp(held, "manual") != 0) {
		setenv("TRACKWAY", "manual", 1);
		execv("/proc/self/exe", argv);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
