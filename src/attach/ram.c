/* SPDX-License-Identifier: MIT */
/*
 * Memory that may hold rings: what is said of it on a command line, the list of
 * what was found, and rings out of it as attaches. The search is ram-scan.c's,
 * the memory itself the sources'.
 */
#include "ram.h"

#include "ram-source.h"
#include "source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Specs ---- */

struct kind {
	const char *prefix;
	bool is_path; /* what follows may have slashes */
	int (*open)(struct tw_ram_memory *memory, const char *spec,
		    const char *rest, struct tw_attach_error *error);
};

static const struct kind kinds[] = {
	{"vm:", false, tw_ram_open_vm},
	{"ram:", true, tw_ram_open_file},
	{"image:", true, tw_ram_open_image},
};

static const struct kind *kind_of(const char *spec)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strncmp(spec, kinds[i].prefix, strlen(kinds[i].prefix)))
			return &kinds[i];
	return NULL;
}

bool tw_ram_is_spec(const char *spec)
{
	return kind_of(spec) != NULL;
}

static bool is_file(const char *path)
{
	struct stat status;

	return !stat(path, &status) && !S_ISDIR(status.st_mode);
}

/* The "/RING" behind what kind's rest is, or NULL. */
static char *find_ring(const struct kind *kind, char *rest)
{
	char *slash;
	bool is_behind_file;

	if (!kind->is_path)
		return strchr(rest, '/');
	slash = strrchr(rest, '/');
	if (!slash || is_file(rest))
		return NULL;
	*slash = '\0';
	is_behind_file = is_file(rest);
	*slash = '/';
	return is_behind_file ? slash : NULL;
}

static int parse_ring(struct tw_ram *ram, const char *spec, const char *ring,
		      struct tw_attach_error *error)
{
	char *end;

	if (!ring[0])
		return tw_attach_fail(error, -EINVAL,
				      "%s: which ring? A name or 0xPLACE is "
				      "missing behind the slash",
				      spec);
	ram->choice = TW_RAM_NAME;
	ram->chosen_name = strdup(ring);
	if (!ram->chosen_name)
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      spec);
	if (strncmp(ring, "0x", 2) != 0)
		return 0;
	errno = 0;
	ram->chosen_place = strtoull(ring, &end, 16);
	if (!errno && !*end && ring[2])
		ram->choice = TW_RAM_PLACE;
	return 0;
}

/* Split spec into the memory's and the ring's part. */
static int parse_spec(struct tw_ram *ram, const struct kind *kind,
		      const char *spec, struct tw_attach_error *error)
{
	char *ring;

	ram->spec = strdup(spec);
	if (!ram->spec)
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      spec);
	ring = find_ring(kind, ram->spec + strlen(kind->prefix));
	if (!ring)
		return 0;
	*ring = '\0';
	return parse_ring(ram, spec, ring + 1, error);
}

/* ---- Opening ---- */

static void destroy_ram(struct tw_ram *ram)
{
	if (ram->memory.ops)
		ram->memory.ops->close(&ram->memory);
	free(ram->memory.ranges);
	free(ram->search.buffer);
	free(ram->chosen_name);
	free(ram->rings);
	free(ram->spec);
	free(ram);
}

static int fill_ram(struct tw_ram *ram, const char *spec, bool writable,
		    struct tw_attach_error *error)
{
	const struct kind *kind = kind_of(spec);
	int err;

	if (!kind)
		return tw_attach_fail(error, -EINVAL,
				      "%s: not vm:, ram: or image:", spec);
	err = parse_spec(ram, kind, spec, error);
	if (err)
		return err;
	err = kind->open(&ram->memory, ram->spec,
			 ram->spec + strlen(kind->prefix), error);
	if (err) {
		/* The memory is closed, but not with what is left of it. */
		ram->memory = (struct tw_ram_memory){0};
		return err;
	}
	if (writable && !ram->memory.writable)
		return tw_attach_fail(error, -EROFS, "%s: can't be written to",
				      spec);
	return 0;
}

int tw_ram_open(const char *spec, bool writable, struct tw_ram **out,
		struct tw_attach_error *error)
{
	struct tw_ram *ram = calloc(1, sizeof(*ram));
	int err;

	if (ram)
		ram->rings = calloc(TW_RAM_RINGS_MAX, sizeof(*ram->rings));
	if (!ram || !ram->rings) {
		free(ram);
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      spec);
	}
	ram->references = 1;
	err = fill_ram(ram, spec, writable, error);
	if (err) {
		destroy_ram(ram);
		return err;
	}
	*out = ram;
	return 0;
}

void tw_ram_close(struct tw_ram *ram)
{
	if (ram && --ram->references == 0)
		destroy_ram(ram);
}

const char *tw_ram_spec(const struct tw_ram *ram)
{
	return ram->spec;
}

bool tw_ram_is_alive(struct tw_ram *ram)
{
	return ram->memory.ops->is_alive(&ram->memory);
}

int tw_ram_is_in_use(struct tw_ram *ram)
{
	if (!ram->memory.ops->is_in_use)
		return tw_ram_is_alive(ram);
	return ram->memory.ops->is_in_use(&ram->memory);
}

void tw_ram_on_progress(struct tw_ram *ram, tw_ram_progress progress,
			void *context)
{
	ram->progress = progress;
	ram->progress_context = context;
}

/* ---- Windows ---- */

const struct tw_ram_range *tw_ram_range_at(const struct tw_ram_memory *memory,
					   uint64_t place)
{
	size_t low = 0, high = memory->range_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct tw_ram_range *range = &memory->ranges[middle];

		if (place < range->start)
			high = middle;
		else if (place >= range->end)
			low = middle + 1;
		else
			return range;
	}
	return NULL;
}

static int window_read(void *context, uint64_t offset, void *to, size_t size)
{
	const struct tw_ram_window *window = context;

	return window->memory->ops->read(window->memory, window->place + offset,
					 to, size);
}

static int window_write(void *context, uint64_t offset, const void *from,
			size_t size)
{
	const struct tw_ram_window *window = context;

	return window->memory->ops->write(window->memory,
					  window->place + offset, from, size);
}

static int window_exchange(void *context, uint64_t offset, uint32_t expected,
			   uint32_t desired)
{
	const struct tw_ram_window *window = context;

	return window->memory->ops->exchange(
		window->memory, window->place + offset, expected, desired);
}

int tw_ram_window_open(struct tw_ram_window *window,
		       struct tw_ram_memory *memory, uint64_t place,
		       struct tw_memory *ring)
{
	const struct tw_ram_range *range = tw_ram_range_at(memory, place);

	if (!range)
		return -EFAULT;
	*window = (struct tw_ram_window){memory, place};
	*ring = (struct tw_memory){
		.base = memory->base ? memory->base + place : NULL,
		.size = range->end - place,
		.context = window,
		.read = window_read,
	};
	if (range->writable && memory->writable && memory->ops->write) {
		ring->write = window_write;
		if (memory->ops->exchange)
			ring->exchange = window_exchange;
	}
	return 0;
}

/* ---- The list ---- */

size_t tw_ram_ring_count(const struct tw_ram *ram)
{
	return ram->ring_count;
}

const struct tw_ram_ring *tw_ram_ring(const struct tw_ram *ram, size_t i)
{
	return i < ram->ring_count ? &ram->rings[i] : NULL;
}

bool tw_ram_ring_is_usable(const struct tw_ram_ring *ring)
{
	return !ring->gone && !ring->copy && !ring->why;
}

const char *tw_ram_notice(const struct tw_ram *ram)
{
	return ram->notice[0] ? ram->notice : NULL;
}

/* ---- Rings out of it ---- */

int tw_ram_attach(struct tw_ram *ram, size_t i, bool writable,
		  struct tw_attach **attach, struct tw_attach_error *error)
{
	const struct tw_ram_ring *ring = tw_ram_ring(ram, i);

	if (!ring || ring->gone)
		return tw_attach_fail(error, -ESTALE,
				      "%s: the ring is there no more",
				      ram->spec);
	if (ring->why)
		return tw_attach_fail(error, -EBADMSG,
				      "%s/0x%" PRIx64 ": not a usable ring: %s",
				      ram->spec, ring->place, ring->why);
	return tw_attach_open_ram(ram, ring, writable, attach, error);
}

/* Names come from a guest and go into a line: only what is printable. */
static void add_to_list(char *list, size_t room, const struct tw_ram *ram,
			const struct tw_ram_ring *ring)
{
	size_t used = strlen(list);
	char name[TW_RING_NAME_SIZE + 1];
	size_t i;

	for (i = 0; ring->name[i]; i++)
		name[i] = ring->name[i] >= ' ' && ring->name[i] <= '~'
				  ? ring->name[i]
				  : '?';
	name[i] = '\0';
	if (used + sizeof(name) + 40 + strlen(ram->spec) >= room) {
		if (used && list[used - 1] != '.')
			snprintf(list + used, room - used, ", ...");
		return;
	}
	snprintf(list + used, room - used, "%s/0x%" PRIx64 "%s%s%s",
		 used ? ", " : "", ring->place, name[0] ? " (" : "", name,
		 name[0] ? ")" : "");
}

static int fail_several(const struct tw_ram *ram, struct tw_attach_error *error)
{
	char list[400] = "";

	for (size_t i = 0; i < ram->ring_count; i++)
		if (tw_ram_ring_is_usable(&ram->rings[i]))
			add_to_list(list, sizeof(list), ram, &ram->rings[i]);
	return tw_attach_fail(error, -EEXIST,
			      "%s: several rings, say which: %s", ram->spec,
			      list);
}

static int fail_none(const struct tw_ram *ram, struct tw_attach_error *error)
{
	for (size_t i = 0; i < ram->ring_count; i++)
		if (ram->rings[i].why && !ram->rings[i].gone)
			return tw_attach_fail(error, -EBADMSG,
					      "%s/0x%" PRIx64
					      ": not a usable ring: %s",
					      ram->spec, ram->rings[i].place,
					      ram->rings[i].why);
	if (ram->choice != TW_RAM_ANY)
		return tw_attach_fail(error, -ENOENT, "%s: no such ring: %s",
				      ram->spec, ram->chosen_name);
	return tw_attach_fail(error, -ENOENT, "%s: no ring in it", ram->spec);
}

int tw_ram_attach_only(struct tw_ram *ram, bool writable,
		       struct tw_attach **attach, struct tw_attach_error *error)
{
	size_t found = 0, count = 0;

	for (size_t i = 0; i < ram->ring_count; i++) {
		/* A copy has to do if it is what was asked for. */
		if (!tw_ram_ring_is_usable(&ram->rings[i]) &&
		    (ram->choice != TW_RAM_PLACE || !ram->rings[i].copy ||
		     ram->rings[i].gone))
			continue;
		found = i;
		count++;
	}
	if (count == 1)
		return tw_ram_attach(ram, found, writable, attach, error);
	return count ? fail_several(ram, error) : fail_none(ram, error);
}
