/* SPDX-License-Identifier: MIT */
/*
 * Formats ust-events-h and ust-events-c: the provider of backend ust's
 * tracepoints. The header is included by name, by the source, by that of format
 * c and again and again by LTTng's own headers; so its name is fixed:
 * trace-ust-GROUP.h.
 */

#include "c-text.h"
#include "format.h"

#include <string.h>

static void put_header_name(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out, "\"trace-ust-%s.h\"", job->group);
}

static void put_begin(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out,
		      "#undef LTTNG_UST_TRACEPOINT_PROVIDER\n"
		      "#define LTTNG_UST_TRACEPOINT_PROVIDER %s\n\n"
		      "#undef LTTNG_UST_TRACEPOINT_INCLUDE\n"
		      "#define LTTNG_UST_TRACEPOINT_INCLUDE ",
		      job->provider);
	put_header_name(out, job);
	tw_output_add(out,
		      "\n\n"
		      "#if !defined(TRACKWAY_TRACE_UST_%s_H) || \\\n"
		      "\tdefined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)\n"
		      "#define TRACKWAY_TRACE_UST_%s_H\n\n",
		      job->group, job->group);
	tw_output_add(out, "#ifndef LTTNG_UST_TRACEPOINT_HIDDEN_DEFINITION\n"
			   "#define LTTNG_UST_TRACEPOINT_HIDDEN_DEFINITION\n"
			   "#endif\n\n"
			   "#include <stdbool.h>\n"
			   "#include <stddef.h>\n"
			   "#include <stdint.h>\n"
			   "#include <sys/types.h>\n"
			   "#include <lttng/tracepoint.h>\n"
			   "#include <trackway/emit.h>\n\n");
}

/*
 * The field's own name, which LTTng's macros make a string of, rather than the
 * argument's, which has to be a name in C++; unless it might be a macro.
 */
static const char *field_name(const struct tw_job_event *event, uint32_t index)
{
	static const char words[] =
		" catch class delete explicit export friend mutable namespace "
		"new operator private protected public template this throw try "
		"typeid typename using virtual ";
	const char *name = event->desc->fields[index].name;
	const char *found = strstr(words, name);

	if (found && found[-1] == ' ' && found[strlen(name)] == ' ')
		return name;
	return event->arguments[index];
}

static void put_bytes(struct tw_output *out, const struct tw_job_event *event,
		      uint32_t index)
{
	tw_output_add(out,
		      "\t\tlttng_ust_field_sequence_hex(uint8_t, %s, "
		      "(const uint8_t *)%s,\n"
		      "\t\t\tuint16_t, ",
		      field_name(event, index), event->arguments[index]);
	/* As much as the ring keeps; none of NULL. */
	tw_output_add(out, "(uint16_t)");
	tw_c_put_length(out, event, index);
	tw_output_add(out, ")\n");
}

static void put_field(struct tw_output *out, const struct tw_job_event *event,
		      uint32_t index)
{
	const struct tw_field *field = &event->desc->fields[index];
	const char *name = field_name(event, index);
	const char *argument = event->arguments[index];

	switch (field->kind) {
	case TW_FIELD_STRING:
		tw_output_add(out, "\t\tlttng_ust_field_string(%s, %s)\n", name,
			      argument);
		break;
	case TW_FIELD_BYTES:
		put_bytes(out, event, index);
		break;
	case TW_FIELD_POINTER:
		tw_output_add(out,
			      "\t\tlttng_ust_field_integer_hex(uintptr_t, %s, "
			      "(uintptr_t)%s)\n",
			      name, argument);
		break;
	case TW_FIELD_BOOL:
		tw_output_add(out,
			      "\t\tlttng_ust_field_integer(uint8_t, %s, %s)\n",
			      name, argument);
		break;
	case TW_FIELD_FLOAT:
		tw_output_add(out, "\t\tlttng_ust_field_float(%s, %s, %s)\n",
			      field->type, name, argument);
		break;
	default:
		tw_output_add(out, "\t\tlttng_ust_field_integer(%s, %s, %s)\n",
			      field->type, name, argument);
		break;
	}
}

/* CTF's numbers in LTTng's words. 14 is what no line asks for: left to LTTng.
 */
static void put_loglevel(struct tw_output *out, const struct tw_job *job,
			 const struct tw_event_desc *event)
{
	static const char *const levels[] = {
		"EMERG",	  "ALERT",
		"CRIT",		  "ERR",
		"WARNING",	  "NOTICE",
		"INFO",		  "DEBUG_SYSTEM",
		"DEBUG_PROGRAM",  "DEBUG_PROCESS",
		"DEBUG_MODULE",	  "DEBUG_UNIT",
		"DEBUG_FUNCTION", "DEBUG_LINE",
	};

	if (event->loglevel < sizeof(levels) / sizeof(levels[0]))
		tw_output_add(out,
			      "LTTNG_UST_TRACEPOINT_LOGLEVEL(%s, %s,\n"
			      "\tLTTNG_UST_TRACEPOINT_LOGLEVEL_%s)\n",
			      job->provider, event->name,
			      levels[event->loglevel]);
}

static void put_event(struct tw_output *out, const struct tw_job *job,
		      const struct tw_job_event *event)
{
	const struct tw_event_desc *desc = event->desc;

	tw_output_add(out,
		      "LTTNG_UST_TRACEPOINT_EVENT(%s, %s,\n"
		      "\tLTTNG_UST_TP_ARGS(",
		      job->provider, desc->name);
	for (uint32_t i = 0; i < desc->field_count; i++)
		tw_output_add(out, "%s%s, %s", i ? ", " : "",
			      desc->fields[i].type, event->arguments[i]);
	tw_output_add(out, "),\n\tLTTNG_UST_TP_FIELDS(\n");
	for (uint32_t i = 0; i < desc->field_count; i++)
		put_field(out, event, i);
	tw_output_add(out, "\t))\n");
	put_loglevel(out, job, desc);
	tw_output_add(out, "\n");
}

static bool has_events(const struct tw_job *job)
{
	for (uint32_t i = 0; i < job->event_count; i++) {
		if (!job->events[i].desc->disabled)
			return true;
	}
	return false;
}

static void generate_header(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_title(out);
	put_begin(out, job);
	for (uint32_t i = 0; i < job->event_count; i++) {
		if (!job->events[i].desc->disabled)
			put_event(out, job, &job->events[i]);
	}
	tw_output_add(out, "#endif\n\n");
	/* Of no events LTTng's macros would make empty arrays. */
	if (has_events(job))
		tw_output_add(out, "#include <lttng/tracepoint-event.h>\n");
}

static void generate_source(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_title(out);
	if (has_events(job))
		tw_output_add(out,
			      "#define LTTNG_UST_TRACEPOINT_DEFINE\n"
			      "#define LTTNG_UST_TRACEPOINT_CREATE_PROBES\n"
			      "#include ");
	else
		tw_output_add(out, "#include ");
	put_header_name(out, job);
	tw_output_add(out, "\n");
}

const struct tw_tool_format tw_format_ust_events_h = {
	.name = "ust-events-h",
	.brief = "Header of LTTng-UST's provider, to be trace-ust-GROUP.h",
	.generate = generate_header,
};

const struct tw_tool_format tw_format_ust_events_c = {
	.name = "ust-events-c",
	.brief = "Source of LTTng-UST's provider",
	.generate = generate_source,
};
