/* SPDX-License-Identifier: MIT */
/*
 * A format as it stands in a trace-events file: C string literals side by side,
 * with <inttypes.h>'s PRI macros between them.
 */
#ifndef TRACKWAY_SCHEMA_LITERAL_H
#define TRACKWAY_SCHEMA_LITERAL_H

#include <stdbool.h>
#include <stddef.h>

struct tw_literal_error {
	size_t at; /* offset in source */
	const char *message;
};

/*
 * What the C compiler would make of size bytes of source: literals joined,
 * escapes and PRI macros resolved. to has room for size bytes, which is always
 * enough. Returns the result's size, or -1 with *error: a broken literal, an
 * unknown word, or what QEMU forbids in a format (%m, a newline at its end, or
 * anywhere unless newlines is set).
 */
long tw_literal_resolve(const char *source, size_t size, bool newlines,
			char *to, struct tw_literal_error *error);

#endif
