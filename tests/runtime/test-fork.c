/* SPDX-License-Identifier: MIT */
/*
 * fork() and its kin: a child's events are its own ring's, the parent's ring is
 * unharmed, and nothing stays behind.
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

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <trackway/state.h>
#include <unistd.h>

#define THREADS 64
#define INTERRUPTED                                               \
	1000000 /* the number of the event that a fork interrupts \
		 */

/* What a ring holds: of each thread how many, and of the other events. */
struct found {
	uint64_t count[THREADS];
	uint64_t interrupted;
	uint64_t handled;
	uint64_t nothing;
};

static void on_event(void *context, const struct audit_event *event)
{
	struct found *found = context;
	uint64_t thread;

	if (!strcmp(event->name, "nothing")) {
		found->nothing++;
		return;
	}
	thread = event->values[0].u;
	assert_true(thread < THREADS);
	assert_true(event->values[2].u == check_of(thread, event->values[1].u));
	if (!strcmp(event->name, "handled")) {
		found->handled++;
		return;
	}
	assert_string_equal(event->name, "count");
	if (event->values[1].u == INTERRUPTED) {
		found->interrupted++;
		return;
	}
	assert_int_equal(event->values[1].u, found->count[thread]);
	found->count[thread]++;
}

/* The whole of a ring: its owner, and that nothing was lost. */
static void read_ring(const struct traced_dir *dir, uint64_t pid,
		      struct found *found, struct audit *audit)
{
	memset(found, 0, sizeof(*found));
	audit_all(audit, traced_dir_ring(dir, (pid_t)pid), on_event, found);
	assert_int_equal(audit->reader.control.pid, pid);
	assert_int_equal(audit->found, audit->written);
	assert_int_equal(audit->discarded, 0);
}

/* So many events "count" of one thread in the process's ring, nothing else. */
static void assert_counts(const struct traced_dir *dir, uint64_t pid,
			  unsigned thread, uint64_t count)
{
	struct found found;
	struct audit audit;

	read_ring(dir, pid, &found, &audit);
	assert_int_equal(found.count[thread], count);
	assert_int_equal(audit.found, count);
	audit_close(&audit);
}

static bool has_heir(struct audit *audit, uint64_t pid)
{
	uint32_t i, heir;

	for (i = 0; i < TW_RING_HEIRS; i++) {
		assert_int_equal(tw_ring_heir(&audit->reader, i, &heir), 0);
		if (heir == pid)
			return true;
	}
	return false;
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
	traced_dir_remove(*state);
	return 0;
}

static void start(struct traced *traced, const struct traced_dir *dir,
		  const char *verb)
{
	TRACED_START(traced, dir, .arguments = {"program-fork", verb},
		     .environment = {"TRACKWAY_EVENTS=count,nothing",
				     "TRACKWAY_RING_SIZE=1M"});
}

/* The end: no ring is left. */
static void end(struct traced *traced, const struct traced_dir *dir)
{
	assert_int_equal(traced_end(traced), 0);
	assert_int_equal(traced_dir_count(dir), 0);
}

static void a_child_has_its_own_ring(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced traced;
	struct audit parent, child;
	struct found found;
	uint64_t pid;

	start(&traced, dir, "plain");
	pid = traced_number(&traced, "child");
	assert_int_not_equal(pid, traced.pid);
	assert_counts(dir, (uint64_t)traced.pid, 0, 100);
	assert_counts(dir, pid, 1, 50);
	read_ring(dir, (uint64_t)traced.pid, &found, &parent);
	read_ring(dir, pid, &found, &child);
	assert_memory_not_equal(parent.reader.control.uuid,
				child.reader.control.uuid, 16);
	assert_int_equal(audit_event_id(&parent, "text"),
			 audit_event_id(&child, "text"));
	assert_int_equal(audit_event_state(&child, "count"), 1);
	assert_int_equal(audit_event_state(&child, "text"), 0);
	assert_false(has_heir(&parent, pid));
	/* From now on each has its own switches. */
	audit_set_event_state(&child, "text", true);
	assert_int_equal(audit_event_state(&child, "text"), 1);
	assert_int_equal(audit_event_state(&parent, "text"), 0);
	audit_close(&parent);
	audit_close(&child);
	traced_go(&traced);
	assert_int_equal(traced_number(&traced, "parent"), traced.pid);
	assert_counts(dir, (uint64_t)traced.pid, 0, 200);
	assert_false(traced_dir_has_ring(dir, (pid_t)pid));
	end(&traced, dir);
}

static void so_has_its_child(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced traced;
	uint64_t pid;

	start(&traced, dir, "grandchild");
	pid = traced_number(&traced, "grandchild");
	assert_counts(dir, pid, 2, 20);
	traced_go(&traced);
	assert_false(traced_number(&traced, "child") == pid);
	assert_int_equal(traced_dir_count(dir), 2);
	traced_go(&traced);
	traced_number(&traced, "parent");
	assert_counts(dir, (uint64_t)traced.pid, 0, 200);
	end(&traced, dir);
}

static void a_quiet_child_is_switched_through_its_parent(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced traced;
	struct audit parent;
	struct found found;
	uint64_t pid;

	start(&traced, dir, "quiet");
	pid = traced_number(&traced, "quiet");
	assert_int_equal(traced_dir_count(dir), 1);
	read_ring(dir, (uint64_t)traced.pid, &found, &parent);
	assert_true(has_heir(&parent, pid));
	audit_set_event_state(&parent, "handled", true);
	traced_go(&traced);
	assert_int_equal(traced_number(&traced, "child"), pid);
	assert_false(has_heir(&parent, pid));
	audit_close(&parent);
	read_ring(dir, pid, &found, &parent);
	assert_int_equal(found.handled, 1);
	assert_int_equal(parent.found, 1);
	assert_int_equal(audit_event_state(&parent, "handled"), 1);
	audit_close(&parent);
	traced_go(&traced);
	traced_number(&traced, "parent");
	assert_counts(dir, (uint64_t)traced.pid, 0, 200);
	end(&traced, dir);
}

/* These children make no ring, and leave the parent's as it was. */
static void leaves_nothing(const struct traced_dir *dir, const char *verb)
{
	struct traced traced;

	start(&traced, dir, verb);
	assert_int_equal(traced_number(&traced, "parent"), traced.pid);
	assert_int_equal(traced_dir_count(dir), 1);
	assert_counts(dir, (uint64_t)traced.pid, 0, 200);
	end(&traced, dir);
}

static void a_silent_child_leaves_nothing(void **state)
{
	leaves_nothing(*state, "silent");
}

static void exec_leaves_nothing(void **state)
{
	leaves_nothing(*state, "exec");
}

static void system_and_its_like_leave_nothing(void **state)
{
	leaves_nothing(*state, "libc-exec");
}

/* Up to where the daemon's ancestors have ended; returns the daemon's pid. */
static uint64_t start_daemon(struct traced *traced,
			     const struct traced_dir *dir, const char *verb)
{
	int status;

	start(traced, dir, verb);
	assert_int_equal(waitpid(traced->pid, &status, 0), traced->pid);
	assert_int_equal(status, 0);
	traced_go(traced);
	return traced_number(traced, "daemon");
}

/* The daemon is no child of ours: its end is that of its output. */
static void end_daemon(struct traced *traced, const struct traced_dir *dir)
{
	close(traced->to);
	assert_null(traced_line(traced));
	fclose(traced->from);
	/* Its descriptors are closed a moment after its destructors. */
	assert_int_equal(traced_dir_count(dir), 0);
}

static void a_daemon_is_found_and_switched(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced traced;
	struct audit audit;
	struct found found;
	uint64_t pid;

	pid = start_daemon(&traced, dir, "daemon-emits");
	assert_int_equal(traced_dir_count(dir), 1);
	read_ring(dir, (uint64_t)traced.pid, &found, &audit);
	assert_true(audit.reader.control.flags & TW_RING_CLOSED);
	assert_true(has_heir(&audit, pid));
	assert_int_equal(found.count[0], 100);
	audit_set_event_state(&audit, "handled", true);
	audit_close(&audit);
	traced_go(&traced);
	assert_int_equal(traced_number(&traced, "emitted"), pid);
	read_ring(dir, pid, &found, &audit);
	assert_int_equal(found.handled, 1);
	assert_int_equal(audit.found, 1);
	assert_false(audit.reader.control.flags & TW_RING_CLOSED);
	audit_close(&audit);
	/* Nobody lives on the ancestor's ring any more. */
	assert_false(traced_dir_has_ring(dir, traced.pid));
	end_daemon(&traced, dir);
}

static void a_silent_daemon_takes_the_ring_with_it(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced traced;

	start_daemon(&traced, dir, "daemon-silent");
	assert_true(traced_dir_has_ring(dir, traced.pid));
	end_daemon(&traced, dir);
}

/* Kept files, so that each child's can be read. */
static void children_of_a_busy_program(void **state)
{
	struct traced_dir dir;
	struct traced traced;
	struct audit audit;
	const struct dirent *entry;
	uint64_t returned, pid;
	unsigned children = 0;
	DIR *stream;

	(void)state;
	traced_dir_create(&dir);
	TRACED_START(&traced, &dir, .arguments = {"program-fork", "threads"},
		     .environment = {"TRACKWAY_EVENTS=count",
				     "TRACKWAY_RING_SIZE=1M",
				     "TRACKWAY_KEEP=1"});
	returned = traced_number(&traced, "returned");
	traced_number(&traced, "parent");
	assert_int_equal(traced_dir_count(&dir), scaled(40) + 1);
	stream = opendir(dir.path);
	assert_non_null(stream);
	while ((entry = readdir(stream))) {
		if (sscanf(entry->d_name, "%*[^.].%" SCNu64 ".ring", &pid) !=
			    1 ||
		    pid == (uint64_t)traced.pid)
			continue;
		assert_counts(&dir, pid, 9, 100);
		children++;
	}
	closedir(stream);
	assert_int_equal(children, scaled(40));
	audit_all(&audit, traced_dir_ring(&dir, traced.pid), NULL, NULL);
	assert_int_equal(audit.written + audit.discarded, returned);
	audit_close(&audit);
	assert_int_equal(traced_end(&traced), 0);
	traced_dir_remove(&dir);
}

static void all_threads_of_a_child_are_counted(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced traced;
	struct audit audit;
	uint64_t pid;

	start(&traced, dir, "threads-in-child");
	pid = traced_number(&traced, "child");
	audit_all(&audit, traced_dir_ring(dir, (pid_t)pid), NULL, NULL);
	assert_int_equal(audit.written + audit.discarded, 800);
	audit_close(&audit);
	traced_go(&traced);
	traced_number(&traced, "parent");
	assert_counts(dir, (uint64_t)traced.pid, 0, 200);
	end(&traced, dir);
}

/* The thread sanitizer makes it a fork(), and a fork() in a handler an error.
 */
static void skip_with_thread_sanitizer(void)
{
	if (TW_THREAD_SANITIZER) {
		print_message("not with the thread sanitizer\n");
		skip();
	}
}

static void a_forking_threads_end_harms_no_other(void **state)
{
	const struct traced_dir *dir = *state;
	struct tw_ring_lane lane;
	struct traced traced;
	struct audit audit;
	struct found found;
	uint64_t pid;

	skip_with_thread_sanitizer();
	start(&traced, dir, "thread-ends-in-child");
	pid = traced_number(&traced, "child");
	read_ring(dir, pid, &found, &audit);
	assert_int_equal(found.count[1], 100);
	assert_int_equal(audit.found, 100);
	assert_int_equal(audit.lanes, 1);
	/* One page: nobody has closed it in between. */
	assert_int_equal(tw_ring_read_lane(&audit.reader, 0, &lane), 0);
	assert_int_equal(lane.seq, 1);
	audit_close(&audit);
	traced_go(&traced);
	traced_number(&traced, "parent");
	end(&traced, dir);
}

static void vforked(const struct traced_dir *dir, const char *verb)
{
	struct traced traced;
	struct audit audit;
	struct found found;

	skip_with_thread_sanitizer();
	start(&traced, dir, verb);
	assert_int_equal(traced_number(&traced, "parent"), traced.pid);
	assert_int_equal(traced_dir_count(dir), 1);
	read_ring(dir, (uint64_t)traced.pid, &found, &audit);
	assert_int_equal(found.count[0], 200);
	assert_int_equal(found.nothing, 1);
	audit_close(&audit);
	end(&traced, dir);
}

static void vfork_is_the_parent(void **state)
{
	vforked(*state, "vfork-after-events");
}

static void vfork_first_is_the_parent(void **state)
{
	vforked(*state, "vfork-before-any-event");
}

/* A child made behind libc's back ends as a crash does: its ring stays. */
static void bare(const struct traced_dir *dir, const char *verb)
{
	struct traced traced;
	uint64_t pid;

	start(&traced, dir, verb);
	pid = traced_number(&traced, "child");
	assert_int_not_equal(pid, traced.pid);
	assert_counts(dir, (uint64_t)traced.pid, 0, 100);
	assert_counts(dir, pid, 1, 50);
	traced_go(&traced);
	traced_number(&traced, "parent");
	assert_counts(dir, (uint64_t)traced.pid, 0, 200);
	assert_int_equal(unlink(traced_dir_ring(dir, (pid_t)pid)), 0);
	end(&traced, dir);
}

static void a_bare_fork_is_seen(void **state)
{
	bare(*state, "bare-fork");
}

static void a_bare_clone_is_seen(void **state)
{
	bare(*state, "bare-clone");
}

/* The child's end of the event that the fork interrupted harms neither ring. */
static void in_handler(const struct traced_dir *dir, const char *verb,
		       uint64_t childs)
{
	struct traced traced;
	struct audit audit;
	struct found found;
	uint64_t pid;

	skip_with_thread_sanitizer();
	start(&traced, dir, verb);
	pid = traced_number(&traced, "child");
	read_ring(dir, pid, &found, &audit);
	assert_int_equal(found.count[1], childs);
	assert_int_equal(found.count[0], 0);
	audit_close(&audit);
	traced_go(&traced);
	traced_number(&traced, "parent");
	read_ring(dir, (uint64_t)traced.pid, &found, &audit);
	assert_int_equal(found.count[0], 99 + 50 + 100);
	assert_int_equal(found.interrupted, 1);
	assert_int_equal(audit.found, 99 + 50 + 100 + 1);
	audit_close(&audit);
	end(&traced, dir);
}

static void a_fork_in_a_handler_harms_nobody(void **state)
{
	in_handler(*state, "handler", 40);
}

static void nor_does_an_event_in_the_handler(void **state)
{
	in_handler(*state, "handler-emits", 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_child_has_its_own_ring),
		TEST(so_has_its_child),
		TEST(a_quiet_child_is_switched_through_its_parent),
		TEST(a_silent_child_leaves_nothing),
		TEST(exec_leaves_nothing),
		TEST(system_and_its_like_leave_nothing),
		TEST(a_daemon_is_found_and_switched),
		TEST(a_silent_daemon_takes_the_ring_with_it),
		TEST(children_of_a_busy_program),
		TEST(all_threads_of_a_child_are_counted),
		TEST(a_forking_threads_end_harms_no_other),
		TEST(vfork_is_the_parent),
		TEST(vfork_first_is_the_parent),
		TEST(a_bare_fork_is_seen),
		TEST(a_bare_clone_is_seen),
		TEST(a_fork_in_a_handler_harms_nobody),
		TEST(nor_does_an_event_in_the_handler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
