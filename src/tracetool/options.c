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
	const char *brief;    /* NULL: only in the older command line */
	const char *constant; /* what the const char * is set to */
};

#define MEMBER(member) offsetof(struct tw_tool_options, member)
#define OPTION(name, value, member, brief)               \
	{                                                \
		name, value, MEMBER(member), brief, NULL \
	}
#define OLD(name, member, constant)                        \
	{                                                  \
		name, NULL, MEMBER(member), NULL, constant \
	}

static const struct option options_table[] = {
	OPTION("format", "NAME", format, "what kind of file to generate"),
	OPTION("backends", "NAME,...", backends,
	       "where events go; served in this order"),
	OPTION("group", "NAME", group,
	       "name of these events, unique in a program "
	       "(default: from INPUT's path)"),
	OPTION("dialect", "NAME", dialect,
	       "language of the INPUTs: newest (default), or 7.2, QEMU's "
	       "before it changed"),
	OPTION("depfile", "FILE", depfile,
	       "write a rule for make: what OUTPUT depends on"),
	OPTION("probe-prefix", "NAME", probe_prefix,
	       "what probes are called; also their provider (default: "
	       "GROUP)"),
	OPTION("binary", "PATH", binary, "the traced program, for stap"),
	OPTION("target-type", "TYPE", target_type,
	       "with --target-name, in place of --probe-prefix:"),
	OPTION("target-name", "NAME", target_name, "qemu.TYPE.NAME"),
	OPTION("guest-base", "NUMBER", guest_base,
	       "the first event's id, where a guest has other groups before "
	       "(default: 0)"),
	OPTION("guest-prefix", "NAME", guest_prefix,
	       "what the host has before the names of a guest's events"),
	OPTION("emit-guest-runtime", "DIR", guest_runtime,
	       "write what a firmware is traced with, trackway-guest.h and "
	       "trackway-guest.c"),
	OPTION("list-backends", NULL, list_backends, "print all backends"),
	OPTION("check-backends", NULL, check_backends,
	       "exit 0 if all --backends are known, else 1"),
	OPTION("help", NULL, help, "print this"),
	OPTION("version", NULL, version, "print the version"),
	{"target-arch", "NAME", MEMBER(target_name), NULL, NULL},
	OLD("nop", old_backend, "nop"),
	OLD("simple", old_backend, "simple"),
	OLD("stderr", old_backend, "stderr"),
	OLD("ust", old_backend, "ust"),
	OLD("dtrace", old_backend, "dtrace"),
	OLD("stap", old_format, "stap"),
	OLD("guest-trace", old_guest_trace, NULL),
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
		if (!option->brief)
			continue;
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
		if (option->constant)
			*(const char **)(void *)member = option->constant;
		else
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

/* "-h" and its like, or NULL. */
static const char *find_old_format(const char *letter)
{
	static const char *const formats[] = {"h", "c", "d", "g"};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i], letter) == 0)
			return formats[i];
	}
	return NULL;
}

bool tw_tool_options_are_old(const struct tw_tool_options *options)
{
	return options->old_backend || options->old_format ||
	       options->old_guest_trace;
}

/* What is wrong with an older command line that asks for a file, or NULL. */
static const char *check_old(const struct tw_tool_options *options)
{
	const char *format = options->old_format;

	if (options->format || options->backends)
		return "--format and --backends do not go with the older "
		       "options";
	if (!options->old_backend)
		return "no backend: --nop, --simple, --stderr, --ust or "
		       "--dtrace is missing";
	if (!format)
		return "no output: -h, -c, -d, -g or --stap is missing";
	if (options->file_count)
		return "the older options read the standard input and take no "
		       "file";
	if (strcmp(options->old_backend, "dtrace") == 0)
		return NULL;
	if (strcmp(format, "d") == 0)
		return "DTrace probe generator not applicable to this backend";
	if (strcmp(format, "stap") == 0)
		return "SystemTAP tapset generator not applicable to this "
		       "backend";
	return NULL;
}

static const char *today_format(const char *old_format)
{
	return old_format && strcmp(old_format, "g") == 0 ? "guest"
							  : old_format;
}

/* Say in today's options what the older ones ask for. */
static int resolve_old(struct tw_tool_options *options, char *message,
		       size_t message_size)
{
	const char *problem;

	if (options->help || options->version || options->list_backends ||
	    options->check_backends)
		return 0;
	if (options->old_format && strcmp(options->old_format, "h") == 0 &&
	    !options->old_backend && !options->old_guest_trace &&
	    !options->format && !options->backends &&
	    options->file_count == 0) {
		options->help = true;
		return 0;
	}
	problem = check_old(options);
	if (problem) {
		snprintf(message, message_size, "%s", problem);
		return -EINVAL;
	}
	options->format = today_format(options->old_format);
	options->backends = options->old_backend;
	options->files[options->file_count++] = "-";
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
			options->old_format = find_old_format(argv[i] + 1);
			if (options->old_format)
				continue;
			snprintf(message, message_size,
				 "option -%.60s not recognized", argv[i] + 1);
			return -EINVAL;
		}
		error = parse_option(options, argc, argv, &i, message,
				     message_size);
		if (error != 0)
			return error;
	}
	return tw_tool_options_are_old(options)
		       ? resolve_old(options, message, message_size)
		       : 0;
}

static void help_options(FILE *stream)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char shown[64];

		if (!options_table[i].brief)
			continue;
		snprintf(shown, sizeof(shown), "--%s%s%s",
			 options_table[i].name,
			 options_table[i].value ? "=" : "",
			 options_table[i].value ? options_table[i].value : "");
		fprintf(stream, "  %-24s %s\n", shown, options_table[i].brief);
	}
}

void tw_tool_options_help(FILE *stream)
{
	fputs("Usage: tracetool --format=NAME --backends=NAME,... [OPTION]... "
	      "INPUT... [OUTPUT]\n"
	      "Turn trace-events files into code. With one INPUT and no "
	      "OUTPUT, "
	      "or \"-\" as\nOUTPUT, it goes to the standard output. "
	      "\"-\" as INPUT is the standard input.\n\n"
	      "Options (can be cut short while they are unique):\n",
	      stream);
	help_options(stream);
	fputs("\nFormats:\n", stream);
	for (size_t i = 0; tw_tool_formats[i]; i++)
		fprintf(stream, "  %-24s %s\n", tw_tool_formats[i]->name,
			tw_tool_formats[i]->brief);
	fputs("\nBackends:\n", stream);
	for (size_t i = 0; tw_tool_backends[i]; i++) {
		const struct tw_tool_backend *backend = tw_tool_backends[i];

		fprintf(stream, "  %-24s %s", backend->name, backend->brief);
		if (backend->alias)
			fprintf(stream, " (also: %s)", backend->alias);
		fputc('\n', stream);
	}
	fputs("\nOlder options, which read the standard input:\n"
	      "  --nop | --simple | --stderr | --ust | --dtrace, with\n"
	      "  -h | -c | -d | -g | --stap, and --binary, --target-arch,\n"
	      "  --target-type, --probe-prefix, --guest-trace, "
	      "--check-backend\n",
	      stream);
	fputs("\nExamples:\n"
	      "  tracetool --format=h --backends=ring trace-events trace.h\n"
	      "  tracetool --format=c --backends=ring,log trace-events "
	      "trace.c\n"
	      "  tracetool --simple -h < trace-events > trace.h\n"
	      "  tracetool --emit-guest-runtime=firmware\n",
	      stream);
}
