/* SPDX-License-Identifier: MIT */
#ifndef MONITORED_STORE_H
#define MONITORED_STORE_H

#define STORE_LINE_MAX 256 /* bytes of a line or an answer, NUL included */

/* What the program is for. Carry out "set KEY VALUE" or "get KEY", of which
 * nothing is left then; returns the answer, good until the next one. */
const char *store_command(char *line);

#endif
