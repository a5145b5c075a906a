/* SPDX-License-Identifier: MIT */
/*
 * monitored [OPTION...] SOCKET: keeps values by key for who connects there.
 *
 *	-trace OPTION		choose its events, as QEMU's -trace does
 *	-monitor unix:PATH	have a monitor at PATH
 *	-qmp unix:PATH		have one that speaks QEMU's JSON
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <trackway/option.h>

#include "server.h"

static struct tw_monitor *monitor;

static void say(void *context, enum tw_option_line kind, const char *line)
{
	if (kind == TW_OPTION_HELP)
		puts(line);
	else
		fprintf(stderr, "monitored: %s%s\n",
			kind == TW_OPTION_WARNING ? "warning: " : "", line);
}

static bool fail(const char *what, const char *why)
{
	fprintf(stderr, "monitored: %s: %s\n", what, why);
	return false;
}

/* Over this program's own events; made when it is first asked for. */
static bool has_monitor(void)
{
	char why[256];

	return monitor ||
	       !tw_monitor_open(NULL, 0, &monitor, why, sizeof(why)) ||
	       fail("no monitor", why);
}

static int record(void *context, const char *path)
{
	char why[256];
	int error;

	if (!has_monitor())
		return -ENODEV;
	error = tw_monitor_record(monitor, path, why, sizeof(why));
	if (error)
		say(NULL, TW_OPTION_ERROR, why);
	return error;
}

static bool open_door(const char *path, struct tw_monitor *to,
		      enum tw_monitor_form form)
{
	return server_listen(path, to, form) || fail(path, strerror(errno));
}

static bool open_monitor(const char *address, enum tw_monitor_form form)
{
	if (strncmp(address, "unix:", 5) != 0)
		return fail(address, "not unix:PATH");
	return has_monitor() && open_door(address + 5, monitor, form);
}

/* 0: go on; 1: this was all; negative: an error was said. */
static int take_option(int option, const char *value)
{
	static const struct tw_option_hooks hooks = {
		.size = sizeof(hooks), .say = say, .record = record};

	switch (option) {
	case 't':
		return tw_trace_option(value, &hooks);
	case 'm':
		return open_monitor(value, TW_MONITOR_TEXT) ? 0 : -1;
	case 'q':
		return open_monitor(value, TW_MONITOR_JSON) ? 0 : -1;
	default:
		return -1;
	}
}

static int take_arguments(int argc, char *argv[])
{
	static const struct option options[] = {
		{"trace", required_argument, NULL, 't'},
		{"monitor", required_argument, NULL, 'm'},
		{"qmp", required_argument, NULL, 'q'},
		{0},
	};
	int option, status = 0;

	while (!status &&
	       (option = getopt_long_only(argc, argv, "", options, NULL)) >= 0)
		status = take_option(option, optarg);
	if (status)
		return status;
	if (optind != argc - 1) {
		fail("usage", "monitored [OPTION...] SOCKET");
		return -1;
	}
	return open_door(argv[optind], NULL, 0) ? 0 : -1;
}

/* Something to poll() for that is readable once the program is to end. */
static int catch_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

int main(int argc, char *argv[])
{
	const int stop = catch_signals();
	const int status = take_arguments(argc, argv);

	if (!status)
		server_run(stop);
	server_close();
	tw_monitor_destroy(monitor);
	return status < 0 || fflush(stdout) == EOF;
}
