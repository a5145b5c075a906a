/* SPDX-License-Identifier: MIT */
/*
 * The channels among a command's targets, "channel:PATH": opening them, and
 * saying on stderr what came by them beside events.
 */
#ifndef TRACKWAY_CLI_CHANNELS_H
#define TRACKWAY_CLI_CHANNELS_H

#include "../attach/channel.h"
#include "cli.h"

struct tw_channels;

#define TW_OPTION_EVENTS_ID TW_OPTION_ID(1002)
#define TW_OPTION_EVENTS                                                \
	{                                                               \
		TW_OPTION_EVENTS_ID, "events", "FILE",                  \
			"trace-events file of a channel's guest. More " \
			"than\none: in the order of the guest's groups" \
	}
/* Where other tracers' files are read as well. */
#define TW_OPTION_EVENTS_OR_QEMU                                           \
	{                                                                  \
		TW_OPTION_EVENTS_ID, "events", "FILE",                     \
			"trace-events file of a channel's guest, or of a " \
			"QEMU's\nfiles. More than one: a guest's in its "  \
			"groups' order"                                    \
	}

/* Whether a target names a channel. */
bool tw_is_channel(const char *target);

/*
 * Whether --events and the targets go together: an error if it is given
 * without a channel. Returns enum tw_exit.
 */
int tw_channels_check(const struct tw_channels *channels,
		      const struct tw_words *events);

/*
 * Open one more; *channels is NULL at first. what: all but its trace-events
 * files, which are those of events. *attach is the caller's. Returns enum
 * tw_exit; what is wrong has been said.
 */
int tw_channels_open(struct tw_channels **channels, const char *target,
		     const struct tw_words *events,
		     struct tw_channel_source_options what,
		     struct tw_attach **attach);

/*
 * In place of a sleep of so many milliseconds: read what comes meanwhile. It
 * ends early where a channel has ended or its ring is full. False, at once:
 * none is being read.
 */
bool tw_channels_wait(struct tw_channels *channels, int ms);

/* Read what is there, and then no more: they end. NULL: ok, here and below. */
void tw_channels_stop(struct tw_channels *channels);

/* Say what is worth a line and hasn't been said: resets, events that the files
 * don't fit, a socket that was closed. */
void tw_channels_say_news(struct tw_channels *channels);

/* Append what all of them counted, "; 2 bad frames, ...", if there are any. */
void tw_channels_add_counts(const struct tw_channels *channels,
			    struct tw_text *text);

/* Say the same as a line, if anything was wrong. */
void tw_channels_say_counts(const struct tw_channels *channels);

void tw_channels_destroy(struct tw_channels *channels);

#endif
