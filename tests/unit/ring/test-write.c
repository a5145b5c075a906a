/* SPDX-License-Identifier: MIT */
/*
 * Lanes and pages from the writer's side: who gets which lane, which page comes
 * next, what is counted, and what happens where none is to be had.
 */
#include "load.h"
#include "ring-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct world {
	struct fixture f;
	struct load *load;
	struct tw_ring *ring;
};

static void world_create(struct world *w, const struct tw_ring_layout *layout,
			 enum tw_ring_mode mode)
{
	fixture_create(&w->f, layout, mode);
	w->ring = &w->f.ring;
	w->load = load_create();
}

static void world_destroy(struct world *w)
{
	load_destroy(w->load);
	fixture_destroy(&w->f);
}

static void attach(struct world *w, struct tw_writer *writer, uint32_t tid)
{
	memset(writer, 0, sizeof(*writer));
	assert_int_equal(tw_writer_attach(w->ring, writer, tid, 0), 0);
}

static uint32_t state_of(const struct world *w, uint32_t index)
{
	return tw_ring_trailer(w->ring, index)->state & TW_PAGE_STATE_MASK;
}

static uint32_t ticket_of(const struct world *w, uint32_t index)
{
	return tw_ring_trailer(w->ring, index)->state >> TW_PAGE_TICKET_SHIFT;
}

static uint32_t index_of(const struct world *w, const struct tw_page *page)
{
	return (uint32_t)(((const uint8_t *)page - w->ring->pages) /
			  w->ring->page_size);
}

/* Take the next page and say which it is. */
static uint32_t turn(struct world *w, struct tw_writer *writer)
{
	w->load->clock++;
	assert_int_equal(tw_writer_turn(w->ring, writer, w->load->clock),
			 TW_TURN_DONE);
	assert_non_null(writer->page);
	return index_of(w, writer->page);
}

/* Read all there is, and hold it against the books. */
static uint64_t check_all(struct world *w)
{
	struct tw_ring_reader reader;
	struct seen seen;
	const char *why;
	uint64_t lost;

	fixture_open(&w->f, FIXTURE_MAPPED, &reader);
	seen_create(&seen, &reader);
	why = seen_finish(&seen, &reader, w->load);
	if (why)
		fail_msg("%s", why);
	lost = seen_lost(&seen, w->load);
	seen_destroy(&seen);
	return lost;
}

/* Give every full page back. */
static uint32_t release_all(struct world *w)
{
	struct tw_ring_reader reader;
	struct tw_page_view view;
	uint64_t bytes[512 / 8];
	uint32_t i, count = 0;

	fixture_open(&w->f, FIXTURE_MAPPED, &reader);
	for (i = 0; i < w->ring->page_count; i++)
		if (state_of(w, i) == TW_PAGE_FULL) {
			assert_int_equal(
				tw_ring_page_copy(&reader, i, bytes, &view), 0);
			assert_int_equal(tw_ring_page_release(&reader, &view),
					 0);
			count++;
		}
	return count;
}

/* ---- Lanes ---- */

static void lanes_are_given_out_once(void **state)
{
	struct tw_writer writers[5];
	struct world w;
	uint32_t i;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	for (i = 0; i < 4; i++) {
		memset(&writers[i], 0xa5, sizeof(writers[i]));
		assert_int_equal(
			tw_writer_attach(w.ring, &writers[i], 100 + i, i), 0);
		assert_int_equal(writers[i].lane, i);
		assert_null(writers[i].page);
		assert_null(writers[i].pos);
		assert_int_equal(writers[i].events, 0);
		assert_int_equal(writers[i].discarded, 0);
		assert_int_equal(w.ring->lanes[i].state, TW_LANE_USED);
		assert_int_equal(w.ring->lanes[i].tid, 100 + i);
		assert_int_equal(w.ring->lanes[i].level, i);
	}
	assert_int_equal(tw_writer_attach(w.ring, &writers[4], 1, 0), -1);
	world_destroy(&w);
}

static void a_lane_goes_on_where_it_was_left(void **state)
{
	struct tw_writer one, other;
	struct tw_ring_lane *entry;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	entry = &w.ring->lanes[0];
	attach(&w, &one, 10);
	load_fill_pages(w.load, w.ring, &one, 2);
	tw_writer_discard(w.ring, &one);
	w.load->discarded[0]++;
	tw_writer_detach(w.ring, &one);
	assert_null(one.page);
	assert_int_equal(entry->state, TW_LANE_IDLE);
	assert_int_equal(entry->page, 0);
	assert_int_equal(entry->events, w.load->written[0]);
	assert_int_equal(entry->discarded, 1);
	assert_int_equal(entry->seq, 2);
	assert_int_equal(entry->last_time, w.load->clock);
	assert_int_equal(entry->tid, 10);

	attach(&w, &other, 11);
	assert_int_equal(other.lane, 0);
	assert_int_equal(other.events, w.load->written[0]);
	assert_int_equal(other.discarded, 1);
	assert_int_equal(entry->tid, 11);
	load_fill_pages(w.load, w.ring, &other, 1);
	assert_int_equal(other.page->packet_seq_num, 2);
	assert_int_equal(other.page->tid, 11);
	assert_int_equal(check_all(&w), 0);
	world_destroy(&w);
}

/* So that many threads, one after another, need few lanes. */
static void a_left_lane_comes_before_a_fresh_one(void **state)
{
	struct tw_writer a, b;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &a, 1);
	attach(&w, &b, 2);
	tw_writer_detach(w.ring, &b);
	attach(&w, &b, 3);
	assert_int_equal(b.lane, 1);
	assert_int_equal(w.ring->lanes[2].state, TW_LANE_FREE);
	tw_writer_detach(w.ring, &a);
	tw_writer_detach(w.ring, &b);
	attach(&w, &a, 4);
	attach(&w, &b, 5);
	assert_int_equal(a.lane + b.lane, 1);
	world_destroy(&w);
}

/* ---- Pages ---- */

static void a_page_is_a_packet(void **state)
{
	struct tw_writer writer;
	struct tw_page *page;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	memset(&writer, 0, sizeof(writer));
	assert_int_equal(tw_writer_attach(w.ring, &writer, 77, 3), 0);
	w.ring->control->beacon = 0x1122334455667788u;
	tw_writer_discard(w.ring, &writer);
	assert_int_equal(tw_writer_turn(w.ring, &writer, 5000), TW_TURN_DONE);
	page = writer.page;
	assert_ptr_equal(page, w.ring->pages);
	assert_int_equal(page->magic, TW_PAGE_MAGIC);
	assert_memory_equal(page->uuid, w.ring->control->uuid, 16);
	assert_int_equal(page->stream_id, TW_PAGE_STREAM_ID);
	assert_int_equal(page->timestamp_begin, 5000);
	assert_int_equal(page->timestamp_end, 5000);
	assert_int_equal(page->content_size, TW_PAGE_HEADER * 8);
	assert_int_equal(page->events, 0);
	assert_int_equal(page->packet_size, 512 * 8);
	assert_int_equal(page->lane, 0);
	assert_int_equal(page->packet_seq_num, 0);
	assert_int_equal(page->events_discarded, 1);
	assert_int_equal(page->events_before, 0);
	assert_int_equal(page->tid, 77);
	assert_int_equal(page->level, 3);
	assert_int_equal(tw_ring_trailer(w.ring, 0)->beacon,
			 0x1122334455667788u);
	assert_int_equal(state_of(&w, 0), TW_PAGE_OPEN);
	assert_int_equal(w.ring->lanes[0].page, 1);
	assert_int_equal(w.ring->lanes[0].seq, 1);
	assert_int_equal(w.ring->control->head, 1);
	world_destroy(&w);
}

/* CTF: a packet begins no earlier than the one before has ended, and an end of
 * 0 is fatal to its readers. */
static void pages_of_a_lane_never_go_back_in_time(void **state)
{
	struct tw_writer writer;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &writer, 1);
	assert_int_equal(tw_writer_turn(w.ring, &writer, 0), TW_TURN_DONE);
	assert_int_equal(writer.page->timestamp_begin, 1);
	assert_int_equal(writer.page->timestamp_end, 1);
	writer.page->timestamp_end = 900;
	assert_int_equal(tw_writer_turn(w.ring, &writer, 300), TW_TURN_DONE);
	assert_int_equal(writer.page->timestamp_begin, 900);
	/* Nor do those of its next writer. */
	tw_writer_detach(w.ring, &writer);
	attach(&w, &writer, 2);
	assert_int_equal(tw_writer_turn(w.ring, &writer, 300), TW_TURN_DONE);
	assert_int_equal(writer.page->timestamp_begin, 900);
	world_destroy(&w);
}

static void a_page_has_an_end_in_time(void **state)
{
	struct tw_writer writer;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &writer, 1);
	assert_int_equal(tw_writer_turn(w.ring, &writer, 1000), TW_TURN_DONE);
	assert_int_equal(writer.limit, 1000 + TW_PAGE_TICKS);
	/* From where the lane has come to, not from where the clock is. */
	writer.page->timestamp_end = 5000;
	assert_int_equal(tw_writer_turn(w.ring, &writer, 2000), TW_TURN_DONE);
	assert_int_equal(writer.limit, 5000 + TW_PAGE_TICKS);
	/* A counter that is about to go round. */
	assert_int_equal(tw_writer_turn(w.ring, &writer, UINT64_MAX - 9),
			 TW_TURN_DONE);
	assert_true(writer.limit == UINT64_MAX);
	world_destroy(&w);
}

static void closing_counts_and_lets_go(void **state)
{
	struct tw_writer writer;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &writer, 1);
	load_emit(w.load, w.ring, &writer);
	load_emit(w.load, w.ring, &writer);
	assert_int_equal(w.ring->lanes[0].events, 0);
	tw_writer_close(w.ring, &writer);
	assert_null(writer.page);
	assert_null(writer.pos);
	assert_int_equal(writer.events, 2);
	assert_int_equal(w.ring->lanes[0].events, 2);
	assert_int_equal(w.ring->lanes[0].last_time, w.load->clock);
	assert_int_equal(w.ring->lanes[0].page, 0);
	assert_int_equal(state_of(&w, 0), TW_PAGE_FULL);
	assert_int_equal(ticket_of(&w, 0), 0);
	/* With no page there is nothing to close. */
	tw_writer_close(w.ring, &writer);
	assert_int_equal(w.ring->lanes[0].events, 2);
	assert_int_equal(check_all(&w), 0);
	world_destroy(&w);
}

static void counts_go_on_from_page_to_page(void **state)
{
	struct tw_writer writer;
	struct world w;
	uint64_t before = 0;
	uint32_t i;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &writer, 1);
	for (i = 0; i < 11; i++) {
		load_fill_pages(w.load, w.ring, &writer, 1);
		assert_int_equal(writer.page->packet_seq_num, i);
		assert_int_equal(writer.page->events_before, before);
		before += writer.page->events;
		assert_int_equal(before, w.load->written[0]);
	}
	/* The last 4 pages are there, what was before is lost and counted. */
	assert_true(check_all(&w) > 0);
	world_destroy(&w);
}

static void discarded_events_are_counted_where_they_can_be(void **state)
{
	struct tw_writer writer;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &writer, 1);
	tw_writer_discard(w.ring, NULL);
	assert_int_equal(w.ring->control->discarded, 1);
	tw_writer_discard(w.ring, &writer);
	assert_int_equal(w.ring->lanes[0].discarded, 1);
	turn(&w, &writer);
	assert_int_equal(writer.page->events_discarded, 1);
	tw_writer_discard(w.ring, &writer);
	assert_int_equal(writer.page->events_discarded, 2);
	assert_int_equal(w.ring->lanes[0].discarded, 2);
	assert_int_equal(w.ring->control->discarded, 1);
	world_destroy(&w);
}

/* ---- Which page ---- */

static void overwriting_takes_the_oldest(void **state)
{
	struct tw_writer writer;
	struct world w;
	uint32_t i;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &writer, 1);
	for (i = 0; i < 10; i++) {
		assert_int_equal(turn(&w, &writer), i % 4);
		assert_int_equal(ticket_of(&w, i % 4), i);
	}
	world_destroy(&w);
}

static void open_pages_are_stepped_over(void **state)
{
	struct tw_writer quiet, busy;
	struct world w;
	uint32_t last = 0, i;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &quiet, 1);
	attach(&w, &busy, 2);
	turn(&w, &busy);
	assert_int_equal(turn(&w, &quiet), 1);
	load_emit(w.load, w.ring, &quiet);
	for (i = 0; i < 9; i++) {
		last = turn(&w, &busy);
		assert_int_not_equal(last, 1);
		/* 2, 3, 0, 2, 3, 0: oldest first all the same. */
		assert_int_equal(last, (i + 2) % 3 == 2	  ? 2
				       : (i + 2) % 3 == 0 ? 3
							  : 0);
	}
	/* The quiet lane's event is still there. */
	assert_int_equal(state_of(&w, 1), TW_PAGE_OPEN);
	assert_int_equal(ticket_of(&w, 1), 1);
	assert_int_equal(check_all(&w), 0);
	world_destroy(&w);
}

static void no_page_while_all_are_open(void **state)
{
	struct tw_writer holders[2], writer;
	struct tw_ring_layout layout = fixture_small;
	struct world w;
	uint32_t head;

	layout.page_count = 2;
	world_create(&w, &layout, TW_RING_OVERWRITE);
	attach(&w, &holders[0], 1);
	attach(&w, &holders[1], 2);
	attach(&w, &writer, 3);
	turn(&w, &holders[0]);
	turn(&w, &holders[1]);
	head = w.ring->control->head;
	assert_int_equal(tw_writer_turn(w.ring, &writer, 9), TW_TURN_OPEN);
	assert_null(writer.page);
	/* A lap of tickets was looked at, no more. */
	assert_int_equal(w.ring->control->head, head + 2);
	assert_int_equal(load_emit(w.load, w.ring, &writer), TW_TURN_OPEN);
	assert_int_equal(w.ring->lanes[2].discarded, 1);
	/* A claimed page is another's as well. */
	tw_ring_trailer(w.ring, 0)->state ^= TW_PAGE_OPEN ^ TW_PAGE_CLAIMED;
	assert_int_equal(tw_writer_turn(w.ring, &writer, 9), TW_TURN_OPEN);
	tw_ring_trailer(w.ring, 0)->state ^= TW_PAGE_OPEN ^ TW_PAGE_CLAIMED;
	tw_writer_close(w.ring, &holders[0]);
	assert_int_equal(turn(&w, &writer), 0);
	assert_int_equal(check_all(&w), 0);
	world_destroy(&w);
}

/* With its own page the only one that others don't have open, a writer goes on
 * in that. */
static void a_writer_may_take_the_page_it_has_just_closed(void **state)
{
	struct tw_ring_layout layout = fixture_small;
	struct tw_writer holder, writer;
	struct world w;
	uint32_t i;

	layout.page_count = 2;
	world_create(&w, &layout, TW_RING_OVERWRITE);
	attach(&w, &holder, 1);
	attach(&w, &writer, 2);
	turn(&w, &holder);
	for (i = 0; i < 5; i++)
		assert_int_equal(turn(&w, &writer), 1);
	world_destroy(&w);
}

static void unread_pages_are_kept(enum tw_ring_mode mode)
{
	struct tw_writer writer;
	struct world w;
	uint64_t written;
	uint32_t head;

	world_create(&w, &fixture_small, mode);
	attach(&w, &writer, 1);
	load_fill_pages(w.load, w.ring, &writer, 4);
	written = w.load->written[0];
	assert_int_equal(load_emit(w.load, w.ring, &writer), TW_TURN_UNREAD);
	assert_null(writer.page);
	head = w.ring->control->head;
	assert_int_equal(load_emit(w.load, w.ring, &writer), TW_TURN_UNREAD);
	assert_int_equal(w.ring->control->head, head);
	assert_int_equal(w.load->written[0], written);
	assert_int_equal(w.ring->lanes[0].discarded, 2);
	assert_int_equal(check_all(&w), 0);

	assert_int_equal(release_all(&w), 4);
	assert_int_equal(load_emit(w.load, w.ring, &writer), TW_TURN_DONE);
	assert_int_equal(index_of(&w, writer.page), 0);
	assert_int_equal(writer.page->events_before, written);
	assert_int_equal(writer.page->events_discarded, 2);
	world_destroy(&w);
}

static void discard_mode_keeps_unread_pages(void **state)
{
	unread_pages_are_kept(TW_RING_DISCARD);
}

static void block_mode_keeps_unread_pages(void **state)
{
	unread_pages_are_kept(TW_RING_BLOCK);
}

static void overwriting_takes_pages_given_back_too(void **state)
{
	struct tw_writer writer;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &writer, 1);
	load_fill_pages(w.load, w.ring, &writer, 4);
	tw_writer_close(w.ring, &writer);
	assert_int_equal(release_all(&w), 4);
	assert_int_equal(turn(&w, &writer), 0);
	assert_int_equal(ticket_of(&w, 0), 4);
	world_destroy(&w);
}

/* ---- Tickets ---- */

/* Head is 32 bits and a state word has 30 of them: both wrap. */
static void tickets_wrap(uint32_t head, enum tw_ring_mode mode,
			 uint32_t page_count)
{
	struct tw_ring_layout layout = fixture_small;
	struct tw_writer a, b, *writer;
	struct world w;
	uint32_t i, index;

	layout.page_count = page_count;
	world_create(&w, &layout, mode);
	w.ring->control->head = head;
	attach(&w, &a, 1);
	attach(&w, &b, 2);
	for (i = 0; i < 4 * page_count; i++) {
		writer = i % 3 ? &a : &b;
		load_fill_pages(w.load, w.ring, writer, 1);
		assert_non_null(writer->page);
		index = index_of(&w, writer->page);
		assert_int_equal(ticket_of(&w, index),
				 (w.ring->control->head - 1) &
					 UINT32_MAX >> TW_PAGE_TICKET_SHIFT);
		if (mode == TW_RING_OVERWRITE)
			continue;
		tw_writer_close(w.ring, writer);
		assert_int_equal(release_all(&w), 1);
	}
	assert_int_equal(w.load->discarded[0] + w.load->discarded[1], 0);
	assert_true(w.ring->control->head - head < 16 * page_count);
	check_all(&w);
	world_destroy(&w);
}

static void head_wraps(void **state)
{
	static const uint32_t page_counts[] = {2, 3, 4, 5};
	size_t i;

	for (i = 0; i < 4; i++) {
		tickets_wrap(UINT32_MAX - 5, TW_RING_OVERWRITE, page_counts[i]);
		tickets_wrap(UINT32_MAX - 5, TW_RING_DISCARD, page_counts[i]);
		tickets_wrap(UINT32_MAX / 4 - 5, TW_RING_OVERWRITE,
			     page_counts[i]);
		tickets_wrap(UINT32_MAX / 4 - 5, TW_RING_DISCARD,
			     page_counts[i]);
	}
}

/* ---- Small and scarce ---- */

static void the_least_ring_works(void **state)
{
	struct tw_writer writer;
	struct world w;
	uint32_t i;

	world_create(&w, &fixture_tiny, TW_RING_OVERWRITE);
	attach(&w, &writer, 1);
	for (i = 0; i < 100; i++)
		assert_int_equal(load_emit(w.load, w.ring, &writer),
				 TW_TURN_DONE);
	assert_in_range(check_all(&w), 90, 99);
	world_destroy(&w);
}

static uint32_t prepared[16], no_memory_from;

static int prepare(const struct tw_ring *ring, uint32_t index)
{
	prepared[index]++;
	return index < no_memory_from;
}

static void pages_are_prepared_once(void **state)
{
	struct tw_writer writer;
	struct world w;
	uint32_t i;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	memset(prepared, 0, sizeof(prepared));
	no_memory_from = 4;
	w.ring->prepare_page = prepare;
	attach(&w, &writer, 1);
	for (i = 0; i < 12; i++)
		turn(&w, &writer);
	for (i = 0; i < 4; i++)
		assert_int_equal(prepared[i], 1);
	world_destroy(&w);
}

/* A page that had no memory in the first lap is asked for again, and until
 * then never touched: it would be a SIGBUS. */
static void pages_without_memory_are_left_alone(void **state)
{
	struct tw_writer writer;
	struct world w;
	uint32_t i;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	memset(prepared, 0, sizeof(prepared));
	no_memory_from = 2;
	w.ring->prepare_page = prepare;
	attach(&w, &writer, 1);
	for (i = 0; i < 9; i++)
		assert_in_range(turn(&w, &writer), 0, 1);
	assert_int_equal(((struct tw_page *)(w.ring->pages + 1024))->magic, 0);
	assert_in_range(prepared[2], 2, 9);
	no_memory_from = 0;
	tw_writer_close(w.ring, &writer);
	assert_in_range(turn(&w, &writer), 0, 1);
	/* Somebody has freed memory. */
	no_memory_from = 4;
	for (i = 0; i < 4; i++)
		turn(&w, &writer);
	assert_int_equal(((struct tw_page *)(w.ring->pages + 1024))->magic,
			 TW_PAGE_MAGIC);
	world_destroy(&w);
}

static void no_page_without_any_memory(void **state)
{
	struct tw_writer writer;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	no_memory_from = 0;
	w.ring->prepare_page = prepare;
	attach(&w, &writer, 1);
	assert_int_equal(load_emit(w.load, w.ring, &writer), TW_TURN_OPEN);
	assert_int_equal(w.ring->lanes[0].discarded, 1);
	world_destroy(&w);
}

/*
 * Between a writer's ticket and its claim others may go round the ring: the
 * page that they then have must be a prepared one all the same. Here the first
 * ticket is gone without its page having been claimed.
 */
static void a_page_passed_over_is_prepared_later(void **state)
{
	struct tw_writer writer;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	memset(prepared, 0, sizeof(prepared));
	no_memory_from = 4;
	w.ring->prepare_page = prepare;
	w.ring->control->head = 4;
	attach(&w, &writer, 1);
	assert_int_equal(turn(&w, &writer), 0);
	assert_int_equal(prepared[0], 1);
	world_destroy(&w);
}

/* ---- Sleepers ---- */

static void sleepers_are_woken_once(void **state)
{
	struct tw_writer writer;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &writer, 1);
	turn(&w, &writer);
	assert_int_equal(tw_ring_take_waiters(w.ring), 0);
	w.ring->control->waiters = w.ring->control->head;
	turn(&w, &writer);
	assert_int_equal(tw_ring_take_waiters(w.ring), 1);
	assert_int_equal(w.ring->control->waiters, 0);
	assert_int_equal(tw_ring_take_waiters(w.ring), 0);
	world_destroy(&w);
}

/*
 * A reader that looks at head between a writer's turn and its question waits
 * for the turn after. Were its word taken away now, it would sleep through it.
 */
static void a_sleeper_for_the_next_turn_stays(void **state)
{
	struct tw_writer writer;
	struct world w;

	world_create(&w, &fixture_small, TW_RING_OVERWRITE);
	attach(&w, &writer, 1);
	turn(&w, &writer);
	w.ring->control->waiters = w.ring->control->head;
	tw_ring_take_waiters(w.ring);
	turn(&w, &writer);
	assert_int_equal(tw_ring_take_waiters(w.ring), 1);
	assert_int_equal(tw_ring_take_waiters(w.ring), 0);
	world_destroy(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_are_given_out_once),
		cmocka_unit_test(a_lane_goes_on_where_it_was_left),
		cmocka_unit_test(a_left_lane_comes_before_a_fresh_one),
		cmocka_unit_test(a_page_is_a_packet),
		cmocka_unit_test(pages_of_a_lane_never_go_back_in_time),
		cmocka_unit_test(a_page_has_an_end_in_time),
		cmocka_unit_test(closing_counts_and_lets_go),
		cmocka_unit_test(counts_go_on_from_page_to_page),
		cmocka_unit_test(
			discarded_events_are_counted_where_they_can_be),
		cmocka_unit_test(overwriting_takes_the_oldest),
		cmocka_unit_test(open_pages_are_stepped_over),
		cmocka_unit_test(no_page_while_all_are_open),
		cmocka_unit_test(a_writer_may_take_the_page_it_has_just_closed),
		cmocka_unit_test(discard_mode_keeps_unread_pages),
		cmocka_unit_test(block_mode_keeps_unread_pages),
		cmocka_unit_test(overwriting_takes_pages_given_back_too),
		cmocka_unit_test(head_wraps),
		cmocka_unit_test(the_least_ring_works),
		cmocka_unit_test(pages_are_prepared_once),
		cmocka_unit_test(pages_without_memory_are_left_alone),
		cmocka_unit_test(no_page_without_any_memory),
		cmocka_unit_test(a_page_passed_over_is_prepared_later),
		cmocka_unit_test(sleepers_are_woken_once),
		cmocka_unit_test(a_sleeper_for_the_next_turn_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
