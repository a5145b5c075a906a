/* SPDX-License-Identifier: MIT */
/*
 * A monitor, for programs that let somebody see and switch trace events: seed
 * 1's commands ("tracepoint NAME on") and QEMU's ("trace-event NAME on"), as
 * text or as QEMU's JSON protocol. docs/monitor.md has them all; the library is
 * trackway-monitor.
 *
 * Bytes are fed to a client and its answers are pulled; where they come from
 * and go to is the caller's business. Nothing here waits, sleeps or asks for a
 * file descriptor to be watched; but for "trace-file", which has a thread that
 * records while it is on, and waits for its files to be written. So an event
 * loop does it:
 *
 *	for (;;) {
 *		poll(..., tw_monitor_client_timeout(client));
 *		taken += tw_monitor_feed(client, in + taken, size - taken);
 *		tw_monitor_client_poll(client);
 *		while ((got = tw_monitor_pull(client, out, sizeof(out))))
 *			...
 *	}
 *
 * A client keeps at most TW_MONITOR_INPUT_MAX bytes of what was fed, about as
 * much of its answers, and while it reads out rings, copies of their pages: all
 * clients together no more than 256 MiB, or those of a single client if its
 * targets' rings are larger. Where another one needs the room, a client that
 * has had such copies for a second loses what it has not pulled of them, and is
 * told how much that was; nobody else loses anything by it.
 *
 * A monitor and its clients are one thread's, or used under one lock. Different
 * monitors are independent. No function may be called from a signal handler.
 * Errors are negative errno values.
 */
#ifndef TRACKWAY_MONITOR_H
#define TRACKWAY_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TW_MONITOR_API __attribute__((visibility("default")))

/* The longest line, or JSON value, that is looked at; bytes. */
#define TW_MONITOR_INPUT_MAX 65536u

enum tw_monitor_form {
	TW_MONITOR_TEXT, /* a line a command; no prompt */
	TW_MONITOR_JSON, /* begins with a greeting, as QEMU's does */
};

struct tw_monitor;
struct tw_monitor_client;

/*
 * A monitor over count targets, which are named as on trackway's command line:
 * a process ("1234", "NAME"), a ring's file ("ring:PATH"), all rings in a
 * guest's memory ("vm:PID", "ram:FILE", "image:FILE"). With several rings,
 * events are called "TARGET:EVENT" by their programs' names. count 0 (targets
 * may be NULL): this process itself, whose own ring has to be there already:
 * TRACKWAY=off or a tw_runtime_start() that is still to come leave it without.
 *
 * It reads while it opens: a guest's memory is searched, which may take
 * seconds. Nothing waits afterwards, but see tw_monitor_look(). *monitor is
 * freed with tw_monitor_destroy(). 0, -EINVAL, -ENOMEM, or the errno of the
 * target that can't be opened; then there is one line about it in why, without
 * a newline and cut to why_size bytes, its NUL included. why may be NULL.
 */
TW_MONITOR_API int tw_monitor_open(const char *const *targets, size_t count,
				   struct tw_monitor **monitor, char *why,
				   size_t why_size);

/*
 * To be called after its clients were destroyed; NULL is fine. A recording of
 * "trace-file" is ended whole.
 *
 * Events that "trace off" has switched off stay off: a client said so, perhaps
 * to keep what is in the ring, and that the monitor ends is no "trace on". But
 * which they were is forgotten with it. So a program has one monitor as long as
 * it lives, not one for each connection; and if it wants those events on again
 * at the end, a client of its own says "trace on" before this.
 */
TW_MONITOR_API void tw_monitor_destroy(struct tw_monitor *monitor);

/*
 * Look for the rings that guests which were reset have begun anew: the monitor
 * goes on with those, switched as the guest's boot has them (what "trace off"
 * holds stays off), and its clients see what is in them from the first event
 * on. Each command does this by itself, and so does tw_monitor_client_poll() of
 * a client that follows. A program whose monitor records guests (trace-file)
 * while no client asks anything calls it some times a second.
 *
 * It costs next to nothing while all rings are there. While one is gone, a call
 * searches up to 256 MiB of its guest's memory, the place where the ring was
 * before all else; but only some of the calls do, so that they take no more
 * than a tenth of the time. What was read of the old ring stays, which is some
 * memory for each boot and client, and so after 256 boots no more are looked
 * for. A process that has ended is not looked for again, nor is a VM, and rings
 * that came in the place of none are left to the next monitor that is opened.
 */
TW_MONITOR_API void tw_monitor_look(struct tw_monitor *monitor);

/*
 * Record into path, as the commands "trace-file set PATH" and "trace-file on"
 * do: a trace directory if path ends with "/" or is one, else a file of QEMU's
 * simpletrace format. A thread does it, until "trace-file off" or the monitor's
 * end. path is copied. 0 or an error, with a line in why as above.
 */
TW_MONITOR_API int tw_monitor_record(struct tw_monitor *monitor,
				     const char *path, char *why,
				     size_t why_size);

/*
 * One who talks to it, with a memory of its own of what it has been shown.
 * *client is freed with tw_monitor_client_destroy(). 0 or -ENOMEM.
 */
TW_MONITOR_API int tw_monitor_client_create(struct tw_monitor *monitor,
					    enum tw_monitor_form form,
					    struct tw_monitor_client **client);

/* NULL is fine. */
TW_MONITOR_API void tw_monitor_client_destroy(struct tw_monitor_client *client);

/*
 * Give it bytes, which are copied. Returns how many it took: fewer than size
 * where answers have to be pulled first, or it is over. Commands are carried
 * out within this call, or within those of tw_monitor_pull() if their answers
 * are long.
 */
TW_MONITOR_API size_t tw_monitor_feed(struct tw_monitor_client *client,
				      const void *bytes, size_t size);

/*
 * There will be no more bytes: a last line without its newline is one all the
 * same. To be called once all that was fed has been taken.
 */
TW_MONITOR_API void tw_monitor_feed_end(struct tw_monitor_client *client);

/*
 * Up to room bytes of its answers. 0: none for now. Text is valid to print on a
 * terminal: what came from a program is escaped.
 */
TW_MONITOR_API size_t tw_monitor_pull(struct tw_monitor_client *client,
				      void *to, size_t room);

/* Whether there is more to pull. */
TW_MONITOR_API bool tw_monitor_has_output(
	const struct tw_monitor_client *client);

/*
 * Whether it takes no more: "quit", the end of input, or no memory. What it
 * has answered can still be pulled.
 */
TW_MONITOR_API bool tw_monitor_is_over(const struct tw_monitor_client *client);

/*
 * For a client that follows (x-trackway-follow), which is told of events
 * without asking. In how many milliseconds tw_monitor_client_poll() is to be
 * called, 0 being at once; -1: not before something else is done with the
 * client. It is not while there is output to be pulled, so ask again after
 * tw_monitor_feed(), tw_monitor_pull() and tw_monitor_client_poll().
 */
TW_MONITOR_API int tw_monitor_client_timeout(
	const struct tw_monitor_client *client);

/*
 * Make output of a following client's new events, some 32 KiB of it at a time.
 * Does nothing where it has output that was not pulled yet: a client that does
 * not read is told how many events it has missed once it reads again. Calling
 * it earlier than it has to be, or for any client, does no harm.
 */
TW_MONITOR_API void tw_monitor_client_poll(struct tw_monitor_client *client);

/*
 * Words that may stand at the end of a text line so far, for completion:
 * commands, "on" and "off", events by name with their target's prefix where
 * that was begun. fn gets each whole word, once or more often, good during the
 * call; it may not call the monitor back.
 */
typedef void (*tw_monitor_word_fn)(void *context, const char *word);
TW_MONITOR_API void tw_monitor_complete(struct tw_monitor *monitor,
					const char *line, tw_monitor_word_fn fn,
					void *context);

#ifdef __cplusplus
}
#endif

#endif
