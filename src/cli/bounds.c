/* SPDX-License-Identifier: MIT */
/* Bounds of times. Called by print-text.c, print-json.c and cmd-stat.c. */
#include "bounds.h"

#include <inttypes.h>
#include <stdio.h>

struct tw_bound_text tw_bound_of(char sign, uint64_t ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	struct tw_bound_text bound;
	uint64_t unit = 1, step, digits;
	int places = 2;
	size_t i = 0;

	if (ns < 1000) {
		snprintf(bound.text, sizeof(bound.text), "%c%" PRIu64 "%s",
			 sign, ns, ns ? "ns" : "");
		return bound;
	}
	for (; i < 3 && ns / unit >= 1000; i++)
		unit *= 1000;
	for (step = unit / 100; places && ns / step >= 1000; places--)
		step *= 10;
	digits = ns / step + (ns % step != 0);
	if (ns == TW_BOUND_UNKNOWN)
		snprintf(bound.text, sizeof(bound.text), "%c?", sign);
	else if (places)
		snprintf(bound.text, sizeof(bound.text),
			 "%c%" PRIu64 ".%0*" PRIu64 "%s", sign,
			 digits / (unit / step), places, digits % (unit / step),
			 units[i]);
	else
		snprintf(bound.text, sizeof(bound.text), "%c%" PRIu64 "%s",
			 sign, digits, units[i]);
	return bound;
}

static void add(struct tw_json *json, const char *key, uint64_t ns)
{
	if (ns == TW_BOUND_UNKNOWN)
		tw_json_null(json, key);
	else
		tw_json_u64(json, key, ns);
}

void tw_bounds_json(struct tw_json *json, uint64_t plus_ns, uint64_t minus_ns)
{
	add(json, "plus_ns", plus_ns);
	add(json, "minus_ns", minus_ns);
}
