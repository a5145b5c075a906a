/* SPDX-License-Identifier: MIT */
/*
 * Every atomic access of the project, with its order in its name. Barriers
 * carry a letter where they are used; docs/ring.md lists the pairs.
 */
#ifndef TRACKWAY_RING_ATOMIC_H
#define TRACKWAY_RING_ATOMIC_H

#include <trackway/types.h>

#define tw_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define tw_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define tw_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define tw_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define tw_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define tw_sub_relaxed(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define tw_exchange_relaxed(p, v) \
	__atomic_exchange_n((p), (v), __ATOMIC_RELAXED)
#define tw_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define tw_fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define tw_fence_seq_cst() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* True if *p was expected and is now desired. */
static inline int tw_cas_acq_rel_u32(uint32_t *p, uint32_t expected,
				     uint32_t desired)
{
	return __atomic_compare_exchange_n(p, &expected, desired, 0,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/*
 * Words of 64 bits that only count or inform, so nothing is ordered by them.
 * Where 8 bytes can't be moved at once they go in halves: a reader may meet
 * them in between, but an add is never lost.
 */
#define TW_HAVE_ATOMIC_U64 (__SIZEOF_POINTER__ >= 8)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TW_LOW_HALF 0
#else
#define TW_LOW_HALF 1
#endif

typedef uint32_t __attribute__((may_alias)) tw_half_word;

static inline uint64_t tw_load_relaxed_u64(const uint64_t *p)
{
#if TW_HAVE_ATOMIC_U64
	return tw_load_relaxed(p);
#else
	const tw_half_word *half = (const tw_half_word *)p;

	return (uint64_t)tw_load_relaxed(&half[!TW_LOW_HALF]) << 32 |
	       tw_load_relaxed(&half[TW_LOW_HALF]);
#endif
}

static inline void tw_store_relaxed_u64(uint64_t *p, uint64_t value)
{
#if TW_HAVE_ATOMIC_U64
	tw_store_relaxed(p, value);
#else
	tw_half_word *half = (tw_half_word *)p;

	tw_store_relaxed(&half[!TW_LOW_HALF], (uint32_t)(value >> 32));
	tw_store_relaxed(&half[TW_LOW_HALF], (uint32_t)value);
#endif
}

static inline void tw_increment_relaxed_u64(uint64_t *p)
{
#if TW_HAVE_ATOMIC_U64
	tw_add_relaxed(p, 1);
#else
	tw_half_word *half = (tw_half_word *)p;

	if (tw_add_relaxed(&half[TW_LOW_HALF], 1) == 0xffffffffu)
		tw_add_relaxed(&half[!TW_LOW_HALF], 1);
#endif
}

static inline int tw_cas_seq_cst_u32(uint32_t *p, uint32_t expected,
				     uint32_t desired)
{
	return __atomic_compare_exchange_n(p, &expected, desired, 0,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

#endif
