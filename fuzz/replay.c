/* SPDX-License-Identifier: MIT */
/*
 * Give a target the files of its corpus, as an ordinary test. What a fuzzer has
 * found becomes a file there, and is never lost again.
 *
 * usage: fuzz-replay-TARGET DIRECTORY...
 */
#include "target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int failed;
static unsigned int files;

/* Exactly as large as the file, so that reading past its end shows. */
static uint8_t *read_file(const char *path, size_t *size)
{
	struct stat status;
	uint8_t *bytes;
	FILE *file;

	if (stat(path, &status) || !S_ISREG(status.st_mode))
		return NULL;
	*size = (size_t)status.st_size;
	bytes = malloc(*size);
	file = fopen(path, "rbe");
	if (file && (bytes || !*size) &&
	    fread(bytes, 1, *size, file) == *size) {
		fclose(file);
		return bytes;
	}
	fprintf(stderr, "%s: cannot read\n", path);
	exit(2);
}

static void replay(const char *directory, const char *name)
{
	char path[4096];
	uint8_t *bytes;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	bytes = read_file(path, &size);
	if (!bytes && size == 0)
		return;
	fuzz_accepted = false;
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	files++;
	if (strncmp(name, "good-", 5) == 0 && !fuzz_accepted) {
		fprintf(stderr, "%s: not accepted\n", path);
		failed = 1;
	}
}

int main(int argc, char **argv)
{
	const struct dirent *entry;
	DIR *directory;
	int i;

	for (i = 1; i < argc; i++) {
		directory = opendir(argv[i]);
		if (!directory) {
			fprintf(stderr, "%s: cannot open\n", argv[i]);
			return 2;
		}
		while ((entry = readdir(directory)))
			if (entry->d_name[0] != '.')
				replay(argv[i], entry->d_name);
		closedir(directory);
	}
	printf("%u files\n", files);
	return failed || files == 0;
}
