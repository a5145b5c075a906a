/* SPDX-License-Identifier: MIT */
/*
 * What the commands do, whichever form they came in. Their messages are those
 * of seed 1's monitor and of QEMU 7.2's; ours are for what neither could meet:
 * a program that has ended, or can't be written to.
 */
#include "client.h"

#include "../ring/glob.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- What several have in common ---- */

static const char not_compiled[] = "Internal tracing not compiled";

/* Whether any target has an event that can be switched. */
static bool has_tracing(struct tw_monitor *monitor)
{
	struct tw_monitor_event event = {0};

	while (tw_monitor_next(monitor, NULL, &event))
		if (event.state != -ENODEV)
			return true;
	return false;
}

/* What seed 1's commands look for first. */
static bool check_compiled(struct tw_monitor_client *client)
{
	if (has_tracing(client->monitor))
		return true;
	tw_client_fail(client, "%s", not_compiled);
	return false;
}

static bool check_on(struct tw_monitor_client *client)
{
	if (!client->monitor->is_off)
		return true;
	tw_client_fail(client,
		       "Tracing disabled. Use \"trace on\" before this");
	return false;
}

/* How many events a pattern names. */
struct found {
	uint64_t events;
	uint64_t available;
	uint64_t to_change;
	uint64_t living;	 /* of to_change: in programs that run */
	const char *unavailable; /* the first one's name */
	size_t dead;		 /* a target that has ended */
};

static struct found find(struct tw_monitor_client *client)
{
	const struct tw_monitor_arguments *arguments = &client->arguments;
	struct tw_monitor *monitor = client->monitor;
	struct tw_monitor_event event = {0};
	struct found found = {0};

	while (tw_monitor_next(monitor, arguments->name, &event)) {
		struct tw_attach *attach =
			monitor->targets[event.target].attach;

		found.events++;
		if (event.state == -ENODEV && !found.unavailable)
			found.unavailable = event.name;
		found.available += event.state != -ENODEV;
		if (event.state == -ENODEV || event.state == arguments->on)
			continue;
		found.to_change++;
		if (tw_attach_is_alive(attach))
			found.living++;
		else
			found.dead = event.target;
	}
	return found;
}

/* Nothing of what is to be switched runs any more. */
static bool check_alive(struct tw_monitor_client *client,
			const struct found *found)
{
	const struct tw_target *target;

	if (!found->to_change || found->living)
		return true;
	target = &client->monitor->targets[found->dead].attach->target;
	/* A firmware has no pid; it may be back after a reset. */
	if (!target->pid)
		tw_client_fail(client,
			       "cannot switch \"%s\": %s has no ring now",
			       client->arguments.name, target->name);
	else
		tw_client_fail(client,
			       "cannot switch \"%s\": %s (%ld) has ended",
			       client->arguments.name, target->name,
			       (long)target->pid);
	return false;
}

/* Switch what is to be switched, in all that lives. */
static bool set_states(struct tw_monitor_client *client)
{
	const struct tw_monitor_arguments *arguments = &client->arguments;
	struct tw_monitor *monitor = client->monitor;
	struct tw_monitor_event event = {0};

	while (tw_monitor_next(monitor, arguments->name, &event)) {
		struct tw_attach *attach =
			monitor->targets[event.target].attach;
		int err;

		if (event.state < 0 || event.state == arguments->on ||
		    !tw_attach_is_alive(attach))
			continue;
		err = tw_attach_set_event_state(attach, event.id,
						arguments->on);
		if (!err)
			continue;
		tw_client_fail(client, "cannot switch \"%s\": %s", event.name,
			       attach->ring.why ? attach->ring.why
						: strerror(-err));
		return false;
	}
	return true;
}

static bool has_wildcard(const char *name)
{
	return tw_glob_has_wildcard(name);
}

/* ---- Seed 1's ---- */

static bool start_info_trace(struct tw_monitor_client *client)
{
	return check_compiled(client) && tw_reader_start(client);
}

static bool step_event(struct tw_monitor_client *client)
{
	if (!tw_monitor_next(client->monitor, client->arguments.name,
			     &client->event))
		return false;
	client->view->event(client, &client->event);
	return true;
}

/* False: of what is to be switched off nothing runs, nor can be back, as a
 * firmware can. */
static bool check_any_alive(struct tw_monitor_client *client)
{
	const struct tw_monitor *monitor = client->monitor;
	const struct tw_target *first = &monitor->targets[0].attach->target;

	for (size_t i = 0; i < monitor->count; i++)
		if (!monitor->targets[i].attach->target.pid ||
		    tw_attach_is_alive(monitor->targets[i].attach))
			return true;
	tw_client_fail(client, "cannot switch tracing off: %s (%ld) has ended",
		       first->name, (long)first->pid);
	return false;
}

static bool start_trace(struct tw_monitor_client *client)
{
	const struct tw_monitor_arguments *arguments = &client->arguments;
	const bool on = arguments->on != 0;

	if (!check_compiled(client))
		return false;
	if (arguments->option && arguments->on < 0) {
		tw_client_fail(client, "Invalid option %s", arguments->option);
		return false;
	}
	if (on == !client->monitor->is_off)
		return true;
	if (!on && !check_any_alive(client))
		return false;
	if (on)
		tw_monitor_release(client->monitor);
	else
		tw_monitor_hold(client->monitor);
	return true;
}

static bool start_tracepoint(struct tw_monitor_client *client)
{
	const struct tw_monitor_arguments *arguments = &client->arguments;
	struct found found;

	if (!check_compiled(client) || !check_on(client))
		return false;
	if (arguments->on < 0) {
		tw_client_fail(client, "Invalid option : %s. Use [on|off]",
			       arguments->option);
		return false;
	}
	found = find(client);
	if (!found.events)
		tw_client_fail(client, "Tracepoint %s does not exist",
			       arguments->name);
	else if (!found.available)
		tw_client_fail(client, "%s", not_compiled);
	else if (!found.to_change)
		tw_client_fail(client, "State of Tracepoint %s is already %s",
			       arguments->name, arguments->option);
	else
		return check_alive(client, &found) && set_states(client);
	return false;
}

/* ---- QEMU's ---- */

static bool start_trace_events(struct tw_monitor_client *client)
{
	const char *name = client->arguments.name;

	if (!name || has_wildcard(name) || find(client).events)
		return true;
	tw_client_fail(client, "unknown event \"%s\"", name);
	return false;
}

static bool start_trace_event(struct tw_monitor_client *client)
{
	const struct tw_monitor_arguments *arguments = &client->arguments;
	struct found found = find(client);

	if (!found.events && !has_wildcard(arguments->name)) {
		tw_client_fail(client, "unknown event \"%s\"", arguments->name);
		return false;
	}
	if (found.unavailable && !arguments->ignore_unavailable) {
		tw_client_fail(client, "event \"%s\" is disabled",
			       found.unavailable);
		return false;
	}
	return check_on(client) && check_alive(client, &found) &&
	       set_states(client);
}

/* As a person's monitor does it: what is compiled out is passed over. */
static bool start_trace_event_text(struct tw_monitor_client *client)
{
	client->arguments.ignore_unavailable = true;
	return start_trace_event(client);
}

/* ---- QEMU's, about the file of a recording ---- */

static bool start_query_trace_file(struct tw_monitor_client *client)
{
	struct tw_trace_file_status status;

	tw_trace_file_status(client->monitor, &status);
	client->view->trace_file(client, &status);
	return true;
}

static bool start_trace_file(struct tw_monitor_client *client)
{
	const struct tw_monitor_arguments *arguments = &client->arguments;
	struct tw_attach_error error = {""};

	if (!tw_trace_file_do(client->monitor, arguments->option,
			      arguments->path, &error))
		return true;
	tw_client_fail(client, "%s", error.text);
	return false;
}

/* As QEMU's does: help follows what can't be understood. */
static bool start_trace_file_text(struct tw_monitor_client *client)
{
	struct tw_monitor_arguments *arguments = &client->arguments;

	if (!arguments->option)
		return start_query_trace_file(client);
	if (start_trace_file(client))
		return true;
	if (!tw_trace_file_is_op(arguments->option)) {
		arguments->name = client->command->text;
		client->view->command(client, client->command);
	}
	return false;
}

/* ---- Following ---- */

static bool start_follow(struct tw_monitor_client *client)
{
	const struct tw_monitor_arguments *arguments = &client->arguments;
	const char *name = arguments->name;

	if (!arguments->on) {
		tw_follow_stop(client);
		return true;
	}
	if (!name || has_wildcard(name) || find(client).events)
		return tw_follow_start(client, name);
	tw_client_fail(client, "unknown event \"%s\"", name);
	return false;
}

/* ---- About the monitor itself ---- */

static bool start_version(struct tw_monitor_client *client)
{
	client->view->version(client);
	return true;
}

static bool start_status(struct tw_monitor_client *client)
{
	client->view->status(client);
	return true;
}

static bool start_quit(struct tw_monitor_client *client)
{
	client->is_over = true;
	return true;
}

/* Text: a command and its subcommands, or all; JSON: all that it has. */
static bool step_help(struct tw_monitor_client *client)
{
	const struct tw_monitor_command *command =
		&tw_monitor_commands[client->place];

	if (!command->text && !command->json)
		return false;
	client->place++;
	client->view->command(client, command);
	return true;
}

static bool start_nothing(struct tw_monitor_client *client)
{
	return true;
}

bool tw_command_is_called(const char *names, const char *word)
{
	size_t size;

	for (; *names; names += size + (names[size] == '|')) {
		size = strcspn(names, "|");
		if (size == strlen(word) && !strncmp(names, word, size))
			return true;
	}
	return false;
}

/* In the order in which help shows them. */
const struct tw_monitor_command tw_monitor_commands[] = {
	{
		.text = "help|?",
		.json = "query-commands",
		.usage = "[cmd]",
		.help = "show the help",
		.parameters = {{TW_SLOT_NAME, NULL, true, false}},
		.result = TW_RESULT_LIST,
		.start = start_nothing,
		.step = step_help,
	},
	{
		.text = "info",
		.usage = "[subcommand]",
		.help = "show various information about the traced programs",
		.start = start_nothing,
		.step = step_help,
	},
	{
		.text = "info trace",
		.json = "x-trackway-read-trace",
		.usage = "[-x]",
		.help = "show contents of trace buffer (-x: as a hex dump)",
		.parameters = {{TW_SLOT_HEX, "hex", true, false},
			       {TW_SLOT_MAX, "max", true, false}},
		.result = TW_RESULT_LIST,
		.start = start_info_trace,
		.step = tw_reader_step,
	},
	{
		.text = "info tracepoints|tracepoint",
		.json = "x-trackway-query-tracepoints",
		.usage = "",
		.help = "show status of all tracepoints",
		.result = TW_RESULT_LIST,
		.start = check_compiled,
		.step = step_event,
	},
	{
		.text = "info trace-events",
		.json = "trace-event-get-state",
		.usage = "[name]",
		.help = "show available trace-events & their state (name: "
			"event name pattern)",
		.parameters = {{TW_SLOT_NAME, "name", true, true}},
		.result = TW_RESULT_LIST,
		.is_qemu = true,
		.start = start_trace_events,
		.step = step_event,
	},
	{
		.text = "trace",
		.json = "x-trackway-set-trace",
		.usage = "[on|off]",
		.help = "enable / disable trace data collection",
		.parameters = {{TW_SLOT_OPTION, "enable", true, true}},
		.start = start_trace,
	},
	{
		.text = "tracepoint",
		.json = "x-trackway-set-tracepoint",
		.usage = "name on|off",
		.help = "activate / deactivate tracepoint",
		.parameters = {{TW_SLOT_NAME, "name", false, true},
			       {TW_SLOT_OPTION, "enable", false, true}},
		.start = start_tracepoint,
	},
	{
		.text = "trace-event",
		.usage = "name on|off",
		.help = "changes status of a specific trace event",
		.parameters = {{TW_SLOT_NAME, "name", false, true},
			       {TW_SLOT_SWITCH, "enable", false, true}},
		.is_qemu = true,
		.start = start_trace_event_text,
	},
	{
		.json = "trace-event-set-state",
		.parameters = {{TW_SLOT_NAME, "name", false, true},
			       {TW_SLOT_SWITCH, "enable", false, true},
			       {TW_SLOT_IGNORE, "ignore-unavailable", true,
				false}},
		.start = start_trace_event,
	},
	{
		.text = "trace-file",
		.usage = "[on|off|flush|set [path]]",
		.help = "open, close, or flush trace file, or set a new file "
			"name",
		.parameters = {{TW_SLOT_FILE, NULL, true, false},
			       {TW_SLOT_PATH, NULL, true, false}},
		.is_qemu = true,
		.start = start_trace_file_text,
	},
	{
		.json = "x-trackway-trace-file",
		.parameters = {{TW_SLOT_FILE, "op", false, true},
			       {TW_SLOT_PATH, "path", true, false}},
		.start = start_trace_file,
	},
	{
		.json = "x-trackway-query-trace-file",
		.result = TW_RESULT_OBJECT,
		.start = start_query_trace_file,
	},
	{
		.json = "qmp_capabilities",
		.start = start_nothing,
		.is_negotiation = true,
	},
	{
		.json = "query-version",
		.result = TW_RESULT_OBJECT,
		.start = start_version,
	},
	{
		.json = "x-trackway-follow",
		.parameters = {{TW_SLOT_SWITCH, "enable", false, true},
			       {TW_SLOT_NAME, "name", true, false}},
		.start = start_follow,
	},
	{
		.json = "x-trackway-query-trace",
		.result = TW_RESULT_OBJECT,
		.start = start_status,
	},
	{
		.text = "quit|q",
		.usage = "",
		.help = "leave the monitor",
		.start = start_quit,
	},
	{.text = NULL},
};
