/* SPDX-License-Identifier: MIT */
/*
 * Four writers and two readers on a ring of a few pages, all at full speed, in
 * every mode. Each event that is read is whole and at its place in its lane,
 * and in the end those read and those lost are as many as were written. Built
 * with the thread sanitizer this is also the test that nothing but a reader's
 * copy, which is meant to, races.
 */
#include "load.h"
#include "ring-fixture.h"

#include "../../src/ring/atomic.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trackway/slot.h>

#include <cmocka.h>

#define WRITERS 4
#define READERS 2
#define EVENTS 15000 /* a writer's attempts */
#define GROWN 2000   /* times that an open page is seen to have grown */

struct world {
	struct fixture f;
	struct load *load;
	enum tw_ring_mode mode;
	uint32_t working; /* writers */
	pthread_barrier_t start;
};

struct reader {
	struct world *w;
	enum fixture_access access;
	struct tw_ring_reader ring;
	struct seen seen;
	const char *why;
};

/* Every so often the thread is another one, as far as the ring can tell. */
static void come_again(struct world *w, struct tw_writer *writer)
{
	tw_writer_detach(&w->f.ring, writer);
	/* There are as many lanes as writers, and so one for each. */
	if (tw_writer_attach(&w->f.ring, writer, 1, 0))
		abort();
}

static void *write_events(void *context)
{
	struct world *w = context;
	struct tw_writer writer;
	enum tw_turn turn;
	uint32_t i;

	memset(&writer, 0, sizeof(writer));
	if (tw_writer_attach(&w->f.ring, &writer, 1, 0))
		abort();
	pthread_barrier_wait(&w->start);
	for (i = 0; i < EVENTS; i++) {
		turn = load_emit(w->load, &w->f.ring, &writer);
		tw_ring_take_waiters(&w->f.ring);
		if (turn == TW_TURN_UNREAD || i % 64 == 0)
			sched_yield();
		if (i % 1000 == 999)
			come_again(w, &writer);
	}
	tw_writer_detach(&w->f.ring, &writer);
	__atomic_fetch_sub(&w->working, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *read_pages(void *context)
{
	struct reader *reader = context;
	struct world *w = reader->w;

	pthread_barrier_wait(&w->start);
	while (!reader->why && __atomic_load_n(&w->working, __ATOMIC_ACQUIRE)) {
		reader->why = seen_read(&reader->seen, &reader->ring);
		__atomic_store_n(&w->f.ring.control->waiters, 1,
				 __ATOMIC_RELAXED);
		sched_yield();
	}
	return NULL;
}

static void run_threads(struct world *w, struct reader *readers)
{
	pthread_t threads[WRITERS + READERS];
	uint32_t i;

	w->working = WRITERS;
	pthread_barrier_init(&w->start, NULL, WRITERS + READERS);
	for (i = 0; i < READERS; i++) {
		readers[i].w = w;
		fixture_open(&w->f, readers[i].access, &readers[i].ring);
		seen_create(&readers[i].seen, &readers[i].ring);
		/* Through callbacks nothing can be given back. */
		readers[i].seen.release = w->mode != TW_RING_OVERWRITE &&
					  readers[i].access == FIXTURE_MAPPED;
		assert_int_equal(pthread_create(&threads[i], NULL, read_pages,
						&readers[i]),
				 0);
	}
	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[READERS + i], NULL,
						write_events, w),
				 0);
	for (i = 0; i < WRITERS + READERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&w->start);
}

static uint64_t sum(const uint64_t *counts)
{
	uint64_t total = 0;
	uint32_t i;

	for (i = 0; i < WRITERS; i++)
		total += counts[i];
	return total;
}

static void stress(enum tw_ring_mode mode, uint32_t pages,
		   enum fixture_access second)
{
	struct tw_ring_layout layout = fixture_small;
	struct reader readers[READERS];
	struct world w;
	const char *why;
	uint64_t lost, taken = 0;
	uint32_t i;

	layout.page_count = pages;
	memset(readers, 0, sizeof(readers));
	memset(&w, 0, sizeof(w));
	readers[0].access = FIXTURE_MAPPED;
	readers[1].access = second;
	fixture_create(&w.f, &layout, mode);
	w.mode = mode;
	w.load = load_create();
	run_threads(&w, readers);
	for (i = 0; i < READERS; i++)
		if (readers[i].why)
			fail_msg("reader %u: %s", i, readers[i].why);
	seen_merge(&readers[0].seen, &readers[1].seen);
	why = seen_finish(&readers[0].seen, &readers[0].ring, w.load);
	if (why)
		fail_msg("%s", why);
	lost = seen_lost(&readers[0].seen, w.load);
	/* A ticket is one writer's: there are as many as pages taken. */
	for (i = 0; i < WRITERS; i++)
		taken += w.f.ring.lanes[i].seq;
	assert_true(w.f.ring.control->head >= taken);
	/* Nothing is emitted that is neither written nor counted. */
	assert_int_equal(sum(w.load->written) + sum(w.load->discarded),
			 WRITERS * EVENTS);
	if (mode != TW_RING_OVERWRITE)
		assert_int_equal(lost, 0);
	print_message("%u pages: %zu written, %zu lost, %zu discarded, "
		      "%zu copies refused\n",
		      pages, (size_t)sum(w.load->written), (size_t)lost,
		      (size_t)sum(w.load->discarded),
		      (size_t)(readers[0].seen.again + readers[1].seen.again));
	for (i = 0; i < READERS; i++)
		seen_destroy(&readers[i].seen);
	load_destroy(w.load);
	fixture_destroy(&w.f);
}

static void stress_all(enum tw_ring_mode mode)
{
	/* Fewer pages than writers, as many and one, and a few. */
	stress(mode, 3, FIXTURE_MAPPED);
	stress(mode, 5, FIXTURE_CALLBACKS);
	stress(mode, 8, FIXTURE_MAPPED);
}

static void stress_overwrite(void **state)
{
	stress_all(TW_RING_OVERWRITE);
}

static void stress_discard(void **state)
{
	stress_all(TW_RING_DISCARD);
}

/* To the ring it is the same as discarding: the waiting is the caller's. */
static void stress_block(void **state)
{
	stress_all(TW_RING_BLOCK);
}

/*
 * Of one writer that stops for nothing, the page that it has open is copied
 * again and again, in the middle of event after event. Where one copy ends, no
 * later one goes on with an event of before.
 */
struct grown {
	uint32_t ticket;
	uint32_t size;
	uint64_t time_end;
};

static void *write_on(void *context)
{
	struct world *w = context;
	struct tw_writer writer;
	uint64_t now, word;

	memset(&writer, 0, sizeof(writer));
	if (tw_writer_attach(&w->f.ring, &writer, 1, 0))
		abort();
	pthread_barrier_wait(&w->start);
	for (now = 1; __atomic_load_n(&w->working, __ATOMIC_RELAXED); now++) {
		if (!writer.page ||
		    (uintptr_t)writer.pos + sizeof(word) > writer.end)
			tw_writer_turn(&w->f.ring, &writer, now);
		tw_store_release(&writer.page->timestamp_end, now);
		word = TW_EVENT_WORD(now, 0);
		memcpy(writer.pos, &word, sizeof(word));
		tw_commit(writer.page, TW_COMMIT_STEP(sizeof(word) * 8));
		writer.pos += sizeof(word);
	}
	tw_writer_detach(&w->f.ring, &writer);
	return NULL;
}

static uint64_t time_at(const uint8_t *page, uint32_t offset)
{
	uint64_t word;

	memcpy(&word, page + offset, sizeof(word));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word >> 16
							 : word << 16 >> 16;
}

/* How often the page was seen to have grown. */
static uint32_t copy_growing(struct tw_ring_reader *reader, uint32_t index,
			     struct grown *last, uint8_t *page)
{
	struct tw_page_view view;
	uint64_t end, next;
	uint32_t state;
	bool grown;

	if (tw_ring_page_state(reader, index, &state) ||
	    (state & TW_PAGE_STATE_MASK) != TW_PAGE_OPEN ||
	    tw_ring_page_copy(reader, index, page, &view))
		return 0;
	grown = last->size && last->ticket == view.ticket &&
		last->size < view.size;
	end = time_at(page, view.size - 8);
	if (view.size > TW_PAGE_HEADER && view.time_end < end)
		fail_msg("a page ends %zu before its last event",
			 (size_t)(end - view.time_end));
	next = grown ? time_at(page, last->size) : 0;
	if (grown && next < last->time_end)
		fail_msg("a page ended %zu after the event that came next",
			 (size_t)(last->time_end - next));
	*last = (struct grown){view.ticket, view.size, view.time_end};
	return grown;
}

static void grow(enum fixture_access access)
{
	struct tw_ring_layout layout = fixture_small;
	struct grown last[4] = {{0}};
	struct tw_ring_reader reader;
	uint32_t i, grown = 0;
	pthread_t writer;
	struct world w;
	uint8_t *page;

	layout.page_size = 65536;
	memset(&w, 0, sizeof(w));
	fixture_create(&w.f, &layout, TW_RING_OVERWRITE);
	page = aligned_alloc(8, layout.page_size);
	assert_non_null(page);
	w.working = 1;
	fixture_open(&w.f, access, &reader);
	pthread_barrier_init(&w.start, NULL, 2);
	assert_int_equal(pthread_create(&writer, NULL, write_on, &w), 0);
	pthread_barrier_wait(&w.start);
	for (i = 0; grown < GROWN; i++)
		grown += copy_growing(&reader, i % 4, &last[i % 4], page);
	__atomic_store_n(&w.working, 0, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);
	pthread_barrier_destroy(&w.start);
	free(page);
	fixture_destroy(&w.f);
}

static void a_page_is_read_while_it_grows(void **state)
{
	grow(FIXTURE_MAPPED);
	grow(FIXTURE_CALLBACKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stress_overwrite),
		cmocka_unit_test(stress_discard),
		cmocka_unit_test(stress_block),
		cmocka_unit_test(a_page_is_read_while_it_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
