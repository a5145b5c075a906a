/* SPDX-License-Identifier: MIT */
/* The ways into a monitor: standard input, a terminal's line, a socket. */
#ifndef TRACKWAY_CLI_MONITOR_DOORS_H
#define TRACKWAY_CLI_MONITOR_DOORS_H

#include "../monitor/monitor.h"
#include "cli.h"

/* Each returns enum tw_exit; what is wrong has been said. */

/* Commands from standard input, to its end. */
int tw_monitor_serve_input(struct tw_monitor *monitor,
			   enum tw_monitor_form form);

/* Commands that somebody types, with completion and history. */
int tw_monitor_serve_line(struct tw_monitor *monitor);

/*
 * Any number of clients at a socket that is made at path, until a signal. Only
 * this user's are let in, and root's.
 */
int tw_monitor_serve_socket(struct tw_monitor *monitor,
			    enum tw_monitor_form form, const char *path);

/* Write a client's answers to stdout. False: stop. */
bool tw_monitor_print(struct tw_monitor_client *client);

#endif
