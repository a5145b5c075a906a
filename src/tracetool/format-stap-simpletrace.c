/* SPDX-License-Identifier: MIT */
/*
 * Format simpletrace-stap: probes that write records of QEMU's simple backend,
 * each in one printf(), so that no other comes between its parts.
 */

#include "c-text.h"
#include "format.h"
#include "stap-text.h"

static bool is_string(const struct tw_event_desc *event, uint32_t index)
{
	return event->fields[index].kind == TW_FIELD_STRING;
}

static void put_string_part(struct tw_output *out,
			    const struct tw_event_desc *event, uint32_t index,
			    const char *part)
{
	tw_output_add(out, "arg");
	tw_stap_put_name(out, event, index);
	tw_output_add(out, "%s", part);
}

/* Header, and each argument's own. */
static void put_size(struct tw_output *out, const struct tw_event_desc *event)
{
	tw_output_add(out, "24");
	for (uint32_t i = 0; i < event->field_count; i++) {
		if (is_string(event, i)) {
			tw_output_add(out, " + 4 + ");
			put_string_part(out, event, i, "_len");
		} else {
			tw_output_add(out, " + 8");
		}
	}
}

static void put_values(struct tw_output *out, const struct tw_event_desc *event)
{
	for (uint32_t i = 0; i < event->field_count; i++) {
		tw_output_add(out, ", ");
		if (is_string(event, i)) {
			put_string_part(out, event, i, "_len, ");
			put_string_part(out, event, i, "_len, ");
			put_string_part(out, event, i, "_str");
		} else {
			tw_stap_put_name(out, event, i);
		}
	}
}

/* Of a record: 1, id, time, size, process; then the arguments. */
static void put_probe(struct tw_output *out, const struct tw_job *job,
		      const struct tw_job_event *event)
{
	const struct tw_event_desc *desc = event->desc;

	tw_stap_put_alias(out, job, desc, "simpletrace");
	tw_stap_put_strings(out, desc, true);
	tw_output_add(out, "  printf(\"%s", "%8b%8b%8b%4b%4b");
	for (uint32_t i = 0; i < desc->field_count; i++)
		tw_output_add(out, "%s",
			      is_string(desc, i) ? "%4b%.*s" : "%8b");
	tw_output_add(out, "\", 1, %u, gettimeofday_ns(), ", event->index);
	put_size(out, desc);
	tw_output_add(out, ", pid()");
	put_values(out, desc);
	tw_output_add(out, ")\n}\n");
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_title(out);
	for (uint32_t i = 0; i < job->event_count; i++) {
		if (!job->events[i].desc->disabled)
			put_probe(out, job, &job->events[i]);
	}
}

const struct tw_tool_format tw_format_simpletrace_stap = {
	.name = "simpletrace-stap",
	.brief = "SystemTap: probes that write QEMU's simpletrace records",
	.needs_prefix = true,
	.generate = generate,
};
