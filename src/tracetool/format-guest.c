/* SPDX-License-Identifier: MIT */
/*
 * Formats guest and guest-h: the host's side of events that a guest sends: an
 * id, which is the event's place in the trace-events files, and a number for
 * each argument, or a frame with its fields. A switch leads to the host's own
 * trace_NAME(), so that any backend serves them. Whatever a guest sends is
 * harmless: an id that no event has is refused, so are fields that are not
 * exactly the event's; an argument that was not sent is 0, and an address is
 * never followed. A guest's string, where it is an argument, is what
 * TRACKWAY_GUEST_STRING(address) makes of it, and its bytes are zeros, none if
 * their length is an argument.
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
			   "#include <sys/types.h>\n"
			   "#include <trackway/channel.h>\n\n"
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

/* "trace_", and what the host calls the event. */
static void put_name(struct tw_output *out, const struct tw_job *job,
		     const struct tw_job_event *event)
{
	tw_output_add(out, "trace_%s%s", job->guest_prefix, event->desc->name);
}

/* Of the macros that stand for it in the host. */
static void put_macro(struct tw_output *out, const struct tw_job *job,
		      const struct tw_job_event *event)
{
	tw_output_add(out, "TRACE_");
	for (const char *at = job->guest_prefix; *at; at++) {
		bool lower = *at >= 'a' && *at <= 'z';
		char upper = (char)(lower ? *at - 'a' + 'A' : *at);

		tw_output_bytes(out, &upper, 1);
	}
	tw_output_add(out, "%s", event->macro);
}

static void put_label(struct tw_output *out, const struct tw_job *job,
		      const struct tw_job_event *event)
{
	tw_output_add(out, "\tcase %u:", job->guest_base + event->index);
}

static void put_case(struct tw_output *out, const struct tw_job *job,
		     const struct tw_job_event *event)
{
	put_label(out, job, event);
	tw_output_add(out, "\n\t\t");
	put_name(out, job, event);
	tw_output_add(out, "(");
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
			put_case(out, job, &job->events[i]);
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
	tw_output_add(out, ");\n}\n\n");
}

/* ---- Events with fields ---- */

/* What a number takes in a frame, as C: bytes, or the guest's word. */
static const char *number_size(const struct tw_field *field)
{
	static const char *const sizes[] = {
		[1] = "1", [2] = "2", [4] = "4", [8] = "8"};
	const uint8_t size = tw_field_size(field, 8);

	return size == tw_field_size(field, 4) ? sizes[size]
					       : "event->word_size";
}

/* argN: the field as it comes; countN: how many bytes it has. */
static void put_take(struct tw_output *out, const struct tw_field *field,
		     uint32_t number)
{
	if (field->kind == TW_FIELD_STRING) {
		tw_output_add(out,
			      "\t\tconst char *arg%u = "
			      "tw_channel_string(&walk);\n",
			      number);
	} else if (field->kind == TW_FIELD_BYTES) {
		tw_output_add(out, "\t\tsize_t count%u;\n", number);
		if (field->length)
			tw_output_add(out, "\t\tuint8_t room%u[%u];\n", number,
				      field->length);
		tw_output_add(out,
			      "\t\tconst uint8_t *arg%u = "
			      "tw_channel_bytes(&walk, &count%u);\n",
			      number, number);
	} else {
		tw_output_add(out,
			      "\t\tconst uint64_t arg%u = "
			      "tw_channel_%s(&walk, %s);\n",
			      number,
			      field->kind == TW_FIELD_SINT ? "signed"
							   : "number",
			      number_size(field));
	}
}

/* The argument as it came, but no more than the bytes whose number it is. */
static void put_bounded(struct tw_output *out,
			const struct tw_event_desc *event, uint32_t index)
{
	const bool is_signed = event->fields[index].kind == TW_FIELD_SINT;
	uint32_t bounds = 0;

	tw_output_add(out, "(%s)", event->fields[index].type);
	for (uint32_t i = 0; i < event->field_count; i++) {
		const struct tw_field *field = &event->fields[i];

		if (field->kind == TW_FIELD_BYTES && field->length == 0 &&
		    field->length_field == index)
			bounds |= 1u << i;
	}
	for (uint32_t left = bounds; left; left &= left - 1)
		tw_output_add(out, "tw_channel_%slength(",
			      is_signed ? "signed_" : "");
	tw_output_add(out, "arg%u", index + 1);
	for (uint32_t left = bounds; left; left &= left - 1)
		tw_output_add(out, ", count%u)",
			      (unsigned)__builtin_ctz(left) + 1);
}

static void put_field(struct tw_output *out, const struct tw_event_desc *event,
		      uint32_t index)
{
	const struct tw_field *field = &event->fields[index];
	const uint32_t number = index + 1;

	if (is_length(event, index))
		put_bounded(out, event, index);
	else if (field->kind == TW_FIELD_BYTES && field->length)
		tw_output_add(out,
			      "(%s)tw_channel_whole(room%u, %u, arg%u, "
			      "count%u)",
			      field->type, number, field->length, number,
			      number);
	else if (field->kind == TW_FIELD_BYTES ||
		 field->kind == TW_FIELD_STRING)
		tw_output_add(out, "(%s)arg%u", field->type, number);
	else
		put_argument(out, event, index);
}

static void put_fields_case(struct tw_output *out, const struct tw_job *job,
			    const struct tw_job_event *event)
{
	const struct tw_event_desc *desc = event->desc;

	put_label(out, job, event);
	tw_output_add(out, " {\n");
	for (uint32_t i = 0; i < desc->field_count; i++)
		put_take(out, &desc->fields[i], i + 1);
	tw_output_add(out,
		      "%s\t\tif (!tw_channel_complete(&walk))\n"
		      "\t\t\treturn false;\n\t\t",
		      desc->field_count ? "\n" : "");
	put_name(out, job, event);
	tw_output_add(out, "(");
	for (uint32_t i = 0; i < desc->field_count; i++) {
		tw_output_add(out, "%s", i ? ", " : "");
		put_field(out, desc, i);
	}
	tw_output_add(out, ");\n\t\treturn true;\n\t}\n");
}

static void put_event_function(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out,
		      "/* The same, and false if its fields are not the "
		      "event's. */\n"
		      "bool guest_trace_event%s("
		      "const struct tw_channel_event *event)\n"
		      "{\n"
		      "\tstruct tw_channel_walk walk = {event->fields, "
		      "event->fields_size, false};\n\n"
		      "\tif (!event->fields)\n"
		      "\t\treturn guest_trace%u%s(event->id",
		      job->guest_suffix, TW_FIELDS_MAX, job->guest_suffix);
	for (uint32_t i = 0; i < TW_FIELDS_MAX; i++)
		tw_output_add(out, "%sevent->arguments[%u]",
			      i % 3 ? ", " : ",\n\t\t\t", i);
	tw_output_add(out, ");\n"
			   "\t(void)walk;\n"
			   "\tswitch (event->id) {\n");
	for (uint32_t i = 0; i < job->event_count; i++) {
		if (!job->events[i].desc->disabled)
			put_fields_case(out, job, &job->events[i]);
	}
	tw_output_add(out, "\tdefault:\n"
			   "\t\treturn false;\n"
			   "\t}\n"
			   "}\n\n");
}

/* ---- What the host wants ---- */

static void put_state_function(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out,
		      "/* Whether the host wants the event: 1 on, 0 off, -1 no "
		      "such event. */\n"
		      "int guest_trace_state%s(uint64_t event_id)\n"
		      "{\n"
		      "\tswitch (event_id) {\n",
		      job->guest_suffix);
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_job_event *event = &job->events[i];

		put_label(out, job, event);
		if (event->desc->disabled) {
			tw_output_add(out, "\n\t\treturn 0;\n");
			continue;
		}
		tw_output_add(out, "\n\t\treturn "
				   "trace_event_get_state_backends(");
		put_macro(out, job, event);
		tw_output_add(out, ") ? 1 : 0;\n");
	}
	tw_output_add(out, "\tdefault:\n"
			   "\t\treturn -1;\n"
			   "\t}\n"
			   "}\n\n");
}

static void put_count_function(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out,
		      "/* How many events these are: their ids are from %u on. "
		      "*/\n"
		      "uint32_t guest_trace_count%s(void)\n"
		      "{\n"
		      "\treturn %u;\n"
		      "}\n",
		      job->guest_base, job->guest_suffix, job->event_count);
}

static void put_declarations(struct tw_output *out, const struct tw_job *job)
{
	const char *suffix = job->guest_suffix;

	tw_output_add(out, "bool guest_trace%u%s(", TW_FIELDS_MAX, suffix);
	put_parameters(out, TW_FIELDS_MAX);
	tw_output_add(out, ");\nbool guest_trace%s(", suffix);
	put_parameters(out, SENT_ARGUMENTS);
	tw_output_add(out,
		      ");\n"
		      "bool guest_trace_event%s("
		      "const struct tw_channel_event *event);\n"
		      "int guest_trace_state%s(uint64_t event_id);\n"
		      "uint32_t guest_trace_count%s(void);\n\n",
		      suffix, suffix, suffix);
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	put_begin(out);
	put_declarations(out, job);
	put_helpers(out, job);
	put_switch(out, job);
	put_short_form(out, job);
	put_event_function(out, job);
	put_state_function(out, job);
	put_count_function(out, job);
}

static void generate_header(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_title(out);
	tw_output_add(out,
		      "#ifndef TRACKWAY_GUEST_TRACE%s_H\n"
		      "#define TRACKWAY_GUEST_TRACE%s_H\n\n"
		      "#include <stdbool.h>\n"
		      "#include <stdint.h>\n\n"
		      "#ifdef __cplusplus\n"
		      "extern \"C\" {\n"
		      "#endif\n\n"
		      "struct tw_channel_event;\n\n",
		      job->guest_suffix, job->guest_suffix);
	put_declarations(out, job);
	tw_output_add(out, "#ifdef __cplusplus\n"
			   "}\n"
			   "#endif\n\n"
			   "#endif\n");
}

const struct tw_tool_format tw_format_guest = {
	.name = "guest",
	.brief = "Source: a host's switch over the ids of a guest's events",
	.generate = generate,
};

const struct tw_tool_format tw_format_guest_h = {
	.name = "guest-h",
	.brief = "Header: the functions of format guest",
	.generate = generate_header,
};
