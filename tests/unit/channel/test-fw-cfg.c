/* SPDX-License-Identifier: MIT */
/* The write channel of a fw_cfg device, as its VMM calls it. */

#include "frame-maker.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <trackway/channel.h>

#include <cmocka.h>

#define EVENT_COUNT 8u
#define MORE ((uint64_t)1 << 63)

struct machine {
	struct tw_fw_cfg_channel *channel;
	struct tw_channel_event events[64];
	size_t event_count;
	uint64_t refused; /* an id, or 0 */
	uint8_t states[EVENT_COUNT];
};

static bool on_event(void *context, const struct tw_channel_event *event)
{
	struct machine *machine = context;

	assert_true(machine->event_count < 64);
	machine->events[machine->event_count++] = *event;
	return !machine->refused || event->id != machine->refused;
}

static int on_state(void *context, uint64_t id)
{
	struct machine *machine = context;

	assert_true(id < EVENT_COUNT);
	return machine->states[id] == 0xff ? -1 : machine->states[id];
}

static void start(struct machine *machine)
{
	const struct tw_fw_cfg_channel_options options = {
		.size = sizeof(options),
		.context = machine,
		.event = on_event,
		.state = on_state,
		.event_count = EVENT_COUNT,
	};

	*machine = (struct machine){0};
	assert_int_equal(tw_fw_cfg_channel_create(&machine->channel, &options),
			 0);
}

static void stop(struct machine *machine)
{
	tw_fw_cfg_channel_destroy(machine->channel);
}

static struct tw_channel_counts counts_of(const struct machine *machine)
{
	struct tw_channel_counts counts;

	tw_fw_cfg_channel_counts(machine->channel, &counts, sizeof(counts));
	return counts;
}

static void select_channel(struct machine *machine)
{
	assert_true(tw_fw_cfg_channel_select(machine->channel, 0x4000));
}

static void select_other(struct machine *machine, uint16_t selector)
{
	assert_false(tw_fw_cfg_channel_select(machine->channel, selector));
}

/* Little-endian, whatever the host. */
static void write_word(struct machine *machine, uint64_t word, size_t size)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(word >> 8 * i);
	tw_fw_cfg_channel_write(machine->channel, bytes, size);
}

/* As the first guest does it: selected again before each number. */
static void send(struct machine *machine, uint64_t id, uint64_t first)
{
	select_channel(machine);
	write_word(machine, id, 8);
	for (uint64_t i = 0; i < 6; i++) {
		select_channel(machine);
		write_word(machine, first + i, 8);
	}
}

static void assert_event(const struct machine *machine, size_t index,
			 uint64_t id, uint64_t first)
{
	const struct tw_channel_event *event = &machine->events[index];

	assert_true(index < machine->event_count);
	assert_int_equal(event->id, id);
	assert_int_equal(event->argument_count, 6);
	assert_null(event->fields);
	assert_false(event->has_time);
	for (uint64_t i = 0; i < 6; i++)
		assert_int_equal(event->arguments[i], first + i);
	for (uint64_t i = 6; i < 10; i++)
		assert_int_equal(event->arguments[i], 0);
}

static void assert_counts(const struct machine *machine, uint64_t events,
			  uint64_t unknown, uint64_t short_words,
			  uint64_t short_events, uint64_t resets)
{
	struct tw_channel_counts counts = counts_of(machine);

	assert_int_equal(counts.events, events);
	assert_int_equal(counts.unknown, unknown);
	assert_int_equal(counts.short_words, short_words);
	assert_int_equal(counts.short_events, short_events);
	assert_int_equal(counts.resets, resets);
	assert_int_equal(counts.lost, 0);
	assert_int_equal(counts.bad_frames, 0);
}

/* The bytes of one message, one by one, and no event before the last. */
static void test_bytes(void **state)
{
	static const uint8_t message[56] = {
		3, 0, 0, 0, 0, 0, 0, 0, /* id */
		1, 2, 3, 4, 5, 6, 7, 8, [16] = 0xff, [55] = 0x80,
	};
	struct machine machine;

	start(&machine);
	select_channel(&machine);
	for (size_t i = 0; i < sizeof(message); i++) {
		assert_int_equal(machine.event_count, 0);
		tw_fw_cfg_channel_write(machine.channel, message + i, 1);
	}
	assert_int_equal(machine.event_count, 1);
	assert_int_equal(machine.events[0].id, 3);
	assert_int_equal(machine.events[0].arguments[0], 0x0807060504030201);
	assert_int_equal(machine.events[0].arguments[1], 0xff);
	assert_int_equal(machine.events[0].arguments[5], (uint64_t)1 << 63);
	assert_counts(&machine, 1, 0, 0, 0, 0);
	stop(&machine);
}

/* With a select before each number, before each message, or but once; in
 * pieces of any size where the VMM has them so. */
static void test_ways_of_writing(void **state)
{
	uint8_t messages[3 * 56];
	struct machine machine;

	memset(messages, 0, sizeof(messages));
	for (size_t i = 0; i < 3; i++) {
		messages[i * 56] = (uint8_t)i;
		for (size_t j = 0; j < 6; j++)
			messages[i * 56 + 8 + j * 8] = (uint8_t)(i * 10 + j);
	}
	for (size_t piece = 1; piece <= sizeof(messages); piece++) {
		start(&machine);
		select_channel(&machine);
		for (size_t at = 0; at < sizeof(messages); at += piece)
			tw_fw_cfg_channel_write(machine.channel, messages + at,
						at + piece < sizeof(messages)
							? piece
							: sizeof(messages) -
								  at);
		send(&machine, 5, 100);
		assert_int_equal(machine.event_count, 4);
		for (size_t i = 0; i < 3; i++)
			assert_event(&machine, i, i, i * 10);
		assert_event(&machine, 3, 5, 100);
		assert_counts(&machine, 4, 0, 0, 0, 0);
		stop(&machine);
	}
}

/* Between two numbers anything may be done to other keys. */
static void test_interleaved(void **state)
{
	static const uint16_t others[] = {0,	  1,	  0x19,	  0x4001,
					  0xc000, 0x8000, 0xffff, 0x3fff};
	struct machine machine;

	start(&machine);
	for (uint64_t i = 0; i < 7; i++) {
		for (size_t j = 0; j < sizeof(others) / sizeof(others[0]);
		     j++) {
			select_other(&machine, others[j]);
			write_word(&machine, 0xbad, 8);
			write_word(&machine, 0xbad, 3);
			assert_int_equal(
				tw_fw_cfg_channel_read(machine.channel), 0);
		}
		select_channel(&machine);
		write_word(&machine, i ? 40 + i - 1 : 4, 8);
	}
	assert_int_equal(machine.event_count, 1);
	assert_event(&machine, 0, 4, 40);
	assert_counts(&machine, 1, 0, 0, 0, 0);
	stop(&machine);
}

/* A number cut off by a select is as if it hadn't been begun. */
static void test_short_words(void **state)
{
	struct machine machine;

	for (size_t cut = 0; cut < 8; cut++) {
		for (int other = 0; other < 2; other++) {
			start(&machine);
			for (uint64_t i = 0; i < 7; i++) {
				select_channel(&machine);
				write_word(&machine, UINT64_MAX, cut);
				if (other)
					select_other(&machine, 3);
				select_channel(&machine);
				write_word(&machine, i ? 70 + i - 1 : 7, 8);
			}
			assert_int_equal(machine.event_count, 1);
			assert_event(&machine, 0, 7, 70);
			assert_counts(&machine, 1, 0, cut ? 7 : 0, 0, 0);
			stop(&machine);
		}
	}
}

/* A reset at any byte: nothing of the message is left, the next is whole. */
static void test_reset(void **state)
{
	struct machine machine;

	for (size_t cut = 0; cut < 56; cut++) {
		start(&machine);
		select_channel(&machine);
		for (size_t i = 0; i < cut; i++)
			write_word(&machine, 1, 1);
		tw_fw_cfg_channel_reset(machine.channel);
		/* Nothing is selected. */
		write_word(&machine, UINT64_MAX, 8);
		assert_int_equal(tw_fw_cfg_channel_read(machine.channel), 0);
		send(&machine, 2, 20);
		assert_int_equal(machine.event_count, 1);
		assert_event(&machine, 0, 2, 20);
		assert_counts(&machine, 1, 0, cut % 8 != 0, cut >= 8, 1);
		stop(&machine);
	}
}

static void assert_states(struct machine *machine)
{
	static const uint8_t head[] = {'T', 'W', 'C', '1', EVENT_COUNT, 0};

	for (size_t i = 0; i < sizeof(head); i++)
		assert_int_equal(tw_fw_cfg_channel_read(machine->channel),
				 head[i]);
	for (size_t i = 0; i < EVENT_COUNT; i++)
		assert_int_equal(tw_fw_cfg_channel_read(machine->channel),
				 machine->states[i] == 1);
}

static void test_states(void **state)
{
	struct machine machine;

	start(&machine);
	for (size_t i = 0; i < EVENT_COUNT; i++)
		machine.states[i] = i % 3 == 0;
	machine.states[5] = 0xff; /* no such event, says the callback */
	select_channel(&machine);
	assert_states(&machine);
	/* Behind them, zeros for ever; a select begins again. */
	for (int i = 0; i < 100000; i++)
		assert_int_equal(tw_fw_cfg_channel_read(machine.channel), 0);
	select_channel(&machine);
	machine.states[1] = 1;
	assert_states(&machine);
	/* Cut off anywhere, by anything. */
	for (int cut = 0; cut < 20; cut++) {
		select_channel(&machine);
		for (int i = 0; i < cut; i++)
			tw_fw_cfg_channel_read(machine.channel);
		if (cut % 2)
			select_other(&machine, 2);
		select_channel(&machine);
		assert_states(&machine);
	}
	stop(&machine);
}

/* A guest that reads first is in step, whatever was before. */
static void test_read_begins_message(void **state)
{
	struct machine machine;

	for (size_t cut = 0; cut < 56; cut++) {
		start(&machine);
		select_channel(&machine);
		for (size_t i = 0; i < cut; i++)
			write_word(&machine, 1, 1);
		select_channel(&machine);
		assert_states(&machine);
		send(&machine, 6, 60);
		assert_int_equal(machine.event_count, 1);
		assert_event(&machine, 0, 6, 60);
		assert_counts(&machine, 1, 0, cut % 8 != 0, cut >= 8, 0);
		stop(&machine);
	}
	/* The second byte is no beginning: reads between writes harm none. */
	start(&machine);
	select_channel(&machine);
	tw_fw_cfg_channel_read(machine.channel);
	write_word(&machine, 1, 8);
	for (uint64_t i = 0; i < 6; i++) {
		tw_fw_cfg_channel_read(machine.channel);
		write_word(&machine, 10 + i, 4);
		tw_fw_cfg_channel_read(machine.channel);
		write_word(&machine, 0, 4);
	}
	assert_event(&machine, 0, 1, 10);
	assert_counts(&machine, 1, 0, 0, 0, 0);
	stop(&machine);
}

static void test_unknown(void **state)
{
	static const uint64_t ids[] = {
		EVENT_COUNT,	      EVENT_COUNT | MORE, 65535,
		(uint64_t)1 << 32,    MORE - 1,		  UINT64_MAX,
		(uint64_t)1 << 62 | 1};
	const size_t count = sizeof(ids) / sizeof(ids[0]);
	struct machine machine;

	start(&machine);
	for (size_t i = 0; i < count; i++)
		send(&machine, ids[i], 0);
	assert_int_equal(machine.event_count, 0);
	assert_counts(&machine, 0, count, 0, 0, 0);
	send(&machine, EVENT_COUNT - 1, 1);
	assert_event(&machine, 0, EVENT_COUNT - 1, 1);
	assert_counts(&machine, 1, count, 0, 0, 0);
	/* The caller's own no. */
	machine.refused = 4;
	send(&machine, 4, 1);
	send(&machine, 5, 1);
	assert_int_equal(machine.event_count, 3);
	assert_counts(&machine, 2, count + 1, 0, 0, 0);
	stop(&machine);
}

static void assert_ten(const struct machine *machine, size_t index, uint64_t id,
		       uint64_t first, uint64_t more)
{
	const struct tw_channel_event *event = &machine->events[index];

	assert_true(index < machine->event_count);
	assert_int_equal(event->id, id);
	assert_int_equal(event->argument_count, 10);
	for (uint64_t i = 0; i < 6; i++)
		assert_int_equal(event->arguments[i], first + i);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(event->arguments[6 + i], more + i);
}

static void test_ten_arguments(void **state)
{
	struct machine machine;

	start(&machine);
	send(&machine, 3 | MORE, 7);
	assert_int_equal(machine.event_count, 0);
	send(&machine, 3, 1);
	assert_ten(&machine, 0, 3, 1, 7);
	/* They are the one event's alone. */
	send(&machine, 3, 30);
	assert_event(&machine, 1, 3, 30);
	assert_counts(&machine, 2, 0, 0, 0, 0);
	/* Another event: it has its own six, and those of nobody are gone. */
	send(&machine, 3 | MORE, 7);
	send(&machine, 2, 20);
	assert_event(&machine, 2, 2, 20);
	send(&machine, 3, 30);
	assert_event(&machine, 3, 3, 30);
	assert_counts(&machine, 4, 0, 0, 1, 0);
	/* Twice: the second counts. */
	send(&machine, 3 | MORE, 70);
	send(&machine, 3 | MORE, 80);
	send(&machine, 3, 1);
	assert_ten(&machine, 4, 3, 1, 80);
	assert_counts(&machine, 5, 0, 0, 2, 0);
	/* An unknown id in between. */
	send(&machine, 3 | MORE, 70);
	send(&machine, 99, 1);
	send(&machine, 3, 1);
	assert_event(&machine, 5, 3, 1);
	assert_counts(&machine, 6, 1, 0, 3, 0);
	/* A reset in between, and one in the middle of the second message. */
	send(&machine, 3 | MORE, 70);
	tw_fw_cfg_channel_reset(machine.channel);
	send(&machine, 3, 1);
	assert_event(&machine, 6, 3, 1);
	assert_counts(&machine, 7, 1, 0, 4, 1);
	send(&machine, 3 | MORE, 70);
	select_channel(&machine);
	write_word(&machine, 3, 8);
	tw_fw_cfg_channel_reset(machine.channel);
	send(&machine, 3, 1);
	assert_event(&machine, 7, 3, 1);
	assert_counts(&machine, 8, 1, 0, 6, 2);
	stop(&machine);
}

/*
 * Anything in any order, beside a model that keeps all bytes of a message and
 * looks at them at the end.
 */
static void test_anything(void **state)
{
	struct machine machine;
	uint64_t random = 1, events = 0, words = 0, bytes = 0;
	uint64_t short_words = 0;
	bool selected = false, reading = false;

	start(&machine);
	for (int i = 0; i < 200000; i++) {
		uint32_t dice = frame_maker_random(&random) % 20;

		machine.event_count = 0;
		if (dice == 0 || (dice == 1 && bytes == 0)) {
			selected = dice == 0;
			tw_fw_cfg_channel_select(machine.channel,
						 selected ? 0x4000 : 1);
			short_words += bytes != 0;
			bytes = 0;
			reading = false;
		} else if (dice == 2) {
			tw_fw_cfg_channel_read(machine.channel);
			if (selected && !reading) {
				short_words += bytes != 0;
				words = bytes = 0;
				reading = true;
			}
		} else {
			write_word(&machine, 0, 1);
			if (selected && ++bytes == 8) {
				bytes = 0;
				words++;
			}
			if (words == 7) {
				events++;
				words = 0;
				assert_int_equal(machine.event_count, 1);
			}
		}
		assert_int_equal(counts_of(&machine).events, events);
		assert_int_equal(counts_of(&machine).short_words, short_words);
	}
	assert_true(events > 100);
	stop(&machine);
}

static void test_options(void **state)
{
	struct tw_fw_cfg_channel_options options = {
		.size = sizeof(options),
		.event = on_event,
		.event_count = 65535,
	};
	struct tw_fw_cfg_channel *channel;

	assert_int_equal(tw_fw_cfg_channel_create(&channel, &options), 0);
	/* No callback: all are on. 65535 of them, and not one more. */
	assert_true(tw_fw_cfg_channel_select(channel, TW_FW_CFG_CHANNEL));
	for (int i = 0; i < 4; i++)
		assert_int_equal(tw_fw_cfg_channel_read(channel), "TWC1"[i]);
	assert_int_equal(tw_fw_cfg_channel_read(channel), 0xff);
	assert_int_equal(tw_fw_cfg_channel_read(channel), 0xff);
	for (int i = 0; i < 65535; i++)
		assert_int_equal(tw_fw_cfg_channel_read(channel), 1);
	assert_int_equal(tw_fw_cfg_channel_read(channel), 0);
	tw_fw_cfg_channel_destroy(channel);
	options.event_count = 65536;
	assert_int_equal(tw_fw_cfg_channel_create(&channel, &options), -EINVAL);
	options.event_count = 1;
	options.size = 8;
	assert_int_equal(tw_fw_cfg_channel_create(&channel, &options), -EINVAL);
	options.size = sizeof(options);
	options.event = NULL;
	assert_int_equal(tw_fw_cfg_channel_create(&channel, &options), -EINVAL);
	tw_fw_cfg_channel_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_ways_of_writing),
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_short_words),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_read_begins_message),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_ten_arguments),
		cmocka_unit_test(test_anything),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
