/* SPDX-License-Identifier: MIT */
/*
 * Groups: a module's events enter the ring. Its state bytes get a place in the
 * ring's heap, and the module's own pages of state bytes are replaced by a
 * second mapping of that place, so that whoever writes the file switches the
 * module. Its schema is copied beside them.
 *
 * A group that comes back (dlopen() after dlclose()), or that two modules both
 * hold, is told by its schema and gets its entry again: ids, states and all.
 */
#include "runtime.h"

#include "../ring/glob.h"

#include <string.h>
#include <sys/mman.h>

/* Of a group that the ring would not take. */
#define NO_ENTRY UINT32_MAX

static struct tw_ring_control *control(void)
{
	return tw_runtime.ring.control;
}

struct tw_states *tw_group_states(const struct tw_ring_group *entry)
{
	return (void *)(tw_runtime.ring.base + entry->states_offset);
}

const struct tw_blob_event *tw_group_event(const struct tw_ring_group *entry,
					   uint32_t index)
{
	const uint8_t *blob = tw_runtime.ring.base + entry->schema_offset;
	const struct tw_blob_header *header = (const void *)blob;

	return (const void *)(blob + header->events_offset +
			      (size_t)index * header->event_stride);
}

const char *tw_group_event_name(const struct tw_ring_group *entry,
				uint32_t index)
{
	const uint8_t *blob = tw_runtime.ring.base + entry->schema_offset;
	const struct tw_blob_header *header = (const void *)blob;

	return (const char *)blob + header->strings_offset +
	       tw_group_event(entry, index)->name;
}

static bool is_disabled(const struct tw_ring_group *entry, uint32_t index)
{
	return tw_group_event(entry, index)->flags & TW_EVENT_DISABLED;
}

/* One pattern, of size bytes, over one entry. */
static int apply_one(const struct tw_ring_group *entry, const char *pattern,
		     size_t size, uint8_t on)
{
	struct tw_states *states = tw_group_states(entry);
	uint32_t i;
	int count = 0;

	for (i = 0; i < entry->event_count; i++) {
		if (is_disabled(entry, i) ||
		    !tw_glob_match_n(pattern, size,
				     tw_group_event_name(entry, i)))
			continue;
		tw_store_relaxed(&states->state[i], on);
		count++;
	}
	return count;
}

bool tw_pattern_next(const char **patterns, struct tw_pattern *pattern)
{
	const char *at = *patterns + strspn(*patterns, TW_PATTERN_BLANKS);

	if (!*at)
		return false;
	pattern->on = *at != '-';
	at += !pattern->on;
	pattern->text = at;
	pattern->size = strcspn(at, TW_PATTERN_BLANKS);
	*patterns = at + pattern->size;
	return true;
}

static int apply_to(const struct tw_ring_group *entry, const char *patterns)
{
	struct tw_pattern pattern;
	int count = 0;

	while (tw_pattern_next(&patterns, &pattern))
		count += apply_one(entry, pattern.text, pattern.size,
				   pattern.on);
	return count;
}

int tw_group_apply(const struct tw_ring_group *only, const char *patterns)
{
	uint32_t i;
	int count = 0;

	if (only)
		return apply_to(only, patterns);
	for (i = 0; i < control()->group_count; i++)
		count += apply_to(&tw_runtime.ring.groups[i], patterns);
	return count;
}

void tw_group_set_all_off(void)
{
	tw_group_apply(NULL, "-*");
}

static struct tw_ring_group *find_same(const struct tw_group *group)
{
	struct tw_ring_group *entry;
	uint32_t i;

	for (i = 0; i < control()->group_count; i++) {
		entry = &tw_runtime.ring.groups[i];
		if (entry->schema_size == group->blob_size &&
		    !memcmp(tw_runtime.ring.base + entry->schema_offset,
			    group->blob, group->blob_size))
			return entry;
	}
	return NULL;
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) / align * align;
}

/* Room in the heap for a group's state bytes and schema, or 0. */
static uint64_t take_heap(const struct tw_group *group)
{
	const struct tw_ring_layout *layout = &tw_runtime.layout;
	uint64_t at = align_up(tw_runtime.heap_used, layout->align);
	uint64_t size = group->states_size + group->blob_size;

	if (at > layout->heap_size || size > layout->heap_size - at)
		return 0;
	if (!tw_ring_file_populate(
		    tw_runtime.ring.base + layout->heap_offset + at, size))
		return 0;
	tw_runtime.heap_used = at + size;
	return layout->heap_offset + at;
}

static uint32_t next_id(void)
{
	const struct tw_ring_group *last;

	if (!control()->group_count)
		return 0;
	last = &tw_runtime.ring.groups[control()->group_count - 1];
	return last->id_base + last->event_count;
}

static struct tw_ring_group *make_entry(const struct tw_group *group)
{
	struct tw_ring_group *entry;
	struct tw_states *states;
	uint32_t index = control()->group_count;
	uint32_t id_base = next_id();
	uint64_t at;

	if (index >= control()->group_capacity ||
	    group->event_count > TW_EVENTS_MAX - id_base)
		return NULL;
	at = take_heap(group);
	if (!at)
		return NULL;
	entry = &tw_runtime.ring.groups[index];
	entry->id_base = id_base;
	entry->event_count = group->event_count;
	entry->states_offset = at;
	entry->schema_offset = at + group->states_size;
	entry->schema_size = group->blob_size;
	memcpy(tw_runtime.ring.base + entry->schema_offset, group->blob,
	       group->blob_size);
	states = tw_group_states(entry);
	/* Another ring may have been here before. */
	memset(states, 0, group->states_size);
	states->magic = TW_STATES_MAGIC;
	states->count = group->event_count;
	memcpy(states->uuid, control()->uuid, sizeof(states->uuid));
	states->id_base = id_base;
	tw_group_apply(entry, tw_runtime.settings.patterns);
	if (tw_runtime.applied)
		tw_group_apply(entry, tw_runtime.applied);
	entry->state = TW_GROUP_LIVE;
	/* (L) with the reader's acquire in tw_ring_group_count(): an entry
	 * that is counted is whole. */
	tw_store_release(&control()->group_count, index + 1);
	return entry;
}

/* Put memory in the place of the group's state bytes, whole at any moment. */
static bool lay_over(struct tw_group *group, void *memory)
{
	if (memory == MAP_FAILED)
		return false;
	if (mremap(memory, group->states_size, group->states_size,
		   MREMAP_MAYMOVE | MREMAP_FIXED, group->states) != MAP_FAILED)
		return true;
	munmap(memory, group->states_size);
	return false;
}

/* Whatever lies there goes: off, and private to this process. */
static void zero_pages(struct tw_group *group)
{
	lay_over(group, mmap(NULL, group->states_size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* A second mapping of the pages that hold an entry's state bytes. */
static void *map_states(const struct tw_ring_group *entry, size_t size)
{
	/* An old size of 0: the same shared pages once more. */
	void *memory = mremap(tw_group_states(entry), 0, size, MREMAP_MAYMOVE);

	if (memory == MAP_FAILED && tw_runtime.settings.place[0])
		memory = tw_ring_place_map_again(entry->states_offset, size);
	return memory;
}

bool tw_group_map(struct tw_group *group)
{
	const struct tw_ring_group *entry;

	if (group->entry == NO_ENTRY)
		return false;
	entry = &tw_runtime.ring.groups[group->entry];
	if (lay_over(group, map_states(entry, group->states_size)))
		return true;
	zero_pages(group);
	return false;
}

void tw_group_unmap(struct tw_group *group)
{
	zero_pages(group);
}

static bool has_sound_blob(const struct tw_group *group)
{
	const struct tw_blob_header *blob = group->blob;

	return group->size >= sizeof(struct tw_group) &&
	       group->blob_size >= sizeof(*blob) &&
	       blob->magic == TW_BLOB_MAGIC && blob->major == TW_BLOB_MAJOR &&
	       blob->event_count == group->event_count;
}

static bool is_sound(const struct tw_group *group)
{
	return has_sound_blob(group) &&
	       (uintptr_t)group->states % tw_runtime.layout.align == 0 &&
	       group->states_size % tw_runtime.layout.align == 0 &&
	       group->states_size >=
		       (uint64_t)TW_STATES_HEADER + group->event_count;
}

static void add(struct tw_group *group)
{
	struct tw_ring_group *entry;

	group->entry = NO_ENTRY;
	if (!is_sound(group)) {
		tw_runtime_fail("a group is of another version", NULL, 0);
		return;
	}
	entry = find_same(group);
	if (!entry)
		entry = make_entry(group);
	if (!entry) {
		tw_runtime_fail("no room in the ring for a group's events",
				NULL, 0);
		return;
	}
	/* A second start finds it as it is, and threads in an event read it. */
	if (group->id_base != entry->id_base)
		group->id_base = entry->id_base;
	group->entry = (uint32_t)(entry - tw_runtime.ring.groups);
	if (!tw_group_map(group)) {
		group->entry = NO_ENTRY;
		return;
	}
	entry->modules++;
	tw_store_relaxed(&entry->state, TW_GROUP_LIVE);
}

void tw_group_add_all(void)
{
	struct tw_group *group;

	for (group = tw_runtime.groups; group; group = group->next)
		add(group);
}

static void each_event_of(const struct tw_blob_header *blob,
			  tw_group_event_fn fn, void *context)
{
	const char *base = (const char *)blob;
	const struct tw_blob_event *event;
	uint32_t i;

	for (i = 0; i < blob->event_count; i++) {
		event = (const void *)(base + blob->events_offset +
				       (size_t)i * blob->event_stride);
		fn(context, base + blob->strings_offset + event->name,
		   event->flags & TW_EVENT_DISABLED);
	}
}

void tw_group_each_event(tw_group_event_fn fn, void *context)
{
	const struct tw_group *group;

	for (group = tw_runtime.groups; group; group = group->next)
		if (has_sound_blob(group))
			each_event_of(group->blob, fn, context);
}

/* In the order of their coming, so that a ring that is started again gives them
 * the same ids. */
static void append(struct tw_group *group)
{
	struct tw_group **link = &tw_runtime.groups;

	while (*link)
		link = &(*link)->next;
	group->next = NULL;
	*link = group;
}

void tw_group_register(struct tw_group *group)
{
	if (!group->event_count)
		return;
	pthread_mutex_lock(&tw_runtime.mutex);
	tw_runtime_begin();
	append(group);
	tw_fork_move();
	if (tw_runtime.state == TW_RUNTIME_READY)
		add(group);
	pthread_mutex_unlock(&tw_runtime.mutex);
}

static void leave_entry(const struct tw_group *group)
{
	struct tw_ring_group *entry;

	if (group->entry == NO_ENTRY)
		return;
	entry = &tw_runtime.ring.groups[group->entry];
	if (entry->modules && --entry->modules == 0)
		tw_store_relaxed(&entry->state, TW_GROUP_UNLOADED);
}

void tw_group_unregister(struct tw_group *group)
{
	struct tw_group **link = &tw_runtime.groups;

	if (!group->event_count)
		return;
	pthread_mutex_lock(&tw_runtime.mutex);
	while (*link && *link != group)
		link = &(*link)->next;
	if (*link) {
		*link = group->next;
		if (tw_runtime.state == TW_RUNTIME_READY)
			leave_entry(group);
	}
	pthread_mutex_unlock(&tw_runtime.mutex);
}
