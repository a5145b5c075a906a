/* SPDX-License-Identifier: MIT */
/*
 * A ring file as memory.
 *
 * The file is mapped shared, so that pages are read without a system call and
 * the words that a reader writes (state bytes, waiters, pages given back) are
 * the producer's own. A mapping has one danger: where the file gets shorter
 * later, or its file system fails, touching it raises SIGBUS. The policy:
 *
 *	- the size is checked against the ring's before anything is read;
 *	- a handler for the whole process, installed as a file is mapped, puts
 *	  a page of zeros in the place of the missing one and marks the file as
 *	  lost: the read goes on and finds nonsense, which every check expects,
 *	  and tw_attach_refresh() and tw_attach_is_alive() tell the caller;
 *	- a SIGBUS anywhere else goes to whatever was installed before.
 */
#include "source.h"

#include "../ring/atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int tw_attach_fail(struct tw_attach_error *error, int code, const char *format,
		   ...)
{
	va_list args;

	if (!error)
		return code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}

/* ---- SIGBUS ---- */

#define WINDOWS 4096

/* A mapping as the handler sees it; used is taken first and left last. */
struct window {
	uint32_t used;
	uint32_t lost;
	uintptr_t start;
	uintptr_t end;
};

static struct window windows[WINDOWS];
static struct sigaction bus_before;
static pthread_mutex_t bus_mutex = PTHREAD_MUTEX_INITIALIZER;
static uintptr_t page_mask;

static struct window *window_at(uintptr_t at)
{
	for (int i = 0; i < WINDOWS; i++) {
		/* Acquire (X), paired with (Y): with a start comes its end. */
		uintptr_t start = tw_load_acquire(&windows[i].start);

		if (start && at >= start && at < windows[i].end)
			return &windows[i];
	}
	return NULL;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
	int saved_errno = errno;
	uintptr_t at = (uintptr_t)info->si_addr;
	struct window *window = info->si_code > 0 ? window_at(at) : NULL;

	(void)context;
	if (window && mmap((void *)(at & page_mask), ~page_mask + 1,
			   PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			   0) != MAP_FAILED) {
		tw_store_relaxed(&window->lost, 1);
	} else {
		/* Not ours: the faulting instruction runs again and meets the
		 * handler before us; a signal that was sent is sent again. */
		sigaction(SIGBUS, &bus_before, NULL);
		if (info->si_code <= 0)
			raise(number);
	}
	errno = saved_errno;
}

/* Not only once: a program's framework may have put its own there since. */
static void bus_install(void)
{
	struct sigaction action = {
		.sa_sigaction = on_bus_error,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};
	struct sigaction now;

	pthread_mutex_lock(&bus_mutex);
	page_mask = ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
	sigemptyset(&action.sa_mask);
	if (!sigaction(SIGBUS, NULL, &now) &&
	    (!(now.sa_flags & SA_SIGINFO) ||
	     now.sa_sigaction != on_bus_error)) {
		bus_before = now;
		sigaction(SIGBUS, &action, NULL);
	}
	pthread_mutex_unlock(&bus_mutex);
}

static int window_open(void *base, size_t size)
{
	bus_install();
	for (int i = 0; i < WINDOWS; i++) {
		struct window *window = &windows[i];

		if (!tw_cas_acq_rel_u32(&window->used, 0, 1))
			continue;
		tw_store_relaxed(&window->lost, 0);
		window->end = (uintptr_t)base + size;
		/* Release (Y), paired with (X). */
		tw_store_release(&window->start, (uintptr_t)base);
		return i;
	}
	return -EMFILE;
}

static void window_close(int index)
{
	tw_store_relaxed(&windows[index].start, 0);
	/* Release (Z), paired with the compare-and-swap in window_open(): the
	 * next owner finds start at 0. */
	tw_store_release(&windows[index].used, 0);
}

/* ---- The file ---- */

static int fail_open(const char *path, int code, const struct stat *status,
		     struct tw_attach_error *error)
{
	const struct passwd *owner;

	if (code == -ENOENT || code == -ENOTDIR)
		return tw_attach_fail(error, code, "%s: no such file", path);
	if (code == -ELOOP)
		return tw_attach_fail(error, code,
				      "%s: a symbolic link, not a ring file",
				      path);
	if (code != -EACCES || !status || status->st_uid == geteuid())
		return tw_attach_fail(error, code, "%s: cannot open: %s", path,
				      strerror(-code));
	owner = getpwuid(status->st_uid);
	if (owner)
		return tw_attach_fail(error, code,
				      "%s: not yours: it belongs to %s", path,
				      owner->pw_name);
	return tw_attach_fail(error, code,
			      "%s: not yours: it belongs to user "
			      "%u",
			      path, (unsigned int)status->st_uid);
}

static int fail_type(const char *path, mode_t mode,
		     struct tw_attach_error *error)
{
	const char *what = S_ISLNK(mode)    ? "a symbolic link"
			   : S_ISDIR(mode)  ? "a directory"
			   : S_ISFIFO(mode) ? "a FIFO"
			   : S_ISSOCK(mode) ? "a socket"
					    : "a device";

	return tw_attach_fail(error, S_ISDIR(mode) ? -EISDIR : -EINVAL,
			      "%s: %s, not a ring file", path, what);
}

/* A descriptor of the regular file at path, or a negative errno. */
static int open_regular(const char *path, bool *writable, struct stat *status,
			struct tw_attach_error *error)
{
	/* NONBLOCK and NOCTTY for what may have been put there between. */
	const int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd;

	if (lstat(path, status))
		return fail_open(path, -errno, NULL, error);
	if (!S_ISREG(status->st_mode))
		return fail_type(path, status->st_mode, error);
	*writable = true;
	fd = open(path, O_RDWR | flags);
	if (fd < 0) {
		*writable = false;
		fd = open(path, O_RDONLY | flags);
	}
	if (fd < 0)
		return fail_open(path, -errno, status, error);
	if (fstat(fd, status) || !S_ISREG(status->st_mode)) {
		close(fd);
		return fail_type(path, status->st_mode, error);
	}
	return fd;
}

/*
 * What can be said more clearly with the file's size at hand than by the
 * reader's checks, which follow. A newer major version may have its size
 * elsewhere: left to the reader.
 */
static int check_start(int fd, uint64_t size, const char *path,
		       struct tw_attach_error *error)
{
	struct tw_ring_control control = {0};
	ssize_t got = pread(fd, &control, sizeof(control), 0);
	bool swap;
	uint64_t want;

	if (got < 0)
		return tw_attach_fail(error, -errno, "%s: cannot read: %s",
				      path, strerror(errno));
	if (got < TW_RING_MAGIC_SIZE || !tw_ring_is_magic(control.magic))
		return tw_attach_fail(error, -EBADMSG, "%s: not a ring file",
				      path);
	if (got < (ssize_t)TW_RING_CONTROL_MIN)
		return tw_attach_fail(error, -EBADMSG,
				      "%s: truncated: only %zd bytes are left "
				      "of its ring",
				      path, got);
	swap = control.byte_order != TW_RING_BYTE_ORDER;
	want = swap ? __builtin_bswap64(control.size) : control.size;
	if ((swap ? __builtin_bswap16(control.abi_major) : control.abi_major) ==
		    TW_RING_ABI_MAJOR &&
	    want > size)
		return tw_attach_fail(error, -EBADMSG,
				      "%s: truncated: %" PRIu64
				      " bytes of a ring of %" PRIu64,
				      path, size, want);
	return 0;
}

static int map(struct tw_ring_file *file, int fd, const char *path,
	       struct tw_attach_error *error)
{
	int protection = PROT_READ | (file->writable ? PROT_WRITE : 0);
	int err;

	file->base = mmap(NULL, file->size, protection, MAP_SHARED, fd, 0);
	if (file->base == MAP_FAILED)
		return tw_attach_fail(error, -errno, "%s: cannot map: %s", path,
				      strerror(errno));
	file->window = window_open(file->base, file->size);
	if (file->window >= 0)
		return 0;
	err = file->window;
	munmap(file->base, file->size);
	return tw_attach_fail(error, err, "%s: too many rings are open", path);
}

static int map_whole(struct tw_ring_file *file, int fd,
		     const struct stat *status, const char *path,
		     struct tw_attach_error *error)
{
	if ((uint64_t)status->st_size > SIZE_MAX / 2)
		return tw_attach_fail(error, -EFBIG, "%s: too large", path);
	file->size = (size_t)status->st_size;
	file->device = status->st_dev;
	file->inode = status->st_ino;
	return map(file, fd, path, error);
}

int tw_ring_file_open(struct tw_ring_file *file, const char *path,
		      struct tw_attach_error *error)
{
	struct stat status;
	int fd = open_regular(path, &file->writable, &status, error);
	int err;

	if (fd < 0)
		return fd;
	err = check_start(fd, (uint64_t)status.st_size, path, error);
	if (!err)
		err = map_whole(file, fd, &status, path, error);
	close(fd);
	return err;
}

int tw_ring_file_open_any(struct tw_ring_file *file, const char *path, int *fd,
			  struct tw_attach_error *error)
{
	struct stat status;
	int err;

	*fd = open_regular(path, &file->writable, &status, error);
	if (*fd < 0)
		return *fd;
	if (status.st_size == 0)
		err = tw_attach_fail(error, -ENODATA, "%s: empty", path);
	else
		err = map_whole(file, *fd, &status, path, error);
	if (err)
		close(*fd);
	return err;
}

void tw_ring_file_close(struct tw_ring_file *file)
{
	window_close(file->window);
	munmap(file->base, file->size);
}

static int file_read(void *context, uint64_t offset, void *to, size_t size)
{
	const struct tw_ring_file *file = context;

	memcpy(to, (const char *)file->base + offset, size);
	return 0;
}

static int file_write(void *context, uint64_t offset, const void *from,
		      size_t size)
{
	struct tw_ring_file *file = context;
	char *at = (char *)file->base + offset;

	/* A state byte: its producer loads it at any moment. */
	if (size == 1)
		tw_store_relaxed(at, *(const char *)from);
	else
		memcpy(at, from, size);
	return 0;
}

void tw_ring_file_memory(struct tw_ring_file *file, struct tw_memory *memory)
{
	*memory = (struct tw_memory){
		.base = file->base,
		.size = file->size,
		.context = file,
		.read = file_read,
		.write = file->writable ? file_write : NULL,
	};
}

bool tw_ring_file_lost(const struct tw_ring_file *file)
{
	return tw_load_relaxed(&windows[file->window].lost);
}
