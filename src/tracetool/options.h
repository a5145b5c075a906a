/* SPDX-License-Identifier: MIT */
/* The command line, in the style of QEMU's tracetool. */
#ifndef TRACKWAY_TRACETOOL_OPTIONS_H
#define TRACKWAY_TRACETOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* All strings are argv's. */
struct tw_tool_options {
	const char *format;
	const char *backends; /* as given: names parted by commas */
	const char *group;
	bool check_backends;
	bool list_backends;
	bool help;
	bool version;
	const char **files; /* inputs, and last the output; to be freed */
	size_t file_count;
};

/*
 * Read the command line (argv[0] is skipped). Options may be cut to what is
 * still unique, have their value behind "=" or in the next word, and stand
 * anywhere before "--"; of one given twice the last counts. 0, -EINVAL with
 * message (no newline), or -ENOMEM.
 */
int tw_tool_options_parse(struct tw_tool_options *options, int argc,
			  char *const argv[], char *message,
			  size_t message_size);

/* How to call it, with every option, backend and format. */
void tw_tool_options_help(FILE *stream);

#endif
