/* SPDX-License-Identifier: MIT */
/* Reading other tracers' files: see foreign-walk.h. */
#include "foreign-walk.h"

#include "../src/schema/format.h"
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char declared[] =
	"one(int a, uint64_t b) \"a %d b 0x%\" PRIx64\n"
	"two(const char *name, uint8_t x, int8_t y) \"'%s' -> %02x%hhd\"\n"
	"none(void) \"\"\n"
	"half(int a, int b) \"a %d\"\n"
	"lines(int a, int b) \"first %d\\nsecond %d\"\n"
	"wide(int w, unsigned v, void *p) \"%0*x|%p\"\n"
	"data(const uint8_t d[4], float f, double g) \"%s %g %g\"\n";

struct fuzz_file fuzz_file_create(const uint8_t *data, size_t size)
{
	struct fuzz_file file = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};

	FUZZ_CHECK(file.fd >= 0);
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	fuzz_file_append(&file, data, size);
	return file;
}

void fuzz_file_append(const struct fuzz_file *file, const uint8_t *data,
		      size_t size)
{
	FUZZ_CHECK(write(file->fd, data, size) == (ssize_t)size);
}

void fuzz_file_destroy(const struct fuzz_file *file)
{
	close(file->fd);
}

struct tw_trace *fuzz_foreign_open(const char *prefix,
				   const struct fuzz_file *file, bool follow)
{
	static struct fuzz_file events;
	const char *list[] = {events.path};
	const struct tw_foreign_options options = {
		.events = list,
		.events_count = 1,
		.follow = follow,
	};
	struct tw_attach_error error = {""};
	struct tw_trace *trace;
	char target[64];
	int err;

	if (!events.path[0])
		events = fuzz_file_create((const uint8_t *)declared,
					  sizeof(declared) - 1);
	snprintf(target, sizeof(target), "%s%s", prefix, file->path);
	FUZZ_CHECK(!tw_trace_create(&trace));
	err = tw_trace_add_foreign(trace, target, &options, &error);
	if (!err)
		return trace;
	/* One line that says of what. */
	FUZZ_CHECK(strstr(error.text, file->path));
	FUZZ_CHECK(!strchr(error.text, '\n'));
	tw_trace_destroy(trace);
	return NULL;
}

static uint64_t hash(uint64_t seed, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++)
		seed = (seed ^ at[i]) * 0x100000001b3u;
	return seed;
}

static uint64_t check_event(const struct tw_record *record)
{
	const struct tw_decoded *decoded = &record->event;
	const struct tw_event_desc *event = decoded->event;
	struct tw_text text = {0};
	struct tw_format *format;
	uint64_t sum;

	FUZZ_CHECK(tw_name_is_word(event->name, strlen(event->name)));
	FUZZ_CHECK(tw_fields_size(event, decoded->fields, decoded->fields_size,
				  false) == (int64_t)decoded->fields_size);
	FUZZ_CHECK(!tw_format_compile(event, &format));
	tw_format_run(format, decoded->fields, decoded->fields_size, false,
		      &text);
	sum = hash(0, event->name, strlen(event->name));
	sum = hash(sum, text.data, text.size);
	sum = hash(sum, &record->tid, sizeof(record->tid));
	tw_format_destroy(format);
	free(text.data);
	return sum ^ sum >> 31;
}

void fuzz_foreign_tell(struct tw_trace *trace, bool finish,
		       struct fuzz_told *told, fuzz_record_fn fn, void *context)
{
	const struct tw_record *record;
	struct tw_attach_error error;

	FUZZ_CHECK(tw_trace_poll(trace, finish, &error) >= 0);
	while (tw_trace_next(trace, &record) == 1) {
		if (record->kind == TW_RECORD_LOST) {
			told->lost += record->lost + record->discarded;
		} else {
			told->events++;
			told->sum += check_event(record);
		}
		if (fn)
			fn(context, record);
	}
	for (size_t i = 0; i < tw_trace_warning_count(trace); i++)
		FUZZ_CHECK(!strpbrk(tw_trace_warning(trace, i), "\n\033"));
}
