/* SPDX-License-Identifier: MIT */
/*
 * The example's firmware: the driver of a SCSI controller that is not there
 * carries out as many commands as it is told to, 0: until the VMM is ended.
 * Its events go over the fw_cfg device's channel, which also says which of
 * them are on; with DEMO_STREAM they go over the console, in frames between the
 * text, and all of them are on.
 */
#include "ports.h"
#include "trace.h"

#define COMMANDS_A_POLL 64
#define PAUSE 20000000 /* ticks of the time stamp counter; about 10 ms */

enum {
	TEST_UNIT_READY,
	INQUIRY = 0x12,
	READ_CAPACITY = 0x25,
	READ = 0x28
};

#ifdef DEMO_STREAM
static int put(uint8_t byte)
{
	out8(PORT_CONSOLE, byte);
	return 0;
}

static struct tw_transport_stream channel = TW_STREAM(put, NULL);
#define FLAGS TW_CHANNEL_EVENTS_ON
#else
static struct tw_transport_fw_cfg channel = TW_FW_CFG_PORTS(
	PORT_FW_CFG_SELECTOR);
#define FLAGS 0
#endif

static void start_channel(void)
{
	static struct tw_channel_group *const groups[] = {
		&tw_channel_group_firmware,
	};
	static const struct tw_channel_options options = {
		.groups = groups,
		.group_count = 1,
		.transport = &channel.transport,
		.name = "demo",
		.flags = FLAGS,
	};

	if (tw_channel_start(&options))
		say("no channel\n");
}

static void inquire(int id)
{
	trace_esp_inquiry(id, "TRACKWAY", "no disk at all", id % 2 != 0);
}

static void read_blocks(int id, uint64_t number)
{
	trace_esp_transfer(id, 3, 0x123456789abcdef0u + number, 8, 512,
			   -(int64_t)number, ring_start + number, true, -1,
			   number * number);
}

static void carry_out(uint64_t number)
{
	static const int commands[] = {TEST_UNIT_READY, INQUIRY, READ_CAPACITY,
				       READ};
	const int command = commands[number % 4];
	const int id = (int)number;

	trace_esp_register(3, (uint8_t)command);
	trace_esp_do_command(id, command, number % 7 == 5 ? -1 : 0);
	if (command == INQUIRY && number % 25 == 0)
		inquire(id);
	if (command == READ && number % 25 == 0)
		read_blocks(id, number);
}

static void wait(void)
{
	const uint64_t began = __builtin_ia32_rdtsc();

	trace_esp_idle();
	while (__builtin_ia32_rdtsc() - began < PAUSE)
		__builtin_ia32_pause();
}

int firmware_main(uint64_t commands)
{
	start_channel();
	trace_esp_start("esp, on no bus", commands);
	for (uint64_t i = 0; commands == 0 || i < commands; i++) {
		if (i % COMMANDS_A_POLL == 0)
			tw_channel_poll();
		carry_out(i);
		if (commands == 0) {
			wait();
			tw_channel_poll();
		}
	}
	say("done\n");
	return 0;
}
