/* SPDX-License-Identifier: MIT */
/* trackway list: whose rings there are. */
#include "cli.h"

#include "../attach/ram.h"
#include "list-rings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	OPTION_CLEAN = TW_OPTION_ID(1),
};

static const struct {
	const char *word;
	enum tw_style style;
} states[] = {
	[TW_TARGET_RUNNING] = {"running", TW_STYLE_GREEN},
	[TW_TARGET_CLOSED] = {"closed", TW_STYLE_DIM},
	[TW_TARGET_ORPHAN] = {"orphan", TW_STYLE_YELLOW},
};

void tw_list_format_size(char *text, size_t room, uint64_t size)
{
	static const char units[] = " KMGTPE";
	int unit = 0;
	uint64_t tenths;

	while (units[unit + 1] && size >> (10 * (unit + 1)))
		unit++;
	tenths = unit ? (size >> (10 * (unit - 1))) * 10 / 1024 : size * 10;
	if (unit == 0)
		snprintf(text, room, "%" PRIu64, size);
	else if (tenths % 10 == 0 || tenths >= 100)
		snprintf(text, room, "%" PRIu64 "%c", tenths / 10, units[unit]);
	else
		snprintf(text, room, "%" PRIu64 ".%u%c", tenths / 10,
			 (unsigned int)(tenths % 10), units[unit]);
}

static uint64_t age_of(const struct tw_target *target)
{
	struct timespec time;
	uint64_t now;

	clock_gettime(CLOCK_REALTIME, &time);
	now = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
	return now > target->started_ns ? now - target->started_ns : 0;
}

static void add_row(struct tw_table *table, const struct tw_target *target)
{
	struct tw_duration age = tw_duration_of(age_of(target));
	char size[24];

	tw_list_format_size(size, sizeof(size), target->size);
	tw_table_add(table, TW_STYLE_PLAIN, "%s", target->name);
	tw_table_add(table, TW_STYLE_PLAIN, "%d", (int)target->pid);
	tw_table_add(table, states[target->state].style, "%s",
		     states[target->state].word);
	tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu32, target->event_count);
	tw_table_add(table, TW_STYLE_PLAIN, "%" PRIu32, target->enabled_count);
	tw_table_add(table, TW_STYLE_PLAIN, "%s", size);
	tw_table_add(table, TW_STYLE_PLAIN, "%s ago", age.text);
}

static int print_text(const struct tw_target *list, size_t count)
{
	static const struct tw_column columns[] = {
		{"NAME", false},    {"PID", true}, {"STATE", false},
		{"EVENTS", true},   {"ON", true},  {"RING", true},
		{"STARTED", false},
	};
	struct tw_table *table;
	bool ok;

	if (!count) {
		tw_notice("no program of yours is being traced, and none has "
			  "left a ring");
		return TW_EXIT_OK;
	}
	table = tw_table_create(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; table && i < count; i++)
		add_row(table, &list[i]);
	ok = table && tw_table_print(table);
	tw_table_destroy(table);
	return ok ? TW_EXIT_OK : tw_error_memory();
}

static void add_json(struct tw_json *json, const struct tw_target *target)
{
	tw_text_add_string(&json->text, json->comma ? ",\n" : "\n");
	json->comma = false;
	tw_json_begin(json, NULL, '{');
	tw_json_text(json, "name", target->name);
	tw_json_s64(json, "pid", target->pid);
	tw_json_text(json, "state", states[target->state].word);
	tw_json_u64(json, "events", target->event_count);
	tw_json_u64(json, "enabled", target->enabled_count);
	tw_json_u64(json, "ring_bytes", target->size);
	tw_json_u64(json, "started_ns", target->started_ns);
	tw_json_text(json, "path", target->path);
	tw_json_end(json, '}');
}

static int print_json(const struct tw_target *list, size_t count)
{
	struct tw_json json = {0};

	tw_json_begin(&json, NULL, '[');
	for (size_t i = 0; i < count; i++)
		add_json(&json, &list[i]);
	if (count)
		tw_text_add_string(&json.text, "\n");
	tw_json_end(&json, ']');
	tw_json_line(&json);
	tw_output_text(&json.text);
	free(json.text.data);
	return TW_EXIT_OK;
}

/* Remove the rings of programs that have ended. */
static int clean(const struct tw_target *list, size_t count, bool json)
{
	int status = TW_EXIT_OK;
	uint64_t removed = 0;

	for (size_t i = 0; i < count; i++) {
		if (list[i].state == TW_TARGET_RUNNING)
			continue;
		if (!unlink(list[i].path))
			removed++;
		else if (errno != ENOENT)
			status = tw_error(list[i].path, "cannot remove: %s",
					  strerror(errno));
	}
	if (json)
		printf("{\"removed\":%" PRIu64 "}\n", removed);
	else
		printf("%" PRIu64 " ring%s of ended programs removed\n",
		       removed, removed == 1 ? "" : "s");
	return status;
}

static int list_targets(bool json, bool is_clean)
{
	struct tw_attach_error error;
	struct tw_target *list;
	size_t count;
	int status;

	if (tw_targets_list(&list, &count, &error))
		return tw_error(NULL, "%s", error.text);
	if (error.text[0])
		tw_notice("%s", error.text);
	if (is_clean)
		status = clean(list, count, json);
	else if (json)
		status = print_json(list, count);
	else
		status = print_text(list, count);
	tw_targets_destroy(list, count);
	return status;
}

static const char *other_than_memory(const struct tw_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		if (!tw_ram_is_spec(words->list[i]))
			return words->list[i];
	return NULL;
}

static int run(struct tw_args *args)
{
	struct tw_words memories = {0};
	bool json = false, is_clean = false;
	const char *other;
	int id, status;

	while ((id = tw_args_next(args)) != TW_ARG_END && id != TW_ARG_STOP) {
		if (id == TW_ARG_OPERAND)
			tw_words_add(&memories, args->value);
		json |= id == TW_OPTION_JSON_ID;
		is_clean |= id == OPTION_CLEAN;
	}
	for (int i = 0; id == TW_ARG_END && i < args->rest_count; i++)
		tw_words_add(&memories, args->rest[i]);
	if (id == TW_ARG_STOP)
		status = args->status;
	else if ((other = other_than_memory(&memories)))
		status = tw_usage_error(args,
					"'%s' is no memory of a guest "
					"(vm:PID, ram:FILE, image:FILE)",
					other);
	else if (memories.count && is_clean)
		status = tw_usage_error(args,
					"--clean goes with no memory of a "
					"guest");
	else if (memories.count)
		status = tw_list_rings(&memories, json);
	else
		status = list_targets(json, is_clean);
	tw_words_free(&memories);
	return status;
}

static const struct tw_option options[] = {
	{OPTION_CLEAN, "clean", NULL,
	 "remove the rings of ended programs, and say how many"},
	TW_OPTION_JSON,
	TW_OPTIONS_END,
};

static const struct tw_example examples[] = {
	{"trackway list", "every ring of yours"},
	{"trackway list --json | jq '.[] | .path'", "where they are"},
	{"trackway list --clean", "done with looking at crashes"},
	{"trackway list vm:1234", "the rings in a virtual machine's memory"},
	{NULL, NULL},
};

const struct tw_command tw_command_list = {
	.name = "list",
	.usage = "[--clean] [--json] [MEMORY...]",
	.summary = "list the programs that can be traced",
	.details = "A program is running, orphan (it crashed or was killed; "
		   "its last events can still be printed) or closed (it ended, "
		   "and TRACKWAY_KEEP kept its ring). EVENTS counts those that "
		   "can be switched, ON those that are.\n\n"
		   "A MEMORY is a guest's: vm:PID, ram:FILE or image:FILE. All "
		   "rings in it are listed: BOOT counts the boots that can be "
		   "told apart, and PLACE names a ring to the other commands. "
		   "What looks like a ring and can't be used is refused, and "
		   "PLACE says why; a copy is what a firmware left behind when "
		   "it moved.",
	.options = options,
	.examples = examples,
	.run = run,
};
