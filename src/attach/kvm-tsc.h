/* SPDX-License-Identifier: MIT */
/*
 * A guest's time stamp counter as KVM knows it: the host's own, scaled, plus an
 * offset, both of which stand in debugfs (KVM/PID-FD/vcpuN/tsc-offset, and
 * tsc-scaling-ratio where the processor scales). So the host can say what the
 * guest's counter shows without asking the guest.
 *
 * Only root can read debugfs, and not every machine has it mounted. No thread;
 * one directory descriptor while it is open.
 */
#ifndef TRACKWAY_ATTACH_KVM_TSC_H
#define TRACKWAY_ATTACH_KVM_TSC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TW_KVM_DEBUGFS "/sys/kernel/debug/kvm"

struct tw_kvm_tsc;

/* What a guest's counter is, of the host's. */
struct tw_kvm_scale {
	int64_t offset;	       /* ticks of the guest */
	uint64_t ratio;	       /* guest's ticks per host's, times 2^fraction */
	unsigned int fraction; /* below 64 */
};

/*
 * The only VM that the process's first thread made, as QEMU's does; root is
 * TW_KVM_DEBUGFS, but in tests. Processors that it gets later are not looked
 * at. -ENOENT: none, or several, or a counter that isn't scaled so; -E2BIG: too
 * many processors; -EACCES and the like. *kvm is freed with tw_kvm_tsc_close().
 */
int tw_kvm_tsc_open(const char *root, pid_t pid, struct tw_kvm_tsc **kvm);
void tw_kvm_tsc_close(struct tw_kvm_tsc *kvm); /* NULL is none */

/*
 * As it is now. It changes when the guest sets its counter, and when the VMM
 * does. -EAGAIN: its processors differ; -ENOENT: the VM is gone; -EBADMSG.
 */
int tw_kvm_tsc_scale(const struct tw_kvm_tsc *kvm, struct tw_kvm_scale *scale);

bool tw_kvm_scale_equals(const struct tw_kvm_scale *scale,
			 const struct tw_kvm_scale *other);

/* The guest's counter when the host's shows tsc. */
uint64_t tw_kvm_scale_apply(const struct tw_kvm_scale *scale, uint64_t tsc);

#endif
