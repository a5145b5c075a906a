/* SPDX-License-Identifier: MIT */
/*
 * A file system for rings that is full, or becomes it: events are lost and
 * counted, or off, and no program ever gets a SIGBUS. The file system is a
 * tmpfs in a mount namespace of the test's own.
 */
/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ring-audit.h"
#include "step.h"
#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* The directory of every test: a tmpfs of so many bytes. */
static void mount_tmpfs(const struct traced_dir *dir, uint64_t size)
{
	char options[64];

	snprintf(options, sizeof(options), "size=%" PRIu64 ",mode=0700", size);
	if (mount("tmpfs", dir->path, "tmpfs", 0, options))
		fail_msg("mount: %s", strerror(errno));
}

static int create(void **state)
{
	static struct traced_dir dir;

	traced_dir_create(&dir);
	*state = &dir;
	return 0;
}

static int destroy(void **state)
{
	const struct traced_dir *dir = *state;

	umount2(dir->path, MNT_DETACH);
	traced_dir_remove(dir);
	return 0;
}

static void start(struct traced *traced, void **state, const char *events,
		  const char *threads)
{
	TRACED_START(
		traced, *state, .arguments = {"program-emit", events, threads},
		.environment = {"TRACKWAY_EVENTS=*", "TRACKWAY_RING_SIZE=1M"});
}

/* By system calls: a mapping would take memory for each page looked at. */
static void audit_exactly(void **state, const struct traced *traced,
			  uint64_t emitted, uint64_t *found)
{
	struct audit audit;

	audit_open_unmapped(&audit, traced_dir_ring(*state, traced->pid), NULL,
			    NULL);
	audit_finish(&audit);
	assert_int_equal(audit.written + audit.discarded, emitted);
	*found = audit.found;
	audit_close(&audit);
}

/* From no room for a ring to room for all of it, in steps. */
static void from_nothing_to_enough(void **state)
{
	const uint64_t smallest = 16 << 10, largest = 2 << 20;
	/* Odd, so that the end comes anywhere in a page of the ring. */
	const uint64_t step_size = (400 << 10) / scaled(20);
	unsigned without = 0, starved = 0, whole = 0;
	struct traced traced;
	uint64_t size, found;

	for (size = smallest; size <= largest; size += step_size) {
		mount_tmpfs(*state, size);
		start(&traced, state, "50000", "1");
		traced_expect(&traced, "ready");
		traced_go(&traced);
		assert_int_equal(traced_number(&traced, "returned"), 50000);
		if (!traced_dir_has_ring(*state, traced.pid)) {
			without++;
		} else {
			audit_exactly(state, &traced, 50000, &found);
			if (found > (900 << 10) / 28)
				whole++;
			else
				starved++;
		}
		assert_int_equal(traced_end(&traced), 0);
		assert_int_equal(traced_dir_count(*state), 0);
		umount2(((struct traced_dir *)*state)->path, MNT_DETACH);
	}
	print_message("no ring %u times, a starved one %u, a whole one %u\n",
		      without, starved, whole);
	assert_true(without > 0 && starved > 0 && whole > 0);
}

static void fill(const struct traced_dir *dir)
{
	static const char zeros[4096];
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/filler", dir->path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	close(fd);
}

static void full_after_the_start(void **state)
{
	struct traced traced;
	uint64_t found;

	mount_tmpfs(*state, 2 << 20);
	start(&traced, state, "50000", "4");
	traced_expect(&traced, "ready");
	fill(*state);
	traced_go(&traced);
	assert_int_equal(traced_number(&traced, "returned"), 200000);
	audit_exactly(state, &traced, 200000, &found);
	assert_int_equal(found, 0);
	assert_int_equal(traced_end(&traced), 0);
}

static void full_in_the_middle(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced traced;
	char path[PATH_MAX];
	uint64_t found, i;

	mount_tmpfs(*state, 2 << 20);
	start(&traced, state, "5000", "4");
	traced_expect(&traced, "ready");
	traced_go(&traced);
	traced_number(&traced, "returned");
	traced_number(&traced, "naps");
	fill(*state);
	traced_go(&traced);
	assert_int_equal(traced_number(&traced, "returned"), 40000);
	traced_number(&traced, "naps");
	audit_exactly(state, &traced, 40000, &found);
	assert_true(found > 0);
	/* Once there is room again, pages are had that were not before; not at
	 * once, since a writer doesn't ask for each event. */
	snprintf(path, sizeof(path), "%s/filler", dir->path);
	assert_int_equal(unlink(path), 0);
	for (i = 3; found <= 20000; i++) {
		assert_true(i < 1000);
		usleep(10000);
		traced_go(&traced);
		assert_int_equal(traced_number(&traced, "returned"), i * 20000);
		traced_number(&traced, "naps");
		audit_exactly(state, &traced, i * 20000, &found);
	}
	assert_int_equal(traced_end(&traced), 0);
}

/* The child can't have a ring: its events are off, its parent's go on. */
static void no_room_for_a_childs_ring(void **state)
{
	struct traced traced;
	struct audit audit;
	uint64_t found;

	mount_tmpfs(*state, 2 << 20);
	TRACED_START(&traced, *state,
		     .arguments = {"program-fork", "bare-fork", "wait"},
		     .environment = {"TRACKWAY_EVENTS=count",
				     "TRACKWAY_RING_SIZE=1M"});
	traced_expect(&traced, "ready");
	audit_open(&audit, traced_dir_ring(*state, traced.pid), NULL, NULL);
	fill(*state);
	traced_go(&traced);
	traced_number(&traced, "child");
	assert_int_equal(traced_dir_count(*state), 1);
	traced_go(&traced);
	traced_number(&traced, "parent");
	audit_close(&audit);
	audit_exactly(state, &traced, 200, &found);
	assert_int_equal(traced_end(&traced), 0);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 &&
		    write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* A place where mounts are ours alone; as another user with their leave. */
static bool enter_namespace(void)
{
	const unsigned uid = geteuid(), gid = getegid();
	char map[32];

	if (unshare(uid ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS))
		return false;
	if (uid) {
		snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
		write_text("/proc/self/setgroups", "deny");
		if (!write_text("/proc/self/uid_map", map))
			return false;
		snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
		if (!write_text("/proc/self/gid_map", map))
			return false;
	}
	return !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(from_nothing_to_enough),
		TEST(full_after_the_start),
		TEST(full_in_the_middle),
		TEST(no_room_for_a_childs_ring),
	};

	if (!enter_namespace()) {
		puts("no mount namespace to be had here");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
