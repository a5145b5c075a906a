/* SPDX-License-Identifier: MIT */
/* Events that prove themselves: see load.h. */
#include "load.h"

#include "../../../src/ring/atomic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <trackway/emit.h>

/* An event's fields, packed; filler bytes follow. */
struct fields {
	uint32_t lane;
	uint32_t filler; /* bytes */
	uint64_t number;
	uint64_t check;
};
#define FIXED (TW_EVENT_HEADER + sizeof(struct fields))
#define EVENT_ID 7u

struct load *load_create(void)
{
	void *memory = mmap(NULL, sizeof(struct load), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		abort();
	return memory;
}

void load_destroy(struct load *load)
{
	munmap(load, sizeof(*load));
}

static uint32_t filler_of(uint64_t number)
{
	return (uint32_t)(number % 7 * 3);
}

size_t load_event_size(uint64_t number)
{
	return FIXED + filler_of(number);
}

static uint64_t mix(uint64_t lane, uint64_t number)
{
	uint64_t x = number + (lane + 1) * 0x9e3779b97f4a7c15u;

	x ^= x >> 31;
	x *= 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

static uint8_t filler_byte(uint64_t check, uint32_t i)
{
	return (uint8_t)(check >> i % 8 * 8 ^ i);
}

static void put_fields(uint8_t *at, uint32_t lane, uint64_t number)
{
	struct fields fields = {lane, filler_of(number), number,
				mix(lane, number)};
	uint32_t i;

	memcpy(at, &fields, sizeof(fields));
	at += sizeof(fields);
	for (i = 0; i < fields.filler; i++)
		at[i] = filler_byte(fields.check, i);
}

static bool has_room(const struct tw_ring *ring, const struct tw_writer *writer,
		     size_t size)
{
	return writer->page &&
	       writer->pos + size <= tw_ring_page_end(ring, writer->page);
}

enum tw_turn load_emit(struct load *load, struct tw_ring *ring,
		       struct tw_writer *writer)
{
	const uint64_t number = load->written[writer->lane];
	const size_t size = load_event_size(number);
	const uint64_t now = __atomic_add_fetch(&load->clock, 1,
						__ATOMIC_RELAXED);
	enum tw_turn turn;
	uint64_t word;

	if (!has_room(ring, writer, size)) {
		turn = tw_writer_turn(ring, writer, now);
		if (turn != TW_TURN_DONE) {
			tw_writer_discard(ring, writer);
			load->discarded[writer->lane]++;
			return turn;
		}
	}
	word = TW_EVENT_WORD(now, EVENT_ID);
	memcpy(writer->pos, &word, sizeof(word));
	put_fields(writer->pos + TW_EVENT_HEADER, writer->lane, number);
	tw_store_release(&writer->page->timestamp_end, now);
	tw_commit(writer->page, TW_COMMIT_STEP((uint32_t)size * 8));
	writer->pos += size;
	__atomic_store_n(&load->written[writer->lane], number + 1,
			 __ATOMIC_RELAXED);
	return TW_TURN_DONE;
}

void load_fill_pages(struct load *load, struct tw_ring *ring,
		     struct tw_writer *writer, uint32_t pages)
{
	const uint64_t *seq = &ring->lanes[writer->lane].seq;
	const uint64_t end = *seq + pages;
	uint32_t i;

	/* Bounded: where no page is to be had seq stands still. */
	for (i = 0; i < pages * ring->page_size / FIXED + 1; i++) {
		if (*seq == end &&
		    !has_room(ring, writer,
			      load_event_size(load->written[writer->lane])))
			return;
		load_emit(load, ring, writer);
	}
}

/* ---- Reading ---- */

static const char *check_event(const struct tw_ring_reader *reader,
			       const uint8_t *at, size_t room, uint32_t lane,
			       uint64_t number)
{
	struct fields fields;
	uint32_t filler, i;

	if (room < load_event_size(number))
		return "the page's content ends within an event";
	memcpy(&fields, at + TW_EVENT_HEADER, sizeof(fields));
	filler = tw_ring_u32(reader, fields.filler);
	if (tw_ring_u32(reader, fields.lane) != lane)
		return "an event is another lane's";
	if (tw_ring_u64(reader, fields.number) != number)
		return "an event's number is not the one that follows";
	if (tw_ring_u64(reader, fields.check) != mix(lane, number) ||
	    filler != filler_of(number))
		return "an event's fields are torn";
	for (i = 0; i < filler; i++)
		if (at[FIXED + i] != filler_byte(mix(lane, number), i))
			return "an event's filler is torn";
	return NULL;
}

static const char *check_word(const struct tw_ring_reader *reader,
			      const uint8_t *at, uint64_t *time)
{
	const bool big = (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) !=
			 (reader->swap != 0);
	const uint64_t mask = ((uint64_t)1 << TW_EVENT_TIME_BITS) - 1;
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	word = tw_ring_u64(reader, word);
	if ((big ? word >> 48 : word & 0xffff) != EVENT_ID)
		return "an event has another id";
	word = big ? word & mask : word >> 16;
	if (word < *time)
		return "an event is older than the one before";
	*time = word;
	return NULL;
}

const char *load_check_page(const struct tw_ring_reader *reader,
			    const void *bytes, const struct tw_page_view *view)
{
	const uint8_t *at = bytes;
	uint64_t time = view->time_begin;
	size_t offset = TW_PAGE_HEADER;
	const char *why;
	uint32_t i;

	for (i = 0; i < view->events; i++) {
		why = check_event(reader, at + offset, view->size - offset,
				  view->lane, view->events_before + i);
		if (!why)
			why = check_word(reader, at + offset, &time);
		if (why)
			return why;
		offset += load_event_size(view->events_before + i);
	}
	if (offset != view->size)
		return "there is more in the page than its events";
	return time <= view->time_end ? NULL : "the page ends before its event";
}

void load_swap_events(struct tw_page *page)
{
	size_t offset = TW_PAGE_HEADER;
	struct tw_ring_reader same = {.swap = 1};
	struct fields fields;
	uint64_t word, time;
	uint8_t *at;
	uint32_t i;

	for (i = 0; i < page->events; i++) {
		at = (uint8_t *)page + offset;
		memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		time = word >> 16;
		word = (uint64_t)EVENT_ID << 48 | time;
#else
		time = word << 16 >> 16;
		word = time << 16 | EVENT_ID;
#endif
		word = __builtin_bswap64(word);
		memcpy(at, &word, sizeof(word));
		memcpy(&fields, at + TW_EVENT_HEADER, sizeof(fields));
		offset += load_event_size(fields.number);
		fields.lane = tw_ring_u32(&same, fields.lane);
		fields.filler = tw_ring_u32(&same, fields.filler);
		fields.number = tw_ring_u64(&same, fields.number);
		fields.check = tw_ring_u64(&same, fields.check);
		memcpy(at + TW_EVENT_HEADER, &fields, sizeof(fields));
	}
}

void seen_create(struct seen *seen, const struct tw_ring_reader *reader)
{
	uint32_t i;

	memset(seen, 0, sizeof(*seen));
	seen->lanes = reader->control.lane_count;
	seen->page = malloc(reader->control.page_size);
	seen->parts = calloc(reader->control.page_count, sizeof(*seen->parts));
	if (!seen->page || !seen->parts || seen->lanes > LOAD_LANES)
		abort();
	for (i = 0; i < seen->lanes; i++) {
		seen->bits[i] = calloc(LOAD_EVENTS_MAX / 8, 1);
		if (!seen->bits[i])
			abort();
	}
}

void seen_destroy(struct seen *seen)
{
	uint32_t i;

	for (i = 0; i < seen->lanes; i++)
		free(seen->bits[i]);
	free(seen->page);
	free(seen->parts);
}

static void note_event(struct seen *seen, uint32_t lane, uint64_t number)
{
	uint8_t *byte = &seen->bits[lane][number / 8];
	const uint8_t bit = (uint8_t)(1u << number % 8);

	seen->events[lane] += !(*byte & bit);
	*byte |= bit;
}

static void note_page(struct seen *seen, const struct tw_page_view *view)
{
	const uint64_t end = view->events_before + view->events;
	uint32_t i;

	for (i = 0; i < view->events; i++)
		note_event(seen, view->lane, view->events_before + i);
	if (end > seen->known[view->lane])
		seen->known[view->lane] = end;
	if (view->discarded > seen->discarded[view->lane])
		seen->discarded[view->lane] = view->discarded;
	seen->pages++;
}

/* Whoever goes on where the last copy ended may rely on when it did. */
static const char *check_part(struct seen *seen,
			      const struct tw_ring_reader *reader,
			      const struct tw_page_view *view)
{
	struct seen_part *part = &seen->parts[view->index];
	const uint8_t *bytes = seen->page;
	const char *why = NULL;

	if (part->ticket == view->ticket && part->size &&
	    part->size < view->size &&
	    check_word(reader, bytes + part->size, &part->time_end))
		why = "a page ended after the event that came next";
	*part = (struct seen_part){view->ticket, view->size, view->time_end};
	return why;
}

const char *seen_read_page(struct seen *seen, struct tw_ring_reader *reader,
			   uint32_t index)
{
	struct tw_page_view view;
	const char *why;
	int error;

	error = tw_ring_page_copy(reader, index, seen->page, &view);
	if (error == -EAGAIN) {
		seen->again++;
		return NULL;
	}
	if (error)
		return reader->why;
	if (view.events_before + view.events > LOAD_EVENTS_MAX)
		return "more events than were ever written";
	why = load_check_page(reader, seen->page, &view);
	if (!why)
		why = check_part(seen, reader, &view);
	if (why)
		return why;
	note_page(seen, &view);
	if (seen->release && view.state == TW_PAGE_FULL) {
		error = tw_ring_page_release(reader, &view);
		if (error && error != -EAGAIN)
			return reader->why;
	}
	return NULL;
}

const char *seen_read(struct seen *seen, struct tw_ring_reader *reader)
{
	const char *why = NULL;
	uint32_t i;

	for (i = 0; !why && i < reader->control.page_count; i++)
		why = seen_read_page(seen, reader, i);
	return why;
}

void seen_merge(struct seen *seen, const struct seen *other)
{
	uint32_t lane;
	uint64_t i;

	for (lane = 0; lane < seen->lanes; lane++) {
		for (i = 0; i < LOAD_EVENTS_MAX; i++)
			if (other->bits[lane][i / 8] & 1u << i % 8)
				note_event(seen, lane, i);
		if (other->known[lane] > seen->known[lane])
			seen->known[lane] = other->known[lane];
		if (other->discarded[lane] > seen->discarded[lane])
			seen->discarded[lane] = other->discarded[lane];
	}
}

static const char *note_lane(struct seen *seen, struct tw_ring_reader *reader,
			     uint32_t index)
{
	struct tw_ring_lane lane;

	if (tw_ring_read_lane(reader, index, &lane))
		return reader->why;
	if (lane.events > seen->known[index])
		seen->known[index] = lane.events;
	if (lane.discarded > seen->discarded[index])
		seen->discarded[index] = lane.discarded;
	return NULL;
}

const char *seen_read_all(struct seen *seen, struct tw_ring_reader *reader)
{
	const char *why = seen_read(seen, reader);
	uint32_t i;

	for (i = 0; !why && i < seen->lanes; i++)
		why = note_lane(seen, reader, i);
	return why;
}

const char *seen_finish(struct seen *seen, struct tw_ring_reader *reader,
			const struct load *load)
{
	const char *why = seen_read_all(seen, reader);
	uint64_t no_lane;
	uint32_t i;

	for (i = 0; !why && i < seen->lanes; i++) {
		if (seen->known[i] != load->written[i])
			why = "a lane's events are not those written";
		else if (seen->discarded[i] != load->discarded[i])
			why = "a lane's discarded events are not all counted";
		else if (seen->events[i] > load->written[i])
			why = "more events were read than written";
	}
	if (!why && tw_ring_discarded(reader, &no_lane))
		why = reader->why;
	if (!why && no_lane != load->no_lane)
		why = "events without a lane are not all counted";
	return why;
}

uint64_t seen_lost(const struct seen *seen, const struct load *load)
{
	uint64_t lost = 0;
	uint32_t i;

	for (i = 0; i < seen->lanes; i++)
		lost += load->written[i] - seen->events[i];
	return lost;
}
