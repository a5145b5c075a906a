/* SPDX-License-Identifier: MIT */
/*
 * A client: bytes in, bytes out, and a command in between that goes on only
 * while there is room for what it has to say.
 */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A command pauses while so much of its answer waits to be pulled; bytes. */
#define OUTPUT_ENOUGH 32768u

int tw_monitor_client_create(struct tw_monitor *monitor,
			     enum tw_monitor_form form,
			     struct tw_monitor_client **out)
{
	struct tw_monitor_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->monitor = monitor;
	client->view = form == TW_MONITOR_JSON ? &tw_monitor_json
					       : &tw_monitor_text;
	client->input = malloc(TW_MONITOR_INPUT_MAX + 1);
	if (!client->input ||
	    tw_reader_open(&client->reader, monitor, TW_DRAIN_ALL)) {
		tw_monitor_client_destroy(client);
		return -ENOMEM;
	}
	client->view->begin(client);
	*out = client;
	return 0;
}

void tw_monitor_client_destroy(struct tw_monitor_client *client)
{
	if (!client)
		return;
	tw_follow_stop(client);
	tw_reader_close(&client->reader, client->monitor);
	json_decref(client->request);
	free(client->input);
	free(client->output.data);
	free(client);
}

/* ---- Output ---- */

static size_t waiting(const struct tw_monitor_client *client)
{
	return client->output.size - client->pulled;
}

/* Its arguments are the request's, and none of what is told without asking. */
static void forget_command(struct tw_monitor_client *client)
{
	client->command = NULL;
	client->arguments = (struct tw_monitor_arguments){.on = -1};
	json_decref(client->request);
	client->request = NULL;
}

static void end(struct tw_monitor_client *client)
{
	client->view->end(client);
	forget_command(client);
}

/* Go on with the command as far as there is room. */
static void advance(struct tw_monitor_client *client)
{
	while (client->command && !client->output.failed &&
	       waiting(client) < OUTPUT_ENOUGH)
		if (!client->command->step || !client->command->step(client))
			end(client);
	if (client->output.failed)
		client->is_over = true;
}

void tw_client_run(struct tw_monitor_client *client,
		   const struct tw_monitor_command *command)
{
	client->command = command;
	client->event = (struct tw_monitor_event){0};
	client->place = 0;
	client->is_listing = false;
	client->shown = 0;
	tw_monitor_refresh(client->monitor);
	if (command->start(client)) {
		advance(client);
		return;
	}
	forget_command(client);
}

void tw_client_fail(struct tw_monitor_client *client, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		client->view->fail(client, text);
	else
		client->is_over = true;
	free(text);
}

size_t tw_monitor_pull(struct tw_monitor_client *client, void *to, size_t room)
{
	size_t size;

	if (!waiting(client))
		advance(client);
	size = waiting(client) < room ? waiting(client) : room;
	if (size)
		memcpy(to, client->output.data + client->pulled, size);
	client->pulled += size;
	if (!waiting(client)) {
		client->output.size = 0;
		client->pulled = 0;
		advance(client);
	}
	return size;
}

/* Whether something is still to be pulled, and nothing may come in between: of
 * a command that goes on there is always some of its answer waiting. */
static bool is_busy(const struct tw_monitor_client *client)
{
	return client->is_over || waiting(client);
}

int tw_monitor_client_timeout(const struct tw_monitor_client *client)
{
	return is_busy(client) ? -1 : tw_follow_timeout(client);
}

void tw_monitor_client_poll(struct tw_monitor_client *client)
{
	if (is_busy(client))
		return;
	tw_follow_poll(client);
	if (client->output.failed)
		client->is_over = true;
}

bool tw_monitor_has_output(const struct tw_monitor_client *client)
{
	return waiting(client) || (client->command && !client->output.failed);
}

/* ---- Input ---- */

static bool is_ready(struct tw_monitor_client *client)
{
	advance(client);
	return !client->is_over && !client->command &&
	       waiting(client) < OUTPUT_ENOUGH;
}

size_t tw_monitor_feed(struct tw_monitor_client *client, const void *bytes,
		       size_t size)
{
	const char *at = bytes;
	size_t taken = 0;

	while (taken < size && is_ready(client))
		taken += client->view->feed(client, at + taken, size - taken);
	return taken;
}

void tw_monitor_feed_end(struct tw_monitor_client *client)
{
	if (is_ready(client))
		client->view->feed_end(client);
	client->is_over = true;
}

bool tw_monitor_is_over(const struct tw_monitor_client *client)
{
	return client->is_over;
}
