/* SPDX-License-Identifier: MIT */
/* Choosing events: for cmd-events.c and switch.c. */
#include "select.h"

#include "../ring/glob.h"

#include <string.h>

static uint32_t select_pattern(const struct tw_event_list *list,
			       const char *pattern, bool *chosen)
{
	uint32_t matches = 0;

	for (uint32_t id = 0; id < list->count; id++) {
		const struct tw_event_desc *event = list->events[id];

		if (!event || !tw_glob_match(pattern, event->name))
			continue;
		chosen[id] = true;
		matches++;
	}
	return matches;
}

static void explain_nothing(const char *target,
			    const struct tw_event_list *list,
			    const char *pattern)
{
	struct tw_guess guess;

	if (tw_glob_has_wildcard(pattern)) {
		tw_error(target, "no event matches '%s'", pattern);
		return;
	}
	tw_guess_start(&guess, pattern);
	for (uint32_t id = 0; id < list->count; id++)
		if (list->events[id])
			tw_guess_offer(&guess, list->events[id]->name);
	if (guess.best)
		tw_error(target, "no event '%s', did you mean '%s'?", pattern,
			 guess.best);
	else
		tw_error(target, "no event '%s'", pattern);
}

int tw_select_events(const char *target, const struct tw_event_list *list,
		     const struct tw_words *patterns, bool *chosen)
{
	int status = TW_EXIT_OK;

	memset(chosen, !patterns->count, list->count);
	for (size_t i = 0; i < patterns->count; i++) {
		const char *pattern = patterns->list[i];

		if (select_pattern(list, pattern, chosen))
			continue;
		explain_nothing(target, list, pattern);
		status = TW_EXIT_FAILED;
	}
	return status;
}
