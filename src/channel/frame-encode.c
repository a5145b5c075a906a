/* SPDX-License-Identifier: MIT */
/* Frames from the host to the guest: which events are to be on. */

#include "channel.h"

#include <errno.h>

int tw_frame_encode_switch(uint8_t *buffer, size_t size, uint32_t sequence,
			   const struct tw_channel_switch *switches,
			   size_t count)
{
	const size_t payload = count * TW_FRAME_SWITCH_SIZE;
	uint8_t *at = buffer + TW_FRAME_HEADER;

	if (count == 0 || count > TW_FRAME_SWITCHES_MAX)
		return -EINVAL;
	if (size < TW_FRAME_HEADER + payload + TW_FRAME_TRAILER)
		return -ENOSPC;
	buffer[0] = TW_FRAME_MARK;
	buffer[1] = (uint8_t)payload;
	buffer[2] = 0;
	buffer[3] = TW_FRAME_TYPE_SWITCH;
	tw_channel_store32(buffer + 4, sequence);
	for (size_t i = 0; i < count; i++) {
		*at++ = (uint8_t)switches[i].id;
		*at++ = (uint8_t)(switches[i].id >> 8);
		*at++ = switches[i].on;
	}
	tw_channel_store32(
		at, tw_frame_crc(0, buffer + 1, TW_FRAME_HEADER - 1 + payload));
	return (int)(TW_FRAME_HEADER + payload + TW_FRAME_TRAILER);
}
