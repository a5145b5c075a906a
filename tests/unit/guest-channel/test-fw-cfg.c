/* SPDX-License-Identifier: MIT */
/* The channel by fw_cfg: what is written is seed 2's to the byte. */
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#define MORE ((uint64_t)1 << 63)

static struct tw_transport_fw_cfg device = TW_FW_CFG_HOOKS(
	wire_select, wire_write, wire_read);

static int reset(void **state)
{
	(void)state;
	wire_reset();
	return 0;
}

/* The next of what was written is this u64. */
static void expect_u64(size_t *at, uint64_t value)
{
	uint32_t i;

	assert_true(*at + 9 <= wire.count);
	assert_int_equal(wire.written[(*at)++], WIRE_SELECT(0x4000));
	for (i = 0; i < 8; i++, value >>= 8)
		assert_int_equal(wire.written[(*at)++], value & 0xff);
}

/* Only these messages were written. */
static void expect(const uint64_t (*messages)[7], size_t count)
{
	size_t at = 0;
	size_t i, j;

	for (i = 0; i < count; i++)
		for (j = 0; j < 7; j++)
			expect_u64(&at, messages[i][j]);
	assert_int_equal(at, wire.count);
	wire.count = 0;
}

static void test_bytes(void **state)
{
	/* esp_do_command(1, 0x12, -2), the second group's event 16 + 0. */
	static const uint32_t expected[] = {
		/* clang-format off */
		0x14000, 0, 0, 0, 0, 0, 0, 0, 0,
		0x14000, 1, 0, 0, 0, 0, 0, 0, 0,
		0x14000, 0x12, 0, 0, 0, 0, 0, 0, 0,
		0x14000, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x14000, 0, 0, 0, 0, 0, 0, 0, 0,
		0x14000, 0, 0, 0, 0, 0, 0, 0, 0,
		0x14000, 0, 0, 0, 0, 0, 0, 0, 0,
		/* clang-format on */
	};

	(void)state;
	wire_start(&device.transport, TW_CHANNEL_EVENTS_ON);
	trace_esp_do_command(1, 0x12, -2);
	assert_int_equal(wire.count, 63);
	assert_memory_equal(wire.written, expected, sizeof(expected));
}

static void test_arguments(void **state)
{
	static const char text[] = "text";
	static uint8_t data[6];
	const uint64_t messages[][7] = {
		{1},
		{2, 255, (uint64_t)-2, 0x80000000, (uint64_t)-3, 1},
		{3, 0x3fc00000, 0xbff8000000000000},
		{4, (uintptr_t)text, 0, 0xffff},
		{5, (uintptr_t)text, (uintptr_t)data, 6},
		{6, (uintptr_t)data, (uint64_t)INT32_MIN},
		{9, 5, (uint64_t)-1},
		{10, 7, (uintptr_t)&data[1]},
		{12, (uint64_t)(char)200, (uint64_t)-128},
		{14, 200},
		{15, (uintptr_t)text},
	};

	(void)state;
	wire_start(&device.transport, TW_CHANNEL_EVENTS_ON);
	trace_plain();
	trace_sizes(255, -2, 0x80000000, -3, true);
	trace_floats(1.5f, -1.5);
	trace_text(text, NULL, 0xffff);
	trace_dump(text, data, 6);
	trace_fixed(data, INT32_MIN);
	trace_phase(5, -1);
	trace_word(7, &data[1]);
	trace_last((char)200, -128);
	trace_more_first(200);
	trace_more_second(text);
	expect(messages, sizeof(messages) / sizeof(messages[0]));
}

/* Arguments 7 to 10 go ahead, where they are sent at all. */
static void test_ten(void **state)
{
	static const uint64_t messages[][7] = {
		{7 | MORE, 7},
		{7, 1, 2, 3, 4, 5, (uint64_t)-6},
		{8 | MORE, 70, 80, 90, (uint64_t)INT64_MIN},
		{8, 10, 20, 30, 40, 50, 60},
	};

	(void)state;
	wire_start(&device.transport, TW_CHANNEL_EVENTS_ON);
	trace_seven(1, 2, 3, 4, 5, -6, 7);
	trace_ten(10, 20, 30, 40, 50, 60, 70, 80, 90, INT64_MIN);
	expect(messages, 4);
}

/* Calls by hand, with an id that is no group's: the host's to judge. */
static void test_by_hand(void **state)
{
	static const uint64_t messages[][7] = {
		{322, 1, 2, 3, 4, 5, 6},
		{UINT64_MAX},
		{4, 1},
		{4, 1, 2},
		{4, 1, 2, 3, 4},
		{4, 1, 2, 3, 4, 5},
		{4 | MORE, 7, 8},
		{4, 1, 2, 3, 4, 5, 6},
		{4 | MORE, 7, 8, 9},
		{4, 1, 2, 3, 4, 5, 6},
	};

	(void)state;
	wire_start(&device.transport, 0);
	trace6(322, 1, 2, 3, 4, 5, 6);
	trace0(UINT64_MAX);
	trace1(4, 1);
	trace2(4, 1, 2);
	trace4(4, 1, 2, 3, 4);
	trace5(4, 1, 2, 3, 4, 5);
	trace8(4, 1, 2, 3, 4, 5, 6, 7, 8);
	trace9(4, 1, 2, 3, 4, 5, 6, 7, 8, 9);
	expect(messages, 10);
	assert_int_equal(tw_channel_lost(), 0);
}

static void test_off(void **state)
{
	(void)state;
	/* Before the start, and after it: events are off. */
	trace_plain();
	trace3(0, 1, 2, 3);
	assert_false(trace_plain_enabled());
	wire_start(&device.transport, 0);
	trace_plain();
	assert_int_equal(wire.count, 0);
	assert_false(trace_plain_enabled());
	wire_start(&device.transport, TW_CHANNEL_EVENTS_ON);
	assert_true(trace_plain_enabled());
	assert_true(trace_more_second_enabled());
	tw_channel_stop();
	assert_false(trace_plain_enabled());
	trace_plain();
	trace0(1);
	tw_channel_poll();
	assert_int_equal(wire.count, 0);
}

/* The host says which events are on: at the start, and whenever asked. */
static void test_states(void **state)
{
	uint8_t answer[6 + 20] = {'T', 'W', 'C', '1', 16, 0};

	(void)state;
	answer[6 + 1] = 1;
	answer[6 + 15] = 0x80;
	wire_answer(answer, sizeof(answer));
	wire_start(&device.transport, TW_CHANNEL_EVENTS_ON);
	assert_int_equal(wire.answer_size, 4);
	assert_true(trace_plain_enabled());
	assert_true(trace_more_second_enabled());
	assert_false(trace_esp_do_command_enabled());
	assert_false(trace_more_first_enabled());
	assert_int_equal(wire.count, 0);
	answer[6 + 1] = 0;
	answer[6 + 14] = 1;
	wire_answer(answer, sizeof(answer));
	tw_channel_poll();
	assert_int_equal(wire.written[0], WIRE_SELECT(0x4000));
	assert_int_equal(wire.count, 1);
	assert_false(trace_plain_enabled());
	assert_true(trace_more_first_enabled());
}

/* A host that has fewer events, more of them, or nothing to say. */
static void test_other_states(void **state)
{
	static const uint8_t fewer[] = {'T', 'W', 'C', '1', 1, 0, 0, 0};
	static const uint8_t wrong[] = {'T', 'W', 'C', '2', 16, 0, 1, 1};
	static uint8_t many[6 + 65535] = {'T', 'W', 'C', '1', 255, 255};

	(void)state;
	wire_answer(fewer, sizeof(fewer));
	wire_start(&device.transport, TW_CHANNEL_EVENTS_ON);
	assert_false(trace_esp_do_command_enabled());
	assert_true(trace_plain_enabled());
	wire_answer(many, sizeof(many));
	tw_channel_poll();
	assert_int_equal(wire.answer_size, 65535 - 16);
	assert_false(trace_plain_enabled());
	wire_answer(wrong, sizeof(wrong));
	tw_channel_poll();
	assert_false(trace_plain_enabled());
	wire_start(&device.transport, TW_CHANNEL_EVENTS_ON);
	assert_true(trace_plain_enabled());
	tw_channel_poll();
	assert_true(trace_plain_enabled());
}

/* What comes in the middle of a message. */
static void interrupt(void)
{
	wire.interrupt = NULL;
	trace_more_first(1);
	tw_channel_poll();
}

static void test_nested(void **state)
{
	static const uint64_t messages[][7] = {{0, 1, 2, 3}, {14, 2}};

	(void)state;
	wire_start(&device.transport, TW_CHANNEL_EVENTS_ON);
	wire.interrupt = interrupt;
	trace_esp_do_command(1, 2, 3);
	trace_more_first(2);
	expect(messages, 2);
	assert_int_equal(tw_channel_lost(), MESSAGES_GUARDED ? 0 : 1);
	assert_int_equal(wire.interrupt != NULL, MESSAGES_GUARDED);
}

#if TW_GUEST_CPUS > 1
static void other_cpu(void)
{
	wire.interrupt = NULL;
	wire.cpu = 1;
	trace_more_first(1);
	wire.cpu = 0;
}

/* It waits for the message's end, but not for ever. */
static void test_other_cpu(void **state)
{
	static const uint64_t messages[][7] = {{0, 1, 2, 3}, {14, 2}};

	(void)state;
	wire_start(&device.transport, TW_CHANNEL_EVENTS_ON);
	wire.interrupt = other_cpu;
	trace_esp_do_command(1, 2, 3);
	wire.interrupt = NULL;
	wire.cpu = 1;
	trace_more_first(2);
	expect(messages, 2);
	assert_int_equal(tw_channel_lost(), MESSAGES_GUARDED ? 0 : 1);
}
#endif

/* Registers in memory: of 16 bits in either order, and of 8. */
static void test_mmio(void **state)
{
	static uint16_t selector;
	static uint8_t data;
	struct tw_transport_fw_cfg native = TW_FW_CFG_MMIO(&selector, &data,
							   false);
	struct tw_transport_fw_cfg big = TW_FW_CFG_MMIO(&selector, &data, true);

	(void)state;
	data = 0xff;
	wire_start(&native.transport, TW_CHANNEL_EVENTS_ON);
	trace_ten(0, 0, 0, 0, 0, INT64_MIN, 0, 0, 0, 0);
	assert_int_equal(selector, 0x4000);
	assert_int_equal(data, 0x80);
	wire_start(&big.transport, TW_CHANNEL_EVENTS_ON);
	trace_ten(0, 0, 0, 0, 0, 0x7f00000000000000, 0, 0, 0, 0);
	assert_memory_equal(&selector, "\x40\0", 2);
	assert_int_equal(data, 0x7f);
	/* Its only byte is no signature. */
	tw_channel_poll();
	assert_true(trace_plain_enabled());
	tw_channel_stop();
}

static void test_refused(void **state)
{
	static struct tw_channel_group large = {.event_count = 65535};
	static struct tw_channel_group one = {.event_count = 1};
	static struct tw_channel_group *const groups[] = {&large, &one};
	struct tw_channel_options options = {.groups = groups,
					     .group_count = 2,
					     .transport = &device.transport};
	static uint8_t states[65535];

	(void)state;
	large.states = states;
	one.states = states;
	assert_int_equal(tw_channel_start(&options), -1);
	options.group_count = 1;
	assert_int_equal(tw_channel_start(&options), 0);
	options.transport = NULL;
	assert_int_equal(tw_channel_start(&options), -1);
	options.groups = NULL;
	options.group_count = 0;
	options.transport = &device.transport;
	assert_int_equal(tw_channel_start(&options), 0);
	/* What has failed leaves events off, of what ran before, too. */
	wire_start(&device.transport, TW_CHANNEL_EVENTS_ON);
	options.transport = NULL;
	assert_int_equal(tw_channel_start(&options), -1);
	assert_false(trace_plain_enabled());
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, reset, reset)
	const struct CMUnitTest tests[] = {
		TEST(bytes),
		TEST(arguments),
		TEST(ten),
		TEST(by_hand),
		TEST(off),
		TEST(states),
		TEST(other_states),
		TEST(nested),
		TEST(mmio),
		TEST(refused),
#if TW_GUEST_CPUS > 1
		TEST(other_cpu),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
