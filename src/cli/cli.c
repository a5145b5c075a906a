/* SPDX-License-Identifier: MIT */
/*
 * The program around the commands: choosing one, and all help, which is made
 * from the commands' own tables.
 */
#include "cli.h"
#include "output.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef TW_VERSION
#error "TW_VERSION comes from meson.build"
#endif

/* In the order in which one needs them. */
static const struct tw_command *const commands[] = {
	&tw_command_list,    &tw_command_events, &tw_command_enable,
	&tw_command_disable, &tw_command_print,	 &tw_command_record,
	&tw_command_stat,    &tw_command_sync,	 &tw_command_monitor,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

/* ---- Help ---- */

#define HELP_COLUMN 24
#define HELP_WIDTH 79

/*
 * Text in lines of at most HELP_WIDTH, filled word by word: one newline is as
 * good as a blank, two begin a paragraph.
 */
static void print_filled(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t blanks = strspn(text, " \n");
		size_t word = strcspn(text + blanks, " \n");
		bool is_break = blanks > 1 && text[0] == '\n' &&
				text[1] == '\n';

		if (is_break || (column && column + 1 + word > HELP_WIDTH)) {
			fputs(is_break ? "\n\n" : "\n", stdout);
			column = 0;
		}
		printf("%s%.*s", column ? " " : "", (int)word, text + blanks);
		column += word + (column > 0);
		text += blanks + word;
	}
	putchar('\n');
}

/* Lines of text, each after the first indented to HELP_COLUMN. */
static void print_indented(const char *text)
{
	for (; *text; text++) {
		putchar(*text);
		if (*text == '\n')
			printf("%*s", HELP_COLUMN, "");
	}
	putchar('\n');
}

/* Usage in lines of at most HELP_WIDTH, broken between arguments. */
static void print_usage(const char *usage, size_t start)
{
	size_t column = start;
	int depth = 0;

	while (*usage) {
		size_t size = 0;

		for (; usage[size] && (depth || usage[size] != ' '); size++)
			depth += (usage[size] == '[') - (usage[size] == ']');
		if (column > start && column + 1 + size > HELP_WIDTH) {
			printf("\n%*s", (int)start, "");
			column = start;
		}
		printf(" %.*s", (int)size, usage);
		column += 1 + size;
		usage += size + (usage[size] == ' ');
	}
	putchar('\n');
}

static void print_option(const struct tw_option *option)
{
	int width = option->id < 256 ? printf("  -%c, ", option->id)
				     : printf("      ");

	width += printf("--%s", option->name);
	if (option->value)
		width += printf(" %s", option->value);
	if (width >= HELP_COLUMN - 1) {
		putchar('\n');
		width = 0;
	}
	printf("%*s", HELP_COLUMN - width, "");
	print_indented(option->help);
}

void tw_cli_help(const struct tw_command *command)
{
	static const struct tw_option help = {'h', "help", NULL,
					      "show this help"};
	const struct tw_option *option;
	const struct tw_example *example;

	printf("%sUsage:%s trackway %s", tw_style(TW_STYLE_BOLD),
	       tw_style(TW_STYLE_PLAIN), command->name);
	print_usage(command->usage,
		    strlen("Usage: trackway ") + strlen(command->name));
	printf("\n%c%s.\n", command->summary[0] & ~0x20, command->summary + 1);
	if (command->details) {
		putchar('\n');
		print_filled(command->details);
	}
	printf("\n%sOptions:%s\n", tw_style(TW_STYLE_BOLD),
	       tw_style(TW_STYLE_PLAIN));
	for (option = command->options; option->id; option++)
		print_option(option);
	print_option(&help);
	printf("\n%sExamples:%s\n", tw_style(TW_STYLE_BOLD),
	       tw_style(TW_STYLE_PLAIN));
	for (example = command->examples; example->line; example++)
		printf("  %s\n      %s\n", example->line, example->what);
}

static void print_general_help(FILE *to)
{
	fputs("Usage: trackway COMMAND [ARGUMENT...]\n"
	      "\n"
	      "Trace events of running programs: see them, switch them, "
	      "record them.\n"
	      "\n"
	      "Commands:\n",
	      to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-10s  %s\n", commands[i]->name,
			commands[i]->summary);
	fputs("\n"
	      "A TARGET is a PID, a program's name, a ring file's path, or a "
	      "guest:\n"
	      "vm:PID, ram:FILE, image:FILE, channel:PATH (see: man "
	      "trackway).\n"
	      "A GLOB is an event's name, with * for any characters and ? for "
	      "one.\n"
	      "\n"
	      "  trackway help COMMAND   a command's options, with examples\n"
	      "  trackway --version      which version this is\n",
	      to);
}

/* ---- Choosing ---- */

static const struct tw_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	struct tw_guess guess;

	tw_guess_start(&guess, name);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		tw_guess_offer(&guess, commands[i]->name);
	if (guess.best)
		tw_error(name, "no such command, did you mean %s?", guess.best);
	else
		tw_error(name, "no such command (see: trackway --help)");
	return TW_EXIT_USAGE;
}

static int help(const char *name)
{
	const struct tw_command *command;

	if (!name) {
		print_general_help(stdout);
		return TW_EXIT_OK;
	}
	command = find_command(name);
	if (!command)
		return unknown_command(name);
	tw_cli_help(command);
	return TW_EXIT_OK;
}

static int run(const char *name, int count, char **list)
{
	const struct tw_command *command = find_command(name);
	struct tw_args args = {
		.command = command,
		.count = count,
		.list = list,
	};

	return command ? command->run(&args) : unknown_command(name);
}

static int choose(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (!word) {
		print_general_help(stderr);
		return TW_EXIT_USAGE;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return help(NULL);
	if (!strcmp(word, "help"))
		return help(argc > 2 ? argv[2] : NULL);
	if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
		printf("trackway %s\n", TW_VERSION);
		return TW_EXIT_OK;
	}
	if (word[0] == '-') {
		tw_error(word, "no such option (see: trackway --help)");
		return TW_EXIT_USAGE;
	}
	return run(word, argc - 2, argv + 2);
}

/*
 * With stdout closed, the next file opened would get its number and, being a
 * program's ring, our output. Opened for reading only, it fails as it should.
 */
static void occupy_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int tw_cli_main(int argc, char **argv)
{
	occupy_standard_files();
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	return tw_output_finish(choose(argc, argv));
}
