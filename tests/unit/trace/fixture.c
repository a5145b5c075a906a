/* SPDX-License-Identifier: MIT */
/* A producer for the tests of src/trace: see fixture.h. */
#include "fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <trackway/blob.h>
#include <unistd.h>

#define HEAP_SIZE 16384u
#define FIELDS 6

static void check(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

/* ---- The schema ---- */

struct blob {
	struct tw_blob_header header;
	struct tw_blob_event events[FIXTURE_EVENTS];
	struct tw_blob_field fields[FIELDS];
	char strings[256];
};

static uint32_t add_string(struct blob *blob, const char *string)
{
	uint32_t at = blob->header.strings_size;

	strcpy(blob->strings + at, string);
	blob->header.strings_size += (uint32_t)strlen(string) + 1;
	return at;
}

static void add_field(struct blob *blob, const char *type, const char *name,
		      uint8_t kind, uint8_t size)
{
	struct tw_blob_field *field = &blob->fields[blob->header.field_count++];

	field->name = add_string(blob, name);
	field->type = add_string(blob, type);
	field->kind = kind;
	field->size = size;
}

static void add_event(struct blob *blob, const char *name, const char *format,
		      uint16_t field_count)
{
	struct tw_blob_event *event = &blob->events[blob->header.event_count++];

	event->name = add_string(blob, name);
	event->format = add_string(blob, format);
	event->file = 0;
	event->line = blob->header.event_count;
	event->first_field = blob->header.field_count;
	event->field_count = field_count;
	event->loglevel = 14;
}

static void make_blob(struct blob *blob)
{
	*blob = (struct blob){
		.header = {
			.magic = TW_BLOB_MAGIC,
			.major = TW_BLOB_MAJOR,
			.size = sizeof(*blob),
			.event_stride = sizeof(struct tw_blob_event),
			.events_offset = offsetof(struct blob, events),
			.field_stride = sizeof(struct tw_blob_field),
			.fields_offset = offsetof(struct blob, fields),
			.strings_offset = offsetof(struct blob, strings),
		}};
	blob->header.group = add_string(blob, "fixture");
	add_event(blob, "number", "lane=%u n=%lu p=%p", 3);
	add_field(blob, "uint32_t", "lane", TW_FIELD_UINT, 4);
	add_field(blob, "uint64_t", "n", TW_FIELD_UINT, 8);
	add_field(blob, "void *", "p", TW_FIELD_POINTER, 8);
	add_event(blob, "words", "%s %d %d", 3);
	add_field(blob, "const char *", "text", TW_FIELD_STRING, 0);
	add_field(blob, "int", "event", TW_FIELD_SINT, 4);
	add_field(blob, "int", "_x", TW_FIELD_SINT, 4);
	add_event(blob, "nothing", "", 0);
}

uint32_t fixture_add_group(struct fixture *f, bool readable)
{
	struct tw_ring_control *control = f->ring.control;
	uint32_t index = control->group_count;
	struct tw_ring_group *group = &f->ring.groups[index];
	uint64_t at = f->layout.heap_offset + f->heap_used;
	struct tw_states *states = (void *)(f->memory + at);
	struct blob blob;

	make_blob(&blob);
	if (!readable)
		blob.header.magic = 0;
	states->magic = TW_STATES_MAGIC;
	states->count = FIXTURE_EVENTS;
	memcpy(states->uuid, control->uuid, sizeof(states->uuid));
	states->id_base = index * FIXTURE_EVENTS;
	memcpy(f->memory + at + 64, &blob, sizeof(blob));
	f->heap_used += 64 + (sizeof(blob) + 63) / 64 * 64;
	check(f->heap_used <= HEAP_SIZE, "heap");
	*group = (struct tw_ring_group){
		.state = TW_GROUP_LIVE,
		.id_base = states->id_base,
		.event_count = FIXTURE_EVENTS,
		.states_offset = at,
		.schema_offset = at + 64,
		.schema_size = sizeof(blob),
	};
	__atomic_store_n(&control->group_count, index + 1, __ATOMIC_RELEASE);
	return states->id_base;
}

/* ---- The ring ---- */

static void map_file(struct fixture *f)
{
	int fd;

	strcpy(f->directory, "/tmp/trackway-trace-XXXXXX");
	check(mkdtemp(f->directory), "mkdtemp");
	snprintf(f->path, sizeof(f->path), "%s/fixture.1.ring", f->directory);
	fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	check(fd >= 0 && !ftruncate(fd, (off_t)f->size), f->path);
	f->memory = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0);
	check(f->memory != MAP_FAILED, "mmap");
	close(fd);
}

static void make_control(struct fixture *f, enum tw_ring_mode mode)
{
	struct tw_ring_control *control = f->ring.control;

	control->mode = f->ring.mode = mode;
	control->clock_kind = TW_CLOCK_MONOTONIC;
	control->clock_hz = 1000000000;
	control->pid = 4194304; /* above any process */
	memset(control->uuid, 0xa5, sizeof(control->uuid));
	/* A version 4 uuid, as readers of CTF like it. */
	control->uuid[6] = 0x45;
	control->uuid[8] = 0x85;
	memcpy(control->uuid, &f->directory[sizeof("/tmp/trackway-trace")], 6);
	strcpy((char *)control->name, "fixture");
	control->sync_first = (struct tw_ring_sync){
		FIXTURE_CLOCK, FIXTURE_CLOCK, FIXTURE_REAL};
	control->sync_last = control->sync_first;
	f->clock = FIXTURE_CLOCK;
}

static void make_ring(struct fixture *f, enum tw_ring_mode mode,
		      uint32_t generation)
{
	tw_ring_init(&f->ring, f->memory, &f->layout);
	make_control(f, mode);
	f->ring.control->generation = generation;
	f->ring.control->uuid[15] = (uint8_t)generation;
	fixture_add_group(f, true);
	for (uint32_t i = 0; i < FIXTURE_LANES; i++)
		check(!tw_writer_attach(&f->ring, &f->writers[i], 100 + i, 0),
		      "attach");
	tw_ring_publish(&f->ring);
}

void fixture_create(struct fixture *f, uint32_t page_size, uint32_t page_count,
		    enum tw_ring_mode mode)
{
	*f = (struct fixture){
		.layout = {
			.control_size = sizeof(struct tw_ring_control),
			.lane_count = FIXTURE_LANES,
			.group_capacity = 4,
			.page_size = page_size,
			.page_count = page_count,
			.heap_size = HEAP_SIZE,
			.align = 4096,
		}};
	check(!tw_ring_layout(&f->layout), "layout");
	f->size = f->layout.size;
	map_file(f);
	make_ring(f, mode, 1);
}

void fixture_reset(struct fixture *f)
{
	const uint32_t generation = f->ring.control->generation + 1;

	tw_ring_unpublish(&f->ring);
	f->heap_used = 0;
	memset(f->written, 0, sizeof(f->written));
	memset(f->discarded, 0, sizeof(f->discarded));
	make_ring(f, f->ring.mode, generation);
}

static int remove_one(const char *path, const struct stat *status, int type,
		      struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_destroy(struct fixture *f)
{
	munmap(f->memory, f->size);
	remove_tree(f->directory);
}

void fixture_close(struct fixture *f)
{
	for (uint32_t i = 0; i < FIXTURE_LANES; i++)
		tw_writer_detach(&f->ring, &f->writers[i]);
	f->ring.control->flags |= TW_RING_CLOSED;
}

const char *fixture_path(const struct fixture *f, char *path, size_t size,
			 const char *name)
{
	snprintf(path, size, "%s/%s", f->directory, name);
	return path;
}

struct tw_attach *fixture_attach(struct fixture *f, const char *path)
{
	struct tw_attach_error error;
	struct tw_attach *attach;

	if (tw_attach_open(path ? path : f->path, false, &attach, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	return attach;
}

/* ---- Events ---- */

/* Content size and events at once: the page's two members are its alias. */
typedef uint64_t __attribute__((may_alias)) commit_word;

static size_t put_fields(uint8_t *at, uint32_t lane, enum fixture_event kind,
			 uint64_t n)
{
	const int32_t minus = -(int32_t)n, plus = (int32_t)n;
	const uint64_t next = n + 1;
	int size;

	switch (kind) {
	case EVENT_NUMBER:
		memcpy(at, &lane, 4);
		memcpy(at + 4, &n, 8);
		memcpy(at + 12, &next, 8);
		return 20;
	case EVENT_WORDS:
		size = sprintf((char *)at, "text %u", (unsigned)n) + 1;
		memcpy(at + size, &minus, 4);
		memcpy(at + size + 4, &plus, 4);
		return (size_t)size + 8;
	default:
		return 0;
	}
}

bool fixture_emit_as(struct fixture *f, uint32_t lane, uint32_t id_base,
		     enum fixture_event kind, uint64_t n)
{
	struct tw_writer *writer = &f->writers[lane];
	uint8_t fields[64];
	uint64_t commit;
	const size_t size = put_fields(fields, lane, kind, n);
	const uint64_t time = ++f->clock;
	uint64_t word = TW_EVENT_WORD(time, id_base + kind);
	struct tw_page *page = writer->page;
	uint8_t *at;

	if (!page || page->content_size / 8 + size + 8 >
			     f->layout.page_size - TW_PAGE_TRAILER) {
		if (tw_writer_turn(&f->ring, writer, time) != TW_TURN_DONE) {
			tw_writer_discard(&f->ring, writer);
			f->discarded[lane]++;
			return false;
		}
		page = writer->page;
	}
	at = (uint8_t *)page + page->content_size / 8;
	memcpy(at, &word, 8);
	memcpy(at + 8, fields, size);
	page->timestamp_end = time;
	memcpy(&commit, &page->content_size, 8);
	commit += TW_COMMIT_STEP((uint64_t)(size + 8) * 8);
	__atomic_store_n((commit_word *)(void *)&page->content_size, commit,
			 __ATOMIC_RELEASE);
	f->written[lane]++;
	return true;
}

bool fixture_emit(struct fixture *f, uint32_t lane)
{
	return fixture_emit_as(f, lane, 0, EVENT_NUMBER, f->written[lane]);
}

/* ---- The other byte order ---- */

static void swap(uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size / 2; i++) {
		uint8_t byte = at[i];

		at[i] = at[size - 1 - i];
		at[size - 1 - i] = byte;
	}
}

/* Numbers in a row: "4488" is two of 4 bytes, then two of 8; '.' is a byte. */
static uint8_t *swap_row(uint8_t *at, const char *sizes)
{
	for (; *sizes; sizes++) {
		size_t size = *sizes == '.' ? 1 : (size_t)(*sizes - '0');

		swap(at, size);
		at += size;
	}
	return at;
}

static void swap_control(uint8_t *control)
{
	swap_row(control + 8, "422448");
	/* From generation to reply, head to discarded, then the moments. */
	swap_row(control + 48, "4484488448444444"
			       "8888");
	swap_row(control + 192, "448");
	swap_row(control + 256, "88888844");
}

static void swap_blob(uint8_t *at)
{
	const struct blob *blob = (const void *)at;
	const uint32_t events = blob->header.event_count;
	const uint32_t fields = blob->header.field_count;

	at = swap_row(at, "4224444444444");
	for (uint32_t i = 0; i < events; i++)
		at = swap_row(at, "444442..");
	for (uint32_t i = 0; i < fields; i++)
		at = swap_row(at, "44..24");
}

static void swap_event(uint8_t **at)
{
	uint64_t word;
	uint32_t id;

	memcpy(&word, *at, 8);
	id = (uint32_t)(word & 0xffff) % FIXTURE_EVENTS;
	/* Little endian time << 16 | id becomes big endian id << 48 | time. */
	word = (word & 0xffff) << 48 | word >> 16;
	memcpy(*at, &word, 8);
	*at = swap_row(*at, "8");
	if (id == EVENT_NUMBER)
		*at = swap_row(*at, "488");
	if (id == EVENT_WORDS)
		*at = swap_row(*at + strlen((char *)*at) + 1, "44");
}

static void swap_page(uint8_t *page, size_t page_size)
{
	uint8_t *end = page +
		       ((struct tw_page *)(void *)page)->content_size / 8;
	uint8_t *trailer = page + page_size - TW_PAGE_TRAILER;
	uint8_t *at = page + TW_PAGE_HEADER;

	if ((*(uint32_t *)(void *)trailer & TW_PAGE_STATE_MASK) !=
	    TW_PAGE_FREE) {
		while (at < end)
			swap_event(&at);
		swap_row(page, "4");
		swap_row(page + 20, "488444488844");
	}
	swap_row(trailer, "448");
}

const char *fixture_write_swapped(struct fixture *f, char *path, size_t size)
{
	uint8_t *copy = malloc(f->size);
	const struct tw_ring_control *control = f->ring.control;
	const struct tw_ring_group *group;
	int fd;

	memcpy(copy, f->memory, f->size);
	for (uint32_t i = 0; i < control->group_count; i++) {
		group = &f->ring.groups[i];
		swap_row(copy + group->states_offset, "44");
		swap_row(copy + group->states_offset + 24, "44");
		swap_blob(copy + group->schema_offset);
		swap_row(copy + control->groups_offset + i * 64, "4444888");
	}
	for (uint32_t i = 0; i < control->lane_count; i++)
		swap_row(copy + control->lanes_offset + i * 64, "44448888");
	for (uint32_t i = 0; i < control->page_count; i++)
		swap_page(copy + control->pages_offset +
				  (size_t)i * control->page_size,
			  control->page_size);
	swap_control(copy);
	snprintf(path, size, "%s/swapped.1.ring", f->directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(fd >= 0 && write(fd, copy, f->size) == (ssize_t)f->size, path);
	close(fd);
	free(copy);
	return path;
}
