/* SPDX-License-Identifier: MIT */
/*
 * Opening the targets of `trackway record`, each once, and the rings that come
 * in guests' memories later.
 *
 * Called by record-session.c.
 */
#include "record-targets.h"

#include "../ring/glob.h"
#include "../trace/foreign.h"
#include "status-line.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A ring that is open and not being recorded yet. */
struct tw_record_opened {
	struct tw_attach *attach;
	struct tw_ctf_guest guest; /* its epoch is 0 if it is none */
};

/* ---- Rings ---- */

static void match_patterns(const struct tw_record_request *request,
			   const struct tw_attach *attach, bool *matched)
{
	const struct tw_event_desc *event;

	for (size_t i = 0; i < request->patterns.count; i++)
		for (uint32_t id = 0; id < attach->lookup_count; id++) {
			event = attach->lookup[id];
			matched[i] |= event &&
				      tw_glob_match(request->patterns.list[i],
						    event->name);
		}
}

/* A typing error in -e would make an empty recording. */
static int say_unmatched(const struct tw_record_request *request,
			 const bool *matched)
{
	int status = TW_EXIT_OK;

	for (size_t i = 0; i < request->patterns.count; i++)
		if (!matched[i] && request->patterns.list[i][0] != '-')
			status = tw_error(NULL, "no event matches '%s'",
					  request->patterns.list[i]);
	return status;
}

/* Two targets may name the same ring: it is recorded once. */
static bool is_kept(const struct tw_record_targets *targets, const char *path)
{
	for (size_t i = 0; i < targets->opened_count; i++)
		if (strcmp(targets->opened[i].attach->target.path, path) == 0)
			return true;
	return false;
}

/* Keep a ring until all are open. It is freed at an error. */
static int keep(struct tw_record_targets *targets, struct tw_attach *attach,
		const struct tw_ctf_guest *guest)
{
	struct tw_record_opened *list;

	if (attach->target.state == TW_TARGET_RUNNING && !attach->writable) {
		tw_error(attach->target.path, "its ring can't be written to, "
					      "so its events can't be "
					      "switched");
		tw_attach_close(attach);
		return TW_EXIT_FAILED;
	}
	if (is_kept(targets, attach->target.path)) {
		tw_attach_close(attach);
		return TW_EXIT_OK;
	}
	list = reallocarray(targets->opened, targets->opened_count + 1,
			    sizeof(*list));
	if (!list) {
		tw_attach_close(attach);
		return tw_error_memory();
	}
	targets->opened = list;
	list[targets->opened_count++] = (struct tw_record_opened){
		.attach = attach, .guest = *guest};
	return TW_EXIT_OK;
}

/* Of what has ended there is nothing but history; of a channel nothing has been
 * read yet, and all that comes is wanted. */
static unsigned int flags_of(const struct tw_attach *attach, bool history)
{
	const bool running = attach->target.state == TW_TARGET_RUNNING;

	history |= attach->has_end;
	return (running ? TW_RECORD_SWITCH : 0) |
	       (history || !running ? TW_RECORD_HISTORY : 0);
}

/* ---- Guests ---- */

static int keep_guest(void *context, const struct tw_guest_ring *ring)
{
	const struct tw_ctf_guest guest = {ring->epoch, ring->place};

	return keep(context, ring->attach, &guest);
}

static void say_guest(const struct tw_recording *recording,
		      const struct tw_guest_ring *ring, const char *name)
{
	const char *path = tw_recording_last_path(recording);

	tw_status_clear();
	if (ring->is_reset)
		tw_notice("%s: reset: %s, epoch %" PRIu32 ", in %s",
			  ring->target, name, ring->epoch, path);
	else
		tw_notice("%s: a new ring: %s, in %s", ring->target, name,
			  path);
}

/* A ring that has come while others are recorded: all that it holds. */
static int add_guest(void *context, const struct tw_guest_ring *ring)
{
	struct tw_recording *recording = context;
	const struct tw_ctf_guest guest = {ring->epoch, ring->place};
	struct tw_attach *attach = ring->attach;
	const uint32_t live = tw_recording_live_count(recording);
	char *name = strdup(attach->target.name);
	int error;

	if (!name) {
		tw_attach_close(attach);
		return tw_error_memory();
	}
	error = tw_recording_add_guest(recording, attach,
				       flags_of(attach, true), &guest);
	if (tw_recording_live_count(recording) > live)
		say_guest(recording, ring, name);
	free(name);
	return tw_record_exit(error);
}

int tw_record_targets_look(struct tw_record_targets *targets,
			   struct tw_recording *recording)
{
	uint32_t gone;

	if (!targets->guests)
		return TW_EXIT_OK;
	gone = tw_recording_gone_count(recording);
	if (gone != targets->gone_count)
		tw_guests_hurry(targets->guests);
	targets->gone_count = gone;
	return tw_guests_look(targets->guests, add_guest, recording);
}

/* ---- Targets ---- */

/* What opening them has at hand. */
struct opening {
	struct tw_record_targets *targets;
	const struct tw_record_request *request;
	bool (*is_stopped)(void);
};

static int open_channel(const struct opening *opening, const char *target)
{
	static const struct tw_ctf_guest none;
	const struct tw_channel_source_options what = {
		.switches = true, .follow = opening->request->follow};
	struct tw_attach *attach;
	int status = tw_channels_open(&opening->targets->channels, target,
				      &opening->request->events, what, &attach);

	return status ? status : keep(opening->targets, attach, &none);
}

static int open_guest(const struct opening *opening, const char *target)
{
	struct tw_record_targets *targets = opening->targets;

	if (!targets->guests)
		targets->guests = tw_guests_create(opening->request->schema,
						   opening->is_stopped);
	return targets->guests ? tw_guests_add(targets->guests, target)
			       : TW_EXIT_FAILED;
}

static int open_target(const struct opening *opening, const char *target)
{
	static const struct tw_ctf_guest none;
	struct tw_attach_error error;
	struct tw_attach *attach;

	if (tw_is_guest(target))
		return open_guest(opening, target);
	if (tw_is_channel(target))
		return open_channel(opening, target);
	if (tw_foreign_is_spec(target))
		return tw_error(target, "another tracer's events are in a file "
					"already: trackway print shows them "
					"together with a recording");
	if (tw_attach_open(target, false, &attach, &error))
		return tw_error(NULL, "%s", error.text);
	return keep(opening->targets, attach, &none);
}

static int match_all(const struct tw_record_targets *targets,
		     const struct tw_record_request *request)
{
	bool *matched = calloc(request->patterns.count + 1, sizeof(*matched));
	int status;

	if (!matched)
		return tw_error_memory();
	for (size_t i = 0; i < targets->opened_count; i++)
		match_patterns(request, targets->opened[i].attach, matched);
	status = say_unmatched(request, matched);
	free(matched);
	return status;
}

int tw_record_targets_open(struct tw_record_targets *targets,
			   const struct tw_record_request *request,
			   bool (*is_stopped)(void))
{
	const struct opening opening = {targets, request, is_stopped};
	int status = TW_EXIT_OK;

	for (size_t i = 0; !status && i < request->targets.count; i++)
		if (!tw_words_repeats(&request->targets, i))
			status = open_target(&opening,
					     request->targets.list[i]);
	if (!status)
		status = tw_guests_check_schema(targets->guests,
						request->schema);
	if (!status)
		status = tw_channels_check(targets->channels, &request->events);
	if (!status && targets->guests)
		status = tw_guests_look(targets->guests, keep_guest, targets);
	/* What nobody can ever find a ring in is a mistake. */
	if (!status && targets->guests && !tw_guests_may_come(targets->guests))
		status = tw_guests_expect_rings(targets->guests);
	/* A guest or a command that is still to come may have what is asked
	 * for. */
	if (!status && targets->opened_count && !request->command)
		status = match_all(targets, request);
	return status;
}

int tw_record_targets_add(struct tw_record_targets *targets,
			  const struct tw_record_request *request,
			  struct tw_recording *recording)
{
	struct tw_record_opened *opened;
	int error = 0;

	for (size_t i = 0; !error && i < targets->opened_count; i++) {
		opened = &targets->opened[i];
		error = tw_recording_add_guest(
			recording, opened->attach,
			flags_of(opened->attach, request->history),
			opened->guest.epoch ? &opened->guest : NULL);
		opened->attach = NULL;
	}
	return tw_record_exit(error);
}

void tw_record_targets_close(struct tw_record_targets *targets)
{
	for (size_t i = 0; i < targets->opened_count; i++)
		tw_attach_close(targets->opened[i].attach);
	free(targets->opened);
	targets->opened = NULL;
	targets->opened_count = 0;
}

void tw_record_targets_destroy(struct tw_record_targets *targets)
{
	tw_record_targets_close(targets);
	tw_guests_destroy(targets->guests);
	tw_channels_destroy(targets->channels);
}
