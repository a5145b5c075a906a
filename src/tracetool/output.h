/* SPDX-License-Identifier: MIT */
/*
 * Generated text: gathered in memory, and only when it is whole put where it
 * belongs, so that an error never leaves half a file behind.
 */
#ifndef TRACKWAY_TRACETOOL_OUTPUT_H
#define TRACKWAY_TRACETOOL_OUTPUT_H

#include "../schema/format.h"

#include <stdio.h>
#include <string.h>

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

/*
 * Append text as it is. For what is written for every event: of a literal the
 * compiler knows the size, and copies it without a call.
 */
static inline __attribute__((always_inline)) void tw_output_bytes(
	struct tw_output *out, const char *bytes, size_t size)
{
	struct tw_text *text = &out->text;

	/* Not enough, or, as with no room at all, just enough. */
	if (size >= text->room - text->size) {
		tw_text_add(text, bytes, size);
		return;
	}
	memcpy(text->data + text->size, bytes, size);
	text->size += size;
}

static inline __attribute__((always_inline)) void tw_output_text(
	struct tw_output *out, const char *text)
{
	tw_output_bytes(out, text, strlen(text));
}

void tw_output_number(struct tw_output *out, unsigned number);

/* Append again what was appended since the text had begin bytes, up to where it
 * had end. */
void tw_output_again(struct tw_output *out, size_t begin, size_t end);

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
