/* SPDX-License-Identifier: MIT */
/*
 * Merging: the tree of losers against a plain sort, the order of records over
 * random traces with equal times, memory that does not grow with a trace, and
 * what is held back of live rings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/merge.h"
#include "../../../src/trace/source.h"
#include "recorder.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOUR_NS 3600000000000u

static const struct tw_drain_options all = {.start = TW_DRAIN_ALL};
static const struct tw_drain_options live = {.open = true};

/* ---- The tree ---- */

#define TREE_RECORDS 40 /* of a lane, at most */

struct lane {
	uint64_t times[TREE_RECORDS];
	uint32_t count;
	uint32_t at;
};

static uint64_t lane_time(const struct lane *lane)
{
	return lane->at < lane->count ? lane->times[lane->at] : TW_MERGE_NONE;
}

/* The lane that a look at all of them finds. */
static uint32_t find_first(const struct lane *lanes, uint32_t count)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i < count; i++)
		if (lane_time(&lanes[i]) < lane_time(&lanes[first]))
			first = i;
	return first;
}

static uint64_t find_second(const struct lane *lanes, uint32_t count,
			    uint32_t first)
{
	uint64_t time = TW_MERGE_NONE;

	for (uint32_t i = 0; i < count; i++)
		if (i != first && lane_time(&lanes[i]) < time)
			time = lane_time(&lanes[i]);
	return time;
}

static void fill_lanes(struct lane *lanes, uint32_t count, unsigned *seed)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t time = (uint64_t)rand_r(seed) % 8;

		lanes[i].at = 0;
		lanes[i].count = (uint32_t)rand_r(seed) % TREE_RECORDS;
		for (uint32_t k = 0; k < lanes[i].count; k++) {
			time += (uint64_t)rand_r(seed) % 3;
			lanes[i].times[k] = time;
		}
	}
}

static void build(struct tw_merge *merge, const struct lane *lanes,
		  uint32_t count)
{
	uint64_t times[80];

	for (uint32_t i = 0; i < count; i++)
		times[i] = lane_time(&lanes[i]);
	assert_int_equal(tw_merge_build(merge, times, count), 0);
}

static void test_tree(void **state)
{
	struct lane lanes[80];
	struct tw_merge merge = {0};
	unsigned seed = 5;
	uint32_t first;

	(void)state;
	for (uint32_t round = 0; round < 400; round++) {
		const uint32_t count = round % 80 + 1;

		fill_lanes(lanes, count, &seed);
		build(&merge, lanes, count);
		for (;;) {
			first = find_first(lanes, count);
			assert_true(tw_merge_winner(&merge).time ==
				    lane_time(&lanes[first]));
			assert_true(tw_merge_runner_up(&merge) ==
				    find_second(lanes, count, first));
			if (lane_time(&lanes[first]) == TW_MERGE_NONE)
				break;
			assert_int_equal(tw_merge_winner(&merge).leaf, first);
			lanes[first].at++;
			/* Built anew in the middle, it stands as it stood. */
			if (rand_r(&seed) % 32 == 0)
				build(&merge, lanes, count);
			else
				tw_merge_replace(&merge,
						 lane_time(&lanes[first]));
		}
	}
	assert_int_equal(tw_merge_build(&merge, NULL, 0), 0);
	assert_true(tw_merge_winner(&merge).time == TW_MERGE_NONE);
	tw_merge_free(&merge);
}

/* ---- The order of records ---- */

#define PRODUCERS 3
#define EMITTED 6000

struct emitted {
	uint64_t time_ns;
	uint32_t producer;
	uint32_t lane;
	uint64_t n; /* in the lane */
};

struct traces {
	struct fixture fixtures[PRODUCERS];
	struct emitted emitted[EMITTED];
	size_t count;
	uint64_t discarded;
};

static int by_time(const void *a, const void *b)
{
	const struct emitted *one = a, *other = b;

	if (one->time_ns != other->time_ns)
		return one->time_ns < other->time_ns ? -1 : 1;
	if (one->producer != other->producer)
		return one->producer < other->producer ? -1 : 1;
	if (one->lane != other->lane)
		return one->lane < other->lane ? -1 : 1;
	return (one->n > other->n) - (one->n < other->n);
}

/* Lanes begin late and end early, and time stands still often. */
static void emit_one(struct traces *traces, unsigned *seed, uint64_t *clock)
{
	const uint32_t producer = (uint32_t)rand_r(seed) % PRODUCERS;
	struct fixture *f = &traces->fixtures[producer];
	const size_t third = traces->count * 3 / EMITTED;
	const uint32_t lane = (uint32_t)(rand_r(seed) % 4 + third * 2);
	struct emitted *emitted;

	*clock += (uint64_t)(rand_r(seed) % 4 == 0);
	if (rand_r(seed) % 100 == 0) {
		tw_writer_discard(&f->ring, &f->writers[lane]);
		traces->discarded++;
	}
	f->clock = *clock - 1;
	emitted = &traces->emitted[traces->count++];
	*emitted = (struct emitted){*clock - FIXTURE_CLOCK + FIXTURE_REAL,
				    producer, lane, f->written[lane]};
	assert_true(fixture_emit(f, lane));
}

static void make_traces(struct traces *traces, unsigned seed)
{
	uint64_t clock = FIXTURE_CLOCK + 1;

	traces->count = 0;
	traces->discarded = 0;
	for (int i = 0; i < PRODUCERS; i++)
		fixture_create(&traces->fixtures[i], 512, 1024,
			       TW_RING_OVERWRITE);
	while (traces->count < EMITTED)
		emit_one(traces, &seed, &clock);
	qsort(traces->emitted, EMITTED, sizeof(*traces->emitted), by_time);
}

static uint64_t number_of(const struct tw_record *record)
{
	uint64_t n;

	memcpy(&n, record->event.fields + 4, sizeof(n));
	return n;
}

static void expect_sorted(struct tw_trace *trace, const struct traces *traces)
{
	const struct emitted *expected = traces->emitted;
	const struct tw_record *record;
	uint64_t discarded = 0;

	while (tw_trace_next(trace, &record) == 1) {
		if (record->kind == TW_RECORD_LOST) {
			assert_int_equal(record->lost, 0);
			discarded += record->discarded;
			continue;
		}
		assert_true(expected < traces->emitted + EMITTED);
		assert_int_equal(record->time_ns, expected->time_ns);
		assert_int_equal(record->producer->index, expected->producer);
		assert_int_equal(record->lane, expected->lane);
		assert_int_equal(number_of(record), expected->n);
		assert_int_equal(record->plus_ns, 0);
		assert_int_equal(record->minus_ns, 0);
		assert_int_equal(record->marks, 0);
		expected++;
	}
	assert_true(expected == traces->emitted + EMITTED);
	assert_int_equal(discarded, traces->discarded);
}

static struct tw_trace *open_directories(struct traces *traces)
{
	struct tw_attach_error error;
	struct tw_trace *trace;
	struct recorder r;

	assert_int_equal(tw_trace_create(&trace), 0);
	for (int i = 0; i < PRODUCERS; i++) {
		recorder_create(&r, &traces->fixtures[i], NULL, "trace", &all);
		recorder_finish(&r);
		assert_int_equal(
			tw_trace_add_directory(trace, r.directory, &error), 0);
	}
	return trace;
}

static struct tw_trace *open_rings(struct traces *traces)
{
	struct tw_attach_error error;
	struct tw_trace *trace;

	assert_int_equal(tw_trace_create(&trace), 0);
	for (int i = 0; i < PRODUCERS; i++)
		assert_int_equal(
			tw_trace_add_ring(
				trace,
				fixture_attach(&traces->fixtures[i], NULL),
				&live, &error),
			0);
	/* With all producers at their end, nothing is held back. */
	tw_trace_hold(trace, HOUR_NS);
	assert_int_equal(tw_trace_poll(trace, false, &error), 0);
	return trace;
}

static void test_order(void **state)
{
	struct traces *traces = calloc(1, sizeof(*traces));
	struct tw_trace *trace;

	(void)state;
	for (unsigned seed = 1; seed <= 10; seed++) {
		make_traces(traces, seed);
		trace = seed % 2 ? open_directories(traces)
				 : open_rings(traces);
		expect_sorted(trace, traces);
		tw_trace_destroy(trace);
		for (int i = 0; i < PRODUCERS; i++)
			fixture_destroy(&traces->fixtures[i]);
	}
	free(traces);
}

/* What was overwritten is told where its lane goes on, among the others'. */
static void test_order_with_loss(void **state)
{
	const struct tw_record *record;
	struct tw_attach_error error;
	struct tw_trace *trace;
	struct fixture f;
	struct recorder r;
	uint64_t last = 0, lost = 0, events = 0;

	(void)state;
	fixture_create(&f, 512, 16, TW_RING_OVERWRITE);
	recorder_create(&r, &f, NULL, "trace", &all);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 400; i++)
			fixture_emit(&f, (uint32_t)(i * i) % 5);
		recorder_pass(&r);
	}
	recorder_finish(&r);
	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(tw_trace_add_directory(trace, r.directory, &error), 0);
	while (tw_trace_next(trace, &record) == 1) {
		assert_true(record->time_ns >= last);
		last = record->time_ns;
		if (record->kind == TW_RECORD_LOST)
			lost += record->lost;
		else
			events++;
	}
	assert_true(lost > 1000);
	assert_true(events > 1000);
	assert_int_equal(events + lost, 20 * 400);
	tw_trace_destroy(trace);
	fixture_destroy(&f);
}

/* ---- Times with bounds ---- */

/* A clock that stood still for a while, and is known less and less well. */
static void place(void *context, uint64_t ticks,
		  const struct tw_trace_span *span, struct tw_trace_time *time)
{
	const uint64_t passed = ticks - FIXTURE_CLOCK;

	(void)context;
	(void)span;
	*time = (struct tw_trace_time){
		.time_ns = FIXTURE_REAL + passed * 10,
		.plus_ns = passed,
		.minus_ns = passed * 2,
		.marks = passed > 2 ? TW_RECORD_CLAMPED : 0,
	};
}

static void test_bounds(void **state)
{
	/* Each one's events are at 1, 2 and 3 ticks: by ns and producer. */
	static const struct tw_trace_time expected[] = {
		{1, 0, 0, 0},  {2, 0, 0, 0},  {3, 0, 0, 0},
		{10, 1, 2, 0}, {20, 2, 4, 0}, {30, 3, 6, TW_RECORD_CLAMPED},
	};
	struct fixture fixtures[2];
	struct tw_attach_error error;
	const struct tw_record *record;
	struct tw_trace_time time;
	struct tw_source *source;
	struct tw_trace *trace;

	(void)state;
	assert_int_equal(tw_trace_create(&trace), 0);
	for (int i = 0; i < 2; i++) {
		fixture_create(&fixtures[i], 512, 16, TW_RING_OVERWRITE);
		for (int n = 0; n < 3; n++)
			fixture_emit(&fixtures[i], 0);
		assert_int_equal(
			tw_trace_add_ring(trace,
					  fixture_attach(&fixtures[i], NULL),
					  &live, &error),
			0);
	}
	/* The producer is a source's first member. */
	source = (struct tw_source *)tw_trace_producer(trace, 0);
	source->place = place;
	assert_int_equal(tw_trace_poll(trace, true, &error), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(tw_trace_next(trace, &record), 1);
		assert_int_equal(record->producer->index, i < 3);
		assert_int_equal(record->time_ns,
				 FIXTURE_REAL + expected[i].time_ns);
		assert_int_equal(record->plus_ns, expected[i].plus_ns);
		assert_int_equal(record->minus_ns, expected[i].minus_ns);
		assert_int_equal(record->marks, expected[i].marks);
	}
	assert_int_equal(tw_trace_next(trace, &record), 0);
	tw_trace_when(trace, 0, FIXTURE_CLOCK + 5, &time);
	assert_int_equal(time.time_ns, FIXTURE_REAL + 50);
	assert_int_equal(time.plus_ns, 5);
	tw_trace_when(trace, 1, FIXTURE_CLOCK + 5, &time);
	assert_int_equal(time.time_ns, FIXTURE_REAL + 5);
	assert_int_equal(time.plus_ns, 0);
	tw_trace_destroy(trace);
	for (int i = 0; i < 2; i++)
		fixture_destroy(&fixtures[i]);
}

/* Of this guest's clock is only known that all was before it was read; loss has
 * its lane's bounds. */
static void test_unknown_bounds(void **state)
{
	struct tw_attach_error error;
	const struct tw_record *record;
	struct tw_trace *trace;
	struct fixture f;

	(void)state;
	fixture_create(&f, 512, 16, TW_RING_OVERWRITE);
	tw_writer_discard(&f.ring, &f.writers[0]);
	fixture_emit(&f, 0);
	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(tw_trace_add_guest(trace, fixture_attach(&f, NULL),
					    &live, 1, &error),
			 0);
	assert_int_equal(tw_trace_poll(trace, true, &error), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tw_trace_next(trace, &record), 1);
		assert_int_equal(record->kind,
				 i ? TW_RECORD_EVENT : TW_RECORD_LOST);
		assert_true(record->plus_ns < TW_BOUND_UNKNOWN);
		assert_true(record->minus_ns == TW_BOUND_UNKNOWN);
	}
	tw_trace_destroy(trace);
	fixture_destroy(&f);
}

/* ---- Memory ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_MALLINFO 0
#else
#define HAS_MALLINFO 1
#endif

static size_t memory_in_use(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* The most that reading so many events takes. */
static size_t read_events(uint64_t count)
{
	const struct tw_record *record;
	struct tw_attach_error error;
	struct tw_trace *trace;
	struct fixture f;
	struct recorder r;
	uint64_t events = 0;
	size_t before, most = 0;

	fixture_create(&f, 16384, 64, TW_RING_OVERWRITE);
	recorder_create(&r, &f, NULL, "trace", &all);
	for (uint64_t i = 0; i < count; i++) {
		fixture_emit(&f, i % 4);
		if (i % 10000 == 0)
			recorder_pass(&r);
	}
	recorder_finish(&r);
	before = memory_in_use();
	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(tw_trace_add_directory(trace, r.directory, &error), 0);
	while (tw_trace_next(trace, &record) == 1)
		if (events++ % 100 == 0 && memory_in_use() - before > most)
			most = memory_in_use() - before;
	assert_int_equal(events, count);
	tw_trace_destroy(trace);
	fixture_destroy(&f);
	return most;
}

static void test_memory(void **state)
{
	size_t one, other;

	(void)state;
	if (!HAS_MALLINFO)
		skip();
	/* The shorter one, too, has more than is read of a lane at once. */
	one = read_events(400000);
	other = read_events(1200000);
	assert_true(one > 1000000);
	assert_true(one < 6000000);
	assert_true(other < one + 4096);
}

/* ---- Holding back ---- */

static uint64_t real_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A producer that is alive: this process. */
static struct tw_trace *follow(struct fixture *f, uint64_t hold_ns)
{
	struct tw_attach_error error;
	struct tw_trace *trace;

	fixture_create(f, 4096, 16, TW_RING_OVERWRITE);
	f->ring.control->pid = (uint32_t)getpid();
	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(tw_trace_add_ring(trace, fixture_attach(f, NULL),
					   &live, &error),
			 0);
	tw_trace_hold(trace, hold_ns);
	return trace;
}

/* An event of this time, less a tick's, that no later one comes before. */
static void emit_at(struct fixture *f, uint32_t lane, uint64_t real_ns)
{
	f->clock = real_ns - FIXTURE_REAL + FIXTURE_CLOCK - 1;
	fixture_emit(f, lane);
}

static int poll_next(struct tw_trace *trace, bool finish,
		     const struct tw_record **record)
{
	struct tw_attach_error error;

	assert_int_equal(tw_trace_poll(trace, finish, &error), !finish);
	return tw_trace_next(trace, record);
}

static void test_hold(void **state)
{
	const uint64_t now = real_now();
	const struct tw_record *record;
	struct tw_trace_late late;
	struct tw_trace *trace;
	struct fixture f;

	(void)state;
	trace = follow(&f, HOUR_NS);
	emit_at(&f, 0, now - 2 * HOUR_NS);
	emit_at(&f, 1, now);
	assert_int_equal(poll_next(trace, false, &record), 1);
	assert_int_equal(record->lane, 0);
	/* The other one is held back: something may come before it, */
	assert_int_equal(tw_trace_next(trace, &record), 0);
	emit_at(&f, 2, now - 90 * 60 * UINT64_C(1000000000));
	assert_int_equal(poll_next(trace, false, &record), 1);
	assert_int_equal(record->lane, 2);
	assert_int_equal(record->marks, 0);
	assert_int_equal(tw_trace_next(trace, &record), 0);
	emit_at(&f, 3, now - 1000);
	assert_int_equal(poll_next(trace, false, &record), 0);
	/* up to the end. */
	assert_int_equal(poll_next(trace, true, &record), 1);
	assert_int_equal(record->lane, 3);
	assert_int_equal(tw_trace_next(trace, &record), 1);
	assert_int_equal(record->lane, 1);
	assert_int_equal(tw_trace_next(trace, &record), 0);
	tw_trace_late(trace, &late);
	assert_int_equal(late.records, 0);
	tw_trace_destroy(trace);
	fixture_destroy(&f);
}

static void test_latecomers(void **state)
{
	const uint64_t now = real_now();
	const struct tw_record *record;
	struct tw_trace_late late;
	struct tw_trace *trace;
	struct fixture f;

	(void)state;
	trace = follow(&f, HOUR_NS);
	emit_at(&f, 0, now - 2 * HOUR_NS);
	assert_int_equal(poll_next(trace, false, &record), 1);
	assert_int_equal(record->marks, 0);
	emit_at(&f, 1, now - 3 * HOUR_NS);
	emit_at(&f, 0, now - 110 * 60 * UINT64_C(1000000000));
	assert_int_equal(poll_next(trace, false, &record), 1);
	assert_int_equal(record->lane, 1);
	assert_int_equal(record->marks, TW_RECORD_LATE);
	/* What is in order again is not late. */
	assert_int_equal(tw_trace_next(trace, &record), 1);
	assert_int_equal(record->lane, 0);
	assert_int_equal(record->marks, 0);
	tw_trace_late(trace, &late);
	assert_int_equal(late.records, 1);
	assert_true(late.most_ns > HOUR_NS - 1000);
	assert_true(late.most_ns < HOUR_NS + 1000);
	tw_trace_destroy(trace);
	fixture_destroy(&f);
}

/* An event from the future is not kept until then, and makes no others late. */
static void test_clock_ahead(void **state)
{
	const uint64_t now = real_now();
	const struct tw_record *record;
	struct tw_trace_late late;
	struct tw_trace *trace;
	struct fixture f;
	int got = 0;

	(void)state;
	trace = follow(&f, 1000000);
	emit_at(&f, 0, now + 10 * HOUR_NS);
	for (int i = 0; !got && i < 5000; i++) {
		got = poll_next(trace, false, &record);
		usleep(1000);
	}
	assert_int_equal(got, 1);
	assert_int_equal(record->lane, 0);
	emit_at(&f, 1, now - HOUR_NS);
	assert_int_equal(poll_next(trace, false, &record), 1);
	assert_int_equal(record->lane, 1);
	assert_int_equal(record->marks, 0);
	tw_trace_late(trace, &late);
	assert_int_equal(late.records, 0);
	tw_trace_destroy(trace);
	fixture_destroy(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_order_with_loss),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_unknown_bounds),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_latecomers),
		cmocka_unit_test(test_clock_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
