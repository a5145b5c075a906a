/* SPDX-License-Identifier: MIT */
/*
 * A ring for a test: in memory of its exact size between two stretches that
 * nobody may touch, so that a read or a write past either end is a crash.
 * Shared with children made by fork().
 */
#ifndef TRACKWAY_TESTS_RING_FIXTURE_H
#define TRACKWAY_TESTS_RING_FIXTURE_H

#include "../../../src/ring/ring-read.h"
#include "../../../src/ring/ring-write.h"

#include <stdbool.h>

struct fixture {
	uint8_t *memory; /* the ring's first byte */
	size_t size;
	struct tw_ring_layout layout;
	struct tw_ring ring;
	/* What the callbacks were asked for. */
	uint64_t reads;
	uint64_t writes;
	uint64_t written_at; /* the last write's offset */
	/* Between the guards: */
	uint8_t *mapping;
	size_t mapping_size;
};

/* Memory of size bytes with a guard before its mapping and one at its end. */
uint8_t *fixture_map(struct fixture *f, size_t size);
void fixture_unmap(struct fixture *f);

/* 4 lanes, 2 groups, 4 pages of 512 bytes: 4096 bytes, a guard at each end. */
extern const struct tw_ring_layout fixture_small;
/* The least there is: 1 lane, 1 group, 2 pages of 256 bytes, within 1 KiB. */
extern const struct tw_ring_layout fixture_tiny;

/* A ring of this layout, published. */
void fixture_create(struct fixture *f, const struct tw_ring_layout *layout,
		    enum tw_ring_mode mode);
void fixture_destroy(struct fixture *f);

/* Give group index of the ring state bytes and a schema's worth of heap. */
void fixture_add_group(struct fixture *f, uint32_t index, uint32_t events);

/* How a reader gets at the ring: mapped, or asking for every byte. */
enum fixture_access {
	FIXTURE_MAPPED,
	FIXTURE_CALLBACKS
};
#define FIXTURE_ACCESSES 2

/* The ring's first size bytes as memory for tw_ring_open(). The callbacks
 * abort where they are asked for what lies outside. */
void fixture_memory(struct fixture *f, enum fixture_access access,
		    struct tw_memory *memory);

/* The same for bytes that are no fixture's ring. */
void fixture_memory_of(struct fixture *f, enum fixture_access access,
		       struct tw_memory *memory, size_t size);

/* Open a reader or end the test. */
void fixture_open(struct fixture *f, enum fixture_access access,
		  struct tw_ring_reader *reader);

/* Turn every number in a ring, its pages' events included, into the other byte
 * order. The ring must be sound and in this machine's order. */
void fixture_swap(struct fixture *f);

#endif
