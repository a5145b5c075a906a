/* SPDX-License-Identifier: MIT */
/*
 * Generated text: gathered in memory, and only when it is whole put where it
 * belongs, so that an error never leaves half a file behind.
 */
#ifndef TRACKWAY_TRACETOOL_OUTPUT_H
#define TRACKWAY_TRACETOOL_OUTPUT_H

#include "../schema/format.h"

#include <stdio.h>

struct tw_output {
	struct tw_text text; /* freed by the owner */
	size_t counted;	     /* bytes whose newlines are in lines */
	uint32_t lines;
};

/*
 * Before the first text: expect size bytes. It is an estimate, which saves
 * time where it is good and does no harm where it isn't.
 */
void tw_output_expect(struct tw_output *out, size_t size);

/*
 * Append text. Only %s and %u (an unsigned int) are known in format; anything
 * else makes the text count as failed. Being out of memory does, too, and is
 * asked for once, at the end.
 */
__attribute__((format(printf, 2, 3))) void tw_output_add(struct tw_output *out,
							 const char *format,
							 ...);

/* The number, from 1, of the line that the next byte goes to. */
uint32_t tw_output_line(struct tw_output *out);

/*
 * Put the text into the file path: written beside it and renamed. A file that
 * holds it already is left alone, times included; what is no regular file (a
 * pipe, a device) is written to as it is. 0 or a negative errno; then an old
 * file is as it was, and no new one there.
 */
int tw_output_save(const struct tw_output *out, const char *path);

/* Write and flush the text to a stream. 0 or a negative errno. */
int tw_output_print(const struct tw_output *out, FILE *stream);

#endif
