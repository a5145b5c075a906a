/* SPDX-License-Identifier: MIT */
/* The channel by a stream of bytes: frames to the host, switches from it. */
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

static struct tw_transport_stream line = TW_STREAM(wire_put, wire_get);

#define EVENT(sequence, id, fields) \
	frame_expect(sequence, id, fields, sizeof(fields) - 1)

static int reset(void **state)
{
	(void)state;
	wire_reset();
	return 0;
}

/* Whole frames, with the checksums that zlib's crc32() gives. */
static void test_bytes(void **state)
{
#ifdef TW_GUEST_NO_CLOCK
	static const char start[] = "\xf7\x1e\0\x02\0\0\0\0"
				    "\x01\0\x10\0\0\xca\x9a\x3b\0\0\0\0"
				    "\0\0\0\0\0\0\0\0\x08"
				    "firmware\0\x4e\x2f\xbe\x10";
#else
	static const char start[] = "\xf7\x1e\0\x02\0\0\0\0"
				    "\x01\x01\x10\0\0\xca\x9a\x3b\0\0\0\0"
				    "\x88\x77\x66\x55\x44\x33\x22\x11\x08"
				    "firmware\0\x62\x15\xbf\x20";
	static const char event[] = "\xf7\x14\0\x01\x01\0\0\0"
				    "\0\0\x05\x04\x03\x02\x01\0"
				    "\x01\0\0\0\x12\0\0\0\xff\xff\xff\xff"
				    "\x6d\x9f\xd2\xf1";
#endif
	static struct tw_channel_group *const groups[] = {
		&tw_channel_group_wire, &tw_channel_group_more};
	const struct tw_channel_options options = {
		.groups = groups,
		.group_count = 2,
		.transport = &line.transport,
		.name = "firmware",
		.clock_hz = 1000000000,
		.flags = TW_CHANNEL_EVENTS_ON,
	};

	(void)state;
	wire.clock = 0x1122334455667788;
	assert_int_equal(tw_channel_start(&options), 0);
	wire_expect(start, sizeof(start) - 1);
#ifndef TW_GUEST_NO_CLOCK
	wire.clock = 0x0102030405;
	trace_esp_do_command(1, 0x12, -1);
	wire_expect(event, sizeof(event) - 1);
#endif
	tw_channel_stop();
}

/* A name is cut at 31 bytes, and there may be none. */
static void test_names(void **state)
{
	struct tw_channel_options options = {.transport = &line.transport};

	(void)state;
	assert_int_equal(tw_channel_start(&options), 0);
	assert_int_equal(wire.count, 8 + 22 + 4);
	wire.count = 0;
	options.name = "0123456789abcdef0123456789abcdef0123456789";
	assert_int_equal(tw_channel_start(&options), 0);
	assert_int_equal(wire.count, 8 + 21 + 32 + 4);
	assert_int_equal(wire.written[8 + 21 + 30], 'e');
	assert_int_equal(wire.written[8 + 21 + 31], 0);
}

static void test_fields(void **state)
{
	static const uint8_t data[] = {0xde, 0xad, 0, 0xbe, 0xef, 0xf7, 1};

	(void)state;
	wire_start(&line.transport, TW_CHANNEL_EVENTS_ON);
	wire.clock = 0xfffffffffffe;
	trace_plain();
	EVENT(1, 1, "");
	trace_sizes(255, -2, 0x80000001, -3, true);
	EVENT(2, 2,
	      "\xff\xfe\xff\x01\0\0\x80\xfd\xff\xff\xff\xff\xff\xff\xff\x01");
	trace_floats(1.5f, -1.5);
	EVENT(3, 3, "\0\0\xc0\x3f\0\0\0\0\0\0\xf8\xbf");
	trace_text("first", "", 0x1234);
	EVENT(4, 4, "first\0\0\x34\x12");
	trace_text(NULL, "s\xc3\xa9", 1);
	EVENT(5, 4, "\0s\xc3\xa9\0\x01\0");
	trace_dump("x", data, 6);
	EVENT(6, 5, "x\0\x06\0\xde\xad\0\xbe\xef\xf7\x06\0\0\0");
	trace_dump("x", data, -1);
	EVENT(7, 5, "x\0\0\0\xff\xff\xff\xff");
	trace_dump("x", NULL, 3);
	EVENT(8, 5, "x\0\0\0\x03\0\0\0");
	trace_fixed(data, 7);
	EVENT(9, 6, "\x06\0\xde\xad\0\xbe\xef\xf7\x07\0\0\0");
	trace_seven(1, 2, 3, 4, 5, -6, 7);
	EVENT(10, 7,
	      "\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05\0\0\0"
	      "\xfa\xff\xff\xff\x07\0\0\0");
	trace_ten(1, 2, 3, 4, 5, 6, 7, 8, 9, INT64_MIN);
	EVENT(11, 8,
	      "\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0"
	      "\x04\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0"
	      "\x07\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0"
	      "\0\0\0\0\0\0\0\x80");
	trace_phase(5, -1);
	EVENT(12, 9, "\x05\xff\xff");
	trace_word(0x0102030405060708, (void *)(uintptr_t)0x11);
	EVENT(13, 10, "\x08\x07\x06\x05\x04\x03\x02\x01\x11\0\0\0\0\0\0\0");
	trace_last('c', -128);
	EVENT(14, 12, "c\x80");
	trace_more_first(200);
	EVENT(15, 14, "\xc8");
	trace_more_second("text");
	EVENT(16, 15, "text\0");
	assert_int_equal(tw_channel_lost(), 0);
}

/* The size that the last frame claims, and has. */
static uint32_t payload_size(void)
{
	uint32_t size = wire.written[1] | wire.written[2] << 8;

	assert_int_equal(wire.count, size + 12);
	return size;
}

/* Strings and bytes are cut so that the payload has 1,008 bytes. */
static void test_cut(void **state)
{
	static char text[3000];
	static uint8_t fields[1000];

	(void)state;
	wire_start(&line.transport, TW_CHANNEL_EVENTS_ON);
	memset(text, 'x', sizeof(text) - 1);
	trace_text(text, text, 0x1234);
	assert_int_equal(payload_size(), 1008);
	memset(fields, 'x', 996);
	memcpy(fields + 996, "\0\0\x34\x12", 4);
	frame_expect(1, 4, fields, 1000);
	trace_dump("ab", (const uint8_t *)text, 3000);
	assert_int_equal(payload_size(), 1008);
	memcpy(fields, "ab\0\xdf\x03", 5);
	memset(fields + 5, 'x', 991);
	memcpy(fields + 996, "\xb8\x0b\0\0", 4);
	frame_expect(2, 5, fields, 1000);
	/* What just fits is whole. */
	text[999] = 0;
	trace_more_second(text);
	assert_int_equal(payload_size(), 1008);
	memset(fields, 'x', 999);
	fields[999] = 0;
	frame_expect(3, 15, fields, 1000);
	/* A string in memory that ends there has no byte behind its NUL read:
	 * the address sanitizer looks on. */
	trace_more_second("");
	EVENT(4, 15, "\0");
}

static char *shrinking;

static void shrink(void)
{
	shrinking[1] = 0;
}

/* A string that becomes shorter while it is sent shifts no field behind it. */
static void test_shrinking(void **state)
{
	char text[] = "four";

	(void)state;
	if (MESSAGES_GUARDED)
		return;
	wire_start(&line.transport, TW_CHANNEL_EVENTS_ON);
	shrinking = text;
	wire.interrupt = shrink;
	trace_text(text, "b", 1);
	EVENT(1, 4, "f?ur\0b\0\x01\0");
}

/* Ids that no group has, and too few arguments, made by hand. */
static void test_by_hand(void **state)
{
	(void)state;
	wire_start(&line.transport, 0);
	trace3(16, 1, 2, 3);
	trace0(UINT64_MAX);
	assert_int_equal(wire.count, 0);
	assert_int_equal(tw_channel_lost(), 2);
	trace1(0, 7);
	EVENT(3, 0, "\x07\0\0\0\0\0\0\0\0\0\0\0");
	trace1(5, 0);
	EVENT(4, 5, "\0\0\0\0\0\0\0");
	trace3(1, 7, 8, 9);
	EVENT(5, 1, "");
}

/* A stuck line: the event is lost, and its sequence number gone. */
static void test_stuck(void **state)
{
	(void)state;
	wire_start(&line.transport, TW_CHANNEL_EVENTS_ON);
	wire.accepts = 0;
	trace_plain();
	trace_plain();
	assert_int_equal(wire.count, 0);
	assert_int_equal(tw_channel_lost(), 2);
	wire.accepts = 5;
	trace_plain();
	assert_int_equal(wire.count, 5);
	assert_int_equal(tw_channel_lost(), 3);
	/* Each waits for the line no more than once. */
	assert_int_equal(wire.refused, 3);
	wire.accepts = SIZE_MAX;
	wire.count = 0;
	trace_plain();
	EVENT(4, 1, "");
	/* A new start begins anew, and may itself meet a stuck line. */
	wire.accepts = 19;
	wire_start(&line.transport, TW_CHANNEL_EVENTS_ON);
	assert_int_equal(tw_channel_lost(), 1);
	wire.accepts = SIZE_MAX;
	trace_plain();
	EVENT(1, 1, "");
	assert_int_equal(tw_channel_lost(), 1);
}

static void interrupt(void)
{
	trace_more_first(1);
}

static void test_nested(void **state)
{
	(void)state;
	wire_start(&line.transport, TW_CHANNEL_EVENTS_ON);
	wire.interrupt = interrupt;
	trace_plain();
	EVENT(1, 1, "");
	wire.interrupt = NULL;
	trace_plain();
	/* One in the midst of each of the 20 bytes. */
	EVENT(MESSAGES_GUARDED ? 2 : 22, 1, "");
	assert_int_equal(tw_channel_lost(), MESSAGES_GUARDED ? 0 : 20);
	assert_false(wire.masked);
}

static void test_nested_start(void **state)
{
	uint32_t lost;

	(void)state;
	wire.interrupt = interrupt;
	wire_start(&line.transport, TW_CHANNEL_EVENTS_ON);
	wire.interrupt = NULL;
	lost = tw_channel_lost();
	/* One in the midst of each byte of the first frame. */
	assert_in_range(lost, MESSAGES_GUARDED ? 0 : 8 + 22 + 4,
			MESSAGES_GUARDED ? 0 : 8 + 22 + 31 + 4);
	trace_plain();
	EVENT(lost + 1, 1, "");
}

/*
 * The way back.
 */

/* A frame of switches: "id state" three bytes each. */
#define SWITCHES(frame, switches) \
	frame_make(frame, 3, 9, switches, sizeof(switches) - 1)

static void feed(const uint8_t *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		wire_answer(bytes + i, 1);
		tw_channel_poll();
	}
	assert_int_equal(wire.answer_size, 0);
}

static void test_switches(void **state)
{
	/* Event 1 on, event 15 on, with zlib's checksum. */
	static const uint8_t literal[] = {0xf7, 6,    0,    3,	  9,	0,
					  0,	0,    1,    0,	  1,	15,
					  0,	0x80, 0x49, 0xa4, 0x62, 0x5f};
	uint8_t frame[60];
	size_t size;

	(void)state;
	wire_start(&line.transport, 0);
	assert_int_equal(SWITCHES(frame, "\x01\0\x01\x0f\0\x80"),
			 sizeof(literal));
	assert_memory_equal(frame, literal, sizeof(literal));
	feed(literal, sizeof(literal));
	assert_true(trace_plain_enabled());
	assert_true(trace_more_second_enabled());
	assert_false(trace_more_first_enabled());
	/* All off but one, at one go. */
	size = SWITCHES(frame, "\xff\xff\0\x0e\0\x01\x10\0\x01\xfe\xff\x01");
	wire_answer(frame, size);
	tw_channel_poll();
	assert_false(trace_plain_enabled());
	assert_false(trace_more_second_enabled());
	assert_true(trace_more_first_enabled());
	/* As many as there can be. */
	memset(frame, 0, sizeof(frame));
	size = frame_make(frame, 3, 0,
			  "\x01\0\x01\x02\0\x01\x03\0\x01\x04\0\x01"
			  "\x05\0\x01\x06\0\x01\x07\0\x01\x08\0\x01"
			  "\x09\0\x01\x0a\0\x01\x0b\0\x01\x0c\0\x01"
			  "\x0e\0\0\x0f\0\x01\x00\0\x01\x01\0\0",
			  48);
	feed(frame, size);
	assert_false(trace_plain_enabled());
	assert_true(trace_esp_do_command_enabled());
	assert_true(trace_last_enabled());
	assert_false(trace_more_first_enabled());
	assert_int_equal(wire.count, 0);
}

/* What is no switch frame, each behind garbage that looks like one. */
static void test_garbage(void **state)
{
	static const char noise[] = "login: \xf7\xf7\x06\0\x03\x01\xf7\x03";
	uint8_t frame[128];
	size_t size, i;

	(void)state;
	wire_start(&line.transport, 0);
	/* Wrong in any one bit: not taken, and what follows is. */
	for (i = 0; i < 15 * 8; i++) {
		size = SWITCHES(frame, "\xff\xff\x01");
		frame[i / 8] ^= (uint8_t)(1 << i % 8);
		feed(frame, size);
		assert_false(trace_plain_enabled());
		feed(frame, SWITCHES(frame, "\x01\0\x01\x0f\0\x01"));
		/* A frame that claims more may have swallowed it for now. */
		memset(frame, 0, 64);
		feed(frame, 64);
		assert_true(trace_plain_enabled());
		assert_false(trace_esp_do_command_enabled());
		feed(frame, SWITCHES(frame, "\xff\xff\0"));
	}
	feed((const uint8_t *)noise, sizeof(noise) - 1);
	feed(frame, SWITCHES(frame, "\x01\0\x01"));
	memset(frame, 0xf7, 64);
	feed(frame, 64);
	assert_true(trace_plain_enabled());
	/* Too long, and of another type: our own events, echoed. */
	feed(frame, frame_make(frame, 3, 0,
			       "\xff\xff\0................"
			       "................................",
			       51));
	assert_true(trace_plain_enabled());
	feed(frame, frame_make(frame, 1, 0, "\xff\xff\0", 3));
	assert_true(trace_plain_enabled());
	feed(frame, SWITCHES(frame, "\x01\0\0"));
	assert_false(trace_plain_enabled());
	/* Half a switch is none. */
	feed(frame, frame_make(frame, 3, 0, "\x01\0\0\x01\0", 5));
	assert_false(trace_plain_enabled());
	/* A start forgets half a frame. */
	size = SWITCHES(frame, "\x01\0\x01");
	feed(frame, size - 1);
	wire_start(&line.transport, 0);
	feed(frame + size - 1, 1);
	assert_false(trace_plain_enabled());
	feed(frame, size);
	assert_true(trace_plain_enabled());
}

static size_t got;

static int get_for_ever(void)
{
	got++;
	tw_channel_poll(); /* as an interrupt might */
	return 0xf7;
}

/* A host that never ends does not keep the guest. */
static void test_endless(void **state)
{
	struct tw_transport_stream endless = TW_STREAM(wire_put, get_for_ever);
	struct tw_transport_stream deaf = TW_STREAM(wire_put, NULL);

	(void)state;
	got = 0;
	wire_start(&endless.transport, 0);
	tw_channel_poll();
	assert_int_equal(got, 256);
	wire_start(&deaf.transport, 0);
	tw_channel_poll();
	assert_false(trace_plain_enabled());
	tw_channel_stop();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, reset, reset)
	const struct CMUnitTest tests[] = {
		TEST(bytes),	TEST(names),	 TEST(fields),
		TEST(cut),	TEST(shrinking), TEST(by_hand),
		TEST(stuck),	TEST(nested),	 TEST(nested_start),
		TEST(switches), TEST(garbage),	 TEST(endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
