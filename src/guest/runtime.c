/* SPDX-License-Identifier: MIT */
/*
 * All sources of the guest runtime, which tracetool --emit-guest-runtime writes
 * as one. What several of them include comes first, out of the conditions.
 */
#include "target.h"

#include "runtime.h"

#include "hooks.h"

#if !defined(TW_GUEST_NO_RING) && !defined(TW_GUEST_NO_CLOCK)
#include "guest.c" /* NOLINT(bugprone-suspicious-include) */
#endif

#ifndef TW_GUEST_NO_CHANNEL
#include "channel.c"	      /* NOLINT(bugprone-suspicious-include) */
#include "transport-fw-cfg.c" /* NOLINT(bugprone-suspicious-include) */
#include "transport-stream.c" /* NOLINT(bugprone-suspicious-include) */
#endif
