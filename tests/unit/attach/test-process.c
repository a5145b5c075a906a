/* SPDX-License-Identifier: MIT */
/*
 * Whose a ring is and whether that process lives: recycled pids, zombies, exec,
 * forked heirs; and waiting for the ring's head.
 */
#include "../../../src/attach/source.h"
#include "producer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct test_dir dir;
static const char *path;

static int setup(void **state)
{
	if (test_dir_create(&dir))
		return -1;
	path = test_dir_file(&dir, "demo.1.ring");
	return 0;
}

static int teardown(void **state)
{
	return test_dir_remove(&dir);
}

static void write_ring(pid_t pid, uint64_t start, uint32_t flags,
		       const uint32_t *heirs, size_t heir_count)
{
	struct made_ring ring;

	made_ring_init(&ring, false, "demo", pid, start);
	MADE_RING_SET(&ring, flags, flags);
	for (size_t i = 0; i < heir_count; i++)
		made_ring_put32(&ring,
				offsetof(struct tw_ring_control, heirs) + 4 * i,
				heirs[i]);
	assert_true(made_ring_write(&ring, ring.size, path));
	made_ring_free(&ring);
}

static struct tw_attach *attach_path(void)
{
	struct tw_attach_error error;
	struct tw_attach *attach;

	if (tw_attach_open(path, true, &attach, &error))
		fail_msg("%s", error.text);
	return attach;
}

static enum tw_target_state state_of_path(pid_t *pid)
{
	struct tw_attach *attach = attach_path();
	enum tw_target_state state = attach->target.state;

	assert_int_equal(tw_attach_is_alive(attach),
			 state == TW_TARGET_RUNNING);
	if (pid)
		*pid = attach->target.pid;
	tw_attach_close(attach);
	return state;
}

/* A pid that was somebody's and is nobody's now. */
static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

/* ---- /proc ---- */

static void start_time_of_odd_names(void **state)
{
	uint64_t before, after;

	assert_int_equal(tw_process_start_time(getpid(), &before), 0);
	assert_true(before > 0);
	prctl(PR_SET_NAME, ") Z 1 2 3 (", 0, 0, 0);
	assert_int_equal(tw_process_start_time(getpid(), &after), 0);
	prctl(PR_SET_NAME, "test-process", 0, 0, 0);
	assert_true(before == after);
	assert_int_equal(tw_process_start_time(dead_pid(), &after), -ENOENT);
}

static void a_zombie_is_dead(void **state)
{
	uint64_t start;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(tw_process_start_time(pid, &start), -ENOENT);
	waitpid(pid, NULL, 0);
}

static void *sleep_on(void *context)
{
	for (;;)
		pause();
	return NULL;
}

/* The first thread ends; /proc then says Z of the process. */
static void a_process_outlives_its_first_thread(void **state)
{
	uint64_t start;
	char file[64], text[512] = "";
	pid_t pid = fork();
	int fd, tries;

	if (pid == 0) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_create(&thread, NULL, sleep_on, NULL);
		pthread_exit(NULL);
	}
	snprintf(file, sizeof(file), "/proc/%d/stat", (int)pid);
	for (tries = 0; tries < 10000 && !strstr(text, ") Z "); tries++) {
		fd = open(file, O_RDONLY);
		assert_true(read(fd, text, sizeof(text) - 1) > 0);
		close(fd);
		usleep(1000);
	}
	assert_non_null(strstr(text, ") Z "));
	assert_int_equal(tw_process_start_time(pid, &start), 0);
	test_producer_kill(pid);
}

static void mappings(void **state)
{
	pid_t with, without;
	struct stat status;
	char *found;

	with = test_producer_start(path, "demo", true);
	without = test_producer_start(NULL, NULL, false);
	assert_true(with > 0 && without > 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(
		tw_process_maps(with, path, status.st_dev, status.st_ino), 1);
	assert_int_equal(
		tw_process_maps(without, path, status.st_dev, status.st_ino),
		0);
	assert_int_equal(
		tw_process_maps(with, path, status.st_dev, status.st_ino + 1),
		0);
	assert_int_equal(tw_process_ring_path(with, &found), 0);
	assert_string_equal(found, path);
	free(found);
	assert_int_equal(tw_process_ring_path(without, &found), -ENOENT);
	assert_null(found);
	unlink(path);
	assert_int_equal(tw_process_ring_path(with, &found), -ENOENT);
	test_producer_kill(with);
	test_producer_kill(without);
}

/* ---- States ---- */

static void a_live_producer_is_running(void **state)
{
	pid_t pid = test_producer_start(path, "demo", true);
	struct tw_attach *attach = attach_path();

	assert_int_equal(attach->target.state, TW_TARGET_RUNNING);
	assert_int_equal(attach->target.pid, pid);
	assert_true(tw_attach_is_alive(attach));
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	/* A zombie still. */
	assert_false(tw_attach_is_alive(attach));
	assert_int_equal(attach->target.state, TW_TARGET_ORPHAN);
	waitpid(pid, NULL, 0);
	assert_false(tw_attach_is_alive(attach));
	tw_attach_close(attach);
	assert_int_equal(state_of_path(NULL), TW_TARGET_ORPHAN);
}

static void a_recycled_pid_is_an_orphan(void **state)
{
	pid_t pid = test_producer_start(path, "demo", true);
	uint64_t start;

	assert_int_equal(tw_process_start_time(pid, &start), 0);
	write_ring(pid, start, 0, NULL, 0);
	assert_int_equal(state_of_path(NULL), TW_TARGET_RUNNING);
	write_ring(pid, start - 1, 0, NULL, 0);
	assert_int_equal(state_of_path(NULL), TW_TARGET_ORPHAN);
	/* Not even where the ring doesn't know its start. */
	write_ring(dead_pid(), 0, 0, NULL, 0);
	assert_int_equal(state_of_path(NULL), TW_TARGET_ORPHAN);
	write_ring((pid_t)0xffffffff, 0, 0, NULL, 0);
	assert_int_equal(state_of_path(NULL), TW_TARGET_ORPHAN);
	test_producer_kill(pid);
}

static void exec_leaves_an_orphan(void **state)
{
	pid_t pid = test_producer_start(NULL, NULL, false);
	uint64_t start;

	assert_int_equal(tw_process_start_time(pid, &start), 0);
	/* Alive, started then, and without the ring. */
	write_ring(pid, start, 0, NULL, 0);
	assert_int_equal(state_of_path(NULL), TW_TARGET_ORPHAN);
	test_producer_kill(pid);
}

static void closed_rings(void **state)
{
	pid_t pid = test_producer_start(path, "demo", true);
	struct tw_attach *attach = attach_path();
	struct tw_ring_control *control = (void *)(uintptr_t)
						  attach->ring.memory.base;

	assert_true(tw_attach_is_alive(attach));
	control->flags = TW_RING_CLOSED;
	assert_false(tw_attach_is_alive(attach));
	assert_int_equal(attach->target.state, TW_TARGET_CLOSED);
	tw_attach_close(attach);
	assert_int_equal(state_of_path(NULL), TW_TARGET_CLOSED);
	test_producer_kill(pid);
	assert_int_equal(state_of_path(NULL), TW_TARGET_CLOSED);
}

static void an_heir_takes_over(void **state)
{
	uint32_t heirs[TW_RING_HEIRS] = {0};
	pid_t heir, stranger, pid;
	struct tw_attach *attach;

	write_ring(dead_pid(), 1, 0, NULL, 0);
	heir = test_producer_start(path, NULL, false);
	stranger = test_producer_start(NULL, NULL, false);
	/* A pid in the list may be anybody's by now. */
	heirs[0] = (uint32_t)stranger;
	heirs[1] = UINT32_MAX;
	write_ring(dead_pid(), 1, 0, heirs, TW_RING_HEIRS);
	assert_int_equal(state_of_path(NULL), TW_TARGET_ORPHAN);
	heirs[TW_RING_HEIRS - 1] = (uint32_t)heir;
	write_ring(dead_pid(), 1, 0, heirs, TW_RING_HEIRS);
	assert_int_equal(state_of_path(&pid), TW_TARGET_RUNNING);
	assert_int_equal(pid, heir);
	/* The parent's clean end is not the heir's. */
	write_ring(dead_pid(), 1, TW_RING_CLOSED, heirs, TW_RING_HEIRS);
	attach = attach_path();
	assert_int_equal(attach->target.state, TW_TARGET_RUNNING);
	test_producer_kill(heir);
	assert_false(tw_attach_is_alive(attach));
	assert_int_equal(attach->target.state, TW_TARGET_CLOSED);
	tw_attach_close(attach);
	test_producer_kill(stranger);
}

static void an_attached_reader_follows_to_the_heir(void **state)
{
	pid_t parent = test_producer_start(path, "demo", true);
	pid_t heir = test_producer_start(path, NULL, false);
	struct tw_attach *attach = attach_path();
	struct tw_ring_control *control = (void *)(uintptr_t)
						  attach->ring.memory.base;

	assert_int_equal(attach->target.pid, parent);
	control->heirs[3] = (uint32_t)heir;
	test_producer_kill(parent);
	assert_true(tw_attach_is_alive(attach));
	assert_int_equal(attach->target.pid, heir);
	test_producer_kill(heir);
	assert_false(tw_attach_is_alive(attach));
	tw_attach_close(attach);
}

/* ---- Waiting ---- */

static void wait_ends_at_once(void **state)
{
	pid_t pid = test_producer_start(path, "demo", true);
	struct tw_attach *attach = attach_path();
	const struct tw_ring_control *control = attach->ring.memory.base;

	assert_int_equal(tw_attach_wait(attach, 1, -1), 0);
	assert_int_equal(tw_attach_wait(attach, 0, 0), 0);
	assert_int_equal(control->waiters, 0);
	assert_int_equal(tw_attach_wait(attach, 0, 1), 0);
	assert_int_equal(control->waiters, 1);
	tw_attach_close(attach);
	test_producer_kill(pid);
}

/* Does what a writer does: head, then whoever waits is woken. */
static void *turn_page(void *context)
{
	struct tw_ring_control *control = context;

	while (!__atomic_load_n(&control->waiters, __ATOMIC_SEQ_CST))
		usleep(1000);
	__atomic_fetch_add(&control->head, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&control->waiters, 0, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &control->head, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	return NULL;
}

static void wait_ends_when_a_page_is_turned(void **state)
{
	pid_t pid = test_producer_start(path, "demo", true);
	struct tw_attach *attach = attach_path();
	void *other;
	pthread_t thread;
	int fd = open(path, O_RDWR);
	uint32_t head;

	other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(other != MAP_FAILED);
	pthread_create(&thread, NULL, turn_page, other);
	assert_int_equal(tw_attach_wait(attach, 0, -1), 0);
	assert_int_equal(tw_ring_head(&attach->ring, &head), 0);
	assert_int_equal(head, 1);
	pthread_join(thread, NULL);
	munmap(other, 4096);
	close(fd);
	tw_attach_close(attach);
	test_producer_kill(pid);
}

static void *kill_it(void *context)
{
	usleep(20000);
	kill(*(pid_t *)context, SIGKILL);
	return NULL;
}

static void wait_ends_with_the_producer(void **state)
{
	pid_t pid = test_producer_start(path, "demo", true);
	struct tw_attach *attach = attach_path();
	pthread_t thread;

	pthread_create(&thread, NULL, kill_it, &pid);
	assert_int_equal(tw_attach_wait(attach, 0, -1), 0);
	pthread_join(thread, NULL);
	assert_false(tw_attach_is_alive(attach));
	waitpid(pid, NULL, 0);
	/* And of one that is dead nothing is waited for. */
	assert_int_equal(tw_attach_wait(attach, 0, -1), 0);
	tw_attach_close(attach);
}

static void on_alarm(int number)
{
}

static void wait_ends_with_a_signal(void **state)
{
	pid_t pid = test_producer_start(path, "demo", true);
	struct tw_attach *attach = attach_path();
	struct sigaction action = {.sa_handler = on_alarm};

	/* Again and again, since the first may come before the sleep. */
	sigaction(SIGALRM, &action, NULL);
	ualarm(10000, 10000);
	assert_int_equal(tw_attach_wait(attach, 0, -1), -EINTR);
	ualarm(0, 0);
	tw_attach_close(attach);
	test_producer_kill(pid);
}

static void wait_in_the_other_byte_order(void **state)
{
	struct tw_attach *attach;
	struct made_ring ring;
	uint64_t start;
	pid_t pid;

	write_ring(1, 1, 0, NULL, 0);
	pid = test_producer_start(path, NULL, false);
	assert_int_equal(tw_process_start_time(pid, &start), 0);
	made_ring_init(&ring, true, "demo", pid, start);
	MADE_RING_SET(&ring, head, 0x01020304);
	assert_true(made_ring_write(&ring, ring.size, path));
	attach = attach_path();
	assert_true(tw_attach_is_alive(attach));
	assert_int_equal(tw_attach_wait(attach, 0x04030201, -1), 0);
	assert_int_equal(tw_attach_wait(attach, 0x01020304, 1), 0);
	tw_attach_close(attach);
	made_ring_free(&ring);
	test_producer_kill(pid);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(start_time_of_odd_names),
		TEST(a_zombie_is_dead),
		TEST(a_process_outlives_its_first_thread),
		TEST(mappings),
		TEST(a_live_producer_is_running),
		TEST(a_recycled_pid_is_an_orphan),
		TEST(exec_leaves_an_orphan),
		TEST(closed_rings),
		TEST(an_heir_takes_over),
		TEST(an_attached_reader_follows_to_the_heir),
		TEST(wait_ends_at_once),
		TEST(wait_ends_when_a_page_is_turned),
		TEST(wait_ends_with_the_producer),
		TEST(wait_ends_with_a_signal),
		TEST(wait_in_the_other_byte_order),
	};

	return cmocka_run_group_tests_name("attach-process", tests, NULL, NULL);
}
