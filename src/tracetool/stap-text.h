/* SPDX-License-Identifier: MIT */
/* Pieces of SystemTap's language that several formats write. */
#ifndef TRACKWAY_TRACETOOL_STAP_TEXT_H
#define TRACKWAY_TRACETOOL_STAP_TEXT_H

#include "job.h"
#include "output.h"

/*
 * An argument's name; with underscores behind it if it is one of the language's
 * words, as many as it takes to differ from the event's other arguments.
 */
void tw_stap_put_name(struct tw_output *out, const struct tw_event_desc *event,
		      uint32_t index);

/* "probe PREFIX.KIND.NAME = PREFIX.NAME ?" and the opening brace. */
void tw_stap_put_alias(struct tw_output *out, const struct tw_job *job,
		       const struct tw_event_desc *event, const char *kind);

/*
 * Read the event's string arguments from the traced program: as argNAME_str,
 * and its length, if that is asked for, as argNAME_len.
 */
void tw_stap_put_strings(struct tw_output *out,
			 const struct tw_event_desc *event, bool lengths);

/* The text as a string's inside, escaped. */
void tw_stap_put_quoted(struct tw_output *out, const char *text, size_t size);

#endif
