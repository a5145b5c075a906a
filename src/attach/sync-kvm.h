/* SPDX-License-Identifier: MIT */
/*
 * Inside of src/attach: exchanges that the host makes by itself, since KVM says
 * what the guest's counter is (kvm-tsc.h). A ring need not have that counter,
 * or may have it less something: so an answer of the guest's has to bear it out
 * first, and again after each change.
 */
#ifndef TRACKWAY_ATTACH_SYNC_KVM_H
#define TRACKWAY_ATTACH_SYNC_KVM_H

#include "sync.h"

#include <stdbool.h>

/* What the counter was before an answer, if KVM is right. */
struct tw_kvm_before {
	bool is_known;
	uint64_t counter;
	uint64_t ns; /* when that was, of CLOCK_MONOTONIC */
};

/* Begin an exchange that the guest is asked for. */
void tw_kvm_prove_begin(struct tw_attach *attach, struct tw_kvm_before *before);

/* The guest has just answered this. An answer that is seen late may be from a
 * counter somewhat behind KVM's: it bears nothing out. */
void tw_kvm_prove_end(struct tw_attach *attach,
		      const struct tw_kvm_before *before, uint64_t counter);

/*
 * An exchange without the guest. False: it has to be asked. The caller looks
 * whether the ring is still there.
 */
bool tw_kvm_exchange(struct tw_attach *attach,
		     struct tw_attach_exchange *exchange);

void tw_kvm_link_close(struct tw_attach *attach);

#endif
