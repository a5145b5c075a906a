/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

struct wire wire;

uint32_t machine_cpu(void)
{
	return wire.cpu;
}

uint64_t machine_clock(void)
{
	return wire.clock;
}

uintptr_t machine_interrupts_off(void)
{
	uintptr_t saved = wire.masked;

	wire.masked = true;
	return saved;
}

void machine_interrupts_as_before(uintptr_t saved)
{
	assert_true(wire.masked);
	wire.masked = saved;
}

void wire_reset(void)
{
	tw_channel_stop();
	assert_false(wire.masked);
	memset(&wire, 0, sizeof(wire));
	wire.accepts = SIZE_MAX;
	wire.clock = 0x0102030405;
}

void wire_start(struct tw_transport *transport, uint32_t flags)
{
	static struct tw_channel_group *const groups[] = {
		&tw_channel_group_wire, &tw_channel_group_more};
	const struct tw_channel_options options = {
		.groups = groups,
		.group_count = 2,
		.transport = transport,
		.name = "firmware",
		.clock_hz = 1000000000,
		.flags = flags,
	};

	assert_int_equal(tw_channel_start(&options), 0);
	wire.count = 0;
}

static void add(uint32_t what)
{
	if (wire.interrupt && !wire.masked)
		wire.interrupt();
	assert_true(wire.count < WIRE_MAX);
	wire.written[wire.count++] = what;
}

void wire_select(uint16_t key)
{
	add(WIRE_SELECT(key));
}

void wire_write(uint8_t byte)
{
	add(byte);
}

/* A device that has nothing more to say gives zeros. */
uint8_t wire_read(void)
{
	int byte = wire_get();

	return byte < 0 ? 0 : (uint8_t)byte;
}

int wire_put(uint8_t byte)
{
	if (wire.accepts == 0) {
		wire.refused++;
		return -1;
	}
	wire.accepts--;
	add(byte);
	return 0;
}

int wire_get(void)
{
	if (!wire.answer_size)
		return -1;
	wire.answer_size--;
	return *wire.answer++;
}

void wire_answer(const void *bytes, size_t size)
{
	wire.answer = bytes;
	wire.answer_size = size;
}

void wire_expect(const void *bytes, size_t size)
{
	const uint8_t *expected = bytes;
	size_t i;

	for (i = 0; i < size && i < wire.count; i++)
		if (wire.written[i] != expected[i])
			fail_msg("byte %zu of %zu is 0x%x, not 0x%x", i, size,
				 wire.written[i], expected[i]);
	assert_int_equal(wire.count, size);
	wire.count = 0;
}

/* Bit by bit, as its definition has it. */
static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
	uint32_t crc = 0xffffffff;
	size_t i;
	int bit;

	for (i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
	int i;

	for (i = 0; i < 4; i++, value >>= 8)
		*at++ = (uint8_t)value;
	return at;
}

size_t frame_make(uint8_t *frame, uint8_t type, uint32_t sequence,
		  const void *payload, size_t size)
{
	uint8_t *at = frame;

	assert_int_equal(crc32_of((const uint8_t *)"123456789", 9), 0xcbf43926);
	*at++ = 0xf7;
	*at++ = (uint8_t)size;
	*at++ = (uint8_t)(size >> 8);
	*at++ = type;
	at = put_u32(at, sequence);
	memcpy(at, payload, size);
	put_u32(at + size, crc32_of(frame + 1, 7 + size));
	return size + 12;
}

void frame_expect(uint32_t sequence, uint16_t id, const void *fields,
		  size_t size)
{
	static uint8_t frame[1008 + 12];
	static uint8_t payload[1008];
	uint64_t time = wire.clock;
	int i;

#ifdef TW_GUEST_NO_CLOCK
	time = 0;
#endif
	assert_true(size <= sizeof(payload) - 8);
	payload[0] = (uint8_t)id;
	payload[1] = (uint8_t)(id >> 8);
	for (i = 2; i < 8; i++, time >>= 8)
		payload[i] = (uint8_t)time;
	memcpy(payload + 8, fields, size);
	wire_expect(frame, frame_make(frame, 1, sequence, payload, size + 8));
}
