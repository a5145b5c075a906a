/* SPDX-License-Identifier: MIT */
/*
 * tw_trace_option() in this process: every form of the option, its words as
 * QEMU 7.2 says them, and what is on afterwards.
 */
/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "traced.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <trackway/option.h>
#include <unistd.h>

#include "trace-runtime.h"

static struct traced_dir dir;
/* What was said: a line each, with its kind's letter before it. */
static char said[8192];
/* What the hook was given, and what it answers. */
static char recorded[64];
static int record_result;
static int count_at_record;

static void say(void *context, enum tw_option_line kind, const char *line)
{
	const size_t used = strlen(said);

	assert_ptr_equal(context, said);
	assert_null(strchr(line, '\n'));
	snprintf(said + used, sizeof(said) - used, "%c %s\n", "HWE"[kind],
		 line);
}

static int record(void *context, const char *path)
{
	assert_ptr_equal(context, said);
	snprintf(recorded, sizeof(recorded), "%s", path);
	count_at_record = tw_event_state(tw_event_find("count"));
	return record_result;
}

static int take(const char *option)
{
	const struct tw_option_hooks hooks = {
		.size = sizeof(hooks),
		.context = said,
		.say = say,
		.record = record,
	};

	said[0] = recorded[0] = 0;
	return tw_trace_option(option, &hooks);
}

/* The option's result, and all that is said of it. */
#define EXPECT(option, result, lines)                   \
	do {                                            \
		assert_int_equal(take(option), result); \
		assert_string_equal(said, lines);       \
	} while (0)

/* The events that are on, by name, parted by blanks. */
static const char *on(void)
{
	static char names[256];
	int id = -1;

	names[0] = 0;
	while ((id = tw_event_next(id, NULL)) >= 0)
		if (tw_event_state(id) == 1)
			snprintf(names + strlen(names),
				 sizeof(names) - strlen(names), "%s%s",
				 names[0] ? " " : "", tw_event_name(id));
	return names;
}

static int start(void)
{
	const struct tw_runtime_options options = {
		.size = sizeof(options),
		.ring_size = 1 << 20,
		.directory = dir.path,
	};

	return tw_runtime_start(&options);
}

static int create(void **state)
{
	traced_dir_create(&dir);
	record_result = 0;
	return 0;
}

static int create_and_start(void **state)
{
	create(state);
	return start();
}

static int destroy(void **state)
{
	tw_runtime_stop();
	traced_dir_remove(&dir);
	return 0;
}

static void *load(const char *name)
{
	void *module = dlopen(traced_program(name), RTLD_NOW | RTLD_LOCAL);

	if (!module)
		fail_msg("%s", dlerror());
	return module;
}

/* A path in the test's directory, in a static buffer. */
static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir.path, name);
	return path;
}

/* "events=" of a file that holds these bytes, in a static buffer. */
static const char *file_of(const char *text, size_t size)
{
	static char option[160];
	const char *path = path_of("patterns");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	assert_int_equal(close(fd), 0);
	snprintf(option, sizeof(option), "events=%s", path);
	return option;
}

#define FILE_OF(text) file_of(text, sizeof(text) - 1)

/* Lines about the file, whose path differs from run to run. */
static const char *about_file(const char *format)
{
	static char lines[1024];
	const char *path = path_of("patterns");
	size_t used = 0;

	for (; *format; format++)
		used += (size_t)snprintf(lines + used, sizeof(lines) - used,
					 *format == '@' ? "%s" : "%.1s",
					 *format == '@' ? path : format);
	return lines;
}

static void a_name_is_switched_on(void **state)
{
	EXPECT("count", 0, "");
	assert_string_equal(on(), "count");
	EXPECT("enable=text", 0, "");
	assert_string_equal(on(), "count text");
	EXPECT("-count", 0, "");
	assert_string_equal(on(), "text");
	EXPECT("enable=-text", 0, "");
	assert_string_equal(on(), "");
}

static void options_take_effect_in_order(void **state)
{
	EXPECT("*t*", 0, "");
	assert_string_equal(on(), "count text nothing three");
	EXPECT("-t*", 0, "");
	assert_string_equal(on(), "count nothing");
	EXPECT("three", 0, "");
	assert_string_equal(on(), "count nothing three");
	EXPECT("-*", 0, "");
	assert_string_equal(on(), "");
}

static void only_a_star_may_find_nothing(void **state)
{
	EXPECT("no-such*", 0, "");
	EXPECT("-no-such*", 0, "");
	EXPECT("nosuch", 0, "W trace event 'nosuch' does not exist\n");
	EXPECT("-nosuch", 0, "W trace event 'nosuch' does not exist\n");
	EXPECT("nosuc?", 0, "W trace event 'nosuc?' does not exist\n");
	EXPECT("[count]", 0, "W trace event '[count]' does not exist\n");
	EXPECT("--count", 0, "W trace event '-count' does not exist\n");
	EXPECT("Count", 0, "W trace event 'Count' does not exist\n");
	assert_string_equal(on(), "");
	EXPECT("coun?", 0, "");
	assert_string_equal(on(), "count");
	EXPECT("t????", 0, "");
	assert_string_equal(on(), "count three");
}

static void what_is_compiled_out_is_said(void **state)
{
	EXPECT("gone", 0, "W trace event 'gone' is not traceable\n");
	EXPECT("-gone", 0, "W trace event 'gone' is not traceable\n");
	EXPECT("go?e", 0, "W trace event 'go?e' is not traceable\n");
	EXPECT("gon*", 0, "");
	assert_string_equal(on(), "");
}

static void nothing_is_asked(void **state)
{
	EXPECT("", 0, "");
	EXPECT("enable=", 0, "W trace event '' does not exist\n");
	EXPECT(",", 0, "W trace event '' does not exist\n");
	EXPECT("-", 0, "W trace event '' does not exist\n");
	EXPECT("count,", 0, "");
	assert_string_equal(on(), "count");
}

/* Two commas are one; no name has one, and a list must not be made of it. */
static void commas_are_quoted(void **state)
{
	EXPECT("count,,text", 0, "W trace event 'count,text' does not exist\n");
	EXPECT("count,,", 0, "W trace event 'count,' does not exist\n");
	EXPECT("enable=*,,x", 0, "W trace event '*,x' does not exist\n");
	EXPECT("count text", 0, "W trace event 'count text' does not exist\n");
	assert_string_equal(on(), "");
	EXPECT("file=a,,b=c,,,count", -EINVAL, "E Invalid parameter 'count'\n");
	EXPECT("file=a,,b=c,,,enable=count", 0, "");
	assert_string_equal(recorded, "a,b=c,");
	assert_string_equal(on(), "count");
}

static void keys_are_checked(void **state)
{
	EXPECT("foo=bar", -EINVAL, "E Invalid parameter 'foo'\n");
	EXPECT("count,foo=bar", -EINVAL, "E Invalid parameter 'foo'\n");
	EXPECT("foo=1,help", -EINVAL, "E Invalid parameter 'foo'\n");
	EXPECT("help,foo=1", -EINVAL, "E Invalid parameter 'foo'\n");
	EXPECT("count,text", -EINVAL, "E Invalid parameter 'text'\n");
	EXPECT("=count", -EINVAL, "E Invalid parameter ''\n");
	EXPECT("Enable=count", -EINVAL, "E Invalid parameter 'Enable'\n");
	EXPECT("count,events", -EINVAL,
	       "E Expected '=' after parameter 'events'\n");
	EXPECT("\033[2J=1", -EINVAL, "E Invalid parameter '\\x1b[2J'\n");
	assert_string_equal(on(), "");
	/* The first item is enable='s, whatever it looks like. */
	EXPECT("file", 0, "W trace event 'file' does not exist\n");
	/* The last one of a key holds. */
	EXPECT("count,enable=text", 0, "");
	assert_string_equal(on(), "text");
}

static void help_lists_the_events(void **state)
{
	static const char list[] = "H count\nH handled\nH nothing\n"
				   "H text\nH three\n";
	void *module;

	EXPECT("help", 1, list);
	EXPECT("?", 1, list);
	EXPECT("enable=help,file=x", 1, list);
	assert_string_equal(recorded, "");
	EXPECT("count,help", 1,
	       "H trace options:\nH   enable=<str>\nH   events=<str>\n"
	       "H   file=<str>\n");
	assert_string_equal(on(), "");
	module = load("module-second.so");
	EXPECT("help", 1,
	       "H count\nH handled\nH nothing\nH second_call\n"
	       "H second_quiet\nH text\nH three\n");
	dlclose(module);
	EXPECT("help", 1, list);
	EXPECT("helpless", 0, "W trace event 'helpless' does not exist\n");
}

/* Two modules of one group have its events once. */
static void help_names_each_event_once(void **state)
{
	void *first = load("module-first.so");
	void *copy = load("module-first-copy.so");

	EXPECT("help", 1,
	       "H count\nH first_call\nH first_quiet\nH first_text\n"
	       "H handled\nH nothing\nH text\nH three\n");
	dlclose(copy);
	dlclose(first);
}

static void later_modules_get_it(void **state)
{
	void *module;

	EXPECT("second_*", 0, "");
	EXPECT(FILE_OF("-second_quiet\n"), 0,
	       about_file(
		       "W @:1: trace event 'second_quiet' does not exist\n"));
	module = load("module-second.so");
	assert_string_equal(on(), "second_call");
	EXPECT("-second_call", 0, "");
	assert_string_equal(on(), "");
	dlclose(module);
}

static void a_file_has_patterns(void **state)
{
	EXPECT(FILE_OF("# what is to be seen\n\n*t*\n  # no blanks\n"
		       "\t -three \t\n-text # no comment\nnosuch\nnothing"),
	       0,
	       about_file("W @:6: trace event 'text # no comment' does not "
			  "exist\nW @:7: trace event 'nosuch' does not "
			  "exist\n"));
	assert_string_equal(on(), "count text nothing");
	EXPECT(FILE_OF("-*\r\n\r\ncount\r\n#\r\n-text\r\ngone\r\nhandled"), 0,
	       about_file("W @:6: trace event 'gone' is not traceable\n"));
	assert_string_equal(on(), "count handled");
	EXPECT(FILE_OF("\xef\xbb\xbf-count\n"), 0, "");
	assert_string_equal(on(), "handled");
	EXPECT(FILE_OF(""), 0, "");
	EXPECT(FILE_OF("\n"), 0, "");
	EXPECT(FILE_OF("help\n"), 0,
	       about_file("W @:1: trace event 'help' does not exist\n"));
	assert_string_equal(on(), "handled");
}

/* As in QEMU, wherever the two stand in the option. */
static void a_file_comes_after_the_pattern(void **state)
{
	char option[256];

	snprintf(option, sizeof(option), "%s,enable=t*", FILE_OF("-three\n"));
	EXPECT(option, 0, "");
	assert_string_equal(on(), "text");
	snprintf(option, sizeof(option), "count,%s,file=x",
		 FILE_OF("handled\n"));
	EXPECT(option, 0, "");
	assert_string_equal(on(), "count handled text");
	assert_string_equal(recorded, "x");
}

static void what_is_no_text_is_escaped(void **state)
{
	char line[601];

	EXPECT(FILE_OF("\xff\xe9t\xe9\n"), 0,
	       about_file("W @:1: trace event '\\xff\\xe9t\\xe9' does not "
			  "exist\n"));
	memset(line, 'x', sizeof(line));
	line[600] = '\n';
	assert_int_equal(take(file_of(line, sizeof(line))), 0);
	assert_non_null(strstr(said, "xxxx...' does not exist\n"));
	assert_true(strlen(said) < 400);
}

static void a_file_that_is_no_text_is_refused(void **state)
{
	EXPECT(FILE_OF("count\ntext\0\n"), -EINVAL,
	       about_file("E @:2: not a text file\n"));
	EXPECT(FILE_OF("count\n\033[2J\n"), -EINVAL,
	       about_file("E @:2: not a text file\n"));
	EXPECT("count,events=/proc/self/exe", -EINVAL,
	       "E /proc/self/exe:1: not a text file\n");
	EXPECT("count,events=/dev/zero", -EFBIG,
	       "E /dev/zero: File too large\n");
	assert_string_equal(on(), "");
}

static void a_file_that_cant_be_read_is_refused(void **state)
{
	EXPECT("count,file=x,events=/nowhere/at,,all", -ENOENT,
	       "E /nowhere/at,all: No such file or directory\n");
	EXPECT("events=", -ENOENT, "E : No such file or directory\n");
	EXPECT("events=/no\033[2J\nwhere", -ENOENT,
	       "E /no?[2J?where: No such file or directory\n");
	EXPECT("events=/", -EISDIR, "E /: Is a directory\n");
	assert_string_equal(recorded, "");
	assert_string_equal(on(), "");
}

/* Lines enough for a limit, of what number is. */
static char *many_lines(unsigned count, const char *format, size_t *size)
{
	char *text = malloc((size_t)count * 64);
	unsigned i;

	assert_non_null(text);
	*size = 0;
	for (i = 0; i < count; i++)
		*size += (size_t)sprintf(text + *size, format, i);
	return text;
}

static void a_large_file_is_taken(void **state)
{
	size_t size;
	/* As many events as QEMU has, by names as long; silent, being globs. */
	char *text = many_lines(5000, "qemu_subsystem_some_event_%u*\n", &size);
	const char *option;

	strcpy(text + size, "count\n");
	option = file_of(text, size + strlen("count\n"));
	EXPECT(option, 0, "");
	assert_string_equal(on(), "count");
	/* And once more: what it repeats takes no room. */
	EXPECT(option, 0, "");
	EXPECT("-count", 0, "");
	EXPECT(option, 0, "");
	assert_string_equal(on(), "count");
	free(text);
}

static void too_many_patterns_are_refused(void **state)
{
	size_t size;
	char *text = many_lines(20000, "qemu_some_event_%u*\n", &size);

	EXPECT(file_of(text, size), -E2BIG,
	       "E more trace event patterns than can be kept\n");
	free(text);
	text = many_lines(40000, "# that is a comment of the %u kind\n", &size);
	assert_true(size > 1 << 20);
	EXPECT(file_of(text, 1 << 20), 0, "");
	EXPECT(file_of(text, (1 << 20) + 1), -EFBIG,
	       about_file("E @: File too large\n"));
	free(text);
	EXPECT("count", 0, "");
	assert_string_equal(on(), "count");
}

/* "<(...)" of a shell. */
static void a_pipe_is_read_to_its_end(void **state)
{
	char option[64];
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "count\ntext", 10), 10);
	close(ends[1]);
	snprintf(option, sizeof(option), "events=/dev/fd/%d", ends[0]);
	EXPECT(option, 0, "");
	close(ends[0]);
	assert_string_equal(on(), "count text");
}

static void a_recording_is_asked_for(void **state)
{
	EXPECT("file=trace", 0, "");
	assert_string_equal(recorded, "trace");
	EXPECT("count,file=one,file=two", 0, "");
	assert_string_equal(recorded, "two");
	/* It begins before the events do. */
	assert_int_equal(count_at_record, 0);
	assert_string_equal(on(), "count");
	record_result = -EACCES;
	EXPECT("text,file=trace", -EACCES, "");
	assert_string_equal(on(), "count");
	EXPECT("file=", -EINVAL, "E Parameter 'file' needs a path\n");
}

static void hooks_may_be_left_out(void **state)
{
	struct tw_option_hooks hooks = {
		.size = sizeof(hooks), .context = said, .say = say};

	said[0] = 0;
	assert_int_equal(tw_trace_option("count,file=x", &hooks), -ENOTSUP);
	assert_string_equal(said,
			    "E --trace file=...: option not supported by the "
			    "selected tracing backends\n");
	assert_string_equal(on(), "");
	/* As of a program that was built with fewer members. */
	hooks.size = offsetof(struct tw_option_hooks, say);
	hooks.say = (void *)1;
	assert_int_equal(tw_trace_option("nosuch", &hooks), 0);
	assert_int_equal(tw_trace_option("count,nosuch=1", NULL), -EINVAL);
	assert_int_equal(tw_trace_option("help", NULL), 1);
	assert_int_equal(tw_trace_option("count", NULL), 0);
	assert_int_equal(tw_trace_option("file=x", NULL), -ENOTSUP);
	assert_string_equal(on(), "count");
}

/* Names are known without a ring, and what is chosen waits for it. */
static void a_ring_may_come_later(void **state)
{
	EXPECT("help", 1, "H count\nH handled\nH nothing\nH text\nH three\n");
	EXPECT("t*", 0, "");
	EXPECT("-text", 0, "");
	EXPECT("nosuch", 0, "W trace event 'nosuch' does not exist\n");
	assert_int_equal(start(), 0);
	assert_string_equal(on(), "three");
	/* An end is an end, also where there was no ring yet. */
	tw_runtime_stop();
	EXPECT("count", 0, "");
	tw_runtime_stop();
	assert_int_equal(start(), 0);
	assert_string_equal(on(), "");
}

static void a_ring_that_cant_be_had_is_said(void **state)
{
	const struct tw_runtime_options options = {
		.size = sizeof(options), .directory = "/nowhere/at/all"};

	assert_int_equal(tw_runtime_start(&options), -ENOENT);
	assert_int_equal(take("count"), 0);
	assert_memory_equal(said, "W no event can be traced: ", 26);
	assert_non_null(strstr(said, "/nowhere/at/all"));
	EXPECT("", 0, "");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, create_and_start, destroy)
#define TEST_UNSTARTED(name) \
	cmocka_unit_test_setup_teardown(name, create, destroy)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST_UNSTARTED(a_ring_may_come_later),
		TEST_UNSTARTED(a_ring_that_cant_be_had_is_said),
		TEST(a_name_is_switched_on),
		TEST(options_take_effect_in_order),
		TEST(only_a_star_may_find_nothing),
		TEST(what_is_compiled_out_is_said),
		TEST(nothing_is_asked),
		TEST(commas_are_quoted),
		TEST(keys_are_checked),
		TEST(help_lists_the_events),
		TEST(help_names_each_event_once),
		TEST(later_modules_get_it),
		TEST(a_file_has_patterns),
		TEST(a_file_comes_after_the_pattern),
		TEST(what_is_no_text_is_escaped),
		TEST(a_file_that_is_no_text_is_refused),
		TEST(a_file_that_cant_be_read_is_refused),
		TEST(a_large_file_is_taken),
		TEST(too_many_patterns_are_refused),
		TEST(a_pipe_is_read_to_its_end),
		TEST(a_recording_is_asked_for),
		TEST(hooks_may_be_left_out),
	};
	const char *held = getenv("TRACKWAY");

	/* Before the constructors of this process: in another. */
	if (!held || strcmp(held, "manual") != 0) {
		setenv("TRACKWAY", "manual", 1);
		execv("/proc/self/exe", argv);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
