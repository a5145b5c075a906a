/* SPDX-License-Identifier: MIT */
/* A file for make and ninja: which files an output was made of. */
#ifndef TRACKWAY_TRACETOOL_DEPFILE_H
#define TRACKWAY_TRACETOOL_DEPFILE_H

#include "../schema/event.h"
#include "output.h"

/*
 * Write a rule that makes target depend on every file of the schemas, and one
 * without prerequisites for each of these files, so that make doesn't miss one
 * that is no longer included. -EINVAL: a file's name can't be written in
 * make's language; else out keeps failures.
 */
int tw_depfile_put(struct tw_output *out, const char *target,
		   struct tw_schema *const *schemas, size_t schema_count);

#endif
