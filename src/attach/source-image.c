/* SPDX-License-Identifier: MIT */
/*
 * A raw dump of memory, as QEMU's pmemsave writes it: a file that is read piece
 * by piece and never written to. Nothing is mapped, so it may be on any file
 * system and of any size, and may get shorter under our eyes: what is gone
 * can't be read.
 */
#include "ram-source.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ELF_MAGIC "\177ELF"

bool tw_ram_present_in_file(int fd, uint64_t *from, uint64_t *to)
{
	off_t data = lseek(fd, (off_t)*from, SEEK_DATA);
	off_t hole;

	/* Where holes can't be asked for, all is data. */
	if (data < 0)
		return errno == EINVAL;
	if ((uint64_t)data >= *to)
		return false;
	*from = (uint64_t)data;
	hole = lseek(fd, data, SEEK_HOLE);
	if (hole > data && (uint64_t)hole < *to)
		*to = (uint64_t)hole;
	return true;
}

static int fd_of(const struct tw_ram_memory *memory)
{
	return *(const int *)memory->source;
}

static int refresh(struct tw_ram_memory *memory)
{
	return 0;
}

static bool present(struct tw_ram_memory *memory, uint64_t *from, uint64_t *to)
{
	return tw_ram_present_in_file(fd_of(memory), from, to);
}

static int read_image(struct tw_ram_memory *memory, uint64_t place, void *to,
		      size_t size)
{
	while (size) {
		ssize_t got = pread(fd_of(memory), to, size, (off_t)place);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		to = (char *)to + got;
		place += (uint64_t)got;
		size -= (size_t)got;
	}
	return 0;
}

static bool is_alive(struct tw_ram_memory *memory)
{
	return false;
}

static void close_image(struct tw_ram_memory *memory)
{
	close(fd_of(memory));
	free(memory->source);
}

static const struct tw_ram_ops image_ops = {
	.refresh = refresh,
	.present = present,
	.read = read_image,
	.is_alive = is_alive,
	.close = close_image,
};

static int check_file(int fd, struct stat *status, const char *spec,
		      struct tw_attach_error *error)
{
	char start[4] = "";

	if (fstat(fd, status))
		return tw_attach_fail(error, -errno, "%s: cannot look at: %s",
				      spec, strerror(errno));
	if (!S_ISREG(status->st_mode))
		return tw_attach_fail(error, -EINVAL, "%s: not a file", spec);
	if (status->st_size == 0)
		return tw_attach_fail(error, -ENODATA, "%s: empty", spec);
	if (pread(fd, start, sizeof(start), 0) == sizeof(start) &&
	    !memcmp(start, ELF_MAGIC, sizeof(start)))
		return tw_attach_fail(error, -EINVAL,
				      "%s: an ELF file, such as a core, which "
				      "can't be read yet; dump the memory raw "
				      "(QEMU's pmemsave)",
				      spec);
	return 0;
}

int tw_ram_open_image(struct tw_ram_memory *memory, const char *spec,
		      const char *rest, struct tw_attach_error *error)
{
	int *source = malloc(sizeof(*source));
	struct tw_ram_range *range = calloc(1, sizeof(*range));
	/* NONBLOCK for a FIFO, which is then refused. */
	int fd = open(rest, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status = {0};
	int err;

	if (fd < 0)
		err = tw_attach_fail(error, -errno, "%s: %s", spec,
				     errno == ENOENT ? "no such file"
						     : strerror(errno));
	else if (!source || !range)
		err = tw_attach_fail(error, -ENOMEM, "%s: out of memory", spec);
	else
		err = check_file(fd, &status, spec, error);
	if (err || !source || !range) {
		if (fd >= 0)
			close(fd);
		free(source);
		free(range);
		return err;
	}
	*source = fd;
	range->end = (uint64_t)status.st_size;
	*memory = (struct tw_ram_memory){
		.ops = &image_ops,
		.source = source,
		.ranges = range,
		.range_count = 1,
	};
	return 0;
}
