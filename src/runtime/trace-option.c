/* SPDX-License-Identifier: MIT */
/*
 * The option that chooses events on a program's command line, in QEMU's form
 * and with QEMU's words (trackway/option.h). All of it is understood, and the
 * file of patterns read, before anything is switched.
 *
 * Names are looked up in a copy of those of all registered groups, ring or no
 * ring, so that no lock is held while the program says a line.
 */
#include "runtime.h"

#include "../ring/glob.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <trackway/option.h>
#include <unistd.h>

/* The largest file of patterns; bytes. */
#define FILE_SIZE_MAX (1u << 20)
/* As much as is shown of what is no event's name, about. */
#define SHOWN_MAX 128u

enum key {
	KEY_ENABLE,
	KEY_EVENTS,
	KEY_FILE,
	KEY_COUNT,
};

static const char *const key_names[KEY_COUNT] = {
	[KEY_ENABLE] = "enable",
	[KEY_EVENTS] = "events",
	[KEY_FILE] = "file",
};

struct name {
	const char *text;
	bool compiled_out;
};

/* Every event's name once, sorted. */
struct names {
	struct name *list;
	size_t count;
	char *text; /* all of them, NULs included */
	size_t size;
};

struct request {
	struct tw_option_hooks hooks;
	char *text; /* the option, cut up */
	const char *values[KEY_COUNT];
	bool asks_for_keys;
	char *file; /* what events= names: its text */
	size_t file_size;
	struct names names;
};

__attribute__((format(printf, 3, 4))) static void say(
	const struct request *request, enum tw_option_line kind,
	const char *format, ...)
{
	char line[PATH_MAX + 512], *at;
	va_list arguments;

	if (!request->hooks.say)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	/* Paths are shown as they are, but for what would not be one line. */
	for (at = line; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	request->hooks.say(request->hooks.context, kind, line);
}

static int fail_memory(const struct request *request)
{
	say(request, TW_OPTION_ERROR, "no memory");
	return -ENOMEM;
}

/* What is no name goes to a terminal all the same. */
static void escape(char *to, size_t size, const char *text)
{
	size_t used = 0;

	for (; *text && used + 8 < size; text++)
		used += (size_t)snprintf(to + used, size - used,
					 *text < ' ' || *text > '~' ? "\\x%02x"
								    : "%c",
					 (unsigned char)*text);
	snprintf(to + used, size - used, "%s", *text ? "..." : "");
}

/* The option: "KEY=VALUE,...", where the first KEY may be left out. */

/* The value at *at, ended in place, two commas made one; *at passes it. */
static char *take_value(char **at)
{
	char *from = *at, *to = *at, *value = *at;

	for (; *from && (*from != ',' || from[1] == ','); from++) {
		if (*from == ',')
			from++;
		*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = 0;
	return value;
}

static bool is_help(const char *value)
{
	return !strcmp(value, "help") || !strcmp(value, "?");
}

static enum key find_key(const char *name)
{
	enum key key = 0;

	while (key < KEY_COUNT && strcmp(name, key_names[key]) != 0)
		key++;
	return key;
}

static int refuse(const struct request *request, const char *why,
		  const char *name)
{
	char shown[SHOWN_MAX];

	escape(shown, sizeof(shown), name);
	say(request, TW_OPTION_ERROR, "%s '%s'", why, shown);
	return -EINVAL;
}

/* An item without "=" that is not the first. */
static int take_word(struct request *request, const char *word)
{
	if (is_help(word)) {
		request->asks_for_keys = true;
		return 0;
	}
	return refuse(request,
		      find_key(word) < KEY_COUNT
			      ? "Expected '=' after parameter"
			      : "Invalid parameter",
		      word);
}

static int take_item(struct request *request, char **at)
{
	size_t size = strcspn(*at, "=,");
	const char *name = *at;
	enum key key = KEY_ENABLE;

	if ((*at)[size] == '=') {
		(*at)[size] = 0;
		*at += size + 1;
		key = find_key(name);
		if (key == KEY_COUNT)
			return refuse(request, "Invalid parameter", name);
	} else if (*at != request->text) {
		return take_word(request, take_value(at));
	}
	request->values[key] = take_value(at);
	return 0;
}

static int parse(struct request *request, const char *option)
{
	char *at = request->text = strdup(option);
	int error = at ? 0 : fail_memory(request);

	while (!error && *at)
		error = take_item(request, &at);
	return error;
}

static int check(const struct request *request)
{
	const char *file = request->values[KEY_FILE];

	if (file && !*file) {
		say(request, TW_OPTION_ERROR, "Parameter 'file' needs a path");
		return -EINVAL;
	}
	if (file && !request->hooks.record) {
		say(request, TW_OPTION_ERROR,
		    "--trace file=...: option not supported by the selected "
		    "tracing backends");
		return -ENOTSUP;
	}
	return 0;
}

/* The names of the events that there are. */

static void measure_name(void *context, const char *name, bool compiled_out)
{
	struct names *names = context;

	names->size += strlen(name) + 1;
	names->count++;
}

static void copy_name(void *context, const char *name, bool compiled_out)
{
	struct names *names = context;
	const size_t size = strlen(name) + 1;
	char *copy = memcpy(names->text + names->size, name, size);

	names->size += size;
	names->list[names->count++] = (struct name){copy, compiled_out};
}

static bool copy_names(struct names *names)
{
	tw_group_each_event(measure_name, names);
	names->list = malloc((names->count + 1) * sizeof(*names->list));
	names->text = malloc(names->size + 1);
	names->size = names->count = 0;
	if (!names->list || !names->text)
		return false;
	tw_group_each_event(copy_name, names);
	return true;
}

/* One that is compiled out comes after its namesake that is not. */
static int compare_names(const void *first, const void *second)
{
	const struct name *a = first, *b = second;
	const int order = strcmp(a->text, b->text);

	return order ? order : a->compiled_out - b->compiled_out;
}

/* Modules may share a group, or groups have events of the same name. */
static void drop_repeated(struct names *names)
{
	size_t i, kept = 0;

	for (i = 0; i < names->count; i++)
		if (!kept || strcmp(names->list[i].text,
				    names->list[kept - 1].text) != 0)
			names->list[kept++] = names->list[i];
	names->count = kept;
}

static int find_names(struct request *request)
{
	struct names *names = &request->names;
	bool copied;

	pthread_mutex_lock(&tw_runtime.mutex);
	copied = copy_names(names);
	pthread_mutex_unlock(&tw_runtime.mutex);
	if (!copied)
		return fail_memory(request);
	qsort(names->list, names->count, sizeof(*names->list), compare_names);
	drop_repeated(names);
	return 0;
}

/* What it prints is fit for events=: none of it is worth a warning. */
static int help(const struct request *request)
{
	size_t i;

	for (i = 0; i < request->names.count; i++)
		if (!request->names.list[i].compiled_out)
			say(request, TW_OPTION_HELP, "%s",
			    request->names.list[i].text);
	return 1;
}

static int help_with_keys(const struct request *request)
{
	enum key key;

	say(request, TW_OPTION_HELP, "trace options:");
	for (key = 0; key < KEY_COUNT; key++)
		say(request, TW_OPTION_HELP, "  %s=<str>", key_names[key]);
	return 1;
}

/* Patterns */

static int compare_to_name(const void *text, const void *name)
{
	return strcmp(text, ((const struct name *)name)->text);
}

/* One that the pattern, which has no "*", means; NULL: none. */
static const struct name *find_meant(const struct names *names,
				     const char *pattern)
{
	const struct name *found = NULL;
	size_t i;

	if (!strchr(pattern, '?'))
		return bsearch(pattern, names->list, names->count,
			       sizeof(*names->list), compare_to_name);
	for (i = 0; i < names->count; i++)
		if (tw_glob_match(pattern, names->list[i].text) &&
		    (!found || found->compiled_out))
			found = &names->list[i];
	return found;
}

/* line: of the file; 0: the pattern is the option's own. */
static void warn(const struct request *request, unsigned line,
		 const char *pattern, const char *what)
{
	char shown[SHOWN_MAX], where[32] = "";

	escape(shown, sizeof(shown), pattern);
	if (line)
		snprintf(where, sizeof(where), ":%u: ", line);
	say(request, TW_OPTION_WARNING, "%s%strace event '%s' %s",
	    line ? request->values[KEY_EVENTS] : "", where, shown, what);
}

/*
 * Whether the pattern is one to apply. It is not if no event's name can match
 * it, whatever module comes; a list would take it for several. Warns of all but
 * a "*" that finds nothing.
 */
static bool examine(const struct request *request, unsigned line,
		    const char *pattern)
{
	const char *name = pattern + (*pattern == '-');
	const bool is_whole = !name[strcspn(name, TW_PATTERN_BLANKS)];
	const struct name *meant;

	if (is_whole && strchr(name, '*'))
		return true;
	meant = is_whole ? find_meant(&request->names, name) : NULL;
	if (!meant)
		warn(request, line, name, "does not exist");
	else if (meant->compiled_out)
		warn(request, line, name, "is not traceable");
	return is_whole && *name;
}

static int apply(const struct request *request, const char *patterns)
{
	int count = tw_event_apply(patterns);

	if (count == -ENOMEM)
		return fail_memory(request);
	if (count < 0)
		say(request, TW_OPTION_ERROR,
		    "more trace event patterns than can be kept");
	return count < 0 ? count : 0;
}

static int apply_value(const struct request *request)
{
	const char *pattern = request->values[KEY_ENABLE];

	return pattern && examine(request, 0, pattern) ? apply(request, pattern)
						       : 0;
}

/* The file of patterns */

/* Cut the line at *at free of blanks at its ends; *at passes it. */
static char *take_line(char **at)
{
	static const char blanks[] = " \t\r";
	char *end = *at + strcspn(*at, "\n");
	char *line = *at;

	*at = *end ? end + 1 : end;
	*end = 0;
	line += strspn(line, blanks);
	for (end = line + strlen(line); end > line && strchr(blanks, end[-1]);)
		*--end = 0;
	return line;
}

static int apply_file(const struct request *request)
{
	/* Never longer than the file: a comma for a newline, or for the end. */
	char *list = malloc(request->file_size + 2);
	char *at = request->file, *line;
	size_t used = 0, size;
	unsigned number = 0;
	int error;

	if (!list)
		return fail_memory(request);
	while (*at) {
		line = take_line(&at);
		number++;
		if (!*line || *line == '#' || !examine(request, number, line))
			continue;
		size = strlen(line);
		memcpy(list + used, line, size);
		used += size;
		list[used++] = ',';
	}
	list[used] = 0;
	error = apply(request, list);
	free(list);
	return error;
}

/* All of it into request->file, with a NUL; 0 or a negative errno. */
static int read_all(struct request *request, int fd)
{
	ssize_t size = 1;

	request->file = malloc(FILE_SIZE_MAX + 2);
	if (!request->file)
		return -ENOMEM;
	while (size && request->file_size <= FILE_SIZE_MAX) {
		size = read(fd, request->file + request->file_size,
			    FILE_SIZE_MAX + 1 - request->file_size);
		if (size < 0 && errno != EINTR)
			return -errno;
		request->file_size += size > 0 ? (size_t)size : 0;
	}
	request->file[request->file_size] = 0;
	return request->file_size > FILE_SIZE_MAX ? -EFBIG : 0;
}

/* A program or a picture, given by mistake, is not a thousand odd names. */
static int check_text(const struct request *request)
{
	unsigned line = 1;
	size_t i;

	for (i = 0; i < request->file_size; i++) {
		const unsigned char c = (unsigned char)request->file[i];

		if ((c < ' ' && !(c && strchr("\t\r\n", c))) || c == 0x7f) {
			say(request, TW_OPTION_ERROR, "%s:%u: not a text file",
			    request->values[KEY_EVENTS], line);
			return -EINVAL;
		}
		line += c == '\n';
	}
	return 0;
}

/* Some editors begin a text with a mark of its encoding. */
static void drop_mark(struct request *request)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t size = sizeof(mark) - 1;

	if (strncmp(request->file, mark, size) != 0)
		return;
	request->file_size -= size;
	memmove(request->file, request->file + size, request->file_size + 1);
}

static int read_file(struct request *request)
{
	const char *path = request->values[KEY_EVENTS];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int error = fd < 0 ? -errno : read_all(request, fd);

	if (fd >= 0)
		close(fd);
	if (error) {
		say(request, TW_OPTION_ERROR, "%s: %s", path, strerror(-error));
		return error;
	}
	drop_mark(request);
	return check_text(request);
}

/* Where there is no ring although there should be one, nothing is traced. */
static void warn_without_ring(const struct request *request)
{
	if (tw_load_acquire(&tw_runtime.state) == TW_RUNTIME_FAILED)
		say(request, TW_OPTION_WARNING, "no event can be traced: %s",
		    tw_runtime.error);
}

/* It records before events are on, so as to miss none. */
static int act(struct request *request)
{
	const char *enable = request->values[KEY_ENABLE];
	const char *file = request->values[KEY_FILE];
	int error = find_names(request);

	if (error)
		return error;
	if (request->asks_for_keys)
		return help_with_keys(request);
	if (enable && is_help(enable))
		return help(request);
	error = check(request);
	if (!error && request->values[KEY_EVENTS])
		error = read_file(request);
	if (!error && file)
		error = request->hooks.record(request->hooks.context, file);
	if (!error && (enable || request->file))
		warn_without_ring(request);
	if (!error)
		error = apply_value(request);
	if (!error && request->file)
		error = apply_file(request);
	return error;
}

static void take_hooks(struct request *request,
		       const struct tw_option_hooks *hooks)
{
	if (hooks)
		memcpy(&request->hooks, hooks,
		       hooks->size < sizeof(*hooks) ? hooks->size
						    : sizeof(*hooks));
}

int tw_trace_option(const char *option, const struct tw_option_hooks *hooks)
{
	struct request request = {0};
	int status;

	take_hooks(&request, hooks);
	status = parse(&request, option);
	if (!status)
		status = act(&request);
	free(request.names.list);
	free(request.names.text);
	free(request.file);
	free(request.text);
	return status;
}
