/* SPDX-License-Identifier: MIT */
/*
 * Replacing a file by a rename, so that a recorder that is killed leaves either
 * the old content or the new. Called by ctf.c and dotfile.c.
 */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t size)
{
	ssize_t written;

	while (size) {
		written = write(fd, data, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		data += written;
		size -= (size_t)written;
	}
	return 0;
}

int tw_file_replace(int dirfd, const char *name, const void *data, size_t size)
{
	char other[NAME_MAX + 1];
	int fd, error;

	if (snprintf(other, sizeof(other), ".%s.new", name) >=
	    (int)sizeof(other))
		return -ENAMETOOLONG;
	fd = openat(dirfd, other,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -errno;
	error = write_all(fd, data, size);
	if (close(fd) && !error)
		error = -errno;
	if (!error && renameat(dirfd, other, dirfd, name))
		error = -errno;
	if (error)
		unlinkat(dirfd, other, 0);
	return error;
}
