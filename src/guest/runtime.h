/* SPDX-License-Identifier: MIT */
/* All headers of the guest runtime, which tracetool --emit-guest-runtime writes
 * as one. */
#include <trackway/guest.h>

#include <trackway/guest-channel.h>
#include <trackway/guest-log.h>
