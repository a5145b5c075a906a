/* SPDX-License-Identifier: MIT */
/* Backend ftrace: a line in the kernel's own trace, among the kernel's. */

#include "backend.h"
#include "c-printf.h"

static void source_begin(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_printf_includes(out);
}

static void source_event(struct tw_output *out, const struct tw_job *job,
			 const struct tw_job_event *event)
{
	tw_c_put_printf(out, job, event, "tw_ftrace(", " \"\\n\"");
}

const struct tw_tool_backend tw_backend_ftrace = {
	.name = "ftrace",
	.brief = "A line in the kernel's trace (trace_marker)",
	.uses_states = true,
	.source_begin = source_begin,
	.source_event = source_event,
};
