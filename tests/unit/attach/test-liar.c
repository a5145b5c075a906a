/* SPDX-License-Identifier: MIT */
/*
 * Guests that lie: whatever their memory holds, the host neither crashes nor
 * hangs nor reaches outside of it, says in one line what is wrong, and goes on
 * with the other rings. In each way in which such memory can be had; to be run
 * under AddressSanitizer, too.
 */
#include "../../../src/attach/ram.h"
#include "guest.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY_SIZE (256u << 10)
#define LIAR_AT 0x8000
#define HONEST_AT 0x20000
#define MUTATIONS 400
#define SEED 20240229

static struct test_dir dir;

static int setup(void **state)
{
	return test_dir_create(&dir);
}

static int teardown(void **state)
{
	return test_dir_remove(&dir);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A liar that is honest so far, and an honest ring behind it. */
static void put_rings(struct guest *guest, struct made_ring *liar)
{
	struct made_ring ring;

	made_ring_init(&ring, true, "honest", 0, 0);
	memset(ring.bytes + offsetof(struct tw_ring_control, uuid), 0x77, 16);
	memset(ring.bytes + ring.states_offset + 8, 0x77, 16);
	guest_put(guest, HONEST_AT, &ring);
	made_ring_free(&ring);
	made_ring_init(liar, false, "liar", 0, 0);
	/* One page to be read, with an event in it. */
	made_ring_put32(liar, liar->pages_offset, TW_PAGE_MAGIC);
	memset(liar->bytes + liar->pages_offset + 4, 0x5a, 16);
	made_ring_put64(liar, liar->pages_offset + 24, 1);
	made_ring_put64(liar, liar->pages_offset + 32, 2);
	made_ring_put32(liar, liar->pages_offset + 40,
			(TW_PAGE_HEADER + 8) * 8);
	made_ring_put32(liar, liar->pages_offset + 44, 1);
	made_ring_put32(liar, liar->pages_offset + 512 - TW_PAGE_TRAILER,
			1u << TW_PAGE_TICKET_SHIFT | TW_PAGE_FULL);
	guest_put(guest, LIAR_AT, liar);
}

/* ---- All that a reader does to a ring ---- */

static void use_pages(struct tw_attach *attach)
{
	struct tw_ring_reader *ring = &attach->ring;
	struct tw_page_view view;
	void *page = malloc(ring->control.page_size);

	assert_non_null(page);
	for (uint32_t i = 0; i < ring->control.page_count && i < 64; i++) {
		if (tw_ring_page_copy(ring, i, page, &view))
			continue;
		assert_true(view.size <= ring->control.page_size);
		tw_ring_page_release(ring, &view);
	}
	free(page);
}

static void use_events(struct tw_attach *attach, bool writable)
{
	for (uint32_t id = 0; id < attach->lookup_count && id < 64; id++) {
		int state = tw_attach_event_state(attach, id);

		if (writable && state >= 0)
			tw_attach_set_event_state(attach, id, !state);
		if (attach->lookup[id])
			assert_non_null(attach->lookup[id]->name);
	}
}

static void use_ring(struct tw_ram *ram, size_t i, bool writable)
{
	struct tw_attach_error error = {""};
	struct tw_ring_sync first, last;
	struct tw_ring_lane lane;
	struct tw_attach *attach;
	uint64_t discarded;

	if (tw_ram_attach(ram, i, writable, &attach, &error)) {
		assert_true(strlen(error.text) > 0);
		assert_null(strchr(error.text, '\n'));
		return;
	}
	use_events(attach, writable);
	use_pages(attach);
	for (uint32_t j = 0; j < attach->ring.control.lane_count && j < 16; j++)
		tw_ring_read_lane(&attach->ring, j, &lane);
	tw_ring_syncs(&attach->ring, &first, &last);
	tw_ring_discarded(&attach->ring, &discarded);
	tw_attach_refresh(attach, &error);
	tw_attach_is_alive(attach);
	tw_attach_close(attach);
}

/* Search and use all; the honest ring is there and can be used. */
static void use_all(struct tw_ram *ram, bool writable)
{
	struct tw_attach_error error = {""};
	bool is_honest = false;

	if (tw_ram_scan(ram, &error) < 0)
		fail_msg("%s", error.text);
	for (size_t i = 0; i < tw_ram_ring_count(ram); i++) {
		const struct tw_ram_ring *ring = tw_ram_ring(ram, i);

		is_honest |= tw_ram_ring_is_usable(ring) &&
			     !strcmp(ring->name, "honest");
		use_ring(ram, i, writable);
	}
	assert_true(is_honest);
}

static struct tw_ram *open_guest(const struct guest *guest, bool *writable)
{
	struct tw_attach_error error = {""};
	struct tw_ram *ram;

	*writable = guest->kind != GUEST_IMAGE;
	if (tw_ram_open(guest->spec, *writable, &ram, &error))
		fail_msg("%s", error.text);
	return ram;
}

static void each_kind(void (*test)(struct guest *guest,
				   const struct made_ring *liar,
				   struct tw_ram *ram, bool writable))
{
	for (int kind = 0; kind < GUEST_KINDS; kind++) {
		struct made_ring liar;
		struct guest guest;
		struct tw_ram *ram;
		bool writable;

		guest_start(&guest, kind, &dir, MEMORY_SIZE);
		put_rings(&guest, &liar);
		ram = open_guest(&guest, &writable);
		use_all(ram, writable);
		assert_int_equal(tw_ram_ring_count(ram), 2);
		test(&guest, &liar, ram, writable);
		tw_ram_close(ram);
		made_ring_free(&liar);
		guest_stop(&guest);
	}
}

/* ---- Lies ---- */

static const uint64_t extremes[] = {
	0,
	1,
	7,
	8,
	255,
	0x7fffffff,
	0x80000000,
	0xfffffff8,
	0xffffffff,
	MEMORY_SIZE - LIAR_AT - 1,
	MEMORY_SIZE - LIAR_AT,
	MEMORY_SIZE - LIAR_AT + 8,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xfffffffffffffff8,
	0xffffffffffffffff,
	/* The honest ring's, as far as an offset can tell. */
	HONEST_AT - LIAR_AT,
};

#define EXTREMES (sizeof(extremes) / sizeof(extremes[0]))

/* A word of size bytes at an offset of the ring takes every extreme. */
static void try_extremes(struct guest *guest, const struct made_ring *liar,
			 struct tw_ram *ram, bool writable, size_t at,
			 size_t size)
{
	for (size_t i = 0; i < EXTREMES; i++) {
		guest_put(guest, LIAR_AT, liar);
		memcpy(guest->bytes + LIAR_AT + at, &extremes[i], size);
		use_all(ram, writable);
	}
}

static void lie_in_header(struct guest *guest, const struct made_ring *liar,
			  struct tw_ram *ram, bool writable)
{
	for (size_t at = 0; at < 208; at += 4)
		try_extremes(guest, liar, ram, writable, at, 4);
	for (size_t at = 0; at < 208; at += 8)
		try_extremes(guest, liar, ram, writable, at, 8);
}

static void test_header(void **state)
{
	each_kind(lie_in_header);
}

static void lie_in_tables(struct guest *guest, const struct made_ring *liar,
			  struct tw_ram *ram, bool writable)
{
	for (size_t at = 0; at < 40; at += 8)
		try_extremes(guest, liar, ram, writable,
			     liar->groups_offset + at, 8);
	for (size_t at = 0; at < 32; at += 4)
		try_extremes(guest, liar, ram, writable,
			     liar->states_offset + at, 4);
	for (size_t at = 0; at < 96; at += 4)
		try_extremes(guest, liar, ram, writable,
			     liar->schema_offset + at, 4);
	for (size_t at = 0; at < TW_PAGE_HEADER; at += 4)
		try_extremes(guest, liar, ram, writable,
			     liar->pages_offset + at, 4);
}

static void test_tables(void **state)
{
	each_kind(lie_in_tables);
}

static void lie_at_random(struct guest *guest, const struct made_ring *liar,
			  struct tw_ram *ram, bool writable)
{
	uint64_t random = SEED;

	for (int i = 0; i < MUTATIONS; i++) {
		guest_put(guest, LIAR_AT, liar);
		for (unsigned int n =
			     1 + (unsigned int)next_random(&random) % 4;
		     n; n--) {
			uint64_t at = next_random(&random) % liar->pages_offset;
			uint64_t what = next_random(&random);

			/* Anything, or nearly what was there. */
			if (what & 1)
				guest->bytes[LIAR_AT + at] ^=
					(uint8_t)(1u << (what >> 8) % 8);
			else
				memcpy(guest->bytes + LIAR_AT + at / 4 * 4,
				       &what, 4);
		}
		use_all(ram, writable);
	}
}

static void test_random(void **state)
{
	each_kind(lie_at_random);
}

/* Groups that lie over each other, and over the control block. */
static void overlap(struct guest *guest, const struct made_ring *liar,
		    struct tw_ram *ram, bool writable)
{
	uint8_t *ring = guest->bytes + LIAR_AT;
	uint32_t count = 4;
	uint64_t zero = 0;

	for (size_t i = 1; i < count; i++)
		memcpy(ring + liar->groups_offset + 64 * i,
		       ring + liar->groups_offset, 64);
	memcpy(ring + offsetof(struct tw_ring_control, group_count), &count, 4);
	memcpy(ring + liar->groups_offset + 64 * 2 + 16, &zero, 8);
	memcpy(ring + liar->groups_offset + 64 * 3 + 24, &zero, 8);
	use_all(ram, writable);
}

static void test_overlap(void **state)
{
	each_kind(overlap);
}

/* A string without an end, up to the end of the memory and of the blob. */
static void endless(struct guest *guest, const struct made_ring *liar,
		    struct tw_ram *ram, bool writable)
{
	uint8_t *ring = guest->bytes + LIAR_AT;
	uint64_t size = MEMORY_SIZE - LIAR_AT;

	memset(ring + liar->schema_offset + 180, 'a', liar->schema_size - 180);
	use_all(ram, writable);
	memset(ring + offsetof(struct tw_ring_control, name), 'n', 32);
	memcpy(ring + offsetof(struct tw_ring_control, size), &size, 8);
	size -= liar->schema_offset;
	memcpy(ring + liar->groups_offset + 32, &size, 8);
	use_all(ram, writable);
}

static void test_endless(void **state)
{
	each_kind(endless);
}

/* ---- Changing while it is read ---- */

struct changer {
	uint8_t *ring;
	const struct made_ring *liar;
	bool stop;
};

static void *change(void *context)
{
	struct changer *changer = context;
	uint64_t random = SEED;

	while (!__atomic_load_n(&changer->stop, __ATOMIC_RELAXED)) {
		uint64_t at = next_random(&random) % changer->liar->size &
			      ~7ull;
		uint64_t what = next_random(&random);

		__atomic_store_n((uint64_t *)(void *)(changer->ring + at), what,
				 __ATOMIC_RELAXED);
		/* The lie is taken back, so that the next check passes. */
		memcpy(&what, changer->liar->bytes + at, sizeof(what));
		__atomic_store_n((uint64_t *)(void *)(changer->ring + at), what,
				 __ATOMIC_RELAXED);
	}
	return NULL;
}

static void change_meanwhile(struct guest *guest, const struct made_ring *liar,
			     struct tw_ram *ram, bool writable)
{
	struct changer changer = {guest->bytes + LIAR_AT, liar, false};
	pthread_t thread;

	guest_put(guest, LIAR_AT, liar);
	assert_false(pthread_create(&thread, NULL, change, &changer));
	for (int i = 0; i < MUTATIONS; i++)
		use_all(ram, writable);
	__atomic_store_n(&changer.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

static void test_changing(void **state)
{
	each_kind(change_meanwhile);
}

/* ---- Many ---- */

#define FAKES 1000000u

static void put_fakes(struct guest *guest, const void *bytes, size_t size)
{
	for (size_t i = 0; i < FAKES; i++)
		memcpy(guest->bytes + i * TW_RING_ALIGN, bytes, size);
}

static void many(enum guest_kind kind, size_t of_control)
{
	struct made_ring liar;
	struct guest guest;
	struct tw_ram *ram;
	bool writable;
	struct made_ring ring;

	guest_start(&guest, kind, &dir,
		    (size_t)FAKES * TW_RING_ALIGN + MEMORY_SIZE);
	made_ring_init(&liar, false, "liar", 0, 0);
	put_fakes(&guest, liar.bytes, of_control);
	made_ring_init(&ring, true, "honest", 0, 0);
	guest_put(&guest, (size_t)FAKES * TW_RING_ALIGN + HONEST_AT, &ring);
	ram = open_guest(&guest, &writable);
	use_all(ram, writable);
	assert_true(tw_ram_ring_count(ram) <= TW_RAM_REFUSED_MAX + 1);
	assert_non_null(tw_ram_notice(ram));
	use_all(ram, writable);
	tw_ram_close(ram);
	made_ring_free(&ring);
	made_ring_free(&liar);
	guest_stop(&guest);
}

static void test_million(void **state)
{
	for (int kind = 0; kind < GUEST_KINDS; kind++)
		many(kind, TW_RING_MAGIC_SIZE);
}

/* With as much of a control block as goes between two of them. */
static void test_likely_million(void **state)
{
	for (int kind = 0; kind < GUEST_KINDS; kind++)
		many(kind, TW_RING_ALIGN);
}

/* More good rings than are remembered: those that are found can be used. */
static void test_full(void **state)
{
	const size_t step = 8192;
	struct made_ring ring;
	struct guest guest;
	struct tw_ram *ram;
	bool writable;

	guest_start(&guest, GUEST_VM, &dir, step * (TW_RAM_RINGS_MAX + 10));
	made_ring_init(&ring, false, "honest", 0, 0);
	for (size_t i = 0; i < TW_RAM_RINGS_MAX + 10; i++) {
		memcpy(ring.bytes + offsetof(struct tw_ring_control, uuid), &i,
		       sizeof(i));
		memcpy(ring.bytes + ring.states_offset + 8, &i, sizeof(i));
		guest_put(&guest, i * step, &ring);
	}
	ram = open_guest(&guest, &writable);
	use_all(ram, writable);
	assert_int_equal(tw_ram_ring_count(ram), TW_RAM_RINGS_MAX);
	assert_non_null(strstr(tw_ram_notice(ram), "more than"));
	tw_ram_close(ram);
	made_ring_free(&ring);
	guest_stop(&guest);
}

/* ---- Rings upon rings ---- */

#define GIANTS_SIZE (64u << 20)
#define GIANTS_AT (1u << 20) /* the honest ring is before them */

/* A ring of its own uuid, at the end of the memory or right before it. */
static void put_giant(struct guest *guest, struct made_ring *ring, size_t i,
		      size_t at)
{
	memcpy(ring->bytes + offsetof(struct tw_ring_control, uuid), &i,
	       sizeof(i));
	memcpy(ring->bytes + ring->states_offset + 8, &i, sizeof(i));
	guest_put(guest, at, ring);
}

static size_t count_usable(const struct tw_ram *ram, uint64_t *size)
{
	size_t count = 0;

	*size = 0;
	for (size_t i = 0; i < tw_ram_ring_count(ram); i++) {
		if (!tw_ram_ring_is_usable(tw_ram_ring(ram, i)))
			continue;
		*size += tw_ram_ring(ram, i)->size;
		count++;
	}
	return count;
}

/* As many as are remembered, and more, each of them nearly the whole memory;
 * in the end an honest one, where the list is full of them. */
static void giants(enum guest_kind kind)
{
	const size_t step = 16384;
	struct made_ring giant, honest;
	struct guest guest;
	struct tw_ram *ram;
	bool writable;
	uint64_t size;

	guest_start(&guest, kind, &dir, GIANTS_SIZE);
	made_ring_init(&giant, false, "giant", 0, 0);
	MADE_RING_SET(&giant, page_size, 256);
	for (size_t i = 0; i < TW_RAM_RINGS_MAX + 10; i++) {
		const size_t room = GIANTS_SIZE - GIANTS_AT - i * step;

		MADE_RING_SET(&giant, size, room);
		MADE_RING_SET(&giant, page_count,
			      (room - giant.pages_offset) / 256);
		put_giant(&guest, &giant, i + 1, GIANTS_AT + i * step);
	}
	made_ring_init(&honest, true, "honest", 0, 0);
	guest_put(&guest, GIANTS_SIZE - (256u << 10), &honest);
	ram = open_guest(&guest, &writable);
	for (int look = 0; look < 3; look++) {
		use_all(ram, writable);
		assert_int_equal(count_usable(ram, &size), 2);
		assert_true(size <= GIANTS_SIZE);
		assert_non_null(strstr(tw_ram_notice(ram), "left out"));
	}
	/* What goes makes room. */
	for (size_t i = 0; i < tw_ram_ring_count(ram); i++)
		if (tw_ram_ring_is_usable(tw_ram_ring(ram, i)) &&
		    !strcmp(tw_ram_ring(ram, i)->name, "giant"))
			memset(guest.bytes + (tw_ram_ring(ram, i)->place -
					      guest.start),
			       0, 64);
	use_all(ram, writable);
	assert_int_equal(count_usable(ram, &size), 2);
	tw_ram_close(ram);
	made_ring_free(&honest);
	made_ring_free(&giant);
	guest_stop(&guest);
}

static void test_giants(void **state)
{
	for (int kind = 0; kind < GUEST_KINDS; kind++)
		giants(kind);
}

/* Rings that lie side by side, and have lanes without end. */
static void test_many_lanes(void **state)
{
	const uint32_t lanes = 200000;
	const size_t step = 15u << 20;
	struct made_ring ring;
	struct guest guest;
	struct tw_ram *ram;
	bool writable;
	uint64_t size;

	guest_start(&guest, GUEST_RAM, &dir, GIANTS_SIZE);
	made_ring_init(&ring, true, "honest", 0, 0);
	guest_put(&guest, GIANTS_SIZE - (1u << 20), &ring);
	made_ring_free(&ring);
	made_ring_init(&ring, false, "giant", 0, 0);
	MADE_RING_SET(&ring, lanes_offset, 65536);
	MADE_RING_SET(&ring, lane_count, lanes);
	MADE_RING_SET(&ring, size, step - 65536);
	for (size_t i = 0; i < 4; i++)
		put_giant(&guest, &ring, i + 1, i * step);
	ram = open_guest(&guest, &writable);
	use_all(ram, writable);
	assert_int_equal(count_usable(ram, &size), 2);
	assert_non_null(strstr(tw_ram_notice(ram), "left out"));
	tw_ram_close(ram);
	made_ring_free(&ring);
	guest_stop(&guest);
}

/* Schemas that are read as much larger than they are, ring by ring. */
static void test_large_schemas(void **state)
{
	const size_t step = 40u << 20, schema_size = 33u << 20;
	struct tw_attach *attach[12];
	struct made_ring ring;
	struct guest guest;
	struct tw_ram *ram;
	bool writable;

	guest_start(&guest, GUEST_RAM, &dir, 13 * step);
	made_ring_init(&ring, true, "honest", 0, 0);
	guest_put(&guest, 12 * step, &ring);
	made_ring_free(&ring);
	made_ring_init(&ring, false, "giant", 0, 0);
	MADE_RING_SET(&ring, size, step);
	made_ring_put64(&ring, ring.groups_offset + 32, schema_size);
	for (size_t i = 0; i < 12; i++)
		put_giant(&guest, &ring, i + 1, i * step);
	ram = open_guest(&guest, &writable);
	use_all(ram, writable);
	for (size_t i = 0; i < 12; i++) {
		struct tw_attach_error error = {""};

		assert_int_equal(
			tw_ram_attach(ram, i, false, &attach[i], &error), 0);
		assert_int_equal(attach[i]->schemas[0] != NULL, i < 7);
	}
	use_all(ram, writable);
	/* What is closed makes room. */
	for (size_t i = 0; i < 12; i++)
		tw_attach_close(attach[i]);
	use_all(ram, writable);
	assert_int_equal(tw_ram_attach(ram, 11, false, &attach[11], NULL), 0);
	assert_non_null(attach[11]->schemas[0]);
	tw_attach_close(attach[11]);
	tw_ram_close(ram);
	made_ring_free(&ring);
	guest_stop(&guest);
}

/* A few looks at a memory in which many candidates have come: none of them
 * takes long, and they get to what is behind. */
static void test_later_million(void **state)
{
	struct tw_attach_error error = {""};
	struct made_ring ring;
	struct guest guest;
	struct tw_ram *ram;
	bool writable;
	uint64_t size;
	int looks = 0;

	guest_start(&guest, GUEST_RAM, &dir,
		    (size_t)FAKES * TW_RING_ALIGN + MEMORY_SIZE);
	ram = open_guest(&guest, &writable);
	assert_int_equal(tw_ram_scan(ram, &error), 0);
	made_ring_init(&ring, false, "liar", 0, 0);
	put_fakes(&guest, ring.bytes, TW_RING_ALIGN);
	guest_put(&guest, (size_t)FAKES * TW_RING_ALIGN + HONEST_AT, &ring);
	do {
		assert_true(tw_ram_scan(ram, &error) >= 0);
		looks++;
	} while (!count_usable(ram, &size) && looks < 100);
	assert_int_equal(count_usable(ram, &size), 1);
	assert_true(looks > 2);
	tw_ram_close(ram);
	made_ring_free(&ring);
	guest_stop(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_changing),
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_likely_million),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_giants),
		cmocka_unit_test(test_many_lanes),
		cmocka_unit_test(test_large_schemas),
		cmocka_unit_test(test_later_million),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
