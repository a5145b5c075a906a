/* SPDX-License-Identifier: MIT */
/*
 * Guests that make one ring after another: what is kept of them has an end, and
 * what can't be used is no reason to leave the rest.
 */
#include "../../../src/cli/guests.h"
#include "../../unit/attach/guest.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MEMORY_SIZE (256u << 10)
#define GIVEN_MAX 4096u
#define SECOND_AT 0x20000

static struct test_dir dir;

static int setup(void **state)
{
	return test_dir_create(&dir);
}

static int teardown(void **state)
{
	return test_dir_remove(&dir);
}

static bool never(void)
{
	return false;
}

struct given {
	uint32_t count;
	uint32_t resets;
	uint32_t epoch; /* of the last */
	char name[TW_RING_NAME_SIZE + 1];
};

static int take(void *context, const struct tw_guest_ring *ring)
{
	struct given *given = context;

	given->count++;
	given->resets += ring->is_reset;
	given->epoch = ring->epoch;
	snprintf(given->name, sizeof(given->name), "%s",
		 ring->attach->target.name);
	tw_attach_close(ring->attach);
	return TW_EXIT_OK;
}

/* The ring that a boot makes: with a uuid of its own, and with the schema's
 * size 0 for one that has none. */
static void boot(struct guest *guest, struct made_ring *ring, uint32_t number,
		 size_t at, bool has_schema)
{
	memcpy(ring->bytes + offsetof(struct tw_ring_control, uuid), &number,
	       sizeof(number));
	memcpy(ring->bytes + ring->states_offset + 8, &number, sizeof(number));
	made_ring_put64(ring, ring->groups_offset + 32,
			has_schema ? ring->schema_size : 0);
	guest_put(guest, at, ring);
}

static struct tw_guests *watch(const struct guest *guest)
{
	struct tw_guests *guests = tw_guests_create(NULL, never);

	assert_non_null(guests);
	assert_int_equal(tw_guests_add(guests, guest->spec), TW_EXIT_OK);
	return guests;
}

static int look(struct tw_guests *guests, struct given *given)
{
	tw_guests_hurry(guests);
	return tw_guests_look(guests, take, given);
}

/* Boots of one name, each in the place of the one before. */
static void test_endless_resets(void **state)
{
	struct given given = {0};
	struct tw_guests *guests;
	struct made_ring ring;
	struct guest guest;

	guest_start(&guest, GUEST_RAM, &dir, MEMORY_SIZE);
	made_ring_init(&ring, false, "again", 0, 0);
	guests = watch(&guest);
	for (uint32_t i = 1; i <= GIVEN_MAX + 100; i++) {
		boot(&guest, &ring, i, 0, true);
		assert_int_equal(look(guests, &given), TW_EXIT_OK);
		if (i > GIVEN_MAX)
			continue;
		assert_int_equal(given.count, i);
		assert_int_equal(given.resets, i - 1);
		assert_int_equal(given.epoch, i);
	}
	assert_int_equal(given.count, GIVEN_MAX);
	assert_int_equal(tw_guests_count(guests), GIVEN_MAX);
	tw_guests_destroy(guests);
	made_ring_free(&ring);
	guest_stop(&guest);
}

/* Boots of which none can be used, each by another name; an honest ring beside
 * them is found, and its resets are followed. */
static void test_endless_names(void **state)
{
	struct made_ring ring, honest;
	struct given given = {0};
	struct tw_guests *guests;
	struct guest guest;
	char name[32] = "";
	size_t used = 0;

	guest_start(&guest, GUEST_RAM, &dir, MEMORY_SIZE);
	made_ring_init(&ring, false, "", 0, 0);
	made_ring_init(&honest, true, "honest", 0, 0);
	boot(&guest, &honest, 1000000, SECOND_AT, true);
	guests = watch(&guest);
	for (uint32_t i = 1; i <= 3 * GIVEN_MAX; i++) {
		snprintf(name, sizeof(name), "forged%u", i);
		memcpy(ring.bytes + offsetof(struct tw_ring_control, name),
		       name, sizeof(name));
		boot(&guest, &ring, i, 0, false);
		assert_int_equal(look(guests, &given), TW_EXIT_OK);
		assert_int_equal(given.count, 1);
		if (i == GIVEN_MAX)
			used = mallinfo2().uordblks;
	}
	/* Had it been remembered, there would be some hundred bytes of each. */
	assert_true(mallinfo2().uordblks <= used + GIVEN_MAX * 8);
	boot(&guest, &honest, 1000001, SECOND_AT, true);
	assert_int_equal(look(guests, &given), TW_EXIT_OK);
	assert_int_equal(given.count, 2);
	assert_int_equal(given.resets, 1);
	assert_string_equal(given.name, "honest");
	tw_guests_destroy(guests);
	made_ring_free(&honest);
	made_ring_free(&ring);
	guest_stop(&guest);
}

/* Good rings by ever new names, all of which go: none stands for another, and
 * in the end none is missed. */
static void test_endless_strangers(void **state)
{
	struct given given = {0};
	struct tw_guests *guests;
	struct made_ring ring;
	struct guest guest;
	char name[32] = "";

	guest_start(&guest, GUEST_RAM, &dir, MEMORY_SIZE);
	made_ring_init(&ring, false, "", 0, 0);
	guests = watch(&guest);
	for (uint32_t i = 1; i <= 2000; i++) {
		snprintf(name, sizeof(name), "stranger%u", i);
		memcpy(ring.bytes + offsetof(struct tw_ring_control, name),
		       name, sizeof(name));
		boot(&guest, &ring, i, 0, true);
		assert_int_equal(look(guests, &given), TW_EXIT_OK);
		assert_int_equal(given.count, i);
		assert_string_equal(given.name, name);
	}
	assert_int_equal(given.resets, 0);
	tw_guests_destroy(guests);
	made_ring_free(&ring);
	guest_stop(&guest);
}

/* A ring without a schema fails a first look if it is all there is. */
static void test_no_schema(void **state)
{
	struct made_ring ring, honest;
	struct given given = {0};
	struct tw_guests *guests;
	struct guest guest;

	guest_start(&guest, GUEST_RAM, &dir, MEMORY_SIZE);
	made_ring_init(&ring, false, "forged", 0, 0);
	made_ring_init(&honest, true, "honest", 0, 0);
	boot(&guest, &ring, 1, 0, false);
	guests = watch(&guest);
	assert_int_equal(look(guests, &given), TW_EXIT_FAILED);
	assert_int_equal(given.count, 0);
	tw_guests_destroy(guests);
	/* Before and behind one that has one. */
	boot(&guest, &honest, 2, SECOND_AT, true);
	boot(&guest, &ring, 3, SECOND_AT + 0x10000, false);
	guests = watch(&guest);
	assert_int_equal(look(guests, &given), TW_EXIT_OK);
	assert_int_equal(given.count, 1);
	assert_string_equal(given.name, "honest");
	/* And later. */
	boot(&guest, &ring, 4, 0, false);
	assert_int_equal(look(guests, &given), TW_EXIT_OK);
	assert_int_equal(given.count, 1);
	tw_guests_destroy(guests);
	made_ring_free(&honest);
	made_ring_free(&ring);
	guest_stop(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endless_resets),
		cmocka_unit_test(test_endless_names),
		cmocka_unit_test(test_endless_strangers),
		cmocka_unit_test(test_no_schema),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
