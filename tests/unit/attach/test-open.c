/* SPDX-License-Identifier: MIT */
/*
 * Opening ring files: good ones of both byte orders, and files that are
 * truncated, forged, no ring, not ours, or that change while they are open.
 */
#include "../../../src/attach/attach.h"
#include "producer.h"

#include <errno.h>
#include <fcntl.h>
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

static struct test_dir dir;

static int setup(void **state)
{
	return test_dir_create(&dir);
}

static int teardown(void **state)
{
	return test_dir_remove(&dir);
}

/* The ring as a file, opened: 0 or the error, whose text is checked. */
static int open_made(const struct made_ring *ring, size_t size,
		     struct tw_attach **attach)
{
	const char *path = test_dir_file(&dir, "made.1.ring");
	struct tw_attach_error error = {""};
	int err;

	assert_true(made_ring_write(ring, size, path));
	err = tw_attach_open(path, false, attach, &error);
	if (err) {
		assert_true(err < 0);
		assert_int_equal(strncmp(error.text, path, strlen(path)), 0);
		assert_null(strchr(error.text, '\n'));
	}
	return err;
}

static int open_error(const struct made_ring *ring, size_t size)
{
	struct tw_attach *attach;
	int err = open_made(ring, size, &attach);

	if (!err)
		tw_attach_close(attach);
	return err;
}

/* ---- What must work ---- */

static void check_demo(struct tw_attach *attach)
{
	const struct tw_event_desc *event;

	assert_string_equal(attach->target.name, "demo");
	assert_true(attach->target.started_ns == MAKER_STARTED_NS);
	assert_int_equal(attach->target.state, TW_TARGET_ORPHAN);
	assert_int_equal(attach->target.event_count, 2);
	assert_int_equal(attach->target.enabled_count, 0);
	assert_int_equal(attach->group_count, 1);
	assert_int_equal(attach->lookup_count, MAKER_ID_BASE + MAKER_EVENTS);
	assert_null(attach->lookup[MAKER_ID_BASE - 1]);
	event = attach->lookup[MAKER_ID_BASE];
	assert_string_equal(event->name, "demo_start");
	assert_string_equal(event->file, "demo/trace-events");
	assert_int_equal(event->line, 3);
	assert_int_equal(event->field_count, 2);
	assert_string_equal(attach->schemas[0]->group, "demo");
}

static void open_and_switch(bool big_endian)
{
	struct tw_attach *attach, *other;
	struct made_ring ring;

	made_ring_init(&ring, big_endian, "demo", 0, 0);
	assert_int_equal(open_made(&ring, ring.size, &attach), 0);
	assert_int_equal(tw_attach_open(dir.file, true, &other, NULL), 0);
	check_demo(attach);
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE), 0);
	assert_int_equal(
		tw_attach_set_event_state(other, MAKER_ID_BASE + 1, true), 0);
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE), 0);
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE + 1), 1);
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE + 2),
			 -ENODEV);
	assert_int_equal(
		tw_attach_set_event_state(other, MAKER_ID_BASE + 2, true),
		-ENODEV);
	assert_int_equal(tw_attach_event_state(attach, 0), -ENOENT);
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE + 3),
			 -ENOENT);
	assert_int_equal(tw_attach_event_state(attach, UINT32_MAX), -ENOENT);
	tw_attach_close(attach);
	tw_attach_close(other);
	made_ring_free(&ring);
}

static void opens_native(void **state)
{
	open_and_switch(false);
}

static void opens_big_endian(void **state)
{
	open_and_switch(true);
}

static void opens_by_ring_prefix(void **state)
{
	char spec[PATH_MAX + 8];
	struct tw_attach *attach;
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	assert_int_equal(open_error(&ring, ring.size), 0);
	snprintf(spec, sizeof(spec), "ring:%s", dir.file);
	assert_int_equal(tw_attach_open(spec, false, &attach, NULL), 0);
	tw_attach_close(attach);
	made_ring_free(&ring);
}

/* ---- Groups that come, change and go ---- */

static void put_group(const struct made_ring *ring, struct tw_attach *attach,
		      uint32_t index, uint32_t state, uint32_t id_base)
{
	struct tw_ring_group group = {
		.state = state,
		.id_base = id_base,
		.event_count = MAKER_EVENTS,
		.states_offset = ring->states_offset,
		.schema_offset = ring->schema_offset,
		.schema_size = ring->schema_size,
	};
	uint8_t *base = (uint8_t *)(uintptr_t)attach->ring.memory.base;
	struct tw_ring_control *control = (void *)base;

	memcpy(base + ring->groups_offset + index * sizeof(group), &group,
	       sizeof(group));
	if (control->group_count <= index)
		control->group_count = index + 1;
}

static void refresh_finds_new_groups(void **state)
{
	const struct tw_event_desc *before;
	struct tw_attach *attach;
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	assert_int_equal(open_made(&ring, ring.size, &attach), 0);
	before = attach->lookup[MAKER_ID_BASE];
	assert_int_equal(tw_attach_refresh(attach, NULL), 0);
	put_group(&ring, attach, 1, TW_GROUP_LIVE, 100);
	assert_int_equal(tw_attach_refresh(attach, NULL), 1);
	assert_int_equal(tw_attach_refresh(attach, NULL), 0);
	assert_int_equal(attach->group_count, 2);
	assert_int_equal(attach->lookup_count, 100 + MAKER_EVENTS);
	assert_string_equal(attach->lookup[101]->name, "demo_stop");
	assert_ptr_equal(attach->lookup[MAKER_ID_BASE], before);
	assert_int_equal(attach->target.event_count, 4);
	tw_attach_close(attach);
	made_ring_free(&ring);
}

static void an_unloaded_group_is_unavailable(void **state)
{
	struct tw_attach *attach;
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	assert_int_equal(open_made(&ring, ring.size, &attach), 0);
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE), 0);
	put_group(&ring, attach, 0, TW_GROUP_UNLOADED, MAKER_ID_BASE);
	/* At once, not only after the next look. */
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE), -ENODEV);
	assert_int_equal(tw_attach_refresh(attach, NULL), 1);
	assert_int_equal(attach->target.event_count, 0);
	assert_string_equal(attach->lookup[MAKER_ID_BASE]->name, "demo_start");
	put_group(&ring, attach, 0, TW_GROUP_LIVE, MAKER_ID_BASE);
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE), 0);
	tw_attach_close(attach);
	made_ring_free(&ring);
}

static void an_entry_may_be_used_again(void **state)
{
	const struct tw_event_desc *before;
	struct tw_attach *attach;
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	assert_int_equal(open_made(&ring, ring.size, &attach), 0);
	before = attach->lookup[MAKER_ID_BASE];
	put_group(&ring, attach, 0, TW_GROUP_LIVE, 200);
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE), -ENODEV);
	assert_int_equal(tw_attach_refresh(attach, NULL), 1);
	/* Events of the old one may still lie in pages. */
	assert_ptr_equal(attach->lookup[MAKER_ID_BASE], before);
	assert_string_equal(before->name, "demo_start");
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE), -ENOENT);
	assert_int_equal(tw_attach_event_state(attach, 200), 0);
	tw_attach_close(attach);
	made_ring_free(&ring);
}

static void ids_belong_to_the_first_group(void **state)
{
	struct tw_attach *attach;
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	assert_int_equal(open_made(&ring, ring.size, &attach), 0);
	put_group(&ring, attach, 1, TW_GROUP_LIVE, MAKER_ID_BASE + 1);
	put_group(&ring, attach, 2, TW_GROUP_LIVE, TW_EVENTS_MAX - 1);
	assert_int_equal(tw_attach_refresh(attach, NULL), 0);
	assert_int_equal(attach->lookup_count, MAKER_ID_BASE + MAKER_EVENTS);
	/* The last ids there are. */
	put_group(&ring, attach, 2, TW_GROUP_LIVE,
		  TW_EVENTS_MAX - MAKER_EVENTS);
	assert_int_equal(tw_attach_refresh(attach, NULL), 1);
	assert_int_equal(attach->lookup_count, TW_EVENTS_MAX);
	assert_int_equal(tw_attach_event_state(attach, TW_EVENTS_MAX - 2), 0);
	tw_attach_close(attach);
	made_ring_free(&ring);
}

/* ---- Hostile content ---- */

static void truncated_anywhere(void **state)
{
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	for (size_t size = 0; size < ring.size; size += 64)
		assert_int_equal(open_error(&ring, size), -EBADMSG);
	assert_int_equal(open_error(&ring, ring.size - 1), -EBADMSG);
	assert_int_equal(open_error(&ring, ring.size), 0);
	made_ring_free(&ring);
}

static void truncation_is_said(void **state)
{
	struct tw_attach_error error;
	struct tw_attach *attach;
	struct made_ring ring;

	made_ring_init(&ring, true, "demo", 0, 0);
	assert_int_equal(open_error(&ring, 4096), -EBADMSG);
	tw_attach_open(dir.file, false, &attach, &error);
	assert_non_null(strstr(error.text, "truncated: 4096 bytes of a ring "
					   "of 6144"));
	made_ring_free(&ring);
}

static void magic_missing(void **state)
{
	for (size_t i = 0; i < TW_RING_MAGIC_SIZE; i++) {
		struct made_ring ring;

		made_ring_init(&ring, false, "demo", 0, 0);
		ring.bytes[i] ^= 1;
		assert_int_equal(open_error(&ring, ring.size), -EBADMSG);
		made_ring_free(&ring);
	}
}

static void newer_major(void **state)
{
	struct tw_attach_error error;
	struct tw_attach *attach;
	struct made_ring ring;

	for (int big_endian = 0; big_endian < 2; big_endian++) {
		made_ring_init(&ring, big_endian, "demo", 0, 0);
		MADE_RING_SET(&ring, abi_major, 7);
		/* Nor is anything else of it believed. */
		MADE_RING_SET(&ring, size, 1ull << 40);
		assert_int_equal(open_error(&ring, ring.size),
				 -EPROTONOSUPPORT);
		tw_attach_open(dir.file, false, &attach, &error);
		assert_non_null(strstr(error.text, "newer"));
		assert_non_null(strstr(error.text, "version 7"));
		made_ring_free(&ring);
	}
}

static void newer_minor(void **state)
{
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	MADE_RING_SET(&ring, abi_minor, 9);
	MADE_RING_SET(&ring, control_size, 4096);
	assert_int_equal(open_error(&ring, ring.size), 0);
	made_ring_free(&ring);
}

static const uint64_t extremes[] = {
	1,	    UINT32_MAX, UINT32_MAX - 7, 1ull << 31,	   1ull << 32,
	1ull << 63, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 4095, 6144,
	6144 - 8,
};

#define EXTREMES (sizeof(extremes) / sizeof(extremes[0]))

static void geometry_at_extremes(void **state)
{
	static const struct {
		size_t offset;
		size_t size;
	} members[] = {
#define MEMBER(name)                             \
	{offsetof(struct tw_ring_control, name), \
	 sizeof(((struct tw_ring_control *)0)->name)}
		MEMBER(pages_offset), MEMBER(page_size),  MEMBER(page_count),
		MEMBER(lanes_offset), MEMBER(lane_size),  MEMBER(groups_offset),
		MEMBER(group_size),   MEMBER(lane_count), MEMBER(group_count),
#undef MEMBER
	};
	const size_t count = sizeof(members) / sizeof(members[0]);

	for (size_t i = 0; i < count * EXTREMES; i++) {
		size_t offset = members[i / EXTREMES].offset;
		uint64_t value = extremes[i % EXTREMES];
		struct made_ring ring;

		/* In 32 bits some are no extremes. */
		if (members[i / EXTREMES].size == 4)
			value |= 0x80000000u;
		made_ring_init(&ring, i % 2, "demo", 0, 0);
		if (members[i / EXTREMES].size == 4)
			made_ring_put32(&ring, offset, (uint32_t)value);
		else
			made_ring_put64(&ring, offset, value);
		assert_int_equal(open_error(&ring, ring.size), -EBADMSG);
		made_ring_free(&ring);
	}
}

/* A group that can't be believed takes no other group's events away. */
static void groups_at_extremes(void **state)
{
	static const size_t offsets[] = {4, 8, 16, 24, 32};
	const size_t count = sizeof(offsets) / sizeof(offsets[0]);

	for (size_t i = 0; i < count * EXTREMES; i++) {
		size_t member = offsets[i / EXTREMES];
		uint64_t value = extremes[i % EXTREMES];
		struct tw_attach *attach;
		struct made_ring ring;
		size_t entry;

		made_ring_init(&ring, false, "demo", 0, 0);
		entry = ring.groups_offset + sizeof(struct tw_ring_group);
		memcpy(ring.bytes + entry, ring.bytes + ring.groups_offset,
		       sizeof(struct tw_ring_group));
		made_ring_put32(&ring, entry + 4, 50);
		MADE_RING_SET(&ring, group_count, 2);
		if (member < 16)
			made_ring_put32(&ring, entry + member, (uint32_t)value);
		else
			made_ring_put64(&ring, entry + member, value);
		assert_int_equal(open_made(&ring, ring.size, &attach), 0);
		assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE),
				 0);
		for (uint32_t id = 20; id < attach->lookup_count; id++) {
			tw_attach_event_state(attach, id);
			tw_attach_set_event_state(attach, id, true);
		}
		assert_memory_equal(
			(const uint8_t *)attach->ring.memory.base +
				offsetof(struct tw_ring_control, byte_order),
			ring.bytes +
				offsetof(struct tw_ring_control, byte_order),
			sizeof(struct tw_ring_control) - 8);
		tw_attach_close(attach);
		made_ring_free(&ring);
	}
}

static void states_of_another_ring(void **state)
{
	struct tw_attach *attach;
	struct made_ring ring;

	for (size_t at = 0; at < 24; at += 8) {
		made_ring_init(&ring, false, "demo", 0, 0);
		ring.bytes[ring.states_offset + at] ^= 0x80;
		assert_int_equal(open_made(&ring, ring.size, &attach), 0);
		assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE),
				 -EBADMSG);
		assert_int_equal(
			tw_attach_set_event_state(attach, MAKER_ID_BASE, true),
			-EBADMSG);
		assert_int_equal(attach->target.event_count, 0);
		tw_attach_close(attach);
		made_ring_free(&ring);
	}
}

static void schema_that_is_none(void **state)
{
	struct tw_attach *attach;
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	memset(ring.bytes + ring.schema_offset, 0xff, ring.schema_size);
	assert_int_equal(open_made(&ring, ring.size, &attach), 0);
	assert_null(attach->schemas[0]);
	assert_null(attach->lookup[MAKER_ID_BASE]);
	/* Nameless, yet there. */
	assert_int_equal(tw_attach_event_state(attach, MAKER_ID_BASE), 0);
	tw_attach_close(attach);
	made_ring_free(&ring);
}

static void schema_of_other_events(void **state)
{
	struct tw_attach *attach;
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	made_ring_put32(&ring, ring.groups_offset + 8, MAKER_EVENTS - 1);
	assert_int_equal(open_made(&ring, ring.size, &attach), 0);
	assert_null(attach->schemas[0]);
	tw_attach_close(attach);
	made_ring_free(&ring);
}

static void a_name_without_an_end(void **state)
{
	struct tw_attach *attach;
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	memset(ring.bytes + offsetof(struct tw_ring_control, name), 'x',
	       TW_RING_NAME_SIZE);
	assert_int_equal(open_made(&ring, ring.size, &attach), 0);
	assert_int_equal(strlen(attach->target.name), TW_RING_NAME_SIZE);
	tw_attach_close(attach);
	made_ring_free(&ring);
}

/* ---- What is no ring file ---- */

static void expect_refused(const char *path, int err, const char *words)
{
	struct tw_attach_error error = {""};
	struct tw_attach *attach;

	assert_int_equal(tw_attach_open(path, false, &attach, &error), err);
	if (!strstr(error.text, words))
		fail_msg("'%s' doesn't say '%s'", error.text, words);
}

static void other_kinds_of_file(void **state)
{
	const char *path;
	struct made_ring ring;
	char target[PATH_MAX];

	expect_refused(dir.path, -EISDIR, "a directory, not a ring file");
	path = test_dir_file(&dir, "fifo.1.ring");
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_refused(path, -EINVAL, "a FIFO, not a ring file");
	expect_refused("/dev/null", -EINVAL, "a device, not a ring file");
	expect_refused("/nonexistent/x.1.ring", -ENOENT, "no such file");
	expect_refused("/dev/null/x", -ENOTDIR, "no such file");

	made_ring_init(&ring, false, "demo", 0, 0);
	assert_int_equal(open_error(&ring, ring.size), 0);
	strcpy(target, dir.file);
	path = test_dir_file(&dir, "link.1.ring");
	assert_int_equal(symlink(target, path), 0);
	expect_refused(path, -EINVAL, "a symbolic link, not a ring file");
	made_ring_free(&ring);
}

/* Run a check as nobody in a child, since root may open everything. */
static void as_nobody(void (*check)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(65534) || setuid(65534))
			_exit(3);
		check();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void check_secret(void)
{
	struct tw_attach_error error;
	struct tw_attach *attach;

	if (tw_attach_open(dir.file, false, &attach, &error) != -EACCES ||
	    !strstr(error.text, "not yours: it belongs to root"))
		_exit(1);
}

static void check_read_only(void)
{
	struct tw_attach_error error;
	struct tw_attach *attach;

	if (tw_attach_open(dir.file, false, &attach, &error))
		_exit(1);
	if (attach->writable || tw_attach_event_state(attach, MAKER_ID_BASE) ||
	    tw_attach_set_event_state(attach, MAKER_ID_BASE, true) != -EROFS ||
	    tw_attach_wait(attach, 0, 1))
		_exit(2);
	tw_attach_close(attach);
	if (tw_attach_open(dir.file, true, &attach, &error) != -EROFS ||
	    !strstr(error.text, "not yours to write to"))
		_exit(4);
}

static void another_users_file(void **state)
{
	struct made_ring ring;

	if (geteuid() != 0) {
		print_message("needs root to become somebody else\n");
		skip();
	}
	made_ring_init(&ring, false, "demo", 0, 0);
	assert_int_equal(open_error(&ring, ring.size), 0);
	assert_int_equal(chmod(dir.path, 0711), 0);
	as_nobody(check_secret);
	assert_int_equal(chmod(dir.file, 0644), 0);
	as_nobody(check_read_only);
	made_ring_free(&ring);
}

/* ---- Files that change while they are open ---- */

static void truncated_while_open(void **state)
{
	struct tw_attach_error error;
	struct tw_attach *attach;
	struct made_ring ring;
	uint8_t page[512];
	struct tw_page_view view;

	made_ring_init(&ring, false, "demo", 0, 0);
	assert_int_equal(open_made(&ring, ring.size, &attach), 0);
	assert_int_equal(tw_attach_refresh(attach, &error), 0);
	assert_int_equal(truncate(dir.file, 0), 0);
	assert_true(tw_attach_event_state(attach, MAKER_ID_BASE) < 0);
	assert_true(tw_attach_set_event_state(attach, MAKER_ID_BASE, true) < 0);
	assert_true(tw_ring_page_copy(&attach->ring, 1, page, &view) < 0);
	assert_int_equal(tw_attach_refresh(attach, &error), -EIO);
	assert_non_null(strstr(error.text, "truncated while"));
	assert_false(tw_attach_is_alive(attach));
	assert_int_equal(tw_attach_wait(attach, 0, -1), 0);
	tw_attach_close(attach);
	/* The next one has nothing of it. */
	assert_int_equal(open_made(&ring, ring.size, &attach), 0);
	assert_int_equal(tw_attach_refresh(attach, &error), 0);
	tw_attach_close(attach);
	made_ring_free(&ring);
}

/* Signal that ended a child which runs this; 0 if none did. */
static int death_of(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		run();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void send_bus_error(void)
{
	struct tw_attach *attach;

	signal(SIGBUS, SIG_DFL);
	if (tw_attach_open(test_dir_file(&dir, "made.1.ring"), false, &attach,
			   NULL))
		_exit(1);
	raise(SIGBUS);
}

static void touch_foreign_mapping(void)
{
	struct tw_attach *attach;
	volatile char *bytes;
	int fd = open(test_dir_file(&dir, "other"), O_RDWR | O_CREAT, 0600);

	signal(SIGBUS, SIG_DFL);
	if (tw_attach_open(test_dir_file(&dir, "made.1.ring"), false, &attach,
			   NULL) ||
	    fd < 0 || ftruncate(fd, 4096))
		_exit(1);
	bytes = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED || ftruncate(fd, 0))
		_exit(1);
	(void)bytes[0];
}

/* The handler takes what is a ring's and nothing else. */
static void other_bus_errors_stay_deadly(void **state)
{
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", 0, 0);
	assert_true(made_ring_write(&ring, ring.size,
				    test_dir_file(&dir, "made.1.ring")));
	assert_int_equal(death_of(touch_foreign_mapping), SIGBUS);
	assert_int_equal(death_of(send_bus_error), SIGBUS);
	made_ring_free(&ring);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_native),
		TEST(opens_big_endian),
		TEST(opens_by_ring_prefix),
		TEST(refresh_finds_new_groups),
		TEST(an_unloaded_group_is_unavailable),
		TEST(an_entry_may_be_used_again),
		TEST(ids_belong_to_the_first_group),
		TEST(truncated_anywhere),
		TEST(truncation_is_said),
		TEST(magic_missing),
		TEST(newer_major),
		TEST(newer_minor),
		TEST(geometry_at_extremes),
		TEST(groups_at_extremes),
		TEST(states_of_another_ring),
		TEST(schema_that_is_none),
		TEST(schema_of_other_events),
		TEST(a_name_without_an_end),
		TEST(other_kinds_of_file),
		TEST(another_users_file),
		TEST(truncated_while_open),
		TEST(other_bus_errors_stay_deadly),
	};

	return cmocka_run_group_tests_name("attach-open", tests, NULL, NULL);
}
