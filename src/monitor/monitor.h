/* SPDX-License-Identifier: MIT */
/*
 * A monitor over rings that its caller has opened: for trackway's own command
 * and tests. All else is as others see it, in trackway/monitor.h.
 */
#ifndef TRACKWAY_MONITOR_MONITOR_H
#define TRACKWAY_MONITOR_MONITOR_H

#include "../attach/attach.h"

#include <trackway/monitor.h>

/* Of copied pages, bytes; all clients'. */
#define TW_MONITOR_PAGES_MAX (256u << 20)

struct tw_monitor_target {
	/* What chooses it among several: "NAME:EVENT". Copied. NULL: its
	 * program's name, with its pid where several have the same. */
	const char *name;
	/* Stays the caller's, and open until the monitor is destroyed. */
	struct tw_attach *attach;
};

/*
 * A monitor over count targets, at least one. *monitor is freed with
 * tw_monitor_destroy(), after its clients. 0, -EINVAL or -ENOMEM.
 */
int tw_monitor_create(const struct tw_monitor_target *targets, size_t count,
		      struct tw_monitor **monitor);

/* What it is called. Good until the monitor is destroyed. */
const char *tw_monitor_target_name(const struct tw_monitor *monitor,
				   size_t index);

/*
 * The target of this index (that of targets above) has another ring: a guest's,
 * after a reset. The monitor goes on with it, and its clients see what is in it
 * after what they have read of the one before, which may be closed now. Events
 * are as they are in the new ring, but that "trace off" holds for it as well.
 */
void tw_monitor_replace(struct tw_monitor *monitor, size_t index,
			struct tw_attach *attach);

#endif
