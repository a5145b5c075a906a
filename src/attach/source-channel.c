/* SPDX-License-Identifier: MIT */
/*
 * A channel: bytes from a file, a fifo, a terminal device or a unix socket,
 * through the frame decoder (trackway/channel.h), into a ring (channel-ring.c).
 *
 * Bytes are read only as far as the ring has room: what the other end does when
 * nobody reads is its own affair, QEMU waits. An event that found no room is
 * the first when there is some.
 *
 * Called by attach.c and src/cli.
 */
#include "channel-ring.h"
#include "channel.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <trackway/channel.h>
#include <unistd.h>

#define PREFIX "channel:"
#define BUFFER_SIZE (64u << 10)
#define PUMP_MAX (16u << 20) /* bytes read at a time */
#define SLICE_MS 100
#define IDLE_NS 200000000u /* nothing came: what is unfinished may stay so */
/* Nothing came: a guest's start, or our switches, may have been damaged. */
#define RESEND_FIRST_NS 5000000000u
#define RESEND_LAST_NS 80000000000u
#define FRAME_SIZE                            \
	(TW_FRAME_HEADER + TW_FRAME_TRAILER + \
	 TW_FRAME_SWITCH_SIZE * TW_FRAME_SWITCHES_MAX)

struct tw_channel_source {
	unsigned int references; /* the attach's too */
	char *spec;
	int fd; /* -1: closed, or not opened at all */
	mode_t type;
	bool is_raw; /* a terminal, which was as in before */
	struct termios before;
	bool follow;
	bool ended; /* nothing more is read */
	struct tw_frame_decoder *decoder;
	struct tw_channel_ring ring;
	struct tw_channel_status status;
	/* Bytes that were read, and not taken by the decoder. */
	uint8_t buffer[BUFFER_SIZE];
	size_t from;
	size_t to;
	uint64_t arrived_ns;			/* CLOCK_MONOTONIC */
	bool is_idle;				/* and the decoder knows */
	const struct tw_channel_event *waiting; /* for room */
	/* Switches for the guest, in frames, on their way. */
	bool switches;
	bool is_switched; /* those that there are must be sent (again) */
	uint8_t *out;
	size_t out_from;
	size_t out_size;
	uint32_t out_sequence;
	uint64_t resend_ns; /* when to send them again if nothing comes */
	uint64_t resend_gap_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- Opening ---- */

bool tw_channel_is_spec(const char *spec)
{
	return strncmp(spec, PREFIX, strlen(PREFIX)) == 0;
}

static int fail_open(const char *spec, int err, struct tw_attach_error *error)
{
	const char *why = strerror(-err);

	if (err == -ECONNREFUSED)
		why = "nobody listens at this socket: QEMU does with "
		      "-chardev socket,server=on";
	else if (err == -ENOENT)
		why = "no such file";
	return tw_attach_fail(error, err, "%s: %s", spec, why);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)) &&
	    fcntl(fd, F_SETFL, O_NONBLOCK) >= 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* A terminal that echoes or turns bytes into others is no channel. */
static void make_raw(struct tw_channel_source *channel, int fd)
{
	struct termios termios;

	if (tcgetattr(fd, &channel->before))
		return;
	termios = channel->before;
	cfmakeraw(&termios);
	channel->is_raw = !tcsetattr(fd, TCSANOW, &termios);
}

static int open_file(struct tw_channel_source *channel, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (S_ISCHR(channel->type))
		make_raw(channel, fd);
	return fd;
}

static int open_input(struct tw_channel_source *channel, const char *spec,
		      struct tw_attach_error *error)
{
	const char *path = spec + strlen(PREFIX);
	struct stat status;
	int fd;

	if (stat(path, &status))
		return fail_open(spec, -errno, error);
	channel->type = status.st_mode & S_IFMT;
	channel->status.is_socket = S_ISSOCK(status.st_mode);
	if (S_ISSOCK(status.st_mode))
		fd = connect_to(path);
	else if (S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode) ||
		 S_ISCHR(status.st_mode))
		fd = open_file(channel, path);
	else
		return tw_attach_fail(error, -EINVAL,
				      "%s: neither a file nor a fifo nor a "
				      "socket",
				      spec);
	if (fd < 0)
		return fail_open(spec, fd, error);
	channel->fd = fd;
	return 0;
}

static int fill(struct tw_channel_source *channel, const char *spec,
		const struct tw_channel_source_options *options,
		struct tw_attach_error *error)
{
	int err;

	channel->spec = strdup(spec);
	if (!channel->spec || tw_frame_decoder_create(&channel->decoder, 0))
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      spec);
	err = tw_channel_ring_create(&channel->ring, spec, options->events,
				     options->events_count, options->on, error);
	if (!err && !options->closed)
		err = open_input(channel, spec, error);
	if (err)
		return err;
	channel->follow = options->follow && S_ISREG(channel->type);
	channel->switches = options->switches && S_ISSOCK(channel->type);
	channel->is_switched = true;
	channel->arrived_ns = now_ns();
	channel->resend_gap_ns = RESEND_FIRST_NS;
	channel->resend_ns = channel->arrived_ns + RESEND_FIRST_NS;
	channel->ended = options->closed;
	channel->status.declared_events = channel->ring.event_count;
	return 0;
}

int tw_channel_source_open(const char *spec,
			   const struct tw_channel_source_options *options,
			   struct tw_channel_source **result,
			   struct tw_attach_error *error)
{
	struct tw_channel_source *channel = calloc(1, sizeof(*channel));
	int err;

	if (!channel)
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      spec);
	channel->references = 1;
	channel->fd = -1;
	err = fill(channel, spec, options, error);
	if (err)
		tw_channel_source_close(channel);
	else
		*result = channel;
	return err;
}

static void close_input(struct tw_channel_source *channel)
{
	if (channel->is_raw)
		tcsetattr(channel->fd, TCSANOW, &channel->before);
	channel->is_raw = false;
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
}

void tw_channel_source_close(struct tw_channel_source *channel)
{
	if (!channel || --channel->references)
		return;
	close_input(channel);
	tw_frame_decoder_destroy(channel->decoder);
	tw_channel_ring_destroy(&channel->ring);
	free(channel->out);
	free(channel->spec);
	free(channel);
}

/* ---- The way back ---- */

/* One frame more to be sent. No memory: then it isn't. */
static void add_frame(struct tw_channel_source *channel,
		      const struct tw_channel_switch *switches, size_t count)
{
	uint8_t frame[FRAME_SIZE];
	uint8_t *more;
	const int size = tw_frame_encode_switch(
		frame, sizeof(frame), channel->out_sequence, switches, count);

	more = size > 0
		       ? realloc(channel->out, channel->out_size + (size_t)size)
		       : NULL;
	if (!more)
		return;
	memcpy(more + channel->out_size, frame, (size_t)size);
	channel->out = more;
	channel->out_size += (size_t)size;
	channel->out_sequence++;
}

static uint32_t count_on(const struct tw_channel_ring *ring)
{
	uint32_t count = 0;

	for (uint32_t id = 0; id < ring->event_count; id++)
		count += *ring->states[id];
	return count;
}

/* All that are not as most of them, behind one word for all. */
static void write_switches(struct tw_channel_source *channel)
{
	const struct tw_channel_ring *ring = &channel->ring;
	const bool most = count_on(ring) > ring->event_count / 2;
	struct tw_channel_switch list[TW_FRAME_SWITCHES_MAX];
	size_t count = 0;

	channel->is_switched = false;
	channel->out_from = channel->out_size = 0;
	list[count++] = (struct tw_channel_switch){TW_CHANNEL_EVERY_EVENT,
						   most};
	for (uint32_t id = 0; id < ring->event_count; id++) {
		if (*ring->states[id] == most)
			continue;
		if (count == TW_FRAME_SWITCHES_MAX) {
			add_frame(channel, list, count);
			count = 0;
		}
		list[count++] = (struct tw_channel_switch){(uint16_t)id, !most};
	}
	add_frame(channel, list, count);
}

/* As much as the guest takes now. True: it has taken all. */
static bool send_out(struct tw_channel_source *channel)
{
	ssize_t sent;

	while (channel->out_from < channel->out_size) {
		sent = send(channel->fd, channel->out + channel->out_from,
			    channel->out_size - channel->out_from,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent <= 0)
			return false;
		channel->out_from += (size_t)sent;
	}
	return true;
}

/* What was begun has to be ended first, or the guest waits for the rest of it;
 * and one that starts without end, and reads nothing, fills no memory. */
static void send_switches(struct tw_channel_source *channel)
{
	if (!channel->switches || channel->fd < 0 || !send_out(channel) ||
	    !channel->is_switched)
		return;
	write_switches(channel);
	send_out(channel);
}

/* ---- Frames ---- */

static void take_start(struct tw_channel_source *channel)
{
	const struct tw_channel_start *start = tw_frame_decoder_start(
		channel->decoder);
	struct tw_channel_status *status = &channel->status;

	status->starts++;
	memcpy(status->guest, start->name, sizeof(status->guest));
	status->guest_events = start->event_count;
	/* It begins with its own, and has forgotten how many came. */
	channel->out_sequence = 0;
	channel->is_switched = true;
}

static void refuse(struct tw_channel_source *channel,
		   const struct tw_channel_event *event, int why)
{
	struct tw_channel_status *status = &channel->status;

	tw_channel_ring_discard(&channel->ring, 1);
	if (why == -ENOENT) {
		if (!status->unknown_ids++)
			status->unknown_id = (uint32_t)event->id;
	} else if (!status->misfits++) {
		status->misfit_name = channel->ring.wide[event->id]->name;
		status->misfit_size = event->fields_size;
		status->misfit_is_unclear = why == -ENOTUNIQ;
	}
}

/* False: there is no room. */
static bool take_event(struct tw_channel_source *channel,
		       const struct tw_channel_event *event)
{
	const int err = tw_channel_ring_put(
		&channel->ring, event->id, event->fields, event->fields_size,
		event->word_size, channel->arrived_ns);

	channel->waiting = err == -EAGAIN ? event : NULL;
	if (err == -EAGAIN)
		return false;
	if (err)
		refuse(channel, event, err);
	else
		channel->status.events++;
	return true;
}

/* What the decoder has counted. Losses stand before what came after them. */
static void take_counts(struct tw_channel_source *channel)
{
	struct tw_channel_status *status = &channel->status;
	struct tw_channel_counts counts;

	tw_frame_decoder_counts(channel->decoder, &counts, sizeof(counts));
	tw_channel_ring_discard(&channel->ring, counts.lost - status->lost);
	status->lost = counts.lost;
	status->bad_frames = counts.bad_frames + counts.malformed +
			     counts.other_frames;
	status->skipped_bytes = counts.skipped_bytes;
	/* Also where its start was lost. */
	if (counts.resets != status->resets)
		channel->is_switched = true;
	status->resets = counts.resets;
}

/* All that the decoder has. False: the ring has no room for it. */
static bool decode(struct tw_channel_source *channel)
{
	const struct tw_channel_event *event;
	int found;

	if (channel->waiting && !take_event(channel, channel->waiting))
		return false;
	while ((found = tw_frame_decoder_next(channel->decoder, &event))) {
		take_counts(channel);
		if (found == TW_FRAME_START)
			take_start(channel);
		else if (found == TW_FRAME_EVENT && !take_event(channel, event))
			return false;
	}
	take_counts(channel);
	return true;
}

/* ---- Reading ---- */

/* Nothing more will come, and what has come is in the ring. */
static void end(struct tw_channel_source *channel, int err)
{
	tw_channel_ring_settle(&channel->ring, 0, true);
	close_input(channel);
	channel->ended = true;
	channel->status.ended = true;
	channel->status.error = err;
}

/* At the end of the stream. False: there is no room. */
static bool finish(struct tw_channel_source *channel)
{
	tw_frame_decoder_end(channel->decoder);
	return decode(channel);
}

/*
 * A fifo that nobody has opened yet reads as if it were at its end; it is once
 * somebody has closed it.
 */
static bool is_at_end(const struct tw_channel_source *channel)
{
	struct pollfd poll_fd = {.fd = channel->fd, .events = POLLIN};

	if (S_ISREG(channel->type))
		return !channel->follow;
	if (!S_ISFIFO(channel->type))
		return true;
	return poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & POLLHUP &&
	       !(poll_fd.revents & POLLIN);
}

/* Returns bytes read; 0: none are there; -ENODATA: the end; or an error. */
static ssize_t read_more(struct tw_channel_source *channel)
{
	const ssize_t got = read(channel->fd, channel->buffer,
				 sizeof(channel->buffer));

	if (got > 0) {
		channel->from = 0;
		channel->to = (size_t)got;
		channel->arrived_ns = now_ns();
		channel->is_idle = false;
		channel->resend_gap_ns = RESEND_FIRST_NS;
		channel->resend_ns = channel->arrived_ns + RESEND_FIRST_NS;
		return got;
	}
	if (got == 0)
		return is_at_end(channel) ? -ENODATA : 0;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	/* A socket that is closed with switches in it that nobody has read; a
	 * terminal whose other side is closed. */
	if (errno == ECONNRESET || (errno == EIO && S_ISCHR(channel->type)))
		return -ENODATA;
	return -errno;
}

/* A guest's bytes mostly come one by one: that a call for each finds nothing
 * more would be a third of what they cost. */
static bool has_given_all(const struct tw_channel_source *channel, ssize_t got)
{
	return (S_ISSOCK(channel->type) || S_ISFIFO(channel->type)) &&
	       (size_t)got < sizeof(channel->buffer);
}

/* All that was read. False: there is no room. */
static bool feed(struct tw_channel_source *channel)
{
	while (channel->from < channel->to) {
		channel->from += tw_frame_decoder_feed(
			channel->decoder, channel->buffer + channel->from,
			channel->to - channel->from);
		if (!decode(channel))
			return false;
	}
	return true;
}

/*
 * The other end has been silent, and all that it sent was decoded. A guest that
 * was reset amid a frame is silent behind its start until it has switches, and
 * its start may look like the rest of that frame; or be damaged.
 */
static void look_at_silence(struct tw_channel_source *channel, uint64_t now)
{
	if (!channel->is_idle && now - channel->arrived_ns >= IDLE_NS) {
		channel->is_idle = true;
		tw_frame_decoder_idle(channel->decoder);
		decode(channel);
	}
	if (now < channel->resend_ns)
		return;
	if (channel->resend_gap_ns < RESEND_LAST_NS)
		channel->resend_gap_ns *= 2;
	channel->resend_ns = now + channel->resend_gap_ns;
	channel->is_switched = channel->is_switched || count_on(&channel->ring);
}

static void pump(struct tw_channel_source *channel)
{
	size_t total = 0;
	ssize_t got = 0;
	uint64_t now;

	if (channel->ended)
		return;
	send_switches(channel);
	if (!decode(channel) || !feed(channel))
		return;
	while (total < PUMP_MAX && (got = read_more(channel)) > 0) {
		total += (size_t)got;
		if (!feed(channel))
			return;
		if (has_given_all(channel, got))
			break;
	}
	if (got < 0 && finish(channel)) {
		end(channel, got == -ENODATA ? 0 : (int)-got);
		return;
	}
	now = now_ns();
	if (got == 0)
		look_at_silence(channel, now);
	tw_channel_ring_settle(&channel->ring, now, false);
}

void tw_channel_source_stop(struct tw_channel_source *channel)
{
	if (channel->ended)
		return;
	pump(channel);
	close_input(channel);
	channel->ended = true;
}

/* ---- For attach.c ---- */

void tw_channel_source_hold(struct tw_channel_source *channel,
			    struct tw_memory *memory)
{
	channel->references++;
	tw_channel_ring_memory(&channel->ring, memory);
}

void tw_channel_source_pump(struct tw_channel_source *channel)
{
	pump(channel);
}

bool tw_channel_source_is_alive(const struct tw_channel_source *channel)
{
	return !channel->ended;
}

void tw_channel_source_switched(struct tw_channel_source *channel)
{
	channel->is_switched = true;
}

/* Bytes may be there that the ring has no room for: then don't wait for them.
 */
static int poll_input(const struct tw_channel_source *channel, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = channel->fd, .events = POLLIN};
	const struct timespec pause = {.tv_nsec = timeout_ms * 1000000L};

	if (channel->waiting || channel->ended)
		return 0;
	/* A file is always ready, and a fifo once somebody has closed it. */
	if (S_ISREG(channel->type))
		return nanosleep(&pause, NULL) ? -EINTR : 0;
	return poll(&poll_fd, 1, timeout_ms) < 0 ? -errno : 0;
}

int tw_channel_source_wait(struct tw_channel_source *channel, int64_t left_ms)
{
	const int slice = left_ms < SLICE_MS ? (int)left_ms : SLICE_MS;
	const int err = poll_input(channel, slice);

	pump(channel);
	return err;
}

bool tw_channel_source_listen(struct tw_channel_source *channel, int timeout_ms)
{
	if (channel->ended || channel->waiting)
		return false;
	poll_input(channel, timeout_ms);
	pump(channel);
	return !channel->ended && !channel->waiting;
}

const struct tw_channel_status *tw_channel_source_status(
	const struct tw_channel_source *channel)
{
	return &channel->status;
}

const char *tw_channel_source_spec(const struct tw_channel_source *channel)
{
	return channel->spec;
}
