/* SPDX-License-Identifier: MIT */
/*
 * program-fork VERB [wait]: processes made in every way that there is. Each
 * verb is a function below; test-fork.c says what must come of it. The parent's
 * events have thread 0, its children's 1 and up.
 */
#include "interrupted.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "trace-runtime.h"

/* The numbers of a thread's events go on from one call to the next. */
static void emit(uint32_t thread, unsigned count)
{
	static uint64_t next[64];

	for (; count; count--, next[thread]++)
		trace_count(thread, next[thread],
			    check_of(thread, next[thread]));
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		dprintf(STDOUT_FILENO, "a child failed: %d\n", status);
}

static bool say_pid(const char *word)
{
	say(word, (uint64_t)getpid());
	return pause_here();
}

static void parent_goes_on(pid_t child)
{
	wait_for(child);
	emit(0, 100);
	say_pid("parent");
}

/* The child emits at once. */
static void plain(void)
{
	pid_t child;

	emit(0, 100);
	child = fork();
	if (!child) {
		emit(1, 50);
		say_pid("child");
		exit(0);
	}
	parent_goes_on(child);
}

/* A child of a child, each with events. */
static void grandchild(void)
{
	pid_t child, second;

	emit(0, 100);
	child = fork();
	if (!child) {
		emit(1, 50);
		second = fork();
		if (!second) {
			emit(2, 20);
			say_pid("grandchild");
			exit(0);
		}
		wait_for(second);
		emit(1, 50);
		say_pid("child");
		exit(0);
	}
	parent_goes_on(child);
}

/* The child has no event until one is switched on from outside. */
static void quiet(void)
{
	pid_t child;

	emit(0, 100);
	child = fork();
	if (!child) {
		say_pid("quiet");
		if (trace_handled_enabled())
			trace_handled(1, 0, check_of(1, 0));
		say_pid("child");
		exit(0);
	}
	parent_goes_on(child);
}

/* The child never has an event. */
static void silent(void)
{
	pid_t child;

	emit(0, 100);
	child = fork();
	if (!child)
		exit(0);
	parent_goes_on(child);
}

static void exec(void)
{
	pid_t child;

	emit(0, 100);
	child = fork();
	if (!child) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	parent_goes_on(child);
}

/* All that libc makes of clone() and exec. */
static void libc_exec(void)
{
	char *arguments[] = {(char[]){"true"}, NULL};
	pid_t child;
	FILE *pipe;

	emit(0, 100);
	if (system("true") != 0)
		dprintf(STDOUT_FILENO, "system failed\n");
	pipe = popen("true", "r");
	if (!pipe || pclose(pipe) != 0)
		dprintf(STDOUT_FILENO, "popen failed\n");
	if (posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environ))
		dprintf(STDOUT_FILENO, "posix_spawn failed\n");
	parent_goes_on(child);
}

/* Two forks, and both ancestors end at once. */
static void daemonise(bool emits)
{
	pid_t first, second;

	emit(0, 100);
	first = fork();
	if (first) {
		wait_for(first);
		exit(0);
	}
	setsid();
	second = fork();
	if (second)
		_exit(0);
	/* Until it is nobody's child but init's, or a reaper's. */
	pause_here();
	say_pid("daemon");
	if (emits) {
		if (trace_handled_enabled())
			trace_handled(2, 0, check_of(2, 0));
		say_pid("emitted");
	}
}

static void daemon_emits(void)
{
	daemonise(true);
}

static void daemon_silent(void)
{
	daemonise(false);
}

/*
 * At its exit a child of this one is not searched for leaks. That search takes
 * the locks of the address sanitizer's allocator, which GCC 12's doesn't take
 * before a fork: if another thread had one (each does as it begins, to learn
 * where its stack is), it is held in the child for ever.
 */
static bool forked_among_threads;
int __lsan_is_turned_off(void);
__attribute__((visibility("default"))) int __lsan_is_turned_off(void)
{
	return forked_among_threads;
}

static bool stop_threads;
static uint64_t returned[4];

static void *emit_all_along(void *argument)
{
	const uint32_t thread = (uint32_t)(uintptr_t)argument;

	while (!__atomic_load_n(&stop_threads, __ATOMIC_RELAXED)) {
		trace_count(thread, returned[thread],
			    check_of(thread, returned[thread]));
		returned[thread]++;
	}
	return NULL;
}

/* Children of a program whose other threads emit. */
static void threads(void)
{
	pthread_t thread[4];
	pid_t child;
	uintptr_t i;

	for (i = 1; i < 4; i++)
		pthread_create(&thread[i], NULL, emit_all_along, (void *)i);
	for (i = 0; i < scaled(40); i++) {
		emit(0, 100);
		child = fork();
		if (!child) {
			forked_among_threads = true;
			emit(9, 100);
			exit(0);
		}
		wait_for(child);
	}
	__atomic_store_n(&stop_threads, true, __ATOMIC_RELAXED);
	for (i = 1; i < 4; i++)
		pthread_join(thread[i], NULL);
	say("returned",
	    100 * scaled(40) + returned[1] + returned[2] + returned[3]);
	say_pid("parent");
}

static void *emit_hundred(void *argument)
{
	emit((uint32_t)(uintptr_t)argument, 100);
	return NULL;
}

/* The child's threads all begin at once, before its ring is there. */
static void threads_in_child(void)
{
	pthread_t thread[8];
	pid_t child;
	uintptr_t i;

	emit(0, 100);
	child = fork();
	if (!child) {
		for (i = 0; i < 8; i++)
			pthread_create(&thread[i], NULL, emit_hundred,
				       (void *)(i + 1));
		for (i = 0; i < 8; i++)
			pthread_join(thread[i], NULL);
		say_pid("child");
		exit(0);
	}
	parent_goes_on(child);
}

static pthread_t forker;
static pthread_barrier_t half;

static void *outlive(void *argument)
{
	emit(1, 50);
	pthread_barrier_wait(&half);
	pthread_join(forker, NULL);
	emit(1, 50);
	say_pid("child");
	exit(0);
}

/* The thread that forked ends, and had a lane in the parent's ring. */
static void thread_ends_in_child(void)
{
	pthread_t thread;
	pid_t child;

	emit(0, 100);
	child = fork();
	if (!child) {
		forker = pthread_self();
		pthread_barrier_init(&half, NULL, 2);
		pthread_create(&thread, NULL, outlive, NULL);
		pthread_barrier_wait(&half);
		pthread_exit(NULL);
	}
	parent_goes_on(child);
}

/* The child has its parent's memory, so its events are the parent's. */
__attribute__((noinline)) static pid_t vfork_and_emit(void)
{
	pid_t child = vfork();

	if (!child) {
		trace_nothing();
		_exit(0);
	}
	return child;
}

static void vfork_after_events(void)
{
	emit(0, 100);
	parent_goes_on(vfork_and_emit());
}

static void vfork_before_any_event(void)
{
	const pid_t child = vfork_and_emit();

	emit(0, 100);
	parent_goes_on(child);
}

/* No handler of pthread_atfork() runs in these. */
static void bare_child(pid_t child)
{
	if (!child) {
		emit(1, 50);
		say_pid("child");
		_exit(0);
	}
	parent_goes_on(child);
}

static void bare_fork(void)
{
	emit(0, 100);
	bare_child(_Fork());
}

static void bare_clone(void)
{
	emit(0, 100);
	bare_child((pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

/* A fork in a handler that interrupts an event. */
static pid_t handler_child;
static bool child_emits_in_handler;
static int child_may_go[2];

static void fork_in_handler(int signal)
{
	char byte;

	handler_child = fork();
	if (handler_child)
		return;
	if (child_emits_in_handler)
		emit(1, 10);
	/* The parent is far ahead when the child ends the event. */
	if (read(child_may_go[0], &byte, 1) != 1)
		_exit(1);
}

static void raise_signal(void)
{
	raise(SIGUSR1);
}

static void handler(void)
{
	if (pipe(child_may_go))
		exit(2);
	signal(SIGUSR1, fork_in_handler);
	emit(0, 99);
	/* The number that the next emit() goes on after. */
	interrupted_count(0, 1000000, raise_signal);
	if (!handler_child) {
		emit(1, 40);
		say_pid("child");
		exit(0);
	}
	emit(0, 50);
	if (write(child_may_go[1], "", 1) != 1)
		exit(2);
	parent_goes_on(handler_child);
}

static void handler_emits(void)
{
	child_emits_in_handler = true;
	handler();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} verbs[] = {
		{"plain", plain},
		{"grandchild", grandchild},
		{"quiet", quiet},
		{"silent", silent},
		{"exec", exec},
		{"libc-exec", libc_exec},
		{"daemon-emits", daemon_emits},
		{"daemon-silent", daemon_silent},
		{"threads", threads},
		{"threads-in-child", threads_in_child},
		{"thread-ends-in-child", thread_ends_in_child},
		{"vfork-after-events", vfork_after_events},
		{"vfork-before-any-event", vfork_before_any_event},
		{"bare-fork", bare_fork},
		{"bare-clone", bare_clone},
		{"handler", handler},
		{"handler-emits", handler_emits},
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(verbs[i].name, argv[1])) {
			if (argc > 2)
				step("ready");
			verbs[i].run();
			return 0;
		}
	}
	return 2;
}
