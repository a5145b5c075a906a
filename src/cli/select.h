/* SPDX-License-Identifier: MIT */
/* Choosing events by the names and globs of a command line. */
#ifndef TRACKWAY_CLI_SELECT_H
#define TRACKWAY_CLI_SELECT_H

#include "cli.h"

#include "../schema/event.h"

/* Events by id; an id may have none (NULL). */
struct tw_event_list {
	const struct tw_event_desc *const *events;
	uint32_t count;
};

/*
 * Mark in chosen (list->count of them) what any of the patterns names; without
 * patterns, all. Each pattern that names nothing is an error on stderr, with
 * the nearest name where it has no wildcard. Returns enum tw_exit.
 */
int tw_select_events(const char *target, const struct tw_event_list *list,
		     const struct tw_words *patterns, bool *chosen);

#endif
