/* SPDX-License-Identifier: MIT */
/* The log backend in a guest: lines by the firmware's own printk. */
#include "trace-alone.h"
#include "trace-both.h"
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static char printed[4096];

void machine_printk(const char *format, ...)
{
	size_t size = strlen(printed);
	va_list list;

	va_start(list, format);
	vsnprintf(printed + size, sizeof(printed) - size, format, list);
	va_end(list);
}

static int reset(void **state)
{
	(void)state;
	wire_reset();
	printed[0] = 0;
	return 0;
}

static void expect(const char *text)
{
	assert_string_equal(printed, text);
	printed[0] = 0;
}

/* Alone, every event is on. */
static void test_lines(void **state)
{
	static const uint8_t data[] = "0123456789abcdefg";

	(void)state;
	assert_true(trace_alone_plain_enabled());
	trace_alone_esp_do_command(1, 0x12, 3);
	expect("alone_esp_do_command id 1, cmd[0] 0x12, status 0x3\n");
	trace_alone_plain();
	expect("alone_plain plain\n");
	trace_alone_sizes(255, -2, 0x80000000, INT64_MIN, true);
	expect("alone_sizes 255 -2 2147483648 -9223372036854775808 1\n");
	trace_alone_floats(1.5f, -2.25);
	expect("alone_floats 1.5 -2.25\n");
	trace_alone_dump("x", data, 2);
	expect("alone_dump x 30 31 (2)\n");
	trace_alone_dump("x", data, 17);
	expect("alone_dump x 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 "
	       "... (17)\n");
	trace_alone_dump("x", data, -1);
	expect("alone_dump x  (-1)\n");
	trace_alone_dump("x", NULL, 17);
	expect("alone_dump x  (17)\n");
	trace_alone_fixed(data, 1);
	expect("alone_fixed 30 31 32 33 34 35 1\n");
	trace_alone_last('A', -128);
	expect("alone_last 65 -128\n");
	trace_alone_never(1);
	expect("");
}

/* Named values, and a line where there is no format. */
static void test_names(void **state)
{
	(void)state;
	trace_alone_phase(5, -1);
	expect("alone_phase phase BUSY -1\n");
	trace_alone_phase(200, 1);
	expect("alone_phase phase 200 1\n");
	trace_alone_bare(0, INT64_MIN, UINT64_MAX);
	expect("alone_bare phase=IDLE number=-9223372036854775808 "
	       "id=0xffffffffffffffff\n");
	trace_alone_level(-9223372036854775807 - 1);
	expect("alone_level -9223372036854775808\n");
	trace_alone_level(-1);
	expect("alone_level LOW\n");
	trace_alone_level(1234567890123456789);
	expect("alone_level 1234567890123456789\n");
	trace_alone_level(0);
	expect("alone_level 0\n");
}

/* States of the firmware's own. */
static void test_own_states(void **state)
{
	static uint8_t states[16];
	const volatile uint8_t *before = tw_group_alone.state;

	(void)state;
	tw_group_alone.state = states;
	trace_alone_plain();
	assert_false(trace_alone_plain_enabled());
	states[1] = 1;
	trace_alone_plain();
	expect("alone_plain plain\n");
	tw_group_alone.state = before;
}

/* With the channel: by its switches, and before it starts nothing. */
static void test_with_channel(void **state)
{
	static struct tw_transport_stream line = TW_STREAM(wire_put, wire_get);
	static struct tw_channel_group *const groups[] = {
		&tw_channel_group_both};
	const struct tw_channel_options options = {
		.groups = groups,
		.group_count = 1,
		.transport = &line.transport,
	};
	uint8_t frame[60];

	(void)state;
	trace_both_more_first(1);
	expect("");
	assert_int_equal(tw_channel_start(&options), 0);
	wire.count = 0;
	trace_both_more_first(1);
	expect("");
	wire_answer(frame, frame_make(frame, 3, 0, "\0\0\x01", 3));
	tw_channel_poll();
	trace_both_more_first(1);
	trace_both_more_second("x");
	expect("both_more_first 1\n");
	frame_expect(1, 0, "\x01", 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, reset, reset)
	const struct CMUnitTest tests[] = {
		TEST(lines),
		TEST(names),
		TEST(own_states),
		TEST(with_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
