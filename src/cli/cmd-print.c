/* SPDX-License-Identifier: MIT */
/*
 * trackway print: events as lines, in the order of time. Most of the work is
 * putting digits into a large buffer: what stays the same from line to line
 * (the second, an event's name, a thread's number) is kept as text.
 */
#include "cli.h"

#include "../schema/text.h"
#include "bounds.h"
#include "open-trace.h"
#include "producer-names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u
#define BUFFER_SIZE (256u << 10)
#define LABEL_ROOM 32 /* bytes that are copied at once */
#define PAUSE_BUSY_MS 1
#define PAUSE_IDLE_MS 10
#define HOLD_MS 50
#define HOLD_MS_MAX 600000

enum {
	OPTION_FORMAT = TW_OPTION_ID(1),
	OPTION_HISTORY = TW_OPTION_ID(2),
	OPTION_UTC = TW_OPTION_ID(3),
	OPTION_RELATIVE = TW_OPTION_ID(4),
	OPTION_DELTA = TW_OPTION_ID(5),
	OPTION_SCHEMA = TW_OPTION_ID(6),
	OPTION_BOUNDS = TW_OPTION_ID(7),
	OPTION_HOLD = TW_OPTION_ID(8),
};

enum shown_time {
	SHOW_LOCAL,
	SHOW_UTC,
	SHOW_RELATIVE, /* since the first event printed */
	SHOW_DELTA,    /* since the last event printed */
};

struct request {
	struct tw_words targets;
	struct tw_words patterns;
	bool follow;
	bool history;
	bool json;
	bool bounds;
	uint64_t hold_ms;
	enum shown_time time;
	const char *schema;
	struct tw_words events; /* files */
	uint64_t limit;		/* events */
};

/* An event of a producer, as it is printed. */
struct shown {
	bool known;
	bool chosen;
	struct tw_format *format;
	char *label; /* text: name and a blank; JSON: the member "event" */
	size_t label_size; /* LABEL_ROOM bytes are there in any case */
};

struct shown_producer {
	struct shown *events; /* TW_EVENTS_MAX of them */
	bool is_announced;    /* that it came after a reset has been said */
	char *label;	      /* text before the thread; JSON: name and pid */
	size_t label_size;
};

struct printer {
	const struct request *request;
	const struct tw_open_options *open_options;
	struct tw_opened opened;
	struct tw_trace *trace; /* opened's */
	struct shown_producer *producers;
	uint32_t producer_count;
	unsigned int name_width;
	struct tw_json json; /* its text is the output of both formats */
	uint64_t printed;
	uint64_t limit;
	uint64_t second;	     /* ns: the one that is in clock_text */
	uint64_t microsecond;	     /* likewise */
	char clock_text[LABEL_ROOM]; /* "14:03:21.123456", styled */
	size_t second_size;	     /* of it, up to the point */
	/* Text from a line's time to its event, of the thread printed last. */
	const struct tw_trace_producer *prefix_producer;
	uint32_t prefix_tid;
	struct tw_text prefix;
	uint64_t first_ns;
	uint64_t last_ns;
	const char *time_style;
	const char *plain_style;
	size_t warnings_said;
};

/* ---- Time ---- */

static void set_second(struct printer *printer, uint64_t ns)
{
	const time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm;

	printer->second = ns - ns % NS_PER_S;
	if (printer->request->time == SHOW_UTC ? !gmtime_r(&seconds, &tm)
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

static void set_microsecond(struct printer *printer, uint64_t ns)
{
	/* Before this second wraps to a huge difference. */
	if (ns - printer->second >= NS_PER_S)
		set_second(printer, ns);
	printer->microsecond = ns - ns % 1000;
	put_six(printer->clock_text + printer->second_size,
		(ns - printer->second) / 1000);
}

static inline char *put_time(struct printer *printer, char *out, uint64_t ns)
{
	const enum shown_time style = printer->request->time;

	if (style == SHOW_RELATIVE || style == SHOW_DELTA) {
		out = stpcpy(out, printer->time_style);
		return put_difference(out, ns,
				      style == SHOW_DELTA ? printer->last_ns
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

/* What is on the host's clock has none, and says so only when asked. */
static void add_bounds(const struct printer *printer, struct tw_json *json,
		       const struct tw_record *record)
{
	if (printer->request->bounds || record->plus_ns || record->minus_ns)
		tw_bounds_json(json, record->plus_ns, record->minus_ns);
	if (record->marks & TW_RECORD_CLAMPED)
		tw_json_bool(json, "clamped", true);
	if (record->marks & TW_RECORD_UNSURE)
		tw_json_bool(json, "unsure", true);
	if (record->marks & TW_RECORD_LATE)
		tw_json_bool(json, "late", true);
}

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

static bool set_text_label(struct shown *shown,
			   const struct tw_event_desc *event)
{
	struct tw_text text = {0};

	tw_text_add_string(&text, tw_style(TW_STYLE_BOLD));
	tw_text_add_escaped(&text, event->name, strlen(event->name));
	tw_text_add_string(&text, tw_style(TW_STYLE_PLAIN));
	tw_text_add_string(&text, " ");
	tw_text_reserve(&text, LABEL_ROOM);
	shown->label = take_text(&text, &shown->label_size);
	return shown->label;
}

static bool set_json_label(struct shown *shown,
			   const struct tw_event_desc *event)
{
	struct tw_json json = {.comma = true};

	tw_json_text(&json, "event", event->name);
	shown->label = take_text(&json.text, &shown->label_size);
	return shown->label;
}

static struct shown *find_shown(struct printer *printer,
				const struct tw_record *record)
{
	const struct tw_event_desc *event = record->event.event;
	struct shown *shown = &printer->producers[record->producer->index]
				       .events[record->event.id];

	if (shown->known)
		return shown;
	shown->chosen = tw_names_match(&printer->request->patterns,
				       event->name);
	if (shown->chosen && tw_format_compile(event, &shown->format))
		return NULL;
	if (!(printer->request->json ? set_json_label(shown, event)
				     : set_text_label(shown, event)))
		return NULL;
	shown->known = true;
	return shown;
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
static bool set_label(struct printer *printer, uint32_t index)
{
	const struct tw_trace_producer *producer = tw_trace_producer(
		printer->trace, index);
	struct shown_producer *shown = &printer->producers[index];
	struct tw_json json = {.comma = true};

	if (printer->request->json) {
		tw_json_text(&json, "producer", producer->name);
		tw_json_u64(&json, "pid", producer->pid);
		if (producer->epoch)
			tw_json_u64(&json, "epoch", producer->epoch);
	} else {
		tw_text_add_string(&json.text, " ");
		if (printer->producer_count > 1) {
			tw_text_add_string(&json.text, name_style(index));
			tw_producer_add_name(printer->trace, index,
					     printer->name_width, &json.text);
			tw_text_add_string(&json.text, printer->plain_style);
			tw_text_add_string(&json.text, " ");
		}
	}
	free(shown->label);
	shown->label = take_text(&json.text, &shown->label_size);
	return shown->label;
}

static bool set_producer(struct printer *printer, uint32_t index)
{
	struct shown_producer *shown = &printer->producers[index];

	if (!shown->events)
		shown->events = calloc(TW_EVENTS_MAX, sizeof(*shown->events));
	return shown->events && set_label(printer, index);
}

/* ---- Events ---- */

/* size bytes of text, behind which there is room for LABEL_ROOM. */
static inline char *put_label(char *out, const char *text, size_t size)
{
	if (size <= LABEL_ROOM)
		memcpy(out, text, LABEL_ROOM);
	else
		memcpy(out, text, size);
	return out + size;
}

static void set_prefix(struct printer *printer, const struct tw_record *record)
{
	const struct shown_producer *producer =
		&printer->producers[record->producer->index];
	struct tw_text *prefix = &printer->prefix;

	prefix->size = 0;
	tw_text_add_string(prefix, printer->plain_style);
	tw_text_add(prefix, producer->label, producer->label_size);
	tw_text_add_u64(prefix, record->tid);
	tw_text_add_string(prefix, " ");
	tw_text_reserve(prefix, LABEL_ROOM);
	printer->prefix_producer = record->producer;
	printer->prefix_tid = record->tid;
}

static void print_text(struct printer *printer, const struct tw_record *record,
		       const struct shown *shown)
{
	struct tw_text *text = &printer->json.text;
	size_t room;
	char *out;

	if (printer->prefix_tid != record->tid ||
	    printer->prefix_producer != record->producer)
		set_prefix(printer, record);
	room = 256 + LABEL_ROOM + printer->prefix.size + shown->label_size;
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

/* Bytes as a string of hex digits, two each. */
static void add_hex(struct tw_json *json, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	struct tw_text hex = {0};
	char *out = tw_text_reserve(&hex, size * 2);

	for (size_t i = 0; out && i < size; i++) {
		out[i * 2] = digits[bytes[i] >> 4];
		out[i * 2 + 1] = digits[bytes[i] & 15];
	}
	if (out)
		tw_json_string(json, NULL, out, size * 2);
	else
		json->text.failed = true;
	free(hex.data);
}

/* Of an integer whose values have names: both. */
static void add_named(struct tw_json *json, const struct tw_value *value)
{
	const struct tw_field *field = value->field;
	const char *name = NULL;
	size_t size = 0;

	if (field->kind == TW_FIELD_SINT || value->u <= INT64_MAX)
		name = tw_label_find(field->values, value->s, &size);
	tw_json_begin(json, NULL, '{');
	if (field->kind == TW_FIELD_SINT)
		tw_json_s64(json, "value", value->s);
	else
		tw_json_u64(json, "value", value->u);
	if (name)
		tw_json_string(json, "name", name, size);
	else
		tw_json_null(json, "name");
	tw_json_end(json, '}');
}

static void add_value(struct tw_json *json, const struct tw_value *value)
{
	if (value->field->values) {
		add_named(json, value);
		return;
	}
	switch (value->field->kind) {
	case TW_FIELD_STRING:
		tw_json_string(json, NULL, value->string.text,
			       value->string.size);
		break;
	case TW_FIELD_BYTES:
		add_hex(json, (const uint8_t *)value->string.text,
			value->string.size);
		break;
	case TW_FIELD_SINT:
		tw_json_s64(json, NULL, value->s);
		break;
	case TW_FIELD_FLOAT:
		tw_json_double(json, NULL, value->f);
		break;
	case TW_FIELD_BOOL:
		tw_json_bool(json, NULL, value->u);
		break;
	default:
		tw_json_u64(json, NULL, value->u);
		break;
	}
}

static void add_arguments(struct tw_json *json, const struct tw_decoded *event,
			  bool swap)
{
	struct tw_value value;
	size_t offset = 0;

	tw_json_begin(json, "args", '{');
	for (uint32_t i = 0; i < event->event->field_count; i++) {
		tw_fields_value(event->event, i, event->fields, &offset, swap,
				&value);
		tw_json_key(json, value.field->name, strlen(value.field->name));
		add_value(json, &value);
	}
	tw_json_end(json, '}');
}

static void print_json(struct printer *printer, const struct tw_record *record,
		       const struct shown *shown)
{
	const struct shown_producer *producer =
		&printer->producers[record->producer->index];
	const bool swap = record->producer->decoder.swap;
	struct tw_json *json = &printer->json;
	struct tw_text message = {0};

	tw_json_begin(json, NULL, '{');
	tw_json_u64(json, "time_ns", record->time_ns);
	add_bounds(printer, json, record);
	tw_text_add(&json->text, producer->label, producer->label_size);
	tw_json_u64(json, "tid", record->tid);
	tw_text_add(&json->text, shown->label, shown->label_size);
	add_arguments(json, &record->event, swap);
	tw_format_run(shown->format, record->event.fields,
		      record->event.fields_size, swap, &message);
	tw_json_string(json, "message", message.data ? message.data : "",
		       message.size);
	free(message.data);
	tw_json_end(json, '}');
	tw_json_line(json);
}

/* ---- Resets ---- */

static void print_reset_json(struct printer *printer,
			     const struct tw_trace_producer *producer,
			     uint64_t time_ns)
{
	struct tw_json *json = &printer->json;

	tw_json_begin(json, NULL, '{');
	tw_json_u64(json, "time_ns", time_ns);
	tw_text_add(&json->text, printer->producers[producer->index].label,
		    printer->producers[producer->index].label_size);
	tw_json_bool(json, "reset", true);
	tw_json_u64(json, "generation", producer->generation);
	tw_json_end(json, '}');
	tw_json_line(json);
}

/* On stderr, so that the lines of stdout are events and nothing else. */
static void print_reset(struct printer *printer,
			const struct tw_trace_producer *producer,
			uint64_t time_ns)
{
	struct shown_producer *shown = &printer->producers[producer->index];
	struct tw_text name = {0};

	shown->is_announced = true;
	if (!tw_is_after_reset(printer->trace, producer->index))
		return;
	if (printer->request->json) {
		print_reset_json(printer, producer, time_ns);
		return;
	}
	tw_output_text(&printer->json.text);
	tw_output_flush();
	tw_text_add_escaped(&name, producer->name, strlen(producer->name));
	fprintf(stderr, "--- reset: %.*s, epoch %" PRIu32 " ---\n",
		(int)name.size, name.data ? name.data : "", producer->epoch);
	free(name.data);
}

static int print_event(struct printer *printer, const struct tw_record *record)
{
	const struct shown *shown = find_shown(printer, record);

	if (!shown)
		return tw_error_memory();
	if (!shown->chosen)
		return TW_EXIT_OK;
	if (!printer->producers[record->producer->index].is_announced)
		print_reset(printer, record->producer, record->time_ns);
	if (!printer->printed++)
		printer->first_ns = printer->last_ns = record->time_ns;
	if (printer->request->json)
		print_json(printer, record, shown);
	else
		print_text(printer, record, shown);
	printer->last_ns = record->time_ns;
	return TW_EXIT_OK;
}

/* ---- Loss ---- */

static void print_lost_json(struct printer *printer,
			    const struct tw_record *record)
{
	const struct shown_producer *producer =
		&printer->producers[record->producer->index];
	struct tw_json *json = &printer->json;

	tw_json_begin(json, NULL, '{');
	tw_json_u64(json, "time_ns", record->time_ns);
	tw_text_add(&json->text, producer->label, producer->label_size);
	if (record->lane == TW_NO_LANE)
		tw_json_null(json, "lane");
	else
		tw_json_u64(json, "lane", record->lane);
	tw_json_u64(json, "lost", record->lost + record->discarded);
	tw_json_u64(json, "discarded", record->discarded);
	tw_json_end(json, '}');
	tw_json_line(json);
}

/* On stderr, so that the lines of stdout are events and nothing else. */
static void print_lost(struct printer *printer, const struct tw_record *record)
{
	const uint64_t lost = record->lost + record->discarded;
	char where[64] = "no lane was free";
	struct tw_text name = {0};

	if (printer->request->json) {
		print_lost_json(printer, record);
		return;
	}
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

/* Lines that are not in the order of time, and why. */
static void say_late(const struct printer *printer)
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

static int print_record(struct printer *printer, const struct tw_record *record)
{
	if (record->kind == TW_RECORD_EVENT)
		return print_event(printer, record);
	print_lost(printer, record);
	return TW_EXIT_OK;
}

static bool is_enough(const struct printer *printer)
{
	return printer->printed >= printer->limit;
}

/* All that is to be had now. False: stop, for which *status may be a reason. */
static bool print_all(struct printer *printer, int *status)
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

static void pause_between(struct printer *printer, bool is_busy)
{
	const int ms = is_busy ? PAUSE_BUSY_MS : PAUSE_IDLE_MS;

	if (!tw_channels_wait(printer->opened.channels, ms))
		nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* Make room for the producers that there are now, and name them. */
static int grow(struct printer *printer)
{
	const uint32_t before = printer->producer_count;
	const uint32_t count = tw_trace_producer_count(printer->trace);
	struct shown_producer *list;

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
static int look_for_more(struct printer *printer)
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

static int print_trace(struct printer *printer)
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

static int prepare(struct printer *printer)
{
	const struct request *request = printer->request;

	printer->time_style = request->json ? "" : tw_style(TW_STYLE_DIM);
	printer->plain_style = request->json ? "" : tw_style(TW_STYLE_PLAIN);
	printer->second = printer->microsecond = UINT64_MAX / 2;
	return grow(printer);
}

static void release(struct printer *printer)
{
	struct shown_producer *producer;

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

static int print_targets(const struct request *request)
{
	const struct tw_open_options options = {
		.now = request->follow && !request->history,
		.release = request->follow,
		.wait = request->follow,
		.schema = request->schema,
		.events = &request->events,
		.follow = request->follow,
	};
	struct printer printer = {
		.request = request,
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

static bool take_format(struct tw_args *args, struct request *request)
{
	request->json = strcmp(args->value, "json") == 0;
	if (request->json || strcmp(args->value, "text") == 0)
		return true;
	args->status = tw_usage_error(
		args, "--format: '%s' is not text or json", args->value);
	return false;
}

static bool take_option(struct tw_args *args, int id, struct request *request)
{
	switch (id) {
	case 'f':
		request->follow = true;
		return true;
	case 'e':
		tw_words_add(&request->patterns, args->value);
		return true;
	case 'n':
		return tw_args_number(args, "count", 1, INT64_MAX,
				      &request->limit);
	case OPTION_FORMAT:
		return take_format(args, request);
	case TW_OPTION_JSON_ID:
		request->json = true;
		return true;
	case OPTION_HISTORY:
		request->history = true;
		return true;
	case OPTION_SCHEMA:
		request->schema = args->value;
		return true;
	case TW_OPTION_EVENTS_ID:
		tw_words_add(&request->events, args->value);
		return true;
	case OPTION_BOUNDS:
		request->bounds = true;
		return true;
	case OPTION_HOLD:
		return tw_args_number(args, "hold", 0, HOLD_MS_MAX,
				      &request->hold_ms);
	case OPTION_UTC:
		request->time = SHOW_UTC;
		return true;
	case OPTION_RELATIVE:
		request->time = SHOW_RELATIVE;
		return true;
	case OPTION_DELTA:
		request->time = SHOW_DELTA;
		return true;
	default:
		tw_words_add(&request->targets, args->value);
		return true;
	}
}

static int take_arguments(struct tw_args *args, struct request *request)
{
	int id;

	while ((id = tw_args_next(args)) != TW_ARG_END)
		if (id == TW_ARG_STOP || !take_option(args, id, request))
			return TW_ARG_STOP;
	for (int i = 0; i < args->rest_count; i++)
		tw_words_add(&request->targets, args->rest[i]);
	if (request->targets.count)
		return TW_ARG_END;
	args->status = tw_usage_error(args, "which target or directory?");
	return TW_ARG_STOP;
}

static int run(struct tw_args *args)
{
	struct request request = {.hold_ms = HOLD_MS};
	int status;

	if (take_arguments(args, &request) == TW_ARG_STOP)
		status = args->status;
	else
		status = print_targets(&request);
	tw_words_free(&request.targets);
	tw_words_free(&request.patterns);
	tw_words_free(&request.events);
	return status;
}

static const struct tw_option options[] = {
	{'f', "follow", NULL, "go on with what comes, until the program ends"},
	{'e', "event", "GLOB",
	 "only events of these names; \"-GLOB\" leaves some out.\n"
	 "May be given again: the last that matches decides"},
	{'n', "count", "N", "stop after N events"},
	{OPTION_FORMAT, "format", "FORMAT", "text or json"},
	TW_OPTION_JSON,
	{OPTION_HISTORY, "history", NULL,
	 "with --follow: begin with what the ring holds"},
	{OPTION_SCHEMA, "schema", "FILE",
	 "trace-events file of a guest's ring that has no schema"},
	TW_OPTION_EVENTS,
	{OPTION_HOLD, "hold", "MS",
	 "with --follow: how long events wait for earlier\n"
	 "ones of others; 50 if not given"},
	{OPTION_BOUNDS, "bounds", NULL,
	 "how far off each time may be, later and earlier"},
	{OPTION_UTC, "utc", NULL, "times in UTC, not in local time"},
	{OPTION_RELATIVE, "relative", NULL, "times since the first event"},
	{OPTION_DELTA, "delta", NULL, "times since the event before"},
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {
	{"trackway print sqlite-vfs", "what its ring holds now"},
	{"trackway print -f -e 'vfs_*' -e -vfs_read 1234",
	 "as they happen, all of vfs_ but reads"},
	{"trackway print -f vm:1234", "a virtual machine, through its resets"},
	{"trackway print -f vm:1234 sqlite-vfs DIR",
	 "a guest, a program and a recording on one timeline"},
	{"trackway print --delta DIR | less",
	 "a recording, with gaps as times"},
	{"trackway print --json DIR | jq 'select(.event == \"vfs_sync\") | "
	 ".args'",
	 "for a script"},
	{NULL, NULL},
};

const struct tw_command tw_command_print = {
	.name = "print",
	.usage = "[-f] [-e GLOB]... [-n N] [--json] TARGET|DIR...",
	.summary = "print events in the order of time",
	.details =
		"TARGET may be a running program, or one that has crashed or "
		"was killed; DIR is what\n"
		"trackway record has written. Several are printed as one "
		"timeline.\n"
		"\n"
		"A line is: time, program if there are several, thread, event, "
		"message. Where events\n"
		"are missing, stderr says how many; with --json, an object "
		"with "
		"\"lost\" stands\n"
		"among the events.",
	.options = options,
	.examples = examples,
	.run = run,
};
