/* SPDX-License-Identifier: MIT */
/* The schema blob (trackway/blob.h) as C source. */
#ifndef TRACKWAY_TRACETOOL_BLOB_H
#define TRACKWAY_TRACETOOL_BLOB_H

#include "job.h"
#include "output.h"

/* Define tw_blob_GROUP, a constant that is the job's events. */
void tw_blob_put(struct tw_output *out, const struct tw_job *job);

#endif
