/* SPDX-License-Identifier: MIT */
/*
 * Writing digits and escapes into a buffer that is known to be large enough.
 * Each function returns the place after what it wrote.
 */
#ifndef TRACKWAY_SCHEMA_TEXT_H
#define TRACKWAY_SCHEMA_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TW_DECIMAL_MAX 20 /* digits of a 64-bit number */
#define TW_HEX_MAX 16
#define TW_ESCAPE_MAX 4 /* bytes that one byte can become */

/* "00" to "99", and "00" to "ff" in both cases. */
extern const char tw_decimal_pairs[201];
extern const char tw_hex_pairs[2][513];

/* Escaped as tw_text_add_escaped() does; out has TW_ESCAPE_MAX * size bytes. */
char *tw_escape(char *out, const char *bytes, size_t size);

static inline unsigned int tw_decimal_digits(uint64_t value)
{
	static const uint64_t powers[] = {
		0,
		10,
		100,
		1000,
		10000,
		100000,
		1000000,
		10000000,
		100000000,
		1000000000,
		10000000000,
		100000000000,
		1000000000000,
		10000000000000,
		100000000000000,
		1000000000000000,
		10000000000000000,
		100000000000000000,
		1000000000000000000,
		10000000000000000000u,
	};
	/* 1233 / 4096 is just above log10(2): at most one too many. */
	unsigned int bits = 64u - (unsigned int)__builtin_clzll(value | 1);
	unsigned int digits = bits * 1233 >> 12;

	return digits + (value >= powers[digits]);
}

/* No digit fewer than one. Most numbers are small. */
static inline char *tw_put_decimal(char *out, uint64_t value)
{
	char *end;
	char *at;

	if (value < 10) {
		*out = (char)('0' + value);
		return out + 1;
	}
	if (value < 100) {
		memcpy(out, tw_decimal_pairs + value * 2, 2);
		return out + 2;
	}
	end = at = out + tw_decimal_digits(value);
	while (value >= 100) {
		at -= 2;
		memcpy(at, tw_decimal_pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10)
		memcpy(at - 2, tw_decimal_pairs + value * 2, 2);
	else
		at[-1] = (char)('0' + value);
	return end;
}

/* upper: 0 or 1. */
static inline char *tw_put_hex(char *out, uint64_t value, int upper)
{
	unsigned int bits = 64u - (unsigned int)__builtin_clzll(value | 1);
	char *end = out + (bits + 3) / 4;
	char *at = end;

	while (value >= 0x100) {
		at -= 2;
		memcpy(at, tw_hex_pairs[upper] + (value & 0xff) * 2, 2);
		value >>= 8;
	}
	if (value >= 0x10)
		memcpy(at - 2, tw_hex_pairs[upper] + value * 2, 2);
	else
		at[-1] = tw_hex_pairs[upper][value * 2 + 1];
	return end;
}

#endif
