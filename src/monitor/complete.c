/* SPDX-License-Identifier: MIT */
/*
 * What the last word of a line may become, from the table of commands and the
 * events that there are.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"
#define WORD_MAX 1024u /* bytes; what is longer completes nothing */

struct completion {
	struct tw_monitor *monitor;
	const char *begun; /* of the last word */
	tw_monitor_word_fn fn;
	void *context;
};

static void offer(const struct completion *completion, const char *word)
{
	if (!strncmp(word, completion->begun, strlen(completion->begun)))
		completion->fn(completion->context, word);
}

/* ---- Commands ---- */

/* A command's names, "help|?", one by one. */
static void offer_names(const struct completion *completion, const char *names)
{
	char word[WORD_MAX];

	while (*names) {
		size_t size = strcspn(names, "|");

		snprintf(word, sizeof(word), "%.*s", (int)size, names);
		offer(completion, word);
		names += size + (names[size] == '|');
	}
}

/* Those whose first word is group; without one, those of one word. */
static void offer_commands(const struct completion *completion,
			   const char *group)
{
	const struct tw_monitor_command *command = tw_monitor_commands;
	const size_t size = strlen(group);

	for (; command->text || command->json; command++) {
		const char *blank;

		if (!command->text)
			continue;
		blank = strchr(command->text, ' ');
		if (!size && !blank)
			offer_names(completion, command->text);
		else if (size && blank && !strncmp(command->text, group, size))
			offer_names(completion, blank + 1);
	}
}

/* The command that names[0], or the first two, call; *used says how many. */
static const struct tw_monitor_command *find_command(char *const *words,
						     size_t count, size_t *used)
{
	const struct tw_monitor_command *command = tw_monitor_commands;

	for (; command->text || command->json; command++) {
		const char *names = command->text;
		const char *blank = names ? strchr(names, ' ') : NULL;
		const size_t index = blank ? 1 : 0;

		/* "info" itself is what stands before a command's name. */
		if (!names || !strcmp(names, "info") || count <= index ||
		    (blank && (strlen(words[0]) != (size_t)(blank - names) ||
			       memcmp(words[0], names, strlen(words[0])) != 0)))
			continue;
		*used = index + 1;
		if (tw_command_is_called(blank ? blank + 1 : names,
					 words[index]))
			return command;
	}
	return NULL;
}

/* ---- Arguments ---- */

static void offer_events(const struct completion *completion)
{
	const bool has_prefix = strchr(completion->begun, ':') != NULL;
	struct tw_monitor *monitor = completion->monitor;
	struct tw_monitor_event event = {0};
	char word[WORD_MAX];

	for (size_t i = 0;
	     !has_prefix && monitor->count > 1 && i < monitor->count; i++) {
		snprintf(word, sizeof(word), "%s:", monitor->targets[i].name);
		offer(completion, word);
	}
	while (tw_monitor_next(monitor, NULL, &event)) {
		snprintf(word, sizeof(word), "%s:%s",
			 monitor->targets[event.target].name, event.name);
		offer(completion, has_prefix ? word : event.name);
	}
}

static void offer_argument(const struct completion *completion,
			   const struct tw_monitor_command *command,
			   size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!command->parameters[i].slot)
			return;
	switch (command->parameters[index].slot) {
	case TW_SLOT_NAME:
		offer_events(completion);
		break;
	case TW_SLOT_SWITCH:
	case TW_SLOT_OPTION:
		offer(completion, "on");
		offer(completion, "off");
		break;
	case TW_SLOT_FILE:
		offer(completion, "on");
		offer(completion, "off");
		offer(completion, "flush");
		offer(completion, "set");
		break;
	case TW_SLOT_HEX:
		offer(completion, "-x");
		break;
	default:
		break;
	}
}

/* ---- Lines ---- */

#define WORDS_MAX 5u

/* The words before the last one. */
static void complete(const struct completion *completion, char *const *words,
		     size_t count)
{
	const struct tw_monitor_command *command;
	size_t used = 0;

	if (count && tw_command_is_called("help|?", words[0])) {
		words++;
		count--;
	}
	if (!count || (count == 1 && !strcmp(words[0], "info"))) {
		offer_commands(completion, count ? "info" : "");
		return;
	}
	command = find_command(words, count, &used);
	if (command && count - used < 4)
		offer_argument(completion, command, count - used);
}

void tw_monitor_complete(struct tw_monitor *monitor, const char *line,
			 tw_monitor_word_fn fn, void *context)
{
	struct completion completion = {
		.monitor = monitor,
		.fn = fn,
		.context = context,
	};
	char *words[WORDS_MAX];
	size_t count = 0;
	char *copy = strdup(line);
	char *at = copy;

	while (copy && count < WORDS_MAX) {
		at += strspn(at, BLANKS);
		words[count] = at;
		at += strcspn(at, BLANKS);
		if (!*at)
			break;
		*at++ = '\0';
		count++;
	}
	if (copy && count < WORDS_MAX && strlen(words[count]) < WORD_MAX) {
		completion.begun = words[count];
		tw_monitor_refresh(monitor);
		complete(&completion, words, count);
	}
	free(copy);
}
