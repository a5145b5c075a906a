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
	/* In a guest without a ring, another place for the state bytes. */
	const char *kind = tw_job_has(job, &tw_backend_ring) ? ""
			   : tw_job_has(job, &tw_backend_channel)
				   ? "CHANNEL_LOG_"
				   : "LOG_";

	tw_blob_put(out, job);
	tw_output_add(out,
		      "TW_DECLARE_STATES(%s, %u);\n"
		      "TW_DEFINE_%sGROUP(%s, %u, tw_blob_%s);\n",
		      job->group, job->event_count ? job->event_count : 1, kind,
		      job->group, job->event_count, job->group);
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
	tw_output_text(out, "\t");
	if (needs_tests(job)) {
		tw_output_text(out, "if (");
		tw_c_put_test(out, &alone, event);
		tw_output_text(out, ") ");
	}
	tw_output_text(out, "{ /* ");
	tw_output_text(out, backend->name);
	tw_output_text(out, " */\n");
	backend->source_event(out, job, event);
	tw_output_text(out, "\t}\n");
}

static void put_event(struct tw_output *out, const struct tw_job *job,
		      const struct tw_job_event *event)
{
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i]->source_before_event)
			job->backends[i]->source_before_event(out, job, event);
	}
	tw_output_text(out, "\nTW_HIDDEN void _tw_emit_");
	tw_output_text(out, event->desc->name);
	tw_output_text(out, "(");
	tw_c_put_parameters(out, event);
	tw_output_text(out, ")\n{\n");
	for (uint32_t i = 0; i < job->backend_count; i++)
		put_backend(out, job, event, job->backends[i]);
	tw_output_text(out, "}\n");
}

static void put_begin(struct tw_output *out, const struct tw_job *job)
{
	if (tw_job_has(job, &tw_backend_log))
		tw_output_add(out, "#define TW_GUEST_FORMATS 1\n\n");
	tw_c_put_guest_include(out);
	tw_output_add(out, "#ifndef _GNU_SOURCE\n"
			   "#define _GNU_SOURCE 1\n"
			   "#endif\n\n"
			   "#include <stdbool.h>\n"
			   "#include <sys/types.h>\n"
			   "#include <trackway/emit.h>\n"
			   "#endif\n");
	tw_output_add(out,
		      "\n"
		      "/* What is defined here is declared in a header that is "
		      "not included. */\n"
		      "#pragma GCC diagnostic ignored "
		      "\"-Wmissing-declarations\"\n"
		      "#pragma GCC diagnostic ignored "
		      "\"-Wmissing-prototypes\"\n\n");
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_title(out);
	/* With nothing to emit: one declaration, since C wants one in a file.
	 */
	if (tw_job_emits(job))
		put_begin(out, job);
	else
		tw_output_add(out, "struct tw_group;\n");
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i]->source_begin)
			job->backends[i]->source_begin(out, job);
	}
	if (tw_job_uses_states(job))
		put_group(out, job);
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
