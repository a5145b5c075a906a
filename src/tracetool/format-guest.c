/* SPDX-License-Identifier: MIT */
/*
 * Format guest: the host's side of events that a guest sends as numbers: an id,
 * which is the event's place in the trace-events files, and a number for each
 * argument. A switch leads to the host's own trace_NAME(), so that any backend
 * serves them. Whatever a guest sends is harmless: an id that no event has is
 * refused, an argument that was not sent is 0, and an address is never
 * followed. A guest's string is what TRACKWAY_GUEST_STRING(address) makes of
 * it, and its bytes are zeros, none if their length is an argument.
 */

#include "c-text.h"
#include "format.h"

#define SENT_ARGUMENTS 6 /* by the channel's guests: trace0() to trace6() */

static void put_begin(struct tw_output *out)
{
	tw_c_put_title(out);
	tw_output_add(out, "#include <stdbool.h>\n"
			   "#include <stdint.h>\n"
			   "#include <string.h>\n"
			   "#include <sys/types.h>\n\n"
			   "#ifndef TRACKWAY_TRACE_HEADER\n"
			   "#define TRACKWAY_TRACE_HEADER \"trace.h\"\n"
			   "#endif\n"
			   "#include TRACKWAY_TRACE_HEADER\n\n");
	tw_output_add(out,
		      "#ifndef TRACKWAY_GUEST_STRING\n"
		      "#define TRACKWAY_GUEST_STRING(address) \"(guest)\"\n"
		      "#endif\n\n");
}

/* What all events together need. */
struct needs {
	bool floats;
	bool doubles;
	uint32_t zeros;
};

static struct needs find_needs(const struct tw_job *job)
{
	struct needs needs = {0};

	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_event_desc *event = job->events[i].desc;

		for (uint32_t j = 0; !event->disabled && j < event->field_count;
		     j++) {
			const struct tw_field *field = &event->fields[j];
			uint32_t zeros = field->length ? field->length : 1;

			if (field->kind == TW_FIELD_BYTES &&
			    zeros > needs.zeros)
				needs.zeros = zeros;
			if (field->kind == TW_FIELD_FLOAT && field->size == 4)
				needs.floats = true;
			if (field->kind == TW_FIELD_FLOAT && field->size == 8)
				needs.doubles = true;
		}
	}
	return needs;
}

/* Floating point is sent as its bits. */
static void put_conversion(struct tw_output *out, const char *type,
			   const char *bits)
{
	tw_output_add(out,
		      "static %s _tw_guest_%s(uint64_t arg)\n"
		      "{\n"
		      "\tconst %s bits = (%s)arg;\n"
		      "\t%s value;\n\n"
		      "\tmemcpy(&value, &bits, sizeof(value));\n"
		      "\treturn value;\n"
		      "}\n\n",
		      type, type, bits, bits, type);
}

static void put_helpers(struct tw_output *out, const struct tw_job *job)
{
	struct needs needs = find_needs(job);

	if (needs.floats)
		put_conversion(out, "float", "uint32_t");
	if (needs.doubles)
		put_conversion(out, "double", "uint64_t");
	if (needs.zeros)
		tw_output_add(out, "static uint8_t _tw_guest_zeros[%u];\n\n",
			      needs.zeros);
}

static void put_parameters(struct tw_output *out, uint32_t count)
{
	tw_output_add(out, "uint64_t event_id");
	for (uint32_t i = 1; i <= count; i++)
		tw_output_add(out, ",%suint64_t arg%u",
			      i % 4 == 1 ? "\n\t" : " ", i);
}

static bool is_length(const struct tw_event_desc *event, uint32_t index)
{
	for (uint32_t i = 0; i < event->field_count; i++) {
		const struct tw_field *field = &event->fields[i];

		if (field->kind == TW_FIELD_BYTES && field->length == 0 &&
		    field->length_field == index)
			return true;
	}
	return false;
}

static void put_argument(struct tw_output *out,
			 const struct tw_event_desc *event, uint32_t index)
{
	const struct tw_field *field = &event->fields[index];
	const uint32_t number = index + 1;

	if (is_length(event, index))
		tw_output_add(out, "0");
	else if (field->kind == TW_FIELD_STRING)
		tw_output_add(out, "(%s)TRACKWAY_GUEST_STRING(arg%u)",
			      field->type, number);
	else if (field->kind == TW_FIELD_BYTES)
		tw_output_add(out, "(%s)_tw_guest_zeros", field->type);
	else if (field->kind == TW_FIELD_POINTER)
		tw_output_add(out, "(%s)(uintptr_t)arg%u", field->type, number);
	else if (field->kind == TW_FIELD_BOOL)
		tw_output_add(out, "arg%u != 0", number);
	else if (field->kind == TW_FIELD_FLOAT)
		tw_output_add(out, "_tw_guest_%s(arg%u)",
			      field->size == 4 ? "float" : "double", number);
	else
		tw_output_add(out, "(%s)arg%u", field->type, number);
}

static void put_case(struct tw_output *out, const struct tw_job_event *event)
{
	tw_output_add(out, "\tcase %u:\n\t\ttrace_%s(", event->index,
		      event->desc->name);
	for (uint32_t i = 0; i < event->desc->field_count; i++) {
		tw_output_add(out, "%s", i ? ", " : "");
		put_argument(out, event->desc, i);
	}
	tw_output_add(out, ");\n\t\treturn true;\n");
}

static void put_switch(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out,
		      "/* False: no event has this id, or none is compiled in. "
		      "*/\n"
		      "bool guest_trace%u%s(",
		      TW_FIELDS_MAX, job->guest_suffix);
	put_parameters(out, TW_FIELDS_MAX);
	tw_output_add(out, ")\n{\n");
	for (uint32_t i = 1; i <= TW_FIELDS_MAX; i++)
		tw_output_add(out, "\t(void)arg%u;\n", i);
	tw_output_add(out, "\tswitch (event_id) {\n");
	for (uint32_t i = 0; i < job->event_count; i++) {
		if (!job->events[i].desc->disabled)
			put_case(out, &job->events[i]);
	}
	tw_output_add(out, "\tdefault:\n"
			   "\t\treturn false;\n"
			   "\t}\n"
			   "}\n\n");
}

static void put_short_form(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out, "bool guest_trace%s(", job->guest_suffix);
	put_parameters(out, SENT_ARGUMENTS);
	tw_output_add(out, ")\n{\n\treturn guest_trace%u%s(event_id",
		      TW_FIELDS_MAX, job->guest_suffix);
	for (uint32_t i = 1; i <= SENT_ARGUMENTS; i++)
		tw_output_add(out, ", arg%u", i);
	for (uint32_t i = SENT_ARGUMENTS; i < TW_FIELDS_MAX; i++)
		tw_output_add(out, ", 0");
	tw_output_add(out, ");\n}\n");
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	put_begin(out);
	tw_output_add(out, "bool guest_trace%u%s(", TW_FIELDS_MAX,
		      job->guest_suffix);
	put_parameters(out, TW_FIELDS_MAX);
	tw_output_add(out, ");\nbool guest_trace%s(", job->guest_suffix);
	put_parameters(out, SENT_ARGUMENTS);
	tw_output_add(out, ");\n\n");
	put_helpers(out, job);
	put_switch(out, job);
	put_short_form(out, job);
}

const struct tw_tool_format tw_format_guest = {
	.name = "guest",
	.brief = "Source: a host's switch over the ids of a guest's events",
	.generate = generate,
};
