/* SPDX-License-Identifier: MIT */
/* What a line that was typed into a monitor was probably meant to be. */
#ifndef TRACKWAY_CLI_MONITOR_HINT_H
#define TRACKWAY_CLI_MONITOR_HINT_H

#include "../monitor/monitor.h"

#include <stdbool.h>
#include <stddef.h>

/* Words that a line may go on with; those that a terminal would take for
 * something else are left out. Zero-filled is empty. */
struct tw_monitor_words {
	char **list; /* each once */
	size_t count;
	bool failed; /* no memory for all */
};

/* Add those that may stand at the end of a line so far. */
void tw_monitor_words_add(struct tw_monitor_words *words,
			  struct tw_monitor *monitor, const char *line);
void tw_monitor_words_free(struct tw_monitor_words *words);

/*
 * The word of a line that is not known, where another one that is known is
 * near: *wrong in line with *size, and what it may have been meant to be, to be
 * freed. NULL: there is none.
 */
char *tw_monitor_hint(struct tw_monitor *monitor, const char *line,
		      const char **wrong, size_t *size);

#endif
