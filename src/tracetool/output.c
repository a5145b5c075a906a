/* SPDX-License-Identifier: MIT */
/* Generated text, and how it gets into a file: all of it or none. */

#include "output.h"

#include "../schema/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

void tw_output_expect(struct tw_output *out, size_t size)
{
	if (size < HUGE_PAGE || size > SIZE_MAX / 2)
		return;
	size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	out->text.data = aligned_alloc(HUGE_PAGE, size);
	if (!out->text.data)
		return;
	out->text.room = size;
	/* A hint: a fault for each small page is a fifth of all the time. */
	(void)madvise(out->text.data, size, MADV_HUGEPAGE);
}

void tw_output_number(struct tw_output *out, unsigned number)
{
	char digits[TW_DECIMAL_MAX];
	char *at = digits + sizeof(digits);

	/* Places in tables, mostly: a few digits each. */
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	tw_output_bytes(out, at, (size_t)(digits + sizeof(digits) - at));
}

void tw_output_again(struct tw_output *out, size_t begin, size_t end)
{
	size_t size = end - begin;

	/* Reserved first, since that may move what is to be copied. */
	if (!tw_text_reserve(&out->text, size))
		return;
	memcpy(out->text.data + out->text.size, out->text.data + begin, size);
	out->text.size += size;
}

void tw_output_add(struct tw_output *out, const char *format, ...)
{
	const char *percent = format;
	va_list args;

	va_start(args, format);
	for (;;) {
		percent = strchrnul(percent, '%');
		if (percent != format)
			tw_output_bytes(out, format,
					(size_t)(percent - format));
		if (!*percent)
			break;
		if (percent[1] == 's') {
			tw_output_text(out, va_arg(args, const char *));
		} else if (percent[1] == 'u') {
			tw_output_number(out, va_arg(args, unsigned));
		} else {
			out->text.failed = true;
			break;
		}
		format = percent += 2;
	}
	va_end(args);
}

uint32_t tw_output_line(struct tw_output *out)
{
	const char *end = out->text.data + out->text.size;
	const char *at = out->text.data + out->counted;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		out->lines++;
		out->counted = (size_t)(at - out->text.data);
	}
	return out->lines + 1;
}

static int write_all(int fd, const struct tw_text *text)
{
	size_t done = 0;

	while (done < text->size) {
		ssize_t count = write(fd, text->data + done, text->size - done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		done += (size_t)count;
	}
	return 0;
}

/* Write and close; a failing close() is a failed write. */
static int write_and_close(int fd, const struct tw_text *text)
{
	int error = write_all(fd, text);

	if (close(fd) != 0 && error == 0)
		error = -errno;
	return error;
}

static int write_in_place(const char *path, const struct tw_text *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : write_and_close(fd, text);
}

/* Whether the file holds just this text. In doubt: no. */
static bool is_same(const char *path, const struct tw_text *text)
{
	char buffer[16384];
	size_t done = 0;
	bool same = false;
	FILE *file = fopen(path, "rbe");

	if (!file)
		return false;
	for (;;) {
		size_t count = fread(buffer, 1, sizeof(buffer), file);

		if (count == 0) {
			same = !ferror(file) && done == text->size;
			break;
		}
		if (count > text->size - done ||
		    memcmp(buffer, text->data + done, count) != 0)
			break;
		done += count;
	}
	fclose(file);
	return same;
}

/*
 * A new file beside path, with the rights that the umask gives (mkstemp()'s
 * would be the owner's alone). Its name, to be freed in any case, goes to
 * *name.
 */
static int create_beside(const char *path, char **name)
{
	size_t room = strlen(path) + 48;
	int fd = -1;

	*name = malloc(room);
	if (!*name)
		return -ENOMEM;
	for (unsigned attempt = 0; attempt < 100 && fd < 0; attempt++) {
		snprintf(*name, room, "%s.%ld.%u.tmp", path, (long)getpid(),
			 attempt);
		fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd < 0 ? -errno : fd;
}

static int replace(const char *path, const struct tw_text *text)
{
	char *name;
	int error;
	int fd = create_beside(path, &name);

	if (fd < 0) {
		free(name);
		return fd;
	}
	error = write_and_close(fd, text);
	if (error == 0 && rename(name, path) != 0)
		error = -errno;
	if (error != 0)
		unlink(name);
	free(name);
	return error;
}

int tw_output_save(const struct tw_output *out, const char *path)
{
	struct stat status;
	char *target;
	int error;

	if (out->text.failed)
		return -ENOMEM;
	if (stat(path, &status) != 0)
		return replace(path, &out->text);
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return write_in_place(path, &out->text);
	if (is_same(path, &out->text))
		return 0;
	/* The file behind a symbolic link is replaced, not the link. */
	target = realpath(path, NULL);
	if (!target)
		return -errno;
	error = replace(target, &out->text);
	free(target);
	return error;
}

int tw_output_print(const struct tw_output *out, FILE *stream)
{
	if (out->text.failed)
		return -ENOMEM;
	errno = 0;
	if (fwrite(out->text.data, 1, out->text.size, stream) !=
		    out->text.size ||
	    fflush(stream) != 0)
		return errno ? -errno : -EIO;
	return 0;
}
