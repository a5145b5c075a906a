/* SPDX-License-Identifier: MIT */
/*
 * Watching guests' memories. A look takes a while, in which no ring is read, so
 * the time between looks grows with what the last one took; only after a ring
 * went is it short, since its guest is booting.
 *
 * Called by record-targets.c, monitor-targets.c and, for print and stat,
 * open-trace.c.
 */
#include "guests.h"

#include "../attach/ram.h"
#include "../trace/timebase.h"
#include "rings.h"
#include "status-line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GAP_MIN_NS 200000000u /* between looks */
#define GAP_SHARE 20	      /* times what the last one took */
#define HURRY_NS 10000000000u /* how long it lasts */
#define HURRY_GAP_MIN_NS 5000000u
#define HURRY_GAP_SHARE 2
#define NOTICES_MAX 8 /* of one target: a hostile guest has any number */
/* Rings that one target may bring, reset by reset: what is recorded or printed
 * of each stays. */
#define GIVEN_MAX 4096u
/* And those that are remembered: twice what a memory has at a time. */
#define KNOWN_MAX (2 * (size_t)TW_RAM_RINGS_MAX)

/* A ring that was given out, or can't be. */
struct known {
	uint64_t serial;
	uint64_t place;
	char name[TW_RING_NAME_SIZE + 1];
	uint32_t pid;
	uint32_t epoch;
	bool refused;
	bool gone;
	bool succeeded; /* another one has taken its place */
};

/* A memory. */
struct target {
	const char *spec;
	struct tw_ram *ram;
	bool writable;
	uint64_t next_ns; /* when the next look is due */
	bool is_searched; /* whole, once */
	uint32_t given;
	bool is_alive;
	uint32_t notices;
	bool is_full;	     /* GIVEN_MAX has been said */
	bool has_noticed;    /* what the list of rings can't say has been */
	char *refusal;	     /* of the first look, not said yet */
	struct known *known; /* room for KNOWN_MAX, or NULL */
	size_t known_count;
};

struct tw_guests {
	struct tw_schema *schema;
	bool (*is_stopped)(void);
	bool writable;
	struct target *targets;
	size_t target_count;
	uint64_t hurry_ns; /* until then */
	uint32_t given;
};

/* What a callback is called with, and by whom. */
struct look {
	struct tw_guests *guests;
	struct target *target;
	tw_guest_fn fn;
	void *context;
};

bool tw_is_guest(const char *target)
{
	return tw_ram_is_spec(target);
}

int tw_guests_check_schema(const struct tw_guests *guests, const char *schema)
{
	if (guests || !schema)
		return TW_EXIT_OK;
	return tw_error("--schema", "no target is a guest's memory (vm:, ram: "
				    "or image:); other rings have a schema");
}

struct tw_guests *tw_guests_create(const char *schema, bool (*is_stopped)(void))
{
	struct tw_guests *guests = calloc(1, sizeof(*guests));
	struct tw_attach_error error;

	if (!guests) {
		tw_error_memory();
		return NULL;
	}
	guests->is_stopped = is_stopped;
	if (schema && tw_attach_load_schema(schema, &guests->schema, &error)) {
		tw_error(NULL, "%s", error.text);
		free(guests);
		return NULL;
	}
	return guests;
}

void tw_guests_set_writable(struct tw_guests *guests)
{
	guests->writable = true;
}

void tw_guests_destroy(struct tw_guests *guests)
{
	if (!guests)
		return;
	for (size_t i = 0; i < guests->target_count; i++) {
		tw_ram_close(guests->targets[i].ram);
		free(guests->targets[i].known);
		free(guests->targets[i].refusal);
	}
	free(guests->targets);
	tw_schema_destroy(guests->schema);
	free(guests);
}

/* What nobody runs in. */
static bool is_image(const char *spec)
{
	return strncmp(spec, "image:", 6) == 0;
}

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
	const struct tw_guests *guests = context;

	tw_rings_show_search(done, total);
	return !guests->is_stopped();
}

int tw_guests_add(struct tw_guests *guests, const char *spec)
{
	const bool writable = guests->writable && !is_image(spec);
	struct tw_attach_error error;
	struct target *list;
	struct tw_ram *ram;

	if (tw_ram_open(spec, writable, &ram, &error))
		return tw_error(NULL, "%s", error.text);
	list = reallocarray(guests->targets, guests->target_count + 1,
			    sizeof(*list));
	if (!list) {
		tw_ram_close(ram);
		return tw_error_memory();
	}
	guests->targets = list;
	list[guests->target_count++] = (struct target){.spec = spec,
						       .ram = ram,
						       .writable = writable,
						       .is_alive = true};
	tw_ram_on_progress(ram, show_progress, guests);
	return TW_EXIT_OK;
}

/* ---- Rings that are there ---- */

static void remark(struct target *target, const char *text)
{
	if (target->notices++ >= NOTICES_MAX)
		return;
	tw_status_clear();
	tw_notice("%s", text);
}

/* A failure for one ring: a remark, or at first the reason why there is none,
 * if none of the others can be used. */
static int refuse(struct target *target, const char *text)
{
	if (target->is_searched || target->given || target->refusal) {
		remark(target, text);
		return TW_EXIT_OK;
	}
	target->refusal = strdup(text);
	return target->refusal ? TW_EXIT_OK : tw_error_memory();
}

/* After the first look: what was refused is an error only if that is all. */
static int settle_refusal(struct target *target)
{
	int status = TW_EXIT_OK;

	if (!target->refusal)
		return TW_EXIT_OK;
	if (target->given)
		remark(target, target->refusal);
	else
		status = tw_error(NULL, "%s", target->refusal);
	free(target->refusal);
	target->refusal = NULL;
	return status;
}

static bool lacks_schema(const struct tw_attach *attach)
{
	for (uint32_t i = 0; i < attach->group_count; i++)
		if (attach->groups[i].event_count && !attach->schemas[i])
			return true;
	return false;
}

/*
 * The one that this ring stands for: gone, of the same name, and not yet stood
 * for; the one at the same place, if it is among several.
 */
static struct known *find_predecessor(struct target *target,
				      const struct tw_ram_ring *ring)
{
	struct known *found = NULL;

	for (size_t i = 0; i < target->known_count; i++) {
		struct known *known = &target->known[i];

		if (known->gone && !known->succeeded && !known->refused &&
		    known->pid == ring->pid &&
		    strcmp(known->name, ring->name) == 0 &&
		    (!found || known->place == ring->place))
			found = known;
	}
	return found;
}

/*
 * An entry to be used again: of one that went, and that no other can stand for
 * any more; else the one that went first. The list has twice the room that the
 * memory's has, so there is one.
 */
static struct known *forget_one(struct target *target)
{
	struct known *eldest = NULL;

	for (size_t i = 0; i < target->known_count; i++) {
		struct known *known = &target->known[i];

		if (known->gone && (known->succeeded || known->refused))
			return known;
		if (known->gone && (!eldest || known->serial < eldest->serial))
			eldest = known;
	}
	return eldest;
}

static struct known *remember(struct target *target,
			      const struct tw_ram_ring *ring)
{
	struct known *known;

	if (!target->known)
		target->known = calloc(KNOWN_MAX, sizeof(*target->known));
	if (!target->known)
		return NULL;
	if (target->known_count < KNOWN_MAX)
		known = &target->known[target->known_count++];
	else
		known = forget_one(target);
	if (!known)
		return NULL;
	*known = (struct known){.serial = ring->serial,
				.place = ring->place,
				.pid = ring->pid,
				.epoch = 1};
	memcpy(known->name, ring->name, sizeof(known->name));
	if (ring->generation)
		known->epoch = ring->generation;
	return known;
}

static int give(struct look *look, const struct tw_ram_ring *ring,
		struct tw_attach *attach)
{
	struct target *target = look->target;
	struct tw_guest_ring given = {
		.attach = attach,
		.target = target->spec,
		.place = ring->place,
		.is_late = target->is_searched,
	};
	struct known *before = find_predecessor(target, ring);
	uint32_t last_epoch = 0;
	struct known *known;

	/* Its entry may be the one that is used again. */
	if (before) {
		before->succeeded = true;
		last_epoch = before->epoch;
	}
	known = remember(target, ring);
	if (!known) {
		tw_attach_close(attach);
		return tw_error_memory();
	}
	given.is_reset = before != NULL;
	/* The last number there is may be a guest's first. */
	if (before && known->epoch <= last_epoch)
		known->epoch = last_epoch == UINT32_MAX ? UINT32_MAX
							: last_epoch + 1;
	given.epoch = known->epoch;
	target->given++;
	look->guests->given++;
	return look->fn(look->context, &given);
}

/* 0 and the ring's attach, or an error: why it can't be given out. */
static int open_ring(struct look *look, size_t index, struct tw_attach **result,
		     struct tw_attach_error *error)
{
	struct tw_schema *schema = look->guests->schema;
	struct tw_attach *attach;

	int code;

	code = tw_ram_attach(look->target->ram, index, look->target->writable,
			     &attach, error);
	if (code)
		return code;
	*result = attach;
	code = schema ? tw_attach_use_schema(attach, schema, error) : 0;
	if (code >= 0 && !lacks_schema(attach))
		return 0;
	if (code >= 0)
		snprintf(error->text, sizeof(error->text), "%.300s: %s",
			 attach->target.path,
			 schema ? "the file of --schema does not have its "
				  "events"
				: "it has no schema: say --schema FILE, its "
				  "trace-events file");
	tw_attach_close(attach);
	return code < 0 ? code : -ENODATA;
}

static int pass_over(struct target *target, const struct tw_ram_ring *ring)
{
	struct known *known = remember(target, ring);

	if (!known)
		return tw_error_memory();
	known->refused = true;
	return TW_EXIT_OK;
}

/* A guest that makes new rings without end is not followed without end. */
static int leave_out(struct target *target, const struct tw_ram_ring *ring)
{
	if (!target->is_full) {
		tw_status_clear();
		tw_notice("%s: %u rings have come one after another; those "
			  "that follow are left out",
			  target->spec, GIVEN_MAX);
	}
	target->is_full = true;
	return pass_over(target, ring);
}

static int take_ring(struct look *look, size_t index,
		     const struct tw_ram_ring *ring)
{
	struct target *target = look->target;
	struct tw_attach_error error;
	struct tw_attach *attach;
	int code, status;

	if (target->given >= GIVEN_MAX)
		return leave_out(target, ring);
	code = open_ring(look, index, &attach, &error);
	if (!code)
		return give(look, ring, attach);
	/* Gone since it was found, with its guest's next step. */
	if (code == -ESTALE)
		return TW_EXIT_OK;
	status = pass_over(target, ring);
	return status ? status : refuse(target, error.text);
}

static struct known *find_known(const struct target *target,
				const struct tw_ram_ring *ring)
{
	for (size_t i = 0; i < target->known_count; i++)
		if (target->known[i].serial == ring->serial)
			return &target->known[i];
	return NULL;
}

/* Whether the list still has it; its entry may have become another's. */
static bool is_listed(const struct target *target, const struct known *known)
{
	const struct tw_ram_ring *ring;

	for (size_t i = 0; i < tw_ram_ring_count(target->ram); i++) {
		ring = tw_ram_ring(target->ram, i);
		if (ring->serial == known->serial)
			return !ring->gone;
	}
	return false;
}

/* Deal with all entries that are new, or have gone. */
static int take_rings(struct look *look)
{
	struct target *target = look->target;
	const size_t count = tw_ram_ring_count(target->ram);
	const struct tw_ram_ring *ring;
	int status = TW_EXIT_OK;

	/* Those that have gone first: the others may stand for them. */
	for (size_t i = 0; i < target->known_count; i++)
		if (!target->known[i].gone)
			target->known[i].gone = !is_listed(target,
							   &target->known[i]);
	for (size_t i = 0; !status && i < count; i++) {
		ring = tw_ram_ring(target->ram, i);
		if (tw_ram_ring_is_usable(ring) && !find_known(target, ring))
			status = take_ring(look, i, ring);
	}
	return status;
}

/* ---- Looking ---- */

static uint64_t gap_after(const struct tw_guests *guests, uint64_t now,
			  uint64_t took)
{
	const bool hurry = now < guests->hurry_ns;
	const uint64_t least = hurry ? HURRY_GAP_MIN_NS : GAP_MIN_NS;
	const uint64_t gap = took * (hurry ? HURRY_GAP_SHARE : GAP_SHARE);

	return gap < least ? least : gap;
}

/* What a look took is told by the processor: one that was kept from running for
 * a second would put off the next one for twenty. */
static uint64_t busy_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static int look_into(struct look *look)
{
	struct target *target = look->target;
	const uint64_t begin = tw_monotonic_ns();
	const uint64_t busy = busy_ns();
	struct tw_attach_error error;
	uint64_t now;
	int status = TW_EXIT_OK;
	int got;

	if (begin < target->next_ns || !target->is_alive)
		return TW_EXIT_OK;
	/* Asked first: an image is searched once. */
	target->is_alive = tw_ram_is_alive(target->ram);
	got = tw_ram_scan(target->ram, &error);
	now = tw_monotonic_ns();
	/* The first look takes as long as none of those that follow. */
	target->next_ns = now +
			  gap_after(look->guests, now,
				    target->is_searched ? busy_ns() - busy : 0);
	if (got == -EINTR)
		return TW_EXIT_OK;
	if (got < 0)
		status = refuse(target, error.text);
	else
		status = take_rings(look);
	if (!status && !target->is_searched)
		status = settle_refusal(target);
	target->is_searched = true;
	if (!target->has_noticed && tw_ram_notice(target->ram)) {
		remark(target, tw_ram_notice(target->ram));
		target->has_noticed = true;
	}
	return status;
}

int tw_guests_look(struct tw_guests *guests, tw_guest_fn fn, void *context)
{
	int status = TW_EXIT_OK;

	for (size_t i = 0; !status && i < guests->target_count; i++) {
		struct look look = {guests, &guests->targets[i], fn, context};

		status = look_into(&look);
	}
	return status;
}

void tw_guests_hurry(struct tw_guests *guests)
{
	const uint64_t now = tw_monotonic_ns();

	guests->hurry_ns = now + HURRY_NS;
	for (size_t i = 0; i < guests->target_count; i++)
		guests->targets[i].next_ns = now;
}

bool tw_guests_may_come(struct tw_guests *guests)
{
	bool may_come = false;

	for (size_t i = 0; i < guests->target_count; i++) {
		struct target *target = &guests->targets[i];

		target->is_alive = target->is_alive &&
				   tw_ram_is_alive(target->ram);
		may_come |= target->is_alive;
	}
	return may_come;
}

uint32_t tw_guests_count(const struct tw_guests *guests)
{
	return guests->given;
}

const char *tw_guests_without(const struct tw_guests *guests)
{
	for (size_t i = 0; i < guests->target_count; i++)
		if (!guests->targets[i].given)
			return guests->targets[i].spec;
	return NULL;
}

/* What there is in place of a ring: something that is none. */
static const char *find_why(const struct target *target)
{
	const struct tw_ram_ring *ring;

	for (size_t i = 0; i < tw_ram_ring_count(target->ram); i++) {
		ring = tw_ram_ring(target->ram, i);
		if (ring->why && !ring->gone)
			return ring->why;
	}
	return NULL;
}

int tw_guests_expect_rings(const struct tw_guests *guests)
{
	int status = TW_EXIT_OK;
	const char *why;

	for (size_t i = 0; i < guests->target_count; i++) {
		const struct target *target = &guests->targets[i];

		if (target->given)
			continue;
		why = find_why(target);
		status = tw_error(target->spec, "%s%s",
				  why ? "no usable ring: " : "no ring found",
				  why ? why : "");
	}
	return status;
}
