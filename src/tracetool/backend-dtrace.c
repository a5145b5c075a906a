/* SPDX-License-Identifier: MIT */
/*
 * Backend dtrace: a USDT probe per event, with a semaphore that whoever traces
 * counts up while it does. Strings and bytes go as addresses.
 */

#include "backend.h"
#include "c-text.h"

#include <string.h>

/* Volatile, since it is written from outside. */
static void put_declaration(struct tw_output *out, const struct tw_job *job,
			    const struct tw_job_event *event)
{
	tw_output_add(out,
		      "extern TW_HIDDEN volatile unsigned short "
		      "%s_%s_semaphore\n"
		      "\t__attribute__((section(\".probes\")));\n",
		      job->provider, event->desc->name);
}

static void test(struct tw_output *out, const struct tw_job *job,
		 const struct tw_job_event *event)
{
	tw_output_add(out, "%s_%s_semaphore != 0", job->provider,
		      event->desc->name);
}

/*
 * The macro makes sys/sdt.h put the semaphore's address into the probe's note.
 * It counts at the first inclusion only.
 */
static void source_begin(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out, "#ifdef _SYS_SDT_H\n"
			   "#error \"sys/sdt.h was included before\"\n"
			   "#endif\n"
			   "#define _SDT_HAS_SEMAPHORES 1\n"
			   "#include <sys/sdt.h>\n");
}

static void source_before_event(struct tw_output *out, const struct tw_job *job,
				const struct tw_job_event *event)
{
	tw_output_add(out, "\n");
	put_declaration(out, job, event);
	tw_output_add(out,
		      "volatile unsigned short %s_%s_semaphore\n"
		      "\t__attribute__((used, section(\".probes\")));\n",
		      job->provider, event->desc->name);
}

/*
 * Narrow integers go as int: debuggers don't know all names that registers have
 * for a part of them.
 */
static const char *cast(const struct tw_field *field)
{
	if (field->kind == TW_FIELD_BOOL || field->size == 1 ||
	    field->size == 2 ||
	    (field->kind <= TW_FIELD_SINT && strstr(field->type, "short")))
		return field->kind == TW_FIELD_UINT ? "(unsigned)" : "(int)";
	return "";
}

static void source_event(struct tw_output *out, const struct tw_job *job,
			 const struct tw_job_event *event)
{
	if (event->desc->field_count)
		tw_output_add(out, "\t\tSTAP_PROBE%u(",
			      event->desc->field_count);
	else
		tw_output_add(out, "\t\tSTAP_PROBE(");
	tw_output_add(out, "%s, %s", job->provider, event->desc->name);
	for (uint32_t i = 0; i < event->desc->field_count; i++)
		tw_output_add(out, ", %s%s", cast(&event->desc->fields[i]),
			      event->arguments[i]);
	tw_output_add(out, ");\n");
}

const struct tw_tool_backend tw_backend_dtrace = {
	.name = "dtrace",
	.brief = "A USDT probe, for gdb, perf, SystemTap and bpftrace",
	.test = test,
	.header_event = put_declaration,
	.source_begin = source_begin,
	.source_before_event = source_before_event,
	.source_event = source_event,
};
