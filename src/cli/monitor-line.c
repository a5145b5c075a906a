/* SPDX-License-Identifier: MIT */
/*
 * A monitor at a terminal, by libedit: history, completion, and Ctrl-C, which
 * gives up the line or the answer but not the monitor.
 */
#include "monitor-doors.h"

#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_SIZE 500
#define PROMPT "(trackway) "

struct line {
	struct tw_monitor *monitor;
	struct tw_monitor_client *client;
	EditLine *edit;
	History *history;
	bool is_given_up;
};

/* ---- Completion ---- */

struct matches {
	char **list;
	size_t count;
	bool failed;
};

static void add_match(void *context, const char *word)
{
	struct matches *matches = context;
	char **list;

	for (size_t i = 0; i < matches->count; i++)
		if (!strcmp(matches->list[i], word))
			return;
	list = reallocarray(matches->list, matches->count + 1,
			    sizeof(*matches->list));
	if (list)
		matches->list = list;
	if (list && (list[matches->count] = strdup(word)))
		matches->count++;
	else
		matches->failed = true;
}

static void free_matches(struct matches *matches)
{
	for (size_t i = 0; i < matches->count; i++)
		free(matches->list[i]);
	free(matches->list);
}

/* How many bytes all of them begin with. */
static size_t common_size(const struct matches *matches)
{
	size_t size = strlen(matches->list[0]);

	for (size_t i = 1; i < matches->count; i++)
		while (strncmp(matches->list[0], matches->list[i], size) != 0)
			size--;
	return size;
}

static void show_matches(const struct matches *matches)
{
	size_t width = 0;
	size_t columns;

	for (size_t i = 0; i < matches->count; i++)
		if (strlen(matches->list[i]) > width)
			width = strlen(matches->list[i]);
	columns = tw_output_width() / (width + 2);
	if (!columns)
		columns = 1;
	putchar('\n');
	for (size_t i = 0; i < matches->count; i++)
		printf("%-*s%s", (int)width + 2, matches->list[i],
		       (i + 1) % columns && i + 1 < matches->count ? "" : "\n");
	fflush(stdout);
}

/* What is left of the word that all matches share; a blank behind the only
 * one, unless it is a prefix to which more belongs. */
static bool insert_rest(struct line *line, const struct matches *matches,
			size_t begun)
{
	const size_t size = common_size(matches);
	char *rest = strndup(matches->list[0] + begun, size - begun);
	bool is_changed = false;

	if (rest && *rest)
		is_changed = !el_insertstr(line->edit, rest);
	free(rest);
	if (matches->count == 1 && matches->list[0][size - 1] != ':')
		is_changed |= !el_insertstr(line->edit, " ");
	return is_changed;
}

static unsigned char complete(EditLine *edit, int key)
{
	const LineInfo *info = el_line(edit);
	struct matches matches = {0};
	unsigned char result = CC_ERROR;
	struct line *line;
	size_t begun = 0;
	char *text;

	if (el_get(edit, EL_CLIENTDATA, &line))
		return CC_ERROR;
	text = strndup(info->buffer, (size_t)(info->cursor - info->buffer));
	if (!text)
		return CC_ERROR;
	while (begun < strlen(text) &&
	       !strchr(" \t", text[strlen(text) - 1 - begun]))
		begun++;
	tw_monitor_complete(line->monitor, text, add_match, &matches);
	free(text);
	if (matches.count && insert_rest(line, &matches, begun)) {
		result = CC_REFRESH;
	} else if (matches.count > 1) {
		show_matches(&matches);
		result = CC_REDISPLAY;
	}
	free_matches(&matches);
	return result;
}

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t is_stopped;

static void on_interrupt(int number)
{
	is_stopped = 1;
}

/* While a line is typed the terminal sends it as a key. */
static unsigned char give_up(EditLine *edit, int key)
{
	const LineInfo *info = el_line(edit);
	struct line *line;

	if (el_get(edit, EL_CLIENTDATA, &line))
		return CC_ERROR;
	line->is_given_up = true;
	/* Behind the line's end, wherever in it the cursor is. */
	fwrite(info->cursor, 1, (size_t)(info->lastchar - info->cursor),
	       stdout);
	fputs("^C\n", stdout);
	fflush(stdout);
	return CC_NEWLINE;
}

/* An answer that is stopped is thrown away to its end. */
static bool print_answer(struct tw_monitor_client *client)
{
	char buffer[4096];
	size_t size;

	is_stopped = 0;
	while ((size = tw_monitor_pull(client, buffer, sizeof(buffer))))
		if (!is_stopped && fwrite(buffer, 1, size, stdout) != size)
			return false;
	return tw_output_flush();
}

/* ---- Lines ---- */

static void run_line(struct line *line, const char *text, int size)
{
	HistEvent event;
	size_t taken = 0;

	if (strspn(text, " \t\n") < (size_t)size)
		history(line->history, &event, H_ENTER, text);
	while (taken < (size_t)size && !tw_monitor_is_over(line->client)) {
		taken += tw_monitor_feed(line->client, text + taken,
					 (size_t)size - taken);
		if (!print_answer(line->client))
			return;
	}
}

static void read_lines(struct line *line)
{
	while (!tw_monitor_is_over(line->client)) {
		const char *text;
		int size = 0;

		line->is_given_up = false;
		/* Before the prompt: what is typed then is not shown twice. */
		el_set(line->edit, EL_PREP_TERM, 1);
		text = el_gets(line->edit, &size);
		if (line->is_given_up)
			continue;
		if (!text || size <= 0) {
			putchar('\n');
			return;
		}
		run_line(line, text, size);
	}
}

static char *prompt(EditLine *edit)
{
	static char text[] = PROMPT;

	return text;
}

static bool open_line(struct line *line)
{
	HistEvent event;

	line->history = history_init();
	line->edit = el_init("trackway", stdin, stdout, stderr);
	if (!line->history || !line->edit)
		return false;
	history(line->history, &event, H_SETSIZE, HISTORY_SIZE);
	history(line->history, &event, H_SETUNIQUE, 1);
	el_set(line->edit, EL_CLIENTDATA, line);
	el_set(line->edit, EL_PROMPT, prompt);
	el_set(line->edit, EL_EDITOR, "emacs");
	el_set(line->edit, EL_SIGNAL, 1);
	el_set(line->edit, EL_HIST, history, line->history);
	el_set(line->edit, EL_ADDFN, "tw-complete", "complete a word",
	       complete);
	el_set(line->edit, EL_ADDFN, "tw-give-up", "give the line up", give_up);
	el_set(line->edit, EL_BIND, "^I", "tw-complete", NULL);
	el_set(line->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_set(line->edit, EL_SETTY, "-d", "-isig", NULL);
	el_set(line->edit, EL_BIND, "^C", "tw-give-up", NULL);
	return true;
}

int tw_monitor_serve_line(struct tw_monitor *monitor)
{
	const struct sigaction action = {.sa_handler = on_interrupt};
	struct line line = {.monitor = monitor};
	int status = TW_EXIT_OK;

	if (tw_monitor_client_create(monitor, TW_MONITOR_TEXT, &line.client))
		return tw_error_memory();
	sigaction(SIGINT, &action, NULL);
	if (open_line(&line))
		read_lines(&line);
	else
		status = tw_error_memory();
	if (line.edit)
		el_end(line.edit);
	if (line.history)
		history_end(line.history);
	tw_monitor_client_destroy(line.client);
	return status;
}
