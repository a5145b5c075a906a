/* SPDX-License-Identifier: MIT */
/*
 * What a client has not been shown yet of the targets' rings. Each client reads
 * by itself and gives no page back: to look is not to take. A command takes
 * what is there as it begins, so it ends however fast the program writes.
 */
#include "client.h"

#include "../attach/ram.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int reserve(struct tw_monitor_reader *reader, uint32_t producer)
{
	size_t *targets = reallocarray(reader->targets, producer + 1u,
				       sizeof(*targets));

	if (!targets)
		return -ENOMEM;
	reader->targets = targets;
	return 0;
}

/*
 * The very ring that the monitor has: out of the same memory, which costs no
 * search. -ESTALE: it is gone, and another one may be at its place by now.
 */
static int open_in_guest(const struct tw_monitored *target,
			 struct tw_attach **attach,
			 struct tw_attach_error *error)
{
	struct tw_ram *ram = target->guest->ram;

	for (size_t i = 0; i < tw_ram_ring_count(ram); i++)
		if (tw_ram_ring(ram, i)->serial == target->serial)
			return tw_ram_attach(ram, i, false, attach, error);
	snprintf(error->text, sizeof(error->text), "%s: the ring is gone",
		 target->attach->target.path);
	return -ESTALE;
}

static int open_target(const struct tw_monitored *target,
		       struct tw_attach **attach, struct tw_attach_error *error)
{
	return target->guest ? open_in_guest(target, attach, error)
			     : tw_attach_open(target->attach->target.path,
					      false, attach, error);
}

static int add_target(struct tw_monitor_reader *reader,
		      const struct tw_monitor *monitor, size_t index)
{
	const struct tw_monitored *target = &monitor->targets[index];
	const char *path = target->attach->target.path;
	/* One that came in place of another is new to everybody. */
	const struct tw_drain_options options = {
		.start = target->epoch > 1 ? TW_DRAIN_ALL : reader->start,
		.open = true,
	};
	struct tw_attach *attach;
	uint32_t producer = tw_trace_producer_count(reader->trace);
	int err = reserve(reader, producer);

	if (!err)
		err = open_target(target, &attach, &reader->error);
	/* In a guest it can be had at the next look what can't be had now; to
	 * look for a ring by its name may take long, and so is done once. */
	if (!err || err == -ESTALE || !target->guest)
		reader->epochs[index] = target->epoch;
	if (err)
		return err;
	err = tw_attach_share_schemas(attach, target->attach, &reader->error);
	if (err) {
		tw_attach_close(attach);
		return err;
	}
	reader->targets[producer] = index;
	return tw_trace_add_guest(reader->trace, attach, &options,
				  tw_ram_is_spec(path) ? target->epoch : 0,
				  &reader->error);
}

bool tw_reader_renew(struct tw_monitor_reader *reader,
		     const struct tw_monitor *monitor)
{
	bool is_any = false;

	for (size_t i = 0; i < monitor->count; i++) {
		if (reader->epochs[i] == monitor->targets[i].epoch)
			continue;
		/* What can't be read shows no events. */
		add_target(reader, monitor, i);
		is_any = true;
	}
	return is_any;
}

int tw_reader_open(struct tw_monitor_reader *reader,
		   const struct tw_monitor *monitor, enum tw_drain_start start)
{
	*reader = (struct tw_monitor_reader){.start = start};
	if (tw_trace_create(&reader->trace))
		return -ENOMEM;
	tw_trace_use_clocks(reader->trace, &monitor->clocks);
	reader->epochs = calloc(monitor->count, sizeof(*reader->epochs));
	if (!reader->epochs)
		return -ENOMEM;
	for (size_t i = 0; i < monitor->count; i++)
		if (add_target(reader, monitor, i) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

void tw_reader_close(struct tw_monitor_reader *reader,
		     struct tw_monitor *monitor)
{
	tw_reader_release_pages(reader, monitor);
	for (size_t i = 0; i < TW_FORMAT_SLOTS; i++)
		tw_format_destroy(reader->formats[i]);
	tw_reader_free_dropped(reader);
	tw_trace_destroy(reader->trace);
	free(reader->targets);
	free(reader->epochs);
}

bool tw_reader_start(struct tw_monitor_client *client)
{
	struct tw_monitor_reader *reader = &client->reader;

	reader->has_polled = false;
	tw_reader_renew(reader, client->monitor);
	if (!tw_trace_producer_count(reader->trace)) {
		tw_client_fail(client, "%s", reader->error.text);
		return false;
	}
	if (tw_reader_take_pages(reader, client->monitor))
		return true;
	tw_client_fail(client, "other clients read too much at the moment");
	return false;
}

/* ---- Records ---- */

/* 1 and the next, 0, or -ENOMEM. */
static int next(struct tw_monitor_reader *reader, struct tw_monitor *monitor,
		const struct tw_record **record)
{
	struct tw_attach_error error;
	int got = tw_reader_next(reader, record);

	if (got || reader->has_polled)
		return got;
	reader->has_polled = true;
	/* Others may have taken what it was allowed at the beginning. */
	if (!tw_reader_take_pages(reader, monitor) ||
	    tw_trace_poll(reader->trace, false, &error) < 0)
		return 0;
	return tw_reader_next(reader, record);
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

void tw_reader_show(struct tw_monitor_client *client,
		    struct tw_monitor_reader *reader,
		    const struct tw_record *record, tw_reader_show_fn fn)
{
	const struct tw_monitor *monitor = client->monitor;
	const char *target =
		monitor->targets[reader->targets[record->producer->index]].name;
	struct tw_text text = {0};

	if (record->kind == TW_RECORD_EVENT)
		add_message(reader, record, &text);
	tw_text_add(&text, "", 1);
	if (!text.failed)
		fn(client, &(struct tw_monitor_record){
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

bool tw_reader_is_news(const struct tw_monitor_reader *reader,
		       const struct tw_record *record)
{
	return record->kind == TW_RECORD_EVENT || reader->has_shown;
}

bool tw_reader_step(struct tw_monitor_client *client)
{
	struct tw_monitor_reader *reader = &client->reader;
	const uint64_t max = client->arguments.max;
	const struct tw_record *record;
	int got;

	if (max && client->shown >= max)
		return false;
	got = next(reader, client->monitor, &record);
	client->is_over |= got < 0;
	if (got != 1) {
		tw_reader_release_pages(reader, client->monitor);
		reader->has_shown = true;
		return false;
	}
	if (!tw_reader_is_news(reader, record))
		return true;
	client->shown++;
	tw_reader_show(client, reader, record, client->view->record);
	return true;
}
