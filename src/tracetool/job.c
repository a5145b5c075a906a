/* SPDX-License-Identifier: MIT */
/* The events of all inputs as one group, with names that C and C++ take. */

#include "job.h"

#include "../schema/arena.h"
#include "strings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Fine names for an argument in a trace-events file, yet not in generated code:
 * the keywords that only C++ has, macros and objects of common headers, and
 * what the generated functions use themselves. By their first letters, with a
 * blank on both sides of each.
 */
static const char *const taken[] = {
	['E'] = " EOF ",
	['F'] = " FILE ",
	['N'] = " NULL ",
	['T'] = " TW_STATE ",
	['a'] = " alignas alignof and and_eq ",
	['b'] = " bitand bitor bool ",
	['c'] = (" catch char16_t char32_t char8_t class co_await co_return "
		 "co_yield compl concept const_cast consteval constexpr "
		 "constinit "),
	['d'] = " daylight decltype delete dynamic_cast ",
	['e'] = " environ errno explicit export ",
	['f'] = " false friend ",
	['i'] = " i386 int16_t int32_t int64_t int8_t ",
	['l'] = " linux ",
	['m'] = " memcpy mips mutable ",
	['n'] = " namespace new noexcept not not_eq nullptr ",
	['o'] = " offsetof operator or or_eq ",
	['p'] = " private protected ptrdiff_t public ",
	['r'] = " reinterpret_cast requires ",
	['s'] = (" signgam size_t sparc ssize_t static_assert static_cast "
		 "stderr stdin stdout sun "),
	['t'] = (" template this thread_local throw timezone true try typeid "
		 "typename "),
	['u'] = " uint16_t uint32_t uint64_t uint8_t uintptr_t unix using ",
	['v'] = " virtual ",
	['w'] = " wchar_t ",
	['x'] = " xor xor_eq ",
};

static bool is_taken(const char *name)
{
	unsigned char first = (unsigned char)name[0];
	size_t size = strlen(name);

	if (name[0] == '_' || strncmp(name, "tw_", 3) == 0 ||
	    strncmp(name, "trace_", 6) == 0)
		return true;
	if (first >= sizeof(taken) / sizeof(*taken) || !taken[first])
		return false;
	for (const char *at = taken[first]; (at = strstr(at, name));
	     at += size) {
		if (at[-1] == ' ' && at[size] == ' ')
			return true;
	}
	return false;
}

static bool is_argument(const struct tw_event_desc *event, const char *name)
{
	for (uint32_t i = 0; i < event->field_count; i++) {
		if (strcmp(event->fields[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The argument's name with "arg_" before it and as many "_" after as it takes
 * to differ from the others. */
static const char *make_argument(struct tw_job *job,
				 const struct tw_event_desc *event,
				 const char *name)
{
	size_t size = strlen(name);
	size_t room = 4 + size + TW_FIELDS_MAX + 1;
	char *made = tw_arena_alloc(&job->names, room);

	if (!made)
		return NULL;
	snprintf(made, room, "arg_%s", name);
	for (char *end = made + 4 + size; is_argument(event, made); end++)
		*end = '_';
	return made;
}

static const char *make_macro(struct tw_job *job, const char *name)
{
	char *macro = tw_arena_copy(&job->names, name, strlen(name));

	for (char *at = macro; at && *at; at++) {
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
	}
	return macro;
}

static int add_event(struct tw_job *job, const struct tw_event_desc *desc)
{
	struct tw_job_event *event = &job->events[job->event_count];

	event->desc = desc;
	event->index = job->event_count++;
	event->macro = make_macro(job, desc->name);
	if (!event->macro)
		return -ENOMEM;
	for (uint32_t i = 0; i < desc->field_count; i++) {
		const char *name = desc->fields[i].name;

		event->arguments[i] = is_taken(name)
					      ? make_argument(job, desc, name)
					      : name;
		if (!event->arguments[i])
			return -ENOMEM;
	}
	return 0;
}

static int copy_events(struct tw_job *job, struct tw_schema *const *schemas,
		       size_t schema_count)
{
	uint64_t total = 0;
	int error = 0;

	for (size_t i = 0; i < schema_count; i++)
		total += schemas[i]->event_count;
	job->event_count = 0;
	job->events = calloc(total ? total : 1, sizeof(*job->events));
	if (!job->events)
		return -ENOMEM;
	for (size_t i = 0; i < schema_count && error == 0; i++) {
		for (uint32_t j = 0; j < schemas[i]->event_count && error == 0;
		     j++)
			error = add_event(job, &schemas[i]->events[j]);
	}
	return error;
}

/*
 * Two events that would be one in C: of the same name, or (their macros) of
 * names that differ in case only. macros becomes the set of all, by number.
 */
static int check_unique(const struct tw_job *job, struct tw_strings *macros,
			char *message, size_t message_size,
			const struct tw_event_desc **culprit)
{
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_event_desc *event = job->events[i].desc;
		const struct tw_event_desc *other;
		uint32_t number = tw_strings_add(macros, job->events[i].macro);

		if (macros->failed)
			return -ENOMEM;
		if (number == i)
			continue;
		other = job->events[number].desc;
		snprintf(
			message, message_size,
			strcmp(event->name, other->name) == 0
				? "Event '%s' is declared twice, first as '%s' "
				  "at %s:%u"
				: "Event '%s' differs only in case from '%s' "
				  "at %s:%u",
			event->name, other->name, other->file, other->line);
		*culprit = event;
		return -EINVAL;
	}
	return 0;
}

/* An event "a_enabled" would define the function that asks whether "a" is. */
static int find_enabled_names(struct tw_job *job,
			      const struct tw_strings *macros)
{
	static const char suffix[] = "_ENABLED";

	for (uint32_t i = 0; i < job->event_count; i++)
		job->events[i].has_enabled = true;
	for (uint32_t i = 0; i < job->event_count; i++) {
		const struct tw_job_event *event = &job->events[i];
		size_t size = strlen(event->macro);
		char *base;
		int64_t number;

		if (size < sizeof(suffix) ||
		    strcmp(event->macro + size - (sizeof(suffix) - 1),
			   suffix) != 0)
			continue;
		size -= sizeof(suffix) - 1;
		base = strndup(event->macro, size);
		if (!base)
			return -ENOMEM;
		number = tw_strings_find(macros, base);
		free(base);
		if (number >= 0 && memcmp(job->events[number].desc->name,
					  event->desc->name, size) == 0)
			job->events[number].has_enabled = false;
	}
	return 0;
}

int tw_job_add_events(struct tw_job *job, struct tw_schema *const *schemas,
		      size_t schema_count, char *message, size_t message_size,
		      const struct tw_event_desc **culprit)
{
	struct tw_strings macros = {0};
	int error = copy_events(job, schemas, schema_count);

	if (error == 0)
		error = check_unique(job, &macros, message, message_size,
				     culprit);
	if (error == 0)
		error = find_enabled_names(job, &macros);
	tw_strings_clear(&macros);
	return error;
}

void tw_job_clear(struct tw_job *job)
{
	free(job->events);
	tw_arena_destroy(job->names);
	job->events = NULL;
	job->event_count = 0;
	job->names = NULL;
}

/* The part of the path that tells one trace-events file from another. */
static size_t trim_path(const char **path)
{
	static const char *const endings[] = {"trace-events", ".events"};
	const char *at = *path;
	size_t size;

	if (*at == '/') {
		const char *file = strrchr(at, '/');

		while (file > at && file[-1] != '/')
			file--;
		at = file;
	}
	while (strncmp(at, "./", 2) == 0 || strncmp(at, "../", 3) == 0)
		at = strchr(at, '/') + 1;
	size = strlen(at);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t length = strlen(endings[i]);

		if (size >= length &&
		    memcmp(at + size - length, endings[i], length) == 0) {
			size -= length;
			break;
		}
	}
	while (size && !isalnum((unsigned char)at[size - 1]))
		size--;
	while (size && !isalnum((unsigned char)*at))
		at++, size--;
	*path = at;
	return size;
}

char *tw_job_group_name(const char *path)
{
	size_t size = trim_path(&path);
	char *name;

	if (size == 0)
		return strdup("common");
	name = strndup(path, size);
	for (char *at = name; at && *at; at++) {
		if (!isalnum((unsigned char)*at))
			*at = '_';
	}
	return name;
}

char *tw_job_provider_name(const char *text)
{
	size_t shift = isdigit((unsigned char)*text) ? 1 : 0;
	size_t size = strlen(text);
	char *name = malloc(shift + size + 1);

	if (!name)
		return NULL;
	name[0] = '_';
	for (size_t i = 0; i <= size; i++) {
		char c = text[i];

		name[shift + i] = c && !isalnum((unsigned char)c) ? '_' : c;
	}
	return name;
}
