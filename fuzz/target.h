/* SPDX-License-Identifier: MIT */
/*
 * What a fuzz target is: a function over some bytes, called by libFuzzer or, as
 * an ordinary test, by replay.c with the files of its corpus.
 */
#ifndef TRACKWAY_FUZZ_TARGET_H
#define TRACKWAY_FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Set where an input was sound to its end; seeds called good-* must be. */
extern bool fuzz_accepted;

/* What must never be: a crash, in either use. */
#define FUZZ_CHECK(condition)             \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

#endif
