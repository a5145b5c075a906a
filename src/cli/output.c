/* SPDX-License-Identifier: MIT */
/*
 * What reaches the user: results, errors, colours; and the signals by which a
 * user ends a command.
 */
#include "output.h"
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

bool tw_output_text(struct tw_text *text)
{
	size_t size = text->size;

	errno = 0;
	text->size = 0;
	if (text->failed)
		return note_error(true);
	return note_error(size && fwrite(text->data, 1, size, stdout) != size);
}

int tw_output_finish(int status)
{
	if (tw_output_flush())
		return status;
	/* A reader that has seen enough is no news. */
	if (write_error != EPIPE)
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
