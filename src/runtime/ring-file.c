/* SPDX-License-Identifier: MIT */
/*
 * The ring's file: NAME.PID.ring in a directory that only its user can read,
 * in memory (tmpfs) where the system has it. No descriptor is kept, since
 * programs close what they don't know; what else needs the file's pages gets
 * them from the mapping.
 */
#include "runtime.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_CRASHES 3
#define TIDY_MAX 64
/* Between two tries to get memory for pages: about a millisecond. */
#define NO_MEMORY_TICKS (1u << 22)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* By hand: snprintf() is not for signal handlers. */
static char *put_number(char *at, unsigned long value)
{
	char digits[24];
	int count = 0;

	do
		digits[count++] = (char)('0' + value % 10);
	while (value /= 10);
	while (count)
		*at++ = digits[--count];
	return at;
}

static char *put_text(char *at, const char *text)
{
	size_t size = strlen(text);

	memcpy(at, text, size);
	return at + size;
}

/* Room: a directory is at most PATH_MAX - 128, the rest at most 64. */
static void make_path(void)
{
	char *at = tw_runtime.path;

	at = put_text(at, tw_runtime.settings.directory);
	at = put_text(at, "/");
	at = put_text(at, tw_runtime.settings.name);
	at = put_text(at, ".");
	at = put_number(at, (unsigned long)tw_runtime.pid);
	at = put_text(at, ".ring");
	*at = 0;
}

/* The directory is there, ours, and nobody else can put things into it. */
static int check_directory(void)
{
	const char *path = tw_runtime.settings.directory;
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -1;
	if (lstat(path, &st))
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH)) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

static int open_file(void)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(tw_runtime.path, flags, 0600);

	/* Our pid: whoever left it is gone. */
	if (fd < 0 && errno == EEXIST && !unlink(tw_runtime.path))
		fd = open(tw_runtime.path, flags, 0600);
	return fd;
}

int tw_ring_file_populate(void *memory, size_t size)
{
	const uintptr_t page = (uintptr_t)getpagesize();
	uintptr_t from = (uintptr_t)memory & ~(page - 1);
	uintptr_t to = ((uintptr_t)memory + size + page - 1) & ~(page - 1);
	int saved_errno = errno;
	int there;

	/* EINVAL: a kernel before 5.14, which can't say beforehand. */
	there = !madvise((void *)from, to - from, MADV_POPULATE_WRITE) ||
		errno == EINVAL;
	errno = saved_errno;
	return there;
}

int tw_ring_file_prepare_page(const struct tw_ring *ring, uint32_t index)
{
	const uint64_t now = tw_clock_now();
	uint64_t until = tw_load_relaxed(&tw_runtime.no_memory_until);

	/* Where there was none a moment ago, not every event asks again. */
	if (until > now && until - now <= NO_MEMORY_TICKS)
		return 0;
	if (tw_ring_file_populate(ring->pages +
					  (uint64_t)index * ring->page_size,
				  ring->page_size))
		return 1;
	tw_store_relaxed(&tw_runtime.no_memory_until, now + NO_MEMORY_TICKS);
	return 0;
}

/* Tables and page states. */
bool tw_ring_file_populate_tables(uint8_t *memory)
{
	const struct tw_ring_layout *layout = &tw_runtime.layout;
	uint8_t *end = memory + layout->pages_offset;
	uint32_t i;

	if (!tw_ring_file_populate(memory, layout->heap_offset))
		return false;
	for (i = 0; i < layout->page_count; i++) {
		end += layout->page_size;
		if (!tw_ring_file_populate(end - TW_PAGE_TRAILER,
					   TW_PAGE_TRAILER))
			return false;
	}
	return true;
}

/* The same for a file that is all holes: its memory comes with a write, without
 * the cost of a fault for each page. */
static bool fill_tables(int fd, uint8_t *memory)
{
	const struct tw_ring_layout *layout = &tw_runtime.layout;
	off_t end = (off_t)layout->pages_offset;
	const uint8_t zero = 0;
	uint32_t i;

	if (!tw_ring_file_populate(memory, layout->heap_offset))
		return false;
	for (i = 0; i < layout->page_count; i++) {
		end += layout->page_size;
		if (pwrite(fd, &zero, 1, end - (off_t)TW_PAGE_TRAILER) != 1)
			return false;
	}
	return true;
}

static void *map_file(int fd)
{
	const struct tw_ring_layout *layout = &tw_runtime.layout;
	struct stat st;
	void *memory;

	if (fstat(fd, &st) || ftruncate(fd, (off_t)layout->size))
		return NULL;
	memory = mmap(NULL, layout->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	if (memory == MAP_FAILED)
		return NULL;
	if (!fill_tables(fd, memory)) {
		munmap(memory, layout->size);
		errno = ENOSPC;
		return NULL;
	}
	tw_runtime.inode = (uint64_t)st.st_ino;
	return memory;
}

void *tw_ring_file_create(void)
{
	void *memory;
	int fd, error;

	make_path();
	if (check_directory()) {
		error = errno;
		tw_runtime_fail("can't use the directory",
				tw_runtime.settings.directory, error);
		errno = error;
		return NULL;
	}
	fd = open_file();
	memory = fd < 0 ? NULL : map_file(fd);
	error = errno;
	if (fd >= 0) {
		close(fd);
		if (!memory)
			unlink(tw_runtime.path);
	}
	if (!memory)
		tw_runtime_fail("can't make the ring file", tw_runtime.path,
				error);
	errno = error;
	return memory;
}

/* Whether a line of a maps file is of this inode: its fifth field. */
static bool line_has_inode(const char *line, uint64_t inode)
{
	uint64_t value = 0;
	int field;

	for (field = 1; field < 5; field++) {
		line = strchr(line, ' ');
		if (!line)
			return false;
		while (*line == ' ')
			line++;
	}
	while (*line >= '0' && *line <= '9')
		value = value * 10 + (uint64_t)(*line++ - '0');
	return value == inode && strstr(line, ".ring");
}

static int open_maps(uint32_t pid)
{
	char path[64];
	char *at = path;

	at = put_text(at, "/proc/");
	at = put_number(at, pid);
	at = put_text(at, "/maps");
	*at = 0;
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The complete lines of a text; what is left of the last one moves to the
 * front, and its size is returned. */
static size_t look_through(char *text, size_t size, uint64_t inode, bool *found)
{
	char *line = text;
	char *end;

	while (!*found && (end = memchr(line, '\n', size))) {
		*end = 0;
		*found = line_has_inode(line, inode);
		size -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	memmove(text, line, size);
	return size;
}

/* With no allocation: a child asks on its way to its own ring. */
static bool maps_inode(uint32_t pid, uint64_t inode)
{
	char text[PATH_MAX + 256];
	size_t used = 0;
	ssize_t got;
	bool found = false;
	int fd = open_maps(pid);

	if (fd < 0)
		return false;
	while (!found &&
	       (got = read(fd, text + used, sizeof(text) - used)) > 0) {
		used = look_through(text, used + (size_t)got, inode, &found);
		if (used == sizeof(text))
			used = 0; /* no path is that long */
	}
	close(fd);
	return found;
}

bool tw_ring_file_has_heir(const uint32_t heirs[TW_RING_HEIRS], uint64_t inode)
{
	const uint32_t self = (uint32_t)getpid();
	uint32_t i, pid;

	for (i = 0; i < TW_RING_HEIRS; i++) {
		pid = tw_load_relaxed(&heirs[i]);
		if (pid && pid != self && pid <= INT_MAX &&
		    (!kill((pid_t)pid, 0) || errno == EPERM) &&
		    maps_inode(pid, inode))
			return true;
	}
	return false;
}

void tw_ring_file_remove(void)
{
	if (tw_runtime.settings.place[0])
		return;
	tw_fork_settle();
	if (!tw_runtime.settings.keep &&
	    !tw_ring_file_has_heir(tw_runtime.ring.control->heirs,
				   tw_runtime.inode))
		unlink(tw_runtime.path);
}

/* The pid in "NAME.PID.ring", or 0 if the file is none of this name's. */
static pid_t leftover_pid(const char *file)
{
	size_t size = strlen(tw_runtime.settings.name);
	unsigned long pid;
	char *end;

	if (strncmp(file, tw_runtime.settings.name, size) != 0 ||
	    file[size] != '.' || file[size + 1] < '0' || file[size + 1] > '9')
		return 0;
	pid = strtoul(file + size + 1, &end, 10);
	return strcmp(end, ".ring") != 0 || pid > INT_MAX ? 0 : (pid_t)pid;
}

struct leftover {
	char file[NAME_MAX + 1];
	struct timespec time;
};

/* Whether the file is of a crash, or was kept on purpose: a few of these stay.
 * Removes it if it is of no use. */
static bool is_crash(int directory, const char *file, struct leftover *left)
{
	struct tw_ring_control control;
	struct stat st;
	ssize_t size;
	int fd = openat(directory, file,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return false;
	memset(&control, 0, sizeof(control));
	size = fstat(fd, &st) ? -1 : read(fd, &control, sizeof(control));
	close(fd);
	if (size != (ssize_t)sizeof(control) || !S_ISREG(st.st_mode))
		return false;
	if (control.flags & TW_RING_CLOSED && !(control.flags & TW_RING_KEPT)) {
		if (!tw_ring_file_has_heir(control.heirs, (uint64_t)st.st_ino))
			unlinkat(directory, file, 0);
		return false;
	}
	if (tw_ring_file_has_heir(control.heirs, (uint64_t)st.st_ino))
		return false;
	memcpy(left->file, file, strlen(file) + 1);
	left->time = st.st_mtim;
	return true;
}

static int by_age(const void *a, const void *b)
{
	const struct timespec *left = &((const struct leftover *)a)->time;
	const struct timespec *right = &((const struct leftover *)b)->time;

	if (left->tv_sec != right->tv_sec)
		return left->tv_sec < right->tv_sec ? 1 : -1;
	return (left->tv_nsec < right->tv_nsec) -
	       (left->tv_nsec > right->tv_nsec);
}

void tw_ring_file_tidy(void)
{
	struct leftover *list;
	struct dirent *entry;
	size_t count = 0, i;
	pid_t pid;
	DIR *dir = opendir(tw_runtime.settings.directory);

	if (!dir)
		return;
	list = calloc(TIDY_MAX, sizeof(*list));
	while (list && count < TIDY_MAX && (entry = readdir(dir))) {
		pid = leftover_pid(entry->d_name);
		if (pid && kill(pid, 0) && errno == ESRCH &&
		    is_crash(dirfd(dir), entry->d_name, &list[count]))
			count++;
	}
	if (count > KEPT_CRASHES) {
		qsort(list, count, sizeof(*list), by_age);
		for (i = KEPT_CRASHES; i < count; i++)
			unlinkat(dirfd(dir), list[i].file, 0);
	}
	free(list);
	closedir(dir);
}
