/* SPDX-License-Identifier: MIT */
/*
 * What a client has not been shown yet of the targets' rings. Each client reads
 * by itself and gives no page back: to look is not to take. A command takes
 * what is there as it begins, so it ends however fast the program writes.
 */
#include "client.h"

#include "../attach/ram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_target(struct tw_monitor_client *client, size_t index)
{
	static const struct tw_drain_options options = {
		.start = TW_DRAIN_ALL,
		.open = true,
	};
	const char *path = client->monitor->targets[index].attach->target.path;
	struct tw_monitor_reader *reader = &client->reader;
	struct tw_attach *attach;
	uint32_t producer = tw_trace_producer_count(reader->trace);
	int err = tw_attach_open(path, false, &attach, &reader->error);

	if (!err)
		err = tw_trace_add_guest(reader->trace, attach, &options,
					 tw_ram_is_spec(path), &reader->error);
	if (!err)
		reader->targets[producer] = index;
	return err;
}

int tw_reader_open(struct tw_monitor_client *client)
{
	struct tw_monitor_reader *reader = &client->reader;
	const size_t count = client->monitor->count;

	if (tw_trace_create(&reader->trace))
		return -ENOMEM;
	reader->targets = calloc(count, sizeof(*reader->targets));
	if (!reader->targets)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (add_target(client, i) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

static void release_pages(struct tw_monitor_client *client)
{
	client->monitor->pages -= client->reader.charged;
	client->reader.charged = 0;
}

void tw_reader_close(struct tw_monitor_client *client)
{
	struct tw_monitor_reader *reader = &client->reader;

	release_pages(client);
	for (size_t i = 0; i < TW_FORMAT_SLOTS; i++)
		tw_format_destroy(reader->formats[i]);
	if (reader->trace)
		tw_trace_destroy(reader->trace);
	free(reader->targets);
}

/* As much as may be copied out of all rings at once. */
static bool take_pages(struct tw_monitor_client *client)
{
	struct tw_monitor *monitor = client->monitor;
	uint64_t size = 0;

	if (client->reader.charged)
		return true;
	for (size_t i = 0; i < monitor->count; i++)
		size += monitor->targets[i].attach->target.size;
	if (monitor->pages && size > TW_MONITOR_PAGES_MAX - monitor->pages)
		return false;
	/* One is let in whatever its rings take, and is alone then. */
	if (size > TW_MONITOR_PAGES_MAX)
		size = TW_MONITOR_PAGES_MAX;
	client->reader.charged = size;
	monitor->pages += size;
	return true;
}

bool tw_reader_start(struct tw_monitor_client *client)
{
	struct tw_monitor_reader *reader = &client->reader;

	reader->has_polled = false;
	if (!tw_trace_producer_count(reader->trace)) {
		tw_client_fail(client, "%s", reader->error.text);
		return false;
	}
	if (take_pages(client))
		return true;
	tw_client_fail(client, "other clients read too much at the moment");
	return false;
}

/* ---- Records ---- */

/* 1 and the next, or 0. */
static int next(struct tw_monitor_reader *reader,
		const struct tw_record **record)
{
	struct tw_attach_error error;
	int got = tw_trace_next(reader->trace, record);

	if (got || reader->has_polled)
		return got;
	reader->has_polled = true;
	if (tw_trace_poll(reader->trace, false, &error) < 0)
		return 0;
	return tw_trace_next(reader->trace, record);
}

static struct tw_format *find_format(struct tw_monitor_reader *reader,
				     const struct tw_event_desc *event)
{
	/* Descriptions lie in arrays: the low bits of their places differ. */
	const size_t slot = (uintptr_t)event / 8 % TW_FORMAT_SLOTS;

	if (reader->events[slot] == event)
		return reader->formats[slot];
	tw_format_destroy(reader->formats[slot]);
	reader->formats[slot] = NULL;
	reader->events[slot] = NULL;
	if (tw_format_compile(event, &reader->formats[slot]))
		return NULL;
	reader->events[slot] = event;
	return reader->formats[slot];
}

static void add_message(struct tw_monitor_reader *reader,
			const struct tw_record *record, struct tw_text *text)
{
	const struct tw_decoded *event = &record->event;
	const struct tw_format *format = find_format(reader, event->event);

	if (format)
		tw_format_run(format, event->fields, event->fields_size,
			      record->producer->decoder.swap, text);
	else
		text->failed = true;
}

static void show(struct tw_monitor_client *client,
		 const struct tw_record *record)
{
	struct tw_monitor_reader *reader = &client->reader;
	const struct tw_monitor *monitor = client->monitor;
	const char *target =
		monitor->targets[reader->targets[record->producer->index]].name;
	struct tw_text text = {0};

	if (record->kind == TW_RECORD_EVENT)
		add_message(reader, record, &text);
	tw_text_add(&text, "", 1);
	if (!text.failed)
		client->view->record(
			client,
			&(struct tw_monitor_record){
				.record = record,
				.target = target,
				.prefix = monitor->count > 1 ? target : NULL,
				.message = text.data,
				.hex = client->arguments.hex,
			});
	else
		client->is_over = true;
	free(text.data);
}

/* What was overwritten before anybody looked is no news. */
static bool is_news(const struct tw_monitor_reader *reader,
		    const struct tw_record *record)
{
	return record->kind == TW_RECORD_EVENT || reader->has_shown;
}

bool tw_reader_step(struct tw_monitor_client *client)
{
	struct tw_monitor_reader *reader = &client->reader;
	const uint64_t max = client->arguments.max;
	const struct tw_record *record;

	if (max && client->shown >= max)
		return false;
	if (next(reader, &record) != 1) {
		release_pages(client);
		reader->has_shown = true;
		return false;
	}
	if (!is_news(reader, record))
		return true;
	client->shown++;
	show(client, record);
	return true;
}
