/* SPDX-License-Identifier: MIT */
/*
 * Telling a client of new events without being asked. It has a reader of its
 * own for that, which begins where the rings stand; what info trace shows is
 * another matter.
 *
 * The rings are looked into only while all that was told before has been
 * pulled. So a client that doesn't read holds the output that waits for it and
 * the pages of one look at most, which others may take away (pages.c); and what
 * is overwritten meanwhile is counted by its reader.
 */
#include "client.h"

#include "../attach/ram.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* At a time; bytes of output, and records, of which most may be of no name that
 * is asked for. Commands are heard in between. */
#define OUTPUT_ENOUGH 32768u
#define RECORDS_ENOUGH 8192u

/* Between looks: after one that has brought something, and at most. */
#define PAUSE_MIN_NS 10000000u
#define PAUSE_MAX_NS 100000000u

/* ---- Begin and end ---- */

static bool set_pattern(struct tw_monitor_follow *follow, const char *pattern)
{
	char *copy = NULL;

	if (pattern) {
		copy = strdup(pattern);
		if (!copy)
			return false;
	}
	free(follow->pattern);
	follow->pattern = copy;
	return true;
}

static bool open_reader(struct tw_monitor_client *client)
{
	struct tw_monitor_follow *follow = &client->follow;
	struct tw_monitor_reader *reader = &follow->reader;

	follow->is_on = true; /* so that tw_follow_stop() frees all */
	if (tw_reader_open(reader, client->monitor, TW_DRAIN_NOW)) {
		tw_client_fail(client, "%s", strerror(ENOMEM));
		return false;
	}
	reader->has_shown = true; /* whatever is missing is news */
	follow->pause_ns = PAUSE_MIN_NS;
	if (tw_trace_producer_count(reader->trace))
		return true;
	tw_client_fail(client, "%s", reader->error.text);
	return false;
}

bool tw_follow_start(struct tw_monitor_client *client, const char *pattern)
{
	struct tw_monitor_follow *follow = &client->follow;

	if (!set_pattern(follow, pattern)) {
		tw_client_fail(client, "%s", strerror(ENOMEM));
		return false;
	}
	if (follow->is_on || open_reader(client))
		return true;
	tw_follow_stop(client);
	return false;
}

void tw_follow_stop(struct tw_monitor_client *client)
{
	struct tw_monitor_follow *follow = &client->follow;

	if (follow->is_on)
		tw_reader_close(&follow->reader, client->monitor);
	free(follow->pattern);
	*follow = (struct tw_monitor_follow){0};
}

/* ---- Telling ---- */

static bool is_wanted(const struct tw_monitor_client *client,
		      const struct tw_record *record)
{
	const struct tw_monitor_follow *follow = &client->follow;
	const size_t target = follow->reader.targets[record->producer->index];
	const char *name = record->kind == TW_RECORD_EVENT
				   ? record->event.event->name
				   : NULL;

	return tw_monitor_is_named(&client->monitor->targets[target],
				   follow->pattern, name);
}

/* 1: there may be more; 0: there are none for now; or an error. */
static int tell(struct tw_monitor_client *client)
{
	struct tw_monitor_reader *reader = &client->follow.reader;
	const struct tw_record *record;
	int got = 1;

	for (uint32_t i = 0; i < RECORDS_ENOUGH && !client->is_over &&
			     client->output.size < OUTPUT_ENOUGH;
	     i++) {
		got = tw_reader_next(reader, &record);
		client->is_over |= got < 0;
		if (got <= 0)
			return got;
		if (is_wanted(client, record))
			tw_reader_show(client, reader, record,
				       client->view->push);
	}
	return got;
}

/* A guest's ring may have a successor. */
static bool may_be_replaced(const struct tw_monitor *monitor)
{
	for (size_t i = 0; i < monitor->count; i++)
		if (tw_ram_is_spec(monitor->targets[i].attach->target.path))
			return true;
	return false;
}

/* False: later, if at all. */
static bool look(struct tw_monitor_client *client)
{
	struct tw_monitor_follow *follow = &client->follow;
	struct tw_monitor_reader *reader = &follow->reader;
	struct tw_attach_error error;
	int got;

	tw_monitor_refresh(client->monitor);
	if (tw_reader_renew(reader, client->monitor))
		follow->has_ended = false;
	if (follow->has_ended || !tw_reader_take_pages(reader, client->monitor))
		return false;
	got = tw_trace_poll(reader->trace, false, &error);
	follow->has_ended = got <= 0 && !may_be_replaced(client->monitor);
	return true;
}

static void rest(struct tw_monitor_client *client)
{
	struct tw_monitor_follow *follow = &client->follow;

	if (client->output.size)
		follow->pause_ns = PAUSE_MIN_NS;
	else if (follow->pause_ns < PAUSE_MAX_NS)
		follow->pause_ns *= 2;
	if (follow->pause_ns > PAUSE_MAX_NS)
		follow->pause_ns = PAUSE_MAX_NS;
	follow->next_ns = tw_monotonic_ns() + follow->pause_ns;
}

void tw_follow_poll(struct tw_monitor_client *client)
{
	struct tw_monitor_follow *follow = &client->follow;

	if (!follow->is_on)
		return;
	if (follow->has_more || look(client))
		follow->has_more = tell(client) > 0;
	if (!follow->has_more)
		tw_reader_release_pages(&follow->reader, client->monitor);
	rest(client);
}

int tw_follow_timeout(const struct tw_monitor_client *client)
{
	const struct tw_monitor_follow *follow = &client->follow;
	uint64_t now;

	if (!follow->is_on || (follow->has_ended && !follow->has_more))
		return -1;
	if (follow->has_more)
		return 0;
	now = tw_monotonic_ns();
	if (follow->next_ns <= now)
		return 0;
	/* Rounded up, so that it is over when the caller wakes up. */
	return (int)((follow->next_ns - now + 999999) / 1000000);
}
