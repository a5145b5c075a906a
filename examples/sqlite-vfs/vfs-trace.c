/* SPDX-License-Identifier: MIT */
/*
 * The shim: SQLite calls these functions, they call the real VFS's and then
 * emit an event that says what was asked for, what came of it and how long it
 * took. The clock is read only while the event is on, so that an event that is
 * off costs its test and nothing else.
 *
 * A traced file is ours with the real VFS's file behind it in one allocation,
 * which SQLite makes (szOsFile says how large).
 */
#include "vfs-trace.h"

#include <sqlite3.h>
#include <stdint.h>
#include <time.h>

#include "trace-sqlite-vfs.h"

struct traced_file {
	sqlite3_file base;
	uint32_t id;
	sqlite3_file *real;
};

/* Where the real file begins: aligned for whatever it holds. */
#define REAL_OFFSET ((sizeof(struct traced_file) + 15) & ~(size_t)15)

/* When a call began, or 0 while its event is off. */
#define CALL_BEGIN(event) (trace_##event##_enabled() ? now_ns() : 0)

static sqlite3_vfs *real_vfs;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct traced_file *traced(sqlite3_file *file)
{
	return (struct traced_file *)file;
}

static sqlite3_file *real(sqlite3_file *file)
{
	return traced(file)->real;
}

/* Files */

static int traced_close(sqlite3_file *file)
{
	uint64_t begin = CALL_BEGIN(vfs_close);
	int result = real(file)->pMethods->xClose(real(file));

	if (begin)
		trace_vfs_close(traced(file)->id, result, now_ns() - begin);
	return result;
}

static int traced_read(sqlite3_file *file, void *to, int amount,
		       sqlite3_int64 offset)
{
	uint64_t begin = CALL_BEGIN(vfs_read);
	int result = real(file)->pMethods->xRead(real(file), to, amount,
						 offset);

	if (begin)
		trace_vfs_read(traced(file)->id, offset, amount, result,
			       now_ns() - begin);
	return result;
}

static int traced_write(sqlite3_file *file, const void *from, int amount,
			sqlite3_int64 offset)
{
	uint64_t begin = CALL_BEGIN(vfs_write);
	int result = real(file)->pMethods->xWrite(real(file), from, amount,
						  offset);

	if (begin)
		trace_vfs_write(traced(file)->id, offset, amount, result,
				now_ns() - begin);
	return result;
}

static int traced_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	uint64_t begin = CALL_BEGIN(vfs_truncate);
	int result = real(file)->pMethods->xTruncate(real(file), size);

	if (begin)
		trace_vfs_truncate(traced(file)->id, size, result,
				   now_ns() - begin);
	return result;
}

static int traced_sync(sqlite3_file *file, int flags)
{
	uint64_t begin = CALL_BEGIN(vfs_sync);
	int result = real(file)->pMethods->xSync(real(file), flags);

	if (begin)
		trace_vfs_sync(traced(file)->id, flags, result,
			       now_ns() - begin);
	return result;
}

static int traced_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real(file)->pMethods->xFileSize(real(file), size);
}

static int traced_lock(sqlite3_file *file, int level)
{
	uint64_t begin = CALL_BEGIN(vfs_lock);
	int result = real(file)->pMethods->xLock(real(file), level);

	if (begin)
		trace_vfs_lock(traced(file)->id, level, result,
			       now_ns() - begin);
	return result;
}

static int traced_unlock(sqlite3_file *file, int level)
{
	uint64_t begin = CALL_BEGIN(vfs_unlock);
	int result = real(file)->pMethods->xUnlock(real(file), level);

	if (begin)
		trace_vfs_unlock(traced(file)->id, level, result,
				 now_ns() - begin);
	return result;
}

static int traced_check_reserved_lock(sqlite3_file *file, int *reserved)
{
	return real(file)->pMethods->xCheckReservedLock(real(file), reserved);
}

static int traced_file_control(sqlite3_file *file, int op, void *argument)
{
	uint64_t begin = CALL_BEGIN(vfs_file_control);
	int result = real(file)->pMethods->xFileControl(real(file), op,
							argument);

	if (begin)
		trace_vfs_file_control(traced(file)->id, op, result,
				       now_ns() - begin);
	return result;
}

static int traced_sector_size(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

static int traced_device_characteristics(sqlite3_file *file)
{
	return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int traced_shm_map(sqlite3_file *file, int page, int page_size,
			  int extend, void volatile **to)
{
	return real(file)->pMethods->xShmMap(real(file), page, page_size,
					     extend, to);
}

static int traced_shm_lock(sqlite3_file *file, int first, int count, int flags)
{
	uint64_t begin = CALL_BEGIN(vfs_shm_lock);
	int result = real(file)->pMethods->xShmLock(real(file), first, count,
						    flags);

	if (begin)
		trace_vfs_shm_lock(traced(file)->id, first, count, flags,
				   result, now_ns() - begin);
	return result;
}

static void traced_shm_barrier(sqlite3_file *file)
{
	real(file)->pMethods->xShmBarrier(real(file));
}

static int traced_shm_unmap(sqlite3_file *file, int remove)
{
	return real(file)->pMethods->xShmUnmap(real(file), remove);
}

static int traced_fetch(sqlite3_file *file, sqlite3_int64 offset, int amount,
			void **to)
{
	return real(file)->pMethods->xFetch(real(file), offset, amount, to);
}

static int traced_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page)
{
	return real(file)->pMethods->xUnfetch(real(file), offset, page);
}

/* One table for each version: SQLite must not call what the real file lacks. */
#define METHODS(version)                                                 \
	{                                                                \
		.iVersion = (version), .xClose = traced_close,           \
		.xRead = traced_read, .xWrite = traced_write,            \
		.xTruncate = traced_truncate, .xSync = traced_sync,      \
		.xFileSize = traced_file_size, .xLock = traced_lock,     \
		.xUnlock = traced_unlock,                                \
		.xCheckReservedLock = traced_check_reserved_lock,        \
		.xFileControl = traced_file_control,                     \
		.xSectorSize = traced_sector_size,                       \
		.xDeviceCharacteristics = traced_device_characteristics, \
		.xShmMap = traced_shm_map, .xShmLock = traced_shm_lock,  \
		.xShmBarrier = traced_shm_barrier,                       \
		.xShmUnmap = traced_shm_unmap, .xFetch = traced_fetch,   \
		.xUnfetch = traced_unfetch,                              \
	}

static const sqlite3_io_methods methods[] = {
	METHODS(1),
	METHODS(2),
	METHODS(3),
};

static const sqlite3_io_methods *methods_for(const sqlite3_file *real_file)
{
	int version;

	if (!real_file->pMethods)
		return NULL;
	version = real_file->pMethods->iVersion;
	if (version > 3)
		version = 3;
	return &methods[version - 1];
}

/* The file system */

static int traced_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
		       int flags, int *flags_out)
{
	static uint32_t opens;
	struct traced_file *f = traced(file);
	uint64_t begin = CALL_BEGIN(vfs_open);
	int result;

	f->id = __atomic_add_fetch(&opens, 1, __ATOMIC_RELAXED);
	f->real = (sqlite3_file *)((char *)file + REAL_OFFSET);
	result = real_vfs->xOpen(real_vfs, path, f->real, flags, flags_out);
	/* Also after a failure: SQLite closes what has methods. */
	f->base.pMethods = methods_for(f->real);
	if (begin)
		trace_vfs_open(f->id, path, flags, result, now_ns() - begin);
	return result;
}

static int traced_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
	uint64_t begin = CALL_BEGIN(vfs_delete);
	int result = real_vfs->xDelete(real_vfs, path, sync_directory);

	if (begin)
		trace_vfs_delete(path, result, now_ns() - begin);
	return result;
}

static int traced_access(sqlite3_vfs *vfs, const char *path, int flags,
			 int *result)
{
	return real_vfs->xAccess(real_vfs, path, flags, result);
}

static int traced_full_pathname(sqlite3_vfs *vfs, const char *path, int size,
				char *to)
{
	return real_vfs->xFullPathname(real_vfs, path, size, to);
}

static int traced_randomness(sqlite3_vfs *vfs, int size, char *to)
{
	return real_vfs->xRandomness(real_vfs, size, to);
}

static int traced_sleep(sqlite3_vfs *vfs, int microseconds)
{
	return real_vfs->xSleep(real_vfs, microseconds);
}

static int traced_current_time(sqlite3_vfs *vfs, double *now)
{
	return real_vfs->xCurrentTime(real_vfs, now);
}

static int traced_get_last_error(sqlite3_vfs *vfs, int size, char *to)
{
	return real_vfs->xGetLastError(real_vfs, size, to);
}

int vfs_trace_register(void)
{
	/* Version 1, with no loading of extensions: all that is needed. */
	static sqlite3_vfs vfs = {
		.iVersion = 1,
		.zName = VFS_TRACE_NAME,
		.xOpen = traced_open,
		.xDelete = traced_delete,
		.xAccess = traced_access,
		.xFullPathname = traced_full_pathname,
		.xRandomness = traced_randomness,
		.xSleep = traced_sleep,
		.xCurrentTime = traced_current_time,
		.xGetLastError = traced_get_last_error,
	};

	real_vfs = sqlite3_vfs_find(NULL);
	if (!real_vfs)
		return SQLITE_ERROR;
	vfs.szOsFile = (int)REAL_OFFSET + real_vfs->szOsFile;
	vfs.mxPathname = real_vfs->mxPathname;
	return sqlite3_vfs_register(&vfs, 1);
}
