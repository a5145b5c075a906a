/* SPDX-License-Identifier: MIT */
/* Small files that are always whole, whenever somebody looks or dies. */
#ifndef TRACKWAY_TRACE_REPLACE_H
#define TRACKWAY_TRACE_REPLACE_H

#include <stddef.h>

/*
 * Give the file name in the directory dirfd this content: written beside it
 * (as ".NAME.new"), then moved over it. 0 or a negative errno; then the file is
 * as it was.
 */
int tw_file_replace(int dirfd, const char *name, const void *data, size_t size);

#endif
