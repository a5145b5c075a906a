/* SPDX-License-Identifier: MIT */
/*
 * What "trace-file" records: every event once, in the file that was set when it
 * was written, through flush, off and on, new names, failures and the ends of
 * programs; and its thread, which is there only while it is on.
 *
 * Each lane's events are numbered, so what is missing or twice is seen.
 */
#include "../trace/fixture.h"

#include "../../../src/monitor/monitor.h"
#include "../../../src/trace/foreign.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 1024u
#define TRIES 10000 /* a millisecond apart */

static struct fixture fixtures[2];
static struct tw_attach *attaches[2];
static struct tw_monitor *monitor;
static struct tw_monitor_client *client;
static char directory[64];

/* By fixture and lane: the number that is to be recorded next. */
static uint64_t next[2][FIXTURE_LANES];
static uint64_t recorded; /* events that were checked */

/* ---- The scene ---- */

static void open_monitor(size_t count)
{
	struct tw_monitor_target targets[2] = {{"one", attaches[0]},
					       {"two", attaches[1]}};

	assert_int_equal(tw_monitor_create(targets, count, &monitor), 0);
	assert_int_equal(
		tw_monitor_client_create(monitor, TW_MONITOR_TEXT, &client), 0);
}

static void make_fixture(size_t i, enum tw_ring_mode mode)
{
	struct fixture *f = &fixtures[i];

	fixture_create(f, PAGE, 64, mode);
	f->ring.control->pid = (uint32_t)getpid();
	memset(f->ring.control->name, 0, sizeof(f->ring.control->name));
	strcpy((char *)f->ring.control->name, i ? "two" : "one");
	attaches[i] = fixture_attach(f, NULL);
}

static void write_events(void)
{
	FILE *file = fopen("events", "w");

	assert_non_null(file);
	fputs("number(uint32_t lane, uint64_t n, void *p) \"\"\n"
	      "words(const char *text, int event, int _x) \"\"\n"
	      "nothing(void) \"\"\n",
	      file);
	fclose(file);
}

static void begin(size_t count, enum tw_ring_mode mode)
{
	for (size_t i = 0; i < count; i++)
		make_fixture(i, mode);
	open_monitor(count);
}

static int setup(void **state)
{
	strcpy(directory, "/tmp/trackway-monitor-XXXXXX");
	if (!mkdtemp(directory) || chdir(directory))
		return -1;
	write_events();
	memset(next, 0, sizeof(next));
	recorded = 0;
	return 0;
}

static void close_monitor(void)
{
	tw_monitor_client_destroy(client);
	tw_monitor_destroy(monitor);
	client = NULL;
	monitor = NULL;
}

static int teardown(void **state)
{
	close_monitor();
	for (size_t i = 0; i < 2; i++) {
		tw_attach_close(attaches[i]);
		attaches[i] = NULL;
		if (fixtures[i].memory)
			fixture_destroy(&fixtures[i]);
		fixtures[i].memory = NULL;
	}
	remove_tree(directory);
	return 0;
}

/* ---- What is said ---- */

static char answer[4096];

static const char *say(const char *line)
{
	size_t size = 0, got;

	assert_int_equal(tw_monitor_feed(client, line, strlen(line)),
			 strlen(line));
	assert_int_equal(tw_monitor_feed(client, "\n", 1), 1);
	while ((got = tw_monitor_pull(client, answer + size,
				      sizeof(answer) - 1 - size)))
		size += got;
	answer[size] = '\0';
	return answer;
}

static void order(const char *line)
{
	assert_string_equal(say(line), "");
}

static void set(const char *path)
{
	char line[128];

	snprintf(line, sizeof(line), "trace-file set %s", path);
	order(line);
}

/* ---- What is recorded ---- */

static void emit(size_t fixture, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		assert_true(fixture_emit(&fixtures[fixture], i % 3));
}

static bool is_directory(const char *path)
{
	return path[strlen(path) - 1] == '/';
}

static struct tw_trace *open_trace(const char *path)
{
	const struct tw_foreign_options options = {0};
	struct tw_attach_error error;
	struct tw_trace *trace;
	char target[256];
	int code;

	assert_int_equal(tw_trace_create(&trace), 0);
	snprintf(target, sizeof(target), "simpletrace:%s,events=events", path);
	if (is_directory(path))
		code = tw_trace_add_directory(trace, path, &error);
	else
		code = tw_trace_add_foreign(trace, target, &options, &error);
	if (code)
		fail_msg("%s", error.text);
	return trace;
}

static uint64_t number_of(const struct tw_record *record, uint32_t field)
{
	const struct tw_decoded *event = &record->event;
	struct tw_value value;
	size_t offset = 0;

	assert_string_equal(event->event->name, "number");
	for (uint32_t i = 0; i <= field; i++)
		tw_fields_value(event->event, i, event->fields, &offset,
				record->producer->decoder.swap, &value);
	return value.u;
}

/* All fixtures' events are numbered alike: the caller says whose these are. */
static void take_record(const struct tw_record *record, size_t fixture)
{
	const uint64_t lane = number_of(record, 0);

	assert_true(lane < FIXTURE_LANES);
	assert_int_equal(number_of(record, 1), next[fixture][lane]);
	next[fixture][lane]++;
	recorded++;
}

static size_t fixture_of(const struct tw_record *record)
{
	return !strcmp(record->producer->name, "two");
}

/* The next events are in this file, each lane's in order. Returns how many. */
static uint64_t take(const char *path)
{
	struct tw_trace *trace = open_trace(path);
	const struct tw_record *record;
	const uint64_t before = recorded;
	struct tw_attach_error error;
	int got;

	while ((got = tw_trace_next(trace, &record)) == 1 ||
	       tw_trace_poll(trace, true, &error) > 0)
		if (got == 1 && record->kind == TW_RECORD_EVENT)
			take_record(record, fixture_of(record));
	/* The fixture's clock is none of this host's. */
	for (size_t i = 0; i < tw_trace_warning_count(trace); i++)
		if (!strstr(tw_trace_warning(trace, i), "its first event"))
			fail_msg("%s", tw_trace_warning(trace, i));
	tw_trace_destroy(trace);
	return recorded - before;
}

/* All that was written so far has been taken. */
static void expect_all(size_t fixture)
{
	for (uint32_t lane = 0; lane < FIXTURE_LANES; lane++)
		assert_int_equal(next[fixture][lane],
				 fixtures[fixture].written[lane]);
}

/* What was written so far is in no file. */
static void pass_over(size_t fixture)
{
	memcpy(next[fixture], fixtures[fixture].written, sizeof(next[0]));
}

static void pause_ms(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* ---- On, flush, off ---- */

static void record_into(const char *path)
{
	uint64_t start[FIXTURE_LANES];

	begin(1, TW_RING_OVERWRITE);
	emit(0, 10);
	pass_over(0);
	memcpy(start, next[0], sizeof(start));
	set(path);
	order("trace-file on");
	emit(0, 100);
	order("trace-file flush");
	assert_int_equal(take(path), 100);
	expect_all(0);
	emit(0, 1);
	order("trace-file flush");
	memcpy(next[0], start, sizeof(start));
	assert_int_equal(take(path), 101);
	emit(0, 50);
	order("trace-file off");
	memcpy(next[0], start, sizeof(start));
	assert_int_equal(take(path), 151);
	expect_all(0);
}

static void test_file(void **state)
{
	record_into("f");
}

static void test_directory(void **state)
{
	record_into("d/");
}

/* What was in a file stays in it; what happened in between is not. */
static void test_file_again(void **state)
{
	begin(1, TW_RING_OVERWRITE);
	set("f");
	order("trace-file on");
	fixture_emit(&fixtures[0], 0);
	order("trace-file off");
	fixture_emit(&fixtures[0], 0);
	order("trace-file on");
	fixture_emit(&fixtures[0], 1);
	order("trace-file off");
	order("trace-file on");
	fixture_emit(&fixtures[0], 1);
	order("trace-file off");
	assert_int_equal(take("f"), 3);
	assert_int_equal(next[0][0], 1);
	assert_int_equal(next[0][1], 2);
	/* Another one's name, and it begins anew. */
	set("g");
	set("f");
	order("trace-file on");
	order("trace-file off");
	assert_int_equal(take("f"), 0);
}

static void test_directory_again(void **state)
{
	begin(1, TW_RING_OVERWRITE);
	set("d/");
	order("trace-file on");
	emit(0, 100);
	order("trace-file off");
	order("trace-file on");
	emit(0, 60);
	order("trace-file off");
	assert_int_equal(take("d/"), 160);
	expect_all(0);
}

/* ---- Another file ---- */

static void move_between(const char *from, const char *to)
{
	begin(1, TW_RING_OVERWRITE);
	set(from);
	order("trace-file on");
	emit(0, 130);
	set(to);
	emit(0, 70);
	order("trace-file flush");
	emit(0, 70);
	set("last");
	emit(0, 10);
	order("trace-file off");
	assert_int_equal(take(from), 130);
	assert_int_equal(take(to), 140);
	assert_int_equal(take("last"), 10);
	expect_all(0);
}

static void test_set_file_file(void **state)
{
	move_between("f", "g");
}

static void test_set_file_directory(void **state)
{
	move_between("f", "d/");
}

static void test_set_directory_file(void **state)
{
	move_between("d/", "f");
}

static void test_set_directory_directory(void **state)
{
	move_between("d/", "e/");
}

/* The file itself by other names: nothing of it goes. */
static void test_set_same(void **state)
{
	begin(1, TW_RING_OVERWRITE);
	set("f");
	order("trace-file on");
	emit(0, 30);
	set("f");
	emit(0, 30);
	assert_int_equal(symlink("f", "link"), 0);
	set("link");
	emit(0, 30);
	order("trace-file off");
	assert_int_equal(take("f"), 90);
	expect_all(0);
}

/* A recording that can't be moved goes on. */
static void test_set_fails(void **state)
{
	begin(1, TW_RING_OVERWRITE);
	set("f");
	order("trace-file on");
	emit(0, 30);
	assert_string_equal(say("trace-file set no/such"),
			    "no/such: No such file or directory\n");
	assert_string_equal(say("trace-file set no/such/"),
			    "no/such: cannot make the directory: No such file "
			    "or directory\n");
	emit(0, 30);
	order("trace-file off");
	assert_int_equal(take("f"), 60);
	expect_all(0);
}

/* ---- While the program writes ---- */

static bool is_over;
static uint32_t progress; /* events of the writer */

/* A ring that is full is waited for, so nothing is lost but by the recorder. */
static void *write_on(void *unused)
{
	uint32_t lane = 0;

	while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
		lane = (lane + 1) % 3;
		while (!fixture_emit(&fixtures[0], lane) &&
		       !__atomic_load_n(&is_over, __ATOMIC_ACQUIRE))
			sched_yield();
		__atomic_add_fetch(&progress, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void await_events(uint32_t count)
{
	const uint32_t from = __atomic_load_n(&progress, __ATOMIC_RELAXED);

	while (__atomic_load_n(&progress, __ATOMIC_RELAXED) - from < count)
		sched_yield();
}

static void write_and_move(const char *const *paths, size_t count)
{
	pthread_t writer;

	begin(1, TW_RING_DISCARD);
	set(paths[0]);
	order("trace-file on");
	is_over = false;
	assert_int_equal(pthread_create(&writer, NULL, write_on, NULL), 0);
	for (size_t i = 1; i < count; i++) {
		await_events(200);
		set(paths[i]);
	}
	await_events(200);
	__atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
	pthread_join(writer, NULL);
	order("trace-file off");
	for (size_t i = 0; i < count; i++)
		take(paths[i]);
	expect_all(0);
}

static void test_set_at_full_speed(void **state)
{
	static const char *const paths[] = {"a",  "b/", "c/", "d",  "e",
					    "f/", "g",	"h/", "i/", "j"};

	write_and_move(paths, sizeof(paths) / sizeof(paths[0]));
	assert_true(recorded >= 2000);
}

/* ---- The thread ---- */

/* Threads, or those of this name. */
static size_t count_threads(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(tasks);
	while ((entry = readdir(tasks))) {
		char path[300], text[64] = "";
		FILE *file;

		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 entry->d_name);
		file = fopen(path, "re");
		if (file && fgets(text, sizeof(text), file))
			text[strcspn(text, "\n")] = '\0';
		if (file)
			fclose(file);
		count += !name || !strcmp(text, name);
	}
	closedir(tasks);
	return count;
}

/* A thread that was joined may be seen for a moment. */
static void expect_threads(size_t count)
{
	for (int i = 0; i < TRIES && count_threads(NULL) != count; i++)
		pause_ms();
	assert_int_equal(count_threads(NULL), count);
}

static void test_thread(void **state)
{
	size_t before;

	begin(1, TW_RING_OVERWRITE);
	set("f");
	assert_int_equal(count_threads("trackway"), 0);
	/* A sanitizer makes a thread of its own with a program's first. */
	order("trace-file on");
	order("trace-file off");
	for (int i = 0; i < TRIES && count_threads("trackway"); i++)
		pause_ms();
	before = count_threads(NULL);
	order("trace-file on");
	expect_threads(before + 1);
	assert_int_equal(count_threads("trackway"), 1);
	set("d/");
	order("trace-file flush");
	expect_threads(before + 1);
	order("trace-file off");
	expect_threads(before);
	assert_int_equal(count_threads("trackway"), 0);
	order("trace-file on");
	assert_string_equal(say("trace-file set no/such"),
			    "no/such: No such file or directory\n");
	expect_threads(before + 1);
	close_monitor();
	expect_threads(before);
}

static uint64_t blocked_by(const char *tid)
{
	char path[300], line[256];
	unsigned long long mask = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	file = fopen(path, "re");
	/* It may have ended since it was listed. */
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "SigBlk: %llx", &mask) == 1)
			break;
	fclose(file);
	return mask;
}

static bool is_blocked(uint64_t mask, int number)
{
	return mask >> (number - 1) & 1;
}

/* The recorder's, or 0. A thread that has just begun blocks all of them. */
static uint64_t blocked_by_recorder(void)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;
	uint64_t found = 0;

	assert_non_null(tasks);
	while ((entry = readdir(tasks))) {
		uint64_t mask;

		if (*entry->d_name == '.')
			continue;
		mask = blocked_by(entry->d_name);
		if (is_blocked(mask, SIGUSR1) && !is_blocked(mask, SIGBUS))
			found = mask;
	}
	closedir(tasks);
	return found;
}

/* A program's handlers run on its own threads; a fault is the thread's. */
static void test_signals(void **state)
{
	static const int numbers[] = {SIGINT,  SIGTERM, SIGALRM, SIGCHLD,
				      SIGUSR1, SIGPIPE, SIGPROF};
	uint64_t mask = 0;
	char own[16];

	begin(1, TW_RING_OVERWRITE);
	order("trace-file on");
	for (int i = 0; i < TRIES && !mask; i++) {
		mask = blocked_by_recorder();
		pause_ms();
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_true(is_blocked(mask, numbers[i]));
	assert_false(is_blocked(mask, SIGSEGV));
	/* This thread's are as they were. */
	snprintf(own, sizeof(own), "%ld", (long)getpid());
	assert_false(is_blocked(blocked_by(own), SIGUSR1));
}

/* ---- Ends ---- */

static void test_destroy(void **state)
{
	begin(1, TW_RING_OVERWRITE);
	set("f");
	order("trace-file on");
	emit(0, 40);
	close_monitor();
	assert_int_equal(take("f"), 40);
	expect_all(0);
}

static bool is_complete(const char *path)
{
	struct tw_trace *trace = open_trace(path);
	const bool complete = tw_trace_producer(trace, 0)->complete;

	tw_trace_destroy(trace);
	return complete;
}

/* Complete without anybody's saying so. */
static void test_program_ends(void **state)
{
	begin(1, TW_RING_OVERWRITE);
	set("d/");
	order("trace-file on");
	emit(0, 40);
	fixture_close(&fixtures[0]);
	for (int i = 0; i < TRIES && !is_complete("d/"); i++)
		pause_ms();
	assert_int_equal(take("d/"), 40);
	expect_all(0);
	assert_string_equal(say("trace-file"), "Trace file \"d/\" on.\n");
	order("trace-file flush");
	set("f");
	order("trace-file off");
	assert_int_equal(take("f"), 0);
}

static void test_program_ends_file(void **state)
{
	char expected[64];

	begin(1, TW_RING_OVERWRITE);
	set("f");
	order("trace-file on");
	emit(0, 40);
	fixture_close(&fixtures[0]);
	order("trace-file flush");
	assert_int_equal(take("f"), 40);
	set("d/");
	order("trace-file off");
	expect_all(0);
	snprintf(expected, sizeof(expected),
		 "cannot record: one (%ld) has ended\n", (long)getpid());
	assert_string_equal(say("trace-file on"), expected);
}

/* Its last events are those of the file that was on when it wrote them. */
static void test_program_ends_before_set(void **state)
{
	begin(1, TW_RING_OVERWRITE);
	set("d/");
	order("trace-file on");
	emit(0, 40);
	fixture_close(&fixtures[0]);
	set("f");
	assert_true(is_complete("d/"));
	assert_int_equal(take("d/"), 40);
	order("trace-file off");
	expect_all(0);
}

static void test_several(void **state)
{
	begin(2, TW_RING_OVERWRITE);
	set("d/");
	order("trace-file on");
	emit(0, 40);
	emit(1, 70);
	order("trace-file flush");
	emit(0, 30);
	fixture_close(&fixtures[1]);
	order("trace-file off");
	assert_int_equal(take("d/"), 140);
	expect_all(0);
	expect_all(1);
}

/* ---- Failures ---- */

/* No file gets larger than size bytes; 0: as large as it may. */
static void limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size ? size : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void fill(const char *path, const char *why)
{
	char line[256];

	begin(1, TW_RING_OVERWRITE);
	set(path);
	order("trace-file on");
	limit_files(20000);
	for (int i = 0; i < 100 && !*say("trace-file flush"); i++)
		emit(0, 30);
	limit_files(0);
	assert_string_equal(answer, why);
	snprintf(line, sizeof(line), "Trace file \"%s\" off.\n%s", path, why);
	assert_string_equal(say("trace-file"), line);
	/* A whole beginning of it is there. */
	assert_true(take(path) > 100);
	pass_over(0);
	order("trace-file on");
	emit(0, 30);
	order("trace-file off");
	snprintf(line, sizeof(line), "Trace file \"%s\" off.\n", path);
	assert_string_equal(say("trace-file"), line);
}

static void test_disk_full_file(void **state)
{
	fill("f", "f: File too large\n");
}

static void test_disk_full_directory(void **state)
{
	char why[128];

	snprintf(why, sizeof(why),
		 "d/one-%ld/lane-0: cannot write: File too large\n",
		 (long)getpid());
	fill("d/", why);
}

/* Known without a flush, at the next command, whichever it is. */
static void test_failure_is_met(void **state)
{
	begin(1, TW_RING_OVERWRITE);
	set("f");
	order("trace-file on");
	limit_files(1000);
	emit(0, 100);
	for (int i = 0;
	     i < TRIES && !strcmp(say("trace-file"), "Trace file \"f\" on.\n");
	     i++)
		pause_ms();
	assert_string_equal(answer, "Trace file \"f\" off.\n"
				    "f: File too large\n");
	limit_files(0);
	order("trace-file off");
	order("trace-file on");
	limit_files(1000);
	emit(0, 100);
	for (int i = 0; i < TRIES && !*say("trace-file set f"); i++)
		pause_ms();
	assert_string_equal(answer, "f: File too large\n");
	limit_files(0);
	order("trace-file set f");
}

/* What could be made, but can't take the ring, leaves all as it was, too. */
static void test_set_fails_late(void **state)
{
	begin(1, TW_RING_OVERWRITE);
	set("f");
	order("trace-file on");
	emit(0, 30);
	order("trace-file flush");
	limit_files(1);
	assert_non_null(strstr(say("trace-file set d/"), "File too large"));
	limit_files(0);
	assert_string_equal(say("trace-file"), "Trace file \"f\" on.\n");
	emit(0, 30);
	/* Nor is there anything in its way when it is tried again. */
	order("trace-file set d/");
	emit(0, 30);
	order("trace-file off");
	assert_int_equal(take("f"), 60);
	assert_int_equal(take("d/"), 30);
	expect_all(0);
}

/* A fault on the recorder's thread has its handler; what was read is kept. */
static void truncate_ring(const char *path)
{
	begin(1, TW_RING_OVERWRITE);
	set(path);
	order("trace-file on");
	emit(0, 30);
	order("trace-file flush");
	assert_int_equal(truncate(fixtures[0].path, 0), 0);
	say("trace-file flush");
	say("trace-file off");
	assert_int_equal(take(path), 30);
}

static void test_truncated_file(void **state)
{
	char line[256];

	truncate_ring("f");
	snprintf(line, sizeof(line),
		 "Trace file \"f\" off.\n"
		 "%s: truncated while it was being read\n",
		 fixtures[0].path);
	assert_string_equal(say("trace-file"), line);
}

/* Like a program that has ended. */
static void test_truncated_directory(void **state)
{
	truncate_ring("d/");
	assert_true(is_complete("d/"));
}

static void test_pipe(void **state)
{
	char line[] = "trace-file on";

	begin(1, TW_RING_OVERWRITE);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	set("pipe");
	assert_string_equal(say(line),
			    "pipe: neither a file nor a directory\n");
}

/* ---- Guests ---- */

/* The ring's file as a guest's RAM. */
static struct tw_attach *attach_guest(void)
{
	struct tw_attach_error error;
	struct tw_attach *attach;
	char spec[200];

	snprintf(spec, sizeof(spec), "ram:%s", fixtures[0].path);
	if (tw_attach_open(spec, true, &attach, &error))
		fail_msg("%s", error.text);
	return attach;
}

static void make_guest(void)
{
	make_fixture(0, TW_RING_OVERWRITE);
	fixtures[0].ring.control->clock_kind = TW_CLOCK_OTHER;
	fixtures[0].ring.control->pid = 0;
	tw_attach_close(attaches[0]);
	attaches[0] = attach_guest();
	open_monitor(1);
}

static void test_guest(void **state)
{
	make_guest();
	set("d/");
	order("trace-file on");
	emit(0, 100);
	set("f");
	emit(0, 50);
	set("e/");
	emit(0, 70);
	order("trace-file off");
	assert_int_equal(take("d/"), 100);
	assert_int_equal(take("f"), 50);
	assert_int_equal(take("e/"), 70);
	expect_all(0);
}

/* A guest that is reset has another ring; that is recorded too, and whole. */
static void test_guest_reset(const char *path)
{
	struct tw_attach *before;

	make_guest();
	set(path);
	order("trace-file on");
	emit(0, 100);
	order("trace-file flush");
	assert_int_equal(take(path), 100);
	fixture_reset(&fixtures[0]);
	memset(fixtures[0].ring.control->name, 0, TW_RING_NAME_SIZE);
	strcpy((char *)fixtures[0].ring.control->name, "two");
	emit(0, 30);
	before = attaches[0];
	attaches[0] = attach_guest();
	tw_monitor_replace(monitor, 0, attaches[0]);
	tw_attach_close(before);
	emit(0, 40);
	order("trace-file off");
	memset(next, 0, sizeof(next));
}

static void test_guest_reset_directory(void **state)
{
	test_guest_reset("d/");
	assert_int_equal(take("d/"), 170);
	assert_memory_equal(next[1], fixtures[0].written, sizeof(next[1]));
}

/* ---- Words ---- */

static void add_word(void *context, const char *word)
{
	strcat(strcat(context, word), " ");
}

static void test_completion(void **state)
{
	char words[256] = "";

	begin(1, TW_RING_OVERWRITE);
	tw_monitor_complete(monitor, "trace-f", add_word, words);
	tw_monitor_complete(monitor, "trace-file ", add_word, words);
	tw_monitor_complete(monitor, "trace-file f", add_word, words);
	tw_monitor_complete(monitor, "trace-file set ", add_word, words);
	assert_string_equal(words, "trace-file on off flush set flush ");
}

/* ---- Embedders ---- */

static void test_record(void **state)
{
	char why[64] = "";

	begin(1, TW_RING_OVERWRITE);
	assert_int_equal(
		tw_monitor_record(monitor, "no/such", why, sizeof(why)),
		-ENOENT);
	assert_string_equal(why, "no/such: No such file or directory");
	assert_int_equal(tw_monitor_record(monitor, "no/such", NULL, 0),
			 -ENOENT);
	assert_int_equal(tw_monitor_record(monitor, "f", why, sizeof(why)), 0);
	emit(0, 30);
	assert_string_equal(say("trace-file"), "Trace file \"f\" on.\n");
	assert_int_equal(tw_monitor_record(monitor, "d/", why, sizeof(why)), 0);
	emit(0, 30);
	order("trace-file off");
	assert_int_equal(take("f"), 30);
	assert_int_equal(take("d/"), 30);
	expect_all(0);
}

/* A child has neither the thread nor its file, and lets both be. */
static void test_fork(void **state)
{
	char expected[64];
	int status;
	pid_t pid;

	begin(1, TW_RING_OVERWRITE);
	set("f");
	order("trace-file on");
	emit(0, 30);
	pid = fork();
	if (!pid) {
		snprintf(expected, sizeof(expected),
			 "Trace file \"trace-%ld\" off.\n", (long)getpid());
		if (strcmp(say("trace-file"), expected) != 0 ||
		    *say("trace-file off") || *say("trace-file flush"))
			_exit(1);
		close_monitor();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	emit(0, 30);
	order("trace-file off");
	assert_int_equal(take("f"), 60);
	expect_all(0);
}

/* A name that was only set is the child's as well. */
static void test_fork_before(void **state)
{
	int status;
	pid_t pid;

	begin(1, TW_RING_OVERWRITE);
	set("f");
	pid = fork();
	if (!pid)
		_exit(strcmp(say("trace-file"), "Trace file \"f\" off.\n") !=
		      0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: others' threads may be seen for a while. */
		TEST(test_thread),
		TEST(test_file),
		TEST(test_directory),
		TEST(test_file_again),
		TEST(test_directory_again),
		TEST(test_set_file_file),
		TEST(test_set_file_directory),
		TEST(test_set_directory_file),
		TEST(test_set_directory_directory),
		TEST(test_set_same),
		TEST(test_set_fails),
		TEST(test_set_at_full_speed),
		TEST(test_signals),
		TEST(test_destroy),
		TEST(test_program_ends),
		TEST(test_program_ends_file),
		TEST(test_program_ends_before_set),
		TEST(test_several),
		TEST(test_disk_full_file),
		TEST(test_disk_full_directory),
		TEST(test_failure_is_met),
		TEST(test_set_fails_late),
		TEST(test_truncated_file),
		TEST(test_truncated_directory),
		TEST(test_pipe),
		TEST(test_completion),
		TEST(test_guest),
		TEST(test_guest_reset_directory),
		TEST(test_record),
		TEST(test_fork),
		TEST(test_fork_before),
	};

	/* Said by the error of write() as well. */
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
