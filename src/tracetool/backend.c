/* SPDX-License-Identifier: MIT */
/* The table of backends. */

#include "backend.h"

#include <string.h>

const struct tw_tool_backend *const tw_tool_backends[] = {
	&tw_backend_channel, &tw_backend_dtrace, &tw_backend_ftrace,
	&tw_backend_log,     &tw_backend_nop,	 &tw_backend_ring,
	&tw_backend_syslog,  &tw_backend_ust,	 NULL,
};

const struct tw_tool_backend *tw_tool_backend_find(const char *name)
{
	for (size_t i = 0; tw_tool_backends[i]; i++) {
		const struct tw_tool_backend *backend = tw_tool_backends[i];

		if (strcmp(backend->name, name) == 0 ||
		    (backend->alias && strcmp(backend->alias, name) == 0))
			return backend;
	}
	return NULL;
}

bool tw_job_uses_states(const struct tw_job *job)
{
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i]->uses_states)
			return true;
	}
	return false;
}

bool tw_job_has(const struct tw_job *job, const struct tw_tool_backend *backend)
{
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i] == backend)
			return true;
	}
	return false;
}

bool tw_job_emits(const struct tw_job *job)
{
	for (uint32_t i = 0; i < job->backend_count; i++) {
		if (job->backends[i]->source_event)
			return true;
	}
	return false;
}
