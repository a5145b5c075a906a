/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as an option that chooses events, up to a NUL; what comes after it
 * is the file of patterns, whatever file the option names.
 */
#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <trackway/option.h>
#include <unistd.h>

/* Some events, one of them compiled out. */
#include "trace-runtime.h"

bool fuzz_accepted;

struct heard {
	unsigned int lines[TW_OPTION_ERROR + 1];
	unsigned int recordings;
	int answer;
};

static void say(void *context, enum tw_option_line kind, const char *line)
{
	struct heard *heard = context;

	FUZZ_CHECK(kind <= TW_OPTION_ERROR && *line);
	for (; *line; line++)
		FUZZ_CHECK((unsigned char)*line >= ' ' && *line != 0x7f);
	heard->lines[kind]++;
}

static int record(void *context, const char *path)
{
	struct heard *heard = context;

	FUZZ_CHECK(*path);
	heard->recordings++;
	return heard->answer;
}

/* It has the bytes in it, and nothing after them. */
static void fill(int file, const uint8_t *bytes, size_t size)
{
	FUZZ_CHECK(!ftruncate(file, 0));
	FUZZ_CHECK(pwrite(file, bytes, size, 0) == (ssize_t)size);
}

/* The option, with the file's path after each "events=": nothing else of the
 * machine is to be read, which might be a terminal. */
static char *lead_to(int file, const char *option)
{
	const char *next;
	size_t size;
	char *made;
	FILE *to = open_memstream(&made, &size);

	FUZZ_CHECK(to);
	while ((next = strstr(option, "events="))) {
		next += strlen("events=");
		fprintf(to, "%.*s/proc/self/fd/%d", (int)(next - option),
			option, file);
		option = next;
	}
	fputs(option, to);
	FUZZ_CHECK(!fclose(to));
	return made;
}

static void check(int result, const struct heard *heard)
{
	const bool hook_failed = heard->recordings && heard->answer;

	FUZZ_CHECK(result <= 1 && heard->recordings <= 1);
	FUZZ_CHECK(heard->lines[TW_OPTION_ERROR] ==
		   (result < 0 && !hook_failed));
	FUZZ_CHECK(!hook_failed || result == heard->answer);
	FUZZ_CHECK((result == 1) == (heard->lines[TW_OPTION_HELP] > 0));
	FUZZ_CHECK(result != 1 || !heard->recordings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	const size_t length = strnlen((const char *)data, size);
	struct heard heard = {.answer = size % 2 ? 0 : -EIO};
	const struct tw_option_hooks hooks = {sizeof(hooks), &heard, say,
					      size % 3 ? record : NULL};
	char *given = strndup((const char *)data, length), *option;
	int result;

	if (file < 0)
		file = memfd_create("patterns", MFD_CLOEXEC);
	FUZZ_CHECK(file >= 0 && given);
	fill(file, data + length + (length < size),
	     size - length - (length < size));
	option = lead_to(file, given);
	result = tw_trace_option(option, &hooks);
	check(result, &heard);
	fuzz_accepted = result >= 0 && !heard.lines[TW_OPTION_WARNING];
	/* The next input begins with nothing asked for. */
	tw_runtime_stop();
	free(option);
	free(given);
	return 0;
}
