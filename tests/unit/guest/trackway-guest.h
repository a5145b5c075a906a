/* SPDX-License-Identifier: MIT */
/* In the place of what tracetool --emit-guest-runtime writes. */
#include "../../../src/guest/runtime.h"
