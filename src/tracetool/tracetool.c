/* SPDX-License-Identifier: MIT */
/*
 * From the command line to the generated file: read the options, parse every
 * input, make one job of them, have the format write it, put the result where
 * it belongs. All errors of all inputs are reported before giving up.
 */

#include "tracetool.h"

#include "../schema/parse.h"
#include "backend.h"
#include "depfile.h"
#include "format.h"
#include "guest-runtime.h"
#include "input.h"
#include "job.h"
#include "options.h"
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKENDS_MAX 32
#define GUEST_BASE_MAX 65534
#define EVENT_SIZE 2048 /* of an event's code, bytes; more or less */

struct run {
	struct tw_tool_options options;
	FILE *out;
	FILE *err;
	const struct tw_tool_format *format;
	const struct tw_tool_backend *backends[BACKENDS_MAX];
	uint32_t backend_count;
	enum tw_parse_dialect dialect;
	size_t input_count;
	const char *output; /* path; NULL: run->out */
	struct tw_schema **schemas;
	char *group;
	char *provider;
	char *probe_prefix;
	char *guest_suffix;
	uint32_t guest_base;
};

/* A wrong command line: say what and how. */
static int fail_usage(const struct run *run, const char *what, const char *name)
{
	fprintf(run->err, "Error: %s%s\n", what, name);
	tw_tool_options_help(run->err);
	return -EINVAL;
}

/* A right one that can't be carried out. */
static int fail(const struct run *run, const char *what, const char *name,
		int error)
{
	fprintf(run->err, "Error: %s%s: %s\n", what, name, strerror(-error));
	return error;
}

/* What is wrong with the list of backends, or NULL; *name: with which. */
static const char *parse_backends(struct run *run, char *names,
				  const char **name)
{
	char *rest = names;

	*name = "";
	while (rest) {
		const struct tw_tool_backend *backend;

		*name = strsep(&rest, ",");
		backend = tw_tool_backend_find(*name);
		if (!backend)
			return "unknown backend: ";
		for (uint32_t i = 0; i < run->backend_count; i++) {
			if (run->backends[i] == backend)
				return "backend given twice: ";
		}
		if (run->backend_count == BACKENDS_MAX)
			return "too many backends, from ";
		run->backends[run->backend_count++] = backend;
	}
	return NULL;
}

/* The backends of --backends. quiet: for use in scripts, the status is all. */
static int choose_backends(struct run *run, bool quiet)
{
	const char *name = "";
	const char *problem = "no backends: --backends is missing";
	char *names = NULL;

	if (run->options.backends) {
		names = strdup(run->options.backends);
		problem = names ? parse_backends(run, names, &name)
				: "out of memory";
	}
	if (problem && !quiet)
		fail_usage(run, problem, name);
	free(names);
	return problem ? -EINVAL : 0;
}

static int choose_format(struct run *run)
{
	const char *name = run->options.format;

	if (!name)
		return fail_usage(run, "no format: --format is missing", "");
	run->format = tw_tool_format_find(name);
	if (!run->format)
		return fail_usage(run, "unknown format: ", name);
	return 0;
}

/* Some formats are the same whatever the backends. */
static int choose_needed_backends(struct run *run)
{
	if (!run->options.backends && !run->format->needs_backends)
		return 0;
	return choose_backends(run, false);
}

static int choose_dialect(struct run *run)
{
	const char *name = run->options.dialect;

	if (!name || strcmp(name, "newest") == 0)
		run->dialect = TW_DIALECT_NEWEST;
	else if (strcmp(name, "7.2") == 0)
		run->dialect = TW_DIALECT_7_2;
	else
		return fail_usage(run, "unknown dialect: ", name);
	return 0;
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat status[2];

	return stat(a, &status[0]) == 0 && stat(b, &status[1]) == 0 &&
	       S_ISREG(status[0].st_mode) &&
	       status[0].st_dev == status[1].st_dev &&
	       status[0].st_ino == status[1].st_ino;
}

static int choose_files(struct run *run)
{
	const struct tw_tool_options *options = &run->options;
	const char *last;

	if (options->file_count == 0)
		return fail_usage(run, "no trace-events file given", "");
	run->input_count = options->file_count;
	if (options->file_count == 1)
		return 0;
	last = options->files[--run->input_count];
	if (strcmp(last, "-") == 0)
		return 0;
	for (size_t i = 0; i < run->input_count; i++) {
		if (is_same_file(options->files[i], last))
			return fail_usage(run,
					  "the output is an input: ", last);
	}
	run->output = last;
	return 0;
}

/* SystemTap's formats: QEMU's words for what they need. */
static const char *check_prefix(const struct run *run)
{
	const struct tw_tool_options *options = &run->options;

	if (run->format->needs_binary && !options->binary)
		return "--binary is required for SystemTAP tapset generator";
	if (!run->format->needs_prefix || options->probe_prefix)
		return NULL;
	if (!options->target_type)
		return "--target-type is required for SystemTAP tapset "
		       "generator";
	if (options->target_name)
		return NULL;
	return tw_tool_options_are_old(options)
		       ? "--target-arch is required for SystemTAP tapset "
			 "generator"
		       : "--target-name is required for SystemTAP tapset "
			 "generator";
}

/* A name's parts are letters, digits and underscores, between dots. */
static bool is_prefix(const char *text)
{
	const char *dot;

	while ((dot = strchr(text, '.'))) {
		if (!tw_name_is_word(text, (size_t)(dot - text)))
			return false;
		text = dot + 1;
	}
	return tw_name_is_word(text, strlen(text));
}

static int choose_prefix(struct run *run)
{
	const struct tw_tool_options *options = &run->options;
	const char *problem = check_prefix(run);
	int size;

	if (problem)
		return fail_usage(run, problem, "");
	if (options->probe_prefix)
		run->probe_prefix = strdup(options->probe_prefix);
	else if (options->target_type && options->target_name) {
		size = asprintf(&run->probe_prefix, "qemu.%s.%s",
				options->target_type, options->target_name);
		if (size < 0)
			run->probe_prefix = NULL;
	} else {
		return 0;
	}
	if (!run->probe_prefix)
		return fail(run, "cannot name the probes", "", -ENOMEM);
	if (!run->format->needs_prefix && !options->probe_prefix)
		return 0;
	if (!is_prefix(run->probe_prefix))
		return fail_usage(run,
				  "probe prefix is not made of letters, "
				  "digits, _ and dots: ",
				  run->probe_prefix);
	return 0;
}

static int choose_group(struct run *run)
{
	const char *name = run->options.group;

	run->group = name ? strdup(name)
			  : tw_job_group_name(run->options.files[0]);
	if (!run->group)
		return fail(run, "cannot name the group", "", -ENOMEM);
	if (!tw_name_is_word(run->group, strlen(run->group)))
		return fail_usage(
			run,
			"group name is not made of letters, digits and _: ",
			run->group);
	return 0;
}

/* How a guest's events are told from the host's. */
static int choose_guest(struct run *run)
{
	const char *base = run->options.guest_base;
	const char *prefix = run->options.guest_prefix;
	char *end;
	unsigned long number;

	if (prefix && *prefix && !tw_name_is_word(prefix, strlen(prefix)))
		return fail_usage(
			run,
			"guest prefix is not made of letters, digits and _: ",
			prefix);
	if (!base)
		return 0;
	errno = 0;
	number = strtoul(base, &end, 10);
	if (*base < '0' || *base > '9' || *end || errno ||
	    number > GUEST_BASE_MAX)
		return fail_usage(
			run, "guest base is no number up to 65534: ", base);
	run->guest_base = (uint32_t)number;
	return 0;
}

/* What is named after the group. */
static int choose_names(struct run *run)
{
	const struct tw_tool_options *options = &run->options;
	int size = asprintf(&run->guest_suffix, "%s%s",
			    options->group ? "_" : "",
			    options->group ? options->group : "");

	if (size < 0)
		run->guest_suffix = NULL;
	run->provider = tw_job_provider_name(
		options->probe_prefix ? options->probe_prefix : run->group);
	if (!run->guest_suffix || !run->provider)
		return fail(run, "cannot name what is made", "", -ENOMEM);
	if (options->depfile && !run->output)
		return fail_usage(run, "--depfile needs an output file", "");
	return 0;
}

/*
 * Whether QEMU knows the error. Those are shown as QEMU shows them, which
 * leaves no room for a column.
 */
static bool is_qemu_error(const struct tw_parse_error *error)
{
	switch (error->code) {
	case TW_PARSE_PROPERTY:
	case TW_PARSE_EMPTY_ARGUMENT:
	case TW_PARSE_TYPE:
	case TW_PARSE_ARGUMENT_COUNT:
		return true;
	case TW_PARSE_FORMAT:
		return strncmp(error->message, "Event format", 12) == 0;
	default:
		return false;
	}
}

static void report(const struct run *run, const char *file,
		   const struct tw_parse_errors *errors)
{
	uint32_t shown = errors->count < TW_PARSE_ERRORS_MAX
				 ? errors->count
				 : TW_PARSE_ERRORS_MAX;

	for (uint32_t i = 0; i < shown; i++) {
		const struct tw_parse_error *error = &errors->list[i];

		if (error->code == TW_PARSE_NO_NEWLINE)
			fprintf(run->err, "%s %s\n", error->file,
				error->message);
		else if (is_qemu_error(error))
			fprintf(run->err, "Error at %s:%u: %s\n", error->file,
				error->line, error->message);
		else
			fprintf(run->err, "Error at %s:%u:%u: %s\n",
				error->file, error->line, error->column,
				error->message);
	}
	if (shown < errors->count)
		fprintf(run->err, "Error: %u more in %s\n",
			errors->count - shown, file);
}

/* For the parser's include lines. */
static int read_included(void *data, const char *path, char **text,
			 size_t *size)
{
	return tw_input_read(path, text, size);
}

static int parse_input(struct run *run, const char *file,
		       struct tw_parse_errors *errors,
		       struct tw_schema **schema)
{
	const struct tw_parse_options options = {
		.size = sizeof(options),
		.dialect = run->dialect,
		.read = read_included,
	};
	bool is_standard = strcmp(file, "-") == 0;
	char *text;
	size_t size;
	int error = is_standard ? tw_input_read_open(STDIN_FILENO, &text, &size)
				: tw_input_read(file, &text, &size);

	if (is_standard)
		file = "<stdin>";
	if (error != 0)
		return fail(run, "cannot read ", file, error);
	error = tw_parse_events_with(&options, file, text, size, schema,
				     errors);
	if (error != 0)
		report(run, file, errors);
	tw_parse_errors_clear(errors);
	free(text);
	return error;
}

static int parse_inputs(struct run *run)
{
	struct tw_parse_errors *errors = malloc(sizeof(*errors));
	int result = 0;

	run->schemas = calloc(run->input_count, sizeof(struct tw_schema *));
	if (!run->schemas || !errors) {
		free(errors);
		return fail(run, "cannot read the inputs", "", -ENOMEM);
	}
	for (size_t i = 0; i < run->input_count; i++) {
		int error = parse_input(run, run->options.files[i], errors,
					&run->schemas[i]);

		if (error != 0)
			result = error;
	}
	free(errors);
	return result;
}

static int write_output(const struct run *run, const struct tw_output *out)
{
	int error = run->output ? tw_output_save(out, run->output)
				: tw_output_print(out, run->out);

	if (error != 0)
		fail(run, "cannot write ",
		     run->output ? run->output : "the output", error);
	return error;
}

static int generate(struct run *run)
{
	struct tw_job job = {
		.group = run->group,
		.provider = run->provider,
		.binary = run->options.binary,
		.probe_prefix = run->probe_prefix,
		.guest_suffix = run->guest_suffix,
		.guest_prefix = run->options.guest_prefix
					? run->options.guest_prefix
					: "",
		.guest_base = run->guest_base,
		.output_name = run->output ? run->output : "<stdout>",
		.backends = run->backends,
		.backend_count = run->backend_count,
	};
	struct tw_output out = {0};
	const struct tw_event_desc *culprit;
	char message[512];
	int error = tw_job_add_events(&job, run->schemas, run->input_count,
				      message, sizeof(message), &culprit);

	if (error == -EINVAL) {
		fprintf(run->err, "Error at %s:%u: %s\n", culprit->file,
			culprit->line, message);
	} else if (error != 0) {
		fail(run, "cannot generate", "", error);
	} else {
		tw_output_expect(&out, (size_t)job.event_count * EVENT_SIZE);
		run->format->generate(&out, &job);
		error = write_output(run, &out);
	}
	free(out.text.data);
	tw_job_clear(&job);
	return error;
}

static int write_depfile(struct run *run)
{
	const char *path = run->options.depfile;
	struct tw_output out = {0};
	int error;

	if (!path)
		return 0;
	error = tw_depfile_put(&out, run->output, run->schemas,
			       run->input_count);
	if (error == 0)
		error = tw_output_save(&out, path);
	if (error != 0)
		fail(run, "cannot write ", path, error);
	free(out.text.data);
	return error;
}

static int compile(struct run *run)
{
	int (*const steps[])(struct run *) = {
		choose_format, choose_needed_backends, choose_dialect,
		choose_files,  choose_prefix,	       choose_group,
		choose_names,  choose_guest,	       parse_inputs,
		generate,      write_depfile,
	};
	int error = 0;

	for (size_t i = 0; error == 0 && i < sizeof(steps) / sizeof(*steps);
	     i++)
		error = steps[i](run);
	return error;
}

/* Both files of it; of an error the first is told. */
static int emit_guest_runtime(const struct run *run)
{
	int error = 0;

	if (run->options.file_count || run->options.format)
		return fail_usage(run,
				  "--emit-guest-runtime goes with no format "
				  "and no file",
				  "");
	for (size_t i = 0; i < TW_TOOL_GUEST_FILES && error == 0; i++) {
		const struct tw_tool_guest_file *file = &tw_tool_guest_files[i];
		struct tw_output out = {0};
		char *path;

		if (asprintf(&path, "%s/%s", run->options.guest_runtime,
			     file->name) < 0)
			return fail(run, "cannot write ", file->name, -ENOMEM);
		tw_text_add(&out.text, file->text, file->size);
		error = tw_output_save(&out, path);
		if (error != 0)
			fail(run, "cannot write ", path, error);
		free(out.text.data);
		free(path);
	}
	return error;
}

static void list_backends(const struct run *run, FILE *out)
{
	if (tw_tool_options_are_old(&run->options)) {
		fputs("nop simple stderr ust dtrace\n", out);
		return;
	}
	for (size_t i = 0; tw_tool_backends[i]; i++)
		fprintf(out, "%s%s", i ? ", " : "", tw_tool_backends[i]->name);
	fputc('\n', out);
}

static int run_options(struct run *run)
{
	const struct tw_tool_options *options = &run->options;

	if (options->check_backends)
		return options->old_backend ? 0 : choose_backends(run, true);
	if (!options->help && !options->version && !options->list_backends)
		return options->guest_runtime ? emit_guest_runtime(run)
					      : compile(run);
	if (options->help)
		tw_tool_options_help(run->out);
	else if (options->version)
		fputs("tracetool (Trackway) " TW_VERSION "\n", run->out);
	else
		list_backends(run, run->out);
	if (fflush(run->out) != 0 || ferror(run->out))
		return fail(run, "cannot write ", "the output",
			    errno ? -errno : -EIO);
	return 0;
}

int tw_tracetool_run(int argc, char *const argv[], FILE *out, FILE *err)
{
	struct run run = {.out = out, .err = err};
	char message[128];
	int error = tw_tool_options_parse(&run.options, argc, argv, message,
					  sizeof(message));

	if (error == -EINVAL)
		fail_usage(&run, message, "");
	else if (error != 0)
		fail(&run, "cannot start", "", error);
	else
		error = run_options(&run);
	for (size_t i = 0; run.schemas && i < run.input_count; i++)
		tw_schema_destroy(run.schemas[i]);
	free(run.schemas);
	free(run.group);
	free(run.provider);
	free(run.probe_prefix);
	free(run.guest_suffix);
	free(run.options.files);
	return error == 0 ? 0 : 1;
}
