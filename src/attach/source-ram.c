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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

struct ram_file {
	struct tw_ring_file file;
	int fd;
	char *path; /* absolute */
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
	uint8_t *to = memory->base + place;
	uint64_t word;

	/* A state byte, a beacon: its producer loads it at any moment. */
	if (size == 1) {
		tw_store_relaxed(to, *(const uint8_t *)from);
	} else if (size == 8 && (uintptr_t)to % 8 == 0) {
		memcpy(&word, from, sizeof(word));
		tw_store_relaxed_u64((uint64_t *)(void *)to, word);
	} else {
		memcpy(to, from, size);
	}
	return 0;
}

static bool is_alive(struct tw_ram_memory *memory)
{
	const struct ram_file *ram = memory->source;

	return !tw_ring_file_lost(&ram->file);
}

/* Another reader of it, such as a recorder. */
static bool is_our_program(pid_t pid)
{
	struct stat own, other;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return !stat("/proc/self/exe", &own) && !stat(path, &other) &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/* The file can't say, but who has it mapped can be seen. */
static int is_in_use(struct tw_ram_memory *memory)
{
	const struct ram_file *ram = memory->source;
	const struct tw_ring_file *file = &ram->file;
	pid_t *list;
	size_t count = tw_processes_list(&list);
	int in_use = count ? 0 : -EACCES;

	for (size_t i = 0; in_use != 1 && i < count; i++) {
		int maps = tw_process_maps(list[i], ram->path, file->device,
					   file->inode);

		if (maps > 0 && !is_our_program(list[i]))
			in_use = 1;
		else if (maps == -EACCES || maps == -EPERM)
			in_use = -EACCES;
	}
	free(list);
	return in_use;
}

static void close_ram(struct tw_ram_memory *memory)
{
	struct ram_file *ram = memory->source;

	tw_ring_file_close(&ram->file);
	close(ram->fd);
	free(ram->path);
	free(ram);
}

static const struct tw_ram_ops ram_ops = {
	.refresh = refresh,
	.present = present,
	.read = read_ram,
	.write = write_ram,
	.is_alive = is_alive,
	.is_in_use = is_in_use,
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
	if (err || !ram || !range) {
		free(path);
		free(ram);
		free(range);
		return err;
	}
	ram->path = path;
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
