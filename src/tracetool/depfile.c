/* SPDX-License-Identifier: MIT */
/* A rule in make's language, which ninja and Meson read as well. */

#include "depfile.h"

#include <errno.h>
#include <string.h>

/* What make would take for its own. A newline has no escape. */
static int put_name(struct tw_output *out, const char *name)
{
	for (; *name; name++) {
		const char letter[2] = {*name, 0};

		if (*name == '\n')
			return -EINVAL;
		if (*name == ' ' || *name == '\t' || *name == '#' ||
		    *name == ':')
			tw_output_add(out, "\\");
		else if (*name == '$')
			tw_output_add(out, "$");
		tw_output_add(out, "%s", letter);
	}
	return 0;
}

int tw_depfile_put(struct tw_output *out, const char *target,
		   struct tw_schema *const *schemas, size_t schema_count)
{
	int error = put_name(out, target);

	tw_output_add(out, ":");
	for (size_t i = 0; i < schema_count; i++) {
		for (uint32_t j = 0; error == 0 && j < schemas[i]->file_count;
		     j++) {
			tw_output_add(out, " \\\n  ");
			error = put_name(out, schemas[i]->files[j]);
		}
	}
	tw_output_add(out, "\n");
	for (size_t i = 0; i < schema_count; i++) {
		for (uint32_t j = 0; error == 0 && j < schemas[i]->file_count;
		     j++) {
			tw_output_add(out, "\n");
			error = put_name(out, schemas[i]->files[j]);
			tw_output_add(out, ":\n");
		}
	}
	return error;
}
