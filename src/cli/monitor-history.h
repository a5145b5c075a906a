/* SPDX-License-Identifier: MIT */
/*
 * The lines that were typed into a monitor, kept from run to run in
 * $XDG_STATE_HOME/trackway/monitor-history, else ~/.local/state. A file that
 * can't be had is no error: then nothing is kept.
 */
#ifndef TRACKWAY_CLI_MONITOR_HISTORY_H
#define TRACKWAY_CLI_MONITOR_HISTORY_H

/* How many are kept, and how many bytes of them. */
#define TW_MONITOR_HISTORY_LINES 500u
#define TW_MONITOR_HISTORY_BYTES 65536u

struct tw_monitor_history;

/* Tell of the lines that are kept, the oldest first, each with its newline. */
struct tw_monitor_history *tw_monitor_history_open(void (*fn)(void *context,
							      const char *line),
						   void *context);

/* NULL is fine, here and below. */
void tw_monitor_history_close(struct tw_monitor_history *history);

/* One line, with its newline. At once, since a monitor may be killed. */
void tw_monitor_history_add(struct tw_monitor_history *history,
			    const char *line);

#endif
