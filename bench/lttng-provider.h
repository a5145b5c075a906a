/* SPDX-License-Identifier: MIT */
/* The peer's events, of the same three ints. LTTng includes this repeatedly. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER trackway_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "lttng-provider.h"

#if !defined(BENCH_LTTNG_PROVIDER_H) || \
	defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define BENCH_LTTNG_PROVIDER_H

#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT_CLASS(trackway_bench, three,
	LTTNG_UST_TP_ARGS(int, a, int, b, int, c),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(int, a, a)
		lttng_ust_field_integer(int, b, b)
		lttng_ust_field_integer(int, c, c)))

LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(trackway_bench, three, trackway_bench, on,
	LTTNG_UST_TP_ARGS(int, a, int, b, int, c))
LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(trackway_bench, three, trackway_bench, off,
	LTTNG_UST_TP_ARGS(int, a, int, b, int, c))
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
