/* SPDX-License-Identifier: MIT */
/* trackway list: whose rings there are. */
#include "cli.h"

#include "../attach/ram.h"
#include "../trace/foreign.h"
#include "channels.h"
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

/* ---- Which ---- */

/* The programs to list; what they are borrowed from lives as long. */
struct programs {
	struct tw_target *list;
	size_t count;
	struct tw_target *all; /* NULL: not looked for yet */
	size_t all_count;
	struct tw_attach **opened;
	size_t opened_count;
};

static void forget_programs(struct programs *programs)
{
	for (size_t i = 0; i < programs->opened_count; i++)
		tw_attach_close(programs->opened[i]);
	free(programs->opened);
	tw_targets_destroy(programs->all, programs->all_count);
	free(programs->list);
}

/* Two targets may name the same ring: it is listed once. */
static int add_program(struct programs *programs,
		       const struct tw_target *target)
{
	struct tw_target *list;

	for (size_t i = 0; i < programs->count; i++)
		if (!strcmp(programs->list[i].path, target->path))
			return TW_EXIT_OK;
	list = reallocarray(programs->list, programs->count + 1, sizeof(*list));
	if (!list)
		return tw_error_memory();
	programs->list = list;
	list[programs->count++] = *target;
	return TW_EXIT_OK;
}

static int look_for_all(struct programs *programs, bool says_newer)
{
	struct tw_attach_error error;

	if (tw_targets_list(&programs->all, &programs->all_count, &error))
		return tw_error(NULL, "%s", error.text);
	if (says_newer && error.text[0])
		tw_notice("%s", error.text);
	return TW_EXIT_OK;
}

/* What the other commands take for a program's name. */
static bool is_name(const char *target)
{
	return target[strspn(target, "0123456789")] && !strchr(target, '/') &&
	       strncmp(target, "pid:", 4) != 0 &&
	       strncmp(target, "ring:", 5) != 0;
}

/* All of a name: the others want one, and this is where to see which. */
static int add_named(struct programs *programs, const char *name, bool *found)
{
	int status = TW_EXIT_OK;

	if (!programs->all)
		status = look_for_all(programs, false);
	for (size_t i = 0; !status && i < programs->all_count; i++) {
		/* A ring keeps no more of a long name. */
		if (strncmp(programs->all[i].name, name,
			    TW_RING_NAME_SIZE - 1) != 0)
			continue;
		*found = true;
		status = add_program(programs, &programs->all[i]);
	}
	return status;
}

static int add_opened(struct programs *programs, const char *target)
{
	struct tw_attach **opened;
	struct tw_attach_error error;
	struct tw_attach *attach;

	if (tw_attach_open(target, false, &attach, &error))
		return tw_error(NULL, "%s", error.text);
	opened = reallocarray(programs->opened, programs->opened_count + 1,
			      sizeof(struct tw_attach *));
	if (!opened) {
		tw_attach_close(attach);
		return tw_error_memory();
	}
	programs->opened = opened;
	opened[programs->opened_count++] = attach;
	return add_program(programs, &attach->target);
}

static int add_target(struct programs *programs, const char *target)
{
	bool found = false;
	int status = TW_EXIT_OK;

	if (tw_is_channel(target))
		return tw_error(target, "a channel has no ring: trackway "
					"events tells its events");
	if (tw_foreign_is_spec(target))
		return tw_error(target, "another tracer's events: trackway "
					"print and stat read them");
	if (is_name(target))
		status = add_named(programs, target, &found);
	return status || found ? status : add_opened(programs, target);
}

/* ---- The whole ---- */

/* Every ring of the user's; or those of ended programs are removed. */
static int list_all(struct programs *programs, bool json, bool is_clean)
{
	int status = look_for_all(programs, true);

	if (status)
		return status;
	if (is_clean)
		return clean(programs->all, programs->all_count, json);
	if (!json && !programs->all_count) {
		tw_notice("no program of yours is being traced, and none has "
			  "left a ring");
		return TW_EXIT_OK;
	}
	for (size_t i = 0; !status && i < programs->all_count; i++)
		status = add_program(programs, &programs->all[i]);
	return status;
}

/* What can't be listed is said and leaves the others. */
static int list_text(const struct programs *programs,
		     const struct tw_words *memories, int status)
{
	int also = TW_EXIT_OK;

	if (programs->count)
		also = print_text(programs->list, programs->count);
	if (!also && memories->count)
		also = tw_list_rings(memories, programs->count > 0);
	return status ? status : also;
}

static int list_json(const struct programs *programs,
		     const struct tw_words *memories, int status)
{
	struct tw_json json = {0};
	int also;

	tw_json_begin(&json, NULL, '[');
	for (size_t i = 0; i < programs->count; i++)
		add_json(&json, &programs->list[i]);
	also = tw_list_rings_json(memories, &json);
	if (json.comma)
		tw_text_add_string(&json.text, "\n");
	tw_json_end(&json, ']');
	tw_json_line(&json);
	tw_output_text(&json.text);
	free(json.text.data);
	return status ? status : also;
}

static int list_chosen(const struct tw_words *targets, bool json, bool is_clean)
{
	struct programs programs = {0};
	struct tw_words memories = {0};
	int status = TW_EXIT_OK;

	if (!targets->count)
		status = list_all(&programs, json, is_clean);
	for (size_t i = 0; i < targets->count; i++) {
		const char *target = targets->list[i];

		if (tw_words_repeats(targets, i))
			continue;
		if (tw_ram_is_spec(target))
			tw_words_add(&memories, target);
		else if (add_target(&programs, target))
			status = TW_EXIT_FAILED;
	}
	if (json && !is_clean)
		status = list_json(&programs, &memories, status);
	else
		status = list_text(&programs, &memories, status);
	tw_words_free(&memories);
	forget_programs(&programs);
	return status;
}

static int run(struct tw_args *args)
{
	struct tw_words targets = {0};
	bool json = false, is_clean = false;
	int id, status;

	while ((id = tw_args_next(args)) != TW_ARG_END && id != TW_ARG_STOP) {
		if (id == TW_ARG_OPERAND)
			tw_words_add(&targets, args->value);
		json |= id == TW_OPTION_JSON_ID;
		is_clean |= id == OPTION_CLEAN;
	}
	for (int i = 0; id == TW_ARG_END && i < args->rest_count; i++)
		tw_words_add(&targets, args->rest[i]);
	if (id == TW_ARG_STOP)
		status = args->status;
	else if (targets.count && is_clean)
		status = tw_usage_error(args, "--clean takes no target");
	else
		status = list_chosen(&targets, json, is_clean);
	tw_words_free(&targets);
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
	{"trackway list sqlite-vfs vm:1234", "a program's, and a guest's"},
	{NULL, NULL},
};

const struct tw_command tw_command_list = {
	.name = "list",
	.usage = "[--clean] [--json] [TARGET...]",
	.summary = "list the programs that can be traced",
	.details = "A program is running, orphan (it crashed or was killed; "
		   "its last events can still be printed) or closed (it ended, "
		   "and TRACKWAY_KEEP kept its ring). EVENTS counts those that "
		   "can be switched, ON those that are. With TARGETs only "
		   "theirs are listed, of a NAME all that have it.\n\n"
		   "Of a guest's memory, vm:PID, ram:FILE or image:FILE, all "
		   "rings are listed in a table of their own: BOOT counts the "
		   "boots that can be "
		   "told apart, and PLACE names a ring to the other commands. "
		   "What looks like a ring and can't be used is refused, and "
		   "PLACE says why; a copy is what a firmware left behind when "
		   "it moved.",
	.options = options,
	.examples = examples,
	.run = run,
};
