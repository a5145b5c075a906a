/* SPDX-License-Identifier: MIT */
/* Starting traced programs, and their directories. */
/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "traced.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void traced_dir_create(struct traced_dir *dir)
{
	strcpy(dir->path, "/dev/shm/trackway-test-XXXXXX");
	if (mkdtemp(dir->path))
		return;
	strcpy(dir->path, "/tmp/trackway-test-XXXXXX");
	if (!mkdtemp(dir->path))
		fail_msg("no directory: %s", strerror(errno));
}

struct traced_dir traced_dir_in(const struct traced_dir *dir, const char *name)
{
	struct traced_dir in = *dir;
	size_t size = strlen(in.path);

	assert_true(size + 1 + strlen(name) < sizeof(in.path));
	in.path[size] = '/';
	strcpy(in.path + size + 1, name);
	return in;
}

static bool is_ring(const char *name)
{
	size_t size = strlen(name);

	return size > 5 && !strcmp(name + size - 5, ".ring");
}

void traced_dir_remove(const struct traced_dir *dir)
{
	DIR *stream = opendir(dir->path);
	const struct dirent *entry;

	assert_non_null(stream);
	while ((entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    unlinkat(dirfd(stream), entry->d_name, 0))
			unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR);
	closedir(stream);
	if (rmdir(dir->path))
		fail_msg("%s: %s", dir->path, strerror(errno));
}

unsigned traced_dir_count(const struct traced_dir *dir)
{
	DIR *stream = opendir(dir->path);
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream)))
		count += is_ring(entry->d_name);
	closedir(stream);
	return count;
}

/* The first ring file whose name ends so. */
static const char *find_ring(const struct traced_dir *dir, const char *end)
{
	static char path[PATH_MAX];
	DIR *stream = opendir(dir->path);
	const struct dirent *entry;
	bool found = false;

	assert_non_null(stream);
	while (!found && (entry = readdir(stream))) {
		const char *at = strstr(entry->d_name, end);

		found = at && !strcmp(at, end);
		if (found)
			snprintf(path, sizeof(path), "%s/%s", dir->path,
				 entry->d_name);
	}
	closedir(stream);
	return found ? path : NULL;
}

static const char *find_ring_of(const struct traced_dir *dir, pid_t pid)
{
	char end[32];

	snprintf(end, sizeof(end), ".%d.ring", (int)pid);
	return find_ring(dir, end);
}

const char *traced_dir_only_ring(const struct traced_dir *dir)
{
	assert_int_equal(traced_dir_count(dir), 1);
	return find_ring(dir, ".ring");
}

const char *traced_dir_ring(const struct traced_dir *dir, pid_t pid)
{
	const char *path = find_ring_of(dir, pid);

	if (!path)
		fail_msg("no ring of process %d", (int)pid);
	return path;
}

bool traced_dir_has_ring(const struct traced_dir *dir, pid_t pid)
{
	return find_ring_of(dir, pid) != NULL;
}

const char *traced_program(const char *name)
{
	static char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *end;

	assert_true(size > 0);
	path[size] = 0;
	end = strrchr(path, '/') + 1;
	assert_true(strlen(name) < (size_t)(path + sizeof(path) - end));
	strcpy(end, name);
	return path;
}

static bool is_ours(const char *variable)
{
	return !strncmp(variable, "TRACKWAY", 8) ||
	       !strncmp(variable, "XDG_RUNTIME_DIR=", 16);
}

/* In the child of a test that may have threads: only what execve() needs. */
static char **make_environment(const struct traced_dir *dir,
			       const struct traced_command *command)
{
	static char directory[sizeof(struct traced_dir) + 16];
	size_t count = 0, i;
	char **made;

	for (i = 0; environ[i]; i++)
		;
	made = calloc(i + 16, sizeof(*made));
	assert_non_null(made);
	for (i = 0; environ[i]; i++)
		if (!is_ours(environ[i]))
			made[count++] = environ[i];
	if (dir) {
		snprintf(directory, sizeof(directory), "TRACKWAY_DIR=%s",
			 dir->path);
		made[count++] = directory;
	}
	for (i = 0; command->environment[i]; i++)
		made[count++] = (char *)(uintptr_t)command->environment[i];
	return made;
}

_Noreturn static void become(const char *program,
			     const struct traced_command *command,
			     char **environment, int input, int output)
{
	const char *arguments[12];

	memcpy(arguments, command->arguments, sizeof(arguments));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	if (command->name)
		arguments[0] = command->name;
	if (!command->prepare || command->prepare(command->context))
		execve(program, (char **)(uintptr_t)arguments, environment);
	_exit(127);
}

void traced_start(struct traced *traced, const struct traced_dir *dir,
		  const struct traced_command *command)
{
	const char *program = command->arguments[0][0] == '/'
				      ? command->arguments[0]
				      : traced_program(command->arguments[0]);
	char **environment = make_environment(dir, command);
	int input[2], output[2];

	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	traced->pid = fork();
	if (!traced->pid)
		become(program, command, environment, input[0], output[1]);
	assert_true(traced->pid > 0);
	close(input[0]);
	close(output[1]);
	traced->to = input[1];
	traced->from = fdopen(output[0], "r");
	assert_non_null(traced->from);
	/* So that poll() knows of all that was not read. */
	setvbuf(traced->from, NULL, _IONBF, 0);
	free(environment);
}

const char *traced_line(struct traced *traced)
{
	char *end;

	if (!fgets(traced->line, sizeof(traced->line), traced->from))
		return NULL;
	end = strchr(traced->line, '\n');
	if (end)
		*end = 0;
	return traced->line;
}

bool traced_has_line(struct traced *traced)
{
	struct pollfd output = {fileno(traced->from), POLLIN, 0};

	return poll(&output, 1, 0) > 0;
}

void traced_expect(struct traced *traced, const char *line)
{
	const char *said = traced_line(traced);

	if (!said)
		fail_msg("it ended instead of saying \"%s\"", line);
	assert_string_equal(said, line);
}

uint64_t traced_number(struct traced *traced, const char *word)
{
	const char *said = traced_line(traced);
	size_t size = strlen(word);

	if (!said)
		fail_msg("it ended instead of saying \"%s\"", word);
	if (strncmp(said, word, size) != 0 || said[size] != ' ')
		fail_msg("it says \"%s\", not \"%s ...\"", said, word);
	return strtoull(said + size + 1, NULL, 10);
}

void traced_go(struct traced *traced)
{
	assert_int_equal(write(traced->to, "\n", 1), 1);
}

static int reap(struct traced *traced)
{
	int status;

	while (waitpid(traced->pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	fclose(traced->from);
	if (WIFSIGNALED(status))
		return -WTERMSIG(status);
	return WEXITSTATUS(status);
}

int traced_end(struct traced *traced)
{
	/* At the end of its input no step waits. */
	close(traced->to);
	while (traced_line(traced))
		;
	return reap(traced);
}

void traced_kill(struct traced *traced)
{
	kill(traced->pid, SIGKILL);
	close(traced->to);
	reap(traced);
}
