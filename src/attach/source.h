/* SPDX-License-Identifier: MIT */
/*
 * Inside of src/attach: what a source gives to attach.c. All functions return 0
 * or a negative errno unless they say otherwise, and those that take an error
 * fill it in with one line.
 */
#ifndef TRACKWAY_ATTACH_SOURCE_H
#define TRACKWAY_ATTACH_SOURCE_H

#include "attach.h"

/* Fill in error and return code, which is a negative errno. error may be NULL.
 */
int tw_attach_fail(struct tw_attach_error *error, int code, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));

/* ---- attach.c ---- */

/* tw_attach_open() of a path, writable if that can be had. */
int tw_attach_open_path(const char *path, struct tw_attach **attach,
			struct tw_attach_error *error);

/* ---- find.c ---- */

enum tw_spec_kind {
	TW_SPEC_PID,
	TW_SPEC_NAME,
	TW_SPEC_PATH,
};

struct tw_spec {
	enum tw_spec_kind kind;
	pid_t pid;
	const char *text; /* the name or path, in what was parsed */
};

/* What a TARGET argument says, without looking whether it exists. */
int tw_spec_parse(const char *text, struct tw_spec *spec,
		  struct tw_attach_error *error);

/* ---- source-file.c: a ring file, mapped ---- */

struct tw_ring_file {
	void *base;
	size_t size;
	bool writable;
	dev_t device;
	ino_t inode;
	int window; /* index of its entry for the SIGBUS handler */
};

/*
 * Map the ring file at path, writable if that can be had. Symbolic links, and
 * all that is no regular file, are refused without being opened.
 */
int tw_ring_file_open(struct tw_ring_file *file, const char *path,
		      struct tw_attach_error *error);
void tw_ring_file_close(struct tw_ring_file *file);

/*
 * The same of any file that isn't empty, whatever is in it; *fd is a descriptor
 * of it, to be closed by the caller.
 */
int tw_ring_file_open_any(struct tw_ring_file *file, const char *path, int *fd,
			  struct tw_attach_error *error);

/* What ring-read.h wants; the file must stay where it is. */
void tw_ring_file_memory(struct tw_ring_file *file, struct tw_memory *memory);

/* True once some of the mapping could not be had: a truncated file. */
bool tw_ring_file_lost(const struct tw_ring_file *file);

/* ---- source-process.c: processes, and where their rings are ---- */

/* The process behind a ring. */
struct tw_process {
	pid_t pid;
	uint64_t start;	    /* field 22 of /proc/PID/stat; 0: not known */
	int fd;		    /* a pidfd, or -1 */
	uint64_t looked_ns; /* when its mappings were last looked at */
	dev_t device;	    /* of the ring file */
	ino_t inode;
	char *path;
	bool gone;
};

/* -ESRCH: no such process; -EACCES: another user's, and we are not root. */
int tw_process_check_owner(pid_t pid, const char *spec,
			   struct tw_attach_error *error);

/* -ENOENT: no such process (or a zombie); 0 and its start time. */
int tw_process_start_time(pid_t pid, uint64_t *start);

/* All processes that can be seen; *list is freed by the caller, NULL if none.
 */
size_t tw_processes_list(pid_t **list);

/* 1 if the process maps this file, 0 if not, or a negative errno. */
int tw_process_maps(pid_t pid, const char *path, dev_t device, ino_t inode);

/*
 * Begin to watch pid, if it is the process that started at start and has the
 * file mapped (or that can't be seen). start 0: whichever has it mapped for
 * certain. -ESRCH if it is not. path is absolute.
 */
int tw_process_watch(struct tw_process *process, pid_t pid, uint64_t start,
		     const char *path, const struct tw_ring_file *file);
void tw_process_unwatch(struct tw_process *process);
bool tw_process_is_alive(struct tw_process *process);

/* The ring files that a process has mapped, for one that no directory has. */
int tw_process_ring_path(pid_t pid, char **path);

/*
 * Sleep until *head (in the mapping) is no longer raw, at most slice_ms.
 * waiters is NULL where it can't be written. 0 or -EINTR.
 */
int tw_process_wait_head(const uint32_t *head, uint32_t raw, uint32_t *waiters,
			 int slice_ms);

/*
 * Paths of all files that may be ring files: "*.ring" in the runtime
 * directories, sorted. Freed with tw_paths_destroy().
 */
int tw_paths_list(char ***paths, size_t *count, struct tw_attach_error *error);
void tw_paths_destroy(char **paths, size_t count);

/* ---- source-channel.c: a stream of frames ---- */

struct tw_channel_source;

/* Its ring's memory, for an attach, which closes it with
 * tw_channel_source_close(). */
void tw_channel_source_hold(struct tw_channel_source *channel,
			    struct tw_memory *memory);

/* Read what there is, as far as the ring has room. */
void tw_channel_source_pump(struct tw_channel_source *channel);

/* Whether more may come. */
bool tw_channel_source_is_alive(const struct tw_channel_source *channel);

/* A state byte has changed. */
void tw_channel_source_switched(struct tw_channel_source *channel);

/* Sleep until there is something to read, 100 ms and left_ms at most, and read
 * it. 0 or -EINTR. */
int tw_channel_source_wait(struct tw_channel_source *channel, int64_t left_ms);

#endif
