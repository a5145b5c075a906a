/* SPDX-License-Identifier: MIT */
/*
 * A trace-events file, read whole. Its size is not asked for beforehand: it may
 * be a pipe.
 */

#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define ROOM_FIRST ((size_t)64 << 10)

static int read_all(int fd, char **text, size_t *size)
{
	size_t room = 0;

	for (;;) {
		ssize_t count;

		if (*size == room) {
			char *more;

			if (room >= TW_INPUT_MAX)
				return -EFBIG;
			room = room ? room * 4 : ROOM_FIRST;
			more = realloc(*text, room);
			if (!more)
				return -ENOMEM;
			*text = more;
		}
		count = read(fd, *text + *size, room - *size);
		if (count == 0)
			return 0;
		if (count > 0)
			*size += (size_t)count;
		else if (errno != EINTR)
			return -errno;
	}
}

int tw_input_read_open(int fd, char **text, size_t *size)
{
	int error;

	*text = NULL;
	*size = 0;
	error = read_all(fd, text, size);
	if (error != 0) {
		free(*text);
		*text = NULL;
	}
	return error;
}

int tw_input_read(const char *path, char **text, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int error;

	*text = NULL;
	*size = 0;
	if (fd < 0)
		return -errno;
	error = tw_input_read_open(fd, text, size);
	close(fd);
	return error;
}
