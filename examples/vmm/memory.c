/* SPDX-License-Identifier: MIT */
/* The guest's memory: anonymous and shared, so that trackway finds it. */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STRING_SIZE 256
#define STRING_COUNT 10 /* arguments of an event */

int memory_open(struct memory *memory)
{
	void *base = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return -errno;
	memory->base = base;
	memory->size = MEMORY_SIZE;
	return 0;
}

void memory_close(struct memory *memory)
{
	if (memory->base)
		munmap(memory->base, memory->size);
	memory->base = NULL;
}

int memory_load(struct memory *memory, const char *path)
{
	uint64_t at = MEMORY_IMAGE;
	ssize_t got;
	int err = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (at < memory->size) {
		got = read(fd, memory->base + at, memory->size - at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			err = got < 0 ? -errno : 0;
			break;
		}
		at += (uint64_t)got;
	}
	if (!err && at == MEMORY_IMAGE)
		err = -ENOEXEC;
	if (at == memory->size)
		err = -EFBIG;
	close(fd);
	return err;
}

const char *memory_string(const struct memory *memory, uint64_t address)
{
	static char strings[STRING_COUNT][STRING_SIZE];
	static unsigned int next;
	char *string = strings[next++ % STRING_COUNT];
	size_t room = STRING_SIZE - 1;
	size_t size;

	if (address >= memory->size)
		return address ? "(bad address)" : "";
	if (room > memory->size - address)
		room = (size_t)(memory->size - address);
	size = strnlen((const char *)memory->base + address, room);
	memcpy(string, memory->base + address, size);
	string[size] = '\0';
	return string;
}
