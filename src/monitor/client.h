/* SPDX-License-Identifier: MIT */
/*
 * What the files of the monitor share. command.c behaves: it looks at the
 * arguments, acts, and says what is to be shown by calling the client's view;
 * text.c and json.c are the views, and turn bytes into commands.
 */
#ifndef TRACKWAY_MONITOR_CLIENT_H
#define TRACKWAY_MONITOR_CLIENT_H

#include "monitor.h"
#include "trace-file.h"

#include "../schema/format.h"
#include "../trace/read.h"
#include "../trace/timebase.h"

#include <jansson.h>

/* ---- Targets: monitor.c ---- */

/* A guest's memory, in which targets are: guests.c. */
struct tw_monitor_guest {
	struct tw_ram *ram;
	bool is_writable;
	uint64_t next_ns; /* CLOCK_MONOTONIC: no look before */
	uint64_t gap_ns;  /* between looks; 0: none of its rings is gone */
};

struct tw_monitored {
	char *name;
	struct tw_attach *attach;
	/* NULL: it is in none of the monitor's; then the rest is not used. */
	struct tw_monitor_guest *guest;
	uint64_t serial; /* of struct tw_ram_ring, as its place is */
	uint64_t place;
	bool has_lived; /* as an image's never does */
	/* Which of the rings that came one after another it is, from 1. */
	uint32_t epoch;
	/* Those that "trace off" has switched off; by id, all TW_EVENTS_MAX. */
	bool *held;
};

struct tw_monitor {
	struct tw_monitored *targets;
	size_t count;
	bool is_off; /* "trace off" */
	/* Bytes that clients read out at the moment; and who does, those that
	 * began first before others. */
	uint64_t pages;
	struct tw_monitor_reader *holders;
	struct tw_trace_file trace_file;
	/* This host's, as they are known so far, so that no client has to wait
	 * until they are; nor does any wait for a guest. */
	struct tw_host_clocks clocks;
	bool has_opened; /* its targets: tw_monitor_open() */
	struct tw_monitor_guest *guests;
	size_t guest_count;
};

/* An event of one of the targets: where a walk stands. */
struct tw_monitor_event {
	size_t target;
	uint32_t id;
	const char *name;
	const char *prefix; /* the target's name; NULL: there is only one */
	/* 1, 0, as if "trace on"; -ENODEV: unavailable; -EIO: its ring is
	 * gone, a guest's, and with it what it was. */
	int state;
};

/*
 * The next event that a pattern (NULL: any) names, from *event on, which is
 * zero-filled at first. False: there are no more.
 */
bool tw_monitor_next(struct tw_monitor *monitor, const char *pattern,
		     struct tw_monitor_event *event);

/* Whether a pattern (NULL: any) names an event of a target, or with NULL in
 * place of its name whatever there may be of it. */
bool tw_monitor_is_named(const struct tw_monitored *target, const char *pattern,
			 const char *event);

/* Look for events that came with a module, and for rings that came in place of
 * others. */
void tw_monitor_refresh(struct tw_monitor *monitor);

/* "trace off" and "trace on": what could not be switched is passed over. */
void tw_monitor_hold(struct tw_monitor *monitor);
void tw_monitor_release(struct tw_monitor *monitor);

/* ---- Commands: command.c ---- */

enum tw_monitor_slot {
	TW_SLOT_END,
	TW_SLOT_NAME,	/* any word */
	TW_SLOT_SWITCH, /* on or off; anything else is an error of syntax */
	TW_SLOT_OPTION, /* on or off; the command looks at it itself */
	TW_SLOT_HEX,	/* "-x", true */
	TW_SLOT_IGNORE, /* JSON alone: true or false */
	TW_SLOT_MAX,	/* JSON alone: a number from 1 on */
	TW_SLOT_FILE,	/* on, off, flush or set; as TW_SLOT_OPTION */
	TW_SLOT_PATH,	/* of a file or directory */
};

struct tw_monitor_parameter {
	enum tw_monitor_slot slot; /* TW_SLOT_END ends the list */
	const char *name;	   /* as JSON has it; NULL: text alone */
	bool is_optional;	   /* in text */
	bool is_needed;		   /* in JSON */
};

struct tw_monitor_arguments {
	const char *name;   /* NULL: none */
	const char *option; /* as it was typed; NULL: none */
	int on;		    /* 1, 0, or -1: neither, or none */
	const char *path;   /* NULL: none */
	bool hex;
	bool ignore_unavailable;
	uint64_t max; /* 0: no limit */
};

enum tw_monitor_result {
	TW_RESULT_NOTHING,
	TW_RESULT_LIST,
	TW_RESULT_OBJECT,
};

struct tw_monitor_client;

struct tw_monitor_command {
	const char *text; /* "info trace", "help|?"; NULL: JSON alone */
	const char *json; /* NULL: text alone */
	const char *usage;
	const char *help;
	struct tw_monitor_parameter parameters[4];
	enum tw_monitor_result result;
	bool is_qemu; /* events are shown in QEMU's words, not seed 1's */
	bool is_negotiation; /* JSON's, of capabilities: done there */
	/* Do it; false: tw_client_fail() was called. */
	bool (*start)(struct tw_monitor_client *client);
	/* NULL, or one more item of a list; false: that was the last. */
	bool (*step)(struct tw_monitor_client *client);
};

/* Ends with an entry that has neither text nor json. */
extern const struct tw_monitor_command tw_monitor_commands[];

/* Whether word is one of names, "help|?". */
bool tw_command_is_called(const char *names, const char *word);

/* ---- Clients: client.c ---- */

#define TW_FORMAT_SLOTS 256u

/* What is missing since a reader gave its pages up: pages.c. */
struct tw_dropped_lanes {
	struct tw_record *list; /* a sum each; zero: nothing */
	uint32_t count;
};

struct tw_dropped {
	bool is_any; /* some of it may still be told */
	int error;   /* it could not be counted: no memory */
	struct tw_dropped_lanes *producers;
	uint32_t count;
	uint32_t producer; /* where telling stands */
	uint32_t place;
	struct tw_record told; /* the latest */
};

struct tw_monitor_reader {
	struct tw_trace *trace;
	enum tw_drain_start start; /* where the first rings are begun */
	size_t *targets;	   /* by producer */
	uint32_t *epochs;	   /* by target: the last one taken up */
	bool has_shown;		   /* something, once */
	bool has_polled;	   /* during this command */
	uint64_t charged; /* of monitor->pages; if any, it is a holder */
	uint64_t held_ns; /* CLOCK_MONOTONIC: since when it is */
	struct tw_monitor_reader *next_holder;
	struct tw_dropped dropped;
	struct tw_attach_error error; /* of a target that can't be read */
	/* Formats that were used lately. */
	const struct tw_event_desc *events[TW_FORMAT_SLOTS];
	struct tw_format *formats[TW_FORMAT_SLOTS];
};

/* What of a record is to be shown. */
struct tw_monitor_record {
	const struct tw_record *record;
	const char *prefix; /* as in struct tw_monitor_event */
	const char *target;
	const char *message; /* escaped; NUL-terminated */
	bool hex;
};

struct tw_monitor_view {
	/* What a client hears before it has said a word. */
	void (*begin)(struct tw_monitor_client *client);
	/* Bytes that were fed. Returns how many were taken. */
	size_t (*feed)(struct tw_monitor_client *client, const char *bytes,
		       size_t size);
	void (*feed_end)(struct tw_monitor_client *client);
	void (*event)(struct tw_monitor_client *client,
		      const struct tw_monitor_event *event);
	void (*record)(struct tw_monitor_client *client,
		       const struct tw_monitor_record *record);
	/* One that was not asked for: whole, between answers. */
	void (*push)(struct tw_monitor_client *client,
		     const struct tw_monitor_record *record);
	void (*command)(struct tw_monitor_client *client,
			const struct tw_monitor_command *command);
	void (*status)(struct tw_monitor_client *client);
	void (*trace_file)(struct tw_monitor_client *client,
			   const struct tw_trace_file_status *status);
	void (*version)(struct tw_monitor_client *client);
	void (*fail)(struct tw_monitor_client *client, const char *text);
	void (*end)(struct tw_monitor_client *client);
};

extern const struct tw_monitor_view tw_monitor_text;
extern const struct tw_monitor_view tw_monitor_json;

/* What a client is told of without asking: follow.c. */
struct tw_monitor_follow {
	bool is_on;
	char *pattern; /* NULL: any event */
	struct tw_monitor_reader reader;
	bool has_more;	  /* what was read has not been told whole */
	bool has_ended;	  /* no more comes of any ring */
	uint64_t next_ns; /* CLOCK_MONOTONIC: when to look again */
	uint64_t pause_ns;
};

struct tw_monitor_client {
	struct tw_monitor *monitor;
	const struct tw_monitor_view *view;
	bool is_over;
	/* A line or a JSON value so far; room for TW_MONITOR_INPUT_MAX + 1. */
	char *input;
	size_t input_size;
	bool is_too_long; /* what is left of it is passed over */
	struct tw_text output;
	size_t pulled; /* of output, bytes */
	/* The command that runs; NULL: none. */
	const struct tw_monitor_command *command;
	struct tw_monitor_arguments arguments;
	struct tw_monitor_event event; /* where its walk stands */
	size_t place;		       /* or, in the list of commands */
	bool is_listing;	       /* an item was shown: JSON's */
	uint64_t shown;		       /* items so far */
	struct tw_monitor_reader reader;
	struct tw_monitor_follow follow;
	/* JSON's own. */
	json_t *request;     /* of the command that runs */
	unsigned int depth;  /* of brackets */
	unsigned int values; /* of a JSON value so far, about */
	bool is_negotiated;
	bool in_string;
	bool in_escape;
	bool is_skipping; /* to the end of the line, after an error */
};

/* Begin a command whose arguments are filled in. */
void tw_client_run(struct tw_monitor_client *client,
		   const struct tw_monitor_command *command);

/* It failed: one line, no newline. */
void tw_client_fail(struct tw_monitor_client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- Reading rings out: reader.c ---- */

/* Of all targets. What can't be opened is in reader->error, and left out.
 * -ENOMEM. */
int tw_reader_open(struct tw_monitor_reader *reader,
		   const struct tw_monitor *monitor, enum tw_drain_start start);
void tw_reader_close(struct tw_monitor_reader *reader,
		     struct tw_monitor *monitor);

/* Rings that came in place of others: true if there are any. */
bool tw_reader_renew(struct tw_monitor_reader *reader,
		     const struct tw_monitor *monitor);

/* Whether a record is to be shown: what was overwritten before anybody looked
 * is no news. */
bool tw_reader_is_news(const struct tw_monitor_reader *reader,
		       const struct tw_record *record);

typedef void (*tw_reader_show_fn)(struct tw_monitor_client *client,
				  const struct tw_monitor_record *record);

/* Give a record to one of the view's functions. */
void tw_reader_show(struct tw_monitor_client *client,
		    struct tw_monitor_reader *reader,
		    const struct tw_record *record, tw_reader_show_fn fn);

/* Begin a command that reads; false: tw_client_fail() was called. */
bool tw_reader_start(struct tw_monitor_client *client);

/* Show one more record to the view; false: there are no more. */
bool tw_reader_step(struct tw_monitor_client *client);

/* ---- Copied pages: pages.c ---- */

/* To be allowed to copy pages out of all rings, and that done with them. False:
 * others have too many of them, and have not had them for long. */
bool tw_reader_take_pages(struct tw_monitor_reader *reader,
			  struct tw_monitor *monitor);
void tw_reader_release_pages(struct tw_monitor_reader *reader,
			     struct tw_monitor *monitor);

/*
 * The next record of what was copied, or of how much was given up because
 * others needed the room: 1 and the record, 0, or -ENOMEM. It comes before all
 * that is read later.
 */
int tw_reader_next(struct tw_monitor_reader *reader,
		   const struct tw_record **record);

void tw_reader_free_dropped(struct tw_monitor_reader *reader);

/* ---- Following: follow.c ---- */

/* From now on; if it does already, with this pattern from now on. False:
 * tw_client_fail() was called. */
bool tw_follow_start(struct tw_monitor_client *client, const char *pattern);
void tw_follow_stop(struct tw_monitor_client *client);

/* Tell some of what is new. */
void tw_follow_poll(struct tw_monitor_client *client);

/* As tw_monitor_client_timeout(). */
int tw_follow_timeout(const struct tw_monitor_client *client);

#endif
