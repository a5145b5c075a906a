/* SPDX-License-Identifier: MIT */
/*
 * One conversion of a printf format, as format.c runs it and scan.c undoes it.
 */
#ifndef TRACKWAY_SCHEMA_CONVERSION_H
#define TRACKWAY_SCHEMA_CONVERSION_H

#include "event.h"

#define TW_CONVERSION_CAP 512 /* of widths, and of numbers' precisions */

enum tw_conversion_flags {
	TW_CONVERSION_LEFT = 1,
	TW_CONVERSION_PLUS = 2,
	TW_CONVERSION_SPACE = 4,
	TW_CONVERSION_ALTERNATE = 8,
	TW_CONVERSION_ZERO = 16,
};

/* Instead of a width or a precision. */
#define TW_CONVERSION_NONE (-1)
#define TW_CONVERSION_FIELD (-2) /* a "*" */

/* As written, then as its field has it. */
struct tw_conversion {
	char letter;
	uint8_t flags;
	int16_t width;	   /* 0 to CAP, or one of the above */
	int16_t precision; /* the same */
	uint8_t narrow;	   /* 8 for hh, 16 for h, else 0 */
};

/* Read what follows a "%"; returns its end, or NULL if it is no conversion. */
const char *tw_conversion_read(const char *at, struct tw_conversion *c);

/* Make of it what its field's kind can be shown by. */
void tw_conversion_fit(struct tw_conversion *c, const struct tw_field *field);

/* The letter that a field is shown by when its format's doesn't fit. */
char tw_conversion_letter(const struct tw_field *field);

#endif
