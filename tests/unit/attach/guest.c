/* SPDX-License-Identifier: MIT */
/* A guest's memory for tests: see guest.h. */
#include "guest.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A shared mapping is filled in by whoever touches it: the VM's page table says
 * what the VM has touched, so it touches all. */
static void run_child(const uint8_t *bytes, size_t size, int ready)
{
	volatile uint8_t sum = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* As QEMU does, which tells a guest's memory from the VMM's own. */
	madvise((void *)(uintptr_t)bytes, size, MADV_DONTFORK);
	for (size_t i = 0; i < size; i += 4096)
		sum = (uint8_t)(sum + *(const volatile uint8_t *)(bytes + i));
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void start_child(struct guest *guest)
{
	int ready[2];
	char byte;

	assert_false(pipe(ready));
	guest->pid = fork();
	assert_true(guest->pid >= 0);
	if (guest->pid == 0)
		run_child(guest->bytes, guest->size, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

void guest_start(struct guest *guest, enum guest_kind kind,
		 struct test_dir *dir, size_t size)
{
	const char *path = test_dir_file(dir, "memory");
	int flags = MAP_SHARED;
	int fd = -1;

	*guest = (struct guest){.kind = kind, .size = size};
	if (kind == GUEST_VM) {
		flags |= MAP_ANONYMOUS;
	} else {
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		assert_false(ftruncate(fd, (off_t)size));
	}
	guest->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	assert_true(guest->bytes != MAP_FAILED);
	if (fd >= 0)
		close(fd);
	if (kind == GUEST_VM) {
		start_child(guest);
		guest->start = (uintptr_t)guest->bytes;
		snprintf(guest->spec, sizeof(guest->spec), "vm:%d",
			 (int)guest->pid);
	} else {
		snprintf(guest->spec, sizeof(guest->spec), "%s:%s",
			 kind == GUEST_RAM ? "ram" : "image", path);
	}
}

void guest_stop(struct guest *guest)
{
	if (guest->pid) {
		kill(guest->pid, SIGKILL);
		waitpid(guest->pid, NULL, 0);
	}
	munmap(guest->bytes, guest->size);
}

void guest_put(struct guest *guest, size_t at, const struct made_ring *ring)
{
	assert_true(at + ring->size <= guest->size);
	memcpy(guest->bytes + at, ring->bytes, ring->size);
}
