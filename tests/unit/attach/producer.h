/* SPDX-License-Identifier: MIT */
/* Directories and processes for the tests of src/attach. */
#ifndef TESTS_PRODUCER_H
#define TESTS_PRODUCER_H

#include "ring-maker.h"

#include <limits.h>

/* A fresh directory, made TRACKWAY_DIR; removed again with all its files. */
struct test_dir {
	char path[64];
	char file[PATH_MAX]; /* of the last test_dir_file() */
};

int test_dir_create(struct test_dir *dir);
int test_dir_remove(struct test_dir *dir);
const char *test_dir_file(struct test_dir *dir, const char *name);

/*
 * A child process that sleeps with the file at path mapped (NULL: nothing).
 * Where make is set, the file is first made a valid ring of the child's. The
 * child dies with its parent.
 */
pid_t test_producer_start(const char *path, const char *name, bool make);
/* Kill it and wait for it. */
void test_producer_kill(pid_t pid);

#endif
