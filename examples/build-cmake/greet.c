/* SPDX-License-Identifier: MIT */
/* Greets whom its arguments name, and traces it. */
#include <stdio.h>
#include <string.h>

#include "trace.h"

int main(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		trace_greet(argv[i], (unsigned int)strlen(argv[i]));
		printf("Hello, %s\n", argv[i]);
	}
	return 0;
}
