/* SPDX-License-Identifier: MIT */
/*
 * Packets out of a trace directory. Stream files are read piece by piece into a
 * buffer of each lane's own; a file is open only while a piece is read, so that
 * the number of lanes is not limited by that of open files. Every header is
 * checked against the file before it is used, and the first packet that is not
 * whole ends its lane: what a killed recorder or a full disk leaves.
 *
 * Called by read.c.
 */
#include "source.h"

#include "../schema/blob-read.h"
#include "spans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What all lanes' buffers may take together, and each of them, unless its
 * packets are larger. */
#define PIECES_SIZE (16u << 20)
#define PIECE_LARGEST (1u << 20)
#define PIECE_SMALLEST (16u << 10)
#define PACKET_SIZE_MAX TW_PAGE_SIZE_MAX
#define LANE_MAX (1u << 20)

/* ---- Stream files ---- */

static int read_some(int fd, uint8_t *to, size_t size, uint64_t offset)
{
	size_t done = 0;
	ssize_t got;

	while (done < size) {
		got = pread(fd, to + done, size - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (int)done;
}

static size_t piece_size(const struct tw_source *source)
{
	const size_t size = PIECES_SIZE / tw_trace_stream_count(source->trace);

	if (size < PIECE_SMALLEST)
		return PIECE_SMALLEST;
	return size < PIECE_LARGEST ? size : PIECE_LARGEST;
}

/*
 * Make the buffer begin at the next packet and hold size bytes, or more. The
 * kernel is asked to have the piece after it ready, since it can't tell from
 * files that are opened anew that they are read in order.
 */
static int read_piece(const struct tw_source *source, struct tw_stream *stream,
		      size_t size)
{
	uint8_t *data;
	int fd, got;

	if (size < piece_size(source))
		size = piece_size(source);
	if (size > stream->room) {
		data = realloc(stream->data, size);
		if (!data)
			return -ENOMEM;
		stream->data = data;
		stream->room = size;
	}
	stream->size = 0;
	stream->start = stream->at;
	fd = openat(source->dirfd, stream->name,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	got = read_some(fd, stream->data, size, stream->at);
	posix_fadvise(fd, (off_t)(stream->at + size), (off_t)size,
		      POSIX_FADV_WILLNEED);
	close(fd);
	if (got > 0)
		stream->size = (size_t)got;
	return got < 0 ? got : 0;
}

/* Bytes of the file that the buffer holds from the next packet on. */
static size_t bytes_at_hand(const struct tw_stream *stream)
{
	const uint64_t used = stream->at - stream->start;

	return used < stream->size ? stream->size - (size_t)used : 0;
}

/*
 * The next size bytes; *at_hand says how many there really are: fewer at the
 * end of the file. NULL if it can't be read.
 */
static const uint8_t *look(const struct tw_source *source,
			   struct tw_stream *stream, size_t size,
			   size_t *at_hand)
{
	int error;

	if (bytes_at_hand(stream) < size) {
		error = read_piece(source, stream, size);
		if (error) {
			tw_trace_warn(source->trace, "%s/%s: %s", source->path,
				      stream->name, strerror(-error));
			return NULL;
		}
	}
	*at_hand = bytes_at_hand(stream);
	return stream->data + (stream->at - stream->start);
}

static uint32_t u32(const struct tw_source *source, uint32_t value)
{
	return source->producer.decoder.swap ? __builtin_bswap32(value) : value;
}

static uint64_t u64(const struct tw_source *source, uint64_t value)
{
	return source->producer.decoder.swap ? __builtin_bswap64(value) : value;
}

static const char *header_error(const struct tw_source *source,
				const struct tw_page *header, uint32_t lane)
{
	const uint32_t content = u32(source, header->content_size);
	const uint32_t packet = u32(source, header->packet_size);

	if (u32(source, header->magic) != TW_PAGE_MAGIC)
		return "no packet";
	if (memcmp(header->uuid, source->dotfile.control.uuid,
		   sizeof(header->uuid)) != 0)
		return "a packet of another trace";
	if (content % 8 || packet % 64 || content / 8 < TW_PAGE_HEADER ||
	    content > packet || packet / 8 > PACKET_SIZE_MAX)
		return "a packet of impossible size";
	if (u32(source, header->lane) != lane)
		return "a packet of another lane";
	if (u64(source, header->timestamp_end) <
	    u64(source, header->timestamp_begin))
		return "a packet that ends before it begins";
	return NULL;
}

static uint64_t more_than(uint64_t value, uint64_t known)
{
	return value > known ? value - known : 0;
}

static void describe(struct tw_cursor *cursor, const struct tw_page *header,
		     const uint8_t *page, struct tw_trace_packet *packet)
{
	const struct tw_source *source = cursor->source;
	const uint64_t before = u64(source, header->events_before);
	const uint64_t discarded = u64(source, header->events_discarded);
	const struct tw_dotfile_clock *clock = &source->dotfile.clock;

	*packet = (struct tw_trace_packet){
		.producer = &source->producer,
		.lane = cursor->record.lane,
		.tid = u32(source, header->tid),
		.level = u32(source, header->level),
		.page = page,
		.from = TW_PAGE_HEADER,
		.size = u32(source, header->content_size) / 8,
		.events = u32(source, header->events),
		.time_from = u64(source, header->timestamp_begin),
		.time_end = u64(source, header->timestamp_end),
		.lost = more_than(before, cursor->known),
		.discarded = more_than(discarded, cursor->discarded),
	};
	tw_spans_find(clock->spans, clock->span_count, packet->lane, before,
		      &packet->span);
	if (before + packet->events > cursor->known)
		cursor->known = before + packet->events;
	cursor->discarded += packet->discarded;
}

static int end_stream(struct tw_cursor *cursor, const char *why)
{
	if (why)
		tw_trace_warn(cursor->source->trace,
			      "%s/%s: ends early: %s at byte %llu",
			      cursor->source->path, cursor->stream.name, why,
			      (unsigned long long)cursor->stream.at);
	cursor->stream.ended = true;
	free(cursor->stream.data);
	cursor->stream.data = NULL;
	cursor->stream.room = 0;
	return 0;
}

static int next_packet(struct tw_cursor *cursor, struct tw_trace_packet *packet)
{
	const struct tw_source *source = cursor->source;
	struct tw_stream *stream = &cursor->stream;
	struct tw_page header;
	const uint8_t *bytes;
	const char *why;
	size_t at_hand, size;

	if (stream->ended || !stream->name[0])
		return 0;
	bytes = look(source, stream, TW_PAGE_HEADER, &at_hand);
	if (!bytes || !at_hand)
		return end_stream(cursor, NULL);
	if (at_hand < TW_PAGE_HEADER)
		return end_stream(cursor, "a packet that is not whole");
	memcpy(&header, bytes, TW_PAGE_HEADER);
	why = header_error(source, &header, cursor->record.lane);
	if (why)
		return end_stream(cursor, why);
	size = u32(source, header.packet_size) / 8;
	bytes = look(source, stream, size, &at_hand);
	if (!bytes || at_hand < size)
		return end_stream(cursor,
				  bytes ? "a packet that is not whole" : NULL);
	describe(cursor, &header, bytes, packet);
	stream->at += size;
	return 1;
}

/* ---- A producer's directory ---- */

static bool is_free(const struct tw_source *source,
		    const struct tw_dotfile_group *group)
{
	uint32_t i;

	for (i = 0; i < group->event_count; i++)
		if (source->lookup[group->id_base + i])
			return false;
	return true;
}

static void add_events(struct tw_source *source,
		       const struct tw_dotfile_group *group,
		       const struct tw_schema *schema)
{
	uint32_t i;

	for (i = 0; i < group->event_count; i++)
		source->lookup[group->id_base + i] = &schema->events[i];
}

static int add_group(struct tw_source *source,
		     const struct tw_dotfile_group *group)
{
	struct tw_schema *schema = NULL;
	const char *why = "its ids are another's";
	int error = -EBADMSG;

	if (is_free(source, group))
		error = tw_blob_read(group->blob, group->blob_size,
				     source->dotfile.swap, &schema, &why);
	if (!error && schema->event_count != group->event_count) {
		tw_schema_destroy(schema);
		why = "it has another number of events";
		error = -EBADMSG;
	}
	if (error == -EBADMSG)
		tw_trace_warn(source->trace,
			      "%s: a group of %u events is left out: %s",
			      source->path, group->event_count, why);
	if (error)
		return error == -EBADMSG ? 0 : error;
	source->schemas[source->schema_count++] = schema;
	add_events(source, group, schema);
	return 0;
}

static int add_groups(struct tw_source *source)
{
	const struct tw_dotfile *dotfile = &source->dotfile;
	size_t i;
	int error = 0;

	source->lookup = calloc(TW_EVENTS_MAX, sizeof(*source->lookup));
	source->schemas = calloc(dotfile->group_count + 1,
				 sizeof(struct tw_schema *));
	if (!source->lookup || !source->schemas)
		return -ENOMEM;
	for (i = 0; !error && i < dotfile->group_count; i++)
		error = add_group(source, &dotfile->groups[i]);
	return error;
}

static int add_lanes(struct tw_source *source)
{
	const struct tw_dotfile_lane *lane;
	struct tw_cursor *cursor;
	size_t i;

	for (i = 0; i < source->dotfile.lane_count; i++) {
		lane = &source->dotfile.lanes[i];
		if (lane->lane >= LANE_MAX)
			continue;
		cursor = tw_source_cursor(source, lane->lane);
		if (!cursor)
			return -ENOMEM;
		cursor->known = lane->base;
		cursor->has_tail = true;
		cursor->tail_lost = lane->lost_tail;
		cursor->tail_discarded = lane->discarded_tail;
		cursor->totals.tid = lane->tid;
		cursor->totals.level = lane->level;
		memcpy(cursor->totals.name, lane->name, sizeof(lane->name));
	}
	return 0;
}

/* "lane-N", N as it is written by us. */
static bool is_stream_name(const char *name, uint32_t *lane)
{
	char again[32];

	if (sscanf(name, "lane-%9u", lane) != 1 || *lane >= LANE_MAX)
		return false;
	snprintf(again, sizeof(again), "lane-%u", *lane);
	return strcmp(name, again) == 0;
}

static int add_stream(struct tw_source *source, const char *name)
{
	struct tw_cursor *cursor;
	struct stat stat;
	uint32_t lane;

	if (!is_stream_name(name, &lane) ||
	    fstatat(source->dirfd, name, &stat, 0) || !S_ISREG(stat.st_mode))
		return 0;
	cursor = tw_source_cursor(source, lane);
	if (!cursor)
		return -ENOMEM;
	snprintf(cursor->stream.name, sizeof(cursor->stream.name), "lane-%u",
		 lane);
	tw_trace_add_stream(source->trace);
	return 0;
}

static int add_streams(struct tw_source *source)
{
	const struct dirent *entry;
	DIR *stream;
	int fd, got = 0;

	fd = openat(source->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	while (got >= 0 && (entry = readdir(stream)))
		got = add_stream(source, entry->d_name);
	closedir(stream);
	return got;
}

static void load_clock(struct tw_source *source)
{
	struct tw_dotfile_clock *clock = &source->dotfile.clock;

	tw_spans_sort(clock->spans, clock->span_count);
	/* More may have come since that was written. */
	if (source->dotfile.complete != 1)
		clock->end_ns = 0;
	tw_source_set_clock(source, tw_guest_clock_open(clock));
}

static int load(struct tw_source *source, const char **why)
{
	struct tw_trace_producer *producer = &source->producer;
	const struct tw_dotfile *dotfile = &source->dotfile;
	const char *name;
	int error;

	error = tw_dotfile_read(source->dirfd, &source->dotfile, why);
	if (error)
		return error;
	*why = NULL;
	name = (const char *)dotfile->control.name;
	source->name = strndup(name, sizeof(dotfile->control.name));
	if (!source->name)
		return -ENOMEM;
	tw_timebase_set(&producer->timebase, dotfile->hz, dotfile->base_ticks,
			dotfile->base_ns);
	error = add_groups(source);
	if (!error)
		error = add_lanes(source);
	if (!error)
		error = add_streams(source);
	producer->pid = dotfile->control.pid;
	producer->ended = true;
	producer->complete = dotfile->complete == 1;
	producer->epoch = dotfile->guest.epoch;
	producer->generation = dotfile->guest.generation;
	producer->gone = dotfile->guest.gone;
	load_clock(source);
	producer->decoder = (struct tw_decoder){
		.lookup = source->lookup,
		.id_count = TW_EVENTS_MAX,
		.swap = dotfile->swap,
	};
	source->no_lane = dotfile->no_lane;
	source->has_no_lane = true;
	return error;
}

static const struct tw_source_kind directory_kind = {.packet = next_packet};

/* Takes dirfd. */
static int add_producer(struct tw_trace *trace, int dirfd, const char *path,
			struct tw_attach_error *error)
{
	struct tw_source *source = tw_source_create(trace, &directory_kind);
	const char *why = NULL;
	int code = -ENOMEM;

	if (!source) {
		close(dirfd);
		return tw_trace_fail(error, code, "%s: %s", path,
				     strerror(-code));
	}
	source->dirfd = dirfd;
	source->path = strdup(path);
	if (source->path)
		code = load(source, &why);
	if (!code)
		code = tw_source_add(source);
	if (!code)
		return 0;
	tw_source_destroy(source);
	return tw_trace_fail(error, code, "%s: %s", path,
			     why ? why : strerror(-code));
}

/* ---- A recording's directory ---- */

static bool has_file(int dirfd, const char *name)
{
	return faccessat(dirfd, name, F_OK, 0) == 0;
}

static bool has_producer(const char *path, const char *name)
{
	char *file;
	bool there;

	if (name[0] == '.' ||
	    asprintf(&file, "%s/%s/" TW_DOTFILE_NAME, path, name) < 0)
		return false;
	there = access(file, F_OK) == 0;
	free(file);
	return there;
}

/* The names of the producers' subdirectories, sorted; or an error. */
static int list_producers(const char *path, struct dirent ***list)
{
	const int found = scandir(path, list, NULL, alphasort);
	int count = 0;
	int i;

	if (found < 0)
		return -errno;
	for (i = 0; i < found; i++) {
		if (has_producer(path, (*list)[i]->d_name))
			(*list)[count++] = (*list)[i];
		else
			free((*list)[i]);
	}
	return count;
}

static void free_list(struct dirent **list, int count)
{
	while (count-- > 0)
		free(list[count]);
	free(list);
}

bool tw_directory_is_own(const char *path)
{
	struct dirent **list;
	int count;

	if (has_producer(path, "/"))
		return true;
	count = list_producers(path, &list);
	if (count < 0)
		return false;
	free_list(list, count);
	return count > 0;
}

static int add_subdirectory(struct tw_trace *trace, const char *path,
			    const char *name, struct tw_attach_error *error)
{
	char *sub = NULL;
	int fd, code;

	if (asprintf(&sub, "%s/%s", path, name) < 0)
		return tw_trace_fail(error, -ENOMEM, "%s: out of memory", path);
	fd = open(sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	code = fd < 0 ? tw_trace_fail(error, -errno, "%s: %s", sub,
				      strerror(errno))
		      : add_producer(trace, fd, sub, error);
	free(sub);
	return code;
}

int tw_directory_add(struct tw_trace *trace, const char *path,
		     struct tw_attach_error *error)
{
	struct dirent **list;
	int fd, count, i;
	int code = 0;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return tw_trace_fail(error, -errno, "%s: %s", path,
				     strerror(errno));
	if (has_file(fd, TW_DOTFILE_NAME)) {
		code = add_producer(trace, fd, path, error);
		return code ? code : 1;
	}
	close(fd);
	count = list_producers(path, &list);
	if (count < 0)
		return tw_trace_fail(error, count, "%s: %s", path,
				     strerror(-count));
	for (i = 0; !code && i < count; i++)
		code = add_subdirectory(trace, path, list[i]->d_name, error);
	free_list(list, count);
	return code ? code : count;
}
