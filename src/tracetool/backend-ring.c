/* SPDX-License-Identifier: MIT */
/*
 * Backend ring: an event's fields, packed, into the page that the thread's lane
 * has open. All of the code is macros of trackway/put.h; what stands here is
 * the list of fields that they work on.
 */

#include "backend.h"

static void put_field(struct tw_output *out, const struct tw_job_event *event,
		      uint32_t index)
{
	const struct tw_field *field = &event->desc->fields[index];

	if (field->kind == TW_FIELD_STRING)
		tw_output_text(out, "_tw_s(");
	else if (field->kind == TW_FIELD_BYTES)
		tw_output_text(out, "_tw_b(");
	else
		tw_output_text(out, "_tw_v(");
	tw_output_text(out, field->type);
	tw_output_text(out, ", ");
	tw_output_text(out, event->arguments[index]);
	if (field->kind == TW_FIELD_BYTES && field->length) {
		tw_output_text(out, ", ");
		tw_output_number(out, field->length);
	} else if (field->kind == TW_FIELD_BYTES) {
		tw_output_text(out, ", ");
		tw_output_text(out, event->arguments[field->length_field]);
	}
	tw_output_text(out, ")");
}

/* A macro of trackway/put.h, for one event. */
static void put_macro(struct tw_output *out, const char *macro,
		      const struct tw_job *job,
		      const struct tw_job_event *event)
{
	tw_output_text(out, macro);
	tw_output_text(out, job->group);
	tw_output_text(out, ", ");
	tw_output_number(out, event->index);
	tw_output_text(out, ", ");
	tw_output_text(out, event->desc->name);
}

static void source_before_event(struct tw_output *out, const struct tw_job *job,
				const struct tw_job_event *event)
{
	tw_output_text(out, "\n"
			    "#undef _tw_fields\n"
			    "#define _tw_fields(_tw_v, _tw_s, _tw_b)");
	for (uint32_t i = 0; i < event->desc->field_count; i++) {
		tw_output_text(out, i ? " " : " \\\n\t");
		put_field(out, event, i);
	}
	put_macro(out, "\nTW_EVENT_SLOW(", job, event);
	tw_output_text(out, ")\n");
}

static void source_event(struct tw_output *out, const struct tw_job *job,
			 const struct tw_job_event *event)
{
	put_macro(out, "\t\tTW_EVENT_EMIT(", job, event);
	tw_output_text(out, ");\n");
}

const struct tw_tool_backend tw_backend_ring = {
	.name = "ring",
	.alias = "simple",
	.brief = "Binary records in a ring in memory, read from outside",
	.uses_states = true,
	.source_before_event = source_before_event,
	.source_event = source_event,
};
