/* SPDX-License-Identifier: MIT */
/* First of all in each source file of the guest runtime. */
#ifndef TRACKWAY_GUEST_TARGET_H
#define TRACKWAY_GUEST_TARGET_H

#if defined(__aarch64__) && !defined(__clang__)
/* Else GCC calls functions for atomics that are in its library. */
#pragma GCC target("no-outline-atomics")
#endif

#endif
