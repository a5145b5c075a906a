/* SPDX-License-Identifier: MIT */
/*
 * Calls of functions like printf. The format is pasted as it stands in the
 * trace-events file, and the call says that it stands there, so that the
 * compiler's complaints about it point to the line that must be mended.
 */

#include "c-printf.h"

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
		[TW_FIELD_UINT] = "0x%llx", [TW_FIELD_SINT] = "%lld",
		[TW_FIELD_POINTER] = "%p",  [TW_FIELD_BOOL] = "%d",
		[TW_FIELD_STRING] = "%s",   [TW_FIELD_FLOAT] = "%g",
		[TW_FIELD_BYTES] = "%s",
	};

	tw_output_add(out, "\"");
	for (uint32_t i = 0; i < event->field_count; i++) {
		const struct tw_field *field = &event->fields[i];

		tw_output_add(out, "%s%s=%s", i ? " " : "", field->name,
			      field->values ? "%s" : conversions[field->kind]);
	}
	tw_output_add(out, "\"");
}

static void put_default_arguments(struct tw_output *out,
				  const struct tw_job_event *event)
{
	for (uint32_t i = 0; i < event->desc->field_count; i++) {
		const struct tw_field *field = &event->desc->fields[i];
		uint8_t kind = field->kind;
		const char *cast = kind == TW_FIELD_UINT
					   ? "(unsigned long long)"
				   : kind == TW_FIELD_SINT    ? "(long long)"
				   : kind == TW_FIELD_POINTER ? "(const void *)"
							      : "";

		if (field->values || kind == TW_FIELD_BYTES)
			tw_output_add(out, ", _tw_text%u", i);
		else
			tw_output_add(out, ", %s%s", cast, event->arguments[i]);
	}
}

void tw_c_put_printf_includes(struct tw_output *out)
{
	tw_output_add(out, "#ifndef TW_GUEST\n"
			   "#include <inttypes.h>\n"
			   "#endif\n");
}

void tw_c_put_printf(struct tw_output *out, const struct tw_job *job,
		     const struct tw_job_event *event, const char *call,
		     const char *end)
{
	const struct tw_event_desc *desc = event->desc;

	tw_c_put_texts(out, event);
	put_line(out, desc->line, desc->file);
	tw_output_add(out, "\t\t%s\"%s \" ", call, desc->name);
	if (desc->format_raw) {
		tw_output_add(out, "%s%s", desc->format_raw, end);
		tw_c_put_text_arguments(out, event, ", ");
	} else {
		put_default_format(out, desc);
		tw_output_add(out, "%s", end);
		put_default_arguments(out, event);
	}
	tw_output_add(out, ");\n");
	put_line(out, tw_output_line(out) + 1, job->output_name);
}
