/* SPDX-License-Identifier: MIT */
/*
 * A set of strings: a list, and over it a hash table with open addressing, at
 * most half full, whose slots hold a string's number + 1 and, above it, its
 * hash, so that other strings are seldom looked at.
 */

#include "strings.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024u

/* Eight bytes at a time, each spread over the whole word; the high bits, where
 * all of them meet, folded down. The last eight may overlap others. */
static uint32_t hash(const char *text, size_t size)
{
	uint64_t value = size;
	uint64_t word = 0;
	size_t done = 0;

	for (; size - done > sizeof(word); done += sizeof(word)) {
		memcpy(&word, text + done, sizeof(word));
		value = (value ^ word) * 0x9e3779b97f4a7c15u;
		value ^= value >> 29;
	}
	if (size >= sizeof(word)) {
		memcpy(&word, text + size - sizeof(word), sizeof(word));
	} else {
		for (word = 0; done < size; done++)
			word = word << 8 | (uint8_t)text[done];
	}
	value = (value ^ word) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(value >> 32);
}

/* The slot that holds the text, or the empty one where it belongs. */
static uint64_t *find_slot(const struct tw_strings *strings, const char *text,
			   size_t size, uint32_t value)
{
	for (uint32_t at = value;; at++) {
		uint64_t *slot =
			&strings->slots[at & (strings->slot_count - 1)];
		const struct tw_string *other;

		if (*slot == 0)
			return slot;
		if (*slot >> 32 != value)
			continue;
		other = &strings->list[(uint32_t)*slot - 1];
		if (other->size == size + 1 &&
		    memcmp(other->text, text, size) == 0)
			return slot;
	}
}

/* Where a string belongs that is not there yet. */
static uint64_t *find_empty(uint64_t *slots, uint32_t slot_count, uint32_t at)
{
	while (slots[at & (slot_count - 1)])
		at++;
	return &slots[at & (slot_count - 1)];
}

static bool grow(struct tw_strings *strings)
{
	uint32_t slot_count = strings->slot_count ? strings->slot_count * 2
						  : SLOTS_FIRST;
	struct tw_string *list;
	uint64_t *slots;

	if (slot_count == 0)
		return false;
	list = reallocarray(strings->list, slot_count / 2, sizeof(*list));
	if (!list)
		return false;
	strings->list = list;
	slots = calloc(slot_count, sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = 0; i < strings->slot_count; i++) {
		uint64_t slot = strings->slots[i];

		if (slot)
			*find_empty(slots, slot_count,
				    (uint32_t)(slot >> 32)) = slot;
	}
	free(strings->slots);
	strings->slots = slots;
	strings->slot_count = slot_count;
	return true;
}

uint32_t tw_strings_add(struct tw_strings *strings, const char *text)
{
	size_t size = strlen(text);
	uint32_t value = hash(text, size);
	uint64_t *slot;

	if (strings->count == strings->slot_count / 2 && !grow(strings))
		goto failed;
	slot = find_slot(strings, text, size, value);
	if (*slot != 0)
		return (uint32_t)*slot - 1;
	if (size >= UINT32_MAX - strings->total)
		goto failed;
	strings->list[strings->count] = (struct tw_string){text, strings->total,
							   (uint32_t)size + 1};
	strings->total += (uint32_t)size + 1;
	*slot = (uint64_t)value << 32 | ++strings->count;
	return strings->count - 1;
failed:
	strings->failed = true;
	return 0;
}

int64_t tw_strings_find(const struct tw_strings *strings, const char *text)
{
	size_t size = strlen(text);

	if (strings->slot_count == 0)
		return -1;
	return (int64_t)(uint32_t)*find_slot(strings, text, size,
					     hash(text, size)) -
	       1;
}

void tw_strings_clear(struct tw_strings *strings)
{
	free(strings->list);
	free(strings->slots);
	*strings = (struct tw_strings){0};
}
