/* SPDX-License-Identifier: MIT */
/*
 * Writing a trace directory: a subdirectory a producer, in it CTF 1.8 metadata,
 * a stream file a lane, and the dotfile. See docs/trace-directory.md.
 *
 * Whenever its writer dies, what is there can be read: packets are written
 * whole, metadata and dotfile are replaced whole and before the first packet
 * that needs them. One thread's. Errors: a negative errno and one line in
 * struct tw_attach_error.
 */
#ifndef TRACKWAY_TRACE_CTF_H
#define TRACKWAY_TRACE_CTF_H

#include "../attach/attach.h"
#include "drain.h"
#include "guest-clock.h"
#include "sighting.h"

/*
 * Make the directory of a recording (its last component), mode 0700. One that
 * is there must be empty. 0 or an error.
 */
int tw_trace_directory_create(const char *path, struct tw_attach_error *error);

/* The same, but one that other producers' subdirectories are in will do. */
int tw_trace_directory_extend(const char *path, struct tw_attach_error *error);

struct tw_ctf;

/* Of a ring in a guest's memory. */
struct tw_ctf_guest {
	uint32_t epoch; /* counts the rings that came one after another, from 1
			 */
	uint64_t place; /* in the memory, bytes */
};

/*
 * Begin the subdirectory of a producer in directory: NAME-PID, or NAME-epochN
 * of a guest's ring that has no pid; with .2 and so on where that is taken. The
 * drain's lanes say where the recording begins. guest: NULL if it is none.
 * attach and drain must outlive tw_ctf_detach(). *ctf is freed with
 * tw_ctf_destroy().
 */
int tw_ctf_create(const char *directory, struct tw_attach *attach,
		  const struct tw_drain *drain,
		  const struct tw_timebase *timebase,
		  const struct tw_ctf_guest *guest, struct tw_ctf **ctf,
		  struct tw_attach_error *error);

/* Write one packet: a tw_drain_fn, whose context is a struct tw_ctf. */
int tw_ctf_write(void *ctf, const struct tw_drain_page *page);

/* What went wrong in the last tw_ctf_write(). Never NULL. */
const char *tw_ctf_why(const struct tw_ctf *ctf);

/*
 * Take over groups that have come: 1 if there are any, and metadata has been
 * rewritten; 0; or an error.
 */
int tw_ctf_refresh(struct tw_ctf *ctf);

/*
 * After tw_drain_finish(): keep the final counts, close the streams, and let
 * go of attach and drain.
 */
int tw_ctf_detach(struct tw_ctf *ctf);

/* Have these sightings of the clock in the dotfile, from the next writing on.
 */
void tw_ctf_set_sightings(struct tw_ctf *ctf,
			  const struct tw_sightings *sightings);

/* The same of what is known of a guest's clock. */
void tw_ctf_set_clock(struct tw_ctf *ctf, struct tw_guest_clock *clock);

/*
 * Rewrite metadata and dotfile with this timebase. complete: the recording has
 * ended as it should. May be called before and after tw_ctf_detach().
 */
int tw_ctf_describe(struct tw_ctf *ctf, const struct tw_timebase *timebase,
		    bool complete);

void tw_ctf_destroy(struct tw_ctf *ctf);

/* The subdirectory's path. Good until the struct is destroyed. */
const char *tw_ctf_path(const struct tw_ctf *ctf);

struct tw_ctf_totals {
	uint64_t events; /* written */
	uint64_t lost;	 /* overwritten, discarded, or not decodable */
	uint64_t bytes;
	uint64_t packets;
};
void tw_ctf_totals(const struct tw_ctf *ctf, struct tw_ctf_totals *totals);

#endif
