/* SPDX-License-Identifier: MIT */
/* Directories and processes for the tests of src/attach. */
#include "producer.h"

#include "../../../src/attach/source.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int test_dir_create(struct test_dir *dir)
{
	strcpy(dir->path, "/tmp/trackway-test-XXXXXX");
	if (!mkdtemp(dir->path))
		return -1;
	return setenv("TRACKWAY_DIR", dir->path, 1);
}

int test_dir_remove(struct test_dir *dir)
{
	DIR *stream = opendir(dir->path);
	const struct dirent *entry;

	if (!stream)
		return -1;
	while ((entry = readdir(stream)))
		if (unlinkat(dirfd(stream), entry->d_name, 0))
			unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR);
	closedir(stream);
	return rmdir(dir->path);
}

const char *test_dir_file(struct test_dir *dir, const char *name)
{
	snprintf(dir->file, sizeof(dir->file), "%s/%s", dir->path, name);
	return dir->file;
}

_Noreturn static void be_producer(const char *path, int go, int ready)
{
	char byte = 0;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(go, &byte, 1) != 1)
		_exit(1);
	fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (path && (fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_SHARED, fd, 0) == MAP_FAILED))
		_exit(1);
	if (write(ready, &byte, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static bool make_ring(pid_t pid, const char *path, const char *name)
{
	struct made_ring ring;
	uint64_t start;
	bool ok;

	if (tw_process_start_time(pid, &start))
		return false;
	made_ring_init(&ring, false, name, pid, start);
	ok = made_ring_write(&ring, ring.size, path);
	made_ring_free(&ring);
	return ok;
}

pid_t test_producer_start(const char *path, const char *name, bool make)
{
	int go[2], ready[2];
	char byte = 1;
	pid_t pid;
	bool ok;

	if (pipe2(go, O_CLOEXEC) || pipe2(ready, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		be_producer(path, go[0], ready[1]);
	}
	close(ready[1]);
	ok = pid > 0 && (!make || make_ring(pid, path, name)) &&
	     write(go[1], &byte, 1) == 1 && read(ready[0], &byte, 1) == 1;
	close(go[0]);
	close(go[1]);
	close(ready[0]);
	if (ok)
		return pid;
	if (pid > 0)
		test_producer_kill(pid);
	return -1;
}

void test_producer_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
