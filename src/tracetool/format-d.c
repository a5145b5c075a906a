/* SPDX-License-Identifier: MIT */
/* Format d: the probes as a provider in the D language, for "dtrace -h". */

#include "c-text.h"
#include "format.h"

#include <string.h>

/* Words of D that are none of C. */
static bool is_reserved(const char *name)
{
	static const char *const words[] = {
		"counter",  "import", "inline",	  "offsetof",
		"probe",    "self",   "provider", "string",
		"stringof", "this",   "xlate",	  "translator",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], name) == 0)
			return true;
	}
	return false;
}

static void put_probe(struct tw_output *out, const struct tw_event_desc *event)
{
	tw_output_add(out, "\tprobe %s(", event->name);
	for (uint32_t i = 0; i < event->field_count; i++) {
		const struct tw_field *field = &event->fields[i];
		bool is_pointer = field->type[strlen(field->type) - 1] == '*';

		tw_output_add(out, "%s%s%s%s%s", i ? ", " : "", field->type,
			      is_pointer ? "" : " ", field->name,
			      is_reserved(field->name) ? "_" : "");
	}
	tw_output_add(out, ");\n");
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_title(out);
	tw_output_add(out, "provider %s {\n", job->provider);
	for (uint32_t i = 0; i < job->event_count; i++) {
		if (!job->events[i].desc->disabled)
			put_probe(out, job->events[i].desc);
	}
	tw_output_add(out, "};\n");
}

const struct tw_tool_format tw_format_d = {
	.name = "d",
	.brief = "DTrace: the provider of backend dtrace's probes",
	.generate = generate,
};
