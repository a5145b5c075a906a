/* SPDX-License-Identifier: MIT */
/*
 * Emits the events of events.h, as C or as C++, for each line on its input, so
 * that whoever writes lines can switch them in between, and says whether one of
 * them was on. With an argument, a plugin,
 * which is loaded and closed each time, twice.
 */
#include "events.h"

#include <dlfcn.h>
#include <stdio.h>

static void emit(void)
{
	trace_macro_seed(-1, 99);
	trace_macro_inline("text", 65535, NULL);
	trace_macro_inline(NULL, 1, NULL);
	trace_macro_kinds(-5, "hello");
	trace_macro_nothing();
	trace_macro_nothing_seed();
	trace_format(1, "two", 3);
	DO_TRACE(macro_seed, 5, 6)
	DO_TRACE(macro_nothing);
}

static int use_plugin(const char *path)
{
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void (*run)(int) = NULL;
	void *symbol = module ? dlsym(module, "plugin_run") : NULL;

	if (!symbol) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	memcpy(&run, &symbol, sizeof(run));
	run(42);
	return dlclose(module);
}

int main(int argc, char *argv[])
{
	char line[16];

	INIT_TRACE(macro_seed);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		emit();
		if (argc > 1 && (use_plugin(argv[1]) || use_plugin(argv[1])))
			return 1;
		puts(trace_macro_seed_enabled() ? "on" : "off");
		fflush(stdout);
	}
	return 0;
}
