/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static bool wants_input(const struct client *client)
{
	return !client->has_ended && client->in_size < sizeof(client->in);
}

static bool has_answers(const struct client *client)
{
	return client->out_size ||
	       (client->monitor && tw_monitor_has_output(client->monitor));
}

static bool receive(struct client *client)
{
	ssize_t got = recv(client->fd, client->in + client->in_size,
			   sizeof(client->in) - client->in_size, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	client->in_size += (size_t)got;
	client->has_ended = got == 0;
	return true;
}

/* How much it took: a line, or nothing. */
static size_t take_line(struct client *client)
{
	char *end = memchr(client->in, '\n', client->in_size);

	if (!end || client->out_size)
		return 0;
	*end = 0;
	client->out_size = (size_t)snprintf(client->out, sizeof(client->out),
					    "%s\n", store_command(client->in));
	return (size_t)(end + 1 - client->in);
}

static bool take(struct client *client)
{
	const size_t size = client->monitor ? tw_monitor_feed(client->monitor,
							      client->in,
							      client->in_size)
					    : take_line(client);

	client->in_size -= size;
	memmove(client->in, client->in + size, client->in_size);
	return size > 0;
}

static bool answer(struct client *client)
{
	ssize_t sent;

	for (;;) {
		if (client->monitor && !client->out_size)
			client->out_size = tw_monitor_pull(client->monitor,
							   client->out,
							   sizeof(client->out));
		if (!client->out_size)
			return true;
		sent = send(client->fd, client->out, client->out_size,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		client->out_size -= (size_t)sent;
		memmove(client->out, client->out + sent, client->out_size);
	}
}

short client_events(const struct client *client)
{
	return (short)((wants_input(client) ? POLLIN : 0) |
		       (has_answers(client) ? POLLOUT : 0));
}

int client_timeout(const struct client *client)
{
	return client->monitor ? tw_monitor_client_timeout(client->monitor)
			       : -1;
}

bool client_serve(struct client *client)
{
	if (wants_input(client) && !receive(client))
		return false;
	if (client->monitor)
		tw_monitor_client_poll(client->monitor);
	do
		if (!answer(client))
			return false;
	while (take(client));
	if (client->monitor && client->has_ended && !client->in_size) {
		tw_monitor_feed_end(client->monitor);
		if (!answer(client))
			return false;
	}
	return has_answers(client) ||
	       (client->monitor ? !tw_monitor_is_over(client->monitor)
				: wants_input(client));
}
