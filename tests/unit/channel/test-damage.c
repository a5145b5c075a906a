/* SPDX-License-Identifier: MIT */
/*
 * Streams that were damaged, and streams that never were any: no event that was
 * not sent is ever found, every frame that came whole is, and what is lost is
 * counted.
 */

#include "frame-maker.h"
#include "receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct frame_maker_start start = {
	.version = 1,
	.flags = 1,
	.event_count = 50,
	.clock_hz = 1000,
	.word_size = 8,
	.name = "guest",
};

/* An event whose every byte follows from its number, of 20 to 60 bytes. */
static size_t make_fields(uint8_t *fields, uint32_t number)
{
	uint64_t random = number;
	size_t size = number % 41;

	for (size_t i = 0; i < size; i++)
		fields[i] = (uint8_t)frame_maker_random(&random);
	return size;
}

static size_t make_event(uint8_t *to, uint32_t number)
{
	uint8_t fields[64];
	size_t size = make_fields(fields, number);

	return frame_maker_event(to, number, number * (uint64_t)10,
				 (uint16_t)(number % 50), fields, size);
}

static void assert_sent(const struct tw_channel_event *event,
			const uint8_t *got)
{
	uint8_t fields[64];
	size_t size = make_fields(fields, event->sequence);

	assert_int_equal(event->id, event->sequence % 50);
	assert_int_equal(event->time, event->sequence * (uint64_t)10);
	assert_int_equal(event->fields_size, size);
	assert_memory_equal(got, fields, size);
}

/* ---- One byte ---- */

/* A start (or not), events 1 to 4, of which the place of one is told. */
static size_t make_five(uint8_t *stream, size_t offsets[6])
{
	size_t at = 0;

	for (uint32_t i = 0; i < 5; i++) {
		offsets[i] = at;
		at += i ? make_event(stream + at, i)
			: frame_maker_start(stream, 0, &start);
	}
	offsets[5] = at;
	return at;
}

/* All but number victim come out of the stream. */
static void assert_others(const uint8_t *stream, size_t size, uint32_t victim)
{
	struct receiver receiver;
	struct tw_channel_counts counts;
	uint32_t number = 1;

	receiver_init(&receiver);
	receiver_feed(&receiver, stream, size, size);
	receiver_end(&receiver);
	assert_int_equal(receiver.starts, victim != 0);
	assert_int_equal(receiver.event_count, victim == 0 ? 4 : 3);
	for (size_t i = 0; i < receiver.event_count; i++, number++) {
		if (number == victim)
			number++;
		assert_int_equal(receiver.events[i].event.sequence, number);
		assert_sent(&receiver.events[i].event,
			    receiver.events[i].fields);
	}
	counts = receiver_counts(&receiver);
	/* Of the last nobody can know; the start is no event. */
	assert_int_equal(counts.lost, victim != 0 && victim != 4);
	assert_int_equal(counts.resets, 0);
	receiver_free(&receiver);
}

static void test_flipped_byte(void **state)
{
	uint8_t stream[1024];
	size_t offsets[6];
	size_t size = make_five(stream, offsets);

	for (uint32_t victim = 0; victim < 5; victim++) {
		for (size_t at = offsets[victim]; at < offsets[victim + 1];
		     at++) {
			for (unsigned int flip = 1; flip < 256; flip++) {
				stream[at] ^= (uint8_t)flip;
				assert_others(stream, size, victim);
				stream[at] ^= (uint8_t)flip;
			}
		}
	}
}

static void test_dropped_byte(void **state)
{
	uint8_t stream[1024], damaged[1024];
	size_t offsets[6];
	size_t size = make_five(stream, offsets);

	for (uint32_t victim = 0; victim < 5; victim++) {
		for (size_t at = offsets[victim]; at < offsets[victim + 1];
		     at++) {
			memcpy(damaged, stream, at);
			memcpy(damaged + at, stream + at + 1, size - at - 1);
			assert_others(damaged, size - 1, victim);
		}
	}
}

/* One more byte, of any value, at any place within a frame. */
static void test_added_byte(void **state)
{
	uint8_t stream[1024], damaged[1024];
	size_t offsets[6];
	size_t size = make_five(stream, offsets);

	for (uint32_t victim = 0; victim < 5; victim++) {
		/* Before its second byte or later: before the first one it is
		 * garbage between frames, and harms none. */
		for (size_t at = offsets[victim] + 1; at < offsets[victim + 1];
		     at++) {
			for (unsigned int added = 0; added < 256; added++) {
				/* Nor is it within the frame where it is the
				 * same as what is at the frame's edge. */
				if ((at == offsets[victim] + 1 &&
				     added == 0xf7) ||
				    (at == offsets[victim + 1] - 1 &&
				     added == stream[at]))
					continue;
				memcpy(damaged, stream, at);
				damaged[at] = (uint8_t)added;
				memcpy(damaged + at + 1, stream + at,
				       size - at);
				assert_others(damaged, size + 1, victim);
			}
		}
	}
}

/* The stream ends anywhere: what was whole is there, the rest is text. */
static void test_cut_off(void **state)
{
	uint8_t stream[1024];
	size_t offsets[6];
	size_t size = make_five(stream, offsets);

	for (size_t cut = 0; cut <= size; cut++) {
		struct receiver receiver;
		size_t whole = 0;

		while (whole < 5 && offsets[whole + 1] <= cut)
			whole++;
		receiver_init(&receiver);
		receiver_feed(&receiver, stream, cut, cut);
		assert_int_equal(receiver.starts + receiver.event_count, whole);
		receiver_end(&receiver);
		assert_int_equal(receiver.starts + receiver.event_count, whole);
		assert_int_equal(receiver_counts(&receiver).bad_frames,
				 cut - offsets[whole] >= 4);
		assert_int_equal(receiver.text_size, cut - offsets[whole]);
		/* The line is taken up again. */
		receiver_feed(&receiver, stream, size, 1);
		assert_int_equal(receiver.event_count,
				 (whole ? whole - 1 : 0) + 4);
		receiver_free(&receiver);
	}
}

/* ---- Garbage ---- */

static void test_garbage_between(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} garbage[] = {
		{"Booting...\r\n\x1b[0m", 16},
		{"\xf7", 1},
		{"\xf7\xf7\xf7\xf7\xf7", 5},
		{"\xf7\x08\x00", 3},
		{"\xf7\xf0\x03\x01", 4},
		{"\xf7\x08\x00\x01\x00\x00\x00\x00", 8},
		{"\xf7\x00\x00\x00\x00", 5},
		{"\xf7\xff\xff\x01", 4},
		{"\xc3\xb7\xe2\x82\xac", 5},
	};
	const size_t count = sizeof(garbage) / sizeof(garbage[0]);

	for (size_t i = 0; i < count * count * count; i++) {
		const size_t chosen[] = {i % count, i / count % count,
					 i / count / count};
		struct receiver receiver;
		uint8_t frame[FRAME_MAKER_MAX];
		char text[64];
		size_t text_size = 0;

		receiver_init(&receiver);
		for (uint32_t j = 0; j < 3; j++) {
			size_t size = garbage[chosen[j]].size;

			receiver_feed(&receiver, garbage[chosen[j]].bytes, size,
				      size);
			memcpy(text + text_size, garbage[chosen[j]].bytes,
			       size);
			text_size += size;
			if (j == 2)
				break;
			size = make_event(frame, 9 + j);
			receiver_feed(&receiver, frame, size, size);
		}
		receiver_end(&receiver);
		assert_int_equal(receiver.event_count, 2);
		assert_int_equal(receiver_counts(&receiver).lost, 0);
		assert_int_equal(receiver.text_size, text_size);
		assert_memory_equal(receiver.text, text, text_size);
		receiver_assert_all(&receiver);
		receiver_free(&receiver);
	}
}

/* Every size that a header can claim, in front of a sound frame. */
static void test_hostile_sizes(void **state)
{
	static const uint8_t types[] = {0, 1, 2, 3, 4, 15, 16, 0xf7, 255};
	uint8_t stream[64] = {0xf7};
	struct receiver receiver;
	uint32_t number = 0;

	receiver_init(&receiver);
	for (uint32_t size = 0; size < 65536; size++) {
		/* All of those that might be, few of the rest. */
		if (size > 1100 && size % 97)
			continue;
		for (size_t i = 0; i < sizeof(types); i++) {
			size_t all;

			number++;
			stream[1] = (uint8_t)size;
			stream[2] = (uint8_t)(size >> 8);
			stream[3] = types[i];
			all = 4 + frame_maker_event(stream + 4, number, number,
						    7, "x", 1);
			receiver_feed(&receiver, stream, all, all);
			receiver_end(&receiver);
			assert_int_equal(receiver.event_count, number);
		}
	}
	assert_int_equal(receiver_counts(&receiver).lost, 0);
	assert_int_equal(receiver_counts(&receiver).skipped_bytes, 4 * number);
	receiver_assert_all(&receiver);
	receiver_free(&receiver);
}

/* A header that is never followed by what it promises, again and again. */
static void test_endless_frame(void **state)
{
	static const uint8_t header[] = {0xf7, 0xf0, 0x03, 0x01, 1, 0, 0, 0};
	struct receiver receiver;
	uint8_t frame[FRAME_MAKER_MAX];
	size_t size;

	receiver_init(&receiver);
	for (int i = 0; i < 20000; i++)
		receiver_feed(&receiver, header, sizeof(header),
			      sizeof(header));
	/* No more than one frame of it is held. */
	assert_true(receiver.fed - receiver.text_size < TW_FRAME_MAX);
	assert_int_equal(receiver.event_count, 0);
	size = make_event(frame, 1);
	receiver_feed(&receiver, frame, size, size);
	receiver_end(&receiver);
	assert_int_equal(receiver.event_count, 1);
	receiver_assert_all(&receiver);
	receiver_free(&receiver);
}

/* A megabyte of marks costs one look at each, and no sum at all. */
static void test_only_marks(void **state)
{
	static uint8_t marks[65536];
	struct receiver receiver;

	receiver_init(&receiver);
	memset(marks, 0xf7, sizeof(marks));
	for (int i = 0; i < 16; i++) {
		receiver_feed(&receiver, marks, sizeof(marks), sizeof(marks));
		assert_true(receiver.fed - receiver.text_size < 4);
	}
	receiver_end(&receiver);
	assert_int_equal(receiver.text_size, receiver.fed);
	assert_int_equal(receiver_counts(&receiver).checked_bytes, 0);
	assert_int_equal(receiver_counts(&receiver).bad_frames, 0);
	receiver_free(&receiver);
}

/*
 * What costs most: marks as dense as they can be, each of which promises a
 * frame as long as can be. The receiver holds TW_FRAME_WORK against each.
 */
static void test_work(void **state)
{
	static const uint8_t alphabet[] = {0xf7, 0xf0, 0xe0, 0, 1, 2,
					   3,	 4,    15,   8, 22};
	static const uint8_t dearest[] = {0xf7, 0xf0, 0x03, 0x01};
	uint8_t stream[6000];
	uint64_t random = 1;

	for (int i = 0; i < 400; i++) {
		uint8_t pattern[8] = {0};
		size_t period = i ? 1 + frame_maker_random(&random) % 8 : 4;
		struct receiver receiver;

		for (size_t j = 0; j < period; j++)
			pattern[j] =
				j && i ? alphabet[frame_maker_random(&random) %
						  sizeof(alphabet)]
				       : dearest[j];
		for (size_t j = 0; j < sizeof(stream); j++)
			stream[j] = pattern[j % period];
		receiver_init(&receiver);
		receiver_feed(&receiver, stream, sizeof(stream),
			      sizeof(stream));
		receiver_end(&receiver);
		assert_int_equal(receiver.text_size, sizeof(stream));
		/* The bound is no idle one. */
		if (i == 0)
			assert_true(receiver_counts(&receiver).checked_bytes >
				    sizeof(stream) * 200);
		receiver_free(&receiver);
	}
}

/* In a silence what waits is searched: the receiver holds its bound. */
static void test_work_in_silence(void **state)
{
	static const uint8_t first[] = {0xf7, 0xf0, 0x03, 0x01};
	static const uint8_t within[] = {0xf7, 0xf4, 0x01, 0x01};
	uint8_t stream[TW_FRAME_MAX - 1];
	const struct tw_channel_event *event;
	struct receiver receiver;
	uint64_t before, searched;

	for (size_t i = 0; i < sizeof(stream); i++)
		stream[i] = i < 4 ? first[i] : within[i % 4];
	receiver_init(&receiver);
	receiver_feed(&receiver, stream, sizeof(stream), sizeof(stream));
	before = receiver_counts(&receiver).checked_bytes;
	receiver_idle(&receiver);
	searched = receiver_counts(&receiver).checked_bytes - before;
	assert_true(searched > 50000);
	assert_true(searched <= TW_FRAME_MAX * TW_FRAME_WORK);
	/* Nothing whole was in it; and it is not searched again. */
	assert_int_equal(receiver.text_size, 0);
	assert_int_equal(tw_frame_decoder_next(receiver.decoder, &event),
			 TW_FRAME_NOTHING);
	assert_int_equal(receiver_counts(&receiver).checked_bytes,
			 before + searched);
	receiver_free(&receiver);
}

/* ---- One byte in a hundred ---- */

#define EVENTS 100000u

struct damage {
	uint64_t random;
	uint8_t stream[128 * EVENTS]; /* damaged; a frame has at most 61 */
	size_t size;
	bool is_whole[EVENTS + 1];
	bool is_received[EVENTS + 1];
	uint32_t last;
	uint32_t received;
};

/* A byte in a hundred is flipped, dropped, or has another before it. */
static bool put_damaged(struct damage *damage, const uint8_t *bytes,
			size_t size)
{
	bool whole = true;

	for (size_t i = 0; i < size; i++) {
		uint32_t dice = frame_maker_random(&damage->random) % 300;
		uint8_t other = (uint8_t)frame_maker_random(&damage->random);

		whole = whole && dice > 2;
		if (dice == 0)
			damage->stream[damage->size++] = bytes[i] ^
							 (uint8_t)(other | 1);
		if (dice == 1)
			damage->stream[damage->size++] = other;
		if (dice == 1 || dice > 2)
			damage->stream[damage->size++] = bytes[i];
	}
	return whole;
}

static void see_damaged(void *context, const struct tw_channel_event *event)
{
	struct damage *damage = context;

	assert_in_range(event->sequence, damage->last + 1, EVENTS);
	assert_sent(event, event->fields);
	damage->last = event->sequence;
	damage->is_received[event->sequence] = true;
	damage->received++;
}

static void run_damage(uint64_t seed, size_t piece)
{
	struct damage *damage = calloc(1, sizeof(*damage));
	struct receiver receiver;
	struct tw_channel_counts counts;
	uint8_t frame[FRAME_MAKER_MAX];
	size_t size;
	uint32_t whole = 0;

	assert_non_null(damage);
	damage->random = seed;
	damage->size = frame_maker_start(damage->stream, 0, &start);
	for (uint32_t i = 1; i <= EVENTS; i++) {
		size = make_event(frame, i);
		damage->is_whole[i] = put_damaged(damage, frame, size);
		whole += damage->is_whole[i];
	}
	receiver_init(&receiver);
	receiver.see = see_damaged;
	receiver.context = damage;
	receiver_feed(&receiver, damage->stream, damage->size, piece);
	receiver_end(&receiver);
	/* All that is whole came, but where one that was cut short had in the
	 * next one's mark the byte that it missed. */
	for (uint32_t i = 1; i <= EVENTS; i++)
		assert_true(!damage->is_whole[i] || damage->is_received[i] ||
			    (!damage->is_whole[i - 1] &&
			     damage->is_received[i - 1]));
	counts = receiver_counts(&receiver);
	assert_int_equal(counts.events, damage->received);
	/* From the start to the last that came, every one is accounted for. */
	assert_int_equal(counts.events + counts.lost, damage->last);
	assert_int_equal(counts.resets, 0);
	assert_int_equal(counts.malformed, 0);
	assert_int_equal(counts.other_frames, 0);
	printf("%u whole, %u received, %ju lost\n", whole, damage->received,
	       (uintmax_t)counts.lost);
	/* Something was damaged; and what was, yet came, had its damage between
	 * frames, or undone. */
	assert_in_range(whole, EVENTS / 2, EVENTS * 3 / 4);
	assert_in_range(damage->received, whole, whole + EVENTS / 100);
	receiver_free(&receiver);
	free(damage);
}

static void test_random_damage(void **state)
{
	run_damage(1, SIZE_MAX);
	run_damage(2, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flipped_byte),
		cmocka_unit_test(test_dropped_byte),
		cmocka_unit_test(test_added_byte),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_garbage_between),
		cmocka_unit_test(test_hostile_sizes),
		cmocka_unit_test(test_endless_frame),
		cmocka_unit_test(test_only_marks),
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_work_in_silence),
		cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
