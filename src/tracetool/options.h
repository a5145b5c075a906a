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
	const char *dialect; /* as given */
	const char *binary;
	const char *target_type;
	const char *target_name;
	const char *probe_prefix;
	const char *depfile;
	const char *guest_runtime; /* a folder */
	const char *guest_base;	   /* as given */
	const char *guest_prefix;
	bool check_backends;
	bool list_backends;
	bool help;
	bool version;
	/* Of the older command line ("--simple -h < trace-events"): the words
	 * without their dashes, or NULL. */
	const char *old_backend;
	const char *old_format;
	bool old_guest_trace;
	const char **files; /* inputs, and last the output; to be freed */
	size_t file_count;
};

/*
 * Read the command line (argv[0] is skipped). Options may be cut to what is
 * still unique, have their value behind "=" or in the next word, and stand
 * anywhere before "--"; of one given twice the last counts. Those of the older
 * command line can't be cut; of that, format, backends and files are filled in,
 * too. "-h" alone asks for help. 0, -EINVAL with
 * message (no newline), or -ENOMEM.
 */
int tw_tool_options_parse(struct tw_tool_options *options, int argc,
			  char *const argv[], char *message,
			  size_t message_size);

/* Whether it is the older command line, by the options themselves. */
bool tw_tool_options_are_old(const struct tw_tool_options *options);

/* How to call it, with every option, backend and format. */
void tw_tool_options_help(FILE *stream);

#endif
