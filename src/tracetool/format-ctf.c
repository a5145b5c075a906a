/* SPDX-License-Identifier: MIT */
/*
 * Format ctf: what a recording's metadata says of these events. It says sizes,
 * which the parser leaves to the target: they are those of 64-bit Linux.
 */

#include "../schema/tsdl.h"
#include "format.h"

static void put_event(struct tw_output *out, const struct tw_job_event *event)
{
	struct tw_event_desc sized = *event->desc;
	struct tw_field fields[TW_FIELDS_MAX];

	for (uint32_t i = 0; i < sized.field_count; i++) {
		fields[i] = sized.fields[i];
		fields[i].size = tw_field_size(&fields[i], 8);
	}
	sized.fields = fields;
	tw_tsdl_add_event(&out->text, event->index, &sized);
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	tw_text_add_string(&out->text, "/* CTF 1.8 */\n\n");
	tw_tsdl_add_types(&out->text);
	for (uint32_t i = 0; i < job->event_count; i++)
		put_event(out, &job->events[i]);
}

const struct tw_tool_format tw_format_ctf = {
	.name = "ctf",
	.brief = "CTF 1.8 metadata: types and events, for 64-bit programs",
	.generate = generate,
};
