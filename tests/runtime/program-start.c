/* SPDX-License-Identifier: MIT */
/*
 * program-start exit|crash|time: says whether it has a ring ("path PATH") or
 * why not ("error TEXT"), and whether its events are on, emits ten, and ends.
 * time: says how long starting took, instead.
 */
#include "step.h"

#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <trackway/trackway.h>

#include "trace-runtime.h"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int start_by_hand(void)
{
	const struct tw_runtime_options options = {
		.size = sizeof(options),
		.directory = getenv("TRACKWAY_DIR"),
	};
	const uint64_t before = now_ns();

	if (tw_runtime_start(&options))
		return 1;
	say("ns", now_ns() - before);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t i;

	if (argc > 1 && !strcmp(argv[1], "time"))
		return start_by_hand();
	if (tw_runtime_path())
		dprintf(STDOUT_FILENO, "path %s\n", tw_runtime_path());
	else
		dprintf(STDOUT_FILENO, "error %s\n", tw_runtime_error());
	say("secure", getauxval(AT_SECURE));
	say("on", trace_count_enabled());
	for (i = 0; i < 10; i++)
		trace_count(0, i, check_of(0, i));
	step("end");
	if (argc > 1 && !strcmp(argv[1], "crash"))
		raise(SIGKILL);
	return 0;
}
