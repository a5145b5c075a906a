/* SPDX-License-Identifier: MIT */
/* JSON, appended to a text value by value. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * Length of the UTF-8 sequence at bytes, of size bytes or less; 0 if there is
 * none: overlong, a surrogate, beyond U+10FFFF, cut off.
 */
static size_t utf8_length(const unsigned char *bytes, size_t size)
{
	unsigned char lead = bytes[0];
	size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	unsigned char low = 0x80, high = 0xbf; /* of the second byte */

	if (length == 1)
		return 1;
	if (lead < 0xc2 || lead > 0xf4 || size < length)
		return 0;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* Bytes that stand for themselves, at the start of bytes. */
static size_t plain_length(const unsigned char *bytes, size_t size)
{
	size_t i = 0;

	while (i < size && bytes[i] >= ' ' && bytes[i] < 0x7f &&
	       bytes[i] != '"' && bytes[i] != '\\')
		i++;
	return i;
}

static void add_control(struct tw_text *text, unsigned int code)
{
	static const char letters[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	char escape[8];

	for (const char *at = letters; *at; at += 2) {
		if ((unsigned char)*at != code)
			continue;
		escape[0] = '\\';
		escape[1] = at[1];
		tw_text_add(text, escape, 2);
		return;
	}
	snprintf(escape, sizeof(escape), "\\u%04x", code);
	tw_text_add_string(text, escape);
}

/* One character that is not plain; returns the bytes it took. */
static size_t add_special(struct tw_text *text, const unsigned char *bytes,
			  size_t size)
{
	size_t length = utf8_length(bytes, size);

	if (length == 0) {
		tw_text_add_string(text, "\xef\xbf\xbd");
		return 1;
	}
	/* DEL and U+0080 to U+009F are controls to a terminal as well. */
	if (length == 1)
		add_control(text, bytes[0]);
	else if (bytes[0] == 0xc2 && bytes[1] < 0xa0)
		add_control(text, bytes[1]);
	else
		tw_text_add(text, (const char *)bytes, length);
	return length;
}

static void add_quoted(struct tw_text *text, const char *string, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)string;
	size_t at = 0;

	tw_text_add(text, "\"", 1);
	while (at < size) {
		size_t plain = plain_length(bytes + at, size - at);

		tw_text_add(text, string + at, plain);
		at += plain;
		if (at < size)
			at += add_special(text, bytes + at, size - at);
	}
	tw_text_add(text, "\"", 1);
}

/* What goes before a value. */
static void begin_value(struct tw_json *json, const char *key)
{
	if (json->comma)
		tw_text_add(&json->text, ",", 1);
	if (key) {
		tw_text_add(&json->text, "\"", 1);
		tw_text_add_string(&json->text, key);
		tw_text_add(&json->text, "\":", 2);
	}
	json->comma = true;
}

void tw_json_begin(struct tw_json *json, const char *key, char bracket)
{
	begin_value(json, key);
	tw_text_add(&json->text, &bracket, 1);
	json->comma = false;
}

void tw_json_end(struct tw_json *json, char bracket)
{
	tw_text_add(&json->text, &bracket, 1);
	json->comma = true;
}

void tw_json_string(struct tw_json *json, const char *key, const char *bytes,
		    size_t size)
{
	begin_value(json, key);
	add_quoted(&json->text, bytes, size);
}

void tw_json_text(struct tw_json *json, const char *key, const char *string)
{
	if (string)
		tw_json_string(json, key, string, strlen(string));
	else
		tw_json_null(json, key);
}

void tw_json_u64(struct tw_json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	tw_text_add_u64(&json->text, value);
}

void tw_json_s64(struct tw_json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	if (value < 0)
		tw_text_add(&json->text, "-", 1);
	tw_text_add_u64(&json->text,
			value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void tw_json_double(struct tw_json *json, const char *key, double value)
{
	char digits[32];

	if (!isfinite(value)) {
		tw_json_null(json, key);
		return;
	}
	begin_value(json, key);
	snprintf(digits, sizeof(digits), "%.17g", value);
	tw_text_add_string(&json->text, digits);
}

void tw_json_bool(struct tw_json *json, const char *key, bool value)
{
	begin_value(json, key);
	tw_text_add_string(&json->text, value ? "true" : "false");
}

void tw_json_null(struct tw_json *json, const char *key)
{
	begin_value(json, key);
	tw_text_add_string(&json->text, "null");
}

void tw_json_key(struct tw_json *json, const char *bytes, size_t size)
{
	begin_value(json, NULL);
	add_quoted(&json->text, bytes, size);
	tw_text_add(&json->text, ":", 1);
	json->comma = false;
}

void tw_json_line(struct tw_json *json)
{
	tw_text_add(&json->text, "\n", 1);
	json->comma = false;
}
