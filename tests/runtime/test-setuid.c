/* SPDX-License-Identifier: MIT */
/*
 * A program with more rights than its user ignores the environment: nobody
 * chooses for it where it makes files. Needs root, and a file system where
 * setuid counts.
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
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHER_USER 12345u

static bool copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	ssize_t size = 0;

	while (in >= 0 && out >= 0 &&
	       (size = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	close(in);
	close(out);
	return in >= 0 && out >= 0 && size == 0;
}

/* Two directories: where the program is, and where it is told to trace to. */
struct places {
	struct traced_dir program;
	struct traced_dir rings;
};

static int create(void **state)
{
	static struct places places;

	traced_dir_create(&places.program);
	traced_dir_create(&places.rings);
	*state = &places;
	return 0;
}

static int destroy(void **state)
{
	struct places *places = *state;

	traced_dir_remove(&places->program);
	traced_dir_remove(&places->rings);
	return 0;
}

static void start(struct traced *traced, struct places *places,
		  const char *program, const char *variable)
{
	TRACED_START(traced, &places->rings, .arguments = {program, "exit"},
		     .environment = {"TRACKWAY_EVENTS=count",
				     "TRACKWAY_RING_SIZE=1M", variable});
}

static void the_environment_is_ignored(void **state)
{
	struct places *places = *state;
	const char *program = traced_program("program-setuid");
	struct traced traced;
	char path[PATH_MAX], line[PATH_MAX];

	snprintf(path, sizeof(path), "%s/program", places->program.path);
	assert_true(copy_file(program, path));
	assert_int_equal(chmod(places->program.path, 0755), 0);
	assert_int_equal(chown(path, OTHER_USER, OTHER_USER), 0);
	assert_int_equal(chmod(path, 04755), 0);
	/* Whoever heeds the last of these has no ring: see test-place.c. */
	start(&traced, places, path, "TRACKWAY_RING=/nowhere");
	snprintf(line, sizeof(line), "%s", traced_line(&traced));
	if (traced_number(&traced, "secure") == 0) {
		print_message("setuid doesn't count here\n");
		traced_end(&traced);
		skip();
	}
	/* It has a ring, elsewhere, and the events are off. */
	snprintf(path, sizeof(path), "path /dev/shm/trackway-%u/", OTHER_USER);
	assert_memory_equal(line, path, strlen(path));
	assert_int_equal(traced_number(&traced, "on"), 0);
	traced_expect(&traced, "end");
	assert_int_equal(traced_dir_count(&places->rings), 0);
	assert_int_equal(traced_end(&traced), 0);
}

/* The twin: the same program without the bit obeys. */
static void without_the_bit_it_is_not(void **state)
{
	struct places *places = *state;
	struct traced traced;

	start(&traced, places, "program-setuid", NULL);
	assert_true(!strncmp(traced_line(&traced), "path ", 5));
	assert_int_equal(traced_number(&traced, "secure"), 0);
	assert_int_equal(traced_number(&traced, "on"), 1);
	traced_expect(&traced, "end");
	assert_int_equal(traced_dir_count(&places->rings), 1);
	assert_int_equal(traced_end(&traced), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_environment_is_ignored),
		TEST(without_the_bit_it_is_not),
	};

	/* With a /dev/shm of its own, so that nothing is left in the real one,
	 * and nosuid doesn't hold. */
	if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777")) {
		puts("only root can make a program setuid");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
