/* SPDX-License-Identifier: MIT */
/*
 * Format events: what the parser has understood, in the language that it was
 * written in. One event a line, types and blanks in their normal form, prefixes
 * and included files resolved; read again, it is the same.
 */

#include "format.h"
#include "strings.h"

#include <string.h>

/* The sets of named values, each distinct one once; numbers are their names'
 * endings where two of the same name differ. */
struct sets {
	struct tw_strings texts;
};

/* The set's name: what stands before its first value. */
static size_t name_size(const char *values)
{
	return strcspn(values, " ");
}

/* Whether a set before number has the same name. */
static bool is_name_taken(const struct sets *sets, uint32_t number)
{
	const char *values = sets->texts.list[number].text;
	size_t size = name_size(values);

	for (uint32_t i = 0; i < number; i++) {
		const char *other = sets->texts.list[i].text;

		if (name_size(other) == size &&
		    memcmp(other, values, size) == 0)
			return true;
	}
	return false;
}

static void put_set_name(struct tw_output *out, const struct sets *sets,
			 uint32_t number)
{
	const char *values = sets->texts.list[number].text;

	tw_text_add(&out->text, values, name_size(values));
	if (is_name_taken(sets, number))
		tw_output_add(out, "_%u", number);
}

static void put_number(struct tw_output *out, int64_t value)
{
	if (value < 0)
		tw_output_add(out, "-");
	tw_text_add_u64(&out->text,
			value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static void put_set(struct tw_output *out, const struct sets *sets,
		    uint32_t number, const char *type)
{
	const char *at = sets->texts.list[number].text;
	const char *before = " {";
	struct tw_label label;

	tw_output_add(out, "enum ");
	put_set_name(out, sets, number);
	tw_output_add(out, " : %s", type);
	while (tw_label_next(&at, &label)) {
		tw_output_add(out, "%s ", before);
		tw_text_add(&out->text, label.name, label.size);
		tw_output_add(out, " = ");
		put_number(out, label.value);
		before = ",";
	}
	tw_output_add(out, " }\n");
}

static void put_sets(struct tw_output *out, const struct tw_job *job,
		     struct sets *sets)
{
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_event_desc *event = job->events[i].desc;

		for (uint32_t j = 0; j < event->field_count; j++) {
			const struct tw_field *field = &event->fields[j];
			uint32_t known = sets->texts.count;

			if (field->values &&
			    tw_strings_add(&sets->texts, field->values) ==
				    known &&
			    !sets->texts.failed)
				put_set(out, sets, known, field->type);
		}
	}
}

static void put_argument(struct tw_output *out, const struct sets *sets,
			 const struct tw_event_desc *event, uint32_t index)
{
	const struct tw_field *field = &event->fields[index];
	size_t size = strlen(field->type);

	if (field->values) {
		int64_t number = tw_strings_find(&sets->texts, field->values);

		tw_output_add(out, "enum ");
		if (number >= 0)
			put_set_name(out, sets, (uint32_t)number);
		tw_output_add(out, " %s", field->name);
		return;
	}
	if (field->kind == TW_FIELD_BYTES)
		size -= 2; /* " *" */
	tw_text_add(&out->text, field->type, size);
	tw_output_add(out, "%s%s", field->type[size - 1] == '*' ? "" : " ",
		      field->name);
	if (field->kind != TW_FIELD_BYTES)
		return;
	if (field->length)
		tw_output_add(out, "[%u]", field->length);
	else
		tw_output_add(out, "[%s]",
			      event->fields[field->length_field].name);
}

static void put_event(struct tw_output *out, const struct sets *sets,
		      const struct tw_event_desc *event)
{
	const char *level = tw_loglevel_name(event->loglevel);

	if (event->disabled)
		tw_output_add(out, "disable ");
	if (level && event->loglevel != 14)
		tw_output_add(out, "loglevel=%s ", level);
	tw_output_add(out, "%s(%s", event->name,
		      event->field_count ? "" : "void");
	for (uint32_t i = 0; i < event->field_count; i++) {
		tw_output_add(out, "%s", i ? ", " : "");
		put_argument(out, sets, event, i);
	}
	tw_output_add(out, ")");
	if (event->format_raw)
		tw_output_add(out, " %s", event->format_raw);
	tw_output_add(out, "\n");
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	struct sets sets = {0};

	put_sets(out, job, &sets);
	for (uint32_t i = 0; i < job->event_count; i++)
		put_event(out, &sets, job->events[i].desc);
	if (sets.texts.failed)
		out->text.failed = true;
	tw_strings_clear(&sets.texts);
}

const struct tw_tool_format tw_format_events = {
	.name = "events",
	.brief = "The events as they were understood, one a line",
	.generate = generate,
};
