/* SPDX-License-Identifier: MIT */
/* Calls of functions like printf, for the backends that write lines of text. */
#ifndef TRACKWAY_TRACETOOL_C_PRINTF_H
#define TRACKWAY_TRACETOOL_C_PRINTF_H

#include "job.h"
#include "output.h"

/* The headers that formats and arguments need. */
void tw_c_put_printf_includes(struct tw_output *out);

/*
 * call, which is the function's name, the parenthesis and what goes before the
 * format; then "NAME message" with end behind it, the event's arguments, and
 * the closing parenthesis. The compiler is told that the call stands in the
 * trace-events file.
 */
void tw_c_put_printf(struct tw_output *out, const struct tw_job *job,
		     const struct tw_job_event *event, const char *call,
		     const char *end);

#endif
