/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a file of QEMU's simple backend. What is read is written again,
 * and read again: there is as much of it.
 */
#include "target.h"

#include "../src/trace/write-simpletrace.h"
#include "foreign-walk.h"

#include <string.h>

bool fuzz_accepted;

static void write_record(void *context, const struct tw_record *record)
{
	FUZZ_CHECK(!tw_simpletrace_write(context, record));
}

static bool ends_early(const struct tw_trace *trace)
{
	return !tw_trace_producer(trace, 0)->complete;
}

static struct fuzz_told read_file(const struct fuzz_file *file,
				  struct tw_simpletrace *writer, bool *whole)
{
	struct tw_trace *trace = fuzz_foreign_open("simpletrace:", file, false);
	struct fuzz_told told = {0};

	if (trace)
		fuzz_foreign_tell(trace, true, &told,
				  writer ? write_record : NULL, writer);
	*whole = trace && !ends_early(trace);
	/* Before the trace goes. */
	FUZZ_CHECK(!tw_simpletrace_close(writer));
	tw_trace_destroy(trace);
	return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fuzz_file file = fuzz_file_create(data, size);
	const struct fuzz_file copy = fuzz_file_create(data, 0);
	struct tw_simpletrace *writer;
	struct tw_attach_error error;
	struct fuzz_told told, again;
	bool whole;

	FUZZ_CHECK(!tw_simpletrace_create(copy.path, false, &writer, &error));
	told = read_file(&file, writer, &whole);
	fuzz_accepted = whole && told.events;
	again = read_file(&copy, NULL, &whole);
	FUZZ_CHECK(whole);
	FUZZ_CHECK(again.events == told.events);
	FUZZ_CHECK(again.lost == told.lost);
	/* And it may be added to, or it is left alone. */
	if (!tw_simpletrace_create(file.path, true, &writer, &error))
		FUZZ_CHECK(!tw_simpletrace_close(writer));
	fuzz_file_destroy(&file);
	fuzz_file_destroy(&copy);
	return 0;
}
