/* SPDX-License-Identifier: MIT */
/*
 * How a program gets its ring, or doesn't, and what it leaves: the environment,
 * the directory, clean ends and crashes.
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

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void start(struct traced *traced, void **state, const char *end,
		  const char *first, const char *second)
{
	TRACED_START(traced, *state, .arguments = {"program-start", end},
		     .environment = {"TRACKWAY_EVENTS=count", first, second});
}

/* It has a ring, and its events are on. */
static void assert_traced(struct traced *traced)
{
	const char *line = traced_line(traced);

	assert_non_null(line);
	if (strncmp(line, "path ", 5) != 0)
		fail_msg("it says \"%s\"", line);
	traced_number(traced, "secure");
	assert_int_equal(traced_number(traced, "on"), 1);
	traced_expect(traced, "end");
}

/* It has none, and says why in these words; and it runs to its end. */
static void assert_untraced(struct traced *traced, const char *why)
{
	const char *line = traced_line(traced);

	assert_non_null(line);
	if (strncmp(line, "error ", 6) != 0 || !strstr(line, why))
		fail_msg("it says \"%s\", nothing of \"%s\"", line, why);
	traced_number(traced, "secure");
	assert_int_equal(traced_number(traced, "on"), 0);
	traced_expect(traced, "end");
	assert_int_equal(traced_end(traced), 0);
}

static void a_clean_end_removes_the_file(void **state)
{
	struct traced traced;

	start(&traced, state, "exit", NULL, NULL);
	assert_traced(&traced);
	assert_true(traced_dir_has_ring(*state, traced.pid));
	assert_int_equal(traced_end(&traced), 0);
	assert_int_equal(traced_dir_count(*state), 0);
}

static void unless_it_is_to_be_kept(void **state)
{
	struct traced traced;
	struct audit audit;

	start(&traced, state, "exit", "TRACKWAY_KEEP=1", NULL);
	assert_traced(&traced);
	audit_open(&audit, traced_dir_ring(*state, traced.pid), NULL, NULL);
	assert_false(audit.reader.control.flags & TW_RING_CLOSED);
	audit_close(&audit);
	assert_int_equal(traced_end(&traced), 0);
	audit_all(&audit, traced_dir_ring(*state, traced.pid), NULL, NULL);
	assert_true(audit.reader.control.flags & TW_RING_CLOSED);
	assert_int_equal(audit.found, 10);
	audit_close(&audit);
}

static void crash(struct traced *traced, void **state)
{
	start(traced, state, "crash", NULL, NULL);
	assert_traced(traced);
	assert_int_equal(traced_end(traced), -SIGKILL);
	assert_true(traced_dir_has_ring(*state, traced->pid));
}

static void of_crashes_the_newest_three_are_kept(void **state)
{
	struct traced traced[6], last;
	struct audit audit;
	unsigned i;

	for (i = 0; i < 6; i++)
		crash(&traced[i], state);
	/* Each start looks, and so finds those of the five before the last. */
	assert_int_equal(traced_dir_count(*state), 4);
	start(&last, state, "exit", NULL, NULL);
	assert_traced(&last);
	assert_int_equal(traced_dir_count(*state), 3 + 1);
	for (i = 0; i < 6; i++)
		assert_int_equal(traced_dir_has_ring(*state, traced[i].pid),
				 i >= 3);
	audit_all(&audit, traced_dir_ring(*state, traced[5].pid), NULL, NULL);
	assert_int_equal(audit.found, 10);
	assert_false(audit.reader.control.flags & TW_RING_CLOSED);
	audit_close(&audit);
	assert_int_equal(traced_end(&last), 0);
	assert_int_equal(traced_dir_count(*state), 3);
}

/* A pid that is nobody's. */
static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* Crashes that were less than a second apart, in no order of their names. */
static void the_newest_to_the_nanosecond(void **state)
{
	static const long age_ns[] = {300, 100, 500, 200, 400, 600};
	const struct traced_dir *dir = *state;
	struct tw_ring_control control;
	struct traced traced;
	struct audit audit;
	pid_t pid[6];
	unsigned i;

	start(&traced, state, "exit", NULL, NULL);
	assert_traced(&traced);
	audit_open(&audit, traced_dir_ring(dir, traced.pid), NULL, NULL);
	control = *(struct tw_ring_control *)audit.base;
	audit_close(&audit);
	assert_int_equal(traced_end(&traced), 0);
	for (i = 0; i < 6; i++) {
		struct timespec times[2] = {{1000000000, 1000 - age_ns[i]},
					    {1000000000, 1000 - age_ns[i]}};
		char path[PATH_MAX];
		int fd;

		pid[i] = dead_pid();
		snprintf(path, sizeof(path), "%s/program-start.%d.ring",
			 dir->path, (int)pid[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(write(fd, &control, sizeof(control)),
				 sizeof(control));
		assert_int_equal(futimens(fd, times), 0);
		close(fd);
	}
	start(&traced, state, "exit", NULL, NULL);
	assert_traced(&traced);
	for (i = 0; i < 6; i++)
		assert_int_equal(traced_dir_has_ring(dir, pid[i]),
				 age_ns[i] <= 300);
	assert_int_equal(traced_end(&traced), 0);
}

static void other_programs_files_are_left_alone(void **state)
{
	const struct traced_dir *dir = *state;
	static const char *const names[] = {
		"program-start.ring",
		"program-start.x.ring",
		"other.99999999.ring",
		"program-start-2.99999.ring",
		"program-start.12.34.ring",
		"program-start.1000000000000.ring",
		"program-start.4194304.rings",
	};
	struct traced traced;
	char path[PATH_MAX];
	FILE *file;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir->path, names[i]);
		file = fopen(path, "w");
		assert_non_null(file);
		fclose(file);
	}
	for (i = 0; i < 5; i++)
		crash(&traced, state);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir->path, names[i]);
		assert_int_equal(access(path, F_OK), 0);
	}
}

static void off_is_off(void **state)
{
	struct traced traced;

	start(&traced, state, "exit", "TRACKWAY=off", NULL);
	assert_untraced(&traced, "TRACKWAY=off");
	assert_int_equal(traced_dir_count(*state), 0);
}

static void bad_values_are_named(void **state)
{
	static const char *const bad[] = {
		"TRACKWAY=maybe",
		"TRACKWAY_CLOCK=sundial",
		"TRACKWAY_DIR=relative/path",
		"TRACKWAY_DIR=",
		"TRACKWAY_LOG=loud",
		"TRACKWAY_MODE=sometimes",
		"TRACKWAY_MODE=block:",
		"TRACKWAY_MODE=block:soon",
		"TRACKWAY_MODE=block:99999999999",
		"TRACKWAY_RING_SIZE=",
		"TRACKWAY_RING_SIZE=0",
		"TRACKWAY_RING_SIZE=-1",
		"TRACKWAY_RING_SIZE=4K",
		"TRACKWAY_RING_SIZE=16X",
		"TRACKWAY_RING_SIZE=16MM",
		"TRACKWAY_RING_SIZE=99999999999999999999",
		"TRACKWAY_RING_SIZE=18446744073709551615G",
	};
	struct traced traced;
	char name[64];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(bad[i], "="),
			 bad[i]);
		/* Where it is the directory that is bad, there is no other. */
		if (!strcmp(name, "TRACKWAY_DIR"))
			TRACED_START(&traced, NULL,
				     .arguments = {"program-start", "exit"},
				     .environment = {bad[i]});
		else
			start(&traced, state, "exit", bad[i], NULL);
		assert_untraced(&traced, name);
	}
	assert_int_equal(traced_dir_count(*state), 0);
}

static void too_long_a_list_is_refused(void **state)
{
	static char list[8192] = "TRACKWAY_EVENTS=";
	struct traced traced;

	memset(list + strlen(list), 'x', sizeof(list) - strlen(list) - 1);
	TRACED_START(&traced, *state, .arguments = {"program-start", "exit"},
		     .environment = {list});
	assert_untraced(&traced, "TRACKWAY_EVENTS");
}

static void good_values_are_taken(void **state)
{
	static const struct {
		const char *variable;
		uint32_t mode;
		uint32_t block_ms;
		uint64_t pages; /* bytes of all of them */
	} good[] = {
		{"TRACKWAY=on", TW_RING_OVERWRITE, 100, 16 << 20},
		{"TRACKWAY_RING_SIZE=64K", TW_RING_OVERWRITE, 100, 64 << 10},
		{"TRACKWAY_RING_SIZE=65536", TW_RING_OVERWRITE, 100, 64 << 10},
		{"TRACKWAY_RING_SIZE=1g", TW_RING_OVERWRITE, 100, 1 << 30},
		{"TRACKWAY_MODE=discard", TW_RING_DISCARD, 100, 16 << 20},
		{"TRACKWAY_MODE=block", TW_RING_BLOCK, 100, 16 << 20},
		{"TRACKWAY_MODE=block:7", TW_RING_BLOCK, 7, 16 << 20},
		{"TRACKWAY_LOG=timestamp", TW_RING_OVERWRITE, 100, 16 << 20},
	};
	struct traced traced;
	struct audit audit;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		start(&traced, state, "exit", good[i].variable, NULL);
		assert_traced(&traced);
		audit_open(&audit, traced_dir_ring(*state, traced.pid), NULL,
			   NULL);
		assert_int_equal(audit.reader.control.mode, good[i].mode);
		assert_int_equal(audit.reader.control.block_ms,
				 good[i].block_ms);
		assert_int_equal((uint64_t)audit.reader.control.page_count *
					 audit.reader.control.page_size,
				 good[i].pages);
		assert_int_equal(audit.reader.control.pid, traced.pid);
		assert_string_equal((char *)audit.reader.control.name,
				    "program-start");
		audit_close(&audit);
		assert_int_equal(traced_end(&traced), 0);
	}
}

/* In a directory that is this path under the test's own. */
static void start_in(struct traced *traced, void **state, const char *name)
{
	const struct traced_dir *dir = *state;
	char variable[PATH_MAX];

	snprintf(variable, sizeof(variable), "TRACKWAY_DIR=%s/%s", dir->path,
		 name);
	TRACED_START(traced, NULL, .arguments = {"program-start", "exit"},
		     .environment = {"TRACKWAY_EVENTS=count", variable});
}

static void a_directory_is_made_for_its_user_alone(void **state)
{
	struct traced_dir made;
	struct traced traced;
	struct stat st;

	start_in(&traced, state, "new");
	assert_traced(&traced);
	made = traced_dir_in(*state, "new");
	assert_int_equal(stat(made.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(traced_dir_ring(&made, traced.pid), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(traced_end(&traced), 0);
	traced_dir_remove(&made);
}

static void other_directories_are_refused(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced traced;
	char path[PATH_MAX], second[PATH_MAX];
	FILE *file;

	start_in(&traced, state, "missing/new");
	assert_untraced(&traced, "ENOENT");

	snprintf(path, sizeof(path), "%s/shared", dir->path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0777), 0);
	start_in(&traced, state, "shared");
	assert_untraced(&traced, "EPERM");
	assert_int_equal(chmod(path, 0770), 0);
	start_in(&traced, state, "shared");
	assert_untraced(&traced, "EPERM");
	assert_int_equal(chmod(path, 0700), 0);

	snprintf(second, sizeof(second), "%s/link", dir->path);
	assert_int_equal(symlink(path, second), 0);
	start_in(&traced, state, "link");
	assert_untraced(&traced, "ENOTDIR");

	snprintf(second, sizeof(second), "%s/file", dir->path);
	file = fopen(second, "w");
	assert_non_null(file);
	fclose(file);
	start_in(&traced, state, "file");
	assert_untraced(&traced, "ENOTDIR");
}

static void another_users_directory_is_refused(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced traced;
	char path[PATH_MAX];

	if (geteuid() != 0) {
		print_message("only root can make another's directory\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/other", dir->path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chown(path, 12345, 12345), 0);
	start_in(&traced, state, "other");
	assert_untraced(&traced, "EPERM");
}

/* Root can write everywhere, so as another user. */
static bool give_up_root(void *path)
{
	(void)path;
	return geteuid() != 0 || (!setgid(12345) && !setuid(12345));
}

static void an_unwritable_directory_is_no_disaster(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced traced;
	const char *line;
	char path[PATH_MAX], variable[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/unwritable", dir->path);
	assert_int_equal(mkdir(path, 0500), 0);
	snprintf(variable, sizeof(variable), "TRACKWAY_DIR=%s", path);
	if (geteuid() == 0) {
		assert_int_equal(chmod(dir->path, 0755), 0);
		assert_int_equal(chown(path, 12345, 12345), 0);
	}
	TRACED_START(&traced, NULL, .arguments = {"program-start", "exit"},
		     .environment = {"TRACKWAY_EVENTS=count", variable},
		     .prepare = give_up_root);
	line = traced_line(&traced);
	if (!line && traced_end(&traced) == 127) {
		print_message("another user can't run the test program\n");
		skip();
	}
	assert_non_null(line);
	assert_non_null(strstr(line, "EACCES"));
	assert_int_equal(traced_end(&traced), 0);
}

static void the_user_session_has_the_default_directory(void **state)
{
	const struct traced_dir *dir = *state;
	struct traced_dir made;
	struct traced traced;
	char variable[PATH_MAX];

	snprintf(variable, sizeof(variable), "XDG_RUNTIME_DIR=%s", dir->path);
	TRACED_START(&traced, NULL, .arguments = {"program-start", "exit"},
		     .environment = {"TRACKWAY_EVENTS=count", variable});
	assert_traced(&traced);
	made = traced_dir_in(dir, "trackway");
	assert_true(traced_dir_has_ring(&made, traced.pid));
	assert_int_equal(traced_end(&traced), 0);
	traced_dir_remove(&made);
}

static void names_are_fit_for_a_path_and_a_terminal(void **state)
{
	struct traced traced;
	struct audit audit;

	TRACED_START(&traced, *state, .arguments = {"program-start", "exit"},
		     .name = "/x/.\x1b[31m a-name-that-is-too-long-for-a-ring",
		     .environment = {"TRACKWAY_EVENTS=count"});
	assert_traced(&traced);
	audit_open(&audit, traced_dir_ring(*state, traced.pid), NULL, NULL);
	assert_string_equal((char *)audit.reader.control.name,
			    "__[31m_a-name-that-is-too-long-");
	audit_close(&audit);
	assert_int_equal(traced_end(&traced), 0);
}

/* For the reader of the log: what the design allows is a millisecond. */
static void starting_takes_its_time(void **state)
{
	uint64_t ns, best = UINT64_MAX;
	struct traced traced;
	unsigned i;

	for (i = 0; i < 10; i++) {
		TRACED_START(&traced, *state,
			     .arguments = {"program-start", "time"},
			     .environment = {"TRACKWAY=manual"});
		ns = traced_number(&traced, "ns");
		best = ns < best ? ns : best;
		assert_int_equal(traced_end(&traced), 0);
	}
	print_message("a start takes %" PRIu64 " us\n", best / 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_clean_end_removes_the_file),
		TEST(unless_it_is_to_be_kept),
		TEST(of_crashes_the_newest_three_are_kept),
		TEST(the_newest_to_the_nanosecond),
		TEST(other_programs_files_are_left_alone),
		TEST(off_is_off),
		TEST(bad_values_are_named),
		TEST(too_long_a_list_is_refused),
		TEST(good_values_are_taken),
		TEST(a_directory_is_made_for_its_user_alone),
		TEST(other_directories_are_refused),
		TEST(another_users_directory_is_refused),
		TEST(an_unwritable_directory_is_no_disaster),
		TEST(the_user_session_has_the_default_directory),
		TEST(names_are_fit_for_a_path_and_a_terminal),
		TEST(starting_takes_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
