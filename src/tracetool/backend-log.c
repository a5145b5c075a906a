/* SPDX-License-Identifier: MIT */
/* Backend log: a line of text to stderr; of a guest, by its printk. */

#include "backend.h"
#include "c-printf.h"

static void source_begin(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_printf_includes(out);
	tw_output_add(out,
		      "#if defined(TW_GUEST) && !defined(TW_GUEST_PRINTK)\n"
		      "#error \"the log backend of a guest needs "
		      "TW_GUEST_PRINTK(format, ...)\"\n"
		      "#endif\n");
}

static void source_event(struct tw_output *out, const struct tw_job *job,
			 const struct tw_job_event *event)
{
	tw_c_put_printf(out, job, event, "tw_log(", " \"\\n\"");
}

const struct tw_tool_backend tw_backend_log = {
	.name = "log",
	.alias = "stderr",
	.brief = "A line of text to stderr; of a guest, by its printk",
	.uses_states = true,
	.source_begin = source_begin,
	.source_event = source_event,
};
