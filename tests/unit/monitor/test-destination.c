/* SPDX-License-Identifier: MIT */
/*
 * A ring that goes from one destination to another, step by step: what is
 * written in between, or while both know the ring, is in one of the two.
 */
#include "../trace/fixture.h"

#include "../../../src/monitor/destination.h"
#include "../../../src/trace/foreign.h"
#include "../../../src/trace/timebase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct fixture fixture;
static struct fixture other; /* where a test made it */
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
	if (other.memory)
		fixture_destroy(&other);
	other.memory = NULL;
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

static void add_ring(struct tw_destination *destination, struct fixture *ring,
		     const struct tw_ring_start *start)
{
	struct tw_attach *attach = fixture_attach(ring, NULL);
	struct tw_attach_error error;

	if (destination->kind->add(destination, attach, start, &error))
		fail_msg("%s", error.text);
}

static void add(struct tw_destination *destination,
		const struct tw_ring_start *start)
{
	add_ring(destination, &fixture, start);
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

/* ---- A guest's times ---- */

#define EVENTS_MAX 256
#define HOUR_NS UINT64_C(3600000000000)
#define BEHIND_NS UINT64_C(3000000000)
#define NOTHING_BYTES 24 /* of a record without arguments */
#define SLACK_NS 1000000 /* between two readings of the clocks' difference */

/*
 * A guest whose counter shows CLOCK_MONOTONIC less some base, and who believes
 * that its clock is BEHIND_NS less than it is.
 */
static struct {
	uint64_t base;
	uint64_t truth[EVENTS_MAX]; /* CLOCK_MONOTONIC, by the event's number */
	uint64_t known[EVENTS_MAX]; /* of its record in the file; 0: none */
} guest;

static void be_guest(void)
{
	struct tw_ring_control *control = fixture.ring.control;

	memset(&guest, 0, sizeof(guest));
	guest.base = tw_monotonic_ns() - HOUR_NS;
	control->clock_kind = TW_CLOCK_OTHER;
	control->clock_hz = 1000000000;
	control->sync_first = (struct tw_ring_sync){
		.clock = HOUR_NS,
		.mono_ns = HOUR_NS,
		.real_ns = tw_real_offset() + tw_monotonic_ns() - BEHIND_NS,
	};
	control->sync_last = control->sync_first;
}

static void guest_emit(void)
{
	const uint64_t n = fixture.written[0];

	assert_true(n < EVENTS_MAX);
	guest.truth[n] = tw_monotonic_ns();
	fixture.clock = guest.truth[n] - guest.base;
	assert_true(fixture_emit(&fixture, 0));
}

static void add_guest(struct tw_destination *destination,
		      const struct tw_ring_start *start)
{
	struct tw_attach_error error;
	struct tw_attach *attach;
	char spec[160];

	snprintf(spec, sizeof(spec), "ram:%s", fixture.path);
	if (tw_attach_open(spec, true, &attach, &error) ||
	    destination->kind->add(destination, attach, start, &error))
		fail_msg("%s", error.text);
}

static uint64_t number_at(const uint8_t *at)
{
	uint64_t number;

	memcpy(&number, at, sizeof(number));
	return number;
}

/* Times of the guest's events, as they are in the file, as far as it is read.
 * Returns how many there are. */
static int read_times(const char *path)
{
	static uint8_t bytes[1 << 16];
	FILE *file = fopen(path, "rb");
	size_t at = 24;
	size_t size;
	int count = 0;

	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	while (at + 48 <= size) {
		uint32_t length;

		if (!number_at(bytes + at)) {
			memcpy(&length, bytes + at + 16, sizeof(length));
			at += 20 + length;
			continue;
		}
		memcpy(&length, bytes + at + 24, sizeof(length));
		if (length > NOTHING_BYTES) {
			const uint64_t n = number_at(bytes + at + 40);

			assert_true(n < EVENTS_MAX);
			guest.known[n] = number_at(bytes + at + 16);
			count++;
		}
		at += 8 + length;
	}
	return count;
}

/* No event is later than it was read, nor earlier than it can have been. */
static void check_times(uint64_t first, uint64_t from)
{
	const uint64_t now = tw_monotonic_ns();

	for (uint64_t n = first; n < fixture.written[0]; n++) {
		assert_true(guest.known[n] + SLACK_NS >= from);
		assert_true(guest.known[n] <= now + SLACK_NS);
		assert_true(n == first || guest.known[n] >= guest.known[n - 1]);
	}
}

/* Nothing tells when they were, but that it was while this went on. */
static void test_guest_unbounded(void **state)
{
	const struct tw_ring_start start = {.epoch = 1};
	struct tw_destination *only;
	uint64_t from, before;

	be_guest();
	guest_emit();
	guest_emit();
	before = fixture.written[0];
	only = open_destination(tw_destination_open_simpletrace, "only");
	from = tw_monotonic_ns();
	add_guest(only, &start);
	for (int i = 0; i < 5; i++) {
		guest_emit();
		turn(only);
	}
	assert_int_equal(only->kind->flush(only), 0);
	end(only);
	assert_int_equal(read_times("only"), 5);
	check_times(before, from);
}

/* What was there before is known to have been once a page has a beacon. */
static void test_guest_bounded_later(void **state)
{
	const struct tw_ring_start start = {.epoch = 1, .has_history = true};
	struct tw_destination *only;
	uint64_t from;

	be_guest();
	from = tw_monotonic_ns();
	guest_emit();
	guest_emit();
	only = open_destination(tw_destination_open_simpletrace, "only");
	add_guest(only, &start);
	turn(only);
	assert_int_equal(read_times("only"), 0);
	/* A page is full after three of them: long before it is given up. */
	for (int i = 0; i < 20; i++) {
		for (int j = 0; j < 10; j++)
			guest_emit();
		turn(only);
	}
	end(only);
	assert_int_equal(read_times("only"), 202);
	check_times(0, from);
}

/* A guest that says nothing more is not waited for without end. */
static void test_guest_silent(void **state)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	const struct tw_ring_start start = {.epoch = 1};
	struct tw_destination *only;
	uint64_t from;
	int count = 0;

	be_guest();
	only = open_destination(tw_destination_open_simpletrace, "only");
	from = tw_monotonic_ns();
	add_guest(only, &start);
	guest_emit();
	turn(only);
	assert_int_equal(read_times("only"), 0);
	for (int i = 0; i < 6000 && !count; i++) {
		turn(only);
		count = read_times("only");
		nanosleep(&pause, NULL);
	}
	assert_int_equal(count, 1);
	check_times(0, from);
	end(only);
	assert_int_equal(read_times("only"), 1);
}

/* ---- A guest beside a program ---- */

#define OTHER_PAGE 65536
#define OTHER_PAGES 64
#define WAIT_EVENTS_MAX (UINT64_C(1) << 20) /* as destination-simpletrace.c */

static void be_other(void)
{
	struct tw_ring_control *control;
	const uint64_t now = tw_monotonic_ns();

	fixture_create(&other, OTHER_PAGE, OTHER_PAGES, TW_RING_DISCARD);
	control = other.ring.control;
	control->pid = (uint32_t)getpid();
	control->sync_first = (struct tw_ring_sync){
		.clock = now,
		.mono_ns = now,
		.real_ns = tw_real_offset() + now,
	};
	control->sync_last = control->sync_first;
}

static void other_emit(uint64_t count)
{
	other.clock = tw_monotonic_ns();
	for (uint64_t i = 0; i < count; i++)
		assert_true(fixture_emit_as(&other, 0, 0, EVENT_NOTHING, 0));
}

/* So that a guest's event is waited for, of the two that there are. */
static struct tw_destination *wait_for_guest(uint64_t other_count)
{
	const struct tw_ring_start start = {.epoch = 1};
	struct tw_destination *only;

	be_guest();
	be_other();
	only = open_destination(tw_destination_open_simpletrace, "only");
	add_guest(only, &start);
	add_ring(only, &other, &start);
	guest_emit();
	guest_emit();
	other_emit(other_count);
	turn(only);
	assert_int_equal(read_times("only"), 0);
	return only;
}

/* A program that ends is no reason not to wait for a guest any longer. */
static void test_guest_other_ends(void **state)
{
	struct tw_destination *only = wait_for_guest(100);

	fixture_close(&other);
	turn(only);
	assert_int_equal(read_times("only"), 0);
	assert_null(only->kind->cut(only, other.path));
	assert_int_equal(read_times("only"), 2);
	end(only);
}

/* If a lot comes meanwhile, a guest's ring is waited for no longer: for none of
 * its events. In so few looks that this is the one reason. */
static void test_guest_other_busy(void **state)
{
	struct tw_destination *only = wait_for_guest(0);

	for (int i = 0; i < 4; i++) {
		assert_int_equal(read_times("only"), 0);
		other_emit(WAIT_EVENTS_MAX / 4);
		turn(only);
	}
	assert_int_equal(read_times("only"), 2);
	end(only);
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
		TEST(test_guest_unbounded),
		TEST(test_guest_bounded_later),
		TEST(test_guest_silent),
		TEST(test_guest_other_ends),
		TEST(test_guest_other_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
