/* SPDX-License-Identifier: MIT */
/*
 * Rings in memory that holds several: finding, choosing, switching, guests that
 * reset, and each way to get at such memory. What lies is in test-liar.c.
 */
#include "../../../src/attach/ram.h"
#include "guest.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY_SIZE (4u << 20)
#define FIRST_AT 0x10040 /* of two rings, the one of this byte order */
#define SECOND_AT 0x200000

static struct test_dir dir;

static int setup(void **state)
{
	return test_dir_create(&dir);
}

static int teardown(void **state)
{
	return test_dir_remove(&dir);
}

static void put_ring(struct guest *guest, size_t at, const char *name,
		     bool big_endian, uint8_t uuid, uint32_t generation)
{
	struct made_ring ring;

	made_ring_init(&ring, big_endian, name, 0, 0);
	MADE_RING_SET(&ring, generation, generation);
	memset(ring.bytes + offsetof(struct tw_ring_control, uuid), uuid, 16);
	memset(ring.bytes + ring.states_offset + 8, uuid, 16);
	guest_put(guest, at, &ring);
	made_ring_free(&ring);
}

static void put_two(struct guest *guest)
{
	put_ring(guest, FIRST_AT, "first", false, 0x11, 1);
	put_ring(guest, SECOND_AT, "second", true, 0x22, 7);
}

static struct tw_ram *open_ram(const char *spec, bool writable)
{
	struct tw_attach_error error = {""};
	struct tw_ram *ram;

	if (tw_ram_open(spec, writable, &ram, &error))
		fail_msg("%s", error.text);
	return ram;
}

static int scan(struct tw_ram *ram)
{
	struct tw_attach_error error = {""};
	int got = tw_ram_scan(ram, &error);

	if (got < 0)
		fail_msg("%s", error.text);
	return got;
}

static struct tw_ram *open_and_scan(const char *spec, bool writable)
{
	struct tw_ram *ram = open_ram(spec, writable);

	scan(ram);
	return ram;
}

static struct tw_attach *attach_ring(struct tw_ram *ram, size_t i,
				     bool writable)
{
	struct tw_attach_error error = {""};
	struct tw_attach *attach;

	if (tw_ram_attach(ram, i, writable, &attach, &error))
		fail_msg("%s", error.text);
	return attach;
}

static void expect_open_error(const char *spec, int code, const char *text)
{
	struct tw_attach_error error = {""};
	struct tw_attach *attach;

	assert_int_equal(tw_attach_open(spec, false, &attach, &error), code);
	if (!strstr(error.text, text))
		fail_msg("'%s' is not in: %s", text, error.text);
	assert_int_equal(strncmp(error.text, spec, strcspn(spec, ":") + 1), 0);
}

static void each_kind(void (*test)(struct guest *guest))
{
	for (int kind = 0; kind < GUEST_KINDS; kind++) {
		struct guest guest;

		guest_start(&guest, kind, &dir, MEMORY_SIZE);
		test(&guest);
		guest_stop(&guest);
	}
}

/* ---- Finding ---- */

static void find_two(struct guest *guest)
{
	const struct tw_ram_ring *ring;
	struct tw_ram *ram;

	put_two(guest);
	/* Not where a ring may begin. */
	memcpy(guest->bytes + 0x300020, guest->bytes + FIRST_AT, 8192);
	ram = open_ram(guest->spec, false);
	assert_int_equal(tw_ram_ring_count(ram), 0);
	assert_int_equal(scan(ram), 1);
	assert_int_equal(tw_ram_ring_count(ram), 2);
	ring = tw_ram_ring(ram, 0);
	assert_int_equal(ring->place, guest->start + FIRST_AT);
	assert_string_equal(ring->name, "first");
	assert_int_equal(ring->generation, 1);
	assert_true(tw_ram_ring_is_usable(ring));
	ring = tw_ram_ring(ram, 1);
	assert_int_equal(ring->place, guest->start + SECOND_AT);
	assert_string_equal(ring->name, "second");
	assert_int_equal(ring->generation, 7);
	assert_null(tw_ram_ring(ram, 2));
	assert_null(tw_ram_notice(ram));
	assert_int_equal(scan(ram), 0);
	assert_int_equal(tw_ram_ring_count(ram), 2);
	tw_ram_close(ram);
}

static void test_find(void **state)
{
	each_kind(find_two);
}

static void attach_two(struct guest *guest)
{
	struct tw_attach *first, *second;
	struct tw_ram *ram;

	put_two(guest);
	ram = open_and_scan(guest->spec, false);
	first = attach_ring(ram, 0, false);
	second = attach_ring(ram, 1, false);
	tw_ram_close(ram);
	assert_int_equal(first->lookup_count, MAKER_ID_BASE + MAKER_EVENTS);
	assert_string_equal(first->lookup[MAKER_ID_BASE]->name, "demo_start");
	assert_string_equal(second->lookup[MAKER_ID_BASE]->name, "demo_start");
	assert_string_equal(second->target.name, "second");
	assert_int_equal(second->target.event_count, 2);
	assert_int_equal(second->target.pid, 0);
	assert_int_equal(tw_attach_is_alive(second),
			 guest->kind != GUEST_IMAGE);
	assert_int_equal(tw_attach_wait(first, 0, 5), 0);
	tw_attach_close(first);
	tw_attach_close(second);
}

static void test_attach(void **state)
{
	each_kind(attach_two);
}

static void choose(struct guest *guest)
{
	struct tw_attach_error error = {""};
	char spec[PATH_MAX + 64];
	struct tw_attach *attach;
	struct tw_ram *ram;

	put_two(guest);
	expect_open_error(guest->spec, -EEXIST, "several rings");
	snprintf(spec, sizeof(spec), "%s/second", guest->spec);
	assert_int_equal(tw_attach_open(spec, false, &attach, &error), 0);
	assert_string_equal(attach->target.name, "second");
	/* What an attach calls itself opens it again. */
	snprintf(spec, sizeof(spec), "%s", attach->target.path);
	tw_attach_close(attach);
	assert_int_equal(tw_attach_open(spec, false, &attach, &error), 0);
	assert_string_equal(attach->target.name, "second");
	tw_attach_close(attach);
	ram = open_and_scan(spec, false);
	assert_int_equal(tw_ram_ring_count(ram), 1);
	assert_string_equal(tw_ram_spec(ram), guest->spec);
	tw_ram_close(ram);
	snprintf(spec, sizeof(spec), "%s/third", guest->spec);
	expect_open_error(spec, -ENOENT, "no such ring: third");
	snprintf(spec, sizeof(spec), "%s/", guest->spec);
	expect_open_error(spec, -EINVAL, "which ring");
	memset(guest->bytes, 0, guest->size);
	expect_open_error(guest->spec, -ENOENT, "no ring in it");
}

static void test_choose(void **state)
{
	each_kind(choose);
}

/* ---- Switching ---- */

static void switch_event(struct guest *guest)
{
	struct tw_attach_error error;
	struct tw_attach *attach;
	struct made_ring ring;
	struct tw_ram *ram;
	uint8_t *before = malloc(guest->size);
	size_t at;

	made_ring_init(&ring, false, "x", 0, 0);
	at = SECOND_AT + ring.states_offset + TW_STATES_HEADER + 1;
	made_ring_free(&ring);
	put_two(guest);
	assert_non_null(before);
	memcpy(before, guest->bytes, guest->size);
	if (guest->kind == GUEST_IMAGE) {
		assert_int_equal(tw_ram_open(guest->spec, true, &ram, &error),
				 -EROFS);
		free(before);
		return;
	}
	ram = open_and_scan(guest->spec, true);
	attach = attach_ring(ram, 1, true);
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE + 1), 0);
	assert_int_equal(
		tw_attach_set_event_state(attach, MAKER_ID_BASE + 1, true), 0);
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE + 1), 1);
	assert_int_equal(guest->bytes[at], 1);
	before[at] = 1;
	assert_memory_equal(before, guest->bytes, guest->size);
	/* Replaced: the old one's switches are no more. */
	put_ring(guest, SECOND_AT, "second", true, 0x33, 8);
	assert_true(tw_attach_set_event_state(attach, MAKER_ID_BASE + 1, true) <
		    0);
	assert_int_equal(guest->bytes[at], 0);
	tw_attach_close(attach);
	tw_ram_close(ram);
	free(before);
}

static void test_switch(void **state)
{
	each_kind(switch_event);
}

/* ---- Guests that reset and move ---- */

static void reset(struct guest *guest)
{
	struct tw_attach_error error;
	struct tw_attach *attach;
	struct tw_ram *ram;
	uint64_t serial;

	put_two(guest);
	ram = open_and_scan(guest->spec, false);
	attach = attach_ring(ram, 1, false);
	serial = tw_ram_ring(ram, 1)->serial;
	put_ring(guest, SECOND_AT, "second", true, 0x33, 8);
	assert_false(tw_attach_is_alive(attach));
	assert_int_equal(scan(ram), 1);
	assert_int_equal(tw_ram_ring_count(ram), 3);
	assert_true(tw_ram_ring(ram, 1)->gone);
	assert_int_equal(tw_ram_attach(ram, 1, false, &attach, &error),
			 -ESTALE);
	assert_int_equal(tw_ram_ring(ram, 2)->generation, 8);
	assert_int_equal(tw_ram_ring(ram, 2)->place, guest->start + SECOND_AT);
	assert_true(tw_ram_ring(ram, 2)->serial > serial);
	tw_attach_close(attach);
	/* All zeroed, and a ring elsewhere. */
	memset(guest->bytes, 0, guest->size);
	put_ring(guest, 0x100000, "moved", false, 0x44, 9);
	assert_int_equal(scan(ram), 1);
	assert_true(tw_ram_ring(ram, 0)->gone);
	assert_true(tw_ram_ring(ram, 2)->gone);
	assert_string_equal(tw_ram_ring(ram, 3)->name, "moved");
	assert_int_equal(scan(ram), 0);
	tw_ram_close(ram);
}

static void test_reset(void **state)
{
	each_kind(reset);
}

/* As many resets as it takes to use entries again. */
static void test_many_resets(void **state)
{
	struct guest guest;
	struct tw_ram *ram;
	uint32_t generation;

	guest_start(&guest, GUEST_RAM, &dir, MEMORY_SIZE);
	ram = open_ram(guest.spec, false);
	for (generation = 1; generation < 2 * TW_RAM_RINGS_MAX; generation++) {
		const struct tw_ram_ring *found = NULL;

		put_ring(&guest, SECOND_AT, "again", false, (uint8_t)generation,
			 generation);
		assert_int_equal(scan(ram), 1);
		for (size_t i = 0; i < tw_ram_ring_count(ram); i++)
			if (tw_ram_ring_is_usable(tw_ram_ring(ram, i)))
				found = tw_ram_ring(ram, i);
		assert_non_null(found);
		assert_int_equal(found->generation, generation);
		assert_int_equal(found->serial, generation);
	}
	assert_int_equal(tw_ram_ring_count(ram), TW_RAM_RINGS_MAX);
	tw_ram_close(ram);
	guest_stop(&guest);
}

static void copies(struct guest *guest)
{
	struct tw_attach_error error = {""};
	struct tw_attach *attach;
	struct made_ring ring;
	struct tw_ram *ram;

	made_ring_init(&ring, false, "firmware", 0, 0);
	guest_put(guest, FIRST_AT, &ring);
	MADE_RING_SET(&ring, head, 5);
	guest_put(guest, SECOND_AT, &ring);
	/* A control block without its ring. */
	memcpy(guest->bytes + 0x300000, ring.bytes, 256);
	made_ring_free(&ring);
	ram = open_and_scan(guest->spec, false);
	assert_int_equal(tw_ram_ring_count(ram), 3);
	assert_true(tw_ram_ring(ram, 0)->copy);
	assert_false(tw_ram_ring_is_usable(tw_ram_ring(ram, 0)));
	assert_true(tw_ram_ring_is_usable(tw_ram_ring(ram, 1)));
	assert_non_null(tw_ram_ring(ram, 2)->why);
	assert_int_equal(tw_ram_attach(ram, 2, false, &attach, &error),
			 -EBADMSG);
	assert_int_equal(tw_ram_attach_only(ram, false, &attach, &error), 0);
	assert_true(strstr(attach->target.path, "/0x"));
	tw_attach_close(attach);
	tw_ram_close(ram);
}

static void test_copies(void **state)
{
	each_kind(copies);
}

/* ---- Virtual machines ---- */

static void test_vm_ends(void **state)
{
	struct tw_attach *attach;
	struct guest guest;
	struct tw_ram *ram;

	guest_start(&guest, GUEST_VM, &dir, MEMORY_SIZE);
	put_two(&guest);
	ram = open_and_scan(guest.spec, true);
	attach = attach_ring(ram, 0, true);
	assert_true(tw_ram_is_alive(ram));
	assert_true(tw_attach_is_alive(attach));
	kill(guest.pid, SIGKILL);
	waitpid(guest.pid, NULL, 0);
	guest.pid = 0;
	assert_false(tw_ram_is_alive(ram));
	assert_false(tw_attach_is_alive(attach));
	assert_true(tw_attach_set_event_state(attach, MAKER_ID_BASE, true) < 0);
	assert_int_equal(scan(ram), 1);
	assert_true(tw_ram_ring(ram, 0)->gone && tw_ram_ring(ram, 1)->gone);
	assert_int_equal(scan(ram), 0);
	tw_attach_close(attach);
	tw_ram_close(ram);
	guest_stop(&guest);
}

/* The child has the same memory twice: each ring is there once. */
static void test_vm_two_mappings(void **state)
{
	struct guest guest;
	struct tw_ram *ram;
	void *again;

	guest_start(&guest, GUEST_VM, &dir, MEMORY_SIZE);
	kill(guest.pid, SIGKILL);
	waitpid(guest.pid, NULL, 0);
	again = mremap(guest.bytes, 0, guest.size, MREMAP_MAYMOVE);
	assert_true(again != MAP_FAILED);
	guest.pid = fork();
	assert_true(guest.pid >= 0);
	if (guest.pid == 0) {
		madvise(guest.bytes, guest.size, MADV_DONTFORK);
		madvise(again, guest.size, MADV_DONTFORK);
		put_two(&guest);
		memcpy(again, guest.bytes, 4096);
		/* Touched by both. */
		for (size_t i = 0; i < guest.size; i += 4096) {
			(void)*(volatile uint8_t *)(guest.bytes + i);
			(void)*(volatile uint8_t *)((uint8_t *)again + i);
		}
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(guest.pid, NULL, WUNTRACED), guest.pid);
	snprintf(guest.spec, sizeof(guest.spec), "vm:%d", (int)guest.pid);
	ram = open_and_scan(guest.spec, false);
	assert_int_equal(tw_ram_ring_count(ram), 2);
	tw_ram_close(ram);
	munmap(again, guest.size);
	guest_stop(&guest);
}

/* What a VM has never touched stays so, and is no ring. */
static void test_vm_untouched(void **state)
{
	struct tw_ram *ram;
	char spec[32];
	uint8_t *bytes;
	unsigned char there[16];
	pid_t pid;
	int status;

	bytes = mmap(NULL, 64u << 20, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(bytes != MAP_FAILED);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		madvise(bytes, 64u << 20, MADV_DONTFORK);
		madvise(bytes, 64u << 20, MADV_NOHUGEPAGE);
		bytes[32u << 20] = 1;
		raise(SIGSTOP);
		/* Which of its pages are there after the search? */
		_exit(mincore(bytes, sizeof(there) * 4096, there) || there[0] ||
		      there[7]);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	snprintf(spec, sizeof(spec), "vm:%d", (int)pid);
	ram = open_and_scan(spec, false);
	assert_int_equal(tw_ram_ring_count(ram), 0);
	tw_ram_close(ram);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	munmap(bytes, 64u << 20);
}

/* A page read by the host is given back: state word full, then free. */
static void test_vm_release(void **state)
{
	struct tw_page_view view = {.index = 1, .ticket = 77};
	struct tw_attach *attach;
	struct made_ring ring;
	struct guest guest;
	struct tw_ram *ram;
	uint32_t word;
	size_t at;

	guest_start(&guest, GUEST_VM, &dir, MEMORY_SIZE);
	made_ring_init(&ring, true, "big", 0, 0);
	MADE_RING_SET(&ring, mode, TW_RING_DISCARD);
	at = ring.pages_offset + 2 * 512 - TW_PAGE_TRAILER;
	made_ring_put32(&ring, at, 77u << TW_PAGE_TICKET_SHIFT | TW_PAGE_FULL);
	guest_put(&guest, FIRST_AT, &ring);
	ram = open_and_scan(guest.spec, true);
	attach = attach_ring(ram, 0, true);
	assert_int_equal(tw_ring_page_release(&attach->ring, &view), 0);
	memcpy(&word, guest.bytes + FIRST_AT + at, sizeof(word));
	assert_int_equal(__builtin_bswap32(word),
			 77u << TW_PAGE_TICKET_SHIFT | TW_PAGE_FREE);
	assert_int_equal(tw_ring_page_release(&attach->ring, &view), -EAGAIN);
	tw_attach_close(attach);
	/* Writers that overwrite take full pages: no release without a CAS. */
	MADE_RING_SET(&ring, mode, TW_RING_OVERWRITE);
	guest_put(&guest, FIRST_AT, &ring);
	attach = attach_ring(ram, 0, true);
	assert_int_equal(tw_ring_page_release(&attach->ring, &view), -EROFS);
	tw_attach_close(attach);
	tw_ram_close(ram);
	made_ring_free(&ring);
	guest_stop(&guest);
}

/* ---- Schemas from outside ---- */

static void test_schema(void **state)
{
	const char *path = test_dir_file(&dir, "trace-events");
	struct tw_attach_error error = {""};
	struct tw_schema *schema;
	struct tw_attach *attach;
	struct made_ring ring;
	struct guest guest;
	struct tw_ram *ram;
	char events[PATH_MAX];
	FILE *file = fopen(path, "we");

	snprintf(events, sizeof(events), "%s", path);
	assert_non_null(file);
	fputs("a_one(int i, long l, void *p) \"%d %ld %p\"\n"
	      "a_two(size_t s, short h, const char *t) \"%zu %d %s\"\n"
	      "a_three(unsigned long long u, uint8_t b) \"%llu %u\"\n",
	      file);
	fclose(file);
	assert_int_equal(tw_attach_load_schema(events, &schema, &error), 0);
	guest_start(&guest, GUEST_RAM, &dir, MEMORY_SIZE);
	made_ring_init(&ring, true, "small", 0, 0);
	MADE_RING_SET(&ring, flags, TW_RING_32BIT);
	made_ring_put64(&ring, ring.groups_offset + 24, 0);
	made_ring_put64(&ring, ring.groups_offset + 32, 0);
	guest_put(&guest, FIRST_AT, &ring);
	ram = open_and_scan(guest.spec, false);
	attach = attach_ring(ram, 0, false);
	assert_null(attach->lookup[MAKER_ID_BASE]);
	assert_int_equal(tw_attach_use_schema(attach, schema, &error), 1);
	assert_int_equal(tw_attach_use_schema(attach, schema, &error), 0);
	assert_string_equal(attach->lookup[MAKER_ID_BASE]->name, "a_one");
	assert_int_equal(attach->lookup[MAKER_ID_BASE]->fixed_size, 12);
	assert_int_equal(attach->lookup[MAKER_ID_BASE + 1]->fields[0].size, 4);
	assert_int_equal(attach->lookup[MAKER_ID_BASE + 1]->fields[1].size, 2);
	assert_int_equal(attach->lookup[MAKER_ID_BASE + 1]->fields[2].size, 0);
	assert_int_equal(attach->lookup[MAKER_ID_BASE + 2]->fixed_size, 9);
	assert_int_equal(attach->target.event_count, 3);
	tw_attach_close(attach);
	tw_schema_destroy(schema);
	tw_ram_close(ram);
	made_ring_free(&ring);
	guest_stop(&guest);
	assert_true(tw_attach_load_schema("/nonexistent", &schema, &error) < 0);
}

/* ---- Errors ---- */

static void test_errors(void **state)
{
	struct tw_attach_error error;
	const char *path = test_dir_file(&dir, "core");
	char spec[PATH_MAX + 16];
	struct tw_attach *attach;
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs("\177ELF\2\1\1", file);
	fclose(file);
	snprintf(spec, sizeof(spec), "image:%s", path);
	expect_open_error(spec, -EINVAL, "ELF file");
	snprintf(spec, sizeof(spec), "ram:%s", test_dir_file(&dir, "empty"));
	file = fopen(dir.file, "we");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(tw_attach_open(spec, false, &attach, &error),
			 -ENODATA);
	snprintf(spec, sizeof(spec), "ram:%s", dir.path);
	expect_open_error(spec, -EINVAL, "not a file");
	snprintf(spec, sizeof(spec), "image:%s", dir.path);
	expect_open_error(spec, -EINVAL, "not a file");
	expect_open_error("ram:/nonexistent", -ENOENT, "no such file");
	expect_open_error("image:/nonexistent", -ENOENT, "no such file");
	expect_open_error("vm:0", -ESRCH, "no such process");
	expect_open_error("vm:99999999999999999999", -ESRCH, "no such process");
	expect_open_error("vm:", -EINVAL, "which process");
	expect_open_error("vm:no-such-program", -ESRCH, "no process");
	assert_false(tw_ram_is_spec("pid:1"));
	assert_true(tw_ram_is_spec("vm:1"));
}

/* Cut short under the mapping: nonsense is read, and all goes on. */
static void test_truncated(void **state)
{
	struct tw_attach *attach;
	struct guest guest;
	struct tw_ram *ram;

	guest_start(&guest, GUEST_RAM, &dir, MEMORY_SIZE);
	put_two(&guest);
	ram = open_and_scan(guest.spec, false);
	attach = attach_ring(ram, 1, false);
	assert_false(truncate(guest.spec + strlen("ram:"), 0x20000));
	assert_false(tw_attach_is_alive(attach));
	assert_false(tw_ram_is_alive(ram));
	assert_int_equal(scan(ram), 1);
	assert_true(tw_ram_ring(ram, 1)->gone);
	tw_attach_close(attach);
	tw_ram_close(ram);
	guest_stop(&guest);
}

static bool stop_search(void *context, uint64_t done, uint64_t total)
{
	int *calls = context;

	assert_true(done <= total);
	return ++*calls < 2;
}

static void test_progress(void **state)
{
	struct tw_attach_error error;
	struct guest guest;
	struct tw_ram *ram;
	int calls = 0;

	guest_start(&guest, GUEST_RAM, &dir, 512u << 20);
	put_two(&guest);
	ram = open_ram(guest.spec, false);
	tw_ram_on_progress(ram, stop_search, &calls);
	assert_int_equal(tw_ram_scan(ram, &error), -EINTR);
	assert_int_equal(calls, 2);
	tw_ram_on_progress(ram, NULL, NULL);
	scan(ram);
	assert_int_equal(tw_ram_ring_count(ram), 2);
	tw_ram_close(ram);
	guest_stop(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_many_resets),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_vm_ends),
		cmocka_unit_test(test_vm_two_mappings),
		cmocka_unit_test(test_vm_untouched),
		cmocka_unit_test(test_vm_release),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_progress),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
