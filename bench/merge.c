/* SPDX-License-Identifier: MIT */
/*
 * merge DIRECTORY [--json]: how fast the events of many lanes come out of trace
 * directories in the order of time, and how much memory that takes, of a trace
 * and of one a tenth as long.
 *
 * The traces are made here: four producers with rings of their own, written and
 * recorded as any, whose events are dealt out to the lanes at random, so that
 * nearly every event is of another lane than the one before. Making and each
 * reading are processes of their own, whose memory the kernel has measured.
 *
 * merge --read DIRECTORY is such a reading: it prints its events and seconds.
 */
#include "../src/ring/ring-write.h"
#include "../src/schema/blob-write.h"
#include "../src/schema/parse.h"
#include "../src/trace/ctf.h"
#include "../src/trace/read.h"

#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PRODUCERS 4
#define EVENTS 20000000u
#define LANES 64
#define PAGE_SIZE 65536u
#define PAGES 512
#define HEAP_SIZE 4096
#define PASS_EVENTS 200000 /* fewer than fit into a ring */
#define FIELDS_SIZE 12
#define EVENT_SIZE (TW_EVENT_HEADER + FIELDS_SIZE)
#define RUNS_MAX 99

static const char *trace_events = "bench_int3(int a, int b, int c) "
				  "\"a=%d b=%d c=%d\"\n";

struct plan {
	const char *directory;
	uint64_t events;
	uint32_t lanes; /* of a producer */
	uint32_t burst; /* the longest run of a lane's events */
};

/* One with its recording. */
struct producer {
	char path[4096]; /* of the ring file */
	struct tw_ring_layout layout;
	struct tw_ring ring;
	struct tw_writer writers[LANES];
	struct tw_attach *attach;
	struct tw_drain *drain;
	struct tw_ctf *ctf;
	struct tw_timebase timebase;
};

struct result {
	uint64_t events;
	double seconds;
	long max_rss_kb;
};

static void die(const char *what)
{
	fprintf(stderr, "merge: %s\n", what);
	exit(1);
}

static void check(bool ok, const char *what)
{
	if (!ok)
		die(what);
}

/* ---- Producers ---- */

static void add_group(struct producer *producer)
{
	struct tw_ring *ring = &producer->ring;
	struct tw_states *states = (void *)(ring->base +
					    producer->layout.heap_offset);
	const uint64_t at = producer->layout.heap_offset;
	struct tw_parse_errors errors;
	struct tw_schema *schema;
	struct tw_field *fields;
	void *blob;
	size_t size;

	check(!tw_parse_events("trace-events", trace_events,
			       strlen(trace_events), &schema, &errors),
	      "trace-events");
	/* What a compiler would tell. */
	fields = (struct tw_field *)schema->events[0].fields;
	for (uint32_t i = 0; i < schema->events[0].field_count; i++)
		fields[i].size = sizeof(int);
	check(!tw_blob_write(schema, false, &blob, &size) &&
		      size + 64 <= HEAP_SIZE,
	      "schema");
	states->magic = TW_STATES_MAGIC;
	states->count = 1;
	memcpy(states->uuid, ring->control->uuid, sizeof(states->uuid));
	memcpy(ring->base + at + 64, blob, size);
	ring->groups[0] = (struct tw_ring_group){
		.state = TW_GROUP_LIVE,
		.event_count = 1,
		.states_offset = at,
		.schema_offset = at + 64,
		.schema_size = size,
	};
	ring->control->group_count = 1;
	free(blob);
	tw_schema_destroy(schema);
}

static void make_control(struct producer *producer, uint32_t index)
{
	struct tw_ring_control *control = producer->ring.control;

	control->mode = producer->ring.mode = TW_RING_OVERWRITE;
	control->clock_kind = TW_CLOCK_MONOTONIC;
	control->clock_hz = 1000000000;
	control->pid = 4194304 + index; /* above any process */
	memset(control->uuid, (int)(0x40 + index), sizeof(control->uuid));
	control->uuid[8] = 0x80;
	snprintf((char *)control->name, sizeof(control->name), "producer-%u",
		 index);
}

static void make_ring(struct producer *producer, const struct plan *plan,
		      uint32_t index)
{
	struct tw_ring_layout *layout = &producer->layout;
	void *memory;
	int fd;

	*layout = (struct tw_ring_layout){
		.control_size = sizeof(struct tw_ring_control),
		.lane_count = plan->lanes,
		.group_capacity = 1,
		.page_size = PAGE_SIZE,
		.page_count = PAGES,
		.heap_size = HEAP_SIZE,
		.align = 4096,
	};
	check(!tw_ring_layout(layout), "layout");
	snprintf(producer->path, sizeof(producer->path), "%s.%u.ring",
		 plan->directory, index);
	fd = open(producer->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(fd >= 0 && !ftruncate(fd, (off_t)layout->size), producer->path);
	memory = mmap(NULL, layout->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	check(memory != MAP_FAILED, "mmap");
	close(fd);
	tw_ring_init(&producer->ring, memory, layout);
	make_control(producer, index);
	add_group(producer);
	for (uint32_t i = 0; i < plan->lanes; i++)
		tw_writer_attach(&producer->ring, &producer->writers[i], 1 + i,
				 0);
	tw_ring_publish(&producer->ring);
}

static void begin_recording(struct producer *producer, const struct plan *plan)
{
	static const struct tw_drain_options options = {.start = TW_DRAIN_ALL};
	struct tw_attach_error error = {"a recording can't begin"};

	check(!tw_attach_open(producer->path, false, &producer->attach, &error),
	      error.text);
	check(!tw_drain_create(producer->attach, &options, &producer->drain),
	      "drain");
	tw_timebase_set(&producer->timebase, 1000000000, 0,
			1700000000000000000);
	check(!tw_ctf_create(plan->directory, producer->attach, producer->drain,
			     &producer->timebase, NULL, &producer->ctf, &error),
	      error.text);
}

static void end_recording(struct producer *producer)
{
	struct tw_drain_totals totals;

	check(tw_drain_finish(producer->drain, tw_ctf_write, producer->ctf) >=
			      0 &&
		      tw_ctf_refresh(producer->ctf) >= 0,
	      "the last pass");
	tw_drain_totals(producer->drain, &totals);
	check(!totals.lost, "events were lost while the trace was made");
	check(!tw_ctf_detach(producer->ctf) &&
		      !tw_ctf_describe(producer->ctf, &producer->timebase,
				       true),
	      "metadata");
	tw_ctf_destroy(producer->ctf);
	tw_drain_destroy(producer->drain);
	tw_attach_close(producer->attach);
	munmap(producer->ring.base, producer->layout.size);
	unlink(producer->path);
}

/* Content size and events at once: the page's two members are its alias. */
typedef uint64_t __attribute__((may_alias)) commit_word;

static void emit(struct producer *producer, uint32_t lane, uint64_t time,
		 uint64_t n)
{
	struct tw_writer *writer = &producer->writers[lane];
	const int32_t fields[3] = {(int32_t)n, 2, 3};
	const uint64_t word = TW_EVENT_WORD(time, 0);
	struct tw_page *page = writer->page;
	uint8_t *at;

	if (!page ||
	    page->content_size / 8 + EVENT_SIZE > PAGE_SIZE - TW_PAGE_TRAILER) {
		check(tw_writer_turn(&producer->ring, writer, time) ==
			      TW_TURN_DONE,
		      "no page");
		page = writer->page;
	}
	at = (uint8_t *)page + page->content_size / 8;
	memcpy(at, &word, TW_EVENT_HEADER);
	memcpy(at + TW_EVENT_HEADER, fields, FIELDS_SIZE);
	page->timestamp_end = time;
	*(commit_word *)(void *)&page->content_size += TW_COMMIT_STEP(
		(uint64_t)EVENT_SIZE * 8);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void write_events(struct producer *producers, const struct plan *plan)
{
	uint64_t random = 0x9e3779b97f4a7c15, time = 1000, pass = 0;

	for (uint64_t n = 0; n < plan->events;) {
		const uint64_t dealt = next_random(&random);
		struct producer *producer = &producers[dealt % PRODUCERS];
		const uint32_t lane = (uint32_t)(dealt >> 8) % plan->lanes;
		uint64_t burst = (dealt >> 40) % plan->burst + 1;

		for (; burst && n < plan->events; burst--, n++) {
			/* 0 too: some have the same time. */
			time += (dealt >> 50) % 64;
			emit(producer, lane, time, n);
		}
		if (n - pass < PASS_EVENTS)
			continue;
		pass = n;
		for (uint32_t i = 0; i < PRODUCERS; i++)
			check(tw_drain_pass(producers[i].drain, 0, tw_ctf_write,
					    producers[i].ctf) >= 0,
			      "a pass");
	}
}

static void make_trace(const struct plan *plan)
{
	struct producer *producers = calloc(PRODUCERS, sizeof(*producers));
	struct tw_attach_error error = {""};

	check(producers, "out of memory");
	check(!tw_trace_directory_create(plan->directory, &error), error.text);
	for (uint32_t i = 0; i < PRODUCERS; i++) {
		make_ring(&producers[i], plan, i);
		begin_recording(&producers[i], plan);
	}
	write_events(producers, plan);
	for (uint32_t i = 0; i < PRODUCERS; i++)
		end_recording(&producers[i]);
	free(producers);
}

/* ---- Reading ---- */

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int read_trace(const char *directory)
{
	const double begin = seconds_now();
	struct tw_attach_error error;
	const struct tw_record *record;
	struct tw_trace *trace;
	uint64_t events = 0, backwards = 0, last = 0;

	check(!tw_trace_create(&trace), "out of memory");
	if (tw_trace_add_directory(trace, directory, &error))
		die(error.text);
	while (tw_trace_next(trace, &record) == 1) {
		events++;
		backwards += record->time_ns < last;
		last = record->time_ns;
	}
	printf("%" PRIu64 " %.6f\n", events, seconds_now() - begin);
	tw_trace_destroy(trace);
	check(!backwards, "not in the order of time");
	return fflush(stdout) == 0 ? 0 : 1;
}

/* ---- Both ---- */

static void make_apart(const struct plan *plan)
{
	const pid_t child = fork();
	int status;

	check(child >= 0, "fork");
	if (!child) {
		make_trace(plan);
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0,
	      "no trace was made");
}

static void parse_result(int fd, struct result *result)
{
	char text[128];
	const ssize_t size = read(fd, text, sizeof(text) - 1);

	text[size > 0 ? size : 0] = '\0';
	check(sscanf(text, "%" SCNu64 " %lf", &result->events,
		     &result->seconds) == 2,
	      "nothing was read");
}

static struct result read_apart(const char *directory)
{
	char name[] = "merge", verb[] = "--read";
	char *argv[] = {name, verb, (char *)directory, NULL};
	posix_spawn_file_actions_t actions;
	struct result result;
	struct rusage usage;
	int pipes[2], status;
	pid_t child;

	check(!pipe(pipes), "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, pipes[0]);
	check(!posix_spawn(&child, "/proc/self/exe", &actions, NULL, argv,
			   environ),
	      "spawn");
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	check(wait4(child, &status, 0, &usage) == child && status == 0,
	      "reading failed");
	parse_result(pipes[0], &result);
	close(pipes[0]);
	result.max_rss_kb = usage.ru_maxrss;
	return result;
}

static int by_seconds(const void *a, const void *b)
{
	const struct result *one = a, *other = b;

	return (one->seconds > other->seconds) -
	       (one->seconds < other->seconds);
}

/* The median in time, with the most memory that any of the runs took. */
static struct result measure(const struct plan *plan, uint64_t runs)
{
	struct result results[RUNS_MAX] = {{0}}, median;
	long max_rss_kb = 0;

	make_apart(plan);
	for (uint64_t i = 0; i < runs; i++) {
		results[i] = read_apart(plan->directory);
		check(results[i].events == plan->events,
		      "events are missing or too many");
		if (results[i].max_rss_kb > max_rss_kb)
			max_rss_kb = results[i].max_rss_kb;
	}
	qsort(results, runs, sizeof(*results), by_seconds);
	median = results[runs / 2];
	median.max_rss_kb = max_rss_kb;
	return median;
}

static uint64_t from_environment(const char *name, uint64_t otherwise,
				 uint64_t most)
{
	const char *text = getenv(name);
	const uint64_t value = text ? strtoull(text, NULL, 10) : otherwise;

	return value && value <= most ? value : otherwise;
}

static void print_row(const struct result *result, uint32_t lanes)
{
	printf("%12" PRIu64 " %6u %9.3f %11.1f %11ld\n", result->events, lanes,
	       result->seconds, (double)result->events / result->seconds / 1e6,
	       result->max_rss_kb);
}

static int run(const char *scratch, bool json)
{
	const uint64_t events = from_environment("BENCH_EVENTS", EVENTS,
						 UINT64_C(1) << 40);
	const uint64_t runs = from_environment("BENCH_RUNS", 5, RUNS_MAX);
	const uint32_t burst = (uint32_t)from_environment("BENCH_BURST", 1,
							  1000);
	char whole[4000], part[4000];
	const uint32_t lanes = LANES / PRODUCERS;
	struct plan plan = {whole, events, lanes, burst};
	struct result result;

	snprintf(whole, sizeof(whole), "%s/whole", scratch);
	snprintf(part, sizeof(part), "%s/part", scratch);
	if (!json) {
		plan.directory = part;
		plan.events = events < 10 ? events : events / 10;
		result = measure(&plan, runs);
		puts("      EVENTS  LANES   SECONDS  M EVENTS/S  MAX_RSS_KB");
		print_row(&result, LANES);
	}
	plan.directory = whole;
	plan.events = events;
	result = measure(&plan, runs);
	if (json)
		printf("{\"events\":%" PRIu64 ",\"lanes\":%d,\"seconds\":%.6f,"
		       "\"max_rss_kb\":%ld}\n",
		       result.events, LANES, result.seconds, result.max_rss_kb);
	else
		print_row(&result, LANES);
	return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--read") == 0)
		return read_trace(argv[2]);
	if (argc == 2 || (argc == 3 && strcmp(argv[2], "--json") == 0))
		return run(argv[1], argc == 3);
	fputs("usage: merge DIRECTORY [--json]\n", stderr);
	return 2;
}
