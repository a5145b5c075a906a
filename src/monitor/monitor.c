/* SPDX-License-Identifier: MIT */
/*
 * The targets of a monitor: their events by name, and "trace off", which has no
 * switch of its own in a ring. It switches every event off and remembers which
 * were on; until "trace on" those are shown, and count, as on.
 */
#include "client.h"

#include "../attach/ram.h"
#include "../ring/glob.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Names ---- */

static size_t count_named(const struct tw_monitor *monitor, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < monitor->count; i++)
		count += !strcmp(monitor->targets[i].attach->target.name, name);
	return count;
}

/* Among those that have been named before it. */
static bool is_taken(const struct tw_monitor *monitor, size_t index,
		     const char *name)
{
	for (size_t i = 0; i < index; i++)
		if (!strcmp(monitor->targets[i].name, name))
			return true;
	return false;
}

/* Its own name if that tells it from the others, else with its pid; and with
 * its place among them, if that doesn't either, as in guests. */
static char *new_name(const struct tw_monitor *monitor, size_t index)
{
	const struct tw_target *target =
		&monitor->targets[index].attach->target;
	char *name = NULL;

	if (count_named(monitor, target->name) == 1)
		return strdup(target->name);
	if (asprintf(&name, "%s.%ld", target->name, (long)target->pid) < 0)
		return NULL;
	if (!is_taken(monitor, index, name))
		return name;
	free(name);
	return asprintf(&name, "%s.%ld.%zu", target->name, (long)target->pid,
			index + 1) < 0
		       ? NULL
		       : name;
}

const char *tw_monitor_target_name(const struct tw_monitor *monitor,
				   size_t index)
{
	return monitor->targets[index].name;
}

/* ---- Life ---- */

/* What is to be known before a guest's times are: now, since no command is to
 * wait for it. */
static void learn_clocks(struct tw_monitor *monitor)
{
	monitor->clocks.wait_ns = UINT64_MAX;
	for (size_t i = 0; i < monitor->count; i++) {
		const struct tw_attach *attach = monitor->targets[i].attach;

		if (tw_ram_is_spec(attach->target.path) &&
		    !attach->ring.control.clock_hz)
			tw_host_clock_rate(&monitor->clocks,
					   attach->ring.control.clock_kind);
	}
}

int tw_monitor_create(const struct tw_monitor_target *targets, size_t count,
		      struct tw_monitor **out)
{
	struct tw_monitor *monitor;

	if (!count)
		return -EINVAL;
	monitor = calloc(1, sizeof(*monitor));
	if (!monitor)
		return -ENOMEM;
	monitor->targets = calloc(count, sizeof(*monitor->targets));
	monitor->count = monitor->targets ? count : 0;
	for (size_t i = 0; i < monitor->count; i++)
		monitor->targets[i].attach = targets[i].attach;
	for (size_t i = 0; i < monitor->count; i++) {
		struct tw_monitored *target = &monitor->targets[i];

		target->epoch = 1;
		target->name = targets[i].name ? strdup(targets[i].name)
					       : new_name(monitor, i);
		target->held = calloc(TW_EVENTS_MAX, sizeof(*target->held));
		if (!target->name || !target->held)
			goto fail;
	}
	if (!monitor->count)
		goto fail;
	learn_clocks(monitor);
	*out = monitor;
	return 0;
fail:
	tw_monitor_destroy(monitor);
	return -ENOMEM;
}

void tw_monitor_destroy(struct tw_monitor *monitor)
{
	if (!monitor)
		return;
	tw_trace_file_end(monitor);
	for (size_t i = 0; i < monitor->count; i++) {
		free(monitor->targets[i].name);
		free(monitor->targets[i].held);
		if (monitor->has_opened)
			tw_attach_close(monitor->targets[i].attach);
	}
	free(monitor->targets);
	for (size_t i = 0; i < monitor->guest_count; i++)
		tw_ram_close(monitor->guests[i].ram);
	free(monitor->guests);
	free(monitor);
}

/* ---- Events ---- */

/* "guest:esp_*" names events of one target, "esp_*" those of any. */
bool tw_monitor_is_named(const struct tw_monitored *target, const char *pattern,
			 const char *event)
{
	const char *colon = pattern ? strrchr(pattern, ':') : NULL;

	if (!pattern)
		return true;
	if (!colon)
		return !event || tw_glob_match(pattern, event);
	return tw_glob_match_n(pattern, (size_t)(colon - pattern),
			       target->name) &&
	       (!event || tw_glob_match(colon + 1, event));
}

/* Its place as the walk's next, if it is one that is asked for. */
static bool take(struct tw_monitor *monitor, const char *pattern,
		 struct tw_monitor_event *event)
{
	struct tw_monitored *target = &monitor->targets[event->target];
	const struct tw_event_desc *desc = target->attach->lookup[event->id];

	if (!desc || !tw_monitor_is_named(target, pattern, desc->name))
		return false;
	event->name = desc->name;
	event->prefix = monitor->count > 1 ? target->name : NULL;
	event->state = tw_attach_event_state(target->attach, event->id);
	if (event->state == 0)
		event->state = monitor->is_off && target->held[event->id];
	else if (event->state < 0)
		event->state = desc->disabled || tw_attach_is_alive(
							 target->attach)
				       ? -ENODEV
				       : -EIO;
	return true;
}

bool tw_monitor_next(struct tw_monitor *monitor, const char *pattern,
		     struct tw_monitor_event *event)
{
	/* It stands on the last one that was given, if there was any. */
	if (event->name)
		event->id++;
	for (; event->target < monitor->count; event->target++) {
		const struct tw_attach *attach =
			monitor->targets[event->target].attach;

		for (; event->id < attach->lookup_count; event->id++)
			if (take(monitor, pattern, event))
				return true;
		event->id = 0;
	}
	event->name = NULL;
	return false;
}

/* ---- Off and on ---- */

static void hold_target(struct tw_monitored *target)
{
	struct tw_attach *attach = target->attach;

	if (!tw_attach_is_alive(attach))
		return;
	for (uint32_t id = 0; id < attach->lookup_count; id++)
		if (tw_attach_event_state(attach, id) == 1 &&
		    !tw_attach_set_event_state(attach, id, false))
			target->held[id] = true;
}

void tw_monitor_hold(struct tw_monitor *monitor)
{
	for (size_t i = 0; i < monitor->count; i++)
		hold_target(&monitor->targets[i]);
	monitor->is_off = true;
}

static void release_target(struct tw_monitored *target)
{
	struct tw_attach *attach = target->attach;
	bool is_alive = tw_attach_is_alive(attach);

	for (uint32_t id = 0; id < attach->lookup_count; id++)
		if (target->held[id] && is_alive)
			tw_attach_set_event_state(attach, id, true);
	memset(target->held, 0, TW_EVENTS_MAX * sizeof(*target->held));
}

void tw_monitor_release(struct tw_monitor *monitor)
{
	for (size_t i = 0; i < monitor->count; i++)
		release_target(&monitor->targets[i]);
	monitor->is_off = false;
}

void tw_monitor_replace(struct tw_monitor *monitor, size_t index,
			struct tw_attach *attach)
{
	struct tw_monitored *target = &monitor->targets[index];

	target->attach = attach;
	target->epoch++;
	memset(target->held, 0, TW_EVENTS_MAX * sizeof(*target->held));
	if (monitor->is_off)
		hold_target(target);
	tw_trace_file_replace(monitor, index);
}

void tw_monitor_refresh(struct tw_monitor *monitor)
{
	struct tw_attach_error error;

	tw_monitor_look(monitor);
	for (size_t i = 0; i < monitor->count; i++) {
		struct tw_monitored *target = &monitor->targets[i];

		/* What can't be refreshed is as it was. */
		if (tw_attach_refresh(target->attach, &error) == 1 &&
		    monitor->is_off)
			hold_target(target);
	}
}
