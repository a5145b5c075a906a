/* SPDX-License-Identifier: MIT */
/* Frames, byte by byte, and what the decoder makes of sound ones. */

#include "frame-maker.h"
#include "receiver.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct frame_maker_start usual_start = {
	.version = 1,
	.flags = 1,
	.event_count = 300,
	.clock_hz = 1000000000,
	.time = 0x0123456789abcdef,
	.word_size = 4,
	.name = "firmware",
};

/* ---- Every byte of a frame, from first to last ---- */

static void test_event_bytes(void **state)
{
	/* Id 258, time 3, fields u32 5, "ab"; its checksum is zlib's. */
	static const uint8_t frame[] = {
		0xf7, 0x0f, 0x00, 0x01, 0x07, 0x00, 0x00, 0x00, 0x02,
		0x01, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x00,
		0x00, 0x00, 'a',  'b',	0x00, 0x11, 0xa2, 0x4f, 0x9f,
	};
	uint8_t made[FRAME_MAKER_MAX];
	struct receiver receiver;
	const struct received *got;

	assert_int_equal(frame_maker_event(made, 7, 3, 258, frame + 16, 7),
			 sizeof(frame));
	assert_memory_equal(made, frame, sizeof(frame));
	receiver_init(&receiver);
	receiver_feed(&receiver, frame, sizeof(frame), sizeof(frame));
	receiver_assert_all(&receiver);
	assert_int_equal(receiver.event_count, 1);
	got = receiver.events;
	assert_int_equal(got->event.id, 258);
	assert_int_equal(got->event.time, 3);
	assert_int_equal(got->event.sequence, 7);
	assert_int_equal(got->event.fields_size, 7);
	assert_memory_equal(got->fields, frame + 16, 7);
	/* No start was seen. */
	assert_false(got->event.has_time);
	assert_int_equal(got->event.word_size, 0);
	assert_null(tw_frame_decoder_start(receiver.decoder));
	receiver_free(&receiver);
}

static void test_start_bytes(void **state)
{
	static const uint8_t frame[] = {
		0xf7, 0x18, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
		0x01, 0x2c, 0x01, 0x00, 0xca, 0x9a, 0x3b, 0x00, 0x00,
		0x00, 0x00, 0x15, 0xcd, 0x5b, 0x07, 0x00, 0x00, 0x00,
		0x00, 0x04, 'f',  'w',	0x00, 0x50, 0x35, 0xda, 0x12,
	};
	const struct tw_channel_start *start;
	struct receiver receiver;

	receiver_init(&receiver);
	for (size_t i = 0; i < sizeof(frame); i++) {
		assert_int_equal(receiver.starts, 0);
		receiver_feed(&receiver, frame + i, 1, 1);
	}
	assert_int_equal(receiver.starts, 1);
	start = tw_frame_decoder_start(receiver.decoder);
	assert_non_null(start);
	assert_int_equal(start->version, 1);
	assert_true(start->has_clock);
	assert_int_equal(start->event_count, 300);
	assert_int_equal(start->clock_hz, 1000000000);
	assert_int_equal(start->time, 123456789);
	assert_int_equal(start->word_size, 4);
	assert_string_equal(start->name, "fw");
	assert_int_equal(receiver_counts(&receiver).skipped_bytes, 0);
	receiver_free(&receiver);
}

static void test_switch_bytes(void **state)
{
	static const uint8_t frame[] = {
		0xf7, 0x06, 0x00, 0x03, 0x01, 0x00, 0x00, 0x00, 0xff,
		0xff, 0x00, 0x2c, 0x01, 0x01, 0x73, 0x46, 0x5a, 0xa8,
	};
	static const struct tw_channel_switch switches[17] = {
		{TW_CHANNEL_EVERY_EVENT, false},
		{300, true},
	};
	uint8_t made[TW_FRAME_MAX];
	uint8_t expected[FRAME_MAKER_MAX];

	assert_int_equal(
		tw_frame_encode_switch(made, sizeof(frame), 1, switches, 2),
		sizeof(frame));
	assert_memory_equal(made, frame, sizeof(frame));
	assert_int_equal(
		tw_frame_encode_switch(made, sizeof(frame) - 1, 1, switches, 2),
		-ENOSPC);
	assert_int_equal(
		tw_frame_encode_switch(made, sizeof(made), 1, switches, 0),
		-EINVAL);
	assert_int_equal(
		tw_frame_encode_switch(made, sizeof(made), 1, switches, 17),
		-EINVAL);
	assert_int_equal(
		tw_frame_encode_switch(made, 60, 0xfffffffe, switches, 16), 60);
	assert_int_equal(
		frame_maker_frame(expected, 3, 0xfffffffe, made + 8, 48), 60);
	assert_memory_equal(made, expected, 60);
}

/* The check value that every catalogue of checksums gives, and all bytes. */
static void test_checksum(void **state)
{
	uint8_t frame[FRAME_MAKER_MAX], bytes[256];
	size_t size;
	uint32_t crc;

	assert_int_equal(tw_frame_crc(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(tw_frame_crc(tw_frame_crc(0, "1234", 4), "56789", 5),
			 0xcbf43926);
	assert_int_equal(tw_frame_crc(0, "", 0), 0);
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	size = frame_maker_frame(frame, 1, 0x12345678, bytes, sizeof(bytes));
	crc = tw_frame_crc(0, frame + 1, size - 5);
	for (int i = 0; i < 4; i++)
		assert_int_equal(frame[size - 4 + (size_t)i],
				 crc >> 8 * i & 0xff);
}

/* ---- Streams ---- */

/* A start, events of all sizes from nothing to the largest, text in between. */
static size_t make_stream(uint8_t *to, size_t events)
{
	uint8_t fields[1000];
	size_t at = frame_maker_start(to, 0, &usual_start);

	for (size_t i = 0; i < events; i++) {
		size_t size = i == events - 1 ? sizeof(fields) : i * 7;

		memset(fields, (int)(0xe4 + i), size);
		at += frame_maker_event(to + at, (uint32_t)i + 1,
					usual_start.time + i, (uint16_t)i,
					fields, size);
		if (i % 3 == 0) {
			memcpy(to + at, "text \xc3\xa9\n", 8);
			at += 8;
		}
	}
	return at;
}

#define STREAM_EVENTS 20u
#define STREAM_TEXTS 7u /* of 8 bytes */

static void assert_stream(const struct receiver *receiver)
{
	struct tw_channel_counts counts = receiver_counts(receiver);

	assert_int_equal(receiver->starts, 1);
	assert_int_equal(receiver->event_count, STREAM_EVENTS);
	for (size_t i = 0; i < STREAM_EVENTS; i++) {
		const struct received *got = &receiver->events[i];

		assert_int_equal(got->event.id, i);
		assert_int_equal(got->event.sequence, i + 1);
		assert_true(got->event.has_time);
		assert_int_equal(got->event.time, usual_start.time + i);
		assert_int_equal(got->event.word_size, 4);
		assert_int_equal(got->event.fields_size,
				 i == STREAM_EVENTS - 1 ? 1000 : i * 7);
		for (size_t j = 0; j < got->event.fields_size; j++)
			assert_int_equal(got->fields[j], 0xe4 + i);
	}
	assert_int_equal(receiver->text_size, STREAM_TEXTS * 8);
	for (size_t i = 0; i < STREAM_TEXTS; i++)
		assert_memory_equal(receiver->text + i * 8, "text \xc3\xa9\n",
				    8);
	assert_int_equal(counts.events, STREAM_EVENTS);
	assert_int_equal(counts.skipped_bytes, STREAM_TEXTS * 8);
	assert_int_equal(counts.lost, 0);
	assert_int_equal(counts.bad_frames, 0);
	assert_int_equal(counts.resets, 0);
	assert_int_equal(counts.malformed, 0);
	assert_int_equal(counts.other_frames, 0);
}

static void test_any_split(void **state)
{
	uint8_t stream[8192];
	size_t size = make_stream(stream, STREAM_EVENTS);
	struct receiver receiver;

	for (size_t split = 0; split <= size; split++) {
		receiver_init(&receiver);
		receiver_feed(&receiver, stream, split, size);
		receiver_feed(&receiver, stream + split, size - split, size);
		assert_stream(&receiver);
		receiver_free(&receiver);
	}
	for (size_t piece = 1; piece < 300; piece++) {
		receiver_init(&receiver);
		receiver_feed(&receiver, stream, size, piece);
		assert_stream(&receiver);
		receiver_free(&receiver);
	}
}

/* A chunk larger than there is room for: what it took is said, and no more. */
static void test_large_chunk(void **state)
{
	static uint8_t stream[64 * 8192];
	struct receiver receiver;
	size_t size = 0;

	receiver_init(&receiver);
	for (uint32_t i = 0; i < 1000; i++)
		size += frame_maker_event(stream + size, i + 1, i, 1, stream,
					  i % 400);
	receiver_feed(&receiver, stream, size, size);
	assert_int_equal(receiver.event_count, 1000);
	receiver_assert_all(&receiver);
	receiver_free(&receiver);
}

/* Text is given as soon as it is known to be none of a frame's. */
static void test_text_at_once(void **state)
{
	struct receiver receiver;

	receiver_init(&receiver);
	receiver_feed(&receiver, "boot\xf7", 5, 5);
	assert_string_equal(receiver.text, "boot");
	receiver_feed(&receiver, "\xff\xff\xff", 3, 3);
	assert_string_equal(receiver.text, "boot\xf7\xff\xff\xff");
	receiver_free(&receiver);
}

/* Without the flag nobody is told of it, yet it is counted. */
static void test_text_unwanted(void **state)
{
	const struct tw_channel_event *event;
	struct tw_frame_decoder *decoder;
	struct tw_channel_counts counts;
	uint8_t stream[64] = "text";
	size_t size = 4;

	assert_int_equal(tw_frame_decoder_create(&decoder, 0), 0);
	size += frame_maker_event(stream + size, 1, 2, 3, NULL, 0);
	assert_int_equal(tw_frame_decoder_feed(decoder, stream, size), size);
	assert_int_equal(tw_frame_decoder_next(decoder, &event),
			 TW_FRAME_EVENT);
	assert_int_equal(event->id, 3);
	assert_int_equal(event->fields_size, 0);
	assert_non_null(event->fields);
	assert_int_equal(tw_frame_decoder_next(decoder, &event),
			 TW_FRAME_NOTHING);
	assert_null(event);
	tw_frame_decoder_counts(decoder, &counts, sizeof(counts));
	assert_int_equal(counts.skipped_bytes, 4);
	tw_frame_decoder_destroy(decoder);
	assert_int_equal(tw_frame_decoder_create(&decoder, 2), -EINVAL);
	tw_frame_decoder_destroy(NULL);
}

static void feed_event(struct receiver *receiver, uint32_t sequence,
		       uint64_t time)
{
	uint8_t frame[FRAME_MAKER_MAX];
	size_t size = frame_maker_event(frame, sequence, time, 1, "x", 1);

	receiver_feed(receiver, frame, size, size);
}

static void feed_start(struct receiver *receiver, uint32_t sequence,
		       uint64_t time)
{
	struct frame_maker_start start = usual_start;
	uint8_t frame[FRAME_MAKER_MAX];
	size_t size;

	start.time = time;
	size = frame_maker_start(frame, sequence, &start);
	receiver_feed(receiver, frame, size, size);
	receiver->framed += size;
}

/* ---- Silence ---- */

#define FIELDS 900 /* of an event: more than what follows it */

static size_t long_event(uint8_t *frame, uint32_t sequence)
{
	uint8_t fields[FIELDS] = {0};

	return frame_maker_event(frame, sequence, 1, 1, fields, FIELDS);
}

/* A guest is reset amid a frame, starts, and is silent until it has switches:
 * its start would be waited for for ever. */
static void test_silence_behind_a_cut(void **state)
{
	static const size_t cuts[] = {1, 3, 4, 8, 100};
	static const char text[] = "booting\r\n";

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		uint8_t frame[FRAME_MAKER_MAX], start[FRAME_MAKER_MAX];
		const size_t size = frame_maker_start(start, 0, &usual_start);
		struct receiver receiver;

		receiver_init(&receiver);
		long_event(frame, 7);
		receiver_feed(&receiver, frame, cuts[i], cuts[i]);
		receiver_feed(&receiver, text, strlen(text), 1);
		/* Of a start, too, the first bytes alone. */
		receiver_feed(&receiver, start, 9, 9);
		receiver_feed(&receiver, start, size, size);
		if (cuts[i] >= 4)
			assert_int_equal(receiver.starts, 0);
		receiver_idle(&receiver);
		assert_int_equal(receiver.starts, 1);
		assert_int_equal(receiver.text_size,
				 cuts[i] + strlen(text) + 9);
		receiver.framed += size;
		receiver_assert_all(&receiver);
		receiver_free(&receiver);
	}
}

/* Several of them, each behind one that was cut. */
static void test_silence_behind_cuts(void **state)
{
	uint8_t frame[FRAME_MAKER_MAX];
	struct receiver receiver;

	receiver_init(&receiver);
	for (uint32_t i = 0; i < 10; i++) {
		long_event(frame, i);
		receiver_feed(&receiver, frame, 50, 50);
		feed_event(&receiver, i, i);
	}
	assert_int_equal(receiver.event_count, 0);
	receiver_idle(&receiver);
	assert_int_equal(receiver.event_count, 10);
	assert_int_equal(receiver_counts(&receiver).bad_frames, 10);
	receiver_assert_all(&receiver);
	receiver_free(&receiver);
}

/* A guest that only stands still amid a frame loses nothing by it. */
static void test_silence_amid_a_frame(void **state)
{
	uint8_t frame[FRAME_MAKER_MAX];
	struct receiver receiver;
	size_t size;

	for (size_t cut = 1; cut < 100; cut++) {
		receiver_init(&receiver);
		size = long_event(frame, 7);
		receiver_feed(&receiver, frame, cut, cut);
		receiver_idle(&receiver);
		receiver_feed(&receiver, frame + cut, size - cut, size);
		receiver_idle(&receiver);
		assert_int_equal(receiver.event_count, 1);
		assert_int_equal(receiver.text_size, 0);
		receiver_assert_all(&receiver);
		receiver_free(&receiver);
	}
}

/* It is over with the next byte. */
static void test_silence_that_ends(void **state)
{
	uint8_t frame[FRAME_MAKER_MAX], inner[FRAME_MAKER_MAX];
	uint8_t fields[FIELDS] = {0};
	struct receiver receiver;
	size_t size;

	size = frame_maker_event(inner, 1, 1, 1, "x", 1);
	memcpy(fields + 10, inner, size);
	size = frame_maker_event(frame, 7, 1, 2, fields, FIELDS);
	receiver_init(&receiver);
	tw_frame_decoder_idle(receiver.decoder);
	receiver_feed(&receiver, frame, 200, 200);
	receiver_feed(&receiver, frame + 200, size - 200, size);
	assert_int_equal(receiver.event_count, 1);
	assert_int_equal(receiver.events[0].event.id, 2);
	receiver_assert_all(&receiver);
	receiver_free(&receiver);
}

/* ---- Sequence numbers ---- */

#define FAR ((uint64_t)0x7fffffff)

static void test_gaps(void **state)
{
	static const struct {
		uint32_t sequence;
		uint64_t lost, resets;
	} steps[] = {
		/* Before the first, nothing can be known. */
		{0xfffffff0, 0, 0},
		{0xfffffff1, 0, 0},
		{0xfffffff3, 1, 0},
		/* Round the end of 32 bits. */
		{0xfffffffe, 11, 0},
		{0xffffffff, 11, 0},
		{0, 11, 0},
		{1, 11, 0},
		{0x80000001, 11 + FAR, 0},
		{0x7fffffff, 11 + FAR + FAR - 1, 1},
		/* Back: a new start, which was lost itself. */
		{100, 11 + FAR + FAR - 1 + 99, 2},
		{100, 11 + FAR + FAR - 1 + 99 + 99, 3},
		{101, 11 + FAR + FAR - 1 + 99 + 99, 3},
	};
	struct receiver receiver;

	receiver_init(&receiver);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct tw_channel_counts counts;

		feed_event(&receiver, steps[i].sequence, i);
		counts = receiver_counts(&receiver);
		assert_int_equal(counts.lost, steps[i].lost);
		assert_int_equal(counts.resets, steps[i].resets);
		assert_int_equal(counts.events, i + 1);
	}
	receiver_assert_all(&receiver);
	receiver_free(&receiver);
}

/* A guest that starts anew: nothing is lost, and its clock may have. */
static void test_start_again(void **state)
{
	struct receiver receiver;
	struct tw_channel_counts counts;

	receiver_init(&receiver);
	feed_start(&receiver, 0, 1000000);
	feed_event(&receiver, 1, 1000001);
	feed_event(&receiver, 2, 1000002);
	feed_start(&receiver, 0, 50);
	feed_event(&receiver, 1, 51);
	feed_event(&receiver, 4, 54);
	counts = receiver_counts(&receiver);
	assert_int_equal(counts.resets, 1);
	assert_int_equal(counts.lost, 2);
	assert_int_equal(receiver.starts, 2);
	assert_int_equal(receiver.events[1].event.time, 1000002);
	assert_int_equal(receiver.events[2].event.time, 51);
	assert_int_equal(tw_frame_decoder_start(receiver.decoder)->time, 50);
	/* A start whose number isn't 0 is believed. */
	feed_start(&receiver, 7, 60);
	feed_event(&receiver, 8, 61);
	counts = receiver_counts(&receiver);
	assert_int_equal(counts.resets, 2);
	assert_int_equal(counts.lost, 2);
	receiver_assert_all(&receiver);
	receiver_free(&receiver);
}

/* Times have 48 bits; what is above follows from the one before. */
static void test_times(void **state)
{
	const uint64_t low = ((uint64_t)1 << 48) - 1;
	static const uint64_t times[] = {
		0x0001fffffffffff0, 0x0001ffffffffffff, 0x0002000000000000,
		0x0002000000000005, 0x0001fffffffffffe, /* another CPU's */
		0x0002000000000010, 0x00027fffffffffff, 0x0002fffffffffff0,
		0x0003000000000000,
	};
	struct receiver receiver;

	receiver_init(&receiver);
	feed_start(&receiver, 0, 0x0001ffffffffff00);
	for (uint32_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		feed_event(&receiver, i + 1, times[i] & low);
		assert_int_equal(receiver.events[i].event.time, times[i]);
	}
	receiver_free(&receiver);
}

/* ---- What a frame may say ---- */

static void test_malformed_starts(void **state)
{
	struct frame_maker_start start = usual_start;
	uint8_t frame[FRAME_MAKER_MAX] = {0};
	struct receiver receiver;
	struct tw_channel_counts counts;
	uint64_t malformed = 0;
	size_t size;

	receiver_init(&receiver);
	for (int i = 0; i < 5; i++) {
		start = usual_start;
		if (i == 0)
			start.version = 2;
		else if (i == 1)
			start.word_size = 3;
		else if (i == 2)
			start.name = "a name of 33 characters, too long";
		size = frame_maker_start(frame, 0, &start);
		if (i == 3) /* no NUL */
			size = frame_maker_frame(frame, 2, 0, frame + 8,
						 size - 13);
		if (i == 4) /* a version may come that says more */
			size = frame_maker_frame(frame, 2, 0, frame + 8,
						 size - 12 + 40);
		receiver_feed(&receiver, frame, size, size);
		receiver.framed += size;
		malformed += i < 4;
		counts = receiver_counts(&receiver);
		assert_int_equal(counts.malformed, malformed);
		assert_int_equal(receiver.starts, i == 4);
		assert_int_equal(!!tw_frame_decoder_start(receiver.decoder),
				 i == 4);
		/* Where the numbers begin is known all the same. */
		feed_event(&receiver, 3, 1);
		assert_int_equal(receiver_counts(&receiver).lost,
				 counts.lost + 2);
		assert_int_equal(receiver.events[i].event.has_time, i == 4);
	}
	start.name = "a name of 32 characters, at most";
	start.flags = 0xfe;
	size = frame_maker_start(frame, 0, &start);
	receiver_feed(&receiver, frame, size, size);
	receiver.framed += size;
	assert_string_equal(tw_frame_decoder_start(receiver.decoder)->name,
			    start.name);
	feed_event(&receiver, 1, 1);
	assert_false(receiver.events[5].event.has_time);
	receiver_assert_all(&receiver);
	receiver_free(&receiver);
}

/* What the host sent comes back (a terminal's echo), and frames to come. */
static void test_other_frames(void **state)
{
	static const struct tw_channel_switch on = {1, true};
	uint8_t frame[FRAME_MAKER_MAX];
	struct receiver receiver;
	struct tw_channel_counts counts;
	size_t size;

	receiver_init(&receiver);
	feed_event(&receiver, 10, 1);
	size = (size_t)tw_frame_encode_switch(frame, sizeof(frame), 500, &on,
					      1);
	receiver_feed(&receiver, frame, size, size);
	receiver.framed += size;
	for (uint8_t type = 4; type <= 15; type++) {
		size = frame_maker_frame(frame, type, 7u + type, frame,
					 type * (size_t)50);
		receiver_feed(&receiver, frame, size, size);
		receiver.framed += size;
	}
	feed_event(&receiver, 23, 1);
	counts = receiver_counts(&receiver);
	assert_int_equal(counts.other_frames, 13);
	assert_int_equal(counts.lost, 0);
	assert_int_equal(counts.resets, 0);
	assert_int_equal(counts.events, 2);
	receiver_assert_all(&receiver);
	receiver_free(&receiver);
}

/* Only frames of a size that their type may have are frames. */
static void test_sizes_by_type(void **state)
{
	static const struct {
		uint8_t type;
		uint16_t least, most, step;
	} types[] = {
		{1, 8, 1008, 1}, {2, 22, 255, 1},  {3, 3, 48, 3},
		{4, 0, 1008, 1}, {15, 0, 1008, 1}, {0, 1, 0, 1},
		{16, 1, 0, 1},	 {255, 1, 0, 1},
	};
	static uint8_t frame[70000];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (size_t size = 0; size < 1100; size++) {
			bool good = size >= types[i].least &&
				    size <= types[i].most &&
				    size % types[i].step == 0;
			struct receiver receiver;
			size_t all;

			receiver_init(&receiver);
			all = frame_maker_frame(frame, types[i].type, 0,
						frame + 5000, size);
			receiver_feed(&receiver, frame, all, all);
			receiver_end(&receiver);
			assert_int_equal(
				receiver_counts(&receiver).skipped_bytes,
				good ? 0 : all);
			receiver_free(&receiver);
		}
	}
}

/* A caller that was compiled with a header that knows less, or more. */
static void test_counts_size(void **state)
{
	struct {
		struct tw_channel_counts counts;
		uint64_t more[2];
	} room;
	struct receiver receiver;

	receiver_init(&receiver);
	feed_event(&receiver, 1, 1);
	memset(&room, 0xff, sizeof(room));
	tw_frame_decoder_counts(receiver.decoder, &room.counts, 8);
	assert_int_equal(room.counts.events, 1);
	assert_int_equal(room.counts.lost, UINT64_MAX);
	tw_frame_decoder_counts(receiver.decoder, &room.counts,
				sizeof(room.counts) + 8);
	assert_int_equal(room.counts.lost, 0);
	assert_int_equal(room.more[0], 0);
	assert_int_equal(room.more[1], UINT64_MAX);
	receiver_free(&receiver);
}

/* No length says more than the bytes that came, but one below 0 none. */
static void test_lengths(void **state)
{
	assert_int_equal(tw_channel_length(0, 2), 0);
	assert_int_equal(tw_channel_length(2, 2), 2);
	assert_int_equal(tw_channel_length(3, 2), 2);
	assert_int_equal(tw_channel_length(UINT64_MAX, 2), 2);
	assert_int_equal(tw_channel_signed_length(2, 2), 2);
	assert_int_equal(tw_channel_signed_length(INT64_MAX, 2), 2);
	assert_int_equal(tw_channel_signed_length((uint64_t)-1, 2),
			 (uint64_t)-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_bytes),
		cmocka_unit_test(test_start_bytes),
		cmocka_unit_test(test_switch_bytes),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_any_split),
		cmocka_unit_test(test_large_chunk),
		cmocka_unit_test(test_text_at_once),
		cmocka_unit_test(test_text_unwanted),
		cmocka_unit_test(test_silence_behind_a_cut),
		cmocka_unit_test(test_silence_behind_cuts),
		cmocka_unit_test(test_silence_amid_a_frame),
		cmocka_unit_test(test_silence_that_ends),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_start_again),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_malformed_starts),
		cmocka_unit_test(test_other_frames),
		cmocka_unit_test(test_sizes_by_type),
		cmocka_unit_test(test_counts_size),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
