/* SPDX-License-Identifier: MIT */
/*
 * Recordings as a program makes them: what is in the directory, what is said,
 * and what is known of a guest's times afterwards. Its counter shows
 * CLOCK_MONOTONIC here, less some base.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/read.h"
#include "../../../src/trace/recording.h"
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOUR_NS 3600000000000u
#define ROUNDS 40
#define PAUSE_NS 100000
#define STOP_NS 200000000u
#define OFFSET_NS 5000 /* between two readings of CLOCK_REALTIME's offset */

struct rig {
	struct fixture f;
	char directory[128];
	struct tw_recording *recording;
	int notices;
	int errors;
	bool is_unreadable;
	char said[512]; /* "target: line" */
	uint64_t real;	/* CLOCK_REALTIME less CLOCK_MONOTONIC */
	uint64_t base;	/* CLOCK_MONOTONIC when the guest's counter was 0 */
	uint64_t truth[4 * ROUNDS]; /* of its event n, CLOCK_MONOTONIC */
};

/* ---- Recording ---- */

static void say(void *context, enum tw_recording_line kind, const char *target,
		const char *line)
{
	struct rig *rig = context;

	rig->notices += kind == TW_RECORDING_NOTICE;
	rig->errors += kind == TW_RECORDING_ERROR;
	assert_null(strchr(line, '\n'));
	snprintf(rig->said, sizeof(rig->said), "%s%s%s", target ? target : "",
		 target ? ": " : "", line);
}

static bool wants_words(void *context, const char *event)
{
	(void)context;
	return strcmp(event, "words") == 0;
}

static int open_recording(struct rig *rig, bool append)
{
	const struct tw_recording_options options = {
		.directory = rig->directory,
		.append = append,
		.wants = wants_words,
		.say = say,
		.context = rig,
	};

	return tw_recording_create(&options, &rig->recording);
}

static void begin(struct rig *rig)
{
	*rig = (struct rig){.real = tw_real_offset(),
			    .base = tw_monotonic_ns() - HOUR_NS};
	fixture_create(&rig->f, 512, 256, TW_RING_OVERWRITE);
	/* So that its producer is alive. */
	rig->f.ring.control->pid = (uint32_t)getpid();
	rig->f.ring.control->clock_hz = 1000000000;
	fixture_path(&rig->f, rig->directory, sizeof(rig->directory), "trace");
	assert_int_equal(open_recording(rig, false), 0);
}

static void end(struct rig *rig)
{
	tw_recording_destroy(rig->recording);
	fixture_destroy(&rig->f);
}

static void add(struct rig *rig, unsigned int flags)
{
	struct tw_attach *attach = fixture_attach(&rig->f, NULL);

	assert_int_equal(tw_recording_add(rig->recording, attach, flags), 0);
}

static void drain(struct rig *rig)
{
	uint64_t bytes;

	assert_int_equal(tw_recording_drain(rig->recording, &bytes), 0);
}

static void emit(struct rig *rig, int count)
{
	for (int i = 0; i < count; i++)
		fixture_emit(&rig->f, 0);
}

static uint64_t recorded(const struct rig *rig)
{
	struct tw_recording_totals totals;

	tw_recording_totals(rig->recording, &totals);
	assert_int_equal(totals.lost, 0);
	return totals.events;
}

/* ---- Reading ---- */

static struct tw_trace *open_trace(const struct rig *rig)
{
	struct tw_attach_error error;
	struct tw_trace *trace;

	assert_int_equal(tw_trace_create(&trace), 0);
	if (tw_trace_add_directory(trace, rig->directory, &error))
		fail_msg("%s", error.text);
	return trace;
}

/* How many events the directory has, of how many producers. */
static uint64_t read_all(const struct rig *rig, uint32_t producers)
{
	struct tw_trace *trace = open_trace(rig);
	const struct tw_record *record;
	uint64_t events = 0;

	assert_int_equal(tw_trace_producer_count(trace), producers);
	while (tw_trace_next(trace, &record) == 1)
		events += record->kind == TW_RECORD_EVENT;
	assert_int_equal(tw_trace_warning_count(trace), 0);
	tw_trace_destroy(trace);
	return events;
}

/* ---- A program ---- */

static void test_from_now(void **state)
{
	struct tw_recording_part part;
	struct rig rig;

	(void)state;
	begin(&rig);
	emit(&rig, 3);
	add(&rig, 0);
	assert_int_equal(tw_recording_live_count(rig.recording), 1);
	assert_true(tw_recording_has(rig.recording, rig.f.path));
	emit(&rig, 4);
	drain(&rig);
	assert_int_equal(tw_recording_end(rig.recording), 0);
	assert_int_equal(recorded(&rig), 4);
	tw_recording_part(rig.recording, 0, &part);
	assert_int_equal(part.events, 4);
	assert_string_equal(part.path, tw_recording_last_path(rig.recording));
	assert_int_equal(read_all(&rig, 1), 4);
	assert_int_equal(rig.errors + rig.notices, 0);
	end(&rig);
}

static void test_switches(void **state)
{
	struct tw_attach *watch;
	struct rig rig;

	(void)state;
	begin(&rig);
	watch = fixture_attach(&rig.f, NULL);
	add(&rig, 0);
	assert_int_equal(tw_attach_event_state(watch, EVENT_WORDS), 0);
	add(&rig, TW_RECORD_SWITCH);
	assert_int_equal(tw_attach_event_state(watch, EVENT_WORDS), 1);
	assert_int_equal(tw_attach_event_state(watch, EVENT_NUMBER), 0);
	assert_int_equal(tw_recording_end(rig.recording), 0);
	assert_int_equal(tw_attach_event_state(watch, EVENT_WORDS), 0);
	tw_attach_close(watch);
	end(&rig);
}

/* Events of a page that is far from full are in the file. */
static void test_flush(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	add(&rig, 0);
	emit(&rig, 2);
	drain(&rig);
	assert_int_equal(recorded(&rig), 0);
	assert_int_equal(tw_recording_flush(rig.recording), 0);
	assert_int_equal(read_all(&rig, 1), 2);
	emit(&rig, 1);
	assert_int_equal(tw_recording_flush(rig.recording), 0);
	assert_int_equal(read_all(&rig, 1), 3);
	emit(&rig, 100);
	assert_int_equal(tw_recording_flush(rig.recording), 0);
	assert_int_equal(read_all(&rig, 1), 103);
	emit(&rig, 1);
	assert_int_equal(tw_recording_end(rig.recording), 0);
	assert_int_equal(read_all(&rig, 1), 104);
	end(&rig);
}

/* Off and on again, into the same directory. */
static void test_append(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	for (int i = 1; i <= 3; i++) {
		add(&rig, 0);
		emit(&rig, 5);
		assert_int_equal(tw_recording_end(rig.recording), 0);
		assert_int_equal(recorded(&rig), 5);
		assert_int_equal(read_all(&rig, (uint32_t)i), 5u * (unsigned)i);
		tw_recording_destroy(rig.recording);
		rig.recording = NULL;
		assert_int_equal(open_recording(&rig, true), 0);
	}
	end(&rig);
}

static void test_directories(void **state)
{
	struct rig rig;
	char path[256];
	FILE *file;

	(void)state;
	begin(&rig);
	add(&rig, 0);
	tw_recording_destroy(rig.recording);
	rig.recording = NULL;
	assert_int_equal(open_recording(&rig, false), -ENOTEMPTY);
	assert_int_equal(rig.errors, 1);
	assert_non_null(strstr(rig.said, "trace: the directory is not empty"));
	/* Something else than a recording. */
	fixture_path(&rig.f, rig.directory, sizeof(rig.directory), "other");
	assert_int_equal(open_recording(&rig, true), 0);
	tw_recording_destroy(rig.recording);
	rig.recording = NULL;
	snprintf(path, sizeof(path), "%s/letter", rig.directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(open_recording(&rig, true), -ENOTEMPTY);
	assert_int_equal(rig.errors, 2);
	assert_non_null(strstr(rig.said, "other: the directory holds"));
	end(&rig);
}

static int read_ring(void *context, uint64_t offset, void *to, size_t size)
{
	struct rig *rig = context;

	if (rig->is_unreadable && offset >= rig->f.layout.pages_offset)
		return -EIO;
	memcpy(to, rig->f.memory + offset, size);
	return 0;
}

/* A ring that can't be read any more is left, and in the end it is told. */
static void test_unreadable(void **state)
{
	struct tw_attach *attach;
	struct rig rig;

	(void)state;
	begin(&rig);
	attach = fixture_attach(&rig.f, NULL);
	attach->ring.memory.base = NULL;
	attach->ring.memory.context = &rig;
	attach->ring.memory.read = read_ring;
	assert_int_equal(
		tw_recording_add(rig.recording, attach, TW_RECORD_HISTORY), 0);
	add(&rig, 0);
	emit(&rig, 3);
	assert_int_equal(tw_recording_flush(rig.recording), 0);
	rig.is_unreadable = true;
	emit(&rig, 3);
	drain(&rig);
	assert_int_equal(tw_recording_live_count(rig.recording), 1);
	assert_int_equal(rig.errors, 1);
	assert_ptr_equal(strstr(rig.said, rig.f.path), rig.said);
	assert_int_equal(tw_recording_end(rig.recording), -EIO);
	assert_int_equal(read_all(&rig, 2), 3 + 6);
	end(&rig);
}

/* ---- A guest ---- */

static void add_guest(struct rig *rig)
{
	const struct tw_ctf_guest guest = {.epoch = 1};

	assert_int_equal(tw_recording_add_guest(rig->recording,
						fixture_attach(&rig->f, NULL),
						TW_RECORD_HISTORY, &guest),
			 0);
}

static void pause_for(uint64_t ns)
{
	const struct timespec pause = {.tv_nsec = (long)ns};

	nanosleep(&pause, NULL);
}

/* Events that are read at once, all pages included. */
static void run_guest(struct rig *rig)
{
	struct fixture *f = &rig->f;
	uint64_t now;

	for (int i = 0; i < ROUNDS; i++) {
		f->ring.control->beacon = tw_monotonic_ns();
		now = tw_monotonic_ns();
		rig->truth[f->written[0]] = now;
		f->clock = now - rig->base;
		fixture_emit(f, 0);
		/* fixture_emit() lets the clock tick. */
		pause_for(PAUSE_NS);
		assert_int_equal(tw_recording_flush(rig->recording), 0);
	}
}

static void stop_guest(struct rig *rig)
{
	const uint64_t begin = tw_monotonic_ns();

	pause_for(STOP_NS);
	rig->base += tw_monotonic_ns() - begin;
}

static uint64_t number_of(const struct tw_record *record)
{
	struct tw_value value;
	size_t offset = 0;

	for (uint32_t i = 0; i < 2; i++)
		tw_fields_value(record->event.event, i, record->event.fields,
				&offset, false, &value);
	return value.u;
}

static void check_truth(const struct rig *rig, const struct tw_record *record)
{
	const uint64_t truth = rig->truth[number_of(record)] + rig->real;

	assert_false(record->marks & TW_RECORD_CLAMPED);
	if (record->plus_ns != TW_BOUND_UNKNOWN)
		assert_true(truth <=
			    record->time_ns + record->plus_ns + OFFSET_NS);
	if (record->minus_ns != TW_BOUND_UNKNOWN)
		assert_true(truth + OFFSET_NS >=
			    record->time_ns - record->minus_ns);
}

struct found {
	uint32_t events;
	uint32_t unsure;
	uint32_t wide; /* in packets that were read much later */
};

static int count_wide(void *context, const struct tw_trace_packet *packet)
{
	struct found *found = context;
	const struct tw_trace_span *span = &packet->span;

	assert_true(span->to_ns);
	found->wide += span->to_ns - span->from_ns >= STOP_NS / 2;
	return 0;
}

static void read_guest(const struct rig *rig, struct found *found)
{
	struct tw_trace *trace = open_trace(rig);
	const struct tw_record *record;

	while (tw_trace_next(trace, &record) == 1) {
		check_truth(rig, record);
		found->events++;
		found->unsure += (record->marks & TW_RECORD_UNSURE) != 0;
	}
	tw_trace_destroy(trace);
}

/*
 * Its counter stands still with it, so it shows the same after a stop as it
 * would have shown during it. The packets say which: all but those of which
 * each is an event, and could have been on either side.
 */
static void test_stopped(void **state)
{
	struct found found = {0};
	struct tw_trace *trace;
	struct rig rig;

	(void)state;
	begin(&rig);
	add_guest(&rig);
	run_guest(&rig);
	stop_guest(&rig);
	run_guest(&rig);
	assert_int_equal(tw_recording_end(rig.recording), 0);
	trace = open_trace(&rig);
	assert_int_equal(tw_trace_packets(trace, count_wide, &found), 0);
	tw_trace_destroy(trace);
	read_guest(&rig, &found);
	assert_int_equal(found.events, 2 * ROUNDS);
	assert_in_range(found.unsure, 0, found.wide);
	end(&rig);
}

static size_t copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "r");
	FILE *out = fopen(to, "w");
	size_t size = 0;
	int byte;

	assert_non_null(in);
	assert_non_null(out);
	for (; (byte = fgetc(in)) != EOF; size++)
		assert_int_equal(fputc(byte, out), byte);
	fclose(in);
	assert_int_equal(fclose(out), 0);
	return size;
}

/* A recorder that is killed: what it wrote last was after all that it had said
 * of the clock. */
static void test_killed(void **state)
{
	struct found found = {0};
	char path[256], early[256];
	struct rig rig;
	uint64_t now;

	(void)state;
	begin(&rig);
	add_guest(&rig);
	run_guest(&rig);
	snprintf(path, sizeof(path), "%s/.trackway",
		 tw_recording_last_path(rig.recording));
	fixture_path(&rig.f, early, sizeof(early), "early");
	assert_true(copy_file(path, early) > 0);
	pause_for(STOP_NS);
	for (int i = 0; i < ROUNDS; i++) {
		now = tw_monotonic_ns();
		rig.truth[rig.f.written[0]] = now;
		rig.f.clock = now - rig.base;
		fixture_emit(&rig.f, 0);
	}
	drain(&rig);
	tw_recording_destroy(rig.recording);
	rig.recording = NULL;
	assert_true(copy_file(early, path) > 0);
	read_guest(&rig, &found);
	assert_true(found.events > ROUNDS);
	end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_now),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
