/* SPDX-License-Identifier: MIT */
/* A SQLite VFS that hands every call on and traces it (trace-events). */
#ifndef SQLITE_VFS_TRACE_H
#define SQLITE_VFS_TRACE_H

#define VFS_TRACE_NAME "traced"

/*
 * Put the traced VFS in front of SQLite's default one and make it the default.
 * To be called once, before any database is opened. Returns SQLite's result
 * code.
 */
int vfs_trace_register(void);

#endif
