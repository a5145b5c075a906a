/* SPDX-License-Identifier: MIT */
/*
 * How an event's fields are stored, packed one behind the other. Included by
 * hosted and guest runtimes alike.
 */
#ifndef TRACKWAY_PUT_H
#define TRACKWAY_PUT_H

#include <stdbool.h>
#include <string.h>
#include <trackway/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A string's length as kept: at most TW_STRING_MAX; NULL is empty. */
static inline size_t tw_string_length(const char *text)
{
	return text ? strnlen(text, TW_STRING_MAX) : 0;
}

/* Store a value of any scalar type, packed; returns the next place. */
#define TW_PUT(at, value) \
	(memcpy((at), &(value), sizeof(value)), (at) + sizeof(value))

/*
 * Short strings without a call: two copies that overlap, of a size that the
 * compiler knows.
 */
static inline void tw_copy_short(unsigned char *to, const char *from,
				 size_t size)
{
	if (size >= 16) {
		memcpy(to, from, 16);
		memcpy(to + size - 16, from + size - 16, 16);
	} else if (size >= 8) {
		memcpy(to, from, 8);
		memcpy(to + size - 8, from + size - 8, 8);
	} else if (size >= 4) {
		memcpy(to, from, 4);
		memcpy(to + size - 4, from + size - 4, 4);
	} else if (size) {
		to[0] = (unsigned char)from[0];
		to[size / 2] = (unsigned char)from[size / 2];
		to[size - 1] = (unsigned char)from[size - 1];
	}
}

/* Store a string of the length that was measured; returns the next place. */
static inline unsigned char *tw_put_string(unsigned char *at, const char *text,
					   size_t length)
{
	if (TW_LIKELY(length <= 32)) {
		tw_copy_short(at, text, length);
	} else {
		/* A compiler that knows its bound would put a slow string
		 * instruction in place of the call. */
		__asm__("" : "+r"(length));
		memcpy(at, text, length);
	}
	at[length] = 0;
	return at + length + 1;
}

/*
 * How many of length bytes are kept: at most TW_STRING_MAX; of NULL and of a
 * negative length none.
 */
static inline size_t tw_bytes_length(const void *bytes, int64_t length)
{
	if (!bytes || length <= 0)
		return 0;
	return length < (int64_t)TW_STRING_MAX ? (size_t)length : TW_STRING_MAX;
}

/* Store a count of bytes and the bytes; returns the next place. */
static inline unsigned char *tw_put_bytes(unsigned char *at, const void *bytes,
					  size_t length)
{
	uint16_t count = (uint16_t)length;

	memcpy(at, &count, sizeof(count));
	if (length)
		memcpy(at + sizeof(count), bytes, length);
	return at + sizeof(count) + length;
}

/* Room for the text of TW_STRING_MAX bytes. */
#define TW_HEX_SIZE (TW_STRING_MAX * 3 + 4)

/*
 * For backends that write text: length bytes as "0a 1b", as readers of the ring
 * show them. Returns to, which has room for TW_HEX_SIZE.
 */
static inline const char *tw_hex(char *to, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = (const unsigned char *)bytes;
	char *at = to;

	for (size_t i = 0; i < length; i++) {
		if (i)
			*at++ = ' ';
		*at++ = digits[from[i] >> 4];
		*at++ = digits[from[i] & 15];
	}
	strcpy(at, length < TW_STRING_MAX ? "" : " ...");
	return to;
}

#ifdef __cplusplus
}
#endif

#endif
