/* SPDX-License-Identifier: MIT */
/* Making a ring: the layout, what is written where, the magic. */
#include "ring-fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void layout_has_no_overlap(void **state)
{
	struct tw_ring_layout l = {
		.control_size = 384,
		.lane_count = 3,
		.group_capacity = 5,
		.page_size = 1 << 16,
		.page_count = 7,
		.heap_size = 5000,
		.align = 4096,
	};

	assert_int_equal(tw_ring_layout(&l), 0);
	assert_int_equal(l.lanes_offset, 384);
	assert_int_equal(l.groups_offset, 384 + 3 * 64);
	assert_int_equal(l.heap_offset, 4096);
	assert_int_equal(l.pages_offset, 4096 + 8192);
	assert_int_equal(l.size, 4096 + 8192 + 7 * 65536);
}

static void least_ring_fits_into_1_kib(void **state)
{
	struct tw_ring_layout l = fixture_tiny;

	assert_int_equal(tw_ring_layout(&l), 0);
	assert_in_range(l.size, 1, 1024);
	assert_int_equal(l.lanes_offset % TW_RING_ALIGN, 0);
}

#define BUT(wish)                                                       \
#wish,                                                          \
	{                                                               \
		.control_size = 384, .lane_count = 1, .page_size = 256, \
		.page_count = 2, .align = 8, wish                       \
	}

/* What makes no ring, one wish at a time. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct {
	const char *what;
	struct tw_ring_layout layout;
} bad[] = {
	{BUT(.control_size = TW_RING_CONTROL_MIN - 1)},
	{BUT(.control_size = 0)},
	{BUT(.lane_count = 0)},
	{BUT(.lane_count = TW_RING_LANES_MAX + 1)},
	{BUT(.group_capacity = TW_RING_GROUPS_MAX + 1)},
	{BUT(.page_size = 0)},
	{BUT(.page_size = TW_PAGE_SIZE_MIN - 8)},
	{BUT(.page_size = TW_PAGE_SIZE_MIN + 4)},
	{BUT(.page_size = TW_PAGE_SIZE_MAX + 8)},
	{BUT(.page_count = 0)},
	{BUT(.page_count = 1)},
	{BUT(.align = 0)},
	{BUT(.align = 4)},
	{BUT(.align = 24)},
	{BUT(.align = (uint64_t)1 << 63)},
	{BUT(.heap_size = UINT64_MAX)},
	{BUT(.heap_size = UINT64_MAX - 4096)},
};
#pragma GCC diagnostic pop

static void impossible_wishes_make_no_ring(void **state)
{
	struct tw_ring_layout layout = bad[0].layout;
	size_t i;

	layout.control_size = 384;
	assert_int_equal(tw_ring_layout(&layout), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		layout = bad[i].layout;
		if (tw_ring_layout(&layout) != -1)
			fail_msg("%s", bad[i].what);
	}
}

/* The largest wishes still add up without a wrap. */
static void large_wishes_do_not_wrap(void **state)
{
	struct tw_ring_layout l = {
		.control_size = UINT32_MAX,
		.lane_count = TW_RING_LANES_MAX,
		.group_capacity = TW_RING_GROUPS_MAX,
		.page_size = TW_PAGE_SIZE_MAX,
		.page_count = UINT32_MAX,
		.heap_size = ((uint64_t)1 << 60) - 1,
		.align = (uint64_t)1 << 31,
	};

	assert_int_equal(tw_ring_layout(&l), 0);
	assert_true(l.lanes_offset >= l.control_size);
	assert_true(l.groups_offset > l.lanes_offset);
	assert_true(l.heap_offset > l.groups_offset);
	assert_true(l.pages_offset >= l.heap_offset + l.heap_size);
	assert_true(l.size > l.pages_offset);
	assert_true(l.size - l.pages_offset ==
		    (uint64_t)l.page_size * l.page_count);
}

/* Used memory: nothing of what lay there may be taken for a ring's. */
static void init_clears_what_lay_there(void **state)
{
	struct fixture f = {0};
	struct tw_ring_control *control;
	struct tw_ring ring;
	uint64_t i;

	f.layout = fixture_small;
	assert_int_equal(tw_ring_layout(&f.layout), 0);
	fixture_map(&f, f.layout.size);
	memset(f.memory, 0xa5, f.size);
	tw_ring_init(&ring, f.memory, &f.layout);
	control = ring.control;
	assert_int_equal(tw_ring_is_magic(control->magic), 0);
	assert_int_equal(control->byte_order, TW_RING_BYTE_ORDER);
	assert_int_equal(control->abi_major, TW_RING_ABI_MAJOR);
	assert_int_equal(control->abi_minor, TW_RING_ABI_MINOR);
	assert_int_equal(control->control_size, sizeof(*control));
	assert_int_equal(control->size, f.size);
	assert_int_equal(control->head, 0);
	assert_int_equal(control->waiters, 0);
	assert_int_equal(control->flags, 0);
	assert_int_equal(control->group_count, 0);
	assert_int_equal(control->lane_size, sizeof(struct tw_ring_lane));
	assert_int_equal(control->group_size, sizeof(struct tw_ring_group));
	for (i = f.layout.lanes_offset; i < f.layout.heap_offset; i++)
		assert_int_equal(f.memory[i], 0);
	for (i = 0; i < f.layout.page_count; i++)
		assert_int_equal(tw_ring_trailer(&ring, (uint32_t)i)->state,
				 TW_PAGE_FREE);
	/* Heap and pages are the caller's. */
	assert_int_equal(f.memory[f.layout.heap_offset], 0xa5);
	assert_int_equal(f.memory[f.layout.pages_offset], 0xa5);
	fixture_unmap(&f);
}

/* A guest's control block ends before the hosted part. */
static void init_writes_no_more_than_the_layout_has(void **state)
{
	struct fixture f = {0};
	struct tw_ring ring;

	f.layout = fixture_tiny;
	assert_int_equal(tw_ring_layout(&f.layout), 0);
	fixture_map(&f, f.layout.size);
	tw_ring_init(&ring, f.memory, &f.layout);
	assert_int_equal(ring.control->control_size, TW_RING_CONTROL_MIN);
	assert_ptr_equal(ring.lanes, f.memory + 256);
	assert_ptr_equal(tw_ring_trailer(&ring, 1),
			 f.memory + f.layout.size - TW_PAGE_TRAILER);
	fixture_unmap(&f);
}

static void handle_finds_the_ring_elsewhere(void **state)
{
	struct fixture f, copy = {0};
	struct tw_ring ring;

	fixture_create(&f, &fixture_small, TW_RING_DISCARD);
	fixture_map(&copy, f.size);
	memcpy(copy.memory, f.memory, f.size);
	tw_ring_handle(&ring, copy.memory);
	assert_ptr_equal(ring.base, copy.memory);
	assert_ptr_equal(ring.control, copy.memory);
	assert_ptr_equal(ring.lanes, copy.memory + f.layout.lanes_offset);
	assert_ptr_equal(ring.groups, copy.memory + f.layout.groups_offset);
	assert_ptr_equal(ring.pages, copy.memory + f.layout.pages_offset);
	assert_int_equal(ring.page_size, 512);
	assert_int_equal(ring.page_count, 4);
	assert_int_equal(ring.lane_count, 4);
	assert_int_equal(ring.mode, TW_RING_DISCARD);
	assert_null(ring.prepare_page);
	assert_ptr_equal(tw_ring_page_end(&ring, (void *)ring.pages),
			 ring.pages + 512 - TW_PAGE_TRAILER);
	fixture_unmap(&copy);
	fixture_destroy(&f);
}

static void published_rings_are_found(void **state)
{
	static const uint8_t magic[] = {0x89, 'T', 'R', 'K',
					'W',  'A', 'Y', '\n'};
	struct tw_ring_reader reader;
	struct tw_memory memory;
	struct fixture f;

	fixture_create(&f, &fixture_small, TW_RING_OVERWRITE);
	fixture_memory(&f, FIXTURE_MAPPED, &memory);
	assert_memory_equal(f.memory, magic, sizeof(magic));
	assert_int_equal(tw_ring_is_magic(f.memory), 1);
	assert_int_equal(tw_ring_open(&reader, &memory), 0);
	tw_ring_unpublish(&f.ring);
	assert_int_equal(tw_ring_is_magic(f.memory), 0);
	assert_int_equal(tw_ring_open(&reader, &memory), -EBADMSG);
	assert_non_null(strstr(reader.why, "magic"));
	tw_ring_publish(&f.ring);
	assert_int_equal(tw_ring_open(&reader, &memory), 0);
	fixture_destroy(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_has_no_overlap),
		cmocka_unit_test(least_ring_fits_into_1_kib),
		cmocka_unit_test(impossible_wishes_make_no_ring),
		cmocka_unit_test(large_wishes_do_not_wrap),
		cmocka_unit_test(init_clears_what_lay_there),
		cmocka_unit_test(init_writes_no_more_than_the_layout_has),
		cmocka_unit_test(handle_finds_the_ring_elsewhere),
		cmocka_unit_test(published_rings_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
