/* SPDX-License-Identifier: MIT */
/*
 * What reaches the user: results, errors, colours; and the signals by which a
 * user ends a command.
 */
#include "output.h"
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS 100
#define PATIENCE_MS 2000

static int write_error; /* errno of the first write that failed */

/* ---- Lines on stderr ---- */

static void add_line(struct tw_text *line, const char *format, va_list args)
{
	char *what;

	if (vasprintf(&what, format, args) < 0)
		return;
	tw_text_add_escaped(line, what, strlen(what));
	free(what);
}

/* In one write, so that lines of several programs don't mix. */
static void print_line(struct tw_text *line)
{
	tw_text_add_string(line, "\n");
	tw_output_flush();
	if (line->data)
		fwrite(line->data, 1, line->size, stderr);
	free(line->data);
}

int tw_error(const char *target, const char *format, ...)
{
	struct tw_text line = {0};
	va_list args;

	tw_text_add_string(&line, "trackway: ");
	if (target) {
		tw_text_add_escaped(&line, target, strlen(target));
		tw_text_add_string(&line, ": ");
	}
	va_start(args, format);
	add_line(&line, format, args);
	va_end(args);
	print_line(&line);
	return TW_EXIT_FAILED;
}

void tw_notice(const char *format, ...)
{
	struct tw_text line = {0};
	va_list args;

	tw_text_add_string(&line, "trackway: ");
	va_start(args, format);
	add_line(&line, format, args);
	va_end(args);
	print_line(&line);
}

int tw_error_memory(void)
{
	fputs("trackway: out of memory\n", stderr);
	return TW_EXIT_FAILED;
}

/* ---- stdout ---- */

static bool note_error(bool failed)
{
	if (failed && !write_error)
		write_error = errno ? errno : EIO;
	return !write_error;
}

bool tw_output_flush(void)
{
	errno = 0;
	return note_error(fflush(stdout) || ferror(stdout));
}

/* Whether writing may have to wait for who reads. */
static bool is_awaited(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && (S_ISFIFO(status.st_mode) ||
				       S_ISSOCK(status.st_mode) || isatty(fd));
}

/* How much is taken at once or not at all: all of a pipe that is empty. */
static size_t room_of(int fd)
{
	int held, size;

	if (ioctl(fd, FIONREAD, &held) || held)
		return PIPE_BUF;
	size = fcntl(fd, F_GETPIPE_SZ);
	return size > PIPE_BUF ? (size_t)size : PIPE_BUF;
}

/*
 * As many whole lines as there is room for; a line that is longer goes alone.
 * So no line is half out while there is nobody to take its rest.
 */
static size_t piece_of(const char *bytes, size_t size, size_t room)
{
	const char *end;

	if (size <= room)
		return size;
	end = memrchr(bytes, '\n', room);
	if (!end)
		end = memchr(bytes + room, '\n', size - room);
	return end ? (size_t)(end - bytes) + 1 : size;
}

/*
 * Until more is taken. False: we are to end, the reader takes nothing for a
 * while, and no line is half out.
 */
static bool await_reader(int fd, bool is_in_line)
{
	struct pollfd out = {.fd = fd, .events = POLLOUT};
	unsigned int waited = 0;

	for (;;) {
		int got = poll(&out, 1, LOOK_MS);

		/* Of errors write() tells more. */
		if (got > 0 || (got < 0 && errno != EINTR))
			return true;
		waited = tw_interrupted() ? waited + (got ? 0 : LOOK_MS) : 0;
		if (!is_in_line && waited >= PATIENCE_MS)
			return false;
	}
}

/* 0, or the error. */
static int write_text(int fd, const char *bytes, size_t size)
{
	const bool awaited = is_awaited(fd);
	size_t left = 0; /* of the piece that has been begun */

	while (size) {
		const bool is_in_line = left;
		ssize_t written;

		if (awaited && !await_reader(fd, is_in_line))
			return ETIMEDOUT;
		if (!is_in_line)
			left = awaited ? piece_of(bytes, size, room_of(fd))
				       : size;
		written = write(fd, bytes, left);
		if (written < 0 && errno != EINTR && errno != EAGAIN)
			return errno;
		if (written < 0) {
			left = is_in_line ? left : 0;
			continue;
		}
		bytes += written;
		size -= (size_t)written;
		left -= (size_t)written;
	}
	return 0;
}

bool tw_output_text(struct tw_text *text)
{
	const int fd = fileno(stdout);
	size_t size = text->size;

	errno = 0;
	text->size = 0;
	if (text->failed)
		return note_error(true);
	if (!tw_output_flush())
		return false;
	if (fd < 0)
		return note_error(fwrite(text->data, 1, size, stdout) != size);
	errno = write_text(fd, text->data, size);
	return note_error(errno);
}

int tw_output_finish(int status)
{
	if (tw_output_flush())
		return status;
	if (write_error == ETIMEDOUT)
		tw_error("stdout", "nobody reads it: some lines that were to "
				   "come are left out");
	/* A reader that has seen enough is no news. */
	else if (write_error != EPIPE)
		tw_error("stdout", "%s", strerror(write_error));
	return TW_EXIT_FAILED;
}

static bool has_colour(void)
{
	static int known = -1;
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (known < 0)
		known = isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]) &&
			terminal && strcmp(terminal, "dumb") != 0;
	return known;
}

const char *tw_style(enum tw_style style)
{
	static const char *const codes[] = {
		[TW_STYLE_PLAIN] = "\x1b[0m",	[TW_STYLE_BOLD] = "\x1b[1m",
		[TW_STYLE_DIM] = "\x1b[2m",	[TW_STYLE_GREEN] = "\x1b[32m",
		[TW_STYLE_YELLOW] = "\x1b[33m", [TW_STYLE_RED] = "\x1b[31m",
		[TW_STYLE_BLUE] = "\x1b[34m",	[TW_STYLE_MAGENTA] = "\x1b[35m",
		[TW_STYLE_CYAN] = "\x1b[36m",
	};

	return has_colour() ? codes[style] : "";
}

unsigned int tw_output_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

/* ---- Time and signals ---- */

struct tw_duration tw_duration_of(uint64_t ns)
{
	static const struct {
		uint64_t ns;
		uint64_t below; /* of this unit, then the next one */
		const char *unit;
	} units[] = {{1, 10000, "ns"},		 {1000, 10000, "us"},
		     {1000000, 1000, "ms"},	 {1000000000, 120, "s"},
		     {60000000000, 120, "min"},	 {3600000000000, 48, "h"},
		     {86400000000000, 1000, "d"}};
	const size_t last = sizeof(units) / sizeof(units[0]) - 1;
	struct tw_duration duration;
	size_t i = 0;

	while (i < last && ns / units[i].ns >= units[i].below)
		i++;
	snprintf(duration.text, sizeof(duration.text), "%" PRIu64 " %s",
		 ns / units[i].ns, units[i].unit);
	return duration;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

void tw_interrupt_catch(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {
		.sa_handler = on_interrupt,
		.sa_flags = (int)SA_RESETHAND,
	};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction before;

		/* What nohup or a shell's "&" has switched off stays off. */
		if (!sigaction(signals[i], NULL, &before) &&
		    before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

bool tw_interrupted(void)
{
	return interrupted;
}
