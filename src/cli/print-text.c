/* SPDX-License-Identifier: MIT */
/*
 * Events as text. Most of the work is putting digits into a large buffer: what
 * stays the same from line to line (the second, an event's name, a thread's
 * number) is kept as text. What is no event goes to stderr, so that the lines
 * of stdout are events and nothing else.
 *
 * Called by print-loop.c.
 */
#include "printer.h"

#include "../schema/text.h"
#include "bounds.h"
#include "producer-names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S 1000000000u

/* ---- Time ---- */

static void set_second(struct tw_printer *printer, uint64_t ns)
{
	const time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm;

	printer->second = ns - ns % NS_PER_S;
	if (printer->request->time == TW_PRINT_UTC
		    ? !gmtime_r(&seconds, &tm)
		    : !localtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	printer->second_size = (size_t)snprintf(
		printer->clock_text, sizeof(printer->clock_text),
		"%s%02u:%02u:%02u.", printer->time_style,
		(unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		(unsigned)tm.tm_sec % 100);
}

/* Six digits of a number below 10^6. */
static char *put_six(char *out, size_t value)
{
	memcpy(out, tw_decimal_pairs + value / 10000 * 2, 2);
	memcpy(out + 2, tw_decimal_pairs + value / 100 % 100 * 2, 2);
	memcpy(out + 4, tw_decimal_pairs + value % 100 * 2, 2);
	return out + 6;
}

/* Three of a number below 1000. */
static inline char *put_three(char *out, size_t value)
{
	*out++ = (char)('0' + value / 100);
	memcpy(out, tw_decimal_pairs + value % 100 * 2, 2);
	return out + 2;
}

/* "+0.000001234", or "-" before a step back between producers' clocks. */
static char *put_difference(char *out, uint64_t ns, uint64_t from)
{
	const uint64_t difference = ns < from ? from - ns : ns - from;

	*out++ = ns < from ? '-' : '+';
	out = tw_put_decimal(out, difference / NS_PER_S);
	*out++ = '.';
	out = put_six(out, difference % NS_PER_S / 1000);
	return put_three(out, difference % 1000);
}

static void set_microsecond(struct tw_printer *printer, uint64_t ns)
{
	/* Before this second wraps to a huge difference. */
	if (ns - printer->second >= NS_PER_S)
		set_second(printer, ns);
	printer->microsecond = ns - ns % 1000;
	put_six(printer->clock_text + printer->second_size,
		(ns - printer->second) / 1000);
}

static inline char *put_time(struct tw_printer *printer, char *out, uint64_t ns)
{
	const enum tw_print_time style = printer->request->time;

	if (style == TW_PRINT_RELATIVE || style == TW_PRINT_DELTA) {
		out = stpcpy(out, printer->time_style);
		return put_difference(out, ns,
				      style == TW_PRINT_DELTA
					      ? printer->last_ns
					      : printer->first_ns);
	}
	if (ns - printer->microsecond >= 1000)
		set_microsecond(printer, ns);
	memcpy(out, printer->clock_text, sizeof(printer->clock_text));
	return put_three(out + printer->second_size + 6,
			 ns - printer->microsecond);
}

/* ---- Bounds ---- */

/* " +1.24us -0.30us", each in a column; then a mark, or a blank. */
static char *put_bounds(char *out, const struct tw_record *record)
{
	out += sprintf(out, " %*s %*s", TW_BOUND_WIDTH,
		       tw_bound_of('+', record->plus_ns).text, TW_BOUND_WIDTH,
		       tw_bound_of('-', record->minus_ns).text);
	if (record->marks & TW_RECORD_CLAMPED)
		*out++ = '!';
	else if (record->marks & TW_RECORD_UNSURE)
		*out++ = '?';
	else
		*out++ = ' ';
	return out;
}

/* ---- Labels ---- */

static void add_event_text(struct tw_json *json,
			   const struct tw_event_desc *event)
{
	struct tw_text *text = &json->text;

	tw_text_add_string(text, tw_style(TW_STYLE_BOLD));
	tw_text_add_escaped(text, event->name, strlen(event->name));
	tw_text_add_string(text, tw_style(TW_STYLE_PLAIN));
	tw_text_add_string(text, " ");
	tw_text_reserve(text, TW_LABEL_ROOM);
}

/* Each producer's name has its colour, so that the eye finds its lines. */
static const char *name_style(uint32_t index)
{
	static const enum tw_style styles[] = {TW_STYLE_CYAN, TW_STYLE_MAGENTA,
					       TW_STYLE_GREEN, TW_STYLE_YELLOW,
					       TW_STYLE_BLUE};

	return tw_style(styles[index % (sizeof(styles) / sizeof(styles[0]))]);
}

/* The producer's name stands in a line only where it tells something. */
static void add_producer_text(const struct tw_printer *printer,
			      const struct tw_trace_producer *producer,
			      struct tw_json *json)
{
	struct tw_text *text = &json->text;

	tw_text_add_string(text, " ");
	if (printer->producer_count <= 1)
		return;
	tw_text_add_string(text, name_style(producer->index));
	tw_producer_add_name(printer->trace, producer->index,
			     printer->name_width, text);
	tw_text_add_string(text, printer->plain_style);
	tw_text_add_string(text, " ");
}

/* ---- Events ---- */

/* size bytes of text, behind which there is room for TW_LABEL_ROOM. */
static inline char *put_label(char *out, const char *text, size_t size)
{
	if (size <= TW_LABEL_ROOM)
		memcpy(out, text, TW_LABEL_ROOM);
	else
		memcpy(out, text, size);
	return out + size;
}

static void set_prefix(struct tw_printer *printer,
		       const struct tw_record *record)
{
	const struct tw_printed_producer *producer =
		&printer->producers[record->producer->index];
	struct tw_text *prefix = &printer->prefix;

	prefix->size = 0;
	tw_text_add_string(prefix, printer->plain_style);
	tw_text_add(prefix, producer->label, producer->label_size);
	tw_text_add_u64(prefix, record->tid);
	tw_text_add_string(prefix, " ");
	tw_text_reserve(prefix, TW_LABEL_ROOM);
	printer->prefix_producer = record->producer;
	printer->prefix_tid = record->tid;
}

static void print_text(struct tw_printer *printer,
		       const struct tw_record *record,
		       const struct tw_printed_event *shown)
{
	struct tw_text *text = &printer->json.text;
	size_t room;
	char *out;

	if (printer->prefix_tid != record->tid ||
	    printer->prefix_producer != record->producer)
		set_prefix(printer, record);
	room = 256 + TW_LABEL_ROOM + printer->prefix.size + shown->label_size;
	if (text->room - text->size < room)
		out = tw_text_reserve(text, room);
	else
		out = text->data + text->size;
	if (!out || printer->prefix.failed) {
		text->failed = true;
		return;
	}
	out = put_time(printer, out, record->time_ns);
	if (printer->request->bounds)
		out = put_bounds(out, record);
	out = put_label(out, printer->prefix.data, printer->prefix.size);
	out = put_label(out, shown->label, shown->label_size);
	text->size = (size_t)(out - text->data);
	tw_format_run(shown->format, record->event.fields,
		      record->event.fields_size, record->producer->decoder.swap,
		      text);
	/* An event without a message leaves no blank at the line's end. */
	if (text->size && text->data[text->size - 1] == ' ')
		text->size--;
	if (text->size < text->room)
		text->data[text->size++] = '\n';
	else
		tw_text_add(text, "\n", 1);
}

/* ---- What is no event ---- */

static void print_reset_text(struct tw_printer *printer,
			     const struct tw_trace_producer *producer,
			     uint64_t time_ns)
{
	struct tw_text name = {0};

	(void)time_ns;
	tw_output_text(&printer->json.text);
	tw_output_flush();
	tw_text_add_escaped(&name, producer->name, strlen(producer->name));
	fprintf(stderr, "--- reset: %.*s, epoch %" PRIu32 " ---\n",
		(int)name.size, name.data ? name.data : "", producer->epoch);
	free(name.data);
}

static void print_lost_text(struct tw_printer *printer,
			    const struct tw_record *record)
{
	const uint64_t lost = record->lost + record->discarded;
	char where[64] = "no lane was free";
	struct tw_text name = {0};

	if (record->lane != TW_NO_LANE)
		snprintf(where, sizeof(where), "lane %" PRIu32, record->lane);
	tw_output_text(&printer->json.text);
	tw_output_flush();
	if (printer->producer_count > 1) {
		tw_producer_add_name(printer->trace, record->producer->index, 0,
				     &name);
		tw_text_add_string(&name, ", ");
	}
	fprintf(stderr, "--- %" PRIu64 " event%s lost (%.*s%s) ---\n", lost,
		lost == 1 ? "" : "s", (int)name.size,
		name.data ? name.data : "", where);
	free(name.data);
}

const struct tw_print_form tw_print_as_text = {
	.add_event = add_event_text,
	.add_producer = add_producer_text,
	.event = print_text,
	.reset = print_reset_text,
	.lost = print_lost_text,
};
