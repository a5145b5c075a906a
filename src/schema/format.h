/* SPDX-License-Identifier: MIT */
/*
 * printf without printf: an event's format, compiled once, run over packed
 * fields. Formats and fields may be hostile; the worst they do is read oddly.
 */
#ifndef TRACKWAY_SCHEMA_FORMAT_H
#define TRACKWAY_SCHEMA_FORMAT_H

#include "event.h"

/* A growing buffer of text; zero-filled is empty. Free data with free(). */
struct tw_text {
	char *data;
	size_t size; /* bytes used; data is not NUL-terminated */
	size_t room;
	bool failed; /* out of memory: some text is missing */
};

void tw_text_add(struct tw_text *text, const char *bytes, size_t size);
void tw_text_add_string(struct tw_text *text, const char *string);
/* Bytes as they may reach a terminal: control and non-ASCII bytes that are not
 * valid printable UTF-8 as \n, \t, \x1b ... and the backslash doubled. */
void tw_text_add_escaped(struct tw_text *text, const char *bytes, size_t size);
void tw_text_add_u64(struct tw_text *text, uint64_t value);
/*
 * Where to write up to room more bytes; what was written is added to
 * text->size by the caller. NULL (and failed is set) without memory.
 */
char *tw_text_reserve(struct tw_text *text, size_t room);

struct tw_format;

/*
 * Compile an event's format; without one, "a=%d b=0x%x" style is made up from
 * the fields. Conversions: d i u x X o c s p f F e E g G a A %; flags
 * "-+ #0'"; width and precision, "*" included; length modifiers are accepted
 * and, but for hh and h, the field's own size rules. What does not fit its
 * field prints the field by its kind; a conversion with no field left prints
 * as it is written; fields that no conversion takes are not shown. Of bytes %s
 * shows a hex dump ("0a 1b", "..." behind what is as long as bytes can be), of
 * a value that has a name its name, else its number. *format is
 * freed with tw_format_destroy(). 0 or -ENOMEM. event must outlive it.
 */
int tw_format_compile(const struct tw_event_desc *event,
		      struct tw_format **format);
void tw_format_destroy(struct tw_format *format);

/*
 * The letter of the conversion that takes each of an event's fields; 0 if none
 * does, or if it is taken as a width or a precision.
 */
void tw_format_letters(const struct tw_event_desc *event,
		       char letters[TW_FIELDS_MAX]);

/*
 * Append the message (no newline, escaped) to text. fields: the event's packed
 * bytes, already checked by tw_fields_size() to be size long. swap: they are of
 * the other byte order. Widths, and precisions of numbers, are capped at 512.
 * Floats follow LC_NUMERIC. A value shows max(32, its field's) bits, or 8 and
 * 16 with hh and h.
 */
void tw_format_run(const struct tw_format *format, const uint8_t *fields,
		   size_t size, bool swap, struct tw_text *text);

#endif
