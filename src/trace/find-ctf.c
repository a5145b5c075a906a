/* SPDX-License-Identifier: MIT */
/*
 * CTF traces in a directory and below it: a trace is where its metadata is, and
 * LTTng puts several into one session's directory. Links are not followed, and
 * neither depth nor number of directories is without a limit.
 *
 * Called by read-foreign.c; and what is told to add a directory comes here
 * first, so that reading one's own needs no reader of others'.
 */
#include "read-foreign.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 10
#define VISITS_MAX 4096
#define TRACES_MAX 1024

struct search {
	int (*found)(void *context, const char *path);
	void *context;
	bool own; /* Trackway's recordings too */
	uint32_t visits;
};

/* A packet of metadata, of either byte order, or metadata as text. */
static bool is_metadata(const char *path)
{
	static const uint8_t magics[2][4] = {
		{0x57, 0x1d, 0xd1, 0x75},
		{0x75, 0xd1, 0x1d, 0x57},
	};
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t bytes[6] = {0};
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, bytes, sizeof(bytes));
	close(fd);
	return got == sizeof(bytes) && (memcmp(bytes, magics[0], 4) == 0 ||
					memcmp(bytes, magics[1], 4) == 0 ||
					memcmp(bytes, "/* CTF", 6) == 0);
}

static int search(struct search *it, const char *path, unsigned int depth);

static int search_entry(struct search *it, const char *path, const char *name,
			unsigned int depth)
{
	struct stat status;
	char *sub;
	int got = 0;

	if (name[0] == '.')
		return 0;
	if (asprintf(&sub, "%s/%s", path, name) < 0)
		return -ENOMEM;
	if (!lstat(sub, &status) && S_ISDIR(status.st_mode))
		got = search(it, sub, depth + 1);
	free(sub);
	return got;
}

static bool has_file(const char *path, const char *name)
{
	char *file;
	bool there;

	if (asprintf(&file, "%s/%s", path, name) < 0)
		return false;
	there = access(file, F_OK) == 0;
	free(file);
	return there;
}

/* Ends with what found() returns, if that is not 0. */
static int search(struct search *it, const char *path, unsigned int depth)
{
	struct dirent **list;
	char *metadata;
	bool is_trace;
	int count, got = 0;

	if (depth > DEPTH_MAX || it->visits++ >= VISITS_MAX ||
	    (!it->own && has_file(path, TW_DOTFILE_NAME)))
		return 0;
	if (asprintf(&metadata, "%s/metadata", path) < 0)
		return -ENOMEM;
	is_trace = is_metadata(metadata);
	free(metadata);
	if (is_trace)
		return it->found(it->context, path);
	count = scandir(path, &list, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (!got)
			got = search_entry(it, path, list[i]->d_name, depth);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return got;
}

static int is_one(void *context, const char *path)
{
	return 1;
}

bool tw_ctf_is_in(const char *path)
{
	struct search it = {.found = is_one};

	return search(&it, path, 0) > 0;
}

struct adding {
	struct tw_trace *trace;
	struct tw_attach_error *error; /* the first */
	uint32_t count;
	uint32_t failed;
};

#define METADATA_HEADER 37

static uint32_t get32(const uint8_t *at, bool big)
{
	return big ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
			       (uint32_t)at[2] << 8 | at[3]
		   : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 |
			       (uint32_t)at[1] << 8 | at[0];
}

/* One packet: its size in bytes, 0 at the end, or -EBADMSG. */
static int64_t check_packet(int fd, uint64_t at, uint64_t size)
{
	uint8_t header[METADATA_HEADER];
	uint32_t content, packet;
	bool big;

	if (at == size)
		return 0;
	if (pread(fd, header, sizeof(header), (off_t)at) != sizeof(header))
		return -EBADMSG;
	big = header[0] == 0x75;
	if (get32(header, big) != 0x75d11d57)
		return -EBADMSG;
	content = get32(header + 24, big);
	packet = get32(header + 28, big);
	if (content % 8 || packet % 8 || content > packet ||
	    content / 8 < METADATA_HEADER || packet / 8 > size - at)
		return -EBADMSG;
	return packet / 8;
}

/*
 * libbabeltrace2 (2.0) never comes back from metadata whose last packet is not
 * whole: so that is looked for before.
 */
static int check_metadata(const char *path, struct tw_attach_error *error)
{
	struct stat status;
	uint8_t first = 0;
	uint64_t at = 0;
	int64_t got = 1;
	char *file;
	int fd;

	if (asprintf(&file, "%s/metadata", path) < 0)
		return tw_trace_fail(error, -ENOMEM, "%s: out of memory", path);
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	free(file);
	if (fd < 0 || fstat(fd, &status) || pread(fd, &first, 1, 0) != 1)
		got = -EBADMSG;
	while (got > 0 && first != '/') {
		got = check_packet(fd, at, (uint64_t)status.st_size);
		at += got > 0 ? (uint64_t)got : 0;
	}
	if (fd >= 0)
		close(fd);
	if (got < 0)
		return tw_trace_fail(
			error, -EBADMSG,
			"%s/metadata: no whole packet at byte %llu", path,
			(unsigned long long)at);
	return 0;
}

static int add_one(struct adding *adding, const char *path,
		   struct tw_attach_error *error)
{
	static const struct tw_foreign_options options;

	if (check_metadata(path, error))
		return -EBADMSG;
	return tw_foreign_add(adding->trace, &tw_foreign_ctf, "", path, NULL,
			      &options, error);
}

/* One that can't be read is no reason to leave the others. */
static int add(void *context, const char *path)
{
	struct adding *adding = context;
	struct tw_attach_error error;
	int err;

	if (adding->count++ == TRACES_MAX)
		return tw_trace_fail(adding->error, -E2BIG,
				     "%s: more than %d traces", path,
				     TRACES_MAX);
	err = add_one(adding, path, &error);
	if (!err)
		return 0;
	if (!adding->failed++)
		*adding->error = error;
	if (err != -EBADMSG)
		return err;
	tw_trace_warn(adding->trace, "%s", error.text);
	return 0;
}

int tw_ctf_add_all(struct tw_trace *trace, const char *path, bool own,
		   struct tw_attach_error *error)
{
	struct adding adding = {.trace = trace, .error = error};
	struct search it = {.found = add, .context = &adding, .own = own};
	const int err = search(&it, path, 0);

	if (err == -ENOMEM)
		return tw_trace_fail(error, err, "%s: out of memory", path);
	if (!err && !adding.count)
		return tw_trace_fail(error, -ENOENT, "%s: holds no trace",
				     path);
	/* *error is the first one's. */
	if (!err && adding.failed == adding.count)
		return -EBADMSG;
	return err;
}

/* ---- Directories of either kind ---- */

bool tw_trace_is_directory(const char *path)
{
	return tw_directory_is_own(path) || tw_ctf_is_in(path);
}

int tw_trace_add_directory(struct tw_trace *trace, const char *path,
			   struct tw_attach_error *error)
{
	const int count = tw_directory_add(trace, path, error);

	if (count)
		return count < 0 ? count : 0;
	return tw_ctf_add_all(trace, path, false, error);
}
