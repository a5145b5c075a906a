/* SPDX-License-Identifier: MIT */
/*
 * Backend channel: a guest's event as a call of trace0() to trace10()
 * (trackway/guest-channel.h), which send it to the host at once. What its
 * fields are stands in a layout; events whose fields are alike share one.
 */

#include "backend.h"
#include "strings.h"

#include "../schema/arena.h"

#include <stdlib.h>

#define LAYOUTS_MAX 65536u /* bytes, which places of 16 bits can tell */

/* All layouts, as C text, and where each begins. */
struct layouts {
	struct tw_strings texts;
	struct tw_arena *arena; /* of the texts */
	uint32_t *places;	/* by the text's number */
	uint32_t total;		/* bytes */
	bool failed;
};

/* One field, as C text; its bytes in the layout. */
static uint32_t add_field(struct tw_output *out, const struct tw_field *field)
{
	if (field->kind == TW_FIELD_STRING) {
		tw_output_text(out, "TW_CHANNEL_STRING, ");
		return 1;
	}
	if (field->kind == TW_FIELD_BYTES && field->length == 0) {
		tw_output_add(out, "TW_CHANNEL_BYTES_BY + %u, ",
			      field->length_field);
		return 1;
	}
	if (field->kind == TW_FIELD_BYTES) {
		tw_output_add(out, "TW_CHANNEL_BYTES, %u, %u, ",
			      field->length & 0xff, field->length >> 8);
		return 3;
	}
	tw_output_text(out, "sizeof(");
	tw_output_text(out, field->type);
	tw_output_text(out, "), ");
	return 1;
}

/* Where the event's layout begins, which may be that of an earlier event. */
static uint32_t layout_place(struct layouts *layouts,
			     const struct tw_event_desc *event)
{
	struct tw_output made = {0};
	uint32_t size = 1;
	uint32_t number;
	const char *text;

	for (uint32_t i = 0; i < event->field_count; i++)
		size += add_field(&made, &event->fields[i]);
	tw_output_text(&made, "0");
	text = made.text.failed ? NULL
				: tw_arena_copy(&layouts->arena, made.text.data,
						made.text.size);
	free(made.text.data);
	if (!text) {
		layouts->failed = true;
		return 0;
	}
	number = tw_strings_add(&layouts->texts, text);
	if (layouts->texts.failed) {
		layouts->failed = true;
		return 0;
	}
	if (number + 1 == layouts->texts.count && !layouts->places[number]) {
		/* One more than the place, as 0 is one of those not yet set. */
		layouts->places[number] = layouts->total + 1;
		layouts->total += size;
	}
	return layouts->places[number] - 1;
}

static void put_places(struct tw_output *out, const struct tw_job *job,
		       struct layouts *layouts)
{
	tw_output_add(out, "static const uint16_t tw_places_%s[] = {",
		      job->group);
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_event_desc *event = job->events[i].desc;

		tw_output_text(out, i % 12 ? " " : "\n\t");
		tw_output_number(out, event->disabled
					      ? 0
					      : layout_place(layouts, event));
		tw_output_text(out, ",");
	}
	tw_output_text(out, job->event_count ? "\n};\n" : "0};\n");
}

static void put_layouts(struct tw_output *out, const struct tw_job *job,
			const struct layouts *layouts)
{
	if (layouts->total > LAYOUTS_MAX)
		tw_output_text(out,
			       "#error \"too many events for the channel\"\n");
	tw_output_add(out, "static const uint8_t tw_layouts_%s[] = {\n",
		      job->group);
	for (uint32_t i = 0; i < layouts->texts.count; i++) {
		tw_output_text(out, "\t");
		tw_output_text(out, layouts->texts.list[i].text);
		tw_output_text(out, ",\n");
	}
	tw_output_text(out, layouts->texts.count ? "};\n" : "\t0,\n};\n");
}

static void put_tables(struct tw_output *out, const struct tw_job *job)
{
	struct layouts layouts = {0};

	layouts.places = calloc((size_t)job->event_count + 1,
				sizeof(*layouts.places));
	if (layouts.places) {
		put_places(out, job, &layouts);
		put_layouts(out, job, &layouts);
	}
	if (!layouts.places || layouts.failed)
		out->text.failed = true;
	free(layouts.places);
	tw_strings_clear(&layouts.texts);
	tw_arena_destroy(layouts.arena);
}

static uint32_t state_count(const struct tw_job *job)
{
	return job->event_count ? job->event_count : 1;
}

static void put_declarations(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out,
		      "#ifndef TW_GUEST\n"
		      "#include <trackway/guest-channel.h>\n"
		      "#endif\n"
		      "TW_DECLARE_CHANNEL(%s, %u);\n\n",
		      job->group, state_count(job));
}

static void source_begin(struct tw_output *out, const struct tw_job *job)
{
	put_declarations(out, job);
	put_tables(out, job);
	tw_output_add(out,
		      "TW_DEFINE_CHANNEL(%s, %u, %u, tw_places_%s, "
		      "tw_layouts_%s);\n\n",
		      job->group, state_count(job), job->event_count,
		      job->group, job->group);
}

static void test(struct tw_output *out, const struct tw_job *job,
		 const struct tw_job_event *event)
{
	tw_output_text(out, "TW_CHANNEL_STATE(");
	tw_output_text(out, job->group);
	tw_output_text(out, ", ");
	tw_output_number(out, event->index);
	tw_output_text(out, ")");
}

static const char *conversion(const struct tw_field *field)
{
	if (field->kind == TW_FIELD_FLOAT)
		return field->size == 4 ? "tw_channel_float("
					: "tw_channel_double(";
	if (field->kind == TW_FIELD_POINTER || field->kind == TW_FIELD_STRING ||
	    field->kind == TW_FIELD_BYTES)
		return "(uint64_t)(uintptr_t)(";
	return "(uint64_t)(";
}

static void source_event(struct tw_output *out, const struct tw_job *job,
			 const struct tw_job_event *event)
{
	tw_output_text(out, "\t\ttrace");
	tw_output_number(out, event->desc->field_count);
	tw_output_text(out, "(TW_CHANNEL_ID(");
	tw_output_text(out, job->group);
	tw_output_text(out, ", ");
	tw_output_number(out, event->index);
	tw_output_text(out, ")");
	for (uint32_t i = 0; i < event->desc->field_count; i++) {
		tw_output_text(out, i % 2 ? ", " : ",\n\t\t\t");
		tw_output_text(out, conversion(&event->desc->fields[i]));
		tw_output_text(out, event->arguments[i]);
		tw_output_text(out, ")");
	}
	tw_output_text(out, ");\n");
}

const struct tw_tool_backend tw_backend_channel = {
	.name = "channel",
	.brief = "A guest's: sent to its host by fw_cfg or a stream of bytes",
	.test = test,
	.header_begin = put_declarations,
	.source_begin = source_begin,
	.source_event = source_event,
};
