/* SPDX-License-Identifier: MIT */
/* Opening what print and stat are given. Called by cmd-print.c, cmd-stat.c. */
#include "open-trace.h"

#include "../ring/glob.h"

#include <string.h>
#include <sys/stat.h>

static bool is_directory(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISDIR(status.st_mode);
}

static int add_ring(struct tw_trace *trace, struct tw_attach *attach,
		    const struct tw_open_options *options)
{
	const bool now = options->now &&
			 attach->target.state == TW_TARGET_RUNNING;
	const struct tw_drain_options drain = {
		.start = now ? TW_DRAIN_NOW : TW_DRAIN_ALL,
		.open = true,
		.release = options->release,
	};
	struct tw_attach_error error;

	if (tw_trace_add_ring(trace, attach, &drain, &error))
		return tw_error(NULL, "%s", error.text);
	return TW_EXIT_OK;
}

static int add_target(struct tw_trace *trace, const char *target,
		      const struct tw_open_options *options)
{
	struct tw_attach_error error;
	struct tw_attach *attach;

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

int tw_open_trace(const struct tw_words *targets,
		  const struct tw_open_options *options,
		  struct tw_trace **trace)
{
	int status = TW_EXIT_OK;

	if (tw_trace_create(trace))
		return tw_error_memory();
	for (size_t i = 0; !status && i < targets->count; i++)
		status = add_target(*trace, targets->list[i], options);
	if (status)
		tw_trace_destroy(*trace);
	return status;
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
