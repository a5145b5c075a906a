/* SPDX-License-Identifier: MIT */
/*
 * Backend log: a line of text to stderr. The format is pasted as it stands in
 * the trace-events file, and the call says that it stands there, so that the
 * compiler's complaints about it point to the line that must be mended.
 */

#include "backend.h"
#include "c-text.h"

static void put_line(struct tw_output *out, uint32_t line, const char *file)
{
	tw_output_add(out, "#line %u \"", line);
	tw_c_put_quoted(out, file);
	tw_output_add(out, "\"\n");
}

/* Without a format: each field by its kind, as readers of the ring show it. */
static void put_default_format(struct tw_output *out,
			       const struct tw_event_desc *event)
{
	static const char *const conversions[] = {
		[TW_FIELD_UINT] = "0x%jx", [TW_FIELD_SINT] = "%jd",
		[TW_FIELD_POINTER] = "%p", [TW_FIELD_BOOL] = "%d",
		[TW_FIELD_STRING] = "%s",  [TW_FIELD_FLOAT] = "%g",
	};

	tw_output_add(out, "\"");
	for (uint32_t i = 0; i < event->field_count; i++) {
		const struct tw_field *field = &event->fields[i];

		tw_output_add(out, "%s%s=%s", i ? " " : "", field->name,
			      conversions[field->kind]);
	}
	tw_output_add(out, "\"");
}

static void put_default_arguments(struct tw_output *out,
				  const struct tw_job_event *event)
{
	for (uint32_t i = 0; i < event->desc->field_count; i++) {
		uint8_t kind = event->desc->fields[i].kind;
		const char *cast = kind == TW_FIELD_UINT      ? "(uintmax_t)"
				   : kind == TW_FIELD_SINT    ? "(intmax_t)"
				   : kind == TW_FIELD_POINTER ? "(const void *)"
							      : "";

		tw_output_add(out, ", %s%s", cast, event->arguments[i]);
	}
}

static void source_event(struct tw_output *out, const struct tw_job *job,
			 const struct tw_job_event *event)
{
	const struct tw_event_desc *desc = event->desc;

	put_line(out, desc->line, desc->file);
	tw_output_add(out, "\t\ttw_log(\"%s \" ", desc->name);
	if (desc->format_raw) {
		tw_output_add(out, "%s \"\\n\"", desc->format_raw);
		tw_c_put_arguments(out, event, ", ");
	} else {
		put_default_format(out, desc);
		tw_output_add(out, " \"\\n\"");
		put_default_arguments(out, event);
	}
	tw_output_add(out, ");\n");
	put_line(out, tw_output_line(out) + 1, job->output_name);
}

static void source_begin(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out, "#include <inttypes.h>\n");
}

const struct tw_tool_backend tw_backend_log = {
	.name = "log",
	.alias = "stderr",
	.brief = "A line of text on the standard error output",
	.uses_states = true,
	.source_begin = source_begin,
	.source_event = source_event,
};
