/* SPDX-License-Identifier: MIT */
/* Defines the events of events.h; compiled as C and as C++. */
#define TRACKWAY_GROUP "macros"

#include "events.h"

#include <inttypes.h>

/* clang-format off */
DEFINE_TRACE(macro_seed,
	TP_PROTO(int arg1, unsigned long arg2),
	TP_fast_assign(
		__entry->var1 = arg1;
		__entry->var2 = arg2;
	),
	TP_printk("var1 %d var2 %lu", __entry->var1, __entry->var2)
)

DEFINE_TRACE(macro_inline,
	TP_PROTO(const char *text, uint16_t number, const void *address),
	TP_fast_assign(
		__entry->text = text;
		__entry->number = number;
		__entry->address = address;
	),
	TP_printk("text '%s' number %u address %p",
		  __entry->text, __entry->number, __entry->address)
)

DEFINE_TRACE(macro_kinds,
	TP_PROTO(int64_t big, const char *text),
	TP_fast_assign(
		__entry->yes = true;
		__entry->letter = 'x';
		__entry->tiny = -3;
		__entry->byte = 255;
		__entry->colour = MACRO_GREEN;
		__entry->half = 0.5f;
		__entry->quarter = -0.25;
		memcpy(__entry->fixed, "abcdef", 6);
		__entry->text = text;
		__entry->big = big;
	),
	TP_printk("%d %c %d %u %d %g %g %.6s %s %" PRId64, __entry->yes,
		  __entry->letter, __entry->tiny, __entry->byte,
		  __entry->colour, __entry->half, __entry->quarter,
		  __entry->fixed, __entry->text, __entry->big)
)

DEFINE_TRACE(macro_nothing, TP_PROTO(void), TP_fast_assign(),
	TP_printk("nothing"))
DEFINE_TRACE(macro_nothing_seed, TP_PROTO(void), TP_fast_assign(),
	TP_printk("100%%"))

DEFINE_TRACE(format,
	TP_PROTO(int name, const char *file, int size),
	TP_fast_assign(
		__entry->name = name;
		__entry->file = file;
		__entry->size = size;
	),
	TP_printk("size %d name %d", __entry->size, __entry->name)
)
/* clang-format on */
