/* SPDX-License-Identifier: MIT */
/*
 * Reading back: the order of time over lanes and producers, loss where it was,
 * and files that are cut off, wrong or hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/read.h"
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct tw_drain_options all = {.start = TW_DRAIN_ALL};
static const struct tw_drain_options live = {.open = true};

/* What a trace has told, in order. */
struct told {
	uint64_t events;
	uint64_t lost;
	uint64_t discarded;
	uint64_t losses; /* records of them */
	uint64_t last_ns;
	uint64_t first_ns;
	uint64_t by_lane[FIXTURE_LANES];
	uint64_t backwards;
	uint32_t producers; /* a bit each */
};

static void tell(struct tw_trace *trace, struct told *told)
{
	const struct tw_record *record;
	int got;

	while ((got = tw_trace_next(trace, &record)) == 1) {
		told->producers |= 1u << record->producer->index;
		if (record->kind == TW_RECORD_LOST) {
			told->losses++;
			told->lost += record->lost;
			told->discarded += record->discarded;
			continue;
		}
		if (!told->events++)
			told->first_ns = record->time_ns;
		told->backwards += record->time_ns < told->last_ns;
		told->last_ns = record->time_ns;
		assert_true(record->lane < FIXTURE_LANES);
		assert_int_equal(record->tid, 100 + record->lane);
		told->by_lane[record->lane]++;
	}
	assert_int_equal(got, 0);
}

static struct tw_trace *open_directory(const char *path)
{
	struct tw_attach_error error;
	struct tw_trace *trace;

	assert_int_equal(tw_trace_create(&trace), 0);
	if (tw_trace_add_directory(trace, path, &error))
		fail_msg("%s", error.text);
	return trace;
}

static struct told read_directory(const char *path, size_t warnings)
{
	struct tw_trace *trace = open_directory(path);
	struct told told = {0};

	tell(trace, &told);
	assert_int_equal(tw_trace_warning_count(trace), warnings);
	tw_trace_destroy(trace);
	return told;
}

static void refuse_directory(const char *path, int code, const char *why)
{
	struct tw_attach_error error = {""};
	struct tw_trace *trace;

	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(tw_trace_add_directory(trace, path, &error), code);
	assert_non_null(strstr(error.text, why));
	assert_null(strchr(error.text, '\n'));
	tw_trace_destroy(trace);
}

/* Emit in a pattern that has bursts and turns. */
static void emit_mixed(struct fixture *f, int count)
{
	unsigned seed = 7;

	for (int i = 0; i < count; i++) {
		uint32_t lane = (uint32_t)rand_r(&seed) % 5;

		for (int burst = rand_r(&seed) % 9; burst >= 0; burst--) {
			if (burst == 4)
				fixture_emit_as(f, lane, 0, EVENT_WORDS,
						(uint64_t)i);
			else if (burst == 5)
				fixture_emit_as(f, lane, 0, EVENT_NOTHING, 0);
			else
				fixture_emit(f, lane);
		}
	}
}

static uint64_t sum(const uint64_t *counts)
{
	uint64_t total = 0;

	for (int i = 0; i < FIXTURE_LANES; i++)
		total += counts[i];
	return total;
}

static void record_all(struct fixture *f, struct recorder *r, const char *path,
		       const char *name)
{
	recorder_create(r, f, path, name, &all);
	recorder_finish(r);
}

static void test_directory_in_order(void **state)
{
	struct fixture f;
	struct recorder r;
	struct told told;
	char path[256];

	(void)state;
	fixture_create(&f, 512, 256, TW_RING_OVERWRITE);
	emit_mixed(&f, 400);
	record_all(&f, &r, NULL, "trace");
	told = read_directory(r.directory, 0);
	assert_int_equal(told.events, sum(f.written));
	assert_int_equal(told.backwards, 0);
	assert_int_equal(told.losses, 0);
	/* Each tick had one event. */
	assert_int_equal(told.first_ns, FIXTURE_REAL + 1);
	assert_int_equal(told.last_ns, FIXTURE_REAL + told.events);
	for (int i = 0; i < FIXTURE_LANES; i++)
		assert_int_equal(told.by_lane[i], f.written[i]);
	/* The producer's own directory is as good. */
	told = read_directory(recorder_path(&r, path, sizeof(path), ""), 0);
	assert_int_equal(told.events, sum(f.written));
	assert_true(tw_trace_is_directory(r.directory));
	assert_true(tw_trace_is_directory(path));
	assert_false(tw_trace_is_directory(f.directory));
	fixture_destroy(&f);
}

/* Packets longer than what is read of a file at a time, and a file of many. */
static void test_pieces(void **state)
{
	static const uint32_t page_sizes[] = {256, 4096, 40000, 2000000};
	struct fixture f;
	struct recorder r;
	struct told told;

	(void)state;
	for (size_t i = 0; i < sizeof(page_sizes) / sizeof(page_sizes[0]);
	     i++) {
		fixture_create(&f, page_sizes[i], 12000000 / page_sizes[i],
			       TW_RING_OVERWRITE);
		for (int n = 0; n < 100000; n++)
			fixture_emit(&f, (uint32_t)n % 3);
		record_all(&f, &r, NULL, "trace");
		told = read_directory(r.directory, 0);
		assert_int_equal(told.events, 100000);
		assert_int_equal(told.backwards, 0);
		assert_int_equal(told.losses, 0);
		fixture_destroy(&f);
	}
}

static void test_other_byte_order(void **state)
{
	struct fixture f;
	struct recorder r;
	struct tw_trace *trace;
	struct told told = {0};
	char path[128];

	(void)state;
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		skip();
	fixture_create(&f, 512, 256, TW_RING_OVERWRITE);
	emit_mixed(&f, 300);
	fixture_write_swapped(&f, path, sizeof(path));
	record_all(&f, &r, path, "trace");
	trace = open_directory(r.directory);
	assert_true(tw_trace_producer(trace, 0)->decoder.swap);
	tell(trace, &told);
	assert_int_equal(told.events, sum(f.written));
	assert_int_equal(told.backwards, 0);
	assert_int_equal(told.last_ns, FIXTURE_REAL + told.events);
	tw_trace_destroy(trace);
	fixture_destroy(&f);
}

/* A live ring, a dead one and a directory, merged. */
static void test_several_producers(void **state)
{
	struct fixture one, other;
	struct recorder r;
	struct tw_attach_error error;
	struct tw_trace *trace;
	struct told told = {0};

	(void)state;
	fixture_create(&one, 512, 128, TW_RING_OVERWRITE);
	fixture_create(&other, 512, 128, TW_RING_OVERWRITE);
	emit_mixed(&one, 100);
	emit_mixed(&other, 170);
	record_all(&one, &r, NULL, "trace");
	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(tw_trace_add_ring(trace, fixture_attach(&one, NULL),
					   &live, &error),
			 0);
	assert_int_equal(tw_trace_add_ring(trace, fixture_attach(&other, NULL),
					   &live, &error),
			 0);
	assert_int_equal(tw_trace_add_directory(trace, r.directory, &error), 0);
	assert_int_equal(tw_trace_producer_count(trace), 3);
	assert_int_equal(tw_trace_poll(trace, true, &error), 0);
	tell(trace, &told);
	assert_int_equal(told.producers, 7);
	assert_int_equal(told.events,
			 2 * sum(one.written) + sum(other.written));
	assert_int_equal(told.backwards, 0);
	assert_int_equal(told.first_ns, FIXTURE_REAL + 1);
	tw_trace_destroy(trace);
	fixture_destroy(&one);
	fixture_destroy(&other);
}

/* Events of a ring as they come, the open pages' too. */
static void test_follow(void **state)
{
	struct fixture f;
	struct tw_attach_error error;
	struct tw_attach *attach;
	struct tw_trace *trace;
	struct told told = {0};
	uint32_t id_base;

	(void)state;
	fixture_create(&f, 512, 16, TW_RING_OVERWRITE);
	attach = fixture_attach(&f, NULL);
	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(tw_trace_add_ring(trace, attach, &live, &error), 0);
	id_base = fixture_add_group(&f, true);
	for (int i = 0; i < 6; i++) {
		fixture_emit(&f, 0);
		fixture_emit_as(&f, 1, id_base, EVENT_WORDS, 1);
	}
	/* It has ended, so the first look is the last. */
	assert_int_equal(tw_trace_poll(trace, false, &error), 0);
	assert_true(tw_trace_producer(trace, 0)->ended);
	tell(trace, &told);
	assert_int_equal(told.events, 12);
	assert_int_equal(tw_trace_poll(trace, false, &error), 0);
	tell(trace, &told);
	assert_int_equal(told.events, 12);
	tw_trace_destroy(trace);
	fixture_destroy(&f);
}

/* A guest's ring whose pages can't be read any more, but whose beginning can.
 */
struct unreadable {
	struct fixture f;
	bool is_unreadable;
};

static int read_first(void *context, uint64_t offset, void *to, size_t size)
{
	const struct unreadable *ring = context;

	if (ring->is_unreadable && offset >= TW_RING_CONTROL_MIN)
		return -EIO;
	memcpy(to, ring->f.memory + offset, size);
	return 0;
}

/* One guest's ring that fails in the middle doesn't end the others. */
static void test_guest_ring_that_fails(void **state)
{
	struct unreadable bad = {.is_unreadable = false};
	struct tw_attach_error error;
	struct tw_attach *attach;
	struct fixture good;
	struct tw_trace *trace;
	struct told told = {0};

	(void)state;
	fixture_create(&bad.f, 512, 16, TW_RING_OVERWRITE);
	fixture_create(&good, 512, 16, TW_RING_OVERWRITE);
	attach = fixture_attach(&bad.f, NULL);
	attach->ring.memory.base = NULL;
	attach->ring.memory.context = &bad;
	attach->ring.memory.read = read_first;
	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(tw_trace_add_guest(trace, attach, &live, 1, &error),
			 0);
	assert_int_equal(tw_trace_add_guest(trace, fixture_attach(&good, NULL),
					    &live, 1, &error),
			 0);
	emit_mixed(&bad.f, 10);
	emit_mixed(&good, 10);
	bad.is_unreadable = true;
	assert_int_equal(tw_trace_poll(trace, false, &error), 0);
	tell(trace, &told);
	assert_int_equal(told.events, sum(good.written));
	assert_int_equal(told.producers, 2);
	assert_int_equal(tw_trace_warning_count(trace), 1);
	assert_non_null(strstr(tw_trace_warning(trace, 0), "no further"));
	assert_true(tw_trace_producer(trace, 0)->ended);
	/* Nor is it asked again. */
	assert_int_equal(tw_trace_poll(trace, true, &error), 0);
	assert_int_equal(tw_trace_warning_count(trace), 1);
	tw_trace_destroy(trace);
	fixture_destroy(&good);
	fixture_destroy(&bad.f);
}

static void test_loss_is_told_where_it_was(void **state)
{
	struct fixture f;
	struct recorder r;
	struct told told;
	struct tw_trace *trace;
	struct tw_trace_lane lane;

	(void)state;
	fixture_create(&f, 512, 4, TW_RING_OVERWRITE);
	recorder_create(&r, &f, NULL, "trace", &all);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 100; i++)
			fixture_emit(&f, 0);
		recorder_pass(&r);
	}
	/* A lane whose loss nothing follows; discards; and one of no lane. */
	fixture_emit(&f, 1);
	tw_writer_close(&f.ring, &f.writers[1]);
	for (int i = 0; i < 100; i++)
		fixture_emit(&f, 0);
	tw_writer_discard(&f.ring, &f.writers[0]);
	tw_writer_discard(&f.ring, NULL);
	recorder_finish(&r);
	told = read_directory(r.directory, 0);
	assert_int_equal(told.events + told.lost, sum(f.written));
	assert_int_equal(told.discarded, 2);
	assert_true(told.losses >= 6);
	trace = open_directory(r.directory);
	assert_true(tw_trace_producer(trace, 0)->complete);
	told = (struct told){0};
	tell(trace, &told);
	assert_int_equal(tw_trace_lane(trace, 0, 1, &lane), 1);
	assert_int_equal(lane.lost, 1);
	assert_int_equal(lane.events, 0);
	assert_int_equal(lane.tid, 101);
	assert_int_equal(tw_trace_lane(trace, 0, 0, &lane), 1);
	assert_int_equal(lane.events + lane.lost, f.written[0]);
	assert_int_equal(lane.discarded, 1);
	assert_int_equal(tw_trace_no_lane(trace, 0), 1);
	tw_trace_destroy(trace);
	fixture_destroy(&f);
}

/* Loss in a ring is told as in a directory. */
static void test_loss_in_a_ring(void **state)
{
	struct fixture f;
	struct tw_attach_error error;
	struct tw_trace *trace;
	struct told told = {0};

	(void)state;
	fixture_create(&f, 512, 4, TW_RING_OVERWRITE);
	fixture_emit(&f, 1);
	tw_writer_close(&f.ring, &f.writers[1]);
	for (int i = 0; i < 200; i++)
		fixture_emit(&f, 0);
	tw_writer_discard(&f.ring, NULL);
	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(tw_trace_add_ring(trace, fixture_attach(&f, NULL),
					   &live, &error),
			 0);
	assert_int_equal(tw_trace_poll(trace, true, &error), 0);
	tell(trace, &told);
	assert_int_equal(told.events + told.lost, 201);
	assert_int_equal(told.losses, 3);
	assert_int_equal(told.discarded, 1);
	tw_trace_destroy(trace);
	fixture_destroy(&f);
}

/* ---- Packets and counting ---- */

struct counted {
	uint64_t counts[TW_EVENTS_MAX];
	uint64_t bytes[TW_EVENTS_MAX];
	uint64_t headers;
	uint64_t bad;
};

static int count(void *context, const struct tw_trace_packet *packet)
{
	struct counted *counted = context;
	int64_t got = tw_trace_count(packet, counted->counts, counted->bytes);

	if (got < 0)
		counted->bad++;
	else
		assert_int_equal(got, packet->events);
	counted->headers += packet->events;
	return 0;
}

static void test_counting(void **state)
{
	struct counted *counted = calloc(1, sizeof(*counted));
	struct fixture f;
	struct recorder r;
	struct tw_trace *trace;
	char path[128];

	(void)state;
	fixture_create(&f, 512, 256, TW_RING_OVERWRITE);
	for (int i = 0; i < 50; i++) {
		fixture_emit(&f, 0);
		fixture_emit_as(&f, 0, 0, EVENT_WORDS, 5);
		fixture_emit_as(&f, 1, 0, EVENT_NOTHING, 0);
	}
	for (int swapped = 0; swapped < 2; swapped++) {
		if (swapped)
			fixture_write_swapped(&f, path, sizeof(path));
		record_all(&f, &r, swapped ? path : NULL, swapped ? "b" : "a");
		trace = open_directory(r.directory);
		memset(counted, 0, sizeof(*counted));
		assert_int_equal(tw_trace_packets(trace, count, counted), 0);
		assert_int_equal(counted->bad, 0);
		assert_int_equal(counted->headers, 150);
		for (int i = 0; i < FIXTURE_EVENTS; i++)
			assert_int_equal(counted->counts[i], 50);
		assert_int_equal(counted->bytes[EVENT_NUMBER], 50 * 28);
		assert_int_equal(counted->bytes[EVENT_WORDS], 50 * 23);
		assert_int_equal(counted->bytes[EVENT_NOTHING], 50 * 8);
		tw_trace_destroy(trace);
	}
	free(counted);
	fixture_destroy(&f);
}

/* ---- Broken files ---- */

static uint8_t *load(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY);
	struct stat status;
	uint8_t *data;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	*size = (size_t)status.st_size;
	data = malloc(*size + 1);
	assert_int_equal(read(fd, data, *size), *size);
	close(fd);
	return data;
}

static void store(const char *path, const uint8_t *data, size_t size)
{
	int fd;

	/* Not truncated: file systems flush what replaces a file. */
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static void test_cut_off_at_any_byte(void **state)
{
	struct fixture f;
	struct recorder r;
	struct told told;
	char path[256];
	size_t size;

	(void)state;
	fixture_create(&f, 512, 16, TW_RING_OVERWRITE);
	for (int i = 0; i < 4 * 14; i++)
		fixture_emit(&f, 0);
	fixture_emit(&f, 1);
	record_all(&f, &r, NULL, "trace");
	recorder_path(&r, path, sizeof(path), "lane-0");
	free(load(path, &size));
	assert_int_equal(size, 4 * 480);
	while (size-- > 0) {
		assert_int_equal(truncate(path, (off_t)size), 0);
		told = read_directory(r.directory, size % 480 != 0);
		assert_int_equal(told.events, size / 480 * 14 + 1);
		assert_int_equal(told.backwards, 0);
	}
	fixture_destroy(&f);
}

static int count_any(void *context, const struct tw_trace_packet *packet)
{
	struct counted *counted = context;

	tw_trace_count(packet, counted->counts, counted->bytes);
	return 0;
}

/* Read whatever there is; it may be refused, but never more than that. */
static void read_anything(const char *path)
{
	struct counted *counted;
	struct tw_attach_error error;
	const struct tw_record *record;
	struct tw_trace *trace;

	assert_int_equal(tw_trace_create(&trace), 0);
	if (!tw_trace_add_directory(trace, path, &error))
		while (tw_trace_next(trace, &record) == 1)
			continue;
	tw_trace_destroy(trace);
	counted = calloc(1, sizeof(*counted));
	assert_int_equal(tw_trace_create(&trace), 0);
	if (!tw_trace_add_directory(trace, path, &error))
		tw_trace_packets(trace, count_any, counted);
	tw_trace_destroy(trace);
	free(counted);
}

static void test_flipped_bytes(void **state)
{
	static const char *const names[] = {"lane-0", ".trackway"};
	struct fixture f;
	struct recorder r;
	char path[256];
	uint8_t *good, *bad;
	unsigned seed = 3;
	size_t size;

	(void)state;
	fixture_create(&f, 512, 16, TW_RING_OVERWRITE);
	emit_mixed(&f, 20);
	record_all(&f, &r, NULL, "trace");
	for (int i = 0; i < 2; i++) {
		recorder_path(&r, path, sizeof(path), names[i]);
		good = load(path, &size);
		bad = malloc(size);
		for (int n = 0; n < 400; n++) {
			memcpy(bad, good, size);
			for (int flips = rand_r(&seed) % 4; flips >= 0; flips--)
				bad[(size_t)rand_r(&seed) % size] = (uint8_t)
					rand_r(&seed);
			store(path, bad, size);
			read_anything(r.directory);
		}
		store(path, good, size);
		free(good);
		free(bad);
	}
	assert_int_equal(read_directory(r.directory, 0).events, sum(f.written));
	fixture_destroy(&f);
}

/* Print it and record it, as far as that goes. */
static void use_ring(const char *path, const char *directory)
{
	const struct tw_timebase timebase = {.hz = 1000000000, .mult = 1};
	struct tw_attach_error error;
	const struct tw_record *record;
	struct tw_attach *attach;
	struct tw_drain *drain;
	struct tw_trace *trace;
	struct tw_ctf *ctf;

	if (tw_attach_open(path, false, &attach, &error))
		return;
	assert_int_equal(tw_trace_create(&trace), 0);
	if (!tw_trace_add_ring(trace, attach, &live, &error) &&
	    tw_trace_poll(trace, true, &error) >= 0)
		while (tw_trace_next(trace, &record) == 1)
			continue;
	tw_trace_destroy(trace);
	if (tw_attach_open(path, false, &attach, &error))
		return;
	if (!tw_drain_create(attach, &all, &drain)) {
		if (!tw_ctf_create(directory, attach, drain, &timebase, NULL,
				   &ctf, &error)) {
			tw_drain_finish(drain, tw_ctf_write, ctf);
			tw_ctf_refresh(ctf);
			tw_ctf_detach(ctf);
			tw_ctf_describe(ctf, &timebase, true);
			tw_ctf_destroy(ctf);
		}
		tw_drain_destroy(drain);
	}
	tw_attach_close(attach);
}

static void test_flipped_ring(void **state)
{
	struct fixture f;
	struct tw_attach_error error;
	char path[128], directory[128];
	uint8_t *bad;
	unsigned seed = 11;
	size_t places[3], at;

	(void)state;
	fixture_create(&f, 512, 8, TW_RING_OVERWRITE);
	emit_mixed(&f, 30);
	fixture_path(&f, path, sizeof(path), "bad.1.ring");
	fixture_path(&f, directory, sizeof(directory), "trace");
	/* Most of the file is heap that nobody uses. */
	places[0] = (size_t)f.layout.lanes_offset;
	places[1] = (size_t)f.layout.heap_offset + 2048;
	places[2] = (size_t)f.layout.pages_offset;
	bad = malloc(f.size);
	for (int n = 0; n < 400; n++) {
		memcpy(bad, f.memory, f.size);
		for (int flips = rand_r(&seed) % 6; flips >= 0; flips--) {
			at = (size_t)rand_r(&seed);
			switch (n % 3) {
			case 0:
				at %= places[0];
				break;
			case 1:
				at %= places[1];
				break;
			default:
				at = places[2] + at % (f.size - places[2]);
				break;
			}
			bad[at] = (uint8_t)rand_r(&seed);
		}
		store(path, bad, f.size);
		assert_int_equal(tw_trace_directory_create(directory, &error),
				 0);
		use_ring(path, directory);
		read_anything(directory);
		remove_tree(directory);
	}
	free(bad);
	fixture_destroy(&f);
}

/* A header that can't be: the packets before it are read, none after it. */
static void test_wrong_headers(void **state)
{
	static const struct {
		size_t offset;
		uint32_t value;
	} wrong[] = {
		{offsetof(struct tw_page, magic), 0},
		{offsetof(struct tw_page, uuid), 0},
		{offsetof(struct tw_page, content_size), 87 * 8},
		{offsetof(struct tw_page, content_size), 480 * 8 + 8},
		{offsetof(struct tw_page, content_size), 100 * 8 + 1},
		{offsetof(struct tw_page, content_size), 0xfffffff8},
		{offsetof(struct tw_page, packet_size), 0},
		{offsetof(struct tw_page, packet_size), 481 * 8},
		{offsetof(struct tw_page, packet_size), 0xffffffc0},
		{offsetof(struct tw_page, packet_size), 480 * 8 * 4},
		{offsetof(struct tw_page, lane), 1},
		{offsetof(struct tw_page, timestamp_begin) + 4, 0xffffffff},
	};
	struct fixture f;
	struct recorder r;
	char path[256];
	uint8_t *data;
	size_t size;

	(void)state;
	fixture_create(&f, 512, 16, TW_RING_OVERWRITE);
	for (int i = 0; i < 4 * 14; i++)
		fixture_emit(&f, 0);
	record_all(&f, &r, NULL, "trace");
	recorder_path(&r, path, sizeof(path), "lane-0");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		data = load(path, &size);
		memcpy(data + 480 + wrong[i].offset, &wrong[i].value, 4);
		store(path, data, size);
		assert_int_equal(read_directory(r.directory, 1).events, 14);
		memcpy(data + 480, data, 480);
		store(path, data, size);
		free(data);
	}
	fixture_destroy(&f);
}

/* Files that only look like ours, and what is no file. */
static void test_strange_files(void **state)
{
	struct fixture f;
	struct recorder r;
	char path[256];

	(void)state;
	fixture_create(&f, 512, 16, TW_RING_OVERWRITE);
	fixture_emit(&f, 0);
	record_all(&f, &r, NULL, "trace");
	recorder_path(&r, path, sizeof(path), "lane-00");
	store(path, (const uint8_t *)"x", 1);
	recorder_path(&r, path, sizeof(path), "lane-7x");
	store(path, (const uint8_t *)"x", 1);
	recorder_path(&r, path, sizeof(path), "lane-99999999999");
	store(path, (const uint8_t *)"x", 1);
	recorder_path(&r, path, sizeof(path), "lane-6");
	assert_int_equal(mkfifo(path, 0600), 0);
	recorder_path(&r, path, sizeof(path), "lane-5");
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(read_directory(r.directory, 0).events, 1);
	/* Another lane's packets under this one's name. */
	recorder_path(&r, path, sizeof(path), "lane-3");
	unlink(path);
	assert_int_equal(symlink("lane-0", path), 0);
	assert_int_equal(read_directory(r.directory, 1).events, 1);
	fixture_destroy(&f);
}

static void test_refusals(void **state)
{
	struct fixture f;
	struct recorder r;
	char path[256];
	uint8_t *data;
	size_t size;

	(void)state;
	fixture_create(&f, 512, 16, TW_RING_OVERWRITE);
	fixture_emit(&f, 0);
	record_all(&f, &r, NULL, "trace");
	refuse_directory("/nonexistent", -ENOENT, "/nonexistent: No such");
	refuse_directory(f.path, -ENOTDIR, "Not a directory");
	refuse_directory(f.directory, -ENOENT, "holds no trace");
	recorder_path(&r, path, sizeof(path), ".trackway");
	data = load(path, &size);
	data[8] = 2;
	store(path, data, size);
	refuse_directory(r.directory, -EPROTONOSUPPORT, "newer");
	store(path, data, 5);
	refuse_directory(r.directory, -EBADMSG, "magic");
	free(data);
	fixture_destroy(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directory_in_order),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_other_byte_order),
		cmocka_unit_test(test_several_producers),
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_guest_ring_that_fails),
		cmocka_unit_test(test_loss_is_told_where_it_was),
		cmocka_unit_test(test_loss_in_a_ring),
		cmocka_unit_test(test_counting),
		cmocka_unit_test(test_cut_off_at_any_byte),
		cmocka_unit_test(test_flipped_bytes),
		cmocka_unit_test(test_flipped_ring),
		cmocka_unit_test(test_wrong_headers),
		cmocka_unit_test(test_strange_files),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
