/* SPDX-License-Identifier: MIT */
/* Reading schema blobs: a good one in both byte orders, and every bad one. */

#include "../../../src/schema/blob-read.h"
#include "../../../src/schema/blob-write.h"
#include "../../../src/schema/decode.h"
#include "../../../src/schema/format.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <trackway/ring.h>

/* A group as the compiler lays it out. */
static const char strings[] =
	"group\0open\0close\0fd\0int\0path\0const char *\0"
	"fd=%d path=%s\0io/trace-events\0addr\0void *\0states A=0 B=-1";
enum {
	AT_GROUP = 0,
	AT_OPEN = 6,
	AT_CLOSE = 11,
	AT_FD = 17,
	AT_INT = 20,
	AT_PATH = 24,
	AT_STRING = 29,
	AT_FORMAT = 42,
	AT_FILE = 56,
	AT_ADDR = 72,
	AT_POINTER = 77,
	AT_VALUES = 84,
};

struct blob {
	struct tw_blob_header header;
	struct tw_blob_event events[2];
	struct tw_blob_field fields[3];
	char strings[sizeof(strings)];
};

static void blob_fill(struct blob *b)
{
	memset(b, 0, sizeof(*b));
	b->header = (struct tw_blob_header){
		.magic = TW_BLOB_MAGIC,
		.major = TW_BLOB_MAJOR,
		.minor = TW_BLOB_MINOR,
		.size = sizeof(*b),
		.event_count = 2,
		.event_stride = sizeof(b->events[0]),
		.events_offset = offsetof(struct blob, events),
		.field_count = 3,
		.field_stride = sizeof(b->fields[0]),
		.fields_offset = offsetof(struct blob, fields),
		.strings_offset = offsetof(struct blob, strings),
		.strings_size = sizeof(strings),
		.group = AT_GROUP,
	};
	b->events[0] = (struct tw_blob_event){AT_OPEN, AT_FORMAT, AT_FILE, 12,
					      0,       2,	  14,	   0};
	b->events[1] = (struct tw_blob_event){
		AT_CLOSE, 0, AT_FILE, 13,
		2,	  1, 6,	      TW_EVENT_NO_FORMAT | TW_EVENT_DISABLED};
	b->fields[0] = (struct tw_blob_field){AT_FD, AT_INT, TW_FIELD_SINT,
					      4,     0,	     0};
	b->fields[1] = (struct tw_blob_field){
		AT_PATH, AT_STRING, TW_FIELD_STRING, 0, 0, 0};
	b->fields[2] = (struct tw_blob_field){
		AT_ADDR, AT_POINTER, TW_FIELD_POINTER, 8, 0, 0};
	memcpy(b->strings, strings, sizeof(strings));
}

static void swap16(uint16_t *value)
{
	*value = __builtin_bswap16(*value);
}

static void swap32(uint32_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		values[i] = __builtin_bswap32(values[i]);
}

/* As the other byte order's compiler would have it. */
static void blob_swap(struct blob *b)
{
	swap32(&b->header.magic, 1);
	swap16(&b->header.major);
	swap16(&b->header.minor);
	swap32(&b->header.size, 10);
	for (size_t i = 0; i < 2; i++) {
		swap32(&b->events[i].name, 5);
		swap16(&b->events[i].field_count);
	}
	for (size_t i = 0; i < 3; i++) {
		swap32(&b->fields[i].name, 2);
		swap16(&b->fields[i].flags);
		swap32(&b->fields[i].values, 1);
	}
}

/* Reads a copy of exactly size bytes, which is gone afterwards. */
static int read_n(const void *bytes, size_t size, bool swap,
		  struct tw_schema **schema, const char **why)
{
	uint8_t *exact = malloc(size ? size : 1);
	int result;

	assert_non_null(exact);
	memcpy(exact, bytes, size);
	*why = NULL;
	*schema = (void *)1;
	result = tw_blob_read(exact, size, swap, schema, why);
	memset(exact, 0xee, size);
	free(exact);
	assert_true((*schema != NULL) == (result == 0));
	assert_true((*why == NULL) == (result == 0));
	return result;
}

static void check_good(const struct tw_schema *schema)
{
	const struct tw_event_desc *e = schema->events;

	assert_string_equal(schema->group, "group");
	assert_int_equal(schema->event_count, 2);
	assert_string_equal(e[0].name, "open");
	assert_string_equal(e[0].format, "fd=%d path=%s");
	assert_null(e[0].format_raw);
	assert_string_equal(e[0].file, "io/trace-events");
	assert_int_equal(e[0].line, 12);
	assert_int_equal(e[0].loglevel, 14);
	assert_false(e[0].disabled);
	assert_int_equal(e[0].field_count, 2);
	assert_int_equal(e[0].fixed_size, 0);
	assert_string_equal(e[0].fields[0].name, "fd");
	assert_string_equal(e[0].fields[0].type, "int");
	assert_int_equal(e[0].fields[0].kind, TW_FIELD_SINT);
	assert_int_equal(e[0].fields[0].size, 4);
	assert_string_equal(e[0].fields[1].type, "const char *");
	assert_int_equal(e[0].fields[1].kind, TW_FIELD_STRING);
	assert_string_equal(e[1].name, "close");
	assert_null(e[1].format);
	assert_true(e[1].disabled);
	assert_int_equal(e[1].line, 13);
	assert_int_equal(e[1].loglevel, 6);
	assert_int_equal(e[1].field_count, 1);
	assert_int_equal(e[1].fixed_size, 8);
	assert_string_equal(e[1].fields[0].name, "addr");
	assert_ptr_equal(tw_schema_find(schema, "close"), &e[1]);
}

static void test_good(void **state)
{
	struct tw_schema *schema;
	const char *why;
	struct blob b;

	blob_fill(&b);
	assert_int_equal(read_n(&b, sizeof(b), false, &schema, &why), 0);
	check_good(schema);
	tw_schema_destroy(schema);
	assert_int_equal(read_n(&b, sizeof(b), true, &schema, &why), -EBADMSG);

	blob_swap(&b);
	assert_int_equal(read_n(&b, sizeof(b), true, &schema, &why), 0);
	check_good(schema);
	tw_schema_destroy(schema);
	assert_int_equal(read_n(&b, sizeof(b), false, &schema, &why), -EBADMSG);
}

static void test_no_events(void **state)
{
	struct tw_schema *schema;
	const char *why;
	struct blob b;

	blob_fill(&b);
	b.header.event_count = 0;
	b.header.field_count = 0;
	assert_int_equal(read_n(&b, sizeof(b), false, &schema, &why), 0);
	assert_int_equal(schema->event_count, 0);
	tw_schema_destroy(schema);
}

/* Of minor version 0: fields of 12 bytes, the last two of them reserved. */
static void test_old(void **state)
{
	struct {
		struct tw_blob_header header;
		struct tw_blob_event events[2];
		uint8_t fields[3][12];
		char strings[sizeof(strings)];
	} old;
	struct tw_schema *schema;
	const char *why;
	struct blob b;

	blob_fill(&b);
	old.header = b.header;
	old.header.minor = 0;
	old.header.size = sizeof(old);
	old.header.field_stride = 12;
	old.header.strings_offset = offsetof(__typeof__(old), strings);
	memcpy(old.events, b.events, sizeof(old.events));
	for (int i = 0; i < 3; i++)
		memcpy(old.fields[i], &b.fields[i], 12);
	/* What was reserved then is no flag without the room for values. */
	old.fields[0][10] = 0xff;
	memcpy(old.strings, strings, sizeof(strings));
	assert_int_equal(read_n(&old, sizeof(old), false, &schema, &why), 0);
	check_good(schema);
	assert_null(schema->events[0].fields[0].values);
	tw_schema_destroy(schema);
}

static void check_values(const struct tw_schema *schema)
{
	const struct tw_event_desc *e = schema->events;

	assert_string_equal(e[0].fields[0].values, "states A=0 B=-1");
	assert_null(e[0].fields[1].values);
	assert_int_equal(e[0].fields[1].kind, TW_FIELD_BYTES);
	assert_int_equal(e[0].fields[1].size, 0);
	assert_int_equal(e[0].fixed_size, 0);
}

static void test_values_and_bytes(void **state)
{
	struct tw_schema *schema;
	const char *why;
	struct blob b;

	blob_fill(&b);
	b.fields[0].flags = TW_FIELD_HAS_VALUES;
	b.fields[0].values = AT_VALUES;
	b.fields[1].kind = TW_FIELD_BYTES;
	b.fields[1].values = 0xffffffff; /* without the flag: not looked at */
	assert_int_equal(read_n(&b, sizeof(b), false, &schema, &why), 0);
	check_values(schema);
	tw_schema_destroy(schema);
	blob_swap(&b);
	assert_int_equal(read_n(&b, sizeof(b), true, &schema, &why), 0);
	check_values(schema);
	tw_schema_destroy(schema);
}

/* A later minor version: longer entries, and bytes after the blob's end. */
static void test_extended(void **state)
{
	struct {
		struct tw_blob_header header;
		uint32_t more_header[3];
		struct {
			struct tw_blob_event event;
			uint32_t more[2];
		} events[2];
		struct {
			struct tw_blob_field field;
			uint8_t more[3];
		} __attribute__((packed)) fields[3];
		char strings[sizeof(strings)];
		char tail[100];
	} e;
	struct tw_schema *schema;
	const char *why;
	struct blob b;

	blob_fill(&b);
	memset(&e, 0xff, sizeof(e));
	e.header = b.header;
	e.header.minor = 7;
	e.header.size = offsetof(__typeof__(e), tail);
	e.header.event_stride = sizeof(e.events[0]);
	e.header.events_offset = offsetof(__typeof__(e), events);
	e.header.field_stride = sizeof(e.fields[0]);
	e.header.fields_offset = offsetof(__typeof__(e), fields);
	e.header.strings_offset = offsetof(__typeof__(e), strings);
	for (int i = 0; i < 2; i++)
		e.events[i].event = b.events[i];
	for (int i = 0; i < 3; i++)
		e.fields[i].field = b.fields[i];
	memcpy(e.strings, strings, sizeof(strings));
	assert_int_equal(read_n(&e, sizeof(e), false, &schema, &why), 0);
	check_good(schema);
	tw_schema_destroy(schema);
}

static void check_bad(const struct blob *b, const char *why_wanted)
{
	struct tw_schema *schema;
	const char *why;

	assert_int_equal(read_n(b, sizeof(*b), false, &schema, &why), -EBADMSG);
	assert_string_equal(why, why_wanted);
}

#define BAD(assignment, why)        \
	do {                        \
		blob_fill(&b);      \
		b.assignment;       \
		check_bad(&b, why); \
	} while (0)

static void test_bad_headers(void **state)
{
	const char *events = "schema: events outside of it";
	const char *fields = "schema: fields outside of it";
	const char *texts = "schema: strings outside of it";
	struct blob b;

	BAD(header.magic++, "schema: no magic");
	BAD(header.major = 2, "schema: of another major version");
	BAD(header.major = 0, "schema: of another major version");
	BAD(header.size++, "schema: its size is not that of its bytes");
	BAD(header.size = 47, "schema: its size is not that of its bytes");
	BAD(header.size--, texts);
	BAD(header.event_count = 65536, "schema: too many events");
	BAD(header.event_count = 65535, events);
	BAD(header.event_stride = 23, events);
	BAD(header.event_stride = 0, events);
	BAD(header.event_stride = UINT32_MAX, events);
	BAD(header.events_offset = sizeof(b) - 47, events);
	BAD(header.events_offset = UINT32_MAX, events);
	BAD(header.field_count = UINT32_MAX, "schema: too many fields");
	BAD(header.field_count = 655350, fields);
	BAD(header.field_stride = 11, fields);
	BAD(header.field_stride = 0x80000000, fields);
	BAD(header.fields_offset = sizeof(b) - 47, fields);
	BAD(header.fields_offset = UINT32_MAX - 11, fields);
	BAD(header.strings_offset++, texts);
	BAD(header.strings_offset = UINT32_MAX, texts);
	BAD(header.strings_size = UINT32_MAX, texts);
	BAD(header.strings_size = 0, "schema: bad group name");
	BAD(header.group = sizeof(strings), "schema: bad group name");
	BAD(header.group = UINT32_MAX, "schema: bad group name");
	BAD(header.group = AT_STRING, "schema: bad group name");
}

static void test_bad_events(void **state)
{
	const char *outside = "schema: an event's fields outside of it";
	struct blob b;

	BAD(events[0].name = sizeof(strings), "schema: bad event name");
	BAD(events[1].name = UINT32_MAX, "schema: bad event name");
	BAD(events[0].name = AT_STRING, "schema: bad event name");
	BAD(events[0].name = AT_OPEN + 4, "schema: bad event name");
	BAD(events[0].file = sizeof(strings), "schema: bad file name");
	BAD(events[0].format = sizeof(strings), "schema: bad format");
	BAD(events[0].field_count = 11, "schema: an event of too many fields");
	BAD(events[0].field_count = 4, outside);
	BAD(events[0].first_field = 2, outside);
	BAD(events[0].first_field = 4, outside);
	BAD(events[0].first_field = UINT32_MAX, outside);
	BAD(events[1].loglevel = 15, "schema: unknown log level");
}

static void test_bad_fields(void **state)
{
	const char *kind = "schema: unknown kind or size of a field";
	struct blob b;

	BAD(fields[0].name = sizeof(strings), "schema: bad field name");
	BAD(fields[0].name = AT_FORMAT, "schema: bad field name");
	BAD(fields[0].name = AT_FD + 2, "schema: bad field name");
	BAD(strings[AT_FD] = '1', "schema: bad field name");
	BAD(fields[2].type = UINT32_MAX, "schema: bad field type");
	BAD(fields[2].type = AT_FORMAT, "schema: bad field type");
	BAD(fields[2].type = AT_FD + 2, "schema: bad field type");
	BAD(fields[0].kind = 0, kind);
	BAD(fields[0].kind = 7, kind);
	BAD(fields[0].kind = 8, kind);
	BAD(fields[0].size = 0, kind);
	BAD(fields[0].size = 3, kind);
	BAD(fields[0].size = 16, kind);
	BAD(fields[1].size = 1, kind);
	BAD(fields[2].size = 1, kind);
	BAD(fields[2].kind = TW_FIELD_BOOL, kind);
	BAD(fields[0].kind = TW_FIELD_STRING, kind);
	BAD(fields[1].kind = TW_FIELD_FLOAT, kind);
}

static void test_bad_values(void **state)
{
	const char *values = "schema: bad names of values";
	struct blob b;

	for (int i = 1; i < 3; i++)
		BAD(fields[i].flags = TW_FIELD_HAS_VALUES,
		    "schema: named values of what is no integer");
	blob_fill(&b);
	b.fields[0].flags = TW_FIELD_HAS_VALUES;
	b.fields[0].values = sizeof(strings);
	check_bad(&b, values);
	b.fields[0].values = UINT32_MAX;
	check_bad(&b, values);
}

static void test_endless_strings(void **state)
{
	struct blob b;

	/* The last string has no NUL; the one before it is fine. */
	BAD(header.strings_size = AT_VALUES - 1, "schema: bad field type");
	blob_fill(&b);
	b.fields[0].flags = TW_FIELD_HAS_VALUES;
	b.fields[0].values = AT_VALUES;
	b.header.strings_size = sizeof(strings) - 1;
	check_bad(&b, "schema: bad names of values");
}

/* Names and other texts are bounded however large the blob is. */
static void test_long_strings(void **state)
{
	struct {
		struct blob blob;
		char more[70000];
	} big;
	struct tw_schema *schema;
	const char *why;

	memset(&big, 'x', sizeof(big));
	big.more[sizeof(big.more) - 1] = 0;
	blob_fill(&big.blob);
	big.blob.header.size = sizeof(big);
	big.blob.header.strings_size = sizeof(big) -
				       offsetof(struct blob, strings);
	big.blob.events[0].name = big.blob.header.strings_size - TW_NAME_MAX -
				  1;
	big.blob.events[0].format = big.blob.header.strings_size -
				    TW_FORMAT_MAX - 1;
	big.blob.events[0].file = big.blob.header.strings_size - TW_PATH_MAX -
				  1;
	assert_int_equal(read_n(&big, sizeof(big), false, &schema, &why), 0);
	assert_int_equal(strlen(schema->events[0].name), TW_NAME_MAX);
	assert_int_equal(strlen(schema->events[0].format), TW_FORMAT_MAX);
	tw_schema_destroy(schema);

	big.blob.events[0].name--;
	assert_int_equal(read_n(&big, sizeof(big), false, &schema, &why),
			 -EBADMSG);
	assert_string_equal(why, "schema: bad event name");
	big.blob.events[0].name++;
	big.blob.events[0].format--;
	assert_int_equal(read_n(&big, sizeof(big), false, &schema, &why),
			 -EBADMSG);
	assert_string_equal(why, "schema: bad format");
	big.blob.events[0].format++;
	big.blob.events[0].file--;
	assert_int_equal(read_n(&big, sizeof(big), false, &schema, &why),
			 -EBADMSG);
	assert_string_equal(why, "schema: bad file name");
}

/* Use all of a schema that was accepted: what it says must hold together. */
static void use(const struct tw_schema *schema)
{
	static const uint8_t noise[64] = {1, 2, 3, 4, 5, 6};

	for (uint32_t i = 0; i < schema->event_count; i++) {
		const struct tw_event_desc *e = &schema->events[i];
		struct tw_text text = {0};
		struct tw_format *format;
		int64_t size = tw_fields_size(e, noise, sizeof(noise), false);

		assert_true(strlen(e->name) > 0);
		assert_true(strlen(e->file) < sizeof(struct blob));
		for (uint32_t j = 0; j < e->field_count; j++)
			assert_true(strlen(e->fields[j].name) > 0);
		assert_int_equal(tw_format_compile(e, &format), 0);
		if (size >= 0)
			tw_format_run(format, noise, (size_t)size, false,
				      &text);
		tw_format_destroy(format);
		free(text.data);
	}
}

static void test_every_byte_changed(void **state)
{
	static const uint8_t masks[] = {0x01, 0x80, 0xff, 0x20};
	struct blob b;
	size_t accepted = 0;

	for (size_t i = 0; i < sizeof(b) * sizeof(masks); i++) {
		struct tw_schema *schema;
		const char *why;

		blob_fill(&b);
		((uint8_t *)&b)[i / sizeof(masks)] ^= masks[i % sizeof(masks)];
		if (read_n(&b, sizeof(b), false, &schema, &why) == 0) {
			use(schema);
			accepted++;
		}
		tw_schema_destroy(schema);
	}
	/* Letters of a format may change, for one; the magic may not. */
	assert_in_range(accepted, 100, sizeof(b) * sizeof(masks) - 100);
}

static void test_every_length(void **state)
{
	struct tw_schema *schema;
	const char *why;
	struct blob b;

	blob_fill(&b);
	for (size_t size = 0; size < sizeof(b); size++)
		assert_int_equal(read_n(&b, size, false, &schema, &why),
				 -EBADMSG);
	/* And where the header goes along with it. */
	for (size_t size = 0; size < sizeof(b); size++) {
		blob_fill(&b);
		b.header.size = (uint32_t)size;
		assert_int_equal(read_n(&b, size, false, &schema, &why),
				 -EBADMSG);
	}
}

/* What is written is what was read, in either byte order. */
static void test_written(void **state)
{
	struct tw_schema *schema, *again;
	const char *why;
	struct blob b;
	void *bytes;
	size_t size;

	(void)state;
	for (int swap = 0; swap < 2; swap++) {
		blob_fill(&b);
		assert_int_equal(read_n(&b, sizeof(b), false, &schema, &why),
				 0);
		assert_int_equal(tw_blob_write(schema, swap, &bytes, &size), 0);
		assert_int_equal(read_n(bytes, size, swap, &again, &why), 0);
		check_good(again);
		tw_schema_destroy(schema);
		tw_schema_destroy(again);
		assert_int_equal(read_n(bytes, size, !swap, &again, &why),
				 -EBADMSG);
		free(bytes);
	}
}

static void test_written_values(void **state)
{
	static const struct tw_field field = {.name = "state",
					      .type = "int",
					      .kind = TW_FIELD_SINT,
					      .size = 4,
					      .values = "states A=0 B=-1"};
	struct tw_event_desc event = {.name = "e",
				      .file = "f",
				      .line = 3,
				      .loglevel = 14,
				      .field_count = 1,
				      .fields = &field};
	const struct tw_schema written = {.event_count = 1, .events = &event};
	struct tw_schema *schema;
	const char *why;
	void *bytes;
	size_t size;

	(void)state;
	assert_int_equal(tw_blob_write(&written, false, &bytes, &size), 0);
	assert_int_equal(read_n(bytes, size, false, &schema, &why), 0);
	assert_string_equal(schema->group, "");
	assert_string_equal(schema->events[0].fields[0].values,
			    "states A=0 B=-1");
	assert_int_equal(schema->events[0].fixed_size, 4);
	tw_schema_destroy(schema);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_no_events),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_values_and_bytes),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_bad_events),
		cmocka_unit_test(test_bad_fields),
		cmocka_unit_test(test_endless_strings),
		cmocka_unit_test(test_long_strings),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_written_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
