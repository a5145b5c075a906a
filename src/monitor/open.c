/* SPDX-License-Identifier: MIT */
/*
 * A monitor over targets by their names, for programs that embed one; trackway
 * monitor opens its own, since it shows how a search is getting on, and says
 * what becomes of a guest's rings.
 */
#include "client.h"

#include "../attach/channel.h"
#include "../attach/ram.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Of libtrackway, which a program that monitors others does not have. It is the
 * program's own one that counts, so this library is not linked with it.
 */
__attribute__((weak)) const char *tw_runtime_path(void);
__attribute__((weak)) const char *tw_runtime_error(void);

/* A guest's is in the last of the guests, as it is opened. */
struct opened {
	struct tw_attach *attach;
	size_t guest; /* their count then; 0: of none */
	uint64_t serial;
	uint64_t place;
};

struct opening {
	struct opened *list;
	size_t count;
	struct tw_monitor_guest *guests;
	size_t guest_count;
	struct tw_attach_error error;
};

static int fail(struct opening *opening, int code, const char *target,
		const char *why)
{
	snprintf(opening->error.text, sizeof(opening->error.text), "%.300s: %s",
		 target, why);
	return code;
}

/* Takes its attach. */
static int add(struct opening *opening, const struct opened *opened)
{
	struct opened *list = reallocarray(opening->list, opening->count + 1,
					   sizeof(*list));

	if (!list) {
		fail(opening, -ENOMEM, opened->attach->target.path,
		     strerror(ENOMEM));
		tw_attach_close(opened->attach);
		return -ENOMEM;
	}
	opening->list = list;
	list[opening->count++] = *opened;
	return 0;
}

static int open_ring(struct opening *opening, const char *target)
{
	struct tw_attach *attach;
	int code;

	/* What has ended can be looked at, so it need not be writable. */
	code = tw_attach_open(target, false, &attach, &opening->error);
	return code ? code : add(opening, &(struct opened){.attach = attach});
}

/* ---- Guests ---- */

/* Takes it. */
static int add_guest(struct opening *opening, struct tw_ram *ram,
		     bool is_writable)
{
	struct tw_monitor_guest *list = reallocarray(
		opening->guests, opening->guest_count + 1, sizeof(*list));

	if (!list) {
		fail(opening, -ENOMEM, tw_ram_spec(ram), strerror(ENOMEM));
		tw_ram_close(ram);
		return -ENOMEM;
	}
	opening->guests = list;
	list[opening->guest_count++] = (struct tw_monitor_guest){
		.ram = ram,
		.is_writable = is_writable,
	};
	return 0;
}

/* All rings that can be used; if there is none, why. */
static int add_rings(struct opening *opening, struct tw_ram *ram, bool writable)
{
	const size_t before = opening->count;
	struct opened opened = {.guest = opening->guest_count};
	int code = 0;

	for (size_t i = 0; !code && i < tw_ram_ring_count(ram); i++) {
		const struct tw_ram_ring *ring = tw_ram_ring(ram, i);

		if (!tw_ram_ring_is_usable(ring) ||
		    tw_ram_attach(ram, i, writable, &opened.attach,
				  &opening->error))
			continue;
		opened.serial = ring->serial;
		opened.place = ring->place;
		code = add(opening, &opened);
	}
	if (code || opening->count > before)
		return code;
	opened = (struct opened){0};
	code = tw_ram_attach_only(ram, writable, &opened.attach,
				  &opening->error);
	return code ? code : add(opening, &opened);
}

static int open_guest(struct opening *opening, const char *target)
{
	const bool writable = strncmp(target, "image:", 6) != 0;
	struct tw_ram *ram;
	int code = tw_ram_open(target, writable, &ram, &opening->error);

	if (!code)
		code = add_guest(opening, ram, writable);
	if (!code)
		code = tw_ram_scan(ram, &opening->error);
	return code < 0 ? code : add_rings(opening, ram, writable);
}

static int open_target(struct opening *opening, const char *target)
{
	if (tw_channel_is_spec(target))
		return fail(opening, -EINVAL, target,
			    "a channel's events are switched by who records "
			    "it: trackway record -e");
	if (tw_ram_is_spec(target))
		return open_guest(opening, target);
	return open_ring(opening, target);
}

/* ---- This process ---- */

static int open_own(struct opening *opening)
{
	const char *path = tw_runtime_path ? tw_runtime_path() : NULL;
	const char *why = tw_runtime_error ? tw_runtime_error() : NULL;
	char spec[4096];

	if (!path && why)
		return fail(opening, -ENOENT, "this process has no ring", why);
	if (path)
		snprintf(spec, sizeof(spec), "ring:%s", path);
	else
		snprintf(spec, sizeof(spec), "pid:%ld", (long)getpid());
	return open_ring(opening, spec);
}

/* ---- All ---- */

static int open_all(struct opening *opening, const char *const *targets,
		    size_t count)
{
	int code = count ? 0 : open_own(opening);

	for (size_t i = 0; !code && i < count; i++)
		code = open_target(opening, targets[i]);
	return code;
}

/* What a monitor of guests has to know of each target. */
static void give(struct opening *opening, struct tw_monitor *monitor)
{
	monitor->has_opened = true;
	monitor->guests = opening->guests;
	monitor->guest_count = opening->guest_count;
	for (size_t i = 0; i < opening->count; i++) {
		const struct opened *opened = &opening->list[i];
		struct tw_monitored *target = &monitor->targets[i];

		if (!opened->guest)
			continue;
		target->guest = &monitor->guests[opened->guest - 1];
		target->serial = opened->serial;
		target->place = opened->place;
		target->has_lived = tw_attach_is_alive(target->attach);
	}
	free(opening->list);
}

static int create(struct opening *opening, struct tw_monitor **monitor)
{
	struct tw_monitor_target *list = calloc(opening->count, sizeof(*list));
	int code = -ENOMEM;

	for (size_t i = 0; list && i < opening->count; i++)
		list[i].attach = opening->list[i].attach;
	if (list)
		code = tw_monitor_create(list, opening->count, monitor);
	free(list);
	if (code)
		return fail(opening, code, "monitor", strerror(-code));
	give(opening, *monitor);
	return 0;
}

static void close_all(struct opening *opening)
{
	for (size_t i = 0; i < opening->count; i++)
		tw_attach_close(opening->list[i].attach);
	for (size_t i = 0; i < opening->guest_count; i++)
		tw_ram_close(opening->guests[i].ram);
	free(opening->list);
	free(opening->guests);
}

int tw_monitor_open(const char *const *targets, size_t count,
		    struct tw_monitor **monitor, char *why, size_t why_size)
{
	struct opening opening = {0};
	int code = open_all(&opening, targets, count);

	if (!code)
		code = create(&opening, monitor);
	if (!code)
		return 0;
	if (why && why_size)
		snprintf(why, why_size, "%s", opening.error.text);
	close_all(&opening);
	return code;
}
