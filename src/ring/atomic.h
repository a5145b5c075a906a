/* SPDX-License-Identifier: MIT */
/*
 * Every atomic access of the project, with its order in its name. Barriers
 * carry a letter where they are used; docs/ring.md lists the pairs.
 */
#ifndef TRACKWAY_RING_ATOMIC_H
#define TRACKWAY_RING_ATOMIC_H

#include <trackway/writer.h>

/*
 * In a loop that a compiler would make a call of memset(), memcpy() or strlen()
 * of, which a guest may not have.
 */
#ifdef TW_GUEST
#define TW_KEEP_LOOP() TW_COMPILER_BARRIER()
#else
#define TW_KEEP_LOOP() ((void)0)
#endif

#if defined(TW_GUEST) && !defined(TW_NO_ATOMICS) && \
	!defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_4)
#define TW_NO_ATOMICS 1
#endif

#ifndef TW_NO_ATOMICS

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

static inline int tw_cas_seq_cst_u32(uint32_t *p, uint32_t expected,
				     uint32_t desired)
{
	return __atomic_compare_exchange_n(p, &expected, desired, 0,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

#else

/*
 * A guest's one CPU without compare-and-swap. What reads and then writes runs
 * with interrupts off (TW_GUEST_GUARD_ENTER), so that plain accesses will do;
 * but a host looks on, for which the order of stores is still to be kept.
 */
#define tw_load_relaxed(p) (*(const volatile __typeof__(*(p)) *)(p))
#define tw_store_relaxed(p, v) ((void)(*(volatile __typeof__(*(p)) *)(p) = (v)))
#define tw_store_release(p, v)              \
	do {                                \
		tw_fence_release();         \
		tw_store_relaxed((p), (v)); \
	} while (0)

#if defined(__arm__) && __ARM_ARCH < 6
/* There is no barrier to be had, nor more than one core. */
#define tw_fence_acquire() TW_COMPILER_BARRIER()
#define tw_fence_release() TW_COMPILER_BARRIER()
#define tw_fence_seq_cst() TW_COMPILER_BARRIER()
#else
#define tw_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define tw_fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define tw_fence_seq_cst() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

static inline uint32_t tw_load_acquire(const uint32_t *p)
{
	uint32_t value = tw_load_relaxed(p);

	TW_COMPILER_BARRIER();
	return value;
}

static inline int tw_cas_acq_rel_u32(uint32_t *p, uint32_t expected,
				     uint32_t desired)
{
	if (tw_load_relaxed(p) != expected)
		return 0;
	tw_store_release(p, desired);
	return 1;
}

static inline int tw_cas_seq_cst_u32(uint32_t *p, uint32_t expected,
				     uint32_t desired)
{
	return tw_cas_acq_rel_u32(p, expected, desired);
}

#endif

/*
 * Loads before it are over before the machine's counter is read behind it:
 * counters are read out of order where nothing is said. To be overridden by a
 * guest's configuration.
 */
#ifdef TW_GUEST_CLOCK_FENCE
#define tw_fence_clock() TW_GUEST_CLOCK_FENCE()
#elif defined(__x86_64__) || defined(__SSE2__)
#define tw_fence_clock() __asm__ __volatile__("lfence" ::: "memory")
#elif defined(__i386__)
#define tw_fence_clock() \
	__asm__ __volatile__("lock; orl $0, (%%esp)" ::: "memory", "cc")
#elif defined(__aarch64__)
#define tw_fence_clock() __asm__ __volatile__("dsb ld; isb" ::: "memory")
#elif defined(__arm__) && \
	(__ARM_ARCH >= 7 || (__ARM_ARCH == 6 && __ARM_ARCH_PROFILE == 'M'))
#define tw_fence_clock() __asm__ __volatile__("dsb\n\tisb" ::: "memory")
#elif defined(__riscv)
#define tw_fence_clock() __asm__ __volatile__("fence iorw, iorw" ::: "memory")
#elif defined(__powerpc__)
#define tw_fence_clock() __asm__ __volatile__("sync\n\tisync" ::: "memory")
#else
#define tw_fence_clock() TW_COMPILER_BARRIER()
#endif

/*
 * Words of 64 bits that only count or inform, so nothing is ordered by them.
 * Where 8 bytes can't be moved at once they go in halves: a reader may meet
 * them in between, but an add is never lost.
 */
#ifndef TW_HAVE_ATOMIC_U64
#define TW_HAVE_ATOMIC_U64 (__SIZEOF_POINTER__ >= 8)
#endif

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
#if defined(TW_NO_ATOMICS)
	tw_store_relaxed_u64(p, tw_load_relaxed_u64(p) + 1);
#elif TW_HAVE_ATOMIC_U64
	tw_add_relaxed(p, 1);
#else
	tw_half_word *half = (tw_half_word *)p;

	if (tw_add_relaxed(&half[TW_LOW_HALF], 1) == 0xffffffffu)
		tw_add_relaxed(&half[!TW_LOW_HALF], 1);
#endif
}

#endif
