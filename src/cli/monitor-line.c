/* SPDX-License-Identifier: MIT */
/*
 * A monitor at a terminal, by libedit: history, completion, and Ctrl-C, which
 * gives up the line or the answer but not the monitor.
 */
#include "monitor-doors.h"
#include "monitor-hint.h"
#include "monitor-history.h"

#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

struct line {
	struct tw_monitor_targets *targets;
	struct tw_monitor *monitor;
	struct tw_monitor_client *client;
	EditLine *edit;
	History *history;
	struct tw_monitor_history *kept; /* from run to run; may be NULL */
	bool is_given_up;
};

/* ---- Completion ---- */

/* How many bytes all of them begin with. */
static size_t common_size(const struct tw_monitor_words *matches)
{
	size_t size = strlen(matches->list[0]);

	for (size_t i = 1; i < matches->count; i++)
		while (strncmp(matches->list[0], matches->list[i], size) != 0)
			size--;
	return size;
}

static void show_matches(const struct tw_monitor_words *matches)
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
static bool insert_rest(struct line *line,
			const struct tw_monitor_words *matches, size_t begun)
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
	struct tw_monitor_words matches = {0};
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
	tw_monitor_words_add(&matches, line->monitor, text);
	free(text);
	if (matches.count && insert_rest(line, &matches, begun)) {
		result = CC_REFRESH;
	} else if (matches.count > 1) {
		show_matches(&matches);
		result = CC_REDISPLAY;
	}
	tw_monitor_words_free(&matches);
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
		/* The signal may interrupt the writing itself. */
		if (!is_stopped && fwrite(buffer, 1, size, stdout) != size &&
		    !is_stopped)
			return false;
	if (is_stopped) {
		__fpurge(stdout);
		clearerr(stdout);
		putchar('\n');
	}
	return tw_output_flush();
}

/* ---- Lines ---- */

/* What was typed again and again is one line of it. */
static void remember(struct line *line, const char *text)
{
	HistEvent event;

	if (!history(line->history, &event, H_FIRST) &&
	    !strcmp(event.str, text))
		return;
	history(line->history, &event, H_ENTER, text);
	tw_monitor_history_add(line->kept, text);
}

static void recall(void *context, const char *text)
{
	struct line *line = context;
	HistEvent event;

	history(line->history, &event, H_ENTER, text);
}

/* A name that is wrong by a letter or two. */
static void hint(struct line *line, const char *text)
{
	size_t size = 0;
	const char *wrong;
	char *meant = tw_monitor_hint(line->monitor, text, &wrong, &size);

	if (meant)
		printf("%sdid you mean \"%s\"?%s\n", tw_style(TW_STYLE_DIM),
		       meant, tw_style(TW_STYLE_PLAIN));
	free(meant);
}

static void run_line(struct line *line, const char *text, int size)
{
	size_t taken = 0;

	if (strspn(text, " \t\n") < (size_t)size)
		remember(line, text);
	tw_monitor_targets_look(line->targets);
	while (taken < (size_t)size && !tw_monitor_is_over(line->client)) {
		taken += tw_monitor_feed(line->client, text + taken,
					 (size_t)size - taken);
		if (!print_answer(line->client))
			return;
	}
	hint(line, text);
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
	static char text[] = TW_MONITOR_PROMPT;

	return text;
}

static bool open_line(struct line *line)
{
	HistEvent event;

	line->history = history_init();
	line->edit = el_init("trackway", stdin, stdout, stderr);
	if (!line->history || !line->edit)
		return false;
	history(line->history, &event, H_SETSIZE, TW_MONITOR_HISTORY_LINES);
	history(line->history, &event, H_SETUNIQUE, 1);
	line->kept = tw_monitor_history_open(recall, line);
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

int tw_monitor_serve_line(const struct tw_monitor_session *session)
{
	const struct sigaction action = {.sa_handler = on_interrupt};
	struct line line = {
		.targets = session->targets,
		.monitor = tw_monitor_targets_monitor(session->targets),
	};
	int status = TW_EXIT_OK;

	if (tw_monitor_client_create(line.monitor, TW_MONITOR_TEXT,
				     &line.client))
		return tw_error_memory();
	sigaction(SIGINT, &action, NULL);
	if (open_line(&line)) {
		puts("Trackway " TW_VERSION " monitor - type 'help' for more "
		     "information");
		read_lines(&line);
	} else {
		status = tw_error_memory();
	}
	if (line.edit)
		el_end(line.edit);
	if (line.history)
		history_end(line.history);
	tw_monitor_history_close(line.kept);
	tw_monitor_client_destroy(line.client);
	return status;
}
