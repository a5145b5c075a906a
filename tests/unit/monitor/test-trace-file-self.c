/* SPDX-License-Identifier: MIT */
/*
 * A program that records itself, through the library that it has a monitor
 * from. Its ring is small, and who finds it full waits (mode "block"), in the
 * thread of the monitor as in any other: so if the recorder waited for one who
 * waits for it, events would be lost after a minute; and if it lost any, or
 * emitted some itself, they would be seen. Run with TRACKWAY=manual.
 */
#include <trackway/monitor.h>
#include <trackway/tracepoint.h>
#include <trackway/trackway.h>

#include "../../../src/trace/read.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

DECLARE_TRACE(step, TP_PROTO(uint32_t thread, uint64_t number),
	      TP_ARGS(thread, number),
	      TP_STRUCT__entry(__field(uint32_t, thread);
			       __field(uint64_t, number);))
DEFINE_TRACE(step, TP_PROTO(uint32_t thread, uint64_t number),
	     TP_fast_assign(__entry->thread = thread;
			    __entry->number = number;),
	     TP_printk("thread %u number %" PRIu64, __entry->thread,
		       __entry->number))

#define THREADS 3u
#define PARTS 6
#define PART_EVENTS 10000 /* some laps of the ring */

static char directory[] = "/tmp/trackway-self-XXXXXX";
static struct tw_monitor *monitor;
static struct tw_monitor_client *client;
static uint64_t written[THREADS];
static uint64_t next[THREADS];
static bool is_over;
static volatile sig_atomic_t handled;

static int setup(void **state)
{
	const struct tw_runtime_options options = {
		.size = sizeof(options),
		.name = "self",
		.directory = directory,
		.ring_size = 64u << 10,
		.mode = "block:60000",
	};
	char why[512];

	if (!mkdtemp(directory) || chdir(directory) ||
	    tw_runtime_start(&options))
		return -1;
	if (tw_monitor_open(NULL, 0, &monitor, why, sizeof(why))) {
		puts(why);
		return -1;
	}
	return tw_monitor_client_create(monitor, TW_MONITOR_TEXT, &client);
}

static int teardown(void **state)
{
	char command[64];

	tw_monitor_client_destroy(client);
	tw_monitor_destroy(monitor);
	tw_runtime_stop();
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static void order(const char *line)
{
	char answer[512];
	size_t size;

	assert_int_equal(tw_monitor_feed(client, line, strlen(line)),
			 strlen(line));
	size = tw_monitor_pull(client, answer, sizeof(answer) - 1);
	answer[size] = '\0';
	assert_string_equal(answer, "");
}

/* ---- Writing ---- */

static void emit(uint32_t thread)
{
	trace_step(thread, written[thread]++);
}

static void *write_on(void *context)
{
	const uint32_t thread = (uint32_t)(uintptr_t)context;

	while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE))
		emit(thread);
	return NULL;
}

static void on_alarm(int number)
{
	(void)number;
	handled++;
}

/* A child writes into a ring of its own, and none of that is recorded. */
static void fork_child(void)
{
	const pid_t pid = fork();
	int status;

	if (!pid) {
		for (int i = 0; i < 10; i++)
			trace_step(0, 1000000);
		tw_monitor_destroy(monitor);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- Reading ---- */

static uint64_t value_of(const struct tw_record *record, uint32_t field)
{
	struct tw_value value;
	size_t offset = 0;

	for (uint32_t i = 0; i <= field; i++)
		tw_fields_value(record->event.event, i, record->event.fields,
				&offset, record->producer->decoder.swap,
				&value);
	return value.u;
}

static void take(const char *path)
{
	const struct tw_record *record;
	struct tw_attach_error error;
	struct tw_trace *trace;

	assert_int_equal(tw_trace_create(&trace), 0);
	if (tw_trace_add_directory(trace, path, &error))
		fail_msg("%s", error.text);
	while (tw_trace_next(trace, &record) == 1) {
		uint64_t thread;

		assert_int_equal(record->kind, TW_RECORD_EVENT);
		assert_string_equal(record->event.event->name, "step");
		thread = value_of(record, 0);
		assert_true(thread < THREADS);
		assert_int_equal(value_of(record, 1), next[thread]);
		next[thread]++;
	}
	assert_int_equal(tw_trace_warning_count(trace), 0);
	tw_trace_destroy(trace);
}

/* ---- Tests ---- */

static void test_all_is_recorded(void **state)
{
	pthread_t threads[THREADS];
	char line[64];

	order("trace-event step on\n");
	order("trace-file set 0/\n");
	order("trace-file on\n");
	for (uintptr_t i = 1; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, write_on, (void *)i),
			0);
	for (int part = 1; part <= PARTS; part++) {
		for (int i = 0; i < PART_EVENTS; i++)
			emit(0);
		order("trace-file flush\n");
		emit(0);
		snprintf(line, sizeof(line), "trace-file set %d/\n", part);
		order(line);
	}
	fork_child();
	__atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
	for (uint32_t i = 1; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	order("trace-file off\n");
	for (int part = 0; part <= PARTS; part++) {
		snprintf(line, sizeof(line), "%d/", part);
		take(line);
	}
	assert_memory_equal(next, written, sizeof(next));
	assert_int_equal(next[0], PARTS * (PART_EVENTS + 1));
}

/* Where every thread of the program blocks a signal, nobody gets it. */
static void test_signals_are_the_programs(void **state)
{
	sigset_t blocked, before;

	signal(SIGUSR1, on_alarm);
	order("trace-file set signals/\n");
	order("trace-file on\n");
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	kill(getpid(), SIGUSR1);
	/* The recorder has taken a turn, and is not interrupted in it. */
	order("trace-file flush\n");
	assert_int_equal(handled, 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert_int_equal(handled, 1);
	order("trace-file off\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_recorded),
		cmocka_unit_test(test_signals_are_the_programs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
