/* SPDX-License-Identifier: MIT */
/*
 * The host's counter between two readings of its clock; what KVM says has to be
 * the same before and after.
 */
#include "sync-kvm.h"

#include "ram-source.h"

#include <errno.h>
#include <time.h>

#define REFUTED_MAX 4u	  /* in a row: the ring has another counter */
#define PROOF_NS 1000000u /* an answer that bears KVM out is no older */
#define MOMENT_TRIES 4
#define COUNTER_MASK ((UINT64_C(1) << TW_ATTACH_COUNTER_BITS) - 1)

#if defined(__x86_64__)
static int read_host_counter(uint64_t *tsc)
{
	/* What is before it in the program is before it in time. */
	__builtin_ia32_lfence();
	*tsc = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return 0;
}
#else
static int read_host_counter(uint64_t *tsc)
{
	(void)tsc;
	return -EOPNOTSUPP;
}
#endif

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum tw_kvm_link_state open_link(const struct tw_attach *attach,
					struct tw_kvm_link *link)
{
	const struct tw_ram_memory *memory = tw_attach_memory(attach);
	uint64_t tsc;

	if (!memory || memory->pid <= 0 ||
	    attach->ring.control.clock_kind != TW_CLOCK_TSC ||
	    read_host_counter(&tsc) ||
	    tw_kvm_tsc_open(TW_KVM_DEBUGFS, memory->pid, &link->kvm))
		return TW_KVM_NONE;
	return TW_KVM_UNPROVEN;
}

static bool has_scale(struct tw_attach *attach, struct tw_kvm_scale *scale)
{
	struct tw_kvm_link *link = tw_attach_kvm_link(attach);

	if (link->state == TW_KVM_UNTRIED)
		link->state = open_link(attach, link);
	return link->state != TW_KVM_NONE &&
	       !tw_kvm_tsc_scale(link->kvm, scale);
}

void tw_kvm_prove_begin(struct tw_attach *attach, struct tw_kvm_before *before)
{
	struct tw_kvm_link *link = tw_attach_kvm_link(attach);
	uint64_t tsc;

	before->is_known = has_scale(attach, &link->scale);
	before->ns = now_ns();
	if (before->is_known && !read_host_counter(&tsc))
		before->counter = tw_kvm_scale_apply(&link->scale, tsc);
}

static void refute(struct tw_attach *attach)
{
	if (++tw_attach_kvm_link(attach)->refuted >= REFUTED_MAX)
		tw_kvm_link_close(attach);
}

/* Whether the last ticks of those that took ns were PROOF_NS at most. */
static bool are_few(uint64_t ticks, uint64_t all, uint64_t ns)
{
	return (unsigned __int128)ticks * ns <=
	       (unsigned __int128)all * PROOF_NS;
}

void tw_kvm_prove_end(struct tw_attach *attach,
		      const struct tw_kvm_before *before, uint64_t counter)
{
	struct tw_kvm_link *link = tw_attach_kvm_link(attach);
	struct tw_kvm_scale scale;
	uint64_t tsc, ns, ticks, age;

	if (!before->is_known || read_host_counter(&tsc))
		return;
	ns = now_ns() - before->ns;
	if (!has_scale(attach, &scale) ||
	    !tw_kvm_scale_equals(&scale, &link->scale))
		return;
	ticks = tw_kvm_scale_apply(&scale, tsc) - before->counter;
	age = (before->counter + ticks - counter) & COUNTER_MASK;
	if (age > ticks) {
		refute(attach);
	} else if (ticks <= COUNTER_MASK && are_few(age, ticks, ns)) {
		link->state = TW_KVM_PROVEN;
		link->refuted = 0;
	}
}

/* The closest of some readings: most are not interrupted. */
static int take_moment(const struct tw_kvm_scale *scale,
		       struct tw_attach_exchange *exchange)
{
	uint64_t best = UINT64_MAX;
	uint64_t tsc, t1, t2;
	int err = 0;

	for (int i = 0; !err && i < MOMENT_TRIES; i++) {
		t1 = now_ns();
		err = read_host_counter(&tsc);
		t2 = now_ns();
		if (err || t2 - t1 >= best)
			continue;
		best = t2 - t1;
		*exchange = (struct tw_attach_exchange){
			.counter = tw_kvm_scale_apply(scale, tsc) &
				   COUNTER_MASK,
			.t1 = t1,
			.t2 = t2,
			.is_kvm = true,
		};
	}
	return err;
}

bool tw_kvm_exchange(struct tw_attach *attach,
		     struct tw_attach_exchange *exchange)
{
	struct tw_kvm_link *link = tw_attach_kvm_link(attach);
	struct tw_attach_exchange found;
	struct tw_kvm_scale scale;

	if (link->state != TW_KVM_PROVEN)
		return false;
	if (take_moment(&link->scale, &found) || !has_scale(attach, &scale) ||
	    !tw_kvm_scale_equals(&scale, &link->scale)) {
		link->state = TW_KVM_UNPROVEN;
		return false;
	}
	*exchange = found;
	return true;
}

void tw_kvm_link_close(struct tw_attach *attach)
{
	struct tw_kvm_link *link = tw_attach_kvm_link(attach);

	tw_kvm_tsc_close(link->kvm);
	link->kvm = NULL;
	link->state = TW_KVM_NONE;
}
