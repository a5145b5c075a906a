/* SPDX-License-Identifier: MIT */
/*
 * The channel's end in the host, for VMMs and for readers of a guest's output:
 * bytes in, events out. docs/channel.md has the wire formats, and how to go
 * about it; the library is trackway-channel.
 *
 * Nothing here does I/O, starts a thread or waits, and nothing allocates memory
 * but the functions that create. An object is used by one thread at a time;
 * different objects are independent. All that a guest sends is hostile, and
 * nothing that it sends is an error: what makes no sense is counted. Errors are
 * negative errno values.
 */
#ifndef TRACKWAY_CHANNEL_H
#define TRACKWAY_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TW_CHANNEL_API __attribute__((visibility("default")))

#define TW_CHANNEL_ARGUMENTS 10

/*
 * One event as the guest sent it. From the fw_cfg device come arguments, from
 * frames come fields: tracetool's format guest makes the function that takes
 * either, guest_trace_event_GROUP().
 */
struct tw_channel_event {
	uint64_t id;	   /* its place in the guest's trace-events files */
	uint64_t time;	   /* of the guest's clock, ticks, widened to 64 bits */
	bool has_time;	   /* else time means nothing */
	uint8_t word_size; /* of the guest, 4 or 8 bytes; 0: not known */
	uint32_t sequence; /* the frame's; 0 where there are no frames */
	uint32_t argument_count; /* 6 or 10; 0: it has fields */
	uint64_t arguments[TW_CHANNEL_ARGUMENTS]; /* not sent: 0 */
	/* Packed, little-endian; NULL: it has arguments. Good until the next
	 * call with its decoder. */
	const uint8_t *fields;
	size_t fields_size;
};

/* What has happened so far; nothing resets it. New members go to the end. */
struct tw_channel_counts {
	uint64_t events; /* given to the caller, and not refused */
	/* Sent, as their sequence numbers say, and not received. */
	uint64_t lost;
	uint64_t bad_frames; /* of a wrong checksum, or cut off by the end */
	/* Of all that was no frame: text, garbage, what bad frames held. */
	uint64_t skipped_bytes;
	uint64_t resets; /* of the guest: tw_fw_cfg_channel_reset(), starts */
	/* Whole frames whose payload is malformed. */
	uint64_t malformed;
	uint64_t other_frames; /* whole frames that are no guest's events */
	/* fw_cfg: ids past event_count, and events that the callback refused.
	 */
	uint64_t unknown;
	/* fw_cfg: u64 that a select or a reset cut off. */
	uint64_t short_words;
	/* fw_cfg: messages begun and not ended; arguments 7 to 10 whose event
	 * didn't follow. */
	uint64_t short_events;
	/* Frames: bytes summed to check them; at most TW_FRAME_WORK for each
	 * byte fed. */
	uint64_t checked_bytes;
};

/* ---- fw_cfg: the device's side of the write channel ---- */

#define TW_FW_CFG_CHANNEL 0x4000u /* the selector */

struct tw_fw_cfg_channel_options {
	size_t size; /* sizeof(struct tw_fw_cfg_channel_options) */
	void *context;
	/*
	 * An event is complete; called from within _write(). False: it is
	 * refused, and counted as unknown. May not call the channel back.
	 */
	bool (*event)(void *context, const struct tw_channel_event *event);
	/*
	 * What a guest is told that asks which events are on: 1 on, all else
	 * off. Called from within _read(). NULL: all are on.
	 */
	int (*state)(void *context, uint64_t id);
	uint32_t event_count; /* ids are below this; at most 65535 */
};

struct tw_fw_cfg_channel;

/*
 * A channel that isn't selected. Options are copied. 0 and *channel, -EINVAL
 * (options), -ENOMEM.
 */
TW_CHANNEL_API int tw_fw_cfg_channel_create(
	struct tw_fw_cfg_channel **channel,
	const struct tw_fw_cfg_channel_options *options);

/* NULL is fine. */
TW_CHANNEL_API void tw_fw_cfg_channel_destroy(
	struct tw_fw_cfg_channel *channel);

/*
 * The guest has written the selector register. True: it has selected the
 * channel, and its data register is to be served by the functions below, until
 * it selects something else.
 */
TW_CHANNEL_API bool tw_fw_cfg_channel_select(struct tw_fw_cfg_channel *channel,
					     uint16_t selector);

/* Bytes written to the data register, in their order. While the channel is not
 * selected they are ignored. */
TW_CHANNEL_API void tw_fw_cfg_channel_write(struct tw_fw_cfg_channel *channel,
					    const void *bytes, size_t size);

/* The byte that a read of the data register gives; 0 while not selected. */
TW_CHANNEL_API uint8_t
tw_fw_cfg_channel_read(struct tw_fw_cfg_channel *channel);

/* The machine is reset: what was begun is dropped, nothing is selected. */
TW_CHANNEL_API void tw_fw_cfg_channel_reset(struct tw_fw_cfg_channel *channel);

/* Fill in counts, size bytes of them: sizeof(struct tw_channel_counts). */
TW_CHANNEL_API void tw_fw_cfg_channel_counts(
	const struct tw_fw_cfg_channel *channel,
	struct tw_channel_counts *counts, size_t size);

/* ---- Frames: a stream's other end ---- */

#define TW_FRAME_MARK 0xF7u /* the first byte of each */
#define TW_FRAME_HEADER 8u
#define TW_FRAME_TRAILER 4u
#define TW_FRAME_PAYLOAD_MAX 1008u
#define TW_FRAME_MAX (TW_FRAME_HEADER + TW_FRAME_PAYLOAD_MAX + TW_FRAME_TRAILER)
#define TW_FRAME_SWITCH_SIZE 3u	  /* bytes: u16 id, u8 state */
#define TW_FRAME_SWITCHES_MAX 16u /* in one frame */
/* Whatever the stream, no byte fed makes more bytes to be summed than this. */
#define TW_FRAME_WORK 254u

enum tw_frame_type {
	TW_FRAME_TYPE_EVENT = 1,
	TW_FRAME_TYPE_START = 2,
	TW_FRAME_TYPE_SWITCH = 3, /* from the host to the guest */
	TW_FRAME_TYPE_MAX = 15,	  /* what has another is no frame */
};

/* What a guest says of itself when it starts. */
struct tw_channel_start {
	uint8_t version;
	bool has_clock;
	uint8_t word_size;    /* bytes */
	uint16_t event_count; /* ids are below this */
	uint64_t clock_hz;    /* ticks a second; 0: not known */
	uint64_t time;	      /* ticks */
	char name[33];	      /* as sent, not escaped; NUL-terminated */
};

/* What tw_frame_decoder_next() has found. */
enum tw_frame_found {
	TW_FRAME_NOTHING = 0, /* it needs more bytes */
	TW_FRAME_EVENT = 1,
	TW_FRAME_START = 2, /* see tw_frame_decoder_start() */
	TW_FRAME_TEXT = 3,  /* see tw_frame_decoder_text() */
};

enum tw_frame_decoder_flags {
	TW_FRAME_WANT_TEXT = 1, /* give what is between frames, too */
};

struct tw_frame_decoder;

/* flags: enum tw_frame_decoder_flags. 0 and *decoder, -EINVAL, -ENOMEM. */
TW_CHANNEL_API int tw_frame_decoder_create(struct tw_frame_decoder **decoder,
					   uint32_t flags);

/* NULL is fine. */
TW_CHANNEL_API void tw_frame_decoder_destroy(struct tw_frame_decoder *decoder);

/*
 * Take bytes of the stream, which are copied. Returns how many it took: all of
 * them, or as many as it has room for, which is TW_FRAME_MAX and more once
 * tw_frame_decoder_next() has returned TW_FRAME_NOTHING. So:
 *
 *	for (size_t taken; size; bytes += taken, size -= taken) {
 *		taken = tw_frame_decoder_feed(decoder, bytes, size);
 *		while ((found = tw_frame_decoder_next(decoder, &event)))
 *			...
 *	}
 */
TW_CHANNEL_API size_t tw_frame_decoder_feed(struct tw_frame_decoder *decoder,
					    const void *bytes, size_t size);

/*
 * What comes next in the stream: enum tw_frame_found. *event is set where it is
 * an event, which is good until the next call with this decoder.
 */
TW_CHANNEL_API int tw_frame_decoder_next(struct tw_frame_decoder *decoder,
					 const struct tw_channel_event **event);

/*
 * The stream has ended, or it is known that what is unfinished will stay so, as
 * when the guest is reset: a frame that is not complete is none. Call
 * tw_frame_decoder_next() again: there may be frames behind its first byte.
 * More may be fed afterwards; sequence numbers go on.
 */
TW_CHANNEL_API void tw_frame_decoder_end(struct tw_frame_decoder *decoder);

/*
 * The stream has been silent for a while: what is unfinished may stay so, since
 * its guest was reset and now waits for us. A frame that is not complete is
 * given up, as at an end, but only for a whole one that begins within it; else
 * it is waited for as before. Call tw_frame_decoder_next() again. For each
 * frame that is found so, up to TW_FRAME_MAX * TW_FRAME_WORK bytes are summed,
 * beyond what feeding them costs.
 */
TW_CHANNEL_API void tw_frame_decoder_idle(struct tw_frame_decoder *decoder);

/* What the guest said last; NULL: no start was seen. Good until the next call
 * of tw_frame_decoder_next(). */
TW_CHANNEL_API const struct tw_channel_start *tw_frame_decoder_start(
	const struct tw_frame_decoder *decoder);

/* The text that was found, *size bytes, not escaped. Good until the next call
 * with this decoder. */
TW_CHANNEL_API const char *tw_frame_decoder_text(
	const struct tw_frame_decoder *decoder, size_t *size);

/* Fill in counts, size bytes of them: sizeof(struct tw_channel_counts). */
TW_CHANNEL_API void tw_frame_decoder_counts(
	const struct tw_frame_decoder *decoder,
	struct tw_channel_counts *counts, size_t size);

/* ---- The way back, in frames ---- */

#define TW_CHANNEL_EVERY_EVENT 0xFFFFu

struct tw_channel_switch {
	uint16_t id; /* TW_CHANNEL_EVERY_EVENT: all */
	bool on;
};

/*
 * Write a frame that switches events into size bytes of buffer: its header, its
 * trailer and TW_FRAME_SWITCH_SIZE for each. count: 1 to TW_FRAME_SWITCHES_MAX.
 * sequence: 0 for the first frame that is sent to this guest, then 1 more for
 * each. Returns the frame's size, -EINVAL (count), -ENOSPC (size).
 */
TW_CHANNEL_API int tw_frame_encode_switch(
	uint8_t *buffer, size_t size, uint32_t sequence,
	const struct tw_channel_switch *switches, size_t count);

/*
 * CRC-32 as of IEEE 802.3 (zlib's): of size bytes behind those whose crc is
 * given; 0 at the beginning.
 */
TW_CHANNEL_API uint32_t tw_frame_crc(uint32_t crc, const void *bytes,
				     size_t size);

/* ---- For the code that tracetool's format guest makes ---- */

/* A walk over an event's fields. */
struct tw_channel_walk {
	const uint8_t *at;
	size_t left;
	bool failed; /* the fields end before what was asked for */
};

/* The number of size bytes that comes next, at most 8; 0, the guest's word if
 * it is not known, is never there. Not sign-extended. */
static inline uint64_t tw_channel_number(struct tw_channel_walk *walk,
					 size_t size)
{
	uint64_t value = 0;

	if (size == 0 || size > walk->left) {
		walk->failed = true;
		return 0;
	}
	for (size_t i = size; i-- > 0;)
		value = value << 8 | walk->at[i];
	walk->at += size;
	walk->left -= size;
	return value;
}

/* The same, sign-extended. */
static inline uint64_t tw_channel_signed(struct tw_channel_walk *walk,
					 size_t size)
{
	const uint64_t value = tw_channel_number(walk, size);

	if (size == 0 || size >= 8)
		return value;
	return value >> (size * 8 - 1) ? value | ~(uint64_t)0 << size * 8
				       : value;
}

/* The string that comes next; "" where there is none. */
static inline const char *tw_channel_string(struct tw_channel_walk *walk)
{
	const char *text = (const char *)walk->at;
	const void *nul = walk->left ? memchr(text, 0, walk->left) : NULL;
	size_t size;

	if (!nul) {
		walk->failed = true;
		return "";
	}
	size = (size_t)((const char *)nul - text) + 1;
	walk->at += size;
	walk->left -= size;
	return text;
}

/* The bytes that come next, *count of them. */
static inline const uint8_t *tw_channel_bytes(struct tw_channel_walk *walk,
					      size_t *count)
{
	const uint8_t *bytes;

	*count = (size_t)tw_channel_number(walk, 2);
	if (walk->failed || *count > walk->left) {
		walk->failed = true;
		*count = 0;
		return walk->at;
	}
	bytes = walk->at;
	walk->at += *count;
	walk->left -= *count;
	return bytes;
}

/*
 * What an argument is that says how many bytes another has, where count of them
 * came: the guest may have cut them, and nobody may read more.
 */
static inline uint64_t tw_channel_length(uint64_t value, size_t count)
{
	return value <= count ? value : count;
}

/* The same of a signed one: a negative number is no length, and stays. */
static inline uint64_t tw_channel_signed_length(uint64_t value, size_t count)
{
	return (int64_t)value < 0 ? value : tw_channel_length(value, count);
}

/* size bytes: those that came, if they are so many, or room, which has them and
 * zeros behind. */
static inline const uint8_t *tw_channel_whole(uint8_t *room, size_t size,
					      const uint8_t *bytes,
					      size_t count)
{
	if (count >= size)
		return bytes;
	if (count)
		memcpy(room, bytes, count);
	memset(room + count, 0, size - count);
	return room;
}

/* Whether there was all that was asked for, and nothing else. */
static inline bool tw_channel_complete(const struct tw_channel_walk *walk)
{
	return !walk->failed && walk->left == 0;
}

#ifdef __cplusplus
}
#endif

#endif
