/* SPDX-License-Identifier: MIT */
/*
 * Backend ust: a tracepoint of LTTng-UST. The provider is what the formats
 * ust-events-h and ust-events-c make; this is what calls it. The header of the
 * traced code declares but the tracepoint's own variable, for the test, since
 * LTTng's headers bring a constructor into every file that includes them.
 */

#include "backend.h"
#include "c-text.h"

static void header_begin(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out, "#include <lttng/tracepoint-types.h>\n\n");
}

static void header_event(struct tw_output *out, const struct tw_job *job,
			 const struct tw_job_event *event)
{
	tw_output_add(out,
		      "extern TW_HIDDEN struct lttng_ust_tracepoint\n"
		      "\tlttng_ust_tracepoint_%s___%s;\n",
		      job->provider, event->desc->name);
}

/* What lttng_ust_tracepoint_enabled() does, which needs LTTng's headers. */
static void test(struct tw_output *out, const struct tw_job *job,
		 const struct tw_job_event *event)
{
	tw_output_add(out,
		      "__atomic_load_n(&lttng_ust_tracepoint_%s___%s.state, "
		      "__ATOMIC_RELAXED) != 0",
		      job->provider, event->desc->name);
}

static void source_begin(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out, "#include \"trace-ust-%s.h\"\n", job->group);
}

static void source_event(struct tw_output *out, const struct tw_job *job,
			 const struct tw_job_event *event)
{
	tw_output_add(out, "\t\tlttng_ust_tracepoint(%s, %s", job->provider,
		      event->desc->name);
	tw_c_put_arguments(out, event, ", ");
	tw_output_add(out, ");\n");
}

const struct tw_tool_backend tw_backend_ust = {
	.name = "ust",
	.brief = "A tracepoint of LTTng-UST 2.13 or later",
	.test = test,
	.header_begin = header_begin,
	.header_event = header_event,
	.source_begin = source_begin,
	.source_event = source_event,
};
