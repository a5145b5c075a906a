/* SPDX-License-Identifier: MIT */
/*
 * Where the host tells this firmware what to do, and asks for its counter: in
 * guest memory, which the host has as a file. Zeros at first; a reset leaves it
 * as it was.
 */
#ifndef TRUTH_MAILBOX_H
#define TRUTH_MAILBOX_H

#include <stdint.h>

#define MAILBOX_AT 0x3000000u /* below the x86-64 firmware's ring */

enum mailbox_flags {
	MAILBOX_SYNC = 1,  /* it calls tw_guest_sync() */
	MAILBOX_SLEEP = 2, /* it sleeps from beat to beat */
};

struct mailbox {
	/* The host's. */
	uint32_t flags;	 /* enum mailbox_flags */
	uint32_t period; /* ticks from event to event */
	uint64_t jump;	 /* by how much the ring's clock is off, mod 2^64 */
	uint64_t ask;	 /* some number */
	uint64_t reserved;
	/* The guest's. */
	uint64_t counter; /* the processor's, without the jump */
	uint64_t answer;  /* the number that it was read for */
	uint64_t jumped;  /* the jump that counts now */
};

#endif
