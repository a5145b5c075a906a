/* SPDX-License-Identifier: MIT */
/* Recording into a trace directory: see destination.h. */
#include "destination.h"

#include "../attach/ram.h"
#include "../trace/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ctf {
	struct tw_destination destination;
	struct tw_recording *recording;
};

static struct ctf *ctf_of(struct tw_destination *destination)
{
	return (struct ctf *)(void *)destination;
}

/* A ring that can't be read any more ends nothing but its own part; it is told
 * all the same. */
static void say(void *context, enum tw_recording_line kind, const char *target,
		const char *line)
{
	struct tw_destination *destination = context;

	if (kind == TW_RECORDING_ERROR)
		tw_destination_fail(destination, -EIO, target, line);
}

/* "vm:1234/0x7f0000001000" is where it is in the guest's memory. */
static uint64_t place_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strtoull(slash + 1, NULL, 0) : 0;
}

static int add_ring(struct tw_recording *recording, struct tw_attach *attach,
		    const struct tw_ring_start *start)
{
	const struct tw_ctf_guest guest = {
		.epoch = start->epoch,
		.place = place_of(attach->target.path),
	};
	const struct tw_ctf_guest *or_none = tw_ram_is_spec(attach->target.path)
						     ? &guest
						     : NULL;

	if (start->after)
		return tw_recording_add_after(recording, attach, or_none,
					      start->after);
	return tw_recording_add_guest(
		recording, attach, start->has_history ? TW_RECORD_HISTORY : 0,
		or_none);
}

static int add(struct tw_destination *destination, struct tw_attach *attach,
	       const struct tw_ring_start *start, struct tw_attach_error *error)
{
	const struct tw_destination before = *destination;
	int code;

	destination->code = 0;
	code = add_ring(ctf_of(destination)->recording, attach, start);
	if (code)
		*error = destination->error;
	*destination = before;
	return code;
}

static int turn(struct tw_destination *destination, uint64_t *bytes)
{
	return tw_recording_drain(ctf_of(destination)->recording, bytes);
}

static int flush(struct tw_destination *destination)
{
	return tw_recording_flush(ctf_of(destination)->recording);
}

static const struct tw_drain *cut(struct tw_destination *destination,
				  const char *path)
{
	return tw_recording_cut(ctf_of(destination)->recording, path);
}

static void leave(struct tw_destination *destination, const char *path)
{
	tw_recording_leave(ctf_of(destination)->recording, path);
}

static bool is_live(const struct tw_destination *destination)
{
	const struct ctf *ctf = (const struct ctf *)(const void *)destination;

	return tw_recording_live_count(ctf->recording) > 0;
}

static bool sleep_on_ring(struct tw_destination *destination, int timeout_ms)
{
	return tw_recording_wait(ctf_of(destination)->recording, timeout_ms);
}

static void end(struct tw_destination *destination)
{
	/* say() has kept what went wrong. */
	tw_recording_end(ctf_of(destination)->recording);
}

static void destroy(struct tw_destination *destination)
{
	tw_recording_destroy(ctf_of(destination)->recording);
	free(destination);
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

int tw_destination_open_ctf(const char *to, bool append,
			    struct tw_destination **destination,
			    struct tw_attach_error *error)
{
	struct ctf *ctf = calloc(1, sizeof(*ctf));
	struct tw_recording_options options = {
		.directory = to,
		.append = append,
		.say = say,
		.context = ctf,
	};
	int code;

	if (!ctf) {
		*error = (struct tw_attach_error){"out of memory"};
		return -ENOMEM;
	}
	ctf->destination.kind = &kind;
	code = tw_recording_create(&options, &ctf->recording);
	if (!code) {
		*destination = &ctf->destination;
		return 0;
	}
	*error = ctf->destination.error;
	free(ctf);
	return code;
}
