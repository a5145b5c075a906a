/* SPDX-License-Identifier: MIT */
/*
 * Hints and completion for monitor-line.c. The monitor itself says what is
 * wrong in QEMU's words, of which programs make something; what follows is for
 * people alone.
 */
#include "monitor-hint.h"

#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n"

static bool is_printable(const char *word)
{
	for (; *word; word++)
		if (*word < '!' || *word > '~')
			return false;
	return true;
}

static bool is_among(const struct tw_monitor_words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (!strcmp(words->list[i], word))
			return true;
	return false;
}

static void add_word(void *context, const char *word)
{
	struct tw_monitor_words *words = context;
	char **list;

	if (!is_printable(word) || is_among(words, word))
		return;
	list = reallocarray(words->list, words->count + 1, sizeof(*list));
	if (list)
		words->list = list;
	if (list && (list[words->count] = strdup(word)))
		words->count++;
	else
		words->failed = true;
}

void tw_monitor_words_add(struct tw_monitor_words *words,
			  struct tw_monitor *monitor, const char *line)
{
	tw_monitor_complete(monitor, line, add_word, words);
}

void tw_monitor_words_free(struct tw_monitor_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->list[i]);
	free(words->list);
	*words = (struct tw_monitor_words){0};
}

/* The nearest of words, unless word is one of them. NULL: none is near. */
static char *guess(const struct tw_monitor_words *words, const char *word)
{
	struct tw_guess guess;

	tw_guess_start(&guess, word);
	for (size_t i = 0; i < words->count; i++)
		tw_guess_offer(&guess, words->list[i]);
	return guess.best && strcmp(guess.best, word) != 0 ? strdup(guess.best)
							   : NULL;
}

/* What the word that begins at *at, of size bytes, was meant to be. *is_known:
 * as it stands. */
static char *look_at(struct tw_monitor *monitor, const char *line, size_t at,
		     size_t size, bool *is_known)
{
	/* Events of one target are only known behind its name. */
	const char *colon = memrchr(line + at, ':', size);
	struct tw_monitor_words words = {0};
	char *before = strndup(line, colon ? (size_t)(colon + 1 - line) : at);
	char *word = strndup(line + at, size);
	char *meant = NULL;

	if (before && word) {
		tw_monitor_words_add(&words, monitor, before);
		*is_known = is_among(&words, word) || strpbrk(word, "*?");
		if (!*is_known)
			meant = guess(&words, word);
	}
	tw_monitor_words_free(&words);
	free(before);
	free(word);
	return meant;
}

char *tw_monitor_hint(struct tw_monitor *monitor, const char *line,
		      const char **wrong, size_t *size)
{
	size_t at = strspn(line, BLANKS);
	bool is_known = true;

	while (is_known && line[at]) {
		char *meant;

		*wrong = line + at;
		*size = strcspn(line + at, BLANKS);
		is_known = false;
		meant = look_at(monitor, line, at, *size, &is_known);
		if (meant)
			return meant;
		at += *size;
		at += strspn(line + at, BLANKS);
	}
	return NULL;
}
