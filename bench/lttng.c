/* SPDX-License-Identifier: MIT */
/*
 * The peer's loops, like emit.c's own. A module of its own, loaded only when a
 * session daemon runs: LTTng's constructor starts threads.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng-provider.h"

#include <stdbool.h>
#include <stdint.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED bool bench_lttng_is_on(void);
EXPORTED void bench_lttng_off(uint64_t count);
EXPORTED void bench_lttng_on(uint64_t count);

bool bench_lttng_is_on(void)
{
	return lttng_ust_tracepoint_enabled(trackway_bench, on);
}

void bench_lttng_off(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		__asm__ __volatile__("" : : "r"(i));
		lttng_ust_tracepoint(trackway_bench, off, (int)i, 2, 3);
	}
}

void bench_lttng_on(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		__asm__ __volatile__("" : : "r"(i));
		lttng_ust_tracepoint(trackway_bench, on, (int)i, 2, 3);
	}
}
