/* SPDX-License-Identifier: MIT */
/*
 * The file is a header and records, the same as read-simpletrace.c describes.
 * Records are put into a buffer, of which whole ones are written: so the file
 * can end within a record only where a write was cut short, and then that is
 * undone.
 *
 * An event's number is looked up by where its description is; only a new one is
 * compared with those that other producers have brought.
 *
 * Called by src/monitor/destination-simpletrace.c.
 */
#include "write-simpletrace.h"

#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0xf2b177cb0aa429b4)
#define VERSION UINT64_C(4)
#define HEADER_SIZE 24u
#define RECORD_NAME UINT64_C(0)
#define RECORD_EVENT UINT64_C(1)
#define NAME_HEADER 20u	       /* of a record, with its type */
#define EVENT_HEADER 32u       /* likewise; the length is less the type */
#define READ_RECORD_MAX 65536u /* what readers take for one that can be */
#define DROPPED_ID (~UINT64_C(0) - 1)
#define BUFFER_SIZE (256u << 10)
/* A name, then an event with as many of the longest fields as there can be. */
#define RECORDS_MAX                                 \
	(NAME_HEADER + TW_NAME_MAX + EVENT_HEADER + \
	 TW_FIELDS_MAX * (sizeof(uint32_t) + TW_SIMPLETRACE_STRING))

struct known {
	const struct tw_event_desc *event; /* NULL: free */
	uint64_t id;
};

/* Open addressing; room is a power of two, or 0. */
struct table {
	struct known *slots;
	size_t room;
	size_t count;
	uint64_t (*hash)(const struct tw_event_desc *event);
	bool (*is_same)(const struct tw_event_desc *a,
			const struct tw_event_desc *b);
};

struct tw_simpletrace {
	int fd;
	bool is_regular;
	int error; /* the first one, for good */
	struct table by_place;
	struct table by_content;
	uint64_t real_ns; /* from CLOCK_MONOTONIC to the time of day */
	uint64_t last_ns; /* of the latest event */
	uint64_t whole;	  /* bytes of the file, of whole records */
	struct tw_simpletrace_totals totals;
	size_t size;
	uint8_t buffer[BUFFER_SIZE];
};

/* ---- Which events are known ---- */

static uint64_t hash_place(const struct tw_event_desc *event)
{
	return ((uint64_t)(uintptr_t)event >> 4) * 0x9e3779b97f4a7c15u >> 16;
}

static bool is_same_place(const struct tw_event_desc *a,
			  const struct tw_event_desc *b)
{
	return a == b;
}

static uint64_t hash_name(const struct tw_event_desc *event)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *at = event->name; *at; at++)
		hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

static bool is_same_content(const struct tw_event_desc *a,
			    const struct tw_event_desc *b)
{
	if (strcmp(a->name, b->name) != 0 || a->field_count != b->field_count)
		return false;
	for (uint32_t i = 0; i < a->field_count; i++)
		if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
		    a->fields[i].kind != b->fields[i].kind ||
		    a->fields[i].size != b->fields[i].size)
			return false;
	return true;
}

/* Its slot, or the free one that is to be its. */
static struct known *find(const struct table *table,
			  const struct tw_event_desc *event)
{
	size_t at = table->hash(event) & (table->room - 1);

	while (table->slots[at].event &&
	       !table->is_same(table->slots[at].event, event))
		at = (at + 1) & (table->room - 1);
	return &table->slots[at];
}

/* Room for one more. */
static int grow(struct table *table)
{
	struct table larger = *table;

	if (table->count * 2 < table->room)
		return 0;
	larger.room = table->room ? table->room * 2 : 256;
	larger.slots = calloc(larger.room, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->room; i++)
		if (table->slots[i].event)
			*find(&larger, table->slots[i].event) = table->slots[i];
	free(table->slots);
	*table = larger;
	return 0;
}

/* ---- Bytes ---- */

static void put(struct tw_simpletrace *writer, const void *bytes, size_t size)
{
	memcpy(writer->buffer + writer->size, bytes, size);
	writer->size += size;
}

static void put_u64(struct tw_simpletrace *writer, uint64_t value)
{
	put(writer, &value, sizeof(value));
}

static void put_u32(struct tw_simpletrace *writer, uint32_t value)
{
	put(writer, &value, sizeof(value));
}

static void put_text(struct tw_simpletrace *writer, const char *text,
		     size_t size)
{
	put_u32(writer, (uint32_t)size);
	put(writer, text, size);
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
	ssize_t written;

	while (size) {
		written = write(fd, bytes, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

int tw_simpletrace_flush(struct tw_simpletrace *writer)
{
	if (writer->error)
		return writer->error;
	writer->error = write_all(writer->fd, writer->buffer, writer->size);
	if (!writer->error)
		writer->whole += writer->size;
	else if (writer->is_regular &&
		 ftruncate(writer->fd, (off_t)writer->whole))
		/* The first error is the one that tells. */
		(void)errno;
	writer->size = 0;
	return writer->error;
}

/* ---- Records ---- */

static int put_mapping(struct tw_simpletrace *writer,
		       const struct tw_event_desc *event, uint64_t *id)
{
	struct known *slot;

	if (grow(&writer->by_content))
		return -ENOMEM;
	slot = find(&writer->by_content, event);
	if (!slot->event) {
		*slot = (struct known){event, writer->by_content.count++};
		put_u64(writer, RECORD_NAME);
		put_u64(writer, slot->id);
		put_text(writer, event->name, strlen(event->name));
	}
	*id = slot->id;
	return 0;
}

/* Its number, which is in the file before its first event. */
static int find_id(struct tw_simpletrace *writer,
		   const struct tw_event_desc *event, uint64_t *id)
{
	struct known *slot;
	int error = grow(&writer->by_place);

	if (error)
		return error;
	slot = find(&writer->by_place, event);
	if (slot->event) {
		*id = slot->id;
		return 0;
	}
	error = put_mapping(writer, event, id);
	if (error)
		return error;
	*slot = (struct known){event, *id};
	writer->by_place.count++;
	return 0;
}

/* A float's bits: those of one of 4 bytes are the lower half. */
static uint64_t float_bits(const struct tw_value *value)
{
	const float narrow = (float)value->f;
	uint32_t bits32;
	uint64_t bits;

	if (value->field->size == sizeof(narrow)) {
		memcpy(&bits32, &narrow, sizeof(bits32));
		return bits32;
	}
	memcpy(&bits, &value->f, sizeof(bits));
	return bits;
}

static void put_value(struct tw_simpletrace *writer,
		      const struct tw_value *value)
{
	switch (value->field->kind) {
	case TW_FIELD_STRING:
	case TW_FIELD_BYTES:
		put_text(writer, value->string.text,
			 value->string.size < TW_SIMPLETRACE_STRING
				 ? value->string.size
				 : TW_SIMPLETRACE_STRING);
		return;
	case TW_FIELD_FLOAT:
		put_u64(writer, float_bits(value));
		return;
	case TW_FIELD_SINT:
		put_u64(writer, (uint64_t)value->s);
		return;
	default:
		put_u64(writer, value->u);
		return;
	}
}

/*
 * When a record was, of CLOCK_MONOTONIC. A ring of a host has been placed by a
 * moment at which both clocks were read; for others it is as the clocks stood
 * when the file was begun.
 */
static uint64_t monotonic(const struct tw_simpletrace *writer,
			  const struct tw_record *record)
{
	const struct tw_trace_producer *producer = record->producer;
	const struct tw_timebase *timebase = &producer->timebase;
	const uint64_t offset = timebase->base_mono_ns && !producer->epoch
					? timebase->base_ns -
						  timebase->base_mono_ns
					: writer->real_ns;

	return record->time_ns > offset ? record->time_ns - offset : 0;
}

static void put_header(struct tw_simpletrace *writer,
		       const struct tw_record *record, uint64_t id,
		       uint64_t time_ns)
{
	if (time_ns > writer->last_ns)
		writer->last_ns = time_ns;
	put_u64(writer, RECORD_EVENT);
	put_u64(writer, id);
	put_u64(writer, time_ns);
	put_u32(writer, 0); /* the length, which is known at the end */
	put_u32(writer, record->producer->pid);
}

static void set_length(struct tw_simpletrace *writer, size_t begin)
{
	const uint32_t length = (uint32_t)(writer->size - begin -
					   sizeof(uint64_t));

	memcpy(writer->buffer + begin + 24, &length, sizeof(length));
}

static int write_event(struct tw_simpletrace *writer,
		       const struct tw_record *record)
{
	const struct tw_event_desc *event = record->event.event;
	struct tw_value value;
	size_t begin, offset = 0;
	uint64_t id;
	const int error = find_id(writer, event, &id);

	if (error)
		return error;
	begin = writer->size;
	put_header(writer, record, id, monotonic(writer, record));
	for (uint32_t i = 0; i < event->field_count; i++) {
		tw_fields_value(event, i, record->event.fields, &offset,
				record->producer->decoder.swap, &value);
		put_value(writer, &value);
	}
	set_length(writer, begin);
	writer->totals.events++;
	return 0;
}

/* Where nobody knows when, it counts as just now. */
static void write_lost(struct tw_simpletrace *writer,
		       const struct tw_record *record)
{
	const uint64_t lost = record->lost + record->discarded;
	const uint64_t time_ns = monotonic(writer, record);
	const size_t begin = writer->size;

	if (!lost)
		return;
	put_header(writer, record, DROPPED_ID,
		   time_ns > writer->last_ns ? time_ns : writer->last_ns);
	put_u64(writer, lost);
	set_length(writer, begin);
	writer->totals.lost += lost;
}

int tw_simpletrace_write(struct tw_simpletrace *writer,
			 const struct tw_record *record)
{
	int error = writer->error;

	if (!error && writer->size > sizeof(writer->buffer) - RECORDS_MAX)
		error = tw_simpletrace_flush(writer);
	if (error)
		return error;
	if (record->kind == TW_RECORD_EVENT)
		return write_event(writer, record);
	write_lost(writer, record);
	return 0;
}

void tw_simpletrace_totals(const struct tw_simpletrace *writer,
			   struct tw_simpletrace_totals *totals)
{
	*totals = writer->totals;
	totals->bytes = writer->whole + writer->size;
}

/* ---- A file that is there already ---- */

/* What of it is walked: whole records. */
struct walk {
	FILE *file;
	uint64_t at; /* where they end */
	const char *why;
};

static bool skip(struct walk *walk, uint32_t size)
{
	uint8_t bytes[512];
	size_t part;

	for (; size; size -= (uint32_t)part) {
		part = size < sizeof(bytes) ? size : sizeof(bytes);
		if (fread(bytes, 1, part, walk->file) != part)
			return false;
	}
	return true;
}

/* The rest of a record whose type was read. False: it is not whole. */
static bool walk_record(struct walk *walk, uint64_t type)
{
	const bool is_event = type == RECORD_EVENT;
	const size_t header_size = is_event ? EVENT_HEADER : NAME_HEADER;
	uint8_t header[EVENT_HEADER];
	uint32_t size;

	if (fread(header, 1, header_size - 8, walk->file) != header_size - 8)
		return false;
	memcpy(&size, header + (is_event ? 16 : 8), sizeof(size));
	/* An event's tells the size of its header, too. */
	if (is_event)
		size = size >= EVENT_HEADER - 8 && size <= READ_RECORD_MAX
			       ? size - (EVENT_HEADER - 8)
			       : UINT32_MAX;
	if (size > READ_RECORD_MAX) {
		walk->why = "a record of impossible length";
		return false;
	}
	if (!skip(walk, size))
		return false;
	walk->at += header_size + size;
	return true;
}

static void walk_records(struct walk *walk)
{
	uint64_t type;

	while (fread(&type, 1, sizeof(type), walk->file) == sizeof(type)) {
		if (type != RECORD_NAME && type != RECORD_EVENT) {
			walk->why = "no record";
			return;
		}
		if (!walk_record(walk, type))
			return;
	}
}

/* False: it is another file, or of the other byte order. */
static bool walk_header(struct walk *walk)
{
	static const uint64_t header[] = {~UINT64_C(0), MAGIC, VERSION};
	uint64_t found[3] = {0};
	const size_t size = fread(found, 1, sizeof(found), walk->file);

	if (memcmp(found, header, size) != 0)
		return false;
	/* Less of it is as good as nothing. */
	if (size == sizeof(found))
		walk->at = size;
	return true;
}

/* Where the next record is to be, and nothing behind that. */
static int find_end(struct tw_simpletrace *writer, const char *path,
		    struct tw_attach_error *error)
{
	struct walk walk = {0};
	char same[32];
	int err = 0;

	/* Not by its path, which may be another's by now. */
	snprintf(same, sizeof(same), "/proc/self/fd/%d", writer->fd);
	walk.file = fopen(same, "rbe");
	if (!walk.file)
		return tw_trace_fail(error, -errno, "%s: %s", path,
				     strerror(errno));
	if (!walk_header(&walk))
		walk.why = "no simpletrace file of version 4 and of this "
			   "machine's byte order";
	else if (walk.at)
		walk_records(&walk);
	if (ferror(walk.file))
		err = tw_trace_fail(error, -EIO, "%s: can't be read", path);
	else if (walk.why)
		err = tw_trace_fail(error, -EBADMSG,
				    "%s: %s at byte %" PRIu64 ": not added to",
				    path, walk.why, walk.at);
	fclose(walk.file);
	if (!err && (ftruncate(writer->fd, (off_t)walk.at) ||
		     lseek(writer->fd, (off_t)walk.at, SEEK_SET) < 0))
		err = tw_trace_fail(error, -errno, "%s: %s", path,
				    strerror(errno));
	writer->whole = walk.at;
	return err;
}

/* ---- Opening and closing ---- */

/* A fifo that nobody reads is an error, and not waited for. */
static int open_file(struct tw_simpletrace *writer, const char *path,
		     bool append)
{
	const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY |
			  O_NONBLOCK | (append ? 0 : O_TRUNC);
	struct stat status;

	writer->fd = open(path, flags, 0600);
	if (writer->fd < 0 || fstat(writer->fd, &status) ||
	    fcntl(writer->fd, F_SETFL, 0))
		return -errno;
	writer->is_regular = S_ISREG(status.st_mode);
	return 0;
}

static int begin(struct tw_simpletrace *writer)
{
	if (writer->whole)
		return 0;
	put_u64(writer, ~UINT64_C(0));
	put_u64(writer, MAGIC);
	put_u64(writer, VERSION);
	/* What can't be written is found out now. */
	return tw_simpletrace_flush(writer);
}

static int open_writer(struct tw_simpletrace *writer, const char *path,
		       bool append, struct tw_attach_error *error)
{
	int err = open_file(writer, path, append);

	if (!err && append && writer->is_regular) {
		err = find_end(writer, path, error);
		if (err)
			return err;
	}
	if (!err)
		err = begin(writer);
	return err ? tw_trace_fail(error, err, "%s: %s", path, strerror(-err))
		   : 0;
}

int tw_simpletrace_create(const char *path, bool append,
			  struct tw_simpletrace **writer,
			  struct tw_attach_error *error)
{
	struct tw_simpletrace *made = calloc(1, sizeof(*made));
	int err;

	*writer = NULL;
	if (!made)
		return tw_trace_fail(error, -ENOMEM, "%s: out of memory", path);
	made->fd = -1;
	made->by_place.hash = hash_place;
	made->by_place.is_same = is_same_place;
	made->by_content.hash = hash_name;
	made->by_content.is_same = is_same_content;
	made->real_ns = tw_real_offset();
	err = open_writer(made, path, append, error);
	if (err)
		tw_simpletrace_close(made);
	else
		*writer = made;
	return err;
}

int tw_simpletrace_close(struct tw_simpletrace *writer)
{
	int error;

	if (!writer)
		return 0;
	error = tw_simpletrace_flush(writer);
	if (writer->fd >= 0 && close(writer->fd) && !error)
		error = -errno;
	free(writer->by_place.slots);
	free(writer->by_content.slots);
	free(writer);
	return error;
}
