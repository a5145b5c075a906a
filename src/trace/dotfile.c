/* SPDX-License-Identifier: MIT */
/*
 * Writing and reading the dotfile. A header, then chunks of a type, a size and
 * a payload; little endian but for what was copied out of the ring. A reader
 * skips chunks that it doesn't know and what is beyond the members it knows, so
 * that a later minor version may add both.
 *
 * Called by ctf.c (writing) and read-directory.c.
 */
#include "dotfile.h"

#include "../ring/ring-read.h"
#include "../schema/format.h"
#include "replace.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_READ (1u << 30)

static const uint8_t magic[8] = {0x89, 'T', 'W', 'D', 'I', 'R', '\r', '\n'};

#define HEADER_SIZE 16	     /* magic, u16 major, u16 minor, u32 reserved */
#define CHUNK_HEADER_SIZE 16 /* u32 type, u32 reserved, u64 payload size */

enum chunk_type {
	CHUNK_CONTROL = 1,
	CHUNK_GROUP = 2,
	CHUNK_SYNC = 3,
	CHUNK_CLOCK = 4,
	CHUNK_LANE = 5,
	CHUNK_END = 6,
	CHUNK_GUEST = 7,
	CHUNK_PAIRS = 8,
	CHUNK_CLOCK_OPTIONS = 9,
	CHUNK_SPANS = 10,
};

#define GROUP_SIZE 16
#define SYNC_SIZE 32
#define CLOCK_SIZE 24
#define LANE_SIZE 80
#define END_SIZE 24
#define GUEST_SIZE 24
#define PAIR_SIZE 32
#define CLOCK_OPTIONS_SIZE 64
#define CLOCK_OPTIONS_MIN 56 /* before version 1.3 */
#define SPAN_SIZE 40

/* ---- Writing ---- */

static void put16(struct tw_text *out, uint16_t value)
{
	value = htole16(value);
	tw_text_add(out, (const char *)&value, sizeof(value));
}

static void put32(struct tw_text *out, uint32_t value)
{
	value = htole32(value);
	tw_text_add(out, (const char *)&value, sizeof(value));
}

static void put64(struct tw_text *out, uint64_t value)
{
	value = htole64(value);
	tw_text_add(out, (const char *)&value, sizeof(value));
}

static void put_chunk(struct tw_text *out, uint32_t type, uint64_t size)
{
	put32(out, type);
	put32(out, 0);
	put64(out, size);
}

static void put_bytes(struct tw_text *out, const void *bytes, uint64_t size)
{
	static const char zeros[8];

	if (size)
		tw_text_add(out, bytes, size);
	tw_text_add(out, zeros, -size % 8);
}

static void put_group(struct tw_text *out, const struct tw_dotfile_group *group)
{
	put_chunk(out, CHUNK_GROUP, GROUP_SIZE + group->blob_size);
	put32(out, group->id_base);
	put32(out, group->event_count);
	put64(out, group->blob_size);
	put_bytes(out, group->blob, group->blob_size);
}

static void put_sync(struct tw_text *out, const struct tw_dotfile_sync *sync)
{
	put_chunk(out, CHUNK_SYNC, SYNC_SIZE);
	put32(out, sync->source);
	put32(out, 0);
	put64(out, sync->moment.clock);
	put64(out, sync->moment.mono_ns);
	put64(out, sync->moment.real_ns);
}

static void put_lane(struct tw_text *out, const struct tw_dotfile_lane *lane)
{
	put_chunk(out, CHUNK_LANE, LANE_SIZE);
	put32(out, lane->lane);
	put32(out, lane->tid);
	put32(out, lane->level);
	put32(out, 0);
	put64(out, lane->base);
	put64(out, lane->recorded);
	put64(out, lane->lost);
	put64(out, lane->lost_tail);
	put64(out, lane->discarded);
	put64(out, lane->discarded_tail);
	put_bytes(out, lane->name, 16);
}

static void put_guest(struct tw_text *out, const struct tw_dotfile_guest *guest)
{
	if (!guest->epoch)
		return;
	put_chunk(out, CHUNK_GUEST, GUEST_SIZE);
	put32(out, guest->epoch);
	put32(out, guest->generation);
	put64(out, guest->place);
	put32(out, guest->gone);
	put32(out, 0);
}

static void put_pair(struct tw_text *out, const struct tw_dotfile_pair *pair)
{
	put32(out, pair->kind);
	put32(out, 0);
	put64(out, pair->ticks);
	put64(out, pair->from_ns);
	put64(out, pair->to_ns);
}

static void put_span(struct tw_text *out, const struct tw_dotfile_span *span)
{
	put32(out, span->lane);
	put32(out, 0);
	put64(out, span->begin);
	put64(out, span->end);
	put64(out, span->from_ns);
	put64(out, span->to_ns);
}

static void put_guest_clock(struct tw_text *out,
			    const struct tw_dotfile_clock *clock)
{
	size_t i;

	if (!clock->is_known)
		return;
	put_chunk(out, CHUNK_CLOCK_OPTIONS, CLOCK_OPTIONS_SIZE);
	put64(out, clock->hz);
	put32(out, clock->tolerance_ppb);
	put32(out, clock->drift_ppb);
	put64(out, clock->step);
	put32(out, clock->flags);
	put32(out, 0);
	put64(out, clock->first_real_ns);
	put64(out, clock->last_real_ns);
	put64(out, clock->end_ns);
	put64(out, clock->confirmed_ns);
	put_chunk(out, CHUNK_PAIRS, clock->pair_count * PAIR_SIZE);
	for (i = 0; i < clock->pair_count; i++)
		put_pair(out, &clock->pairs[i]);
	put_chunk(out, CHUNK_SPANS, clock->span_count * SPAN_SIZE);
	for (i = 0; i < clock->span_count; i++)
		put_span(out, &clock->spans[i]);
}

static void put_all(struct tw_text *out, const struct tw_dotfile *dotfile)
{
	size_t i;

	put_bytes(out, magic, sizeof(magic));
	put16(out, TW_DOTFILE_MAJOR);
	put16(out, TW_DOTFILE_MINOR);
	put32(out, 0);
	put_chunk(out, CHUNK_CONTROL, dotfile->raw_control_size);
	put_bytes(out, dotfile->raw_control, dotfile->raw_control_size);
	put_chunk(out, CHUNK_CLOCK, CLOCK_SIZE);
	put64(out, dotfile->hz);
	put64(out, dotfile->base_ticks);
	put64(out, dotfile->base_ns);
	for (i = 0; i < dotfile->sync_count; i++)
		put_sync(out, &dotfile->syncs[i]);
	for (i = 0; i < dotfile->group_count; i++)
		put_group(out, &dotfile->groups[i]);
	for (i = 0; i < dotfile->lane_count; i++)
		put_lane(out, &dotfile->lanes[i]);
	put_guest(out, &dotfile->guest);
	put_guest_clock(out, &dotfile->clock);
	put_chunk(out, CHUNK_END, END_SIZE);
	put32(out, dotfile->complete);
	put32(out, 0);
	put64(out, dotfile->no_lane);
	put64(out, dotfile->broken);
}

int tw_dotfile_write(int dirfd, const struct tw_dotfile *dotfile)
{
	struct tw_text out = {0};
	int error;

	put_all(&out, dotfile);
	if (out.failed)
		error = -ENOMEM;
	else
		error = tw_file_replace(dirfd, TW_DOTFILE_NAME, out.data,
					out.size);
	free(out.data);
	return error;
}

/* ---- Reading ---- */

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

/* The list with room for one more, zero-filled; NULL without memory. */
static void *add_one(void *list, size_t *count, size_t size)
{
	/* Grows when count is a power of two: 0, 1, 2, 4, 8, ... */
	const size_t room = *count ? *count * 2 : 1;

	if ((*count & (*count - 1)) == 0 || !*count)
		list = realloc(list, room * size);
	if (!list)
		return NULL;
	memset((char *)list + *count * size, 0, size);
	(*count)++;
	return list;
}

/*
 * The members of the control block that a trace's reader uses, through the
 * ring's own reader: a ring whose tables and pages are gone.
 */
static const char *get_control(struct tw_dotfile *dotfile, const uint8_t *at,
			       uint64_t size)
{
	struct tw_ring_control *control = &dotfile->control;
	struct tw_ring_reader reader = {0};

	if (size < TW_RING_CONTROL_MIN)
		return "its control block is too short";
	dotfile->raw_control = at;
	dotfile->raw_control_size = size;
	memcpy(control, at, size < sizeof(*control) ? size : sizeof(*control));
	if (!tw_ring_is_magic(control->magic))
		return "its control block has no magic";
	if (control->byte_order == __builtin_bswap32(TW_RING_BYTE_ORDER))
		reader.swap = 1;
	else if (control->byte_order != TW_RING_BYTE_ORDER)
		return "its byte order is unknown";
	dotfile->swap = reader.swap;
	control->pid = tw_ring_u32(&reader, control->pid);
	control->page_size = tw_ring_u32(&reader, control->page_size);
	control->lane_count = tw_ring_u32(&reader, control->lane_count);
	control->clock_kind = tw_ring_u32(&reader, control->clock_kind);
	control->clock_hz = tw_ring_u64(&reader, control->clock_hz);
	control->mode = tw_ring_u32(&reader, control->mode);
	return NULL;
}

static const char *get_group(struct tw_dotfile *dotfile, const uint8_t *at,
			     uint64_t size)
{
	struct tw_dotfile_group *group;
	struct tw_dotfile_group *list;

	if (size < GROUP_SIZE || get64(at + 8) > size - GROUP_SIZE)
		return "a group is too short";
	list = add_one(dotfile->groups, &dotfile->group_count, sizeof(*list));
	if (!list)
		return "out of memory";
	dotfile->groups = list;
	group = &list[dotfile->group_count - 1];
	group->id_base = get32(at);
	group->event_count = get32(at + 4);
	group->blob_size = get64(at + 8);
	group->blob = at + GROUP_SIZE;
	if (group->event_count > TW_EVENTS_MAX ||
	    group->id_base > TW_EVENTS_MAX - group->event_count)
		return "a group has impossible ids";
	return NULL;
}

static const char *get_sync(struct tw_dotfile *dotfile, const uint8_t *at,
			    uint64_t size)
{
	struct tw_dotfile_sync *list;

	if (size < SYNC_SIZE)
		return "a sync moment is too short";
	list = add_one(dotfile->syncs, &dotfile->sync_count, sizeof(*list));
	if (!list)
		return "out of memory";
	dotfile->syncs = list;
	list += dotfile->sync_count - 1;
	list->source = get32(at);
	list->moment.clock = get64(at + 8);
	list->moment.mono_ns = get64(at + 16);
	list->moment.real_ns = get64(at + 24);
	return NULL;
}

static const char *get_lane(struct tw_dotfile *dotfile, const uint8_t *at,
			    uint64_t size)
{
	struct tw_dotfile_lane *list;

	if (size < LANE_SIZE)
		return "a lane is too short";
	list = add_one(dotfile->lanes, &dotfile->lane_count, sizeof(*list));
	if (!list)
		return "out of memory";
	dotfile->lanes = list;
	list += dotfile->lane_count - 1;
	list->lane = get32(at);
	list->tid = get32(at + 4);
	list->level = get32(at + 8);
	list->base = get64(at + 16);
	list->recorded = get64(at + 24);
	list->lost = get64(at + 32);
	list->lost_tail = get64(at + 40);
	list->discarded = get64(at + 48);
	list->discarded_tail = get64(at + 56);
	memcpy(list->name, at + 64, 16);
	return NULL;
}

static const char *get_clock(struct tw_dotfile *dotfile, const uint8_t *at,
			     uint64_t size)
{
	if (size < CLOCK_SIZE)
		return "its clock is too short";
	dotfile->hz = get64(at);
	dotfile->base_ticks = get64(at + 8);
	dotfile->base_ns = get64(at + 16);
	return dotfile->hz ? NULL : "its clock stands still";
}

static const char *get_end(struct tw_dotfile *dotfile, const uint8_t *at,
			   uint64_t size)
{
	if (size < END_SIZE)
		return "its end is too short";
	dotfile->complete = get32(at);
	dotfile->no_lane = get64(at + 8);
	dotfile->broken = get64(at + 16);
	return NULL;
}

static const char *get_guest(struct tw_dotfile *dotfile, const uint8_t *at,
			     uint64_t size)
{
	if (size < GUEST_SIZE)
		return "its guest is too short";
	dotfile->guest = (struct tw_dotfile_guest){
		.epoch = get32(at),
		.generation = get32(at + 4),
		.place = get64(at + 8),
		.gone = get32(at + 16),
	};
	return NULL;
}

static const char *get_clock_options(struct tw_dotfile *dotfile,
				     const uint8_t *at, uint64_t size)
{
	struct tw_dotfile_clock *clock = &dotfile->clock;

	if (size < CLOCK_OPTIONS_MIN)
		return "its clock's options are too short";
	clock->is_known = true;
	clock->hz = get64(at);
	clock->tolerance_ppb = get32(at + 8);
	clock->drift_ppb = get32(at + 12);
	clock->step = get64(at + 16);
	clock->flags = get32(at + 24);
	clock->first_real_ns = get64(at + 32);
	clock->last_real_ns = get64(at + 40);
	clock->end_ns = get64(at + 48);
	clock->confirmed_ns = size < CLOCK_OPTIONS_SIZE ? UINT64_MAX
							: get64(at + 56);
	return NULL;
}

static void get_pair(struct tw_dotfile_pair *pair, const uint8_t *at)
{
	*pair = (struct tw_dotfile_pair){
		.kind = get32(at),
		.ticks = get64(at + 8),
		.from_ns = get64(at + 16),
		.to_ns = get64(at + 24),
	};
}

static const char *get_pairs(struct tw_dotfile *dotfile, const uint8_t *at,
			     uint64_t size)
{
	struct tw_dotfile_clock *clock = &dotfile->clock;
	const size_t count = size / PAIR_SIZE;
	size_t i;

	if (clock->pairs || size % PAIR_SIZE)
		return "its pairs of times make no sense";
	clock->pairs = calloc(count ? count : 1, sizeof(*clock->pairs));
	if (!clock->pairs)
		return "out of memory";
	for (i = 0; i < count; i++)
		get_pair(&clock->pairs[i], at + i * PAIR_SIZE);
	clock->pair_count = count;
	return NULL;
}

static const char *get_spans(struct tw_dotfile *dotfile, const uint8_t *at,
			     uint64_t size)
{
	struct tw_dotfile_clock *clock = &dotfile->clock;
	const size_t count = size / SPAN_SIZE;
	size_t i;

	if (clock->spans || size % SPAN_SIZE)
		return "its packets' times make no sense";
	clock->spans = calloc(count ? count : 1, sizeof(*clock->spans));
	if (!clock->spans)
		return "out of memory";
	for (i = 0; i < count; i++, at += SPAN_SIZE)
		clock->spans[i] = (struct tw_dotfile_span){
			.lane = get32(at),
			.begin = get64(at + 8),
			.end = get64(at + 16),
			.from_ns = get64(at + 24),
			.to_ns = get64(at + 32),
		};
	clock->span_count = count;
	return NULL;
}

static const char *get_chunk(struct tw_dotfile *dotfile, uint32_t type,
			     const uint8_t *at, uint64_t size)
{
	switch (type) {
	case CHUNK_CONTROL:
		return get_control(dotfile, at, size);
	case CHUNK_GROUP:
		return get_group(dotfile, at, size);
	case CHUNK_SYNC:
		return get_sync(dotfile, at, size);
	case CHUNK_CLOCK:
		return get_clock(dotfile, at, size);
	case CHUNK_LANE:
		return get_lane(dotfile, at, size);
	case CHUNK_END:
		return get_end(dotfile, at, size);
	case CHUNK_GUEST:
		return get_guest(dotfile, at, size);
	case CHUNK_PAIRS:
		return get_pairs(dotfile, at, size);
	case CHUNK_CLOCK_OPTIONS:
		return get_clock_options(dotfile, at, size);
	case CHUNK_SPANS:
		return get_spans(dotfile, at, size);
	default:
		return NULL;
	}
}

static const char *get_all(struct tw_dotfile *dotfile, const uint8_t *data,
			   size_t size)
{
	const char *why = NULL;
	uint64_t at = HEADER_SIZE;
	uint64_t length;

	while (!why && at < size) {
		if (size - at < CHUNK_HEADER_SIZE)
			return "it ends within a chunk";
		length = get64(data + at + 8);
		if (length > size - at - CHUNK_HEADER_SIZE)
			return "it ends within a chunk";
		why = get_chunk(dotfile, get32(data + at),
				data + at + CHUNK_HEADER_SIZE, length);
		at += CHUNK_HEADER_SIZE + length;
		at += -at % 8;
	}
	if (why)
		return why;
	if (!dotfile->raw_control)
		return "it has no control block";
	return dotfile->hz ? NULL : "it has no clock";
}

/* Takes data, which is freed with the dotfile or at an error. */
static int parse(uint8_t *data, size_t size, struct tw_dotfile *dotfile,
		 const char **why)
{
	int error = -EBADMSG;

	*dotfile = (struct tw_dotfile){.data = data};
	if (size < HEADER_SIZE || memcmp(data, magic, sizeof(magic)) != 0) {
		*why = "no Trackway trace: its magic is missing";
	} else if ((get32(data + 8) & 0xffff) != TW_DOTFILE_MAJOR) {
		error = -EPROTONOSUPPORT;
		*why = "made by a newer Trackway";
	} else {
		*why = get_all(dotfile, data, size);
	}
	if (!*why)
		return 0;
	tw_dotfile_free(dotfile);
	return error;
}

int tw_dotfile_parse(const void *data, size_t size, struct tw_dotfile *dotfile,
		     const char **why)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy) {
		*why = "out of memory";
		return -ENOMEM;
	}
	memcpy(copy, data, size);
	return parse(copy, size, dotfile, why);
}

static int read_all(int fd, uint8_t *data, size_t size)
{
	ssize_t got;

	while (size) {
		got = read(fd, data, size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EBADMSG;
		data += got;
		size -= (size_t)got;
	}
	return 0;
}

int tw_dotfile_read(int dirfd, struct tw_dotfile *dotfile, const char **why)
{
	uint8_t *data = NULL;
	struct stat stat;
	int fd, error = 0;

	*why = "its " TW_DOTFILE_NAME " can't be read";
	fd = openat(dirfd, TW_DOTFILE_NAME,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat))
		error = -errno;
	else if (!S_ISREG(stat.st_mode) || stat.st_size > SIZE_MAX_READ)
		error = -EBADMSG;
	if (!error) {
		data = malloc((size_t)stat.st_size + 1);
		error = data ? read_all(fd, data, (size_t)stat.st_size)
			     : -ENOMEM;
	}
	close(fd);
	if (!error)
		return parse(data, (size_t)stat.st_size, dotfile, why);
	free(data);
	return error;
}

void tw_dotfile_free(struct tw_dotfile *dotfile)
{
	free(dotfile->groups);
	free(dotfile->syncs);
	free(dotfile->lanes);
	free(dotfile->clock.pairs);
	free(dotfile->clock.spans);
	free(dotfile->data);
	*dotfile = (struct tw_dotfile){0};
}
