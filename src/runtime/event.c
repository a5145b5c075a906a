/* SPDX-License-Identifier: MIT */
/* The C API on events: ids, names and states, straight from the ring. */
#include "runtime.h"

#include "../ring/glob.h"

#include <errno.h>
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

int tw_event_apply(const char *patterns)
{
	char *kept = tw_runtime.settings.patterns;
	size_t used, size = strlen(patterns);
	int count;

	pthread_mutex_lock(&tw_runtime.mutex);
	used = strlen(kept);
	if (size + used + 2 > TW_PATTERNS_SIZE) {
		count = -E2BIG;
	} else {
		if (used)
			kept[used++] = ',';
		memcpy(kept + used, patterns, size + 1);
		count = has_ring() ? tw_group_apply(NULL, patterns) : 0;
	}
	pthread_mutex_unlock(&tw_runtime.mutex);
	return count;
}
