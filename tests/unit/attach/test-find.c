/* SPDX-License-Identifier: MIT */
/* What a target's name means, and the list of all targets. */
#include "../../../src/attach/source.h"
#include "producer.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DEAD 4194304 /* above every pid: the kernel's own limit */

static struct test_dir dir;

static int setup(void **state)
{
	return test_dir_create(&dir);
}

static int teardown(void **state)
{
	return test_dir_remove(&dir);
}

/* ---- Specs ---- */

static void expect_spec(const char *text, enum tw_spec_kind kind, pid_t pid,
			const char *rest)
{
	struct tw_spec spec;

	assert_int_equal(tw_spec_parse(text, &spec, NULL), 0);
	assert_int_equal(spec.kind, kind);
	if (kind == TW_SPEC_PID)
		assert_int_equal(spec.pid, pid);
	else
		assert_string_equal(spec.text, rest);
}

static void expect_bad_spec(const char *text, int err)
{
	struct tw_attach_error error = {""};
	struct tw_spec spec;

	assert_int_equal(tw_spec_parse(text, &spec, &error), err);
	assert_true(error.text[0]);
}

static void specs(void **state)
{
	expect_spec("1234", TW_SPEC_PID, 1234, NULL);
	expect_spec("pid:1234", TW_SPEC_PID, 1234, NULL);
	expect_spec("2147483647", TW_SPEC_PID, 2147483647, NULL);
	expect_spec("1234x", TW_SPEC_NAME, 0, "1234x");
	expect_spec("-1", TW_SPEC_NAME, 0, "-1");
	expect_spec("qemu-system-x86", TW_SPEC_NAME, 0, "qemu-system-x86");
	expect_spec("./x", TW_SPEC_PATH, 0, "./x");
	expect_spec("/1234", TW_SPEC_PATH, 0, "/1234");
	expect_spec("ring:x", TW_SPEC_PATH, 0, "x");
	expect_spec("ring:12", TW_SPEC_PATH, 0, "12");
	expect_spec("pids:1", TW_SPEC_NAME, 0, "pids:1");
	expect_bad_spec("", -EINVAL);
	expect_bad_spec("ring:", -EINVAL);
	expect_bad_spec("pid:", -EINVAL);
	expect_bad_spec("pid:x", -EINVAL);
	expect_bad_spec("pid:12x", -EINVAL);
	expect_bad_spec("pid:-1", -EINVAL);
	expect_bad_spec("0", -ESRCH);
	expect_bad_spec("2147483648", -ESRCH);
	expect_bad_spec("99999999999999999999999999", -ESRCH);
}

/* ---- Rings to be found ---- */

static void leave(const char *name, int pid, uint32_t flags)
{
	struct made_ring ring;
	char file[128];

	made_ring_init(&ring, false, name, pid, 1);
	MADE_RING_SET(&ring, flags, flags);
	snprintf(file, sizeof(file), "%s.%d.ring", name, pid);
	assert_true(
		made_ring_write(&ring, ring.size, test_dir_file(&dir, file)));
	made_ring_free(&ring);
}

static pid_t run(const char *name)
{
	char file[128];
	pid_t pid;

	/* The path holds no pid yet; what counts is the ring's content. */
	snprintf(file, sizeof(file), "%s.run%d.ring", name, rand());
	pid = test_producer_start(test_dir_file(&dir, file), name, true);
	assert_true(pid > 0);
	return pid;
}

static void expect_found(const char *spec, int pid)
{
	struct tw_attach_error error;
	struct tw_attach *attach;

	if (tw_attach_open(spec, false, &attach, &error))
		fail_msg("%s", error.text);
	assert_int_equal(attach->target.pid, pid);
	tw_attach_close(attach);
}

static void expect_error(const char *spec, int err, const char *words)
{
	struct tw_attach_error error = {""};
	struct tw_attach *attach;

	assert_int_equal(tw_attach_open(spec, false, &attach, &error), err);
	if (!strstr(error.text, words) || strchr(error.text, '\n'))
		fail_msg("'%s' doesn't say '%s'", error.text, words);
}

static void by_name(void **state)
{
	pid_t pid;

	leave("alpha", DEAD + 1, 0);
	leave("beta", DEAD + 2, 0);
	leave("beta", DEAD + 3, TW_RING_CLOSED);
	expect_found("alpha", DEAD + 1);
	expect_error("beta", -EEXIST, "4194306 (orphan), 4194307 (closed)");
	expect_error("gamma", -ENOENT, "gamma: no traced program of this name");
	expect_error("alph", -ENOENT, "no traced program");
	expect_error("alphabet", -ENOENT, "no traced program");
	pid = run("beta");
	expect_found("beta", pid);
	test_producer_kill(pid);
	expect_error("beta", -EEXIST, "several rings, give one's PID");
}

static void two_running(void **state)
{
	pid_t first = run("twin"), second = run("twin");

	expect_error("twin", -EEXIST, "(running), ");
	test_producer_kill(second);
	expect_found("twin", first);
	test_producer_kill(first);
}

static void a_long_list_is_cut(void **state)
{
	struct tw_attach_error error;
	struct tw_attach *attach;

	for (int i = 0; i < 60; i++)
		leave("many", DEAD + i, 0);
	assert_int_equal(tw_attach_open("many", false, &attach, &error),
			 -EEXIST);
	assert_string_equal(error.text + strlen(error.text) - 4, " ...");
}

static void a_long_name_is_found(void **state)
{
	const char *name = "a-program-with-quite-a-long-name-indeed";
	char kept[TW_RING_NAME_SIZE] = "";

	memcpy(kept, name, TW_RING_NAME_SIZE - 1);
	leave(kept, DEAD + 1, 0);
	expect_found(name, DEAD + 1);
	expect_found(kept, DEAD + 1);
}

static void by_pid(void **state)
{
	char spec[32];
	pid_t pid;

	leave("alpha", DEAD + 1, 0);
	leave("beta", DEAD + 1, 0);
	leave("gamma", DEAD + 2, 0);
	expect_found("4194306", DEAD + 2);
	expect_found("pid:4194306", DEAD + 2);
	expect_error("4194305", -EEXIST, "give one's path");
	expect_error("4194307", -ESRCH, "4194307: no such process");
	pid = run("delta");
	snprintf(spec, sizeof(spec), "%d", (int)pid);
	expect_found(spec, pid);
	test_producer_kill(pid);
	expect_found(spec, pid);
	snprintf(spec, sizeof(spec), "%d", (int)getpid());
	expect_error(spec, -ENOENT, "the process has no ring");
}

/* The pid is not the producer's, who is dead, but its child's. */
static void by_an_heirs_pid(void **state)
{
	const char *path = test_dir_file(&dir, "alpha.1.ring");
	struct made_ring ring;
	char spec[32];
	pid_t heir;

	leave("alpha", 1, 0);
	heir = test_producer_start(path, NULL, false);
	made_ring_init(&ring, false, "alpha", DEAD + 1, 1);
	MADE_RING_SET(&ring, heirs[2], (uint32_t)heir);
	assert_true(made_ring_write(&ring, ring.size, path));
	snprintf(spec, sizeof(spec), "%d", (int)heir);
	expect_found(spec, heir);
	expect_found("4194305", heir);
	expect_found("alpha", heir);
	made_ring_free(&ring);
	test_producer_kill(heir);
}

/* A producer whose ring lies where nobody looks. */
static void by_mapping(void **state)
{
	char elsewhere[80];
	char spec[32];
	pid_t pid = run("hidden");

	snprintf(elsewhere, sizeof(elsewhere), "%s/none", dir.path);
	assert_int_equal(setenv("TRACKWAY_DIR", elsewhere, 1), 0);
	expect_error("hidden", -ENOENT, "no traced program");
	snprintf(spec, sizeof(spec), "%d", (int)pid);
	expect_found(spec, pid);
	test_producer_kill(pid);
	expect_error(spec, -ESRCH, "no such process");
}

/* What a process of the same pid has left is found first. */
static void a_stale_ring_gives_way(void **state)
{
	struct tw_attach_error error;
	struct tw_attach *attach;
	char elsewhere[80], path[96], spec[32];
	pid_t pid;

	snprintf(elsewhere, sizeof(elsewhere), "%s/own", dir.path);
	snprintf(path, sizeof(path), "%s/alive.ring", elsewhere);
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	pid = test_producer_start(path, "alive", true);
	assert_true(pid > 0);
	leave("stale", pid, 0);
	snprintf(spec, sizeof(spec), "%d", (int)pid);
	assert_int_equal(tw_attach_open(spec, false, &attach, &error), 0);
	assert_string_equal(attach->target.path, path);
	assert_int_equal(attach->target.state, TW_TARGET_RUNNING);
	tw_attach_close(attach);
	test_producer_kill(pid);
	/* Of two that have ended, the one that can be found. */
	expect_found(spec, pid);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(elsewhere), 0);
}

static void a_broken_file_is_named(void **state)
{
	struct made_ring ring;

	made_ring_init(&ring, false, "broken", DEAD + 1, 1);
	made_ring_write(&ring, 4096,
			test_dir_file(&dir, "broken.4194305.ring"));
	MADE_RING_SET(&ring, abi_major, 2);
	made_ring_write(&ring, ring.size,
			test_dir_file(&dir, "newer.4194306.ring"));
	expect_error("broken", -EBADMSG, "broken.4194305.ring: truncated");
	expect_error("4194305", -EBADMSG, "broken.4194305.ring: truncated");
	expect_error("newer", -EPROTONOSUPPORT, "newer");
	expect_error("4194306", -EPROTONOSUPPORT, "newer");
	expect_error("brok", -ENOENT, "no traced program");
	expect_error("94305", -ESRCH, "no such process");
	made_ring_free(&ring);
}

/* ---- The list ---- */

static void the_list_is_sorted_and_whole(void **state)
{
	struct tw_attach_error error;
	struct tw_target *list;
	size_t count;
	pid_t pid;
	int fd;

	leave("beta", DEAD + 9, 0);
	leave("beta", DEAD + 10, TW_RING_CLOSED);
	leave("alpha", DEAD + 20, 0);
	pid = run("gamma");
	fd = open(test_dir_file(&dir, "x.1.ring"), O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(mkfifo(test_dir_file(&dir, "y.1.ring"), 0600), 0);
	assert_int_equal(
		symlink("alpha.4194324.ring", test_dir_file(&dir, "z.1.ring")),
		0);
	fd = open(test_dir_file(&dir, "notes"), O_CREAT | O_WRONLY, 0600);
	close(fd);

	assert_int_equal(tw_targets_list(&list, &count, &error), 0);
	assert_string_equal(error.text, "");
	assert_int_equal(count, 4);
	assert_string_equal(list[0].name, "alpha");
	assert_int_equal(list[0].state, TW_TARGET_ORPHAN);
	assert_int_equal(list[1].pid, DEAD + 9);
	assert_int_equal(list[2].pid, DEAD + 10);
	assert_int_equal(list[2].state, TW_TARGET_CLOSED);
	assert_int_equal(list[3].pid, pid);
	assert_int_equal(list[3].state, TW_TARGET_RUNNING);
	assert_int_equal(list[3].event_count, 2);
	assert_int_equal(list[3].enabled_count, 0);
	tw_targets_destroy(list, count);
	test_producer_kill(pid);
}

static void an_empty_list(void **state)
{
	struct tw_attach_error error;
	struct tw_target *list;
	char path[80];
	size_t count = 1;

	assert_int_equal(tw_targets_list(&list, &count, &error), 0);
	assert_int_equal(count, 0);
	tw_targets_destroy(list, count);
	snprintf(path, sizeof(path), "%s/nothing/here", dir.path);
	setenv("TRACKWAY_DIR", path, 1);
	assert_int_equal(tw_targets_list(&list, &count, &error), 0);
	assert_int_equal(count, 0);
	tw_targets_destroy(list, count);
	setenv("TRACKWAY_DIR", "/dev/null", 1);
	assert_int_equal(tw_targets_list(&list, &count, &error), -ENOTDIR);
	assert_non_null(strstr(error.text, "/dev/null: cannot read"));
}

static void a_newer_ring_is_remarked(void **state)
{
	struct tw_attach_error error;
	struct tw_target *list;
	struct made_ring ring;
	size_t count;

	leave("alpha", DEAD + 1, 0);
	made_ring_init(&ring, false, "newer", DEAD + 2, 1);
	MADE_RING_SET(&ring, abi_major, 2);
	made_ring_write(&ring, ring.size,
			test_dir_file(&dir, "newer.4194306.ring"));
	made_ring_free(&ring);
	assert_int_equal(tw_targets_list(&list, &count, &error), 0);
	assert_int_equal(count, 1);
	assert_non_null(strstr(error.text, "newer.4194306.ring: made by a "
					   "newer"));
	tw_targets_destroy(list, count);
}

/* ---- Directories ---- */

static size_t count_named(const char *name)
{
	struct tw_attach_error error;
	struct tw_target *list;
	size_t count, named = 0;

	assert_int_equal(tw_targets_list(&list, &count, &error), 0);
	for (size_t i = 0; i < count; i++)
		named += !strcmp(list[i].name, name);
	tw_targets_destroy(list, count);
	return named;
}

static void default_directories(void **state)
{
	char trackway[80], from[128], to[128];

	leave("stray", DEAD + 1, 0);
	snprintf(trackway, sizeof(trackway), "%s/trackway", dir.path);
	assert_int_equal(mkdir(trackway, 0700), 0);
	snprintf(from, sizeof(from), "%s/stray.4194305.ring", dir.path);
	snprintf(to, sizeof(to), "%s/stray.4194305.ring", trackway);
	assert_int_equal(rename(from, to), 0);
	setenv("XDG_RUNTIME_DIR", dir.path, 1);
	assert_int_equal(count_named("stray"), 0);
	unsetenv("TRACKWAY_DIR");
	assert_int_equal(count_named("stray"), 1);
	setenv("TRACKWAY_DIR", "", 1);
	assert_int_equal(count_named("stray"), 1);
	if (geteuid() == 0) {
		/* Somebody else was there first. */
		assert_int_equal(chown(trackway, 65534, 65534), 0);
		assert_int_equal(count_named("stray"), 0);
	}
	unlink(to);
	unsetenv("XDG_RUNTIME_DIR");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(specs),
		TEST(by_name),
		TEST(two_running),
		TEST(a_long_list_is_cut),
		TEST(a_long_name_is_found),
		TEST(by_pid),
		TEST(by_an_heirs_pid),
		TEST(by_mapping),
		TEST(a_stale_ring_gives_way),
		TEST(a_broken_file_is_named),
		TEST(the_list_is_sorted_and_whole),
		TEST(an_empty_list),
		TEST(a_newer_ring_is_remarked),
		TEST(default_directories),
	};

	return cmocka_run_group_tests_name("attach-find", tests, NULL, NULL);
}
