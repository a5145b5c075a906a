/* SPDX-License-Identifier: MIT */
/*
 * TRACKWAY_RING: the ring in memory that is there already, which is neither
 * made nor resized nor removed, and is one program's at a time.
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
#include <unistd.h>

#define SIZE (1u << 20)

/* A directory for rings, and one with the memory in it. */
struct fixture {
	struct traced_dir rings;
	struct traced_dir memory;
	char path[PATH_MAX];
	char variable[PATH_MAX + 16];
};

static int create(void **state)
{
	static struct fixture fixture;

	traced_dir_create(&fixture.rings);
	traced_dir_create(&fixture.memory);
	snprintf(fixture.path, sizeof(fixture.path), "%s/memory",
		 fixture.memory.path);
	snprintf(fixture.variable, sizeof(fixture.variable), "TRACKWAY_RING=%s",
		 fixture.path);
	*state = &fixture;
	return 0;
}

static int destroy(void **state)
{
	struct fixture *fixture = *state;

	traced_dir_remove(&fixture->rings);
	traced_dir_remove(&fixture->memory);
	return 0;
}

/* Memory that has had another use: no byte of it may be taken for a ring's. */
static void make_memory(const struct fixture *fixture, size_t size)
{
	int fd = open(fixture->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	char dirt[4096];

	assert_true(fd >= 0);
	memset(dirt, 0xff, sizeof(dirt));
	for (; size; size -= sizeof(dirt))
		assert_int_equal(write(fd, dirt, sizeof(dirt)), sizeof(dirt));
	close(fd);
}

static off_t size_of_memory(const struct fixture *fixture)
{
	struct stat st;

	return stat(fixture->path, &st) ? -1 : st.st_size;
}

static void start(struct traced *traced, const struct fixture *fixture,
		  const char *program, const char *verb)
{
	TRACED_START(
		traced, &fixture->rings, .arguments = {program, verb},
		.environment = {"TRACKWAY_EVENTS=count", fixture->variable});
}

/* It says where its ring is, and waits at its end. */
static void start_traced(struct traced *traced, const struct fixture *fixture,
			 const char *verb)
{
	start(traced, fixture, "program-start", verb);
	assert_string_equal(traced_line(traced) + strlen("path "),
			    fixture->path);
	traced_number(traced, "secure");
	assert_int_equal(traced_number(traced, "on"), 1);
	traced_expect(traced, "end");
}

/* It has no ring, for this reason, and runs to its end. */
static void assert_untraced(struct traced *traced, const char *why)
{
	const char *line = traced_line(traced);

	assert_non_null(line);
	if (strncmp(line, "error ", 6) != 0 || !strstr(line, why))
		fail_msg("it says \"%s\", nothing of \"%s\"", line, why);
	traced_number(traced, "secure");
	assert_int_equal(traced_number(traced, "on"), 0);
	assert_int_equal(traced_end(traced), 0);
}

static void the_ring_fills_the_memory_and_stays(void **state)
{
	const struct fixture *fixture = *state;
	struct traced traced;
	struct audit audit;

	make_memory(fixture, SIZE);
	start_traced(&traced, fixture, "exit");
	audit_all(&audit, fixture->path, NULL, NULL);
	assert_int_equal(audit.found, 10);
	assert_int_equal(audit.reader.control.generation, 1);
	assert_int_equal(audit.reader.control.pid, 0);
	assert_false(audit.reader.control.flags & TW_RING_CLOSED);
	assert_true(audit.reader.control.size <= SIZE);
	assert_true(audit.reader.control.size + audit.reader.control.page_size >
		    SIZE);
	assert_int_equal(audit_event_state(&audit, "count"), 1);
	assert_int_equal(audit_event_state(&audit, "text"), 0);
	audit_close(&audit);
	assert_int_equal(traced_dir_count(&fixture->rings), 0);
	assert_int_equal(traced_end(&traced), 0);
	assert_int_equal(size_of_memory(fixture), SIZE);
	audit_all(&audit, fixture->path, NULL, NULL);
	assert_int_equal(audit.found, 10);
	assert_true(audit.reader.control.flags & TW_RING_CLOSED);
	audit_close(&audit);
}

/* With a crash before, and with what it has left. */
static void the_next_program_is_the_next_generation(void **state)
{
	const struct fixture *fixture = *state;
	struct audit first, second;
	struct traced traced;

	make_memory(fixture, SIZE);
	start_traced(&traced, fixture, "crash");
	assert_int_equal(traced_end(&traced), -SIGKILL);
	audit_all(&first, fixture->path, NULL, NULL);
	audit_set_event_state(&first, "text", true);
	start_traced(&traced, fixture, "exit");
	audit_all(&second, fixture->path, NULL, NULL);
	assert_int_equal(second.reader.control.generation, 2);
	assert_memory_not_equal(first.reader.control.uuid,
				second.reader.control.uuid, 16);
	assert_int_equal(second.found, 10);
	assert_int_equal(audit_event_state(&second, "text"), 0);
	audit_close(&first);
	audit_close(&second);
	assert_int_equal(traced_end(&traced), 0);
}

static void it_is_one_programs_at_a_time(void **state)
{
	const struct fixture *fixture = *state;
	struct traced first, second;
	struct audit audit;

	make_memory(fixture, SIZE);
	start_traced(&first, fixture, "exit");
	start(&second, fixture, "program-start", "exit");
	assert_untraced(&second, "in use");
	audit_all(&audit, fixture->path, NULL, NULL);
	assert_int_equal(audit.reader.control.generation, 1);
	assert_int_equal(audit.found, 10);
	audit_close(&audit);
	assert_int_equal(traced_end(&first), 0);
	start_traced(&second, fixture, "exit");
	assert_int_equal(traced_end(&second), 0);
}

static void switches_work_through_it(void **state)
{
	const struct fixture *fixture = *state;
	struct traced traced;
	struct audit audit;
	uint64_t pid;

	/* Its child says what the switch is: see test-fork.c. */
	make_memory(fixture, SIZE);
	start(&traced, fixture, "program-fork", "quiet");
	pid = traced_number(&traced, "quiet");
	audit_all(&audit, fixture->path, NULL, NULL);
	audit_set_event_state(&audit, "handled", true);
	audit_close(&audit);
	traced_go(&traced);
	assert_int_equal(traced_number(&traced, "child"), pid);
	/* With its first event it has a ring of its own, a file. */
	audit_all(&audit, traced_dir_ring(&fixture->rings, (pid_t)pid), NULL,
		  NULL);
	assert_int_equal(audit.reader.control.pid, pid);
	assert_int_equal(audit.found, 1);
	audit_close(&audit);
	traced_go(&traced);
	traced_number(&traced, "parent");
	audit_all(&audit, fixture->path, NULL, NULL);
	assert_int_equal(audit.found, 200);
	audit_close(&audit);
	assert_int_equal(traced_end(&traced), 0);
	assert_int_equal(traced_dir_count(&fixture->rings), 0);
	assert_int_equal(size_of_memory(fixture), SIZE);
}

static void what_cannot_be_used_is_left_alone(void **state)
{
	const struct fixture *fixture = *state;
	struct traced traced;

	start(&traced, fixture, "program-start", "exit");
	assert_untraced(&traced, "ENOENT");
	assert_int_equal(size_of_memory(fixture), -1);
	make_memory(fixture, 64 << 10);
	start(&traced, fixture, "program-start", "exit");
	assert_untraced(&traced, "too small");
	assert_int_equal(size_of_memory(fixture), 64 << 10);
	TRACED_START(&traced, &fixture->rings,
		     .arguments = {"program-start", "exit"},
		     .environment = {"TRACKWAY_RING=memory"});
	assert_untraced(&traced, "TRACKWAY_RING");
	assert_int_equal(traced_dir_count(&fixture->rings), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_ring_fills_the_memory_and_stays),
		TEST(the_next_program_is_the_next_generation),
		TEST(it_is_one_programs_at_a_time),
		TEST(switches_work_through_it),
		TEST(what_cannot_be_used_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
