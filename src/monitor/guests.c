/* SPDX-License-Identifier: MIT */
/*
 * Guests that are reset: their ring goes, and another one comes in its place,
 * often at the same one in memory. The memory is looked into only while a ring
 * of it is gone, and then the less often the longer that lasts and the more
 * time it takes: who asks is to be answered.
 *
 * Only of a monitor that has opened its targets itself (open.c).
 */
#include "client.h"

#include "../attach/ram.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GAP_MIN_NS 5000000u /* between looks; it doubles */
#define GAP_MAX_NS 200000000u
#define GAP_SHARE 10 /* times what the last one took */
/* Rings that may come one after another in a place: what clients have read of
 * each stays with them. */
#define EPOCHS_MAX 256u

static bool is_gone(struct tw_monitored *target)
{
	return target->guest && target->has_lived &&
	       target->epoch < EPOCHS_MAX &&
	       !tw_attach_is_alive(target->attach);
}

static bool is_any_gone(struct tw_monitor *monitor,
			const struct tw_monitor_guest *guest)
{
	for (size_t i = 0; i < monitor->count; i++)
		if (monitor->targets[i].guest == guest &&
		    is_gone(&monitor->targets[i]))
			return true;
	return false;
}

/* ---- Which ring stands for which ---- */

/* By another target, or by the one that is gone itself. */
static bool is_taken(const struct tw_monitor *monitor,
		     const struct tw_monitor_guest *guest, uint64_t serial)
{
	for (size_t i = 0; i < monitor->count; i++)
		if (monitor->targets[i].guest == guest &&
		    monitor->targets[i].serial == serial)
			return true;
	return false;
}

static bool is_alike(const struct tw_monitored *target,
		     const struct tw_ram_ring *ring)
{
	const struct tw_ring_control *was = &target->attach->ring.control;

	return ring->pid == was->pid &&
	       !strncmp(ring->name, (const char *)was->name, sizeof(was->name));
}

/* The one at the same place, if it is among several. False: none. */
static bool find_successor(const struct tw_monitor *monitor,
			   const struct tw_monitored *target, size_t *found)
{
	const struct tw_ram *ram = target->guest->ram;
	bool is_any = false;

	for (size_t i = 0; i < tw_ram_ring_count(ram); i++) {
		const struct tw_ram_ring *ring = tw_ram_ring(ram, i);

		if (!tw_ram_ring_is_usable(ring) || !is_alike(target, ring) ||
		    is_taken(monitor, target->guest, ring->serial) ||
		    (is_any && ring->place != target->place))
			continue;
		*found = i;
		is_any = true;
	}
	return is_any;
}

static void replace(struct tw_monitor *monitor, struct tw_monitored *target,
		    size_t ring)
{
	struct tw_monitor_guest *guest = target->guest;
	struct tw_attach *before = target->attach;
	struct tw_attach_error error;
	struct tw_attach *attach;

	/* Gone again, perhaps: there is a next look. */
	if (tw_ram_attach(guest->ram, ring, guest->is_writable, &attach,
			  &error))
		return;
	target->serial = tw_ram_ring(guest->ram, ring)->serial;
	target->place = tw_ram_ring(guest->ram, ring)->place;
	tw_monitor_replace(monitor, (size_t)(target - monitor->targets),
			   attach);
	tw_attach_close(before);
}

static void take_rings(struct tw_monitor *monitor,
		       const struct tw_monitor_guest *guest)
{
	for (size_t i = 0; i < monitor->count; i++) {
		struct tw_monitored *target = &monitor->targets[i];
		size_t ring;

		if (target->guest == guest && is_gone(target) &&
		    find_successor(monitor, target, &ring))
			replace(monitor, target, ring);
	}
}

/* ---- Looking ---- */

/* By the processor: one that was kept from running has not searched. */
static uint64_t busy_ns(void)
{
	struct timespec used;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used))
		return 0;
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static void rest(struct tw_monitor_guest *guest, uint64_t took)
{
	uint64_t gap = guest->gap_ns ? 2 * guest->gap_ns : GAP_MIN_NS;

	guest->gap_ns = gap < GAP_MAX_NS ? gap : GAP_MAX_NS;
	gap = GAP_SHARE * took;
	guest->next_ns = tw_monotonic_ns() +
			 (gap > guest->gap_ns ? gap : guest->gap_ns);
}

static void look_into(struct tw_monitor *monitor,
		      struct tw_monitor_guest *guest)
{
	const uint64_t busy = busy_ns();
	struct tw_attach_error error;

	if (tw_monotonic_ns() < guest->next_ns || !tw_ram_is_alive(guest->ram))
		return;
	/* What can't be looked into has no ring. */
	if (tw_ram_scan(guest->ram, &error) >= 0)
		take_rings(monitor, guest);
	rest(guest, busy_ns() - busy);
}

void tw_monitor_look(struct tw_monitor *monitor)
{
	for (size_t i = 0; i < monitor->guest_count; i++) {
		struct tw_monitor_guest *guest = &monitor->guests[i];

		if (is_any_gone(monitor, guest)) {
			look_into(monitor, guest);
			continue;
		}
		guest->gap_ns = 0;
		guest->next_ns = 0;
	}
}
