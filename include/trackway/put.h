/* SPDX-License-Identifier: MIT */
/*
 * How an event's fields are stored, packed one behind the other. Included by
 * hosted and guest runtimes alike.
 */
#ifndef TRACKWAY_PUT_H
#define TRACKWAY_PUT_H

#include <trackway/writer.h>

#ifndef TW_GUEST
#include <string.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifdef TW_GUEST

/*
 * Functions of src/guest/guest.c, which is small rather than fast. A string, or
 * bytes, are cut where they would fill more than a quarter of a page's room.
 */
size_t tw_string_length(const char *text);
size_t tw_bytes_length(const void *bytes, int64_t length);
unsigned char *tw_put_string(unsigned char *at, const char *text,
			     size_t length);
unsigned char *tw_put_bytes(unsigned char *at, const void *bytes,
			    size_t length);

/*
 * Numbers at places of any alignment: as many loads and stores as the machine
 * needs, and no call, at whatever optimization.
 */
struct tw_packed_u16 {
	uint16_t is;
} __attribute__((packed, may_alias));
struct tw_packed_u32 {
	uint32_t is;
} __attribute__((packed, may_alias));
struct tw_packed_u64 {
	uint64_t is;
} __attribute__((packed, may_alias));

#define TW_PACKED(type, to, from)                \
	(((struct tw_packed_##type *)(to))->is = \
		 ((const struct tw_packed_##type *)(from))->is)

/* size: 1, 2, 4 or 8, known to the compiler. */
static inline unsigned char *tw_put(void *at, const void *value, size_t size)
{
	if (size == 8)
		TW_PACKED(u64, at, value);
	else if (size == 4)
		TW_PACKED(u32, at, value);
	else if (size == 2)
		TW_PACKED(u16, at, value);
	else
		*(unsigned char *)at = *(const unsigned char *)value;
	return (unsigned char *)at + size;
}

/* Store a value of any scalar type, packed; returns the next place. */
#define TW_PUT(at, value) tw_put((at), &(value), sizeof(value))

#else

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

#define TW_HEX(to, bytes, count) \
	tw_hex((to), (bytes), tw_bytes_length((bytes), (count)))

/* The same of an array that has room for the number, by this format. */
#define TW_NUMBER(room, format, value) \
	snprintf(room, sizeof(room), format, value)

#endif

/*
 * What tracetool makes of an event is two functions: _tw_emit_NAME(), which is
 * called for every event, and for what is rare (no room, no lane) one of its
 * own, _tw_slow_NAME(), so that the other saves no registers. An event's fields
 * stand in a list, which is another for each event:
 *
 *	#define _tw_fields(_tw_v, _tw_s, _tw_b) \
 *		_tw_v(int, fd) _tw_s(const char *, path) \
 *		_tw_b(const void *, data, size)
 *
 * are a value, a string, and bytes with their count; what is to become of each
 * is the list's argument. Strings and bytes are measured first, since a slot's
 * size must be known when it is opened; without any it is a constant.
 */
#define TW_V_NOTHING(type, name)
#define TW_S_MEASURE(type, name) _tw_length_##name = tw_string_length(name),
#define TW_B_MEASURE(type, name, count) \
	_tw_length_##name = tw_bytes_length(name, (int64_t)(count)),

#define TW_V_SIZE(type, name) sizeof(name) +
#define TW_S_SIZE(type, name) _tw_length_##name + 1 +
#define TW_B_SIZE(type, name, count) _tw_length_##name + 2 +

#define TW_V_PARAMETER(type, name) type name,
#define TW_S_PARAMETER(type, name) type name, size_t _tw_length_##name,
#define TW_B_PARAMETER(type, name, count) TW_S_PARAMETER(type, name)

#define TW_V_ARGUMENT(type, name) name,
#define TW_S_ARGUMENT(type, name) name, _tw_length_##name,
#define TW_B_ARGUMENT(type, name, count) TW_S_ARGUMENT(type, name)

#define TW_V_PUT(type, name) _tw_at = TW_PUT(_tw_at, name);
#define TW_S_PUT(type, name) \
	_tw_at = tw_put_string(_tw_at, name, _tw_length_##name);
#define TW_B_PUT(type, name, count) \
	_tw_at = tw_put_bytes(_tw_at, name, _tw_length_##name);

/* Into the slot, which is then committed. */
#define TW_EVENT_STORE(id)                                 \
	{                                                  \
		unsigned char *_tw_at;                     \
                                                           \
		_tw_at = tw_slot_fields(&_tw_slot);        \
		_tw_fields(TW_V_PUT, TW_S_PUT, TW_B_PUT);  \
		(void)_tw_at;                              \
		tw_slot_commit(&_tw_slot, (id), _tw_size); \
	}

/* The function _tw_slow_NAME(): the event's own parameters first, so that they
 * stay in the registers that they came in. */
#define TW_EVENT_SLOW(group, index, event)                                 \
	static TW_COLD void _tw_slow_##event(                              \
		_tw_fields(TW_V_PARAMETER, TW_S_PARAMETER, TW_B_PARAMETER) \
			size_t _tw_size)                                   \
	{                                                                  \
		struct tw_slot _tw_slot;                                   \
                                                                           \
		if (tw_slot_open_slow(&_tw_slot, _tw_size))                \
			TW_EVENT_STORE(tw_group_##group.id_base + (index)) \
	}

/* In _tw_emit_NAME(), with the event's arguments in sight. */
#define TW_EVENT_EMIT(group, index, event)                                \
	const size_t _tw_fields(TW_V_NOTHING, TW_S_MEASURE, TW_B_MEASURE) \
		_tw_size = _tw_fields(TW_V_SIZE, TW_S_SIZE, TW_B_SIZE)    \
			TW_EVENT_HEADER;                                  \
	struct tw_slot _tw_slot;                                          \
                                                                          \
	if (TW_LIKELY(tw_slot_open(&_tw_slot, _tw_size)))                 \
		TW_EVENT_STORE(tw_group_##group.id_base + (index))        \
	else                                                              \
		_tw_slow_##event(_tw_fields(TW_V_ARGUMENT, TW_S_ARGUMENT, \
					    TW_B_ARGUMENT) _tw_size)

#ifdef __cplusplus
}
#endif

#endif
