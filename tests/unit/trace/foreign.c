/* SPDX-License-Identifier: MIT */
/* Other tracers' files for the tests of their readers: see foreign.h. */
#include "foreign.h"

#include "../../../src/schema/format.h"
#include "fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char declared[] =
	"one(int a, uint64_t b) \"a %d b 0x%\" PRIx64\n"
	"two(const char *name, uint8_t x) \"'%s' -> %02x\"\n"
	"none(void) \"\"\n"
	"half(int a, int b) \"a %d\"\n"
	"lines(int a, int b) \"first %d\\nsecond %d\"\n"
	"data(const uint8_t bytes[4], float f, double g) \"%s %g %g\"\n";

static void check(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

static void put_file(const char *path, const char *mode, const void *data,
		     size_t size)
{
	FILE *file = fopen(path, mode);

	check(file && fwrite(data, 1, size, file) == size && !fclose(file),
	      path);
}

void foreign_create(struct foreign *f)
{
	*f = (struct foreign){.directory = "/tmp/trackway-foreign-XXXXXX"};
	check(mkdtemp(f->directory), "mkdtemp");
	snprintf(f->path, sizeof(f->path), "%s/file", f->directory);
	snprintf(f->events, sizeof(f->events), "%s/events", f->directory);
	put_file(f->events, "we", declared, sizeof(declared) - 1);
}

void foreign_destroy(struct foreign *f)
{
	foreign_close(f);
	free(f->text);
	remove_tree(f->directory);
}

int foreign_setup(void **state)
{
	struct foreign *f = calloc(1, sizeof(*f));

	check(f, "memory");
	foreign_create(f);
	*state = f;
	return 0;
}

int foreign_teardown(void **state)
{
	foreign_destroy(*state);
	free(*state);
	return 0;
}

void foreign_write(const struct foreign *f, const void *data, size_t size)
{
	put_file(f->path, "we", data, size);
}

void foreign_append(const struct foreign *f, const char *text)
{
	put_file(f->path, "ae", text, strlen(text));
}

void foreign_open(struct foreign *f, const char *prefix, bool follow)
{
	const char *const events[] = {f->events};
	const struct tw_foreign_options options = {
		.events = events,
		.events_count = 1,
		.follow = follow,
	};
	struct tw_attach_error error = {""};
	char target[128];

	foreign_close(f);
	snprintf(target, sizeof(target), "%s%s", prefix, f->path);
	check(!tw_trace_create(&f->trace), "trace");
	check(!tw_trace_add_foreign(f->trace, target, &options, &error),
	      error.text);
}

static void tell_event(FILE *out, const struct tw_record *record)
{
	const struct tw_event_desc *event = record->event.event;
	struct tw_text text = {0};
	struct tw_format *format;

	check(!tw_format_compile(event, &format), "format");
	tw_format_run(format, record->event.fields, record->event.fields_size,
		      record->producer->decoder.swap, &text);
	fprintf(out, "%s %.*s\n", event->name, (int)text.size,
		text.data ? text.data : "");
	free(text.data);
	tw_format_destroy(format);
}

void foreign_read(struct foreign *f, bool finish)
{
	const struct tw_record *record;
	struct tw_attach_error error;
	FILE *out;

	free(f->text);
	out = open_memstream(&f->text, &f->text_size);
	check(out, "memory");
	check(tw_trace_poll(f->trace, finish, &error) >= 0, "poll");
	while (tw_trace_next(f->trace, &record) == 1) {
		fprintf(out, "%" PRIu64 " %u ", record->time_ns, record->tid);
		if (record->kind == TW_RECORD_LOST)
			fprintf(out, "lost %" PRIu64 "\n",
				record->lost + record->discarded);
		else
			tell_event(out, record);
		f->plus_ns = record->plus_ns;
		f->minus_ns = record->minus_ns;
	}
	f->complete = tw_trace_producer(f->trace, 0)->complete;
	check(!fclose(out), "memory");
}

void foreign_close(struct foreign *f)
{
	tw_trace_destroy(f->trace);
	f->trace = NULL;
}

void foreign_read_all(struct foreign *f, const char *prefix, const void *data,
		      size_t size)
{
	foreign_write(f, data, size);
	foreign_open(f, prefix, false);
	foreign_read(f, true);
}

bool foreign_warned(const struct foreign *f, const char *part)
{
	for (size_t i = 0; i < tw_trace_warning_count(f->trace); i++)
		if (strstr(tw_trace_warning(f->trace, i), part))
			return true;
	return false;
}
