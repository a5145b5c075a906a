/* SPDX-License-Identifier: MIT */
/*
 * What tracetool's format guest is to call for a string whose address the guest
 * has sent: in the place of the header with the events, which it includes.
 */
#ifndef VMM_GUEST_STRING_H
#define VMM_GUEST_STRING_H

#include "trace.h"

#include <stdint.h>

#define TRACKWAY_GUEST_STRING(address) guest_string(address)

/* A copy; see memory_string(). */
const char *guest_string(uint64_t address);

#endif
