/* SPDX-License-Identifier: MIT */
/*
 * A file of QEMU's simple backend, version 4: records one after the other, each
 * a u64 type, then
 *
 *   0, a name:   u64 id, u32 length, the name
 *   1, an event: u64 id, u64 ns of CLOCK_MONOTONIC, u32 length of all that
 *                follows the type, u32 pid, arguments: a u64 each, of a string
 *                u32 length and its bytes (and the same of bytes, which QEMU
 *                does not have)
 *
 * Of the id ~0 - 1, the argument is how many events were dropped. It is read as
 * far as it makes sense; where it doesn't, one line says at which byte.
 *
 * It has no time of day: that is this host's, if the file was written since it
 * was booted. The file's own times tell where that can't be: no event is later
 * than the last change, nor, if this is the file that was written then and not
 * a copy, earlier than it was made.
 *
 * Called by read-foreign.c.
 */
#include "read-foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC UINT64_C(0xf2b177cb0aa429b4)
#define VERSION 4
#define RECORD_NAME 0
#define RECORD_EVENT 1
#define DROPPED_ID (~UINT64_C(0) - 1)
#define EVENT_HEADER 24 /* of an event's length */
#define RECORD_MAX (64u << 10)
#define NAMES_MAX TW_EVENTS_MAX
#define RECORDS_AT_ONCE 256
#define NS_PER_S 1000000000u
#define SLACK_NS 1000000000 /* a file's time may be behind its content */

struct name {
	uint64_t id;
	int64_t event; /* -1: not declared */
	bool is_known;
};

struct simple {
	FILE *file;
	uint64_t at; /* of the record that is read */
	bool swap;
	bool is_peek; /* events are only looked at */
	struct name *names;
	size_t name_count;
	size_t name_room;
	uint8_t *record;
	uint64_t offset_ns; /* from its clock to the time of day */
	/* What was looked at. */
	bool has_events;
	uint32_t pid;
	uint64_t first_ns;
	uint64_t last_ns;
	/* What is said at the end. */
	uint64_t undeclared;
	uint64_t undeclared_at;
	uint64_t misfits;
	uint64_t misfit_at;
	char name[64];
};

struct event {
	uint64_t id;
	uint64_t ns;
	uint32_t pid;
	const uint8_t *arguments;
	size_t size;
};

/* ---- Bytes ---- */

static uint64_t u64(const struct simple *simple, const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return simple->swap ? __builtin_bswap64(value) : value;
}

static uint32_t u32(const struct simple *simple, const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return simple->swap ? __builtin_bswap32(value) : value;
}

static bool take(struct simple *simple, void *to, size_t size)
{
	return fread(to, 1, size, simple->file) == size;
}

/* ---- Names ---- */

/* Where it is, or is to be; NULL before there is any. */
static struct name *find_name(struct simple *simple, uint64_t id)
{
	size_t low = 0, high = simple->name_count;

	/* QEMU numbers them from 0 on, in this order. */
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (simple->names[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return simple->names ? &simple->names[low] : NULL;
}

static bool has_name(const struct simple *simple, const struct name *name,
		     uint64_t id)
{
	return name && name < simple->names + simple->name_count &&
	       name->id == id;
}

static int grow_names(struct simple *simple)
{
	const size_t room = simple->name_room ? simple->name_room * 2 : 256;
	struct name *names;

	if (simple->name_count < simple->name_room)
		return 0;
	if (room > NAMES_MAX * (size_t)2)
		return -E2BIG;
	names = reallocarray(simple->names, room, sizeof(*names));
	if (!names)
		return -ENOMEM;
	simple->names = names;
	simple->name_room = room;
	return 0;
}

static int add_name(struct tw_foreign *foreign, struct simple *simple,
		    uint64_t id, const char *text, size_t size)
{
	struct name *name;
	int error = grow_names(simple);

	if (error)
		return error;
	name = find_name(simple, id);
	if (!has_name(simple, name, id)) {
		memmove(name + 1, name,
			(size_t)(simple->names + simple->name_count - name) *
				sizeof(*name));
		simple->name_count++;
	}
	name->id = id;
	name->event = tw_foreign_find(foreign, text, size);
	name->is_known = name->event >= 0;
	if (!name->is_known)
		name->event = tw_foreign_declare_text(foreign, text, size);
	return name->event < 0 ? (int)name->event : 0;
}

/* ---- Events ---- */

static void add_hex(struct tw_text *text, const uint8_t *bytes, size_t size)
{
	char hex[4];

	for (size_t i = 0; i < size; i++) {
		snprintf(hex, sizeof(hex), i ? " %02x" : "%02x", bytes[i]);
		tw_text_add_string(text, hex);
	}
}

static int put_hex(struct tw_foreign *foreign, const struct simple *simple,
		   const struct event *event, int64_t id)
{
	struct tw_text text = {0};
	int error;

	add_hex(&text, event->arguments, event->size);
	error = text.failed ? -ENOMEM
			    : tw_foreign_put_text(
				      foreign, event->ns + simple->offset_ns,
				      event->pid, id,
				      text.data ? text.data : "", text.size);
	free(text.data);
	return error;
}

static void add_number(struct tw_text *fields, uint64_t value, uint8_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	tw_text_add(fields, (const char *)&value, size);
#else
	tw_text_add(fields, (const char *)&value + sizeof(value) - size, size);
#endif
}

/* A string's bytes, up to a NUL that should not be there; or all, as bytes, of
 * which there are fewer than RECORD_MAX. */
static size_t add_counted(const struct simple *simple, struct tw_text *fields,
			  const uint8_t *at, size_t room, bool is_string)
{
	const char *bytes = (const char *)at + 4;
	uint32_t size;

	if (room < 4)
		return 0;
	size = u32(simple, at);
	if (size > room - 4)
		return 0;
	if (!is_string)
		add_number(fields, size, 2);
	tw_text_add(fields, bytes, is_string ? strnlen(bytes, size) : size);
	if (is_string)
		tw_text_add(fields, "", 1);
	return 4 + (size_t)size;
}

/* False: the arguments are not these fields'. */
static bool add_fields(const struct simple *simple, struct tw_text *fields,
		       const struct tw_event_desc *desc,
		       const struct event *event)
{
	const uint8_t *at = event->arguments;
	size_t room = event->size;
	size_t used;

	for (uint32_t i = 0; i < desc->field_count; i++) {
		const struct tw_field *field = &desc->fields[i];

		if (field->kind == TW_FIELD_STRING ||
		    field->kind == TW_FIELD_BYTES) {
			used = add_counted(simple, fields, at, room,
					   field->kind == TW_FIELD_STRING);
		} else {
			used = room < 8 ? 0 : 8;
			if (used)
				add_number(fields, u64(simple, at),
					   field->size);
		}
		if (!used)
			return false;
		at += used;
		room -= used;
	}
	return !room;
}

static int put_known(struct tw_foreign *foreign, struct simple *simple,
		     const struct event *event, uint32_t id)
{
	const struct tw_event_desc *desc = foreign->source->lookup[id];
	struct tw_text fields = {0};
	int error;

	if (add_fields(simple, &fields, desc, event)) {
		error = tw_foreign_put(foreign, event->ns + simple->offset_ns,
				       event->pid, id, fields.data,
				       fields.size);
	} else {
		if (!simple->misfits++) {
			simple->misfit_at = simple->at;
			snprintf(simple->name, sizeof(simple->name), "%s",
				 desc->name);
		}
		error = put_hex(foreign, simple, event,
				tw_foreign_text_twin(foreign, id));
	}
	free(fields.data);
	return error;
}

/* An id without a name, too: then that name is made up. */
static int put_unknown(struct tw_foreign *foreign, struct simple *simple,
		       const struct event *event)
{
	char text[48];
	int error;
	const struct name *name = find_name(simple, event->id);

	if (!has_name(simple, name, event->id)) {
		snprintf(text, sizeof(text), "unknown_%" PRIu64, event->id);
		error = add_name(foreign, simple, event->id, text,
				 strlen(text));
		if (error)
			return error;
		name = find_name(simple, event->id);
	}
	if (!simple->undeclared++)
		simple->undeclared_at = simple->at;
	return put_hex(foreign, simple, event, name->event);
}

/* What was dropped may have been at any time, and has none of its own. */
static void look_at(struct simple *simple, const struct event *event)
{
	if (event->id == DROPPED_ID)
		return;
	if (!simple->has_events)
		simple->pid = event->pid;
	if (!simple->has_events || event->ns < simple->first_ns)
		simple->first_ns = event->ns;
	if (event->ns > simple->last_ns)
		simple->last_ns = event->ns;
	simple->has_events = true;
}

static int put_event(struct tw_foreign *foreign, struct simple *simple,
		     const struct event *event)
{
	const struct name *name;

	if (simple->is_peek) {
		look_at(simple, event);
		return 0;
	}
	if (event->id == DROPPED_ID && event->size == 8) {
		tw_foreign_lose(foreign, 0, u64(simple, event->arguments));
		return 0;
	}
	name = find_name(simple, event->id);
	if (has_name(simple, name, event->id) && name->is_known)
		return put_known(foreign, simple, event, (uint32_t)name->event);
	return put_unknown(foreign, simple, event);
}

/* ---- Records ---- */

/* 1: read; 0: the end, of which *why says what is wrong, if it is. */
static int read_name(struct tw_foreign *foreign, struct simple *simple,
		     const char **why)
{
	uint8_t header[12];
	uint32_t size;
	int error = 0;

	*why = "a record that is not whole";
	if (!take(simple, header, sizeof(header)))
		return 0;
	size = u32(simple, header + 8);
	if (!size || size > TW_NAME_MAX) {
		*why = "a name of impossible length";
		return 0;
	}
	if (!take(simple, simple->record, size))
		return 0;
	if (!tw_name_is_word((const char *)simple->record, size)) {
		*why = "a name of impossible characters";
		return 0;
	}
	if (!simple->is_peek)
		error = add_name(foreign, simple, u64(simple, header),
				 (const char *)simple->record, size);
	simple->at += 8 + sizeof(header) + size;
	return error ? error : 1;
}

static int read_event(struct tw_foreign *foreign, struct simple *simple,
		      const char **why)
{
	uint8_t header[EVENT_HEADER];
	struct event event;
	uint32_t size;
	int error;

	*why = "a record that is not whole";
	if (!take(simple, header, sizeof(header)))
		return 0;
	size = u32(simple, header + 16);
	event = (struct event){
		.id = u64(simple, header),
		.ns = u64(simple, header + 8),
		.pid = u32(simple, header + 20),
		.arguments = simple->record,
		.size = size - EVENT_HEADER,
	};
	if (size < EVENT_HEADER || size > RECORD_MAX ||
	    event.ns > INT64_MAX / 2) {
		*why = size < EVENT_HEADER || size > RECORD_MAX
			       ? "an event of impossible length"
			       : "an event of an impossible time";
		return 0;
	}
	if (!take(simple, simple->record, event.size))
		return 0;
	error = put_event(foreign, simple, &event);
	simple->at += 8 + (uint64_t)size;
	return error ? error : 1;
}

static int read_record(struct tw_foreign *foreign, struct simple *simple,
		       const char **why)
{
	uint8_t bytes[8];
	const size_t got = fread(bytes, 1, sizeof(bytes), simple->file);
	uint64_t type;

	*why = got ? "a record that is not whole" : NULL;
	if (got < sizeof(bytes))
		return 0;
	type = u64(simple, bytes);
	if (type == RECORD_EVENT)
		return read_event(foreign, simple, why);
	if (type == RECORD_NAME)
		return read_name(foreign, simple, why);
	*why = "no record";
	return 0;
}

static void say_end(struct tw_foreign *foreign, struct simple *simple,
		    const char *why)
{
	struct tw_trace *trace = foreign->source->trace;
	const char *path = foreign->source->path;

	if (ferror(simple->file))
		why = "it can't be read";
	if (why) {
		foreign->source->producer.complete = false;
		tw_trace_warn(trace, "%s: ends early: %s at byte %" PRIu64,
			      path, why, simple->at);
	}
	if (simple->undeclared)
		tw_trace_warn(trace,
			      "%s: %" PRIu64 " events that no trace-events "
			      "file declares are shown as bytes, the first at "
			      "byte %" PRIu64,
			      path, simple->undeclared, simple->undeclared_at);
	if (simple->misfits)
		tw_trace_warn(
			trace,
			"%s: %" PRIu64 " events with other arguments than "
			"those declared are shown as bytes, the first at "
			"byte %" PRIu64 ": %s; the trace-events file may "
			"be another QEMU's",
			path, simple->misfits, simple->misfit_at, simple->name);
}

static int read_simple(struct tw_foreign *foreign)
{
	struct simple *simple = foreign->reader;
	const char *why = NULL;
	int got = 1;

	for (int i = 0; got > 0 && i < RECORDS_AT_ONCE; i++)
		got = read_record(foreign, simple, &why);
	if (got)
		return got < 0 ? got : TW_FOREIGN_MORE;
	say_end(foreign, simple, why);
	return TW_FOREIGN_END;
}

/* ---- Opening ---- */

static int read_header(struct simple *simple, const char **why, char *text,
		       size_t text_size)
{
	uint8_t header[24];

	*why = "no simpletrace file";
	if (!take(simple, header, sizeof(header)))
		return -EBADMSG;
	simple->swap = u64(simple, header + 8) != MAGIC;
	if (u64(simple, header) != ~UINT64_C(0) ||
	    u64(simple, header + 8) != MAGIC)
		return -EBADMSG;
	if (u64(simple, header + 16) != VERSION) {
		snprintf(text, text_size,
			 "version %" PRIu64 " of simpletrace; %d is read",
			 u64(simple, header + 16), VERSION);
		*why = text;
		return -ENOTSUP;
	}
	simple->at = sizeof(header);
	return 0;
}

/* When a file was made; 0: nobody knows. */
static uint64_t made_at(int fd)
{
	struct statx status;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) ||
	    !(status.stx_mask & STATX_BTIME) || status.stx_btime.tv_sec < 0)
		return 0;
	return (uint64_t)status.stx_btime.tv_sec * NS_PER_S +
	       status.stx_btime.tv_nsec;
}

static void distrust(struct tw_foreign *foreign, const char *why)
{
	tw_source_set_bounds(foreign->source, TW_BOUND_UNKNOWN,
			     TW_BOUND_UNKNOWN);
	tw_trace_warn(foreign->source->trace, "%s: %s", foreign->source->path,
		      why);
}

/*
 * From its clock to the time of day: as it is now, unless that makes an event
 * later than the file. A copy does not tell whether it is of this host and
 * boot; nor can a clock that was set back be told from one.
 */
static void set_offset(struct tw_foreign *foreign, struct simple *simple,
		       uint64_t changed, uint64_t made)
{
	const uint64_t offset = tw_host_real_offset(
		tw_trace_host_clocks(foreign->source->trace));

	simple->offset_ns = offset;
	if (!simple->has_events)
		return;
	if (simple->last_ns + offset > changed + SLACK_NS) {
		simple->offset_ns = changed > simple->last_ns
					    ? changed - simple->last_ns
					    : 0;
		distrust(foreign,
			 "was not written since this host was booted, or its "
			 "clock was set since, and does not say its time of "
			 "day: times are as if its last event were as old as "
			 "the file");
	} else if (simple->first_ns + offset + SLACK_NS < made) {
		distrust(foreign, "was made after its first event, as a copy "
				  "is or if this "
				  "host's clock was set back since, and does "
				  "not say its time "
				  "of day: times are right if it was written "
				  "on this host "
				  "since it was booted");
	}
}

/* All of it once, for what has to be known before the first event. */
static int peek(struct tw_foreign *foreign, struct simple *simple)
{
	const uint64_t begin = simple->at;
	const char *why;
	int got;

	simple->is_peek = true;
	do {
		got = read_record(foreign, simple, &why);
	} while (got > 0);
	simple->is_peek = false;
	simple->at = begin;
	clearerr(simple->file);
	return fseeko(simple->file, (off_t)begin, SEEK_SET) ? -errno : 0;
}

static void close_simple(void *reader)
{
	struct simple *simple = reader;

	if (simple->file)
		fclose(simple->file);
	free(simple->names);
	free(simple->record);
	free(simple);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int open_file(struct tw_foreign *foreign, struct simple *simple,
		     const char **why, char *text, size_t text_size)
{
	struct stat status;
	uint64_t changed;
	int err;

	*why = NULL;
	simple->file = fopen(foreign->path, "rbe");
	if (!simple->file || fstat(fileno(simple->file), &status))
		return -errno;
	*why = "no regular file";
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	err = read_header(simple, why, text, text_size);
	if (err)
		return err;
	*why = NULL;
	err = peek(foreign, simple);
	changed = status.st_mtim.tv_sec < 0
			  ? 0
			  : (uint64_t)status.st_mtim.tv_sec * NS_PER_S +
				    (uint64_t)status.st_mtim.tv_nsec;
	if (!err)
		set_offset(foreign, simple, changed,
			   made_at(fileno(simple->file)));
	return err;
}

static int open_simple(struct tw_foreign *foreign,
		       struct tw_attach_error *error)
{
	struct tw_source *source = foreign->source;
	struct simple *simple = calloc(1, sizeof(*simple));
	const char *why = NULL;
	char text[80];
	int err = -ENOMEM;

	foreign->reader = simple;
	foreign->follow = false;
	source->name = strdup(base_name(foreign->path));
	if (simple)
		simple->record = malloc(RECORD_MAX);
	if (simple && simple->record && source->name)
		err = open_file(foreign, simple, &why, text, sizeof(text));
	if (err)
		return tw_trace_fail(error, err, "%s: %s", source->path,
				     why ? why : strerror(-err));
	source->producer.pid = simple->pid;
	return 0;
}

const struct tw_foreign_kind tw_foreign_simpletrace = {
	.prefix = "simpletrace:",
	.wants_events = true,
	.open = open_simple,
	.read = read_simple,
	.close = close_simple,
};
