/* SPDX-License-Identifier: MIT */
/* What cli.c alone needs of output.c. */
#ifndef TRACKWAY_CLI_OUTPUT_H
#define TRACKWAY_CLI_OUTPUT_H

/*
 * Flush stdout at the program's end. Returns status, or TW_EXIT_FAILED with an
 * error printed if anything written was lost.
 */
int tw_output_finish(int status);

#endif
