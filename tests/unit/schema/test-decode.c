/* SPDX-License-Identifier: MIT */
/* From a page's bytes to events and values, in both byte orders. */

#include "../../../src/schema/decode.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <trackway/ring.h>

#define HOST_IS_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/* A page being written as a producer of either byte order would. */
struct page {
	uint8_t bytes[1024];
	size_t size;
	bool big;
};

static void page_start(struct page *page, bool big)
{
	memset(page->bytes, 0xee, sizeof(page->bytes));
	page->size = TW_PAGE_HEADER;
	page->big = big;
}

static void add_number(struct page *page, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t place = page->big ? size - 1 - i : i;

		page->bytes[page->size + place] = (uint8_t)(value >> (8 * i));
	}
	page->size += size;
}

static void add_bytes(struct page *page, const void *bytes, size_t size)
{
	memcpy(page->bytes + page->size, bytes, size);
	page->size += size;
}

static void add_event(struct page *page, uint32_t id, uint64_t time)
{
	time &= ((uint64_t)1 << 48) - 1;
	add_number(page,
		   page->big ? (uint64_t)id << 48 | time : time << 16 | id, 8);
}

#define FIELD(n, t, k, s)                                  \
	{                                                  \
		.name = n, .type = t, .kind = k, .size = s \
	}

static const struct tw_field int3_fields[] = {
	FIELD("a", "int", TW_FIELD_SINT, 4),
	FIELD("b", "uint16_t", TW_FIELD_UINT, 2),
	FIELD("c", "int64_t", TW_FIELD_SINT, 8),
};
static const struct tw_field mixed_fields[] = {
	FIELD("flag", "bool", TW_FIELD_BOOL, 1),
	FIELD("s", "const char *", TW_FIELD_STRING, 0),
	FIELD("p", "void *", TW_FIELD_POINTER, 8),
	FIELD("t", "char *", TW_FIELD_STRING, 0),
	FIELD("f", "float", TW_FIELD_FLOAT, 4),
	FIELD("d", "double", TW_FIELD_FLOAT, 8),
	FIELD("i8", "int8_t", TW_FIELD_SINT, 1),
	FIELD("i16", "int16_t", TW_FIELD_SINT, 2),
};
static struct tw_event_desc int3 = {
	.name = "int3", .field_count = 3, .fields = int3_fields};
static struct tw_event_desc mixed = {
	.name = "mixed", .field_count = 8, .fields = mixed_fields};
static struct tw_event_desc none = {.name = "none"};
static const struct tw_event_desc *const lookup[] = {&none, &int3, NULL,
						     &mixed};

static struct tw_decoder decoder_of(const struct page *page)
{
	return (struct tw_decoder){lookup, 4, page->big != HOST_IS_BIG};
}

/* The page walked, in a block of exactly its size: a sanitizer sees what is
 * past it. */
static uint8_t *exact;

struct walk {
	struct tw_page_walk walk;
	struct tw_decoder decoder;
	struct tw_decoded out;
};

static void walk_start(struct walk *w, const struct page *page,
		       uint64_t time_begin)
{
	free(exact);
	exact = malloc(page->size);
	assert_non_null(exact);
	memcpy(exact, page->bytes, page->size);
	w->decoder = decoder_of(page);
	tw_page_walk_start(&w->walk, exact, page->size, time_begin);
}

static int walk_next(struct walk *w)
{
	return tw_page_walk_next(&w->walk, &w->decoder, &w->out);
}

static void walk_expect(struct walk *w, const struct tw_event_desc *event,
			uint64_t time)
{
	assert_int_equal(walk_next(w), 1);
	assert_ptr_equal(w->out.event, event);
	assert_int_equal(w->out.time, time);
}

static struct tw_value value_of(struct walk *w, uint32_t index)
{
	const struct tw_event_desc *event = w->out.event;
	struct tw_value value = {0};
	size_t offset = 0;

	if (!event)
		return value;
	for (uint32_t i = 0; i <= index; i++)
		tw_fields_value(event, i, w->out.fields, &offset,
				w->decoder.swap, &value);
	assert_true(offset <= w->out.fields_size);
	assert_ptr_equal(value.field, &event->fields[index]);
	return value;
}

static void add_int3(struct page *page)
{
	add_number(page, (uint32_t)-7, 4);
	add_number(page, 0xfedc, 2);
	add_number(page, (uint64_t)-1234567890123, 8);
}

static void add_mixed(struct page *page)
{
	uint64_t bits64;
	uint32_t bits32;
	double d = -0.125;
	float f = 2.5f;

	memcpy(&bits64, &d, 8);
	memcpy(&bits32, &f, 4);
	add_number(page, 1, 1);
	add_bytes(page, "hello", 6);
	add_number(page, 0xffff800012345678, 8);
	add_bytes(page, "", 1);
	add_number(page, bits32, 4);
	add_number(page, bits64, 8);
	add_number(page, (uint8_t)-128, 1);
	add_number(page, (uint16_t)-2, 2);
}

static void check_mixed(struct walk *w)
{
	assert_int_equal(value_of(w, 0).u, 1);
	assert_int_equal(value_of(w, 1).string.size, 5);
	assert_memory_equal(value_of(w, 1).string.text, "hello", 6);
	assert_int_equal(value_of(w, 2).u, 0xffff800012345678);
	assert_int_equal(value_of(w, 3).string.size, 0);
	assert_true(value_of(w, 4).f == 2.5);
	assert_true(value_of(w, 5).f == -0.125);
	assert_int_equal(value_of(w, 6).s, -128);
	assert_int_equal(value_of(w, 7).s, -2);
}

static void check_page(bool big)
{
	struct page page;
	struct walk w;

	page_start(&page, big);
	add_event(&page, 1, 1000);
	add_int3(&page);
	add_event(&page, 0, 1000);
	add_event(&page, 3, 0xabcdef012345);
	add_mixed(&page);
	add_event(&page, 1, 0xabcdef012346);
	add_int3(&page);
	walk_start(&w, &page, 900);
	walk_expect(&w, &int3, 1000);
	assert_int_equal(w.out.id, 1);
	assert_int_equal(w.out.fields_size, 14);
	assert_int_equal(value_of(&w, 0).s, -7);
	assert_int_equal(value_of(&w, 1).u, 0xfedc);
	assert_int_equal(value_of(&w, 2).s, -1234567890123);
	walk_expect(&w, &none, 1000);
	assert_int_equal(w.out.fields_size, 0);
	walk_expect(&w, &mixed, 0xabcdef012345);
	check_mixed(&w);
	walk_expect(&w, &int3, 0xabcdef012346);
	assert_int_equal(walk_next(&w), 0);
	assert_int_equal(walk_next(&w), 0);
	assert_null(w.walk.why);
}

static void test_little_endian(void **state)
{
	check_page(false);
}

static void test_big_endian(void **state)
{
	check_page(true);
}

/* The same with the size known beforehand. */
static void test_fixed_size(void **state)
{
	assert_int_equal(tw_event_fixed_size(&none), 0);
	assert_int_equal(tw_event_fixed_size(&mixed), 0);
	assert_int_equal(tw_event_fixed_size(&int3), 14);
	int3.fixed_size = 14;
	check_page(false);
	assert_int_equal(tw_fields_size(&int3, (const uint8_t *)"", 13, false),
			 -EBADMSG);
	assert_int_equal(tw_fields_size(&int3, (const uint8_t *)"", 14, false),
			 14);
	int3.fixed_size = 0;
}

static void test_time_is_widened(void **state)
{
	uint64_t begin = 0x12fffffffffff0;
	struct page page;
	struct walk w;

	page_start(&page, false);
	add_event(&page, 0, 0x12fffffffffff0);
	add_event(&page, 0, 0x12ffffffffffff);
	add_event(&page, 0, 0x13000000000000); /* the low bits go down */
	add_event(&page, 0, 0x13000000000000);
	add_event(&page, 0, 0x13ffffffffffff);
	add_event(&page, 0, 0x14000000000005);
	walk_start(&w, &page, begin);
	walk_expect(&w, &none, 0x12fffffffffff0);
	walk_expect(&w, &none, 0x12ffffffffffff);
	walk_expect(&w, &none, 0x13000000000000);
	walk_expect(&w, &none, 0x13000000000000);
	walk_expect(&w, &none, 0x13ffffffffffff);
	walk_expect(&w, &none, 0x14000000000005);
	assert_int_equal(walk_next(&w), 0);

	/* From the page's begin on, too. */
	walk_start(&w, &page, 0x12fffffffffff1);
	walk_expect(&w, &none, 0x13fffffffffff0);
}

static void test_time_past_64_bits(void **state)
{
	struct page page;
	struct walk w;

	page_start(&page, false);
	add_event(&page, 0, UINT64_MAX - 1);
	add_event(&page, 0, UINT64_MAX - 2);
	walk_start(&w, &page, UINT64_MAX - 1);
	walk_expect(&w, &none, UINT64_MAX - 1);
	assert_int_equal(walk_next(&w), -EBADMSG);
	assert_non_null(w.walk.why);
}

static void check_bad(struct page *page, const char *why)
{
	struct walk w;

	walk_start(&w, page, 0);
	assert_int_equal(walk_next(&w), -EBADMSG);
	assert_string_equal(w.walk.why, why);
	assert_int_equal(w.walk.offset, TW_PAGE_HEADER);
}

static void test_unknown_id(void **state)
{
	static const uint32_t ids[] = {2, 4, 5, 65535};
	struct page page;

	for (size_t i = 0; i < 4; i++) {
		page_start(&page, false);
		add_event(&page, ids[i], 5);
		check_bad(&page, "an event that no schema declares");
	}
}

/* A reader that learns of a group late may ask again for the same event. */
static void test_unknown_id_can_be_retried(void **state)
{
	struct page page;
	struct walk w;

	page_start(&page, true);
	add_event(&page, 0, 5);
	add_event(&page, 3, 6);
	add_mixed(&page);
	walk_start(&w, &page, 0);
	w.decoder.id_count = 3;
	walk_expect(&w, &none, 5);
	assert_int_equal(walk_next(&w), -EBADMSG);
	assert_null(w.out.event);
	assert_int_equal(w.out.id, 3);
	w.decoder.id_count = 4;
	walk_expect(&w, &mixed, 6);
	check_mixed(&w);
	assert_int_equal(walk_next(&w), 0);
}

static void test_endless_string(void **state)
{
	struct page page;

	page_start(&page, false);
	add_event(&page, 3, 5);
	add_number(&page, 1, 1);
	add_bytes(&page, "no end", 6);
	check_bad(&page, "an event reaches past the page's content");
}

/* Cut anywhere, a page yields its whole events and one error, or none where it
 * is cut between events. */
static void test_truncated(void **state)
{
	struct page page;
	size_t ends[4];
	size_t whole;

	page_start(&page, true);
	ends[0] = page.size;
	add_event(&page, 1, 1);
	add_int3(&page);
	ends[1] = page.size;
	add_event(&page, 3, 2);
	add_mixed(&page);
	ends[2] = page.size;
	add_event(&page, 0, 3);
	ends[3] = whole = page.size;
	for (page.size = TW_PAGE_HEADER; page.size <= whole; page.size++) {
		size_t events = 0;
		struct walk w;
		int result;

		walk_start(&w, &page, 0);
		while ((result = walk_next(&w)) == 1)
			events++;
		assert_true(ends[events] <= page.size);
		assert_true(events == 3 || ends[events + 1] > page.size);
		assert_int_equal(result,
				 ends[events] == page.size ? 0 : -EBADMSG);
		assert_true((w.walk.why != NULL) == (result < 0));
	}
}

static void test_no_events(void **state)
{
	struct page page;
	struct walk w;

	page_start(&page, false);
	walk_start(&w, &page, 7);
	assert_int_equal(walk_next(&w), 0);

	page.size = 40; /* less than a header */
	walk_start(&w, &page, 7);
	assert_int_equal(walk_next(&w), 0);
}

/* Any bytes at all: every event lies inside the page, and times don't fall. */
static void test_noise(void **state)
{
	uint32_t seed = 7;
	struct page page;

	for (int round = 0; round < 2000; round++) {
		uint64_t last = 0;
		struct walk w;

		page_start(&page, round & 1);
		for (int i = 0; i < 300; i++) {
			seed = seed * 1664525u + 1013904223u;
			add_number(&page, seed >> 24 & (round & 2 ? 3 : 255),
				   1);
		}
		walk_start(&w, &page, 0);
		while (walk_next(&w) == 1) {
			assert_true(w.out.fields >= exact + TW_PAGE_HEADER);
			assert_true(w.out.fields + w.out.fields_size <=
				    exact + page.size);
			assert_true(w.out.time >= last);
			last = w.out.time;
			for (uint32_t i = 0; i < w.out.event->field_count; i++)
				value_of(&w, i);
		}
	}
}

static const struct tw_field bytes_fields[] = {
	FIELD("a", "uint8_t", TW_FIELD_UINT, 1),
	FIELD("b", "const uint8_t *", TW_FIELD_BYTES, 0),
	FIELD("c", "const char *", TW_FIELD_BYTES, 0),
	FIELD("d", "int", TW_FIELD_SINT, 4),
};
static struct tw_event_desc bytes = {
	.name = "bytes", .field_count = 4, .fields = bytes_fields};

static void check_bytes(bool big)
{
	const struct tw_event_desc *const table[] = {&bytes};
	struct tw_value value;
	struct page page;
	struct walk w;

	page_start(&page, big);
	add_event(&page, 0, 1000);
	add_number(&page, 0xff, 1);
	add_number(&page, 300, 2);
	memset(page.bytes + page.size, 0, 300);
	page.bytes[page.size + 299] = 0xab;
	page.size += 300;
	add_number(&page, 0, 2);
	add_number(&page, (uint32_t)-5, 4);
	walk_start(&w, &page, 900);
	w.decoder.lookup = table;
	w.decoder.id_count = 1;
	walk_expect(&w, &bytes, 1000);
	assert_int_equal(w.out.fields_size, 1 + 2 + 300 + 2 + 4);
	value = value_of(&w, 1);
	assert_int_equal(value.string.size, 300);
	assert_int_equal((uint8_t)value.string.text[299], 0xab);
	assert_int_equal(value_of(&w, 2).string.size, 0);
	assert_int_equal(value_of(&w, 3).s, -5);
	assert_int_equal(walk_next(&w), 0);
	/* Each shorter page ends within the event. */
	for (size_t size = page.size - 1; size > TW_PAGE_HEADER; size--) {
		page.size = size;
		walk_start(&w, &page, 900);
		w.decoder.lookup = table;
		w.decoder.id_count = 1;
		assert_int_equal(walk_next(&w), -EBADMSG);
	}
}

static void test_bytes(void **state)
{
	check_bytes(false);
	check_bytes(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_little_endian),
		cmocka_unit_test(test_big_endian),
		cmocka_unit_test(test_fixed_size),
		cmocka_unit_test(test_time_is_widened),
		cmocka_unit_test(test_time_past_64_bits),
		cmocka_unit_test(test_unknown_id),
		cmocka_unit_test(test_unknown_id_can_be_retried),
		cmocka_unit_test(test_endless_string),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_no_events),
		cmocka_unit_test(test_noise),
	};

	int result = cmocka_run_group_tests(tests, NULL, NULL);

	free(exact);
	return result;
}
