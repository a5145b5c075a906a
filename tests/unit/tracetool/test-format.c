/* SPDX-License-Identifier: MIT */
/*
 * The formats with backends of the test's own, which use what no real one of
 * them does yet: every hook, and a test that is not the state byte's.
 */

#include "../../../src/schema/parse.h"
#include "../../../src/tracetool/backend.h"
#include "../../../src/tracetool/format.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define FILE_HOOK(name)                                                   \
	static void name(struct tw_output *out, const struct tw_job *job) \
	{                                                                 \
		tw_output_add(out, "<" #name " %s>", job->group);         \
	}
#define EVENT_HOOK(hook)                                                  \
	static void hook(struct tw_output *out, const struct tw_job *job, \
			 const struct tw_job_event *event)                \
	{                                                                 \
		tw_output_add(out, "<" #hook " %s>", event->desc->name);  \
	}

FILE_HOOK(header_begin)
FILE_HOOK(header_end)
FILE_HOOK(source_begin)
FILE_HOOK(source_end)
EVENT_HOOK(header_event)
EVENT_HOOK(source_before_event)
EVENT_HOOK(source_event)
EVENT_HOOK(probe)
EVENT_HOOK(stated)

static void test_hook(struct tw_output *out, const struct tw_job *job,
		      const struct tw_job_event *event)
{
	tw_output_add(out, "PROBE_%s()", event->desc->name);
}

static const struct tw_tool_backend hooks = {
	.name = "hooks",
	.test = test_hook,
	.header_begin = header_begin,
	.header_event = header_event,
	.header_end = header_end,
	.source_begin = source_begin,
	.source_before_event = source_before_event,
	.source_event = source_event,
	.source_end = source_end,
};

static const struct tw_tool_backend plain_probe = {
	.name = "probe", .test = test_hook, .source_event = probe};
static const struct tw_tool_backend by_state = {
	.name = "by-state", .uses_states = true, .source_event = stated};

static struct tw_output out;

static int teardown(void **state)
{
	free(out.text.data);
	out = (struct tw_output){0};
	return 0;
}

/* What a format makes of text with the backends up to NULL. */
static char *generate(const struct tw_tool_format *format, const char *text,
		      const struct tw_tool_backend *first,
		      const struct tw_tool_backend *second)
{
	const struct tw_tool_backend *backends[] = {first, second};
	struct tw_job job = {.group = "g",
			     .output_name = "o\"ut",
			     .backends = backends,
			     .backend_count = second ? 2 : 1};
	const struct tw_event_desc *culprit;
	struct tw_parse_errors errors;
	struct tw_schema *schema;
	char message[200];

	teardown(NULL);
	assert_int_equal(
		tw_parse_events("in", text, strlen(text), &schema, &errors), 0);
	assert_int_equal(tw_job_add_events(&job, &schema, 1, message,
					   sizeof(message), &culprit),
			 0);
	format->generate(&out, &job);
	tw_job_clear(&job);
	tw_schema_destroy(schema);
	tw_text_add(&out.text, "", 1);
	assert_false(out.text.failed);
	assert_non_null(out.text.data);
	return out.text.data;
}

/* That the parts are all there, in this order. */
static void check_order(const char *text, ...)
{
	va_list parts;
	const char *part;

	va_start(parts, text);
	while ((part = va_arg(parts, const char *))) {
		const char *found = strstr(text, part);

		if (!found) {
			va_end(parts);
			fail_msg("no '%s' in: %s", part, text);
			return;
		}
		text = found + strlen(part);
	}
	va_end(parts);
}

static void test_every_hook_is_called(void **state)
{
	const char *text = generate(&tw_format_h, "a(void)\nb(void)\n", &hooks,
				    NULL);

	check_order(text, "<header_begin g>", "<header_event a>",
		    "static inline void trace_a(void)", "<header_event b>",
		    "<header_end g>", "#endif", NULL);
	text = generate(&tw_format_c, "a(void)\nb(void)\n", &hooks, NULL);
	check_order(text, "<source_begin g>", "<source_before_event a>",
		    "void _tw_emit_a(void)\n", "<source_event a>",
		    "<source_before_event b>", "<source_event b>",
		    "<source_end g>", NULL);
}

/* Nothing to switch: no group, no blob, and only the backend's own test. */
static void test_no_states_no_group(void **state)
{
	const char *text = generate(&tw_format_c, "a(void)\n", &hooks, NULL);

	assert_null(strstr(text, "tw_group"));
	assert_null(strstr(text, "tw_blob"));
	assert_null(strstr(text, "if ("));
	text = generate(&tw_format_h, "a(void)\n", &hooks, NULL);
	assert_null(strstr(text, "TW_STATE"));
	check_order(text, "TRACE_A_BACKEND_DSTATE() (PROBE_a())\n", NULL);
}

/* One test in the header leads there; inside, each backend has its own. */
static void test_mixed_tests(void **state)
{
	const char *text = generate(&tw_format_h, "a(void)\n", &plain_probe,
				    &by_state);

	check_order(text,
		    "TRACE_A_BACKEND_DSTATE() "
		    "(TW_STATE(g, 0) || PROBE_a())\n",
		    NULL);
	text = generate(&tw_format_c, "a(void)\n", &plain_probe, &by_state);
	check_order(text, "if (PROBE_a()) {", "<probe a>",
		    "if (TW_STATE(g, 0)) {", "<stated a>", NULL);
	text = generate(&tw_format_c, "a(void)\n", &by_state, &plain_probe);
	check_order(text, "if (TW_STATE(g, 0)) {", "<stated a>",
		    "if (PROBE_a()) {", "<probe a>", NULL);
}

/* A disabled event reaches no hook, yet keeps its place in the blob. */
static void test_disabled(void **state)
{
	const char *text = generate(&tw_format_c, "disable a(int x)\nb(void)\n",
				    &by_state, NULL);

	assert_null(strstr(text, "_tw_emit_a"));
	assert_null(strstr(text, "<stated a>"));
	check_order(text, "TW_EVENT_DISABLED}, /* a */", "<stated b>", NULL);
	text = generate(&tw_format_h, "disable a(int x)\nb(void)\n", &by_state,
			NULL);
	check_order(text, "#define TRACE_A_ENABLED 0\n",
		    "static inline void trace_a(int x)\n{\n\t(void)x;\n}\n",
		    "(TW_STATE(g, 1))", NULL);
}

static void test_blame_is_quoted(void **state)
{
	const char *text = generate(&tw_format_c, "\na(int x) \"%d\"\n",
				    &tw_backend_log, NULL);

	check_order(text, "\n#line 2 \"in\"\n",
		    "tw_log(\"a \" \"%d\" \"\\n\", x)", "#line ",
		    " \"o\\\"ut\"\n\t}\n", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_every_hook_is_called), TEST(test_no_states_no_group),
		TEST(test_mixed_tests),		 TEST(test_disabled),
		TEST(test_blame_is_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
