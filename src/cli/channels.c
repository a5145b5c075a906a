/* SPDX-License-Identifier: MIT */
/*
 * Channels: what a guest sends is hostile, so each kind of news is said a few
 * times at most; the rest is in the counts.
 *
 * Called by record-targets.c, rings.c and open-trace.c.
 */
#include "channels.h"

#include "../schema/format.h"
#include "../trace/timebase.h"
#include "status-line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000u
#define NOTICES_MAX 8 /* resets of one channel */

struct channel {
	struct tw_channel_source *source;
	uint64_t resets; /* that have been said */
	uint64_t starts;
	bool has_said_unknown;
	bool has_said_misfit;
	bool has_said_end;
};

struct tw_channels {
	struct channel *list;
	size_t count;
};

bool tw_is_channel(const char *target)
{
	return tw_channel_is_spec(target);
}

int tw_channels_check(const struct tw_channels *channels,
		      const struct tw_words *events)
{
	if (channels || !events->count)
		return TW_EXIT_OK;
	return tw_error("--events", "no target is a guest's channel, whose "
				    "trace-events file it names");
}

static int add(struct tw_channels **channels, struct tw_channel_source *source)
{
	struct channel *list;

	if (!*channels)
		*channels = calloc(1, sizeof(**channels));
	list = *channels ? reallocarray((*channels)->list,
					(*channels)->count + 1, sizeof(*list))
			 : NULL;
	if (!list)
		return tw_error_memory();
	(*channels)->list = list;
	list[(*channels)->count++] = (struct channel){.source = source};
	return TW_EXIT_OK;
}

int tw_channels_open(struct tw_channels **channels, const char *target,
		     const struct tw_words *events,
		     struct tw_channel_source_options what,
		     struct tw_attach **attach)
{
	struct tw_channel_source *source;
	struct tw_attach_error error;
	int status;

	if (!events->count)
		return tw_error(target, "a channel's frames do not name their "
					"events: say --events FILE, the "
					"guest's trace-events file");
	what.events = events->list;
	what.events_count = events->count;
	if (tw_channel_source_open(target, &what, &source, &error))
		return tw_error(NULL, "%s", error.text);
	status = add(channels, source);
	if (status) {
		tw_channel_source_close(source);
		return status;
	}
	if (tw_channel_source_attach(source, attach, &error))
		return tw_error(NULL, "%s", error.text);
	return TW_EXIT_OK;
}

bool tw_channels_wait(struct tw_channels *channels, int ms)
{
	const uint64_t end = tw_monotonic_ns() + (uint64_t)ms * NS_PER_MS;
	size_t live = 0;
	uint64_t now;

	for (size_t i = 0; channels && i < channels->count; i++)
		live += !tw_channel_source_status(channels->list[i].source)
				 ->ended;
	if (!live)
		return false;
	while ((now = tw_monotonic_ns()) < end && !tw_interrupted())
		for (size_t i = 0; i < channels->count; i++) {
			const int left = (int)((end - now) / NS_PER_MS) + 1;
			struct tw_channel_source *source =
				channels->list[i].source;

			if (tw_channel_source_status(source)->ended)
				continue;
			if (!tw_channel_source_listen(source,
						      live > 1 ? 1 : left))
				return true;
		}
	return true;
}

void tw_channels_stop(struct tw_channels *channels)
{
	for (size_t i = 0; channels && i < channels->count; i++)
		tw_channel_source_stop(channels->list[i].source);
}

void tw_channels_destroy(struct tw_channels *channels)
{
	if (!channels)
		return;
	for (size_t i = 0; i < channels->count; i++)
		tw_channel_source_close(channels->list[i].source);
	free(channels->list);
	free(channels);
}

/* ---- News ---- */

__attribute__((format(printf, 2, 3))) static void say(
	const struct channel *channel, const char *format, ...)
{
	char text[256];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	tw_status_clear();
	tw_notice("%s: %s", tw_channel_source_spec(channel->source), text);
}

static void say_reset(struct channel *channel,
		      const struct tw_channel_status *status)
{
	const bool is_last = channel->resets < NOTICES_MAX &&
			     status->resets >= NOTICES_MAX;

	if (status->resets == channel->resets)
		return;
	if (channel->resets < NOTICES_MAX)
		say(channel, "the guest has started anew%s%s%s",
		    status->guest[0] ? ": " : "", status->guest,
		    is_last ? " (no more of that is said)" : "");
	channel->resets = status->resets;
}

/* A guest says how many events it has: a wrong file is seen at once. */
static void say_start(struct channel *channel,
		      const struct tw_channel_status *status)
{
	const bool is_first = !channel->starts && status->starts;

	channel->starts = status->starts;
	if (is_first && status->guest_events != status->declared_events)
		say(channel,
		    "the guest has %" PRIu32 " events, the files of --events "
		    "declare %" PRIu32 ": they are not those that it was built "
		    "with, or not in its order",
		    status->guest_events, status->declared_events);
}

static void say_wrong(struct channel *channel,
		      const struct tw_channel_status *status)
{
	if (status->unknown_ids && !channel->has_said_unknown)
		say(channel,
		    "event %" PRIu32 " came, and the files of --events declare "
		    "%" PRIu32 " events only: it is counted as lost",
		    status->unknown_id, status->declared_events);
	if (status->misfits && !channel->has_said_misfit &&
	    status->misfit_is_unclear)
		say(channel,
		    "an event %s came whose fields a guest of 32 bits and one "
		    "of 64 would mean differently, and the guest's start was "
		    "not seen: it is counted as lost",
		    status->misfit_name);
	else if (status->misfits && !channel->has_said_misfit)
		say(channel,
		    "an event %s came with %zu bytes of fields, which are not "
		    "those that the files of --events declare: it is counted "
		    "as lost",
		    status->misfit_name, status->misfit_size);
	channel->has_said_unknown = status->unknown_ids;
	channel->has_said_misfit = status->misfits;
}

static void say_end(struct channel *channel,
		    const struct tw_channel_status *status)
{
	if (!status->ended || channel->has_said_end)
		return;
	channel->has_said_end = true;
	if (status->error)
		say(channel, "it has ended: %s", strerror(status->error));
	else if (status->is_socket)
		say(channel, "the other end has closed it");
}

void tw_channels_say_news(struct tw_channels *channels)
{
	const struct tw_channel_status *status;

	for (size_t i = 0; channels && i < channels->count; i++) {
		status = tw_channel_source_status(channels->list[i].source);
		say_start(&channels->list[i], status);
		say_reset(&channels->list[i], status);
		say_wrong(&channels->list[i], status);
		say_end(&channels->list[i], status);
	}
}

/* ---- Counts ---- */

static struct tw_channel_status add_up(const struct tw_channels *channels)
{
	const struct tw_channel_status *status;
	struct tw_channel_status sum = {0};

	for (size_t i = 0; i < channels->count; i++) {
		status = tw_channel_source_status(channels->list[i].source);
		sum.lost += status->lost;
		sum.bad_frames += status->bad_frames;
		sum.skipped_bytes += status->skipped_bytes;
		sum.unknown_ids += status->unknown_ids;
		sum.misfits += status->misfits;
		sum.starts += status->starts;
		sum.resets += status->resets;
	}
	return sum;
}

static void add_count(struct tw_text *text, const char *before, uint64_t count,
		      const char *one, const char *several)
{
	tw_text_add_string(text, before);
	tw_text_add_u64(text, count);
	tw_text_add_string(text, " ");
	tw_text_add_string(text, count == 1 ? one : several);
}

void tw_channels_add_counts(const struct tw_channels *channels,
			    struct tw_text *text)
{
	struct tw_channel_status sum;

	if (!channels)
		return;
	sum = add_up(channels);
	add_count(text, "; ", sum.bad_frames, "bad frame", "bad frames");
	add_count(text, ", ", sum.skipped_bytes, "skipped byte",
		  "skipped bytes");
	add_count(text, ", ", sum.unknown_ids, "unknown id", "unknown ids");
	add_count(text, ", ", sum.misfits, "event of a wrong size",
		  "events of a wrong size");
	add_count(text, ", ", sum.starts, "guest start", "guest starts");
}

void tw_channels_say_counts(const struct tw_channels *channels)
{
	struct tw_channel_status sum;
	struct tw_text text = {0};

	if (!channels)
		return;
	sum = add_up(channels);
	if (!sum.bad_frames && !sum.unknown_ids && !sum.misfits)
		return;
	tw_channels_add_counts(channels, &text);
	/* Without what joins it to a line. */
	if (!text.failed && text.size > 2)
		tw_notice("%.*s", (int)(text.size - 2), text.data + 2);
	free(text.data);
}
