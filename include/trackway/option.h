/* SPDX-License-Identifier: MIT */
/*
 * An option of a program's command line that chooses trace events, as QEMU's
 * -trace does:
 *
 *	[[enable=]PATTERN][,events=FILE][,file=FILE]
 *
 * enable= switches on the events that PATTERN matches ("*" any run of
 * characters, "?" any one), or off if "-" is before it. events= names a text
 * file with such a pattern on each line; blank lines and those that begin with
 * "#" say nothing. file= asks the program to record into FILE. A comma in a
 * value is written twice; of a key that is given twice the last one holds. The
 * file's patterns come after enable='s. "help" or "?" lists the events instead.
 * Modules that are loaded later get the patterns as well.
 *
 *	case OPTION_TRACE:
 *		status = tw_trace_option(optarg, &hooks);
 *		if (status)
 *			exit(status < 0);
 *
 * In libtrackway.
 */
#ifndef TRACKWAY_OPTION_H
#define TRACKWAY_OPTION_H

#include <stddef.h>
#include <trackway/trackway.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tw_option_line {
	TW_OPTION_HELP,	   /* for standard output */
	TW_OPTION_WARNING, /* goes on, but not as it was meant */
	TW_OPTION_ERROR,
};

/* What the program does about it; zero-filled members mean nothing. */
struct tw_option_hooks {
	size_t size;   /* sizeof(struct tw_option_hooks) */
	void *context; /* for both functions */
	/*
	 * A line for people, without a newline and without the program's name
	 * or "warning:" before it; good during the call. What came out of a
	 * file is escaped. NULL: nobody hears it.
	 */
	void (*say)(void *context, enum tw_option_line kind, const char *line);
	/*
	 * file=: record into path, as by tw_monitor_record(), from now on or,
	 * in a program that is still to fork, once it has: path is to be copied
	 * then. 0, or a negative errno, having said why itself. NULL: file= is
	 * an error.
	 */
	int (*record)(void *context, const char *path);
};

/*
 * Do what one option says. It may be called as often as the option is given,
 * each taking effect after those before it, at any time and with or without a
 * ring: what was asked for before tw_runtime_start() holds from then on. hooks
 * may be NULL. Any thread may call it, but no signal handler; it reads a pipe
 * that it is given as a file to its end. No lock is held while a hook is
 * called.
 *
 * A name of no event is warned about, since it may be one of a module still to
 * come; so is that of an event that is compiled out. Patterns with "*" need not
 * match anything.
 *
 * Files are opened with the process's rights. A setuid program that takes this
 * option from its user has to give them up first.
 *
 * Returns 0; 1, having said the help, after which the program is to end; or,
 * having said an error: -EINVAL for an option or a file of patterns that makes
 * no sense, -ENOTSUP for file= without a hook, -EFBIG for a file of patterns of
 * over 1 MiB, -E2BIG as tw_event_apply(), -ENOMEM, the errno of the file that
 * can't be read, or what the hook returned. Nothing was switched then, but
 * after -E2BIG and -ENOMEM what comes before.
 */
TW_API int tw_trace_option(const char *option,
			   const struct tw_option_hooks *hooks);

#ifdef __cplusplus
}
#endif

#endif
