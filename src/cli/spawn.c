/* SPDX-License-Identifier: MIT */
/*
 * Starting the command of `trackway record -- COMMAND`. Its directory is beside
 * the rings of other programs: in memory, and nobody else's to read.
 *
 * Called by record-session.c.
 */
#include "spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING_SUFFIX ".ring"
#define EXIT_NOT_RUNNABLE 126
#define EXIT_NOT_FOUND 127

/* ---- The directory ---- */

/* Where a program started now would put its ring. */
static int base_path(char *path, size_t size, bool *is_default)
{
	const char *directory = getenv("TRACKWAY_DIR");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int length;

	*is_default = !directory || directory[0] != '/';
	if (!*is_default)
		length = snprintf(path, size, "%s", directory);
	else if (runtime && runtime[0] == '/')
		length = snprintf(path, size, "%s/trackway", runtime);
	else
		length = snprintf(path, size, "/dev/shm/trackway-%u",
				  (unsigned)geteuid());
	/* Room for "/record-XXXXXX", and then for a ring's file name. */
	return (size_t)length + 512 > size ? -ENAMETOOLONG : 0;
}

static int make_base(char *path, size_t size)
{
	struct stat status;
	bool is_default;
	int error = base_path(path, size, &is_default);

	if (error)
		return error;
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	if (lstat(path, &status))
		return -errno;
	/* In a directory that all may write to, somebody else may have been
	 * first. */
	if (is_default &&
	    (!S_ISDIR(status.st_mode) || status.st_uid != geteuid()))
		return -EPERM;
	return 0;
}

static int make_directory(struct tw_spawn *spawn)
{
	int error = make_base(spawn->directory, sizeof(spawn->directory));

	if (error)
		return tw_error(spawn->directory,
				"cannot be used for the command's rings: %s",
				strerror(-error));
	strcat(spawn->directory, "/record-XXXXXX");
	if (!mkdtemp(spawn->directory)) {
		error = errno;
		tw_error(spawn->directory, "%s", strerror(error));
		spawn->directory[0] = '\0';
		return TW_EXIT_FAILED;
	}
	/* Without it the directory is looked at often: only slower. */
	spawn->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (spawn->watch_fd >= 0)
		inotify_add_watch(spawn->watch_fd, spawn->directory,
				  IN_CREATE | IN_MOVED_TO);
	return TW_EXIT_OK;
}

static bool is_ring_name(const char *name)
{
	const size_t size = strlen(name);
	const size_t suffix = strlen(RING_SUFFIX);

	return name[0] != '.' && size > suffix &&
	       strcmp(name + size - suffix, RING_SUFFIX) == 0;
}

int tw_spawn_each_ring(const struct tw_spawn *spawn,
		       int (*fn)(void *context, const char *path),
		       void *context)
{
	DIR *stream = opendir(spawn->directory);
	const struct dirent *entry;
	char path[sizeof(spawn->directory) + NAME_MAX + 2];
	int result = 0;

	if (!stream)
		return 0;
	while (!result && (entry = readdir(stream))) {
		if (!is_ring_name(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", spawn->directory,
			 entry->d_name);
		result = fn(context, path);
	}
	closedir(stream);
	return result;
}

void tw_spawn_remove(struct tw_spawn *spawn)
{
	DIR *stream;
	const struct dirent *entry;

	if (!spawn->directory[0])
		return;
	stream = opendir(spawn->directory);
	while (stream && (entry = readdir(stream)))
		unlinkat(dirfd(stream), entry->d_name, 0);
	if (stream)
		closedir(stream);
	if (rmdir(spawn->directory))
		tw_notice("%s: is left behind: %s", spawn->directory,
			  strerror(errno));
	spawn->directory[0] = '\0';
	if (spawn->watch_fd >= 0)
		close(spawn->watch_fd);
	spawn->watch_fd = -1;
}

/* ---- The command ---- */

/* "a*,-ab": what the patterns choose, for a program whose events are off. */
static char *make_events(const struct tw_words *patterns)
{
	struct tw_text text = {0};

	if (!patterns->count || patterns->list[0][0] == '-')
		tw_text_add_string(&text, "*");
	for (size_t i = 0; i < patterns->count; i++) {
		if (text.size)
			tw_text_add_string(&text, ",");
		tw_text_add_string(&text, patterns->list[i]);
	}
	tw_text_add(&text, "", 1);
	if (text.failed) {
		free(text.data);
		return NULL;
	}
	return text.data;
}

static int set_environment(const struct tw_spawn *spawn,
			   const struct tw_spawn_options *options)
{
	const char *trackway = getenv("TRACKWAY");
	char *events = make_events(options->patterns);
	char size[32];
	int failed;

	if (!events)
		return -ENOMEM;
	failed = setenv("TRACKWAY_DIR", spawn->directory, 1) ||
		 setenv("TRACKWAY_KEEP", "1", 1) ||
		 setenv("TRACKWAY_EVENTS", events, 1);
	free(events);
	if (trackway && strcmp(trackway, "off") == 0)
		failed |= unsetenv("TRACKWAY");
	/* It would lead the rings away from the directory. */
	failed |= unsetenv("TRACKWAY_RING");
	snprintf(size, sizeof(size), "%" PRIu64, options->ring_size);
	if (options->ring_size)
		failed |= setenv("TRACKWAY_RING_SIZE", size, 1);
	if (options->mode)
		failed |= setenv("TRACKWAY_MODE", options->mode, 1);
	return failed ? -ENOMEM : 0;
}

/* In the child: never returns. error_fd closes itself when all went well. */
static void run_command(const struct tw_spawn *spawn, char **argv,
			const struct tw_spawn_options *options, int error_fd)
{
	int error = set_environment(spawn, options);

	if (!error) {
		execvp(argv[0], argv);
		error = -errno;
	}
	if (write(error_fd, &error, sizeof(error)) != sizeof(error))
		_exit(EXIT_NOT_RUNNABLE);
	_exit(EXIT_NOT_FOUND);
}

/* 0, or why the command did not start. */
static int read_error(int fd)
{
	ssize_t got;
	int error = 0;

	do
		got = read(fd, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	return got == sizeof(error) ? error : 0;
}

static int start(struct tw_spawn *spawn, char **argv,
		 const struct tw_spawn_options *options)
{
	int pipe_fds[2];
	int error;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	spawn->pid = fork();
	if (spawn->pid == 0)
		run_command(spawn, argv, options, pipe_fds[1]);
	error = spawn->pid < 0 ? -errno : 0;
	close(pipe_fds[1]);
	if (!error)
		error = read_error(pipe_fds[0]);
	close(pipe_fds[0]);
	if (error && spawn->pid > 0)
		waitpid(spawn->pid, NULL, 0);
	return error;
}

int tw_spawn_start(struct tw_spawn *spawn, char **argv,
		   const struct tw_spawn_options *options)
{
	int error;

	*spawn = (struct tw_spawn){.watch_fd = -1};
	if (make_directory(spawn))
		return TW_EXIT_FAILED;
	error = start(spawn, argv, options);
	if (!error)
		return TW_EXIT_OK;
	spawn->pid = 0;
	tw_spawn_remove(spawn);
	tw_error(argv[0], "cannot be run: %s", strerror(-error));
	return error == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE;
}

bool tw_spawn_is_running(struct tw_spawn *spawn)
{
	if (spawn->pid &&
	    waitpid(spawn->pid, &spawn->wait_status, WNOHANG) == spawn->pid)
		spawn->pid = 0;
	return spawn->pid;
}

void tw_spawn_signal(const struct tw_spawn *spawn, int number)
{
	if (spawn->pid)
		kill(spawn->pid, number);
}

void tw_spawn_wait(struct tw_spawn *spawn, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = spawn->watch_fd, .events = POLLIN};
	char events[4096];

	if (poll(&poll_fd, 1, timeout_ms) <= 0)
		return;
	while (read(spawn->watch_fd, events, sizeof(events)) > 0)
		continue;
}

int tw_spawn_status(const struct tw_spawn *spawn)
{
	return WIFSIGNALED(spawn->wait_status)
		       ? 128 + WTERMSIG(spawn->wait_status)
		       : WEXITSTATUS(spawn->wait_status);
}
