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
#include <unistd.h>

static bool installed;

/* The parent's ring learns of this child; a full list loses its eldest. */
static void become_heir(void)
{
	uint32_t *heirs = tw_runtime.ring.control->heirs;
	uint32_t self = (uint32_t)getpid();
	uint32_t i, pid;

	for (i = 0; i < TW_RING_HEIRS; i++) {
		pid = tw_load_relaxed(&heirs[i]);
		if ((!pid || (kill((pid_t)pid, 0) && errno == ESRCH)) &&
		    tw_cas_acq_rel_u32(&heirs[i], pid, self))
			return;
	}
	tw_store_relaxed(&heirs[self % TW_RING_HEIRS], self);
}

static void cease_to_be_heir(void)
{
	uint32_t *heirs = tw_runtime.ring.control->heirs;
	uint32_t self = (uint32_t)getpid();
	uint32_t i;

	for (i = 0; i < TW_RING_HEIRS; i++)
		tw_cas_acq_rel_u32(&heirs[i], self, 0);
}

void tw_fork_enter_child(void)
{
	tw_lanes_forget_own();
	if (tw_load_relaxed(&tw_runtime.state) == TW_RUNTIME_READY)
		tw_store_release(&tw_runtime.state, TW_RUNTIME_FORKED);
	if (tw_load_relaxed(&tw_runtime.state) == TW_RUNTIME_FORKED)
		become_heir();
}

static void before(void)
{
	pthread_mutex_lock(&tw_runtime.mutex);
}

static void after_in_parent(void)
{
	pthread_mutex_unlock(&tw_runtime.mutex);
}

static void after_in_child(void)
{
	/* An event between fork() and here may have done it all. */
	if (tw_runtime.pid != getpid())
		tw_fork_enter_child();
	pthread_mutex_unlock(&tw_runtime.mutex);
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

void tw_fork_move(void)
{
	struct tw_group *group;
	uint32_t state;

	/* Only one gets on; events of a handler meanwhile are discarded. */
	if (!tw_cas_acq_rel_u32(&tw_runtime.state, TW_RUNTIME_FORKED,
				TW_RUNTIME_MOVING))
		return;
	cease_to_be_heir();
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
}

void tw_fork_leave(void)
{
	const struct tw_ring_control *control = tw_runtime.ring.control;

	cease_to_be_heir();
	/* The last one out, after a parent that ended cleanly. */
	if (tw_load_relaxed(&control->flags) & TW_RING_CLOSED)
		tw_ring_file_remove();
}
