/* SPDX-License-Identifier: MIT */
/* Format stap: SystemTap's names for backend dtrace's probes and arguments. */

#include "c-text.h"
#include "format.h"
#include "stap-text.h"

#include <string.h>

static void put_probe(struct tw_output *out, const struct tw_job *job,
		      const struct tw_event_desc *event)
{
	tw_output_add(out, "probe %s.%s = process(\"", job->probe_prefix,
		      event->name);
	tw_stap_put_quoted(out, job->binary, strlen(job->binary));
	tw_output_add(out, "\").mark(\"%s\")\n{\n", event->name);
	for (uint32_t i = 0; i < event->field_count; i++) {
		tw_output_add(out, "  ");
		tw_stap_put_name(out, event, i);
		tw_output_add(out, " = $arg%u;\n", i + 1);
	}
	tw_output_add(out, "}\n");
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_title(out);
	for (uint32_t i = 0; i < job->event_count; i++) {
		if (!job->events[i].desc->disabled)
			put_probe(out, job, job->events[i].desc);
	}
}

const struct tw_tool_format tw_format_stap = {
	.name = "stap",
	.brief = "SystemTap: names for backend dtrace's probes",
	.needs_prefix = true,
	.needs_binary = true,
	.generate = generate,
};
