/* SPDX-License-Identifier: MIT */
/*
 * Each stream file is tried alone. One that is refused is likely to be cut off
 * within a packet, by a tracer that was killed or a full disk: it is tried
 * again up to where a packet begins, which is where the first four bytes of the
 * file stand again, from the last such place backwards. What is not readable
 * then is left out.
 *
 * The directory that comes out of that has links to the files of the trace. A
 * file that is cut is a copy without a name, linked through /proc, so that a
 * reader that is killed leaves nothing large behind.
 *
 * Called by read-ctf.c.
 */
#include "repair-ctf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC_SIZE 4
#define CUTS_MAX 16	     /* places tried in a file */
#define COPY_MAX (1ll << 30) /* bytes of one */
#define PIECE (64u << 10)

struct tw_ctf_repair {
	char *from; /* the trace, an absolute path */
	char *top;  /* holds the other two */
	char *whole;
	char *trial;
	int *copies; /* file descriptors */
	size_t copy_count;
	size_t kept;
	char **lines; /* to be said, if something is kept */
	size_t line_count;
	const struct tw_ctf_repair_hooks *hooks;
};

/* ---- Directories ---- */

static int link_file(const char *directory, const char *name,
		     const char *target)
{
	char *path;
	int error = 0;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return -ENOMEM;
	if (symlink(target, path))
		error = -errno;
	free(path);
	return error;
}

/* To the trace's file of the same name. */
static int link_original(const struct tw_ctf_repair *repair,
			 const char *directory, const char *name)
{
	char *target;
	int error;

	if (asprintf(&target, "%s/%s", repair->from, name) < 0)
		return -ENOMEM;
	error = link_file(directory, name, target);
	free(target);
	return error;
}

static int link_copy(const char *directory, const char *name, int fd)
{
	char target[32];

	snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	return link_file(directory, name, target);
}

static void unlink_file(const char *directory, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return;
	unlink(path);
	free(path);
}

/* All that is in it are links. */
static void remove_directory(const char *path)
{
	const struct dirent *entry;
	DIR *directory = opendir(path);

	while (directory && (entry = readdir(directory)))
		unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(path);
}

static int make_directory(const struct tw_ctf_repair *repair, const char *name,
			  char **path)
{
	if (asprintf(path, "%s/%s", repair->top, name) < 0) {
		*path = NULL;
		return -ENOMEM;
	}
	if (mkdir(*path, 0700))
		return -errno;
	return link_original(repair, *path, "metadata");
}

static int make_directories(struct tw_ctf_repair *repair, const char *path)
{
	const char *place = getenv("TMPDIR");
	int error;

	repair->from = realpath(path, NULL);
	if (!repair->from)
		return -errno;
	if (asprintf(&repair->top, "%s/trackway-ctf-XXXXXX",
		     place && *place == '/' ? place : "/tmp") < 0) {
		repair->top = NULL;
		return -ENOMEM;
	}
	if (!mkdtemp(repair->top)) {
		error = -errno;
		free(repair->top);
		repair->top = NULL;
		return error;
	}
	error = make_directory(repair, "whole", &repair->whole);
	return error ? error : make_directory(repair, "trial", &repair->trial);
}

/* ---- Cutting ---- */

static int64_t read_at(int fd, void *bytes, size_t size, off_t at)
{
	ssize_t got;

	do {
		got = pread(fd, bytes, size, at);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/* The last place before end where these bytes stand, or as many of them as the
 * file still has; 0: there is none. */
static off_t find_before(int fd, const uint8_t magic[MAGIC_SIZE], off_t end)
{
	uint8_t piece[PIECE + MAGIC_SIZE];
	off_t from;
	int64_t got;
	size_t size;

	for (; end > 0; end = from) {
		from = end > (off_t)PIECE ? end - (off_t)PIECE : 0;
		got = read_at(fd, piece, (size_t)(end - from) + MAGIC_SIZE - 1,
			      from);
		for (int64_t i = got < end - from ? got : end - from;
		     i-- > 0;) {
			size = (size_t)(got - i);
			if (memcmp(piece + i, magic,
				   size < MAGIC_SIZE ? size : MAGIC_SIZE) == 0)
				return from + i;
		}
	}
	return 0;
}

static int copy_bytes(int to, int from, off_t size)
{
	uint8_t piece[PIECE];
	off_t at = 0;
	int64_t got;
	ssize_t put;

	while (at < size) {
		got = read_at(from, piece,
			      size - at < (off_t)PIECE ? (size_t)(size - at)
						       : PIECE,
			      at);
		if (got <= 0)
			return got < 0 ? (int)got : -EIO;
		put = pwrite(to, piece, (size_t)got, at);
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		at += put;
	}
	return 0;
}

/* A file without a name that begins as another: its descriptor. */
static int make_copy(struct tw_ctf_repair *repair, int from, off_t size)
{
	int *copies = reallocarray(repair->copies, repair->copy_count + 1,
				   sizeof(*copies));
	char *path;
	int fd, error;

	if (!copies)
		return -ENOMEM;
	repair->copies = copies;
	if (asprintf(&path, "%s/copy-XXXXXX", repair->top) < 0)
		return -ENOMEM;
	fd = mkostemp(path, O_CLOEXEC);
	error = fd < 0 ? -errno : 0;
	if (!error) {
		unlink(path);
		copies[repair->copy_count++] = fd;
		error = copy_bytes(fd, from, size);
	}
	free(path);
	return error ? error : fd;
}

static bool is_readable(const struct tw_ctf_repair *repair)
{
	return repair->hooks->is_readable(repair->hooks->context,
					  repair->trial);
}

/* The copy up to which packets are whole, or 0. *size: what it has, at last. */
static int cut(struct tw_ctf_repair *repair, const char *name, int fd,
	       off_t *size)
{
	uint8_t magic[MAGIC_SIZE];
	bool is_good = false;
	int copy = -1, error = 0;

	if (read_at(fd, magic, sizeof(magic), 0) != sizeof(magic))
		return 0;
	for (int i = 0; i < CUTS_MAX && !is_good; i++) {
		*size = find_before(fd, magic, *size);
		if (!*size || *size > COPY_MAX)
			return 0;
		if (copy < 0)
			copy = make_copy(repair, fd, *size);
		else if (ftruncate(copy, *size))
			return -errno;
		if (copy < 0)
			return copy;
		error = link_copy(repair->trial, name, copy);
		if (error)
			return error;
		is_good = is_readable(repair);
		unlink_file(repair->trial, name);
	}
	return is_good ? copy : 0;
}

/* ---- Stream files ---- */

static void say(struct tw_ctf_repair *repair, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void say(struct tw_ctf_repair *repair, const char *format, ...)
{
	char **lines = reallocarray(repair->lines, repair->line_count + 1,
				    sizeof(*lines));
	char *line;
	va_list args;

	if (!lines)
		return;
	repair->lines = lines;
	va_start(args, format);
	if (vasprintf(&line, format, args) >= 0)
		lines[repair->line_count++] = line;
	va_end(args);
}

static int keep_part(struct tw_ctf_repair *repair, const char *name, int fd,
		     off_t all)
{
	off_t size = all;
	const int copy = cut(repair, name, fd, &size);
	int error;

	if (copy < 0)
		return copy;
	if (!copy) {
		say(repair,
		    "%s is left out: its packets can't be found, not even the "
		    "first",
		    name);
		return 0;
	}
	error = link_copy(repair->whole, name, copy);
	if (error)
		return error;
	repair->kept++;
	say(repair,
	    "%s is cut off within a packet: the first %lld of its %lld bytes "
	    "are read",
	    name, (long long)size, (long long)all);
	return 0;
}

static int open_original(const struct tw_ctf_repair *repair, const char *name)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/%s", repair->from, name) < 0)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		fd = -errno;
	free(path);
	return fd;
}

static int keep(struct tw_ctf_repair *repair, const char *name)
{
	struct stat status = {0};
	bool is_good;
	int fd, error = link_original(repair, repair->trial, name);

	if (error)
		return error;
	is_good = is_readable(repair);
	unlink_file(repair->trial, name);
	if (is_good) {
		repair->kept++;
		return link_original(repair, repair->whole, name);
	}
	fd = open_original(repair, name);
	if (fd < 0)
		return fd;
	error = fstat(fd, &status) ? -errno : 0;
	if (!error)
		error = keep_part(repair, name, fd, status.st_size);
	close(fd);
	return error;
}

/* What libbabeltrace2 takes for a stream file. */
static bool is_stream(const char *from, const char *name)
{
	struct stat status;
	char *path;
	bool is_file;

	if (name[0] == '.' || strcmp(name, "metadata") == 0 ||
	    asprintf(&path, "%s/%s", from, name) < 0)
		return false;
	is_file = !stat(path, &status) && S_ISREG(status.st_mode);
	free(path);
	return is_file;
}

static int keep_all(struct tw_ctf_repair *repair)
{
	struct dirent **list;
	const int count = scandir(repair->from, &list, NULL, alphasort);
	int error = count < 0 ? -errno : 0;

	for (int i = 0; i < count; i++) {
		if (!error && is_stream(repair->from, list[i]->d_name))
			error = keep(repair, list[i]->d_name);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return error;
}

/* ---- All of it ---- */

int tw_ctf_repair_create(const char *path,
			 const struct tw_ctf_repair_hooks *hooks,
			 struct tw_ctf_repair **repair)
{
	struct tw_ctf_repair *made = calloc(1, sizeof(*made));
	int error;

	*repair = NULL;
	if (!made)
		return -ENOMEM;
	made->hooks = hooks;
	error = make_directories(made, path);
	if (!error)
		error = keep_all(made);
	if (!error && !made->kept)
		error = -EBADMSG;
	if (error) {
		tw_ctf_repair_destroy(made);
		return error;
	}
	for (size_t i = 0; i < made->line_count; i++)
		hooks->say(hooks->context, made->lines[i]);
	*repair = made;
	return 0;
}

void tw_ctf_repair_destroy(struct tw_ctf_repair *repair)
{
	if (!repair)
		return;
	if (repair->trial)
		remove_directory(repair->trial);
	if (repair->whole)
		remove_directory(repair->whole);
	if (repair->top)
		rmdir(repair->top);
	for (size_t i = 0; i < repair->copy_count; i++)
		close(repair->copies[i]);
	for (size_t i = 0; i < repair->line_count; i++)
		free(repair->lines[i]);
	free(repair->lines);
	free(repair->copies);
	free(repair->trial);
	free(repair->whole);
	free(repair->top);
	free(repair->from);
	free(repair);
}

const char *tw_ctf_repair_path(const struct tw_ctf_repair *repair)
{
	return repair->whole;
}
