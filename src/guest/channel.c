/* SPDX-License-Identifier: MIT */
/*
 * The channel (trackway/guest-channel.h): what tracetool's backend channel
 * calls, the events' switches, and that messages don't get into each other.
 *
 * A message has the channel for itself. Who finds it taken by what it has
 * interrupted, on the same CPU, can't wait for that: its event is counted, and
 * has used up a sequence number, so that the host misses it. Another CPU's
 * message is waited for, but not for ever.
 */
#include "target.h"

#include "channel.h"
#include "hooks.h"

#define CHANNEL_EVENTS_MAX 65535u
#define CHANNEL_TRIES 0x100000u /* for another CPU to end its message */

static struct {
	struct tw_channel_group *const *groups;
	uint32_t group_count;
	uint32_t event_count;
	struct tw_transport *transport; /* NULL: stopped */
	uint32_t owner;			/* 1 + the sending CPU, or 0 */
	uint32_t polling;
	uint32_t begun;	 /* messages that had the channel */
	uint32_t failed; /* of these, not sent */
	uint32_t missed; /* messages that had not */
} channel;

/*
 * Whose turn it is.
 */

static bool channel_take(uint32_t me)
{
	/* Acquire (P), with the release in tw_channel_leave() (O). */
#if TW_GUEST_CPUS > 1
	uint32_t tries;

	for (tries = CHANNEL_TRIES; tries; tries--) {
		if (tw_cas_acq_rel_u32(&channel.owner, 0, me))
			return true;
		if (tw_load_relaxed(&channel.owner) == me)
			return false;
	}
	return false;
#else
	return tw_cas_acq_rel_u32(&channel.owner, 0, me);
#endif
}

bool tw_channel_enter(uintptr_t *saved)
{
	*saved = TW_GUEST_GUARD_ENTER();
	if (channel_take((uint32_t)TW_GUEST_CPU() + 1))
		return true;
	TW_GUEST_GUARD_LEAVE(*saved);
	return false;
}

void tw_channel_leave(uintptr_t saved)
{
	/* Release (O), with the acquire in channel_take() (P): the next CPU's
	 * message sees the counters, and the device all of this one, first. */
	tw_store_release(&channel.owner, 0);
	TW_GUEST_GUARD_LEAVE(saved);
}

/* May interrupt itself. */
static void channel_miss(void)
{
#ifdef TW_NO_ATOMICS
	channel.missed++;
#else
	tw_add_relaxed(&channel.missed, 1);
#endif
}

/*
 * Events by their ids.
 */

static struct tw_channel_group *channel_group_of(uint64_t id)
{
	uint32_t i;

	for (i = 0; i < channel.group_count; i++) {
		struct tw_channel_group *group = channel.groups[i];

		/* Of an id before the first it is a huge one. */
		if (id - group->id_base < group->event_count)
			return group;
	}
	return NULL;
}

uint32_t tw_channel_event_count(void)
{
	return channel.event_count;
}

const uint8_t *tw_channel_layout(uint64_t id)
{
	const struct tw_channel_group *group = channel_group_of(id);

	if (!group)
		return NULL;
	return &group->layouts[group->places[(uint32_t)id - group->id_base]];
}

void tw_channel_switch(uint32_t id, bool on)
{
	struct tw_channel_group *group = channel_group_of(id);

	if (group)
		group->states[id - group->id_base] = on;
}

void tw_channel_switch_all(bool on)
{
	uint32_t i;

	for (i = 0; i < channel.event_count; i++)
		tw_channel_switch(i, on);
}

/*
 * The start, and what follows it.
 */

/* Number the events; their count, or -1. */
static int32_t channel_number(struct tw_channel_group *const *groups,
			      uint32_t group_count)
{
	uint32_t total = 0;
	uint32_t i;

	for (i = 0; i < group_count; i++) {
		if (groups[i]->event_count > CHANNEL_EVENTS_MAX - total)
			return -1;
		groups[i]->id_base = total;
		total += groups[i]->event_count;
	}
	return (int32_t)total;
}

/* Each by itself, or a compiler would call memset(). */
static void channel_reset(void)
{
	tw_store_relaxed(&channel.owner, 0);
	tw_store_relaxed(&channel.polling, 0);
	tw_store_relaxed(&channel.begun, 0);
	tw_store_relaxed(&channel.failed, 0);
	tw_store_relaxed(&channel.missed, 0);
}

int tw_channel_start(const struct tw_channel_options *options)
{
	uintptr_t saved;
	int32_t count;

	tw_channel_stop();
	if (!options->transport)
		return -1;
	count = channel_number(options->groups, options->group_count);
	if (count < 0)
		return -1;
	channel.groups = options->groups;
	channel.group_count = options->group_count;
	channel.event_count = (uint32_t)count;
	channel_reset();
	/* The start is a message as well: what interrupts it is counted. */
	(void)tw_channel_enter(&saved);
	channel.transport = options->transport;
	tw_channel_switch_all(options->flags & TW_CHANNEL_EVENTS_ON);
	if (!options->transport->kind->start(options->transport, options))
		channel.failed++;
	tw_channel_leave(saved);
	return 0;
}

void tw_channel_stop(void)
{
	tw_channel_switch_all(false);
	channel.transport = NULL;
	channel.group_count = 0;
	channel.event_count = 0;
}

void tw_channel_poll(void)
{
	struct tw_transport *transport = channel.transport;

	if (!transport || !tw_cas_acq_rel_u32(&channel.polling, 0, 1))
		return;
	transport->kind->poll(transport);
	tw_store_release(&channel.polling, 0);
}

uint32_t tw_channel_lost(void)
{
	return tw_load_relaxed(&channel.missed) +
	       tw_load_relaxed(&channel.failed);
}

/*
 * Events.
 */

static __attribute__((noinline)) void channel_send(uint64_t id, uint32_t count,
						   const uint64_t *arguments)
{
	struct tw_transport *transport = channel.transport;
	struct tw_channel_message message;
	uintptr_t saved;

	if (!transport)
		return;
	if (!tw_channel_enter(&saved)) {
		channel_miss();
		return;
	}
	channel.begun++;
	message.id = id;
	message.sequence = channel.begun + tw_load_relaxed(&channel.missed);
	message.count = count;
	message.arguments = arguments;
	if (!transport->kind->send(transport, &message))
		channel.failed++;
	tw_channel_leave(saved);
}

void trace0(uint64_t id)
{
	channel_send(id, 0, NULL);
}

void trace1(uint64_t id, uint64_t x1)
{
	channel_send(id, 1, &x1);
}

void trace2(uint64_t id, uint64_t x1, uint64_t x2)
{
	const uint64_t x[] = {x1, x2};

	channel_send(id, 2, x);
}

void trace3(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3)
{
	const uint64_t x[] = {x1, x2, x3};

	channel_send(id, 3, x);
}

void trace4(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4)
{
	const uint64_t x[] = {x1, x2, x3, x4};

	channel_send(id, 4, x);
}

void trace5(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	    uint64_t x5)
{
	const uint64_t x[] = {x1, x2, x3, x4, x5};

	channel_send(id, 5, x);
}

void trace6(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	    uint64_t x5, uint64_t x6)
{
	const uint64_t x[] = {x1, x2, x3, x4, x5, x6};

	channel_send(id, 6, x);
}

void trace7(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	    uint64_t x5, uint64_t x6, uint64_t x7)
{
	const uint64_t x[] = {x1, x2, x3, x4, x5, x6, x7};

	channel_send(id, 7, x);
}

void trace8(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	    uint64_t x5, uint64_t x6, uint64_t x7, uint64_t x8)
{
	const uint64_t x[] = {x1, x2, x3, x4, x5, x6, x7, x8};

	channel_send(id, 8, x);
}

void trace9(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	    uint64_t x5, uint64_t x6, uint64_t x7, uint64_t x8, uint64_t x9)
{
	const uint64_t x[] = {x1, x2, x3, x4, x5, x6, x7, x8, x9};

	channel_send(id, 9, x);
}

void trace10(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	     uint64_t x5, uint64_t x6, uint64_t x7, uint64_t x8, uint64_t x9,
	     uint64_t x10)
{
	const uint64_t x[] = {x1, x2, x3, x4, x5, x6, x7, x8, x9, x10};

	channel_send(id, 10, x);
}
