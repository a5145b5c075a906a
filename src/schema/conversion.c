/* SPDX-License-Identifier: MIT */
/* Reading one conversion of a format, and fitting it to its field. */

#include "conversion.h"

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *read_flags(const char *at, uint8_t *flags)
{
	static const char letters[] = "-+ #0";

	for (; *at; at++) {
		const char *letter = strchr(letters, *at);

		if (letter)
			*flags |= (uint8_t)(1u << (letter - letters));
		else if (*at != '\'')
			break;
	}
	return at;
}

static const char *read_number(const char *at, int16_t *number)
{
	int value = 0;

	if (*at == '*') {
		*number = TW_CONVERSION_FIELD;
		return at + 1;
	}
	for (; is_digit(*at); at++) {
		value = value * 10 + (*at - '0');
		if (value > INT16_MAX)
			value = INT16_MAX;
	}
	*number = (int16_t)value;
	return at;
}

const char *tw_conversion_read(const char *at, struct tw_conversion *c)
{
	*c = (struct tw_conversion){.width = TW_CONVERSION_NONE,
				    .precision = TW_CONVERSION_NONE};
	at = read_flags(at, &c->flags);
	if (is_digit(*at) || *at == '*')
		at = read_number(at, &c->width);
	if (*at == '.')
		at = read_number(at + 1, &c->precision);
	if (at[0] == 'h') {
		c->narrow = at[1] == 'h' ? 8 : 16;
		at += c->narrow == 8 ? 2 : 1;
	} else {
		at += strspn(at, "lLqjzt");
	}
	if (!*at || !strchr("diuxXocspfFeEgGaA%", *at))
		return NULL;
	c->letter = *at;
	return at + 1;
}

char tw_conversion_letter(const struct tw_field *field)
{
	if (field->values)
		return 's';
	switch (field->kind) {
	case TW_FIELD_SINT:
	case TW_FIELD_BOOL:
		return 'd';
	case TW_FIELD_POINTER:
		return 'p';
	case TW_FIELD_STRING:
	case TW_FIELD_BYTES:
		return 's';
	case TW_FIELD_FLOAT:
		return 'g';
	default:
		return 'u';
	}
}

void tw_conversion_fit(struct tw_conversion *c, const struct tw_field *field)
{
	const char *fitting = field->values ? "diuxXocps" : "diuxXocp";
	bool is_text;

	if (field->kind == TW_FIELD_STRING || field->kind == TW_FIELD_BYTES)
		fitting = "s";
	else if (field->kind == TW_FIELD_FLOAT)
		fitting = "fFeEgGaA";
	if (!strchr(fitting, c->letter)) {
		c->letter = tw_conversion_letter(field);
		c->precision = TW_CONVERSION_NONE;
		c->narrow = 0;
	}
	is_text = c->letter == 's';
	if (c->width > TW_CONVERSION_CAP)
		c->width = TW_CONVERSION_CAP;
	if (!is_text && c->precision > TW_CONVERSION_CAP)
		c->precision = TW_CONVERSION_CAP;
	if (c->letter == 'i')
		c->letter = 'd';
	if (c->letter != 'd' && c->letter != 'p' &&
	    field->kind != TW_FIELD_FLOAT)
		c->flags &= (uint8_t) ~(TW_CONVERSION_PLUS |
					TW_CONVERSION_SPACE);
}
