/* SPDX-License-Identifier: MIT */
/*
 * emitter [OPTION...] EVENTS: a traced program for the tests of recording,
 * printing and counting. Emits so many events in each of its threads, says
 * "emitted", and ends.
 *
 *	-t N	threads
 *	-f N	children as well, by fork, each doing the same
 *	-p US	pause after each event, microseconds
 *	-r	say "ready" and wait for a line before the events
 *	-w	wait for a line after them
 *	-l	say "ready", and emit the events after each line that comes,
 *until there is none
 *	-s	its parent is stopped for the middle third of the events
 *	-k	be killed after them, by SIGKILL
 *	-x N	exit status
 *	-o	only one event, of odd values
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.h"

#define THREADS_MAX 32

static struct {
	uint64_t events;
	long threads;
	long children;
	unsigned pause_us;
	bool wait_before;
	bool wait_after;
	bool lines;
	bool stop_parent;
	bool kill;
	bool odd;
	int status;
} want = {.threads = 1};

/* Of a thread, by now: the number of its next one. */
static uint64_t emitted;

static void stop_parent_amid(uint64_t n)
{
	if (n == want.events / 3)
		kill(getppid(), SIGSTOP);
	if (n == want.events / 3 * 2)
		kill(getppid(), SIGCONT);
}

static void *emit(void *argument)
{
	const uint32_t thread = (uint32_t)(uintptr_t)argument;

	for (uint64_t n = emitted; n < emitted + want.events; n++) {
		if (want.stop_parent)
			stop_parent_amid(n);
		trace_count(thread, n, n * 2654435761u ^ thread);
		if (want.pause_us)
			usleep(want.pause_us);
	}
	return NULL;
}

static void emit_all(void)
{
	pthread_t threads[THREADS_MAX];
	long i;

	if (want.odd) {
		trace_odd_values(-1, UINT64_MAX, true,
				 "a\"\\\n\x1b[31m\xff\xc3\xa9", NULL);
		return;
	}
	for (i = 1; i < want.threads; i++)
		if (pthread_create(&threads[i], NULL, emit,
				   (void *)(uintptr_t)i))
			exit(99);
	emit(NULL);
	for (i = 1; i < want.threads; i++)
		pthread_join(threads[i], NULL);
	emitted += want.events;
}

static void emit_in_children(void)
{
	for (long i = 0; i < want.children; i++) {
		if (fork() == 0) {
			emit_all();
			exit(0);
		}
	}
	while (wait(NULL) > 0)
		continue;
}

/* False: there will be none. */
static bool wait_for_line(void)
{
	while (!feof(stdin))
		if (getchar() == '\n')
			return true;
	return false;
}

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

static void emit_for_lines(void)
{
	say("ready");
	while (wait_for_line())
		emit_all();
}

static int take_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:f:p:rwlskx:o")) != -1) {
		switch (option) {
		case 't':
			want.threads = atol(optarg);
			break;
		case 'f':
			want.children = atol(optarg);
			break;
		case 'p':
			want.pause_us = (unsigned)atol(optarg);
			break;
		case 'r':
			want.wait_before = true;
			break;
		case 'w':
			want.wait_after = true;
			break;
		case 'l':
			want.lines = true;
			break;
		case 's':
			want.stop_parent = true;
			break;
		case 'k':
			want.kill = true;
			break;
		case 'x':
			want.status = atoi(optarg);
			break;
		case 'o':
			want.odd = true;
			break;
		default:
			return -1;
		}
	}
	if (optind + 1 != argc || want.threads > THREADS_MAX)
		return -1;
	want.events = strtoull(argv[optind], NULL, 10);
	return 0;
}

int main(int argc, char **argv)
{
	if (take_options(argc, argv)) {
		fputs("usage: emitter [OPTION...] EVENTS\n", stderr);
		return 98;
	}
	/* Forgotten, it ends. */
	alarm(300);
	if (want.lines) {
		emit_for_lines();
		return want.status;
	}
	if (want.wait_before) {
		say("ready");
		wait_for_line();
	}
	emit_all();
	emit_in_children();
	say("emitted");
	if (want.kill)
		raise(SIGKILL);
	if (want.wait_after)
		wait_for_line();
	return want.status;
}
