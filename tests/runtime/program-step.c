/* SPDX-License-Identifier: MIT */
/*
 * program-step VERB BURST FIRST STRIDE: what emitting does is executed
 * instruction by instruction, with the processor's trap flag, and a handler
 * emits a burst of events after the first one asked for, then, in the next
 * round, STRIDE instructions later, and so on to the last. No moment is left to
 * chance.
 *
 *	hot	an event that has room
 *	lower	the same, where the page that a handler turns to lies lower in
 *		memory, and the clock stands still, so that no event's time
 *		tells that a handler has run; then the main flow fills its page
 *	higher	the same, where it lies higher
 *	fork	the same as hot; the handler forks, then emits in both processes
 *	turn	one that turns the page
 *	first	a thread's first
 *	leave	a thread's end
 *
 * A BURST that is "turn" ends with the first event that turns a page, "full"
 * when that page has no room for another. After each round the lanes are looked
 * at: where they write must be in the page that they have open. Says how many
 * events the main flow and the handler have emitted.
 */
#include "step.h"

#ifdef __x86_64__

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <trackway/emit.h>
#include <trackway/trackway.h>
#include <ucontext.h>

#include "trace-runtime.h"

#define TRAP_FLAG 0x100
#define EVENT_SIZE (TW_EVENT_HEADER + 4 + 8 + 8)
#define LEVELS 4
/* BURST, where it is no number. */
#define TURN UINT64_MAX
#define FULL (UINT64_MAX - 1)

static uint64_t mains, handled, burst;
static uint64_t steps, stop_at;
static bool stepping;
static bool forking;
static pid_t child;

/* A lane of this thread, which has had an event. */
static const struct tw_writer *writer_of(unsigned level)
{
	return &tw_lane_current[level].writer;
}

static const struct tw_ring_control *control(void)
{
	return tw_runtime_ring(NULL);
}

static void handle(void)
{
	trace_handled(0, handled, check_of(0, handled));
	handled++;
}

/* The end of a page's room, whatever its lane says. */
static uintptr_t end_of(const struct tw_page *page)
{
	return (uintptr_t)page + control()->page_size - TW_PAGE_TRAILER;
}

static bool has_room(const struct tw_writer *writer, size_t events)
{
	return (uintptr_t)writer->pos + events * EVENT_SIZE <=
	       end_of(writer->page);
}

/* With the handler's own lane, which is that of the main flow or the next. */
static void handle_until_a_turn(void)
{
	const struct tw_page *first, *second;
	const struct tw_writer *turned;

	handle();
	first = writer_of(0)->page;
	second = writer_of(1)->page;
	while (writer_of(0)->page == first && writer_of(1)->page == second)
		handle();
	turned = writer_of(writer_of(0)->page == first);
	while (burst == FULL && has_room(turned, 1))
		handle();
}

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
	if (forking)
		child = fork();
	if (burst == TURN || burst == FULL)
		handle_until_a_turn();
	else
		for (i = 0; i < burst; i++)
			handle();
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

static uint64_t stopped_clock;

/* rdtsc and rdtscp, which are not allowed: they find what they found last. */
static void on_clock(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint8_t *code = (const uint8_t *)registers[REG_RIP];
	const bool is_short = !memcmp(code, "\x0f\x31", 2);

	if (!is_short && memcmp(code, "\x0f\x01\xf9", 3) != 0) {
		signal(SIGSEGV, SIG_DFL);
		return;
	}
	if (!is_short)
		registers[REG_RCX] = 0;
	registers[REG_RAX] = (uint32_t)stopped_clock;
	registers[REG_RDX] = (greg_t)(stopped_clock >> 32);
	registers[REG_RIP] += is_short ? 2 : 3;
}

/* Where the kernel knows no such thing it goes on, and the test says less. */
static void stop_clock(void)
{
	struct sigaction action;

	if (stopped_clock)
		return;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_clock;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGSEGV, &action, NULL);
	stopped_clock = tw_clock_fast();
	prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
}

static void fail(const char *what)
{
	char line[128];

	say_line(line, (size_t)snprintf(line, sizeof(line),
					"after %" PRIu64 " instructions: %s\n",
					stop_at, what));
	exit(1);
}

static void check_lane(const struct tw_writer *writer)
{
	const struct tw_page *page = writer->page;
	/* With this clock each event goes the slow way. */
	const bool is_slow = control()->clock_kind == TW_CLOCK_MONOTONIC;

	if (!page)
		return;
	if (!has_room(writer, 0))
		fail("a lane has gone past its page");
	if (writer->lock != TW_WRITER_FREE)
		fail("a lane is not free");
	if (writer->pos != (const unsigned char *)page + page->content_size / 8)
		fail("a lane is not where its page is");
	if (writer->end != (is_slow ? TW_WRITER_SLOW : end_of(page)))
		fail("a lane does not end where its page does");
}

static void check_lanes(void)
{
	unsigned level;

	/* Else it has no lanes: a child's event had none to go on in. */
	if (!writer_of(0)->page)
		return;
	for (level = 0; level < LEVELS; level++)
		check_lane(writer_of(level));
}

static bool hot(uint64_t until)
{
	bool is_over;

	start_stepping(until);
	emit();
	is_over = stop_stepping();
	check_lanes();
	return is_over;
}

static uint32_t index_of(const struct tw_page *page)
{
	const unsigned char *base = (const unsigned char *)control();

	return (uint32_t)((uint64_t)((const unsigned char *)page - base -
				     control()->pages_offset) /
			  control()->page_size);
}

static uint32_t state_of(uint32_t index)
{
	const unsigned char *base = (const unsigned char *)control();
	const struct tw_page_trailer *trailer =
		(const void *)(base + control()->pages_offset +
			       ((size_t)index + 1) * control()->page_size -
			       TW_PAGE_TRAILER);

	return trailer->state & TW_PAGE_STATE_MASK;
}

/* Which page the lane takes if it turns now: its own is closed before. */
static uint32_t next_index(uint32_t own)
{
	uint32_t head = control()->head;

	while (head % control()->page_count != own &&
	       state_of(head % control()->page_count) == TW_PAGE_OPEN)
		head++;
	return head % control()->page_count;
}

static bool goes_to(bool higher)
{
	const uint32_t own = index_of(writer_of(0)->page);
	const uint32_t next = next_index(own);

	return higher ? next > own : next < own;
}

/* To its end, and not past it, whatever a lane says of that. */
static void fill_page(void)
{
	const struct tw_page *page = writer_of(0)->page;

	while (writer_of(0)->page == page) {
		emit();
		if (!has_room(writer_of(0), 0))
			fail("a lane has gone past its page");
	}
}

static bool hot_before(uint64_t until, bool higher)
{
	bool is_over;

	stop_clock();
	emit();
	/* Room for the event, and for the handler's first. */
	while (!goes_to(higher) || !has_room(writer_of(0), 2))
		fill_page();
	is_over = hot(until);
	fill_page();
	check_lanes();
	return is_over;
}

static bool lower(uint64_t until)
{
	return hot_before(until, false);
}

static bool higher(uint64_t until)
{
	return hot_before(until, true);
}

/* The child ends the event as well, and has others, in a ring of its own. */
static bool hot_with_fork(uint64_t until)
{
	bool is_over;
	int status;

	forking = true;
	child = -1;
	is_over = hot(until);
	if (!child) {
		emit();
		emit();
		check_lanes();
		exit(0);
	}
	if (!is_over && (waitpid(child, &status, 0) != child || status))
		fail("the child has failed");
	return is_over;
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
		{"hot", hot},	    {"lower", lower},
		{"higher", higher}, {"fork", hot_with_fork},
		{"turn", turn},	    {"first", first},
		{"leave", leave},
	};
	struct sigaction action;
	uint64_t until, stride;
	size_t i = 0;

	if (argc < 5)
		return 2;
	while (i < sizeof(verbs) / sizeof(verbs[0]) - 1 &&
	       strcmp(verbs[i].name, argv[1]) != 0)
		i++;
	burst = !strcmp(argv[2], "turn")   ? TURN
		: !strcmp(argv[2], "full") ? FULL
					   : strtoull(argv[2], NULL, 10);
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
