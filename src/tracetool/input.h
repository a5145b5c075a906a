/* SPDX-License-Identifier: MIT */
/* A trace-events file, read whole. */
#ifndef TRACKWAY_TRACETOOL_INPUT_H
#define TRACKWAY_TRACETOOL_INPUT_H

#include <stddef.h>

/*
 * Read the file into *text (to be freed, not NUL-terminated) and *size.
 * 0 or a negative errno: -EISDIR, -EFBIG for more than TW_INPUT_MAX bytes, ...
 */
#define TW_INPUT_MAX ((size_t)256 << 20)
int tw_input_read(const char *path, char **text, size_t *size);

/* The same of an open file, which stays open. */
int tw_input_read_open(int fd, char **text, size_t *size);

#endif
