/* SPDX-License-Identifier: MIT */
/* Events of the test of trackway/tracepoint.h, in every form there is. */
#ifndef TRACKWAY_TESTS_MACROS_EVENTS_H
#define TRACKWAY_TESTS_MACROS_EVENTS_H

#include <trackway/tracepoint.h>

enum macro_colour {
	MACRO_RED,
	MACRO_GREEN = 7
};

/* As the framework's first description has it: no TP_ARGS, and a comma more. */
/* clang-format off */
DECLARE_TRACE(macro_seed,
	TP_PROTO(int var1, unsigned long var2),
	TP_STRUCT__entry(
		__field(int, var1);
		__field(unsigned long, var2);
	),
)

DECLARE_TRACE(macro_inline,
	TP_PROTO(const char *text, uint16_t number, const void *address),
	TP_ARGS(text, number, address),
	TP_STRUCT__entry(
		__field(const char *, text);
		__field(uint16_t, number);
		__field(const void *, address);
	)
)

DECLARE_TRACE(macro_kinds,
	TP_PROTO(int64_t big, const char *text),
	TP_ARGS(big, text),
	TP_STRUCT__entry(
		__field(bool, yes)
		__field(char, letter)
		__field(signed char, tiny)
		__field(uint8_t, byte)
		__field(enum macro_colour, colour)
		__field(float, half)
		__field(double, quarter)
		__array(char, fixed, 6)
		__field(const char*, text)
		__field(int64_t, big)
	)
)

DECLARE_TRACE(macro_nothing, TP_PROTO(void), TP_ARGS(), TP_STRUCT__entry())
DECLARE_TRACE(macro_nothing_seed, TP_PROTO(void), TP_STRUCT__entry())

/* Printed in another order, and not all of it. The names are those that
 * generated structs have as well. */
DECLARE_TRACE(format,
	TP_PROTO(int name, const char *file, int size),
	TP_ARGS(name, file, size),
	TP_STRUCT__entry(
		__field(int, name);
		__field(const char *, file);
		__field(int, size);
	)
)
/* clang-format on */

#endif
