/* SPDX-License-Identifier: MIT */
/*
 * From what a user calls a target to the ring that is meant, and the list of
 * all rings. There is no register of producers: each search opens the files of
 * the runtime directories, few as they are, and asks the rings themselves.
 */
#include "attach.h"
#include "ram.h"
#include "source.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Specs ---- */

static bool is_number(const char *text)
{
	return text[0] && text[strspn(text, "0123456789")] == '\0';
}

static const char *after_prefix(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) ? NULL : text + length;
}

static int parse_pid(const char *whole, const char *digits,
		     struct tw_spec *spec, struct tw_attach_error *error)
{
	unsigned long long pid;

	if (!is_number(digits))
		return tw_attach_fail(error, -EINVAL, "%s: not a process id",
				      whole);
	errno = 0;
	pid = strtoull(digits, NULL, 10);
	if (errno || pid > INT_MAX || pid == 0)
		return tw_attach_fail(error, -ESRCH, "%s: no such process",
				      whole);
	spec->kind = TW_SPEC_PID;
	spec->pid = (pid_t)pid;
	return 0;
}

int tw_spec_parse(const char *text, struct tw_spec *spec,
		  struct tw_attach_error *error)
{
	const char *rest;

	*spec = (struct tw_spec){.kind = TW_SPEC_NAME, .text = text};
	rest = after_prefix(text, "pid:");
	if (rest || is_number(text))
		return parse_pid(text, rest ? rest : text, spec, error);
	rest = after_prefix(text, "ring:");
	if (rest || strchr(text, '/')) {
		spec->kind = TW_SPEC_PATH;
		spec->text = rest ? rest : text;
	}
	if (!spec->text[0])
		return tw_attach_fail(error, -EINVAL, "an empty target");
	return 0;
}

/* ---- Finding ---- */

/* What a search has found; the first error is of a file that looked right. */
struct search {
	const struct tw_spec *spec;
	struct tw_attach **found;
	size_t count;
	struct tw_attach_error error;
	int err;
};

/* The file's name is NAME.PID.ring: what a broken file can be told by. */
static bool is_path_meant(const char *path, const struct tw_spec *spec)
{
	const char *file = strrchr(path, '/');
	char part[32];
	int length;

	file = file ? file + 1 : path;
	if (spec->kind == TW_SPEC_PID) {
		length = snprintf(part, sizeof(part), ".%d.ring",
				  (int)spec->pid);
		return strlen(file) > (size_t)length &&
		       !strcmp(file + strlen(file) - length, part);
	}
	length = (int)strlen(spec->text);
	return !strncmp(file, spec->text, (size_t)length) &&
	       file[length] == '.' &&
	       file[length + 1 +
		    (int)strspn(file + length + 1, "0123456789")] == '.';
}

static bool is_meant(const struct tw_attach *attach, const struct tw_spec *spec)
{
	if (spec->kind == TW_SPEC_PID)
		return attach->target.pid == spec->pid ||
		       attach->ring.control.pid == (uint32_t)spec->pid;
	/* A ring keeps no more of a long name. */
	return !strncmp(attach->target.name, spec->text,
			TW_RING_NAME_SIZE - 1) &&
	       attach->target.name[0];
}

static int search_path(struct search *search, const char *path)
{
	struct tw_attach_error error;
	struct tw_attach **found;
	struct tw_attach *attach;
	int err = tw_attach_open_path(path, &attach, &error);

	if (err) {
		/* A file that went away is a program that has just ended. */
		if (err != -ENOENT && !search->err &&
		    is_path_meant(path, search->spec)) {
			search->err = err;
			search->error = error;
		}
		return 0;
	}
	if (!is_meant(attach, search->spec)) {
		tw_attach_close(attach);
		return 0;
	}
	found = realloc(search->found,
			(search->count + 1) * sizeof(struct tw_attach *));
	if (!found) {
		tw_attach_close(attach);
		return -ENOMEM;
	}
	search->found = found;
	found[search->count++] = attach;
	return 0;
}

/* Index of the only target, or of the only running one; else -1. */
static int choose(const struct search *search)
{
	int chosen = -1;

	if (search->count == 1)
		return 0;
	for (size_t i = 0; i < search->count; i++) {
		if (search->found[i]->target.state != TW_TARGET_RUNNING)
			continue;
		if (chosen >= 0)
			return -1;
		chosen = (int)i;
	}
	return chosen;
}

static const char *state_word(enum tw_target_state state)
{
	return state == TW_TARGET_RUNNING  ? "running"
	       : state == TW_TARGET_CLOSED ? "closed"
					   : "orphan";
}

static int fail_several(const char *spec, const struct search *search,
			struct tw_attach_error *error)
{
	bool by_pid = search->spec->kind == TW_SPEC_PID;
	char list[400] = "";
	size_t at = 0;

	for (size_t i = 0; i < search->count; i++) {
		const struct tw_target *target = &search->found[i]->target;
		char one[300];
		int size;

		if (by_pid)
			size = snprintf(one, sizeof(one), "%s%s", i ? ", " : "",
					target->path);
		else
			size = snprintf(one, sizeof(one), "%s%d (%s)",
					i ? ", " : "", (int)target->pid,
					state_word(target->state));
		if (size < 0 || at + (size_t)size + 5 > sizeof(list)) {
			strcpy(list + at, " ...");
			break;
		}
		memcpy(list + at, one, (size_t)size + 1);
		at += (size_t)size;
	}
	return tw_attach_fail(error, -EEXIST,
			      "%s: several rings, give one's %s: %s", spec,
			      by_pid ? "path" : "PID", list);
}

/* Why a process has no ring that we could find. */
static int fail_process(const char *spec, pid_t pid,
			struct tw_attach_error *error)
{
	int err = tw_process_check_owner(pid, spec, error);

	if (err)
		return err;
	return tw_attach_fail(error, -ENOENT,
			      "%s: the process has no ring: not built with "
			      "Trackway, or TRACKWAY=off",
			      spec);
}

static int fail_nothing(const char *spec, const struct tw_spec *parsed,
			struct tw_attach_error *error)
{
	if (parsed->kind == TW_SPEC_PID)
		return fail_process(spec, parsed->pid, error);
	if (!access(spec, F_OK))
		return tw_attach_fail(error, -ENOENT,
				      "%s: no traced program of this name; "
				      "for the file, say ./%s",
				      spec, spec);
	return tw_attach_fail(error, -ENOENT,
			      "%s: no traced program of this name "
			      "(see: trackway list)",
			      spec);
}

/* A ring in a directory of its own: the process itself knows where. */
static int open_mapped(pid_t pid, struct tw_attach **attach,
		       struct tw_attach_error *error)
{
	char *path;
	int err = tw_process_ring_path(pid, &path);

	if (err)
		return err;
	err = tw_attach_open_path(path, attach, error);
	free(path);
	return err;
}

/* What an earlier process of its pid has left gives way to its own. */
static bool open_living(const struct search *search, int chosen,
			struct tw_attach **attach)
{
	struct tw_attach_error error;

	return search->spec->kind == TW_SPEC_PID && search->count &&
	       (chosen < 0 ||
		search->found[chosen]->target.state != TW_TARGET_RUNNING) &&
	       !open_mapped(search->spec->pid, attach, &error);
}

static int take_found(const char *spec, struct search *search,
		      struct tw_attach **attach, struct tw_attach_error *error)
{
	int chosen = choose(search);

	if (open_living(search, chosen, attach))
		return 0;
	if (chosen >= 0) {
		*attach = search->found[chosen];
		search->found[chosen] = NULL;
		return 0;
	}
	if (search->count)
		return fail_several(spec, search, error);
	if (search->err) {
		*error = search->error;
		return search->err;
	}
	if (search->spec->kind == TW_SPEC_PID &&
	    !open_mapped(search->spec->pid, attach, error))
		return 0;
	return fail_nothing(spec, search->spec, error);
}

static int find(const char *spec, const struct tw_spec *parsed,
		struct tw_attach **attach, struct tw_attach_error *error)
{
	struct search search = {.spec = parsed};
	char **paths;
	size_t count;
	int err = tw_paths_list(&paths, &count, error);

	if (err)
		return err;
	for (size_t i = 0; !err && i < count; i++)
		err = search_path(&search, paths[i]);
	if (err)
		tw_attach_fail(error, err, "%s: out of memory", spec);
	else
		err = take_found(spec, &search, attach, error);
	for (size_t i = 0; i < search.count; i++)
		tw_attach_close(search.found[i]);
	free(search.found);
	tw_paths_destroy(paths, count);
	return err;
}

static int open_in_ram(const char *spec, bool writable,
		       struct tw_attach **attach, struct tw_attach_error *error)
{
	struct tw_ram *ram;
	int err = tw_ram_open(spec, writable, &ram, error);

	if (err)
		return err;
	err = tw_ram_scan(ram, error);
	if (err >= 0)
		err = tw_ram_attach_only(ram, writable, attach, error);
	tw_ram_close(ram);
	return err;
}

int tw_attach_open(const char *spec, bool writable, struct tw_attach **attach,
		   struct tw_attach_error *error)
{
	struct tw_spec parsed;
	int err;

	if (tw_ram_is_spec(spec))
		return open_in_ram(spec, writable, attach, error);
	err = tw_spec_parse(spec, &parsed, error);
	if (err)
		return err;
	if (parsed.kind == TW_SPEC_PATH)
		err = tw_attach_open_path(parsed.text, attach, error);
	else
		err = find(spec, &parsed, attach, error);
	if (err || !writable || (*attach)->writable)
		return err;
	tw_attach_close(*attach);
	*attach = NULL;
	return tw_attach_fail(error, -EROFS,
			      "%s: its ring is not yours to write to", spec);
}

/* ---- Listing ---- */

static int compare_targets(const void *left, const void *right)
{
	const struct tw_target *a = left;
	const struct tw_target *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->pid > b->pid) - (a->pid < b->pid);
}

static int list_path(const char *path, struct tw_target *target,
		     struct tw_attach_error *error)
{
	struct tw_attach *attach;
	int err = tw_attach_open_path(path, &attach, error);

	if (err)
		return err;
	*target = attach->target;
	attach->target.path = NULL;
	attach->target.name = NULL;
	tw_attach_close(attach);
	return 0;
}

int tw_targets_list(struct tw_target **list, size_t *count,
		    struct tw_attach_error *error)
{
	struct tw_attach_error skipped;
	char **paths;
	size_t path_count;
	int err = tw_paths_list(&paths, &path_count, error);

	if (err)
		return err;
	error->text[0] = '\0';
	*count = 0;
	*list = calloc(path_count + 1, sizeof(**list));
	for (size_t i = 0; *list && i < path_count; i++) {
		err = list_path(paths[i], &(*list)[*count], &skipped);
		if (!err)
			(*count)++;
		else if (err == -EPROTONOSUPPORT)
			*error = skipped;
	}
	tw_paths_destroy(paths, path_count);
	if (!*list)
		return tw_attach_fail(error, -ENOMEM, "out of memory");
	qsort(*list, *count, sizeof(**list), compare_targets);
	return 0;
}

void tw_targets_destroy(struct tw_target *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].path);
		free(list[i].name);
	}
	free(list);
}
