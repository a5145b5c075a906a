/* SPDX-License-Identifier: MIT */
/*
 * sqlite-vfs: a database hard at work, its file system calls traced. It knows
 * nothing of readers: look at it with trackway while it runs.
 */
#include "vfs-trace.h"
#include "workload.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static const char usage_text[] =
	"usage: sqlite-vfs [--seconds N] [--db PATH]\n"
	"\n"
	"Work on a SQLite database for N seconds (10), then say how fast that\n"
	"went. The database is a temporary one, or PATH, which is kept.\n"
	"\n"
	"example, in two terminals:\n"
	"  sqlite-vfs --seconds 60\n"
	"  trackway record -o trace -e 'vfs_*' sqlite-vfs\n";

struct options {
	double seconds;
	const char *path; /* NULL: a temporary database */
	bool help;
};

static bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	errno = 0;
	*seconds = strtod(text, &end);
	return errno == 0 && end != text && !*end && isfinite(*seconds) &&
	       *seconds >= 0;
}

/* Returns 0, or -1 after a message. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{"seconds", required_argument, NULL, 's'},
		{"db", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*options = (struct options){.seconds = 10};
	while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (option) {
		case 's':
			if (!parse_seconds(optarg, &options->seconds)) {
				fprintf(stderr,
					"sqlite-vfs: --seconds: not a number "
					"of seconds: %s\n",
					optarg);
				return -1;
			}
			break;
		case 'd':
			options->path = optarg;
			break;
		case 'h':
			options->help = true;
			break;
		default:
			return -1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "sqlite-vfs: what is \"%s\"?\n", argv[optind]);
		return -1;
	}
	return 0;
}

static void on_signal(int number)
{
	stop = 1;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* The databases and what SQLite may have left beside them. */
static void remove_databases(const char *directory, const char *path)
{
	static const char *const suffixes[] = {
		"", "-wal", "-shm", "-ledger", "-ledger-journal",
	};
	char file[4096];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
		unlink(file);
	}
	rmdir(directory);
}

static int work(const char *path, double seconds)
{
	struct workload workload = {
		.path = path,
		.seconds = seconds,
		.stop = &stop,
	};

	if (workload_run(&workload) < 0) {
		fprintf(stderr, "sqlite-vfs: %s\n", workload.error);
		return 1;
	}
	printf("%llu transactions in %.1f s, %.0f a second; %llu queries\n",
	       (unsigned long long)workload.transactions, workload.elapsed,
	       workload.elapsed > 0
		       ? (double)workload.transactions / workload.elapsed
		       : 0,
	       (unsigned long long)workload.queries);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int work_in_temporary(double seconds)
{
	const char *base = getenv("TMPDIR");
	char directory[2048];
	char path[2100];
	int length, status;

	length = snprintf(directory, sizeof(directory), "%s/sqlite-vfs-XXXXXX",
			  base && *base ? base : "/tmp");
	if ((size_t)length >= sizeof(directory) || !mkdtemp(directory)) {
		fprintf(stderr, "sqlite-vfs: can't make %s: %s\n", directory,
			strerror(errno));
		return 1;
	}
	snprintf(path, sizeof(path), "%s/shop.db", directory);
	status = work(path, seconds);
	remove_databases(directory, path);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;

	if (parse_options(argc, argv, &options) < 0) {
		fputs(usage_text, stderr);
		return 2;
	}
	if (options.help) {
		fputs(usage_text, stdout);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (vfs_trace_register() != SQLITE_OK) {
		fputs("sqlite-vfs: SQLite has no file system here\n", stderr);
		return 1;
	}
	catch_signals();
	return options.path ? work(options.path, options.seconds)
			    : work_in_temporary(options.seconds);
}
