/* SPDX-License-Identifier: MIT */
/* What `trackway sync --plot` draws: the width of a clock's bounds over time.
 */
#ifndef TRACKWAY_CLI_SYNC_PLOT_H
#define TRACKWAY_CLI_SYNC_PLOT_H

#include <stddef.h>
#include <stdint.h>

struct tw_sync_point {
	uint64_t t;	/* ns of CLOCK_MONOTONIC; grows */
	uint64_t width; /* ns */
	uint32_t epoch; /* a line goes on within one */
};

/* Write an SVG file. 0 or a negative errno; what was written of it is left. */
int tw_sync_plot(const char *path, const struct tw_sync_point *points,
		 size_t count);

#endif
