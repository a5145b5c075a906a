/* SPDX-License-Identifier: MIT */
/* What the library's files share. */
#ifndef TRACKWAY_CHANNEL_CHANNEL_H
#define TRACKWAY_CHANNEL_CHANNEL_H

#include <trackway/channel.h>

/* All that the library knows of a number, into size bytes of counts: a caller
 * may know more members of the struct than the library, or fewer. */
static inline void tw_channel_copy_counts(const struct tw_channel_counts *from,
					  struct tw_channel_counts *counts,
					  size_t size)
{
	memset(counts, 0, size);
	memcpy(counts, from, size < sizeof(*from) ? size : sizeof(*from));
}

static inline uint32_t tw_channel_load32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static inline uint64_t tw_channel_load64(const uint8_t *at)
{
	return tw_channel_load32(at) | (uint64_t)tw_channel_load32(at + 4)
					       << 32;
}

static inline void tw_channel_store32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

#endif
