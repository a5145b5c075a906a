/* SPDX-License-Identifier: MIT */
/* Events in CTF 1.8's language: for a recording's metadata, and tracetool. */
#ifndef TRACKWAY_SCHEMA_TSDL_H
#define TRACKWAY_SCHEMA_TSDL_H

#include "event.h"
#include "format.h"

/* Append what is short: at most 511 bytes, or text counts as failed. */
__attribute__((format(printf, 2, 3))) void tw_tsdl_add(struct tw_text *text,
						       const char *format, ...);

/* Append any text as the inside of a quoted string. */
void tw_tsdl_add_quoted(struct tw_text *text, const char *string);

/* The types that the fields of events have. */
void tw_tsdl_add_types(struct tw_text *text);

/* One event, its fields' sizes known. */
void tw_tsdl_add_event(struct tw_text *text, uint32_t id,
		       const struct tw_event_desc *event);

#endif
