/* SPDX-License-Identifier: MIT */
/*
 * Files of QEMU's simple backend, written: byte by byte, as our reader reads
 * them, added to, and where the disk is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/foreign.h"
#include "../../../src/trace/write-simpletrace.h"
#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL 1700000000000000000u
#define MONO 5000000000u

/* The numbers of a file, in this machine's byte order. */
struct bytes {
	uint8_t data[8192];
	size_t size;
};

static void add(struct bytes *bytes, const void *data, size_t size)
{
	assert_true(size <= sizeof(bytes->data) - bytes->size);
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

static void add64(struct bytes *bytes, uint64_t value)
{
	add(bytes, &value, 8);
}

static void add32(struct bytes *bytes, uint32_t value)
{
	add(bytes, &value, 4);
}

static void add_header(struct bytes *bytes)
{
	add64(bytes, UINT64_MAX);
	add64(bytes, 0xf2b177cb0aa429b4);
	add64(bytes, 4);
}

static void add_name(struct bytes *bytes, uint64_t id, const char *name)
{
	add64(bytes, 0);
	add64(bytes, id);
	add32(bytes, (uint32_t)strlen(name));
	add(bytes, name, strlen(name));
}

static void add_event(struct bytes *bytes, uint64_t id, uint64_t ns,
		      uint32_t arguments, uint32_t pid)
{
	add64(bytes, 1);
	add64(bytes, id);
	add64(bytes, ns);
	add32(bytes, 24 + arguments);
	add32(bytes, pid);
}

/* ---- Records made here ---- */

static const struct tw_field fields[] = {
	{.name = "a", .kind = TW_FIELD_SINT, .size = 1},
	{.name = "b", .kind = TW_FIELD_SINT, .size = 4},
	{.name = "c", .kind = TW_FIELD_UINT, .size = 2},
	{.name = "d", .kind = TW_FIELD_POINTER, .size = 8},
	{.name = "e", .kind = TW_FIELD_BOOL, .size = 1},
	{.name = "f", .kind = TW_FIELD_FLOAT, .size = 4},
	{.name = "g", .kind = TW_FIELD_FLOAT, .size = 8},
	{.name = "h", .kind = TW_FIELD_STRING},
	{.name = "i", .kind = TW_FIELD_BYTES},
	{.name = "j", .kind = TW_FIELD_STRING},
};
static const struct tw_event_desc all_kinds = {
	.name = "all_kinds",
	.field_count = 10,
	.fields = fields,
};
static const struct tw_event_desc nothing = {.name = "nothing"};

/* A ring's producer, whose clock was at 0 when the others were there. */
static const struct tw_trace_producer producer = {
	.pid = 4242,
	.timebase = {.base_ns = REAL, .base_mono_ns = MONO},
};

static struct tw_record event_of(const struct tw_trace_producer *from,
				 const struct tw_event_desc *desc, uint64_t ns,
				 const struct bytes *packed)
{
	return (struct tw_record){
		.kind = TW_RECORD_EVENT,
		.producer = from,
		.time_ns = REAL + ns,
		.event = {.event = desc,
			  .fields = packed ? packed->data : NULL,
			  .fields_size = packed ? packed->size : 0},
	};
}

static struct tw_record lost_of(const struct tw_trace_producer *from,
				uint64_t ns, uint64_t lost, uint64_t discarded)
{
	return (struct tw_record){
		.kind = TW_RECORD_LOST,
		.producer = from,
		.time_ns = ns,
		.lost = lost,
		.discarded = discarded,
	};
}

static void add_swapped(struct bytes *bytes, uint64_t value, size_t size,
			bool swap)
{
	for (size_t i = 0; i < size; i++) {
		const size_t at = swap == (__BYTE_ORDER__ ==
					   __ORDER_LITTLE_ENDIAN__)
					  ? size - 1 - i
					  : i;
		const uint8_t byte = (uint8_t)(value >> at * 8);

		add(bytes, &byte, 1);
	}
}

/* -1, -5, 65535, a pointer, true, 1.5, -2.25, a text, 3 bytes, nothing */
static void pack(struct bytes *packed, const char *text, bool swap)
{
	packed->size = 0;
	add_swapped(packed, 0xff, 1, swap);
	add_swapped(packed, 0xfffffffb, 4, swap);
	add_swapped(packed, 0xffff, 2, swap);
	add_swapped(packed, 0xfedcba9876543210, 8, swap);
	add_swapped(packed, 1, 1, swap);
	add_swapped(packed, 0x3fc00000, 4, swap);
	add_swapped(packed, 0xc002000000000000, 8, swap);
	add(packed, text, strlen(text) + 1);
	add_swapped(packed, 3, 2, swap);
	add(packed, "\1\0\377", 3);
	add(packed, "", 1);
}

static void add_all_kinds(struct bytes *bytes, uint64_t id, uint64_t ns,
			  const char *text, uint32_t size)
{
	add_event(bytes, id, ns, 7 * 8 + 3 * 4 + size + 3, 4242);
	add64(bytes, UINT64_MAX);
	add64(bytes, 0xfffffffffffffffb);
	add64(bytes, 65535);
	add64(bytes, 0xfedcba9876543210);
	add64(bytes, 1);
	add64(bytes, 0x3fc00000);
	add64(bytes, 0xc002000000000000);
	add32(bytes, size);
	add(bytes, text, size);
	add32(bytes, 3);
	add(bytes, "\1\0\377", 3);
	add32(bytes, 0);
}

/* ---- Files ---- */

struct place {
	char directory[64];
	char path[96];
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	strcpy(place->directory, "/tmp/trackway-simpletrace-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/file", place->directory);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;

	remove_tree(place->directory);
	free(place);
	return 0;
}

static struct tw_simpletrace *begin(const char *path, bool append)
{
	struct tw_attach_error error = {""};
	struct tw_simpletrace *writer;

	if (tw_simpletrace_create(path, append, &writer, &error))
		fail_msg("%s", error.text);
	return writer;
}

static void refuse(const char *path, bool append, int code, const char *why)
{
	struct tw_attach_error error = {""};
	struct tw_simpletrace *writer;

	assert_int_equal(tw_simpletrace_create(path, append, &writer, &error),
			 code);
	assert_null(writer);
	assert_non_null(strstr(error.text, why));
	assert_non_null(strstr(error.text, path));
	assert_null(strchr(error.text, '\n'));
}

static void write_one(struct tw_simpletrace *writer,
		      const struct tw_record *record)
{
	assert_int_equal(tw_simpletrace_write(writer, record), 0);
}

static size_t read_file(const char *path, uint8_t *data, size_t room)
{
	FILE *file = fopen(path, "rbe");
	size_t size;

	assert_non_null(file);
	size = fread(data, 1, room, file);
	assert_int_equal(fgetc(file), EOF);
	fclose(file);
	return size;
}

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "wbe");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void expect_file(const char *path, const struct bytes *expected)
{
	static struct bytes found;

	found.size = read_file(path, found.data, sizeof(found.data));
	assert_int_equal(found.size, expected->size);
	assert_memory_equal(found.data, expected->data, expected->size);
}

/* ---- Bytes ---- */

/* As they stand in a file of a little-endian machine. */
static void test_literal_bytes(void **state)
{
	static const uint8_t expected[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xb4, 0x29,
		0xa4, 0x0a, 0xcb, 0x77, 0xb1, 0xf2, 4, 0, 0, 0, 0, 0, 0, 0,
		/* the name */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'o',
		'n', 'e',
		/* the event: 7 ns, 24 + 8 + 4 + 2 bytes, pid 4242 */
		1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0xf2, 5,
		0x2a, 1, 0, 0, 0, 38, 0, 0, 0, 0x92, 0x10, 0, 0, 0xfe, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 'h', 'i',
		/* the loss: 32 bytes, 5 events */
		1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 8, 0xf2, 5, 0x2a, 1, 0, 0, 0, 32, 0, 0, 0, 0x92,
		0x10, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0};
	static const struct tw_field two[] = {
		{.name = "a", .kind = TW_FIELD_SINT, .size = 2},
		{.name = "b", .kind = TW_FIELD_STRING},
	};
	static const struct tw_event_desc one = {
		.name = "one", .field_count = 2, .fields = two};
	const struct place *place = *state;
	struct tw_simpletrace *writer = begin(place->path, false);
	struct bytes packed = {.size = 0}, file = {.size = sizeof(expected)};
	struct tw_record event, lost;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		skip();
	add(&packed, "\376\377hi", 5);
	event = event_of(&producer, &one, 7, &packed);
	lost = lost_of(&producer, REAL + 8, 2, 3);
	write_one(writer, &event);
	write_one(writer, &lost);
	assert_int_equal(tw_simpletrace_close(writer), 0);
	memcpy(file.data, expected, sizeof(expected));
	expect_file(place->path, &file);
}

static void test_every_kind_of_field(void **state)
{
	const struct place *place = *state;
	struct bytes expected = {.size = 0}, packed;
	struct tw_simpletrace *writer = begin(place->path, false);
	struct tw_trace_producer other = producer;
	struct tw_simpletrace_totals totals;
	struct tw_record record;
	char text[601];

	memset(text, 'x', 600);
	text[600] = '\0';
	other.decoder.swap = true;
	add_header(&expected);
	add_name(&expected, 0, "all_kinds");
	pack(&packed, "text", false);
	record = event_of(&producer, &all_kinds, 1, &packed);
	write_one(writer, &record);
	add_all_kinds(&expected, 0, MONO + 1, "text", 4);
	/* One that is too long, from a producer of the other byte order. */
	pack(&packed, text, true);
	record = event_of(&other, &all_kinds, 2, &packed);
	write_one(writer, &record);
	add_all_kinds(&expected, 0, MONO + 2, text, 512);
	pack(&packed, "", false);
	record = event_of(&producer, &all_kinds, 3, &packed);
	write_one(writer, &record);
	add_all_kinds(&expected, 0, MONO + 3, "", 0);
	add_name(&expected, 1, "nothing");
	record = event_of(&producer, &nothing, 4, NULL);
	write_one(writer, &record);
	add_event(&expected, 1, MONO + 4, 0, 4242);
	tw_simpletrace_totals(writer, &totals);
	assert_int_equal(totals.events, 4);
	assert_int_equal(totals.lost, 0);
	assert_int_equal(totals.bytes, expected.size);
	assert_int_equal(tw_simpletrace_close(writer), 0);
	expect_file(place->path, &expected);
}

/* Of a time that is not known, it is where it stands. */
static void test_loss(void **state)
{
	const struct place *place = *state;
	const struct tw_record records[] = {
		lost_of(&producer, REAL + 5, 1, 0),
		event_of(&producer, &nothing, 9, NULL),
		lost_of(&producer, 0, 0, 7),
		lost_of(&producer, REAL + 11, 0, 0),
	};
	struct tw_simpletrace *writer = begin(place->path, false);
	struct tw_simpletrace_totals totals;
	struct bytes expected = {.size = 0};

	for (int i = 0; i < 4; i++)
		write_one(writer, &records[i]);
	tw_simpletrace_totals(writer, &totals);
	assert_int_equal(totals.events, 1);
	assert_int_equal(totals.lost, 8);
	add_header(&expected);
	add_event(&expected, UINT64_MAX - 1, MONO + 5, 8, 4242);
	add64(&expected, 1);
	add_name(&expected, 0, "nothing");
	add_event(&expected, 0, MONO + 9, 0, 4242);
	add_event(&expected, UINT64_MAX - 1, MONO + 9, 8, 4242);
	add64(&expected, 7);
	assert_int_equal(tw_simpletrace_flush(writer), 0);
	expect_file(place->path, &expected);
	assert_int_equal(tw_simpletrace_close(writer), 0);
	expect_file(place->path, &expected);
}

/* ---- Numbers of events ---- */

static const struct tw_field others[] = {
	{.name = "a", .kind = TW_FIELD_UINT, .size = 1},
	{.name = "a", .kind = TW_FIELD_SINT, .size = 4},
	{.name = "b", .kind = TW_FIELD_SINT, .size = 1},
};
static const struct tw_event_desc of_one_name[] = {
	{.name = "all_kinds", .field_count = 1, .fields = fields},
	{.name = "all_kinds", .field_count = 1, .fields = &others[0]},
	{.name = "all_kinds", .field_count = 1, .fields = &others[1]},
	{.name = "all_kinds", .field_count = 1, .fields = &others[2]},
};

static void test_names_have_one_number(void **state)
{
	static const struct tw_event_desc again = {
		.name = "all_kinds", .field_count = 10, .fields = fields};
	const struct place *place = *state;
	struct tw_trace_producer other = producer;
	struct bytes expected = {.size = 0}, packed;
	struct tw_simpletrace *writer = begin(place->path, false);
	struct tw_record record;

	other.pid = 4243;
	add_header(&expected);
	pack(&packed, "t", false);
	record = event_of(&producer, &all_kinds, 0, &packed);
	write_one(writer, &record);
	add_name(&expected, 0, "all_kinds");
	add_all_kinds(&expected, 0, MONO, "t", 1);
	/* Another producer's, of the same arguments. */
	record = event_of(&producer, &again, 0, &packed);
	write_one(writer, &record);
	add_all_kinds(&expected, 0, MONO, "t", 1);
	/* Of others: how many, their kind, size and name. */
	memset(packed.data, 1, 4);
	for (uint64_t i = 0; i < 4; i++) {
		record = event_of(&other, &of_one_name[i], 0, &packed);
		write_one(writer, &record);
		add_name(&expected, 1 + i, "all_kinds");
		add_event(&expected, 1 + i, MONO, 8, 4243);
		add64(&expected, i == 2 ? 0x01010101 : 1);
	}
	assert_int_equal(tw_simpletrace_close(writer), 0);
	expect_file(place->path, &expected);
}

#define MANY 3000

static void test_many_names(void **state)
{
	const struct place *place = *state;
	struct tw_event_desc *events = calloc(MANY, sizeof(*events));
	char(*names)[16] = calloc(MANY, sizeof(*names));
	struct tw_simpletrace *writer = begin(place->path, false);
	struct tw_simpletrace_totals totals, again;
	struct tw_record record;

	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "event_%06d", i);
		events[i].name = names[i];
		record = event_of(&producer, &events[i], 0, NULL);
		write_one(writer, &record);
	}
	tw_simpletrace_totals(writer, &totals);
	assert_int_equal(totals.bytes, 24 + MANY * (20 + 12 + 32));
	for (int i = 0; i < MANY; i++) {
		record = event_of(&producer, &events[i], 0, NULL);
		write_one(writer, &record);
	}
	tw_simpletrace_totals(writer, &again);
	assert_int_equal(again.bytes, totals.bytes + MANY * 32);
	assert_int_equal(tw_simpletrace_close(writer), 0);
	free(events);
	free(names);
}

/* ---- Times ---- */

static uint64_t time_written(const struct place *place,
			     const struct tw_trace_producer *from,
			     uint64_t time_ns)
{
	struct tw_simpletrace *writer = begin(place->path, false);
	struct tw_record record = event_of(from, &nothing, 0, NULL);
	struct bytes file;
	uint64_t ns;

	record.time_ns = time_ns;
	write_one(writer, &record);
	assert_int_equal(tw_simpletrace_close(writer), 0);
	read_file(place->path, file.data, sizeof(file.data));
	memcpy(&ns, file.data + 24 + 27 + 16, sizeof(ns));
	return ns;
}

static void test_times(void **state)
{
	const struct place *place = *state;
	struct tw_trace_producer other = producer;
	uint64_t before, ns;

	/* The wall clock of its moment counts, not the present one. */
	assert_int_equal(time_written(place, &producer, REAL + 12), MONO + 12);
	assert_int_equal(time_written(place, &producer, REAL - MONO), 0);
	assert_int_equal(time_written(place, &producer, 1), 0);
	/* Where no moment is known, and for guests, the present one does. */
	before = tw_real_offset();
	other.epoch = 1;
	ns = time_written(place, &other, before + 77000000000u);
	assert_true(ns > 76000000000u && ns < 78000000000u);
	other = producer;
	other.timebase.base_mono_ns = 0;
	ns = time_written(place, &other, before + 77000000000u);
	assert_true(ns > 76000000000u && ns < 78000000000u);
}

/* ---- Read back ---- */

/* What a file tells. */
struct told {
	uint64_t events;
	uint64_t lost;
	uint64_t numbers; /* the sum of their n */
	uint64_t words;
	uint64_t last_ns;
};

static void tell_event(const struct tw_record *record, struct told *told)
{
	const struct tw_event_desc *event = record->event.event;
	struct tw_value value;
	size_t offset = 0;

	told->events++;
	told->last_ns = record->time_ns;
	if (strcmp(event->name, "nothing") == 0)
		return;
	tw_fields_value(event, 0, record->event.fields, &offset, false, &value);
	if (strcmp(event->name, "words") == 0) {
		assert_memory_equal(value.string.text, "text ", 5);
		tw_fields_value(event, 1, record->event.fields, &offset, false,
				&value);
		told->words += (uint64_t)-value.s;
		return;
	}
	assert_string_equal(event->name, "number");
	tw_fields_value(event, 1, record->event.fields, &offset, false, &value);
	told->numbers += value.u;
}

static void tell(struct tw_trace *trace, struct told *told,
		 struct tw_simpletrace *writer)
{
	const struct tw_record *record;

	while (tw_trace_next(trace, &record) == 1) {
		if (record->kind == TW_RECORD_LOST)
			told->lost += record->lost + record->discarded;
		else
			tell_event(record, told);
		if (writer)
			write_one(writer, record);
	}
}

/* What of it may be told is in the file beside it. */
static struct told read_back(const struct place *place)
{
	static const char text[] =
		"number(uint32_t lane, uint64_t n, void *p) \"%u %lu %p\"\n"
		"words(const char *text, int event, int _x) \"%s %d %d\"\n"
		"nothing(void) \"\"\n";
	struct tw_foreign_options options = {.events_count = 1};
	struct tw_attach_error error = {""};
	struct told told = {0};
	struct tw_trace *trace;
	char events[128], target[128];
	const char *list[] = {events};

	snprintf(events, sizeof(events), "%s/events", place->directory);
	snprintf(target, sizeof(target), "simpletrace:%s", place->path);
	write_file(events, text, sizeof(text) - 1);
	options.events = list;
	assert_int_equal(tw_trace_create(&trace), 0);
	if (tw_trace_add_foreign(trace, target, &options, &error))
		fail_msg("%s", error.text);
	tell(trace, &told, NULL);
	for (size_t i = 0; i < tw_trace_warning_count(trace); i++)
		/* Its times are of no boot of this machine. */
		if (!strstr(tw_trace_warning(trace, i), "time of day"))
			fail_msg("%s", tw_trace_warning(trace, i));
	tw_trace_destroy(trace);
	return told;
}

static struct told write_ring(struct fixture *f, struct tw_simpletrace *writer)
{
	static const struct tw_drain_options all = {.start = TW_DRAIN_ALL};
	struct tw_attach_error error = {""};
	struct told told = {0};
	struct tw_trace *trace;

	assert_int_equal(tw_trace_create(&trace), 0);
	assert_int_equal(
		tw_trace_add_ring(trace, fixture_attach(f, NULL), &all, &error),
		0);
	assert_int_equal(tw_trace_poll(trace, true, &error), 0);
	tell(trace, &told, writer);
	/* The trace has to be there when the file is closed. */
	assert_int_equal(tw_simpletrace_close(writer), 0);
	tw_trace_destroy(trace);
	return told;
}

/* More than the ring holds, and more than is kept in memory at once. */
static void test_our_reader_reads_it(void **state)
{
	const struct place *place = *state;
	struct fixture f;
	struct told written, found;

	fixture_create(&f, 4096, 512, TW_RING_OVERWRITE);
	for (uint64_t i = 0; i < 120000; i++)
		fixture_emit_as(&f, i % 3, 0, (enum fixture_event)(i % 7 % 3),
				i);
	written = write_ring(&f, begin(place->path, false));
	assert_true(written.events > 30000);
	assert_true(written.lost > 1000);
	assert_int_equal(written.events + written.lost, 120000);
	found = read_back(place);
	assert_int_equal(found.events, written.events);
	assert_int_equal(found.lost, written.lost);
	assert_int_equal(found.numbers, written.numbers);
	assert_int_equal(found.words, written.words);
	fixture_destroy(&f);
}

/* A ring's moment, at which CLOCK_MONOTONIC was what its own clock is. */
static void test_time_of_a_ring(void **state)
{
	const struct place *place = *state;
	struct bytes expected = {.size = 0};
	struct fixture f;

	fixture_create(&f, 4096, 8, TW_RING_OVERWRITE);
	fixture_emit_as(&f, 0, 0, EVENT_NOTHING, 0);
	write_ring(&f, begin(place->path, false));
	add_header(&expected);
	add_name(&expected, 0, "nothing");
	add_event(&expected, 0, FIXTURE_CLOCK + 1, 0, 4194304);
	expect_file(place->path, &expected);
	fixture_destroy(&f);
}

/* ---- Adding to a file ---- */

static void write_nothing(const char *path, bool append)
{
	struct tw_simpletrace *writer = begin(path, append);
	struct tw_record record = event_of(&producer, &nothing, 3, NULL);

	write_one(writer, &record);
	assert_int_equal(tw_simpletrace_close(writer), 0);
}

static void test_added(void **state)
{
	const struct place *place = *state;
	struct bytes expected = {.size = 0};

	add_header(&expected);
	for (int i = 0; i < 3; i++) {
		write_nothing(place->path, true);
		add_name(&expected, 0, "nothing");
		add_event(&expected, 0, MONO + 3, 0, 4242);
		expect_file(place->path, &expected);
		assert_int_equal(read_back(place).events, i + 1);
	}
	/* Whatever it was cut to, there are whole records. */
	for (size_t size = 0; size < expected.size; size++) {
		write_file(place->path, expected.data, size);
		write_nothing(place->path, true);
		assert_int_equal(read_back(place).events,
				 (size < 24 ? 0 : (size - 24) / 59) + 1);
	}
	/* Without being asked to, nothing is kept. */
	write_nothing(place->path, false);
	assert_int_equal(read_back(place).events, 1);
}

static void refuse_to_add(const struct place *place, const struct bytes *file,
			  const char *why)
{
	write_file(place->path, file->data, file->size);
	refuse(place->path, true, -EBADMSG, why);
	expect_file(place->path, file);
}

/* Nobody's file is changed. */
static void test_not_added(void **state)
{
	static const uint8_t swapped[] = "\377\377\377\377\377\377\377\377"
					 "\362\261\167\313\012\244\051\264"
					 "\0\0\0\0\0\0\0\4";
	const struct place *place = *state;
	struct bytes file = {.size = 0};

	add(&file, "Dear diary,\n", 12);
	refuse_to_add(place, &file, "no simpletrace file");
	file.size = 0;
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
		add(&file, swapped, 24);
		refuse_to_add(place, &file, "byte order");
		file.size = 0;
	}
	add64(&file, UINT64_MAX);
	add64(&file, 0xf2b177cb0aa429b4);
	add64(&file, 3);
	refuse_to_add(place, &file, "version 4");
	file.size = 0;
	add_header(&file);
	add64(&file, 2);
	refuse_to_add(place, &file, "no record at byte 24");
	file.size = 24;
	add_event(&file, 0, 0, 0, 0);
	add_event(&file, 0, 0, (uint32_t)-1, 0);
	refuse_to_add(place, &file, "impossible length at byte 56");
	file.size = 24;
	add_event(&file, 0, 0, 65536 - 23, 0);
	refuse_to_add(place, &file, "impossible length at byte 24");
	refuse(place->directory, true, -EISDIR, "directory");
	refuse(place->directory, false, -EISDIR, "directory");
}

/* ---- Errors ---- */

static void test_full_disk_at_once(void **state)
{
	(void)state;
	if (access("/dev/full", W_OK))
		skip();
	refuse("/dev/full", false, -ENOSPC, "No space left");
	refuse("/dev/full", true, -ENOSPC, "No space left");
}

static void test_nobody_reads(void **state)
{
	const struct place *place = *state;

	assert_int_equal(mkfifo(place->path, 0600), 0);
	refuse(place->path, false, -ENXIO, "No such device");
}

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A write in the midst of the file is cut short: the record goes, and with it
 * all that comes later. */
static void test_full_disk_later(void **state)
{
	const struct place *place = *state;
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	struct tw_simpletrace *writer = begin(place->path, false);
	const struct tw_record record = event_of(&producer, &nothing, 3, NULL);
	struct tw_simpletrace_totals totals;
	struct stat status;

	write_one(writer, &record);
	assert_int_equal(tw_simpletrace_flush(writer), 0);
	limit_files(100);
	for (int i = 0; i < 10; i++)
		write_one(writer, &record);
	assert_int_equal(tw_simpletrace_flush(writer), -EFBIG);
	limit_files(RLIM_INFINITY);
	/* There is room again, but something is missing. */
	assert_int_equal(tw_simpletrace_write(writer, &record), -EFBIG);
	assert_int_equal(tw_simpletrace_flush(writer), -EFBIG);
	tw_simpletrace_totals(writer, &totals);
	assert_int_equal(totals.bytes, 24 + 27 + 32);
	assert_int_equal(tw_simpletrace_close(writer), -EFBIG);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_size, 24 + 27 + 32);
	assert_int_equal(read_back(place).events, 1);
	signal(SIGXFSZ, before);
}

/* Found out by closing, when nobody has flushed before. */
static void test_full_disk_at_last(void **state)
{
	const struct place *place = *state;
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	struct tw_simpletrace *writer = begin(place->path, false);
	const struct tw_record record = event_of(&producer, &nothing, 3, NULL);

	write_one(writer, &record);
	limit_files(30);
	assert_int_equal(tw_simpletrace_close(writer), -EFBIG);
	limit_files(RLIM_INFINITY);
	assert_int_equal(read_back(place).events, 0);
	signal(SIGXFSZ, before);
	assert_int_equal(tw_simpletrace_close(NULL), 0);
}

#define WITH_PLACE(test) \
	cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_literal_bytes),
		WITH_PLACE(test_every_kind_of_field),
		WITH_PLACE(test_loss),
		WITH_PLACE(test_names_have_one_number),
		WITH_PLACE(test_many_names),
		WITH_PLACE(test_times),
		WITH_PLACE(test_our_reader_reads_it),
		WITH_PLACE(test_time_of_a_ring),
		WITH_PLACE(test_added),
		WITH_PLACE(test_not_added),
		cmocka_unit_test(test_full_disk_at_once),
		WITH_PLACE(test_nobody_reads),
		WITH_PLACE(test_full_disk_later),
		WITH_PLACE(test_full_disk_at_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
