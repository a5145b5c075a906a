/* SPDX-License-Identifier: MIT */
/*
 * What a traced program asks of the kernel, as strace sees it: no thread, no
 * socket, and, once the ring has been used to its end, nothing at all for a
 * million events and for ten.
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

#include <string.h>
#include <unistd.h>

#define STRACE "/usr/bin/strace"
#define ROUNDS 4

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

/* program-emit under strace, which writes to the file. */
static void start(struct traced *traced, void **state, const char *file,
		  const char *events, const char *threads)
{
	char program[PATH_MAX];

	strcpy(program, traced_program("program-emit"));
	TRACED_START(traced, *state,
		     .arguments = {STRACE, "-f", "-qq", "-o", file, program,
				   events, threads},
		     .environment = {"TRACKWAY_EVENTS=*",
				     "TRACKWAY_RING_SIZE=1M",
				     "ASAN_OPTIONS=detect_leaks=0"});
}

static bool can_trace(void **state)
{
	struct traced traced;
	bool can;

	if (access(STRACE, X_OK)) {
		print_message("no strace here\n");
		return false;
	}
	start(&traced, state, "/dev/null", "1", "1");
	can = traced_line(&traced) != NULL;
	traced_end(&traced);
	if (!can)
		print_message("strace can't trace here\n");
	return can;
}

/* The system call in a line of strace's: "PID  NAME(...". */
static const char *call_of(char *line)
{
	char *at = line + strspn(line, "0123456789 ");
	char *end = strchr(at, '(');

	if (!end)
		return NULL;
	*end = 0;
	return at;
}

static bool is_forbidden(const char *call)
{
	static const char *const forbidden[] = {
		"accept",  "bind",   "clone",	   "clone3",
		"connect", "fork",   "io_setup",   "io_uring_setup",
		"listen",  "socket", "socketpair", "vfork",
	};
	size_t i;

	for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (!strcmp(call, forbidden[i]))
			return true;
	return false;
}

/*
 * The calls between each read() from standard input, which is the step that
 * lets the program emit, and the write() after it, which says that it has.
 */
static void count_calls(const char *file, unsigned calls[ROUNDS])
{
	FILE *lines = fopen(file, "re");
	char *line = NULL;
	size_t room = 0;
	unsigned round = 0;
	bool emitting = false;

	assert_non_null(lines);
	memset(calls, 0, ROUNDS * sizeof(*calls));
	while (getline(&line, &room, lines) > 0) {
		const bool is_step = strstr(line, "read(0, ") != NULL;
		const char *call = call_of(line);

		if (!call)
			continue;
		if (is_forbidden(call))
			fail_msg("it calls %s()", call);
		if (is_step) {
			emitting = true;
		} else if (emitting && !strcmp(call, "write")) {
			emitting = false;
			round++;
		} else if (emitting && round < ROUNDS) {
			print_message("round %u: %s()\n", round, call);
			calls[round]++;
		}
	}
	free(line);
	fclose(lines);
	assert_true(round >= ROUNDS);
}

static void none_for_an_event(void **state)
{
	const struct traced_dir *dir = *state;
	unsigned calls[ROUNDS], i;
	struct traced traced;
	struct audit audit;
	char file[PATH_MAX];

	if (!can_trace(state))
		skip();
	snprintf(file, sizeof(file), "%s/calls", dir->path);
	start(&traced, state, file, "1000000", "1");
	traced_expect(&traced, "ready");
	for (i = 0; i < ROUNDS; i++) {
		traced_go(&traced);
		assert_int_equal(traced_number(&traced, "returned"),
				 (i + 1) * UINT64_C(1000000));
		traced_number(&traced, "naps");
	}
	audit_open(&audit, traced_dir_only_ring(dir), NULL, NULL);
	audit_finish(&audit);
	assert_int_equal(audit.written, ROUNDS * UINT64_C(1000000));
	audit_close(&audit);
	assert_int_equal(traced_end(&traced), 0);
	count_calls(file, calls);
	/* The first round gets memory for the pages, and a lane. */
	assert_true(calls[0] > 0 && calls[0] < 100);
	for (i = 1; i < ROUNDS; i++)
		assert_int_equal(calls[i], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(none_for_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
