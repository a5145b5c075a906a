/* SPDX-License-Identifier: MIT */
/*
 * A guest of any byte order and word size, that needs no C library: it takes
 * switches from its standard input, and sends the same events by both
 * transports to its standard output, where they must be the same bytes on every
 * machine. The first frame is left out, since it says how large a word is.
 */
#include "trace-wire.h"

#if defined(__powerpc__)
enum {
	READ = 3,
	WRITE = 4,
	EXIT = 1
};

static long system_call(long number, long a, const void *b, long c)
{
	register long r0 __asm__("r0") = number;
	register long r3 __asm__("r3") = a;
	register const void *r4 __asm__("r4") = b;
	register long r5 __asm__("r5") = c;

	__asm__ __volatile__("sc"
			     : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5)
			     :
			     : "cr0", "ctr", "r6", "r7", "r8", "r9", "r10",
			       "r11", "r12", "memory");
	return r3;
}
#elif defined(__sparc__)
enum {
	READ = 3,
	WRITE = 4,
	EXIT = 1
};

static long system_call(long number, long a, const void *b, long c)
{
	register long g1 __asm__("g1") = number;
	register long o0 __asm__("o0") = a;
	register const void *o1 __asm__("o1") = b;
	register long o2 __asm__("o2") = c;

	__asm__ __volatile__("ta 0x10"
			     : "+r"(g1), "+r"(o0)
			     : "r"(o1), "r"(o2)
			     : "memory", "cc");
	return o0;
}
#elif defined(__i386__)
enum {
	READ = 3,
	WRITE = 4,
	EXIT = 1
};

static long system_call(long number, long a, const void *b, long c)
{
	__asm__ __volatile__("int $0x80"
			     : "+a"(number)
			     : "b"(a), "c"(b), "d"(c)
			     : "memory");
	return number;
}
#else /* x86-64 */
enum {
	READ = 0,
	WRITE = 1,
	EXIT = 60
};

static long system_call(long number, long a, const void *b, long c)
{
	__asm__ __volatile__("syscall"
			     : "+a"(number)
			     : "D"(a), "S"(b), "d"(c)
			     : "rcx", "r11", "memory");
	return number;
}
#endif

static bool started;

static int put(uint8_t byte)
{
	if (started)
		system_call(WRITE, 1, &byte, 1);
	return 0;
}

static int get(void)
{
	uint8_t byte = 0;

	return system_call(READ, 0, &byte, 1) == 1 ? byte : -1;
}

static void select_key(uint16_t key)
{
	put((uint8_t)(key >> 8));
	put((uint8_t)key);
}

static void write_byte(uint8_t byte)
{
	put(byte);
}

static uint8_t read_byte(void)
{
	return 0;
}

static struct tw_transport_stream line = TW_STREAM(put, get);
static struct tw_transport_fw_cfg device = TW_FW_CFG_HOOKS(
	select_key, write_byte, read_byte);

static void emit(void)
{
	static const uint8_t data[] = {1, 2, 0, 0xf7, 5, 6};

	trace_esp_do_command(1, 0x12, -2);
	trace_plain();
	trace_sizes(255, -2, 0x80000001, -3, true);
	trace_floats(1.5f, -1.5);
	trace_seven(1, 2, 3, 4, 5, -6, 7);
	trace_ten(1, -2, 3, -4, 5, -6, 7, -8, 9, INT64_MIN);
	trace_phase(5, -1);
	trace_last('c', -128);
	if (!trace_dump_enabled())
		return;
	/* Not by fw_cfg: addresses. */
	trace_text("first", "", 0x1234);
	trace_dump("x", data, 6);
	trace_fixed(data, 0x01020304);
}

void _start(void);
void _start(void)
{
	static struct tw_channel_group *const groups[] = {
		&tw_channel_group_wire};
	struct tw_channel_options options = {
		.groups = groups,
		.group_count = 1,
		.transport = &line.transport,
	};

	tw_channel_start(&options);
	started = true;
	tw_channel_poll();
	emit();
	options.transport = &device.transport;
	options.flags = TW_CHANNEL_EVENTS_ON;
	started = false;
	tw_channel_start(&options);
	started = true;
	tw_channel_group_wire.states[5] = 0;
	emit();
	system_call(EXIT, 0, NULL, 0);
	for (;;)
		;
}
