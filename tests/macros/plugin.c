/* SPDX-License-Identifier: MIT */
/* A module that comes and goes, with an event of its own. */
#include <trackway/tracepoint.h>

#ifdef __cplusplus
extern "C"
#endif
	__attribute__((visibility("default"))) void
	plugin_run(int number);

/* clang-format off */
DECLARE_TRACE(plugin_event, TP_PROTO(int number), TP_ARGS(number),
	TP_STRUCT__entry(__field(int, number);))

DEFINE_TRACE(plugin_event, TP_PROTO(int number),
	TP_fast_assign(__entry->number = number;),
	TP_printk("number %d", __entry->number))
/* clang-format on */

void plugin_run(int number)
{
	trace_plugin_event(number);
}
