/* SPDX-License-Identifier: MIT */
/* A guest whose stream is its standard output; see test-channel.sh. */
#include "trace.h"

#include <stdio.h>
#include <string.h>

static int put(uint8_t byte)
{
	return putchar(byte) < 0 ? -1 : 0;
}

static struct tw_transport_stream stream = TW_STREAM(put, NULL);
static struct tw_channel_group *const groups[] = {&tw_channel_group_guest};

int main(void)
{
	const struct tw_channel_options options = {
		.groups = groups,
		.group_count = 1,
		.transport = &stream.transport,
		.name = "guest",
		.flags = TW_CHANNEL_EVENTS_ON,
	};
	static const uint8_t mac[3] = {1, 2, 3};
	static uint8_t large[3000];

	memset(large, 'a', sizeof(large));
	if (tw_channel_start(&options))
		return 1;
	trace_guest_none();
	puts("a console's text");
	trace_guest_ints(-1, 255, -70000, UINT64_MAX, true, 1.5);
	trace_guest_text("hello", (void *)0x1234, '!');
	trace_guest_ten(1, 2, 3, 4, 5, 6, 7, 8, 9, -10);
	trace_guest_bytes(large, 4, mac);
	trace_guest_bytes(large, sizeof(large), mac); /* cut */
	trace_guest_bytes(NULL, 5, NULL);
	trace_part_words(-1, 8, 7, -2, 65535, -3, 0x1000, 2.5F);
	trace_part_two(mac, 2, mac + 1);
	return 0;
}
