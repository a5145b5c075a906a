/* SPDX-License-Identifier: MIT */
/* The rings that a target names: one, or all of a guest's. */
#ifndef TRACKWAY_CLI_RINGS_H
#define TRACKWAY_CLI_RINGS_H

#include "../attach/attach.h"
#include "channels.h"
#include "cli.h"

struct tw_rings {
	struct tw_attach **list;
	size_t count;
	bool is_guest;		      /* vm:, ram: or image: */
	struct tw_channels *channels; /* NULL: it is none */
};

#define TW_OPTION_SCHEMA_ID TW_OPTION_ID(1001)
#define TW_OPTION_SCHEMA                                           \
	{                                                          \
		TW_OPTION_SCHEMA_ID, "schema", "FILE",             \
			"a trace-events file, for a guest's ring " \
			"without schema"                           \
	}

/*
 * Open them. schema: a trace-events file for groups that have no schema, or
 * NULL. events: a channel's trace-events files; of a channel no more than its
 * events is to be had, since to open it would take from it. Returns enum
 * tw_exit; what is wrong has been said then, and nothing is open. A guest's
 * ring that can't be used is said, and left out if there is another.
 */
int tw_rings_open(struct tw_rings *rings, const char *target, bool writable,
		  const char *schema, const struct tw_words *events);
void tw_rings_close(struct tw_rings *rings);

/* How far a search of a guest's memory is, in bytes, on the status line. */
void tw_rings_show_search(uint64_t done, uint64_t total);

#endif
