/* SPDX-License-Identifier: MIT */
/*
 * The ftrace backend: a line into the kernel's trace, in one write(). The file
 * is opened at the first event and kept. Where it can't be had, events go
 * nowhere, silently. A program may close files that it doesn't know, and open
 * others in their place: so before each write the file is looked at.
 */
#include "runtime.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 512

enum {
	MARKER_NEW = -1,
	MARKER_NONE = -2
};

/* The file, and which it is. All opens find the same one, so that it doesn't
 * matter whose device and inode are kept. */
static int marker_fd = MARKER_NEW;
static dev_t marker_device;
static ino_t marker_inode;

static bool marker_is_ours(int fd)
{
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 &&
	       status.st_dev ==
		       __atomic_load_n(&marker_device, __ATOMIC_RELAXED) &&
	       status.st_ino ==
		       __atomic_load_n(&marker_inode, __ATOMIC_RELAXED);
}

/* secure_getenv(): a setuid program writes nowhere that its caller says. */
static int marker_open(void)
{
	static const char *const paths[] = {
		"/sys/kernel/tracing/trace_marker",
		"/sys/kernel/debug/tracing/trace_marker",
	};
	const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY;
	const char *named = secure_getenv("TRACKWAY_FTRACE_MARKER");
	int fd = named ? open(named, flags) : -1;

	for (size_t i = 0; !named && fd < 0 && i < 2; i++)
		fd = open(paths[i], flags);
	return fd;
}

/*
 * Put a newly opened file in the place of old, and return it; or what another
 * thread, or a signal handler, has put there meanwhile. There is no lock that
 * a fork or a signal could leave taken.
 */
static int marker_renew(int old)
{
	struct stat status;
	int fd = marker_open();

	if (fd >= 0 && fstat(fd, &status) == 0) {
		__atomic_store_n(&marker_device, status.st_dev,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&marker_inode, status.st_ino,
				 __ATOMIC_RELAXED);
	}
	/* Release, paired with the acquire in marker_get(): who sees the file
	 * sees which it is. */
	if (__atomic_compare_exchange_n(&marker_fd, &old,
					fd >= 0 ? fd : MARKER_NONE, false,
					__ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
		return fd;
	if (fd >= 0)
		close(fd);
	return old;
}

/* The file, or a negative number. */
static int marker_get(void)
{
	int fd = __atomic_load_n(&marker_fd, __ATOMIC_ACQUIRE);

	if (fd == MARKER_NONE || marker_is_ours(fd))
		return fd;
	return marker_renew(fd);
}

void tw_ftrace(const char *format, ...)
{
	char line[LINE_SIZE];
	int saved_errno = errno;
	int fd = marker_get();
	int size;
	va_list args;

	if (fd >= 0) {
		va_start(args, format);
		size = vsnprintf(line, sizeof(line), format, args);
		va_end(args);
		if (size >= LINE_SIZE) {
			size = LINE_SIZE;
			line[size - 1] = '\n';
		}
		/* Nobody to tell if it fails, as when tracing is off. */
		if (size > 0)
			(void)!write(fd, line, (size_t)size);
	}
	errno = saved_errno;
}
