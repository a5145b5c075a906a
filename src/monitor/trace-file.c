/* SPDX-License-Identifier: MIT */
/*
 * The state behind "trace-file". As in QEMU, a new name takes effect at once,
 * also while a recording is on, and a file keeps its name when it is switched
 * off. Other than QEMU's, what is switched on again goes on behind what is
 * there, and nothing fails in silence.
 */
#include "trace-file.h"

#include "client.h"
#include "recorder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(struct tw_attach_error *error, int code, const char *format,
		...) __attribute__((format(printf, 3, 4)));

static int fail(struct tw_attach_error *error, int code, const char *format,
		...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}

/*
 * A forked child has neither the thread nor its file, which is its parent's. It
 * can't even free what the thread may have been in the middle of.
 */
static struct tw_trace_file *file_of(struct tw_monitor *monitor)
{
	struct tw_trace_file *file = &monitor->trace_file;
	const pid_t pid = getpid();

	if (file->pid && file->pid != pid) {
		file->recorder = NULL;
		if (file->is_begun) {
			free(file->path);
			file->path = NULL;
		}
		file->is_begun = false;
		file->failure.text[0] = '\0';
	}
	file->pid = pid;
	return file;
}

static const char *path_of(struct tw_trace_file *file)
{
	if (file->path)
		return file->path;
	snprintf(file->default_path, sizeof(file->default_path), "trace-%ld",
		 (long)file->pid);
	return file->default_path;
}

/* ---- Off ---- */

static int stop(struct tw_trace_file *file)
{
	const int code = tw_recorder_stop(file->recorder, &file->failure);

	file->recorder = NULL;
	return code;
}

/* What could not be written ends the recording; it is known at the next look.
 */
static int meet_failure(struct tw_trace_file *file)
{
	struct tw_attach_error error;

	if (!file->recorder || !tw_recorder_check(file->recorder, &error))
		return 0;
	return stop(file);
}

static int switch_off(struct tw_monitor *monitor, struct tw_trace_file *file,
		      const char *path, struct tw_attach_error *error)
{
	const int code = file->recorder ? stop(file) : 0;

	if (code)
		*error = file->failure;
	return code;
}

/* ---- On ---- */

static struct tw_recorder_ring ring_of(const struct tw_monitored *target)
{
	const struct tw_ring_control *control = &target->attach->ring.control;
	struct tw_recorder_ring ring = {
		.path = target->attach->target.path,
		.epoch = target->epoch,
		.generation = control->generation,
	};

	memcpy(ring.uuid, control->uuid, sizeof(ring.uuid));
	return ring;
}

/* Those of programs that have not ended; *count of them. NULL: no memory. */
static struct tw_recorder_ring *list_living(const struct tw_monitor *monitor,
					    size_t *count)
{
	struct tw_recorder_ring *rings = calloc(monitor->count, sizeof(*rings));

	*count = 0;
	for (size_t i = 0; rings && i < monitor->count; i++)
		if (tw_attach_is_alive(monitor->targets[i].attach))
			rings[(*count)++] = ring_of(&monitor->targets[i]);
	return rings;
}

static int switch_on(struct tw_monitor *monitor, struct tw_trace_file *file,
		     const char *path, struct tw_attach_error *error)
{
	const struct tw_target *first = &monitor->targets[0].attach->target;
	struct tw_recorder_ring *rings;
	size_t count;
	int code;

	if (file->recorder)
		return 0;
	rings = list_living(monitor, &count);
	if (!rings)
		return fail(error, -ENOMEM, "out of memory");
	if (count)
		code = tw_recorder_start(rings, count, path_of(file),
					 file->is_begun, &file->recorder,
					 error);
	else
		code = fail(error, -ESRCH, "cannot record: %s (%ld) has ended",
			    first->name, (long)first->pid);
	free(rings);
	if (code)
		return code;
	file->is_begun = true;
	file->failure.text[0] = '\0';
	return 0;
}

void tw_trace_file_replace(struct tw_monitor *monitor, size_t target)
{
	const struct tw_trace_file *file = file_of(monitor);
	const struct tw_recorder_ring ring = ring_of(&monitor->targets[target]);

	if (file->recorder)
		tw_recorder_add(file->recorder, &ring);
}

/* ---- Flush and set ---- */

static int flush(struct tw_monitor *monitor, struct tw_trace_file *file,
		 const char *path, struct tw_attach_error *error)
{
	if (!file->recorder || !tw_recorder_flush(file->recorder, error))
		return 0;
	return meet_failure(file);
}

/* To go on where it is already is nothing to do. */
static int move(struct tw_trace_file *file, const char *path,
		struct tw_attach_error *ended, struct tw_attach_error *error)
{
	const int code = tw_recorder_switch(file->recorder, path, ended, error);

	return code == -EALREADY ? 0 : code;
}

static int set(struct tw_monitor *monitor, struct tw_trace_file *file,
	       const char *path, struct tw_attach_error *error)
{
	struct tw_trace_file next = {.pid = file->pid};
	struct tw_attach_error ended = {""};
	int code = 0;

	if (path) {
		next.path = strdup(path);
		if (!next.path)
			return fail(error, -ENOMEM, "out of memory");
	}
	if (file->recorder)
		code = move(file, path_of(&next), &ended, error);
	if (code) {
		free(next.path);
		return code;
	}
	if (!file->recorder && strcmp(path_of(file), path_of(&next)) != 0)
		file->is_begun = false;
	free(file->path);
	file->path = next.path;
	/* What was wrong in the file that has ended is told now. */
	return ended.text[0] ? fail(error, -EIO, "%s", ended.text) : 0;
}

/* ---- Commands ---- */

static const struct op {
	const char *name;
	bool takes_path;
	int (*run)(struct tw_monitor *monitor, struct tw_trace_file *file,
		   const char *path, struct tw_attach_error *error);
} ops[] = {
	{"on", false, switch_on},
	{"off", false, switch_off},
	{"flush", false, flush},
	{"set", true, set},
};

static const struct op *find_op(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (!strcmp(ops[i].name, name))
			return &ops[i];
	return NULL;
}

bool tw_trace_file_is_op(const char *name)
{
	return find_op(name);
}

int tw_trace_file_do(struct tw_monitor *monitor, const char *name,
		     const char *path, struct tw_attach_error *error)
{
	struct tw_trace_file *file = file_of(monitor);
	const struct op *op = find_op(name);
	int code;

	if (!op || (path && (!op->takes_path || !*path)))
		return fail(error, -EINVAL, "unexpected argument \"%s\"",
			    op ? path : name);
	code = meet_failure(file);
	if (!code)
		return op->run(monitor, file, path, error);
	*error = file->failure;
	return code;
}

void tw_trace_file_status(struct tw_monitor *monitor,
			  struct tw_trace_file_status *status)
{
	struct tw_trace_file *file = file_of(monitor);
	const char *path = path_of(file);

	meet_failure(file);
	*status = (struct tw_trace_file_status){
		.path = path,
		.is_on = file->recorder,
		.is_directory = tw_recorder_is_directory(path),
		.failure = file->failure.text[0] ? file->failure.text : NULL,
	};
}

void tw_trace_file_end(struct tw_monitor *monitor)
{
	struct tw_trace_file *file = file_of(monitor);

	if (file->recorder)
		stop(file);
	free(file->path);
	file->path = NULL;
}

int tw_monitor_record(struct tw_monitor *monitor, const char *path, char *why,
		      size_t why_size)
{
	struct tw_attach_error error = {""};
	int code = tw_trace_file_do(monitor, "set", path, &error);

	if (!code)
		code = tw_trace_file_do(monitor, "on", NULL, &error);
	if (code && why && why_size)
		snprintf(why, why_size, "%s", error.text);
	return code;
}
