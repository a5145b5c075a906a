/* SPDX-License-Identifier: MIT */
/*
 * A format as a row of items, each some literal text and the conversion behind
 * it, is matched against a message from left to right. Where a conversion can
 * end is not always plain ("%02x%02x", "%s: %s"), so each of its ends is tried,
 * numbers the longest first, strings the shortest. A whole match is formatted
 * again, and taken if that gives the message. A budget ends the search where a
 * hostile message would make it long.
 *
 * Called by src/trace/read-qemu-log.c.
 */
#include "scan.h"

#include "conversion.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 100000 /* tried ends and compared texts of a message */
#define WHOLE_MAX 100	 /* matches that are formatted again */
#define NUMBER_MAX (TW_CONVERSION_CAP + 32) /* digits */
#define FLOAT_MAX 400

struct item {
	char *literal;
	size_t literal_size;
	struct tw_conversion c; /* letter 0: the end of the format */
	const struct tw_field *field;
	const struct tw_field *star[2]; /* of width and precision, or NULL */
	uint32_t index;			/* of the field */
};

struct value {
	union {
		uint64_t u;
		double f;
		struct {
			const char *text;
			size_t size;
		};
	};
};

struct tw_scan {
	const struct tw_event_desc *event;
	struct tw_format *format;
	uint32_t newlines;
	/* The search's. */
	const char *message;
	const char *end;
	struct value values[TW_FIELDS_MAX];
	struct tw_text fields;
	struct tw_text again;	/* what the fields make */
	struct tw_text escaped; /* the message as that would be */
	uint32_t steps;
	uint32_t whole;
	uint32_t item_count;
	struct item items[TW_FIELDS_MAX + 1];
};

/* ---- Compiling ---- */

struct compiler {
	struct tw_scan *scan;
	struct tw_text literal; /* up to the next conversion */
	uint32_t field;		/* the next one */
};

static struct item *add_item(struct compiler *k)
{
	struct tw_scan *scan = k->scan;
	struct item *item = &scan->items[scan->item_count++];

	tw_text_add(&k->literal, "", 1);
	if (k->literal.failed)
		return NULL;
	item->literal = k->literal.data;
	item->literal_size = k->literal.size - 1;
	k->literal = (struct tw_text){0};
	return item;
}

static int add_conversion(struct compiler *k, const struct tw_conversion *c)
{
	const struct tw_event_desc *event = k->scan->event;
	const uint32_t stars = (c->width == TW_CONVERSION_FIELD) +
			       (c->precision == TW_CONVERSION_FIELD);
	const struct tw_field *field = event->fields + k->field;
	struct item *item;

	if (event->field_count - k->field < stars + 1)
		return -ENOTSUP;
	item = add_item(k);
	if (!item)
		return -ENOMEM;
	item->c = *c;
	if (c->width == TW_CONVERSION_FIELD)
		item->star[0] = field++;
	if (c->precision == TW_CONVERSION_FIELD)
		item->star[1] = field++;
	item->field = field;
	k->field += stars;
	item->index = k->field++;
	tw_conversion_fit(&item->c, field);
	return field->kind == TW_FIELD_BYTES ? -ENOTSUP : 0;
}

static int compile(struct compiler *k, const char *at)
{
	const char *percent, *end;
	struct tw_conversion c;
	int error = 0;

	while (!error && (percent = strchr(at, '%')) != NULL) {
		tw_text_add(&k->literal, at, (size_t)(percent - at));
		end = tw_conversion_read(percent + 1, &c);
		if (!end)
			return -ENOTSUP;
		if (c.letter == '%')
			tw_text_add(&k->literal, "%", 1);
		else
			error = add_conversion(k, &c);
		at = end;
	}
	tw_text_add_string(&k->literal, at);
	if (!error && !add_item(k))
		error = -ENOMEM;
	if (!error && k->field != k->scan->event->field_count)
		error = -ENOTSUP;
	return error;
}

static uint32_t count_newlines(const struct tw_scan *scan)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scan->item_count; i++)
		for (size_t j = 0; j < scan->items[i].literal_size; j++)
			count += scan->items[i].literal[j] == '\n';
	return count;
}

int tw_scan_compile(const struct tw_event_desc *event, struct tw_scan **scan)
{
	struct compiler k = {0};
	int error;

	*scan = NULL;
	k.scan = calloc(1, sizeof(*k.scan));
	if (!k.scan)
		return -ENOMEM;
	k.scan->event = event;
	error = compile(&k, event->format ? event->format : "");
	if (!error)
		error = tw_format_compile(event, &k.scan->format);
	free(k.literal.data);
	if (error) {
		tw_scan_destroy(k.scan);
		return error;
	}
	k.scan->newlines = count_newlines(k.scan);
	*scan = k.scan;
	return 0;
}

void tw_scan_destroy(struct tw_scan *scan)
{
	if (!scan)
		return;
	for (uint32_t i = 0; i < scan->item_count; i++)
		free(scan->items[i].literal);
	tw_format_destroy(scan->format);
	free(scan->fields.data);
	free(scan->again.data);
	free(scan->escaped.data);
	free(scan);
}

uint32_t tw_scan_newlines(const struct tw_scan *scan)
{
	return scan->newlines;
}

/* ---- A whole match ---- */

static void pack_number(struct tw_text *out, uint64_t value, uint8_t size)
{
	const uint8_t u8 = (uint8_t)value;
	const uint16_t u16 = (uint16_t)value;
	const uint32_t u32 = (uint32_t)value;

	if (size == 8)
		tw_text_add(out, (const char *)&value, 8);
	else if (size == 4)
		tw_text_add(out, (const char *)&u32, 4);
	else if (size == 2)
		tw_text_add(out, (const char *)&u16, 2);
	else
		tw_text_add(out, (const char *)&u8, 1);
}

static void pack(struct tw_scan *scan)
{
	struct tw_text *out = &scan->fields;

	out->size = 0;
	for (uint32_t i = 0; i < scan->event->field_count; i++) {
		const struct tw_field *field = &scan->event->fields[i];
		const struct value *value = &scan->values[i];
		float narrow;

		if (field->kind == TW_FIELD_STRING) {
			tw_text_add(out, value->text, value->size);
			tw_text_add(out, "", 1);
		} else if (field->kind == TW_FIELD_FLOAT && field->size == 4) {
			narrow = (float)value->f;
			tw_text_add(out, (const char *)&narrow, 4);
		} else {
			pack_number(out, value->u, field->size);
		}
	}
}

/* Whether the values make the message again. */
static bool is_whole(struct tw_scan *scan)
{
	if (++scan->whole > WHOLE_MAX)
		return false;
	pack(scan);
	scan->again.size = 0;
	/* No fields at all are no bytes at all. */
	if (!scan->fields.failed)
		tw_format_run(scan->format,
			      (const uint8_t *)(scan->fields.data
							? scan->fields.data
							: ""),
			      scan->fields.size, false, &scan->again);
	return scan->again.size == scan->escaped.size &&
	       (!scan->again.size ||
		memcmp(scan->again.data, scan->escaped.data,
		       scan->again.size) == 0);
}

/* ---- Searching ---- */

static bool match(struct tw_scan *scan, const struct item *item,
		  const char *at);

/* What a conversion's text has to be as long as. */
static bool is_wide_enough(const struct item *item, size_t size)
{
	return item->c.width < 0 || size >= (size_t)item->c.width;
}

/* Blanks are there only to make up a width. */
static bool is_padded_right(const struct item *item, size_t size, size_t blanks)
{
	return !blanks || item->star[0] || size == (size_t)item->c.width;
}

static void set_stars(struct tw_scan *scan, const struct item *item,
		      size_t size, size_t precision)
{
	uint32_t index = item->index - (item->star[1] ? 1 : 0);

	if (item->star[1])
		scan->values[index].u = precision;
	if (item->star[0])
		scan->values[index - 1].u = item->c.flags & TW_CONVERSION_LEFT
						    ? 0
						    : size;
}

/* Go on behind a number that ends at to, with what blanks follow it. */
static bool go_on(struct tw_scan *scan, const struct item *item,
		  const char *from, const char *to, size_t blanks,
		  size_t precision)
{
	const size_t size = (size_t)(to - from);
	size_t more = 0;

	if (item->c.flags & TW_CONVERSION_LEFT && item->c.width > 0 &&
	    size < (size_t)item->c.width)
		more = (size_t)item->c.width - size;
	if (more > (size_t)(scan->end - to) ||
	    strspn(to, " ") < more) /* the message is NUL-terminated */
		return false;
	if (!is_wide_enough(item, size + more) ||
	    !is_padded_right(item, size, blanks))
		return false;
	set_stars(scan, item, size, precision);
	return match(scan, item + 1, to + more);
}

static int base_of(char letter)
{
	switch (letter) {
	case 'x':
	case 'X':
	case 'p':
		return 16;
	case 'o':
		return 8;
	default:
		return 10;
	}
}

static int digit_of(char c, char letter)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (letter != 'X' && c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (letter == 'X' && c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Digits from at on, how many of them are no more than 64 bits. */
static size_t read_digits(const char *at, char letter, uint64_t *prefixes)
{
	const unsigned int base = (unsigned int)base_of(letter);
	uint64_t value = 0;
	size_t count = 0;

	while (count < NUMBER_MAX) {
		const unsigned int digit = (unsigned int)digit_of(at[count],
								  letter);

		if (digit >= base ||
		    __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			break;
		prefixes[count++] = value;
	}
	return count;
}

static const char *skip_sign(const struct item *item, const char *at,
			     bool *negative)
{
	*negative = false;
	if (item->c.letter == 'p' || (item->c.flags & TW_CONVERSION_ALTERNATE &&
				      base_of(item->c.letter) == 16)) {
		if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
			return at + 2;
	} else if (item->c.letter == 'd' &&
		   (*at == '-' || *at == '+' || *at == ' ')) {
		*negative = *at == '-';
		return at + 1;
	}
	return at;
}

static bool match_number(struct tw_scan *scan, const struct item *item,
			 const char *from)
{
	const size_t blanks = strspn(from, " ");
	uint64_t prefixes[NUMBER_MAX];
	const char *at = from + blanks;
	bool negative;
	size_t count;

	if (item->c.letter == 'p' && strncmp(at, "(nil)", 5) == 0) {
		scan->values[item->index].u = 0;
		return go_on(scan, item, from, at + 5, blanks, 0);
	}
	at = skip_sign(item, at, &negative);
	for (count = read_digits(at, item->c.letter, prefixes); count;
	     count--) {
		if (++scan->steps > STEPS_MAX)
			return false;
		scan->values[item->index].u = negative ? 0 - prefixes[count - 1]
						       : prefixes[count - 1];
		if (go_on(scan, item, from, at + count, blanks, count))
			return true;
	}
	return false;
}

static bool match_character(struct tw_scan *scan, const struct item *item,
			    const char *from)
{
	const bool left = item->c.flags & TW_CONVERSION_LEFT;
	const size_t width = item->c.width > 1 && !left
				     ? (size_t)item->c.width - 1
				     : 0;

	if (width >= (size_t)(scan->end - from))
		return false;
	scan->values[item->index].u = (uint8_t)from[width];
	return go_on(scan, item, from, from + width + 1, 0, 0);
}

static bool match_float(struct tw_scan *scan, const struct item *item,
			const char *from)
{
	const size_t blanks = strspn(from, " ");
	const char *at = from + blanks;
	size_t count = strspn(at, "0123456789+-.eExXaAbBcCdDfFpPiInNtTyY");
	char copy[FLOAT_MAX + 1];
	char *end;

	for (count = count < FLOAT_MAX ? count : FLOAT_MAX; count; count--) {
		if (++scan->steps > STEPS_MAX)
			return false;
		memcpy(copy, at, count);
		copy[count] = '\0';
		scan->values[item->index].f = strtod(copy, &end);
		if (end == copy + count &&
		    go_on(scan, item, from, at + count, blanks, 0))
			return true;
	}
	return false;
}

/* The value that is called so, or whose number it is. */
static bool find_value(const struct item *item, const char *text, size_t size,
		       uint64_t *value)
{
	const char *values = item->field->values;
	struct tw_label label;
	char number[32];
	char *end;

	while (tw_label_next(&values, &label))
		if (label.size == size && memcmp(label.name, text, size) == 0) {
			*value = (uint64_t)label.value;
			return true;
		}
	if (size >= sizeof(number))
		return false;
	memcpy(number, text, size);
	number[size] = '\0';
	*value = *number == '-' ? (uint64_t)strtoll(number, &end, 10)
				: strtoull(number, &end, 10);
	return end == number + size;
}

static bool match_label(struct tw_scan *scan, const struct item *item,
			const char *from)
{
	const size_t blanks = strspn(from, " ");
	const char *at = from + blanks;
	size_t count = 0;
	uint64_t value;

	while (at[count] == '-' || at[count] == '_' ||
	       (at[count] >= '0' && at[count] <= '9') ||
	       ((at[count] | 32) >= 'a' && (at[count] | 32) <= 'z'))
		count++;
	for (; count; count--) {
		if (++scan->steps > STEPS_MAX)
			return false;
		if (!find_value(item, at, count, &value))
			continue;
		scan->values[item->index].u = value;
		if (go_on(scan, item, from, at + count, blanks, count))
			return true;
	}
	return false;
}

/* The string that ends at to, less the blanks that make up its width. */
static bool end_string(struct tw_scan *scan, const struct item *item,
		       const char *from, const char *to)
{
	struct value *value = &scan->values[item->index];
	size_t size = (size_t)(to - from);

	if (!is_wide_enough(item, size))
		return false;
	set_stars(scan, item, size, size);
	value->text = from;
	value->size = size;
	if (item->c.width > 0 && size == (size_t)item->c.width) {
		const bool left = item->c.flags & TW_CONVERSION_LEFT;

		while (value->size &&
		       value->text[left ? value->size - 1 : 0] == ' ') {
			value->text += !left;
			value->size--;
		}
	}
	if (item->c.precision >= 0 && value->size > (size_t)item->c.precision)
		return false;
	return match(scan, item + 1, to);
}

static bool match_string(struct tw_scan *scan, const struct item *item,
			 const char *from)
{
	const struct item *next = item + 1;
	const char *to = from;

	/* Nothing but its literal is behind it: there is one end. */
	if (!next->c.letter)
		return next->literal_size <= (size_t)(scan->end - from) &&
		       end_string(scan, item, from,
				  scan->end - next->literal_size);
	for (; to <= scan->end; to++) {
		if (next->literal_size)
			to = memmem(to, (size_t)(scan->end - to), next->literal,
				    next->literal_size);
		if (!to || ++scan->steps > STEPS_MAX)
			return false;
		if (end_string(scan, item, from, to))
			return true;
	}
	return false;
}

static bool match(struct tw_scan *scan, const struct item *item, const char *at)
{
	if (++scan->steps > STEPS_MAX ||
	    item->literal_size > (size_t)(scan->end - at) ||
	    memcmp(at, item->literal, item->literal_size) != 0)
		return false;
	at += item->literal_size;
	switch (item->c.letter) {
	case 0:
		return at == scan->end && is_whole(scan);
	case 'c':
		return match_character(scan, item, at);
	case 's':
		return item->field->kind == TW_FIELD_STRING
			       ? match_string(scan, item, at)
			       : match_label(scan, item, at);
	default:
		return item->field->kind == TW_FIELD_FLOAT
			       ? match_float(scan, item, at)
			       : match_number(scan, item, at);
	}
}

int tw_scan_run(struct tw_scan *scan, const char *message, size_t size,
		struct tw_text *fields)
{
	char *copy;
	bool fits;

	if (memchr(message, '\0', size))
		return 0;
	copy = strndup(message, size);
	if (!copy)
		return -ENOMEM;
	scan->message = copy;
	scan->end = copy + size;
	scan->steps = scan->whole = 0;
	scan->escaped.size = 0;
	tw_text_add_escaped(&scan->escaped, copy, size);
	memset(scan->values, 0, sizeof(scan->values));
	fits = match(scan, scan->items, copy);
	if (fits)
		tw_text_add(fields, scan->fields.data, scan->fields.size);
	free(copy);
	if (scan->fields.failed || scan->again.failed || scan->escaped.failed ||
	    fields->failed)
		return -ENOMEM;
	return fits;
}
