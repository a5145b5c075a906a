/* SPDX-License-Identifier: MIT */
/*
 * QEMU's log (its log backend, -trace ... -D FILE -msg timestamp=on) as events.
 * A line is one of
 *
 *   TID@SECONDS.MICROSECONDS:NAME MESSAGE        up to 7.2, and later ones
 *   2025-07-21T18:43:28.089797Z NAME MESSAGE     the latest
 *   NAME MESSAGE                                 without -msg timestamp=on
 *
 * and the message is scanned by the event's format. Whatever can't be is kept
 * as text: a message that doesn't fit as an event of the same name, a line that
 * is none as an event "qemu_log". So every line is an event.
 *
 * A log is followed by its name: where it is truncated or another file takes
 * its place, reading begins there anew.
 *
 * Called by read-foreign.c.
 */
#include "read-foreign.h"

#include "../schema/scan.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE (256u << 10)
#define LINE_MAX_SIZE (64u << 10) /* longer ones become several texts */
#define LINES_AT_ONCE 256
#define UNKNOWN_MAX 4096 /* kinds of events that no file declares */
#define NS_PER_S 1000000000u
#define RESOLUTION_NS 1000

/* Something that is said when all is read: how often, and where first. */
struct count {
	uint64_t count;
	uint64_t line;
	char name[64];
};

struct log {
	int fd;
	dev_t device;
	ino_t inode;
	bool is_regular;
	bool follow;
	bool was_idle;	/* the file was found at its end before */
	bool skip_line; /* what is read begins within a line */
	uint64_t at;	/* offset in the file of what is read next */
	uint64_t line;	/* number of the current one */
	char *buffer;
	size_t start;
	size_t size;		/* bytes from start on */
	bool at_end;		/* of the file: no more can be read now */
	struct tw_scan **scans; /* by id; NULL: not compiled yet */
	bool *is_text;		/* by id: messages don't tell the fields */
	int64_t log_id;		/* of "qemu_log" */
	struct unknown {
		char *name;
		int64_t id;
	} * unknown;
	size_t unknown_count;
	uint32_t declared;
	uint64_t time_ns; /* of the last line that had one */
	bool has_time;
	bool has_looked; /* for the first time */
	struct count texts;
	struct count misfits;
	struct count undeclared;
	struct count untimed;
	struct count cut;
};

/* A line taken apart. */
struct line {
	const char *text;
	size_t size;
	uint64_t time_ns;
	uint32_t tid;
	bool has_stamp;
	bool has_tid;
	const char *name;
	size_t name_size;
	const char *message;
};

/* ---- Lines ---- */

static bool take_number(const char **at, const char *end, size_t digits_min,
			size_t digits_max, uint64_t *value)
{
	const char *from = *at;

	*value = 0;
	while (*at < end && isdigit((unsigned char)**at) &&
	       (size_t)(*at - from) < digits_max)
		*value = *value * 10 + (uint64_t)(*(*at)++ - '0');
	return (size_t)(*at - from) >= digits_min;
}

static bool take_char(const char **at, const char *end, char c)
{
	if (*at == end || **at != c)
		return false;
	(*at)++;
	return true;
}

/* TID@SECONDS.MICROSECONDS: */
static bool take_thread_stamp(const char **at, const char *end,
			      struct line *line)
{
	uint64_t tid, seconds, us;

	if (!take_number(at, end, 1, 10, &tid) || tid > UINT32_MAX ||
	    !take_char(at, end, '@') ||
	    !take_number(at, end, 1, 10, &seconds) ||
	    seconds > INT64_MAX / NS_PER_S - 1 || !take_char(at, end, '.') ||
	    !take_number(at, end, 6, 6, &us) || !take_char(at, end, ':'))
		return false;
	line->tid = (uint32_t)tid;
	line->has_tid = true;
	line->time_ns = seconds * NS_PER_S + us * 1000;
	return true;
}

/* 2025-07-21T18:43:28.089797Z and a blank */
static bool take_date_stamp(const char **at, const char *end, struct line *line)
{
	static const char behind[] = "--T::.Z";
	static const uint8_t digits[] = {4, 2, 2, 2, 2, 2, 6};
	uint64_t parts[7];
	struct tm tm = {0};
	int64_t seconds;

	for (size_t i = 0; i < 7; i++)
		if (!take_number(at, end, digits[i], digits[i], &parts[i]) ||
		    !take_char(at, end, behind[i]))
			return false;
	if (!take_char(at, end, ' ') || parts[0] < 1970 || parts[0] > 2250)
		return false;
	tm.tm_year = (int)parts[0] - 1900;
	tm.tm_mon = (int)parts[1] - 1;
	tm.tm_mday = (int)parts[2];
	tm.tm_hour = (int)parts[3];
	tm.tm_min = (int)parts[4];
	tm.tm_sec = (int)parts[5];
	seconds = timegm(&tm);
	/* Days and hours that there are not were made others. */
	if (seconds < 0 || tm.tm_mon + 1 != (int)parts[1] ||
	    tm.tm_hour != (int)parts[3] || tm.tm_min != (int)parts[4] ||
	    tm.tm_sec != (int)parts[5])
		return false;
	line->time_ns = (uint64_t)seconds * NS_PER_S + parts[6] * 1000;
	return true;
}

static void take_stamp(struct line *line)
{
	const char *end = line->text + line->size;
	const char *at = line->text;

	line->has_stamp = take_thread_stamp(&at, end, line);
	if (!line->has_stamp) {
		at = line->text;
		line->has_stamp = take_date_stamp(&at, end, line);
	}
	if (!line->has_stamp)
		return;
	line->size -= (size_t)(at - line->text);
	line->text = at;
}

/* A name and what is behind its blank; no name: name_size stays 0. */
static void take_name(struct line *line)
{
	const char *end = line->text + line->size;
	const char *at = line->text;

	while (at < end && (isalnum((unsigned char)*at) || *at == '_'))
		at++;
	if (at == line->text || at - line->text > TW_NAME_MAX ||
	    (at < end && *at != ' '))
		return;
	line->name = line->text;
	line->name_size = (size_t)(at - line->text);
	line->message = at < end ? at + 1 : at;
}

static void count_one(struct count *count, uint64_t number,
		      const struct line *line)
{
	if (count->count++)
		return;
	count->line = number;
	snprintf(count->name, sizeof(count->name), "%.*s", (int)line->name_size,
		 line->name_size ? line->name : "");
}

/* ---- Times ---- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* For lines that come before any that has a time: that one's, which is in what
 * was read first; or else when the file was written. */
static void look_for_time(struct log *log)
{
	const char *at = log->buffer + log->start;
	const char *end = at + log->size;
	struct line line;
	struct stat status;
	const char *newline;

	log->has_looked = true;
	for (; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			break;
		line = (struct line){.text = at,
				     .size = (size_t)(newline - at)};
		take_stamp(&line);
		if (line.has_stamp) {
			log->time_ns = line.time_ns;
			return;
		}
	}
	log->time_ns = now_ns();
	if (log->is_regular && !log->follow && !fstat(log->fd, &status) &&
	    status.st_mtim.tv_sec >= 0)
		log->time_ns = (uint64_t)status.st_mtim.tv_sec * NS_PER_S +
			       (uint64_t)status.st_mtim.tv_nsec;
}

static void set_time(struct log *log, struct line *line)
{
	if (line->has_stamp) {
		log->time_ns = line->time_ns;
		log->has_time = true;
		return;
	}
	/* It has come just now. */
	if (!log->has_time && log->was_idle)
		log->time_ns = now_ns();
	line->time_ns = log->time_ns;
}

/* ---- Events ---- */

/* The event's scan, or NULL: its messages stay text. */
static int find_scan(struct tw_foreign *foreign, struct log *log, uint32_t id,
		     struct tw_scan **scan)
{
	int error = 0;

	if (!log->scans[id] && !log->is_text[id])
		error = tw_scan_compile(foreign->source->lookup[id],
					&log->scans[id]);
	if (error == -ENOTSUP) {
		log->is_text[id] = true;
		error = 0;
	}
	*scan = log->scans[id];
	return error;
}

/* The event that no file declares, by its name: its id. */
static int64_t find_unknown(struct tw_foreign *foreign, struct log *log,
			    const struct line *line)
{
	struct unknown *list;
	int64_t id;

	for (size_t i = 0; i < log->unknown_count; i++)
		if (strncmp(log->unknown[i].name, line->name,
			    line->name_size) == 0 &&
		    !log->unknown[i].name[line->name_size])
			return log->unknown[i].id;
	if (log->unknown_count == UNKNOWN_MAX)
		return log->log_id;
	list = reallocarray(log->unknown, log->unknown_count + 1,
			    sizeof(*list));
	if (!list)
		return -ENOMEM;
	log->unknown = list;
	id = tw_foreign_declare_text(foreign, line->name, line->name_size);
	if (id < 0)
		return id;
	list[log->unknown_count++] = (struct unknown){
		.name = (char *)(uintptr_t)foreign->source->lookup[id]->name,
		.id = id,
	};
	return id;
}

static int put_text(struct tw_foreign *foreign, const struct line *line,
		    int64_t id, const char *text)
{
	return tw_foreign_put_text(foreign, line->time_ns, line->tid, id, text,
				   (size_t)(line->text + line->size - text));
}

static int put_plain(struct tw_foreign *foreign, struct log *log,
		     const struct line *line)
{
	count_one(&log->texts, log->line, line);
	return put_text(foreign, line, log->log_id, line->text);
}

static int put_undeclared(struct tw_foreign *foreign, struct log *log,
			  const struct line *line)
{
	const int64_t id = find_unknown(foreign, log, line);

	count_one(&log->undeclared, log->line, line);
	return put_text(foreign, line, id,
			id == log->log_id ? line->text : line->message);
}

/* A message that doesn't fit: by its name, if the line is surely an event. */
static int put_misfit(struct tw_foreign *foreign, struct log *log,
		      const struct line *line, uint32_t id)
{
	if (!line->has_stamp && !log->is_text[id])
		return put_plain(foreign, log, line);
	if (!log->is_text[id])
		count_one(&log->misfits, log->line, line);
	return put_text(foreign, line, tw_foreign_text_twin(foreign, id),
			line->message);
}

/* The end of so many more lines, or NULL. */
static const char *find_end(const struct log *log, const struct line *line,
			    uint32_t newlines)
{
	const char *end = log->buffer + log->start + log->size;
	const char *at = line->text + line->size;

	for (; newlines; newlines--) {
		at = memchr(at + 1, '\n', (size_t)(end - at - 1));
		if (!at || at - line->text > LINE_MAX_SIZE)
			return NULL;
	}
	return at;
}

enum handled {
	WHOLE,
	WANTS_MORE, /* its other lines are still to come */
};

static int put_event(struct tw_foreign *foreign, struct log *log,
		     struct line *line, uint32_t id, bool all)
{
	struct tw_text fields = {0};
	const char *end = line->text + line->size;
	struct tw_scan *scan;
	int got = find_scan(foreign, log, id, &scan);

	if (got)
		return got;
	if (scan && tw_scan_newlines(scan)) {
		end = find_end(log, line, tw_scan_newlines(scan));
		if (!end && !all)
			return WANTS_MORE;
		if (!end)
			end = line->text + line->size;
	}
	if (scan)
		got = tw_scan_run(scan, line->message,
				  (size_t)(end - line->message), &fields);
	if (got > 0) {
		if (!line->has_stamp)
			count_one(&log->untimed, log->line, line);
		line->size = (size_t)(end - line->text);
		got = tw_foreign_put(foreign, line->time_ns, line->tid, id,
				     fields.data, fields.size);
	} else if (!got) {
		got = put_misfit(foreign, log, line, id);
	}
	free(fields.data);
	return got;
}

/* all: no more lines are to be waited for. */
static int put_line(struct tw_foreign *foreign, struct log *log,
		    struct line *line, bool all)
{
	int64_t id;

	take_stamp(line);
	set_time(log, line);
	take_name(line);
	id = line->name_size
		     ? tw_foreign_find(foreign, line->name, line->name_size)
		     : -1;
	if (id >= 0)
		return put_event(foreign, log, line, (uint32_t)id, all);
	/* The latest QEMU puts its times before everything that it logs. */
	if (line->name_size && line->has_tid)
		return put_undeclared(foreign, log, line);
	return put_plain(foreign, log, line);
}

/* ---- The file ---- */

static void use_file(struct log *log, int fd, const struct stat *status)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = fd;
	log->device = status->st_dev;
	log->inode = status->st_ino;
	log->is_regular = S_ISREG(status->st_mode);
	log->at = log->line = 0;
	log->start = log->size = 0;
	log->skip_line = false;
}

/* One that can be read; a fifo is not waited for. */
static int open_file(const char *path, struct stat *status)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (fstat(fd, status) || fcntl(fd, F_SETFL, O_RDONLY)) {
		close(fd);
		return -EIO;
	}
	if (S_ISDIR(status->st_mode)) {
		close(fd);
		return -EISDIR;
	}
	return fd;
}

/*
 * At the end of a followed file: true if there is something else to be read,
 * the same file from its start or another one.
 */
static bool is_replaced(struct tw_foreign *foreign, struct log *log)
{
	struct stat status, other;
	int fd;

	if (!fstat(log->fd, &status) && (uint64_t)status.st_size < log->at) {
		tw_trace_warn(foreign->source->trace,
			      "%s: was truncated: read from its start again",
			      foreign->source->path);
		log->at = log->line = 0;
		log->start = log->size = 0;
		log->skip_line = false;
		return true;
	}
	if (stat(foreign->path, &other) ||
	    (other.st_dev == log->device && other.st_ino == log->inode))
		return false;
	/* The old one's last lines, if any came after it was looked at. */
	if (!fstat(log->fd, &status) && (uint64_t)status.st_size > log->at)
		return true;
	fd = open_file(foreign->path, &other);
	if (fd < 0)
		return false;
	use_file(log, fd, &other);
	return true;
}

/* Read on. 1: something was read, 0: nothing now. */
static int fill(struct tw_foreign *foreign, struct log *log)
{
	ssize_t got;

	if (log->start && log->size)
		memmove(log->buffer, log->buffer + log->start, log->size);
	log->start = 0;
	do {
		got = log->is_regular
			      ? pread(log->fd, log->buffer + log->size,
				      BUFFER_SIZE - log->size, (off_t)log->at)
			      : read(log->fd, log->buffer + log->size,
				     BUFFER_SIZE - log->size);
	} while (got < 0 && errno == EINTR && !foreign->finish);
	if (got < 0)
		tw_trace_warn(foreign->source->trace, "%s: %s",
			      foreign->source->path, strerror(errno));
	if (got <= 0)
		return 0;
	log->at += (uint64_t)got;
	log->size += (size_t)got;
	return 1;
}

static void drop(struct log *log, size_t size)
{
	log->start += size;
	log->size -= size;
}

/* Size bytes of the buffer as one line, of which more lines may be part. */
static int take_line(struct tw_foreign *foreign, struct log *log, size_t size,
		     bool all)
{
	struct line line = {
		.text = log->buffer + log->start,
		.size = size,
	};
	const char *from = line.text;
	int got;

	/* As a text file of another system has it. */
	if (size && line.text[size - 1] == '\r')
		line.size--;
	log->line++;
	got = put_line(foreign, log, &line, all);
	if (got == WANTS_MORE) {
		log->line--;
		return got;
	}
	if (got)
		return got;
	if (line.text + line.size > from + size) {
		size = (size_t)(line.text + line.size - from);
		for (const char *at = from; at < from + size; at++)
			log->line += *at == '\n';
	}
	drop(log, size + 1);
	return WHOLE;
}

/* A line that is not whole, or too long to be one. */
static int take_piece(struct tw_foreign *foreign, struct log *log, size_t size)
{
	struct line line = {
		.text = log->buffer + log->start,
		.size = size,
	};
	int got;

	log->line++;
	take_stamp(&line);
	set_time(log, &line);
	count_one(&log->cut, log->line, &line);
	got = put_text(foreign, &line, log->log_id, line.text);
	drop(log, size);
	return got;
}

static bool skip_rest(struct log *log)
{
	const char *from = log->buffer + log->start;
	const char *newline = memchr(from, '\n', log->size);

	log->skip_line = !newline;
	drop(log, newline ? (size_t)(newline - from) + 1 : log->size);
	return newline;
}

/* 1: a line was taken; 0: there is no whole one. */
static int take_next(struct tw_foreign *foreign, struct log *log, bool all)
{
	const char *from, *newline;
	int got;

	if (log->skip_line && !skip_rest(log))
		return 0;
	from = log->buffer + log->start;
	newline = memchr(from, '\n', log->size);
	if (!newline && log->size < LINE_MAX_SIZE)
		return 0;
	if (!newline || newline - from > LINE_MAX_SIZE)
		got = take_piece(foreign, log, LINE_MAX_SIZE);
	else
		got = take_line(foreign, log, (size_t)(newline - from),
				all || log->size > BUFFER_SIZE / 2);
	if (got == WANTS_MORE)
		return 0;
	return got < 0 ? got : 1;
}

static void say(const struct tw_foreign *foreign, const struct count *count,
		const char *one, const char *many)
{
	if (!count->count)
		return;
	tw_trace_warn(foreign->source->trace, "%s:%" PRIu64 ": %s%s%s",
		      foreign->source->path, count->line, count->name,
		      count->name[0] ? ": " : "", one);
	if (count->count > 1)
		tw_trace_warn(foreign->source->trace,
			      "%s: %" PRIu64 " such lines in all%s",
			      foreign->source->path, count->count, many);
}

static void say_all(const struct tw_foreign *foreign, const struct log *log)
{
	say(foreign, &log->misfits,
	    "this does not fit the event's format: kept as text",
	    ": the trace-events file may be another QEMU's");
	say(foreign, &log->undeclared,
	    "no trace-events file declares this event: kept as text", "");
	say(foreign, &log->cut, "no whole line: kept as text", "");
	say(foreign, &log->untimed,
	    log->has_time ? "an event without a time"
			  : "no times are here, which QEMU writes with -msg "
			    "timestamp=on: they are made up",
	    "");
}

static int finish(struct tw_foreign *foreign, struct log *log)
{
	int got = 0;

	while (log->size && !got)
		got = take_piece(foreign, log,
				 log->size < LINE_MAX_SIZE ? log->size
							   : LINE_MAX_SIZE);
	say_all(foreign, log);
	return got < 0 ? got : TW_FOREIGN_END;
}

/* Nothing whole is in the buffer. */
static int read_on(struct tw_foreign *foreign, struct log *log)
{
	int got;

	if (fill(foreign, log)) {
		if (!log->has_looked)
			look_for_time(log);
		return TW_FOREIGN_MORE;
	}
	if (log->follow && !foreign->finish) {
		if (is_replaced(foreign, log))
			return TW_FOREIGN_MORE;
		log->was_idle = true;
		return TW_FOREIGN_IDLE;
	}
	do {
		got = take_next(foreign, log, true);
	} while (got > 0);
	return got ? got : finish(foreign, log);
}

static int read_log(struct tw_foreign *foreign)
{
	struct log *log = foreign->reader;
	int got = 1;

	for (int i = 0; got > 0 && i < LINES_AT_ONCE; i++)
		got = take_next(foreign, log, false);
	if (got)
		return got < 0 ? got : TW_FOREIGN_MORE;
	return read_on(foreign, log);
}

/* ---- Opening ---- */

static void close_log(void *reader)
{
	struct log *log = reader;

	for (uint32_t i = 0; log->scans && i < log->declared; i++)
		tw_scan_destroy(log->scans[i]);
	free(log->scans);
	free(log->is_text);
	free(log->unknown);
	free(log->buffer);
	if (log->fd >= 0)
		close(log->fd);
	free(log);
}

/* Begin at what comes from now on. */
static void skip_to_end(struct log *log, const struct stat *status)
{
	char last;

	log->at = (uint64_t)status->st_size;
	log->was_idle = true;
	if (log->at && pread(log->fd, &last, 1, (off_t)log->at - 1) == 1)
		log->skip_line = last != '\n';
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int open_log(struct tw_foreign *foreign, struct tw_attach_error *error)
{
	struct tw_source *source = foreign->source;
	struct log *log = calloc(1, sizeof(*log));
	struct stat status = {0};
	int fd;

	if (!log)
		return tw_trace_fail(error, -ENOMEM, "%s: out of memory",
				     source->path);
	foreign->reader = log;
	log->fd = -1;
	log->declared = foreign->declared;
	log->scans = calloc((size_t)log->declared + 1,
			    sizeof(struct tw_scan *));
	log->is_text = calloc((size_t)log->declared + 1, sizeof(bool));
	log->buffer = malloc(BUFFER_SIZE);
	source->name = strdup(base_name(foreign->path));
	log->log_id = tw_foreign_declare_text(foreign, "qemu_log", 8);
	if (!log->scans || !log->is_text || !log->buffer || !source->name ||
	    log->log_id < 0)
		return tw_trace_fail(error, -ENOMEM, "%s: out of memory",
				     source->path);
	fd = open_file(foreign->path, &status);
	if (fd < 0)
		return tw_trace_fail(error, fd, "%s: %s", source->path,
				     strerror(-fd));
	use_file(log, fd, &status);
	log->follow = foreign->follow = foreign->follow && log->is_regular;
	source->producer.running = log->follow;
	/* Cut off to microseconds. */
	tw_source_set_bounds(source, RESOLUTION_NS - 1, 0);
	if (foreign->options->now && log->is_regular)
		skip_to_end(log, &status);
	return 0;
}

const struct tw_foreign_kind tw_foreign_qemu_log = {
	.prefix = "qemu-log:",
	.wants_events = true,
	.open = open_log,
	.read = read_log,
	.close = close_log,
};
