/* SPDX-License-Identifier: MIT */
/*
 * Processes as /proc shows them, and the directories that their rings lie in.
 *
 * A pid says little: it may belong to a later process, to a zombie, or to one
 * that has called exec and left its ring behind. So a producer counts as alive
 * when its start time is the one in its ring and it still has the file mapped;
 * a pidfd then tells, without a race, when it ends.
 */
#include "source.h"

#include "../ring/atomic.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define RING_SUFFIX ".ring"
#define PATHS_MAX 100000

/* How often an exec is looked for: reading a big process's maps takes ms. */
#define LOOK_INTERVAL_NS 1000000000ull

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- /proc/PID ---- */

static int read_stat(pid_t pid, char *text, size_t room)
{
	char path[32];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, text, room - 1);
	close(fd);
	if (got <= 0)
		return -ESRCH; /* it ended between the two calls */
	text[got] = '\0';
	return 0;
}

int tw_process_check_owner(pid_t pid, const char *spec,
			   struct tw_attach_error *error)
{
	const struct passwd *owner;
	struct stat status;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &status))
		return tw_attach_fail(error, -ESRCH, "%s: no such process",
				      spec);
	if (status.st_uid == geteuid() || geteuid() == 0)
		return 0;
	owner = getpwuid(status.st_uid);
	return tw_attach_fail(error, -EACCES,
			      "%s: not yours: the process belongs to %s", spec,
			      owner ? owner->pw_name : "another");
}

int tw_process_start_time(pid_t pid, uint64_t *start)
{
	char text[1024], state;
	uint64_t threads;
	const char *at;
	int err = read_stat(pid, text, sizeof(text));

	if (err)
		return err == -ENOENT || err == -ESRCH ? -ENOENT : err;
	/* The command's name may hold anything, brackets and blanks included;
	 * after its last bracket come fields 3 (state), 20 (threads), 22. */
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1,
			  " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			  "%*s %*s %*s %*s %*s %" SCNu64 " %*s %" SCNu64,
			  &state, &threads, start) != 3)
		return -EBADMSG;
	/* A first thread that has ended looks like a zombie while others run.
	 */
	if ((state == 'Z' || state == 'X') && threads <= 1)
		return -ENOENT;
	return 0;
}

size_t tw_processes_list(pid_t **list)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	size_t count = 0, room = 0;

	*list = NULL;
	while (proc && (entry = readdir(proc))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || pid > INT_MAX)
			continue;
		if (count == room) {
			size_t more = room ? room * 2 : 256;
			pid_t *longer = realloc(*list, more * sizeof(**list));

			if (!longer)
				break;
			*list = longer;
			room = more;
		}
		(*list)[count++] = (pid_t)pid;
	}
	if (proc)
		closedir(proc);
	return count;
}

/* A line of /proc/PID/maps; path points into the line, "" if there is none. */
struct mapping {
	dev_t device;
	ino_t inode;
	char *path;
	bool deleted;
};

static bool parse_mapping(char *line, struct mapping *mapping)
{
	static const char deleted[] = " (deleted)";
	unsigned int major, minor;
	unsigned long long inode;
	size_t length;
	int at = 0;

	if (sscanf(line, "%*s %*s %*s %x:%x %llu %n", &major, &minor, &inode,
		   &at) != 3 ||
	    at == 0)
		return false;
	mapping->device = makedev(major, minor);
	mapping->inode = (ino_t)inode;
	mapping->path = line + at;
	length = strcspn(mapping->path, "\n");
	mapping->path[length] = '\0';
	mapping->deleted = length >= strlen(deleted) &&
			   !strcmp(mapping->path + length - strlen(deleted),
				   deleted);
	if (mapping->deleted)
		mapping->path[length - strlen(deleted)] = '\0';
	return true;
}

static FILE *open_maps(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	return fopen(path, "re");
}

int tw_process_maps(pid_t pid, const char *path, dev_t device, ino_t inode)
{
	struct mapping mapping;
	char *line = NULL;
	size_t room = 0;
	int found = 0;
	FILE *maps = open_maps(pid);

	if (!maps)
		return -errno;
	/* Some file systems show another device there than stat() does: the
	 * path will do instead. */
	while (!found && getline(&line, &room, maps) > 0)
		found = parse_mapping(line, &mapping) &&
			mapping.inode == inode &&
			(mapping.device == device ||
			 !strcmp(mapping.path, path));
	if (!found && ferror(maps))
		found = -EIO;
	free(line);
	fclose(maps);
	return found;
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t length = strlen(text), end = strlen(suffix);

	return length > end && !strcmp(text + length - end, suffix);
}

int tw_process_ring_path(pid_t pid, char **path)
{
	struct mapping mapping;
	char *line = NULL;
	size_t room = 0;
	FILE *maps = open_maps(pid);

	*path = NULL;
	if (!maps)
		return -errno;
	while (!*path && getline(&line, &room, maps) > 0)
		if (parse_mapping(line, &mapping) && !mapping.deleted &&
		    has_suffix(mapping.path, RING_SUFFIX))
			*path = strdup(mapping.path);
	free(line);
	fclose(maps);
	return *path ? 0 : -ENOENT;
}

/* ---- Watching ---- */

int tw_process_watch(struct tw_process *process, pid_t pid, uint64_t start,
		     const char *path, const struct tw_ring_file *file)
{
	uint64_t found;
	int err, maps;

	if (pid <= 0)
		return -ESRCH;
	/* The pidfd first: what is checked after it is checked of that very
	 * process. Without one (an old kernel) the start time has to do. */
	process->fd = (int)syscall(SYS_pidfd_open, pid, 0);
	err = tw_process_start_time(pid, &found);
	if (err || (start && start != found))
		goto not_it;
	maps = tw_process_maps(pid, path, file->device, file->inode);
	if (maps == 0 || (maps < 0 && !start))
		goto not_it;
	process->path = strdup(path);
	if (!process->path) {
		err = -ENOMEM;
		goto not_it;
	}
	process->pid = pid;
	process->start = found;
	process->device = file->device;
	process->inode = file->inode;
	process->looked_ns = now_ns();
	process->gone = false;
	return 0;

not_it:
	if (process->fd >= 0)
		close(process->fd);
	process->fd = -1;
	return err == -ENOMEM ? err : -ESRCH;
}

void tw_process_unwatch(struct tw_process *process)
{
	if (process->fd >= 0)
		close(process->fd);
	free(process->path);
	process->fd = -1;
	process->path = NULL;
	process->gone = true;
}

static bool has_ended(const struct tw_process *process)
{
	struct pollfd poll_fd = {.fd = process->fd, .events = POLLIN};
	uint64_t start;
	int err;

	if (process->fd >= 0)
		return poll(&poll_fd, 1, 0) == 1;
	err = tw_process_start_time(process->pid, &start);
	return err == -ENOENT || (!err && start != process->start);
}

bool tw_process_is_alive(struct tw_process *process)
{
	uint64_t now;

	if (process->gone)
		return false;
	process->gone = has_ended(process);
	now = now_ns();
	if (process->gone || now - process->looked_ns < LOOK_INTERVAL_NS)
		return !process->gone;
	process->looked_ns = now;
	/* Not mapped any more: it has called exec. */
	process->gone = tw_process_maps(process->pid, process->path,
					process->device, process->inode) == 0;
	return !process->gone;
}

int tw_process_wait_head(const uint32_t *head, uint32_t raw, uint32_t *waiters,
			 int slice_ms)
{
	struct timespec slice = {
		.tv_sec = slice_ms / 1000,
		.tv_nsec = slice_ms % 1000 * 1000000L,
	};

	if (waiters) {
		/* (F), the reader's half: the store, then the kernel's load of
		 * head; its other half is tw_ring_take_waiters(). */
		tw_store_relaxed(waiters, raw ? raw : 1);
		tw_fence_seq_cst();
	}
	if (syscall(SYS_futex, head, FUTEX_WAIT, raw, &slice, NULL, 0) &&
	    errno == EINTR)
		return -EINTR;
	return 0;
}

/* ---- Directories ---- */

struct paths {
	char **list;
	size_t count;
	size_t room;
};

static int add_path(struct paths *paths, const char *directory,
		    const char *name)
{
	char *path;

	if (paths->count == paths->room) {
		size_t room = paths->room ? paths->room * 2 : 16;
		char **list = realloc(paths->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		paths->list = list;
		paths->room = room;
	}
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return -ENOMEM;
	paths->list[paths->count++] = path;
	return 0;
}

/*
 * A directory that somebody else has made where ours would be (/dev/shm is
 * everybody's) is passed over; one that the user names is the user's business.
 */
static DIR *open_directory(const char *directory, bool any_owner)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd = open(directory, any_owner ? flags : flags | O_NOFOLLOW);
	struct stat status;
	DIR *stream = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status)) {
		close(fd);
		return NULL;
	}
	if (any_owner || status.st_uid == geteuid())
		stream = fdopendir(fd);
	else
		errno = EACCES;
	if (!stream)
		close(fd);
	return stream;
}

static int add_directory(struct paths *paths, const char *directory,
			 bool any_owner)
{
	DIR *stream = open_directory(directory, any_owner);
	const struct dirent *entry;
	int err = 0;

	if (!stream)
		return -errno;
	while (!err && paths->count < PATHS_MAX && (entry = readdir(stream)))
		if (entry->d_name[0] != '.' &&
		    has_suffix(entry->d_name, RING_SUFFIX))
			err = add_path(paths, directory, entry->d_name);
	closedir(stream);
	return err;
}

static int add_default_directories(struct paths *paths)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	unsigned int uid = (unsigned int)geteuid();
	char directory[4096];
	int err;

	if (runtime && runtime[0] == '/')
		snprintf(directory, sizeof(directory), "%s/trackway", runtime);
	else
		snprintf(directory, sizeof(directory), "/run/user/%u/trackway",
			 uid);
	err = add_directory(paths, directory, false);
	if (err == -ENOMEM)
		return err;
	snprintf(directory, sizeof(directory), "/dev/shm/trackway-%u", uid);
	err = add_directory(paths, directory, false);
	return err == -ENOMEM ? err : 0;
}

static int compare_paths(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

int tw_paths_list(char ***list, size_t *count, struct tw_attach_error *error)
{
	const char *directory = getenv("TRACKWAY_DIR");
	struct paths paths = {0};
	int err;

	if (directory && directory[0])
		err = add_directory(&paths, directory, true);
	else
		err = add_default_directories(&paths);
	if (err == -ENOENT)
		err = 0; /* made by the first producer */
	if (err) {
		tw_paths_destroy(paths.list, paths.count);
		return tw_attach_fail(error, err, "%s: cannot read: %s",
				      directory ? directory : "rings",
				      strerror(-err));
	}
	if (paths.count)
		qsort(paths.list, paths.count, sizeof(char *), compare_paths);
	*list = paths.list;
	*count = paths.count;
	return 0;
}

void tw_paths_destroy(char **paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
}
