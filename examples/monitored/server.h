/* SPDX-License-Identifier: MIT */
/* The program's doors, who came in by them, and its one loop. */
#ifndef MONITORED_SERVER_H
#define MONITORED_SERVER_H

#include <trackway/monitor.h>

/* Open a door at path: to the monitor, or with NULL to the store. False, with
 * errno: it can't be. */
bool server_listen(const char *path, struct tw_monitor *monitor,
		   enum tw_monitor_form form);

/* Let in and serve until the file stop can be read. */
void server_run(int stop);

/* The doors, and the clients. */
void server_close(void);

#endif
