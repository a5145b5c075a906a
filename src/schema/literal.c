/* SPDX-License-Identifier: MIT */
/*
 * String literals of C, resolved in one pass. What goes out is followed by a
 * small state machine, so that a forbidden conversion is found (and "%%m" is
 * not) wherever the literals' borders are.
 */

#include "literal.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct literal {
	const char *at;
	const char *end;
	char *to;
	char *out;
	const char *percent; /* where the conversion being written began */
	const char *newline; /* where the first one is written */
	const char *failed;
	const char *message;
};

static bool fail(struct literal *l, const char *at, const char *message)
{
	if (!l->message) {
		l->failed = at;
		l->message = message;
	}
	return false;
}

static bool is_conversion_part(char c)
{
	return (c >= '0' && c <= '9') || (c && strchr("-+ #'.*hljztLq", c));
}

/* Write c, which the source has at from. */
static bool put(struct literal *l, char c, const char *from)
{
	*l->out++ = c;
	if (c == 0)
		return fail(l, from, "NUL character in the format");
	if (c == '\n' && !l->newline)
		l->newline = from;
	if (!l->percent) {
		if (c == '%')
			l->percent = from;
	} else if (!is_conversion_part(c)) {
		if (c == 'm')
			return fail(l, l->percent,
				    "Event format '%m' is forbidden, pass the "
				    "error as an explicit trace argument");
		l->percent = NULL;
	}
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Up to limit digits; at least one. */
static bool put_number(struct literal *l, int base, int limit, const char *from)
{
	unsigned int value = 0;
	int digits = 0;

	while (l->at < l->end && digits < limit && digit_value(*l->at) < base &&
	       value <= 255) {
		value = value * (unsigned int)base +
			(unsigned int)digit_value(*l->at++);
		digits++;
	}
	if (digits == 0)
		return fail(l, from, "\\x without digits");
	if (value > 255)
		return fail(l, from, "escape is no 8-bit character");
	return put(l, (char)value, from);
}

static bool put_escape(struct literal *l)
{
	static const char letters[] = "ntr\"\\'?abfve";
	static const char values[] = "\n\t\r\"\\'?\a\b\f\v\033";
	const char *from = l->at++;
	const char *letter;

	if (l->at == l->end)
		return fail(l, from, "unterminated string literal");
	if (digit_value(*l->at) < 8)
		return put_number(l, 8, 3, from);
	if (*l->at == 'x') {
		l->at++;
		return put_number(l, 16, INT32_MAX, from);
	}
	letter = *l->at ? strchr(letters, *l->at) : NULL;
	if (!letter)
		return fail(l, from, "unknown escape in a string literal");
	l->at++;
	return put(l, values[letter - letters], from);
}

/* Copy what means nothing: most of every format. */
static void put_plain(struct literal *l)
{
	static const bool plain[256] = {
		[' ' ... '!'] = true,	['#' ... '$'] = true,
		['&' ... '['] = true,	[']' ... '~'] = true,
		[0x80 ... 0xff] = true,
	};

	while (l->at < l->end && plain[(unsigned char)*l->at])
		*l->out++ = *l->at++;
}

static bool put_literal(struct literal *l)
{
	const char *open = l->at++;

	while (l->at < l->end) {
		unsigned char c;

		if (!l->percent)
			put_plain(l);
		if (l->at == l->end)
			break;
		c = (unsigned char)*l->at;
		if (c == '"') {
			l->at++;
			return true;
		}
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return fail(l, l->at, "control character in a literal");
		if (c == '\\') {
			if (!put_escape(l))
				return false;
		} else if (!put(l, *l->at, l->at)) {
			return false;
		} else {
			l->at++;
		}
	}
	return fail(l, open, "unterminated string literal");
}

static bool take(const char **at, const char *end, const char *word)
{
	size_t size = strlen(word);

	if ((size_t)(end - *at) < size || memcmp(*at, word, size) != 0)
		return false;
	*at += size;
	return true;
}

/* The length modifier that a macro's width asks for; NULL: no such width. */
static const char *macro_modifier(const char *at, const char *end)
{
	static const struct {
		const char *width;
		const char *modifier;
		const char *fast_modifier;
	} table[] = {
		{"8", "hh", "hh"},  {"16", "h", "ll"},	 {"32", "", "ll"},
		{"64", "ll", "ll"}, {"PTR", "ll", NULL}, {"MAX", "ll", NULL},
	};
	bool fast = take(&at, end, "FAST");
	bool least = !fast && take(&at, end, "LEAST");

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *rest = at;

		if (!take(&rest, end, table[i].width) || rest != end)
			continue;
		if ((fast || least) && !table[i].fast_modifier)
			return NULL;
		return fast ? table[i].fast_modifier : table[i].modifier;
	}
	return NULL;
}

static bool is_word_char(char c)
{
	return digit_value(c) < 10 || c == '_' || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool put_macro(struct literal *l)
{
	const char *from = l->at;
	const char *modifier = NULL;
	const char *at = from;
	const char *end;

	while (l->at < l->end && is_word_char(*l->at))
		l->at++;
	end = l->at;
	if (end == from)
		return fail(l, from,
			    "only string literals and PRI macros can "
			    "be in a format");
	if (take(&at, end, "PRI") && at < end && strchr("dioxXu", *at))
		modifier = macro_modifier(at + 1, end);
	if (!modifier)
		return fail(l, from, "unknown macro in the format");
	while (*modifier)
		if (!put(l, *modifier++, from))
			return false;
	return put(l, *at, from);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static bool put_all(struct literal *l, bool newlines)
{
	while (l->at < l->end) {
		bool good = true;

		if (is_blank(*l->at))
			l->at++;
		else if (*l->at == '"')
			good = put_literal(l);
		else
			good = put_macro(l);
		if (!good)
			return false;
	}
	if (l->out > l->to && l->out[-1] == '\n')
		return fail(l, l->end,
			    "Event format must not end with a "
			    "newline character");
	if (l->newline && !newlines)
		return fail(l, l->newline,
			    "Event format must not use new line character");
	return true;
}

long tw_literal_resolve(const char *source, size_t size, bool newlines,
			char *to, struct tw_literal_error *error)
{
	struct literal l = {
		.at = source, .end = source + size, .to = to, .out = to};

	if (put_all(&l, newlines))
		return l.out - to;
	error->at = (size_t)(l.failed - source);
	error->message = l.message;
	return -1;
}
