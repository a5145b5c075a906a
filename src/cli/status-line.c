/* SPDX-License-Identifier: MIT */
/* The line that says how far one is: for record-session.c and cmd-stat.c. */
#include "status-line.h"

#include "../trace/timebase.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define GAP_NS 250000000u

static uint64_t last_ns;
static bool is_shown;

static bool is_terminal(void)
{
	static int known = -1;

	if (known < 0)
		known = isatty(STDERR_FILENO);
	return known;
}

bool tw_status_is_due(void)
{
	uint64_t now;

	if (!is_terminal())
		return false;
	now = tw_monotonic_ns();
	if (!last_ns)
		last_ns = now;
	if (now - last_ns < GAP_NS)
		return false;
	last_ns = now;
	return true;
}

void tw_status_show(const char *format, ...)
{
	va_list args;

	if (!is_terminal())
		return;
	fputc('\r', stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\x1b[K", stderr);
	fflush(stderr);
	is_shown = true;
}

void tw_status_clear(void)
{
	if (is_shown)
		fputs("\r\x1b[K", stderr);
	is_shown = false;
}

struct tw_bytes_text tw_bytes_of(uint64_t bytes)
{
	static const char units[][3] = {"B", "kB", "MB", "GB", "TB", "PB"};
	struct tw_bytes_text result;
	uint64_t unit = 1;
	size_t i = 0;

	while (i + 1 < sizeof(units) / sizeof(units[0]) &&
	       bytes / unit >= 1000) {
		unit *= 1000;
		i++;
	}
	if (i == 0 || bytes / unit >= 100)
		snprintf(result.text, sizeof(result.text), "%" PRIu64 " %s",
			 bytes / unit, units[i]);
	else
		snprintf(result.text, sizeof(result.text), "%" PRIu64 ".%u %s",
			 bytes / unit, (unsigned)(bytes % unit * 10 / unit),
			 units[i]);
	return result;
}
