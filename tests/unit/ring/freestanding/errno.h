/* SPDX-License-Identifier: MIT */
/* All that src/ring takes from a C library: five numbers. */
#define ENOENT 2
#define EAGAIN 11
#define EROFS 30
#define EBADMSG 74
#define EPROTONOSUPPORT 93
