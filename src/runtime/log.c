/* SPDX-License-Identifier: MIT */
/* The log backend: a line to standard error in one write(). */
#include "runtime.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 4096

/* QEMU's form: "TID@SEC.USEC:". */
static int put_prefix(char *line, size_t size)
{
	struct timespec now;

	if (!tw_runtime.settings.log_timestamp)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	return snprintf(line, size, "%ld@%lld.%06ld:", syscall(SYS_gettid),
			(long long)now.tv_sec, now.tv_nsec / 1000);
}

void tw_log(const char *format, ...)
{
	char line[LINE_SIZE];
	int saved_errno = errno;
	int prefix, body;
	size_t size, done = 0;
	ssize_t written;
	va_list args;

	prefix = put_prefix(line, sizeof(line));
	va_start(args, format);
	body = vsnprintf(line + prefix, sizeof(line) - (size_t)prefix, format,
			 args);
	va_end(args);
	if (body < 0)
		body = 0;
	size = (size_t)prefix + (size_t)body;
	if (size >= sizeof(line)) {
		size = sizeof(line);
		line[size - 1] = '\n';
	}
	while (done < size) {
		written = write(STDERR_FILENO, line + done, size - done);
		if (written < 0 && errno != EINTR)
			break; /* a log that can't be written harms nobody */
		if (written > 0)
			done += (size_t)written;
	}
	errno = saved_errno;
}
