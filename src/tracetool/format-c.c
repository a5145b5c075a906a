/* SPDX-License-Identifier: MIT */
/*
 * Format c: what is compiled once into the traced module. It stands alone: the
 * header of format h is not included, since its name is the build's choice.
 */

#include "backend.h"
#include "blob.h"
#include "c-text.h"
#include "format.h"

/* The group's schema and state bytes, known to the runtime from the start. */
static void put_group(struct tw_output *out, const struct tw_job *job)
{
	const char *group = job->group;

	tw_blob_put(out, job);
	tw_output_add(out,
		      "TW_DECLARE_STATES(%s, %u);\n"
		      "struct tw_states_%s tw_states_%s;\n\n"
		      "extern TW_HIDDEN struct tw_group tw_group_%s;\n"
		      "struct tw_group tw_group_%s = {\n",
		      group, job->event_count ? job->event_count : 1, group,
		      group, group, group);
	tw_output_add(out,
		      "\t.size = sizeof(tw_group_%s),\n"
		      "\t.event_count = %u,\n"
		      "\t.states = (struct tw_states *)(void *)&tw_states_%s,\n"
		      "\t.states_size = sizeof(tw_states_%s),\n"
		      "\t.blob = &tw_blob_%s,\n"
		      "\t.blob_size = sizeof(tw_blob_%s),\n"
		      "};\n\n",
		      group, job->event_count, group, group, group, group);
	tw_output_add(out,
		      "__attribute__((constructor)) "
		      "static void _tw_register_%s(void)\n"
		      "{\n"
		      "\ttw_group_register(&tw_group_%s);\n"
		      "}\n\n"
		      "__attribute__((destructor)) "
		      "static void _tw_unregister_%s(void)\n"
		      "{\n"
		      "\ttw_group_unregister(&tw_group_%s);\n"
		      "}\n",
		      group, group, group, group);
}

/*
 * Whether a backend's code needs its own test inside the function: it does if
 * another's may have led there.
 */
static bool needs_tests(const struct tw_job *job)
{
	uint32_t tests = tw_job_uses_states(job) ? 1 : 0;

	for (uint32_t i = 0; i < job->backend_count; i++)
		tests += job->backends[i]->test ? 1 : 0;
	return tests > 1;
}

static void put_backend(struct tw_output *out, const struct tw_job *job,
			const struct tw_job_event *event,
			const struct tw_tool_backend *backend)
{
	struct tw_job alone = *job;

	if (!backend->source_event)
		return;
	alone.backends = &backend;
	alone.backend_count = 1;
	tw_output_add(out, "\t");
	if (needs_tests(job)) {
		tw_output_add(out, "if (");
		tw_c_put_test(out, &alone, event);
		tw_output_add(out, ") ");
	}
	tw_output_add(out, "{ /* %s */\n", backend->name);
	backend->source_event(out, job, event);
	tw_output_add(out, "\t}\n");
}

static void put_event(struct tw_output *out, const struct tw_job *job,
		      const struct tw_job_event *event)
{
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i]->source_before_event)
			job->backends[i]->source_before_event(out, job, event);
	}
	tw_output_add(out, "\n");
	tw_c_put_emit_prototype(out, event);
	tw_output_add(out, "void _tw_emit_%s(", event->desc->name);
	tw_c_put_parameters(out, event);
	tw_output_add(out, ")\n{\n");
	for (uint32_t i = 0; i < job->backend_count; i++)
		put_backend(out, job, event, job->backends[i]);
	tw_output_add(out, "}\n");
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_title(out);
	/* With nothing to emit: one declaration, since C wants one in a file.
	 */
	if (tw_job_emits(job))
		tw_output_add(out, "#ifndef _GNU_SOURCE\n"
				   "#define _GNU_SOURCE 1\n"
				   "#endif\n\n"
				   "#include <stdbool.h>\n"
				   "#include <sys/types.h>\n"
				   "#include <trackway/emit.h>\n");
	else
		tw_output_add(out, "struct tw_group;\n");
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i]->source_begin)
			job->backends[i]->source_begin(out, job);
	}
	if (tw_job_uses_states(job)) {
		tw_output_add(out, "\n");
		put_group(out, job);
	}
	for (uint32_t i = 0; tw_job_emits(job) && i < job->event_count; i++) {
		if (!job->events[i].desc->disabled)
			put_event(out, job, &job->events[i]);
	}
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i]->source_end)
			job->backends[i]->source_end(out, job);
	}
}

const struct tw_tool_format tw_format_c = {
	.name = "c",
	.brief = "Source: compiled once into the traced module",
	.needs_backends = true,
	.generate = generate,
};
