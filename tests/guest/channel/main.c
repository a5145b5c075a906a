/* SPDX-License-Identifier: MIT */
/*
 * A firmware whose events go by a channel: over isa-debugcon, which is one way
 * only, so that its events are on from the start; or over a serial line, on
 * which the host says which events it wants. It emits a burst of guest_work,
 * looks for what the host says, and so on, until there were WORK_TOTAL, which
 * the compiler's command line says; then
 * guest_done, behind a line of text that the test can see coming. Every boot
 * begins anew. guest_tick is never wanted: nobody is to receive it.
 */
#include "machine.h"
#include "trace.h"

#define WORK_BURST 500u
#define PATIENCE 100000000u /* loops */

static const char *const names[] = {
	"", "a", "line\n", "quote\"", "the quick brown fox jumps over the dog",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

void firmware_tick(unsigned int cpu)
{
}

void firmware_cpu(unsigned int cpu)
{
}

#if defined(CHANNEL_DEBUGCON)

#define ONE_WAY 1

static int put(uint8_t byte)
{
	__asm__ volatile("outb %0, $0xe9" : : "a"(byte));
	return 0;
}

static int (*const get)(void) = NULL;

#elif defined(__x86_64__)

#define ONE_WAY 0
#define COM1 0x3f8

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static int put(uint8_t byte)
{
	for (uint32_t i = 0; !(in8(COM1 + 5) & 0x20); i++)
		if (i == PATIENCE)
			return -1;
	machine_put((char)byte);
	return 0;
}

static int get(void)
{
	return in8(COM1 + 5) & 1 ? in8(COM1) : -1;
}

#elif defined(__aarch64__)

#define ONE_WAY 0
#define UART(offset) (*(volatile uint32_t *)(0x9000000ul + (offset)))

static int put(uint8_t byte)
{
	machine_put((char)byte);
	return 0;
}

static int get(void)
{
	return UART(0x18) & 0x10 ? -1 : (int)(UART(0) & 0xff);
}

#else

#define ONE_WAY 1

static int put(uint8_t byte)
{
	machine_put((char)byte);
	return 0;
}

static int (*const get)(void) = NULL;

#endif

static void say(const char *text)
{
	while (*text)
		put((uint8_t)*text++);
}

static void emit_work(uint32_t seq)
{
	trace_guest_work(0, seq, (uint64_t)seq * seq, -(int32_t)seq,
			 (int16_t)seq, names[seq % NAMES],
			 (void *)((uintptr_t)0xf0000000u + seq));
}

static void work(void)
{
	uint32_t seq = 0;

	while (seq < WORK_TOTAL) {
		for (uint32_t i = 0; i < WORK_BURST && seq < WORK_TOTAL &&
				     trace_guest_work_enabled();
		     i++)
			emit_work(seq++);
		if (!ONE_WAY)
			trace_guest_tick(0, seq);
		tw_channel_poll();
	}
	say("\nTHE END\n");
	trace_guest_done(0, seq);
}

void firmware_main(void)
{
	static struct tw_channel_group *const groups[] = {
		&tw_channel_group_firmware};
	static struct tw_transport_stream stream;
	static struct tw_channel_options options = {
		.groups = groups,
		.group_count = 1,
		.transport = &stream.transport,
		.name = FIRMWARE_NAME,
		.flags = ONE_WAY ? TW_CHANNEL_EVENTS_ON : 0,
	};

	stream.transport.kind = &tw_transport_stream_kind;
	stream.put = put;
	stream.get = get;
	options.clock_hz = machine_clock_hz();
	say("booting\r\n");
	if (tw_channel_start(&options) == 0)
		work();
	for (;;)
		tw_channel_poll();
}
