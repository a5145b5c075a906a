/* SPDX-License-Identifier: MIT */
/*
 * A monitor over targets by their names, for programs that embed one; trackway
 * monitor opens its own, since it shows how a search is getting on, and looks
 * for the rings that come after a guest's reset.
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

struct opening {
	struct tw_attach **list;
	size_t count;
	struct tw_attach_error error;
};

static int fail(struct opening *opening, int code, const char *target,
		const char *why)
{
	snprintf(opening->error.text, sizeof(opening->error.text), "%.300s: %s",
		 target, why);
	return code;
}

/* Takes it. */
static int add(struct opening *opening, struct tw_attach *attach)
{
	struct tw_attach **list = reallocarray(
		opening->list, opening->count + 1, sizeof(struct tw_attach *));

	if (!list) {
		fail(opening, -ENOMEM, attach->target.path, strerror(ENOMEM));
		tw_attach_close(attach);
		return -ENOMEM;
	}
	opening->list = list;
	list[opening->count++] = attach;
	return 0;
}

static int open_ring(struct opening *opening, const char *target)
{
	struct tw_attach *attach;
	int code;

	/* What has ended can be looked at, so it need not be writable. */
	code = tw_attach_open(target, false, &attach, &opening->error);
	return code ? code : add(opening, attach);
}

/* ---- Guests ---- */

/* All rings that can be used; if there is none, why. */
static int add_rings(struct opening *opening, struct tw_ram *ram, bool writable)
{
	const size_t before = opening->count;
	struct tw_attach *attach;
	int code = 0;

	for (size_t i = 0; !code && i < tw_ram_ring_count(ram); i++)
		if (tw_ram_ring_is_usable(tw_ram_ring(ram, i)) &&
		    !tw_ram_attach(ram, i, writable, &attach, &opening->error))
			code = add(opening, attach);
	if (code || opening->count > before)
		return code;
	code = tw_ram_attach_only(ram, writable, &attach, &opening->error);
	return code ? code : add(opening, attach);
}

static int open_guest(struct opening *opening, const char *target)
{
	const bool writable = strncmp(target, "image:", 6) != 0;
	struct tw_ram *ram;
	int code = tw_ram_open(target, writable, &ram, &opening->error);

	if (code)
		return code;
	code = tw_ram_scan(ram, &opening->error);
	if (code >= 0)
		code = add_rings(opening, ram, writable);
	tw_ram_close(ram);
	return code;
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

static int create(struct opening *opening, struct tw_monitor **monitor)
{
	struct tw_monitor_target *list = calloc(opening->count, sizeof(*list));
	int code = -ENOMEM;

	for (size_t i = 0; list && i < opening->count; i++)
		list[i].attach = opening->list[i];
	if (list)
		code = tw_monitor_create(list, opening->count, monitor);
	free(list);
	if (code)
		return fail(opening, code, "monitor", strerror(-code));
	(*monitor)->opened = opening->list;
	(*monitor)->opened_count = opening->count;
	return 0;
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
	for (size_t i = 0; i < opening.count; i++)
		tw_attach_close(opening.list[i]);
	free(opening.list);
	return code;
}
