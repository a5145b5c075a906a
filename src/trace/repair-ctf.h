/* SPDX-License-Identifier: MIT */
/*
 * A CTF trace of which libbabeltrace2 refuses to read anything, since the
 * packets of one of its stream files can't all be found: as much of it as can
 * be read, in a directory of its own.
 */
#ifndef TRACKWAY_TRACE_REPAIR_CTF_H
#define TRACKWAY_TRACE_REPAIR_CTF_H

#include <stdbool.h>
#include <stddef.h>

struct tw_ctf_repair;

struct tw_ctf_repair_hooks {
	/* Whether the trace in this directory can be read. */
	bool (*is_readable)(void *context, const char *path);
	/* A line, with no newline, on what of the trace is missing. */
	void (*say)(void *context, const char *line);
	void *context;
};

/*
 * Repair the trace in the directory path, which stays as it is. 0; -EBADMSG:
 * nothing of it can be read; or another negative errno. *repair is freed, and
 * what it has made removed, with tw_ctf_repair_destroy(): when nobody reads it
 * any more.
 */
int tw_ctf_repair_create(const char *path,
			 const struct tw_ctf_repair_hooks *hooks,
			 struct tw_ctf_repair **repair);
void tw_ctf_repair_destroy(struct tw_ctf_repair *repair);

/* The directory to be read instead. */
const char *tw_ctf_repair_path(const struct tw_ctf_repair *repair);

#endif
