/* SPDX-License-Identifier: MIT */
/*
 * The integer types that every Trackway header is written with. A firmware
 * whose own headers clash with <stdint.h> defines TW_TYPES_HEADER to the name
 * of a header that declares uint8_t to uint64_t, int8_t to int64_t, uintptr_t,
 * size_t and bool; in its configuration, if it likes (trackway/guest.h).
 */
#ifndef TRACKWAY_TYPES_H
#define TRACKWAY_TYPES_H

#ifdef TW_GUEST_CONFIG
#include TW_GUEST_CONFIG
#endif

#ifdef TW_TYPES_HEADER
#include TW_TYPES_HEADER
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#if !defined(NULL) && !defined(__cplusplus)
#define NULL ((void *)0)
#endif
#if !defined(true) && !defined(__cplusplus)
#define true 1
#define false 0
#endif
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
#define TW_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
#define TW_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#endif
