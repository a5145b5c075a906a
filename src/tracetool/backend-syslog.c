/* SPDX-License-Identifier: MIT */
/*
 * Backend syslog: a message to the system's log, of the event's own level where
 * it has one that syslog knows, else of LOG_INFO.
 */

#include "backend.h"
#include "c-printf.h"

static const char *const priorities[] = {
	"LOG_EMERG",   "LOG_ALERT",  "LOG_CRIT", "LOG_ERR",
	"LOG_WARNING", "LOG_NOTICE", "LOG_INFO",
};

#define PRIORITY_COUNT (sizeof(priorities) / sizeof(priorities[0]))

static const char *priority(const struct tw_event_desc *event)
{
	return event->loglevel < PRIORITY_COUNT ? priorities[event->loglevel]
						: "LOG_INFO";
}

static void source_begin(struct tw_output *out, const struct tw_job *job)
{
	tw_output_add(out, "#include <errno.h>\n");
	tw_c_put_printf_includes(out);
	tw_output_add(out, "#include <syslog.h>\n");
}

/* The caller's errno is none of the log's business. */
static void source_event(struct tw_output *out, const struct tw_job *job,
			 const struct tw_job_event *event)
{
	char call[32];

	snprintf(call, sizeof(call), "syslog(%s, ", priority(event->desc));
	tw_output_add(out, "\t\tconst int _tw_errno = errno;\n\n");
	tw_c_put_printf(out, job, event, call, "");
	tw_output_add(out, "\t\terrno = _tw_errno;\n");
}

const struct tw_tool_backend tw_backend_syslog = {
	.name = "syslog",
	.brief = "A message to syslog",
	.uses_states = true,
	.source_begin = source_begin,
	.source_event = source_event,
};
