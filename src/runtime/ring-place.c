/* SPDX-License-Identifier: MIT */
/*
 * A ring in memory that is there already (TRACKWAY_RING): a file of a fixed
 * size, such as the BAR of a device through which a virtual machine shares
 * memory with its host. The file is neither made nor resized nor removed, and
 * holds whatever the last producer left.
 *
 * A lock on the file (flock) keeps a second program out. It belongs to the open
 * file, which the mapping holds on to, so that the descriptor need not be kept
 * and the kernel takes the lock away with the process.
 */
#include "runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LANES_SMALL 128u
#define GROUPS_SMALL 64u
#define HEAP_MIN (32u << 10)

/* Where little is to be had, little of it goes to tables. */
static int choose_layout(uint64_t size)
{
	struct tw_ring_layout *layout = &tw_runtime.layout;
	const bool small = size < (4u << 20);
	uint64_t heap_size = size / 8;

	layout->control_size = sizeof(struct tw_ring_control);
	layout->lane_count = small ? LANES_SMALL : TW_LANES;
	layout->group_capacity = small ? GROUPS_SMALL : TW_GROUPS;
	layout->heap_size = heap_size < HEAP_MIN       ? HEAP_MIN
			    : heap_size > TW_HEAP_SIZE ? TW_HEAP_SIZE
						       : heap_size;
	layout->align = (uint64_t)sysconf(_SC_PAGESIZE);
	layout->page_size = tw_runtime_page_size(size);
	/* Two pages to begin with, to see where they start. */
	layout->page_count = 2;
	if (tw_ring_layout(layout) || layout->size > size)
		return -1;
	size = (size - layout->pages_offset) / layout->page_size;
	layout->page_count = size > INT32_MAX ? INT32_MAX : (uint32_t)size;
	return tw_ring_layout(layout);
}

/* A descriptor of the file, or -1 with errno. */
static int open_place(struct stat *st)
{
	int fd = open(tw_runtime.settings.place, O_RDWR | O_CLOEXEC | O_NOCTTY);
	int error = 0;

	if (fd < 0)
		return -1;
	if (fstat(fd, st))
		error = errno;
	else if (!S_ISREG(st->st_mode))
		error = EINVAL;
	if (!error)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

static void *map(int fd, uint64_t offset, uint64_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    (off_t)offset);
}

/* One more than that of the ring that lies there, which ends here. */
static void succeed_to(struct tw_ring_control *control)
{
	static const uint8_t inverted[] = TW_RING_MAGIC_INVERTED;
	struct tw_ring old = {.control = control};
	size_t i = 0;

	while (i < sizeof(inverted) &&
	       (control->magic[i] ^ inverted[i]) == 0xff)
		i++;
	tw_runtime.generation = 1;
	if (i == sizeof(inverted) && control->byte_order == TW_RING_BYTE_ORDER)
		tw_runtime.generation += control->generation;
	/* 0 would mean that nobody counts. */
	if (!tw_runtime.generation)
		tw_runtime.generation = 1;
	tw_ring_unpublish(&old);
	/* Who sees any of the new ring's stores, and then looks at the magic,
	 * sees that the old ring is gone. */
	tw_fence_release();
}

static const char *take(int fd, const struct stat *st, void **memory)
{
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		errno = EBUSY;
		return "a ring is in use in";
	}
	if (choose_layout((uint64_t)st->st_size)) {
		errno = ENOSPC;
		return "too small for a ring";
	}
	*memory = map(fd, 0, tw_runtime.layout.size);
	if (*memory == MAP_FAILED)
		return "can't map";
	if (!tw_ring_file_populate_tables(*memory)) {
		munmap(*memory, tw_runtime.layout.size);
		errno = ENOSPC;
		return "can't use the memory";
	}
	return NULL;
}

void *tw_ring_place_take(void)
{
	const char *why = "can't open";
	void *memory = NULL;
	struct stat st;
	int error;
	int fd = open_place(&st);

	if (fd >= 0)
		why = take(fd, &st, &memory);
	error = errno;
	if (fd >= 0)
		close(fd);
	if (why) {
		tw_runtime_fail(why, tw_runtime.settings.place, error);
		errno = error;
		return NULL;
	}
	tw_runtime.inode = (uint64_t)st.st_ino;
	memcpy(tw_runtime.path, tw_runtime.settings.place,
	       strlen(tw_runtime.settings.place) + 1);
	succeed_to(memory);
	return memory;
}

void *tw_ring_place_map_again(uint64_t offset, size_t size)
{
	void *memory = MAP_FAILED;
	int saved_errno = errno;
	struct stat st;
	int fd = open_place(&st);

	if (fd >= 0) {
		if ((uint64_t)st.st_ino == tw_runtime.inode)
			memory = map(fd, offset, size);
		close(fd);
	}
	errno = saved_errno;
	return memory;
}
