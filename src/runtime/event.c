/* SPDX-License-Identifier: MIT */
/* The C API on events: ids, names and states, straight from the ring. */
#include "runtime.h"

#include "../ring/glob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_ring(void)
{
	uint32_t state = tw_load_acquire(&tw_runtime.state);

	return state == TW_RUNTIME_READY || state == TW_RUNTIME_FORKED;
}

/* The entry that has the id, or the first one after it; NULL: none. */
static const struct tw_ring_group *entry_from(uint32_t id)
{
	const struct tw_ring *ring = &tw_runtime.ring;
	uint32_t count, i;

	if (!has_ring())
		return NULL;
	count = tw_load_acquire(&ring->control->group_count);
	for (i = 0; i < count; i++)
		if (id < ring->groups[i].id_base + ring->groups[i].event_count)
			return &ring->groups[i];
	return NULL;
}

static const struct tw_ring_group *entry_of(int id)
{
	return id < 0 ? NULL : entry_from((uint32_t)id);
}

int tw_event_next(int id, const char *glob)
{
	const struct tw_ring_group *entry;
	uint32_t next = id < 0 ? 0 : (uint32_t)id + 1;

	for (; (entry = entry_from(next)); next++)
		if (!glob ||
		    tw_glob_match(glob, tw_group_event_name(
						entry, next - entry->id_base)))
			return (int)next;
	return -ENOENT;
}

int tw_event_find(const char *name)
{
	int id = -1;

	while ((id = tw_event_next(id, NULL)) >= 0)
		if (!strcmp(tw_event_name(id), name))
			return id;
	return -ENOENT;
}

const char *tw_event_name(int id)
{
	const struct tw_ring_group *entry = entry_of(id);

	return entry ? tw_group_event_name(entry, (uint32_t)id - entry->id_base)
		     : NULL;
}

/* The event's state byte through *state, or why it has none. */
static int find_state(int id, uint8_t **state)
{
	const struct tw_ring_group *entry = entry_of(id);
	uint32_t index;

	if (!entry)
		return -ENOENT;
	index = (uint32_t)id - entry->id_base;
	if (tw_load_relaxed(&entry->state) != TW_GROUP_LIVE ||
	    tw_group_event(entry, index)->flags & TW_EVENT_DISABLED)
		return -ENODEV;
	*state = &tw_group_states(entry)->state[index];
	return 0;
}

int tw_event_state(int id)
{
	uint8_t *state;
	int error = find_state(id, &state);

	return error ? error : tw_load_relaxed(state) != 0;
}

int tw_event_set_state(int id, bool on)
{
	uint8_t *state;
	int error = find_state(id, &state);

	if (!error)
		tw_store_relaxed(state, on ? 1 : 0);
	return error;
}

/* A list's patterns, whatever their sign, sorted. */
struct sorted {
	struct tw_pattern *list;
	size_t count;
};

static int compare_patterns(const void *first, const void *second)
{
	const struct tw_pattern *a = first, *b = second;
	const int order = memcmp(a->text, b->text,
				 a->size < b->size ? a->size : b->size);

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

static bool sort_patterns(const char *patterns, struct sorted *sorted)
{
	const char *at = patterns;
	struct tw_pattern pattern;

	for (sorted->count = 0; tw_pattern_next(&at, &pattern);)
		sorted->count++;
	sorted->list = calloc(sorted->count + 1, sizeof(*sorted->list));
	if (!sorted->list)
		return false;
	for (sorted->count = 0; tw_pattern_next(&patterns, &pattern);)
		sorted->list[sorted->count++] = pattern;
	qsort(sorted->list, sorted->count, sizeof(*sorted->list),
	      compare_patterns);
	return true;
}

/* Add to the end of a list, which has room for them, those patterns that are
 * not among without; NULL: all. The list's new end. */
static char *add_patterns(char *list, char *end, const char *patterns,
			  const struct sorted *without)
{
	struct tw_pattern pattern;

	while (tw_pattern_next(&patterns, &pattern)) {
		if (without && bsearch(&pattern, without->list, without->count,
				       sizeof(pattern), compare_patterns))
			continue;
		if (end != list)
			*end++ = ',';
		if (!pattern.on)
			*end++ = '-';
		memcpy(end, pattern.text, pattern.size);
		end += pattern.size;
	}
	*end = 0;
	return end;
}

/* For the groups to come. What a new pattern repeats is forgotten, so that a
 * program may switch the same ones for as long as it likes. */
static int keep(const char *patterns)
{
	const char *old = tw_runtime.applied ? tw_runtime.applied : "";
	/* Each pattern is as long as it was, and has one comma before it. */
	char *list = malloc(strlen(old) + strlen(patterns) + 3);
	struct sorted repeated;
	char *end;

	if (!list || !sort_patterns(patterns, &repeated)) {
		free(list);
		return -ENOMEM;
	}
	end = add_patterns(list, list, old, &repeated);
	end = add_patterns(list, end, patterns, NULL);
	free(repeated.list);
	if (end - list >= (ptrdiff_t)TW_APPLIED_SIZE) {
		free(list);
		return -E2BIG;
	}
	free(tw_runtime.applied);
	tw_runtime.applied = list;
	return 0;
}

int tw_event_apply(const char *patterns)
{
	int count;

	pthread_mutex_lock(&tw_runtime.mutex);
	count = keep(patterns);
	if (!count && has_ring())
		count = tw_group_apply(NULL, patterns);
	pthread_mutex_unlock(&tw_runtime.mutex);
	return count;
}
