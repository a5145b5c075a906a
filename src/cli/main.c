/* SPDX-License-Identifier: MIT */
/* The program; all of it is in a library, so that tests can link it. */
#include "cli.h"

int main(int argc, char **argv)
{
	return tw_cli_main(argc, argv);
}
