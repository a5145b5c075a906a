/* SPDX-License-Identifier: MIT */
/*
 * trackway record: events into a trace directory, from running programs, from
 * guests and from a command that it starts, all at once. This is the command
 * line; what it asks for is done by record-session.c.
 */
#include "channels.h"
#include "cli.h"
#include "record.h"

#include <stdlib.h>
#include <string.h>

#define RING_SIZE_DEFAULT (64u << 20)
#define RING_SIZE_SMALLEST (64u << 10)
#define RING_SIZE_LARGEST (1ull << 40)
#define SECONDS_MAX (UINT64_C(366) * 24 * 3600)

enum {
	OPTION_HISTORY = TW_OPTION_ID(1),
	OPTION_SECONDS = TW_OPTION_ID(2),
	OPTION_RING_SIZE = TW_OPTION_ID(3),
	OPTION_MODE = TW_OPTION_ID(4),
	OPTION_SCHEMA = TW_OPTION_ID(5),
	OPTION_FOLLOW = TW_OPTION_ID(6),
};

static bool is_mode(const char *mode)
{
	return strcmp(mode, "overwrite") == 0 || strcmp(mode, "discard") == 0 ||
	       strcmp(mode, "block") == 0 ||
	       (strncmp(mode, "block:", 6) == 0 && mode[6] &&
		mode[6 + strspn(mode + 6, "0123456789")] == '\0');
}

static bool take_mode(struct tw_args *args, struct tw_record_request *request)
{
	request->mode = args->value;
	if (is_mode(args->value))
		return true;
	args->status = tw_usage_error(args,
				      "--mode: '%s' is not overwrite, discard, "
				      "block or block:MS",
				      args->value);
	return false;
}

static bool take_option(struct tw_args *args, int id,
			struct tw_record_request *request)
{
	switch (id) {
	case 'o':
		request->directory = args->value;
		return true;
	case 'e':
		tw_words_add(&request->patterns, args->value);
		return true;
	case OPTION_HISTORY:
		request->history = true;
		return true;
	case OPTION_SECONDS:
		return tw_args_number(args, "seconds", 1, SECONDS_MAX,
				      &request->seconds);
	case OPTION_RING_SIZE:
		return tw_args_number(args, "ring-size", RING_SIZE_SMALLEST,
				      RING_SIZE_LARGEST, &request->ring_size);
	case OPTION_MODE:
		return take_mode(args, request);
	case OPTION_SCHEMA:
		request->schema = args->value;
		return true;
	case TW_OPTION_EVENTS_ID:
		tw_words_add(&request->events, args->value);
		return true;
	case OPTION_FOLLOW:
		request->follow = true;
		return true;
	default:
		tw_words_add(&request->targets, args->value);
		return true;
	}
}

static const char *wrong_request(const struct tw_record_request *request)
{
	if (!request->directory || !request->directory[0])
		return "into which directory? Say -o DIR";
	if (request->command && !request->command[0])
		return "which command?";
	if (!request->command && !request->targets.count)
		return "what? Name a target, or a command after --";
	if (!request->command && (request->ring_size || request->mode))
		return "--ring-size and --mode are for a command after --: a "
		       "running program has its ring";
	if (!request->targets.count && request->schema)
		return "--schema is for guests' rings";
	if (!request->targets.count &&
	    (request->events.count || request->follow))
		return "--events and --follow are for channels";
	if (!request->targets.count && request->history)
		return "--history is for running programs: of a command all is "
		       "recorded";
	return NULL;
}

static int take_arguments(struct tw_args *args,
			  struct tw_record_request *request)
{
	const char *wrong;
	int id;

	while ((id = tw_args_next(args)) != TW_ARG_END)
		if (id == TW_ARG_STOP || !take_option(args, id, request))
			return TW_ARG_STOP;
	request->command = args->rest;
	wrong = wrong_request(request);
	if (!wrong)
		return TW_ARG_END;
	args->status = tw_usage_error(args, "%s", wrong);
	return TW_ARG_STOP;
}

static int run(struct tw_args *args)
{
	struct tw_record_request request = {0};
	int status;

	if (take_arguments(args, &request) == TW_ARG_STOP) {
		status = args->status;
	} else {
		if (request.command && !request.ring_size &&
		    !getenv("TRACKWAY_RING_SIZE"))
			request.ring_size = RING_SIZE_DEFAULT;
		status = tw_record_run(&request);
	}
	tw_words_free(&request.targets);
	tw_words_free(&request.patterns);
	tw_words_free(&request.events);
	return status;
}

static const struct tw_option options[] = {
	{'o', "output", "DIR", "the directory to make; it may exist if empty"},
	{'e', "event", "GLOB",
	 "record these events; \"-GLOB\" leaves some out.\n"
	 "May be given again: the last that matches decides.\n"
	 "If not given: every event"},
	{OPTION_HISTORY, "history", NULL,
	 "also what the ring of a running program holds already"},
	{OPTION_SECONDS, "seconds", "N",
	 "end after N seconds; a command is sent SIGTERM then"},
	{OPTION_RING_SIZE, "ring-size", "SIZE",
	 "of the command's ring, such as 256M; 64M if not given"},
	{OPTION_MODE, "mode", "MODE",
	 "what the command does when its ring is full:\n"
	 "overwrite, discard, block, or block:MS"},
	{OPTION_SCHEMA, "schema", "FILE",
	 "trace-events file of a guest's ring that has no schema"},
	TW_OPTION_EVENTS,
	{OPTION_FOLLOW, "follow", NULL,
	 "go on at the end of a channel's file, which may grow"},
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {
	{"trackway record -o DIR 1234", "a running program, until Ctrl-C"},
	{"trackway record -o DIR -e 'vfs_*' -e -vfs_read --seconds 10 "
	 "sqlite-vfs",
	 "some of its events, for ten seconds"},
	{"trackway record -o DIR -- ./prog --its-option",
	 "a command and its children, from the first instruction"},
	{"trackway record -o DIR --mode block -- ./prog",
	 "lose nothing, even if it has to wait"},
	{"trackway record -o DIR vm:1234",
	 "all firmware in a virtual machine, through its resets"},
	{"trackway record -o DIR vm:1234 sqlite-vfs -- ./prog",
	 "a guest and a program, while a command runs"},
	{"trackway record -o DIR --events FILE channel:/tmp/serial",
	 "what a guest sends to this socket"},
	{NULL, NULL},
};

const struct tw_command tw_command_record = {
	.name = "record",
	.usage = "-o DIR [-e GLOB]... [--history] [--seconds N] "
		 "[--ring-size SIZE] [--mode MODE] [--schema FILE] "
		 "[--events FILE]... [--follow] [TARGET...] [-- "
		 "COMMAND...]",
	.summary = "record events of programs into a directory",
	.details =
		"A running program's events are switched on, recorded from "
		"now, and switched back\n"
		"to what they were. It ends at Ctrl-C, after --seconds, or "
		"when all programs have\n"
		"ended: one that ends earlier doesn't end the others. A "
		"COMMAND is recorded whole,\n"
		"with all the programs that it starts; its exit status is "
		"passed on. With targets\n"
		"and a command, all are recorded until the command has ended. "
		"A program that has\n"
		"crashed is recorded as far as its ring holds it.\n"
		"\n"
		"Of a virtual machine (vm:PID) every ring is recorded, those "
		"that come later too,\n"
		"until it ends. After a reset a guest has a new ring: the next "
		"epoch, recorded by\n"
		"itself.\n"
		"\n"
		"Of a channel (channel:PATH: a socket, fifo, file that a guest "
		"sends frames to) all\n"
		"is recorded that comes, until it is closed; a guest that "
		"listens is told which\n"
		"events are wanted.\n"
		"\n"
		"DIR gets a subdirectory for each program or epoch, in CTF "
		"1.8: trackway print,\n"
		"trackway stat and babeltrace2 read it. The last line says how "
		"many events were\n"
		"recorded and how many were lost; but for what a guest's reset "
		"took away, both\n"
		"numbers are exact.",
	.options = options,
	.examples = examples,
	.run = run,
};
