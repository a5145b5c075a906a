/* SPDX-License-Identifier: MIT */
/* Messages back into fields: what printf wrote, and what it never did. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/schema/parse.h"
#include "../../../src/schema/scan.h"

#define QEMU_EVENTS "/usr/share/qemu/trace-events-all"

static uint8_t size_of(const char *type)
{
	return !strcmp(type, "int") || !strcmp(type, "unsigned int") ||
			       !strcmp(type, "unsigned")
		       ? 4
		       : 8;
}

/* Parsed for a machine whose words have 8 bytes. */
static struct tw_schema *parse(const char *text, size_t size)
{
	const struct tw_parse_options options = {
		.size = sizeof(options),
		.dialect = TW_DIALECT_7_2,
	};
	struct tw_parse_errors *errors = calloc(1, sizeof(*errors));
	struct tw_schema *schema = NULL;

	assert_non_null(errors);
	assert_int_equal(tw_parse_events_with(&options, "events", text, size,
					      &schema, errors),
			 0);
	free(errors);
	for (uint32_t i = 0; i < schema->event_count; i++) {
		struct tw_event_desc *event = &schema->events[i];

		for (uint32_t j = 0; j < event->field_count; j++) {
			/* The arena's, and this test's. */
			struct tw_field *field =
				(struct tw_field *)(uintptr_t)&event->fields[j];

			if (!field->size && field->kind != TW_FIELD_STRING &&
			    field->kind != TW_FIELD_BYTES)
				field->size = size_of(field->type);
		}
	}
	return schema;
}

static int scan(const struct tw_event_desc *event, const char *message,
		size_t size, struct tw_text *fields)
{
	struct tw_scan *scan;
	int got = tw_scan_compile(event, &scan);

	if (got)
		return got;
	got = tw_scan_run(scan, message, size, fields);
	tw_scan_destroy(scan);
	return got;
}

struct test_case {
	const char *event;
	const char *message;
	const char *fields; /* packed; NULL: it doesn't fit */
	size_t size;
};

#define FIELDS(bytes) bytes, sizeof(bytes) - 1

static void test_cases(void **state)
{
	static const struct test_case cases[] = {
		{"e(int8_t a) \"%d\"\n", "-128", FIELDS("\x80")},
		{"e(int8_t a) \"%d\"\n", "128", NULL, 0},
		{"e(uint8_t a) \"%d\"\n", "255", FIELDS("\xff")},
		{"e(uint8_t a) \"%d\"\n", "-1", NULL, 0},
		{"e(int8_t a) \"%x\"\n", "ffffff80", FIELDS("\x80")},
		{"e(uint16_t a) \"%u.\"\n", "65535.", FIELDS("\xff\xff")},
		{"e(uint16_t a) \"%u.\"\n", "65536.", NULL, 0},
		{"e(uint16_t a) \"%u\"\n", "007", NULL, 0},
		{"e(uint16_t a) \"%03u\"\n", "007", FIELDS("\7\0")},
		{"e(uint16_t a) \"%5u|\"\n", "    7|", FIELDS("\7\0")},
		{"e(uint16_t a) \"%-5u|\"\n", "7    |", FIELDS("\7\0")},
		{"e(uint16_t a) \"%5u|\"\n", "7|", NULL, 0},
		{"e(uint16_t a) \"%u|\"\n", " 7|", NULL, 0},
		{"e(uint16_t a) \"%#x\"\n", "0x1f", FIELDS("\x1f\0")},
		{"e(uint16_t a) \"%X\"\n", "1F", FIELDS("\x1f\0")},
		{"e(uint16_t a) \"%X\"\n", "1f", NULL, 0},
		{"e(uint16_t a) \"%o\"\n", "17", FIELDS("\xf\0")},
		{"e(uint16_t a) \"%c\"\n", "a", FIELDS("a\0")},
		{"e(int16_t a) \"%+d\"\n", "+7", FIELDS("\7\0")},
		{"e(uint8_t a, uint8_t b) \"%02x%02x\"\n", "0a1f",
		 FIELDS("\x0a\x1f")},
		{"e(uint8_t a, uint8_t b) \"%x%x\"\n", "123",
		 FIELDS("\x12\x03")},
		{"e(uint64_t a) \"%\" PRIu64\n", "18446744073709551615",
		 FIELDS("\xff\xff\xff\xff\xff\xff\xff\xff")},
		{"e(uint64_t a) \"%\" PRIu64\n", "18446744073709551616", NULL,
		 0},
		{"e(const char *a, const char *b) \"%s %s\"\n", "x y z",
		 FIELDS("x\0y z\0")},
		{"e(const char *a) \"<%s>\"\n", "<a>b>", FIELDS("a>b\0")},
		{"e(const char *a) \"<%s>\"\n", "<>", FIELDS("\0")},
		{"e(const char *a) \"<%s>\"\n", "<a", NULL, 0},
		{"e(const char *a) \"%5s|\"\n", "   ab|", FIELDS("ab\0")},
		{"e(const char *a) \"%.2s|\"\n", "abc|", NULL, 0},
		{"e(int n, const char *a) \"%.*s|\"\n", "abc|",
		 FIELDS("\3\0\0\0abc\0")},
		{"e(uint8_t n, uint8_t a) \"%0*x\"\n", "001f",
		 FIELDS("\4\x1f")},
		{"e(void *a) \"%p\"\n", "(nil)", FIELDS("\0\0\0\0\0\0\0\0")},
		{"e(void *a) \"%p\"\n", "0xff", FIELDS("\xff\0\0\0\0\0\0\0")},
		{"e(double a) \"%.1f\"\n", "-0.5",
		 FIELDS("\0\0\0\0\0\0\xe0\xbf")},
		{"e(uint8_t a) \"100%% %u\"\n", "100% 7", FIELDS("\7")},
		{"e(uint8_t a) \"%u\"\n", "", NULL, 0},
		{"e(uint8_t a) \"%u\"\n", "7 ", NULL, 0},
		{"e(void) \"\"\n", "", FIELDS("")},
		{"e(void) \"\"\n", "x", NULL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct test_case *it = &cases[i];
		struct tw_schema *schema = parse(it->event, strlen(it->event));
		struct tw_text fields = {0};
		const int got = scan(schema->events, it->message,
				     strlen(it->message), &fields);

		if (got != (it->fields != NULL))
			fail_msg("%s of %s: %d", it->message, it->event, got);
		assert_int_equal(fields.size, it->size);
		if (it->size && memcmp(fields.data, it->fields, it->size) != 0)
			fail_msg("%s of %s: other fields", it->message,
				 it->event);
		free(fields.data);
		tw_schema_destroy(schema);
	}
}

static void test_not_all_fields(void **state)
{
	static const char *const events[] = {
		"e(int a, int b) \"%d\"\n",
		"e(int a)\n",
		"e(int a) \"%d %d\"\n",
		"e(int a) \"\"\n",
	};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct tw_schema *schema = parse(events[i], strlen(events[i]));
		struct tw_text fields = {0};

		assert_int_equal(scan(schema->events, "1", 1, &fields),
				 -ENOTSUP);
		tw_schema_destroy(schema);
	}
}

/* ---- Any event of a whole QEMU ---- */

static uint64_t random_state = 88172645463325252u;

static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void add_random(struct tw_text *out, const struct tw_field *field)
{
	static const char letters[] = "abcxyz019 :,-'/=%";
	/* Small ones too, as widths are. */
	const uint64_t value = draw() >> draw() % 64;
	char letter;

	if (field->kind != TW_FIELD_STRING) {
		tw_text_add(out, (const char *)&value, field->size);
		return;
	}
	for (uint64_t left = draw() % 12; left; left--) {
		letter = letters[draw() % (sizeof(letters) - 1)];
		tw_text_add(out, &letter, 1);
	}
	tw_text_add(out, "", 1);
}

static void format(const struct tw_event_desc *event,
		   const struct tw_text *fields, struct tw_text *message)
{
	struct tw_format *compiled;

	assert_int_equal(tw_format_compile(event, &compiled), 0);
	tw_format_run(compiled, (const uint8_t *)fields->data, fields->size,
		      false, message);
	tw_format_destroy(compiled);
}

/* An escaped message is none that printf has written. */
static bool is_plain(const struct tw_text *message)
{
	for (size_t i = 0; i < message->size; i++)
		if (message->data[i] == '\\' || message->data[i] < ' ' ||
		    message->data[i] > '~')
			return false;
	return true;
}

static int check_event(const struct tw_event_desc *event)
{
	struct tw_text fields = {0}, message = {0}, found = {0}, again = {0};
	int got;

	for (uint32_t i = 0; i < event->field_count; i++)
		add_random(&fields, &event->fields[i]);
	format(event, &fields, &message);
	got = is_plain(&message) ? scan(event, message.data ? message.data : "",
					message.size, &found)
				 : -ENOTSUP;
	/* But for a width that is negative, which blanks don't tell. */
	if (!got && !strchr(event->format, '*'))
		fail_msg("%s: \"%.*s\" does not fit", event->name,
			 (int)message.size, message.data);
	if (got > 0) {
		format(event, &found, &again);
		assert_int_equal(again.size, message.size);
		assert_memory_equal(again.data ? again.data : "",
				    message.data ? message.data : "",
				    message.size);
	}
	free(fields.data);
	free(message.data);
	free(found.data);
	free(again.data);
	return got > 0;
}

static void test_qemu(void **state)
{
	FILE *file = fopen(QEMU_EVENTS, "r");
	struct tw_text text = {0};
	struct tw_schema *schema;
	char piece[4096];
	uint32_t fit = 0;
	size_t got;

	if (!file) {
		print_message("skipped: no " QEMU_EVENTS "\n");
		skip();
	}
	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		tw_text_add(&text, piece, got);
	fclose(file);
	schema = parse(text.data, text.size);
	for (int round = 0; round < 5; round++)
		for (uint32_t i = 0; i < schema->event_count; i++)
			fit += (uint32_t)check_event(&schema->events[i]);
	print_message("%u of %u messages\n", fit, schema->event_count * 5);
	assert_true(fit > schema->event_count * 4);
	tw_schema_destroy(schema);
	free(text.data);
}

/* Whatever the message, it ends, and what fits makes the message again. */
static void test_hostile(void **state)
{
	static const char events[] =
		"a(const char *a, const char *b, const char *c) \"%s%s%s.\"\n"
		"b(uint8_t a, uint8_t b, const char *c) \"%x%x%s\"\n"
		"c(double a, double b) \"%g%g\"\n"
		"d(int w, int a, int v, const char *b) \"%*d%-*s\"\n";
	static const char letters[] = "0123fex.- +\\\"sn";
	struct tw_schema *schema = parse(events, strlen(events));
	char *message = malloc(60000);

	for (int round = 0; round < 2000; round++) {
		const struct tw_event_desc *event =
			&schema->events[draw() % schema->event_count];
		const size_t size = round % 100 ? draw() % 30 : draw() % 60000;
		struct tw_text fields = {0}, again = {0}, escaped = {0};

		for (size_t i = 0; i < size; i++)
			message[i] = letters[draw() % (sizeof(letters) - 1)];
		if (scan(event, message, size, &fields) > 0) {
			format(event, &fields, &again);
			tw_text_add_escaped(&escaped, message, size);
			assert_int_equal(again.size, escaped.size);
			assert_memory_equal(again.data, escaped.data,
					    again.size);
		}
		free(fields.data);
		free(again.data);
		free(escaped.data);
	}
	free(message);
	tw_schema_destroy(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_not_all_fields),
		cmocka_unit_test(test_qemu),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
