/* SPDX-License-Identifier: MIT */
/*
 * The RAM of a VM as a file that the VMM shares (QEMU's memory-backend-file,
 * an ivshmem device's). It is mapped, so rings in it are as near as a traced
 * process's: words are loaded and exchanged at once. Holes are skipped, lest a
 * search fill them with memory.
 */
#include "ram-source.h"
#include "source.h"

#include "../ring/atomic.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

struct ram_file {
	struct tw_ring_file file;
	int fd;
};

static int refresh(struct tw_ram_memory *memory)
{
	return 0;
}

static bool present(struct tw_ram_memory *memory, uint64_t *from, uint64_t *to)
{
	const struct ram_file *ram = memory->source;

	return tw_ram_present_in_file(ram->fd, from, to);
}

static int read_ram(struct tw_ram_memory *memory, uint64_t place, void *to,
		    size_t size)
{
	memcpy(to, memory->base + place, size);
	return 0;
}

static int write_ram(struct tw_ram_memory *memory, uint64_t place,
		     const void *from, size_t size)
{
	/* A state byte: its producer loads it at any moment. */
	if (size == 1)
		tw_store_relaxed(memory->base + place, *(const uint8_t *)from);
	else
		memcpy(memory->base + place, from, size);
	return 0;
}

static bool is_alive(struct tw_ram_memory *memory)
{
	const struct ram_file *ram = memory->source;

	return !tw_ring_file_lost(&ram->file);
}

static void close_ram(struct tw_ram_memory *memory)
{
	struct ram_file *ram = memory->source;

	tw_ring_file_close(&ram->file);
	close(ram->fd);
	free(ram);
}

static const struct tw_ram_ops ram_ops = {
	.refresh = refresh,
	.present = present,
	.read = read_ram,
	.write = write_ram,
	.is_alive = is_alive,
	.close = close_ram,
};

/*
 * Huge pages can't be looked at without being allocated, nor can one that is
 * missing be replaced by a small page of zeros.
 */
static bool is_huge(int fd)
{
	struct statfs status;

	return !fstatfs(fd, &status) && status.f_type == HUGETLBFS_MAGIC;
}

static int open_path(struct ram_file *ram, const char *spec, const char *path,
		     struct tw_attach_error *error)
{
	struct stat status;
	int err;

	if (!stat(path, &status) && !S_ISREG(status.st_mode))
		return tw_attach_fail(error, -EINVAL, "%s: not a file", spec);
	err = tw_ring_file_open_any(&ram->file, path, &ram->fd, error);
	if (err || !is_huge(ram->fd))
		return err;
	tw_ring_file_close(&ram->file);
	close(ram->fd);
	return tw_attach_fail(error, -EOPNOTSUPP,
			      "%s: lies in huge pages: name the VM's process "
			      "instead, vm:PID",
			      spec);
}

int tw_ram_open_file(struct tw_ram_memory *memory, const char *spec,
		     const char *rest, struct tw_attach_error *error)
{
	/* The user has named it, so it may be a symbolic link. */
	char *path = realpath(rest, NULL);
	struct ram_file *ram = calloc(1, sizeof(*ram));
	struct tw_ram_range *range = calloc(1, sizeof(*range));
	int err;

	if (!path)
		err = tw_attach_fail(error, -errno, "%s: %s", spec,
				     errno == ENOENT ? "no such file"
						     : strerror(errno));
	else if (!ram || !range)
		err = tw_attach_fail(error, -ENOMEM, "%s: out of memory", spec);
	else
		err = open_path(ram, spec, path, error);
	free(path);
	if (err || !ram || !range) {
		free(ram);
		free(range);
		return err;
	}
	range->end = ram->file.size;
	range->writable = ram->file.writable;
	*memory = (struct tw_ram_memory){
		.ops = &ram_ops,
		.source = ram,
		.ranges = range,
		.range_count = 1,
		.base = ram->file.base,
		.writable = ram->file.writable,
	};
	return 0;
}
