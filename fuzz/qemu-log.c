/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as QEMU's log, the first of which says in what pieces it grows:
 * what is read by following it is what is read of the whole. Times are not
 * compared, since lines that have none are as old as the file.
 */
#include "target.h"

#include "foreign-walk.h"

bool fuzz_accepted;

static struct fuzz_told read_whole(const uint8_t *data, size_t size)
{
	const struct fuzz_file file = fuzz_file_create(data, size);
	struct tw_trace *trace = fuzz_foreign_open("qemu-log:", &file, false);
	struct fuzz_told told = {0};

	FUZZ_CHECK(trace);
	fuzz_foreign_tell(trace, true, &told, NULL, NULL);
	fuzz_accepted = told.events && !tw_trace_warning_count(trace);
	tw_trace_destroy(trace);
	fuzz_file_destroy(&file);
	return told;
}

static struct fuzz_told follow(const uint8_t *data, size_t size, size_t piece)
{
	const struct fuzz_file file = fuzz_file_create(data, 0);
	struct tw_trace *trace = fuzz_foreign_open("qemu-log:", &file, true);
	struct fuzz_told told = {0};
	size_t part;

	FUZZ_CHECK(trace);
	for (; size; data += part, size -= part) {
		part = size < piece ? size : piece;
		fuzz_file_append(&file, data, part);
		fuzz_foreign_tell(trace, false, &told, NULL, NULL);
	}
	fuzz_foreign_tell(trace, true, &told, NULL, NULL);
	tw_trace_destroy(trace);
	fuzz_file_destroy(&file);
	return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_told whole, pieces;

	/* Longer lines than these are cut where they happen to be. */
	if (size < 1 || size > (32u << 10))
		return 0;
	whole = read_whole(data + 1, size - 1);
	/* Not too many of them. */
	pieces = follow(data + 1, size - 1, 1 + data[0] + size / 128);
	FUZZ_CHECK(whole.events == pieces.events);
	FUZZ_CHECK(whole.sum == pieces.sum);
	FUZZ_CHECK(!whole.lost && !pieces.lost);
	return 0;
}
