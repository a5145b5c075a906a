/* SPDX-License-Identifier: MIT */
/* The table of formats. */

#include "format.h"

#include <string.h>

const struct tw_tool_format *const tw_tool_formats[] = {
	&tw_format_c,
	&tw_format_h,
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
