/* SPDX-License-Identifier: MIT */
/*
 * program-step VERB BURST FIRST STRIDE: what emitting does is executed
 * instruction by instruction, with the processor's trap flag, and a handler
 * emits a burst of events after the first one asked for, then, in the next
 * round, STRIDE instructions later, and so on to the last. No moment is left to
 * chance.
 *
 *	hot	an event that has room
 *	turn	one that turns the page
 *	first	a thread's first
 *	leave	a thread's end
 *
 * Says how many events the main flow and the handler have emitted.
 */
#include "step.h"

#ifdef __x86_64__

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <trackway/emit.h>
#include <ucontext.h>

#include "trace-runtime.h"

#define TRAP_FLAG 0x100
#define EVENT_SIZE (TW_EVENT_HEADER + 4 + 8 + 8)

static uint64_t mains, handled, burst;
static uint64_t steps, stop_at;
static bool stepping;

static void on_trap(int number, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
	uint64_t i;

	if (stepping && ++steps < stop_at)
		return;
	*flags &= ~(greg_t)TRAP_FLAG;
	if (!stepping)
		return;
	stepping = false;
	for (i = 0; i < burst; i++, handled++)
		trace_handled(0, handled, check_of(0, handled));
}

/* From here on the handler runs after each instruction. */
static inline void start_stepping(uint64_t until)
{
	steps = 0;
	stop_at = until;
	stepping = true;
	/* Below what the compiler may have put under the stack's end. */
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "orq $0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp" ::
				 : "memory", "cc");
}

/* Whether the place to stop at was never reached. */
static inline bool stop_stepping(void)
{
	const bool is_over = stepping;

	stepping = false;
	__asm__ volatile("" ::: "memory");
	return is_over;
}

static void emit(void)
{
	trace_count(0, mains, check_of(0, mains));
	mains++;
}

static bool hot(uint64_t until)
{
	start_stepping(until);
	emit();
	return stop_stepping();
}

static bool turn(uint64_t until)
{
	const struct tw_writer *writer = &tw_lane_current->writer;

	/* Wherever the last round has left the page: to its last event. */
	while ((uintptr_t)writer->pos + EVENT_SIZE <= writer->end)
		emit();
	return hot(until);
}

static void *first_event(void *argument)
{
	return (void *)(uintptr_t)hot(*(uint64_t *)argument);
}

static bool first(uint64_t until)
{
	pthread_t thread;
	void *is_over;

	if (pthread_create(&thread, NULL, first_event, &until))
		exit(1);
	pthread_join(thread, &is_over);
	return is_over != NULL;
}

static pthread_key_t after_the_runtime;
static bool left_early;

static void runtime_has_left(void *argument)
{
	left_early = stop_stepping();
}

static void *last_event(void *argument)
{
	emit();
	pthread_setspecific(after_the_runtime, argument);
	start_stepping(*(uint64_t *)argument);
	return NULL;
}

static bool leave(uint64_t until)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, last_event, &until))
		exit(1);
	pthread_join(thread, NULL);
	return left_early;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool (*round)(uint64_t until);
	} verbs[] = {
		{"hot", hot},
		{"turn", turn},
		{"first", first},
		{"leave", leave},
	};
	struct sigaction action;
	uint64_t until, stride;
	size_t i = 0;

	if (argc < 5)
		return 2;
	while (i < 3 && strcmp(verbs[i].name, argv[1]) != 0)
		i++;
	burst = strtoull(argv[2], NULL, 10);
	until = strtoull(argv[3], NULL, 10);
	stride = strtoull(argv[4], NULL, 10);
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_trap;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGTRAP, &action, NULL);
	pthread_key_create(&after_the_runtime, runtime_has_left);
	step("ready");
	while (!verbs[i].round(until))
		until += stride;
	say("main", mains);
	say("handled", handled);
	say("instructions", until);
	pause_here();
	return 0;
}

#else

int main(void)
{
	return step("no trap flag here");
}

#endif
