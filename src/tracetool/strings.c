/* SPDX-License-Identifier: MIT */
/*
 * A set of strings: a list, and over it a hash table with open addressing, at
 * most half full, whose slots hold a string's number + 1.
 */

#include "strings.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024u

/* Eight bytes at a time, each spread over the whole word; the high bits, where
 * all of them meet, folded down. */
static uint32_t hash(const char *text)
{
	size_t size = strlen(text);
	uint64_t value = size;
	uint64_t word;

	for (; size >= sizeof(word); size -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		value = (value ^ word) * 0x9e3779b97f4a7c15u;
		value ^= value >> 29;
		text += sizeof(word);
	}
	for (word = 0; size > 0; size--)
		word = word << 8 | (uint8_t)*text++;
	value = (value ^ word) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(value >> 32);
}

/* The slot that holds the text, or the empty one where it belongs. */
static uint32_t *find_slot(const struct tw_strings *strings, const char *text)
{
	uint32_t at = hash(text);

	for (;; at++) {
		uint32_t *slot =
			&strings->slots[at & (strings->slot_count - 1)];

		if (*slot == 0 ||
		    strcmp(strings->list[*slot - 1].text, text) == 0)
			return slot;
	}
}

static bool grow(struct tw_strings *strings)
{
	uint32_t slot_count = strings->slot_count ? strings->slot_count * 2
						  : SLOTS_FIRST;
	struct tw_string *list;
	uint32_t *slots;

	if (slot_count == 0)
		return false;
	list = reallocarray(strings->list, slot_count / 2, sizeof(*list));
	if (!list)
		return false;
	strings->list = list;
	slots = calloc(slot_count, sizeof(*slots));
	if (!slots)
		return false;
	free(strings->slots);
	strings->slots = slots;
	strings->slot_count = slot_count;
	for (uint32_t i = 0; i < strings->count; i++)
		*find_slot(strings, list[i].text) = i + 1;
	return true;
}

uint32_t tw_strings_add(struct tw_strings *strings, const char *text)
{
	size_t size = strlen(text) + 1;
	uint32_t *slot;

	if (strings->count == strings->slot_count / 2 && !grow(strings))
		goto failed;
	slot = find_slot(strings, text);
	if (*slot != 0)
		return *slot - 1;
	if (size > UINT32_MAX - strings->total)
		goto failed;
	strings->list[strings->count] = (struct tw_string){text, strings->total,
							   (uint32_t)size};
	strings->total += (uint32_t)size;
	*slot = ++strings->count;
	return *slot - 1;
failed:
	strings->failed = true;
	return 0;
}

int64_t tw_strings_find(const struct tw_strings *strings, const char *text)
{
	if (strings->slot_count == 0)
		return -1;
	return (int64_t)*find_slot(strings, text) - 1;
}

void tw_strings_clear(struct tw_strings *strings)
{
	free(strings->list);
	free(strings->slots);
	*strings = (struct tw_strings){0};
}
