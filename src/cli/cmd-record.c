/* SPDX-License-Identifier: MIT */
/*
 * trackway record: events into a trace directory, from running programs, from
 * guests and from a command that it starts, all at once. One loop: look for new
 * rings, give each ring a turn, sleep if there was little to do.
 */
#include "cli.h"

#include "../attach/attach.h"
#include "../ring/glob.h"
#include "../trace/foreign.h"
#include "channels.h"
#include "guests.h"
#include "recording.h"
#include "spawn.h"
#include "status-line.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RING_SIZE_DEFAULT (64u << 20)
#define RING_SIZE_SMALLEST (64u << 10)
#define RING_SIZE_LARGEST (1ull << 40)
#define SECONDS_MAX (UINT64_C(366) * 24 * 3600)
#define NS_PER_S 1000000000u

#define PARTS_MAX 20 /* producers that have a line of their own */

#define BUSY_BYTES                                                \
	(1u << 20) /* after a turn of this much there is no sleep \
		    */
#define PAUSE_BUSY_MS 1
#define PAUSE_IDLE_MS 5
#define IDLE_NS 100000000u /* after this long, wait for a page turn instead */
#define WAIT_IDLE_MS 50

/* A second SIGINT within this long is the first one's echo: timeout(1), for
 * one, sends it both to us and to our group. */
#define ECHO_NS 400000000u

enum {
	OPTION_HISTORY = TW_OPTION_ID(1),
	OPTION_SECONDS = TW_OPTION_ID(2),
	OPTION_RING_SIZE = TW_OPTION_ID(3),
	OPTION_MODE = TW_OPTION_ID(4),
	OPTION_SCHEMA = TW_OPTION_ID(5),
	OPTION_FOLLOW = TW_OPTION_ID(6),
};

struct request {
	const char *directory;
	struct tw_words patterns;
	struct tw_words targets;
	char **command; /* NULL: none */
	bool history;
	uint64_t seconds; /* 0: no limit */
	uint64_t ring_size;
	const char *mode;
	const char *schema;
	struct tw_words events; /* files */
	bool follow;
};

/* A ring that is open and not being recorded yet. */
struct opened {
	struct tw_attach *attach;
	struct tw_ctf_guest guest; /* its epoch is 0 if it is none */
};

struct session {
	const struct request *request;
	struct tw_recording *recording;
	struct opened *opened;
	size_t opened_count;
	struct tw_guests *guests;     /* NULL: no target is a guest's memory */
	uint32_t gone_count;	      /* of guests' rings */
	struct tw_channels *channels; /* NULL: no target is one */
	struct tw_spawn spawn;
	bool has_command;
	bool missed_ring; /* a ring was there that could not be opened yet */
	bool is_told_to_end;
	bool is_ended_by_us; /* the command: its time was over */
	uint64_t begin_ns;
	uint64_t busy_ns; /* when there was last something to do */
	uint64_t status_ns;
	uint64_t status_bytes;
	unsigned int signals_seen;
};

/* ---- Signals ---- */

static volatile sig_atomic_t signal_count;
static volatile sig_atomic_t signal_number;
static volatile sig_atomic_t signal_is_ours_alone;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	/* What a terminal sends, the command has got as well. */
	signal_is_ours_alone = info->si_code != SI_KERNEL;
	signal_number = number;
	signal_count++;
}

static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_sigaction = on_signal,
				   .sa_flags = (int)SA_SIGINFO};
	struct sigaction before;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!sigaction(numbers[i], NULL, &before) &&
		    before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
}

/*
 * The first signal ends a recording of running programs. A command is told, and
 * recorded until it has ended; the second signal doesn't wait for that.
 */
static void handle_signals(struct session *session)
{
	static uint64_t first_ns;
	const unsigned int count = (unsigned int)signal_count;

	if (count == session->signals_seen)
		return;
	if (session->signals_seen == 0) {
		first_ns = tw_monotonic_ns();
		if (session->has_command && signal_is_ours_alone)
			tw_spawn_signal(&session->spawn, signal_number);
		session->is_told_to_end = !session->has_command;
	} else if (tw_monotonic_ns() - first_ns > ECHO_NS) {
		session->is_told_to_end = true;
	}
	session->signals_seen = count;
}

/* ---- Rings ---- */

static void match_patterns(const struct request *request,
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
static int say_unmatched(const struct request *request, const bool *matched)
{
	int status = TW_EXIT_OK;

	for (size_t i = 0; i < request->patterns.count; i++)
		if (!matched[i] && request->patterns.list[i][0] != '-')
			status = tw_error(NULL, "no event matches '%s'",
					  request->patterns.list[i]);
	return status;
}

/* Two targets may name the same ring: it is recorded once. */
static bool is_kept(const struct session *session, const char *path)
{
	for (size_t i = 0; i < session->opened_count; i++)
		if (strcmp(session->opened[i].attach->target.path, path) == 0)
			return true;
	return false;
}

/* Keep a ring until all are open. It is freed at an error. */
static int keep(struct session *session, struct tw_attach *attach,
		const struct tw_ctf_guest *guest)
{
	struct opened *list;

	if (attach->target.state == TW_TARGET_RUNNING && !attach->writable) {
		tw_error(attach->target.path, "its ring can't be written to, "
					      "so its events can't be "
					      "switched");
		tw_attach_close(attach);
		return TW_EXIT_FAILED;
	}
	if (is_kept(session, attach->target.path)) {
		tw_attach_close(attach);
		return TW_EXIT_OK;
	}
	list = reallocarray(session->opened, session->opened_count + 1,
			    sizeof(*list));
	if (!list) {
		tw_attach_close(attach);
		return tw_error_memory();
	}
	session->opened = list;
	list[session->opened_count++] = (struct opened){.attach = attach,
							.guest = *guest};
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

static bool is_stopped(void)
{
	return signal_count > 0;
}

static int keep_guest(void *context, const struct tw_guest_ring *ring)
{
	const struct tw_ctf_guest guest = {ring->epoch, ring->place};

	return keep(context, ring->attach, &guest);
}

static void say_guest(const struct session *session,
		      const struct tw_guest_ring *ring, const char *name)
{
	const char *path = tw_recording_last_path(session->recording);

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
	struct session *session = context;
	const struct tw_ctf_guest guest = {ring->epoch, ring->place};
	struct tw_attach *attach = ring->attach;
	const uint32_t live = tw_recording_live_count(session->recording);
	char *name = strdup(attach->target.name);
	int status;

	if (!name) {
		tw_attach_close(attach);
		return tw_error_memory();
	}
	status = tw_recording_add_guest(session->recording, attach,
					flags_of(attach, true), &guest);
	if (tw_recording_live_count(session->recording) > live)
		say_guest(session, ring, name);
	free(name);
	return status;
}

static int look_for_guests(struct session *session)
{
	uint32_t gone;

	if (!session->guests)
		return TW_EXIT_OK;
	gone = tw_recording_gone_count(session->recording);
	if (gone != session->gone_count)
		tw_guests_hurry(session->guests);
	session->gone_count = gone;
	return tw_guests_look(session->guests, add_guest, session);
}

/* ---- Targets ---- */

static int open_channel(struct session *session, const char *target)
{
	static const struct tw_ctf_guest none;
	const struct tw_channel_source_options what = {
		.switches = true, .follow = session->request->follow};
	struct tw_attach *attach;
	int status = tw_channels_open(&session->channels, target,
				      &session->request->events, what, &attach);

	return status ? status : keep(session, attach, &none);
}

static int open_target(struct session *session, const char *target)
{
	static const struct tw_ctf_guest none;
	struct tw_attach_error error;
	struct tw_attach *attach;

	if (tw_is_guest(target)) {
		if (!session->guests)
			session->guests = tw_guests_create(
				session->request->schema, is_stopped);
		return session->guests ? tw_guests_add(session->guests, target)
				       : TW_EXIT_FAILED;
	}
	if (tw_is_channel(target))
		return open_channel(session, target);
	if (tw_foreign_is_spec(target))
		return tw_error(target, "another tracer's events are in a file "
					"already: trackway print shows them "
					"together with a recording");
	if (tw_attach_open(target, false, &attach, &error))
		return tw_error(NULL, "%s", error.text);
	return keep(session, attach, &none);
}

static int match_all(const struct session *session)
{
	const struct request *request = session->request;
	bool *matched = calloc(request->patterns.count + 1, sizeof(*matched));
	int status;

	if (!matched)
		return tw_error_memory();
	for (size_t i = 0; i < session->opened_count; i++)
		match_patterns(request, session->opened[i].attach, matched);
	status = say_unmatched(request, matched);
	free(matched);
	return status;
}

static int open_targets(struct session *session)
{
	const struct request *request = session->request;
	int status = TW_EXIT_OK;

	for (size_t i = 0; !status && i < request->targets.count; i++)
		if (!tw_words_repeats(&request->targets, i))
			status = open_target(session, request->targets.list[i]);
	if (!status)
		status = tw_guests_check_schema(session->guests,
						request->schema);
	if (!status)
		status = tw_channels_check(session->channels, &request->events);
	if (!status && session->guests)
		status = tw_guests_look(session->guests, keep_guest, session);
	/* What nobody can ever find a ring in is a mistake. */
	if (!status && session->guests && !tw_guests_may_come(session->guests))
		status = tw_guests_expect_rings(session->guests);
	/* A guest or a command that is still to come may have what is asked
	 * for. */
	if (!status && session->opened_count && !request->command)
		status = match_all(session);
	return status;
}

static int add_targets(struct session *session)
{
	const struct request *request = session->request;
	struct opened *opened;
	int status = TW_EXIT_OK;

	for (size_t i = 0; !status && i < session->opened_count; i++) {
		opened = &session->opened[i];
		status = tw_recording_add_guest(
			session->recording, opened->attach,
			flags_of(opened->attach, request->history),
			opened->guest.epoch ? &opened->guest : NULL);
		opened->attach = NULL;
	}
	return status;
}

/* What was opened and not added, after an error, is let go of. */
static void close_targets(struct session *session)
{
	for (size_t i = 0; i < session->opened_count; i++)
		tw_attach_close(session->opened[i].attach);
	free(session->opened);
	session->opened = NULL;
	session->opened_count = 0;
}

/* A ring file of the command or of a child of it. */
static int add_ring(void *context, const char *path)
{
	struct session *session = context;
	struct tw_attach_error error;
	struct tw_attach *attach;
	char *spec;
	int failed;

	if (tw_recording_has(session->recording, path))
		return 0;
	if (asprintf(&spec, "ring:%s", path) < 0)
		return tw_error_memory();
	failed = tw_attach_open(spec, false, &attach, &error);
	free(spec);
	if (failed) {
		/* In the making, or left by a producer that was killed while
		 * it was. */
		session->missed_ring = true;
		return 0;
	}
	return tw_recording_add(session->recording, attach,
				TW_RECORD_HISTORY | TW_RECORD_REMOVE);
}

static int add_new_rings(struct session *session)
{
	const int status = look_for_guests(session);

	if (status || !session->has_command)
		return status;
	session->missed_ring = false;
	return tw_spawn_each_ring(&session->spawn, add_ring, session);
}

static int start_command(struct session *session)
{
	const struct request *request = session->request;
	const struct tw_spawn_options options = {
		.patterns = &request->patterns,
		.ring_size = request->ring_size,
		.mode = request->mode,
	};
	int status;

	if (!request->command)
		return TW_EXIT_OK;
	status = tw_spawn_start(&session->spawn, request->command, &options);
	session->has_command = !status;
	return status;
}

/*
 * Nothing is made or switched unless all targets can be had; and they are
 * recorded by the time that the command starts.
 */
static int start(struct session *session)
{
	const struct request *request = session->request;
	int status;

	status = open_targets(session);
	if (!status)
		status = tw_recording_create(request->directory,
					     &request->patterns,
					     &session->recording);
	if (!status)
		status = add_targets(session);
	close_targets(session);
	if (!status)
		status = start_command(session);
	if (status && session->recording && !request->targets.count)
		rmdir(request->directory);
	return status;
}

/* ---- The loop ---- */

/* While no ring is there: what is waited for. */
static bool show_waiting(const struct session *session)
{
	const char *target = NULL;

	if (session->guests && !tw_recording_live_count(session->recording))
		target = tw_guests_without(session->guests);
	if (target)
		tw_status_show(
			"waiting for a ring in %s, %s", target,
			tw_duration_of(tw_monotonic_ns() - session->begin_ns)
				.text);
	return target;
}

static void show_status(struct session *session)
{
	struct tw_recording_totals totals;
	const uint64_t now = tw_monotonic_ns();
	uint64_t per_second = 0;

	if (!tw_status_is_due())
		return;
	if (show_waiting(session))
		return;
	tw_recording_totals(session->recording, &totals);
	if (now > session->status_ns)
		per_second = (uint64_t)((double)(totals.bytes -
						 session->status_bytes) *
					1e9 /
					(double)(now - session->status_ns));
	session->status_ns = now;
	session->status_bytes = totals.bytes;
	tw_status_show("%" PRIu64 " events, %" PRIu64 " lost, %s, %s/s, %s",
		       totals.events, totals.lost,
		       tw_bytes_of(totals.bytes).text,
		       tw_bytes_of(per_second).text,
		       tw_duration_of(now - session->begin_ns).text);
}

static void handle_time(struct session *session)
{
	const uint64_t seconds = session->request->seconds;

	if (!seconds || session->is_ended_by_us || session->is_told_to_end ||
	    tw_monotonic_ns() - session->begin_ns < seconds * NS_PER_S)
		return;
	if (session->has_command) {
		session->is_ended_by_us = true;
		tw_spawn_signal(&session->spawn, SIGTERM);
	} else {
		session->is_told_to_end = true;
	}
}

/*
 * was_running: the command, or a guest, before this turn; so that the rings of
 * its last moments have been looked for.
 */
static bool is_over(const struct session *session, bool was_running)
{
	if (session->is_told_to_end)
		return true;
	if (was_running)
		return false;
	/* With a command it is over when that is, whoever else lives on. */
	if (session->has_command)
		return tw_recording_command_count(session->recording) == 0;
	return tw_recording_live_count(session->recording) == 0;
}

/* Whether rings may still come that have to be looked for first. */
static bool may_come(struct session *session)
{
	if (session->has_command)
		return tw_spawn_is_running(&session->spawn);
	return session->guests && tw_guests_may_come(session->guests);
}

static void pause_between(struct session *session, uint64_t bytes)
{
	const uint64_t now = tw_monotonic_ns();
	int ms = PAUSE_BUSY_MS;
	bool is_alone;

	if (bytes >= BUSY_BYTES)
		return;
	if (bytes)
		session->busy_ns = now;
	else if (now - session->busy_ns > IDLE_NS)
		ms = PAUSE_IDLE_MS;
	if (session->has_command) {
		tw_spawn_wait(&session->spawn, ms);
		return;
	}
	is_alone = tw_recording_live_count(session->recording) == 1;
	if (tw_channels_wait(session->channels, is_alone && ms == PAUSE_IDLE_MS
							? WAIT_IDLE_MS
							: ms))
		return;
	/* A guest's reset wakes nobody. */
	if (ms == PAUSE_IDLE_MS && !session->guests &&
	    tw_recording_wait(session->recording, WAIT_IDLE_MS))
		return;
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static int record(struct session *session)
{
	uint64_t bytes;
	bool running;
	int status;

	for (;;) {
		running = may_come(session);
		status = add_new_rings(session);
		if (!status)
			status = tw_recording_drain(session->recording, &bytes);
		if (status)
			return status;
		tw_channels_say_news(session->channels);
		show_status(session);
		handle_signals(session);
		handle_time(session);
		if (is_over(session, running))
			return TW_EXIT_OK;
		pause_between(session, bytes);
	}
}

/* ---- The end ---- */

static bool has_several_targets(const struct session *session)
{
	const struct request *request = session->request;

	return request->targets.count + (request->command ? 1 : 0) > 1;
}

/* A line each, as far as that is of use. */
static void say_parts(const struct session *session, uint32_t count)
{
	struct tw_recording_part part;

	if (!has_several_targets(session))
		return;
	for (uint32_t i = 0; i < count && i < PARTS_MAX; i++) {
		tw_recording_part(session->recording, i, &part);
		tw_notice("%s: %" PRIu64 " events, %" PRIu64 " lost", part.path,
			  part.events, part.lost);
	}
	if (count > PARTS_MAX)
		tw_notice("and %" PRIu32 " more", count - PARTS_MAX);
}

static void say_totals(const struct session *session)
{
	struct tw_recording_totals totals;
	struct tw_text counts = {0};

	tw_recording_totals(session->recording, &totals);
	say_parts(session, totals.producers);
	tw_channels_add_counts(session->channels, &counts);
	tw_notice("%" PRIu64 " events, %" PRIu64 " lost, from %" PRIu32
		  " producer%s in %s%.*s",
		  totals.events, totals.lost, totals.producers,
		  totals.producers == 1 ? "" : "s", session->request->directory,
		  (int)counts.size, counts.data ? counts.data : "");
	free(counts.data);
}

/* A command that was never recorded: the user should know why. */
static int check_command(const struct session *session)
{
	struct tw_recording_totals totals;

	if (session->missed_ring)
		tw_notice("%s: left a ring that can't be read",
			  session->request->command[0]);
	tw_recording_totals(session->recording, &totals);
	/* One that is no producer may still say how long to record others. */
	if (totals.producers || session->request->targets.count)
		return TW_EXIT_OK;
	rmdir(session->request->directory);
	return tw_error(session->request->command[0],
			"has made no ring: is it built with trackway's events, "
			"and did it get that far?");
}

/* Wait for the command, if it is not to be recorded any more. */
static int end_command(struct session *session, int status)
{
	const struct timespec pause = {.tv_nsec = PAUSE_IDLE_MS * 1000000L};

	while (!session->is_told_to_end &&
	       tw_spawn_is_running(&session->spawn)) {
		handle_signals(session);
		nanosleep(&pause, NULL);
	}
	if (!status)
		status = check_command(session);
	tw_spawn_remove(&session->spawn);
	if (status || session->spawn.pid)
		return status;
	if (session->is_ended_by_us &&
	    WIFSIGNALED(session->spawn.wait_status) &&
	    WTERMSIG(session->spawn.wait_status) == SIGTERM)
		return TW_EXIT_OK;
	return tw_spawn_status(&session->spawn);
}

/* Guests that never had a ring. */
static int check_guests(const struct session *session)
{
	struct tw_recording_totals totals;
	int status;

	tw_recording_totals(session->recording, &totals);
	status = tw_guests_expect_rings(session->guests);
	if (status && !totals.producers)
		rmdir(session->request->directory);
	return totals.producers ? TW_EXIT_OK : status;
}

static int end_recording(struct session *session, int status)
{
	int missing = TW_EXIT_OK;
	int ended;

	tw_channels_stop(session->channels);
	ended = tw_recording_end(session->recording);
	tw_status_clear();
	tw_channels_say_news(session->channels);
	if (session->guests && !status)
		missing = check_guests(session);
	if (missing)
		return missing;
	say_totals(session);
	return status ? status : ended;
}

/* A stream file for each lane of each ring is open at a time. Not for the
 * command, which is started before. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_session(const struct request *request)
{
	struct session session = {
		.request = request,
		.begin_ns = tw_monotonic_ns(),
		.spawn = {.watch_fd = -1},
	};
	bool is_begun;
	int status;

	session.busy_ns = session.status_ns = session.begin_ns;
	catch_signals();
	status = start(&session);
	raise_file_limit();
	is_begun = !status || request->targets.count;
	if (!status)
		status = record(&session);
	if (session.recording && is_begun)
		status = end_recording(&session, status);
	if (session.has_command)
		status = end_command(&session, status);
	tw_recording_destroy(session.recording);
	tw_guests_destroy(session.guests);
	tw_channels_destroy(session.channels);
	return status;
}

/* ---- Arguments ---- */

static bool is_mode(const char *mode)
{
	return strcmp(mode, "overwrite") == 0 || strcmp(mode, "discard") == 0 ||
	       strcmp(mode, "block") == 0 ||
	       (strncmp(mode, "block:", 6) == 0 && mode[6] &&
		mode[6 + strspn(mode + 6, "0123456789")] == '\0');
}

static bool take_mode(struct tw_args *args, struct request *request)
{
	request->mode = args->value;
	if (is_mode(args->value))
		return true;
	args->status = tw_usage_error(args,
				      "--mode: '%s' is not overwrite, discard, "
				      "block or block:MS",
				      args->value);
	return false;
}

static bool take_option(struct tw_args *args, int id, struct request *request)
{
	switch (id) {
	case 'o':
		request->directory = args->value;
		return true;
	case 'e':
		tw_words_add(&request->patterns, args->value);
		return true;
	case OPTION_HISTORY:
		request->history = true;
		return true;
	case OPTION_SECONDS:
		return tw_args_number(args, "seconds", 1, SECONDS_MAX,
				      &request->seconds);
	case OPTION_RING_SIZE:
		return tw_args_number(args, "ring-size", RING_SIZE_SMALLEST,
				      RING_SIZE_LARGEST, &request->ring_size);
	case OPTION_MODE:
		return take_mode(args, request);
	case OPTION_SCHEMA:
		request->schema = args->value;
		return true;
	case TW_OPTION_EVENTS_ID:
		tw_words_add(&request->events, args->value);
		return true;
	case OPTION_FOLLOW:
		request->follow = true;
		return true;
	default:
		tw_words_add(&request->targets, args->value);
		return true;
	}
}

static const char *wrong_request(const struct request *request)
{
	if (!request->directory || !request->directory[0])
		return "into which directory? Say -o DIR";
	if (request->command && !request->command[0])
		return "which command?";
	if (!request->command && !request->targets.count)
		return "what? Name a target, or a command after --";
	if (!request->command && (request->ring_size || request->mode))
		return "--ring-size and --mode are for a command after --: a "
		       "running program has its ring";
	if (!request->targets.count && request->schema)
		return "--schema is for guests' rings";
	if (!request->targets.count &&
	    (request->events.count || request->follow))
		return "--events and --follow are for channels";
	if (!request->targets.count && request->history)
		return "--history is for running programs: of a command all is "
		       "recorded";
	return NULL;
}

static int take_arguments(struct tw_args *args, struct request *request)
{
	const char *wrong;
	int id;

	while ((id = tw_args_next(args)) != TW_ARG_END)
		if (id == TW_ARG_STOP || !take_option(args, id, request))
			return TW_ARG_STOP;
	request->command = args->rest;
	wrong = wrong_request(request);
	if (!wrong)
		return TW_ARG_END;
	args->status = tw_usage_error(args, "%s", wrong);
	return TW_ARG_STOP;
}

static int run(struct tw_args *args)
{
	struct request request = {0};
	int status;

	if (take_arguments(args, &request) == TW_ARG_STOP) {
		status = args->status;
	} else {
		if (request.command && !request.ring_size &&
		    !getenv("TRACKWAY_RING_SIZE"))
			request.ring_size = RING_SIZE_DEFAULT;
		status = run_session(&request);
	}
	tw_words_free(&request.targets);
	tw_words_free(&request.patterns);
	tw_words_free(&request.events);
	return status;
}

static const struct tw_option options[] = {
	{'o', "output", "DIR", "the directory to make; it may exist if empty"},
	{'e', "event", "GLOB",
	 "record these events; \"-GLOB\" leaves some out.\n"
	 "May be given again: the last that matches decides.\n"
	 "If not given: every event"},
	{OPTION_HISTORY, "history", NULL,
	 "also what the ring of a running program holds already"},
	{OPTION_SECONDS, "seconds", "N",
	 "end after N seconds; a command is sent SIGTERM then"},
	{OPTION_RING_SIZE, "ring-size", "SIZE",
	 "of the command's ring, such as 256M; 64M if not given"},
	{OPTION_MODE, "mode", "MODE",
	 "what the command does when its ring is full:\n"
	 "overwrite, discard, block, or block:MS"},
	{OPTION_SCHEMA, "schema", "FILE",
	 "trace-events file of a guest's ring that has no schema"},
	TW_OPTION_EVENTS,
	{OPTION_FOLLOW, "follow", NULL,
	 "go on at the end of a channel's file, which may grow"},
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {
	{"trackway record -o DIR 1234", "a running program, until Ctrl-C"},
	{"trackway record -o DIR -e 'vfs_*' -e -vfs_read --seconds 10 "
	 "sqlite-vfs",
	 "some of its events, for ten seconds"},
	{"trackway record -o DIR -- ./prog --its-option",
	 "a command and its children, from the first instruction"},
	{"trackway record -o DIR --mode block -- ./prog",
	 "lose nothing, even if it has to wait"},
	{"trackway record -o DIR vm:1234",
	 "all firmware in a virtual machine, through its resets"},
	{"trackway record -o DIR vm:1234 sqlite-vfs -- ./prog",
	 "a guest and a program, while a command runs"},
	{"trackway record -o DIR --events FILE channel:/tmp/serial",
	 "what a guest sends to this socket"},
	{NULL, NULL},
};

const struct tw_command tw_command_record = {
	.name = "record",
	.usage = "-o DIR [-e GLOB]... [TARGET...] [-- COMMAND...]",
	.summary = "record events of programs into a directory",
	.details =
		"A running program's events are switched on, recorded from "
		"now, and switched back\n"
		"to what they were. It ends at Ctrl-C, after --seconds, or "
		"when all programs have\n"
		"ended: one that ends earlier doesn't end the others. A "
		"COMMAND is recorded whole,\n"
		"with all the programs that it starts; its exit status is "
		"passed on. With targets\n"
		"and a command, all are recorded until the command has ended. "
		"A program that has\n"
		"crashed is recorded as far as its ring holds it.\n"
		"\n"
		"Of a virtual machine (vm:PID) every ring is recorded, those "
		"that come later too,\n"
		"until it ends. After a reset a guest has a new ring: the next "
		"epoch, recorded by\n"
		"itself.\n"
		"\n"
		"Of a channel (channel:PATH: a socket, fifo, file that a guest "
		"sends frames to) all\n"
		"is recorded that comes, until it is closed; a guest that "
		"listens is told which\n"
		"events are wanted.\n"
		"\n"
		"DIR gets a subdirectory for each program or epoch, in CTF "
		"1.8: trackway print,\n"
		"trackway stat and babeltrace2 read it. The last line says how "
		"many events were\n"
		"recorded and how many were lost; but for what a guest's reset "
		"took away, both\n"
		"numbers are exact.",
	.options = options,
	.examples = examples,
	.run = run,
};
