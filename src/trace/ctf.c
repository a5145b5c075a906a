/* SPDX-License-Identifier: MIT */
/*
 * The writer of trace directories. A page of a ring is a CTF packet already: to
 * write one down is to write its header afresh (so that nothing in a broken
 * ring gets into it), round its length up and append it to its lane's file with
 * one write. No event is looked at, but where a group has no schema.
 *
 * Called by `trackway record`.
 */
#include "ctf.h"

#include "../schema/blob-write.h"
#include "../schema/decode.h"
#include "ctf-metadata.h"
#include "dotfile.h"
#include "replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL_SIZE_MAX 4096u
#define NAME_TRIES 1000
#define ROUNDS_MAX ((UINT64_MAX >> TW_EVENT_TIME_BITS) - 1)
#define SYNCS_MAX (3 + 1 + TW_SIGHTINGS_MAX)

/* A lane's file. */
struct stream {
	bool open;
	int fd;
	uint64_t size;	   /* bytes of whole packets */
	uint64_t last_end; /* ticks: no later packet begins before */
	uint64_t ahead;	   /* what is added to the ring's ticks */
	uint64_t recorded; /* events */
};

struct tw_ctf {
	char *path;
	int dirfd;
	struct tw_attach *attach;     /* NULL once detached */
	const struct tw_drain *drain; /* likewise */
	struct tw_timebase timebase;
	char *name;
	struct tw_ring_control control; /* in this machine's byte order */
	bool swap;
	uint8_t raw_control[CONTROL_SIZE_MAX];
	uint32_t raw_control_size;
	struct tw_dotfile_group *groups;
	size_t group_count;
	struct tw_text events; /* their part of the metadata */
	bool has_unknown;      /* a group without schema */
	struct stream *streams;
	struct tw_dotfile_lane *lanes; /* once detached */
	size_t lane_count;
	struct tw_dotfile_sync syncs[SYNCS_MAX];
	size_t sync_count;
	const struct tw_sightings *sightings; /* NULL: none */
	struct tw_guest_clock *clock;	      /* NULL: none */
	struct tw_dotfile_guest guest;
	struct tw_ctf_totals totals;
	struct tw_drain_totals drained; /* once detached */
	char why[512];
};

static int fail(struct tw_attach_error *error, int code, const char *format,
		...) __attribute__((format(printf, 3, 4)));

static int fail(struct tw_attach_error *error, int code, const char *format,
		...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}

/* ---- Directories ---- */

/* What a directory holds: anything, and a producer's recording. */
struct content {
	bool any;
	bool producer;
};

static void look_at_entry(int dirfd, const char *name, struct content *content)
{
	char file[NAME_MAX + sizeof("/" TW_DOTFILE_NAME)];

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	content->any = true;
	snprintf(file, sizeof(file), "%s/" TW_DOTFILE_NAME, name);
	content->producer |= faccessat(dirfd, file, F_OK, 0) == 0;
}

/* Takes dirfd. */
static int look_into(int dirfd, struct content *content)
{
	DIR *stream = fdopendir(dirfd);
	const struct dirent *entry;

	*content = (struct content){0};
	if (!stream) {
		close(dirfd);
		return -ENOMEM;
	}
	while ((entry = readdir(stream)))
		look_at_entry(dirfd, entry->d_name, content);
	closedir(stream);
	return 0;
}

static int make_or_look(const char *path, struct content *content,
			struct tw_attach_error *error)
{
	int fd, code;

	*content = (struct content){0};
	if (!mkdir(path, 0700))
		return 0;
	if (errno != EEXIST)
		return fail(error, -errno, "%s: cannot make the directory: %s",
			    path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(error, -errno, "%s: %s", path, strerror(errno));
	code = look_into(fd, content);
	return code ? fail(error, code, "%s: %s", path, strerror(-code)) : 0;
}

int tw_trace_directory_create(const char *path, struct tw_attach_error *error)
{
	struct content content;
	const int code = make_or_look(path, &content, error);

	if (code || !content.any)
		return code;
	return fail(error, -ENOTEMPTY,
		    "%s: the directory is not empty: a recording needs one of "
		    "its own",
		    path);
}

int tw_trace_directory_extend(const char *path, struct tw_attach_error *error)
{
	struct content content;
	const int code = make_or_look(path, &content, error);

	if (code || !content.any || content.producer)
		return code;
	return fail(error, -ENOTEMPTY,
		    "%s: the directory holds something else than a recording",
		    path);
}

/* A producer's name as a file name: what else it holds becomes "_". */
static void make_name(char *to, size_t size, const struct tw_ctf *ctf)
{
	const char *name = ctf->name[0] ? ctf->name : "ring";
	size_t i;

	for (i = 0; name[i] && i < TW_RING_NAME_SIZE && i + 1 < size; i++) {
		to[i] = name[i];
		if (!strchr("abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    name[i]) ||
		    (i == 0 && name[i] == '.'))
			to[i] = '_';
	}
	if (ctf->guest.epoch && !ctf->control.pid)
		snprintf(to + i, size - i, "-epoch%u", ctf->guest.epoch);
	else if (ctf->control.pid)
		snprintf(to + i, size - i, "-%u", ctf->control.pid);
	else
		to[i] = '\0';
}

static int make_directory(struct tw_ctf *ctf, const char *parent)
{
	char name[TW_RING_NAME_SIZE + 32];
	int try;

	make_name(name, sizeof(name), ctf);
	for (try = 1; try < NAME_TRIES; try++) {
		free(ctf->path);
		ctf->path = NULL;
		if ((try == 1 ? asprintf(&ctf->path, "%s/%s", parent, name)
			      : asprintf(&ctf->path, "%s/%s.%d", parent, name,
					 try)) < 0)
			return -ENOMEM;
		if (!mkdir(ctf->path, 0700))
			break;
		if (errno != EEXIST)
			return -errno;
	}
	if (try == NAME_TRIES)
		return -EEXIST;
	ctf->dirfd = open(ctf->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ctf->dirfd < 0 ? -errno : 0;
}

/* ---- What the ring says of itself ---- */

static bool knows_group(const struct tw_ctf *ctf,
			const struct tw_ring_group *group)
{
	const uint32_t end = group->id_base + group->event_count;
	size_t i;

	/* An id means one event for good: whatever overlaps is the same. */
	for (i = 0; i < ctf->group_count; i++)
		if (group->id_base < ctf->groups[i].id_base +
					     ctf->groups[i].event_count &&
		    ctf->groups[i].id_base < end)
			return true;
	return false;
}

/*
 * The schema's blob: as in the ring or, where that has none or may be gone in
 * the middle of it, made anew. -EAGAIN: it can't be read.
 */
static int read_blob(struct tw_ctf *ctf, uint32_t index, void **blob,
		     size_t *size)
{
	const struct tw_ring_group *group = &ctf->attach->groups[index];

	if (ctf->guest.epoch || !group->schema_size)
		return tw_blob_write(ctf->attach->schemas[index], ctf->swap,
				     blob, size);
	*size = group->schema_size;
	*blob = malloc(*size);
	if (!*blob)
		return -ENOMEM;
	if (!tw_ring_read_bytes(&ctf->attach->ring, group->schema_offset, *blob,
				*size))
		return 0;
	free(*blob);
	return -EAGAIN;
}

static int add_group(struct tw_ctf *ctf, uint32_t index)
{
	const struct tw_ring_group *group = &ctf->attach->groups[index];
	const struct tw_schema *schema = ctf->attach->schemas[index];
	struct tw_dotfile_group *list;
	void *blob = NULL;
	size_t size;
	int error;

	if (!schema) {
		ctf->has_unknown = true;
		return 0;
	}
	list = reallocarray(ctf->groups, ctf->group_count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	ctf->groups = list;
	error = read_blob(ctf, index, &blob, &size);
	if (error == -EAGAIN)
		ctf->has_unknown = true;
	if (error)
		return error == -EAGAIN ? 0 : error;
	list[ctf->group_count++] = (struct tw_dotfile_group){
		.id_base = group->id_base,
		.event_count = group->event_count,
		.blob = blob,
		.blob_size = size,
	};
	tw_ctf_metadata_events(&ctf->events, group->id_base, schema);
	return ctf->events.failed ? -ENOMEM : 1;
}

/* Returns 1 if groups were added, 0 if none, or an error. */
static int add_groups(struct tw_ctf *ctf)
{
	const struct tw_attach *attach = ctf->attach;
	uint32_t i;
	int added = 0;
	int got;

	for (i = 0; i < attach->group_count; i++) {
		if (!attach->groups[i].event_count ||
		    attach->groups[i].state == TW_GROUP_EMPTY ||
		    knows_group(ctf, &attach->groups[i]))
			continue;
		got = add_group(ctf, i);
		if (got < 0)
			return got;
		added |= got;
	}
	return added;
}

static void add_sync(struct tw_ctf *ctf, uint32_t source,
		     const struct tw_ring_sync *moment)
{
	ctf->syncs[ctf->sync_count++] = (struct tw_dotfile_sync){source,
								 *moment};
}

static void add_sighting(struct tw_ctf *ctf, const struct tw_sighting *sighting)
{
	const struct tw_ring_sync moment = {sighting->ticks, sighting->mono_ns,
					    sighting->mono_ns +
						    ctf->sightings->real_ns};

	add_sync(ctf, TW_SYNC_SIGHTING, &moment);
}

/* What there is to know of the clock, the ring's moments and ours. */
static void read_syncs(struct tw_ctf *ctf)
{
	struct tw_ring_sync first, last, ours;
	struct tw_ring_reader *ring = &ctf->attach->ring;

	if (!ctf->control.sync_first.real_ns || tw_drain_is_gone(ctf->drain) ||
	    tw_ring_syncs(ring, &first, &last))
		return;
	ctf->sync_count = 0;
	add_sync(ctf, TW_SYNC_FIRST, &first);
	add_sync(ctf, TW_SYNC_LAST, &last);
	if (!tw_moment_take(ctf->control.clock_kind, &ours) &&
	    tw_moment_is_ours(&last, &ours))
		add_sync(ctf, TW_SYNC_RECORDER, &ours);
}

static void add_sightings(struct tw_ctf *ctf)
{
	const struct tw_sightings *sightings = ctf->sightings;
	uint32_t i;

	if (!sightings)
		return;
	ctf->sync_count = 0;
	if (sightings->has_found)
		add_sighting(ctf, &sightings->found);
	for (i = 0; i < sightings->count; i++)
		add_sighting(ctf, &sightings->hull[i]);
}

void tw_ctf_set_sightings(struct tw_ctf *ctf,
			  const struct tw_sightings *sightings)
{
	ctf->sightings = sightings;
}

void tw_ctf_set_clock(struct tw_ctf *ctf, struct tw_guest_clock *clock)
{
	ctf->clock = clock;
}

static int read_control(struct tw_ctf *ctf)
{
	struct tw_ring_reader *ring = &ctf->attach->ring;

	ctf->control = ring->control;
	ctf->swap = ring->swap;
	ctf->raw_control_size = ring->control.control_size;
	if (ctf->raw_control_size > sizeof(ctf->raw_control))
		ctf->raw_control_size = sizeof(ctf->raw_control);
	return tw_ring_read_bytes(ring, 0, ctf->raw_control,
				  ctf->raw_control_size);
}

/* ---- Metadata and dotfile ---- */

static bool is_big_endian(const struct tw_ctf *ctf)
{
	return ctf->swap != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

static int write_metadata(struct tw_ctf *ctf)
{
	const struct tw_ctf_description description = {
		.big_endian = is_big_endian(ctf),
		.uuid = ctf->control.uuid,
		.name = ctf->name,
		.pid = ctf->control.pid,
		.epoch = ctf->guest.epoch,
		.generation = ctf->guest.generation,
		.clock_kind = ctf->control.clock_kind,
		.timebase = &ctf->timebase,
	};
	struct tw_text text = {0};
	int error;

	tw_ctf_metadata_begin(&text, &description);
	if (ctf->events.size)
		tw_text_add(&text, ctf->events.data, ctf->events.size);
	if (text.failed)
		error = -ENOMEM;
	else
		error = tw_file_replace(ctf->dirfd, "metadata", text.data,
					text.size);
	free(text.data);
	return error;
}

static void fill_lane(struct tw_dotfile_lane *to, uint32_t index,
		      const struct tw_drain_lane *lane,
		      const struct stream *stream)
{
	*to = (struct tw_dotfile_lane){
		.lane = index,
		.tid = lane->tid,
		.level = lane->level,
		.base = lane->base,
		.recorded = stream->recorded,
		.lost = lane->lost,
		.lost_tail = lane->lost_tail,
		.discarded = lane->discarded,
		.discarded_tail = lane->discarded_tail,
	};
	memcpy(to->name, lane->name, sizeof(to->name));
}

/* The lanes as they are now. */
static int keep_lanes(struct tw_ctf *ctf)
{
	const uint32_t count = tw_drain_lane_count(ctf->drain);
	const struct tw_drain_lane *lane;
	uint32_t i;

	if (!ctf->lanes)
		ctf->lanes = calloc(count, sizeof(*ctf->lanes));
	if (!ctf->lanes)
		return -ENOMEM;
	ctf->lane_count = 0;
	for (i = 0; i < count; i++) {
		lane = tw_drain_lane(ctf->drain, i);
		if (lane->used || lane->base)
			fill_lane(&ctf->lanes[ctf->lane_count++], i, lane,
				  &ctf->streams[i]);
	}
	tw_drain_totals(ctf->drain, &ctf->drained);
	ctf->guest.gone = tw_drain_is_gone(ctf->drain);
	return 0;
}

static int write_dotfile(struct tw_ctf *ctf, bool complete)
{
	struct tw_dotfile dotfile = {
		.raw_control = ctf->raw_control,
		.raw_control_size = ctf->raw_control_size,
		.hz = ctf->timebase.hz,
		.base_ticks = ctf->timebase.base_ticks,
		.base_ns = ctf->timebase.base_ns,
		.complete = complete,
		.no_lane = ctf->drained.no_lane,
		.broken = ctf->drained.broken,
		.groups = ctf->groups,
		.group_count = ctf->group_count,
		.syncs = ctf->syncs,
		.sync_count = ctf->sync_count,
		.lanes = ctf->lanes,
		.lane_count = ctf->lane_count,
		.guest = ctf->guest,
	};
	int error = tw_guest_clock_keep(ctf->clock, &dotfile.clock);

	if (!error)
		error = tw_dotfile_write(ctf->dirfd, &dotfile);
	free(dotfile.clock.pairs);
	free(dotfile.clock.spans);
	return error;
}

int tw_ctf_describe(struct tw_ctf *ctf, const struct tw_timebase *timebase,
		    bool complete)
{
	int error = 0;

	ctf->timebase = *timebase;
	if (ctf->attach) {
		read_syncs(ctf);
		error = keep_lanes(ctf);
	}
	add_sightings(ctf);
	if (!error)
		error = write_metadata(ctf);
	if (!error)
		error = write_dotfile(ctf, complete);
	return error;
}

int tw_ctf_refresh(struct tw_ctf *ctf)
{
	struct tw_attach_error error;
	int got, described;

	got = tw_attach_refresh(ctf->attach, &error);
	/* That a guest's ring is gone is for the drain to find out. */
	if (got < 0 && ctf->guest.epoch)
		return 0;
	if (got > 0)
		got = add_groups(ctf);
	if (got <= 0)
		return got;
	described = tw_ctf_describe(ctf, &ctf->timebase, false);
	return described ? described : got;
}

/* ---- Packets ---- */

static int open_stream(struct tw_ctf *ctf, uint32_t lane)
{
	struct stream *stream = &ctf->streams[lane];
	char name[32];
	uint32_t i;

	snprintf(name, sizeof(name), "lane-%u", lane);
	stream->fd = openat(ctf->dirfd, name,
			    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (stream->fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		/* Each can be opened again. */
		for (i = 0; i < ctf->control.lane_count; i++) {
			if (ctf->streams[i].open)
				close(ctf->streams[i].fd);
			ctf->streams[i].open = false;
		}
		stream->fd = openat(ctf->dirfd, name,
				    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				    0600);
	}
	if (stream->fd < 0)
		return -errno;
	stream->open = true;
	return 0;
}

static int append(struct stream *stream, const uint8_t *data, size_t size)
{
	ssize_t written;
	size_t done = 0;
	int error;

	while (done < size) {
		written = write(stream->fd, data + done, size - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			error = -errno;
			goto undo;
		}
		done += (size_t)written;
	}
	stream->size += size;
	return 0;
undo:
	/* A packet that is not whole makes the whole trace unreadable. */
	if (done && ftruncate(stream->fd, (off_t)stream->size))
		return error;
	return error;
}

static uint32_t u32(const struct tw_ctf *ctf, uint32_t value)
{
	return ctf->swap ? __builtin_bswap32(value) : value;
}

static uint64_t u64(const struct tw_ctf *ctf, uint64_t value)
{
	return ctf->swap ? __builtin_bswap64(value) : value;
}

/* A packet in the making: its size and what its header will say. */
struct packet {
	struct tw_page *page;
	uint32_t size; /* content, bytes */
	uint32_t events;
	uint64_t time_begin;
	uint64_t time_end;
};

/* Cut a packet off before an event that nobody can read. */
static void cut_unknown(struct tw_ctf *ctf, struct packet *packet)
{
	const struct tw_decoder decoder = {
		.lookup = ctf->attach->lookup,
		.id_count = ctf->attach->lookup_count,
		.swap = ctf->swap,
	};
	struct tw_page_walk walk;
	struct tw_decoded event;
	uint32_t events = 0;
	size_t good;
	int got;

	tw_page_walk_start(&walk, packet->page, packet->size,
			   packet->time_begin);
	do {
		good = walk.offset;
		got = tw_page_walk_next(&walk, &decoder, &event);
		events += got == 1;
	} while (got == 1);
	if (got == 0)
		return;
	packet->size = (uint32_t)good;
	if (packet->events > events)
		ctf->totals.lost += packet->events - events;
	packet->events = events;
}

/*
 * In CTF no stream's time goes back. Where a guest's counter does, which it
 * does with a new page only, times go on in the next round of the bits that an
 * event has: its own need not be changed. See tw_guest_clock_place().
 */
static void step_over(struct stream *stream, const struct tw_drain_page *part,
		      struct packet *packet)
{
	if (part->from == TW_PAGE_HEADER &&
	    packet->time_begin + stream->ahead < stream->last_end &&
	    stream->last_end >> TW_EVENT_TIME_BITS < ROUNDS_MAX)
		stream->ahead += (uint64_t)1 << TW_EVENT_TIME_BITS;
	packet->time_begin += stream->ahead;
	packet->time_end += stream->ahead;
}

/* The events to be written, moved to where they belong, and their times. */
static void make_packet(struct tw_ctf *ctf, const struct tw_drain_page *part,
			struct packet *packet)
{
	struct stream *stream = &ctf->streams[part->view->lane];
	const uint32_t size = part->view->size - part->from;

	if (part->from > TW_PAGE_HEADER)
		memmove(part->page + TW_PAGE_HEADER, part->page + part->from,
			size);
	*packet = (struct packet){
		.page = (struct tw_page *)(void *)part->page,
		.size = TW_PAGE_HEADER + size,
		.events = part->events,
		.time_begin = part->time_from,
		.time_end = part->view->time_end,
	};
	step_over(stream, part, packet);
	if (packet->time_begin < stream->last_end)
		packet->time_begin = stream->last_end;
	if (packet->time_begin == 0)
		packet->time_begin = 1; /* 0 and ~0 are fatal to babeltrace2 */
	if (packet->time_end < packet->time_begin)
		packet->time_end = packet->time_begin;
	if (packet->time_end == UINT64_MAX)
		packet->time_end--;
	if (ctf->has_unknown)
		cut_unknown(ctf, packet);
}

static void write_header(const struct tw_ctf *ctf, const struct packet *packet,
			 const struct tw_drain_page *part)
{
	const struct tw_page_view *view = part->view;
	const struct tw_drain_lane *lane = tw_drain_lane(ctf->drain,
							 view->lane);
	struct tw_page *page = packet->page;
	uint64_t discarded = view->discarded;

	discarded -= discarded < lane->discarded_base ? discarded
						      : lane->discarded_base;
	page->magic = u32(ctf, TW_PAGE_MAGIC);
	memcpy(page->uuid, ctf->control.uuid, sizeof(page->uuid));
	page->stream_id = u32(ctf, TW_PAGE_STREAM_ID);
	page->timestamp_begin = u64(ctf, packet->time_begin);
	page->timestamp_end = u64(ctf, packet->time_end);
	page->content_size = u32(ctf, packet->size * 8);
	page->events = u32(ctf, packet->events);
	page->packet_size = u32(ctf, (packet->size + 7) / 8 * 64);
	page->lane = u32(ctf, view->lane);
	page->packet_seq_num = u64(ctf, view->seq);
	page->events_discarded = u64(ctf, discarded);
	page->events_before = u64(ctf, part->events_before);
	page->tid = u32(ctf, view->tid);
	page->level = u32(ctf, view->level);
}

static int fail_write(struct tw_ctf *ctf, const char *what, uint32_t lane,
		      int error)
{
	snprintf(ctf->why, sizeof(ctf->why), "%s/lane-%u: %s: %s", ctf->path,
		 lane, what, strerror(-error));
	return error;
}

/* Events of groups that came while the page was filled must be declared. */
static int meet_groups(struct tw_ctf *ctf)
{
	if (tw_drain_group_count(ctf->drain) == ctf->attach->group_count)
		return 0;
	return tw_ctf_refresh(ctf);
}

int tw_ctf_write(void *context, const struct tw_drain_page *part)
{
	struct tw_ctf *ctf = context;
	const uint32_t lane = part->view->lane;
	struct stream *stream = &ctf->streams[lane];
	struct packet packet;
	uint32_t size;
	int error;

	error = meet_groups(ctf);
	if (error < 0)
		return fail_write(ctf, "cannot write the metadata", lane,
				  error);
	if (!stream->open)
		error = open_stream(ctf, lane);
	if (error < 0)
		return fail_write(ctf, "cannot open", lane, error);
	make_packet(ctf, part, &packet);
	write_header(ctf, &packet, part);
	size = (packet.size + 7) / 8 * 8;
	memset((uint8_t *)packet.page + packet.size, 0, size - packet.size);
	error = append(stream, (const uint8_t *)packet.page, size);
	if (error)
		return fail_write(ctf, "cannot write", lane, error);
	stream->last_end = packet.time_end;
	stream->recorded += packet.events;
	ctf->totals.events += packet.events;
	ctf->totals.bytes += size;
	ctf->totals.packets++;
	return 0;
}

const char *tw_ctf_why(const struct tw_ctf *ctf)
{
	return ctf->why;
}

const char *tw_ctf_path(const struct tw_ctf *ctf)
{
	return ctf->path;
}

void tw_ctf_totals(const struct tw_ctf *ctf, struct tw_ctf_totals *totals)
{
	struct tw_drain_totals drained = ctf->drained;

	if (ctf->drain)
		tw_drain_totals(ctf->drain, &drained);
	*totals = ctf->totals;
	totals->lost += drained.lost;
}

/* ---- Life ---- */

static int close_streams(struct tw_ctf *ctf)
{
	uint32_t i;
	int error = 0;

	for (i = 0; ctf->streams && i < ctf->control.lane_count; i++)
		if (ctf->streams[i].open && close(ctf->streams[i].fd))
			error = -errno;
	free(ctf->streams);
	ctf->streams = NULL;
	return error;
}

int tw_ctf_detach(struct tw_ctf *ctf)
{
	int kept, closed;

	read_syncs(ctf);
	kept = keep_lanes(ctf);
	closed = close_streams(ctf);
	ctf->attach = NULL;
	ctf->drain = NULL;
	return kept ? kept : closed;
}

static int begin(struct tw_ctf *ctf, const char *directory)
{
	int error;

	ctf->name = strdup(ctf->attach->target.name);
	ctf->streams = calloc(ctf->attach->ring.control.lane_count,
			      sizeof(*ctf->streams));
	if (!ctf->name || !ctf->streams)
		return -ENOMEM;
	error = read_control(ctf);
	if (!error)
		error = make_directory(ctf, directory);
	if (!error)
		error = add_groups(ctf);
	if (error < 0)
		return error;
	return tw_ctf_describe(ctf, &ctf->timebase, false);
}

int tw_ctf_create(const char *directory, struct tw_attach *attach,
		  const struct tw_drain *drain,
		  const struct tw_timebase *timebase,
		  const struct tw_ctf_guest *guest, struct tw_ctf **result,
		  struct tw_attach_error *error)
{
	struct tw_ctf *ctf = calloc(1, sizeof(*ctf));
	int code = -ENOMEM;

	if (ctf) {
		ctf->dirfd = -1;
		ctf->attach = attach;
		ctf->drain = drain;
		ctf->timebase = *timebase;
		if (guest)
			ctf->guest = (struct tw_dotfile_guest){
				.epoch = guest->epoch,
				.generation = attach->ring.control.generation,
				.place = guest->place,
			};
		code = begin(ctf, directory);
	}
	if (!code) {
		*result = ctf;
		return 0;
	}
	fail(error, code, "%s: %s", ctf && ctf->path ? ctf->path : directory,
	     strerror(-code));
	/* So that it can be tried again; what is in it is no reader's. */
	if (ctf && ctf->path && ctf->dirfd >= 0)
		rmdir(ctf->path);
	tw_ctf_destroy(ctf);
	return code;
}

void tw_ctf_destroy(struct tw_ctf *ctf)
{
	size_t i;

	if (!ctf)
		return;
	close_streams(ctf);
	for (i = 0; i < ctf->group_count; i++)
		free((void *)(uintptr_t)ctf->groups[i].blob);
	free(ctf->groups);
	free(ctf->events.data);
	free(ctf->lanes);
	free(ctf->name);
	free(ctf->path);
	if (ctf->dirfd >= 0)
		close(ctf->dirfd);
	free(ctf);
}
