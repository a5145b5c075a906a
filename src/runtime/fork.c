/* SPDX-License-Identifier: MIT */
/*
 * Forked children. A child shares its parent's switches until its first event,
 * and then gets a ring of its own: most children exec, and a file made for
 * each would cost the fork and stay behind. Until then the parent's control
 * block names the child as an heir, so that a daemon whose parent ends at once
 * can still be found and switched: the parent leaves the file to it.
 */
#include "runtime.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static bool installed;
/* The parent's part of the fork under way. */
static int coming_slot = -1;
static bool in_event;

static bool is_free(uint32_t pid)
{
	return !pid ||
	       (pid <= INT_MAX && kill((pid_t)pid, 0) && errno == ESRCH);
}

/* A place among the heirs; a full list loses its eldest. Returns its index. */
static int enter_heir(uint32_t pid)
{
	uint32_t *heirs = tw_runtime.ring.control->heirs;
	uint32_t i, held;

	for (i = 0; i < TW_RING_HEIRS; i++) {
		held = tw_load_relaxed(&heirs[i]);
		if (is_free(held) && tw_cas_acq_rel_u32(&heirs[i], held, pid))
			return (int)i;
	}
	i = (uint32_t)getpid() % TW_RING_HEIRS;
	tw_store_relaxed(&heirs[i], pid);
	return (int)i;
}

static void cease_to_be_heir(void)
{
	uint32_t *heirs = tw_runtime.ring.control->heirs;
	uint32_t self = (uint32_t)getpid();
	uint32_t i;

	for (i = 0; i < TW_RING_HEIRS; i++)
		tw_cas_acq_rel_u32(&heirs[i], self, 0);
}

static bool has_ring(void)
{
	uint32_t state = tw_load_relaxed(&tw_runtime.state);

	return state == TW_RUNTIME_READY || state == TW_RUNTIME_FORKED;
}

static void enter_child(void)
{
	tw_lanes_enter_child();
	if (tw_load_relaxed(&tw_runtime.state) == TW_RUNTIME_READY)
		tw_store_release(&tw_runtime.state, TW_RUNTIME_FORKED);
}

void tw_fork_enter_child(void)
{
	enter_child();
	enter_heir((uint32_t)getpid());
}

/* The place is taken before there is a child, so that a parent which ends
 * before its child has run knows of it: see tw_fork_settle(). */
static void before(void)
{
	pthread_mutex_lock(&tw_runtime.mutex);
	coming_slot = has_ring() ? enter_heir(TW_RING_HEIR_COMING) : -1;
	in_event = has_ring() && tw_lanes_note_interrupted();
}

static void after_in_parent(void)
{
	pthread_mutex_unlock(&tw_runtime.mutex);
}

static void after_in_child(void)
{
	/* An event between fork() and here may have done it all. */
	if (tw_runtime.pid != getpid() && has_ring()) {
		enter_child();
		if (!tw_cas_acq_rel_u32(
			    &tw_runtime.ring.control->heirs[coming_slot],
			    TW_RING_HEIR_COMING, (uint32_t)getpid()))
			enter_heir((uint32_t)getpid());
		/* The event must not end in the parent's ring. */
		if (in_event)
			tw_fork_move();
	}
	pthread_mutex_unlock(&tw_runtime.mutex);
}

void tw_fork_settle(void)
{
	const struct timespec nap = {0, 100000};
	const uint32_t *heirs = tw_runtime.ring.control->heirs;
	int i, tries = 1000;

	/* 100 ms at most, for a fork() that failed leaves its place as it is; a
	 * child on a busy machine may well take ten before it first runs. */
	for (i = 0; i < TW_RING_HEIRS; i++)
		while (tw_load_relaxed(&heirs[i]) == TW_RING_HEIR_COMING &&
		       tries-- > 0)
			nanosleep(&nap, NULL);
}

int tw_fork_install(void)
{
	if (!installed)
		installed = !pthread_atfork(before, after_in_parent,
					    after_in_child);
	return installed ? 0 : -1;
}

/* Groups, states and schemas as they are in the parent's ring. */
static bool copy_heap(struct tw_ring *ring)
{
	const struct tw_ring *old = &tw_runtime.ring;
	const struct tw_ring_layout *layout = &tw_runtime.layout;
	uint8_t *heap = ring->base + layout->heap_offset;
	struct tw_states *states;
	uint32_t i;

	if (!tw_ring_file_populate(heap, tw_runtime.heap_used))
		return false;
	memcpy(ring->groups, old->groups,
	       layout->group_capacity * sizeof(*ring->groups));
	memcpy(heap, old->base + layout->heap_offset, tw_runtime.heap_used);
	ring->control->group_count = old->control->group_count;
	for (i = 0; i < ring->control->group_count; i++) {
		states = (void *)(ring->base + ring->groups[i].states_offset);
		memcpy(states->uuid, ring->control->uuid, sizeof(states->uuid));
	}
	return true;
}

/* The new ring where the old one was: what points into it stays good. */
static bool put_in_place(void *memory)
{
	void *base = tw_runtime.ring.base;

	return mremap(memory, tw_runtime.layout.size, tw_runtime.layout.size,
		      MREMAP_MAYMOVE | MREMAP_FIXED, base) == base;
}

static bool move(void)
{
	struct tw_ring ring;
	void *memory = tw_ring_file_create();
	struct tw_group *group;

	if (!memory)
		return false;
	tw_ring_init(&ring, memory, &tw_runtime.layout);
	tw_runtime_fill_control(ring.control);
	tw_lanes_keep_interrupted(&ring);
	if (!copy_heap(&ring) || !put_in_place(memory)) {
		munmap(memory, tw_runtime.layout.size);
		unlink(tw_runtime.path);
		return false;
	}
	for (group = tw_runtime.groups; group; group = group->next)
		if (!tw_group_map(group))
			tw_group_unmap(group);
	tw_runtime.error[0] = 0;
	return true;
}

void tw_fork_leave(void)
{
	cease_to_be_heir();
	/* The last one out, after a parent that ended cleanly. */
	if (tw_load_relaxed(&tw_runtime.ring.control->flags) & TW_RING_CLOSED)
		tw_ring_file_remove();
}

void tw_fork_move(void)
{
	struct tw_group *group;
	uint32_t state;

	/* Only one gets on; events of others meanwhile are discarded. */
	if (!tw_cas_acq_rel_u32(&tw_runtime.state, TW_RUNTIME_FORKED,
				TW_RUNTIME_MOVING))
		return;
	tw_fork_leave();
	/* The place is the parent's; a child has a file, as ever. */
	tw_runtime.settings.place[0] = 0;
	tw_runtime.generation = 1;
	tw_runtime.pid = getpid();
	if (move()) {
		tw_ring_publish(&tw_runtime.ring);
		state = TW_RUNTIME_READY;
	} else {
		for (group = tw_runtime.groups; group; group = group->next)
			tw_group_unmap(group);
		state = TW_RUNTIME_FAILED;
	}
	tw_store_release(&tw_runtime.state, state);
	if (state == TW_RUNTIME_READY)
		tw_runtime_settle_missed();
}
