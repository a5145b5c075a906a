/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "trace.h"

#define CLIENTS_MAX 64
#define DOORS_MAX 8

static struct door {
	int fd;
	struct sockaddr_un at;
	struct tw_monitor *monitor;
	enum tw_monitor_form form;
} doors[DOORS_MAX];
static struct client clients[CLIENTS_MAX];
static size_t door_count, client_count;
/* Whoever waits at a door has to wait, and must not wake it at once again. */
static bool is_out_of_files;

/* Nobody listens at it: who made it has ended without removing it. */
static bool is_stale(const struct sockaddr_un *at)
{
	struct stat found;
	bool is_refused;
	int fd;

	if (lstat(at->sun_path, &found) || !S_ISSOCK(found.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	is_refused = connect(fd, (const struct sockaddr *)at, sizeof(*at)) &&
		     errno == ECONNREFUSED;
	close(fd);
	return is_refused;
}

static bool bind_door(const struct door *door)
{
	const struct sockaddr *at = (const struct sockaddr *)&door->at;

	if (!bind(door->fd, at, sizeof(door->at)))
		return true;
	if (errno != EADDRINUSE)
		return false;
	if (is_stale(&door->at))
		return !unlink(door->at.sun_path) &&
		       !bind(door->fd, at, sizeof(door->at));
	errno = EADDRINUSE;
	return false;
}

/* Its file is nobody else's, from its first moment on. */
static bool open_door(struct door *door)
{
	const mode_t mask = umask(0177);
	bool is_open;

	door->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	is_open = bind_door(door) && !listen(door->fd, SOMAXCONN);
	umask(mask);
	return is_open;
}

static bool set_address(struct sockaddr_un *at, const char *path)
{
	/* No path at all would be an address without a file, open to all. */
	errno = *path ? ENAMETOOLONG : ENOENT;
	if (!*path || strlen(path) >= sizeof(at->sun_path))
		return false;
	at->sun_family = AF_UNIX;
	strcpy(at->sun_path, path);
	return true;
}

bool server_listen(const char *path, struct tw_monitor *monitor,
		   enum tw_monitor_form form)
{
	struct door *door = &doors[door_count];

	errno = EMFILE;
	if (door_count == DOORS_MAX || !set_address(&door->at, path))
		return false;
	door->monitor = monitor;
	door->form = form;
	if (!open_door(door))
		return false;
	door_count++;
	return true;
}

static void let_in(const struct door *door)
{
	struct client *client = &clients[client_count];

	*client = (struct client){
		.fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC)};
	if (client->fd < 0) {
		is_out_of_files = errno == EMFILE || errno == ENFILE;
		return;
	}
	if (door->monitor && tw_monitor_client_create(door->monitor, door->form,
						      &client->monitor)) {
		close(client->fd);
		return;
	}
	trace_client_came(client->fd, door->at.sun_path);
	client_count++;
}

static void drop(struct client *client)
{
	trace_client_went(client->fd);
	tw_monitor_client_destroy(client->monitor);
	close(client->fd);
	*client = clients[--client_count];
}

/* Returns the milliseconds to wait at most, or -1. */
static int watch(struct pollfd *polls)
{
	const bool has_room = client_count < CLIENTS_MAX && !is_out_of_files;
	int timeout = is_out_of_files ? 100 : -1, next;
	size_t i;

	is_out_of_files = false;
	for (i = 0; i < door_count; i++)
		*polls++ = (struct pollfd){.fd = has_room ? doors[i].fd : -1,
					   .events = POLLIN};
	for (i = 0; i < client_count; i++) {
		*polls++ = (struct pollfd){
			.fd = clients[i].fd,
			.events = client_events(&clients[i])};
		next = client_timeout(&clients[i]);
		if (next >= 0 && (timeout < 0 || next < timeout))
			timeout = next;
	}
	return timeout;
}

/* From the last client on, since one that goes gives its place to the last. */
static void serve(const struct pollfd *polls)
{
	size_t i;

	for (i = client_count; i-- > 0;)
		if ((polls[door_count + i].revents ||
		     client_timeout(&clients[i]) == 0) &&
		    !client_serve(&clients[i]))
			drop(&clients[i]);
	for (i = 0; i < door_count; i++)
		if (polls[i].revents && client_count < CLIENTS_MAX)
			let_in(&doors[i]);
}

void server_run(int stop)
{
	struct pollfd polls[1 + DOORS_MAX + CLIENTS_MAX];
	int timeout;

	do {
		polls[0] = (struct pollfd){.fd = stop, .events = POLLIN};
		timeout = watch(polls + 1);
		if (poll(polls, 1 + door_count + client_count, timeout) >= 0)
			serve(polls + 1);
	} while (!polls[0].revents);
}

void server_close(void)
{
	while (client_count)
		drop(clients);
	while (door_count--) {
		unlink(doors[door_count].at.sun_path);
		close(doors[door_count].fd);
	}
}
