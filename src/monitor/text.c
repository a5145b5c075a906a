/* SPDX-License-Identifier: MIT */
/*
 * The monitor for people and scripts: a line a command, in QEMU's syntax and
 * with its words for what is wrong with a line.
 */
#include "client.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUMP_WIDTH 16u
#define NS_PER_S 1000000000u

static void add(struct tw_monitor_client *client, const char *text)
{
	tw_text_add_string(&client->output, text);
}

static void add_escaped(struct tw_monitor_client *client, const char *text)
{
	tw_text_add_escaped(&client->output, text, strlen(text));
}

/* "guest:" before an event's name, where there are several targets. */
static void add_prefix(struct tw_monitor_client *client, const char *prefix)
{
	if (!prefix)
		return;
	add_escaped(client, prefix);
	add(client, ":");
}

/* ---- Results ---- */

static void show_event(struct tw_monitor_client *client,
		       const struct tw_monitor_event *event)
{
	add_prefix(client, event->prefix);
	add_escaped(client, event->name);
	add(client, client->command->is_qemu ? " : state " : " ");
	add(client, event->state == 1 ? "1\n" : "0\n");
}

/* "TID@SECONDS.MICROSECONDS:", as QEMU's log has it. */
static void add_moment(struct tw_monitor_client *client,
		       const struct tw_monitor_record *shown)
{
	const struct tw_record *record = shown->record;
	char text[64];

	snprintf(text, sizeof(text), "%u@%llu.%06u:", record->tid,
		 (unsigned long long)(record->time_ns / NS_PER_S),
		 (unsigned int)(record->time_ns % NS_PER_S / 1000));
	add(client, text);
	add_prefix(client, shown->prefix);
}

static void add_dump_line(struct tw_monitor_client *client,
			  const uint8_t *bytes, size_t at, size_t size)
{
	char text[32];

	snprintf(text, sizeof(text), "  %04zx ", at);
	add(client, text);
	for (size_t i = 0; i < DUMP_WIDTH; i++) {
		if (i < size)
			snprintf(text, sizeof(text), " %02x", bytes[i]);
		add(client, i < size ? text : "   ");
	}
	add(client, "  |");
	for (size_t i = 0; i < size; i++) {
		const char shown = bytes[i] >= ' ' && bytes[i] <= '~'
					   ? (char)bytes[i]
					   : '.';

		tw_text_add(&client->output, &shown, 1);
	}
	add(client, "|\n");
}

static void add_dump(struct tw_monitor_client *client,
		     const struct tw_decoded *event)
{
	for (size_t at = 0; at < event->fields_size; at += DUMP_WIDTH) {
		size_t left = event->fields_size - at;

		add_dump_line(client, event->fields + at, at,
			      left < DUMP_WIDTH ? left : DUMP_WIDTH);
	}
}

static void show_record(struct tw_monitor_client *client,
			const struct tw_monitor_record *shown)
{
	const struct tw_record *record = shown->record;
	const uint64_t lost = record->lost + record->discarded;
	char text[64];

	add_moment(client, shown);
	if (record->kind == TW_RECORD_LOST) {
		snprintf(text, sizeof(text), " %llu events lost\n",
			 (unsigned long long)lost);
		add(client, text);
		return;
	}
	add_escaped(client, record->event.event->name);
	if (!shown->hex) {
		add(client, *shown->message ? " " : "");
		add(client, shown->message);
	}
	add(client, "\n");
	if (shown->hex)
		add_dump(client, &record->event);
}

static void show_status(struct tw_monitor_client *client)
{
	add(client, client->monitor->is_off ? "off\n" : "on\n");
}

static void show_trace_file(struct tw_monitor_client *client,
			    const struct tw_trace_file_status *status)
{
	add(client, "Trace file \"");
	add_escaped(client, status->path);
	add(client, status->is_on ? "\" on.\n" : "\" off.\n");
	if (!status->failure)
		return;
	add_escaped(client, status->failure);
	add(client, "\n");
}

static void show_failure(struct tw_monitor_client *client, const char *text)
{
	add_escaped(client, text);
	add(client, "\n");
}

static void show_nothing(struct tw_monitor_client *client)
{
}

/* ---- Words ---- */

static const char info[] = "info ";

/* What follows "info " in a command's name; NULL: it is none of those. */
static const char *after_info(const char *text)
{
	return strncmp(text, info, sizeof(info) - 1) ? NULL
						     : text + sizeof(info) - 1;
}

/* The command of this name; sub: of these names, in "info". */
static const struct tw_monitor_command *find_command(const char *name, bool sub)
{
	const struct tw_monitor_command *command = tw_monitor_commands;

	for (; command->text || command->json; command++) {
		const char *names = command->text;

		if (!names || sub != (after_info(names) != NULL))
			continue;
		if (tw_command_is_called(sub ? after_info(names) : names, name))
			return command;
	}
	return NULL;
}

static char *skip_blanks(char *at)
{
	return at + strspn(at, " \t");
}

/* Cut a plain word off; the line goes on behind it. */
static char *take_word(char **at)
{
	char *word = skip_blanks(*at);

	*at = word + strcspn(word, " \t");
	if (**at)
		*(*at)++ = '\0';
	return word;
}

/* The same for a word that may be in quotes; NULL: it lacks the last one. */
static char *take_quoted(char **at)
{
	char *word = skip_blanks(*at);
	char *from = word + 1;
	char *to = word;

	if (*word != '"')
		return take_word(at);
	for (; *from && *from != '"'; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	if (!*from)
		return NULL;
	*to = '\0';
	*at = from + 1;
	return word;
}

/* ---- Arguments ---- */

static int switch_of(const char *word)
{
	return !strcmp(word, "on") ? 1 : !strcmp(word, "off") ? 0 : -1;
}

/* What messages call a command: its own word, without "info". */
static void add_own_name(struct tw_monitor_client *client,
			 const struct tw_monitor_command *command)
{
	const char *names = after_info(command->text);

	names = names ? names : command->text;
	tw_text_add(&client->output, names, strcspn(names, "|"));
}

static bool complain(struct tw_monitor_client *client,
		     const struct tw_monitor_command *command, const char *what)
{
	add_own_name(client, command);
	add(client, ": ");
	add(client, what);
	add(client, "\n");
	return false;
}

static bool take_hex(struct tw_monitor_client *client,
		     const struct tw_monitor_command *command, char **at)
{
	char letter[2] = {0};

	*at = skip_blanks(*at);
	if (**at != '-')
		return true;
	letter[0] = (*at)[1];
	if (letter[0] != 'x') {
		add_own_name(client, command);
		add(client, ": unsupported option -");
		add_escaped(client, letter);
		add(client, "\n");
		return false;
	}
	*at += 2;
	client->arguments.hex = true;
	return true;
}

static bool take_string(struct tw_monitor_client *client,
			const struct tw_monitor_command *command,
			const struct tw_monitor_parameter *parameter, char **at)
{
	struct tw_monitor_arguments *arguments = &client->arguments;
	char *word;

	*at = skip_blanks(*at);
	if (!**at && parameter->is_optional)
		return true;
	word = take_quoted(at);
	if (!word)
		add(client, "unterminated string\n");
	if (!word || !*word)
		return complain(client, command, "string expected");
	if (parameter->slot == TW_SLOT_NAME) {
		arguments->name = word;
	} else if (parameter->slot == TW_SLOT_PATH) {
		arguments->path = word;
	} else {
		arguments->option = word;
		arguments->on = switch_of(word);
	}
	return true;
}

static bool take_switch(struct tw_monitor_client *client, char **at)
{
	client->arguments.on = switch_of(take_word(at));
	if (client->arguments.on >= 0)
		return true;
	add(client, "Expected 'on' or 'off'\n");
	return false;
}

static bool take_parameter(struct tw_monitor_client *client,
			   const struct tw_monitor_command *command,
			   const struct tw_monitor_parameter *parameter,
			   char **at)
{
	switch (parameter->slot) {
	case TW_SLOT_NAME:
	case TW_SLOT_OPTION:
	case TW_SLOT_FILE:
	case TW_SLOT_PATH:
		return take_string(client, command, parameter, at);
	case TW_SLOT_SWITCH:
		return take_switch(client, at);
	case TW_SLOT_HEX:
		return take_hex(client, command, at);
	default:
		return true;
	}
}

static bool take_arguments(struct tw_monitor_client *client,
			   const struct tw_monitor_command *command, char *at)
{
	const struct tw_monitor_parameter *parameter = command->parameters;

	client->arguments = (struct tw_monitor_arguments){.on = -1};
	for (; parameter->slot; parameter++)
		if (!take_parameter(client, command, parameter, &at))
			return false;
	if (!*skip_blanks(at))
		return true;
	return complain(client, command,
			"extraneous characters at the end of line");
}

/* ---- Help ---- */

/* "info" is those under it, and no name the others. */
static bool is_wanted(const char *wanted,
		      const struct tw_monitor_command *command)
{
	const bool is_sub = after_info(command->text) != NULL;

	if (!wanted)
		return !is_sub;
	if (!strcmp(wanted, "info"))
		return is_sub;
	return !strcmp(wanted, command->text);
}

static void show_command(struct tw_monitor_client *client,
			 const struct tw_monitor_command *command)
{
	if (!command->text || !is_wanted(client->arguments.name, command))
		return;
	add(client, command->text);
	add(client, *command->usage ? " " : "");
	add(client, command->usage);
	add(client, " -- ");
	add(client, command->help);
	add(client, "\n");
}

/* ---- Lines ---- */

static void unknown_command(struct tw_monitor_client *client,
			    const char *before, const char *name)
{
	add(client, "unknown command: '");
	add(client, before);
	add_escaped(client, name);
	add(client, "'\n");
}

/* Help's argument is a command, of one word or two: find it, or say so. */
static bool find_wanted(struct tw_monitor_client *client, char *at)
{
	const struct tw_monitor_command *command;
	const char *name = take_word(&at);
	const char *sub = take_word(&at);

	client->arguments = (struct tw_monitor_arguments){.on = -1};
	if (!*name)
		return true;
	command = find_command(name, false);
	if (!command) {
		unknown_command(client, "", name);
		return false;
	}
	client->arguments.name = command->text;
	if (strcmp(command->text, "info") != 0 || !*sub)
		return true;
	command = find_command(sub, true);
	if (command)
		client->arguments.name = command->text;
	else
		unknown_command(client, info, sub);
	return command != NULL;
}

static void suggest_help(struct tw_monitor_client *client, const char *command)
{
	add(client, "Try \"help ");
	add(client, command);
	add(client, "\" for more information\n");
}

/* "info" and the word behind it; alone, it stands for help about it. */
static const struct tw_monitor_command *find_sub_command(
	struct tw_monitor_client *client, const char *sub,
	const struct tw_monitor_command *command)
{
	if (strcmp(command->text, "info") != 0 || !*sub)
		return command;
	command = find_command(sub, true);
	if (!command)
		unknown_command(client, info, sub);
	return command;
}

static void run_command(struct tw_monitor_client *client,
			const struct tw_monitor_command *command,
			const char *name, const char *sub, char *at)
{
	char words[64]; /* as it was called */

	if (tw_command_is_called(command->text, "help")) {
		if (find_wanted(client, at))
			tw_client_run(client, command);
		return;
	}
	if (!take_arguments(client, command, at)) {
		snprintf(words, sizeof(words), "%s%s%s", name, *sub ? " " : "",
			 sub);
		suggest_help(client, words);
		return;
	}
	if (!strcmp(command->text, "info"))
		client->arguments.name = command->text;
	tw_client_run(client, command);
}

static void run_line(struct tw_monitor_client *client, char *at)
{
	const struct tw_monitor_command *command;
	const char *name = take_word(&at);
	const char *sub = "";

	if (!*name)
		return;
	command = find_command(name, false);
	if (!command) {
		unknown_command(client, "", name);
		return;
	}
	if (!strcmp(command->text, "info"))
		sub = take_word(&at);
	command = find_sub_command(client, sub, command);
	if (command)
		run_command(client, command, name, sub, at);
}

/* Control characters are as if they had not been typed. */
static void clean(char *line, size_t size)
{
	char *to = line;

	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)line[i] >= ' ' && line[i] != 0x7f)
			*to++ = line[i];
		else if (line[i] == '\t')
			*to++ = ' ';
	}
	*to = '\0';
}

static void end_line(struct tw_monitor_client *client)
{
	const size_t size = client->input_size;

	client->input_size = 0;
	if (client->is_too_long) {
		client->is_too_long = false;
		add(client, "line too long\n");
		return;
	}
	clean(client->input, size);
	run_line(client, client->input);
}

static void append(struct tw_monitor_client *client, const char *bytes,
		   size_t size)
{
	if (size > TW_MONITOR_INPUT_MAX - client->input_size)
		client->is_too_long = true;
	if (client->is_too_long || !size)
		return;
	memcpy(client->input + client->input_size, bytes, size);
	client->input_size += size;
}

static size_t feed(struct tw_monitor_client *client, const char *bytes,
		   size_t size)
{
	const char *end = size ? memchr(bytes, '\n', size) : NULL;
	const size_t taken = end ? (size_t)(end - bytes) : size;

	append(client, bytes, taken);
	if (!end)
		return taken;
	end_line(client);
	return taken + 1;
}

const struct tw_monitor_view tw_monitor_text = {
	.begin = show_nothing,
	.feed = feed,
	.feed_end = end_line,
	.event = show_event,
	.record = show_record,
	.command = show_command,
	.status = show_status,
	.trace_file = show_trace_file,
	.fail = show_failure,
	.end = show_nothing,
};
