/* SPDX-License-Identifier: MIT */
/*
 * One who is connected, to the monitor or to the store. Nothing waits for it:
 * what it sends is taken only once its earlier answers have gone, so that one
 * who doesn't read stops itself and nobody else.
 */
#ifndef MONITORED_CLIENT_H
#define MONITORED_CLIENT_H

#include <poll.h>
#include <trackway/monitor.h>

#include "store.h"

struct client {
	int fd;				   /* -1: nobody; ignored by poll() */
	struct tw_monitor_client *monitor; /* NULL: one of the store's */
	char in[STORE_LINE_MAX];	   /* received, and not taken yet */
	char out[4096];			   /* to be sent */
	size_t in_size, out_size;
	bool has_ended; /* it sends no more */
};

/* What to wake it for. */
short client_events(const struct client *client);
/* ms until it is to be served all the same; -1: no need. */
int client_timeout(const struct client *client);
/* Whatever can be done without waiting. False: it has gone. */
bool client_serve(struct client *client);

#endif
