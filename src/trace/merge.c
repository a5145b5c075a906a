/* SPDX-License-Identifier: MIT */
/* Building the tree of losers. Called by read.c. */
#include "merge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static uint32_t round_up(uint32_t count)
{
	uint32_t leaves = 1;

	while (leaves < count)
		leaves *= 2;
	return leaves;
}

static bool is_before(const struct tw_merge_node *a,
		      const struct tw_merge_node *b)
{
	return a->time != b->time ? a->time < b->time : a->leaf < b->leaf;
}

/* The winner below a node, whose losers are put into place. */
static struct tw_merge_node play(struct tw_merge *merge, const uint64_t *times,
				 uint32_t count, uint32_t at)
{
	struct tw_merge_node one, other;
	uint32_t leaf;

	if (at >= merge->leaf_count) {
		leaf = at - merge->leaf_count;
		return (struct tw_merge_node){
			leaf < count ? times[leaf] : TW_MERGE_NONE, leaf};
	}
	one = play(merge, times, count, at * 2);
	other = play(merge, times, count, at * 2 + 1);
	if (is_before(&one, &other)) {
		merge->nodes[at] = other;
		return one;
	}
	merge->nodes[at] = one;
	return other;
}

int tw_merge_build(struct tw_merge *merge, const uint64_t *times,
		   uint32_t count)
{
	const uint32_t leaves = count ? round_up(count) : 0;
	struct tw_merge_node *nodes;

	if (leaves > merge->leaf_count) {
		nodes = reallocarray(merge->nodes, leaves, sizeof(*nodes));
		if (!nodes)
			return -ENOMEM;
		merge->nodes = nodes;
	}
	merge->leaf_count = leaves;
	if (leaves)
		merge->nodes[0] = play(merge, times, count, 1);
	return 0;
}

void tw_merge_free(struct tw_merge *merge)
{
	free(merge->nodes);
	*merge = (struct tw_merge){0};
}
