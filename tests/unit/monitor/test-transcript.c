/* SPDX-License-Identifier: MIT */
/*
 * Plays a transcript to a monitor and compares every byte of the answers.
 *
 * Its lines: "# " a remark; "! targets NAME..." and "! form text|json", first;
 * "! emit TARGET LANE KIND NUMBER" writes an event; "! state TARGET ID 0|1"
 * sets a state behind the monitor's back; "! expect TARGET ID 0|1" looks at
 * what the program itself sees; "! client N" goes on as another client; "!
 * directory" goes to a new one, that is removed in the end, "! make PATH" makes
 * one more in it; "> " a line to the monitor; "| " (or "|") a line of the
 * answer to all before it. "$PID" in a line is this process's. Answers in JSON
 * end with
 * "\r\n", which the transcript doesn't show.
 *
 * Of a client that follows: "! poll" lets it tell what is new, "! unread" does
 * the same and leaves the output where it is; "! timeout never|now|some" says
 * when it wants to be polled. "! emits TARGET LANE COUNT" writes events
 * "number", "! close TARGET" is that program's end.
 *
 * With --show it prints the transcript as it really went.
 */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLIENTS 3
#define LINE_SIZE 65536

struct player {
	struct scene scene;
	enum tw_monitor_form form;
	struct tw_monitor_client *clients[CLIENTS];
	size_t current;
	char *answer; /* not compared yet */
	size_t answer_size;
	size_t line;
	int failures;
	bool show;
	char directory[64]; /* "": none was made */
};

static void complain(struct player *player, const char *what, const char *line,
		     size_t size)
{
	printf("line %zu: %s: %.*s\n", player->line, what, (int)size, line);
	player->failures++;
}

/* ---- Answers ---- */

static void collect(struct player *player)
{
	char buffer[37]; /* so that answers come in pieces */
	size_t size;

	while ((size = tw_monitor_pull(player->clients[player->current], buffer,
				       sizeof(buffer)))) {
		player->answer = realloc(player->answer,
					 player->answer_size + size);
		if (!player->answer)
			abort();
		memcpy(player->answer + player->answer_size, buffer, size);
		player->answer_size += size;
	}
}

/* The size of the first line of what has been answered, its end included. */
static size_t first_line(const struct player *player)
{
	const char *end = player->answer_size ? memchr(player->answer, '\n',
						       player->answer_size)
					      : NULL;

	return end ? (size_t)(end - player->answer) + 1 : player->answer_size;
}

static void drop(struct player *player, size_t size)
{
	player->answer_size -= size;
	if (player->answer_size)
		memmove(player->answer, player->answer + size,
			player->answer_size);
}

/* Without its end; false if that is not as it should be. */
static bool strip(const struct player *player, size_t *size)
{
	if (!*size || player->answer[*size - 1] != '\n')
		return false;
	--*size;
	if (player->form == TW_MONITOR_TEXT)
		return true;
	if (!*size || player->answer[*size - 1] != '\r')
		return false;
	--*size;
	return true;
}

static void expect_line(struct player *player, const char *line)
{
	const size_t size = first_line(player);
	size_t bare = size;

	line += *line == ' ';
	if (!strip(player, &bare))
		complain(player, "no whole line is answered instead of", line,
			 strlen(line));
	else if (bare != strlen(line) ||
		 memcmp(player->answer, line, bare) != 0)
		complain(player, "answered", player->answer, bare);
	drop(player, size);
}

/* All has been said that was to be said. */
static void expect_silence(struct player *player)
{
	while (player->answer_size) {
		const size_t size = first_line(player);
		size_t bare = size;

		if (!strip(player, &bare))
			complain(player, "half a line", player->answer, size);
		else if (player->show)
			printf("|%s%.*s\n", bare ? " " : "", (int)bare,
			       player->answer);
		else
			complain(player, "answered too", player->answer, bare);
		drop(player, size);
	}
}

/* ---- Lines ---- */

static void start(struct player *player)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (tw_monitor_client_create(player->scene.monitor,
					     player->form, &player->clients[i]))
			abort();
	collect(player);
}

static void say(struct player *player, const char *line)
{
	struct tw_monitor_client *client = player->clients[player->current];
	const size_t size = strlen(line);

	/* Byte by byte, as a slow client does. */
	for (size_t i = 0; i <= size; i++) {
		const char byte = i < size ? line[i] : '\n';

		while (!tw_monitor_feed(client, &byte, 1)) {
			if (tw_monitor_is_over(client))
				return;
			collect(player);
		}
	}
	collect(player);
}

static struct tw_attach *attach_of(struct player *player, const char *name)
{
	for (size_t i = 0; i < player->scene.count; i++)
		if (!strcmp(player->scene.targets[i].name, name))
			return player->scene.targets[i].attach;
	abort();
}

static void check_timeout(struct player *player, const char *expected)
{
	const int ms = tw_monitor_client_timeout(
		player->clients[player->current]);
	const bool is_so = !strcmp(expected, "never") ? ms == -1
			   : !strcmp(expected, "now") ? ms == 0
						      : ms >= 0 && ms <= 1000;

	if (!is_so)
		complain(player, "it is another timeout than", expected,
			 strlen(expected));
}

static bool direct_follower(struct player *player, const char *line)
{
	const bool unread = !strcmp(line, "unread");

	if (!strncmp(line, "timeout ", 8)) {
		check_timeout(player, line + 8);
		return true;
	}
	if (!unread && strcmp(line, "poll") != 0)
		return false;
	tw_monitor_client_poll(player->clients[player->current]);
	if (!unread)
		collect(player);
	return true;
}

static bool direct_program(struct player *player, const char *line)
{
	unsigned int lane, count;
	char name[16];

	if (sscanf(line, "close %15s", name) == 1) {
		fixture_close(scene_fixture(&player->scene, name));
		return true;
	}
	if (sscanf(line, "emits %15s %u %u", name, &lane, &count) != 3)
		return false;
	while (count--)
		fixture_emit(scene_fixture(&player->scene, name), lane);
	return true;
}

static bool direct_target(struct player *player, const char *line)
{
	unsigned int lane, id, on;
	char name[16], kind[16];
	unsigned long number;

	if (sscanf(line, "emit %15s %u %15s %lu", name, &lane, kind, &number) ==
	    4)
		return fixture_emit_as(scene_fixture(&player->scene, name),
				       lane, 0,
				       *kind == 'w'   ? EVENT_WORDS
				       : *kind == 'n' ? EVENT_NUMBER
						      : EVENT_NOTHING,
				       number);
	if (sscanf(line, "state %15s %u %u", name, &id, &on) == 3)
		return !tw_attach_set_event_state(attach_of(player, name), id,
						  on);
	if (sscanf(line, "expect %15s %u %u", name, &id, &on) != 3)
		return false;
	if (tw_attach_event_state(attach_of(player, name), id) != (int)on)
		complain(player, "it is not so", line, strlen(line));
	return true;
}

static void enter_directory(struct player *player)
{
	strcpy(player->directory, "/tmp/trackway-monitor-XXXXXX");
	if (!mkdtemp(player->directory) || chdir(player->directory))
		abort();
}

static void direct(struct player *player, const char *line)
{
	if (!strcmp(line, "directory")) {
		enter_directory(player);
	} else if (!strncmp(line, "make ", 5)) {
		if (mkdir(line + 5, 0700))
			abort();
	} else if (!strncmp(line, "form ", 5)) {
		player->form = strcmp(line + 5, "json") ? TW_MONITOR_TEXT
							: TW_MONITOR_JSON;
	} else if (!strncmp(line, "targets ", 8)) {
		scene_create(&player->scene, line + 8);
		start(player);
	} else if (!strncmp(line, "client ", 7)) {
		player->current = (size_t)(line[7] - '0') % CLIENTS;
		collect(player);
	} else if (!direct_target(player, line) &&
		   !direct_program(player, line) &&
		   !direct_follower(player, line)) {
		complain(player, "no direction", line, strlen(line));
	}
}

/* "$PID", where there is one. */
static void fill_in(char *line, size_t room)
{
	char *at = strstr(line, "$PID");
	char *rest;

	if (!at)
		return;
	rest = strdup(at + 4);
	if (!rest)
		abort();
	snprintf(at, room - (size_t)(at - line), "%ld%s", (long)getpid(), rest);
	free(rest);
}

static void play_line(struct player *player, const char *line)
{
	player->line++;
	if (*line == '|' && player->show)
		return;
	if (*line == '|') {
		expect_line(player, line + 1);
		return;
	}
	if (*line == '>' || *line == '!' || *line == '#')
		expect_silence(player);
	if (player->show)
		puts(line);
	if (*line == '>')
		say(player, line + 1 + (line[1] == ' '));
	else if (*line == '!')
		direct(player, line + 2);
	else if (*line && *line != '#')
		complain(player, "no line of a transcript", line, strlen(line));
}

static int play(struct player *player, const char *path)
{
	static char line[LINE_SIZE];
	FILE *file = fopen(path, "r");

	if (!file) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		fill_in(line, sizeof(line));
		play_line(player, line);
	}
	expect_silence(player);
	fclose(file);
	return 0;
}

int main(int argc, char **argv)
{
	struct player player = {.form = TW_MONITOR_TEXT};
	int failed;

	player.show = argc == 3 && !strcmp(argv[1], "--show");
	if (argc != 2 && !player.show) {
		fprintf(stderr, "usage: %s [--show] TRANSCRIPT\n", argv[0]);
		return 2;
	}
	failed = play(&player, argv[argc - 1]);
	for (size_t i = 0; i < CLIENTS; i++)
		tw_monitor_client_destroy(player.clients[i]);
	scene_destroy(&player.scene);
	if (*player.directory)
		remove_tree(player.directory);
	free(player.answer);
	return failed || player.failures;
}
