/* SPDX-License-Identifier: MIT */
/*
 * Switching a running program's events, by one byte each in its ring. All
 * patterns are checked before the first byte is written, so a mistyped name
 * switches nothing.
 */
#include "switch.h"

#include "../attach/attach.h"
#include "../ring/glob.h"
#include "select.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct tw_option tw_switch_options[] = {
	TW_OPTION_JSON,
	TW_OPTIONS_END,
};

struct request {
	const char *target;
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

/* A pattern whose every event is compiled out or unloaded. */
static int check_available(const struct request *request,
			   struct tw_attach *attach)
{
	int status = TW_EXIT_OK;

	for (size_t i = 0; i < request->patterns.count; i++) {
		const char *pattern = request->patterns.list[i];
		bool is_any = false;

		for (uint32_t id = 0; !is_any && id < attach->lookup_count;
		     id++)
			is_any = attach->lookup[id] &&
				 tw_glob_match(pattern,
					       attach->lookup[id]->name) &&
				 tw_attach_event_state(attach, id) >= 0;
		if (!is_any)
			status = tw_error(request->target,
					  "'%s' is unavailable: compiled out, "
					  "or its module is unloaded",
					  pattern);
	}
	return status;
}

static int set_states(struct request *request, struct tw_attach *attach,
		      bool *chosen)
{
	for (uint32_t id = 0; id < attach->lookup_count; id++) {
		int before;
		int err;

		if (!chosen[id])
			continue;
		before = tw_attach_event_state(attach, id);
		chosen[id] = before >= 0;
		if (before < 0)
			continue;
		err = tw_attach_set_event_state(attach, id, request->on);
		if (err)
			return tw_error(request->target, "%s: %s",
					attach->lookup[id]->name,
					attach->ring.why ? attach->ring.why
							 : strerror(-err));
		request->set++;
		request->changed += before != request->on;
	}
	return TW_EXIT_OK;
}

static void print_text(const struct request *request)
{
	printf("%" PRIu32 " event%s %s", request->set,
	       request->set == 1 ? "" : "s", request->on ? "on" : "off");
	if (request->changed == 0)
		printf(", as before");
	else if (request->changed < request->set)
		printf(", %" PRIu32 " of them as before",
		       request->set - request->changed);
	printf("\n");
}

static void print_json(const struct request *request,
		       const struct tw_attach *attach, const bool *chosen)
{
	struct tw_json json = {0};

	tw_json_begin(&json, NULL, '{');
	tw_json_text(&json, "target", attach->target.name);
	tw_json_s64(&json, "pid", attach->target.pid);
	tw_json_text(&json, "state", request->on ? "on" : "off");
	tw_json_u64(&json, "count", request->set);
	tw_json_u64(&json, "changed", request->changed);
	tw_json_begin(&json, "events", '[');
	for (uint32_t id = 0; id < attach->lookup_count; id++)
		if (chosen[id])
			tw_json_text(&json, NULL, attach->lookup[id]->name);
	tw_json_end(&json, ']');
	tw_json_end(&json, '}');
	tw_json_line(&json);
	tw_output_text(&json.text);
	free(json.text.data);
}

static int switch_chosen(struct request *request, struct tw_attach *attach,
			 bool *chosen)
{
	const struct tw_event_list list = {attach->lookup,
					   attach->lookup_count};
	int status = tw_select_events(request->target, &list,
				      &request->patterns, chosen);

	if (!status)
		status = check_available(request, attach);
	if (!status)
		status = set_states(request, attach, chosen);
	if (status)
		return status;
	if (request->json)
		print_json(request, attach, chosen);
	else
		print_text(request);
	return TW_EXIT_OK;
}

static int switch_target(struct request *request)
{
	struct tw_attach_error error;
	struct tw_attach *attach;
	bool *chosen;
	int status;

	if (tw_attach_open(request->target, true, &attach, &error))
		return tw_error(NULL, "%s", error.text);
	chosen = calloc(attach->lookup_count + 1, sizeof(*chosen));
	if (!chosen)
		status = tw_error_memory();
	else if (!tw_attach_is_alive(attach))
		status = tw_error(request->target,
				  "not running: process %d has ended",
				  (int)attach->target.pid);
	else
		status = switch_chosen(request, attach, chosen);
	free(chosen);
	tw_attach_close(attach);
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
