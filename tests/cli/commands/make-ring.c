/* SPDX-License-Identifier: MIT */
/*
 * make-ring PATH NAME PID [big|closed|newer|short]: leaves a ring file as of a
 * producer that is no more, with something odd about it.
 */
#include "../../unit/attach/ring-maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *odd = argc > 4 ? argv[4] : "";
	struct made_ring ring;
	bool ok;

	if (argc < 4) {
		fputs("usage: make-ring PATH NAME PID [ODDITY]\n", stderr);
		return 2;
	}
	made_ring_init(&ring, !strcmp(odd, "big"), argv[2], atoi(argv[3]), 1);
	if (!strcmp(odd, "closed"))
		MADE_RING_SET(&ring, flags, TW_RING_CLOSED);
	if (!strcmp(odd, "newer"))
		MADE_RING_SET(&ring, abi_major, TW_RING_ABI_MAJOR + 1);
	ok = made_ring_write(&ring,
			     strcmp(odd, "short") ? ring.size : ring.size / 2,
			     argv[1]);
	made_ring_free(&ring);
	return ok ? 0 : 1;
}
