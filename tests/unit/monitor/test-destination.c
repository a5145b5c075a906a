/* SPDX-License-Identifier: MIT */
/*
 * A ring that goes from one destination to another, step by step: what is
 * written in between, or while both know the ring, is in one of the two.
 */
#include "../trace/fixture.h"

#include "../../../src/monitor/destination.h"
#include "../../../src/trace/foreign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct fixture fixture;
static char directory[64];

static int setup(void **state)
{
	FILE *file;

	strcpy(directory, "/tmp/trackway-monitor-XXXXXX");
	if (!mkdtemp(directory) || chdir(directory))
		return -1;
	file = fopen("events", "w");
	if (!file)
		return -1;
	fputs("number(uint32_t lane, uint64_t n, void *p) \"\"\n", file);
	fclose(file);
	fixture_create(&fixture, 1024, 16, TW_RING_DISCARD);
	fixture.ring.control->pid = (uint32_t)getpid();
	return 0;
}

static int teardown(void **state)
{
	fixture_destroy(&fixture);
	remove_tree(directory);
	return 0;
}

static void emit(int count)
{
	for (int i = 0; i < count; i++)
		assert_true(fixture_emit(&fixture, i % 2));
}

/* ---- Reading ---- */

static uint64_t value_of(const struct tw_record *record, uint32_t field)
{
	struct tw_value value;
	size_t offset = 0;

	for (uint32_t i = 0; i <= field; i++)
		tw_fields_value(record->event.event, i, record->event.fields,
				&offset, record->producer->decoder.swap,
				&value);
	return value.u;
}

static void add_to(struct tw_trace *trace, const char *path)
{
	const struct tw_foreign_options options = {0};
	struct tw_attach_error error;
	char target[64];
	int code;

	snprintf(target, sizeof(target), "simpletrace:%s,events=events", path);
	if (tw_trace_is_directory(path))
		code = tw_trace_add_directory(trace, path, &error);
	else
		code = tw_trace_add_foreign(trace, target, &options, &error);
	if (code)
		fail_msg("%s", error.text);
}

/* count events, on from *next of each lane, and none lost. */
static void expect(const char *path, uint64_t *next, int count)
{
	const struct tw_record *record;
	struct tw_trace *trace;
	int found = 0;

	assert_int_equal(tw_trace_create(&trace), 0);
	add_to(trace, path);
	while (tw_trace_next(trace, &record) == 1) {
		const uint64_t lane = value_of(record, 0);

		assert_int_equal(record->kind, TW_RECORD_EVENT);
		assert_true(lane < 2);
		assert_int_equal(value_of(record, 1), next[lane]);
		next[lane]++;
		found++;
	}
	assert_int_equal(found, count);
	tw_trace_destroy(trace);
}

/* ---- Destinations ---- */

typedef int (*open_fn)(const char *to, bool append,
		       struct tw_destination **destination,
		       struct tw_attach_error *error);

static struct tw_destination *open_destination(open_fn open, const char *to)
{
	struct tw_destination *destination;
	struct tw_attach_error error;

	if (open(to, false, &destination, &error))
		fail_msg("%s", error.text);
	return destination;
}

static void add(struct tw_destination *destination,
		const struct tw_ring_start *start)
{
	struct tw_attach *attach = fixture_attach(&fixture, NULL);
	struct tw_attach_error error;

	if (destination->kind->add(destination, attach, start, &error))
		fail_msg("%s", error.text);
}

static void end(struct tw_destination *destination)
{
	destination->kind->end(destination);
	assert_int_equal(destination->code, 0);
	destination->kind->destroy(destination);
}

static void turn(struct tw_destination *destination)
{
	uint64_t bytes;

	assert_int_equal(destination->kind->turn(destination, &bytes), 0);
}

static void hand_over(open_fn from, open_fn to)
{
	struct tw_destination *first = open_destination(from, "first");
	struct tw_destination *second = open_destination(to, "second");
	struct tw_ring_start start = {.epoch = 1};
	uint64_t next[2];

	emit(7);
	memcpy(next, fixture.written, sizeof(next));
	add(first, &start);
	emit(50);
	turn(first);
	emit(21);
	start.after = first->kind->cut(first, fixture.path);
	assert_non_null(start.after);
	/* In between, and in a page that the first has half of. */
	emit(90);
	add(second, &start);
	first->kind->leave(first, fixture.path);
	assert_null(first->kind->cut(first, fixture.path));
	emit(33);
	turn(second);
	end(first);
	emit(12);
	end(second);
	expect("first", next, 71);
	expect("second", next, 135);
	assert_memory_equal(next, fixture.written, sizeof(next));
}

static void test_ctf_ctf(void **state)
{
	hand_over(tw_destination_open_ctf, tw_destination_open_ctf);
}

static void test_ctf_simpletrace(void **state)
{
	hand_over(tw_destination_open_ctf, tw_destination_open_simpletrace);
}

static void test_simpletrace_ctf(void **state)
{
	hand_over(tw_destination_open_simpletrace, tw_destination_open_ctf);
}

static void test_simpletrace_simpletrace(void **state)
{
	hand_over(tw_destination_open_simpletrace,
		  tw_destination_open_simpletrace);
}

/* ---- Counts ---- */

/* Adds to found and lost. */
static void count(const char *path, uint64_t *found, uint64_t *lost)
{
	const struct tw_record *record;
	struct tw_trace *trace;

	assert_int_equal(tw_trace_create(&trace), 0);
	add_to(trace, path);
	while (tw_trace_next(trace, &record) == 1) {
		if (record->kind == TW_RECORD_EVENT)
			++*found;
		else
			*lost += record->lost + record->discarded;
	}
	tw_trace_destroy(trace);
}

/* As many as there is room for, and then some. */
static void overflow(void)
{
	for (int i = 0; i < 1000; i++)
		fixture_emit(&fixture, i % 2);
}

/* What the ring had no room for is counted, and once. */
static void hand_over_loss(open_fn from, open_fn to)
{
	struct tw_destination *first = open_destination(from, "first");
	struct tw_destination *second = open_destination(to, "second");
	struct tw_ring_start start = {.epoch = 1};
	uint64_t found = 0, lost = 0;

	add(first, &start);
	overflow();
	turn(first);
	overflow();
	start.after = first->kind->cut(first, fixture.path);
	overflow();
	add(second, &start);
	first->kind->leave(first, fixture.path);
	end(first);
	overflow();
	turn(second);
	overflow();
	end(second);
	count("first", &found, &lost);
	count("second", &found, &lost);
	assert_true(fixture.discarded[0] > 1000);
	assert_int_equal(found, fixture.written[0] + fixture.written[1]);
	assert_int_equal(lost, fixture.discarded[0] + fixture.discarded[1]);
}

static void test_loss_ctf_ctf(void **state)
{
	hand_over_loss(tw_destination_open_ctf, tw_destination_open_ctf);
}

static void test_loss_ctf_simpletrace(void **state)
{
	hand_over_loss(tw_destination_open_ctf,
		       tw_destination_open_simpletrace);
}

static void test_loss_simpletrace_ctf(void **state)
{
	hand_over_loss(tw_destination_open_simpletrace,
		       tw_destination_open_ctf);
}

/* Nobody goes on with it after all. */
static void stay(open_fn open)
{
	struct tw_destination *only = open_destination(open, "only");
	const struct tw_ring_start start = {.epoch = 1};
	uint64_t next[2] = {0};

	add(only, &start);
	emit(50);
	assert_non_null(only->kind->cut(only, fixture.path));
	assert_null(only->kind->cut(only, "another"));
	emit(50);
	turn(only);
	end(only);
	expect("only", next, 100);
}

static void test_ctf_stays(void **state)
{
	stay(tw_destination_open_ctf);
}

static void test_simpletrace_stays(void **state)
{
	stay(tw_destination_open_simpletrace);
}

/* Another ring by the same name is not gone on with. */
static void refuse(open_fn open)
{
	struct tw_destination *first = open_destination(open, "first");
	struct tw_destination *second = open_destination(open, "second");
	struct tw_ring_start start = {.epoch = 1};
	struct tw_attach_error error;
	uint64_t next[2] = {0};

	add(first, &start);
	emit(50);
	start.after = first->kind->cut(first, fixture.path);
	fixture_reset(&fixture);
	fixture.ring.control->pid = (uint32_t)getpid();
	assert_int_not_equal(second->kind->add(second,
					       fixture_attach(&fixture, NULL),
					       &start, &error),
			     0);
	assert_int_equal(second->code, 0);
	end(first);
	end(second);
	expect("first", next, 50);
}

static void test_ctf_refuses(void **state)
{
	refuse(tw_destination_open_ctf);
}

static void test_simpletrace_refuses(void **state)
{
	refuse(tw_destination_open_simpletrace);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ctf_ctf),
		TEST(test_ctf_simpletrace),
		TEST(test_simpletrace_ctf),
		TEST(test_simpletrace_simpletrace),
		TEST(test_loss_ctf_ctf),
		TEST(test_loss_ctf_simpletrace),
		TEST(test_loss_simpletrace_ctf),
		TEST(test_ctf_stays),
		TEST(test_simpletrace_stays),
		TEST(test_ctf_refuses),
		TEST(test_simpletrace_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
