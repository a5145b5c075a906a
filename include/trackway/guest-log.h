/* SPDX-License-Identifier: MIT */
/*
 * tracetool's backend log in a guest: each event becomes a line of text by the
 * firmware's own printk, as
 *
 *	#define TW_GUEST_PRINTK(format, ...) printk(format, ##__VA_ARGS__)
 *
 * in the header that TW_GUEST_CONFIG names. Where the backend is with the ring
 * or the channel, an event's line comes when it is on there, too; where it is
 * alone, every event is on, unless tw_group_NAME.state points to bytes of the
 * firmware's own, one for each event.
 */
#ifndef TRACKWAY_GUEST_LOG_H
#define TRACKWAY_GUEST_LOG_H

#include <trackway/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What <inttypes.h> would define, for the formats of trace-events files, and
 * for no other file than tracetool's. What the firmware has of these is left as
 * it is. A type of 32 bits is long where GCC compiles for no operating system
 * and long has 32 bits.
 */
#if defined(TW_GUEST_FORMATS) && !defined(PRId64)
#if defined(__SIZEOF_LONG__) && __SIZEOF_LONG__ == 8
#define TW_PRI64 "l"
#else
#define TW_PRI64 "ll"
#endif
#if !defined(__linux__) && !defined(__clang__) && __SIZEOF_LONG__ == 4
#define TW_PRI32 "l"
#else
#define TW_PRI32 ""
#endif
#if defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ == 8
#define TW_PRIPTR "l"
#else
#define TW_PRIPTR ""
#endif

#define PRId8 "d"
#define PRIi8 "i"
#define PRIo8 "o"
#define PRIu8 "u"
#define PRIx8 "x"
#define PRIX8 "X"
#define PRId16 "d"
#define PRIi16 "i"
#define PRIo16 "o"
#define PRIu16 "u"
#define PRIx16 "x"
#define PRIX16 "X"
#define PRId32 TW_PRI32 "d"
#define PRIi32 TW_PRI32 "i"
#define PRIo32 TW_PRI32 "o"
#define PRIu32 TW_PRI32 "u"
#define PRIx32 TW_PRI32 "x"
#define PRIX32 TW_PRI32 "X"
#define PRId64 TW_PRI64 "d"
#define PRIi64 TW_PRI64 "i"
#define PRIo64 TW_PRI64 "o"
#define PRIu64 TW_PRI64 "u"
#define PRIx64 TW_PRI64 "x"
#define PRIX64 TW_PRI64 "X"
#define PRIdPTR TW_PRIPTR "d"
#define PRIiPTR TW_PRIPTR "i"
#define PRIoPTR TW_PRIPTR "o"
#define PRIuPTR TW_PRIPTR "u"
#define PRIxPTR TW_PRIPTR "x"
#define PRIXPTR TW_PRIPTR "X"
#endif

/*
 * What tracetool's output calls.
 */

#define tw_log TW_GUEST_PRINTK

/*
 * Where there is no ring to hold the states, those of the channel are taken, or
 * bytes that say that all is on. The function is only there so that no compiler
 * calls the schema unused. (By the names that are made of the group's, which
 * might be a macro's: linux.)
 */
#define TW_GUEST_LOG_GROUP(name, unused_schema, states, count, schema)        \
	__attribute__((unused)) static inline const void *unused_schema(void) \
	{                                                                     \
		return &(schema);                                             \
	}                                                                     \
	extern struct tw_group name;                                          \
	struct tw_group name = {states, NULL, NULL, 0, (count), 0}

#define TW_DEFINE_LOG_GROUP(group, count, schema)                     \
	static const uint8_t tw_on_##group[(count) ? (count) : 1] = { \
		[0 ...((count) ? (count)-1 : 0)] = 1};                \
	TW_GUEST_LOG_GROUP(tw_group_##group, tw_blob_of_##group,      \
			   tw_on_##group, count, schema)

#define TW_DEFINE_CHANNEL_LOG_GROUP(group, count, schema)        \
	TW_GUEST_LOG_GROUP(tw_group_##group, tw_blob_of_##group, \
			   tw_channel_states_##group, count, schema)

#define TW_LOG_BYTES_MAX 16 /* of a field, shown */
#define TW_HEX_SIZE (TW_LOG_BYTES_MAX * 3 + 4)

/* The first of count bytes as "0a 1b", in to, which has room for TW_HEX_SIZE.
 */
static inline const char *tw_log_hex(char *to, const void *bytes, int64_t count)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = (const uint8_t *)bytes;
	const int64_t shown = count < TW_LOG_BYTES_MAX ? count
						       : TW_LOG_BYTES_MAX;
	char *at = to;
	int i;

	for (i = 0; from && i < shown; i++) {
		if (i)
			*at++ = ' ';
		*at++ = digits[from[i] >> 4];
		*at++ = digits[from[i] & 15];
	}
	for (i = 0; from && shown < count && i < 4; i++)
		*at++ = " ..."[i];
	*at = 0;
	return to;
}
#define TW_HEX(to, bytes, count) tw_log_hex((to), (bytes), (int64_t)(count))

#define TW_LOG_DIGITS 20

/*
 * A number in decimal, in to, which has room for 24 bytes. By doubling its
 * digits bit for bit, since a guest can't divide 64 bits.
 */
static inline void tw_log_number(char *to, uint64_t value, bool is_signed)
{
	uint8_t digits[TW_LOG_DIGITS];
	int bit, i;

	if (is_signed && value >> 63) {
		*to++ = '-';
		value = 0 - value;
	}
	for (i = 0; i < TW_LOG_DIGITS; i++) {
		digits[i] = 0;
		__asm__ __volatile__("" ::: "memory"); /* no memset() */
	}
	for (bit = 0; bit < 64; bit++) {
		uint8_t carry = (uint8_t)(value >> 63);

		value <<= 1;
		for (i = 0; i < TW_LOG_DIGITS; i++) {
			digits[i] = (uint8_t)(digits[i] * 2 + carry);
			carry = digits[i] >= 10;
			if (carry)
				digits[i] = (uint8_t)(digits[i] - 10);
		}
	}
	for (i = TW_LOG_DIGITS - 1; i && !digits[i]; i--)
		;
	for (; i >= 0; i--)
		*to++ = (char)('0' + digits[i]);
	*to = 0;
}
/* The format is "%llu" or "%lld". */
#define TW_NUMBER(room, format, value) \
	tw_log_number((room), (uint64_t)(value), (format)[3] == 'd')

#ifdef __cplusplus
}
#endif

#endif
