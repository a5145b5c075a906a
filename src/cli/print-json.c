/* SPDX-License-Identifier: MIT */
/*
 * Events as JSON, an object a line; what is no event is an object too.
 *
 * Called by print-loop.c.
 */
#include "printer.h"

#include "../schema/text.h"
#include "bounds.h"

#include <stdlib.h>
#include <string.h>

/* ---- Labels ---- */

static void add_event_json(struct tw_json *json,
			   const struct tw_event_desc *event)
{
	tw_json_text(json, "event", event->name);
}

static void add_producer_json(const struct tw_printer *printer,
			      const struct tw_trace_producer *producer,
			      struct tw_json *json)
{
	(void)printer;
	tw_json_text(json, "producer", producer->name);
	tw_json_u64(json, "pid", producer->pid);
	if (producer->epoch)
		tw_json_u64(json, "epoch", producer->epoch);
}

/* ---- Events ---- */

/* What is on the host's clock has none, and says so only when asked. */
static void add_bounds(const struct tw_printer *printer, struct tw_json *json,
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

static void print_json(struct tw_printer *printer,
		       const struct tw_record *record,
		       const struct tw_printed_event *shown)
{
	const struct tw_printed_producer *producer =
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

/* ---- What is no event ---- */

static void print_reset_json(struct tw_printer *printer,
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

static void print_lost_json(struct tw_printer *printer,
			    const struct tw_record *record)
{
	const struct tw_printed_producer *producer =
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

const struct tw_print_form tw_print_as_json = {
	.add_event = add_event_json,
	.add_producer = add_producer_json,
	.event = print_json,
	.reset = print_reset_json,
	.lost = print_lost_json,
};
