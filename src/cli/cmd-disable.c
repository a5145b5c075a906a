/* SPDX-License-Identifier: MIT */
/* trackway disable: switch events of a running program off. */
#include "switch.h"

static int run(struct tw_args *args)
{
	return tw_switch_run(args, false);
}

static const struct tw_example examples[] = {
	{"trackway disable sqlite-vfs '*'", "all events of that program"},
	{"trackway disable 1234 vfs_read", "one event"},
	{NULL, NULL},
};

const struct tw_command tw_command_disable = {
	.name = "disable",
	.usage = "[--json] [--schema FILE] TARGET GLOB...",
	.summary = "switch events of a running program off",
	.details = "What was written to the ring before stays there to be "
		   "printed. Every GLOB must match an event, else nothing is "
		   "switched.",
	.options = tw_switch_options,
	.examples = examples,
	.run = run,
};
