/* SPDX-License-Identifier: MIT */
/*
 * A shop's database at work: a thread that takes orders and moves money, and
 * one that makes reports, over a database with a write-ahead log and a second,
 * the ledger, with a rollback journal.
 */
#ifndef SQLITE_VFS_WORKLOAD_H
#define SQLITE_VFS_WORKLOAD_H

#include <signal.h>
#include <stdint.h>

struct workload {
	const char *path;	     /* of the database; the ledger's is
					PATH-ledger */
	double seconds;		     /* how long to work */
	volatile sig_atomic_t *stop; /* not 0: end early */

	uint64_t transactions; /* committed, on return */
	uint64_t queries;      /* run to their end, on return */
	double elapsed;	       /* seconds worked, on return */
	char error[256];       /* one line, on failure */
};

/* Returns 0, or -1 with error filled in. */
int workload_run(struct workload *workload);

#endif
