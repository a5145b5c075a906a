/* SPDX-License-Identifier: MIT */
/* Recording a fixture's ring: see recorder.h. */
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int code, const char *what)
{
	if (code < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(-code));
		abort();
	}
}

void recorder_create(struct recorder *r, struct fixture *f, const char *path,
		     const char *name, const struct tw_drain_options *options)
{
	struct tw_attach_error error = {""};

	*r = (struct recorder){0};
	fixture_path(f, r->directory, sizeof(r->directory), name);
	r->attach = fixture_attach(f, path);
	check(tw_drain_create(r->attach, options, &r->drain), "drain");
	/* Real time at the fixture's begin is known: times can be foreseen. */
	tw_timebase_set(&r->timebase, 1000000000, FIXTURE_CLOCK, FIXTURE_REAL);
	check(tw_trace_directory_create(r->directory, &error), error.text);
	check(tw_ctf_create(r->directory, r->attach, r->drain, &r->timebase,
			    NULL, &r->ctf, &error),
	      error.text);
}

int64_t recorder_pass(struct recorder *r)
{
	check(tw_ctf_refresh(r->ctf), "refresh");
	return tw_drain_pass(r->drain, 0, tw_ctf_write, r->ctf);
}

void recorder_kill(struct recorder *r)
{
	tw_ctf_destroy(r->ctf);
	tw_drain_destroy(r->drain);
	tw_attach_close(r->attach);
}

void recorder_finish(struct recorder *r)
{
	check(tw_ctf_refresh(r->ctf), "refresh");
	check((int)tw_drain_finish(r->drain, tw_ctf_write, r->ctf), "finish");
	check(tw_ctf_detach(r->ctf), "detach");
	check(tw_ctf_describe(r->ctf, &r->timebase, true), "describe");
	recorder_kill(r);
}

const char *recorder_path(const struct recorder *r, char *path, size_t size,
			  const char *name)
{
	snprintf(path, size, "%s/fixture-4194304/%s", r->directory, name);
	return path;
}
