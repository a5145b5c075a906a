/* SPDX-License-Identifier: MIT */
/*
 * Exchanges by what KVM says, against a thread that plays a guest whose counter
 * is the host's own plus OFFSET. What KVM says is in files made here.
 */
#include "../../../src/attach/ram-source.h"
#include "../../../src/attach/sync.h"
#include "guest.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY_SIZE (1u << 20)
#define RING_AT 0x10040
#define LONG_NS 30000000000u /* as long as a slow machine may take */
#define OFFSET (-123456789012345)
#define MASK ((UINT64_C(1) << TW_ATTACH_COUNTER_BITS) - 1)
#define REFUTED_MAX 4 /* answers, as sync-kvm.c has it */

static struct test_dir dir;
static char root[] = "/tmp/trackway-kvm-XXXXXX";

static int setup(void **state)
{
	return mkdtemp(root) ? test_dir_create(&dir) : -1;
}

static int teardown(void **state)
{
	rmdir(root);
	return test_dir_remove(&dir);
}

/* ---- The guest, and KVM ---- */

struct player {
	struct guest guest;
	struct tw_attach *attach;
	struct tw_ring_control *control;
	pthread_t thread;
	int end;
	uint64_t answers;
	int64_t offset;
	uint64_t lag;	   /* ticks by which it answers with less, and later */
	char path[4][128]; /* of the VM's directory, and what is in it */
};

static uint64_t counter_of(const struct player *player)
{
	return __builtin_ia32_rdtsc() +
	       (uint64_t)__atomic_load_n(&player->offset, __ATOMIC_RELAXED);
}

static void wait_ticks(uint64_t ticks)
{
	const uint64_t from = __builtin_ia32_rdtsc();

	while (__builtin_ia32_rdtsc() - from < ticks)
		;
}

static void *run(void *context)
{
	struct player *player = context;
	uint16_t answered = 0;

	while (!__atomic_load_n(&player->end, __ATOMIC_RELAXED)) {
		uint64_t beacon = __atomic_load_n(&player->control->beacon,
						  __ATOMIC_ACQUIRE);

		if ((uint16_t)beacon == answered)
			continue;
		wait_ticks(2 * player->lag);
		beacon = __atomic_load_n(&player->control->beacon,
					 __ATOMIC_ACQUIRE);
		answered = (uint16_t)beacon;
		__atomic_store_n(&player->control->reply,
				 (counter_of(player) - player->lag) << 16 |
					 answered,
				 __ATOMIC_RELEASE);
		__atomic_fetch_add(&player->answers, 1, __ATOMIC_RELAXED);
		/* Where there is one processor, the asking thread's turn. */
		sched_yield();
	}
	return NULL;
}

static void say_offset(const struct player *player, int64_t offset)
{
	FILE *file = fopen(player->path[2], "w");

	assert_non_null(file);
	assert_true(fprintf(file, "%lld\n", (long long)offset) > 0);
	assert_int_equal(fclose(file), 0);
}

static void make_kvm(struct player *player, int64_t offset)
{
	struct tw_kvm_link *link = tw_attach_kvm_link(player->attach);

	snprintf(player->path[0], sizeof(player->path[0]), "%s/77-1", root);
	snprintf(player->path[1], sizeof(player->path[1]), "%s/77-1/vcpu0",
		 root);
	snprintf(player->path[2], sizeof(player->path[2]),
		 "%s/77-1/vcpu0/tsc-offset", root);
	assert_int_equal(mkdir(player->path[0], 0700), 0);
	assert_int_equal(mkdir(player->path[1], 0700), 0);
	say_offset(player, offset);
	assert_int_equal(tw_kvm_tsc_open(root, 77, &link->kvm), 0);
	link->state = TW_KVM_UNPROVEN;
}

static void begin_behind(struct player *player, int64_t offset, uint64_t lag)
{
	struct tw_attach_error error = {""};
	struct made_ring ring;

	*player = (struct player){.offset = OFFSET, .lag = lag};
	guest_start(&player->guest, GUEST_VM, &dir, MEMORY_SIZE);
	made_ring_init(&ring, false, "guest", 0, 0);
	MADE_RING_SET(&ring, generation, 1);
	MADE_RING_SET(&ring, clock_kind, TW_CLOCK_TSC);
	guest_put(&player->guest, RING_AT, &ring);
	made_ring_free(&ring);
	player->control = (void *)(player->guest.bytes + RING_AT);
	if (tw_attach_open(player->guest.spec, false, &player->attach, &error))
		fail_msg("%s", error.text);
	make_kvm(player, offset);
	assert_int_equal(pthread_create(&player->thread, NULL, run, player), 0);
}

static void begin(struct player *player, int64_t offset)
{
	begin_behind(player, offset, 0);
}

static void end(struct player *player)
{
	__atomic_store_n(&player->end, 1, __ATOMIC_RELAXED);
	pthread_join(player->thread, NULL);
	tw_attach_close(player->attach);
	guest_stop(&player->guest);
	for (int i = 2; i >= 0; i--)
		assert_int_equal(remove(player->path[i]), 0);
}

/* An exchange, true in any case; whether it was KVM's. */
static bool exchange(struct player *player)
{
	const uint64_t before = counter_of(player);
	struct tw_attach_exchange found;

	assert_int_equal(
		tw_attach_exchange(player->attach, LONG_NS, NULL, &found), 0);
	assert_true(found.t1 <= found.t2);
	assert_true(((found.counter - before) & MASK) <=
		    counter_of(player) - before);
	return found.is_kvm;
}

/* Answers, until one of them comes soon enough. */
static void prove(struct player *player)
{
	const struct tw_kvm_link *link = tw_attach_kvm_link(player->attach);

	do
		assert_false(exchange(player));
	while (link->state == TW_KVM_UNPROVEN);
	assert_int_equal(link->state, TW_KVM_PROVEN);
}

/* ---- Tests ---- */

static void test_proven(void **state)
{
	struct player player;
	uint64_t answers;

	begin(&player, OFFSET);
	prove(&player);
	answers = __atomic_load_n(&player.answers, __ATOMIC_RELAXED);
	for (int i = 0; i < 100; i++)
		assert_true(exchange(&player));
	/* Not one of them took an answer; one may have come late. */
	assert_true(__atomic_load_n(&player.answers, __ATOMIC_RELAXED) <=
		    answers + 1);
	end(&player);
}

static void test_set(void **state)
{
	const int64_t later = OFFSET + 1000000000;
	struct player player;

	begin(&player, OFFSET);
	prove(&player);
	assert_true(exchange(&player));
	__atomic_store_n(&player.offset, later, __ATOMIC_RELAXED);
	say_offset(&player, later);
	prove(&player);
	assert_true(exchange(&player));
	end(&player);
}

/* The ring is stamped with something else. */
static void test_refuted(void **state)
{
	struct player player;

	begin(&player, OFFSET + (INT64_C(1) << 44));
	for (int i = 0; i < REFUTED_MAX; i++) {
		assert_int_equal(tw_attach_kvm_link(player.attach)->state,
				 TW_KVM_UNPROVEN);
		assert_false(exchange(&player));
	}
	assert_int_equal(tw_attach_kvm_link(player.attach)->state, TW_KVM_NONE);
	say_offset(&player, OFFSET);
	assert_false(exchange(&player));
	end(&player);
}

/* It answers with what KVM's counter was some ms before, yet not before it was
 * asked. */
static void test_behind(void **state)
{
	struct tw_attach_exchange found;
	struct player player;

	begin_behind(&player, OFFSET, UINT64_C(1) << 24);
	for (int i = 0; i < 2 * REFUTED_MAX; i++) {
		assert_int_equal(tw_attach_exchange(player.attach, LONG_NS,
						    NULL, &found),
				 0);
		assert_false(found.is_kvm);
		assert_int_equal(tw_attach_kvm_link(player.attach)->state,
				 TW_KVM_UNPROVEN);
	}
	end(&player);
}

static void test_gone(void **state)
{
	struct tw_attach_exchange found;
	struct player player;

	begin(&player, OFFSET);
	prove(&player);
	player.control->generation++;
	assert_int_equal(
		tw_attach_exchange(player.attach, LONG_NS, NULL, &found),
		-ESTALE);
	end(&player);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proven),	cmocka_unit_test(test_set),
		cmocka_unit_test(test_refuted), cmocka_unit_test(test_behind),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
