/* SPDX-License-Identifier: MIT */
/* trackway enable: switch events of a running program on. */
#include "switch.h"

static int run(struct tw_args *args)
{
	return tw_switch_run(args, true);
}

static const struct tw_example examples[] = {
	{"trackway enable sqlite-vfs 'vfs_*'",
	 "every event of that program whose name begins with vfs_"},
	{"trackway enable 1234 vfs_open vfs_close", "two events by name"},
	{"trackway enable 1234 '*'", "all events"},
	{"trackway enable vm:1234 'fw_*'", "in every ring of a guest"},
	{NULL, NULL},
};

const struct tw_command tw_command_enable = {
	.name = "enable",
	.usage = "[--json] [--schema FILE] TARGET GLOB...",
	.summary = "switch events of a running program on",
	.details = "The program notices nothing: each event is switched by one "
		   "byte in its ring. Every GLOB must match an event, else "
		   "nothing is switched; of a guest's memory (vm:, ram:) all "
		   "rings are meant unless one is named. Modules that the "
		   "program loads later "
		   "come with their events off, unless TRACKWAY_EVENTS in its "
		   "environment says otherwise.",
	.options = tw_switch_options,
	.examples = examples,
	.run = run,
};
