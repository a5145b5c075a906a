/* SPDX-License-Identifier: MIT */
/*
 * Asking a guest for its counter, against a thread that plays the guest. Its
 * counter is CLOCK_MONOTONIC, which it shares with the host: so an answer is
 * true if it lies between the two times that come with it.
 */
#include "../../../src/attach/ram.h"
#include "../../../src/attach/sync.h"
#include "guest.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MEMORY_SIZE (1u << 20)
#define RING_AT 0x10040
#define LONG_NS 30000000000u /* as long as a slow machine may take */
#define SHORT_NS 20000000u
#define COUNTER_MASK (((uint64_t)1 << TW_ATTACH_COUNTER_BITS) - 1)

static struct test_dir dir;

static int setup(void **state)
{
	return test_dir_create(&dir);
}

static int teardown(void **state)
{
	return test_dir_remove(&dir);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- A guest ---- */

struct player {
	struct guest guest;
	struct tw_attach *attach;
	struct tw_ring_control *control;
	bool swap;
	pthread_t thread;
	int end;
	uint64_t answers;
	bool is_playing;
};

static uint64_t order(const struct player *player, uint64_t value)
{
	return player->swap ? __builtin_bswap64(value) : value;
}

static uint64_t load(const struct player *player, const uint64_t *word)
{
	return order(player, __atomic_load_n(word, __ATOMIC_ACQUIRE));
}

static void store(const struct player *player, uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, order(player, value), __ATOMIC_RELEASE);
}

static bool is_over(const struct player *player)
{
	return __atomic_load_n(&player->end, __ATOMIC_RELAXED);
}

static void open_player(struct player *player, enum guest_kind kind,
			bool big_endian, uint32_t flags)
{
	struct tw_attach_error error = {""};
	struct made_ring ring;

	*player = (struct player){.swap = big_endian};
	guest_start(&player->guest, kind, &dir, MEMORY_SIZE);
	made_ring_init(&ring, big_endian, "guest", 0, 0);
	MADE_RING_SET(&ring, generation, 1);
	MADE_RING_SET(&ring, flags, flags);
	guest_put(&player->guest, RING_AT, &ring);
	made_ring_free(&ring);
	player->control = (void *)(player->guest.bytes + RING_AT);
	if (tw_attach_open(player->guest.spec, false, &player->attach, &error))
		fail_msg("%s", error.text);
}

static void play(struct player *player, void *(*run)(void *player))
{
	assert_int_equal(pthread_create(&player->thread, NULL, run, player), 0);
	player->is_playing = true;
}

static void close_player(struct player *player)
{
	__atomic_store_n(&player->end, 1, __ATOMIC_RELAXED);
	if (player->is_playing)
		pthread_join(player->thread, NULL);
	tw_attach_close(player->attach);
	guest_stop(&player->guest);
}

/* As tw_guest_sync() in an idle loop. */
static void *run_honest(void *context)
{
	struct player *player = context;
	uint16_t answered = 0;

	while (!is_over(player)) {
		uint64_t beacon = load(player, &player->control->beacon);

		if ((uint16_t)beacon == answered)
			continue;
		answered = (uint16_t)beacon;
		store(player, &player->control->reply,
		      now_ns() << 16 | answered);
		player->answers++;
	}
	return NULL;
}

/* The same with words of 32 bits. */
static void *run_halved(void *context)
{
	struct player *player = context;
	uint32_t *half = (uint32_t *)(void *)&player->control->reply;
	const bool is_low_first = !player->swap;
	uint16_t answered = 0;

	while (!is_over(player)) {
		uint64_t beacon = load(player, &player->control->beacon);
		uint64_t reply;

		if ((uint16_t)beacon == answered)
			continue;
		answered = (uint16_t)beacon;
		reply = order(player, now_ns() << 16 | answered);
		__atomic_store_n(&half[is_low_first],
				 (uint32_t)(is_low_first ? reply >> 32 : reply),
				 __ATOMIC_RELEASE);
		__atomic_store_n(&half[!is_low_first],
				 (uint32_t)(is_low_first ? reply : reply >> 32),
				 __ATOMIC_RELEASE);
		player->answers++;
	}
	return NULL;
}

/* Says something else all the time, with the nonce or without. */
static void *run_forger(void *context)
{
	struct player *player = context;
	uint64_t x = 88172645463325252u;

	while (!is_over(player)) {
		uint64_t beacon = load(player, &player->control->beacon);

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (x >> 63)
			store(player, &player->control->reply, x);
		else
			store(player, &player->control->reply,
			      (x & ~(uint64_t)0xffff) | (beacon & 0xffff));
	}
	return NULL;
}

/* Answers, and lets it seem that another host had written a beacon of the same
 * nonce. */
static void *run_usurped(void *context)
{
	struct player *player = context;
	uint64_t seen = 0;

	while (!is_over(player)) {
		uint64_t beacon = load(player, &player->control->beacon);

		if (beacon == seen)
			continue;
		seen = beacon ^ 0x10000;
		store(player, &player->control->beacon, seen);
		store(player, &player->control->reply,
		      now_ns() << 16 | (beacon & 0xffff));
	}
	return NULL;
}

static void check_turn(const struct tw_attach_exchange *exchange)
{
	assert_true(exchange->t1 <= exchange->t2);
	assert_true(exchange->t2 <= now_ns());
	assert_true(exchange->counter >= (exchange->t1 & COUNTER_MASK));
	assert_true(exchange->counter <= (exchange->t2 & COUNTER_MASK));
}

static void exchange_many(enum guest_kind kind, bool big_endian, uint32_t flags,
			  void *(*run)(void *player))
{
	struct tw_attach_exchange exchange;
	struct player player;

	open_player(&player, kind, big_endian, flags);
	play(&player, run);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(tw_attach_exchange(player.attach, LONG_NS,
						    NULL, &exchange),
				 0);
		check_turn(&exchange);
		assert_true(tw_attach_wrote(player.attach, exchange.t1));
	}
	close_player(&player);
	assert_true(player.answers >= 300);
}

static void test_exchanges(void **state)
{
	for (int big = 0; big < 2; big++) {
		exchange_many(GUEST_RAM, big, 0, run_honest);
		exchange_many(GUEST_VM, big, 0, run_honest);
		exchange_many(GUEST_RAM, big, TW_RING_32BIT, run_halved);
		exchange_many(GUEST_VM, big, TW_RING_32BIT, run_halved);
	}
}

static void test_no_answer(void **state)
{
	struct tw_attach_exchange exchange = {.counter = 1, .t1 = 2, .t2 = 3};
	const volatile int stop = 1;
	struct player player;

	open_player(&player, GUEST_VM, false, 0);
	assert_int_equal(
		tw_attach_exchange(player.attach, SHORT_NS, NULL, &exchange),
		-EAGAIN);
	assert_int_equal(
		tw_attach_exchange(player.attach, LONG_NS, &stop, &exchange),
		-EINTR);
	assert_int_equal(exchange.counter, 1);
	assert_int_equal(exchange.t1, 2);
	assert_int_equal(exchange.t2, 3);
	close_player(&player);
}

/* An answer that was there before is none, were its nonce that of a beacon. */
static void test_stale_answer(void **state)
{
	struct tw_attach_exchange exchange;
	struct player player;
	uint64_t beacon;

	open_player(&player, GUEST_RAM, false, 0);
	for (uint64_t nonce = 0; nonce < 65536; nonce += 97) {
		player.control->reply = 0x123450000 | nonce;
		assert_int_equal(tw_attach_beacon(player.attach, &beacon), 0);
		assert_int_not_equal(beacon & 0xffff, nonce);
	}
	player.control->reply = 0x123450000 | (beacon & 0xffff);
	assert_int_equal(tw_attach_exchange(player.attach, SHORT_NS / 10, NULL,
					    &exchange),
			 -EAGAIN);
	close_player(&player);
}

/* A nonce that would tell nothing is passed over: what stands there has the one
 * that the next beacon is likely to begin with. */
static void test_nonces(void **state)
{
	struct player player;
	uint64_t beacon, before, taken = 0;

	open_player(&player, GUEST_RAM, false, 0);
	for (int i = 0; i < 40000; i++) {
		uint64_t *word = i % 2 ? &player.control->beacon
				       : &player.control->reply;

		before = now_ns();
		store(&player, word, before + taken);
		assert_int_equal(tw_attach_beacon(player.attach, &beacon), 0);
		assert_int_not_equal(beacon & 0xffff,
				     (before + taken) & 0xffff);
		taken = beacon - before;
	}
	close_player(&player);
}

static void beacons_of(enum guest_kind kind, bool big_endian)
{
	struct player player;
	uint64_t last = 0, beacon, before;

	open_player(&player, kind, big_endian, 0);
	for (int i = 0; i < 1000; i++) {
		before = now_ns();
		assert_int_equal(tw_attach_beacon(player.attach, &beacon), 0);
		assert_true(beacon <= now_ns());
		assert_true(beacon + 10 > before);
		assert_int_not_equal((beacon ^ last) & 0xffff, 0);
		assert_int_not_equal(beacon & 0xffff, 0);
		assert_int_equal(load(&player, &player.control->beacon),
				 beacon);
		assert_true(tw_attach_wrote(player.attach, beacon));
		last = beacon;
	}
	assert_false(tw_attach_wrote(player.attach, last + 1));
	assert_false(tw_attach_wrote(player.attach, 0));
	/* Those that are long past are known no more. */
	for (int i = 0; i < TW_ATTACH_BEACONS; i++)
		assert_int_equal(tw_attach_beacon(player.attach, &beacon), 0);
	assert_false(tw_attach_wrote(player.attach, last));
	close_player(&player);
}

static void test_beacons(void **state)
{
	for (int big = 0; big < 2; big++) {
		beacons_of(GUEST_RAM, big);
		beacons_of(GUEST_VM, big);
	}
}

static void test_forger(void **state)
{
	struct tw_attach_exchange exchange;
	struct player player;
	uint64_t before;

	open_player(&player, GUEST_RAM, false, 0);
	play(&player, run_forger);
	for (int i = 0; i < 300; i++) {
		int got;

		before = now_ns();
		got = tw_attach_exchange(player.attach, SHORT_NS / 20, NULL,
					 &exchange);
		assert_true(got == 0 || got == -EAGAIN);
		if (got)
			continue;
		/* What the host says of its own clock is true. */
		assert_true(tw_attach_wrote(player.attach, exchange.t1));
		assert_true(exchange.t1 <= exchange.t2);
		assert_true(exchange.t2 >= before);
		assert_true(exchange.t2 <= now_ns());
		assert_true(exchange.counter <= COUNTER_MASK);
	}
	close_player(&player);
}

/* Another host's beacon, seen after the answer: it may be the answer to that.
 */
static void test_other_host(void **state)
{
	struct tw_attach_exchange exchange;
	struct player player;
	uint64_t beacon;

	open_player(&player, GUEST_RAM, false, 0);
	play(&player, run_honest);
	for (int i = 0; i < 100; i++) {
		store(&player, &player.control->beacon, now_ns());
		assert_int_equal(tw_attach_exchange(player.attach, LONG_NS,
						    NULL, &exchange),
				 0);
		check_turn(&exchange);
	}
	assert_int_equal(tw_attach_beacon(player.attach, &beacon), 0);
	close_player(&player);
}

/* It was written by the time that the answer came: whose the answer is can't be
 * told. (Now and then we are quick, and have the next one there by then.) */
static void test_usurped(void **state)
{
	struct tw_attach_exchange exchange;
	struct player player;
	int refused = 0;

	open_player(&player, GUEST_RAM, false, 0);
	play(&player, run_usurped);
	for (int i = 0; i < 300; i++)
		refused += tw_attach_exchange(player.attach, LONG_NS, NULL,
					      &exchange) == -EAGAIN;
	assert_true(refused > 0);
	close_player(&player);
}

/* Nothing is written where the ring was, nor asked. */
static void test_gone(void **state)
{
	struct tw_attach_exchange exchange;
	struct player player;
	uint32_t head = 0;
	struct tw_attach_turn turn;

	for (int what = 0; what < 3; what++) {
		open_player(&player, what == 2 ? GUEST_VM : GUEST_RAM, false,
			    0);
		if (what == 0)
			player.control->uuid[15] ^= 1;
		else if (what == 1)
			player.control->generation++;
		else
			player.control->magic[7] = 0;
		assert_int_equal(tw_attach_beacon(player.attach, NULL),
				 -ESTALE);
		assert_int_equal(tw_attach_exchange(player.attach, LONG_NS,
						    NULL, &exchange),
				 -ESTALE);
		assert_int_equal(tw_attach_next_turn(player.attach, LONG_NS,
						     NULL, &head, &turn),
				 -ESTALE);
		assert_int_equal(player.control->beacon, 0);
		close_player(&player);
	}
}

static void test_not_for_these(void **state)
{
	struct tw_attach_exchange exchange;
	struct tw_attach_error error;
	struct tw_attach *attach;
	struct made_ring ring;
	struct player player;
	const char *path = test_dir_file(&dir, "hosted.1.ring");

	open_player(&player, GUEST_IMAGE, false, 0);
	assert_true(tw_attach_is_guest(player.attach));
	assert_int_equal(tw_attach_beacon(player.attach, NULL), -EROFS);
	assert_int_equal(
		tw_attach_exchange(player.attach, LONG_NS, NULL, &exchange),
		-EROFS);
	close_player(&player);

	made_ring_init(&ring, false, "hosted", 1, 1);
	assert_true(made_ring_write(&ring, ring.size, path));
	made_ring_free(&ring);
	assert_int_equal(tw_attach_open(path, true, &attach, &error), 0);
	assert_false(tw_attach_is_guest(attach));
	assert_int_equal(tw_attach_beacon(attach, NULL), -EOPNOTSUPP);
	assert_int_equal(tw_attach_exchange(attach, LONG_NS, NULL, &exchange),
			 -EOPNOTSUPP);
	assert_int_equal(attach->ring.control.beacon, 0);
	tw_attach_close(attach);
}

/* ---- A guest that only takes pages ---- */

static void take_page(struct player *player, uint64_t lie)
{
	struct tw_ring_control *control = player->control;
	uint8_t *base = (uint8_t *)control;
	const uint32_t ticket = control->head;
	uint8_t *page = base + control->pages_offset +
			(size_t)(ticket % control->page_count) *
				control->page_size;
	struct tw_page_trailer *trailer = (void *)(page + control->page_size -
						   TW_PAGE_TRAILER);
	const uint64_t beacon = load(player, &control->beacon);
	const uint64_t begin = now_ns();

	__atomic_store_n(&control->head, ticket + 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&trailer->state, ticket << 2 | TW_PAGE_CLAIMED,
			 __ATOMIC_SEQ_CST);
	store(player, &((struct tw_page *)(void *)page)->timestamp_begin,
	      begin);
	store(player, &trailer->beacon, lie ? lie : beacon);
	__atomic_store_n(&trailer->state, ticket << 2 | TW_PAGE_OPEN,
			 __ATOMIC_RELEASE);
}

static void *run_turns(void *context)
{
	struct player *player = context;
	const struct timespec nap = {0, 200000};

	while (!is_over(player)) {
		take_page(player,
			  player->answers++ % 4 == 0 ? now_ns() + 1000000 : 0);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

static void turns_of(enum guest_kind kind)
{
	struct tw_attach_turn turn;
	struct player player;
	uint32_t head = 0;
	int with_beacon = 0;

	open_player(&player, kind, false, 0);
	assert_int_equal(tw_attach_next_turn(player.attach, SHORT_NS, NULL,
					     &head, &turn),
			 -EAGAIN);
	play(&player, run_turns);
	while (with_beacon < 100) {
		assert_int_equal(tw_attach_next_turn(player.attach, LONG_NS,
						     NULL, &head, &turn),
				 0);
		assert_true(turn.t1 <= turn.time_begin);
		assert_true(turn.time_begin <= turn.t2);
		assert_true(turn.t2 <= now_ns());
		with_beacon += turn.t1 != 0;
	}
	close_player(&player);
}

static void test_turns(void **state)
{
	turns_of(GUEST_RAM);
	turns_of(GUEST_VM);
}

static void test_extends(void **state)
{
	static const struct {
		uint64_t counter, near, whole;
	} cases[] = {
		{0, 0, 0},
		{5, 0x7000000000003, 0x7000000000005},
		{3, 0x7000000000005, 0x7000000000003},
		{0xffffffffffff, 0x7000000000001, 0x6ffffffffffff},
		{1, 0x6ffffffffffff, 0x7000000000001},
		{0xffffffffffff, 0, 0xffffffffffffffff},
		{2, 0xffffffffffffffff, 2},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			tw_attach_extend(cases[i].counter, cases[i].near),
			cases[i].whole);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(exchanges),     TEST(no_answer), TEST(stale_answer),
		TEST(beacons),	     TEST(forger),    TEST(other_host),
		TEST(nonces),	     TEST(usurped),   TEST(gone),
		TEST(not_for_these), TEST(turns),     TEST(extends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
