/* SPDX-License-Identifier: MIT */
/*
 * Format h: what the traced code includes. An event that is off costs it the
 * test of a byte; all the rest is out of line, in the file of format c.
 */

#include "backend.h"
#include "c-text.h"
#include "format.h"

/* The macro is QEMU's, so that code written for it compiles. */
static const char state_macro[] =
	"#ifndef trace_event_get_state_backends\n"
	"#define trace_event_get_state_backends(id) \\\n"
	"\t(id##_ENABLED && id##_BACKEND_DSTATE())\n"
	"#endif\n\n";

static void put_begin(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_title(out);
	tw_output_add(out,
		      "#ifndef TRACKWAY_TRACE_%s_H\n"
		      "#define TRACKWAY_TRACE_%s_H\n\n",
		      job->group, job->group);
	tw_c_put_guest_include(out);
	if (tw_job_emits(job))
		tw_output_add(out, "#include <stdbool.h>\n"
				   "#include <sys/types.h>\n"
				   "#include <trackway/state.h>\n");
	else
		tw_output_add(out, "#include <stdbool.h>\n"
				   "#include <stddef.h>\n"
				   "#include <stdint.h>\n"
				   "#include <sys/types.h>\n");
	tw_output_add(out, "#endif\n\n%s", state_macro);
	tw_output_add(out, "#ifdef __cplusplus\n"
			   "extern \"C\" {\n"
			   "#endif\n\n");
	if (tw_job_uses_states(job))
		tw_output_add(out,
			      "TW_DECLARE_STATES(%s, %u);\n"
			      "extern TW_HIDDEN struct tw_group "
			      "tw_group_%s;\n\n",
			      job->group,
			      job->event_count ? job->event_count : 1,
			      job->group);
}

static void put_inline(struct tw_output *out, const struct tw_job_event *event)
{
	tw_output_text(out, "static inline void trace_");
	tw_output_text(out, event->desc->name);
	tw_output_text(out, "(");
}

/* Compiled out, yet its arguments' types are still checked. */
static void put_empty_event(struct tw_output *out,
			    const struct tw_job_event *event)
{
	tw_output_add(out,
		      "#define TRACE_%s_ENABLED 0\n"
		      "#define TRACE_%s_BACKEND_DSTATE() false\n",
		      event->macro, event->macro);
	put_inline(out, event);
	tw_c_put_parameters(out, event);
	tw_output_text(out, ")\n{\n");
	for (uint32_t i = 0; i < event->desc->field_count; i++)
		tw_output_add(out, "\t(void)%s;\n", event->arguments[i]);
	tw_output_text(out, "}\n");
}

static void put_event(struct tw_output *out, const struct tw_job *job,
		      const struct tw_job_event *event)
{
	size_t begin, end;

	tw_output_text(out, "#define TRACE_");
	tw_output_text(out, event->macro);
	tw_output_text(out, "_ENABLED 1\n#define TRACE_");
	tw_output_text(out, event->macro);
	tw_output_text(out, "_BACKEND_DSTATE() (");
	tw_c_put_test(out, job, event);
	tw_output_text(out, ")\nTW_HIDDEN void _tw_emit_");
	tw_output_text(out, event->desc->name);
	tw_output_text(out, "(");
	begin = out->text.size;
	tw_c_put_parameters(out, event);
	end = out->text.size;
	tw_output_text(out, ");\n");
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i]->header_event)
			job->backends[i]->header_event(out, job, event);
	}
	put_inline(out, event);
	tw_output_again(out, begin, end);
	tw_output_text(out, ")\n{\n\tif (TW_UNLIKELY(TRACE_");
	tw_output_text(out, event->macro);
	tw_output_text(out, "_BACKEND_DSTATE()))\n\t\t_tw_emit_");
	tw_output_text(out, event->desc->name);
	tw_output_text(out, "(");
	tw_c_put_arguments(out, event, "");
	tw_output_text(out, ");\n}\n");
}

/* For callers whose arguments cost something. */
static void put_enabled(struct tw_output *out, const struct tw_job_event *event)
{
	if (event->has_enabled) {
		tw_output_text(out, "static inline bool trace_");
		tw_output_text(out, event->desc->name);
		tw_output_text(out, "_enabled(void)\n{\n\treturn TRACE_");
		tw_output_text(out, event->macro);
		tw_output_text(out, "_BACKEND_DSTATE();\n}\n");
	}
	tw_output_text(out, "\n");
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	put_begin(out, job);
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i]->header_begin)
			job->backends[i]->header_begin(out, job);
	}
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_job_event *event = &job->events[i];

		if (event->desc->disabled || !tw_job_emits(job))
			put_empty_event(out, event);
		else
			put_event(out, job, event);
		put_enabled(out, event);
	}
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i]->header_end)
			job->backends[i]->header_end(out, job);
	}
	tw_output_add(out, "#ifdef __cplusplus\n"
			   "}\n"
			   "#endif\n\n"
			   "#endif\n");
}

const struct tw_tool_format tw_format_h = {
	.name = "h",
	.brief = "Header: what the traced code includes",
	.needs_backends = true,
	.generate = generate,
};
