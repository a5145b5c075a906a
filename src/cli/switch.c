/* SPDX-License-Identifier: MIT */
/*
 * Switching events of a running program, or of all that a guest runs, by one
 * byte each in its ring. All patterns are checked before the first byte is
 * written, so a mistyped name switches nothing.
 */
#include "switch.h"

#include "../ring/glob.h"
#include "rings.h"
#include "select.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct tw_option tw_switch_options[] = {
	TW_OPTION_JSON,
	TW_OPTION_SCHEMA,
	TW_OPTIONS_END,
};

struct request {
	const char *target;
	const char *schema;
	struct tw_words patterns;
	bool on;
	bool json;
	/* what came of it */
	uint32_t set;
	uint32_t changed;
};

static int take_arguments(struct tw_args *args, struct request *request)
{
	int id;

	while ((id = tw_args_next(args)) != TW_ARG_END) {
		if (id == TW_ARG_STOP)
			return id;
		if (id == TW_OPTION_JSON_ID)
			request->json = true;
		else if (id == TW_OPTION_SCHEMA_ID)
			request->schema = args->value;
		else if (!request->target)
			request->target = args->value;
		else
			tw_words_add(&request->patterns, args->value);
	}
	for (int i = 0; i < args->rest_count; i++) {
		if (!request->target)
			request->target = args->rest[i];
		else
			tw_words_add(&request->patterns, args->rest[i]);
	}
	if (request->target && request->patterns.count)
		return TW_ARG_END;
	if (request->target)
		args->status = tw_usage_error(
			args, "which events? Name them, or say '*' for all");
	else
		args->status = tw_usage_error(args, "which target?");
	return TW_ARG_STOP;
}

/* An event of one of the target's rings. */
struct event {
	struct tw_attach *attach;
	uint32_t id;
};

/* Those of all its rings, and which of them are chosen. */
struct events {
	struct event *list;
	const struct tw_event_desc **descs;
	bool *chosen;
	uint32_t count;
};

/* A pattern whose every event is compiled out or unloaded. */
static int check_available(const struct request *request,
			   const struct events *events)
{
	int status = TW_EXIT_OK;

	for (size_t i = 0; i < request->patterns.count; i++) {
		const char *pattern = request->patterns.list[i];
		bool is_any = false;

		for (uint32_t j = 0; !is_any && j < events->count; j++)
			is_any = tw_glob_match(pattern,
					       events->descs[j]->name) &&
				 tw_attach_event_state(events->list[j].attach,
						       events->list[j].id) >= 0;
		if (!is_any)
			status = tw_error(request->target,
					  "'%s' is unavailable: compiled out, "
					  "or its module is unloaded",
					  pattern);
	}
	return status;
}

static int set_states(struct request *request, struct events *events)
{
	int status = TW_EXIT_OK;

	for (uint32_t i = 0; i < events->count; i++) {
		struct tw_attach *attach = events->list[i].attach;
		uint32_t id = events->list[i].id;
		int before;
		int err;

		if (!events->chosen[i])
			continue;
		before = tw_attach_event_state(attach, id);
		events->chosen[i] = before >= 0;
		if (before < 0)
			continue;
		err = tw_attach_set_event_state(attach, id, request->on);
		if (err) {
			/* One guest's ring may go while the others stay. */
			status = tw_error(request->target, "%s: %s",
					  events->descs[i]->name,
					  attach->ring.why ? attach->ring.why
							   : strerror(-err));
			events->chosen[i] = false;
			continue;
		}
		request->set++;
		request->changed += before != request->on;
	}
	return status;
}

static void print_text(const struct request *request,
		       const struct tw_rings *rings)
{
	printf("%" PRIu32 " event%s %s", request->set,
	       request->set == 1 ? "" : "s", request->on ? "on" : "off");
	if (rings->count > 1)
		printf(" in %zu rings", rings->count);
	if (request->changed == 0)
		printf(", as before");
	else if (request->changed < request->set)
		printf(", %" PRIu32 " of them as before",
		       request->set - request->changed);
	printf("\n");
}

static void print_json(const struct request *request,
		       const struct tw_rings *rings,
		       const struct events *events)
{
	const struct tw_target *target = &rings->list[0]->target;
	struct tw_json json = {0};

	tw_json_begin(&json, NULL, '{');
	tw_json_text(&json, "target",
		     rings->is_guest ? request->target : target->name);
	if (rings->is_guest)
		tw_json_u64(&json, "rings", rings->count);
	else
		tw_json_s64(&json, "pid", target->pid);
	tw_json_text(&json, "state", request->on ? "on" : "off");
	tw_json_u64(&json, "count", request->set);
	tw_json_u64(&json, "changed", request->changed);
	tw_json_begin(&json, "events", '[');
	for (uint32_t i = 0; i < events->count; i++)
		if (events->chosen[i])
			tw_json_text(&json, NULL, events->descs[i]->name);
	tw_json_end(&json, ']');
	tw_json_end(&json, '}');
	tw_json_line(&json);
	tw_output_text(&json.text);
	free(json.text.data);
}

static int switch_chosen(struct request *request, const struct tw_rings *rings,
			 struct events *events)
{
	const struct tw_event_list list = {events->descs, events->count};
	int status = tw_select_events(request->target, &list,
				      &request->patterns, events->chosen);

	if (!status)
		status = check_available(request, events);
	if (!status)
		status = set_states(request, events);
	if (status)
		return status;
	if (request->json)
		print_json(request, rings, events);
	else
		print_text(request, rings);
	return TW_EXIT_OK;
}

/*
 * A firmware that has ended leaves its ring beside that of what it has started:
 * such rings are dropped, with a word.
 */
static int keep_alive(const struct request *request, struct tw_rings *rings)
{
	size_t alive = 0;

	for (size_t i = 0; i < rings->count; i++) {
		struct tw_attach *attach = rings->list[i];

		if (tw_attach_is_alive(attach)) {
			rings->list[alive++] = attach;
			continue;
		}
		if (rings->is_guest)
			tw_notice("%s: its producer has ended, or begun again",
				  attach->target.path);
		else
			tw_error(request->target,
				 "not running: process %d has ended",
				 (int)attach->target.pid);
		tw_attach_close(attach);
	}
	rings->count = alive;
	return alive ? TW_EXIT_OK : TW_EXIT_FAILED;
}

static bool collect(const struct tw_rings *rings, struct events *events)
{
	size_t room = 1;

	for (size_t i = 0; i < rings->count; i++)
		room += rings->list[i]->lookup_count;
	events->list = calloc(room, sizeof(*events->list));
	events->descs = calloc(room, sizeof(*events->descs));
	events->chosen = calloc(room, sizeof(*events->chosen));
	if (!events->list || !events->descs || !events->chosen)
		return false;
	for (size_t i = 0; i < rings->count; i++) {
		struct tw_attach *attach = rings->list[i];

		for (uint32_t id = 0; id < attach->lookup_count; id++) {
			if (!attach->lookup[id])
				continue;
			events->list[events->count] = (struct event){attach,
								     id};
			events->descs[events->count++] = attach->lookup[id];
		}
	}
	return true;
}

static int switch_target(struct request *request)
{
	struct events events = {0};
	struct tw_rings rings;
	int status = tw_rings_open(&rings, request->target, true,
				   request->schema, &(struct tw_words){0});

	if (status)
		return status;
	status = keep_alive(request, &rings);
	if (!status && !collect(&rings, &events))
		status = tw_error_memory();
	if (!status)
		status = switch_chosen(request, &rings, &events);
	free(events.list);
	free(events.descs);
	free(events.chosen);
	tw_rings_close(&rings);
	return status;
}

int tw_switch_run(struct tw_args *args, bool on)
{
	struct request request = {.on = on};
	int status;

	if (take_arguments(args, &request) == TW_ARG_STOP)
		status = args->status;
	else
		status = switch_target(&request);
	tw_words_free(&request.patterns);
	return status;
}
