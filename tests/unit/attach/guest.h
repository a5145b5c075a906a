/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory for tests of src/attach, in each of the ways in which it can
 * be had: bytes is the memory as the guest sees it, live.
 */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include "producer.h"

#include <stddef.h>

enum guest_kind {
	GUEST_RAM,   /* a file that is mapped */
	GUEST_IMAGE, /* a file that is read */
	GUEST_VM,    /* a child process that has it mapped */
	GUEST_KINDS,
};

struct guest {
	enum guest_kind kind;
	uint8_t *bytes;
	size_t size;
	pid_t pid;	/* of the child, else 0 */
	uint64_t start; /* place of bytes[0] */
	char spec[PATH_MAX + 16];
};

/* Zeroed memory; guest_stop() it. Fails the test where it can't be had. */
void guest_start(struct guest *guest, enum guest_kind kind,
		 struct test_dir *dir, size_t size);
void guest_stop(struct guest *guest);

/* Copy a ring to offset at of the memory. */
void guest_put(struct guest *guest, size_t at, const struct made_ring *ring);

#endif
