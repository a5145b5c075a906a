/* SPDX-License-Identifier: MIT */
/*
 * A monitor: commands in, answers out, over one or several opened rings. It
 * knows those of seed 1 ("tracepoint NAME on") and QEMU's ("trace-event NAME
 * on"), as text or as QEMU's JSON protocol. trackway-monitor(1) has them all.
 *
 * Bytes are fed to a client and its answers are pulled; where they come from
 * and go to is the caller's business. No thread, no file descriptor, no sleep.
 * A client keeps at most TW_MONITOR_INPUT_MAX bytes of what was fed, about as
 * much of its answers, and while it reads out rings, copies of their pages; all
 * clients together no more than TW_MONITOR_PAGES_MAX bytes of pages, or those
 * of a single client if they are more. All of a monitor is one thread's.
 */
#ifndef TRACKWAY_MONITOR_MONITOR_H
#define TRACKWAY_MONITOR_MONITOR_H

#include "../attach/attach.h"

/* The longest line, or JSON value, that is looked at; bytes. */
#define TW_MONITOR_INPUT_MAX 65536u
#define TW_MONITOR_PAGES_MAX (256u << 20)

struct tw_monitor_target {
	/* What chooses it among several: "NAME:EVENT". Copied. */
	const char *name;
	/* Stays the caller's, and open until the monitor is destroyed. */
	struct tw_attach *attach;
};

enum tw_monitor_form {
	TW_MONITOR_TEXT, /* a line a command; no prompt */
	TW_MONITOR_JSON, /* begins with a greeting, as QEMU's does */
};

struct tw_monitor;
struct tw_monitor_client;

/*
 * A monitor over count targets, at least one. *monitor is freed with
 * tw_monitor_destroy(), after its clients. 0, -EINVAL or -ENOMEM.
 */
int tw_monitor_create(const struct tw_monitor_target *targets, size_t count,
		      struct tw_monitor **monitor);

/*
 * Events that "trace off" has switched off stay off: who said so meant it, and
 * nobody is left to say "trace on".
 */
void tw_monitor_destroy(struct tw_monitor *monitor);

/*
 * One who talks to it, with a memory of its own of what it has been shown.
 * *client is freed with tw_monitor_client_destroy(). 0 or -ENOMEM.
 */
int tw_monitor_client_create(struct tw_monitor *monitor,
			     enum tw_monitor_form form,
			     struct tw_monitor_client **client);
void tw_monitor_client_destroy(struct tw_monitor_client *client);

/*
 * Give it bytes. Returns how many it took: fewer than size where answers have
 * to be pulled first, or it is over.
 */
size_t tw_monitor_feed(struct tw_monitor_client *client, const void *bytes,
		       size_t size);

/*
 * There will be no more bytes: a last line without its newline is one all the
 * same. To be called once all that was fed has been taken.
 */
void tw_monitor_feed_end(struct tw_monitor_client *client);

/*
 * Up to room bytes of its answers. 0: none for now. Text is valid to print on a
 * terminal: what came from a program is escaped.
 */
size_t tw_monitor_pull(struct tw_monitor_client *client, void *to, size_t room);

/* Whether there is more to pull. */
bool tw_monitor_has_output(const struct tw_monitor_client *client);

/*
 * Whether it takes no more: "quit", the end of input, or no memory. What it
 * has answered can still be pulled.
 */
bool tw_monitor_is_over(const struct tw_monitor_client *client);

/*
 * Words that may stand at the end of a text line so far, for completion:
 * commands, "on" and "off", events by name with their target's prefix where
 * that was begun. fn gets each whole word, once or more often.
 */
typedef void (*tw_monitor_word_fn)(void *context, const char *word);
void tw_monitor_complete(struct tw_monitor *monitor, const char *line,
			 tw_monitor_word_fn fn, void *context);

#endif
