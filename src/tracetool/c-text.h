/* SPDX-License-Identifier: MIT */
/* Pieces of C that several formats and backends write. */
#ifndef TRACKWAY_TRACETOOL_C_TEXT_H
#define TRACKWAY_TRACETOOL_C_TEXT_H

#include "job.h"
#include "output.h"

/* The file's first line. */
void tw_c_put_title(struct tw_output *out);

/*
 * Before the includes of a hosted program, which an #endif follows: those of a
 * firmware, compiled with -DTW_GUEST. It has but one header, the one that
 * tracetool --emit-guest-runtime writes.
 */
void tw_c_put_guest_include(struct tw_output *out);

/* The text as a string literal's inside, escaped for every C and C++. */
void tw_c_put_quoted(struct tw_output *out, const char *text);

/* "int a, const char *b", or "void". */
void tw_c_put_parameters(struct tw_output *out,
			 const struct tw_job_event *event);

/* "a, b", or nothing; before: what to write first if there is something. */
void tw_c_put_arguments(struct tw_output *out, const struct tw_job_event *event,
			const char *before);

/* An expression: how many bytes argument number index, of kind BYTES, has. */
void tw_c_put_length(struct tw_output *out, const struct tw_job_event *event,
		     uint32_t index);

/*
 * For backends that print by the event's own format: the declarations of those
 * arguments' texts that printf has no conversion for (a hex dump of bytes, the
 * name of a value that %s is to show), and the arguments with these in place of
 * themselves.
 */
void tw_c_put_texts(struct tw_output *out, const struct tw_job_event *event);
void tw_c_put_text_arguments(struct tw_output *out,
			     const struct tw_job_event *event,
			     const char *before);

/* An expression: whether any of the job's backends wants the event. */
void tw_c_put_test(struct tw_output *out, const struct tw_job *job,
		   const struct tw_job_event *event);

#endif
