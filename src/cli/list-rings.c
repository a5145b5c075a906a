/* SPDX-License-Identifier: MIT */
/*
 * The rings in guests' memories: each memory is searched once, and each ring
 * opened for as long as it takes to count its events. The guest may do anything
 * meanwhile, so a ring that can't be opened any more is a line like the others.
 */
#include "list-rings.h"

#include "../attach/ram.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const states[] = {
	[TW_TARGET_RUNNING] = "running",
	[TW_TARGET_CLOSED] = "closed",
	[TW_TARGET_ORPHAN] = "orphan",
};

/* A line of the list. */
struct line {
	const char *memory; /* its spec, without a ring */
	const struct tw_ram_ring *ring;
	const char *state;
	uint32_t events;
	uint32_t enabled;
	const char *why; /* it can't be used; or NULL */
};

/* What is known of whether a memory's guest runs: of a file of RAM, by who has
 * it. */
static const char *state_of(const struct tw_attach *attach, int in_use)
{
	const enum tw_target_state state = attach->target.state;

	if (state != TW_TARGET_RUNNING || in_use == 1)
		return states[state];
	return in_use ? "unknown" : states[TW_TARGET_ORPHAN];
}

struct listing {
	struct tw_table *table; /* or */
	struct tw_json *json;
	size_t count;
};

static void add_row(struct tw_table *table, const struct line *line)
{
	const struct tw_ram_ring *ring = line->ring;
	char size[24];

	tw_list_format_size(size, sizeof(size), ring->size);
	tw_table_add(table, TW_STYLE_PLAIN, "%s", ring->name);
	tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu32, ring->generation);
	tw_table_add(table, line->why ? TW_STYLE_YELLOW : TW_STYLE_PLAIN, "%s",
		     line->state);
	tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu32, line->events);
	tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu32, line->enabled);
	tw_table_add(table, TW_STYLE_PLAIN, "%s", size);
	tw_table_add(table, TW_STYLE_PLAIN, "%s/0x%" PRIx64 "%s%s",
		     line->memory, ring->place, line->why ? ": " : "",
		     line->why ? line->why : "");
}

static void add_uuid(struct tw_json *json, const uint8_t *uuid)
{
	char text[33];

	for (size_t i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", uuid[i]);
	tw_json_text(json, "uuid", text);
}

static void add_json(struct tw_json *json, const struct line *line)
{
	const struct tw_ram_ring *ring = line->ring;
	char *path;

	if (asprintf(&path, "%s/0x%" PRIx64, line->memory, ring->place) < 0) {
		json->text.failed = true;
		return;
	}
	tw_text_add_string(&json->text, json->comma ? ",\n" : "\n");
	json->comma = false;
	tw_json_begin(json, NULL, '{');
	tw_json_text(json, "name", ring->name);
	tw_json_u64(json, "pid", ring->pid);
	tw_json_u64(json, "generation", ring->generation);
	tw_json_text(json, "state", line->state);
	tw_json_u64(json, "events", line->events);
	tw_json_u64(json, "enabled", line->enabled);
	tw_json_u64(json, "ring_bytes", ring->size);
	tw_json_u64(json, "place", ring->place);
	add_uuid(json, ring->uuid);
	tw_json_text(json, "path", path);
	free(path);
	if (line->why)
		tw_json_text(json, "why", line->why);
	else
		tw_json_null(json, "why");
	tw_json_end(json, '}');
}

static void add_line(struct listing *listing, const struct line *line)
{
	if (listing->table)
		add_row(listing->table, line);
	else
		add_json(listing->json, line);
	listing->count++;
}

static void add_ring(struct listing *listing, struct tw_ram *ram, size_t i,
		     int in_use)
{
	const struct tw_ram_ring *ring = tw_ram_ring(ram, i);
	struct line line = {.memory = tw_ram_spec(ram), .ring = ring};
	struct tw_attach_error error;
	struct tw_attach *attach = NULL;

	if (ring->gone)
		return;
	if (ring->copy) {
		line.state = "copy";
	} else if (ring->why) {
		line.state = "refused";
		line.why = ring->why;
	} else if (tw_ram_attach(ram, i, false, &attach, &error)) {
		line.state = "refused";
		line.why = error.text;
	} else {
		line.state = state_of(attach, in_use);
		line.events = attach->target.event_count;
		line.enabled = attach->target.enabled_count;
	}
	add_line(listing, &line);
	tw_attach_close(attach);
}

static int add_memory(struct listing *listing, const char *spec)
{
	struct tw_attach_error error;
	struct tw_ram *ram;
	int result, in_use;

	if (tw_ram_open(spec, false, &ram, &error))
		return tw_error(NULL, "%s", error.text);
	result = tw_ram_scan(ram, &error);
	in_use = result >= 0 && tw_ram_ring_count(ram) ? tw_ram_is_in_use(ram)
						       : 0;
	if (result >= 0)
		for (size_t i = 0; i < tw_ram_ring_count(ram); i++)
			add_ring(listing, ram, i, in_use);
	if (tw_ram_notice(ram))
		tw_notice("%s", tw_ram_notice(ram));
	tw_ram_close(ram);
	return result < 0 ? tw_error(NULL, "%s", error.text) : TW_EXIT_OK;
}

static int add_memories(struct listing *listing,
			const struct tw_words *memories)
{
	int status = TW_EXIT_OK;

	for (size_t i = 0; i < memories->count; i++)
		if (add_memory(listing, memories->list[i]))
			status = TW_EXIT_FAILED;
	return status;
}

int tw_list_rings_json(const struct tw_words *memories, struct tw_json *json)
{
	struct listing listing = {.json = json};

	return add_memories(&listing, memories);
}

int tw_list_rings(const struct tw_words *memories, bool is_second)
{
	static const struct tw_column columns[] = {
		{"NAME", false},  {"BOOT", true}, {"STATE", false},
		{"EVENTS", true}, {"ON", true},	  {"RING", true},
		{"PLACE", false},
	};
	struct listing listing = {0};
	bool printed = true;
	int status;

	listing.table = tw_table_create(columns,
					sizeof(columns) / sizeof(columns[0]));
	if (!listing.table)
		return tw_error_memory();
	status = add_memories(&listing, memories);
	if (listing.count && is_second)
		putchar('\n');
	if (listing.count)
		printed = tw_table_print(listing.table);
	else if (status == TW_EXIT_OK)
		tw_notice("no ring is there");
	tw_table_destroy(listing.table);
	return printed ? status : tw_error_memory();
}
