/* SPDX-License-Identifier: MIT */
/*
 * trackway sync: how a producer's clock stands to the host's, and how well that
 * is known. A guest that answers is asked as fast as it does; of one that
 * doesn't, pages are watched as it takes them, each with a beacon in it. Of a
 * program on this host the counter is the host's own, which is read directly.
 */
#include "cli.h"

#include "../attach/ram.h"
#include "../attach/sync.h"
#include "../clock/clock.h"
#include "../trace/foreign.h"
#include "../trace/timebase.h"
#include "channels.h"
#include "status-line.h"
#include "sync-plot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECONDS_MAX 86400
#define ASK_LIMIT_NS 20000000 /* for one answer, or one page */
#define GIVE_UP_NS 200000000  /* no answer at all: it gives none */
#define OWN_PAUSE_NS 100000
#define SAMPLES_MAX 4096
#define POINTS 1024

enum {
	OPTION_DURATION = TW_OPTION_ID(1),
	OPTION_PLOT = TW_OPTION_ID(2),
	OPTION_PASSIVE = TW_OPTION_ID(3),
};

struct request {
	const char *target;
	const char *plot;
	uint64_t seconds;
	bool is_passive;
	bool json;
};

enum how {
	HOW_ANSWERS,
	HOW_BEACONS,
	HOW_OWN,
};

static const char *const how_names[] = {"answers", "beacons", "own"};

/* A moment of which the width is to be told in the end. */
struct sample {
	uint64_t g;
	uint64_t t;
};

struct sync {
	const struct request *request;
	struct tw_attach *attach;
	struct tw_clock *clock;
	enum how how;
	uint64_t near; /* a late value of the counter, whole */
	uint32_t head; /* of tw_attach_next_turn() */
	uint64_t began;
	uint64_t ended;
	uint64_t exchanges;
	uint64_t kvm_exchanges; /* those of them that KVM's debugfs made */
	uint64_t sightings;	/* with no beacon */
	struct sample samples[SAMPLES_MAX];
	size_t sample_count;
	uint64_t sample_ns; /* between two */
};

/* What came of it. */
struct found {
	struct tw_clock_counts counts;
	struct tw_clock_epoch epoch; /* the last */
	struct tw_clock_affine line;
	bool has_line;
	uint64_t zero_ns; /* CLOCK_MONOTONIC when the line's counter was 0 */
	bool has_zero;
	struct tw_sync_point *points;
	size_t count;
	uint64_t min;
	uint64_t median;
};

/* ---- Measuring ---- */

/* What was learned at t; every so often one is kept, and if there are too many,
 * every second of them. */
static void keep_sample(struct sync *sync, uint64_t g, uint64_t t)
{
	const size_t count = sync->sample_count;
	size_t i;

	if (count && t - sync->samples[count - 1].t < sync->sample_ns)
		return;
	if (count == SAMPLES_MAX) {
		for (i = 0; i < count / 2; i++)
			sync->samples[i] = sync->samples[2 * i];
		sync->sample_count = i;
		sync->sample_ns = 2 * sync->sample_ns + 1000;
	}
	sync->samples[sync->sample_count++] = (struct sample){g, t};
}

static int add(struct sync *sync, uint64_t g, uint64_t t1, uint64_t t2)
{
	int fit = t1 ? tw_clock_exchange(sync->clock, g, t1, t2)
		     : tw_clock_upper(sync->clock, g, t2);

	sync->exchanges += t1 != 0;
	sync->sightings += !t1;
	sync->near = g;
	if (fit == TW_CLOCK_FITS || fit == TW_CLOCK_NEW_EPOCH)
		keep_sample(sync, g, t2);
	return fit < 0 ? fit : 0;
}

static int ask(struct sync *sync)
{
	struct tw_attach_exchange exchange;
	int err = tw_attach_exchange(sync->attach, ASK_LIMIT_NS, NULL,
				     &exchange);

	if (err)
		return err;
	sync->kvm_exchanges += exchange.is_kvm;
	return add(sync, tw_attach_extend(exchange.counter, sync->near),
		   exchange.t1, exchange.t2);
}

static int watch(struct sync *sync)
{
	struct tw_attach_turn turn;
	int err = tw_attach_next_turn(sync->attach, ASK_LIMIT_NS, NULL,
				      &sync->head, &turn);

	return err ? err : add(sync, turn.time_begin, turn.t1, turn.t2);
}

static int read_own(struct sync *sync)
{
	const struct timespec pause = {.tv_nsec = OWN_PAUSE_NS};
	const uint64_t t1 = tw_monotonic_ns();
	struct tw_ring_sync moment;
	int err = tw_moment_take(sync->attach->ring.control.clock_kind,
				 &moment);

	if (!err)
		err = add(sync, moment.clock, t1, tw_monotonic_ns());
	nanosleep(&pause, NULL);
	return err;
}

static int look(struct sync *sync)
{
	int err;

	if (sync->how == HOW_OWN)
		return read_own(sync);
	err = sync->how == HOW_ANSWERS ? ask(sync) : watch(sync);
	if (err != -EAGAIN)
		return err;
	/* Neither: it may just not have run, so in turns. */
	if (!sync->request->is_passive && !sync->exchanges &&
	    !sync->sightings && tw_monotonic_ns() - sync->began > GIVE_UP_NS)
		sync->how = sync->how == HOW_ANSWERS ? HOW_BEACONS
						     : HOW_ANSWERS;
	return 0;
}

static void show_status(const struct sync *sync)
{
	tw_status_show("%" PRIu64 " exchanges, %s of %" PRIu64 " s",
		       sync->exchanges + sync->sightings,
		       tw_duration_of(tw_monotonic_ns() - sync->began).text,
		       sync->request->seconds);
}

static int measure(struct sync *sync)
{
	const uint64_t duration = sync->request->seconds * 1000000000u;
	int err = 0;

	sync->began = tw_monotonic_ns();
	while (!err && !tw_interrupted() &&
	       tw_monotonic_ns() - sync->began < duration) {
		err = look(sync);
		if (tw_status_is_due())
			show_status(sync);
	}
	tw_status_clear();
	sync->ended = tw_monotonic_ns();
	return err;
}

/* The newest time that the ring has: where an answer's upper bits are from. */
static uint64_t newest_time(struct tw_attach *attach)
{
	struct tw_ring_lane lane;
	uint64_t newest = 0;

	for (uint32_t i = 0; i < attach->ring.control.lane_count; i++)
		if (!tw_ring_read_lane(&attach->ring, i, &lane) &&
		    lane.last_time > newest)
			newest = lane.last_time;
	return newest;
}

/* ---- Results ---- */

static int by_width(const void *a, const void *b)
{
	const uint64_t one = *(const uint64_t *)a;
	const uint64_t other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

static int find_widths(const struct sync *sync, struct found *found)
{
	const size_t count = sync->sample_count;
	uint64_t *widths = calloc(count + 1, sizeof(*widths));
	struct tw_clock_bounds bounds;

	found->points = calloc(count + 1, sizeof(*found->points));
	if (!widths || !found->points) {
		free(widths);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		const struct sample *sample = &sync->samples[i];

		if (tw_clock_when(sync->clock, sample->g, 0, UINT64_MAX,
				  &bounds) ||
		    !bounds.lo || bounds.hi == UINT64_MAX)
			continue;
		widths[found->count] = bounds.hi - bounds.lo;
		found->points[found->count++] = (struct tw_sync_point){
			sample->t, bounds.hi - bounds.lo, bounds.epoch};
	}
	qsort(widths, found->count, sizeof(*widths), by_width);
	if (found->count) {
		found->min = widths[0];
		found->median = widths[found->count / 2];
	}
	free(widths);
	return 0;
}

/* When the counter was 0, if it went at one rate up to now, and if that was
 * since the host's boot. */
static void find_zero(struct found *found)
{
	const struct tw_clock_affine *line = &found->line;
	const double before = (double)line->base_ticks / (double)line->hz * 1e9;
	const unsigned __int128 ns = (unsigned __int128)line->base_ticks *
				     1000000000u / line->hz;

	found->has_zero = before < 1e18 && ns <= line->base_ns;
	if (found->has_zero)
		found->zero_ns = line->base_ns - (uint64_t)ns;
}

static int find_all(const struct sync *sync, struct found *found)
{
	uint32_t first, count;

	tw_clock_counts(sync->clock, &found->counts);
	tw_clock_epochs(sync->clock, &first, &count);
	if (count &&
	    !tw_clock_epoch(sync->clock, first + count - 1, &found->epoch))
		found->has_line = !tw_clock_affine(sync->clock,
						   first + count - 1,
						   &found->line) &&
				  found->line.hz;
	if (found->has_line)
		find_zero(found);
	return find_widths(sync, found);
}

/* How much faster than the producer says, in millionths; false: it doesn't. */
static bool drift_of(const struct sync *sync, const struct found *found,
		     double *ppm)
{
	const double said = (double)sync->attach->ring.control.clock_hz;

	if (said < 1 || found->epoch.hz < 1)
		return false;
	*ppm = (found->epoch.hz - said) / said * 1e6;
	return true;
}

static void print_json(const struct sync *sync, const struct found *found)
{
	const struct tw_target *target = &sync->attach->target;
	struct tw_json json = {0};
	double ppm;

	tw_json_begin(&json, NULL, '{');
	tw_json_text(&json, "target", sync->request->target);
	tw_json_text(&json, "name", target->name);
	tw_json_text(&json, "how", how_names[sync->how]);
	tw_json_u64(&json, "exchanges", sync->exchanges);
	tw_json_u64(&json, "kvm_exchanges", sync->kvm_exchanges);
	tw_json_u64(&json, "sightings", sync->sightings);
	tw_json_u64(&json, "duration_ns", sync->ended - sync->began);
	tw_json_bool(&json, "virtual", found->counts.is_virtual);
	if (!found->counts.is_virtual) {
		tw_json_u64(&json, "epochs", found->counts.epochs);
		tw_json_u64(&json, "rejected", found->counts.rejected);
	}
	if (found->has_line) {
		tw_json_double(&json, "hz", found->epoch.hz);
		tw_json_double(&json, "hz_error", found->epoch.hz_error);
		tw_json_u64(&json, "line_hz", found->line.hz);
		tw_json_u64(&json, "line_ticks", found->line.base_ticks);
		tw_json_u64(&json, "line_mono_ns", found->line.base_ns);
		tw_json_u64(&json, "line_error_ns", found->line.error_ns);
	}
	if (found->has_zero)
		tw_json_u64(&json, "zero_mono_ns", found->zero_ns);
	if (found->has_line && drift_of(sync, found, &ppm))
		tw_json_double(&json, "drift_ppm", ppm);
	if (found->count && !found->counts.is_virtual) {
		tw_json_u64(&json, "width_min_ns", found->min);
		tw_json_u64(&json, "width_median_ns", found->median);
	}
	tw_json_end(&json, '}');
	tw_json_line(&json);
	(void)tw_output_text(&json.text);
	free(json.text.data);
}

static void print_how(const struct sync *sync)
{
	static const char *const words[] = {
		"the guest's answers",
		"beacons in the guest's pages",
		"the host's own clock, as it is the program's",
	};

	printf("how      %s: %" PRIu64 " exchanges", words[sync->how],
	       sync->exchanges);
	if (sync->kvm_exchanges)
		printf(", %" PRIu64 " of them by KVM's debugfs",
		       sync->kvm_exchanges);
	if (sync->sightings)
		printf(", %" PRIu64 " sightings", sync->sightings);
	printf(" in %s\n", tw_duration_of(sync->ended - sync->began).text);
}

static void print_line(const struct sync *sync, const struct found *found)
{
	double ppm;

	if (found->has_zero)
		printf("offset   the counter was 0 at %.9f s of the host's "
		       "CLOCK_MONOTONIC\n",
		       (double)found->zero_ns / 1e9);
	printf("         %" PRIu64 " ticks at %" PRIu64 ".%09" PRIu64
	       " s, to %" PRIu64 " ns\n",
	       found->line.base_ticks, found->line.base_ns / 1000000000,
	       found->line.base_ns % 1000000000, found->line.error_ns);
	printf("rate     %.1f Hz, to %.3f ppm\n", found->epoch.hz,
	       found->epoch.hz_error / found->epoch.hz * 1e6);
	if (drift_of(sync, found, &ppm))
		printf("drift    %+.3f ppm against what the guest says\n", ppm);
}

static void print_text(const struct sync *sync, const struct found *found)
{
	print_how(sync);
	/* Each reading that fits no rate has begun an epoch, or was rejected:
	 * how many did says nothing. */
	if (found->counts.is_virtual) {
		puts("rate     none: it has a timebase of its own, which "
		     "counts something else than time");
		return;
	}
	if (found->has_line)
		print_line(sync, found);
	if (found->count)
		printf("width    %" PRIu64 " ns at least, %" PRIu64
		       " ns in the middle\n",
		       found->min, found->median);
	else
		puts("width    not known");
	printf("epochs   %" PRIu32 "\n", found->counts.epochs);
	if (found->counts.rejected)
		printf("rejected %" PRIu64 "\n", found->counts.rejected);
}

static int report(const struct sync *sync)
{
	const struct request *request = sync->request;
	struct found found = {0};
	int status = TW_EXIT_OK;
	int err = find_all(sync, &found);

	if (err)
		status = tw_error_memory();
	else if (!sync->exchanges && !sync->sightings)
		status = tw_error(request->target,
				  "it doesn't answer, and takes no page: it "
				  "has to call tw_guest_sync(), or emit "
				  "events");
	else if (request->json)
		print_json(sync, &found);
	else
		print_text(sync, &found);
	if (!status && request->plot) {
		err = tw_sync_plot(request->plot, found.points, found.count);
		if (err)
			status = tw_error(request->plot, "%s", strerror(-err));
	}
	free(found.points);
	return status;
}

/* ---- The command ---- */

static int say_failure(const struct request *request, int err)
{
	if (err == -ESTALE)
		return tw_error(request->target,
				"the ring is there no more: a reset?");
	if (err == -EROFS || err == -EOPNOTSUPP)
		return tw_error(request->target,
				"it can't be written to, and so not asked");
	if (err == -ENOTSUP)
		return tw_error(request->target,
				"its clock is none that this host has");
	return tw_error(request->target, "%s", strerror(-err));
}

static int open_sync(struct sync *sync)
{
	const char *target = sync->request->target;
	struct tw_clock_options options = {.points = POINTS};
	struct tw_attach_error error;

	if (tw_is_channel(target))
		return tw_error(target, "a channel's events have the host's "
					"time, that of their arrival");
	if (tw_foreign_is_spec(target))
		return tw_error(target, "another tracer's events: trackway "
					"print and stat read them");
	if (tw_attach_open(target, tw_ram_is_spec(target), &sync->attach,
			   &error))
		return tw_error(NULL, "%s", error.text);
	options.hz = sync->attach->ring.control.clock_hz;
	if (tw_clock_create(&options, &sync->clock))
		return tw_error_memory();
	sync->near = newest_time(sync->attach);
	sync->how = !tw_attach_is_guest(sync->attach) ? HOW_OWN
		    : sync->request->is_passive	      ? HOW_BEACONS
						      : HOW_ANSWERS;
	return TW_EXIT_OK;
}

static int run_request(const struct request *request)
{
	struct sync *sync = calloc(1, sizeof(*sync));
	int status, err;

	if (!sync)
		return tw_error_memory();
	sync->request = request;
	status = open_sync(sync);
	if (!status) {
		tw_interrupt_catch();
		err = measure(sync);
		status = err && err != -EINTR ? say_failure(request, err)
					      : report(sync);
	}
	tw_clock_destroy(sync->clock);
	if (sync->attach)
		tw_attach_close(sync->attach);
	free(sync);
	return status;
}

static int run(struct tw_args *args)
{
	struct request request = {.seconds = 1};
	int id;

	while ((id = tw_args_next(args)) != TW_ARG_END) {
		if (id == TW_ARG_STOP)
			return args->status;
		if (id == TW_ARG_OPERAND && request.target)
			return tw_usage_error(args, "one TARGET at a time");
		if (id == TW_ARG_OPERAND)
			request.target = args->value;
		if (id == OPTION_DURATION &&
		    !tw_args_number(args, "duration", 1, SECONDS_MAX,
				    &request.seconds))
			return args->status;
		if (id == OPTION_PLOT)
			request.plot = args->value;
		request.is_passive |= id == OPTION_PASSIVE;
		request.json |= id == TW_OPTION_JSON_ID;
	}
	if (!request.target && args->rest_count == 1)
		request.target = args->rest[0];
	else if (args->rest_count)
		return tw_usage_error(args, "one TARGET at a time");
	if (!request.target)
		return tw_usage_error(args, "no TARGET given");
	return run_request(&request);
}

static const struct tw_option options[] = {
	{OPTION_DURATION, "duration", "SECONDS",
	 "how long to look; 1 if not given"},
	{OPTION_PASSIVE, "passive", NULL,
	 "ask for no answers: beacons in pages alone"},
	{OPTION_PLOT, "plot", "FILE",
	 "draw how wide the bounds are over time, as SVG"},
	TW_OPTION_JSON,
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {
	{"trackway sync vm:1234", "how well a guest's clock can be known"},
	{"trackway sync --duration 60 --plot width.svg vm:1234",
	 "over a minute, as a picture"},
	{"trackway sync --json vm:1234 | jq .width_median_ns",
	 "one number of it"},
	{NULL, NULL},
};

const struct tw_command tw_command_sync = {
	.name = "sync",
	.usage = "[--duration SECONDS] [--passive] [--plot FILE] "
		 "[--json] TARGET",
	.summary = "measure a producer's clock against the host's",
	.details = "A guest that calls tw_guest_sync() is asked for its clock "
		   "as fast as it answers; any other is watched as it takes "
		   "pages for its events, some of which must be on. What "
		   "comes of it is when, on the host's CLOCK_MONOTONIC, the "
		   "guest's counter had which value, and how far apart the "
		   "bounds are between which that is certain. An epoch ends "
		   "where the counter was set or stood still.",
	.options = options,
	.examples = examples,
	.run = run,
};
