/* SPDX-License-Identifier: MIT */
/*
 * Recording into a file of QEMU's simpletrace format: see destination.h. Its
 * readers don't sort, so events are written in the order of time, but for those
 * that come very late.
 */
#include "destination.h"

#include "../attach/ram.h"
#include "../trace/read.h"
#include "../trace/write-simpletrace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_NS 10000000u /* how late an event may come */
#define RECORD_BYTES 40u  /* of a record, about */

struct simpletrace {
	struct tw_destination destination;
	struct tw_trace *trace; /* lives until the writer is closed */
	struct tw_simpletrace *writer;
	char *path;
	struct tw_attach **attaches; /* the trace's, by its producers */
	uint32_t count;
	int live_count;
	int broken; /* why nothing more can be written, or 0 */
};

static struct simpletrace *simpletrace_of(struct tw_destination *destination)
{
	return (struct simpletrace *)(void *)destination;
}

static int add(struct tw_destination *destination, struct tw_attach *attach,
	       const struct tw_ring_start *start, struct tw_attach_error *error)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);
	const struct tw_drain_options options = {
		.start = start->has_history ? TW_DRAIN_ALL : TW_DRAIN_NOW,
		.after = start->after,
		.open = true,
		.release = true,
	};
	struct tw_attach **list;
	int code;

	list = reallocarray(simpletrace->attaches, simpletrace->count + 1,
			    sizeof(struct tw_attach *));
	if (!list) {
		tw_attach_close(attach);
		*error = (struct tw_attach_error){"out of memory"};
		return -ENOMEM;
	}
	simpletrace->attaches = list;
	code = tw_trace_add_guest(
		simpletrace->trace, attach, &options,
		tw_ram_is_spec(attach->target.path) ? start->epoch : 0, error);
	if (code)
		return code;
	list[simpletrace->count++] = attach;
	simpletrace->live_count++;
	return 0;
}

/* ---- Records ---- */

static int break_off(struct simpletrace *simpletrace, int code,
		     const char *target, const char *line)
{
	simpletrace->broken = code;
	return tw_destination_fail(&simpletrace->destination, code, target,
				   line);
}

static int write_records(struct simpletrace *simpletrace, uint64_t *count)
{
	const struct tw_record *record;
	int code;

	while ((code = tw_trace_next(simpletrace->trace, &record)) > 0) {
		++*count;
		code = tw_simpletrace_write(simpletrace->writer, record);
		if (code)
			break;
	}
	if (!code && *count)
		code = tw_simpletrace_flush(simpletrace->writer);
	return code ? break_off(simpletrace, code, simpletrace->path,
				strerror(-code))
		    : 0;
}

static int take(struct simpletrace *simpletrace, uint64_t hold_ns, bool finish,
		uint64_t *count)
{
	struct tw_attach_error error;
	int live;

	if (simpletrace->broken)
		return simpletrace->broken;
	tw_trace_hold(simpletrace->trace, hold_ns);
	live = tw_trace_poll(simpletrace->trace, finish, &error);
	if (live < 0)
		return break_off(simpletrace, live, NULL, error.text);
	simpletrace->live_count = live;
	return write_records(simpletrace, count);
}

static int turn(struct tw_destination *destination, uint64_t *bytes)
{
	uint64_t count = 0;
	const int code = take(simpletrace_of(destination), HOLD_NS, false,
			      &count);

	*bytes = count * RECORD_BYTES;
	return code;
}

static int flush(struct tw_destination *destination)
{
	uint64_t count = 0;

	return take(simpletrace_of(destination), 0, false, &count);
}

static void end(struct tw_destination *destination)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);
	uint64_t count = 0;
	int code;

	take(simpletrace, 0, true, &count);
	code = tw_simpletrace_close(simpletrace->writer);
	simpletrace->writer = NULL;
	if (code)
		break_off(simpletrace, code, simpletrace->path,
			  strerror(-code));
}

/* ---- Rings ---- */

/* The producer of this path of which more may come; its count if there is none.
 */
static uint32_t find(const struct simpletrace *simpletrace, const char *path)
{
	uint32_t i;

	for (i = 0; i < simpletrace->count; i++)
		if (tw_trace_drain(simpletrace->trace, i) &&
		    strcmp(simpletrace->attaches[i]->target.path, path) == 0)
			break;
	return i;
}

static const struct tw_drain *cut(struct tw_destination *destination,
				  const char *path)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);
	uint32_t producer;

	if (flush(destination))
		return NULL;
	producer = find(simpletrace, path);
	return producer < simpletrace->count
		       ? tw_trace_drain(simpletrace->trace, producer)
		       : NULL;
}

static void leave(struct tw_destination *destination, const char *path)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);
	const uint32_t producer = find(simpletrace, path);

	if (producer < simpletrace->count)
		tw_trace_leave(simpletrace->trace, producer);
}

static bool is_live(const struct tw_destination *destination)
{
	const struct simpletrace *simpletrace =
		(const struct simpletrace *)(const void *)destination;

	return simpletrace->live_count > 0;
}

static bool sleep_on_ring(struct tw_destination *destination, int timeout_ms)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);
	const struct tw_drain *drain = NULL;
	uint32_t i;

	if (simpletrace->live_count != 1)
		return false;
	for (i = 0; !drain && i < simpletrace->count; i++)
		drain = tw_trace_drain(simpletrace->trace, i);
	if (drain)
		tw_attach_wait(simpletrace->attaches[i - 1],
			       tw_drain_head(drain), timeout_ms);
	return drain;
}

/* ---- Life ---- */

static void destroy(struct tw_destination *destination)
{
	struct simpletrace *simpletrace = simpletrace_of(destination);

	/* NULL but where it never began. */
	tw_simpletrace_close(simpletrace->writer);
	tw_trace_destroy(simpletrace->trace);
	free(simpletrace->attaches);
	free(simpletrace->path);
	free(simpletrace);
}

static const struct tw_destination_kind kind = {
	.add = add,
	.turn = turn,
	.flush = flush,
	.cut = cut,
	.leave = leave,
	.is_live = is_live,
	.wait = sleep_on_ring,
	.end = end,
	.destroy = destroy,
};

int tw_destination_open_simpletrace(const char *to, bool append,
				    struct tw_destination **destination,
				    struct tw_attach_error *error)
{
	struct simpletrace *simpletrace = calloc(1, sizeof(*simpletrace));
	int code = -ENOMEM;

	*error = (struct tw_attach_error){"out of memory"};
	if (!simpletrace)
		return code;
	simpletrace->destination.kind = &kind;
	simpletrace->path = strdup(to);
	if (simpletrace->path && !tw_trace_create(&simpletrace->trace))
		code = tw_simpletrace_create(to, append, &simpletrace->writer,
					     error);
	if (code)
		destroy(&simpletrace->destination);
	else
		*destination = &simpletrace->destination;
	return code;
}
