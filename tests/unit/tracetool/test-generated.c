/* SPDX-License-Identifier: MIT */
/*
 * The generated code, compiled and called, with a runtime of the test's own
 * behind it: what it puts into the page, what it logs, and in which order.
 */

#include "../../../src/schema/blob-read.h"
#include "generated-log-ring.h"
#include "generated-ring-log.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <trackway/emit.h>

/* The groups are private to their module: this one. */
extern TW_HIDDEN struct tw_group tw_group_gen, tw_group_rev;

#define ID_BASE 500u
#define PAGE_SIZE 8192u

static struct tw_lane lane;
__thread struct tw_lane *tw_lane_current = &lane;

static union {
	struct tw_page page;
	unsigned char bytes[PAGE_SIZE];
	uint64_t align;
} memory;

static int registered;
static char logged[512];
static uint32_t events_when_logged;
static bool slow_opens;
static unsigned slow_calls;

void tw_group_register(struct tw_group *group)
{
	group->id_base = ID_BASE;
	registered++;
}

void tw_group_unregister(struct tw_group *group)
{
	registered--;
}

void tw_log(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(logged, sizeof(logged), format, args);
	va_end(args);
	events_when_logged = memory.page.events;
}

static uintptr_t page_end(void)
{
	return (uintptr_t)memory.bytes + PAGE_SIZE - TW_PAGE_TRAILER;
}

bool tw_slot_open_slow(struct tw_slot *slot, size_t size)
{
	slow_calls++;
	if (!slow_opens)
		return false;
	slot->lane = &lane;
	slot->page = &memory.page;
	slot->at = lane.writer.pos;
	lane.writer.lock = 0;
	slot->time = 77;
	return true;
}

static int setup(void **state)
{
	memset(&memory, 0, sizeof(memory));
	memory.page.content_size = TW_PAGE_HEADER * 8;
	lane.writer = (struct tw_writer){.pos = memory.page.payload,
					 .end = page_end(),
					 .page = &memory.page,
					 .limit = ~(uint64_t)0,
					 .lock = TW_WRITER_FREE};
	memset(tw_states_gen.state, 0, sizeof(tw_states_gen.state));
	memset(tw_states_rev.state, 0, sizeof(tw_states_rev.state));
	logged[0] = 0;
	events_when_logged = 99;
	slow_calls = 0;
	slow_opens = false;
	return 0;
}

/* The one event in the page: its id and its fields' bytes. */
static void check_event(uint32_t index, const void *fields, size_t size)
{
	uint64_t word;

	assert_int_equal(memory.page.events, 1);
	assert_int_equal(memory.page.content_size,
			 8 * (TW_PAGE_HEADER + TW_EVENT_HEADER + size));
	memcpy(&word, memory.page.payload, sizeof(word));
	assert_int_equal(word, TW_EVENT_WORD(memory.page.timestamp_end,
					     ID_BASE + index));
	if (size)
		assert_memory_equal(memory.page.payload + TW_EVENT_HEADER,
				    fields, size);
	assert_true(lane.writer.lock == TW_WRITER_FREE);
}

static void test_groups_are_registered(void **state)
{
	assert_int_equal(registered, 2);
	assert_int_equal(tw_group_gen.size, sizeof(struct tw_group));
	assert_int_equal(tw_group_gen.event_count, 9);
	assert_ptr_equal(tw_group_gen.states, &tw_states_gen);
	assert_int_equal(tw_group_gen.states_size, TW_STATES_SIZE(9));
	assert_int_equal((uintptr_t)tw_group_gen.states % TW_STATES_ALIGN, 0);
	assert_ptr_equal(tw_states_gen.state, tw_group_gen.states->state);
}

static void test_off_does_nothing(void **state)
{
	trace_gen_plain(1, 2, 3);
	trace_gen_void();
	trace_gen_disabled(1);
	assert_int_equal(memory.page.events, 0);
	assert_int_equal(slow_calls, 0);
	assert_string_equal(logged, "");
}

static void test_plain(void **state)
{
	const int fields[] = {-1, 0x12345678, 3};

	tw_states_gen.state[0] = 1;
	trace_gen_plain(-1, 0x12345678, 3);
	check_event(0, fields, sizeof(fields));
	assert_string_equal(logged, "gen_plain a=-1 b=305419896 c=3\n");
}

static void test_void(void **state)
{
	tw_states_gen.state[1] = 1;
	trace_gen_void();
	check_event(1, NULL, 0);
	assert_string_equal(logged, "gen_void \n");
}

static void test_strings(void **state)
{
	tw_states_gen.state[3] = 1;
	trace_gen_strings("one", 2,
			  (char[]){"a longer one, past the short copy"});
	check_event(3, "one\0\2a longer one, past the short copy", 39);
}

static void test_null_and_empty_strings(void **state)
{
	tw_states_gen.state[3] = 1;
	trace_gen_strings(NULL, 7, (char[]){""});
	check_event(3, "\0\7", 3);
}

static void test_long_string_is_cut(void **state)
{
	char text[TW_STRING_MAX + 100];
	char fields[TW_STRING_MAX + 3] = {0};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	memset(fields, 'x', TW_STRING_MAX);
	fields[TW_STRING_MAX + 1] = 5;
	tw_states_gen.state[3] = 1;
	trace_gen_strings(text, 5, (char[]){""});
	check_event(3, fields, sizeof(fields));
}

static void test_types_are_packed(void **state)
{
	unsigned char fields[64];
	unsigned char *at = fields;
	const bool flag = true;
	const char c = 'c';
	const signed char sc = -2;
	const unsigned char uc = 200;
	const short s = -300;
	const unsigned long ul = ~0ul;
	const long long ll = -5;
	const size_t size = 9;
	void *const ptr = &lane;
	const char *const p = "not copied";

	at = TW_PUT(at, flag);
	at = TW_PUT(at, c);
	at = TW_PUT(at, sc);
	at = TW_PUT(at, uc);
	at = TW_PUT(at, s);
	at = TW_PUT(at, ul);
	at = TW_PUT(at, ll);
	at = TW_PUT(at, size);
	at = TW_PUT(at, ptr);
	at = TW_PUT(at, p);
	tw_states_gen.state[4] = 1;
	trace_gen_types(flag, c, sc, uc, s, ul, ll, size, ptr, p);
	check_event(4, fields, (size_t)(at - fields));
	assert_int_equal(at - fields, 6 + 2 * sizeof(ul) + 8 + 2 * sizeof(ptr));
}

static void test_awkward_names(void **state)
{
	tw_states_gen.state[5] = 1;
	trace_gen_names(1, "two", 3, 4, 5, 6);
	assert_int_equal(memory.page.events, 1);
	assert_string_equal(logged, "gen_names 1 two 3 4 5 6\n");
}

static void test_no_format_logs_fields(void **state)
{
	tw_states_gen.state[6] = 1;
	trace_gen_no_format(255, -1, "text");
	assert_string_equal(logged,
			    "gen_no_format id=0xff level=-1 text=text\n");
}

static void test_slow_path(void **state)
{
	const int fields[] = {1, 2, 3};

	tw_states_gen.state[0] = 1;
	lane.writer.lock = 0;
	trace_gen_plain(1, 2, 3);
	assert_int_equal(slow_calls, 1);
	assert_int_equal(memory.page.events, 0);
	assert_true(lane.writer.lock == 0);
	/* Discarded in the ring is no reason not to be logged. */
	assert_string_equal(logged, "gen_plain a=1 b=2 c=3\n");

	slow_opens = true;
	trace_gen_plain(1, 2, 3);
	assert_int_equal(slow_calls, 2);
	assert_int_equal(memory.page.timestamp_end, 77);
	check_event(0, fields, sizeof(fields));
}

static void test_full_page_is_slow(void **state)
{
	tw_states_gen.state[0] = 1;
	lane.writer.end = (uintptr_t)lane.writer.pos + TW_EVENT_HEADER +
			  3 * sizeof(int);
	trace_gen_plain(1, 2, 3);
	assert_int_equal(slow_calls, 0);
	assert_int_equal(memory.page.events, 1);
	trace_gen_plain(1, 2, 3);
	assert_int_equal(slow_calls, 1);
	assert_int_equal(memory.page.events, 1);
}

/* The lane is left as free as it was, and the page as it was. */
static void check_slow_by_time(void)
{
	const uint64_t end = memory.page.timestamp_end;

	tw_states_gen.state[0] = 1;
	trace_gen_plain(1, 2, 3);
	assert_int_equal(slow_calls, 1);
	assert_int_equal(memory.page.events, 0);
	assert_int_equal(memory.page.timestamp_end, end);
	assert_ptr_equal(lane.writer.pos, memory.page.payload);
	assert_true(lane.writer.lock == TW_WRITER_FREE);
}

static void test_time_that_goes_back_is_slow(void **state)
{
	memory.page.timestamp_end = ~(uint64_t)0 - 1;
	check_slow_by_time();
}

static void test_time_past_the_limit_is_slow(void **state)
{
	lane.writer.limit = tw_clock_fast();
	check_slow_by_time();
}

static void test_no_limit_is_slow(void **state)
{
	lane.writer.limit = 0;
	check_slow_by_time();
}

static void test_backends_run_in_order(void **state)
{
	tw_states_gen.state[1] = 1;
	trace_gen_void();
	assert_int_equal(events_when_logged, 1);
	tw_states_rev.state[0] = 1;
	trace_rev_void();
	assert_int_equal(memory.page.events, 2);
	assert_int_equal(events_when_logged, 1);
}

static void test_asking_for_the_state(void **state)
{
	assert_false(trace_gen_plain_enabled());
	assert_false(trace_event_get_state_backends(TRACE_GEN_PLAIN));
	tw_states_gen.state[0] = 1;
	assert_true(trace_gen_plain_enabled());
	assert_true(trace_event_get_state_backends(TRACE_GEN_PLAIN));
	assert_int_equal(TRACE_GEN_PLAIN_ENABLED, 1);
	assert_int_equal(TRACE_GEN_DISABLED_ENABLED, 0);
	tw_states_gen.state[2] = 1;
	assert_false(trace_gen_disabled_enabled());
	assert_false(trace_event_get_state_backends(TRACE_GEN_DISABLED));
}

/* An event whose name is another's NAME_enabled() is an event. */
static void test_event_named_enabled(void **state)
{
	tw_states_gen.state[8] = 1;
	trace_gen_tail_enabled();
	check_event(8, NULL, 0);
	assert_false(trace_event_get_state_backends(TRACE_GEN_TAIL));
}

static void test_blob_reads_back(void **state)
{
	struct tw_schema *schema;
	const struct tw_event_desc *event;
	const char *why = "";
	int error = tw_blob_read(tw_group_gen.blob, tw_group_gen.blob_size,
				 false, &schema, &why);

	if (error)
		fail_msg("blob: %s", why);
	assert_string_equal(schema->group, "gen");
	assert_int_equal(schema->event_count, 9);

	event = &schema->events[2];
	assert_string_equal(event->name, "gen_disabled");
	assert_true(event->disabled);
	assert_int_equal(event->line, 4);
	assert_non_null(strstr(event->file, "generated.events"));

	event = &schema->events[4];
	assert_string_equal(event->name, "gen_types");
	assert_false(event->disabled);
	assert_int_equal(event->field_count, 10);
	assert_int_equal(event->fields[0].kind, TW_FIELD_BOOL);
	assert_int_equal(event->fields[1].kind, TW_KIND_OF(char));
	assert_int_equal(event->fields[2].kind, TW_FIELD_SINT);
	assert_int_equal(event->fields[3].kind, TW_FIELD_UINT);
	assert_int_equal(event->fields[5].size, sizeof(long));
	assert_int_equal(event->fields[9].kind, TW_FIELD_POINTER);
	assert_int_equal(event->fields[9].size, sizeof(void *));

	assert_string_equal(schema->events[5].fields[0].name, "class");
	assert_null(schema->events[6].format);
	assert_string_equal(schema->events[1].format, "");
	assert_string_equal(schema->events[7].format,
			    "\"tail\"?? / 100%% 0x%hx");
	tw_schema_destroy(schema);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_groups_are_registered),
		TEST(test_off_does_nothing),
		TEST(test_plain),
		TEST(test_void),
		TEST(test_strings),
		TEST(test_null_and_empty_strings),
		TEST(test_long_string_is_cut),
		TEST(test_types_are_packed),
		TEST(test_awkward_names),
		TEST(test_no_format_logs_fields),
		TEST(test_slow_path),
		TEST(test_full_page_is_slow),
		TEST(test_time_that_goes_back_is_slow),
		TEST(test_time_past_the_limit_is_slow),
		TEST(test_no_limit_is_slow),
		TEST(test_backends_run_in_order),
		TEST(test_asking_for_the_state),
		TEST(test_event_named_enabled),
		TEST(test_blob_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
