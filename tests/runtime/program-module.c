/* SPDX-License-Identifier: MIT */
/*
 * program-module VERB DIRECTORY: instrumented modules loaded and unloaded in
 * every order; test-module.c says what must come of it.
 */
#include "step.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <trackway/emit.h>
#include <trackway/trackway.h>

#include "trace-runtime.h"

#define FIRST "first"
#define COPY "first-copy"
#define SECOND "second"

static const char *directory;

static void *load(const char *name)
{
	char path[PATH_MAX];
	void *module;

	snprintf(path, sizeof(path), "%s/module-%s.so", directory, name);
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!module) {
		dprintf(STDOUT_FILENO, "%s\n", dlerror());
		exit(1);
	}
	return module;
}

static void call(void *module, uint64_t number)
{
	void (*function)(uint64_t);

	*(void **)&function = dlsym(module, "module_call");
	function(number);
}

/* Memory areas of the process. */
static uint64_t count_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	uint64_t count = 0;
	int c;

	while (maps && (c = getc(maps)) != EOF)
		count += c == '\n';
	if (maps)
		fclose(maps);
	return count;
}

/* One module 1,000 times: an event, a step in the middle. */
static void again(void)
{
	uint64_t i;
	void *module;

	for (i = 0; i < 1000; i++) {
		module = load(FIRST);
		call(module, i);
		dlclose(module);
		if (i == 9 || i == 999)
			say("maps", count_maps());
		if (i == 499)
			step("half");
	}
	step("end");
}

/* Two modules, loaded and unloaded crosswise. */
static void two(void)
{
	void *first, *second;

	first = load(FIRST);
	second = load(SECOND);
	call(first, 0);
	call(second, 0);
	step("both");
	dlclose(first);
	call(second, 1);
	step("second");
	dlclose(second);
	step("none");
	second = load(SECOND);
	first = load(FIRST);
	call(first, 1);
	call(second, 2);
	step("both again");
}

/* The same events in two modules at once. */
static void copies(void)
{
	void *first, *copy;

	first = load(FIRST);
	copy = load(COPY);
	call(first, 0);
	call(copy, 1);
	step("both");
	dlclose(first);
	call(copy, 2);
	step("copy");
	dlclose(copy);
	step("none");
}

/* A group of another version is refused, and its leaving harms no other. */
static void broken(void)
{
	static struct tw_states_broken {
		uint32_t header[TW_STATES_HEADER / 4];
		uint8_t state[2];
	} __attribute__((aligned(TW_STATES_ALIGN))) states;
	static uint8_t blob[64];
	static struct tw_group group = {
		.size = sizeof(group),
		.event_count = 2,
		.states = (struct tw_states *)&states,
		.states_size = sizeof(states),
		.blob = blob,
		.blob_size = sizeof(blob),
	};

	tw_group_register(&group);
	trace_nothing();
	say("state", states.state[0]);
	tw_group_unregister(&group);
	trace_nothing();
	say("result",
	    (uint64_t)-tw_event_set_state(tw_event_find("nothing"), true));
	step("end");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} verbs[] = {
		{"again", again},
		{"two", two},
		{"copies", copies},
		{"broken", broken},
	};
	size_t i;

	if (argc < 3)
		return 2;
	directory = argv[2];
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(verbs[i].name, argv[1])) {
			verbs[i].run();
			return 0;
		}
	}
	return 2;
}
