/* SPDX-License-Identifier: MIT */
/*
 * The formatter against the C library's printf, over every conversion, flag,
 * width, precision and field size; then what printf has no answer for.
 */

#include "../../../src/schema/format.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* An event with fields "a", "b", ... and room for their bytes. */
struct sample {
	struct tw_event_desc event;
	struct tw_field fields[TW_FIELDS_MAX];
	uint8_t bytes[4096];
	size_t size;
	struct tw_format *format;
	struct tw_text text;
};

static const char *const names[] = {"a", "b", "c", "d", "e",
				    "f", "g", "h", "i", "j"};

static void add_field(struct sample *s, enum tw_field_kind kind, uint8_t size,
		      const void *bytes, size_t byte_count)
{
	struct tw_field *field = &s->fields[s->event.field_count];

	*field = (struct tw_field){.name = names[s->event.field_count],
				   .type = "int",
				   .kind = (uint8_t)kind,
				   .size = size};
	s->event.fields = s->fields;
	s->event.field_count++;
	assert_true(byte_count <= sizeof(s->bytes) - s->size);
	memcpy(s->bytes + s->size, bytes, byte_count);
	s->size += byte_count;
}

static void add_integer(struct sample *s, enum tw_field_kind kind, uint8_t size,
			uint64_t value)
{
	const uint8_t *bytes = (const uint8_t *)&value;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	bytes += 8 - size;
#endif
	add_field(s, kind, size, bytes, size);
}

static void add_int(struct sample *s, int value)
{
	add_integer(s, TW_FIELD_SINT, 4, (uint64_t)(int64_t)value);
}

static void add_text(struct sample *s, const char *string)
{
	add_field(s, TW_FIELD_STRING, 0, string, strlen(string) + 1);
}

static void add_double(struct sample *s, double value)
{
	add_field(s, TW_FIELD_FLOAT, 8, &value, 8);
}

static void compile(struct sample *s, const char *format)
{
	tw_format_destroy(s->format);
	s->event.format = format;
	assert_int_equal(tw_format_compile(&s->event, &s->format), 0);
	assert_non_null(s->format);
}

/* The message, NUL-terminated. The fields are read from a block of exactly
 * their size, so that a sanitizer sees a read past them. */
static const char *run(struct sample *s)
{
	uint8_t *exact = malloc(s->size ? s->size : 1);

	assert_non_null(exact);
	memcpy(exact, s->bytes, s->size);
	s->text.size = 0;
	tw_format_run(s->format, exact, s->size, false, &s->text);
	free(exact);
	assert_false(s->text.failed);
	tw_text_add(&s->text, "", 1);
	return s->text.data;
}

static void finish(struct sample *s)
{
	tw_format_destroy(s->format);
	free(s->text.data);
	memset(s, 0, sizeof(*s));
}

#define CHECK(s, source, wanted)                     \
	do {                                         \
		compile(s, source);                  \
		assert_string_equal(run(s), wanted); \
	} while (0)

static const char *const widths[] = {"", "1", "7", "26"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".6", ".23"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *flags_of(unsigned int set)
{
	static char flags[8];
	char *at = flags;

	for (unsigned int i = 0; i < 5; i++) {
		if (set & 1u << i)
			*at++ = "-+ #0"[i];
	}
	*at = 0;
	return flags;
}

/* What printf makes of a value whose argument has this many bits. */
static int print_integer(char *to, size_t room, const char *spec,
			 const char *modifier, char letter, unsigned int bits,
			 uint64_t value)
{
	char format[64];

	if (letter == 'p') {
		snprintf(format, sizeof(format), "%%%sp", spec);
		return snprintf(to, room, format,
				(void *)(uintptr_t)(bits == 64
							    ? value
							    : (uint32_t)value));
	}
	if (bits == 64 && letter != 'c' && !*modifier)
		modifier = "ll";
	snprintf(format, sizeof(format), "%%%s%s%c", spec, modifier, letter);
	if (bits == 64 && letter != 'c' && *modifier == 'l')
		return snprintf(to, room, format, (long long)value);
	return snprintf(to, room, format, (int)value);
}

static void check_integer(struct sample *s, const char *spec,
			  const char *modifier, char letter, uint64_t value)
{
	unsigned int bits = s->fields[0].size == 8 ? 64 : 32;
	struct tw_text wanted = {0};
	char printed[128];
	int size = print_integer(printed, sizeof(printed), spec, modifier,
				 letter, bits, value);

	assert_in_range(size, 0, sizeof(printed) - 1);
	tw_text_add_string(&wanted, "<");
	tw_text_add_escaped(&wanted, printed, (size_t)size);
	tw_text_add(&wanted, ">", 2);
	if (strcmp(run(s), wanted.data) != 0)
		print_message("%%%s%s%c of %llx, kind %d size %d\n", spec,
			      modifier, letter, (unsigned long long)value,
			      s->fields[0].kind, s->fields[0].size);
	assert_string_equal(s->text.data, wanted.data);
	free(wanted.data);
}

static const uint64_t values[] = {
	0,
	1,
	7,
	0x41,
	99,
	100,
	0x7f,
	0x80,
	0xff,
	12345,
	0x8000,
	0x12345678,
	INT32_MIN,
	UINT32_MAX,
	0x123456789abcdef0,
	(uint64_t)-42,
	INT64_MAX,
	(uint64_t)INT64_MIN,
	UINT64_MAX,
};

static uint64_t extend(enum tw_field_kind kind, uint32_t size, uint64_t value)
{
	uint32_t shift = 64 - size * 8;

	return kind == TW_FIELD_SINT
		       ? (uint64_t)((int64_t)(value << shift) >> shift)
		       : value << shift >> shift;
}

static void check_integer_spec(enum tw_field_kind kind, uint8_t size,
			       const char *spec, const char *modifier,
			       char letter)
{
	struct sample s = {0};
	char format[64];

	add_integer(&s, kind, size, 0);
	snprintf(format, sizeof(format), "<%%%s%s%c>", spec, modifier, letter);
	compile(&s, format);
	for (size_t i = 0; i < COUNT(values); i++) {
		uint64_t value = extend(kind, size, values[i]);

		s.size = 0;
		s.event.field_count = 0;
		add_integer(&s, kind, size, value);
		check_integer(&s, spec, modifier, letter, value);
	}
	finish(&s);
}

static void check_integer_field(enum tw_field_kind kind, uint8_t size)
{
	for (const char *letter = "diuxXocp"; *letter; letter++) {
		for (unsigned int i = 0; i < 32 * COUNT(widths); i++) {
			for (size_t j = 0; j < COUNT(precisions); j++) {
				char spec[32];

				snprintf(spec, sizeof(spec), "%s%s%s",
					 flags_of(i % 32), widths[i / 32],
					 precisions[j]);
				check_integer_spec(kind, size, spec, "",
						   *letter);
			}
		}
	}
}

static void test_unsigned(void **state)
{
	for (uint8_t size = 1; size <= 8; size *= 2)
		check_integer_field(TW_FIELD_UINT, size);
}

static void test_signed(void **state)
{
	for (uint8_t size = 1; size <= 8; size *= 2)
		check_integer_field(TW_FIELD_SINT, size);
}

static void test_pointer(void **state)
{
	check_integer_field(TW_FIELD_POINTER, 8);
}

static void test_length_modifiers(void **state)
{
	static const char *const narrow[] = {"hh", "h"};
	static const char *const ignored[] = {"l", "ll", "j", "z",
					      "t", "L",	 "q"};

	for (uint8_t size = 1; size <= 8; size *= 2) {
		for (const char *letter = "diuxXo"; *letter; letter++) {
			for (size_t i = 0; i < 2; i++) {
				check_integer_spec(TW_FIELD_SINT, size, "",
						   narrow[i], *letter);
				check_integer_spec(TW_FIELD_UINT, size, "#012",
						   narrow[i], *letter);
			}
		}
	}
	for (size_t i = 0; i < COUNT(ignored); i++) {
		struct sample s = {0};
		char format[16];

		add_integer(&s, TW_FIELD_SINT, 1, 0xff);
		add_integer(&s, TW_FIELD_UINT, 8, UINT64_MAX);
		add_integer(&s, TW_FIELD_UINT, 4, 0xfffffffe);
		snprintf(format, sizeof(format), "%%%sx %%%sd %%%sd",
			 ignored[i], ignored[i], ignored[i]);
		CHECK(&s, format, "ffffffff -1 -2");
		finish(&s);
	}
}

static void check_string_spec(const char *string, const char *spec)
{
	struct sample s = {0};
	char format[64];
	char wanted[128];

	add_text(&s, string);
	snprintf(format, sizeof(format), "<%%%ss>", spec);
	snprintf(wanted, sizeof(wanted), format, string);
	CHECK(&s, format, wanted);
	finish(&s);
}

static void test_strings(void **state)
{
	static const char *const strings[] = {
		"", "a", "seven c", "a text of twenty-six bytes", "(nil) 100%"};

	for (size_t i = 0; i < COUNT(strings); i++) {
		for (unsigned int j = 0; j < 32 * COUNT(widths); j++) {
			for (size_t k = 0; k < COUNT(precisions); k++) {
				char spec[32];

				snprintf(spec, sizeof(spec), "%s%s%s",
					 flags_of(j % 32), widths[j / 32],
					 precisions[k]);
				check_string_spec(strings[i], spec);
			}
		}
	}
}

static void check_float_spec(double value, uint8_t size, const char *spec,
			     char letter)
{
	struct sample s = {0};
	float f32 = (float)value;
	char format[64];
	char wanted[512];

	if (size == 4)
		add_field(&s, TW_FIELD_FLOAT, 4, &f32, 4);
	else
		add_double(&s, value);
	snprintf(format, sizeof(format), "<%%%s%c>", spec, letter);
	snprintf(wanted, sizeof(wanted), format,
		 size == 4 ? (double)f32 : value);
	CHECK(&s, format, wanted);
	finish(&s);
}

static void test_floats(void **state)
{
	static const double floats[] = {0.0,	  -0.0,	     1.0,     -2.5,
					1e10,	  1e-10,     DBL_MAX, DBL_MIN,
					INFINITY, -INFINITY, NAN,     0.1};

	for (const char *letter = "fFeEgGaA"; *letter; letter++) {
		for (unsigned int i = 0; i < 32 * COUNT(widths); i++) {
			for (size_t j = 0; j < COUNT(floats); j++) {
				char spec[32];

				snprintf(spec, sizeof(spec), "%s%s%s",
					 flags_of(i % 32), widths[i / 32],
					 precisions[j % COUNT(precisions)]);
				check_float_spec(floats[j], 8, spec, *letter);
				if (fabs(floats[j]) < 1e30 ||
				    !isfinite(floats[j]))
					check_float_spec(floats[j], 4, spec,
							 *letter);
			}
		}
	}
}

static void test_stars(void **state)
{
	struct sample s = {0};

	add_int(&s, 6);
	add_int(&s, 42);
	CHECK(&s, "<%*d>", "<    42>");
	CHECK(&s, "<%0*d>", "<000042>");
	CHECK(&s, "<%-*d>", "<42    >");
	CHECK(&s, "<%.*x>", "<00002a>");
	CHECK(&s, "<%*d %d>", "<    42 %d>");
	CHECK(&s, "<%*.*d>", "<%*.*d>"); /* would need three */
	CHECK(&s, "<%d %*d>", "<6 %*d>");
	add_int(&s, 8);
	CHECK(&s, "<%*.*d>", "<000000000000000000000000000000000000000008>");
	finish(&s);

	add_int(&s, -6);
	add_int(&s, -1);
	add_integer(&s, TW_FIELD_UINT, 8, 77);
	CHECK(&s, "<%*.*lu>", "<77    >");
	CHECK(&s, "<%.*d>", "<-1>"); /* a negative precision is none */
	finish(&s);

	add_int(&s, INT_MIN);
	add_int(&s, INT_MAX);
	add_text(&s, "x");
	compile(&s, "<%*.*s>");
	assert_int_equal(strlen(run(&s)), 512 + 2);
	assert_memory_equal(s.text.data, "<x ", 3);
	finish(&s);

	add_text(&s, "no number");
	add_int(&s, 5);
	add_double(&s, 1.5);
	add_text(&s, "abc");
	CHECK(&s, "<%*d> <%.*s>", "<5> <>");
	finish(&s);

	add_int(&s, 2);
	add_text(&s, "abc");
	CHECK(&s, "<%.*s>", "<ab>");
	CHECK(&s, "<%.*d>", "<abc>"); /* no number: whole */
	finish(&s);
}

static void test_caps(void **state)
{
	struct sample s = {0};
	char longer[2001];

	memset(longer, 'y', 2000);
	longer[2000] = 0;
	add_int(&s, 7);
	compile(&s, "%600d");
	assert_int_equal(strlen(run(&s)), 512);
	compile(&s, "%.99999999999999999999d");
	assert_int_equal(strlen(run(&s)), 512);
	compile(&s, "%#600.600x");
	assert_int_equal(strlen(run(&s)), 514);
	finish(&s);
	add_double(&s, DBL_MAX);
	compile(&s, "%600.600f");
	assert_int_equal(strlen(run(&s)), 309 + 1 + 512);
	finish(&s);
	add_text(&s, longer);
	compile(&s, "%.1500s");
	assert_int_equal(strlen(run(&s)), 1500);
	compile(&s, "%3000.99999s|");
	assert_int_equal(strlen(run(&s)), 2001);
	finish(&s);
}

static void test_misfits(void **state)
{
	struct sample s = {0};

	add_int(&s, -5);
	add_integer(&s, TW_FIELD_UINT, 4, 5);
	add_integer(&s, TW_FIELD_POINTER, 8, 0xabc);
	add_integer(&s, TW_FIELD_BOOL, 1, 1);
	CHECK(&s, "%s %s %s %s", "-5 5 0xabc 1");
	CHECK(&s, "%f %.3g %8e %-4a|", "-5 5    0xabc 1   |");
	CHECK(&s, "%x %d %d %d", "fffffffb 5 2748 1");
	CHECK(&s, "%p %p", "0xfffffffb 0x5");
	finish(&s);
	add_text(&s, "text");
	CHECK(&s, "%d", "text");
	CHECK(&s, "%.2x", "text");
	CHECK(&s, "%6p", "  text");
	CHECK(&s, "%c", "text");
	finish(&s);
	add_double(&s, 1.5);
	CHECK(&s, "%d", "1.5");
	CHECK(&s, "%s", "1.5");
	CHECK(&s, "%.1p", "1.5");
	finish(&s);
}

static void test_as_written(void **state)
{
	struct sample s = {0};

	CHECK(&s, "", "");
	CHECK(&s, "no field %d, none %-5.2lx", "no field %d, none %-5.2lx");
	CHECK(&s, "100%%", "100%");
	CHECK(&s, "100%", "100%");
	CHECK(&s, "%5%|", "%|");
	CHECK(&s, "%l", "%l");
	CHECK(&s, "% ", "% ");
	CHECK(&s, "%%%%%", "%%%");
	add_int(&s, 3);
	CHECK(&s, "%n %y %1$d %d", "%n %y %1$d 3");
	CHECK(&s, "%hd %hhd", "3 %hhd");
	CHECK(&s, "only text", "only text");
	CHECK(&s, "%i%", "3%");
	CHECK(&s, "%%d", "%d");
	CHECK(&s, "%'d %'-5i", "3 %'-5i"); /* no grouping in the C locale */
	finish(&s);
}

static void test_escapes(void **state)
{
	struct sample s = {0};

	add_text(&s, "a\nb\x1b[0m\\ \xff naïve\xe2\x80\xae");
	CHECK(&s, "\t%s\n",
	      "\\ta\\nb\\x1b[0m\\\\ \\xff naïve\\xe2\\x80\\xae\\n");
	CHECK(&s, "%.3s|", "a\\nb|");
	CHECK(&s, "\x1b]0;ü\\", "\\x1b]0;ü\\\\");
	finish(&s);
	add_integer(&s, TW_FIELD_UINT, 1, 0x1b);
	add_integer(&s, TW_FIELD_UINT, 1, 0);
	add_integer(&s, TW_FIELD_UINT, 1, 0xe4);
	CHECK(&s, "%c%c%3c", "\\x1b\\x00  \\xe4");
	finish(&s);
}

static void test_made_up(void **state)
{
	struct sample s = {0};

	compile(&s, NULL);
	assert_string_equal(run(&s), "");
	add_int(&s, -5);
	add_integer(&s, TW_FIELD_UINT, 2, 0xabc);
	add_integer(&s, TW_FIELD_POINTER, 8, 0);
	add_integer(&s, TW_FIELD_POINTER, 4, 0x10);
	add_integer(&s, TW_FIELD_BOOL, 1, 1);
	add_text(&s, "x y");
	add_double(&s, 0.25);
	compile(&s, NULL);
	assert_string_equal(run(&s),
			    "a=-5 b=0xabc c=(nil) d=0x10 e=1 f=x y g=0.25");
	finish(&s);
}

static void test_ten_fields(void **state)
{
	struct sample s = {0};

	for (int i = 0; i < TW_FIELDS_MAX; i++)
		add_int(&s, i);
	CHECK(&s, "%d%d%d%d%d%d%d%d%d%d%d", "0123456789%d");
	CHECK(&s, "%*d%*d%*d%*d%*d", "1 3   5     7       9");
	finish(&s);
}

static void test_appends(void **state)
{
	struct sample s = {0};
	struct tw_text text = {0};

	add_text(&s, "field");
	add_int(&s, 1);
	compile(&s, "%s %d");
	for (int i = 0; i < 1000; i++)
		tw_format_run(s.format, s.bytes, s.size, false, &text);
	assert_int_equal(text.size, 7000);
	for (size_t i = 0; i < 7000; i += 7)
		assert_memory_equal(text.data + i, "field 1", 7);
	free(text.data);
	finish(&s);
}

static void test_swap(void **state)
{
	static const uint8_t bytes[] = {0x12, 0x34, 0xff, 0xff, 0xff, 0xfe,
					0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
					0x07, 0x08, 'h',  'i',	0,    0x7f,
					0x3f, 0xc0, 0,	  0};
	static const uint8_t reversed[] = {0x34, 0x12, 0xfe, 0xff, 0xff, 0xff,
					   0x08, 0x07, 0x06, 0x05, 0x04, 0x03,
					   0x02, 0x01, 'h',  'i',  0,	 0x7f,
					   0,	 0,    0xc0, 0x3f};
	bool is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	struct sample s = {0};

	add_field(&s, TW_FIELD_UINT, 2, bytes, 2);
	add_field(&s, TW_FIELD_SINT, 4, bytes, 4);
	add_field(&s, TW_FIELD_UINT, 8, bytes, 8);
	add_field(&s, TW_FIELD_STRING, 0, bytes, 3);
	add_field(&s, TW_FIELD_UINT, 1, bytes, 1);
	add_field(&s, TW_FIELD_FLOAT, 4, bytes, 4);
	compile(&s, "%x %d %x %s %x %g%c");
	tw_format_run(s.format, bytes, sizeof(bytes), !is_big, &s.text);
	tw_text_add(&s.text, "", 1);
	assert_string_equal(s.text.data, "1234 -2 102030405060708 hi 7f 1.5%c");
	s.text.size = 0;
	tw_format_run(s.format, reversed, sizeof(reversed), is_big, &s.text);
	tw_text_add(&s.text, "", 1);
	assert_string_equal(s.text.data, "1234 -2 102030405060708 hi 7f 1.5%c");
	finish(&s);
}

/* Bytes that end before the fields do: odd text, and nothing read past them. */
static void test_short_fields(void **state)
{
	struct sample s = {0};
	size_t whole;

	add_int(&s, 6);
	add_int(&s, 1);
	add_text(&s, "string");
	add_integer(&s, TW_FIELD_UINT, 8, 2);
	add_int(&s, 3);
	add_double(&s, 4);
	whole = s.size;
	compile(&s, "%*d %s %p %.*f");
	assert_string_equal(run(&s), "     1 string 0x2 4.000");
	for (s.size = 0; s.size < whole; s.size++)
		assert_true(strlen(run(&s)) < 40);
	s.size = 8;
	assert_string_equal(run(&s), "     1  ");
	finish(&s);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Formats and fields of no sense at all. A sanitizer watches. */
static void test_nonsense(void **state)
{
	static const char letters[] =
		"%%%%diuxXocspfFeEgGaA-+ #0'.*123lhz\\\n~";
	static const uint8_t kinds[][2] = {
		{TW_FIELD_UINT, 1},    {TW_FIELD_UINT, 2},
		{TW_FIELD_SINT, 4},    {TW_FIELD_SINT, 8},
		{TW_FIELD_STRING, 0},  {TW_FIELD_FLOAT, 8},
		{TW_FIELD_POINTER, 8}, {TW_FIELD_SINT, 0}};
	uint32_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		struct sample s = {0};
		uint32_t count = random_next(&seed) % (TW_FIELDS_MAX + 1);
		char format[64];
		uint8_t noise[16];

		for (uint32_t i = 0; i < count; i++) {
			const uint8_t *kind =
				kinds[random_next(&seed) % COUNT(kinds)];

			for (size_t j = 0; j < sizeof(noise); j++)
				noise[j] = (uint8_t)random_next(&seed);
			add_field(&s, kind[0], kind[1], noise,
				  kind[1] ? kind[1] : sizeof(noise));
		}
		for (size_t i = 0; i < sizeof(format) - 1; i++)
			format[i] = letters[random_next(&seed) %
					    (sizeof(letters) - 1)];
		format[random_next(&seed) % sizeof(format)] = 0;
		format[sizeof(format) - 1] = 0;
		compile(&s, format);
		run(&s);
		for (size_t i = 0; i + 1 < s.text.size; i++)
			assert_false((uint8_t)s.text.data[i] < ' ');
		finish(&s);
	}
}

static void add_bytes(struct sample *s, const void *bytes, uint16_t size)
{
	uint8_t counted[2048];

	memcpy(counted, &size, 2);
	memcpy(counted + 2, bytes, size);
	add_field(s, TW_FIELD_BYTES, 0, counted, size + 2u);
}

static void test_bytes(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x1b, 0xff, 0x7f};
	struct sample s = {0};

	add_bytes(&s, bytes, 4);
	add_int(&s, 9);
	add_bytes(&s, bytes, 0);
	add_bytes(&s, bytes + 2, 1);
	CHECK(&s, "<%s> %d [%s] %s", "<00 1b ff 7f> 9 [] ff");
	CHECK(&s, "%14s|%-3d|%3s|%-4s|", "   00 1b ff 7f|9  |   |ff  |");
	CHECK(&s, "%-14s|%d", "00 1b ff 7f   |9");
	CHECK(&s, "%.5s|%d", "00 1b|9");
	/* No conversion but %s fits. */
	CHECK(&s, "%p %x %d", "00 1b ff 7f 9 ");
	CHECK(&s, "%.2d|%d", "00 1b ff 7f|9");
	/* As a width it is 0. */
	CHECK(&s, "%*d", "9");
	CHECK(&s, NULL, "a=00 1b ff 7f b=9 c= d=ff");
	finish(&s);
}

static void test_bytes_that_may_be_cut(void **state)
{
	struct sample s = {0};
	uint8_t bytes[1023];
	const char *text;

	memset(bytes, 0xa5, sizeof(bytes));
	add_bytes(&s, bytes, 1022);
	add_bytes(&s, bytes, 1023);
	compile(&s, "%s|%600s|");
	text = run(&s);
	assert_int_equal(strlen(text), 1022 * 3 - 1 + 1 + 1023 * 3 - 1 + 4 + 1);
	assert_int_equal(text[1022 * 3 - 1], '|');
	assert_string_equal(text + strlen(text) - 8, " a5 ...|");
	finish(&s);
}

/* A count that reaches past the fields' end. */
static void test_bytes_cut_short(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct sample s = {0};

	add_bytes(&s, bytes, 3);
	s.bytes[0] = 4;
	CHECK(&s, "x %s y", "x  y");
	s.size = 1;
	CHECK(&s, "x %s y", "x  y");
	finish(&s);
}

static void test_labels(void **state)
{
	static const char names_of[] = "state IDLE=0 BUSY=4 BAD=-1 TOP=255";
	struct sample s = {0};

	add_int(&s, 4);
	add_int(&s, -1);
	add_integer(&s, TW_FIELD_UINT, 1, 255);
	add_integer(&s, TW_FIELD_UINT, 8, UINT64_MAX);
	add_int(&s, -7);
	for (int i = 0; i < 5; i++)
		s.fields[i].values = names_of;
	CHECK(&s, "%s %s %s %s %s", "BUSY BAD TOP 18446744073709551615 -7");
	CHECK(&s, "%d %i %u %lx %d", "4 -1 255 ffffffffffffffff -7");
	CHECK(&s, "%6s|%-5s|%.1s|%25s|%4s|",
	      "  BUSY|BAD  |T|     18446744073709551615|  -7|");
	CHECK(&s, "%f", "BUSY");
	CHECK(&s, "%*s", " BAD");
	CHECK(&s, NULL, "a=BUSY b=BAD c=TOP d=18446744073709551615 e=-7");
	s.fields[0].values = "state";
	s.fields[1].values = "x y z";
	CHECK(&s, "%s %s", "4 -1");
	finish(&s);
}

static void test_letters(void **state)
{
	char letters[TW_FIELDS_MAX];
	struct tw_event_desc event = {
		.format = "%d%% %s %*x %.*f %*.*s %llu %c %-5"};

	tw_format_letters(&event, letters);
	assert_memory_equal(letters, "ds\0x\0f\0\0su", 10);
	event.format = NULL;
	tw_format_letters(&event, letters);
	assert_memory_equal(letters, "\0\0\0\0\0\0\0\0\0\0", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_bytes_that_may_be_cut),
		cmocka_unit_test(test_bytes_cut_short),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_pointer),
		cmocka_unit_test(test_length_modifiers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_floats),
		cmocka_unit_test(test_stars),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_misfits),
		cmocka_unit_test(test_as_written),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_made_up),
		cmocka_unit_test(test_ten_fields),
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_short_fields),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
