/* SPDX-License-Identifier: MIT */
/*
 * What the rings of one memory may cost together. Each that is used takes time
 * and memory by the pages and lanes that it counts, and what it holds is
 * copied; and nothing but honesty keeps rings from lying one upon the other, so
 * that a guest could make many out of one. The least of them are let in first:
 * forged giants don't keep a firmware's own ring out. Called by ram-scan.c.
 */
#include "ram-source.h"

#include <stdlib.h>

/* A page's looks are the unit; a lane, or a group, takes some eight times the
 * memory and time. */
#define COST_MAX (UINT64_C(3) << 20)
#define LANE_COST 8

static const char too_large[] =
	"with it, rings would be larger than the memory that they are in";
static const char too_costly[] =
	"with it, the rings here would have more pages and lanes than can be "
	"kept track of";

uint64_t tw_ram_cost_of(const struct tw_ring_control *control)
{
	return control->page_count +
	       LANE_COST * ((uint64_t)control->lane_count +
			    control->group_capacity);
}

bool tw_ram_is_left_out(const struct tw_ram_ring *ring)
{
	return ring->why == too_large || ring->why == too_costly;
}

static int compare(const void *a, const void *b)
{
	const struct tw_ram_ring *const *one = a, *const *other = b;
	const bool kept = (*one)->is_kept, other_kept = (*other)->is_kept;

	if (kept != other_kept)
		return kept ? -1 : 1;
	if ((*one)->size != (*other)->size)
		return (*one)->size < (*other)->size ? -1 : 1;
	return ((*one)->serial > (*other)->serial) -
	       ((*one)->serial < (*other)->serial);
}

static uint64_t memory_size(const struct tw_ram_memory *memory)
{
	uint64_t size = 0;

	for (size_t i = 0; i < memory->range_count; i++)
		size += memory->ranges[i].end - memory->ranges[i].start;
	return size;
}

size_t tw_ram_share_out(struct tw_ram *ram)
{
	const uint64_t room = memory_size(&ram->memory);
	struct tw_ram_ring *rings[TW_RAM_RINGS_MAX];
	uint64_t size = 0, cost = 0;
	size_t count = 0, left_out = 0;

	for (size_t i = 0; i < ram->ring_count; i++) {
		struct tw_ram_ring *ring = &ram->rings[i];

		if (!ring->gone && (!ring->why || tw_ram_is_left_out(ring)))
			rings[count++] = ring;
	}
	if (count)
		qsort(rings, count, sizeof(rings[0]), compare);
	for (size_t i = 0; i < count; i++) {
		if (rings[i]->is_kept)
			rings[i]->why = NULL;
		else if (rings[i]->size > room - size)
			rings[i]->why = too_large;
		else if (rings[i]->cost > COST_MAX - cost)
			rings[i]->why = too_costly;
		else
			rings[i]->why = NULL;
		if (rings[i]->why) {
			left_out++;
			continue;
		}
		rings[i]->is_kept = true;
		/* A mapping that went may have taken a kept one's part. */
		size = rings[i]->size > room - size ? room
						    : size + rings[i]->size;
		cost += rings[i]->cost;
		if (cost > COST_MAX)
			cost = COST_MAX;
	}
	return left_out;
}
