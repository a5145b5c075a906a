/* SPDX-License-Identifier: MIT */
/*
 * The guest runtime's own text, to be copied into a firmware: embedded by
 * embed-guest.py when tracetool is built.
 */
#ifndef TRACKWAY_TRACETOOL_GUEST_RUNTIME_H
#define TRACKWAY_TRACETOOL_GUEST_RUNTIME_H

#include <stddef.h>

struct tw_tool_guest_file {
	const char *name; /* no path */
	const char *text;
	size_t size; /* bytes, without the NUL */
};

#define TW_TOOL_GUEST_FILES 2 /* the header, the source */
extern const struct tw_tool_guest_file tw_tool_guest_files[TW_TOOL_GUEST_FILES];

#endif
