/* SPDX-License-Identifier: MIT */
/*
 * What a monitor was told to look at: rings of programs, and all that are in a
 * guest's memory, each of which may be replaced by another when the guest is
 * reset.
 */
#ifndef TRACKWAY_CLI_MONITOR_TARGETS_H
#define TRACKWAY_CLI_MONITOR_TARGETS_H

#include "../monitor/monitor.h"
#include "cli.h"

struct tw_monitor_targets;

/*
 * Open what the words name, and a monitor over it. schema: a trace-events file
 * for guests' rings without one, or NULL. words must stay. Returns enum
 * tw_exit; what is wrong has been said then, and nothing is open.
 */
int tw_monitor_targets_open(const struct tw_words *words, const char *schema,
			    struct tw_monitor_targets **targets);
/* NULL is fine. Its clients must be gone. */
void tw_monitor_targets_close(struct tw_monitor_targets *targets);

struct tw_monitor *tw_monitor_targets_monitor(
	const struct tw_monitor_targets *targets);

/*
 * Where a guest's ring went, as by a reset, look for the one that comes in its
 * place, and say so on stderr. To be called before commands are carried out;
 * it costs next to nothing while all rings are there.
 */
void tw_monitor_targets_look(struct tw_monitor_targets *targets);

#endif
