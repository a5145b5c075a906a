/* SPDX-License-Identifier: MIT */
/*
 * outlets [VICTIM]: emit each event of outlets.events once. With VICTIM, then
 * close every file but the standard ones, open VICTIM in their place, and emit
 * one more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "outlets-trace.h"

static char large[2001];

static void emit_all(void)
{
	trace_out_none();
	trace_out_ints(-1, 4000000000u, 0xfedcba9876543210u, true);
	trace_out_text("100% \xc3\xa4", 7, (void *)0x1000);
	trace_out_error(-128);
	trace_out_disabled(1);
	trace_out_bare(-32768, "b");
	memset(large, 'x', sizeof(large) - 1);
	trace_out_text(large, 8, NULL);
}

int main(int argc, char *argv[])
{
	int error = 0;

	printf("enabled %d\n", trace_out_ints_enabled());
	fflush(stdout);
	errno = 77;
	emit_all();
	if (errno != 77) {
		perror("outlets: errno was changed");
		error = 1;
	}
	if (argc > 1) {
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		/* More than one, whichever number was the marker's. */
		for (int fd = 3; fd < 32; fd++) {
			if (open(argv[1], O_WRONLY | O_CREAT, 0600) < 0)
				error = 1;
		}
		trace_out_error(5);
	}
	return error;
}
