/* SPDX-License-Identifier: MIT */
/*
 * Times of a guest's events. Its counter shows CLOCK_MONOTONIC here, less some
 * base, so that the truth of each event is known: it must be inside the bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/guest-clock.h"
#include "../../../src/trace/read.h"
#include "fixture.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 300
#define PAUSE_NS 100000
#define HOUR_NS 3600000000000u
#define STOP_NS 20000000
#define OFFSET_NS 5000 /* between two readings of CLOCK_REALTIME's offset */

struct rig {
	struct fixture f;
	struct tw_trace *trace;
	uint64_t base; /* CLOCK_MONOTONIC when the counter was 0 */
	uint64_t real; /* CLOCK_REALTIME less CLOCK_MONOTONIC */
	uint64_t last[FIXTURE_LANES];
	uint32_t events;
	uint32_t upper; /* events with an upper bound */
	uint32_t both;	/* and with a lower one as well */
	uint32_t clamped;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void begin(struct rig *rig)
{
	*rig = (struct rig){.base = now_ns() - HOUR_NS,
			    .real = tw_real_offset()};
	fixture_create(&rig->f, 512, 64, TW_RING_OVERWRITE);
	rig->f.ring.control->pid = (uint32_t)getpid();
	rig->f.ring.control->clock_hz = 1000000000;
}

static struct tw_attach *attach(struct rig *rig, bool is_firmware)
{
	struct tw_attach *attach = fixture_attach(&rig->f, NULL);

	if (is_firmware)
		attach->ring.control.pid = 0;
	assert_true(tw_attach_is_alive(attach));
	return attach;
}

static void add_guest(struct rig *rig, bool is_firmware)
{
	const struct tw_drain_options options = {.open = true};
	struct tw_attach_error error;

	assert_int_equal(tw_trace_create(&rig->trace), 0);
	assert_int_equal(tw_trace_add_guest(rig->trace,
					    attach(rig, is_firmware), &options,
					    1, &error),
			 0);
}

static void end(struct rig *rig)
{
	tw_trace_destroy(rig->trace);
	fixture_destroy(&rig->f);
}

static void rest(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	nanosleep(&pause, NULL);
}

/*
 * An event, and a beacon: a firmware's page has been given one that was written
 * before its time was read, a hosted producer's may have been given a later
 * one.
 */
static void emit(struct rig *rig, bool is_firmware)
{
	struct fixture *f = &rig->f;

	if (is_firmware)
		f->ring.control->beacon = now_ns();
	f->clock = now_ns() - rig->base;
	rest();
	if (!is_firmware)
		f->ring.control->beacon = now_ns();
	fixture_emit(f, 0);
}

static void check_record(struct rig *rig, const struct tw_record *record)
{
	const uint64_t truth = rig->base + rig->real + record->event.time;
	const uint64_t time = record->time_ns;

	assert_true(time >= rig->last[record->lane]);
	rig->last[record->lane] = time;
	if (record->marks & TW_RECORD_CLAMPED) {
		rig->clamped++;
		assert_true(time <= now_ns() + rig->real + OFFSET_NS);
		return;
	}
	rig->events++;
	rig->upper += record->plus_ns != TW_BOUND_UNKNOWN;
	rig->both += record->plus_ns != TW_BOUND_UNKNOWN &&
		     record->minus_ns != TW_BOUND_UNKNOWN;
	if (record->plus_ns != TW_BOUND_UNKNOWN)
		assert_true(truth <= time + record->plus_ns + OFFSET_NS);
	if (record->minus_ns != TW_BOUND_UNKNOWN)
		assert_true(truth + OFFSET_NS >= time - record->minus_ns);
}

static void look(struct rig *rig)
{
	const struct tw_record *record;
	struct tw_attach_error error;

	assert_int_equal(tw_trace_poll(rig->trace, false, &error), 1);
	while (tw_trace_next(rig->trace, &record) == 1)
		check_record(rig, record);
}

static void run(bool is_firmware)
{
	struct rig rig;

	begin(&rig);
	add_guest(&rig, is_firmware);
	for (int i = 0; i < ROUNDS; i++) {
		emit(&rig, is_firmware);
		if (i % 7 == 0)
			look(&rig);
	}
	look(&rig);
	assert_int_equal(rig.events, ROUNDS);
	assert_int_equal(rig.clamped, 0);
	/* All but those before the first page that has a beacon. */
	assert_true(rig.both > ROUNDS * 3 / 4);
	end(&rig);
}

static void test_firmware(void **state)
{
	(void)state;
	run(true);
}

static void test_hosted(void **state)
{
	(void)state;
	run(false);
}

/* Several pages that are read one after another were all there before. */
static void test_pages_at_once(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	add_guest(&rig, true);
	for (int i = 0; i < ROUNDS; i++) {
		emit(&rig, true);
		if (i % 100 < 10 || i % 100 == 99)
			look(&rig);
	}
	assert_int_equal(rig.events, ROUNDS);
	assert_int_equal(rig.clamped, 0);
	end(&rig);
}

/*
 * A machine that was stopped: what comes then fits all that was known, which
 * says that it was earlier. As long as nothing says otherwise, it is no later
 * than it was read.
 */
static void test_stopped(void **state)
{
	const struct timespec stop = {.tv_nsec = STOP_NS};
	struct rig rig;

	(void)state;
	begin(&rig);
	add_guest(&rig, true);
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 50 == 49) {
			rig.base += STOP_NS;
			nanosleep(&stop, NULL);
		}
		emit(&rig, true);
		look(&rig);
	}
	assert_int_equal(rig.events + rig.clamped, ROUNDS);
	assert_int_equal(rig.upper, rig.events);
	assert_true(rig.both > 0);
	end(&rig);
}

/* A time that is still to come, and what it does to the others: nothing. */
static void test_forged(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	add_guest(&rig, true);
	for (int i = 0; i < ROUNDS; i++) {
		emit(&rig, true);
		if (i % 100 == 50) {
			rig.f.clock += HOUR_NS;
			fixture_emit(&rig.f, 1);
		}
		if (i % 7 == 0)
			look(&rig);
	}
	look(&rig);
	assert_int_equal(rig.events, ROUNDS);
	assert_int_equal(rig.clamped, ROUNDS / 100);
	assert_true(rig.both > ROUNDS * 3 / 4);
	end(&rig);
}

/* Beacons of the future, or of another boot of the host, say nothing. */
static void test_false_beacons(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	add_guest(&rig, true);
	for (int i = 0; i < ROUNDS; i++) {
		rig.f.ring.control->beacon = now_ns() + HOUR_NS;
		rig.f.clock = now_ns() - rig.base;
		fixture_emit(&rig.f, 0);
		if (i % 7 == 0)
			look(&rig);
	}
	look(&rig);
	assert_int_equal(rig.events, ROUNDS);
	assert_int_equal(rig.upper, ROUNDS);
	end(&rig);
}

/* ---- As a recording has it ---- */

struct feed {
	struct tw_guest_clock *clock;
	uint64_t first;
	uint64_t last;
};

static int feed_page(void *context, const struct tw_drain_page *part)
{
	struct feed *feed = context;
	struct tw_trace_span span;

	tw_guest_clock_page(feed->clock, part, &span);
	assert_true(span.from_ns <= span.to_ns);
	if (!feed->first)
		feed->first = part->view->time_end;
	feed->last = part->view->time_end;
	return 0;
}

static void check_kept(const struct rig *rig, const struct feed *feed,
		       struct tw_guest_clock *kept)
{
	static const struct tw_trace_span any;
	const uint64_t step = (feed->last - feed->first) / 50;
	struct tw_trace_time was, is;
	uint64_t ticks, truth;

	for (ticks = feed->first; ticks < feed->last; ticks += step) {
		was = is = (struct tw_trace_time){0};
		tw_guest_clock_place(feed->clock, ticks, &any, &was);
		tw_guest_clock_place(kept, ticks, &any, &is);
		truth = rig->base + rig->real + ticks;
		assert_true(is.plus_ns != TW_BOUND_UNKNOWN);
		assert_true(is.minus_ns != TW_BOUND_UNKNOWN);
		assert_true(truth <= is.time_ns + is.plus_ns + OFFSET_NS);
		assert_true(truth + OFFSET_NS >= is.time_ns - is.minus_ns);
		assert_in_range(is.plus_ns + is.minus_ns, 0,
				2 * (was.plus_ns + was.minus_ns));
	}
}

static void check_line(const struct rig *rig, const struct feed *feed)
{
	struct tw_timebase line;
	uint64_t time, truth;

	assert_true(tw_guest_clock_line(feed->clock, &line));
	assert_true(line.error_ns);
	time = tw_timebase_ns(&line, feed->last);
	truth = rig->base + rig->real + feed->last;
	assert_true(time <= truth + line.error_ns + OFFSET_NS);
	assert_true(truth <= time + line.error_ns + OFFSET_NS);
}

static void test_kept(void **state)
{
	const struct tw_drain_options options = {.open = true};
	struct rig rig;
	struct feed feed = {0};
	struct tw_guest_clock *kept;
	struct tw_dotfile_clock dotfile;
	struct tw_attach *ring;
	struct tw_drain *drain;
	uint64_t wait_ns = 0;

	(void)state;
	begin(&rig);
	ring = attach(&rig, true);
	feed.clock = tw_guest_clock_create(
		ring, &(struct tw_guest_clock_options){.hz = 1000000000,
						       .real_ns = rig.real,
						       .wait_ns = &wait_ns});
	assert_int_equal(tw_drain_create(ring, &options, &drain), 0);
	for (int i = 0; i < ROUNDS; i++) {
		emit(&rig, true);
		assert_true(tw_drain_pass(drain, 0, feed_page, &feed) >= 0);
	}
	tw_guest_clock_detach(feed.clock);
	tw_drain_destroy(drain);
	tw_attach_close(ring);
	assert_int_equal(tw_guest_clock_keep(feed.clock, &dotfile), 0);
	/* Up to the last event. */
	assert_int_equal(dotfile.pairs[dotfile.pair_count - 1].ticks,
			 feed.last);
	kept = tw_guest_clock_open(&dotfile);
	assert_non_null(kept);
	check_kept(&rig, &feed, kept);
	check_line(&rig, &feed);
	tw_guest_clock_destroy(kept);
	tw_guest_clock_destroy(feed.clock);
	free(dotfile.pairs);
	free(dotfile.spans);
	fixture_destroy(&rig.f);
}

/* What an older recorder has left says nothing. */
static void test_nothing_kept(void **state)
{
	const struct tw_dotfile_clock nothing = {0};

	(void)state;
	assert_null(tw_guest_clock_open(&nothing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_firmware),
		cmocka_unit_test(test_hosted),
		cmocka_unit_test(test_pages_at_once),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_false_beacons),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_nothing_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
