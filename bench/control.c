/* SPDX-License-Identifier: MIT */
/* A program whose event is switched: see control.h. Ends by SIGALRM at last. */
#include "trace-control.h"

#include "control.h"

#include <stdio.h>
#include <unistd.h>

static void look_again(void)
{
	__asm__ volatile("" ::: "memory");
}

int main(void)
{
	alarm(600);
	puts("ready");
	fflush(stdout);
	for (uint32_t round = 0;; round++)
		control_round(round, look_again);
}
