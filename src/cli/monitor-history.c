/* SPDX-License-Identifier: MIT */
/*
 * The history of monitor-line.c as a file: text, a line each. Monitors that run
 * at the same time all add to its end; the one that opens it while it is too
 * large cuts off its beginning, in place, so that the others go on with it.
 */
#include "monitor-history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_KEPT 4096u /* bytes */
/* So much is read of it at most, from its end. */
#define READ_MAX 131072
_Static_assert(READ_MAX >= 2 * TW_MONITOR_HISTORY_BYTES, "what is kept, whole");

struct tw_monitor_history {
	int fd;
};

/* ---- The file ---- */

/* Each folder of a path that is missing, up to the last slash. */
static void make_folders(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(path, 0700);
		*at = '/';
	}
}

static char *new_path(void)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char *path;
	int got = -1;

	if (state && *state == '/')
		got = asprintf(&path, "%s/trackway/monitor-history", state);
	else if (home && *home == '/')
		got = asprintf(&path,
			       "%s/.local/state/trackway/monitor-history",
			       home);
	return got < 0 ? NULL : path;
}

/* Whether it is a file of this user's, and not a pipe that would block. */
static bool is_ours(int fd)
{
	struct stat stat;

	return !fstat(fd, &stat) && S_ISREG(stat.st_mode) &&
	       stat.st_uid == geteuid();
}

static int open_file(void)
{
	char *path = new_path();
	int fd;

	if (!path)
		return -1;
	make_folders(path);
	/* Nobody else's, if it is made. */
	fd = open(path,
		  O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK |
			  O_CLOEXEC,
		  0600);
	free(path);
	if (fd < 0 || is_ours(fd))
		return fd;
	close(fd);
	return -1;
}

/* ---- What is in it ---- */

/* The end of the file, NUL-terminated; false in is_whole: there is more. */
static char *read_end(int fd, size_t *size, bool *is_whole)
{
	char *text = malloc(READ_MAX + 1);
	const off_t end = lseek(fd, 0, SEEK_END);
	const off_t from = end > READ_MAX ? end - READ_MAX : 0;
	ssize_t got = -1;

	if (text && end >= 0)
		got = pread(fd, text, READ_MAX, from);
	if (got < 0) {
		free(text);
		return NULL;
	}
	text[got] = '\0';
	*size = (size_t)got;
	*is_whole = !from;
	return text;
}

/* Where the lines begin that are kept of it. */
static size_t find_kept(const char *text, size_t size)
{
	size_t at = size;
	size_t lines = 0;

	for (size_t i = size; i-- > 0;) {
		const bool begins = !i || text[i - 1] == '\n';

		if (size - i > TW_MONITOR_HISTORY_BYTES ||
		    lines == TW_MONITOR_HISTORY_LINES)
			break;
		if (begins) {
			at = i;
			lines++;
		}
	}
	return at;
}

/* Unless somebody else is at it. */
static void cut(int fd, const char *text, size_t size)
{
	if (flock(fd, LOCK_EX | LOCK_NB))
		return;
	if (!ftruncate(fd, 0) && write(fd, text, size) < 0)
		errno = 0; /* what is lost then is no more than a history */
	flock(fd, LOCK_UN);
}

/* A line of printable characters, and its newline. */
static bool is_plain(const char *line, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			return false;
	return size > 1 && line[size - 1] == '\n';
}

static void tell(char *text, void (*fn)(void *context, const char *line),
		 void *context)
{
	while (*text) {
		const size_t size = strcspn(text, "\n") + 1;
		const char after = text[size - 1] ? text[size] : '\0';

		if (!text[size - 1])
			return;
		text[size] = '\0';
		if (is_plain(text, size))
			fn(context, text);
		text[size] = after;
		text += size;
	}
}

/* ---- Of all ---- */

struct tw_monitor_history *tw_monitor_history_open(void (*fn)(void *context,
							      const char *line),
						   void *context)
{
	struct tw_monitor_history *history = calloc(1, sizeof(*history));
	bool is_whole = true;
	size_t size = 0;
	size_t kept;
	char *text;

	if (!history)
		return NULL;
	history->fd = open_file();
	text = history->fd < 0 ? NULL : read_end(history->fd, &size, &is_whole);
	if (!text) {
		tw_monitor_history_close(history);
		return NULL;
	}
	kept = find_kept(text, size);
	if (kept || !is_whole)
		cut(history->fd, text + kept, size - kept);
	tell(text + kept, fn, context);
	free(text);
	return history;
}

void tw_monitor_history_close(struct tw_monitor_history *history)
{
	if (history && history->fd >= 0)
		close(history->fd);
	free(history);
}

void tw_monitor_history_add(struct tw_monitor_history *history,
			    const char *line)
{
	const size_t size = strlen(line);

	if (!history || history->fd < 0 || !is_plain(line, size) ||
	    size > LINE_MAX_KEPT)
		return;
	if (write(history->fd, line, size) < 0) {
		close(history->fd);
		history->fd = -1;
	}
}
