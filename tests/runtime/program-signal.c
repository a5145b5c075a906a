/* SPDX-License-Identifier: MIT */
/*
 * program-signal storm EVENTS BURST: the main flow emits "count", the handlers
 * of three timers' signals "handled", a burst a call, each with its own
 * numbers, until there are so many in all. Says how many of each.
 *
 * program-signal nested ROUNDS: events in the middle of events, to a level more
 * than there is.
 *
 * program-signal threads COUNT: short-lived threads under a timer's fire, whose
 * first event may be a handler's.
 */
#include "interrupted.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "trace-runtime.h"

#define SIGNALS 3
#define ODD_ERRNO 4711

static const int signals[SIGNALS] = {SIGALRM, SIGUSR1, SIGUSR2};
/* Events of each signal's handler. Atomic only for those of other threads. */
static uint64_t handled[SIGNALS];
static timer_t timers[SIGNALS];
static uint64_t burst = 3;
/* Of all signals together: no more are emitted by handlers. Without it a
 * machine on which they take longer than their timers' intervals would never
 * come back to the main flow. */
static uint64_t handled_max = UINT64_MAX;

static uint64_t all_handled(void)
{
	return __atomic_load_n(&handled[0], __ATOMIC_RELAXED) +
	       __atomic_load_n(&handled[1], __ATOMIC_RELAXED) +
	       __atomic_load_n(&handled[2], __ATOMIC_RELAXED);
}

static void on_signal(int number)
{
	uint64_t event, j;
	unsigned i;

	for (i = 0; signals[i] != number; i++)
		;
	for (j = 0; j < burst && all_handled() < handled_max; j++) {
		event = __atomic_fetch_add(&handled[i], 1, __ATOMIC_RELAXED);
		trace_handled(i, event, check_of(i, event));
	}
}

/* Odd intervals, so that they drift over one another; long enough for the main
 * flow to get on between two bursts. */
static void start_timers(unsigned count)
{
	static const long interval_ns[SIGNALS] = {23000, 31000, 47000};
	struct sigaction action;
	struct sigevent event;
	struct itimerspec when;
	unsigned i;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	for (i = 0; i < count; i++) {
		sigaction(signals[i], &action, NULL);
		memset(&event, 0, sizeof(event));
		event.sigev_notify = SIGEV_SIGNAL;
		event.sigev_signo = signals[i];
		if (timer_create(CLOCK_MONOTONIC, &event, &timers[i]))
			exit(1);
		memset(&when, 0, sizeof(when));
		when.it_value.tv_nsec = interval_ns[i] * (long)(1 + burst / 50);
		when.it_interval = when.it_value;
		timer_settime(timers[i], 0, &when, NULL);
	}
}

static void stop_timers(unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++)
		timer_delete(timers[i]);
}

static int storm(uint64_t events)
{
	uint64_t i, wrong_errno = 0;
	unsigned j;

	step("ready");
	handled_max = events;
	start_timers(SIGNALS);
	for (i = 0; i + all_handled() < events; i++) {
		errno = ODD_ERRNO;
		trace_count(0, i, check_of(0, i));
		wrong_errno += errno != ODD_ERRNO;
	}
	stop_timers(SIGNALS);
	say("main", i);
	for (j = 0; j < SIGNALS; j++)
		say("handled", handled[j]);
	say("errno", wrong_errno);
	pause_here();
	return 0;
}

static const int levels[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF};
static uint32_t level;
static uint64_t nested_round;

static void nest(void)
{
	if (level < sizeof(levels) / sizeof(levels[0]))
		raise(levels[level]);
}

static void nested_handler(int number)
{
	level++;
	interrupted_count(level, nested_round, nest);
	/* Once more, with the one above over. */
	trace_handled(level, nested_round, check_of(level, nested_round));
	level--;
}

static void *nested_rounds(void *argument)
{
	uint64_t rounds = *(uint64_t *)argument;

	for (; nested_round < rounds; nested_round++) {
		interrupted_count(0, nested_round, nest);
		trace_handled(0, nested_round, check_of(0, nested_round));
	}
	return NULL;
}

/* In a thread of its own too, whose very first event is interrupted. */
static int nested(uint64_t rounds)
{
	uint64_t all = 2 * rounds;
	pthread_t thread;
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		signal(levels[i], nested_handler);
	step("ready");
	nested_rounds(&rounds);
	if (pthread_create(&thread, NULL, nested_rounds, &all))
		return 1;
	pthread_join(thread, NULL);
	say("rounds", nested_round);
	pause_here();
	return 0;
}

static void *short_life(void *argument)
{
	const uint64_t first = (uintptr_t)argument;
	uint64_t i;

	for (i = first; i < first + 10; i++)
		trace_count(0, i, check_of(0, i));
	return NULL;
}

static int threads(uint64_t count)
{
	pthread_t thread;
	uint64_t i;

	step("ready");
	handled_max = 1000000;
	start_timers(1);
	for (i = 0; i < count; i++) {
		if (pthread_create(&thread, NULL, short_life,
				   (void *)(uintptr_t)(10 * i)))
			return 1;
		pthread_join(thread, NULL);
	}
	stop_timers(1);
	say("main", 10 * count);
	say("handled", handled[0]);
	pause_here();
	return 0;
}

int main(int argc, char **argv)
{
	const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	if (argc > 3)
		burst = strtoull(argv[3], NULL, 10);
	if (count && !strcmp(argv[1], "storm"))
		return storm(count);
	if (count && !strcmp(argv[1], "nested"))
		return nested(count);
	if (count && !strcmp(argv[1], "threads"))
		return threads(count);
	return 2;
}
