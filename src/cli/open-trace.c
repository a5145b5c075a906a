/* SPDX-License-Identifier: MIT */
/* Opening what print and stat are given. Called by print-loop.c, cmd-stat.c. */
#include "open-trace.h"

#include "../ring/glob.h"
#include "../trace/foreign.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SETTLE_GAP_NS 5000000
#define SETTLE_LOOKS 60

static bool is_directory(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISDIR(status.st_mode);
}

static struct tw_drain_options drain_options(
	const struct tw_open_options *options, bool now)
{
	return (struct tw_drain_options){
		.start = now ? TW_DRAIN_NOW : TW_DRAIN_ALL,
		.open = true,
		.release = options->release,
	};
}

static int add_ring(struct tw_trace *trace, struct tw_attach *attach,
		    const struct tw_open_options *options)
{
	const struct tw_drain_options drain = drain_options(
		options,
		options->now && attach->target.state == TW_TARGET_RUNNING);
	struct tw_attach_error error;

	if (tw_trace_add_ring(trace, attach, &drain, &error))
		return tw_error(NULL, "%s", error.text);
	return TW_EXIT_OK;
}

static int add_channel(struct tw_opened *opened, const char *target,
		       const struct tw_open_options *options)
{
	const struct tw_channel_source_options what = {
		.on = true, .follow = options->follow};
	/* Nothing has been read of it: all that comes is now. */
	struct tw_drain_options drain = drain_options(options, false);
	struct tw_attach_error error;
	struct tw_attach *attach;
	int status = tw_channels_open(&opened->channels, target,
				      options->events, what, &attach);

	if (status)
		return status;
	drain.release = true;
	if (tw_trace_add_ring(opened->trace, attach, &drain, &error))
		return tw_error(NULL, "%s", error.text);
	return TW_EXIT_OK;
}

static int add_foreign(struct tw_trace *trace, const char *target,
		       const struct tw_open_options *options)
{
	const struct tw_foreign_options foreign = {
		.events = options->events->list,
		.events_count = options->events->count,
		.follow = options->follow,
		.now = options->now,
	};
	struct tw_attach_error error;

	if (tw_trace_add_foreign(trace, target, &foreign, &error))
		return tw_error(NULL, "%s", error.text);
	return TW_EXIT_OK;
}

/* --events is for some of the targets only. */
static int check_events(const struct tw_opened *opened,
			const struct tw_words *targets,
			const struct tw_words *events)
{
	for (size_t i = 0; i < targets->count; i++)
		if (tw_foreign_wants_events(targets->list[i]))
			return TW_EXIT_OK;
	return tw_channels_check(opened->channels, events);
}

static int add_target(struct tw_opened *opened, const char *target,
		      const struct tw_open_options *options)
{
	struct tw_trace *trace = opened->trace;
	struct tw_attach_error error;
	struct tw_attach *attach;

	if (tw_is_guest(target)) {
		if (!opened->guests)
			opened->guests = tw_guests_create(options->schema,
							  tw_interrupted);
		return opened->guests ? tw_guests_add(opened->guests, target)
				      : TW_EXIT_FAILED;
	}
	if (tw_is_channel(target))
		return add_channel(opened, target, options);
	if (tw_foreign_is_spec(target))
		return add_foreign(trace, target, options);
	/* A directory that holds no trace may still have a program's name. */
	if (tw_trace_is_directory(target) ||
	    (is_directory(target) && strchr(target, '/'))) {
		if (tw_trace_add_directory(trace, target, &error))
			return tw_error(NULL, "%s", error.text);
		return TW_EXIT_OK;
	}
	if (!tw_attach_open(target, false, &attach, &error))
		return add_ring(trace, attach, options);
	if (is_directory(target))
		tw_trace_add_directory(trace, target, &error);
	return tw_error(NULL, "%s", error.text);
}

/* ---- Guests ---- */

struct more {
	struct tw_opened *opened;
	const struct tw_open_options *options;
};

static int add_guest(void *context, const struct tw_guest_ring *ring)
{
	const struct more *more = context;
	/* What comes later is new from its first event on. */
	const struct tw_drain_options drain = drain_options(
		more->options, more->options->now && !ring->is_late);
	struct tw_attach_error error;

	if (tw_trace_add_guest(more->opened->trace, ring->attach, &drain,
			       ring->epoch, &error) &&
	    !ring->is_late)
		return tw_error(NULL, "%s", error.text);
	return TW_EXIT_OK;
}

static uint32_t count_gone(const struct tw_trace *trace)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < tw_trace_producer_count(trace); i++)
		count += tw_trace_producer(trace, i)->epoch &&
			 tw_trace_producer(trace, i)->ended;
	return count;
}

int tw_open_more(struct tw_opened *opened,
		 const struct tw_open_options *options)
{
	struct more more = {opened, options};
	uint32_t gone;

	if (!opened->guests)
		return TW_EXIT_OK;
	gone = count_gone(opened->trace);
	if (gone != opened->gone_count)
		tw_guests_hurry(opened->guests);
	opened->gone_count = gone;
	return tw_guests_look(opened->guests, add_guest, &more);
}

int tw_settle_clocks(struct tw_opened *opened)
{
	const struct timespec pause = {.tv_nsec = SETTLE_GAP_NS};
	struct tw_attach_error error;
	int looks;

	for (looks = 0; looks < SETTLE_LOOKS && !tw_interrupted() &&
			tw_trace_wants_time(opened->trace);
	     looks++) {
		if (tw_trace_poll(opened->trace, false, &error) < 0)
			return tw_error(NULL, "%s", error.text);
		nanosleep(&pause, NULL);
	}
	return TW_EXIT_OK;
}

bool tw_may_open_more(const struct tw_opened *opened)
{
	return opened->guests && tw_guests_may_come(opened->guests);
}

int tw_open_trace(const struct tw_words *targets,
		  const struct tw_open_options *options,
		  struct tw_opened *opened)
{
	int status = TW_EXIT_OK;

	*opened = (struct tw_opened){0};
	if (tw_trace_create(&opened->trace))
		return tw_error_memory();
	for (size_t i = 0; !status && i < targets->count; i++)
		if (!tw_words_repeats(targets, i))
			status = add_target(opened, targets->list[i], options);
	if (!status)
		status = tw_guests_check_schema(opened->guests,
						options->schema);
	if (!status)
		status = check_events(opened, targets, options->events);
	if (!status)
		status = tw_open_more(opened, options);
	if (!status && opened->guests && !options->wait)
		status = tw_guests_expect_rings(opened->guests);
	if (status)
		tw_close_trace(opened);
	return status;
}

void tw_close_trace(struct tw_opened *opened)
{
	tw_trace_destroy(opened->trace);
	tw_guests_destroy(opened->guests);
	tw_channels_destroy(opened->channels);
}

/* Offer every event's name; true if one matches the pattern. */
static bool find_event(const struct tw_trace *trace, const char *pattern,
		       struct tw_guess *guess)
{
	const struct tw_decoder *decoder;
	const struct tw_event_desc *event;

	for (uint32_t i = 0; i < tw_trace_producer_count(trace); i++) {
		decoder = &tw_trace_producer(trace, i)->decoder;
		for (uint32_t id = 0; id < decoder->id_count; id++) {
			event = decoder->lookup[id];
			if (!event)
				continue;
			if (tw_glob_match(pattern, event->name))
				return true;
			tw_guess_offer(guess, event->name);
		}
	}
	return false;
}

int tw_check_patterns(const struct tw_trace *trace,
		      const struct tw_words *patterns)
{
	int status = TW_EXIT_OK;

	for (size_t i = 0; i < patterns->count; i++) {
		const char *pattern = patterns->list[i];
		struct tw_guess guess;

		if (pattern[0] == '-')
			continue;
		tw_guess_start(&guess, pattern);
		if (find_event(trace, pattern, &guess))
			continue;
		if (tw_glob_has_wildcard(pattern) || !guess.best)
			status = tw_error(NULL, "no event matches '%s'",
					  pattern);
		else
			status = tw_error(NULL,
					  "no event '%s', did you mean '%s'?",
					  pattern, guess.best);
	}
	return status;
}

void tw_say_warnings(const struct tw_trace *trace, size_t *said)
{
	for (; *said < tw_trace_warning_count(trace); (*said)++)
		tw_notice("%s", tw_trace_warning(trace, *said));
}
