/* SPDX-License-Identifier: MIT */
/*
 * An event's format as a row of steps: some literal text, already escaped, and
 * one field after it. All that depends on the format alone is settled when it
 * is compiled: which field, how wide its value is, what a conversion that does
 * not fit means, and how much room the result can take (strings excepted). So
 * running it is a loop of copies and digits into room that is known to be
 * there.
 */

#include "format.h"

#include "conversion.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <trackway/writer.h>

#define CAP TW_CONVERSION_CAP
#define FLOAT_ROOM 1024 /* 309 digits, a point, CAP more; a sign */
#define SLACK 32	/* short literals are copied as this many bytes */

enum step_kind {
	STEP_END,    /* literal only */
	STEP_SIGNED, /* plain %d */
	STEP_UNSIGNED,
	STEP_HEX,
	STEP_POINTER,
	STEP_NUMBER, /* with flags, width or precision; %o */
	STEP_CHARACTER,
	STEP_STRING,
	STEP_BYTES,
	STEP_LABEL, /* a named value's name */
	STEP_FLOAT,
};

struct step {
	const char *literal;
	uint32_t literal_size;
	uint8_t kind;	    /* enum step_kind */
	uint8_t field_kind; /* enum tw_field_kind */
	uint8_t field_size;
	uint8_t shift; /* 64 less the bits to show */
	struct tw_conversion c;
	const char *values;		/* of STEP_LABEL */
	const struct tw_field *star[2]; /* of width and precision, or NULL */
};

struct tw_format {
	size_t room; /* what a run can take, strings excepted; SLACK included */
	uint32_t step_count;
	uint32_t quick_count; /* how many of the first steps are quick */
	uint32_t quick_size;  /* what they take of the fields, bytes */
	struct step steps[TW_FIELDS_MAX + 1];
	char literals[];
};

/* Compiling */

struct compiler {
	struct tw_format *format;
	const struct tw_event_desc *event;
	uint32_t field; /* the next one */
	char *out;	/* end of the literals */
};

static bool is_plain(const struct tw_conversion *c)
{
	return !c->flags && c->width == TW_CONVERSION_NONE &&
	       c->precision == TW_CONVERSION_NONE;
}

static enum step_kind kind_of_step(const struct tw_conversion *c,
				   const struct tw_field *field)
{
	switch (c->letter) {
	case 'c':
		return STEP_CHARACTER;
	case 's':
		if (field->kind == TW_FIELD_BYTES)
			return STEP_BYTES;
		return field->kind == TW_FIELD_STRING ? STEP_STRING
						      : STEP_LABEL;
	case 'd':
		return is_plain(c) ? STEP_SIGNED : STEP_NUMBER;
	case 'u':
		return is_plain(c) ? STEP_UNSIGNED : STEP_NUMBER;
	case 'x':
		return is_plain(c) ? STEP_HEX : STEP_NUMBER;
	case 'p':
		return is_plain(c) ? STEP_POINTER : STEP_NUMBER;
	case 'o':
	case 'X':
		return STEP_NUMBER;
	default:
		return STEP_FLOAT;
	}
}

static uint8_t shift_of(const struct tw_conversion *c,
			const struct tw_field *field)
{
	unsigned int bits = field->size * 8u;

	if (c->narrow)
		bits = c->narrow;
	else if (bits < 32)
		bits = 32;
	return (uint8_t)(64 - bits);
}

/* A plain conversion of a number that is shown as wide as it is. */
static bool is_quick(const struct step *step)
{
	return step->kind >= STEP_SIGNED && step->kind <= STEP_POINTER &&
	       (step->field_size == 4 || step->field_size == 8) &&
	       step->shift == 64 - step->field_size * 8;
}

/* Room for what a step writes after its literal, a string's bytes excepted. */
static size_t room_of(const struct step *step)
{
	switch (step->kind) {
	case STEP_SIGNED:
	case STEP_UNSIGNED:
	case STEP_HEX:
	case STEP_POINTER:
		return TW_DECIMAL_MAX + 2;
	case STEP_FLOAT:
		return FLOAT_ROOM;
	default:
		return CAP + 32;
	}
}

static void add_literal(struct compiler *k, const char *from, const char *to)
{
	k->out = tw_escape(k->out, from, (size_t)(to - from));
}

/* Close the literal text that was added since the step before. */
static struct step *add_step(struct compiler *k)
{
	struct tw_format *format = k->format;
	struct step *step = &format->steps[format->step_count++];

	step->literal = format->literals;
	if (format->step_count > 1)
		step->literal = step[-1].literal + step[-1].literal_size;
	step->literal_size = (uint32_t)(k->out - step->literal);
	format->room += step->literal_size;
	return step;
}

/* False: there is no field for it. */
static bool add_conversion(struct compiler *k,
			   const struct tw_conversion *written)
{
	uint32_t stars = (written->width == TW_CONVERSION_FIELD) +
			 (written->precision == TW_CONVERSION_FIELD);
	const struct tw_field *fields;
	struct step *step;

	if (k->event->field_count - k->field < stars + 1 ||
	    k->format->step_count == TW_FIELDS_MAX)
		return false;
	fields = k->event->fields + k->field;
	k->field += stars + 1;
	step = add_step(k);
	step->c = *written;
	if (written->width == TW_CONVERSION_FIELD)
		step->star[0] = fields++;
	if (written->precision == TW_CONVERSION_FIELD)
		step->star[1] = fields++;
	tw_conversion_fit(&step->c, fields);
	step->kind = (uint8_t)kind_of_step(&step->c, fields);
	step->values = fields->values;
	step->field_kind = fields->kind;
	step->field_size = fields->size;
	step->shift = shift_of(&step->c, fields);
	if (is_quick(step) &&
	    k->format->quick_count + 1 == k->format->step_count) {
		k->format->quick_count++;
		k->format->quick_size += step->field_size;
	}
	k->format->room += room_of(step);
	return true;
}

static void compile(struct compiler *k, const char *at)
{
	const char *percent;

	while ((percent = strchr(at, '%')) != NULL) {
		struct tw_conversion c;
		const char *end = tw_conversion_read(percent + 1, &c);

		add_literal(k, at, percent);
		if (end && c.letter == '%') {
			add_literal(k, end - 1, end);
		} else if (!end || !add_conversion(k, &c)) {
			end = end ? end : percent + 1;
			add_literal(k, percent, end);
		}
		at = end;
	}
	add_literal(k, at, at + strlen(at));
	add_step(k)->kind = STEP_END;
	k->format->room += SLACK;
}

void tw_format_letters(const struct tw_event_desc *event,
		       char letters[TW_FIELDS_MAX])
{
	const char *at = event->format ? event->format : "";
	uint32_t field = 0;

	memset(letters, 0, TW_FIELDS_MAX);
	while ((at = strchr(at, '%')) != NULL) {
		struct tw_conversion c;
		const char *end = tw_conversion_read(at + 1, &c);

		at = end ? end : at + 1;
		if (!end || c.letter == '%')
			continue;
		field += (c.width == TW_CONVERSION_FIELD) +
			 (c.precision == TW_CONVERSION_FIELD);
		if (field < TW_FIELDS_MAX)
			letters[field++] = c.letter;
	}
}

/* "a=%d b=0x%x" for an event that has no format. */
static void make_up(const struct tw_event_desc *event, struct tw_text *text)
{
	for (uint32_t i = 0; i < event->field_count; i++) {
		const struct tw_field *field = &event->fields[i];
		char letter = tw_conversion_letter(field);

		if (i)
			tw_text_add_string(text, " ");
		tw_text_add_string(text, field->name);
		tw_text_add_string(text, letter == 'u' ? "=0x%" : "=%");
		if (letter == 'u')
			letter = 'x';
		tw_text_add(text, &letter, 1);
	}
	tw_text_add(text, "", 1);
}

int tw_format_compile(const struct tw_event_desc *event,
		      struct tw_format **format)
{
	struct tw_text made_up = {0};
	const char *source = event->format;
	struct compiler k = {.event = event};
	int result = -ENOMEM;

	*format = NULL;
	if (!source) {
		make_up(event, &made_up);
		source = made_up.data;
		if (made_up.failed)
			goto out;
	}
	k.format = calloc(1, sizeof(*k.format) + SLACK +
				     strlen(source) * TW_ESCAPE_MAX);
	if (!k.format)
		goto out;
	k.out = k.format->literals;
	compile(&k, source);
	*format = k.format;
	result = 0;
out:
	free(made_up.data);
	return result;
}

void tw_format_destroy(struct tw_format *format)
{
	free(format);
}

/* Running */

/* Fields being read, never past their end. */
struct fields {
	const uint8_t *at;
	const uint8_t *end;
	bool swap;
	bool failed; /* the bytes end before the fields do */
};

static inline uint64_t take_bytes(struct fields *f, uint32_t size)
{
	const uint8_t *at = f->at;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	if ((size_t)(f->end - at) < size) {
		f->failed = true;
		return 0;
	}
	f->at += size;
	/* Not a switch: this is well predicted, an indirect jump less so. */
	if (size == 4) {
		memcpy(&u32, at, sizeof(u32));
		return f->swap ? __builtin_bswap32(u32) : u32;
	}
	if (size == 8) {
		memcpy(&u64, at, sizeof(u64));
		return f->swap ? __builtin_bswap64(u64) : u64;
	}
	if (size == 2) {
		memcpy(&u16, at, sizeof(u16));
		return f->swap ? __builtin_bswap16(u16) : u16;
	}
	return size == 1 ? *at : 0;
}

/* Sign- or zero-extended, as the field is. */
static inline uint64_t take_integer(struct fields *f, uint8_t kind,
				    uint32_t size)
{
	uint64_t value = take_bytes(f, size);
	uint32_t shift = 64 - size * 8;

	if (kind == TW_FIELD_SINT && shift < 64)
		value = (uint64_t)((int64_t)(value << shift) >> shift);
	return value;
}

static inline uint64_t take_unsigned(struct fields *f, const struct step *step)
{
	return take_integer(f, step->field_kind, step->field_size)
		       << step->shift >>
	       step->shift;
}

static inline int64_t take_signed(struct fields *f, const struct step *step)
{
	return (int64_t)(take_integer(f, step->field_kind, step->field_size)
			 << step->shift) >>
	       step->shift;
}

static double take_float(struct fields *f, uint32_t size)
{
	uint64_t bits = take_bytes(f, size);
	uint32_t bits32 = (uint32_t)bits;
	double f64;
	float f32;

	if (size == sizeof(f64)) {
		memcpy(&f64, &bits, sizeof(f64));
		return f64;
	}
	memcpy(&f32, &bits32, sizeof(f32));
	return (double)f32;
}

static const char *take_string(struct fields *f, size_t *size)
{
	const uint8_t *at = f->at;
	const uint8_t *nul = memchr(at, 0, (size_t)(f->end - at));

	if (!nul) {
		f->failed = true;
		*size = 0;
		return "";
	}
	*size = (size_t)(nul - at);
	f->at = nul + 1;
	return (const char *)at;
}

static const uint8_t *take_counted(struct fields *f, size_t *size)
{
	const uint8_t *at;

	*size = (size_t)take_bytes(f, 2);
	at = f->at;
	if ((size_t)(f->end - at) < *size) {
		f->failed = true;
		*size = 0;
	}
	f->at += *size;
	return at;
}

/* What a "*" stands for; a field that is no integer counts as 0. */
static int take_star(struct fields *f, const struct tw_field *field)
{
	int64_t value = 0;
	size_t size;

	if (field->kind == TW_FIELD_STRING)
		take_string(f, &size);
	else if (field->kind == TW_FIELD_BYTES)
		take_counted(f, &size);
	else if (field->kind == TW_FIELD_FLOAT)
		take_bytes(f, field->size);
	else
		value = (int32_t)take_integer(f, field->kind, field->size);
	if (value > INT16_MAX)
		value = INT16_MAX;
	if (value < -INT16_MAX)
		value = -INT16_MAX;
	return (int)value;
}

/* A step's conversion, its "*" taken from the fields. */
static struct tw_conversion take_stars(struct fields *f,
				       const struct step *step)
{
	struct tw_conversion c = step->c;
	bool is_string = c.letter == 's';

	if (step->star[0]) {
		int width = take_star(f, step->star[0]);

		if (width < 0)
			c.flags |= TW_CONVERSION_LEFT;
		width = abs(width);
		c.width = (int16_t)(width < CAP ? width : CAP);
	}
	if (step->star[1]) {
		int precision = take_star(f, step->star[1]);

		if (precision > CAP && !is_string)
			precision = CAP;
		/* Of a conversion that doesn't fit it is taken, not used. */
		if (c.precision == TW_CONVERSION_FIELD)
			c.precision = (int16_t)(precision < 0
							? TW_CONVERSION_NONE
							: precision);
	}
	return c;
}

/* Writes up to 16 bytes past what it fills: SLACK has room for them. */
static char *put_fill(char *out, char c, int count)
{
	if (count <= 0)
		return out;
	if (count <= 16)
		memset(out, c, 16);
	else
		memset(out, c, (size_t)count);
	return out + count;
}

static char *put_octal(char *out, uint64_t value)
{
	char digits[22];
	char *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + (value & 7));
		value >>= 3;
	} while (value);
	memcpy(out, at, (size_t)(digits + sizeof(digits) - at));
	return out + (digits + sizeof(digits) - at);
}

static char *put_digits(char *out, char letter, uint64_t value)
{
	switch (letter) {
	case 'o':
		return put_octal(out, value);
	case 'x':
	case 'p':
		return tw_put_hex(out, value, 0);
	case 'X':
		return tw_put_hex(out, value, 1);
	default:
		return tw_put_decimal(out, value);
	}
}

/* A sign or 0x; returns its length. */
static int make_prefix(char *prefix, const struct tw_conversion *c,
		       uint64_t value, bool negative)
{
	int size = 0;

	if (negative)
		prefix[size++] = '-';
	else if (c->flags & TW_CONVERSION_PLUS)
		prefix[size++] = '+';
	else if (c->flags & TW_CONVERSION_SPACE)
		prefix[size++] = ' ';
	if (c->letter == 'p' || (c->flags & TW_CONVERSION_ALTERNATE && value &&
				 (c->letter == 'x' || c->letter == 'X'))) {
		prefix[size++] = '0';
		prefix[size++] = c->letter == 'X' ? 'X' : 'x';
	}
	return size;
}

/* [blanks] [prefix] [zeros] digits [blanks], as printf lays a number out. */
static char *put_number(char *out, const struct tw_conversion *c,
			uint64_t value, bool negative)
{
	char digits[24];
	char prefix[3] = {0};
	int size = (int)(put_digits(digits, c->letter, value) - digits);
	int prefix_size = make_prefix(prefix, c, value, negative);
	int zeros;
	int blanks;

	if (value == 0 && c->precision == 0)
		size = 0;
	zeros = c->precision > size ? c->precision - size : 0;
	if (c->letter == 'o' && c->flags & TW_CONVERSION_ALTERNATE &&
	    zeros == 0 && (size == 0 || digits[0] != '0'))
		zeros = 1;
	blanks = c->width - prefix_size - zeros - size;
	if (blanks > 0 && c->flags & TW_CONVERSION_ZERO &&
	    !(c->flags & TW_CONVERSION_LEFT) && c->precision < 0) {
		zeros += blanks;
		blanks = 0;
	}
	if (!(c->flags & TW_CONVERSION_LEFT))
		out = put_fill(out, ' ', blanks);
	memcpy(out, prefix, sizeof(prefix));
	out = put_fill(out + prefix_size, '0', zeros);
	memcpy(out, digits, sizeof(digits));
	out += size;
	if (c->flags & TW_CONVERSION_LEFT)
		out = put_fill(out, ' ', blanks);
	return out;
}

/* Escaped and padded; out has room for width and size * TW_ESCAPE_MAX. */
static char *put_padded(char *out, const struct tw_conversion *c,
			const char *text, size_t size)
{
	int blanks = c->width - (size < CAP ? (int)size : CAP);

	if (!(c->flags & TW_CONVERSION_LEFT))
		out = put_fill(out, ' ', blanks);
	out = tw_escape(out, text, size);
	if (c->flags & TW_CONVERSION_LEFT)
		out = put_fill(out, ' ', blanks);
	return out;
}

static char *run_number(char *out, struct fields *f, const struct step *step)
{
	struct tw_conversion c = take_stars(f, step);
	uint64_t value;

	if (c.letter == 'd') {
		int64_t s = take_signed(f, step);

		value = s < 0 ? 0 - (uint64_t)s : (uint64_t)s;
		return put_number(out, &c, value, s < 0);
	}
	value = take_unsigned(f, step);
	if (c.letter == 'p' && value == 0)
		return put_padded(out, &c, "(nil)", 5);
	return put_number(out, &c, value, false);
}

static char *run_character(char *out, struct fields *f, const struct step *step)
{
	struct tw_conversion c = take_stars(f, step);
	char character = (char)take_unsigned(f, step);

	return put_padded(out, &c, &character, 1);
}

static char *run_float(char *out, struct fields *f, const struct step *step)
{
	struct tw_conversion c = take_stars(f, step);
	char format[16];
	char *at = format;
	int size;

	*at++ = '%';
	for (int i = 0; i < 5; i++) {
		if (c.flags & 1u << i)
			*at++ = "-+ #0"[i];
	}
	memcpy(at, "*.*", 3);
	at[3] = c.letter;
	at[4] = 0;
	/* A negative precision is none. */
	size = snprintf(out, FLOAT_ROOM, format, c.width < 0 ? 0 : c.width,
			c.precision, take_float(f, step->field_size));
	return size > 0 && size < FLOAT_ROOM ? out + size : out;
}

static inline char *put_pointer(char *out, uint64_t value)
{
	if (value == 0) {
		memcpy(out, "(nil)", 5);
		return out + 5;
	}
	memcpy(out, "0x", 2);
	return tw_put_hex(out + 2, value, 0);
}

static inline char *put_signed(char *out, int64_t value)
{
	if (value >= 0)
		return tw_put_decimal(out, (uint64_t)value);
	*out++ = '-';
	return tw_put_decimal(out, 0 - (uint64_t)value);
}

/* This and the two below may need more room than was reserved; NULL without it.
 */
static char *run_string(char *out, struct fields *f, const struct step *step,
			const struct tw_format *format, struct tw_text *text)
{
	struct tw_conversion c = take_stars(f, step);
	size_t size;
	const char *string = take_string(f, &size);

	if (c.precision >= 0 && (size_t)c.precision < size)
		size = (size_t)c.precision;
	text->size = (size_t)(out - text->data);
	if (size > SIZE_MAX / 4 / TW_ESCAPE_MAX - format->room)
		return NULL;
	out = tw_text_reserve(text, size * TW_ESCAPE_MAX + format->room);
	return out ? put_padded(out, &c, string, size) : NULL;
}

/* Text of at most size bytes that needs no escapes, padded as c says. */
static char *put_aligned(char *out, const struct tw_conversion *c,
			 const char *text, size_t size)
{
	int blanks;

	if (c->precision >= 0 && (size_t)c->precision < size)
		size = (size_t)c->precision;
	blanks = c->width - (size < CAP ? (int)size : CAP);
	if (!(c->flags & TW_CONVERSION_LEFT))
		out = put_fill(out, ' ', blanks);
	memmove(out, text, size);
	out += size;
	if (c->flags & TW_CONVERSION_LEFT)
		out = put_fill(out, ' ', blanks);
	return out;
}

/*
 * "0a 1b 2c"; what is as long as bytes can be in an event may have been cut.
 * Written far enough behind out for the blanks that may come before it.
 */
static char *run_bytes(char *out, struct fields *f, const struct step *step,
		       const struct tw_format *format, struct tw_text *text)
{
	struct tw_conversion c = take_stars(f, step);
	size_t size;
	const uint8_t *bytes = take_counted(f, &size);
	char *hex;
	char *at;

	text->size = (size_t)(out - text->data);
	out = tw_text_reserve(text, size * 3 + (size_t)2 * CAP + format->room);
	if (!out)
		return NULL;
	hex = at = out + CAP;
	for (size_t i = 0; i < size; i++) {
		memcpy(at, tw_hex_pairs[0] + (size_t)bytes[i] * 2, 2);
		at[2] = ' ';
		at += 3;
	}
	if (size)
		at--;
	if (size >= TW_STRING_MAX) {
		memcpy(at, " ...", 4);
		at += 4;
	}
	return put_aligned(out, &c, hex, (size_t)(at - hex));
}

/* A value's name; the number, where it has none. NULL: no memory. */
static char *run_label(char *out, struct fields *f, const struct step *step,
		       const struct tw_format *format, struct tw_text *text)
{
	struct tw_conversion c = take_stars(f, step);
	uint64_t value = take_integer(f, step->field_kind, step->field_size);
	bool negative = step->field_kind == TW_FIELD_SINT && (int64_t)value < 0;
	char digits[TW_DECIMAL_MAX + 1];
	const char *name = NULL;
	size_t size;

	if (step->values &&
	    (step->field_kind == TW_FIELD_SINT || value <= INT64_MAX))
		name = tw_label_find(step->values, (int64_t)value, &size);
	if (!name) {
		name = digits;
		digits[0] = '-';
		size = (size_t)(tw_put_decimal(digits + negative,
					       negative ? 0 - value : value) -
				digits);
	}
	text->size = (size_t)(out - text->data);
	out = tw_text_reserve(text, size + CAP + format->room);
	return out ? put_aligned(out, &c, name, size) : NULL;
}

static inline char *put_literal(char *out, const struct step *step)
{
	if (step->literal_size <= SLACK)
		memcpy(out, step->literal, SLACK);
	else
		memcpy(out, step->literal, step->literal_size);
	return out + step->literal_size;
}

/*
 * What most fields are, in few instructions: a number of 4 or 8 bytes, of this
 * machine's byte order and all there, as a plain %d, %u, %x or %p.
 */
static inline char *run_quick(char *out, const uint8_t *at,
			      const struct step *step)
{
	bool is_short = step->field_size == 4;
	uint64_t value;
	uint32_t u32;

	if (is_short) {
		memcpy(&u32, at, sizeof(u32));
		value = u32;
	} else {
		memcpy(&value, at, sizeof(value));
	}
	if (step->kind == STEP_SIGNED)
		return put_signed(out,
				  is_short ? (int32_t)value : (int64_t)value);
	if (step->kind == STEP_UNSIGNED)
		return tw_put_decimal(out, value);
	if (step->kind == STEP_HEX)
		return tw_put_hex(out, value, 0);
	return put_pointer(out, value);
}

static char *run_step(char *out, struct fields *f, const struct step *step,
		      const struct tw_format *format, struct tw_text *text)
{
	switch (step->kind) {
	case STEP_SIGNED:
		return put_signed(out, take_signed(f, step));
	case STEP_UNSIGNED:
		return tw_put_decimal(out, take_unsigned(f, step));
	case STEP_HEX:
		return tw_put_hex(out, take_unsigned(f, step), 0);
	case STEP_POINTER:
		return put_pointer(out, take_unsigned(f, step));
	case STEP_CHARACTER:
		return run_character(out, f, step);
	case STEP_STRING:
		return run_string(out, f, step, format, text);
	case STEP_BYTES:
		return run_bytes(out, f, step, format, text);
	case STEP_LABEL:
		return run_label(out, f, step, format, text);
	case STEP_FLOAT:
		return run_float(out, f, step);
	default:
		return run_number(out, f, step);
	}
}

void tw_format_run(const struct tw_format *format, const uint8_t *fields,
		   size_t size, bool swap, struct tw_text *text)
{
	struct fields f = {fields, fields + size, swap, false};
	const struct step *step = format->steps;
	char *out;

	if (text->data && format->room <= text->room - text->size)
		out = text->data + text->size;
	else
		out = tw_text_reserve(text, format->room);
	if (!out)
		return;
	out = put_literal(out, step);
	if (!swap && size >= format->quick_size) {
		const struct step *end = step + format->quick_count;

		while (step < end) {
			out = run_quick(out, fields, step);
			fields += step->field_size;
			out = put_literal(out, ++step);
		}
		f.at = fields;
	}
	while (step->kind != STEP_END && !f.failed) {
		out = run_step(out, &f, step, format, text);
		if (!out)
			return;
		out = put_literal(out, ++step);
	}
	text->size = (size_t)(out - text->data);
}
