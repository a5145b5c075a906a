/* SPDX-License-Identifier: MIT */
/* The text of a CTF 1.8 trace's metadata file. */
#ifndef TRACKWAY_TRACE_CTF_METADATA_H
#define TRACKWAY_TRACE_CTF_METADATA_H

#include "../schema/event.h"
#include "../schema/format.h"
#include "timebase.h"

struct tw_ctf_description {
	bool big_endian; /* the producer */
	const uint8_t *uuid;
	const char *name; /* the producer's; any bytes */
	uint32_t pid;
	uint32_t epoch;	     /* of a guest; 0: it is none */
	uint32_t generation; /* a guest's */
	uint32_t clock_kind; /* enum tw_ring_clock */
	const struct tw_timebase *timebase;
};

/*
 * Append all but the events, then the events of one group after another. No id
 * may come twice. text->failed says whether memory ran out.
 */
void tw_ctf_metadata_begin(struct tw_text *text,
			   const struct tw_ctf_description *description);
void tw_ctf_metadata_events(struct tw_text *text, uint32_t id_base,
			    const struct tw_schema *schema);

#endif
