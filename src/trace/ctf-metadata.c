/* SPDX-License-Identifier: MIT */
/*
 * CTF 1.8 metadata as babeltrace2 reads it without a warning: the text begins
 * with the version's comment, and has no attribute but the specified ones.
 *
 * Called by ctf.c.
 */
#include "ctf-metadata.h"

#include "../schema/tsdl.h"

static void add_uuid(struct tw_text *text, const uint8_t *uuid)
{
	int i;

	for (i = 0; i < 16; i++)
		tw_tsdl_add(text, "%s%02x",
			    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			    uuid[i]);
}

static void add_trace(struct tw_text *text,
		      const struct tw_ctf_description *description)
{
	tw_tsdl_add(text, "trace {\n"
			  "\tmajor = 1;\n"
			  "\tminor = 8;\n"
			  "\tuuid = \"");
	add_uuid(text, description->uuid);
	tw_tsdl_add(text,
		    "\";\n"
		    "\tbyte_order = %s;\n"
		    "\tpacket.header := struct {\n"
		    "\t\ttw_u32 magic;\n"
		    "\t\ttw_u8 uuid[16];\n"
		    "\t\ttw_u32 stream_id;\n"
		    "\t};\n"
		    "};\n\n",
		    description->big_endian ? "be" : "le");
}

static void add_env(struct tw_text *text,
		    const struct tw_ctf_description *description)
{
	tw_tsdl_add(text, "env {\n"
			  "\ttracer_name = \"trackway\";\n"
			  "\ttracer_major = 0;\n"
			  "\ttracer_minor = 1;\n"
			  "\tprocname = \"");
	tw_tsdl_add_quoted(text, description->name);
	tw_tsdl_add(text, "\";\n\tvpid = %u;\n", description->pid);
	if (description->epoch)
		tw_tsdl_add(text, "\tepoch = %u;\n\tgeneration = %u;\n",
			    description->epoch, description->generation);
	tw_tsdl_add(text, "};\n\n");
}

static const char *clock_text(uint32_t kind)
{
	switch (kind) {
	case TW_CLOCK_MONOTONIC:
		return "CLOCK_MONOTONIC";
	case TW_CLOCK_TSC:
		return "x86 time stamp counter";
	case TW_CLOCK_CNTVCT:
		return "ARM virtual counter";
	default:
		return "the producer's own";
	}
}

/* How far off the clock may be, in ticks. */
static void add_precision(struct tw_text *text,
			  const struct tw_timebase *timebase)
{
	const unsigned __int128 ticks = ((unsigned __int128)timebase->error_ns *
						 timebase->hz +
					 999999999) /
					1000000000;

	if (ticks && ticks < UINT64_MAX)
		tw_tsdl_add(text, "\tprecision = %llu;\n",
			    (unsigned long long)ticks);
}

static void add_clock(struct tw_text *text,
		      const struct tw_ctf_description *description)
{
	int64_t seconds;
	uint64_t ticks;

	tw_timebase_origin(description->timebase, &seconds, &ticks);
	tw_tsdl_add(text,
		    "clock {\n"
		    "\tname = tw_clock;\n"
		    "\tdescription = \"%s\";\n"
		    "\tfreq = %llu;\n",
		    clock_text(description->clock_kind),
		    (unsigned long long)description->timebase->hz);
	add_precision(text, description->timebase);
	tw_tsdl_add(text,
		    "\toffset_s = %lld;\n"
		    "\toffset = %llu;\n"
		    "\tabsolute = true;\n"
		    "};\n\n"
		    "typealias integer { size = 64; align = 8; signed = false; "
		    "map = clock.tw_clock.value; } := tw_time;\n"
		    "typealias integer { size = 48; align = 8; signed = false; "
		    "map = clock.tw_clock.value; } := tw_word;\n\n",
		    (long long)seconds, (unsigned long long)ticks);
}

static void add_stream(struct tw_text *text)
{
	tw_tsdl_add(text, "stream {\n"
			  "\tid = 0;\n"
			  "\tevent.header := struct {\n"
			  "\t\ttw_u16 id;\n"
			  "\t\ttw_word timestamp;\n"
			  "\t} align(8);\n"
			  "\tpacket.context := struct {\n"
			  "\t\ttw_time timestamp_begin;\n"
			  "\t\ttw_time timestamp_end;\n"
			  "\t\ttw_u32 content_size;\n"
			  "\t\ttw_u32 events;\n"
			  "\t\ttw_u32 packet_size;\n"
			  "\t\ttw_u32 lane;\n"
			  "\t\ttw_u64 packet_seq_num;\n"
			  "\t\ttw_u64 events_discarded;\n"
			  "\t\ttw_u64 events_before;\n"
			  "\t\ttw_u32 tid;\n"
			  "\t\ttw_u32 level;\n"
			  "\t};\n"
			  "};\n\n");
}

void tw_ctf_metadata_begin(struct tw_text *text,
			   const struct tw_ctf_description *description)
{
	tw_tsdl_add(text, "/* CTF 1.8 */\n\n");
	tw_tsdl_add_types(text);
	add_trace(text, description);
	add_env(text, description);
	add_clock(text, description);
	add_stream(text);
}

void tw_ctf_metadata_events(struct tw_text *text, uint32_t id_base,
			    const struct tw_schema *schema)
{
	uint32_t i;

	for (i = 0; i < schema->event_count; i++)
		tw_tsdl_add_event(text, id_base + i, &schema->events[i]);
}
