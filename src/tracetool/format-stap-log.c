/* SPDX-License-Identifier: MIT */
/*
 * Format log-stap: probes that print their message. Of printf's conversions
 * SystemTap knows no length modifiers, since all its numbers have 64 bits, and
 * none of floating point.
 */

#include "c-text.h"
#include "format.h"
#include "stap-text.h"

#include <string.h>

/* One "%...": where its parts are. */
struct conversion {
	const char *flags; /* flags, width and precision */
	size_t flags_size;
	uint32_t stars; /* arguments that are width or precision */
	char letter;	/* 0: not one */
	const char *end;
};

static struct conversion read_conversion(const char *percent)
{
	struct conversion c = {.flags = percent + 1};
	const char *at;

	c.flags_size = strspn(c.flags, "-+ #0123456789.*");
	for (size_t i = 0; i < c.flags_size; i++)
		c.stars += c.flags[i] == '*';
	at = c.flags + c.flags_size;
	at += strspn(at, "hlLqjzt");
	c.letter = *at && strchr("diuxXocspfFeEgGaA%", *at) ? *at : 0;
	c.end = c.letter ? at + 1 : percent + 1;
	return c;
}

/* What SystemTap is to convert the field by; 0: it can't. */
static char convert(const struct tw_field *field, char letter)
{
	if (field->kind == TW_FIELD_FLOAT || !strchr("diuxXocsp", letter))
		return 0;
	if (letter == 's' && field->kind == TW_FIELD_BYTES)
		return 'p';
	if (letter == 's' && field->kind != TW_FIELD_STRING)
		return 'd';
	return letter == 'i' ? 'd' : letter;
}

/* The arguments that conversions take, in order. */
struct taken {
	uint32_t count;
	bool as_string[2 * TW_FIELDS_MAX];
	uint32_t index[2 * TW_FIELDS_MAX];
};

static void take(struct taken *taken, const struct tw_event_desc *event,
		 uint32_t index, bool as_string)
{
	if (index >= event->field_count || taken->count == 2 * TW_FIELDS_MAX)
		return;
	taken->index[taken->count] = index;
	taken->as_string[taken->count++] = as_string;
}

/* One conversion; next: the first field not taken yet. */
static void put_conversion(struct tw_output *out,
			   const struct tw_event_desc *event,
			   const struct conversion *c, uint32_t *next,
			   struct taken *taken)
{
	uint32_t field = *next + c->stars;
	char letter[2] = {0};

	if (c->letter == '%' || c->letter == 0) {
		tw_output_add(out, "%s", "%%");
		return;
	}
	*next = field + 1;
	if (field < event->field_count)
		letter[0] = convert(&event->fields[field], c->letter);
	if (!letter[0]) {
		tw_output_add(out, "?");
		return;
	}
	for (uint32_t i = 0; i < c->stars; i++)
		take(taken, event, field - c->stars + i, false);
	take(taken, event, field, letter[0] == 's');
	tw_output_add(out, "%s", "%");
	tw_text_add(&out->text, c->flags, c->flags_size);
	tw_output_add(out, "%s", letter);
}

static void put_format(struct tw_output *out, const struct tw_event_desc *event,
		       struct taken *taken)
{
	const char *at = event->format;
	const char *percent;
	uint32_t next = 0;

	while ((percent = strchr(at, '%'))) {
		struct conversion c = read_conversion(percent);

		tw_stap_put_quoted(out, at, (size_t)(percent - at));
		put_conversion(out, event, &c, &next, taken);
		at = c.end;
	}
	tw_stap_put_quoted(out, at, strlen(at));
}

/* Without a format: "a=1 b=0x2". */
static void put_default_format(struct tw_output *out,
			       const struct tw_event_desc *event,
			       struct taken *taken)
{
	static const char *const conversions[] = {
		[TW_FIELD_UINT] = "0x%x",  [TW_FIELD_SINT] = "%d",
		[TW_FIELD_POINTER] = "%p", [TW_FIELD_BOOL] = "%d",
		[TW_FIELD_STRING] = "%s",  [TW_FIELD_FLOAT] = "?",
		[TW_FIELD_BYTES] = "%p",
	};

	for (uint32_t i = 0; i < event->field_count; i++) {
		uint8_t kind = event->fields[i].kind;

		tw_output_add(out, "%s%s=%s", i ? " " : "",
			      event->fields[i].name, conversions[kind]);
		if (kind != TW_FIELD_FLOAT)
			take(taken, event, i, kind == TW_FIELD_STRING);
	}
}

static void put_probe(struct tw_output *out, const struct tw_job *job,
		      const struct tw_event_desc *event)
{
	struct taken taken = {0};

	tw_stap_put_alias(out, job, event, "log");
	tw_stap_put_strings(out, event, false);
	tw_output_add(out, "  printf(\"%s%s ", "%d@%d ", event->name);
	if (event->format)
		put_format(out, event, &taken);
	else
		put_default_format(out, event, &taken);
	tw_output_add(out, "\\n\", pid(), gettimeofday_ns()");
	for (uint32_t i = 0; i < taken.count; i++) {
		tw_output_add(out, taken.as_string[i] ? ", arg" : ", ");
		tw_stap_put_name(out, event, taken.index[i]);
		tw_output_add(out, taken.as_string[i] ? "_str" : "");
	}
	tw_output_add(out, ")\n}\n");
}

static void generate(struct tw_output *out, const struct tw_job *job)
{
	tw_c_put_title(out);
	for (uint32_t i = 0; i < job->event_count; i++) {
		if (!job->events[i].desc->disabled)
			put_probe(out, job, job->events[i].desc);
	}
}

const struct tw_tool_format tw_format_log_stap = {
	.name = "log-stap",
	.brief = "SystemTap: probes that print their message",
	.needs_prefix = true,
	.generate = generate,
};
