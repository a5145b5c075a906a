/* SPDX-License-Identifier: MIT */
/*
 * A guest's events that come as frames (docs/channel.md) out of a file, a fifo
 * or a unix socket: "channel:PATH". They are written into a ring of this
 * process, from which they are taken like any other ring's. Nobody's events are
 * lost here: while the ring has no room, nothing is read.
 *
 * The frames name events by number only; what the numbers mean is told by the
 * trace-events files that the guest was built with. Times are this host's, of
 * when the bytes arrived.
 *
 * What comes is hostile: whatever it is, it is counted, and never fatal. One
 * thread's. Nothing here prints; errors are as in attach.h.
 */
#ifndef TRACKWAY_ATTACH_CHANNEL_H
#define TRACKWAY_ATTACH_CHANNEL_H

#include "attach.h"

struct tw_channel_source_options {
	/* The trace-events files, in the order in which the guest was given
	 * their groups. At least one. */
	const char *const *events;
	size_t events_count;
	bool follow; /* a regular file may grow: its end is not the end */
	bool on;     /* all events are on, else none is at first */
	/* Switches that are set here are sent to the guest as well, at its
	 * starts too, and again when nothing has come for some seconds; only a
	 * socket has a way to it. */
	bool switches;
	bool closed; /* open nothing: only the events are asked for */
};

/* What has come so far. */
struct tw_channel_status {
	uint64_t events;	/* accepted, those that are off included */
	uint64_t lost;		/* frames missing, told by their numbers */
	uint64_t bad_frames;	/* damaged, or of an unknown type */
	uint64_t skipped_bytes; /* of damaged frames, and between frames */
	uint64_t unknown_ids;	/* events that no file declares */
	uint64_t misfits;	/* events with fields that don't fit */
	uint64_t starts;	/* of the guest that were seen */
	uint64_t resets; /* starts behind others, seen or told by numbers */
	/* Of the latest start. */
	char guest[33]; /* its name, any bytes: escape them */
	uint32_t guest_events;
	uint32_t declared_events; /* in the files */
	/* Of the first that is unknown, or doesn't fit. */
	uint32_t unknown_id;
	const char *misfit_name;
	size_t misfit_size; /* of its fields, bytes */
	/* They fit, but a guest of 32 bits and one of 64 mean different values,
	 * and nothing has told which it is. */
	bool misfit_is_unclear;
	/* No more will come: the other end has closed it, or the file is at
	 * its end; error is an errno if it was by one. */
	bool ended;
	bool is_socket;
	int error;
};

struct tw_channel_source;

/* Whether spec begins with "channel:". */
bool tw_channel_is_spec(const char *spec);

/*
 * Open what spec names. Errors: -ENOENT and what else opening a file says;
 * -ECONNREFUSED, nobody listens at the socket; -EINVAL, wrong trace-events, or
 * no such kind of file; -E2BIG, too many events.
 */
int tw_channel_source_open(const char *spec,
			   const struct tw_channel_source_options *options,
			   struct tw_channel_source **channel,
			   struct tw_attach_error *error);

/* Its attach stays good; the channel goes with it. NULL: ok. */
void tw_channel_source_close(struct tw_channel_source *channel);

/*
 * Its ring, to be opened once. Bytes are read in tw_attach_refresh() and
 * tw_attach_wait(), and none before the first of these. It is alive
 * (tw_attach_is_alive()) until all that will come has been read: what is in the
 * ring then is the rest. Its pages have to be given back.
 */
int tw_channel_source_attach(struct tw_channel_source *channel,
			     struct tw_attach **attach,
			     struct tw_attach_error *error);

/*
 * Sleep until there is something to read, timeout_ms at most, and read it.
 * False, at once: there is nothing to sleep for, since it has ended or its ring
 * has no room. A socket of QEMU's holds no more than some hundred bytes that
 * were sent one by one, so who takes a guest's events at its pace calls this
 * again and again where it would sleep.
 */
bool tw_channel_source_listen(struct tw_channel_source *channel,
			      int timeout_ms);

/* Read what is there and fits, and from then on nothing. */
void tw_channel_source_stop(struct tw_channel_source *channel);

/* As of now; good until the channel goes. */
const struct tw_channel_status *tw_channel_source_status(
	const struct tw_channel_source *channel);
const char *tw_channel_source_spec(const struct tw_channel_source *channel);

#endif
