/* SPDX-License-Identifier: MIT */
/*
 * The rings of a recording. Each is drained a few megabytes at a time, so that
 * a busy one doesn't starve the others. A producer that has ended is completed
 * at once and its ring let go, since there may be thousands in one recording;
 * its metadata is written once more at the end, when the clock's rate is known
 * best and so that all producers have the same.
 *
 * Called by `trackway record` and by the recorder of the monitor's trace-file.
 */
#include "recording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TURN_BYTES (4u << 20)
/* Of a guest: each turn looks at every page that may be new, one by one. */
#define GUEST_TURN_BYTES (64u << 20)
#define FIRST_DESCRIBE_NS 500000000u
#define LONGEST_DESCRIBE_NS 60000000000u

/* What a guest has not in a full page yet is taken so often, since it is gone
 * with its next reset; and the counts of its lanes are looked at. */
#define OPEN_GAP_NS 10000000u

/* Where a guest's clock is like the host's, that is watched for so long at
 * least: its rate is known to 1 in 10,000 or better. */
#define HOST_CLOCK_NS 5000000u

/* One ring. */
struct producer {
	struct tw_attach *attach; /* NULL once it is completed */
	char *name;
	struct tw_drain *drain;
	struct tw_ctf *ctf;
	struct tw_moments own;
	struct tw_moments *moments; /* own, or the host's */
	uint64_t hz;
	/* Of a ring in a guest's memory. */
	bool is_guest;
	bool is_drained;     /* once: what comes from then on was not there */
	uint64_t earlier_hz; /* what its clock seemed to have in an epoch before
			      */
	struct tw_sightings sightings;
	struct tw_guest_clock *clock;
	uint64_t open_ns;
	bool is_changed; /* something came since its lanes were looked at */
	unsigned int flags;
	bool *seen;    /* by id: matched against the patterns */
	bool *changed; /* by id: switched on by us */
};

struct tw_recording {
	struct tw_recording_options options;
	char *directory;
	struct tw_host_clocks clocks;
	struct producer **producers;
	uint32_t count;
	uint32_t live_count;
	uint32_t gone_count;
	int error;  /* the first; 0: all could be recorded so far */
	int broken; /* why nothing more can be written, or 0 */
	uint64_t described_ns;
	uint64_t describe_gap;
};

/* ---- What people are told ---- */

static void say(const struct tw_recording_options *options,
		enum tw_recording_line kind, const char *target,
		const char *line)
{
	if (options->say)
		options->say(options->context, kind, target, line);
}

static int fail(struct tw_recording *recording, int code, const char *target,
		const char *what)
{
	say(&recording->options, TW_RECORDING_ERROR, target, what);
	if (!recording->error)
		recording->error = code;
	return code;
}

/* The disk is full, or gone: the trace ends here for all. */
static int break_off(struct tw_recording *recording, int code,
		     const char *target, const char *what)
{
	recording->broken = code;
	return fail(recording, code, target, what);
}

/* ---- Life ---- */

static int refuse(const struct tw_recording_options *options, int code,
		  const char *why)
{
	say(options, TW_RECORDING_ERROR, NULL, why);
	return code;
}

int tw_recording_create(const struct tw_recording_options *options,
			struct tw_recording **result)
{
	struct tw_recording *recording;
	struct tw_attach_error error;
	int code;

	code = options->append
		       ? tw_trace_directory_extend(options->directory, &error)
		       : tw_trace_directory_create(options->directory, &error);
	if (code)
		return refuse(options, code, error.text);
	recording = calloc(1, sizeof(*recording));
	if (!recording)
		return refuse(options, -ENOMEM, "out of memory");
	recording->options = *options;
	recording->directory = strdup(options->directory);
	if (!recording->directory) {
		free(recording);
		return refuse(options, -ENOMEM, "out of memory");
	}
	recording->options.directory = recording->directory;
	recording->described_ns = tw_monotonic_ns();
	recording->describe_gap = FIRST_DESCRIBE_NS;
	*result = recording;
	return 0;
}

/* ---- Events' states ---- */

static bool wants(const struct tw_recording *recording, const char *event)
{
	const struct tw_recording_options *options = &recording->options;

	return !options->wants || options->wants(options->context, event);
}

static void switch_on(struct tw_recording *recording, struct producer *producer)
{
	struct tw_attach *attach = producer->attach;
	const struct tw_event_desc *event;
	uint32_t id;

	if (!(producer->flags & TW_RECORD_SWITCH))
		return;
	for (id = 0; id < attach->lookup_count; id++) {
		event = attach->lookup[id];
		if (!event || producer->seen[id])
			continue;
		producer->seen[id] = true;
		if (wants(recording, event->name) &&
		    tw_attach_event_state(attach, id) == 0)
			producer->changed[id] = !tw_attach_set_event_state(
				attach, id, true);
	}
}

static void switch_back(struct producer *producer)
{
	uint32_t id;

	for (id = 0; producer->changed && id < TW_EVENTS_MAX; id++) {
		if (producer->changed[id])
			tw_attach_set_event_state(producer->attach, id, false);
		producer->changed[id] = false;
	}
}

/* ---- Clocks ---- */

/* The rate of a clock that has no moments. */
static uint64_t find_rate(const struct tw_recording *recording,
			  const struct producer *producer)
{
	const uint32_t kind = producer->own.kind;
	uint64_t like = 0;

	if (producer->hz)
		return producer->hz;
	if (kind < TW_CLOCK_OTHER)
		like = tw_moments_rate(&recording->clocks.kinds[kind]);
	return tw_sightings_choose_rate(&producer->sightings, like,
					producer->earlier_hz);
}

static void fit(const struct tw_recording *recording,
		const struct producer *producer, struct tw_timebase *timebase)
{
	if (tw_guest_clock_line(producer->clock, timebase))
		return;
	if (producer->moments->any)
		tw_timebase_fit(timebase, producer->moments, producer->hz);
	else
		tw_sightings_fit(timebase, &producer->sightings,
				 find_rate(recording, producer));
}

/* A guest's counter is likely to run at the rate of the host's own. */
static void watch_host_clock(struct tw_recording *recording, uint32_t kind)
{
	struct tw_moments *moments = &recording->clocks.kinds[kind];
	struct tw_ring_sync now;

	if (kind >= TW_CLOCK_OTHER || tw_moment_take(kind, &now))
		return;
	moments->kind = kind;
	tw_moments_add(moments, &now);
}

static void look_at_clocks(struct tw_recording *recording)
{
	struct tw_ring_sync now;
	uint32_t kind;

	for (kind = 0; kind < TW_CLOCK_OTHER; kind++)
		if (recording->clocks.kinds[kind].any &&
		    !tw_moment_take(kind, &now))
			tw_moments_add(&recording->clocks.kinds[kind], &now);
}

/* A dump is recorded in no time, in which no clock's rate can be told. */
static void wait_for_host_clock(const struct tw_recording *recording)
{
	const struct timespec pause = {.tv_nsec = HOST_CLOCK_NS};
	const struct producer *producer;
	const struct tw_moments *moments;
	uint32_t i;

	for (i = 0; i < recording->count; i++) {
		producer = recording->producers[i];
		if (producer->moments->any || producer->hz ||
		    producer->own.kind >= TW_CLOCK_OTHER)
			continue;
		moments = &recording->clocks.kinds[producer->own.kind];
		if (moments->any && tw_monotonic_ns() - moments->first.mono_ns <
					    HOST_CLOCK_NS) {
			nanosleep(&pause, NULL);
			return;
		}
	}
}

static int describe(struct tw_recording *recording, struct producer *producer,
		    bool complete)
{
	struct tw_timebase timebase;
	int error;

	fit(recording, producer, &timebase);
	error = tw_ctf_describe(producer->ctf, &timebase, complete);
	if (!error)
		return 0;
	return break_off(recording, error, tw_ctf_path(producer->ctf),
			 strerror(-error));
}

/*
 * Rates get better while a recording lasts. A recorder that is killed leaves
 * the last ones written.
 */
static void describe_now_and_then(struct tw_recording *recording)
{
	const uint64_t now = tw_monotonic_ns();
	uint32_t i;

	if (now - recording->described_ns < recording->describe_gap)
		return;
	recording->described_ns = now;
	if (recording->describe_gap < LONGEST_DESCRIBE_NS)
		recording->describe_gap *= 2;
	look_at_clocks(recording);
	for (i = 0; !recording->broken && i < recording->count; i++)
		if (recording->producers[i]->attach)
			describe(recording, recording->producers[i], false);
}

/* ---- Producers ---- */

/* Let go of the ring. */
static void release(struct producer *producer)
{
	tw_guest_clock_detach(producer->clock);
	tw_drain_destroy(producer->drain);
	producer->drain = NULL;
	if (producer->attach && producer->flags & TW_RECORD_REMOVE)
		unlink(producer->attach->target.path);
	tw_attach_close(producer->attach);
	producer->attach = NULL;
	free(producer->seen);
	free(producer->changed);
	producer->seen = NULL;
	producer->changed = NULL;
}

static void destroy(struct producer *producer)
{
	tw_ctf_destroy(producer->ctf);
	release(producer);
	tw_guest_clock_destroy(producer->clock);
	free(producer->name);
	free(producer);
}

/* What the clock of the ring before it seemed to have. */
static uint64_t find_earlier_rate(const struct tw_recording *recording,
				  const struct producer *producer)
{
	const struct producer *earlier;
	uint32_t i;

	for (i = recording->count; i; i--) {
		earlier = recording->producers[i - 1];
		if (earlier->is_guest &&
		    earlier->own.kind == producer->own.kind &&
		    strcmp(earlier->name, producer->name) == 0)
			return find_rate(recording, earlier);
	}
	return 0;
}

static int open_clock(struct tw_recording *recording, struct producer *producer)
{
	struct tw_guest_clock_options options = {
		.hz = producer->hz,
		.real_ns = tw_host_real_offset(&recording->clocks),
		.wait_ns = &recording->clocks.wait_ns,
		.keeps_spans = true,
	};

	if (!producer->is_guest)
		return 0;
	if (!options.hz)
		options.hz = tw_host_clock_rate(&recording->clocks,
						producer->own.kind);
	producer->clock = tw_guest_clock_create(producer->attach, &options);
	return producer->clock ? 0 : -ENOMEM;
}

static int open_producer(struct tw_recording *recording,
			 struct producer *producer,
			 const struct tw_ctf_guest *guest,
			 const struct tw_drain *after,
			 struct tw_attach_error *error)
{
	struct tw_attach *attach = producer->attach;
	const struct tw_drain_options options = {
		.start = producer->flags & TW_RECORD_HISTORY ? TW_DRAIN_ALL
							     : TW_DRAIN_NOW,
		.after = after,
		.release = true,
	};
	struct tw_timebase timebase;
	int code;

	producer->seen = calloc(TW_EVENTS_MAX, sizeof(*producer->seen));
	producer->changed = calloc(TW_EVENTS_MAX, sizeof(*producer->changed));
	producer->name = strdup(attach->target.name);
	code = producer->seen && producer->changed && producer->name ? 0
								     : -ENOMEM;
	if (!code)
		code = tw_drain_create(attach, &options, &producer->drain);
	producer->hz = attach->ring.control.clock_hz;
	producer->moments = tw_moments_of_ring(&recording->clocks,
					       &producer->own, &attach->ring);
	if (!code)
		code = open_clock(recording, producer);
	if (code) {
		snprintf(error->text, sizeof(error->text), "%.256s: %s",
			 attach->target.path, strerror(-code));
		return code;
	}
	if (!producer->moments->any) {
		watch_host_clock(recording, producer->own.kind);
		producer->earlier_hz = find_earlier_rate(recording, producer);
	}
	fit(recording, producer, &timebase);
	code = tw_ctf_create(recording->directory, attach, producer->drain,
			     &timebase, guest, &producer->ctf, error);
	if (!code && !producer->moments->any)
		tw_ctf_set_sightings(producer->ctf, &producer->sightings);
	if (!code)
		tw_ctf_set_clock(producer->ctf, producer->clock);
	return code;
}

static int add_to_list(struct tw_recording *recording,
		       struct producer *producer)
{
	struct producer **list;

	list = reallocarray(recording->producers, recording->count + 1,
			    sizeof(struct producer *));
	if (!list)
		return -ENOMEM;
	recording->producers = list;
	list[recording->count++] = producer;
	recording->live_count++;
	return 0;
}

/* A guest that is reset just now: it is as if its ring was never found. */
static bool is_gone(const struct producer *producer)
{
	if (!producer->is_guest)
		return false;
	if (producer->drain)
		return tw_drain_look(producer->drain);
	return !tw_attach_is_alive(producer->attach);
}

static int add(struct tw_recording *recording, struct tw_attach *attach,
	       unsigned int flags, const struct tw_ctf_guest *guest,
	       const struct tw_drain *after)
{
	struct producer *producer = calloc(1, sizeof(*producer));
	struct tw_attach_error error = {"out of memory"};
	int code = -ENOMEM;

	if (!producer) {
		tw_attach_close(attach);
		return fail(recording, code, NULL, error.text);
	}
	producer->attach = attach;
	producer->flags = flags;
	producer->is_guest = guest;
	producer->is_drained = !(flags & TW_RECORD_HISTORY);
	code = open_producer(recording, producer, guest, after, &error);
	if (!code)
		code = add_to_list(recording, producer);
	if (code && is_gone(producer)) {
		destroy(producer);
		return 0;
	}
	if (code) {
		destroy(producer);
		return fail(recording, code, NULL, error.text);
	}
	switch_on(recording, producer);
	return 0;
}

int tw_recording_add(struct tw_recording *recording, struct tw_attach *attach,
		     unsigned int flags)
{
	return add(recording, attach, flags, NULL, NULL);
}

int tw_recording_add_guest(struct tw_recording *recording,
			   struct tw_attach *attach, unsigned int flags,
			   const struct tw_ctf_guest *guest)
{
	return add(recording, attach, flags, guest, NULL);
}

int tw_recording_add_after(struct tw_recording *recording,
			   struct tw_attach *attach,
			   const struct tw_ctf_guest *guest,
			   const struct tw_drain *after)
{
	return add(recording, attach, 0, guest, after);
}

const char *tw_recording_last_path(const struct tw_recording *recording)
{
	return tw_ctf_path(recording->producers[recording->count - 1]->ctf);
}

/* A pass ended early: because of what is written to, or of what is read? */
static void fail_pass(struct tw_recording *recording, struct producer *producer,
		      int code)
{
	const char *why = tw_ctf_why(producer->ctf);

	if (why[0]) {
		break_off(recording, code, NULL, why);
		return;
	}
	why = producer->attach->ring.why;
	fail(recording, code, producer->attach->target.path,
	     why ? why : "can't be read any more");
}

/* No more of this ring: keep what is known of it. */
static void let_go(struct tw_recording *recording, struct producer *producer)
{
	const int error = tw_ctf_detach(producer->ctf);

	if (error)
		fail(recording, error, tw_ctf_path(producer->ctf),
		     strerror(-error));
	if (producer->is_guest)
		recording->gone_count++;
	release(producer);
	recording->live_count--;
}

/* A command that nobody records any more need not wait for us. */
static void switch_off(struct producer *producer)
{
	struct tw_attach *attach = producer->attach;
	uint32_t id;

	for (id = 0; id < attach->lookup_count; id++)
		if (tw_attach_event_state(attach, id) == 1)
			tw_attach_set_event_state(attach, id, false);
}

/* A page of a ring, into its file: a tw_drain_fn. */
static int write_page(void *context, const struct tw_drain_page *page)
{
	struct producer *producer = context;
	struct tw_ring_sync now;
	struct tw_trace_span span;

	if (producer->clock)
		tw_guest_clock_page(producer->clock, page, &span);
	if (!producer->moments->any && page->events &&
	    !tw_moment_take(TW_CLOCK_MONOTONIC, &now))
		tw_sightings_add(&producer->sightings, page->view->time_end,
				 producer->is_drained, &now);
	return tw_ctf_write(producer->ctf, page);
}

/* A ring that is gone has no switches: what is there now is another's. */
static void switch_back_or_forget(struct producer *producer)
{
	if (!tw_drain_look(producer->drain))
		switch_back(producer);
}

static void say_gone(const struct tw_recording *recording,
		     const struct producer *producer)
{
	struct tw_drain_totals totals;
	char line[96];

	tw_drain_totals(producer->drain, &totals);
	if (!tw_drain_is_gone(producer->drain) || !totals.tail)
		return;
	snprintf(line, sizeof(line),
		 "the ring went with %" PRIu64
		 " event%s that could not be read",
		 totals.tail, totals.tail == 1 ? "" : "s");
	say(&recording->options, TW_RECORDING_NOTICE,
	    tw_ctf_path(producer->ctf), line);
}

/* The last events, and the groups that they may be of. */
static void finish(struct tw_recording *recording, struct producer *producer)
{
	int64_t got = tw_drain_finish(producer->drain, write_page, producer);

	if (got < 0)
		fail_pass(recording, producer, (int)got);
	if (recording->broken || tw_drain_look(producer->drain))
		return;
	got = tw_ctf_refresh(producer->ctf);
	if (got < 0 && !tw_drain_look(producer->drain))
		fail_pass(recording, producer, (int)got);
}

/* The rest of a ring, and its counts. */
static void complete(struct tw_recording *recording, struct producer *producer)
{
	if (producer->flags & TW_RECORD_REMOVE && recording->broken)
		switch_off(producer);
	switch_back_or_forget(producer);
	if (!recording->broken)
		finish(recording, producer);
	say_gone(recording, producer);
	let_go(recording, producer);
	if (recording->broken)
		return;
	look_at_clocks(recording);
	describe(recording, producer, true);
}

/* What is only done now and then, and only for what a guest may take away. */
static void prepare_guest(struct producer *producer)
{
	const uint64_t now = tw_monotonic_ns();
	const bool is_due = now - producer->open_ns >= OPEN_GAP_NS;

	if (!producer->is_guest)
		return;
	tw_drain_set_open(producer->drain, is_due);
	if (!is_due)
		return;
	producer->open_ns = now;
	if (producer->is_changed)
		tw_drain_remember(producer->drain);
	producer->is_changed = false;
}

/* How much to take of a ring in one turn: bytes. */
static uint64_t turn_of(const struct producer *producer)
{
	return producer->is_guest ? GUEST_TURN_BYTES : TURN_BYTES;
}

/* budget: bytes; 0: all that is there. */
static uint64_t drain(struct tw_recording *recording, struct producer *producer,
		      uint64_t budget)
{
	int64_t got;
	int refreshed;

	/* Asked first: what was written before it ended is there. */
	if (!tw_attach_is_alive(producer->attach) ||
	    tw_drain_is_gone(producer->drain)) {
		complete(recording, producer);
		return 0;
	}
	prepare_guest(producer);
	refreshed = tw_ctf_refresh(producer->ctf);
	if (refreshed > 0)
		switch_on(recording, producer);
	got = tw_drain_pass(producer->drain, budget, write_page, producer);
	if (!tw_drain_is_gone(producer->drain))
		tw_guest_clock_ask(producer->clock);
	producer->is_changed |= got > 0;
	producer->is_drained |= got >= 0 && (!budget || (uint64_t)got < budget);
	if (got >= 0 && (refreshed >= 0 || tw_drain_look(producer->drain)))
		return (uint64_t)got;
	fail_pass(recording, producer, got < 0 ? (int)got : refreshed);
	let_go(recording, producer);
	return 0;
}

int tw_recording_drain(struct tw_recording *recording, uint64_t *bytes)
{
	struct producer *producer;
	uint32_t i;

	*bytes = 0;
	for (i = 0; !recording->broken && i < recording->count; i++) {
		producer = recording->producers[i];
		if (producer->attach)
			*bytes += drain(recording, producer, turn_of(producer));
	}
	if (!recording->broken)
		describe_now_and_then(recording);
	return recording->broken;
}

static void flush(struct tw_recording *recording, struct producer *producer)
{
	/* A guest's open pages are read now and then: now. */
	producer->open_ns = 0;
	tw_drain_set_open(producer->drain, true);
	drain(recording, producer, 0);
	if (!producer->attach)
		return;
	tw_drain_set_open(producer->drain, false);
	if (!recording->broken)
		describe(recording, producer, false);
}

int tw_recording_flush(struct tw_recording *recording)
{
	uint32_t i;

	look_at_clocks(recording);
	for (i = 0; !recording->broken && i < recording->count; i++)
		if (recording->producers[i]->attach)
			flush(recording, recording->producers[i]);
	return recording->broken;
}

uint32_t tw_recording_live_count(const struct tw_recording *recording)
{
	return recording->live_count;
}

uint32_t tw_recording_command_count(const struct tw_recording *recording)
{
	const struct producer *producer;
	uint32_t count = 0;

	for (uint32_t i = 0; i < recording->count; i++) {
		producer = recording->producers[i];
		count += producer->attach && producer->flags & TW_RECORD_REMOVE;
	}
	return count;
}

uint32_t tw_recording_gone_count(const struct tw_recording *recording)
{
	return recording->gone_count;
}

static struct producer *find(const struct tw_recording *recording,
			     const char *path)
{
	const struct tw_attach *attach;
	uint32_t i;

	for (i = 0; i < recording->count; i++) {
		attach = recording->producers[i]->attach;
		if (attach && strcmp(attach->target.path, path) == 0)
			return recording->producers[i];
	}
	return NULL;
}

bool tw_recording_has(const struct tw_recording *recording, const char *path)
{
	return find(recording, path);
}

const struct tw_drain *tw_recording_cut(struct tw_recording *recording,
					const char *path)
{
	struct producer *producer = find(recording, path);
	int64_t got;

	if (!producer || recording->broken ||
	    !tw_attach_is_alive(producer->attach))
		return NULL;
	got = tw_drain_cut(producer->drain, write_page, producer);
	if (got < 0)
		fail_pass(recording, producer, (int)got);
	return got < 0 || tw_drain_is_gone(producer->drain) ? NULL
							    : producer->drain;
}

void tw_recording_leave(struct tw_recording *recording, const char *path)
{
	struct producer *producer = find(recording, path);

	if (!producer)
		return;
	let_go(recording, producer);
	look_at_clocks(recording);
	if (!recording->broken)
		describe(recording, producer, true);
}

bool tw_recording_wait(struct tw_recording *recording, int timeout_ms)
{
	const struct producer *producer;
	uint32_t i;

	if (recording->live_count != 1)
		return false;
	for (i = 0; i < recording->count; i++) {
		producer = recording->producers[i];
		if (producer->attach)
			tw_attach_wait(producer->attach,
				       tw_drain_head(producer->drain),
				       timeout_ms);
	}
	return true;
}

int tw_recording_end(struct tw_recording *recording)
{
	uint32_t i;

	/* All are switched off before the first is read to its end. */
	for (i = 0; i < recording->count; i++)
		if (recording->producers[i]->attach)
			switch_back_or_forget(recording->producers[i]);
	for (i = 0; i < recording->count; i++)
		if (recording->producers[i]->attach)
			complete(recording, recording->producers[i]);
	wait_for_host_clock(recording);
	look_at_clocks(recording);
	for (i = 0; !recording->broken && i < recording->count; i++)
		describe(recording, recording->producers[i], true);
	return recording->error;
}

void tw_recording_totals(const struct tw_recording *recording,
			 struct tw_recording_totals *totals)
{
	struct tw_ctf_totals ctf;
	uint32_t i;

	*totals = (struct tw_recording_totals){.producers = recording->count};
	for (i = 0; i < recording->count; i++) {
		tw_ctf_totals(recording->producers[i]->ctf, &ctf);
		totals->events += ctf.events;
		totals->lost += ctf.lost;
		totals->bytes += ctf.bytes;
	}
}

void tw_recording_part(const struct tw_recording *recording, uint32_t index,
		       struct tw_recording_part *part)
{
	const struct tw_ctf *ctf = recording->producers[index]->ctf;
	struct tw_ctf_totals totals;

	tw_ctf_totals(ctf, &totals);
	*part = (struct tw_recording_part){
		.path = tw_ctf_path(ctf),
		.events = totals.events,
		.lost = totals.lost,
	};
}

void tw_recording_destroy(struct tw_recording *recording)
{
	uint32_t i;

	if (!recording)
		return;
	for (i = 0; i < recording->count; i++)
		destroy(recording->producers[i]);
	free(recording->producers);
	free(recording->directory);
	free(recording);
}
