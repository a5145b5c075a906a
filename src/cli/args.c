/* SPDX-License-Identifier: MIT */
/*
 * Arguments by a command's option table. Not getopt_long(): record needs to
 * know where "--" stood, and help and completion come from the same table.
 */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tw_option help_option = {'h', "help", NULL,
					     "show this help"};

static int stop(struct tw_args *args, int status)
{
	args->status = status;
	return TW_ARG_STOP;
}

int tw_usage_error(const struct tw_args *args, const char *format, ...)
{
	struct tw_text text = {0};
	char what[512];
	va_list list;

	va_start(list, format);
	vsnprintf(what, sizeof(what), format, list);
	va_end(list);
	tw_text_add_escaped(&text, what, strlen(what));
	fprintf(stderr, "trackway %s: %.*s (see: trackway %s --help)\n",
		args->command->name, (int)text.size, text.data ? text.data : "",
		args->command->name);
	free(text.data);
	return TW_EXIT_USAGE;
}

static char *shift(struct tw_args *args)
{
	args->count--;
	return *args->list++;
}

static const struct tw_option *option_by_id(const struct tw_args *args, int id)
{
	const struct tw_option *option = args->command->options;

	if (id == help_option.id)
		return &help_option;
	for (; option->id; option++)
		if (option->id == id)
			return option;
	return NULL;
}

/* An exact name, else the only one that begins so; several: *several. */
static const struct tw_option *option_by_name(const struct tw_args *args,
					      const char *name, size_t size,
					      bool *several)
{
	const struct tw_option *option = args->command->options;
	const struct tw_option *found = NULL;

	*several = false;
	if (!strncmp(help_option.name, name, size))
		found = &help_option;
	for (; option->id; option++) {
		if (strncmp(option->name, name, size) != 0)
			continue;
		if (!option->name[size])
			return option;
		*several = found != NULL;
		found = option;
	}
	return found;
}

static int unknown_option(struct tw_args *args, const char *name, size_t size,
			  bool several)
{
	const struct tw_option *option = args->command->options;
	struct tw_guess guess;
	char word[64];

	snprintf(word, sizeof(word), "%.*s", (int)size, name);
	if (several)
		return stop(args, tw_usage_error(
					  args, "--%s may mean several options",
					  word));
	tw_guess_start(&guess, word);
	for (; option->id; option++)
		tw_guess_offer(&guess, option->name);
	if (guess.best)
		return stop(args, tw_usage_error(args,
						 "unknown option --%s, did you "
						 "mean --%s?",
						 word, guess.best));
	return stop(args, tw_usage_error(args, "unknown option --%s", word));
}

static int take_option(struct tw_args *args, const struct tw_option *option,
		       const char *value)
{
	if (option == &help_option) {
		tw_cli_help(args->command);
		return stop(args, TW_EXIT_OK);
	}
	args->value = NULL;
	if (!option->value && value)
		return stop(args, tw_usage_error(args, "--%s takes no value",
						 option->name));
	if (!option->value)
		return option->id;
	if (!value && !args->count)
		return stop(args, tw_usage_error(args, "--%s needs a %s",
						 option->name, option->value));
	args->value = value ? value : shift(args);
	return option->id;
}

static int next_long(struct tw_args *args, const char *name)
{
	size_t size = strcspn(name, "=");
	const char *value = name[size] ? name + size + 1 : NULL;
	const struct tw_option *option;
	bool several;

	option = option_by_name(args, name, size, &several);
	if (!option || several)
		return unknown_option(args, name, size, several);
	return take_option(args, option, value);
}

static int next_short(struct tw_args *args)
{
	const char *at = args->short_at;
	const struct tw_option *option = option_by_id(args, *at++);
	const char *value = NULL;

	args->short_at = *at ? at : NULL;
	if (!option)
		return stop(args,
			    tw_usage_error(args, "unknown option -%c", at[-1]));
	if (option->value && *at) {
		value = at;
		args->short_at = NULL;
	}
	return take_option(args, option, value);
}

int tw_args_next(struct tw_args *args)
{
	char *word;

	if (args->short_at)
		return next_short(args);
	if (!args->count || args->rest)
		return TW_ARG_END;
	word = shift(args);
	if (!strcmp(word, "--")) {
		args->rest = args->list;
		args->rest_count = args->count;
		return TW_ARG_END;
	}
	if (!strncmp(word, "--", 2))
		return next_long(args, word + 2);
	if (word[0] == '-' && word[1]) {
		args->short_at = word + 1;
		return next_short(args);
	}
	args->value = word;
	return TW_ARG_OPERAND;
}

static unsigned int unit_shift(const char *unit)
{
	static const char units[] = "KMG";
	const char *at;

	if (!unit[0] || unit[1])
		return 0;
	at = strchr(units, unit[0] >= 'a' ? unit[0] - 'a' + 'A' : unit[0]);
	return at ? 10 * (unsigned int)(at - units + 1) : 0;
}

bool tw_args_number(struct tw_args *args, const char *option, uint64_t min,
		    uint64_t max, uint64_t *number)
{
	const char *text = args->value;
	unsigned int shift_by;
	char *end = NULL;

	errno = 0;
	*number = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10)
						   : 0;
	shift_by = end ? unit_shift(end) : 0;
	if (!end || errno || (*end && !shift_by) || *number > max >> shift_by ||
	    *number << shift_by < min) {
		args->status = tw_usage_error(
			args,
			"--%s: '%s' is not a number from %" PRIu64
			" to %" PRIu64,
			option, text, min, max);
		return false;
	}
	*number <<= shift_by;
	return true;
}

void tw_words_add(struct tw_words *words, const char *word)
{
	const char **list = realloc(words->list,
				    (words->count + 1) * sizeof(*words->list));

	if (!list) {
		/* A few bytes for arguments: nothing else would work either. */
		exit(tw_error_memory());
	}
	words->list = list;
	list[words->count++] = word;
}

bool tw_words_repeats(const struct tw_words *words, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(words->list[i], words->list[index]) == 0)
			return true;
	return false;
}

void tw_words_free(struct tw_words *words)
{
	free(words->list);
	*words = (struct tw_words){0};
}
