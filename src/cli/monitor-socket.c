/* SPDX-License-Identifier: MIT */
/*
 * A monitor at a socket: one loop, no client ever waited for. What a client has
 * sent and can't be taken yet stays in the kernel's buffer, so one that never
 * reads its answers stops itself and nobody else.
 */
#include "monitor-doors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 512u
#define CHUNK 4096u    /* bytes that are moved at once */
#define NO_ROOM_MS 100 /* until it is tried again to let somebody in */

struct connection {
	int fd;
	struct tw_monitor_door door;
	char in[CHUNK]; /* read, and not taken yet */
	size_t in_at;
	size_t in_size;
	char out[CHUNK]; /* pulled, and not sent yet */
	size_t out_at;
	size_t out_size;
	bool has_ended; /* sends no more */
	bool is_told;	/* the client knows that */
};

struct server {
	const struct tw_monitor_session *session;
	int fd;
	bool no_room; /* for another descriptor, at the latest try */
	sigset_t unblocked;
	struct connection *clients[CLIENTS_MAX];
	size_t count;
	struct pollfd polls[CLIENTS_MAX + 1];
};

/* ---- A client ---- */

static void drop(struct connection *connection)
{
	tw_monitor_door_close(&connection->door);
	close(connection->fd);
	free(connection);
}

/* False: it is to be dropped; here and below. */
static bool receive(struct connection *connection)
{
	ssize_t got;

	if (connection->in_size || connection->has_ended)
		return true;
	got = recv(connection->fd, connection->in, CHUNK, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	connection->in_at = 0;
	connection->in_size = (size_t)got;
	connection->has_ended = !got;
	return true;
}

static void feed(struct connection *connection)
{
	size_t taken = 0;

	if (connection->in_size)
		taken = tw_monitor_door_feed(&connection->door,
					     connection->in + connection->in_at,
					     connection->in_size);

	connection->in_at += taken;
	connection->in_size -= taken;
	if (connection->has_ended && !connection->in_size &&
	    !connection->is_told) {
		tw_monitor_feed_end(connection->door.client);
		connection->is_told = true;
	}
}

/* As much as its socket takes. */
static bool answer(struct connection *connection)
{
	for (;;) {
		ssize_t sent;

		if (!connection->out_size) {
			connection->out_at = 0;
			connection->out_size = tw_monitor_door_pull(
				&connection->door, connection->out, CHUNK);
		}
		if (!connection->out_size)
			return true;
		sent = send(connection->fd,
			    connection->out + connection->out_at,
			    connection->out_size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		connection->out_at += (size_t)sent;
		connection->out_size -= (size_t)sent;
	}
}

static bool has_answers(const struct connection *connection)
{
	return connection->out_size ||
	       tw_monitor_door_has_output(&connection->door);
}

/* What it may do without waiting; one chunk of input, so that others get their
 * turn. */
static bool serve_client(struct connection *connection)
{
	size_t before;

	if (!receive(connection))
		return false;
	tw_monitor_client_poll(connection->door.client);
	do {
		before = connection->in_size;
		feed(connection);
		if (!answer(connection))
			return false;
	} while (connection->in_size && connection->in_size < before);
	return !tw_monitor_is_over(connection->door.client) ||
	       has_answers(connection);
}

/* ---- The server ---- */

static bool is_welcome(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static void accept_client(struct server *server)
{
	struct connection *connection;
	int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		server->no_room = errno != EAGAIN && errno != ECONNABORTED &&
				  errno != EINTR;
		return;
	}
	connection = server->count < CLIENTS_MAX && is_welcome(fd)
			     ? calloc(1, sizeof(*connection))
			     : NULL;
	if (!connection ||
	    tw_monitor_door_open(&connection->door, server->session)) {
		free(connection);
		close(fd);
		return;
	}
	connection->fd = fd;
	server->clients[server->count++] = connection;
	if (answer(connection))
		return;
	drop(connection);
	server->count--;
}

static void set_polls(struct server *server)
{
	/* A caller that can't be let in would wake us again at once. */
	server->polls[0] = (struct pollfd){
		.fd = server->no_room ? -1 : server->fd, .events = POLLIN};
	for (size_t i = 0; i < server->count; i++) {
		const struct connection *connection = server->clients[i];
		const bool wants = !connection->in_size &&
				   !connection->has_ended;

		server->polls[i + 1] = (struct pollfd){
			.fd = connection->fd,
			.events = (short)((wants ? POLLIN : 0) |
					  (has_answers(connection) ? POLLOUT
								   : 0)),
		};
	}
}

/* ms until a following client is to be looked after; -1: no need. */
static int timeout_of(const struct connection *connection)
{
	return tw_monitor_client_timeout(connection->door.client);
}

/* How long to sleep at most; NULL: until something comes. */
static const struct timespec *pause_of(const struct server *server,
				       struct timespec *pause)
{
	int least = server->no_room ? NO_ROOM_MS : -1;

	for (size_t i = 0; i < server->count; i++) {
		const int timeout = timeout_of(server->clients[i]);

		if (timeout >= 0 && (least < 0 || timeout < least))
			least = timeout;
	}
	if (least < 0)
		return NULL;
	*pause = (struct timespec){least / 1000, least % 1000 * 1000000L};
	return pause;
}

static void serve_ready(struct server *server)
{
	/* Those that came are at the end; those that go are filled by the last
	 * one, which has been served by then. */
	for (size_t i = server->count; i-- > 0;) {
		if (!server->polls[i + 1].revents &&
		    timeout_of(server->clients[i]) != 0)
			continue;
		if (serve_client(server->clients[i]))
			continue;
		drop(server->clients[i]);
		server->clients[i] = server->clients[--server->count];
	}
	if (server->polls[0].revents)
		accept_client(server);
}

/* Signals come while it sleeps and at no other time, so that none is missed
 * between the look and the sleep. */
static void block_signals(struct server *server)
{
	sigset_t blocked;

	tw_interrupt_catch();
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	sigprocmask(SIG_BLOCK, &blocked, &server->unblocked);
}

static int loop(struct server *server)
{
	struct timespec pause;
	int got;

	while (!tw_interrupted()) {
		set_polls(server);
		got = ppoll(server->polls, server->count + 1,
			    pause_of(server, &pause), &server->unblocked);
		server->no_room = false;
		if (got >= 0)
			serve_ready(server);
		else if (errno != EINTR)
			return tw_error(NULL, "poll: %s", strerror(errno));
	}
	return TW_EXIT_OK;
}

/* ---- The socket ---- */

static bool set_address(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return false;
	strcpy(address->sun_path, path);
	return true;
}

/* One that a monitor left behind, which nobody serves. */
static void remove_stale(const struct sockaddr_un *address)
{
	struct stat stat;
	int fd;

	if (lstat(address->sun_path, &stat) || !S_ISSOCK(stat.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(fd);
}

/* Nobody else's, from its first moment on. */
static int bind_socket(int fd, const struct sockaddr_un *address)
{
	const mode_t before = umask(0177);
	int failed = bind(fd, (const struct sockaddr *)address,
			  sizeof(*address));
	const int error = errno;

	umask(before);
	return failed ? error : 0;
}

static int listen_at(const char *path, int *fd)
{
	struct sockaddr_un address;
	int error;

	if (!set_address(path, &address))
		return tw_error(path, "too long for a socket's path");
	remove_stale(&address);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return tw_error(path, "%s", strerror(errno));
	error = bind_socket(*fd, &address);
	if (!error && !listen(*fd, SOMAXCONN))
		return TW_EXIT_OK;
	if (!error) {
		error = errno;
		unlink(path);
	}
	close(*fd);
	return tw_error(path, "%s", strerror(error));
}

/* Each client watches each program by a file of its own. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int tw_monitor_serve_socket(const struct tw_monitor_session *session,
			    const char *path)
{
	struct server *server = calloc(1, sizeof(*server));
	int status;

	if (!server)
		return tw_error_memory();
	server->session = session;
	allow_files();
	block_signals(server);
	status = listen_at(path, &server->fd);
	if (!status) {
		tw_notice("%s: listening", path);
		status = loop(server);
		unlink(path);
		close(server->fd);
	}
	for (size_t i = 0; i < server->count; i++)
		drop(server->clients[i]);
	free(server);
	return status;
}
