/* SPDX-License-Identifier: MIT */
/* A CPU of KVM's: three ioctl() calls to make it, one for each time it runs. */
#include "cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * 64-bit mode has pages. These three tables map the first GiB to itself, in
 * pages of 2 MiB; they lie in what of the guest's memory no image uses.
 */
#define TABLE_ROOT 0x1000u
#define TABLE_POINTERS 0x2000u
#define TABLE_DIRECTORY 0x3000u
#define TABLE_ENTRIES 512u
#define PAGE_PRESENT_WRITABLE 3u
#define PAGE_LARGE 0x80u

/* Three pages that VT-x wants to have on older processors, above the memory. */
#define TSS_ADDRESS 0xfffbd000u

#define CR0_PROTECTED 0x1u
#define CR0_NUMERIC_ERROR 0x20u
#define CR0_PAGING 0x80000000u
#define CR4_PAE 0x20u
#define EFER_LONG 0x500u /* enabled and active */
#define FLAGS_RESERVED 0x2u

struct cpu {
	const struct memory *memory;
	const struct cpu_ports *ports;
	struct kvm_run *run;
	size_t run_size;
	int kvm, vm, vcpu;
};

static void put_entry(const struct memory *memory, uint64_t table,
		      uint32_t index, uint64_t value)
{
	memcpy(memory->base + table + index * sizeof(value), &value,
	       sizeof(value));
}

static void map_memory(const struct memory *memory)
{
	put_entry(memory, TABLE_ROOT, 0,
		  TABLE_POINTERS | PAGE_PRESENT_WRITABLE);
	put_entry(memory, TABLE_POINTERS, 0,
		  TABLE_DIRECTORY | PAGE_PRESENT_WRITABLE);
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
		put_entry(memory, TABLE_DIRECTORY, i,
			  (uint64_t)i << 21 | PAGE_LARGE |
				  PAGE_PRESENT_WRITABLE);
}

static int open_machine(struct cpu *cpu)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = cpu->memory->size,
		.userspace_addr = (uintptr_t)cpu->memory->base,
	};

	cpu->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (cpu->kvm < 0)
		return -errno;
	if (ioctl(cpu->kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return -ENOTSUP;
	cpu->vm = ioctl(cpu->kvm, KVM_CREATE_VM, 0);
	if (cpu->vm < 0 ||
	    ioctl(cpu->vm, KVM_SET_TSS_ADDR, (unsigned long)TSS_ADDRESS) < 0 ||
	    ioctl(cpu->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -errno;
	return 0;
}

static int open_vcpu(struct cpu *cpu)
{
	int size = ioctl(cpu->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	if (size < 0)
		return -errno;
	cpu->vcpu = ioctl(cpu->vm, KVM_CREATE_VCPU, 0);
	if (cpu->vcpu < 0)
		return -errno;
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   cpu->vcpu, 0);
	if (run == MAP_FAILED)
		return -errno;
	cpu->run = run;
	cpu->run_size = (size_t)size;
	return 0;
}

static void kvm_close(struct cpu *cpu)
{
	const int fds[] = {cpu->vcpu, cpu->vm, cpu->kvm};

	if (cpu->run)
		munmap(cpu->run, cpu->run_size);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	free(cpu);
}

static int kvm_open(struct cpu **to, const struct memory *memory,
		    const struct cpu_ports *ports)
{
	struct cpu *cpu = calloc(1, sizeof(*cpu));
	int err;

	if (!cpu)
		return -ENOMEM;
	cpu->memory = memory;
	cpu->ports = ports;
	cpu->kvm = cpu->vm = cpu->vcpu = -1;
	err = open_machine(cpu);
	if (!err)
		err = open_vcpu(cpu);
	if (err)
		kvm_close(cpu);
	else
		*to = cpu;
	return err;
}

static struct kvm_segment segment(bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = code ? 0x8 : 0x10,
		.type = code ? 0xb : 0x3, /* accessed, readable or writable */
		.present = 1,
		.s = 1,
		.l = code,
		.db = !code,
		.g = 1,
	};
}

/* What OUT was doing when the CPU stopped is to end before it is reset. */
static int finish_instruction(struct cpu *cpu)
{
	int err = 0;

	cpu->run->immediate_exit = 1;
	if (ioctl(cpu->vcpu, KVM_RUN, 0) < 0 && errno != EINTR)
		err = -errno;
	cpu->run->immediate_exit = 0;
	return err;
}

static int kvm_reset(struct cpu *cpu, const struct cpu_start *start)
{
	struct kvm_regs regs = {
		.rip = start->entry,
		.rsp = start->stack,
		.rdi = start->argument,
		.rflags = FLAGS_RESERVED,
	};
	struct kvm_sregs sregs;
	int err = finish_instruction(cpu);

	if (err)
		return err;
	map_memory(cpu->memory);
	if (ioctl(cpu->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	sregs.cs = segment(true);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment(false);
	sregs.cr3 = TABLE_ROOT;
	sregs.cr4 = CR4_PAE;
	sregs.cr0 = CR0_PROTECTED | CR0_NUMERIC_ERROR | CR0_PAGING;
	sregs.efer = EFER_LONG;
	if (ioctl(cpu->vcpu, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(cpu->vcpu, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

/* One exit may stand for several accesses: those of a REP OUTSB. */
static bool serve_ports(struct cpu *cpu)
{
	const struct cpu_ports *ports = cpu->ports;
	const uint16_t port = cpu->run->io.port;
	const uint32_t size = cpu->run->io.size;
	uint8_t *data = (uint8_t *)cpu->run + cpu->run->io.data_offset;
	bool goes_on = true;

	for (uint32_t i = 0; i < cpu->run->io.count; i++, data += size) {
		uint32_t value = 0;

		if (cpu->run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, size);
			goes_on &= ports->out(ports->context, port, size,
					      value);
		} else {
			value = ports->in(ports->context, port, size);
			memcpy(data, &value, size);
		}
	}
	return goes_on;
}

static enum cpu_exit reason(uint32_t exit)
{
	switch (exit) {
	case KVM_EXIT_HLT:
		return CPU_HALTED;
	case KVM_EXIT_SHUTDOWN:
		return CPU_SHUTDOWN;
	case KVM_EXIT_MMIO:
		return CPU_BAD_ADDRESS;
	default:
		return CPU_OTHER;
	}
}

static int kvm_run(struct cpu *cpu, enum cpu_exit *why)
{
	for (;;) {
		if (ioctl(cpu->vcpu, KVM_RUN, 0) < 0) {
			*why = CPU_INTERRUPTED;
			return errno == EINTR ? 0 : -errno;
		}
		if (cpu->run->exit_reason != KVM_EXIT_IO) {
			*why = reason(cpu->run->exit_reason);
			return 0;
		}
		if (!serve_ports(cpu)) {
			*why = CPU_ASKED;
			return 0;
		}
	}
}

const struct cpu_kind cpu_kvm = {
	.name = "kvm",
	.open = kvm_open,
	.reset = kvm_reset,
	.run = kvm_run,
	.close = kvm_close,
};
