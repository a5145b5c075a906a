/* SPDX-License-Identifier: MIT */
/*
 * A session of `trackway record`. One loop: look for new rings, give each ring
 * a turn, sleep if there was little to do.
 *
 * Called by cmd-record.c.
 */
#include "record.h"

#include "../trace/recording.h"
#include "record-targets.h"
#include "spawn.h"
#include "status-line.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

struct session {
	const struct tw_record_request *request;
	struct tw_recording *recording;
	struct tw_record_targets targets;
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

static bool is_stopped(void)
{
	return signal_count > 0;
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

/* ---- The begin ---- */

static bool wants(void *context, const char *event)
{
	const struct tw_record_request *request = context;

	return tw_names_match(&request->patterns, event);
}

static void say(void *context, enum tw_recording_line kind, const char *target,
		const char *line)
{
	(void)context;
	tw_status_clear();
	if (kind == TW_RECORDING_ERROR)
		tw_error(target, "%s", line);
	else if (target)
		tw_notice("%s: %s", target, line);
	else
		tw_notice("%s", line);
}

static int create_recording(struct session *session)
{
	const struct tw_recording_options options = {
		.directory = session->request->directory,
		.wants = wants,
		.say = say,
		.context = (void *)(uintptr_t)session->request,
	};

	return tw_record_exit(
		tw_recording_create(&options, &session->recording));
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
	return tw_record_exit(
		tw_recording_add(session->recording, attach,
				 TW_RECORD_HISTORY | TW_RECORD_REMOVE));
}

static int add_new_rings(struct session *session)
{
	const int status = tw_record_targets_look(&session->targets,
						  session->recording);

	if (status || !session->has_command)
		return status;
	session->missed_ring = false;
	return tw_spawn_each_ring(&session->spawn, add_ring, session);
}

static int start_command(struct session *session)
{
	const struct tw_record_request *request = session->request;
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
	const struct tw_record_request *request = session->request;
	int status;

	status = tw_record_targets_open(&session->targets, request, is_stopped);
	if (!status)
		status = create_recording(session);
	if (!status)
		status = tw_record_targets_add(&session->targets, request,
					       session->recording);
	tw_record_targets_close(&session->targets);
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

	if (session->targets.guests &&
	    !tw_recording_live_count(session->recording))
		target = tw_guests_without(session->targets.guests);
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
	tw_status_show("%" PRIu64 " events in full pages, %" PRIu64
		       " lost, %s, %s/s, %s",
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
	return session->targets.guests &&
	       tw_guests_may_come(session->targets.guests);
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
	if (tw_channels_wait(session->targets.channels,
			     is_alone && ms == PAUSE_IDLE_MS ? WAIT_IDLE_MS
							     : ms))
		return;
	/* A guest's reset wakes nobody. */
	if (ms == PAUSE_IDLE_MS && !session->targets.guests &&
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
			status = tw_record_exit(
				tw_recording_drain(session->recording, &bytes));
		if (status)
			return status;
		tw_channels_say_news(session->targets.channels);
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
	const struct tw_record_request *request = session->request;

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

/* Whether the command is all there was to record, and it has made no ring. */
static bool is_nothing(const struct session *session)
{
	struct tw_recording_totals totals;

	tw_recording_totals(session->recording, &totals);
	return session->has_command && !totals.producers &&
	       !session->request->targets.count;
}

static void say_totals(const struct session *session)
{
	struct tw_recording_totals totals;
	struct tw_text counts = {0};

	tw_recording_totals(session->recording, &totals);
	say_parts(session, totals.producers);
	tw_channels_add_counts(session->targets.channels, &counts);
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
	if (session->missed_ring)
		tw_notice("%s: left a ring that can't be read",
			  session->request->command[0]);
	/* One that is no producer may still say how long to record others. */
	if (!is_nothing(session))
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
	status = tw_guests_expect_rings(session->targets.guests);
	if (status && !totals.producers)
		rmdir(session->request->directory);
	return totals.producers ? TW_EXIT_OK : status;
}

static int end_recording(struct session *session, int status)
{
	int missing = TW_EXIT_OK;
	int ended;

	tw_channels_stop(session->targets.channels);
	ended = tw_record_exit(tw_recording_end(session->recording));
	tw_status_clear();
	tw_channels_say_news(session->targets.channels);
	if (session->targets.guests && !status)
		missing = check_guests(session);
	if (missing)
		return missing;
	/* Then there is no directory, either, and the reason is still to come.
	 */
	if (status || ended || !is_nothing(session))
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

int tw_record_run(const struct tw_record_request *request)
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
	tw_record_targets_destroy(&session.targets);
	return status;
}
