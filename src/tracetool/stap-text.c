/* SPDX-License-Identifier: MIT */
/* Pieces of SystemTap's language that several formats write. */

#include "stap-text.h"

#include <string.h>

static bool is_reserved(const char *name)
{
	static const char *const words[] = {
		"break", "catch",    "continue", "delete", "else",
		"for",	 "foreach",  "function", "global", "if",
		"in",	 "limit",    "long",	 "next",   "private",
		"probe", "return",   "self",	 "string", "try",
		"while", "embedded",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], name) == 0)
			return true;
	}
	return false;
}

/* Whether an argument is called name with so many underscores behind it. */
static bool is_argument(const struct tw_event_desc *event, const char *name,
			size_t underscores)
{
	size_t size = strlen(name);

	for (uint32_t i = 0; i < event->field_count; i++) {
		const char *other = event->fields[i].name;

		if (strncmp(other, name, size) == 0 &&
		    strspn(other + size, "_") == underscores &&
		    other[size + underscores] == 0)
			return true;
	}
	return false;
}

void tw_stap_put_name(struct tw_output *out, const struct tw_event_desc *event,
		      uint32_t index)
{
	const char *name = event->fields[index].name;
	size_t underscores = 0;

	tw_output_add(out, "%s", name);
	if (!is_reserved(name))
		return;
	do {
		tw_output_add(out, "_");
		underscores++;
	} while (is_argument(event, name, underscores));
}

void tw_stap_put_alias(struct tw_output *out, const struct tw_job *job,
		       const struct tw_event_desc *event, const char *kind)
{
	tw_output_add(out, "probe %s.%s.%s = %s.%s ?\n{\n", job->probe_prefix,
		      kind, event->name, job->probe_prefix, event->name);
}

void tw_stap_put_strings(struct tw_output *out,
			 const struct tw_event_desc *event, bool lengths)
{
	for (uint32_t i = 0; i < event->field_count; i++) {
		if (event->fields[i].kind != TW_FIELD_STRING)
			continue;
		tw_output_add(out, "  try {\n    arg");
		tw_stap_put_name(out, event, i);
		tw_output_add(out, "_str = ");
		tw_stap_put_name(out, event, i);
		tw_output_add(out, " ? user_string_n(");
		tw_stap_put_name(out, event, i);
		tw_output_add(out, ", 512) : \"<null>\"\n  } catch {}\n");
		if (!lengths)
			continue;
		tw_output_add(out, "  arg");
		tw_stap_put_name(out, event, i);
		tw_output_add(out, "_len = strlen(arg");
		tw_stap_put_name(out, event, i);
		tw_output_add(out, "_str)\n");
	}
}

void tw_stap_put_quoted(struct tw_output *out, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		char escaped[5] = {'\\', (char)c, 0};

		if (c < 0x20 || c >= 0x7f) {
			escaped[1] = (char)('0' + (c >> 6));
			escaped[2] = (char)('0' + (c >> 3 & 7));
			escaped[3] = (char)('0' + (c & 7));
		} else if (c != '"' && c != '\\') {
			escaped[0] = (char)c;
			escaped[1] = 0;
		}
		tw_output_add(out, "%s", escaped);
	}
}
