/* SPDX-License-Identifier: MIT */
/* trackway events: what a program can tell, and what of it is switched on. */
#include "cli.h"

#include "../trace/read.h"
#include "guests.h"
#include "rings.h"
#include "select.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
	const char *target;
	const char *schema;
	struct tw_words events; /* files */
	struct tw_words patterns;
	bool json;
	bool verbose;
};

/* In a recorded directory an event has no state. */
#define STATE_RECORDED 2

struct event {
	const struct tw_event_desc *desc;
	const char *program;
	uint32_t pid;
	const char *group; /* may be NULL */
	uint32_t id;
	int state; /* 1, 0, STATE_RECORDED, or negative: unavailable */
};

/* All events of what a target names. */
struct events {
	struct event *list;
	uint32_t count;
	bool is_recorded;
	bool has_programs; /* more than one: say whose an event is */
};

static const char *state_word(const struct event *event)
{
	if (event->state == STATE_RECORDED)
		return "recorded";
	return event->state < 0 ? "unavailable" : event->state ? "on" : "off";
}

static enum tw_style state_style(const struct event *event)
{
	return event->state < 0	   ? TW_STYLE_DIM
	       : event->state == 1 ? TW_STYLE_GREEN
				   : TW_STYLE_PLAIN;
}

/* ---- Text ---- */

static bool print_table(const struct events *events)
{
	static const struct tw_column columns[] = {
		{"NAME", false},
		{"STATE", false},
		{"PROGRAM", false},
	};
	size_t count = events->has_programs ? 3 : 2;
	struct tw_table *table = tw_table_create(columns, count);
	bool ok;

	for (uint32_t i = 0; table && i < events->count; i++) {
		const struct event *event = &events->list[i];

		tw_table_add(table, TW_STYLE_PLAIN, "%s", event->desc->name);
		tw_table_add(table, state_style(event), "%s",
			     state_word(event));
		if (events->is_recorded)
			tw_table_add(table, TW_STYLE_PLAIN, "%s (%" PRIu32 ")",
				     event->program, event->pid);
		else if (events->has_programs)
			tw_table_add(table, TW_STYLE_PLAIN, "%s",
				     event->program);
	}
	ok = table && tw_table_print(table);
	tw_table_destroy(table);
	return ok;
}

static void add_arguments(struct tw_text *text,
			  const struct tw_event_desc *desc)
{
	if (!desc->field_count)
		tw_text_add_string(text, "void");
	for (uint32_t i = 0; i < desc->field_count; i++) {
		const struct tw_field *field = &desc->fields[i];
		size_t size = strlen(field->type);

		if (i)
			tw_text_add_string(text, ", ");
		if (field->values) {
			tw_text_add_string(text, "enum ");
			tw_text_add_escaped(text, field->values,
					    strcspn(field->values, " "));
			tw_text_add_string(text, " ");
			tw_text_add_string(text, field->name);
			continue;
		}
		tw_text_add_escaped(text, field->type, size);
		if (size && field->type[size - 1] != '*')
			tw_text_add_string(text, " ");
		tw_text_add_escaped(text, field->name, strlen(field->name));
	}
}

static void add_verbose(struct tw_text *text, const struct event *event)
{
	const struct tw_event_desc *desc = event->desc;

	tw_text_add_string(text, tw_style(TW_STYLE_BOLD));
	tw_text_add_escaped(text, desc->name, strlen(desc->name));
	tw_text_add_string(text, tw_style(TW_STYLE_PLAIN));
	tw_text_add_string(text, "(");
	add_arguments(text, desc);
	tw_text_add_string(text, ")\n    state   ");
	tw_text_add_string(text, tw_style(state_style(event)));
	tw_text_add_string(text, state_word(event));
	tw_text_add_string(text, tw_style(TW_STYLE_PLAIN));
	if (desc->format) {
		tw_text_add_string(text, "\n    format  ");
		tw_text_add_escaped(text, desc->format, strlen(desc->format));
	}
	if (event->group) {
		tw_text_add_string(text, "\n    group   ");
		tw_text_add_escaped(text, event->group, strlen(event->group));
	}
	tw_text_add_string(text, "\n    from    ");
	tw_text_add_escaped(text, desc->file, strlen(desc->file));
	tw_text_add_string(text, ":");
	tw_text_add_u64(text, desc->line);
	tw_text_add_string(text, "\n");
}

static bool print_verbose(const struct events *events)
{
	struct tw_text text = {0};
	bool ok;

	for (uint32_t i = 0; i < events->count; i++) {
		if (i)
			tw_text_add_string(&text, "\n");
		add_verbose(&text, &events->list[i]);
	}
	ok = !text.failed;
	tw_output_text(&text);
	free(text.data);
	return ok;
}

/* ---- JSON ---- */

static const char *kind_word(uint8_t kind)
{
	static const char *const words[] = {
		[TW_FIELD_UINT] = "unsigned",	[TW_FIELD_SINT] = "signed",
		[TW_FIELD_POINTER] = "pointer", [TW_FIELD_BOOL] = "bool",
		[TW_FIELD_STRING] = "string",	[TW_FIELD_FLOAT] = "float",
		[TW_FIELD_BYTES] = "bytes",
	};

	return kind < sizeof(words) / sizeof(words[0]) ? words[kind] : NULL;
}

/* The names of an integer's values, with the values. */
static void add_values(struct tw_json *json, const char *values)
{
	struct tw_label label;

	tw_json_begin(json, "values", '{');
	while (tw_label_next(&values, &label)) {
		tw_json_key(json, label.name, label.size);
		tw_json_s64(json, NULL, label.value);
	}
	tw_json_end(json, '}');
}

static void add_json(struct tw_json *json, const struct event *event)
{
	const struct tw_event_desc *desc = event->desc;

	tw_text_add_string(&json->text, json->comma ? ",\n" : "\n");
	json->comma = false;
	tw_json_begin(json, NULL, '{');
	tw_json_text(json, "name", desc->name);
	tw_json_text(json, "state", state_word(event));
	tw_json_text(json, "program", event->program);
	tw_json_u64(json, "pid", event->pid);
	tw_json_u64(json, "id", event->id);
	tw_json_text(json, "group", event->group);
	tw_json_text(json, "file", desc->file);
	tw_json_u64(json, "line", desc->line);
	tw_json_u64(json, "loglevel", desc->loglevel);
	tw_json_text(json, "format", desc->format);
	tw_json_begin(json, "arguments", '[');
	for (uint32_t i = 0; i < desc->field_count; i++) {
		tw_json_begin(json, NULL, '{');
		tw_json_text(json, "name", desc->fields[i].name);
		tw_json_text(json, "type", desc->fields[i].type);
		tw_json_text(json, "kind", kind_word(desc->fields[i].kind));
		tw_json_u64(json, "size", desc->fields[i].size);
		if (desc->fields[i].values)
			add_values(json, desc->fields[i].values);
		tw_json_end(json, '}');
	}
	tw_json_end(json, ']');
	tw_json_end(json, '}');
}

static bool print_json(const struct events *events)
{
	struct tw_json json = {0};
	bool ok;

	tw_json_begin(&json, NULL, '[');
	for (uint32_t i = 0; i < events->count; i++)
		add_json(&json, &events->list[i]);
	if (events->count)
		tw_text_add_string(&json.text, "\n");
	tw_json_end(&json, ']');
	tw_json_line(&json);
	ok = !json.text.failed;
	tw_output_text(&json.text);
	free(json.text.data);
	return ok;
}

/* ---- Choosing and printing ---- */

/* Keep those that a pattern names. Returns enum tw_exit. */
static int keep_chosen(const struct request *request, struct events *events)
{
	const struct tw_event_desc **descs = calloc(events->count + 1,
						    sizeof(*descs));
	bool *chosen = calloc(events->count + 1, sizeof(*chosen));
	uint32_t kept = 0;
	int status;

	if (!descs || !chosen) {
		free(descs);
		free(chosen);
		return tw_error_memory();
	}
	for (uint32_t i = 0; i < events->count; i++)
		descs[i] = events->list[i].desc;
	status = tw_select_events(request->target,
				  &(struct tw_event_list){descs, events->count},
				  &request->patterns, chosen);
	for (uint32_t i = 0; i < events->count; i++)
		if (chosen[i])
			events->list[kept++] = events->list[i];
	events->count = kept;
	free(descs);
	free(chosen);
	return status;
}

static int print_events(const struct request *request, struct events *events)
{
	int status = keep_chosen(request, events);
	bool ok = true;

	if (status)
		return status;
	if (request->json)
		ok = print_json(events);
	else if (!events->count)
		tw_notice("%s: no events", request->target);
	else
		ok = request->verbose ? print_verbose(events)
				      : print_table(events);
	return ok ? TW_EXIT_OK : tw_error_memory();
}

/* ---- A ring ---- */

static const char *group_of(const struct tw_attach *attach, uint32_t id)
{
	for (uint32_t i = 0; i < attach->group_count; i++)
		if (attach->schemas[i] && id >= attach->groups[i].id_base &&
		    id - attach->groups[i].id_base <
			    attach->groups[i].event_count)
			return attach->schemas[i]->group;
	return NULL;
}

static void collect_ring(struct events *events, struct tw_attach *attach)
{
	for (uint32_t id = 0; id < attach->lookup_count; id++)
		if (attach->lookup[id])
			events->list[events->count++] = (struct event){
				.desc = attach->lookup[id],
				.program = attach->target.name,
				.pid = (uint32_t)attach->target.pid,
				.group = group_of(attach, id),
				.id = id,
				.state = tw_attach_event_state(attach, id),
			};
}

static int print_rings(const struct request *request,
		       const struct tw_rings *rings)
{
	struct events events = {.has_programs = rings->count > 1};
	size_t room = 1;
	int status;

	for (size_t i = 0; i < rings->count; i++)
		room += rings->list[i]->lookup_count;
	events.list = calloc(room, sizeof(*events.list));
	if (!events.list)
		return tw_error_memory();
	for (size_t i = 0; i < rings->count; i++)
		collect_ring(&events, rings->list[i]);
	status = print_events(request, &events);
	free(events.list);
	return status;
}

/* Events that are there and can't be named, for want of a good schema. */
static void warn_of_nameless(const char *target, const struct tw_attach *attach)
{
	uint32_t nameless = 0;

	for (uint32_t i = 0; i < attach->group_count; i++)
		if (!attach->schemas[i])
			nameless += attach->groups[i].event_count;
	if (nameless)
		tw_notice("%s: %" PRIu32 " more events have no readable schema",
			  target, nameless);
}

static int print_target(const struct request *request)
{
	struct tw_rings rings;
	int status = tw_rings_open(&rings, request->target, false,
				   request->schema, &request->events);

	if (status)
		return status;
	for (size_t i = 0; i < rings.count; i++)
		warn_of_nameless(rings.count > 1 ? rings.list[i]->target.path
						 : request->target,
				 rings.list[i]);
	status = print_rings(request, &rings);
	tw_rings_close(&rings);
	return status;
}

/* ---- A recorded directory ---- */

static bool collect_producer(const struct tw_trace_producer *producer,
			     struct events *events)
{
	const struct tw_decoder *decoder = &producer->decoder;
	struct event *list;

	list = realloc(events->list,
		       (events->count + decoder->id_count + 1) * sizeof(*list));
	if (!list)
		return false;
	events->list = list;
	for (uint32_t id = 0; id < decoder->id_count; id++)
		if (decoder->lookup[id])
			list[events->count++] = (struct event){
				.desc = decoder->lookup[id],
				.program = producer->name,
				.pid = producer->pid,
				.id = id,
				.state = STATE_RECORDED,
			};
	return true;
}

static int print_trace(const struct request *request, struct tw_trace *trace)
{
	struct events events = {.is_recorded = true, .has_programs = true};
	bool ok = true;
	int status;

	for (uint32_t i = 0; ok && i < tw_trace_producer_count(trace); i++)
		ok = collect_producer(tw_trace_producer(trace, i), &events);
	status = ok ? print_events(request, &events) : tw_error_memory();
	free(events.list);
	return status;
}

static int print_directory(const struct request *request)
{
	struct tw_attach_error error;
	struct tw_trace *trace;
	int status = tw_guests_check_schema(NULL, request->schema);

	if (!status)
		status = tw_channels_check(NULL, &request->events);
	if (status)
		return status;
	if (tw_trace_create(&trace))
		return tw_error_memory();
	if (tw_trace_add_directory(trace, request->target, &error))
		status = tw_error(NULL, "%s", error.text);
	else
		status = print_trace(request, trace);
	tw_trace_destroy(trace);
	return status;
}

/* ---- Arguments ---- */

static int take_arguments(struct tw_args *args, struct request *request)
{
	int id;

	while ((id = tw_args_next(args)) != TW_ARG_END) {
		if (id == TW_ARG_STOP)
			return id;
		if (id == TW_OPTION_JSON_ID)
			request->json = true;
		else if (id == 'v')
			request->verbose = true;
		else if (id == TW_OPTION_SCHEMA_ID)
			request->schema = args->value;
		else if (id == TW_OPTION_EVENTS_ID)
			tw_words_add(&request->events, args->value);
		else if (!request->target)
			request->target = args->value;
		else
			tw_words_add(&request->patterns, args->value);
	}
	if (args->rest_count)
		args->status = tw_usage_error(args,
					      "'%s' is one argument too "
					      "many",
					      args->rest[0]);
	else if (!request->target)
		args->status = tw_usage_error(args, "which target?");
	else
		return TW_ARG_END;
	return TW_ARG_STOP;
}

static int run(struct tw_args *args)
{
	struct request request = {0};
	int status;

	if (take_arguments(args, &request) == TW_ARG_STOP)
		status = args->status;
	else if (tw_trace_is_directory(request.target))
		status = print_directory(&request);
	else
		status = print_target(&request);
	tw_words_free(&request.patterns);
	tw_words_free(&request.events);
	return status;
}

static const struct tw_option options[] = {
	TW_OPTION_JSON,
	TW_OPTION_SCHEMA,
	TW_OPTION_EVENTS,
	{'v', "verbose", NULL,
	 "arguments, format, group, and where an event is declared"},
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {
	{"trackway events sqlite-vfs", "every event of that program"},
	{"trackway events -v 1234 'vfs_*'", "all about some of them"},
	{"trackway events vm:1234", "those of all that a guest runs"},
	{"trackway events DIR", "what a recorded directory may hold"},
	{"trackway events --json 1234 | jq '.[] | .name'", "for a script"},
	{NULL, NULL},
};

const struct tw_command tw_command_events = {
	.name = "events",
	.usage = "[-v] [--json] [--schema FILE] [--events FILE]... "
		 "TARGET|DIR [GLOB...]",
	.summary = "list a program's events and which are on",
	.details =
		"An event is unavailable when its declaration says "
		"\"disable\", so that it was compiled out, or when the "
		"module that held it has been unloaded. The events of a "
		"recorded DIR have no states. A firmware short of ROM has no "
		"schema in its ring: give its trace-events file with "
		"--schema.",
	.options = options,
	.examples = examples,
	.run = run,
};
