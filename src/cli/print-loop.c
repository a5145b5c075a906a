/* SPDX-License-Identifier: MIT */
/*
 * The loop of `trackway print`: look for new rings, read what has come, give
 * each record to the form of output, sleep if there was little to do.
 *
 * Called by cmd-print.c.
 */
#include "print.h"

#include "printer.h"
#include "producer-names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUFFER_SIZE (256u << 10)
#define PAUSE_BUSY_MS 1
#define PAUSE_IDLE_MS 10

/* ---- What is kept of events and producers ---- */

static char *take_text(struct tw_text *text, size_t *size)
{
	if (text->failed) {
		free(text->data);
		return NULL;
	}
	*size = text->size;
	return text->data;
}

static bool set_event_label(const struct tw_printer *printer,
			    struct tw_printed_event *shown,
			    const struct tw_event_desc *event)
{
	struct tw_json json = {.comma = true};

	printer->form->add_event(&json, event);
	shown->label = take_text(&json.text, &shown->label_size);
	return shown->label;
}

static struct tw_printed_event *find_shown(struct tw_printer *printer,
					   const struct tw_record *record)
{
	const struct tw_event_desc *event = record->event.event;
	struct tw_printed_event *shown =
		&printer->producers[record->producer->index]
			 .events[record->event.id];

	if (shown->known)
		return shown;
	shown->chosen = tw_names_match(&printer->request->patterns,
				       event->name);
	if (shown->chosen && tw_format_compile(event, &shown->format))
		return NULL;
	if (!set_event_label(printer, shown, event))
		return NULL;
	shown->known = true;
	return shown;
}

static bool set_label(struct tw_printer *printer, uint32_t index)
{
	struct tw_printed_producer *shown = &printer->producers[index];
	struct tw_json json = {.comma = true};

	printer->form->add_producer(
		printer, tw_trace_producer(printer->trace, index), &json);
	free(shown->label);
	shown->label = take_text(&json.text, &shown->label_size);
	return shown->label;
}

static bool set_producer(struct tw_printer *printer, uint32_t index)
{
	struct tw_printed_producer *shown = &printer->producers[index];

	if (!shown->events)
		shown->events = calloc(TW_EVENTS_MAX, sizeof(*shown->events));
	return shown->events && set_label(printer, index);
}

/* ---- Records ---- */

static void print_reset(struct tw_printer *printer,
			const struct tw_trace_producer *producer,
			uint64_t time_ns)
{
	printer->producers[producer->index].is_announced = true;
	if (tw_is_after_reset(printer->trace, producer->index))
		printer->form->reset(printer, producer, time_ns);
}

static int print_event(struct tw_printer *printer,
		       const struct tw_record *record)
{
	const struct tw_printed_event *shown = find_shown(printer, record);

	if (!shown)
		return tw_error_memory();
	if (!shown->chosen)
		return TW_EXIT_OK;
	if (!printer->producers[record->producer->index].is_announced)
		print_reset(printer, record->producer, record->time_ns);
	if (!printer->printed++)
		printer->first_ns = printer->last_ns = record->time_ns;
	printer->form->event(printer, record, shown);
	printer->last_ns = record->time_ns;
	return TW_EXIT_OK;
}

/* Lines that are not in the order of time, and why. */
static void say_late(const struct tw_printer *printer)
{
	struct tw_trace_late late;

	tw_trace_late(printer->trace, &late);
	if (late.records)
		tw_notice("%" PRIu64
			  " event%s came too late to stand in order, "
			  "by up to %s: --hold %" PRIu64 " ms was not enough, "
			  "or a ring was found late",
			  late.records, late.records == 1 ? "" : "s",
			  tw_duration_of(late.most_ns).text,
			  printer->request->hold_ms);
}

/* ---- The whole ---- */

static int print_record(struct tw_printer *printer,
			const struct tw_record *record)
{
	if (record->kind == TW_RECORD_EVENT)
		return print_event(printer, record);
	printer->form->lost(printer, record);
	return TW_EXIT_OK;
}

static bool is_enough(const struct tw_printer *printer)
{
	return printer->printed >= printer->limit;
}

/* All that is to be had now. False: stop, for which *status may be a reason. */
static bool print_all(struct tw_printer *printer, int *status)
{
	const struct tw_record *record;
	bool go_on = true;
	int got = 0;

	while (go_on && (got = tw_trace_next(printer->trace, &record)) > 0) {
		*status = print_record(printer, record);
		go_on = !*status && !is_enough(printer);
		if (printer->json.text.size < BUFFER_SIZE)
			continue;
		go_on &= tw_output_text(&printer->json.text);
		if (!printer->request->follow && tw_interrupted())
			go_on = false;
	}
	if (got < 0)
		*status = tw_error_memory();
	go_on &= tw_output_text(&printer->json.text) && tw_output_flush();
	tw_say_warnings(printer->trace, &printer->warnings_said);
	return go_on && got >= 0;
}

static void pause_between(struct tw_printer *printer, bool is_busy)
{
	const int ms = is_busy ? PAUSE_BUSY_MS : PAUSE_IDLE_MS;

	if (!tw_channels_wait(printer->opened.channels, ms))
		nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* Make room for the producers that there are now, and name them. */
static int grow(struct tw_printer *printer)
{
	const uint32_t before = printer->producer_count;
	const uint32_t count = tw_trace_producer_count(printer->trace);
	struct tw_printed_producer *list;

	list = reallocarray(printer->producers, count + 1, sizeof(*list));
	if (!list)
		return tw_error_memory();
	memset(list + before, 0, (count - before) * sizeof(*list));
	printer->producers = list;
	printer->producer_count = count;
	printer->name_width = tw_producer_width(printer->trace);
	printer->prefix_producer = NULL;
	for (uint32_t i = 0; i < count; i++)
		if (!set_producer(printer, i))
			return tw_error_memory();
	return TW_EXIT_OK;
}

/* Rings that have come in guests' memories. */
static int look_for_more(struct tw_printer *printer)
{
	const uint32_t before = printer->producer_count;
	struct tw_ring_sync now = {0};
	int status;

	status = tw_open_more(&printer->opened, printer->open_options);
	if (status || tw_trace_producer_count(printer->trace) == before)
		return status;
	status = grow(printer);
	tw_moment_take(TW_CLOCK_MONOTONIC, &now);
	for (uint32_t i = before; !status && i < printer->producer_count; i++)
		print_reset(printer, tw_trace_producer(printer->trace, i),
			    now.real_ns);
	return status;
}

static int print_trace(struct tw_printer *printer)
{
	const bool follow = printer->request->follow;
	struct tw_attach_error error;
	int status = TW_EXIT_OK;
	uint64_t before;
	bool go_on, finish;
	int more, got;

	for (;;) {
		before = printer->printed;
		finish = !follow || tw_interrupted();
		if (tw_interrupted())
			tw_channels_stop(printer->opened.channels);
		more = !finish && tw_may_open_more(&printer->opened);
		if (follow)
			status = look_for_more(printer);
		if (status)
			return status;
		got = tw_trace_poll(printer->trace, finish, &error);
		if (got < 0)
			return tw_error(NULL, "%s", error.text);
		more |= got;
		go_on = print_all(printer, &status);
		tw_channels_say_news(printer->opened.channels);
		if (!go_on || !more)
			return status;
		pause_between(printer, printer->printed != before);
	}
}

static int prepare(struct tw_printer *printer)
{
	const struct tw_print_request *request = printer->request;

	printer->time_style = request->json ? "" : tw_style(TW_STYLE_DIM);
	printer->plain_style = request->json ? "" : tw_style(TW_STYLE_PLAIN);
	printer->second = printer->microsecond = UINT64_MAX / 2;
	return grow(printer);
}

static void release(struct tw_printer *printer)
{
	struct tw_printed_producer *producer;

	for (uint32_t i = 0; printer->producers && i < printer->producer_count;
	     i++) {
		producer = &printer->producers[i];
		for (uint32_t id = 0; producer->events && id < TW_EVENTS_MAX;
		     id++) {
			if (!producer->events[id].known)
				continue;
			tw_format_destroy(producer->events[id].format);
			free(producer->events[id].label);
		}
		free(producer->events);
		free(producer->label);
	}
	free(printer->producers);
	free(printer->prefix.data);
	free(printer->json.text.data);
}

int tw_print_run(const struct tw_print_request *request)
{
	const struct tw_open_options options = {
		.now = request->follow && !request->history,
		.release = request->follow,
		.wait = request->follow,
		.schema = request->schema,
		.events = &request->events,
		.follow = request->follow,
	};
	struct tw_printer printer = {
		.request = request,
		.form = request->json ? &tw_print_as_json : &tw_print_as_text,
		.open_options = &options,
		.limit = request->limit ? request->limit : UINT64_MAX,
	};
	int status;

	tw_interrupt_catch();
	status = tw_open_trace(&request->targets, &options, &printer.opened);
	if (status)
		return status;
	printer.trace = printer.opened.trace;
	/* Modules that are loaded later may have what is asked for. */
	if (tw_trace_producer_count(printer.trace))
		status = tw_check_patterns(printer.trace, &request->patterns);
	if (!status || request->follow)
		status = prepare(&printer);
	if (!status && !request->follow)
		status = tw_settle_clocks(&printer.opened);
	if (request->follow)
		tw_trace_hold(printer.trace, request->hold_ms * 1000000);
	if (!status)
		status = print_trace(&printer);
	say_late(&printer);
	tw_channels_say_counts(printer.opened.channels);
	release(&printer);
	tw_close_trace(&printer.opened);
	return status;
}
