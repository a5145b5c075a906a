/* SPDX-License-Identifier: MIT */
/*
 * Event patterns, as QEMU matches them: "*" is any run of characters, "?" any
 * one, all else itself. No brackets, no escapes. Freestanding, no recursion,
 * at most strlen(pattern) * strlen(text) steps.
 */
#ifndef TRACKWAY_RING_GLOB_H
#define TRACKWAY_RING_GLOB_H

#include <trackway/types.h>

/* 1 if text matches as a whole, else 0. */
int tw_glob_match(const char *pattern, const char *text);

/* The same for a pattern that ends after pattern_size bytes. */
int tw_glob_match_n(const char *pattern, size_t pattern_size, const char *text);

/* 1 if the pattern has a "*" or "?" and so may match several names. */
int tw_glob_has_wildcard(const char *pattern);

#endif
