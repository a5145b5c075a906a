/* SPDX-License-Identifier: MIT */
/*
 * Event patterns. Greedy with one point to go back to: when a match fails, the
 * last "*" takes one character more. That is enough, since an earlier star
 * could only give up what a later one can take as well.
 */
#include "glob.h"

int tw_glob_match_n(const char *pattern, size_t pattern_size, const char *text)
{
	const char *end = pattern + pattern_size;
	const char *star = NULL, *star_text = NULL;

	while (*text) {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			star_text = text;
		} else if (pattern < end &&
			   (*pattern == '?' || *pattern == *text)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++star_text;
		} else {
			return 0;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

int tw_glob_match(const char *pattern, const char *text)
{
	const char *end = pattern;

	while (*end)
		end++;
	return tw_glob_match_n(pattern, (size_t)(end - pattern), text);
}

int tw_glob_has_wildcard(const char *pattern)
{
	for (; *pattern; pattern++)
		if (*pattern == '*' || *pattern == '?')
			return 1;
	return 0;
}
