/* SPDX-License-Identifier: MIT */
/* What enable and disable have in common: all but their words. */
#ifndef TRACKWAY_CLI_SWITCH_H
#define TRACKWAY_CLI_SWITCH_H

#include "cli.h"

extern const struct tw_option tw_switch_options[];

/* TARGET GLOB...: set these events' states. Returns enum tw_exit. */
int tw_switch_run(struct tw_args *args, bool on);

#endif
