/* SPDX-License-Identifier: MIT */
/* When packets were: what is kept of it, in how much room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/spans.h"

#include <stdlib.h>
#include <string.h>

#define MAX 256
#define MS 1000000u
#define STOP_NS (5000u * MS)
#define LANES 3

struct rig {
	struct tw_spans *spans;
	struct tw_spans_packet *packets; /* all that were added */
	uint32_t count;
	uint64_t before[LANES];
	uint64_t now;
	struct tw_spans_epoch epochs[3];
	size_t epoch_count;
	uint32_t thinned;
};

static void begin(struct rig *rig, size_t room)
{
	*rig = (struct rig){
		.spans = tw_spans_create(LANES, MAX),
		.packets = calloc(room, sizeof(*rig->packets)),
		.now = 1000u * MS,
		.epochs = {{0, UINT64_MAX}},
		.epoch_count = 1,
	};
	assert_non_null(rig->spans);
	assert_non_null(rig->packets);
}

static void end(struct rig *rig)
{
	tw_spans_destroy(rig->spans);
	free(rig->packets);
}

/* A packet that was read lag ns after the earliest moment of its events. */
static void add(struct rig *rig, uint32_t lane, uint64_t lag)
{
	const struct tw_spans_packet packet = {
		.lane = lane,
		.before = rig->before[lane],
		.events = 2,
		.span = {rig->now - lag, rig->now},
	};

	rig->packets[rig->count++] = packet;
	/* One event in three is lost. */
	rig->before[lane] += 3;
	if (tw_spans_add(rig->spans, &packet)) {
		tw_spans_thin(rig->spans, rig->epochs, rig->epoch_count);
		rig->thinned++;
	}
}

/* Packets each 10 ms, of lanes in turns, so many of them. */
static void run(struct rig *rig, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		rig->now += 10 * MS;
		add(rig, i % LANES, 40 * MS);
	}
}

static void stop(struct rig *rig)
{
	struct tw_spans_epoch *epoch = &rig->epochs[rig->epoch_count++];

	epoch[-1].end_ns = rig->now + 20 * MS;
	rig->now += STOP_NS;
	*epoch = (struct tw_spans_epoch){rig->now - STOP_NS - 20 * MS,
					 UINT64_MAX};
}

static struct tw_dotfile_span *list(const struct rig *rig, size_t *count)
{
	const struct tw_dotfile_span *kept = tw_spans_list(rig->spans, count);
	struct tw_dotfile_span *copy = calloc(*count, sizeof(*copy));

	assert_non_null(copy);
	memcpy(copy, kept, *count * sizeof(*copy));
	tw_spans_sort(copy, *count);
	return copy;
}

/* Each packet is known, and was when it was. Returns the widest span. */
static uint64_t check(const struct rig *rig)
{
	const struct tw_spans_packet *packet;
	struct tw_dotfile_span *kept;
	struct tw_trace_span span;
	uint64_t widest = 0;
	size_t count;

	kept = list(rig, &count);
	assert_in_range(count, 1, MAX);
	for (uint32_t i = 0; i < rig->count; i++) {
		packet = &rig->packets[i];
		assert_true(tw_spans_find(kept, count, packet->lane,
					  packet->before, &span));
		assert_true(span.from_ns <= packet->span.from_ns);
		assert_true(span.to_ns >= packet->span.to_ns);
		if (span.to_ns - span.from_ns > widest)
			widest = span.to_ns - span.from_ns;
	}
	free(kept);
	return widest;
}

static void test_all_is_kept(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, MAX);
	run(&rig, MAX - 1);
	assert_int_equal(rig.thinned, 0);
	assert_int_equal(check(&rig), 40 * MS);
	end(&rig);
}

/* However many come: no span is much wider than it has to be. */
static void test_bounded(void **state)
{
	const uint32_t count = 40 * MAX;
	struct rig rig;

	(void)state;
	begin(&rig, count);
	run(&rig, count);
	assert_true(rig.thinned > 40);
	/* Evenly, each of MAX / 2 runs would have so much. */
	assert_in_range(check(&rig), 0,
			UINT64_C(4) * count / MAX * LANES * 10 * MS);
	end(&rig);
}

/* A stop: no run goes across it but those of packets that do. */
static void test_epochs(void **state)
{
	struct tw_dotfile_span *kept;
	struct rig rig;
	uint64_t stopped;
	size_t count;
	uint32_t across = 0;

	(void)state;
	begin(&rig, 120 * MAX);
	run(&rig, 40 * MAX);
	stopped = rig.now;
	stop(&rig);
	for (uint32_t lane = 0; lane < LANES; lane++)
		add(&rig, lane, STOP_NS + MS);
	run(&rig, 40 * MAX);
	check(&rig);
	kept = list(&rig, &count);
	for (size_t i = 0; i < count; i++) {
		if (kept[i].from_ns > stopped ||
		    kept[i].to_ns < stopped + STOP_NS)
			continue;
		across++;
		assert_int_equal(kept[i].to_ns - kept[i].from_ns, STOP_NS + MS);
		assert_int_equal(kept[i].end - kept[i].begin, 2);
	}
	assert_int_equal(across, LANES);
	free(kept);
	end(&rig);
}

/* Of several epochs each, all the time: it stays bounded all the same. */
static void test_unclear(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, 8 * MAX);
	rig.epochs[0] = rig.epochs[1] = (struct tw_spans_epoch){0, UINT64_MAX};
	rig.epoch_count = 2;
	run(&rig, 8 * MAX);
	assert_in_range(check(&rig), 0, UINT64_C(8 * 4) * LANES * 10 * MS);
	end(&rig);
}

/* Where nothing can be made one, the last runs grow. */
static void test_no_room(void **state)
{
	struct tw_spans *spans = tw_spans_create(MAX + 8, MAX);
	struct tw_spans_packet packet = {.events = 1};
	const struct tw_dotfile_span *kept;
	size_t count;
	uint32_t full = 0;

	(void)state;
	assert_non_null(spans);
	for (uint32_t round = 0; round < 10; round++) {
		packet.before = round;
		for (packet.lane = 0; packet.lane < MAX + 8; packet.lane++) {
			packet.span.from_ns = packet.span.to_ns += 5 * MS;
			if (!tw_spans_add(spans, &packet))
				continue;
			full++;
			tw_spans_thin(spans, NULL, 0);
		}
	}
	assert_true(full > 0);
	kept = tw_spans_list(spans, &count);
	assert_int_equal(count, MAX);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(kept[i].end, 10);
	tw_spans_destroy(spans);
}

/* Pages that are read in one go are one run. */
static void test_grain(void **state)
{
	size_t count;
	struct rig rig;

	(void)state;
	begin(&rig, 1000);
	for (int i = 0; i < 1000; i++) {
		rig.now += 100;
		add(&rig, 0, 50);
	}
	tw_spans_list(rig.spans, &count);
	assert_int_equal(count, 1);
	assert_true(check(&rig) <= MS);
	end(&rig);
}

static void test_find(void **state)
{
	struct tw_dotfile_span spans[] = {
		{.lane = 2, .begin = 5, .end = 7, .from_ns = 21, .to_ns = 22},
		{.lane = 1, .begin = 9, .end = 12, .from_ns = 13, .to_ns = 14},
		{.lane = 1, .begin = 3, .end = 6, .from_ns = 11, .to_ns = 12},
		{.lane = 4, .begin = 0, .end = 6, .from_ns = 2, .to_ns = 1},
	};
	static const struct {
		uint32_t lane;
		uint64_t before, from_ns;
	} wanted[] = {
		{1, 2, 0},  {1, 3, 11},	 {1, 5, 11}, {1, 6, 0}, {1, 8, 0},
		{1, 9, 13}, {1, 11, 13}, {1, 12, 0}, {2, 4, 0}, {2, 5, 21},
		{2, 7, 0},  {0, 5, 0},	 {3, 0, 0},  {4, 1, 0}, {9, 0, 0},
	};
	struct tw_trace_span span;

	(void)state;
	tw_spans_sort(spans, 4);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_int_equal(tw_spans_find(spans, 4, wanted[i].lane,
					       wanted[i].before, &span),
				 wanted[i].from_ns != 0);
		assert_int_equal(span.from_ns, wanted[i].from_ns);
	}
	tw_spans_sort(NULL, 0);
	assert_false(tw_spans_find(NULL, 0, 0, 0, &span));
	assert_int_equal(span.to_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_kept),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_unclear),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_grain),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
