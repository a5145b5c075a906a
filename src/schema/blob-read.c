/* SPDX-License-Identifier: MIT */
/*
 * A schema blob, read with nothing in it believed.
 *
 * The strings are copied once as a whole and the field table is converted once;
 * events point into both. So what a blob costs in memory is a small multiple of
 * its size, however often its events name the same string or share fields.
 */

#include "blob-read.h"

#include "arena.h"

#include <errno.h>
#include <string.h>
#include <trackway/ring.h>

/* A field's size in minor version 0. */
#define FIELD_SIZE_FIRST offsetof(struct tw_blob_field, values)

struct blob {
	const uint8_t *bytes;
	size_t size;
	bool swap;
	struct tw_blob_header header;
	const char *strings; /* header.strings_size bytes, the schema's */
	struct tw_field *fields;
	struct tw_schema *schema;
	const char *why;
};

static int bad(struct blob *b, const char *why)
{
	b->why = why;
	return -EBADMSG;
}

static uint16_t u16(const struct blob *b, uint16_t value)
{
	return b->swap ? __builtin_bswap16(value) : value;
}

static uint32_t u32(const struct blob *b, uint32_t value)
{
	return b->swap ? __builtin_bswap32(value) : value;
}

static int read_header(struct blob *b)
{
	struct tw_blob_header *h = &b->header;
	struct tw_blob_header raw;

	if (b->size < sizeof(raw))
		return bad(b, "schema: shorter than its header");
	memcpy(&raw, b->bytes, sizeof(raw));
	h->magic = u32(b, raw.magic);
	h->major = u16(b, raw.major);
	h->minor = u16(b, raw.minor);
	h->size = u32(b, raw.size);
	h->event_count = u32(b, raw.event_count);
	h->event_stride = u32(b, raw.event_stride);
	h->events_offset = u32(b, raw.events_offset);
	h->field_count = u32(b, raw.field_count);
	h->field_stride = u32(b, raw.field_stride);
	h->fields_offset = u32(b, raw.fields_offset);
	h->strings_offset = u32(b, raw.strings_offset);
	h->strings_size = u32(b, raw.strings_size);
	h->group = u32(b, raw.group);
	if (h->magic != TW_BLOB_MAGIC)
		return bad(b, "schema: no magic");
	if (h->major != TW_BLOB_MAJOR)
		return bad(b, "schema: of another major version");
	if (h->size < sizeof(raw) || h->size > b->size)
		return bad(b, "schema: its size is not that of its bytes");
	b->size = h->size;
	return 0;
}

static bool is_inside(const struct blob *b, uint32_t offset, uint32_t count,
		      uint32_t stride)
{
	return offset <= b->size &&
	       (uint64_t)count * stride <= b->size - offset;
}

static int check_tables(struct blob *b)
{
	const struct tw_blob_header *h = &b->header;

	if (h->event_count > TW_EVENTS_MAX)
		return bad(b, "schema: too many events");
	if (h->field_count > TW_EVENTS_MAX * TW_FIELDS_MAX)
		return bad(b, "schema: too many fields");
	if (h->event_stride < sizeof(struct tw_blob_event) ||
	    !is_inside(b, h->events_offset, h->event_count, h->event_stride))
		return bad(b, "schema: events outside of it");
	if (h->field_stride < FIELD_SIZE_FIRST ||
	    !is_inside(b, h->fields_offset, h->field_count, h->field_stride))
		return bad(b, "schema: fields outside of it");
	if (!is_inside(b, h->strings_offset, h->strings_size, 1))
		return bad(b, "schema: strings outside of it");
	return 0;
}

/* The string at offset, of at most limit bytes, or NULL. */
static const char *get_string(const struct blob *b, uint32_t offset,
			      uint32_t limit, size_t *size)
{
	const char *string;
	size_t room;

	if (offset >= b->header.strings_size)
		return NULL;
	string = b->strings + offset;
	room = b->header.strings_size - offset;
	if (room > (size_t)limit + 1)
		room = (size_t)limit + 1;
	*size = strnlen(string, room);
	return *size < room ? string : NULL;
}

static int read_strings(struct blob *b)
{
	size_t size;

	b->strings = tw_arena_copy(&b->schema->arena,
				   (const char *)b->bytes +
					   b->header.strings_offset,
				   b->header.strings_size);
	if (!b->strings)
		return -ENOMEM;
	b->schema->group = get_string(b, b->header.group, TW_NAME_MAX, &size);
	if (!b->schema->group ||
	    (size && !tw_name_is_word(b->schema->group, size)))
		return bad(b, "schema: bad group name");
	return 0;
}

static bool is_kind(unsigned int kind, unsigned int size)
{
	switch (kind) {
	case TW_FIELD_UINT:
	case TW_FIELD_SINT:
		return size == 1 || size == 2 || size == 4 || size == 8;
	case TW_FIELD_POINTER:
		return size == 2 || size == 4 || size == 8;
	case TW_FIELD_BOOL:
		return size == 1;
	case TW_FIELD_STRING:
	case TW_FIELD_BYTES:
		return size == 0;
	case TW_FIELD_FLOAT:
		return size == 4 || size == 8;
	default:
		return false;
	}
}

/* A type's text goes into comments and metadata: words and stars only. */
static bool is_type(const char *type, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (type[i] != ' ' && type[i] != '*' &&
		    !tw_name_is_word(type + i, 1))
			return false;
	}
	return size != 0;
}

/*
 * Only that the text ends: to look into it here, for each field that names it,
 * could take a hostile blob's reader long. tw_label_next() checks the rest.
 */
static int read_values(struct blob *b, uint32_t offset, struct tw_field *field)
{
	size_t size;

	if (field->kind != TW_FIELD_UINT && field->kind != TW_FIELD_SINT)
		return bad(b, "schema: named values of what is no integer");
	field->values = get_string(b, offset, TW_VALUES_MAX, &size);
	return field->values ? 0 : bad(b, "schema: bad names of values");
}

static int read_field(struct blob *b, uint32_t index)
{
	struct tw_field *field = &b->fields[index];
	struct tw_blob_field raw = {0};
	size_t stride = b->header.field_stride;
	size_t size;

	memcpy(&raw, b->bytes + b->header.fields_offset + index * stride,
	       stride < sizeof(raw) ? stride : sizeof(raw));
	field->name = get_string(b, u32(b, raw.name), TW_NAME_MAX, &size);
	if (!field->name || !tw_name_is_identifier(field->name, size))
		return bad(b, "schema: bad field name");
	field->type = get_string(b, u32(b, raw.type), TW_NAME_MAX, &size);
	if (!field->type || !is_type(field->type, size))
		return bad(b, "schema: bad field type");
	if (!is_kind(raw.kind, raw.size))
		return bad(b, "schema: unknown kind or size of a field");
	field->kind = raw.kind;
	field->size = raw.size;
	if (stride >= sizeof(raw) && u16(b, raw.flags) & TW_FIELD_HAS_VALUES)
		return read_values(b, u32(b, raw.values), field);
	return 0;
}

static int read_fields(struct blob *b)
{
	b->fields = tw_arena_alloc(&b->schema->arena,
				   (size_t)b->header.field_count *
					   sizeof(*b->fields));
	if (!b->fields)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->header.field_count; i++) {
		int result = read_field(b, i);

		if (result)
			return result;
	}
	return 0;
}

static int read_event_texts(struct blob *b, const struct tw_blob_event *raw,
			    struct tw_event_desc *event)
{
	size_t size;

	event->name = get_string(b, u32(b, raw->name), TW_NAME_MAX, &size);
	if (!event->name || !tw_name_is_word(event->name, size))
		return bad(b, "schema: bad event name");
	event->file = get_string(b, u32(b, raw->file), TW_PATH_MAX, &size);
	if (!event->file)
		return bad(b, "schema: bad file name");
	if (raw->flags & TW_EVENT_NO_FORMAT)
		return 0;
	event->format = get_string(b, u32(b, raw->format), TW_FORMAT_MAX,
				   &size);
	if (!event->format)
		return bad(b, "schema: bad format");
	return 0;
}

static int read_event(struct blob *b, uint32_t index)
{
	struct tw_event_desc *event = &b->schema->events[index];
	struct tw_blob_event raw;
	uint32_t first;
	uint32_t count;
	int result;

	memcpy(&raw,
	       b->bytes + b->header.events_offset +
		       (size_t)index * b->header.event_stride,
	       sizeof(raw));
	result = read_event_texts(b, &raw, event);
	if (result)
		return result;
	first = u32(b, raw.first_field);
	count = u16(b, raw.field_count);
	if (count > TW_FIELDS_MAX)
		return bad(b, "schema: an event of too many fields");
	if (first > b->header.field_count ||
	    count > b->header.field_count - first)
		return bad(b, "schema: an event's fields outside of it");
	if (raw.loglevel > 14)
		return bad(b, "schema: unknown log level");
	event->line = u32(b, raw.line);
	event->loglevel = raw.loglevel;
	event->disabled = raw.flags & TW_EVENT_DISABLED;
	event->field_count = count;
	event->fields = b->fields + first;
	event->fixed_size = tw_event_fixed_size(event);
	return 0;
}

static int read_events(struct blob *b)
{
	for (uint32_t i = 0; i < b->header.event_count; i++) {
		int result = read_event(b, i);

		if (result)
			return result;
		b->schema->event_count++;
	}
	return 0;
}

static int read_all(struct blob *b)
{
	int result = read_header(b);

	if (!result)
		result = check_tables(b);
	if (result)
		return result;
	b->schema = tw_schema_create(b->header.event_count);
	if (!b->schema)
		return -ENOMEM;
	result = read_strings(b);
	if (!result)
		result = read_fields(b);
	if (!result)
		result = read_events(b);
	return result;
}

int tw_blob_read(const void *blob, size_t size, bool swap,
		 struct tw_schema **schema, const char **why)
{
	struct blob b = {.bytes = blob, .size = size, .swap = swap};
	int result = read_all(&b);

	*schema = NULL;
	if (result) {
		tw_schema_destroy(b.schema);
		*why = b.why ? b.why : "schema: out of memory";
		return result;
	}
	*schema = b.schema;
	return 0;
}
