/* SPDX-License-Identifier: MIT */
/*
 * trackway stat: how many events of each kind, how often, how large; and for
 * each lane what it wrote and what was lost. Events are counted in their
 * packets, without being decoded or brought into order.
 */
#include "cli.h"

#include "bounds.h"
#include "open-trace.h"
#include "status-line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS 5
#define BAR_WIDTH 20
#define SECONDS_MAX (UINT64_C(366) * 24 * 3600)

enum {
	OPTION_SECONDS = TW_OPTION_ID(1),
	OPTION_SCHEMA = TW_OPTION_ID(2),
};

struct request {
	struct tw_words targets;
	uint64_t seconds;
	const char *schema;
	struct tw_words events; /* files */
	bool json;
};

/* What was counted of one producer. */
struct counts {
	uint64_t *events; /* TW_EVENTS_MAX of each */
	uint64_t *bytes;
	bool has_time;
	uint64_t first; /* ticks */
	uint64_t last;
	uint64_t unreadable; /* packets */
};

struct stat {
	const struct request *request;
	const struct tw_open_options *open_options;
	struct tw_opened opened;
	struct tw_trace *trace; /* opened's */
	struct counts *counts;	/* by producer */
	uint32_t producer_count;
	uint64_t bytes_read;
	uint64_t elapsed_ns; /* with --seconds; else 0 */
	size_t warnings_said;
};

/* One event of one producer. */
struct row {
	const char *name;
	uint64_t count;
	uint64_t bytes;
};

/* The sums of one producer. */
struct sums {
	uint64_t count;
	uint64_t bytes;
	uint64_t lost; /* with what was discarded */
	uint64_t discarded;
	double seconds;
	/* How far off its times may be, at the worst of both ends. */
	uint64_t plus_ns;
	uint64_t minus_ns;
};

/* ---- Counting ---- */

static int count_packet(void *context, const struct tw_trace_packet *packet)
{
	struct stat *stat = context;
	struct counts *counts = &stat->counts[packet->producer->index];

	if (packet->events) {
		if (!counts->has_time || packet->time_from < counts->first)
			counts->first = packet->time_from;
		if (!counts->has_time || packet->time_end > counts->last)
			counts->last = packet->time_end;
		counts->has_time = true;
	}
	if (tw_trace_count(packet, counts->events, counts->bytes) < 0)
		counts->unreadable++;
	stat->bytes_read += packet->size;
	/* Of a ring that is written to, a page is read again and again. */
	if (!stat->request->seconds && tw_status_is_due())
		tw_status_show("%s read", tw_bytes_of(stat->bytes_read).text);
	return !stat->request->seconds && tw_interrupted();
}

static void pause_between(struct stat *stat)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

	if (!tw_channels_wait(stat->opened.channels, PAUSE_MS))
		nanosleep(&pause, NULL);
}

/* Make room for the producers that there are now. */
static int grow(struct stat *stat)
{
	const uint32_t count = tw_trace_producer_count(stat->trace);
	struct counts *list;

	list = reallocarray(stat->counts, count + 1, sizeof(*list));
	if (!list)
		return tw_error_memory();
	stat->counts = list;
	for (uint32_t i = stat->producer_count; i < count; i++) {
		list[i] = (struct counts){
			.events = calloc(TW_EVENTS_MAX, 8),
			.bytes = calloc(TW_EVENTS_MAX, 8),
		};
		stat->producer_count = i + 1;
		if (!list[i].events || !list[i].bytes)
			return tw_error_memory();
	}
	return TW_EXIT_OK;
}

/* Rings that have come in guests' memories. */
static int look_for_more(struct stat *stat)
{
	const int status = tw_open_more(&stat->opened, stat->open_options);

	return status ? status : grow(stat);
}

static int count_all(struct stat *stat)
{
	const uint64_t seconds = stat->request->seconds;
	const uint64_t begin = tw_monotonic_ns();
	struct tw_attach_error error;
	bool finish = !seconds;
	int more, got;

	do {
		if (seconds)
			finish = tw_interrupted() ||
				 tw_monotonic_ns() - begin >=
					 seconds * 1000000000u;
		if (seconds ? finish : tw_interrupted())
			tw_channels_stop(stat->opened.channels);
		more = !finish && tw_may_open_more(&stat->opened);
		if (more && look_for_more(stat))
			return TW_EXIT_FAILED;
		got = tw_trace_poll(stat->trace, finish, &error);
		if (got < 0)
			return tw_error(NULL, "%s", error.text);
		if (tw_trace_packets(stat->trace, count_packet, stat))
			return TW_EXIT_FAILED;
		tw_channels_say_news(stat->opened.channels);
		more |= got;
		if (seconds && tw_status_is_due())
			tw_status_show(
				"counting: %s of %" PRIu64 " s",
				tw_duration_of(tw_monotonic_ns() - begin).text,
				seconds);
		if (more)
			pause_between(stat);
	} while (more);
	if (seconds)
		stat->elapsed_ns = tw_monotonic_ns() - begin;
	return TW_EXIT_OK;
}

/* ---- Results ---- */

static int by_count(const void *a, const void *b)
{
	const struct row *one = a;
	const struct row *other = b;

	if (one->count != other->count)
		return one->count < other->count ? 1 : -1;
	return strcmp(one->name, other->name);
}

/* The events that were seen, most frequent first. */
static uint32_t make_rows(const struct stat *stat, uint32_t producer,
			  struct row *rows)
{
	const struct counts *counts = &stat->counts[producer];
	const struct tw_decoder *decoder =
		&tw_trace_producer(stat->trace, producer)->decoder;
	uint32_t count = 0;

	for (uint32_t id = 0; id < TW_EVENTS_MAX; id++)
		if (counts->events[id])
			rows[count++] = (struct row){
				.name = decoder->lookup[id]->name,
				.count = counts->events[id],
				.bytes = counts->bytes[id],
			};
	qsort(rows, count, sizeof(*rows), by_count);
	return count;
}

static uint64_t larger(uint64_t one, uint64_t other)
{
	return one > other ? one : other;
}

/* From its first event to its last, and how well that is known. */
static void set_times(const struct stat *stat, uint32_t producer,
		      struct sums *sums)
{
	const struct counts *counts = &stat->counts[producer];
	struct tw_trace_time first, last;

	if (counts->has_time) {
		tw_trace_when(stat->trace, producer, counts->first, &first);
		tw_trace_when(stat->trace, producer, counts->last, &last);
		sums->plus_ns = larger(first.plus_ns, last.plus_ns);
		sums->minus_ns = larger(first.minus_ns, last.minus_ns);
		sums->seconds = (double)(last.time_ns - first.time_ns) / 1e9;
	}
	if (stat->elapsed_ns &&
	    tw_trace_producer(stat->trace, producer)->running)
		sums->seconds = (double)stat->elapsed_ns / 1e9;
}

static struct sums make_sums(const struct stat *stat, uint32_t producer,
			     const struct row *rows, uint32_t row_count)
{
	const uint32_t lanes = tw_trace_lane_count(stat->trace, producer);
	const uint64_t no_lane = tw_trace_no_lane(stat->trace, producer);
	struct sums sums = {
		.lost = no_lane,
		.discarded = no_lane,
	};
	struct tw_trace_lane lane;

	set_times(stat, producer, &sums);
	for (uint32_t i = 0; i < row_count; i++) {
		sums.count += rows[i].count;
		sums.bytes += rows[i].bytes;
	}
	for (uint32_t i = 0; i < lanes; i++) {
		if (!tw_trace_lane(stat->trace, producer, i, &lane))
			continue;
		sums.lost += lane.lost + lane.discarded;
		sums.discarded += lane.discarded;
	}
	return sums;
}

static double rate_of(uint64_t count, double seconds)
{
	return seconds > 0 ? (double)count / seconds : 0;
}

static bool is_worth_a_row(const struct tw_trace_lane *lane)
{
	return lane->events || lane->lost || lane->discarded;
}

/* ---- Text ---- */

static void add_bar(struct tw_table *table, uint64_t part, uint64_t most)
{
	char bar[BAR_WIDTH + 1];
	const size_t size =
		most ? (size_t)((double)part / (double)most * BAR_WIDTH + 0.5)
		     : 0;

	memset(bar, '#', sizeof(bar));
	bar[size > BAR_WIDTH ? BAR_WIDTH : size] = '\0';
	tw_table_add(table, TW_STYLE_GREEN, "%s", bar);
}

static bool print_events(const struct row *rows, uint32_t count,
			 const struct sums *sums)
{
	static const struct tw_column columns[] = {
		{"EVENT", false}, {"COUNT", true}, {"PER SECOND", true},
		{"BYTES", true},  {"SHARE", true}, {"", false},
	};
	const bool bars = isatty(STDOUT_FILENO);
	struct tw_table *table = tw_table_create(columns, bars ? 6 : 5);
	bool ok;

	for (uint32_t i = 0; table && i < count; i++) {
		tw_table_add(table, TW_STYLE_PLAIN, "%s", rows[i].name);
		tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu64, rows[i].count);
		if (sums->seconds > 0)
			tw_table_add(table, TW_STYLE_PLAIN, "%.1f",
				     rate_of(rows[i].count, sums->seconds));
		else
			tw_table_add(table, TW_STYLE_DIM, "-");
		tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu64, rows[i].bytes);
		tw_table_add(table, TW_STYLE_PLAIN, "%.1f%%",
			     100.0 * (double)rows[i].count /
				     (double)sums->count);
		if (bars)
			add_bar(table, rows[i].count, rows[0].count);
	}
	ok = table && tw_table_print(table);
	tw_table_destroy(table);
	return ok;
}

static void add_lane(struct tw_table *table, const struct tw_trace_lane *lane)
{
	const enum tw_style lost = lane->lost ? TW_STYLE_RED : TW_STYLE_PLAIN;
	const enum tw_style discarded = lane->discarded ? TW_STYLE_RED
							: TW_STYLE_PLAIN;

	tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu32, lane->lane);
	tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu32, lane->tid);
	tw_table_add(table, TW_STYLE_PLAIN, "%s", lane->name);
	tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu32, lane->level);
	tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu64, lane->events);
	tw_table_add(table, lost, "%" PRIu64, lane->lost);
	tw_table_add(table, discarded, "%" PRIu64, lane->discarded);
}

static bool print_lanes(const struct stat *stat, uint32_t producer)
{
	static const struct tw_column columns[] = {
		{"LANE", true},	     {"THREAD", true}, {"NAME", false},
		{"LEVEL", true},     {"EVENTS", true}, {"OVERWRITTEN", true},
		{"DISCARDED", true},
	};
	const uint32_t count = tw_trace_lane_count(stat->trace, producer);
	struct tw_table *table = tw_table_create(columns, 7);
	struct tw_trace_lane lane;
	bool ok;

	for (uint32_t i = 0; table && i < count; i++)
		if (tw_trace_lane(stat->trace, producer, i, &lane) &&
		    is_worth_a_row(&lane))
			add_lane(table, &lane);
	ok = table && tw_table_print(table);
	tw_table_destroy(table);
	return ok;
}

static void print_title(const struct stat *stat, uint32_t producer,
			const struct sums *sums)
{
	const struct tw_trace_producer *it = tw_trace_producer(stat->trace,
							       producer);
	struct tw_text text = {0};

	tw_text_add_string(&text, tw_style(TW_STYLE_BOLD));
	tw_text_add_escaped(&text, it->name, strlen(it->name));
	if (it->pid || it->epoch) {
		tw_text_add_string(&text, it->pid ? " " : " epoch ");
		tw_text_add_u64(&text, it->pid ? it->pid : it->epoch);
	}
	tw_text_add_string(&text, tw_style(TW_STYLE_PLAIN));
	fwrite(text.data, 1, text.size, stdout);
	free(text.data);
	printf(": %" PRIu64 " events, %" PRIu64 " bytes, %s%" PRIu64
	       " lost%s, in %.3f s",
	       sums->count, sums->bytes,
	       sums->lost ? tw_style(TW_STYLE_RED) : "", sums->lost,
	       sums->lost ? tw_style(TW_STYLE_PLAIN) : "", sums->seconds);
	if (sums->plus_ns || sums->minus_ns)
		printf(", times to %s %s", tw_bound_of('+', sums->plus_ns).text,
		       tw_bound_of('-', sums->minus_ns).text);
	printf("\n");
	if (it->gone)
		tw_notice("%s: the ring was gone before it was read to its "
			  "end: loss there is what was last known of it",
			  it->path);
	if (!it->is_ring && !it->complete)
		tw_notice("%s: its recording did not end as it should: loss at "
			  "its end is not known",
			  it->path);
}

static bool print_text(const struct stat *stat, uint32_t producer,
		       const struct row *rows, uint32_t count)
{
	const struct sums sums = make_sums(stat, producer, rows, count);
	const uint64_t no_lane = tw_trace_no_lane(stat->trace, producer);

	if (producer)
		printf("\n");
	print_title(stat, producer, &sums);
	if (count) {
		printf("\n");
		if (!print_events(rows, count, &sums))
			return false;
	}
	if (sums.count || sums.lost > no_lane) {
		printf("\n");
		if (!print_lanes(stat, producer))
			return false;
	}
	if (no_lane)
		printf("\n%" PRIu64 " events were lost because no lane was "
		       "free\n",
		       no_lane);
	return true;
}

/* ---- JSON ---- */

static void add_events_json(struct tw_json *json, const struct row *rows,
			    uint32_t count, double seconds)
{
	tw_json_begin(json, "events", '[');
	for (uint32_t i = 0; i < count; i++) {
		tw_json_begin(json, NULL, '{');
		tw_json_text(json, "name", rows[i].name);
		tw_json_u64(json, "count", rows[i].count);
		if (seconds > 0)
			tw_json_double(json, "rate",
				       rate_of(rows[i].count, seconds));
		else
			tw_json_null(json, "rate");
		tw_json_u64(json, "bytes", rows[i].bytes);
		tw_json_end(json, '}');
	}
	tw_json_end(json, ']');
}

static void add_lanes_json(struct tw_json *json, const struct stat *stat,
			   uint32_t producer)
{
	const uint32_t count = tw_trace_lane_count(stat->trace, producer);
	struct tw_trace_lane lane;

	tw_json_begin(json, "lanes", '[');
	for (uint32_t i = 0; i < count; i++) {
		if (!tw_trace_lane(stat->trace, producer, i, &lane) ||
		    !is_worth_a_row(&lane))
			continue;
		tw_json_begin(json, NULL, '{');
		tw_json_u64(json, "lane", lane.lane);
		tw_json_u64(json, "tid", lane.tid);
		tw_json_text(json, "name", lane.name);
		tw_json_u64(json, "level", lane.level);
		tw_json_u64(json, "count", lane.events);
		tw_json_u64(json, "lost", lane.lost + lane.discarded);
		tw_json_u64(json, "discarded", lane.discarded);
		tw_json_end(json, '}');
	}
	tw_json_end(json, ']');
}

static void add_json(struct tw_json *json, const struct stat *stat,
		     uint32_t producer, const struct row *rows, uint32_t count)
{
	const struct sums sums = make_sums(stat, producer, rows, count);
	const struct tw_trace_producer *it = tw_trace_producer(stat->trace,
							       producer);

	tw_json_begin(json, NULL, '{');
	tw_json_text(json, "name", it->name);
	tw_json_u64(json, "pid", it->pid);
	if (it->epoch) {
		tw_json_u64(json, "epoch", it->epoch);
		tw_json_u64(json, "generation", it->generation);
	}
	tw_json_text(json, "path", it->path);
	tw_json_bool(json, "complete", it->is_ring || it->complete);
	tw_json_double(json, "seconds", sums.seconds);
	tw_bounds_json(json, sums.plus_ns, sums.minus_ns);
	tw_json_u64(json, "count", sums.count);
	tw_json_u64(json, "bytes", sums.bytes);
	tw_json_u64(json, "lost", sums.lost);
	tw_json_u64(json, "discarded", sums.discarded);
	add_events_json(json, rows, count, sums.seconds);
	add_lanes_json(json, stat, producer);
	tw_json_end(json, '}');
}

/* ---- The whole ---- */

static void say_unreadable(const struct stat *stat, uint32_t producer)
{
	const uint64_t unreadable = stat->counts[producer].unreadable;

	if (unreadable)
		tw_notice("%s: %" PRIu64
			  " packets hold something unreadable: what follows it "
			  "in them is not counted",
			  tw_trace_producer(stat->trace, producer)->path,
			  unreadable);
}

static int print_stat(struct stat *stat)
{
	struct tw_json json = {0};
	struct row *rows = calloc(TW_EVENTS_MAX, sizeof(*rows));
	bool ok = rows;
	uint32_t count;

	tw_json_begin(&json, NULL, '{');
	tw_json_begin(&json, "producers", '[');
	for (uint32_t i = 0; ok && i < stat->producer_count; i++) {
		count = make_rows(stat, i, rows);
		say_unreadable(stat, i);
		if (stat->request->json)
			add_json(&json, stat, i, rows, count);
		else
			ok = print_text(stat, i, rows, count);
	}
	tw_json_end(&json, ']');
	tw_json_end(&json, '}');
	tw_json_line(&json);
	if (ok && stat->request->json)
		tw_output_text(&json.text);
	free(json.text.data);
	free(rows);
	return ok ? TW_EXIT_OK : tw_error_memory();
}

static void release(struct stat *stat)
{
	for (uint32_t i = 0; stat->counts && i < stat->producer_count; i++) {
		free(stat->counts[i].events);
		free(stat->counts[i].bytes);
	}
	free(stat->counts);
}

static int stat_targets(const struct request *request)
{
	const struct tw_open_options options = {
		.now = request->seconds,
		.wait = request->seconds,
		.schema = request->schema,
		.events = &request->events,
		.follow = request->seconds,
	};
	struct stat stat = {.request = request, .open_options = &options};
	int status;

	tw_interrupt_catch();
	status = tw_open_trace(&request->targets, &options, &stat.opened);
	if (status)
		return status;
	stat.trace = stat.opened.trace;
	status = grow(&stat);
	if (!status && !request->seconds)
		status = tw_settle_clocks(&stat.opened);
	if (!status)
		status = count_all(&stat);
	tw_status_clear();
	tw_say_warnings(stat.trace, &stat.warnings_said);
	tw_channels_say_counts(stat.opened.channels);
	if (!status)
		status = print_stat(&stat);
	release(&stat);
	tw_close_trace(&stat.opened);
	return status;
}

static int take_arguments(struct tw_args *args, struct request *request)
{
	int id;

	while ((id = tw_args_next(args)) != TW_ARG_END) {
		if (id == TW_ARG_STOP)
			return id;
		if (id == TW_OPTION_JSON_ID)
			request->json = true;
		else if (id == OPTION_SCHEMA)
			request->schema = args->value;
		else if (id == TW_OPTION_EVENTS_ID)
			tw_words_add(&request->events, args->value);
		else if (id == TW_ARG_OPERAND)
			tw_words_add(&request->targets, args->value);
		else if (!tw_args_number(args, "seconds", 1, SECONDS_MAX,
					 &request->seconds))
			return TW_ARG_STOP;
	}
	for (int i = 0; i < args->rest_count; i++)
		tw_words_add(&request->targets, args->rest[i]);
	if (request->targets.count)
		return TW_ARG_END;
	args->status = tw_usage_error(args, "which target or directory?");
	return TW_ARG_STOP;
}

static int run(struct tw_args *args)
{
	struct request request = {0};
	int status;

	if (take_arguments(args, &request) == TW_ARG_STOP)
		status = args->status;
	else
		status = stat_targets(&request);
	tw_words_free(&request.targets);
	tw_words_free(&request.events);
	return status;
}

static const struct tw_option options[] = {
	{OPTION_SECONDS, "seconds", "N",
	 "count what running programs emit in N seconds"},
	{OPTION_SCHEMA, "schema", "FILE",
	 "trace-events file of a guest's ring that has no schema"},
	TW_OPTION_EVENTS_OR_QEMU,
	TW_OPTION_JSON,
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {
	{"trackway stat sqlite-vfs", "what its ring holds now"},
	{"trackway stat --seconds 5 1234", "what comes within five seconds"},
	{"trackway stat DIR", "a recording"},
	{"trackway stat --json DIR | jq '.producers[].lost'", "for a script"},
	{NULL, NULL},
};

const struct tw_command tw_command_stat = {
	.name = "stat",
	.usage = "[--seconds N] [--schema FILE] [--events FILE]... "
		 "[--json] TARGET|DIR...",
	.summary = "count events, and what was lost, by event and thread",
	.details = "For each program: every event that occurred, with count, "
		   "rate, "
		   "bytes and share;\n"
		   "then its lanes, one for each thread and level of signal "
		   "nesting. Overwritten\n"
		   "events were gone from the ring before they were read; "
		   "discarded ones found no\n"
		   "room. Which events were lost is not known, only how many.",
	.options = options,
	.examples = examples,
	.run = run,
};
