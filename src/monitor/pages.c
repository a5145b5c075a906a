/* SPDX-License-Identifier: MIT */
/*
 * Copies of pages that clients' readers have, which are bounded for all of them
 * together. A reader has its copies until its client has been told all that is
 * in them: of one that doesn't read, for ever. So when another one needs the
 * room, those that have had theirs for long give them up, the longest first.
 * What was in them is counted, by lane, and is lost to that client alone.
 *
 * To count costs about what it took to copy, and nobody gives up anything where
 * that would not make room enough.
 */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How long pages are its own whoever needs them: most clients have been told
 * all of them by then. */
#define PATIENCE_NS 1000000000u

/* ---- What was given up ---- */

/* The place of a lane, with one for events that found none. */
static uint32_t place_of(const struct tw_record *record)
{
	return record->lane == TW_NO_LANE ? 0 : record->lane + 1;
}

static int grow_producers(struct tw_dropped *dropped, uint32_t count)
{
	struct tw_dropped_lanes *list;

	if (count <= dropped->count)
		return 0;
	list = reallocarray(dropped->producers, count, sizeof(*list));
	if (!list)
		return -ENOMEM;
	memset(list + dropped->count, 0,
	       (count - dropped->count) * sizeof(*list));
	dropped->producers = list;
	dropped->count = count;
	return 0;
}

static int grow_lanes(struct tw_dropped_lanes *lanes, uint32_t count)
{
	struct tw_record *list;

	if (count <= lanes->count)
		return 0;
	list = reallocarray(lanes->list, count, sizeof(*list));
	if (!list)
		return -ENOMEM;
	memset(list + lanes->count, 0, (count - lanes->count) * sizeof(*list));
	lanes->list = list;
	lanes->count = count;
	return 0;
}

/* One more, of the time of the first. */
static int add_dropped(struct tw_monitor_reader *reader,
		       const struct tw_record *record)
{
	const uint32_t producer = record->producer->index;
	const uint32_t lanes = tw_trace_lane_count(reader->trace, producer);
	const uint32_t place = place_of(record);
	struct tw_dropped *dropped = &reader->dropped;
	struct tw_record *sum;
	int error = grow_producers(dropped, producer + 1);

	if (!error)
		error = grow_lanes(&dropped->producers[producer],
				   place < lanes ? lanes + 1 : place + 1);
	if (error)
		return error;
	sum = &dropped->producers[producer].list[place];
	if (!sum->lost && !sum->discarded) {
		*sum = *record;
		sum->kind = TW_RECORD_LOST;
		sum->event = (struct tw_decoded){0};
		sum->lost = 0;
		sum->discarded = 0;
	}
	if (record->kind == TW_RECORD_EVENT) {
		sum->lost++;
	} else {
		sum->lost += record->lost;
		sum->discarded += record->discarded;
	}
	return 0;
}

/* The next lane of which something was given up; each is told once. */
static bool next_dropped(struct tw_dropped *dropped,
			 const struct tw_record **record)
{
	for (; dropped->producer < dropped->count; dropped->producer++) {
		struct tw_dropped_lanes *lanes =
			&dropped->producers[dropped->producer];

		while (dropped->place < lanes->count) {
			struct tw_record *sum = &lanes->list[dropped->place++];

			if (!sum->lost && !sum->discarded)
				continue;
			dropped->told = *sum;
			*sum = (struct tw_record){0};
			*record = &dropped->told;
			return true;
		}
		dropped->place = 0;
	}
	dropped->is_any = false;
	return false;
}

void tw_reader_free_dropped(struct tw_monitor_reader *reader)
{
	for (uint32_t i = 0; i < reader->dropped.count; i++)
		free(reader->dropped.producers[i].list);
	free(reader->dropped.producers);
	reader->dropped = (struct tw_dropped){0};
}

int tw_reader_next(struct tw_monitor_reader *reader,
		   const struct tw_record **record)
{
	if (reader->dropped.error)
		return reader->dropped.error;
	if (reader->dropped.is_any && next_dropped(&reader->dropped, record))
		return 1;
	return tw_trace_next(reader->trace, record);
}

/* ---- Who has how much ---- */

static void drop(struct tw_monitor_reader *reader, struct tw_monitor *monitor)
{
	struct tw_dropped *dropped = &reader->dropped;
	const struct tw_record *record;
	int got;

	dropped->is_any = true;
	dropped->producer = 0;
	dropped->place = 0;
	while ((got = tw_trace_next(reader->trace, &record)) > 0)
		if (tw_reader_is_news(reader, record) && !dropped->error)
			dropped->error = add_dropped(reader, record);
	if (got < 0)
		dropped->error = got;
	reader->has_shown = true;
	tw_reader_release_pages(reader, monitor);
}

static uint64_t room_of(const struct tw_monitor *monitor)
{
	return TW_MONITOR_PAGES_MAX - monitor->pages;
}

static bool has_had_long(const struct tw_monitor_reader *reader, uint64_t now)
{
	return now >= reader->held_ns + PATIENCE_NS;
}

/* Have others give up what they have had for long, if that is enough. */
static bool make_room(struct tw_monitor *monitor, uint64_t size)
{
	const uint64_t now = tw_monotonic_ns();
	const struct tw_monitor_reader *holder = monitor->holders;
	uint64_t room = room_of(monitor);

	for (; room < size && holder && has_had_long(holder, now);
	     holder = holder->next_holder)
		room += holder->charged;
	if (room < size)
		return false;
	while (room_of(monitor) < size)
		drop(monitor->holders, monitor);
	return true;
}

bool tw_reader_take_pages(struct tw_monitor_reader *reader,
			  struct tw_monitor *monitor)
{
	struct tw_monitor_reader **end = &monitor->holders;
	uint64_t size = 0;

	if (reader->charged)
		return true;
	for (size_t i = 0; i < monitor->count; i++)
		size += monitor->targets[i].attach->target.size;
	/* One is let in whatever its rings take, and is alone then. */
	if (size > TW_MONITOR_PAGES_MAX)
		size = TW_MONITOR_PAGES_MAX;
	if (!make_room(monitor, size))
		return false;
	while (*end)
		end = &(*end)->next_holder;
	*end = reader;
	reader->next_holder = NULL;
	reader->held_ns = tw_monotonic_ns();
	reader->charged = size;
	monitor->pages += size;
	return true;
}

void tw_reader_release_pages(struct tw_monitor_reader *reader,
			     struct tw_monitor *monitor)
{
	struct tw_monitor_reader **at = &monitor->holders;

	if (!reader->charged)
		return;
	while (*at != reader)
		at = &(*at)->next_holder;
	*at = reader->next_holder;
	monitor->pages -= reader->charged;
	reader->charged = 0;
}
