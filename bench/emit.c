/* SPDX-License-Identifier: MIT */
/*
 * What one event costs the program that emits it, beside what can't be saved:
 * the loop, the clock, the stores. bench/README.md has the method; emit.sh runs
 * this with or without an LTTng session around it.
 *
 * Every variant is a loop over a number of iterations. A round runs each
 * variant once, so that a disturbance hits them alike; the result is each
 * variant's median over the rounds.
 */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <trackway/emit.h>
#include <trackway/trackway.h>
#include <unistd.h>

#include "floor.h"
#include "trace-bench.h"

#define ROUNDS 301
#define ROUND_NS 2000000u /* of each variant in a round, about */
#define LOOP_WORDS (32768u / 8)

struct variant {
	const char *key;   /* in JSON */
	const char *title; /* in the table */
	void (*run)(uint64_t count);
	uint64_t most; /* iterations a round at most; 0: as many as fit */
	uint64_t count;
	double ns[ROUNDS];
	double median; /* of ns; negative: not measured */
};

/* The variants */

static void run_empty(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		__asm__ __volatile__("" : : "r"(i));
}

static void run_off(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		__asm__ __volatile__("" : : "r"(i));
		trace_bench_off((int)i, 2, 3);
	}
}

static void run_int3(uint64_t count)
{
	int b = 2, c = 3;

	for (uint64_t i = 0; i < count; i++) {
		/* Hidden, or compilers would make copies for these values. */
		__asm__ __volatile__("" : "+r"(b), "+r"(c) : "r"(i));
		trace_bench_int3((int)i, b, c);
	}
}

static void run_str16(uint64_t count)
{
	const char *text = "sixteen letters.";

	for (uint64_t i = 0; i < count; i++) {
		/* Hidden, or the compiler would know its length. */
		__asm__ __volatile__("" : "+r"(text) : "r"(i));
		trace_bench_str16(text);
	}
}

static void run_clock(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t now = tw_clock_fast();

		__asm__ __volatile__("" : : "r"(i), "r"(now));
	}
}

static void run_floor(uint64_t count)
{
	int b = 2, c = 3;

	for (uint64_t i = 0; i < count; i++) {
		__asm__ __volatile__("" : "+r"(b), "+r"(c) : "r"(i));
		floor_event((int)i, b, c);
	}
}

/* The same with no call and in cache: what no tracer of separate code has. */
static void run_floor_loop(uint64_t count)
{
	static uint64_t buffer[LOOP_WORDS] __attribute__((aligned(64)));
	size_t at = 0;

	for (uint64_t i = 0; i < count; i++) {
		volatile uint64_t *to = buffer + at;

		to[0] = tw_clock_fast();
		to[1] = i;
		to[2] = i;
		to[3] = i;
		at = (at + 4) % LOOP_WORDS;
	}
}

enum variant_index {
	EMPTY,
	OFF,
	INT3,
	STR16,
	CLOCK,
	FLOOR,
	FLOOR_LOOP,
	LTTNG_OFF,
	LTTNG_ON,
	VARIANTS,
};

static struct variant variants[VARIANTS] = {
	[EMPTY] = {.key = "empty_ns", .title = "empty loop", .run = run_empty},
	[OFF] = {.key = "off_ns", .title = "event off", .run = run_off},
	[INT3] = {.key = "on_int3_ns",
		  .title = "event on, three ints",
		  .run = run_int3},
	[STR16] = {.key = "on_str16_ns",
		   .title = "event on, 16-byte string",
		   .run = run_str16},
	[CLOCK] = {.key = "rdtsc_ns", .title = "rdtsc alone", .run = run_clock},
	[FLOOR] = {.key = "floor_ns",
		   .title = "rdtsc + 32 bytes of stores",
		   .run = run_floor},
	[FLOOR_LOOP] = {.key = "floor_loop_ns",
			.title = "the same, inlined and in cache",
			.run = run_floor_loop},
	[LTTNG_OFF] = {.key = "lttng_off_ns", .title = "LTTng-UST event off"},
	/* So few that its buffers hold all rounds: it never discards. */
	[LTTNG_ON] = {.key = "lttng_on_ns",
		      .title = "LTTng-UST event on, three ints",
		      .most = 5000},
};

/* The peer */

/*
 * Take the LTTng variants from bench-lttng.so, once the session daemon has
 * switched the event on. Returns false, with a note, if that does not happen.
 */
static bool lttng_load(const char *path)
{
	void *module = dlopen(path, RTLD_NOW);
	bool (*is_on)(void);

	if (!module) {
		fprintf(stderr, "emit: %s\n", dlerror());
		return false;
	}
	*(void **)&is_on = dlsym(module, "bench_lttng_is_on");
	*(void **)&variants[LTTNG_OFF].run = dlsym(module, "bench_lttng_off");
	*(void **)&variants[LTTNG_ON].run = dlsym(module, "bench_lttng_on");
	for (int i = 0; i < 1000; i++) {
		if (is_on())
			return true;
		usleep(5000);
	}
	variants[LTTNG_OFF].run = NULL;
	variants[LTTNG_ON].run = NULL;
	fputs("emit: LTTng's event was not switched on\n", stderr);
	return false;
}

/* Measuring */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t time_ns(const struct variant *variant, uint64_t count)
{
	uint64_t begin = now_ns();

	variant->run(count);
	return now_ns() - begin;
}

/* How many iterations fill a round's share; also warms the variant up. */
static void calibrate(struct variant *variant)
{
	uint64_t count = 1000;

	while (time_ns(variant, count) < ROUND_NS &&
	       (!variant->most || count * 2 <= variant->most))
		count *= 2;
	variant->count = count;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(void)
{
	for (int v = 0; v < VARIANTS; v++)
		if (variants[v].run)
			calibrate(&variants[v]);
	for (int round = 0; round < ROUNDS; round++) {
		for (int v = 0; v < VARIANTS; v++) {
			struct variant *variant = &variants[v];

			if (!variant->run)
				continue;
			/* Not to measure what the one before has done to the
			 * caches, and whose code was predicted there. */
			variant->run(variant->count / 8);
			variant->ns[round] = (double)time_ns(variant,
							     variant->count) /
					     (double)variant->count;
		}
	}
	for (int v = 0; v < VARIANTS; v++) {
		struct variant *variant = &variants[v];

		qsort(variant->ns, ROUNDS, sizeof(double), compare_doubles);
		variant->median = variant->run ? variant->ns[ROUNDS / 2] : -1;
	}
}

/* The machine */

struct machine {
	char cpu[128];
	struct utsname kernel;
	int pinned; /* to this CPU; -1: not */
};

static void machine_cpu(struct machine *machine)
{
	FILE *info = fopen("/proc/cpuinfo", "re");
	char line[256];
	char *value;

	snprintf(machine->cpu, sizeof(machine->cpu), "unknown");
	while (info && fgets(line, sizeof(line), info)) {
		if (strncmp(line, "model name", 10) != 0)
			continue;
		value = strchr(line, ':');
		if (value)
			snprintf(machine->cpu, sizeof(machine->cpu), "%.*s",
				 (int)strcspn(value + 2, "\n"), value + 2);
		break;
	}
	if (info)
		fclose(info);
}

/* The last CPU that we may use: interrupts tend to be the first one's. */
static int machine_pin(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -1;
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		return sched_setaffinity(0, sizeof(set), &set) < 0 ? -1 : cpu;
	}
	return -1;
}

static void machine_read(struct machine *machine)
{
	machine_cpu(machine);
	uname(&machine->kernel);
	machine->pinned = machine_pin();
}

/* The answer */

static void print_ratio(const char *title, int over, int under)
{
	if (variants[over].median < 0 || variants[under].median <= 0)
		return;
	printf("%-44s %8.2f\n", title,
	       variants[over].median / variants[under].median);
}

static void print_text(const struct machine *machine)
{
	printf("%-32s %8s %8s %8s\n", "ns per iteration", "median", "min",
	       "max");
	for (int v = 0; v < VARIANTS; v++) {
		const struct variant *variant = &variants[v];

		if (variant->median < 0)
			printf("%-32s %8s\n", variant->title, "-");
		else
			printf("%-32s %8.2f %8.2f %8.2f\n", variant->title,
			       variant->median, variant->ns[0],
			       variant->ns[ROUNDS - 1]);
	}
	printf("\nratios of medians\n");
	print_ratio("event on, three ints : the floor", INT3, FLOOR);
	print_ratio("event on, three ints : the same in cache", INT3,
		    FLOOR_LOOP);
	print_ratio("event on, 16-byte string : the floor", STR16, FLOOR);
	print_ratio("LTTng-UST on : event on, three ints", LTTNG_ON, INT3);
	print_ratio("event off : LTTng-UST off", OFF, LTTNG_OFF);
	printf("\n%s, Linux %s, CPU %d, %d rounds\n", machine->cpu,
	       machine->kernel.release, machine->pinned, ROUNDS);
}

static int print_json(const struct machine *machine)
{
	json_t *object = json_object();
	int result;

	for (int v = 0; v < VARIANTS; v++) {
		double median = variants[v].median;

		json_object_set_new(object, variants[v].key,
				    median < 0 ? json_null()
					       : json_real(median));
	}
	json_object_set_new(object, "rounds", json_integer(ROUNDS));
	json_object_set_new(object, "cpu", json_string(machine->cpu));
	json_object_set_new(object, "kernel",
			    json_string(machine->kernel.release));
	result = json_dumpf(object, stdout, JSON_REAL_PRECISION(5));
	json_decref(object);
	putchar('\n');
	return result;
}

static int switch_events_on(void)
{
	if (tw_runtime_error()) {
		fprintf(stderr, "emit: no ring: %s\n", tw_runtime_error());
		return -1;
	}
	if (tw_event_apply("-bench_*,bench_int3,bench_str16") < 0 ||
	    !trace_bench_int3_enabled() || !trace_bench_str16_enabled() ||
	    trace_bench_off_enabled()) {
		fputs("emit: the events' states are not as set\n", stderr);
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{"json", no_argument, NULL, 'j'},
		{"lttng", required_argument, NULL, 'l'},
		{NULL, 0, NULL, 0},
	};
	struct machine machine;
	const char *lttng = NULL;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (option == 'j') {
			json = true;
		} else if (option == 'l') {
			lttng = optarg;
		} else {
			fputs("usage: emit [--json] [--lttng MODULE]\n",
			      stderr);
			return 2;
		}
	}
	machine_read(&machine);
	if (switch_events_on() < 0)
		return 1;
	if (lttng && !lttng_load(lttng))
		fputs("emit: going on without LTTng\n", stderr);
	measure();
	if (json && print_json(&machine) < 0)
		return 1;
	if (!json)
		print_text(&machine);
	return fflush(stdout) == 0 ? 0 : 1;
}
