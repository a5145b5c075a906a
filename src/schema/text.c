/* SPDX-License-Identifier: MIT */
/*
 * A growing buffer of text, and what may reach a terminal: a byte that could
 * move the cursor, end a line or hide what stands beside it is spelled out.
 */

#include "text.h"

#include "format.h"

#include <stdlib.h>

const char tw_decimal_pairs[201] =
	"00010203040506070809101112131415161718192021222324"
	"25262728293031323334353637383940414243444546474849"
	"50515253545556575859606162636465666768697071727374"
	"75767778798081828384858687888990919293949596979899";

const char tw_hex_pairs[2][513] = {
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
	"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
	"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
	"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
	"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
	"c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
	"e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	"202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F"
	"404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F"
	"606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F"
	"808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9F"
	"A0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF"
	"C0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
	"E0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"};

char *tw_text_reserve(struct tw_text *text, size_t room)
{
	size_t wanted = text->room ? text->room : 256;
	char *data;

	if (text->data && room <= text->room - text->size)
		return text->data + text->size;
	if (room > SIZE_MAX / 4 || text->size > SIZE_MAX / 4) {
		text->failed = true;
		return NULL;
	}
	while (wanted - text->size < room)
		wanted *= 2;
	data = realloc(text->data, wanted);
	if (!data) {
		text->failed = true;
		return NULL;
	}
	text->data = data;
	text->room = wanted;
	return data + text->size;
}

void tw_text_add(struct tw_text *text, const char *bytes, size_t size)
{
	char *out = tw_text_reserve(text, size);

	if (!out || size == 0)
		return;
	memcpy(out, bytes, size);
	text->size += size;
}

void tw_text_add_string(struct tw_text *text, const char *string)
{
	tw_text_add(text, string, strlen(string));
}

void tw_text_add_u64(struct tw_text *text, uint64_t value)
{
	char *out = tw_text_reserve(text, TW_DECIMAL_MAX);

	if (out)
		text->size = (size_t)(tw_put_decimal(out, value) - text->data);
}

void tw_text_add_escaped(struct tw_text *text, const char *bytes, size_t size)
{
	char *out;

	if (size > SIZE_MAX / 4 / TW_ESCAPE_MAX) {
		text->failed = true;
		return;
	}
	out = tw_text_reserve(text, size * TW_ESCAPE_MAX);
	if (out)
		text->size = (size_t)(tw_escape(out, bytes, size) - text->data);
}

/* Code points that show nothing, or change how others are shown. */
static bool is_printable(uint32_t code)
{
	static const struct {
		uint32_t first;
		uint32_t last;
	} hidden[] = {
		{0x80, 0x9f},	    /* C1 controls */
		{0xad, 0xad},	    /* soft hyphen */
		{0x61c, 0x61c},	    /* direction of text */
		{0x200b, 0x200b},   /* no width */
		{0x200e, 0x200f},   /* direction */
		{0x2028, 0x202e},   /* line ends, direction */
		{0x2060, 0x206f},   /* invisible operators, direction */
		{0xd800, 0xdfff},   /* surrogates */
		{0xfdd0, 0xfdef},   /* no characters */
		{0xfeff, 0xfeff},   /* byte order mark */
		{0xfff0, 0xfffb},   /* annotations */
		{0xe0000, 0xe0fff}, /* tags */
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (code >= hidden[i].first && code <= hidden[i].last)
			return false;
	}
	return (code & 0xfffe) != 0xfffe && code <= 0x10ffff;
}

/* The bytes of the printable non-ASCII character that begins here, or 0. */
static size_t character_size(const unsigned char *at, size_t size)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
	uint32_t code = *at & (0x7fu >> length);

	if (*at < 0xc2 || *at > 0xf4 || length > size)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	return code >= smallest[length] && is_printable(code) ? length : 0;
}

static char *escape_byte(char *out, unsigned char byte)
{
	static const char names[] = "\\\n\t\r";
	static const char letters[] = "\\ntr";
	const char *name = byte ? strchr(names, byte) : NULL;

	*out++ = '\\';
	if (name) {
		*out++ = letters[name - names];
		return out;
	}
	*out++ = 'x';
	memcpy(out, tw_hex_pairs[0] + (size_t)byte * 2, 2);
	return out + 2;
}

static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '\\';
}

#define EACH_BYTE(byte) (UINT64_MAX / 255 * (byte))

/* 0 if eight bytes are plain, as is_plain() says of each; else not 0. */
static uint64_t find_special(uint64_t bytes)
{
	uint64_t backslash = bytes ^ EACH_BYTE('\\');
	uint64_t delete = bytes ^ EACH_BYTE(0x7f);
	uint64_t below_blank = (bytes - EACH_BYTE(0x20)) & ~bytes;

	backslash = (backslash - EACH_BYTE(1)) & ~backslash;
	delete = (delete - EACH_BYTE(1)) & ~delete;
	return (bytes | below_blank | backslash | delete) & EACH_BYTE(0x80);
}

/* Copy eight plain bytes at a time, as long as there are some. */
static size_t copy_plain(char *out, const unsigned char *at, size_t size)
{
	size_t done = 0;

	for (; size - done >= 8; done += 8) {
		uint64_t bytes;

		memcpy(&bytes, at + done, 8);
		if (find_special(bytes))
			break;
		memcpy(out + done, &bytes, 8);
	}
	return done;
}

char *tw_escape(char *out, const char *bytes, size_t size)
{
	const unsigned char *at = (const unsigned char *)bytes;
	const unsigned char *end = at + size;
	size_t length = copy_plain(out, at, size);

	out += length;
	at += length;
	while (at < end) {
		if (is_plain(*at)) {
			*out++ = (char)*at++;
			continue;
		}
		length = *at >= 0x80 ? character_size(at, (size_t)(end - at))
				     : 0;
		if (length == 0) {
			out = escape_byte(out, *at++);
			length = copy_plain(out, at, (size_t)(end - at));
		}
		memcpy(out, at, length);
		out += length;
		at += length;
	}
	return out;
}
