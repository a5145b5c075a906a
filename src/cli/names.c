/* SPDX-License-Identifier: MIT */
/* Names by pattern, and names that were nearly right. */
#include "cli.h"

#include "../ring/glob.h"

#include <string.h>

#define GUESS_LENGTH_MAX 63

bool tw_names_match(const struct tw_words *patterns, const char *name)
{
	bool chosen = !patterns->count || patterns->list[0][0] == '-';

	for (size_t i = 0; i < patterns->count; i++) {
		const char *pattern = patterns->list[i];
		bool excludes = pattern[0] == '-';

		if (tw_glob_match(pattern + excludes, name))
			chosen = !excludes;
	}
	return chosen;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * Insertions, deletions, replacements and swaps of neighbours that make one
 * word of the other; a row of the usual matrix at a time, two rows kept.
 */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][GUESS_LENGTH_MAX + 1];
	size_t length_a = strlen(a), length_b = strlen(b);

	if (length_a > GUESS_LENGTH_MAX || length_b > GUESS_LENGTH_MAX)
		return GUESS_LENGTH_MAX;
	for (size_t j = 0; j <= length_b; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= length_a; i++) {
		unsigned int *row = rows[i % 3], *above = rows[(i + 2) % 3];
		const unsigned int *above2 = rows[(i + 1) % 3];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= length_b; j++) {
			row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]),
				       least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return rows[length_a % 3][length_b];
}

void tw_guess_start(struct tw_guess *guess, const char *word)
{
	/* A third of the letters may be wrong, and at least one. */
	*guess = (struct tw_guess){
		.word = word,
		.distance = (unsigned int)(strlen(word) + 2) / 3 + 1,
	};
}

void tw_guess_offer(struct tw_guess *guess, const char *candidate)
{
	size_t length = strlen(guess->word);
	unsigned int found = distance(guess->word, candidate);

	/* A beginning that was not finished. */
	if (length > 2 && found > 1 && !strncmp(guess->word, candidate, length))
		found = 1;
	if (found < guess->distance) {
		guess->distance = found;
		guess->best = candidate;
	}
}
