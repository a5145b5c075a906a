/* SPDX-License-Identifier: MIT */
/* What a host does with a guest's ids, numbers and frames; see test-guest.sh.
 */
#include "guest-part-switch.h"
#include "guest-switch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trackway/channel.h>
#include <trackway/trackway.h>

/* More than fits: only the lower bits count. All addresses are bad. */
static const uint64_t sent[][7] = {
	{0, 1, 2, 3, 4, 5, 6},
	{1, 0xff, 0xfff, (uint64_t)-70000, UINT64_MAX, 4, 0x3ff8000000000000},
	{2, 0xdead0000, 0x7fff0000, 0x100, 0, 0, 0},
	{3, 1, 2, 3, 4, 5, 6},
	{4, 1, 2, 3, 4, 5, 6},
	{5, 0xdead0000, 1000, 0xdead0000, 0, 0, 0},
	{9, 0, 0, 0, 0, 0, 0},
	{UINT64_MAX, 0, 0, 0, 0, 0, 0},
};

static void say(const char *what, uint64_t id, bool served)
{
	printf("%s %" PRIu64 ": %s\n", what, id, served ? "served" : "refused");
}

static void numbers(void)
{
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		const uint64_t *s = sent[i];

		say("numbers", s[0],
		    guest_trace_guest(s[0], s[1], s[2], s[3], s[4], s[5],
				      s[6]));
	}
	say("ten", 3, guest_trace10_guest(3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

/* The same through an event, as the device gives it. */
static void arguments(void)
{
	struct tw_channel_event event = {.id = 3, .argument_count = 10};

	for (uint64_t i = 0; i < 10; i++)
		event.arguments[i] = 10 - i;
	say("event", event.id, guest_trace_event_guest(&event));
}

/* Fields that are the event's, of guests of both word sizes. */
struct frame {
	uint64_t id;
	uint8_t word_size;
	uint8_t size;
	const char *bytes;
};

static const struct frame frames[] = {
	{0, 0, 0, ""},
	/* guest_ints: as they are, and of other signs. */
	{1, 0, 23,
	 "\xff\xff\x90\xee\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	 "\x04\0\0\0\0\0\0\xf8\x3f"},
	{2, 8, 17, "text \xc3\xa9\0\0\0\xff\x7f\0\0\0\0\0"},
	{2, 4, 10, "text\0\0\0\xff\x7f!"},
	{3, 0, 40,
	 "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0"
	 "\6\0\0\0\7\0\0\0\10\0\0\0\11\0\0\0\xff\xff\xff\xff"},
	/* guest_bytes: whole; cut by the guest; with more than it says; with a
	 * size below 0; with a fixed count that is short, or long. */
	{5, 0, 14, "\3\0\1\2\3\3\0\0\0\3\0\4\5\6"},
	{5, 0, 14, "\3\0\1\2\3\xe8\3\0\0\3\0\4\5\6"},
	{5, 0, 14, "\3\0\1\2\3\2\0\0\0\3\0\4\5\6"},
	{5, 0, 11, "\0\0\xff\xff\xff\xff\3\0\4\5\6"},
	{5, 0, 9, "\0\0\0\0\0\0\1\0\4"},
	{5, 0, 13, "\0\0\0\0\0\0\5\0\4\5\6\7\10"},
	/* Of the second group, with its prefix. */
	{200, 0, 0, ""},
	{201, 4, 32,
	 "\xff\xff\xff\xff\xff\xff\xff\xff\4\0\0\0\xfe\xff\xfe\xff"
	 "\xfd\xff\xff\xff\xff\xff\xff\xff\0\0\1\0\0\0\xc0\x3f"},
	{201, 8, 48,
	 "\xff\xff\xff\xff\xff\xff\xff\xff\5\0\0\0\1\0\0\0"
	 "\4\0\0\0\1\0\0\0\xfe\xff\xfe\xff"
	 "\xfd\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\1\0\0\0\0\0\xc0\x3f"},
	/* Two that share a size, which the shorter one bounds. */
	{202, 0, 10, "\2\0\1\2\7\3\0\4\5\6"},
};

static bool serve(const struct frame *frame, const uint8_t *fields, size_t size)
{
	const struct tw_channel_event event = {
		.id = frame->id,
		.word_size = frame->word_size,
		.fields = fields,
		.fields_size = size,
	};

	return guest_trace_event_guest(&event) ||
	       guest_trace_event_part(&event);
}

/* Nothing shorter or longer is taken; nothing behind it is read. */
static int refuse_others(const struct frame *frame)
{
	int failed = 0;

	for (size_t size = 0; size <= frame->size + 3u; size++) {
		uint8_t *fields = malloc(size + 1);
		uint8_t *at;

		if (!fields)
			return 1;
		at = fields + 1; /* of any alignment */
		memset(at, 0, size);
		memcpy(at, frame->bytes,
		       size < frame->size ? size : frame->size);
		if (size != frame->size && serve(frame, at, size)) {
			printf("%" PRIu64 " taken with %zu bytes\n", frame->id,
			       size);
			failed = 1;
		}
		free(fields);
	}
	return failed;
}

static int fields(void)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		const struct frame *frame = &frames[i];
		struct frame other = *frame;

		say("frame", frame->id,
		    serve(frame, (const uint8_t *)frame->bytes, frame->size));
		failed |= refuse_others(frame);
		/* Without its word size. */
		other.word_size = 0;
		if (frame->word_size &&
		    serve(&other, (const uint8_t *)frame->bytes, frame->size))
			failed = 1;
		/* Ids that no event has, or one that is compiled out. */
		other = *frame;
		for (uint64_t id = 203; id != 199; id = id == 203 ? 4 : 199) {
			other.id = id;
			failed |= serve(&other, (const uint8_t *)frame->bytes,
					frame->size);
		}
	}
	return failed;
}

static int states(void)
{
	int off = tw_event_find("part_words");

	tw_event_set_state(off, false);
	for (uint64_t id = 0; id < 11; id++)
		printf("%d ", guest_trace_state_guest(id));
	for (uint64_t id = 198; id < 205; id++)
		printf("%d ", guest_trace_state_part(id));
	printf("of %u, %u\n", guest_trace_count_guest(),
	       guest_trace_count_part());
	tw_event_set_state(off, true);
	return off < 0;
}

int main(int argc, char **argv)
{
	numbers();
	arguments();
	return argc > 1 ? 1 : states() | fields();
}
