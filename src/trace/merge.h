/* SPDX-License-Identifier: MIT */
/*
 * Which of many lanes has the earliest record: a tree of losers. Each lane is a
 * leaf; each inner node keeps the later one of the two that met there, and the
 * earlier went on. When the winner's lane moves on, only those on its way up
 * are met again: as many as the tree is high, at places that are known
 * beforehand, and with no branch on who wins. That is what makes it faster than
 * a heap where every event is of another lane: such branches can't be foretold.
 *
 *	     [0] winner: 2			leaves: 0 1 2 3
 *	     [1] 1				times:  9 4 3 7
 *	[2] 0	     [3] 3
 *
 * The order is that of the times, and among equal times that of the leaves.
 */
#ifndef TRACKWAY_TRACE_MERGE_H
#define TRACKWAY_TRACE_MERGE_H

#include <stdint.h>

/* The time of a leaf that has no record: after all others. */
#define TW_MERGE_NONE UINT64_MAX

struct tw_merge_node {
	uint64_t time;
	uint32_t leaf;
};

/* Zero-filled is one without leaves. */
struct tw_merge {
	struct tw_merge_node *nodes; /* leaf_count of them; [0] is the winner */
	uint32_t leaf_count;	     /* 0, or a power of two */
};

/*
 * Begin anew with these times, one a leaf. 0 or -ENOMEM: then it is as it was.
 */
int tw_merge_build(struct tw_merge *merge, const uint64_t *times,
		   uint32_t count);
void tw_merge_free(struct tw_merge *merge);

/* The earliest; its time is TW_MERGE_NONE if no leaf has a record. */
static inline struct tw_merge_node tw_merge_winner(const struct tw_merge *merge)
{
	const struct tw_merge_node none = {TW_MERGE_NONE, 0};

	return merge->leaf_count ? merge->nodes[0] : none;
}

/* The winner's lane has moved on: time is that of its next record. */
static inline void tw_merge_replace(struct tw_merge *merge, uint64_t time)
{
	struct tw_merge_node *nodes = merge->nodes;
	struct tw_merge_node moving = {time, nodes[0].leaf};
	uint32_t at = (moving.leaf + merge->leaf_count) / 2;

	for (; at; at /= 2) {
		const struct tw_merge_node met = nodes[at];
		const unsigned int is_before =
			(unsigned int)(met.time < moving.time) |
			((unsigned int)(met.time == moving.time) &
			 (unsigned int)(met.leaf < moving.leaf));
		/* All ones where the two change places. */
		const uint64_t mask = (uint64_t)0 - is_before;
		const uint64_t times = (met.time ^ moving.time) & mask;
		const uint32_t leaves = (met.leaf ^ moving.leaf) &
					(uint32_t)mask;

		nodes[at].time = met.time ^ times;
		nodes[at].leaf = met.leaf ^ leaves;
		moving.time ^= times;
		moving.leaf ^= leaves;
	}
	nodes[0] = moving;
}

/*
 * The time of the earliest leaf but for the winner: as long as the winner's
 * lane is earlier, it need not be replaced. TW_MERGE_NONE if there is none.
 */
static inline uint64_t tw_merge_runner_up(const struct tw_merge *merge)
{
	const struct tw_merge_node *nodes = merge->nodes;
	uint64_t time = TW_MERGE_NONE;
	uint32_t at;

	/* It has lost to the winner and to nobody else. */
	for (at = (nodes[0].leaf + merge->leaf_count) / 2; at; at /= 2)
		if (nodes[at].time < time)
			time = nodes[at].time;
	return time;
}

#endif
