/* SPDX-License-Identifier: MIT */
/* The command line: a table of options, and the words that QEMU's users know.
 */

#include "options.h"

#include "backend.h"
#include "format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct option {
	const char *name;
	const char *value; /* what to call it in the help; NULL: takes none */
	size_t offset; /* in struct tw_tool_options: a const char *, a bool */
	const char *brief;
};

#define OPTION(name, value, member, brief)                                   \
	{                                                                    \
		name, value, offsetof(struct tw_tool_options, member), brief \
	}

static const struct option options_table[] = {
	OPTION("format", "NAME", format, "what kind of file to generate"),
	OPTION("backends", "NAME,...", backends,
	       "where events go; served in this order"),
	OPTION("group", "NAME", group,
	       "name of these events, unique in a program "
	       "(default: from INPUT's path)"),
	OPTION("list-backends", NULL, list_backends, "print all backends"),
	OPTION("check-backends", NULL, check_backends,
	       "exit 0 if all --backends are known, else 1"),
	OPTION("help", NULL, help, "print this"),
	OPTION("version", NULL, version, "print the version"),
};

#define OPTION_COUNT (sizeof(options_table) / sizeof(options_table[0]))

/* The option that word (size bytes of it) names or is the beginning of. */
static const struct option *find_option(const char *word, size_t size,
					char *message, size_t message_size)
{
	const struct option *found = NULL;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &options_table[i];

		if (strncmp(option->name, word, size) != 0)
			continue;
		if (option->name[size] == 0)
			return option;
		if (found) {
			snprintf(message, message_size,
				 "option --%.*s not a unique prefix",
				 (int)(size < 60 ? size : 60), word);
			return NULL;
		}
		found = option;
	}
	if (!found)
		snprintf(message, message_size, "option --%.*s not recognized",
			 (int)(size < 60 ? size : 60), word);
	return found;
}

/* Take the option at argv[*at], and its value from there or the next word. */
static int parse_option(struct tw_tool_options *options, int argc,
			char *const argv[], int *at, char *message,
			size_t message_size)
{
	const char *word = argv[*at] + 2;
	const char *value = strchr(word, '=');
	size_t size = value ? (size_t)(value - word) : strlen(word);
	const struct option *option = find_option(word, size, message,
						  message_size);
	char *member;

	if (!option)
		return -EINVAL;
	member = (char *)options + option->offset;
	if (!option->value) {
		if (value) {
			snprintf(message, message_size,
				 "option --%s must not have an argument",
				 option->name);
			return -EINVAL;
		}
		*(bool *)(void *)member = true;
		return 0;
	}
	if (!value && *at + 1 == argc) {
		snprintf(message, message_size, "option --%s requires argument",
			 option->name);
		return -EINVAL;
	}
	*(const char **)(void *)member = value ? value + 1 : argv[++*at];
	return 0;
}

int tw_tool_options_parse(struct tw_tool_options *options, int argc,
			  char *const argv[], char *message,
			  size_t message_size)
{
	bool ended = false;

	*options = (struct tw_tool_options){0};
	options->files = calloc((size_t)argc + 1, sizeof(*options->files));
	if (!options->files)
		return -ENOMEM;
	for (int i = 1; i < argc; i++) {
		int error;

		if (ended || argv[i][0] != '-' || argv[i][1] == 0) {
			options->files[options->file_count++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			ended = true;
			continue;
		}
		if (argv[i][1] != '-') {
			snprintf(message, message_size,
				 "option -%.60s not recognized", argv[i] + 1);
			return -EINVAL;
		}
		error = parse_option(options, argc, argv, &i, message,
				     message_size);
		if (error != 0)
			return error;
	}
	return 0;
}

static void help_options(FILE *stream)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char shown[64];

		snprintf(shown, sizeof(shown), "--%s%s%s",
			 options_table[i].name,
			 options_table[i].value ? "=" : "",
			 options_table[i].value ? options_table[i].value : "");
		fprintf(stream, "  %-21s %s\n", shown, options_table[i].brief);
	}
}

void tw_tool_options_help(FILE *stream)
{
	fputs("Usage: tracetool --format=NAME --backends=NAME,... [OPTION]... "
	      "INPUT... [OUTPUT]\n"
	      "Turn trace-events files into code. With one INPUT and no "
	      "OUTPUT, "
	      "or \"-\" as\nOUTPUT, it goes to the standard output.\n\n"
	      "Options (can be cut short while they are unique):\n",
	      stream);
	help_options(stream);
	fputs("\nFormats:\n", stream);
	for (size_t i = 0; tw_tool_formats[i]; i++)
		fprintf(stream, "  %-21s %s\n", tw_tool_formats[i]->name,
			tw_tool_formats[i]->brief);
	fputs("\nBackends:\n", stream);
	for (size_t i = 0; tw_tool_backends[i]; i++) {
		const struct tw_tool_backend *backend = tw_tool_backends[i];

		fprintf(stream, "  %-21s %s", backend->name, backend->brief);
		if (backend->alias)
			fprintf(stream, " (also: %s)", backend->alias);
		fputc('\n', stream);
	}
	fputs("\nExamples:\n"
	      "  tracetool --format=h --backends=ring trace-events trace.h\n"
	      "  tracetool --format=c --backends=ring,log trace-events "
	      "trace.c\n",
	      stream);
}
