/* SPDX-License-Identifier: MIT */
/* trackway monitor: seed 1's commands and QEMU's, for people and programs. */
#include "cli.h"

#include "guests.h"
#include "monitor-doors.h"
#include "rings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPTION_QMP = TW_OPTION_ID(1),
	OPTION_LISTEN = TW_OPTION_ID(2),
};

struct request {
	struct tw_words targets;
	bool qmp;
	const char *path; /* of the socket; NULL: none */
};

/* ---- Targets ---- */

struct opened {
	struct tw_rings *rings; /* by word of the command line */
	size_t ring_words;
	struct tw_monitor_target *targets;
	char **names;
	size_t count;
};

static void close_targets(struct opened *opened)
{
	for (size_t i = 0; i < opened->count; i++)
		free(opened->names[i]);
	for (size_t i = 0; i < opened->ring_words; i++)
		tw_rings_close(&opened->rings[i]);
	free(opened->names);
	free(opened->targets);
	free(opened->rings);
}

/* A program that has ended can be looked at, so its ring need not be writable
 * here; a guest's memory has to be opened for writing. */
static int open_rings(const struct tw_words *words, struct opened *opened)
{
	int status = TW_EXIT_OK;

	opened->rings = calloc(words->count, sizeof(*opened->rings));
	if (!opened->rings)
		return tw_error_memory();
	for (size_t i = 0; !status && i < words->count; i++) {
		const char *target = words->list[i];
		const bool writable = (tw_is_guest(target) &&
				       strncmp(target, "image:", 6) != 0) ||
				      tw_is_channel(target);

		status = tw_rings_open(&opened->rings[i], target, writable,
				       NULL, &(struct tw_words){0});
		opened->ring_words = i + 1;
	}
	return status;
}

static size_t count_named(const struct opened *opened, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < opened->count; i++)
		count += !strcmp(opened->targets[i].attach->target.name, name);
	return count;
}

/* Its own name if that tells it from the others, else with its pid; and with
 * its place among them, if that doesn't either, as in guests. */
static char *new_name(const struct opened *opened, size_t index)
{
	const struct tw_target *target = &opened->targets[index].attach->target;
	char *name = NULL;
	int got;

	if (count_named(opened, target->name) == 1)
		return strdup(target->name);
	got = asprintf(&name, "%s.%ld", target->name, (long)target->pid);
	for (size_t i = 0; got >= 0 && i < index; i++)
		if (!strcmp(opened->names[i], name)) {
			free(name);
			got = asprintf(&name, "%s.%ld.%zu", target->name,
				       (long)target->pid, index + 1);
			break;
		}
	return got < 0 ? NULL : name;
}

static int name_targets(struct opened *opened)
{
	size_t count = 0;
	size_t at = 0;

	for (size_t i = 0; i < opened->ring_words; i++)
		count += opened->rings[i].count;
	/* One more, for none. */
	opened->targets = calloc(count + 1, sizeof(*opened->targets));
	opened->names = calloc(count + 1, sizeof(*opened->names));
	if (!opened->targets || !opened->names)
		return tw_error_memory();
	opened->count = count;
	for (size_t i = 0; i < opened->ring_words; i++)
		for (size_t j = 0; j < opened->rings[i].count; j++)
			opened->targets[at++].attach = opened->rings[i].list[j];
	for (size_t i = 0; i < count; i++) {
		opened->names[i] = new_name(opened, i);
		if (!opened->names[i])
			return tw_error_memory();
		opened->targets[i].name = opened->names[i];
	}
	return TW_EXIT_OK;
}

/* ---- Doors ---- */

bool tw_monitor_print(struct tw_monitor_client *client)
{
	char buffer[4096];
	size_t size;

	while ((size = tw_monitor_pull(client, buffer, sizeof(buffer))))
		if (fwrite(buffer, 1, size, stdout) != size)
			return false;
	return tw_output_flush();
}

static bool feed(struct tw_monitor_client *client, const char *bytes,
		 size_t size)
{
	size_t taken = 0;

	while (taken < size && !tw_monitor_is_over(client)) {
		taken += tw_monitor_feed(client, bytes + taken, size - taken);
		if (!tw_monitor_print(client))
			return false;
	}
	return !tw_monitor_is_over(client);
}

static int serve_input(struct tw_monitor_client *client)
{
	char buffer[4096];
	ssize_t got = 0;
	bool goes_on = tw_monitor_print(client);

	while (goes_on) {
		got = read(STDIN_FILENO, buffer, sizeof(buffer));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		goes_on = feed(client, buffer, (size_t)got);
	}
	if (got < 0)
		return tw_error("standard input", "%s", strerror(errno));
	tw_monitor_feed_end(client);
	tw_monitor_print(client);
	return TW_EXIT_OK;
}

int tw_monitor_serve_input(struct tw_monitor *monitor,
			   enum tw_monitor_form form)
{
	struct tw_monitor_client *client;
	int status;

	if (tw_monitor_client_create(monitor, form, &client))
		return tw_error_memory();
	status = serve_input(client);
	tw_monitor_client_destroy(client);
	return status;
}

static int serve(const struct request *request, struct tw_monitor *monitor)
{
	const enum tw_monitor_form form = request->qmp ? TW_MONITOR_JSON
						       : TW_MONITOR_TEXT;

	if (request->path)
		return tw_monitor_serve_socket(monitor, form, request->path);
#ifdef TW_HAVE_LIBEDIT
	if (!request->qmp && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return tw_monitor_serve_line(monitor);
#endif
	return tw_monitor_serve_input(monitor, form);
}

static int monitor_targets(const struct request *request)
{
	struct opened opened = {0};
	struct tw_monitor *monitor;
	int status = open_rings(&request->targets, &opened);

	if (!status)
		status = name_targets(&opened);
	if (!status) {
		if (tw_monitor_create(opened.targets, opened.count, &monitor)) {
			status = tw_error_memory();
		} else {
			status = serve(request, monitor);
			tw_monitor_destroy(monitor);
		}
	}
	close_targets(&opened);
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

static bool take_arguments(struct tw_args *args, struct request *request)
{
	int id;

	while ((id = tw_args_next(args)) != TW_ARG_END) {
		if (id == TW_ARG_STOP)
			return false;
		if (id == OPTION_QMP)
			request->qmp = true;
		else if (id == TW_ARG_OPERAND)
			tw_words_add(&request->targets, args->value);
		else if (!take_path(args, request))
			return false;
	}
	for (int i = 0; i < args->rest_count; i++)
		tw_words_add(&request->targets, args->rest[i]);
	if (request->targets.count)
		return true;
	args->status = tw_usage_error(args, "which target?");
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
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {
	{"trackway monitor sqlite-vfs", "a line to type commands: try help"},
	{"echo 'info trace' | trackway monitor 1234", "a script"},
	{"trackway monitor host-program vm:1234",
	 "a program and a guest: tracepoint guest:esp_* on"},
	{"trackway monitor --qmp --listen unix:/run/user/0/tw.sock 1234",
	 "for QEMU's clients"},
	{NULL, NULL},
};

const struct tw_command tw_command_monitor = {
	.name = "monitor",
	.usage = "[--qmp] [--listen ADDRESS] TARGET...",
	.summary = "see and switch events by QEMU's monitor commands",
	.details = "Commands come from standard input, a line each, until its "
		   "end or quit; at a terminal with completion and history. "
		   "The commands are those of QEMU's monitor (info "
		   "trace-events, trace-event NAME on|off) and of the first "
		   "tracing monitor that was proposed for it (info trace, info "
		   "tracepoints, trace on|off, tracepoint NAME on|off). "
		   "Of several targets NAME:EVENT chooses one. A program that "
		   "has ended can be looked at, but not switched.",
	.options = options,
	.examples = examples,
	.run = run,
};
