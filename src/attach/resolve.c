/* SPDX-License-Identifier: MIT */
/*
 * Schemas from outside, for rings that have none: a firmware short of ROM
 * leaves its schema out, and the reader is given the trace-events file that it
 * was built with. What the compiler would have said by sizeof is told from the
 * types' names.
 */
#include "ram.h"
#include "source.h"

#include "../schema/arena.h"
#include "../schema/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- A copy ---- */

static const char *copy_text(struct tw_schema *to, const char *text)
{
	return text ? tw_arena_copy(&to->arena, text, strlen(text)) : NULL;
}

static bool copy_field(struct tw_schema *to, struct tw_field *field,
		       const struct tw_field *from, uint8_t word_size)
{
	*field = (struct tw_field){
		.name = copy_text(to, from->name),
		.type = copy_text(to, from->type),
		.kind = from->kind,
		.size = tw_field_size(from, word_size),
		.values = copy_text(to, from->values),
	};
	return field->name && field->type && (field->values || !from->values);
}

static bool copy_event(struct tw_schema *to, struct tw_event_desc *event,
		       const struct tw_event_desc *from, uint8_t word_size)
{
	struct tw_field *fields;

	fields = tw_arena_alloc(&to->arena,
				(from->field_count + 1) * sizeof(*fields));
	if (!fields)
		return false;
	for (uint32_t i = 0; i < from->field_count; i++)
		if (!copy_field(to, &fields[i], &from->fields[i], word_size))
			return false;
	*event = (struct tw_event_desc){
		.name = copy_text(to, from->name),
		.format = copy_text(to, from->format),
		.file = copy_text(to, from->file),
		.line = from->line,
		.loglevel = from->loglevel,
		.disabled = from->disabled,
		.field_count = from->field_count,
		.fields = fields,
	};
	event->fixed_size = tw_event_fixed_size(event);
	return event->name && event->file && (event->format || !from->format);
}

struct tw_schema *tw_attach_resolve_schema(const struct tw_schema *schema,
					   uint8_t word_size)
{
	struct tw_schema *copy = tw_schema_create(schema->event_count);

	if (!copy)
		return NULL;
	copy->group = copy_text(copy, schema->group);
	for (uint32_t i = 0; i < schema->event_count; i++) {
		if (!copy_event(copy, &copy->events[i], &schema->events[i],
				word_size)) {
			tw_schema_destroy(copy);
			return NULL;
		}
		copy->event_count++;
	}
	return copy;
}

/* ---- Files ---- */

static int read_all(int fd, char **text, size_t *size)
{
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (*size == room) {
			char *more;

			if (room > TW_PARSE_FILE_MAX)
				return -EFBIG;
			room = room ? room * 4 : 65536;
			more = realloc(*text, room);
			if (!more)
				return -ENOMEM;
			*text = more;
		}
		got = read(fd, *text + *size, room - *size);
		if (got == 0)
			return 0;
		if (got > 0)
			*size += (size_t)got;
		else if (errno != EINTR)
			return -errno;
	}
}

static int read_file(void *data, const char *path, char **text, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int err;

	*text = NULL;
	*size = 0;
	if (fd < 0)
		return -errno;
	err = read_all(fd, text, size);
	close(fd);
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}

int tw_attach_load_schema(const char *path, struct tw_schema **schema,
			  struct tw_attach_error *error)
{
	const struct tw_parse_options options = {
		.size = sizeof(options),
		/* Which takes all that later ones do. */
		.dialect = TW_DIALECT_7_2,
		.read = read_file,
	};
	struct tw_parse_errors *errors = calloc(1, sizeof(*errors));
	char *text;
	size_t size;
	int err;

	if (!errors)
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      path);
	err = read_file(NULL, path, &text, &size);
	if (err) {
		free(errors);
		return tw_attach_fail(error, err, "%s: %s", path,
				      strerror(-err));
	}
	err = tw_parse_events_with(&options, path, text, size, schema, errors);
	if (err)
		tw_attach_fail(error, err, "%s:%u: %s", errors->list[0].file,
			       errors->list[0].line, errors->list[0].message);
	tw_parse_errors_clear(errors);
	free(errors);
	free(text);
	return err;
}
