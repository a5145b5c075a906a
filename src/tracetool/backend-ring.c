/* SPDX-License-Identifier: MIT */
/*
 * Backend ring: an event's fields, packed, into the page that the thread's lane
 * has open (trackway/emit.h). Strings are measured first, since the slot's size
 * must be known when it is opened; without any the size is a constant. What is
 * rare (no room, no lane) is a function of its own, so that the one that is
 * called for every event saves no registers.
 */

#include "backend.h"
#include "c-text.h"

/* Whether the field's length differs from event to event. */
static bool is_measured(const struct tw_field *field)
{
	return field->kind == TW_FIELD_STRING || field->kind == TW_FIELD_BYTES;
}

/* What the functions share: the sizes, then the event's own arguments. */
static void put_parameters(struct tw_output *out,
			   const struct tw_job_event *event)
{
	tw_output_add(out, "size_t _tw_size");
	for (uint32_t i = 0; i < event->desc->field_count; i++) {
		if (is_measured(&event->desc->fields[i]))
			tw_output_add(out, ", size_t _tw_length%u", i);
	}
	if (event->desc->field_count) {
		tw_output_add(out, ", ");
		tw_c_put_parameters(out, event);
	}
}

static void put_arguments(struct tw_output *out,
			  const struct tw_job_event *event)
{
	tw_output_add(out, "_tw_size");
	for (uint32_t i = 0; i < event->desc->field_count; i++) {
		if (is_measured(&event->desc->fields[i]))
			tw_output_add(out, ", _tw_length%u", i);
	}
	tw_c_put_arguments(out, event, ", ");
}

static bool is_bytes(const struct tw_job_event *event, uint32_t index)
{
	return event->desc->fields[index].kind == TW_FIELD_BYTES;
}

static void put_fields(struct tw_output *out, const struct tw_job_event *event)
{
	if (event->desc->field_count == 0)
		return;
	tw_output_add(out, "\tunsigned char *_tw_at = "
			   "tw_slot_fields(_tw_slot);\n\n");
	for (uint32_t i = 0; i < event->desc->field_count; i++) {
		if (is_measured(&event->desc->fields[i]))
			tw_output_add(out,
				      "\t_tw_at = tw_put_%s(_tw_at, "
				      "%s, _tw_length%u);\n",
				      is_bytes(event, i) ? "bytes" : "string",
				      event->arguments[i], i);
		else
			tw_output_add(out, "\t_tw_at = TW_PUT(_tw_at, %s);\n",
				      event->arguments[i]);
	}
}

static void source_before_event(struct tw_output *out, const struct tw_job *job,
				const struct tw_job_event *event)
{
	const char *name = event->desc->name;

	tw_output_add(out,
		      "\nstatic TW_INLINE void\n"
		      "_tw_put_%s(const struct tw_slot *_tw_slot, ",
		      name);
	put_parameters(out, event);
	tw_output_add(out, ")\n{\n");
	put_fields(out, event);
	tw_output_add(out,
		      "\ttw_slot_commit(_tw_slot, tw_group_%s.id_base + %u, "
		      "_tw_size);\n"
		      "}\n",
		      job->group, event->index);
	tw_output_add(out,
		      "\nstatic TW_COLD void\n"
		      "_tw_slow_%s(struct tw_lane *_tw_lane, ",
		      name);
	put_parameters(out, event);
	tw_output_add(
		out,
		")\n{\n"
		"\tstruct tw_slot _tw_slot;\n\n"
		"\tif (tw_slot_open_slow(&_tw_slot, _tw_lane, _tw_size))\n"
		"\t\t_tw_put_%s(&_tw_slot, ",
		name);
	put_arguments(out, event);
	tw_output_add(out, ");\n}\n");
}

static void put_length(struct tw_output *out, const struct tw_job_event *event,
		       uint32_t index)
{
	tw_output_add(out, "\t\tconst size_t _tw_length%u = ", index);
	if (is_bytes(event, index))
		tw_c_put_length(out, event, index);
	else
		tw_output_add(out, "tw_string_length(%s)",
			      event->arguments[index]);
	tw_output_add(out, ";\n");
}

static void put_sizes(struct tw_output *out, const struct tw_job_event *event)
{
	for (uint32_t i = 0; i < event->desc->field_count; i++) {
		if (is_measured(&event->desc->fields[i]))
			put_length(out, event, i);
	}
	tw_output_add(out, "\t\tconst size_t _tw_size = TW_EVENT_HEADER");
	for (uint32_t i = 0; i < event->desc->field_count; i++) {
		if (is_measured(&event->desc->fields[i]))
			tw_output_add(out, " +\n\t\t\t_tw_length%u + %u", i,
				      is_bytes(event, i) ? 2u : 1u);
		else
			tw_output_add(out, " +\n\t\t\tsizeof(%s)",
				      event->arguments[i]);
	}
	tw_output_add(out, ";\n");
}

static void source_event(struct tw_output *out, const struct tw_job *job,
			 const struct tw_job_event *event)
{
	const char *name = event->desc->name;

	put_sizes(out, event);
	tw_output_add(out,
		      "\t\tstruct tw_slot _tw_slot;\n\n"
		      "\t\tif (TW_LIKELY(tw_slot_open(&_tw_slot, _tw_size)))\n"
		      "\t\t\t_tw_put_%s(&_tw_slot, ",
		      name);
	put_arguments(out, event);
	tw_output_add(out,
		      ");\n"
		      "\t\telse\n"
		      "\t\t\t_tw_slow_%s(_tw_slot.lane, ",
		      name);
	put_arguments(out, event);
	tw_output_add(out, ");\n");
}

const struct tw_tool_backend tw_backend_ring = {
	.name = "ring",
	.alias = "simple",
	.brief = "Binary records in a ring in memory, read from outside",
	.uses_states = true,
	.source_before_event = source_before_event,
	.source_event = source_event,
};
