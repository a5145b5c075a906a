/* SPDX-License-Identifier: MIT */
/* Backend nop: events that cost nothing and go nowhere. */

#include "backend.h"

const struct tw_tool_backend tw_backend_nop = {
	.name = "nop",
	.brief = "Nothing: every event is compiled out",
};
