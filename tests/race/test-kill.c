/* SPDX-License-Identifier: MIT */
/*
 * A process ends at a testpoint, between one store and the next, and leaves its
 * ring behind. Whatever it had committed is read, and counted to the event.
 */
#include "victim.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WRITERS 3
#define KILLED 42 /* the exit status at the testpoint */

struct world {
	struct fixture f;
	struct load *load;
	struct tw_ring_reader reader;
	struct seen seen;
};

static enum tw_testpoint deadly_point;
static uint32_t deadly_hit;

static void die_at_point(enum tw_testpoint at)
{
	if (at == deadly_point &&
	    __atomic_fetch_sub(&deadly_hit, 1, __ATOMIC_RELAXED) == 0)
		syscall(SYS_exit_group, KILLED); /* at once, no goodbyes */
}

static void world_create(struct world *w, enum tw_ring_mode mode)
{
	memset(w, 0, sizeof(*w));
	fixture_create(&w->f, &fixture_small, mode);
	w->load = load_create();
	fixture_open(&w->f, FIXTURE_MAPPED, &w->reader);
	seen_create(&w->seen, &w->reader);
}

static void world_destroy(struct world *w)
{
	seen_destroy(&w->seen);
	load_destroy(w->load);
	fixture_destroy(&w->f);
}

/* Run work in a child until it dies there. */
static void run_child(struct world *w, enum tw_testpoint point, uint32_t hit,
		      void (*work)(struct world *w))
{
	int status;
	pid_t pid;

	deadly_point = point;
	deadly_hit = hit;
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		tw_testpoint_hook = die_at_point;
		work(w);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != KILLED)
		fail_msg("%s, hit %u: the child was not killed there",
			 victim_point_name(point), hit);
}

static void check(enum tw_testpoint point, uint32_t hit, const char *why)
{
	if (why)
		fail_msg("%s, hit %u: %s", victim_point_name(point), hit, why);
}

/* Three lanes, one of them left and taken again all the time. */
static void work_alone(struct world *w)
{
	struct tw_writer writers[WRITERS];
	uint32_t i, round;

	memset(writers, 0, sizeof(writers));
	for (i = 0; i < WRITERS; i++)
		tw_writer_attach(&w->f.ring, &writers[i], i + 1, 0);
	for (round = 0; round < 2000; round++) {
		for (i = 0; i < WRITERS; i++)
			if (round % (i + 1) == 0)
				load_emit(w->load, &w->f.ring, &writers[i]);
		if (round % 7 == 6) {
			tw_writer_detach(&w->f.ring, &writers[2]);
			tw_writer_attach(&w->f.ring, &writers[2], 9, 0);
		}
	}
}

/* Only one page can be on its way, and all others can be read. */
static const char *check_pages(struct world *w, enum tw_testpoint point)
{
	const bool may_claim = point == TW_AT_TURN_CLAIMED ||
			       point == TW_AT_TURN_HEADER ||
			       point == TW_AT_TURN_ENTRY;
	uint32_t states[4] = {0}, i, word;

	for (i = 0; i < w->f.ring.page_count; i++) {
		if (tw_ring_page_state(&w->reader, i, &word))
			return w->reader.why;
		states[word & TW_PAGE_STATE_MASK]++;
	}
	if (states[TW_PAGE_CLAIMED] != (may_claim ? 1 : 0))
		return "it is not the claimed page that is missing";
	if (w->seen.pages != states[TW_PAGE_OPEN] + states[TW_PAGE_FULL])
		return "not all pages could be read";
	if (states[TW_PAGE_OPEN] > WRITERS)
		return "more pages are open than there were writers";
	return NULL;
}

static void kill_alone(enum tw_testpoint point, uint32_t hit,
		       enum tw_ring_mode mode)
{
	struct world w;
	uint64_t lost;

	world_create(&w, mode);
	run_child(&w, point, hit, work_alone);
	check(point, hit, seen_finish(&w.seen, &w.reader, w.load));
	check(point, hit, check_pages(&w, point));
	lost = seen_lost(&w.seen, w.load);
	/* In the first lap no page has been overwritten. */
	if (lost && w.f.ring.control->head <= w.f.ring.page_count)
		check(point, hit, "events are lost in the first lap");
	if (lost && mode != TW_RING_OVERWRITE)
		check(point, hit, "events are lost in a mode that keeps them");
	world_destroy(&w);
}

static void kill_everywhere(enum tw_ring_mode mode, uint32_t hits)
{
	enum tw_testpoint point;
	uint32_t hit;

	for (point = 0; point < TW_AT_COUNT; point++)
		for (hit = 0; hit < hits; hit++)
			kill_alone(point, hit, mode);
}

static void killed_while_overwriting(void **state)
{
	kill_everywhere(TW_RING_OVERWRITE, 24);
}

/* Nobody reads meanwhile: few pages are turned at all, most is discarded. */
static void killed_while_discarding(void **state)
{
	kill_everywhere(TW_RING_DISCARD, 2);
}

/* ---- Other threads are anywhere ---- */

static void *write_on(void *context)
{
	struct world *w = context;
	struct tw_writer writer;
	uint32_t i, round;

	memset(&writer, 0, sizeof(writer));
	for (round = 0; round < 1000; round++) {
		if (tw_writer_attach(&w->f.ring, &writer, 1, 0))
			abort();
		for (i = 0; i < 50; i++)
			load_emit(w->load, &w->f.ring, &writer);
		tw_writer_detach(&w->f.ring, &writer);
	}
	return NULL;
}

static void work_in_threads(struct world *w)
{
	pthread_t threads[WRITERS];
	uint32_t i;

	for (i = 0; i < WRITERS; i++)
		if (pthread_create(&threads[i], NULL, write_on, w))
			_exit(1);
	for (i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
}

/* The books may be one event behind: counted after it was committed. */
static const char *check_about(const struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->seen.lanes; i++) {
		if (w->seen.known[i] < w->load->written[i])
			return "events whose call had returned are missing";
		if (w->seen.known[i] > w->load->written[i] + 1)
			return "there are events that nobody wrote";
		if (w->seen.discarded[i] < w->load->discarded[i] ||
		    w->seen.discarded[i] > w->load->discarded[i] + 1)
			return "discarded events are not counted";
	}
	return NULL;
}

static void killed_among_other_threads(void **state)
{
	enum tw_testpoint point;
	struct world w;
	uint32_t hit;

	for (point = 0; point < TW_AT_COUNT; point++)
		for (hit = 5; hit < 500; hit = hit * 5 / 2) {
			world_create(&w, TW_RING_OVERWRITE);
			run_child(&w, point, hit, work_in_threads);
			check(point, hit, seen_read_all(&w.seen, &w.reader));
			check(point, hit, check_about(&w));
			world_destroy(&w);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_while_overwriting),
		cmocka_unit_test(killed_while_discarding),
		cmocka_unit_test(killed_among_other_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
