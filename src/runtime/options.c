/* SPDX-License-Identifier: MIT */
/*
 * What the environment asks of the runtime. A program with more rights than
 * its user (setuid, capabilities) ignores it: secure_getenv().
 */
#include "runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int tw_settings_copy(char *to, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length >= size) {
		tw_runtime_fail("an option is too long", NULL, 0);
		return -EINVAL;
	}
	memcpy(to, text, length + 1);
	return 0;
}

/* A name that is safe in a path and on a terminal. */
void tw_settings_set_name(struct tw_settings *settings, const char *name)
{
	size_t i;

	memset(settings->name, 0, sizeof(settings->name));
	for (i = 0; name[i] && i < sizeof(settings->name) - 1; i++) {
		unsigned char c = (unsigned char)name[i];

		settings->name[i] = c <= ' ' || c >= 127 || c == '/' ? '_'
								     : (char)c;
	}
	if (!settings->name[0] || settings->name[0] == '.')
		settings->name[0] = '_';
}

static const char *default_directory(char *buffer, size_t size)
{
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");

	if (runtime && runtime[0] == '/' && strlen(runtime) < size / 2)
		snprintf(buffer, size, "%s/trackway", runtime);
	else
		snprintf(buffer, size, "/dev/shm/trackway-%u",
			 (unsigned)geteuid());
	return buffer;
}

void tw_settings_defaults(struct tw_settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	settings->mode = TW_RING_OVERWRITE;
	settings->block_ms = TW_BLOCK_MS_DEFAULT;
	settings->ring_size = TW_RING_SIZE_DEFAULT;
	tw_settings_set_name(settings, program_invocation_short_name);
	default_directory(settings->directory, sizeof(settings->directory));
}

uint64_t tw_settings_parse_size(const char *text)
{
	unsigned long long value;
	unsigned shift = 0;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end == 'K' || *end == 'k')
		shift = 10;
	else if (*end == 'M' || *end == 'm')
		shift = 20;
	else if (*end == 'G' || *end == 'g')
		shift = 30;
	if (shift)
		end++;
	if (errno || *end || value > TW_RING_SIZE_LARGEST >> shift)
		return 0;
	return (uint64_t)value << shift;
}

int tw_settings_parse_mode(struct tw_settings *settings, const char *text)
{
	char *end;
	unsigned long ms;

	if (!strcmp(text, "overwrite")) {
		settings->mode = TW_RING_OVERWRITE;
	} else if (!strcmp(text, "discard")) {
		settings->mode = TW_RING_DISCARD;
	} else if (!strcmp(text, "block")) {
		settings->mode = TW_RING_BLOCK;
	} else if (!strncmp(text, "block:", 6)) {
		ms = strtoul(text + 6, &end, 10);
		if (*end || end == text + 6 || ms > 3600000)
			return -EINVAL;
		settings->mode = TW_RING_BLOCK;
		settings->block_ms = (uint32_t)ms;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int read_switch(struct tw_settings *settings, const char *text)
{
	if (!strcmp(text, "off"))
		settings->off = true;
	else if (!strcmp(text, "manual"))
		settings->manual = true;
	else if (strcmp(text, "on") != 0 && text[0])
		return -EINVAL;
	return 0;
}

static int read_ring_size(struct tw_settings *settings, const char *text)
{
	settings->ring_size = tw_settings_parse_size(text);
	return settings->ring_size < TW_RING_SIZE_MIN ? -EINVAL : 0;
}

static int read_directory(struct tw_settings *settings, const char *text)
{
	if (text[0] != '/')
		return -EINVAL;
	return tw_settings_copy(settings->directory,
				sizeof(settings->directory) - 128, text);
}

static int read_ring(struct tw_settings *settings, const char *text)
{
	if (text[0] && text[0] != '/')
		return -EINVAL;
	return tw_settings_copy(settings->place, sizeof(settings->place), text);
}

static int read_events(struct tw_settings *settings, const char *text)
{
	return tw_settings_copy(settings->patterns, sizeof(settings->patterns),
				text);
}

static int read_keep(struct tw_settings *settings, const char *text)
{
	settings->keep = text[0] && strcmp(text, "0") != 0;
	return 0;
}

static int read_log(struct tw_settings *settings, const char *text)
{
	settings->log_timestamp = !strcmp(text, "timestamp");
	return text[0] && !settings->log_timestamp ? -EINVAL : 0;
}

static int read_clock(struct tw_settings *settings, const char *text)
{
	settings->clock_monotonic = !strcmp(text, "monotonic");
	return text[0] && !settings->clock_monotonic ? -EINVAL : 0;
}

int tw_settings_read(struct tw_settings *settings)
{
	static const struct {
		const char *name;
		int (*read)(struct tw_settings *settings, const char *text);
	} variables[] = {
		{"TRACKWAY", read_switch},
		{"TRACKWAY_CLOCK", read_clock},
		{"TRACKWAY_DIR", read_directory},
		{"TRACKWAY_EVENTS", read_events},
		{"TRACKWAY_KEEP", read_keep},
		{"TRACKWAY_LOG", read_log},
		{"TRACKWAY_MODE", tw_settings_parse_mode},
		{"TRACKWAY_RING", read_ring},
		{"TRACKWAY_RING_SIZE", read_ring_size},
	};
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		text = secure_getenv(variables[i].name);
		if (text && variables[i].read(settings, text)) {
			tw_runtime_fail(variables[i].name,
					"not a value that it takes", 0);
			return -EINVAL;
		}
	}
	return 0;
}
