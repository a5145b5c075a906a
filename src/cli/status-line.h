/* SPDX-License-Identifier: MIT */
/*
 * One line on stderr that says how far a long work has come, and goes when it
 * is over. Where stderr is no terminal there is none.
 */
#ifndef TRACKWAY_CLI_STATUS_LINE_H
#define TRACKWAY_CLI_STATUS_LINE_H

#include <stdbool.h>
#include <stdint.h>

/* True about four times a second, the first time after a moment. */
bool tw_status_is_due(void);

/* Show this line in place of the one before. */
void tw_status_show(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Take it away; to be called before anything else is printed. */
void tw_status_clear(void);

/* "1.2 GB": at most 31 characters. */
struct tw_bytes_text {
	char text[32];
};
struct tw_bytes_text tw_bytes_of(uint64_t bytes);

#endif
