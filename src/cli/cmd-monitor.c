/* SPDX-License-Identifier: MIT */
/* trackway monitor: seed 1's commands and QEMU's, for people and programs. */
#include "cli.h"

#include "monitor-doors.h"
#include "rings.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	OPTION_QMP = TW_OPTION_ID(1),
	OPTION_LISTEN = TW_OPTION_ID(2),
	OPTION_PROMPT = TW_OPTION_ID(3),
};

struct request {
	struct tw_words targets;
	bool qmp;
	bool prompt;
	const char *path; /* of the socket; NULL: none */
	const char *schema;
};

/* ---- Standard input ---- */

/* All that there is to say for now. False: stop. */
static bool print(struct tw_monitor_door *door)
{
	char buffer[4096];
	size_t size;

	while ((size = tw_monitor_door_pull(door, buffer, sizeof(buffer))))
		if (fwrite(buffer, 1, size, stdout) != size)
			return false;
	return tw_output_flush();
}

static bool feed(struct tw_monitor_door *door, const char *bytes, size_t size)
{
	size_t taken = 0;

	while (taken < size && !tw_monitor_is_over(door->client)) {
		taken += tw_monitor_door_feed(door, bytes + taken,
					      size - taken);
		if (!print(door))
			return false;
	}
	return !tw_monitor_is_over(door->client);
}

/* Wait for input, and have a following client told of events meanwhile. */
static bool await_input(struct tw_monitor_door *door)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	int got;

	do {
		got = poll(&input, 1, tw_monitor_client_timeout(door->client));
		if (got)
			continue;
		tw_monitor_client_poll(door->client);
		if (!print(door))
			return false;
	} while (got == 0 || (got < 0 && errno == EINTR));
	return true;
}

static int serve_input(struct tw_monitor_door *door)
{
	char buffer[4096];
	ssize_t got = 0;
	bool goes_on = print(door);

	while (goes_on && await_input(door)) {
		got = read(STDIN_FILENO, buffer, sizeof(buffer));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		goes_on = feed(door, buffer, (size_t)got);
	}
	if (got < 0)
		return tw_error("standard input", "%s", strerror(errno));
	tw_monitor_feed_end(door->client);
	print(door);
	return TW_EXIT_OK;
}

int tw_monitor_serve_input(const struct tw_monitor_session *session)
{
	struct tw_monitor_door door;
	int status;

	if (tw_monitor_door_open(&door, session))
		return tw_error_memory();
	status = serve_input(&door);
	tw_monitor_door_close(&door);
	return status;
}

/* ---- Doors ---- */

static int serve(const struct request *request,
		 struct tw_monitor_targets *targets)
{
	const bool is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct tw_monitor_session session = {
		.targets = targets,
		.form = request->qmp ? TW_MONITOR_JSON : TW_MONITOR_TEXT,
		.prompt = request->prompt,
	};

	if (request->path)
		return tw_monitor_serve_socket(&session, request->path);
	if (!request->qmp && is_terminal) {
		session.prompt = true;
#ifdef TW_HAVE_LIBEDIT
		return tw_monitor_serve_line(&session);
#endif
	}
	return tw_monitor_serve_input(&session);
}

static int monitor_targets(const struct request *request)
{
	struct tw_monitor_targets *targets;
	int status;

	status = tw_monitor_targets_open(&request->targets, request->schema,
					 &targets);
	if (status)
		return status;
	status = serve(request, targets);
	tw_monitor_targets_close(targets);
	return status;
}

/* ---- Arguments ---- */

static const char socket_prefix[] = "unix:";

static bool take_path(struct tw_args *args, struct request *request)
{
	const size_t size = sizeof(socket_prefix) - 1;

	request->path = args->value + size;
	if (!strncmp(args->value, socket_prefix, size) && *request->path)
		return true;
	args->status = tw_usage_error(args, "--listen takes unix:PATH");
	return false;
}

static bool take_argument(struct tw_args *args, int id, struct request *request)
{
	switch (id) {
	case OPTION_QMP:
		request->qmp = true;
		return true;
	case OPTION_PROMPT:
		request->prompt = true;
		return true;
	case TW_OPTION_SCHEMA_ID:
		request->schema = args->value;
		return true;
	case OPTION_LISTEN:
		return take_path(args, request);
	case TW_ARG_OPERAND:
		tw_words_add(&request->targets, args->value);
		return true;
	default:
		return false;
	}
}

static bool take_arguments(struct tw_args *args, struct request *request)
{
	int id;

	while ((id = tw_args_next(args)) != TW_ARG_END)
		if (!take_argument(args, id, request))
			return false;
	for (int i = 0; i < args->rest_count; i++)
		tw_words_add(&request->targets, args->rest[i]);
	if (!request->targets.count)
		args->status = tw_usage_error(args, "which target?");
	else if (request->qmp && request->prompt)
		args->status = tw_usage_error(
			args, "--prompt is for text, --qmp has none");
	else
		return true;
	return false;
}

static int run(struct tw_args *args)
{
	struct request request = {0};
	int status;

	if (take_arguments(args, &request))
		status = monitor_targets(&request);
	else
		status = args->status;
	tw_words_free(&request.targets);
	return status;
}

static const struct tw_option options[] = {
	{OPTION_QMP, "qmp", NULL, "speak QEMU's JSON protocol"},
	{OPTION_LISTEN, "listen", "ADDRESS",
	 "serve clients at a socket, unix:PATH"},
	{OPTION_PROMPT, "prompt", NULL,
	 "say \"(trackway) \" when a command is awaited"},
	TW_OPTION_SCHEMA,
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {
	{"trackway monitor sqlite-vfs", "a line to type commands: try help"},
	{"echo 'info trace' | trackway monitor 1234", "a script"},
	{"trackway monitor host-program vm:1234",
	 "a program and a guest: tracepoint guest:esp_* on"},
	{"trackway monitor --qmp --listen unix:/run/user/0/tw.sock 1234",
	 "for QEMU's clients"},
	{"trackway monitor --prompt --listen unix:tw.sock 1234",
	 "for people, by socat - UNIX-CONNECT:tw.sock"},
	{NULL, NULL},
};

const struct tw_command tw_command_monitor = {
	.name = "monitor",
	.usage = "[--qmp] [--listen ADDRESS] [--prompt] [--schema "
		 "FILE] TARGET...",
	.summary = "see and switch events by QEMU's monitor commands",
	.details = "Commands come from standard input, a line each, until its "
		   "end or quit; at a terminal with completion and history. "
		   "The commands are those of QEMU's monitor (info "
		   "trace-events, trace-event NAME on|off, trace-file) and of "
		   "the first tracing monitor that was proposed for it (info "
		   "trace, info tracepoints, trace on|off, tracepoint NAME "
		   "on|off). "
		   "Of several targets NAME:EVENT chooses one. A program that "
		   "has ended can be looked at, but not switched.",
	.options = options,
	.examples = examples,
	.run = run,
};
