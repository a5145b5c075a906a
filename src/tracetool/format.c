/* SPDX-License-Identifier: MIT */
/* The table of formats. */

#include "format.h"

#include <string.h>

const struct tw_tool_format *const tw_tool_formats[] = {
	&tw_format_c,
	&tw_format_ctf,
	&tw_format_d,
	&tw_format_events,
	&tw_format_guest,
	&tw_format_guest_h,
	&tw_format_h,
	&tw_format_log_stap,
	&tw_format_simpletrace_stap,
	&tw_format_stap,
	&tw_format_ust_events_c,
	&tw_format_ust_events_h,
	NULL,
};

const struct tw_tool_format *tw_tool_format_find(const char *name)
{
	for (size_t i = 0; tw_tool_formats[i]; i++) {
		if (strcmp(tw_tool_formats[i]->name, name) == 0)
			return tw_tool_formats[i];
	}
	return NULL;
}
