/* SPDX-License-Identifier: MIT */
/*
 * An opened ring: its events and their states, and the process behind it. What
 * holds the ring's memory is the sources' business; from here on it is read
 * through src/ring alone. Called by find.c, src/trace and src/cli.
 */
#include "attach.h"

#include "../schema/blob-read.h"
#include "channel.h"
#include "ram-source.h"
#include "source.h"
#include "sync-kvm.h"
#include "sync.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCHEMA_SIZE_MAX (64u << 20)   /* one group's, bytes */
#define SCHEMAS_SIZE_MAX (256u << 20) /* a ring's, or a memory's, bytes */
#define SCHEMAS_SIZE_SURE (1u << 20)  /* whatever its memory's others have */

/* A wait is cut into slices: a producer that is killed wakes nobody. */
#define WAIT_SLICE_MS 100
#define WAIT_SLICE_READ_ONLY_MS 10 /* and where waiters can't be set */

struct source {
	/* A ring file and its process; or a ring in a memory, if ram is set; or
	 * a channel's. */
	struct tw_ring_file file;
	struct tw_process process;
	struct tw_ram *ram;
	struct tw_ram_window window;
	struct tw_channel_source *channel;
	/* Entry of the group that an id belongs to, plus 1; 0: none. */
	uint32_t owner[TW_EVENTS_MAX];
	/* Schemas of entries that were used again: lookup may point there. */
	struct tw_schema **retired;
	size_t retired_count;
	uint64_t schemas_size;
	struct tw_beacons beacons;
	struct tw_kvm_link kvm;
	/* For groups without a schema of their own. */
	struct tw_schema **given;
	size_t given_count;
};

/* ---- Groups and their schemas ---- */

/* Whether there is room for a schema of this size, which is then taken. */
static bool take_schema_room(struct source *source, uint64_t size)
{
	const uint64_t own = source->schemas_size;

	if (!size || size > SCHEMA_SIZE_MAX || size > SCHEMAS_SIZE_MAX - own)
		return false;
	/* A guest's rings may all point to one that is large. */
	if (source->ram && own + size > SCHEMAS_SIZE_SURE &&
	    source->ram->schemas_size + size > SCHEMAS_SIZE_MAX)
		return false;
	source->schemas_size += size;
	if (source->ram)
		source->ram->schemas_size += size;
	return true;
}

static struct tw_schema *load_schema(struct tw_attach *attach,
				     const struct tw_ring_group *group)
{
	struct source *source = attach->source;
	struct tw_schema *schema = NULL;
	const char *why;
	void *blob;

	if (!take_schema_room(source, group->schema_size))
		return NULL;
	blob = malloc(group->schema_size);
	if (!blob)
		return NULL;
	if (tw_ring_read_bytes(&attach->ring, group->schema_offset, blob,
			       group->schema_size) ||
	    tw_blob_read(blob, group->schema_size, attach->ring.swap, &schema,
			 &why))
		schema = NULL;
	free(blob);
	if (schema && schema->event_count != group->event_count) {
		tw_schema_destroy(schema);
		schema = NULL;
	}
	return schema;
}

/* Of those that were given the first with as many events; it stays theirs. */
static struct tw_schema *given_schema(const struct tw_attach *attach,
				      const struct tw_ring_group *group)
{
	const struct source *source = attach->source;

	for (size_t i = 0; i < source->given_count; i++)
		if (source->given[i]->event_count == group->event_count)
			return source->given[i];
	return NULL;
}

static bool is_given(const struct source *source,
		     const struct tw_schema *schema)
{
	for (size_t i = 0; i < source->given_count; i++)
		if (source->given[i] == schema)
			return true;
	return false;
}

static int grow_groups(struct tw_attach *attach, uint32_t count)
{
	struct tw_ring_group *groups;
	struct tw_schema **schemas;

	if (count <= attach->group_count)
		return 0;
	groups = realloc(attach->groups, count * sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	attach->groups = groups;
	schemas = realloc(attach->schemas, count * sizeof(struct tw_schema *));
	if (!schemas)
		return -ENOMEM;
	attach->schemas = schemas;
	for (uint32_t i = attach->group_count; i < count; i++) {
		groups[i] = (struct tw_ring_group){0};
		schemas[i] = NULL;
	}
	attach->group_count = count;
	return 0;
}

static bool is_same_group(const struct tw_ring_group *a,
			  const struct tw_ring_group *b)
{
	return a->id_base == b->id_base && a->event_count == b->event_count &&
	       a->states_offset == b->states_offset &&
	       a->schema_offset == b->schema_offset &&
	       a->schema_size == b->schema_size;
}

/* Take leave of what entry index was before. */
static int retire_group(struct tw_attach *attach, uint32_t index)
{
	struct source *source = attach->source;
	struct tw_ring_group *group = &attach->groups[index];
	struct tw_schema **retired;

	if (attach->schemas[index] &&
	    !is_given(source, attach->schemas[index])) {
		retired = realloc(source->retired,
				  (source->retired_count + 1) *
					  sizeof(struct tw_schema *));
		if (!retired)
			return -ENOMEM;
		source->retired = retired;
		retired[source->retired_count++] = attach->schemas[index];
	}
	attach->schemas[index] = NULL;
	for (uint32_t i = 0; i < group->event_count; i++)
		source->owner[group->id_base + i] = 0;
	*group = (struct tw_ring_group){0};
	return 0;
}

/* Whether all of the group's ids are free for it. */
static bool can_own_ids(const struct source *source,
			const struct tw_ring_group *group)
{
	for (uint32_t i = 0; i < group->event_count; i++)
		if (source->owner[group->id_base + i])
			return false;
	return true;
}

static void set_schema(struct tw_attach *attach, uint32_t index,
		       struct tw_schema *schema)
{
	const struct tw_ring_group *group = &attach->groups[index];

	attach->schemas[index] = schema;
	for (uint32_t i = 0; i < group->event_count; i++)
		attach->lookup[group->id_base + i] = schema ? &schema->events[i]
							    : NULL;
}

/* Make a group that was just read entry index's. */
static void adopt_group(struct tw_attach *attach, uint32_t index,
			const struct tw_ring_group *group,
			struct tw_schema *schema)
{
	struct source *source = attach->source;
	uint32_t end = group->id_base + group->event_count;

	attach->groups[index] = *group;
	set_schema(attach, index,
		   schema ? schema : given_schema(attach, group));
	for (uint32_t i = 0; i < group->event_count; i++)
		source->owner[group->id_base + i] = index + 1;
	if (end > attach->lookup_count)
		attach->lookup_count = end;
}

bool tw_attach_is_guest(const struct tw_attach *attach)
{
	const struct source *source = attach->source;

	return source->ram != NULL;
}

struct tw_beacons *tw_attach_beacons(const struct tw_attach *attach)
{
	struct source *source = attach->source;

	return &source->beacons;
}

struct tw_ram_memory *tw_attach_memory(const struct tw_attach *attach)
{
	const struct source *source = attach->source;

	return source->window.memory;
}

struct tw_kvm_link *tw_attach_kvm_link(const struct tw_attach *attach)
{
	struct source *source = attach->source;

	return &source->kvm;
}

/* A ring in a guest's memory is where it was. Ring files stay what they are. */
static bool is_there(const struct tw_attach *attach)
{
	const struct source *source = attach->source;
	const struct tw_ring_control *control = &attach->ring.control;

	return !source->ram ||
	       tw_ram_has_ring(source->window.memory, source->window.place,
			       control->uuid, control->generation);
}

/* Returns 1 if entry index holds something new. */
static int refresh_group(struct tw_attach *attach, uint32_t index)
{
	struct tw_ring_group *known = &attach->groups[index];
	struct tw_ring_group group;
	uint32_t state_before = known->state;
	struct tw_schema *schema;
	int err;

	/* One broken entry takes nothing from the others. */
	if (tw_ring_read_group(&attach->ring, index, &group) ||
	    group.state == TW_GROUP_EMPTY || group.state > TW_GROUP_UNLOADED)
		return 0;
	if (state_before != TW_GROUP_EMPTY && is_same_group(known, &group)) {
		known->state = group.state;
		return state_before != group.state;
	}
	schema = load_schema(attach, &group);
	/* A guest may have made another ring in between: none of that is
	 * ours. */
	err = is_there(attach) ? retire_group(attach, index) : -ESTALE;
	if (err || !can_own_ids(attach->source, &group)) {
		tw_schema_destroy(schema);
		return err == -ESTALE ? 0 : err;
	}
	adopt_group(attach, index, &group, schema);
	return 1;
}

static void count_events(struct tw_attach *attach)
{
	attach->target.event_count = 0;
	attach->target.enabled_count = 0;
	for (uint32_t id = 0; id < attach->lookup_count; id++) {
		int state = tw_attach_event_state(attach, id);

		attach->target.event_count += state >= 0;
		attach->target.enabled_count += state == 1;
	}
}

static int fail_ring(struct tw_attach *attach, int code,
		     struct tw_attach_error *error)
{
	return tw_attach_fail(error, code, "%s: %s", attach->target.path,
			      attach->ring.why ? attach->ring.why
					       : strerror(-code));
}

/* Some of what the ring is mapped from could not be had. */
static bool is_lost(const struct source *source)
{
	return !source->ram && !source->channel &&
	       tw_ring_file_lost(&source->file);
}

int tw_attach_refresh(struct tw_attach *attach, struct tw_attach_error *error)
{
	const struct source *source = attach->source;
	uint32_t count;
	int changed = 0;
	int err = tw_ring_group_count(&attach->ring, &count);

	/* Not at the first time, when the ring is being opened: its reader
	 * begins behind what is in it. */
	if (source->channel && attach->group_count)
		tw_channel_source_pump(source->channel);
	if (!err && is_lost(source))
		return tw_attach_fail(error, -EIO,
				      "%s: truncated while it was being read",
				      attach->target.path);
	if (err)
		return fail_ring(attach, err, error);
	err = grow_groups(attach, count);
	for (uint32_t i = 0; !err && i < attach->group_count; i++) {
		int got = refresh_group(attach, i);

		changed |= got > 0;
		err = got < 0 ? got : 0;
	}
	if (err)
		return tw_attach_fail(error, err, "%s: out of memory",
				      attach->target.path);
	if (changed)
		count_events(attach);
	return changed;
}

static int keep_given(struct source *source, struct tw_schema *schema)
{
	struct tw_schema **given;

	given = realloc(source->given,
			(source->given_count + 1) * sizeof(struct tw_schema *));
	if (!given)
		return -ENOMEM;
	source->given = given;
	given[source->given_count++] = schema;
	return 0;
}

int tw_attach_use_schema(struct tw_attach *attach,
			 const struct tw_schema *schema,
			 struct tw_attach_error *error)
{
	struct tw_schema *resolved;
	uint32_t flags = 0;
	int taken = 0;

	tw_ring_flags(&attach->ring, &flags);
	resolved = tw_attach_resolve_schema(schema,
					    flags & TW_RING_32BIT ? 4 : 8);
	if (!resolved || keep_given(attach->source, resolved)) {
		tw_schema_destroy(resolved);
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      attach->target.path);
	}
	for (uint32_t i = 0; i < attach->group_count; i++) {
		const struct tw_ring_group *group = &attach->groups[i];

		if (group->state == TW_GROUP_EMPTY || attach->schemas[i] ||
		    group->event_count != resolved->event_count)
			continue;
		set_schema(attach, i, resolved);
		taken++;
	}
	if (taken)
		count_events(attach);
	return taken;
}

int tw_attach_share_schemas(struct tw_attach *attach,
			    const struct tw_attach *from,
			    struct tw_attach_error *error)
{
	const struct source *source = from->source;
	int got = 0;

	for (size_t i = 0; got >= 0 && i < source->given_count; i++)
		got = tw_attach_use_schema(attach, source->given[i], error);
	return got < 0 ? got : 0;
}

/* ---- Events ---- */

/* The group of id as it is now, or an error; *index is the event's in it. */
static int live_group(struct tw_attach *attach, uint32_t id,
		      struct tw_ring_group *group, uint32_t *index)
{
	const struct source *source = attach->source;
	const struct tw_event_desc *event;
	uint32_t owner;
	int err;

	if (id >= attach->lookup_count || !source->owner[id])
		return -ENOENT;
	owner = source->owner[id] - 1;
	event = attach->lookup[id];
	if (event && event->disabled)
		return -ENODEV;
	err = tw_ring_read_group(&attach->ring, owner, group);
	if (err)
		return err;
	if (group->state != TW_GROUP_LIVE ||
	    !is_same_group(group, &attach->groups[owner]))
		return -ENODEV;
	*index = id - group->id_base;
	return 0;
}

int tw_attach_event_state(struct tw_attach *attach, uint32_t id)
{
	struct tw_ring_group group;
	uint32_t index;
	int err = live_group(attach, id, &group, &index);

	return err ? err : tw_ring_event_state(&attach->ring, &group, index);
}

int tw_attach_set_event_state(struct tw_attach *attach, uint32_t id, bool on)
{
	const struct source *source = attach->source;
	struct tw_ring_group group;
	uint32_t index;
	int err = live_group(attach, id, &group, &index);

	if (!err)
		err = tw_ring_set_event_state(&attach->ring, &group, index, on);
	if (!err && source->channel)
		tw_channel_source_switched(source->channel);
	return err;
}

/* ---- The process behind a ring ---- */

static bool is_closed(struct tw_attach *attach)
{
	uint32_t flags = 0;

	return tw_ring_flags(&attach->ring, &flags) || flags & TW_RING_CLOSED;
}

static bool watch_producer(struct tw_attach *attach)
{
	const struct tw_ring_control *control = &attach->ring.control;
	struct source *source = attach->source;

	if (control->pid > INT_MAX || is_closed(attach))
		return false;
	return !tw_process_watch(&source->process, (pid_t)control->pid,
				 control->pid_start, attach->target.path,
				 &source->file);
}

/* A forked child that still shares the ring. */
static bool watch_heir(struct tw_attach *attach)
{
	struct source *source = attach->source;
	uint32_t pid;

	for (uint32_t i = 0; i < TW_RING_HEIRS; i++)
		if (!tw_ring_heir(&attach->ring, i, &pid) && pid <= INT_MAX &&
		    !tw_process_watch(&source->process, (pid_t)pid, 0,
				      attach->target.path, &source->file))
			return true;
	return false;
}

static void set_state(struct tw_attach *attach, bool alive)
{
	const struct source *source = attach->source;

	if (alive) {
		attach->target.state = TW_TARGET_RUNNING;
		if (!source->ram && !source->channel)
			attach->target.pid = source->process.pid;
	} else {
		attach->target.state = is_closed(attach) ? TW_TARGET_CLOSED
							 : TW_TARGET_ORPHAN;
	}
}

static bool is_producer(const struct tw_attach *attach)
{
	const struct source *source = attach->source;

	return (uint32_t)source->process.pid == attach->ring.control.pid;
}

/* This very ring is where it was, and may go on. */
static bool is_ram_ring_alive(struct tw_attach *attach)
{
	const struct source *source = attach->source;

	return tw_ram_is_alive(source->ram) && is_there(attach) &&
	       !is_closed(attach);
}

static bool is_running(struct tw_attach *attach)
{
	const struct source *source = attach->source;

	if (source->ram)
		return is_ram_ring_alive(attach);
	if (source->channel)
		return tw_channel_source_is_alive(source->channel);
	return watch_producer(attach) || watch_heir(attach);
}

bool tw_attach_is_alive(struct tw_attach *attach)
{
	struct source *source = attach->source;

	if (attach->target.state != TW_TARGET_RUNNING)
		return false;
	if (source->ram || source->channel) {
		set_state(attach, is_running(attach));
		return attach->target.state == TW_TARGET_RUNNING;
	}
	if (tw_ring_file_lost(&source->file)) {
		attach->target.state = TW_TARGET_ORPHAN;
		return false;
	}
	if (tw_process_is_alive(&source->process) &&
	    !(is_producer(attach) && is_closed(attach)))
		return true;
	tw_process_unwatch(&source->process);
	set_state(attach, watch_heir(attach));
	return attach->target.state == TW_TARGET_RUNNING;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int sleep_slice(int slice_ms)
{
	struct timespec slice = {.tv_nsec = slice_ms * 1000000L};

	return nanosleep(&slice, NULL) ? -EINTR : 0;
}

/* Sleep for a slice, or till head moves where somebody may wake us. */
static int wait_slice(struct tw_attach *attach, uint32_t head, int64_t left)
{
	struct source *source = attach->source;
	struct tw_ring_control *control = source->file.base;
	bool can_wake = attach->writable && !source->ram;
	int64_t slice = can_wake ? WAIT_SLICE_MS : WAIT_SLICE_READ_ONLY_MS;

	if (source->channel)
		return tw_channel_source_wait(source->channel, left);
	if (left < slice)
		slice = left;
	if (source->ram)
		return sleep_slice((int)slice);
	return tw_process_wait_head(
		&control->head, tw_ring_u32(&attach->ring, head),
		can_wake ? &control->waiters : NULL, (int)slice);
}

int tw_attach_wait(struct tw_attach *attach, uint32_t head, int timeout_ms)
{
	int64_t end = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
	uint32_t now_head;

	for (;;) {
		int64_t left = end - now_ms();
		int err;

		if (tw_ring_head(&attach->ring, &now_head) ||
		    now_head != head || left <= 0 ||
		    !tw_attach_is_alive(attach))
			return 0;
		err = wait_slice(attach, head, left);
		if (err)
			return err;
	}
}

/* ---- Opening ---- */

static int fail_reader(const struct tw_ring_reader *ring, const char *path,
		       int code, struct tw_attach_error *error)
{
	unsigned int major = tw_ring_u16(ring, ring->control.abi_major);

	if (code == -EPROTONOSUPPORT && major > TW_RING_ABI_MAJOR)
		return tw_attach_fail(error, code,
				      "%s: made by a newer Trackway: ring "
				      "version %u, this program reads %u",
				      path, major, TW_RING_ABI_MAJOR);
	return tw_attach_fail(error, code, "%s: not a usable ring: %s", path,
			      ring->why ? ring->why : strerror(-code));
}

static int fill_target(struct tw_attach *attach, const char *path)
{
	const struct tw_ring_control *control = &attach->ring.control;
	const char *name = (const char *)control->name;
	const struct source *source = attach->source;
	struct tw_target *target = &attach->target;

	target->path = source->ram || source->channel ? NULL
						      : realpath(path, NULL);
	if (!target->path)
		target->path = strdup(path);
	target->name = strndup(name, strnlen(name, sizeof(control->name)));
	if (!target->path || !target->name)
		return -ENOMEM;
	target->pid = (pid_t)control->pid;
	target->started_ns = control->sync_first.real_ns;
	target->size = (uint64_t)control->page_size * control->page_count;
	set_state(attach, is_running(attach));
	return 0;
}

static struct tw_attach *create_attach(void)
{
	struct tw_attach *attach = calloc(1, sizeof(*attach));
	struct source *source = calloc(1, sizeof(*source));
	const struct tw_event_desc **lookup = calloc(TW_EVENTS_MAX,
						     sizeof(*lookup));

	if (!attach || !source || !lookup) {
		free(attach);
		free(source);
		free(lookup);
		return NULL;
	}
	source->process = (struct tw_process){.fd = -1, .gone = true};
	attach->source = source;
	attach->lookup = lookup;
	return attach;
}

static void destroy_attach(struct tw_attach *attach)
{
	struct source *source = attach->source;

	for (uint32_t i = 0; i < attach->group_count; i++)
		if (!is_given(source, attach->schemas[i]))
			tw_schema_destroy(attach->schemas[i]);
	for (size_t i = 0; i < source->retired_count; i++)
		tw_schema_destroy(source->retired[i]);
	for (size_t i = 0; i < source->given_count; i++)
		tw_schema_destroy(source->given[i]);
	free(attach->groups);
	free(attach->schemas);
	free(source->retired);
	free(source->given);
	free(attach->lookup);
	free(attach->target.path);
	free(attach->target.name);
	tw_process_unwatch(&source->process);
	free(source);
	free(attach);
}

void tw_attach_close(struct tw_attach *attach)
{
	struct source *source;

	if (!attach)
		return;
	source = attach->source;
	tw_kvm_link_close(attach);
	if (source->ram) {
		source->ram->schemas_size -= source->schemas_size;
		tw_ram_close(source->ram);
	} else if (source->channel) {
		tw_channel_source_close(source->channel);
	} else {
		tw_ring_file_close(&source->file);
	}
	destroy_attach(attach);
}

/* What is the same whatever holds the ring. Closes the attach if it fails. */
static int open_ring(struct tw_attach *attach, const struct tw_memory *memory,
		     const char *path, struct tw_attach_error *error)
{
	int err = tw_ring_open(&attach->ring, memory);

	if (err)
		fail_reader(&attach->ring, path, err, error);
	if (!err && fill_target(attach, path))
		err = tw_attach_fail(error, -ENOMEM, "%s: out of memory", path);
	if (!err)
		err = tw_attach_refresh(attach, error);
	if (err < 0) {
		tw_attach_close(attach);
		return err;
	}
	return 0;
}

int tw_attach_open_path(const char *path, struct tw_attach **out,
			struct tw_attach_error *error)
{
	struct tw_attach *attach = create_attach();
	struct tw_memory memory;
	struct source *source;
	int err;

	if (!attach)
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      path);
	source = attach->source;
	err = tw_ring_file_open(&source->file, path, error);
	if (err) {
		destroy_attach(attach);
		return err;
	}
	attach->writable = source->file.writable;
	tw_ring_file_memory(&source->file, &memory);
	err = open_ring(attach, &memory, path, error);
	if (!err)
		*out = attach;
	return err;
}

static char *ram_path(struct tw_ram *ram, const struct tw_ram_ring *ring)
{
	char *path;

	if (asprintf(&path, "%s/0x%" PRIx64, tw_ram_spec(ram), ring->place) < 0)
		return NULL;
	return path;
}

static bool is_ring(const struct tw_ring_control *control,
		    const struct tw_ram_ring *ring)
{
	return control->generation == ring->generation &&
	       !memcmp(control->uuid, ring->uuid, sizeof(ring->uuid));
}

static int open_ram_ring(struct tw_attach *attach,
			 const struct tw_ram_ring *ring, bool writable,
			 const char *path, struct tw_attach_error *error)
{
	struct source *source = attach->source;
	struct tw_ram *ram = source->ram;
	struct tw_memory memory;
	int err = tw_ram_window_open(&source->window, &ram->memory, ring->place,
				     &memory);

	if (err || !tw_ram_has_ring(&ram->memory, ring->place, ring->uuid,
				    ring->generation))
		err = tw_attach_fail(error, -ESTALE,
				     "%s: the ring is there no more", path);
	else if (writable && !memory.write)
		err = tw_attach_fail(error, -EROFS, "%s: can't be written to",
				     path);
	if (err) {
		tw_attach_close(attach);
		return err;
	}
	attach->writable = memory.write != NULL;
	err = open_ring(attach, &memory, path, error);
	if (err == -ENOMEM || (!err && is_ring(&attach->ring.control, ring)) ||
	    (err && tw_ram_has_ring(&ram->memory, ring->place, ring->uuid,
				    ring->generation)))
		return err;
	/* Its guest has made another one in between. */
	if (!err)
		tw_attach_close(attach);
	return tw_attach_fail(error, -ESTALE, "%s: the ring is there no more",
			      path);
}

int tw_attach_open_ram(struct tw_ram *ram, const struct tw_ram_ring *ring,
		       bool writable, struct tw_attach **out,
		       struct tw_attach_error *error)
{
	struct tw_attach *attach = create_attach();
	char *path = ram_path(ram, ring);
	struct source *source;
	int err;

	if (!attach || !path) {
		if (attach)
			destroy_attach(attach);
		free(path);
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      tw_ram_spec(ram));
	}
	source = attach->source;
	source->ram = ram;
	ram->references++;
	err = open_ram_ring(attach, ring, writable, path, error);
	free(path);
	if (!err)
		*out = attach;
	return err;
}

int tw_channel_source_attach(struct tw_channel_source *channel,
			     struct tw_attach **out,
			     struct tw_attach_error *error)
{
	const char *spec = tw_channel_source_spec(channel);
	struct tw_attach *attach = create_attach();
	struct tw_memory memory;
	struct source *source;
	int err;

	if (!attach)
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      spec);
	source = attach->source;
	source->channel = channel;
	tw_channel_source_hold(channel, &memory);
	attach->writable = true;
	attach->has_end = true;
	err = open_ring(attach, &memory, spec, error);
	if (!err)
		*out = attach;
	return err;
}
