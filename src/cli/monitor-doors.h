/* SPDX-License-Identifier: MIT */
/* The ways into a monitor: standard input, a terminal's line, a socket. */
#ifndef TRACKWAY_CLI_MONITOR_DOORS_H
#define TRACKWAY_CLI_MONITOR_DOORS_H

#include "../monitor/monitor.h"
#include "cli.h"
#include "monitor-targets.h"

#define TW_MONITOR_PROMPT "(trackway) "

/* What a door opens to. */
struct tw_monitor_session {
	struct tw_monitor_targets *targets;
	enum tw_monitor_form form;
	bool prompt; /* text: say so when a command is awaited */
};

/* Each returns enum tw_exit; what is wrong has been said. */

/* Commands from standard input, to its end. */
int tw_monitor_serve_input(const struct tw_monitor_session *session);

/* Commands that somebody types, with completion and history. */
int tw_monitor_serve_line(const struct tw_monitor_session *session);

/*
 * Any number of clients at a socket that is made at path, until a signal. Only
 * this user's are let in, and root's.
 */
int tw_monitor_serve_socket(const struct tw_monitor_session *session,
			    const char *path);

/*
 * A client and its prompt, which stands behind the whole answer to each line
 * and not behind several at once, however the lines came in. Bytes go in by
 * tw_monitor_door_feed() and out by tw_monitor_door_pull(), as by
 * tw_monitor_feed() and tw_monitor_pull().
 */
struct tw_monitor_door {
	const struct tw_monitor_session *session;
	struct tw_monitor_client *client;
	bool is_owed; /* a prompt, once the answer is out */
	const char *prompt;
};

/* To be closed with tw_monitor_door_close(). 0 or -ENOMEM. */
int tw_monitor_door_open(struct tw_monitor_door *door,
			 const struct tw_monitor_session *session);
void tw_monitor_door_close(struct tw_monitor_door *door);
size_t tw_monitor_door_feed(struct tw_monitor_door *door, const char *bytes,
			    size_t size);
size_t tw_monitor_door_pull(struct tw_monitor_door *door, char *to,
			    size_t room);
bool tw_monitor_door_has_output(const struct tw_monitor_door *door);

#endif
