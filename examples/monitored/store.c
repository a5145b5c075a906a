/* SPDX-License-Identifier: MIT */
/* Values by key, in a table. */
#include "store.h"

#include <string.h>

#include "trace.h"

#define PLACES 1000u

static struct {
	char key[STORE_LINE_MAX];
	char value[STORE_LINE_MAX];
} store[PLACES];
static unsigned int count;

static unsigned int find(const char *key)
{
	unsigned int place = 0;

	while (place < count && strcmp(store[place].key, key) != 0)
		place++;
	return place;
}

static const char *set(const char *key, const char *value)
{
	const unsigned int place = find(key);

	if (place == PLACES) {
		trace_store_full(key, PLACES);
		return "full";
	}
	if (place == count) {
		trace_store_new(key, place);
		strcpy(store[count++].key, key);
	}
	strcpy(store[place].value, value);
	return "ok";
}

static const char *get(const char *key)
{
	const unsigned int place = find(key);

	return place < count ? store[place].value : "none";
}

const char *store_command(char *line)
{
	const char *verb = strsep(&line, " "), *key = strsep(&line, " ");
	const char *answer = "set KEY VALUE, or get KEY";

	trace_store_command(verb, key);
	if (key && line && !strcmp(verb, "set"))
		answer = set(key, line);
	else if (key && !line && !strcmp(verb, "get"))
		answer = get(key);
	trace_store_answer(answer);
	return answer;
}
