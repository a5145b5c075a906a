/* SPDX-License-Identifier: MIT */
/*
 * What the commands of `trackway` share. One cmd-VERB.c per command exports
 * one const struct tw_command; its help text, the man page's check and the
 * shell completion come from that struct.
 *
 * Only the command line prints: results on stdout, errors as one line
 * "trackway: TARGET: what" on stderr. One thread.
 */
#ifndef TRACKWAY_CLI_CLI_H
#define TRACKWAY_CLI_CLI_H

#include "../schema/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tw_exit {
	TW_EXIT_OK = 0,
	TW_EXIT_FAILED = 1,
	TW_EXIT_USAGE = 2,
};

/* ---- A command, and its arguments: args.c, cli.c ---- */

/* An option; a table of them ends with TW_OPTIONS_END. */
struct tw_option {
	int id;		   /* the letter after "-"; over 255: it has none */
	const char *name;  /* long, without "--" */
	const char *value; /* what help calls its value; NULL: takes none */
	const char *help;  /* a phrase, no full stop; "\n" begins a line */
};

#define TW_OPTION_ID(n) (256 + (n))
#define TW_OPTION_JSON_ID TW_OPTION_ID(1000)
#define TW_OPTION_JSON                                        \
	{                                                     \
		TW_OPTION_JSON_ID, "json", NULL, "print JSON" \
	}
#define TW_OPTIONS_END              \
	{                           \
		0, NULL, NULL, NULL \
	}

struct tw_example {
	const char *line; /* as typed, without the prompt */
	const char *what; /* a phrase */
};

struct tw_command;

/* A walk over a command's arguments; use tw_args_next(). */
struct tw_args {
	const struct tw_command *command;
	int count; /* what is left, the command's name excluded */
	char **list;
	const char *value; /* of the option or operand just returned */
	char **rest;	   /* NULL, or what follows "--": ends with NULL */
	int rest_count;
	int status;	      /* what run() returns after TW_ARG_STOP */
	const char *short_at; /* inside of "-abc" */
};

enum {
	TW_ARG_END = 0,
	TW_ARG_STOP = -1,    /* help was printed, or a usage error */
	TW_ARG_OPERAND = -2, /* args->value is a plain argument */
};

struct tw_command {
	const char *name;
	const char *usage;   /* after the name: "[-v] TARGET [GLOB...]" */
	const char *summary; /* one line, at most 55 characters, no full stop */
	const char *details; /* for --help, which fills the lines; or NULL */
	const struct tw_option *options;
	const struct tw_example *examples; /* ends with line NULL */
	int (*run)(struct tw_args *args);  /* returns enum tw_exit */
};

/*
 * The next argument: an option's id (args->value holds its value, if it takes
 * one), TW_ARG_OPERAND, TW_ARG_END, or TW_ARG_STOP: then return args->status.
 * Options and operands may be mixed; "--" ends the walk and sets args->rest,
 * -h and --help print the help. Long options may be shortened to an unambiguous
 * prefix; "--name=value", "--name value", "-nvalue" and "-n value" are one.
 */
int tw_args_next(struct tw_args *args);

/*
 * A usage error: "trackway COMMAND: what", and where help is to be had.
 * Returns TW_EXIT_USAGE.
 */
int tw_usage_error(const struct tw_args *args, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The value of an option as a whole number from min to max, with an optional
 * K, M or G (times 1024). False, after a usage error (args->status is set).
 */
bool tw_args_number(struct tw_args *args, const char *option, uint64_t min,
		    uint64_t max, uint64_t *number);

/* A growing list of operands or patterns. Zero-filled is empty. */
struct tw_words {
	const char **list; /* the strings are argv's */
	size_t count;
};

void tw_words_add(struct tw_words *words, const char *word);
void tw_words_free(struct tw_words *words);
/* Whether a word stands before it in the list as well. */
bool tw_words_repeats(const struct tw_words *words, size_t index);

extern const struct tw_command tw_command_disable;
extern const struct tw_command tw_command_enable;
extern const struct tw_command tw_command_events;
extern const struct tw_command tw_command_list;
extern const struct tw_command tw_command_monitor;
extern const struct tw_command tw_command_print;
extern const struct tw_command tw_command_record;
extern const struct tw_command tw_command_stat;
extern const struct tw_command tw_command_sync;

/* A command's whole help, on stdout. */
void tw_cli_help(const struct tw_command *command);

/* The whole program; main() calls it. */
int tw_cli_main(int argc, char **argv);

/* ---- Output: output.c ---- */

/*
 * "trackway: TARGET: what" on stderr as one line, whatever bytes are in it;
 * target may be NULL. Returns TW_EXIT_FAILED.
 */
int tw_error(const char *target, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A remark on stderr that is no error: "trackway: what". */
void tw_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Out of memory, as an error. Returns TW_EXIT_FAILED. */
int tw_error_memory(void);

/*
 * Results go to stdout by stdio or by these; stdout is fully buffered unless it
 * is a terminal. tw_cli_main() flushes at the end and turns a write error into
 * exit status 1 (quietly, if the reader of a pipe has gone). A command that
 * runs for long calls tw_output_flush() now and then and ends when it is false.
 */
bool tw_output_flush(void);

/*
 * Write out the text, which is whole lines, and empty it, keeping its room.
 * False: stop writing. To a pipe goes a line whole or not at all. Once
 * interrupted, a reader that takes nothing for two seconds is waited for no
 * more, which is a write error.
 */
bool tw_output_text(struct tw_text *text);

/* Escape sequences for stdout, or "" where it is no colour terminal. */
enum tw_style {
	TW_STYLE_PLAIN, /* ends the others */
	TW_STYLE_BOLD,
	TW_STYLE_DIM,
	TW_STYLE_GREEN,
	TW_STYLE_YELLOW,
	TW_STYLE_RED,
	TW_STYLE_BLUE,
	TW_STYLE_MAGENTA,
	TW_STYLE_CYAN,
};
const char *tw_style(enum tw_style style);

/* Columns of stdout's terminal; 80 if it is none. */
unsigned int tw_output_width(void);

/* ---- Tables: table.c ---- */

struct tw_column {
	const char *title;
	bool right; /* aligned: for numbers */
};

struct tw_table;

/* columns must outlive the table. NULL: out of memory. */
struct tw_table *tw_table_create(const struct tw_column *columns, size_t count);
void tw_table_destroy(struct tw_table *table);

/*
 * The next cell, row by row; its bytes are escaped for a terminal. style
 * colours it. Memory that ran out shows in tw_table_print().
 */
void tw_table_add(struct tw_table *table, enum tw_style style,
		  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Titles and rows to stdout, two blanks between columns. False: no memory. */
bool tw_table_print(const struct tw_table *table);

/* ---- JSON: json.c ---- */

/*
 * A writer that appends to a text and knows where commas go. It builds no tree,
 * since print writes millions of lines. The output is always valid JSON: bytes
 * that are no UTF-8 become U+FFFD, and nan and inf become null. Zero-filled is
 * ready; tw_output_text(&json.text) sends it off. key is NULL in an array and
 * at the top, and is trusted to need no escaping.
 */
struct tw_json {
	struct tw_text text;
	bool comma; /* something stands before the next value */
};

void tw_json_begin(struct tw_json *json, const char *key, char bracket);
void tw_json_end(struct tw_json *json, char bracket);
void tw_json_string(struct tw_json *json, const char *key, const char *bytes,
		    size_t size);
void tw_json_text(struct tw_json *json, const char *key, const char *string);
void tw_json_u64(struct tw_json *json, const char *key, uint64_t value);
void tw_json_s64(struct tw_json *json, const char *key, int64_t value);
void tw_json_double(struct tw_json *json, const char *key, double value);
void tw_json_bool(struct tw_json *json, const char *key, bool value);
void tw_json_null(struct tw_json *json, const char *key);
/* A key that is data: escaped. Follow it with a value of key NULL. */
void tw_json_key(struct tw_json *json, const char *bytes, size_t size);
/* A newline; the next value begins afresh. */
void tw_json_line(struct tw_json *json);

/* ---- Names: names.c ---- */

/*
 * Whether name is chosen by patterns as of TRACKWAY_EVENTS: the last pattern
 * that matches decides, "-" before one excludes. No pattern chooses all, and so
 * does a list that begins with an exclusion.
 */
bool tw_names_match(const struct tw_words *patterns, const char *name);

/*
 * The best guess at what word was meant to be. Offer every candidate, then look
 * at best: NULL if none is near. Candidates must outlive the guess.
 */
struct tw_guess {
	const char *word;
	const char *best;
	unsigned int distance;
};
void tw_guess_start(struct tw_guess *guess, const char *word);
void tw_guess_offer(struct tw_guess *guess, const char *candidate);

/* ---- Time and signals: output.c ---- */

/* "350 ms", "12 s", "3 min", "5 h", "2 d": at most 23 characters. */
struct tw_duration {
	char text[24];
};
struct tw_duration tw_duration_of(uint64_t ns);

/*
 * From now on SIGINT, SIGTERM and SIGHUP only set a mark (and interrupt system
 * calls); a second SIGINT kills as ever.
 */
void tw_interrupt_catch(void);
bool tw_interrupted(void);

#endif
