/* SPDX-License-Identifier: MIT */
/* tracetool as a function. */
#ifndef TRACKWAY_TRACETOOL_TRACETOOL_H
#define TRACKWAY_TRACETOOL_TRACETOOL_H

#include <stdio.h>

/*
 * Do what the command line says. What is asked for goes to out or into files,
 * diagnostics to err. Returns the exit status, 0 or 1.
 */
int tw_tracetool_run(int argc, char *const argv[], FILE *out, FILE *err);

#endif
