/* SPDX-License-Identifier: MIT */
/*
 * What lines of several producers are told apart by. Called by print-loop.c and
 * print-text.c.
 */
#include "producer-names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name's two parts: text, and what is kept when that is cut. */
struct name {
	struct tw_text text;
	char suffix[24];
};

/* Of what is escaped, each character but those that go on with one. */
static unsigned int count_characters(const char *text, size_t size)
{
	unsigned int count = 0;

	for (size_t i = 0; i < size; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

/* Bytes of the first so many characters. */
static size_t size_of(const char *text, size_t size, unsigned int characters)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80 && !characters--)
			break;
	return i;
}

static bool is_same_name(const struct tw_trace_producer *one,
			 const struct tw_trace_producer *other)
{
	return one != other && strcmp(one->name, other->name) == 0;
}

bool tw_is_after_reset(const struct tw_trace *trace, uint32_t index)
{
	const uint32_t count = tw_trace_producer_count(trace);
	const struct tw_trace_producer *it = tw_trace_producer(trace, index);
	const struct tw_trace_producer *other;

	for (uint32_t i = 0; it->epoch && i < count; i++) {
		other = tw_trace_producer(trace, i);
		if (is_same_name(it, other) && other->pid == it->pid &&
		    other->epoch && other->epoch < it->epoch)
			return true;
	}
	return false;
}

/* A name is nobody else's, but for the same program's other epochs. */
static bool is_unique(const struct tw_trace *trace, uint32_t index)
{
	const uint32_t count = tw_trace_producer_count(trace);
	const struct tw_trace_producer *it = tw_trace_producer(trace, index);
	const struct tw_trace_producer *other;

	for (uint32_t i = 0; i < count; i++) {
		other = tw_trace_producer(trace, i);
		if (is_same_name(it, other) && other->pid != it->pid)
			return false;
	}
	return true;
}

static void make_name(const struct tw_trace *trace, uint32_t index,
		      struct name *name)
{
	const struct tw_trace_producer *it = tw_trace_producer(trace, index);
	char pid[12] = "", epoch[12] = "";

	*name = (struct name){0};
	tw_text_add_escaped(&name->text, it->name, strlen(it->name));
	if (it->pid && !is_unique(trace, index))
		snprintf(pid, sizeof(pid), ":%" PRIu32, it->pid);
	if (tw_is_after_reset(trace, index))
		snprintf(epoch, sizeof(epoch), "%" PRIu32, it->epoch);
	snprintf(name->suffix, sizeof(name->suffix), "%s%s%s", pid,
		 epoch[0] ? "-epoch" : "", epoch);
}

unsigned int tw_producer_width(const struct tw_trace *trace)
{
	const uint32_t count = tw_trace_producer_count(trace);
	unsigned int most = 0;
	struct name name;

	for (uint32_t i = 0; i < count; i++) {
		unsigned int width;

		make_name(trace, i, &name);
		width = count_characters(name.text.data, name.text.size) +
			(unsigned int)strlen(name.suffix);
		if (width > most)
			most = width;
		free(name.text.data);
	}
	return most < TW_PRODUCER_WIDTH_MAX ? most : TW_PRODUCER_WIDTH_MAX;
}

void tw_producer_add_name(const struct tw_trace *trace, uint32_t index,
			  unsigned int width, struct tw_text *text)
{
	unsigned int suffix, characters;
	struct name name;

	make_name(trace, index, &name);
	suffix = (unsigned int)strlen(name.suffix);
	characters = count_characters(name.text.data, name.text.size);
	if (characters + suffix > width && suffix < width) {
		characters = width - suffix;
		tw_text_add(text, name.text.data,
			    size_of(name.text.data, name.text.size,
				    characters - 1));
		tw_text_add_string(text, "~");
	} else if (name.text.size) {
		tw_text_add(text, name.text.data, name.text.size);
	}
	tw_text_add_string(text, name.suffix);
	for (characters += suffix; characters < width; characters++)
		tw_text_add_string(text, " ");
	text->failed |= name.text.failed;
	free(name.text.data);
}
