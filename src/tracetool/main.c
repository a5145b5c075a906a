/* SPDX-License-Identifier: MIT */
/* The tracetool command. */

#include "tracetool.h"

int main(int argc, char *argv[])
{
	return tw_tracetool_run(argc, argv, stdout, stderr);
}
