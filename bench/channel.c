/* SPDX-License-Identifier: MIT */
/*
 * What an event costs a guest by each of its ways to the host: the firmware
 * that bench/channel.py runs in examples/vmm. Given N, it does each N times, or
 * several times as often what is fast, so that all take about as long, between
 * two marks, which the VMM times.
 */
#include "ports.h"
#include "trace-ring.h"
#include "trace.h"

static struct tw_transport_fw_cfg fw_cfg = TW_FW_CFG_PORTS(
	PORT_FW_CFG_SELECTOR);

static int put(uint8_t byte)
{
	out8(PORT_CONSOLE, byte);
	return 0;
}

static struct tw_transport_stream console = TW_STREAM(put, NULL);

/* By fw_cfg, what is on is the host's to say; over the console it can't. */
static int start_channel(struct tw_transport *transport)
{
	static struct tw_channel_group *const groups[] = {
		&tw_channel_group_firmware,
	};
	static struct tw_channel_options options = {
		.groups = groups,
		.group_count = 1,
		.name = "bench",
		.flags = TW_CHANNEL_EVENTS_ON,
	};

	options.transport = transport;
	return tw_channel_start(&options);
}

static int start_ring(void)
{
	static struct tw_group *const groups[] = {&tw_group_bench};
	static struct tw_guest_options options = {
		.memory = ring_start,
		.size = 8u << 20,
		.name = "bench",
		.groups = groups,
		.group_count = 1,
		.flags = TW_GUEST_EVENTS_ON,
	};

	return tw_guest_start(&options);
}

__attribute__((noinline)) static void nothing(int a, int b, int c)
{
	(void)a, (void)b, (void)c;
	__asm__ volatile("");
}

__attribute__((noinline)) static void by_ring(int a, int b, int c)
{
	trace_ring_do_command(a, b, c);
}

__attribute__((noinline)) static void by_channel(int a, int b, int c)
{
	trace_esp_do_command(a, b, c);
}

__attribute__((noinline)) static void by_port(int a, int b, int c)
{
	(void)b, (void)c;
	out8(0x80, (uint8_t)a);
}

static void measure(uint8_t number, void (*way)(int a, int b, int c),
		    uint64_t count)
{
	/* What is translated or mapped at its first use. */
	for (int i = 0; i < 16; i++)
		way(i, 2, 3);
	out8(PORT_MARK, 0);
	for (uint64_t i = 0; i < count; i++)
		way((int)i, 2, 3);
	out8(PORT_MARK, number);
}

int firmware_main(uint64_t count)
{
	measure(1, nothing, 20 * count);
	measure(2, by_port, 20 * count);
	if (start_ring())
		return 1;
	measure(3, by_ring, 5 * count);
	if (start_channel(&fw_cfg.transport))
		return 2;
	measure(4, by_channel, count);
	if (start_channel(&console.transport))
		return 3;
	measure(5, by_channel, count);
	return 0;
}
