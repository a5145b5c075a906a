/* SPDX-License-Identifier: MIT */
/*
 * trackway print: events as lines, in the order of time. This is the command
 * line; what it asks for is done by print-loop.c.
 */
#include "channels.h"
#include "cli.h"
#include "print.h"

#include <string.h>

#define HOLD_MS 50
#define HOLD_MS_MAX 600000

enum {
	OPTION_FORMAT = TW_OPTION_ID(1),
	OPTION_HISTORY = TW_OPTION_ID(2),
	OPTION_UTC = TW_OPTION_ID(3),
	OPTION_RELATIVE = TW_OPTION_ID(4),
	OPTION_DELTA = TW_OPTION_ID(5),
	OPTION_SCHEMA = TW_OPTION_ID(6),
	OPTION_BOUNDS = TW_OPTION_ID(7),
	OPTION_HOLD = TW_OPTION_ID(8),
};

static bool take_format(struct tw_args *args, struct tw_print_request *request)
{
	request->json = strcmp(args->value, "json") == 0;
	if (request->json || strcmp(args->value, "text") == 0)
		return true;
	args->status = tw_usage_error(
		args, "--format: '%s' is not text or json", args->value);
	return false;
}

static bool take_option(struct tw_args *args, int id,
			struct tw_print_request *request)
{
	switch (id) {
	case 'f':
		request->follow = true;
		return true;
	case 'e':
		tw_words_add(&request->patterns, args->value);
		return true;
	case 'n':
		return tw_args_number(args, "count", 1, INT64_MAX,
				      &request->limit);
	case OPTION_FORMAT:
		return take_format(args, request);
	case TW_OPTION_JSON_ID:
		request->json = true;
		return true;
	case OPTION_HISTORY:
		request->history = true;
		return true;
	case OPTION_SCHEMA:
		request->schema = args->value;
		return true;
	case TW_OPTION_EVENTS_ID:
		tw_words_add(&request->events, args->value);
		return true;
	case OPTION_BOUNDS:
		request->bounds = true;
		return true;
	case OPTION_HOLD:
		return tw_args_number(args, "hold", 0, HOLD_MS_MAX,
				      &request->hold_ms);
	case OPTION_UTC:
		request->time = TW_PRINT_UTC;
		return true;
	case OPTION_RELATIVE:
		request->time = TW_PRINT_RELATIVE;
		return true;
	case OPTION_DELTA:
		request->time = TW_PRINT_DELTA;
		return true;
	default:
		tw_words_add(&request->targets, args->value);
		return true;
	}
}

static int take_arguments(struct tw_args *args,
			  struct tw_print_request *request)
{
	int id;

	while ((id = tw_args_next(args)) != TW_ARG_END)
		if (id == TW_ARG_STOP || !take_option(args, id, request))
			return TW_ARG_STOP;
	for (int i = 0; i < args->rest_count; i++)
		tw_words_add(&request->targets, args->rest[i]);
	if (request->targets.count)
		return TW_ARG_END;
	args->status = tw_usage_error(args, "which target or directory?");
	return TW_ARG_STOP;
}

static int run(struct tw_args *args)
{
	struct tw_print_request request = {.hold_ms = HOLD_MS};
	int status;

	if (take_arguments(args, &request) == TW_ARG_STOP)
		status = args->status;
	else
		status = tw_print_run(&request);
	tw_words_free(&request.targets);
	tw_words_free(&request.patterns);
	tw_words_free(&request.events);
	return status;
}

static const struct tw_option options[] = {
	{'f', "follow", NULL, "go on with what comes, until the program ends"},
	{'e', "event", "GLOB",
	 "only events of these names; \"-GLOB\" leaves some out.\n"
	 "May be given again: the last that matches decides"},
	{'n', "count", "N", "stop after N events"},
	{OPTION_FORMAT, "format", "FORMAT", "text or json"},
	TW_OPTION_JSON,
	{OPTION_HISTORY, "history", NULL,
	 "with --follow: begin with what the ring holds"},
	{OPTION_SCHEMA, "schema", "FILE",
	 "trace-events file of a guest's ring that has no schema"},
	TW_OPTION_EVENTS_OR_QEMU,
	{OPTION_HOLD, "hold", "MS",
	 "with --follow: how long events wait for earlier\n"
	 "ones of others; 50 if not given"},
	{OPTION_BOUNDS, "bounds", NULL,
	 "how far off each time may be, later and earlier"},
	{OPTION_UTC, "utc", NULL, "times in UTC, not in local time"},
	{OPTION_RELATIVE, "relative", NULL, "times since the first event"},
	{OPTION_DELTA, "delta", NULL, "times since the event before"},
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {
	{"trackway print sqlite-vfs", "what its ring holds now"},
	{"trackway print -f -e 'vfs_*' -e -vfs_read 1234",
	 "as they happen, all of vfs_ but reads"},
	{"trackway print -f vm:1234", "a virtual machine, through its resets"},
	{"trackway print -f vm:1234 sqlite-vfs DIR",
	 "a guest, a program and a recording on one timeline"},
	{"trackway print --delta DIR | less",
	 "a recording, with gaps as times"},
	{"trackway print --json DIR | jq 'select(.event == \"vfs_sync\") | "
	 ".args'",
	 "for a script"},
	{NULL, NULL},
};

const struct tw_command tw_command_print = {
	.name = "print",
	.usage = "[-f] [-e GLOB]... [-n N] [--format FORMAT] [--json] "
		 "[--history] [--schema FILE] [--events FILE]... "
		 "[--hold MS] [--bounds] [--utc] [--relative] "
		 "[--delta] TARGET|DIR...",
	.summary = "print events in the order of time",
	.details =
		"TARGET may be a running program, or one that has crashed or "
		"was killed; DIR is what\n"
		"trackway record has written. Several are printed as one "
		"timeline.\n"
		"\n"
		"A line is: time, program if there are several, thread, event, "
		"message. Where events\n"
		"are missing, stderr says how many; with --json, an object "
		"with "
		"\"lost\" stands\n"
		"among the events.",
	.options = options,
	.examples = examples,
	.run = run,
};
