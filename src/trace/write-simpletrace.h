/* SPDX-License-Identifier: MIT */
/*
 * Events as a file of QEMU's simple backend, version 4 (docs/foreign.md), which
 * simpletrace.py, its analyzers and our own reader of it read: the records of a
 * trace, in the order in which they come.
 *
 * An event's name gets a number when its first event is written: one for each
 * name and list of arguments, whatever their producers number them by. A time
 * is CLOCK_MONOTONIC, ns, of the producer's host; a pid the producer's. Strings
 * and bytes are cut at TW_SIMPLETRACE_STRING. All numbers are in this machine's
 * byte order.
 *
 * Whatever happens, the file ends with a whole record: after an error it is cut
 * back to the last one, as far as it can be, and the writer writes no more.
 * One thread's. Nobody is waited for at the beginning; of a pipe, its reader
 * may be later.
 */
#ifndef TRACKWAY_TRACE_WRITE_SIMPLETRACE_H
#define TRACKWAY_TRACE_WRITE_SIMPLETRACE_H

#include "read.h"

#define TW_SIMPLETRACE_STRING 512u /* bytes of one, at most */

struct tw_simpletrace;

/* What has been written, or is about to be. */
struct tw_simpletrace_totals {
	uint64_t events;
	uint64_t lost;	/* that the file says are missing */
	uint64_t bytes; /* of the file, with what it held before */
};

/*
 * Begin a file, mode 0600; what path held before is gone. With append, go on
 * behind what it holds: a file of this format and byte order, of whole records
 * but for the last, which is cut off if it is not whole; or nothing. *writer is
 * freed by tw_simpletrace_close(). 0, or a negative errno and one line in
 * *error: then *writer is NULL.
 */
int tw_simpletrace_create(const char *path, bool append,
			  struct tw_simpletrace **writer,
			  struct tw_attach_error *error);

/*
 * One more record of a trace that lives until the writer is closed: an event,
 * or how many are missing. It may stay in memory until the next flush. 0, or
 * the error of this or of an earlier write to the file.
 */
int tw_simpletrace_write(struct tw_simpletrace *writer,
			 const struct tw_record *record);

/* All that was written is in the file. 0, or an error as before. */
int tw_simpletrace_flush(struct tw_simpletrace *writer);

void tw_simpletrace_totals(const struct tw_simpletrace *writer,
			   struct tw_simpletrace_totals *totals);

/*
 * Flush, close and free. 0, or the first error that there was: then what came
 * from there on is not in the file. NULL is fine: 0.
 */
int tw_simpletrace_close(struct tw_simpletrace *writer);

#endif
