/* SPDX-License-Identifier: MIT */
/* The rings that a target names: for cmd-events.c and switch.c. */
#include "rings.h"

#include "../attach/ram.h"
#include "../trace/foreign.h"
#include "status-line.h"

#include <stdlib.h>

static int add(struct tw_rings *rings, struct tw_attach *attach)
{
	struct tw_attach **list = reallocarray(rings->list, rings->count + 1,
					       sizeof(struct tw_attach *));

	if (!list) {
		tw_attach_close(attach);
		return tw_error_memory();
	}
	rings->list = list;
	list[rings->count++] = attach;
	return TW_EXIT_OK;
}

/* ---- A guest's ---- */

void tw_rings_show_search(uint64_t done, uint64_t total)
{
	if (tw_status_is_due())
		tw_status_show("searching for rings: %s of %s",
			       tw_bytes_of(done).text, tw_bytes_of(total).text);
}

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	tw_rings_show_search(done, total);
	return true;
}

static int add_from(struct tw_rings *rings, struct tw_ram *ram, bool writable)
{
	struct tw_attach_error error;
	struct tw_attach *attach;
	int status = TW_EXIT_OK;

	for (size_t i = 0; !status && i < tw_ram_ring_count(ram); i++) {
		if (!tw_ram_ring_is_usable(tw_ram_ring(ram, i)))
			continue;
		if (tw_ram_attach(ram, i, writable, &attach, &error))
			tw_notice("%s", error.text);
		else
			status = add(rings, attach);
	}
	if (status || rings->count)
		return status;
	/* A copy that was named by its place, or why there is none. */
	if (tw_ram_attach_only(ram, writable, &attach, &error))
		return tw_error(NULL, "%s", error.text);
	return add(rings, attach);
}

static int open_guest(struct tw_rings *rings, const char *target, bool writable)
{
	struct tw_attach_error error;
	struct tw_ram *ram;
	int got, status;

	if (tw_ram_open(target, writable, &ram, &error))
		return tw_error(NULL, "%s", error.text);
	tw_ram_on_progress(ram, show_progress, NULL);
	got = tw_ram_scan(ram, &error);
	tw_status_clear();
	if (got >= 0 && tw_ram_notice(ram))
		tw_notice("%s", tw_ram_notice(ram));
	status = got < 0 ? tw_error(NULL, "%s", error.text)
			 : add_from(rings, ram, writable);
	tw_ram_close(ram);
	return status;
}

/* ---- All ---- */

static int open_channel(struct tw_rings *rings, const char *target,
			const struct tw_words *events)
{
	const struct tw_channel_source_options what = {.on = true,
						       .closed = true};
	struct tw_attach *attach;
	int status = tw_channels_open(&rings->channels, target, events, what,
				      &attach);

	return status ? status : add(rings, attach);
}

static int open_target(struct tw_rings *rings, const char *target,
		       bool writable, const struct tw_words *events)
{
	struct tw_attach_error error;
	struct tw_attach *attach;

	if (tw_is_channel(target) && writable)
		return tw_error(target, "a channel's events are switched by "
					"who records it: trackway record -e");
	if (tw_is_channel(target))
		return open_channel(rings, target, events);
	if (tw_foreign_is_spec(target))
		return tw_error(target, "another tracer's events: trackway "
					"print and stat read them");
	rings->is_guest = tw_ram_is_spec(target);
	if (rings->is_guest)
		return open_guest(rings, target, writable);
	if (tw_attach_open(target, writable, &attach, &error))
		return tw_error(NULL, "%s", error.text);
	return add(rings, attach);
}

static int use_schema(struct tw_rings *rings, const char *path)
{
	struct tw_attach_error error;
	struct tw_schema *schema;
	int taken = 0;

	if (tw_attach_load_schema(path, &schema, &error))
		return tw_error(NULL, "%s", error.text);
	for (size_t i = 0; taken >= 0 && i < rings->count; i++)
		taken = tw_attach_use_schema(rings->list[i], schema, &error);
	tw_schema_destroy(schema);
	return taken < 0 ? tw_error(NULL, "%s", error.text) : TW_EXIT_OK;
}

int tw_rings_open(struct tw_rings *rings, const char *target, bool writable,
		  const char *schema, const struct tw_words *events)
{
	int status;

	*rings = (struct tw_rings){0};
	status = open_target(rings, target, writable, events);
	if (!status)
		status = tw_channels_check(rings->channels, events);
	if (!status && schema)
		status = use_schema(rings, schema);
	if (status)
		tw_rings_close(rings);
	return status;
}

void tw_rings_close(struct tw_rings *rings)
{
	for (size_t i = 0; i < rings->count; i++)
		tw_attach_close(rings->list[i]);
	free(rings->list);
	tw_channels_destroy(rings->channels);
	*rings = (struct tw_rings){0};
}
