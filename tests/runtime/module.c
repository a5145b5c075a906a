/* SPDX-License-Identifier: MIT */
/*
 * A module to be loaded and unloaded at run time, of the events that its build
 * chooses: MODULE_HEADER is its trace header, MODULE_CALL its event.
 */
#include <trackway/state.h>

#include MODULE_HEADER

TW_PUBLIC void module_call(uint64_t number);

void module_call(uint64_t number)
{
	MODULE_CALL(number);
}
