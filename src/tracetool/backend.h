/* SPDX-License-Identifier: MIT */
/*
 * What a backend is: hooks that write its share of the generated code. A
 * backend-NAME.c holds one, and the table in backend.c lists it.
 *
 * The formats call the hooks of every backend asked for, in the order given,
 * and write what is around them: in the header trace_NAME(), which tests
 * whether anybody wants the event; in the source one function per event, which
 * holds all backends' code. Any hook may be NULL.
 */
#ifndef TRACKWAY_TRACETOOL_BACKEND_H
#define TRACKWAY_TRACETOOL_BACKEND_H

#include "job.h"
#include "output.h"

typedef void tw_tool_file_hook(struct tw_output *out, const struct tw_job *job);
typedef void tw_tool_event_hook(struct tw_output *out, const struct tw_job *job,
				const struct tw_job_event *event);

struct tw_tool_backend {
	const char *name;
	const char *alias; /* or NULL */
	const char *brief; /* one line, for --help */

	/* Switched by the group's state bytes: the group gets registered. */
	bool uses_states;
	/* Otherwise: a C expression, true while somebody wants the event. */
	tw_tool_event_hook *test;

	tw_tool_file_hook *header_begin; /* after the includes */
	tw_tool_event_hook *header_event;
	tw_tool_file_hook *header_end;

	tw_tool_file_hook *source_begin;	 /* after the includes */
	tw_tool_event_hook *source_before_event; /* at file scope */
	/* A block's inside, with the event's arguments in sight, two tabs deep.
	 * None: like nop. */
	tw_tool_event_hook *source_event;
	tw_tool_file_hook *source_end;
};

extern const struct tw_tool_backend tw_backend_channel;
extern const struct tw_tool_backend tw_backend_dtrace;
extern const struct tw_tool_backend tw_backend_ftrace;
extern const struct tw_tool_backend tw_backend_log;
extern const struct tw_tool_backend tw_backend_nop;
extern const struct tw_tool_backend tw_backend_ring;
extern const struct tw_tool_backend tw_backend_syslog;
extern const struct tw_tool_backend tw_backend_ust;

/* Every backend, by name, and NULL. */
extern const struct tw_tool_backend *const tw_tool_backends[];

/* The backend of this name or alias, or NULL. */
const struct tw_tool_backend *tw_tool_backend_find(const char *name);

/* Whether any backend of the job uses the group's states, or emits at all. */
bool tw_job_uses_states(const struct tw_job *job);
bool tw_job_emits(const struct tw_job *job);

/* Whether the backend is one of the job's. */
bool tw_job_has(const struct tw_job *job,
		const struct tw_tool_backend *backend);

#endif
